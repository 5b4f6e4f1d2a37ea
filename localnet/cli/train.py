"""``localnet train``: a network on the data that come with the package."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import config, datasets
from .._typing import Array
from .._validate import shown
from ..callbacks.progress import TrainingBar
from ..files import formats
from ..layers import Dense, Dropout, Flatten, LocallyConnected2D
from ..models import Sequential
from ..optimizers import SGD, ExponentialDecay
from ..trials import run_trials
from .arguments import Commands, add_workers, epilog, integer

__all__ = ["add_command", "train_digits"]

TRAIN = """\
Train a small locally connected network on data that come with the package, say how
well it does on images that it has not seen, and save it.

digits: 1797 handwritten digits of 8x8 pixels (UCI, CC BY 4.0); one fifth is held out.
The network is two LocallyConnected2D layers, 3x3 with 16 filters each, and a softmax
over the ten digits, trained by stochastic gradient descent.
"""

TRAIN_EXAMPLES = """\
localnet train digits                       some seconds on two cores
localnet train digits --seeds 5             five networks, mean and spread
localnet train digits --split writers       hold out people it has never seen
localnet train digits --save my-model.npz   then: localnet.load_model("my-model.npz")
"""


def add_command(commands: Commands) -> None:
    """Add ``train`` to the commands."""
    train = commands.add_parser(
        "train",
        help="train a locally connected network on data that come with the package",
        description=TRAIN,
        epilog=epilog(TRAIN_EXAMPLES),
    )
    train.add_argument("data", choices=["digits"], help="what to learn")
    train.add_argument(
        "--epochs",
        type=integer("--epochs", minimum=1),
        default=40,
        metavar="N",
        help="passes over the data (default: 40)",
    )
    train.add_argument(
        "--batch-size",
        type=integer("--batch-size", minimum=1),
        default=32,
        metavar="N",
        help="images per update (default: 32)",
    )
    train.add_argument(
        "--seed",
        type=integer("--seed", minimum=0),
        default=0,
        metavar="N",
        help="seed of weights, dropout and shuffling; same seed, same result "
        "(default: 0)",
    )
    train.add_argument(
        "--seeds",
        type=integer("--seeds", minimum=1),
        default=1,
        metavar="N",
        help="train N networks, from --seed on, and report mean and spread; "
        "the last one is saved (default: 1)",
    )
    add_workers(train)
    train.add_argument(
        "--split",
        choices=datasets.digits.SPLITS,
        default="classes",
        help="what is held out: a fifth of every class, or the last fifth of the file, "
        "which other people wrote and which is harder (default: classes)",
    )
    train.add_argument(
        "--engine",
        choices=config.ENGINES,
        default=config.get_engine(),
        help="what computes the layers; all give the same answers (default: blocked)",
    )
    train.add_argument(
        "--threads",
        type=integer("--threads", minimum=1),
        default=None,
        metavar="N",
        help="threads of the blocked engine (default: the CPUs at hand)",
    )
    train.add_argument(
        "--save",
        type=_model_file,
        default="localnet-digits.npz",
        metavar="FILE",
        help="where the model goes: .npz, or .keras or .h5, which needs the extra h5 "
        "(default: localnet-digits.npz)",
    )
    train.add_argument(
        "--quiet", action="store_true", help="show no progress and no table"
    )
    train.set_defaults(run=train_digits, interrupted="interrupted, no model was saved")


def _model_file(text: str) -> Path:
    """Refuse, before minutes are spent, a place that cannot be written to."""
    try:
        return formats.checked_path(text, "--save")
    except (ValueError, ImportError) as error:
        raise argparse.ArgumentError(None, str(error)) from None
    except OSError as error:
        raise argparse.ArgumentError(
            None,
            f"--save must be a file that can be written, got {shown(text)}: "
            f"{error.strerror}",
        ) from None


def _digits_network(seed: int, updates: int) -> Sequential:
    """
    Return the network, compiled.

    Sizes, rates and the number of epochs were chosen on a validation fifth of the
    training part; the test part was not looked at.
    """
    local: dict[str, Any] = {
        "activation": "relu",
        "kernel_initializer": "he_uniform",
        "fans": "local",
        "data_format": "channels_last",  # whatever the user's keras.json says
    }
    model = Sequential(
        [
            LocallyConnected2D(16, 3, padding="same", input_shape=(8, 8, 1), **local),
            LocallyConnected2D(16, 3, **local),
            Flatten(),
            Dropout(0.5),
            Dense(10, activation="softmax"),
        ],
        name="digits",
        seed=seed,
    )
    rate = ExponentialDecay(0.1, decay_steps=updates, decay_rate=0.1)
    model.compile(
        SGD(rate, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


class Training(NamedTuple):
    """All that one network depends on."""

    seed: int
    epochs: int
    batch_size: int
    split: str
    engine: str


class Trained(NamedTuple):
    """A network, the share of held-out digits that it got right, and its time."""

    model: Sequential
    accuracy: float
    seconds: float


def train_digits(options: argparse.Namespace) -> int:
    """Train, say how well it went, and save the last network."""
    trainings = [
        Training(
            seed, options.epochs, options.batch_size, options.split, options.engine
        )
        for seed in range(options.seed, options.seed + options.seeds)
    ]
    if options.jobs > 1 or options.dask is not None:
        trained = _side_by_side(trainings, options)
    else:
        trained = _one_by_one(trainings, options)
    accuracies = [each.accuracy for each in trained]
    if len(accuracies) > 1:
        print(
            f"mean of {len(accuracies)} seeds: {np.mean(accuracies):.2%}, "
            f"standard deviation {np.std(accuracies, ddof=1):.2%}"
        )
    print(f"parameters: {trained[-1].model.count_params():,}")
    print(f"saved: {options.save}")
    return 0


def _one_by_one(
    trainings: Sequence[Training], options: argparse.Namespace
) -> list[Trained]:
    """Train in this process, and show every epoch."""
    # Also without the option: a wrong environment is found before the training.
    config.set_num_threads(options.threads or config.get_num_threads())
    config.set_engine(options.engine)
    trained = []
    for training in trainings:
        show = not options.quiet and training is trainings[0]
        trained.append(_train(training, show=show, progress=not options.quiet))
        if training is trainings[-1]:  # before the words, whose reader may be gone
            trained[-1].model.save(options.save)
        _say(training, trained[-1])
    return trained


def _side_by_side(
    trainings: Sequence[Training], options: argparse.Namespace
) -> list[Trained]:
    """Train in workers, and show how many are done."""
    if options.threads is not None:
        raise ValueError(
            "--threads must be left out where workers train, each with one thread, "
            f"got {options.threads}"
        )
    trained = run_trials(
        _train,
        trainings,
        jobs=options.jobs,
        dask=options.dask,
        verbose=not options.quiet,
    )
    trained[-1].model.save(options.save)
    for training, each in zip(trainings, trained, strict=True):
        _say(training, each)
    return trained


def _train(
    training: Training, *, show: bool = False, progress: bool = False
) -> Trained:
    train, test = datasets.load_digits(split=training.split)
    (x_train, y_train), (x_test, y_test) = _scaled(*train), _scaled(*test)
    updates = training.epochs * -(-len(x_train) // training.batch_size)
    model = _digits_network(training.seed, updates)
    if show:
        model.summary()
    with config.engine(training.engine):
        started = time.perf_counter()
        model.fit(
            x_train,
            y_train,
            batch_size=training.batch_size,
            epochs=training.epochs,
            verbose=0,
            callbacks=[TrainingBar()] if progress else [],
        )
        seconds = time.perf_counter() - started
        measured = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    return Trained(model, measured["accuracy"], seconds)


def _say(training: Training, trained: Trained) -> None:
    train, (x_test, _) = datasets.load_digits(split=training.split)
    right = round(trained.accuracy * len(x_test))
    print(
        f"seed {training.seed}: {trained.accuracy:.1%} of {len(x_test)} held-out "
        f"digits right ({right}), trained on {len(train[0])} in {trained.seconds:.0f} s"
    )


def _scaled(images: Array, labels: Array) -> tuple[Array, Array]:
    """Return images from 0 to 1 with a channel axis, and the labels."""
    return (images / np.float32(16))[..., np.newaxis], labels
