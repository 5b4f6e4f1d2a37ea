"""
Five networks for handwritten digits, from one layer to shared weights (LeCun, 1989).

The report of 1989 trained the same 320 images with networks that know more and more of
what an image is: each did better than the one before, from the third on with fewer
weights that are free.
"""

import math
from typing import Any

import numpy as np

from .._typing import Array, Shape
from ..datasets import make_shifted_digits
from ..layers import Conv2D, Dense, Flatten, Layer, LocallyConnected2D, Padding2D
from ..layers._base.windowed import WindowedLayer
from ..models import Sequential
from ..optimizers import Adam
from .experiment import Experiment, Net, Results, in_words, ranking

__all__ = [
    "BATCH",
    "LECUN1989",
    "PAPER",
    "PAPER_COLOUR",
    "RATE",
    "count_links",
    "scaled_tanh",
]

# Test accuracy in percent, links and free weights of the report's table.
PAPER = {
    "Net-1": (80.0, 2570, 2570),
    "Net-2": (87.0, 3214, 3214),
    "Net-3": (88.5, 1226, 1226),
    "Net-4": (94.0, 2266, 1132),
    "Net-5": (98.4, 5194, 1060),
}
WIDTH, SLOPE = 1.7159, 2 / 3
PAPER_COLOUR = -1.0  # of an empty image, and of what lies around it
BATCH, RATE = 32, 2e-3


def scaled_tanh_forward(x: Array) -> tuple[Array, Array]:
    """Return 1.7159 tanh(2x/3), which is 1 at 1, and its tanh."""
    t = np.tanh(SLOPE * x)
    return WIDTH * t, t


def scaled_tanh_backward(dy: Array, t: Array) -> Array:
    """Return dx = dy * 1.7159 * 2/3 * (1 - t**2)."""
    dx: Array = dy * (WIDTH * SLOPE * (1 - t * t))
    return dx


scaled_tanh = (scaled_tanh_forward, scaled_tanh_backward)


def start_weights(fan_in: int) -> Any:
    """Return an initializer: uniform, up to 2.4 by the inputs of a unit."""
    limit = 2.4 / (fan_in + 1)

    def draw(shape: Shape, dtype: Any, *, rng: np.random.Generator) -> Array:
        return rng.uniform(-limit, limit, shape).astype(dtype)

    return draw


# Whatever the user's keras.json says.
LAST: dict[str, Any] = {"data_format": "channels_last"}


def _unit(fan_in: int) -> dict[str, Any]:
    """Return what all layers have in common."""
    return {
        "activation": scaled_tanh,
        "kernel_initializer": start_weights(fan_in),
        "bias_initializer": start_weights(fan_in),
    }


def _first(layer: Any, filters: int, **kwargs: Any) -> list[Layer]:
    """Return H1: windows of 3x3 at every second pixel, 8x8 of them."""
    return [
        Padding2D(
            ((1, 0), (1, 0)), value=PAPER_COLOUR, input_shape=(16, 16, 1), **LAST
        ),
        layer(filters, 3, strides=2, **kwargs, **LAST, **_unit(9)),
    ]


def _second(layer: Any, filters: int, maps: int, **kwargs: Any) -> list[Layer]:
    """Return H2: windows of 5x5 at every second place of H1, 4x4 of them."""
    return [
        Padding2D(((2, 1), (2, 1)), value=PAPER_COLOUR, **LAST),
        layer(filters, 5, strides=2, **kwargs, **LAST, **_unit(25 * maps)),
        Flatten(),
        Dense(10, **_unit(16 * filters)),
    ]


def _net_1(seed: int) -> Sequential:
    return _compiled([Flatten(input_shape=(16, 16, 1)), Dense(10, **_unit(256))], seed)


def _net_2(seed: int) -> Sequential:
    hidden = Dense(12, **_unit(256))
    output = Dense(10, **_unit(12))
    return _compiled([Flatten(input_shape=(16, 16, 1)), hidden, output], seed)


def _net_3(seed: int) -> Sequential:
    return _compiled(
        [*_first(LocallyConnected2D, 1), *_second(LocallyConnected2D, 1, 1)], seed
    )


def _net_4(seed: int) -> Sequential:
    h1 = _first(Conv2D, 2, untied_bias=True)
    return _compiled([*h1, *_second(LocallyConnected2D, 1, 2)], seed)


