"""
Locality and sharing told apart, on MNIST-1D.

A convolution has two ideas in it: a unit looks at neighbours only, and all units use
the same weights. A locally connected layer has the first without the second. Where the
cells are shuffled, neighbours mean nothing, and both ideas are wrong.
"""

import textwrap
from functools import partial
from typing import Any

from ..datasets import make_mnist1d
from ..layers import Conv1D, Dense, Flatten, Layer, LocallyConnected1D, ZeroPadding1D
from ..models import Sequential
from ..optimizers import Adam
from .experiment import Experiment, Net, Results, in_words, ranking

__all__ = ["MNIST1D", "PAPER"]

# Percent that the authors of the data report for networks of their own.
PAPER = {"logistic": 32, "MLP": 68, "convolution": 94}
LENGTH = 40
# Windows of the three layers, at every second place, over one cell of padding.
WINDOWS = (5, 3, 3)
BATCH, RATE = 100, 2e-3
HARD = "\N{NO-BREAK SPACE}"  # a space that ends no line


def _windowed(layer: Any, filters: int, seed: int, **kwargs: Any) -> Sequential:
    layers: list[Layer] = []
    kwargs["data_format"] = "channels_last"  # whatever the user's keras.json says
    for size in WINDOWS:
        windows = layer(filters, size, strides=2, activation="relu", **kwargs)
        layers += [ZeroPadding1D(1), windows]
    return _compiled([*layers, Flatten(), Dense(10, activation="softmax")], seed)


def _dense(units: tuple[int, ...], seed: int) -> Sequential:
    hidden: list[Layer] = [Dense(n, activation="relu") for n in units]
    return _compiled([Flatten(), *hidden, Dense(10, activation="softmax")], seed)


def _compiled(layers: list[Layer], seed: int) -> Sequential:
    model = Sequential(layers, seed=seed)
    model.build((None, LENGTH, 1))
    model.compile(
        Adam(RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def _fully(*units: int) -> Net:
    name = f"dense, {'-'.join(map(str, units))}" if units else "logistic"
    return Net(name, "dense", partial(_dense, units))


def _local(filters: int) -> Net:
    # At Keras's scale it would start too small; see the argument `fans`.
    make = partial(_windowed, LocallyConnected1D, filters, fans="local")
    return Net(f"local, {filters} filters", "locally connected", make)


def _convolution(filters: int) -> Net:
    make = partial(_windowed, Conv1D, filters)
    return Net(f"convolution, {filters} filters", "convolution", make)


def _train(net: Net, condition: str, seed: int, epochs: int) -> dict[str, float]:
    train, test = make_mnist1d(seed=seed, shuffled=condition == "shuffled")
    model = net.make(seed)
    history = model.fit(
        train.x[..., None],
        train.y,
        batch_size=BATCH,
        epochs=epochs,
        seed=seed,
        verbose=0,
    )
    found = model.evaluate(test.x[..., None], test.y, verbose=0, return_dict=True)
    return {
        "test": 100 * found["accuracy"],
        "train": 100 * history.history["accuracy"][-1],
    }


def _table(results: Results) -> str:
    lines = [f"{'':23} {'weights':>8}   {'plain':^13}   {'shuffled':^13}"]
    for net in MNIST1D.nets:
        cells = [
            in_words(results.of(net.name, condition, "test"))
            for condition in MNIST1D.conditions
        ]
        lines.append(
            f"{net.name:23} {net.make(0).count_params():8d}   "
            + "   ".join(f"{cell:13}" for cell in cells)
        )
    lines += [
        "",
        f"Percent of 1000 test sequences right; mean and standard deviation over "
        f"{results.length}.",
        "The authors of the data report, for networks of their own: "
        + ", ".join(f"{name} {value}" for name, value in PAPER.items())
        + ".",
    ]
    for condition in MNIST1D.conditions:
        values = {
            net.name.replace(" ", HARD): results.of(net.name, condition, "test")
            for net in MNIST1D.nets
        }
        text = textwrap.fill(f"{condition}: {ranking(values)}", 88)
        lines += ["", text.replace(HARD, " ")]
    lines.append(results.legend)
    return "\n".join(lines)


MNIST1D = Experiment(
    name="mnist1d",
    title="S. Greydanus and D. Kobak, Scaling down deep learning with MNIST-1D, 2024",
    nets=(
        _fully(),
        _fully(25, 25),
        _fully(100, 100),
        _fully(200, 200),
        *map(_local, (4, 8, 25)),
        *map(_convolution, (8, 25, 64)),
    ),
    conditions={"plain": "plain", "shuffled": "positions shuffled"},
    measure="test",
    epochs=60,
    seeds=5,
    train=_train,
    table=_table,
)
