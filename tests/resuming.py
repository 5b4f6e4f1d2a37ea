"""A small training with everything on, to be stopped, resumed and compared."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from unchanged import bits

from localnet import Sequential, callbacks, optimizers
from localnet.callbacks import BackupAndRestore, Callback
from localnet.files import native
from localnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    LocallyConnected1D,
    TimeDistributed,
)

RNG = np.random.default_rng(11)
X = RNG.normal(size=(22, 5, 2))
Y = (np.arange(22) * 5) % 3
WEIGHT = RNG.uniform(0.5, 1.5, size=22)
X_VAL, Y_VAL = RNG.normal(size=(7, 5, 2)), np.arange(7) % 3
EPOCHS = 4
BATCH_SIZE = 4

OPTIMIZERS = {
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov-schedule": lambda: optimizers.SGD(
        optimizers.ExponentialDecay(0.1, 3, 0.7), momentum=0.5, nesterov=True
    ),
    "averages": lambda: optimizers.SGD(
        0.1, momentum=0.5, use_ema=True, ema_overwrite_frequency=3, weight_decay=0.01
    ),
    "clipnorm": lambda: optimizers.SGD(0.2, momentum=0.9, clipnorm=0.3),
    "global-clipnorm": lambda: optimizers.SGD(0.2, global_clipnorm=0.5, use_ema=True),
    "legacy": lambda: optimizers.LegacySGD(
        0.2, momentum=0.9, nesterov=True, decay=0.05, clipvalue=0.1
    ),
    "adam": lambda: optimizers.Adam(0.05, amsgrad=True, use_ema=True),
    "nadam": lambda: optimizers.Nadam(0.05),
    "rmsprop": lambda: optimizers.RMSprop(0.02, momentum=0.5, centered=True),
}
DATA = {
    "plain": {},
    "split": {"validation_split": 0.3, "shuffle": "batch"},
    "validation": {"validation_data": (X_VAL, Y_VAL), "validation_batch_size": 3},
    "in-order": {"shuffle": False, "validation_data": (X_VAL, Y_VAL)},
    "weights": {
        "sample_weight": WEIGHT,
        "class_weight": {0: 1.0, 1: 2.0, 2: 0.5},
        "validation_data": (X_VAL, Y_VAL, np.ones(7)),
        "validation_freq": 2,
    },
    "seed": {"seed": 5, "validation_split": 0.2, "validation_freq": [1, 4]},
}


def make_model(optimizer="momentum", seed=0):
    model = Sequential(
        [
            LocallyConnected1D(
                3, 2, activation="tanh", kernel_regularizer="l2", input_shape=(5, 2)
            ),
            BatchNormalization(momentum=0.5),
            TimeDistributed(Dropout(0.3)),
            TimeDistributed(BatchNormalization(scale=False)),
            Flatten(),
            Dropout(0.2, dtype="float64"),
            Dense(3, "softmax", kernel_constraint="max_norm", dtype="float64"),
        ],
        seed=seed,
    )
    # As if nobody had named the seed, so that another one shows what is drawn anew.
    model._trainer.seed = None
    model.compile(
        OPTIMIZERS[optimizer](),
        "sparse_categorical_crossentropy",
        metrics=["acc"],
        weighted_metrics=["acc"],
    )
    return model


class Recorder(Callback):
    """Keep what every hook is told; it has no state."""

    def __init__(self):
        super().__init__()
        self.events = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def record(*args):
            self.events.append(f"{name}{args}")

        return record


class Restless(Callback):
    """Change the logs and the momentum by what it has seen; it keeps a state."""

    def __init__(self):
        super().__init__()
        self.sums = np.zeros(2)
        self.rates = {}

    def on_train_begin(self, logs=None):
        self.sums = np.zeros(2)
        self.rates = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.rates[str(epoch)] = self.rates.get(str(epoch), 0) + 1

    def on_train_batch_end(self, batch, logs=None):
        self.sums += [logs["loss"], batch]
        logs["sums"] = self.sums.copy()
        logs["half"] = np.float32(self.sums[0] / 2)
        if getattr(self.model.optimizer, "momentum", 0):
            self.model.optimizer.momentum = 0.5 + 0.4 / (1 + self.sums[1])

    def on_epoch_end(self, epoch, logs=None):
        logs["begun"] = self.rates[str(epoch)]

    def get_state(self):
        return {"sums": self.sums.copy(), "rates": dict(self.rates)}

    def set_state(self, state):
        self.sums = state["sums"].copy()
        self.rates = dict(state["rates"])


@dataclass
class Training:
    """One training of that kind, its callbacks, and what it leaves behind."""

    folder: Path
    optimizer: str = "momentum"
    data: str = "validation"
    save_freq: Any = 1
    epochs: int = EPOCHS
    seed: int = 0
    delete_checkpoint: bool = True
    how: dict = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(exist_ok=True)
        self.model = make_model(self.optimizer, self.seed)
        how = DATA[self.data]
        every_epoch = how.keys() & {"validation_split", "validation_data"} and (
            "validation_freq" not in how
        )
        monitor = "val_loss" if every_epoch else "loss"
        self.recorder = Recorder()
        self.callbacks = [
            Restless(),
            callbacks.EarlyStopping(monitor, patience=3, restore_best_weights=True),
            callbacks.ModelCheckpoint(
                self.folder / "best-{epoch}", monitor, save_best_only=True
            ),
            callbacks.ModelCheckpoint(self.folder / "every", save_freq=4),
            callbacks.CSVLogger(self.folder / "log.csv"),
            self.recorder,
        ]
        if self.optimizer != "nesterov-schedule":
            self.callbacks += [
                callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9),
                callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05),
            ]

    @property
    def backup(self):
        return BackupAndRestore(
            self.folder / "backup", self.save_freq, self.delete_checkpoint
        )

    def fit(self, *more, backup=True):
        """Train, or go on training, with callbacks that come before all others."""
        how = {"epochs": self.epochs, "batch_size": BATCH_SIZE, "verbose": 0}
        last = [self.backup] if backup else []
        self.model.fit(
            X,
            Y,
            **{**how, **DATA[self.data], **self.how},
            callbacks=[*more, *self.callbacks, *last],
        )
        return self

    def left_behind(self):
        """Return all that must not depend on where the training was stopped."""
        model = self.model
        return {
            "weights": [w.tobytes() for w in model.get_weights()],
            "optimizer": bits(model.optimizer.get_state()),
            "numbers": model.optimizer.get_config(),
            "history": repr(model.history.history),
            "epochs": model.history.epoch,
            "noise": [layer.noise.bit_generator.state for layer in model.layers],
            "shuffling": model._trainer.shuffle_rng.bit_generator.state,
            "callbacks": [
                repr(c.get_state()) for c in self.callbacks if c is not self.recorder
            ],
            "log": (self.folder / "log.csv").read_bytes(),
            "saved": {
                path.name: bits(native.read(path)[1])
                for path in self.folder.glob("*.npz")
            },
        }


def is_end_of(whole, rest):
    """Return whether the calls after a resume are the last ones of a whole training."""
    begin, *rest = rest
    # An epoch that is resumed in the middle is begun again for who has no state.
    again = rest[0].startswith("on_epoch_begin") and rest[0] in whole[: -len(rest)]
    rest = rest[again:]
    return begin == "on_train_begin({},)" and rest == whole[len(whole) - len(rest) :]