def _net_5(seed: int) -> Sequential:
    h1 = _first(Conv2D, 2, untied_bias=True)
    return _compiled([*h1, *_second(Conv2D, 4, 2, untied_bias=True)], seed)


def _compiled(layers: list[Layer], seed: int) -> Sequential:
    model = Sequential(layers, seed=seed)
    model.compile(Adam(RATE), loss="mse", metrics=["categorical_accuracy"])
    return model


def count_links(model: Sequential) -> int:
    """
    Return the connections of a model: every input of every unit, and its bias.

    Parameters
    ----------
    model : Sequential
        Built; of dense, locally connected and convolutional layers.

    Returns
    -------
    int
        Shared weights count once for each place where they are used.

    Raises
    ------
    ValueError
        If the model is not built.

    Examples
    --------
    >>> model = LECUN1989.net("Net-5").make(0)
    >>> count_links(model), model.count_params()
    (5194, 1060)
    """
    links = 0
    for layer in model.layers:
        shape, outputs = layer.input_shape, layer.output_shape
        if shape is None or outputs is None:
            raise ValueError(f"model must be built, {layer.name!r} is not")
        units = math.prod(n for n in outputs[1:] if n is not None)
        if isinstance(layer, Dense):
            links += units * (len(layer.params["kernel"]) + 1)
        elif isinstance(layer, WindowedLayer):
            links += units * (layer.geometry(shape).patch_size + 1)
    return links


def _train(net: Net, split: str, seed: int, epochs: int) -> dict[str, float]:
    train, test = make_shifted_digits(split, seed=seed)
    history = net.make(seed).fit(
        train.x,
        _targets(train.y),
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(test.x, _targets(test.y)),
        seed=seed,
        verbose=0,
    )
    curve = history.history["val_categorical_accuracy"]
    return {
        "best": 100 * max(curve),
        "last": 100 * curve[-1],
        "train": 100 * history.history["categorical_accuracy"][-1],
    }


def _targets(labels: Array) -> Array:
    """Return 1 for the digit and -1 for the others."""
    targets: Array = np.where(np.eye(10)[labels] > 0, 1.0, -1.0)
    return targets


def _table(results: Results) -> str:
    lines = [
        f"{'':6} {'':>6} {'free':>8} {'1989':>6}   "
        f"{'by image (as in 1989)':^25}   {'by drawing (no leak)':^25}",
        f"{'':6} {'links':>6} {'weights':>8} {'test':>6}   "
        + "   ".join([f"{'best':^11}   {'last':^11}"] * 2),
    ]
    for net in LECUN1989.nets:
        model = net.make(0)
        cells = [
            in_words(results.of(net.name, split, measure))
            for split in LECUN1989.conditions
            for measure in ("best", "last")
        ]
        lines.append(
            f"{net.name:6} {count_links(model):6d} {model.count_params():8d} "
            f"{PAPER[net.name][0]:6.1f}   " + "   ".join(f"{c:11}" for c in cells)
        )
    lines += [
        "",
        f"Percent of 160 test images right; mean and standard deviation over "
        f"{results.length}.",
        "best: of all epochs, chosen on the test images, as the report's figures are; "
        "last: after the last epoch.",
        "",
        f"order in 1989:          {' < '.join(PAPER)}",
    ]
    for split, words in LECUN1989.conditions.items():
        for measure in ("best", "last"):
            values = {
                net.name: results.of(net.name, split, measure) for net in LECUN1989.nets
            }
            lines.append(f"{f'{words}, {measure}:':24}{ranking(values)}")
    lines.append(results.legend)
    return "\n".join(lines)


LECUN1989 = Experiment(
    name="lecun1989",
    title="Y. le Cun, Generalization and network design strategies, 1989",
    nets=(
        Net("Net-1", "Net-1: one dense layer", _net_1),
        Net("Net-2", "Net-2: two dense layers", _net_2),
        Net("Net-3", "Net-3: locally connected", _net_3),
        Net("Net-4", "Net-4: first layer shared", _net_4),
        Net("Net-5", "Net-5: both layers shared", _net_5),
    ),
    conditions={"images": "by image", "drawings": "by drawing"},
    measure="last",
    epochs=300,
    seeds=10,
    train=_train,
    table=_table,
)
