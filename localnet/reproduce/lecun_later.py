"""
The networks of 1989 with what was found since, one change at a time.

A. Karpathy did this to another network of 1989, "Deep neural nets: 33 years ago and 33
years from now", 2022. Here only drawings that nobody learned from are tested.
"""

import math
from typing import Any

import numpy as np

from .._typing import Array
from ..datasets import make_shifted_digits
from ..layers import Dense, Dropout, Layer
from ..models import Sequential
from ..optimizers import Adam, AdamW
from .experiment import Experiment, Net, Results, in_words, mean_and_spread
from .lecun1989 import BATCH, LECUN1989, PAPER_COLOUR, RATE

__all__ = ["LECUN_LATER"]

CHANGES = {
    "none": "as in 1989",
    "loss": "softmax, crossentropy",
    "decay": "AdamW, decay 0.1",
    "shifts": "shifts by a pixel",
    "dropout": "dropout of a quarter",
    "all": "all four",
}


def _train(net: Net, change: str, seed: int, epochs: int) -> dict[str, float]:
    train, test = make_shifted_digits("drawings", seed=seed)
    model, targets = _changed(net, change, seed), _targets(train.y, change)
    options: dict[str, Any] = {"batch_size": BATCH, "verbose": 0}
    if change in ("shifts", "all"):
        rng = np.random.default_rng(seed)
        for epoch in range(epochs):
            model.fit(
                _shifted(train.x, rng), targets, seed=1000 * seed + epoch, **options
            )
    else:
        model.fit(train.x, targets, epochs=epochs, seed=seed, **options)
    found = {"test": test, "train": train}
    return {
        name: 100 * float(np.mean(_labels(model, part.x) == part.y))
        for name, part in found.items()
    }


def _changed(net: Net, change: str, seed: int) -> Sequential:
    """Return a network of 1989 with one thing changed, or with all."""
    layers: list[Layer] = list(net.make(seed).layers)
    if change in ("loss", "all"):
        old = layers.pop()
        assert isinstance(old, Dense)
        layers.append(Dense(10, activation="softmax"))
    if change in ("dropout", "all"):
        layers.insert(-1, Dropout(0.25))
    model = Sequential(layers, seed=seed)
    decays = change in ("decay", "all")
    model.compile(
        AdamW(RATE, weight_decay=0.1) if decays else Adam(RATE),
        loss="categorical_crossentropy" if change in ("loss", "all") else "mse",
    )
    return model


def _labels(model: Sequential, x: Array) -> Array:
    labels: Array = np.asarray(model.predict(x, verbose=0)).argmax(axis=1)
    return labels


def _targets(labels: Array, change: str) -> Array:
    """Return 1 for the digit and 0, or -1 as in 1989, for the others."""
    hot: Array = np.eye(10)[labels]
    return hot if change in ("loss", "all") else 2 * hot - 1


def _shifted(images: Array, rng: np.random.Generator) -> Array:
    """Move each image by up to one pixel up or down, left or right."""
    size = images.shape[1]
    padded = np.pad(
        images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=PAPER_COLOUR
    )
    corners = rng.integers(0, 3, (len(images), 2))
    return np.stack(
        [
            image[i : i + size, j : j + size]
            for image, (i, j) in zip(padded, corners, strict=True)
        ]
    )


def _table(results: Results) -> str:
    names = [net.name for net in LECUN_LATER.nets]
    lines = [f"{'':24}" + "   ".join(f"{name:^13}" for name in names)]
    for change, words in CHANGES.items():
        cells = [in_words(results.of(name, change, "test")) for name in names]
        lines.append(f"{words:24}" + "   ".join(f"{cell:13}" for cell in cells))
    lines += [
        "",
        "points gained, and twice the standard error of the paired differences:",
    ]
    for change in list(CHANGES)[1:]:
        cells = []
        for name in names:
            gained = results.of(name, change, "test") - results.of(name, "none", "test")
            mean, spread = mean_and_spread(gained)
            error = 2 * spread / math.sqrt(len(gained))
            cells.append(
                f"{mean:+5.1f}" + ("" if math.isnan(error) else f" +- {error:3.1f}")
            )
        lines.append(f"{CHANGES[change]:24}" + "   ".join(f"{c:13}" for c in cells))
    lines += [
        "",
        f"Percent of 160 images of held-out drawings right, after the last epoch; "
        f"{results.length}.",
    ]
    return "\n".join(line.rstrip() for line in lines)


LECUN_LATER = Experiment(
    name="lecun-later",
    title="The networks of 1989 with what was found since, one change at a time",
    nets=tuple(
        net for net in LECUN1989.nets if net.name in ("Net-1", "Net-3", "Net-5")
    ),
    conditions=CHANGES,
    measure="test",
    epochs=100,
    seeds=5,
    train=_train,
    table=_table,
)
