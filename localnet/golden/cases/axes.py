"""The axes that the combined cases are spread over, and what their values mean."""

from collections.abc import Mapping

from ..._typing import Config, Shape
from ..references.activations import ROWS, SMOOTH
from .covering import Axes
from .precisions import PRECISIONS
from .specs import Numbers

__all__ = [
    "ACTIVATIONS",
    "COMBINED",
    "COUNTS",
    "CURVES",
    "DILATIONS",
    "FEW",
    "FREE",
    "GEOMETRY",
    "KERNELS",
    "LONG",
    "MOST_CELLS",
    "MOST_PRODUCTS",
    "MOST_WEIGHTS",
    "OWN",
    "PADS",
    "PIECEWISE",
    "SIGNS",
    "SIZES",
    "STEPS",
    "STRIDES",
    "VARIED",
    "VARIED_ALIGNED",
    "WINDOWS",
]

COMBINED = "combined: "
# One, odd below 8, and just above 8, 16, 32, 64 and 128.
COUNTS = (1, 3, 9, 17, 33, 65, 129)
FEW = (1, 3, 9, 17)
STRIDES: Mapping[str, Mapping[int, Shape]] = {
    "1": {1: (1,), 2: (1, 1), 3: (1, 1, 1)},
    "2": {1: (2,), 2: (2, 2), 3: (2, 2, 2)},
    "mixed": {1: (3,), 2: (1, 2), 3: (3, 1, 2)},
    "far": {1: (5,), 2: (5, 4), 3: (1, 4, 5)},
    "farther": {1: (9,), 2: (3, 9), 3: (9, 1, 2)},
    "farthest": {1: (17,), 2: (17, 10), 3: (2, 17, 1)},
}
DILATIONS: Mapping[str, Mapping[int, Shape]] = {
    "1": {1: (1,), 2: (1, 1), 3: (1, 1, 1)},
    "2": {1: (2,), 2: (2, 2), 3: (2, 2, 2)},
    "mixed": {1: (3,), 2: (3, 1), 3: (2, 1, 3)},
    "far": {1: (5,), 2: (4, 5), 3: (5, 4, 1)},
    "farther": {1: (8,), 2: (9, 2), 3: (1, 8, 3)},
    "farthest": {1: (17,), 2: (1, 17), 3: (9, 2, 1)},
}
KERNELS: Mapping[str, Mapping[int, Shape]] = {
    "1": {1: (1,), 2: (1, 1), 3: (1, 1, 1)},
    "2": {1: (2,), 2: (2, 2), 3: (2, 2, 2)},
    "pair": {1: (2,), 2: (2, 1), 3: (2, 1, 1)},
    "3": {1: (3,), 2: (3, 3), 3: (3, 2, 3)},
    "5": {1: (5,), 2: (5, 5), 3: (2, 5, 1)},
    "7": {1: (7,), 2: (2, 7), 3: (7, 1, 2)},
    "mixed": {1: (4,), 2: (3, 2), 3: (2, 3, 4)},
    "square": {1: (3,), 2: (3, 3), 3: (3, 3, 3)},
    "wide": {1: (9,), 2: (4, 9), 3: (4, 3, 3)},
    "long": {1: (20,), 2: (1, 18), 3: (17, 1, 1)},
    "longer": {1: (33,), 2: (17, 2), 3: (1, 19, 2)},
    "most": {1: (259,), 2: (17, 17), 3: (7, 7, 6)},
    # Of one tap on some axes: pooled rows, frames of a film.
    "rows": {1: (2,), 2: (2, 1), 3: (2, 1, 1)},
    "columns": {1: (3,), 2: (1, 2), 3: (1, 1, 3)},
    "frames": {1: (2,), 2: (3, 1), 3: (1, 2, 2)},
}
PADS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "none": ((0, 0), (0, 0), (0, 0)),
    "both": ((1, 1), (1, 1), (1, 1)),
    "before": ((2, 0), (1, 0), (2, 0)),
    "after": ((0, 2), (0, 1), (0, 2)),
    "first": ((1, 0), (0, 0), (0, 0)),
    "uneven": ((1, 2), (3, 0), (0, 1)),
    "deep": ((8, 9), (0, 1), (0, 0)),
    "deeper": ((11, 0), (9, 8), (0, 8)),
}
ACTIVATIONS: Mapping[str, Config] = {
    "linear": {"name": "linear"},
    "relu": {"name": "relu"},
    "relu6": {"name": "relu6"},
    "leaky": {"name": "leaky_relu", "alpha": 0.25},
    "slope": {"name": "leaky_relu", "alpha": 0.5},
    "relu of Keras": {
        "name": "relu",
        "alpha": 0.25,
        "max_value": 3.0,
        "threshold": 1.0,
    },
}
# Every parameter by itself, too.
PIECEWISE: Mapping[str, Config] = {
    **ACTIVATIONS,
    "relu with a slope": {"name": "relu", "alpha": 0.25},
    "relu with a ceiling": {"name": "relu", "max_value": 3.0},
    "relu with a threshold": {"name": "relu", "threshold": 1.0},
    "leaky downwards": {"name": "leaky_relu", "alpha": -0.5},
}
# What is not exact, with the parameters that have other defaults elsewhere.
CURVES: Mapping[str, Config] = {
    **{name: {"name": name} for name in (*SMOOTH, *ROWS)},
    "gelu": {"name": "gelu", "approximate": False},
    "elu": {"name": "elu", "alpha": 1.0},
    "elu of 2": {"name": "elu", "alpha": 2.0},
    "gelu by tanh": {"name": "gelu", "approximate": True},
}

GEOMETRY: Axes = {
    "axes": (1, 2, 3),
    "first": (False, True),
    "strides": ("1", "2", "mixed", "far"),
    "dilation": ("1", "2", "mixed", "far"),
    "pads": ("none", "both", "before", "after", "uneven"),
    "border": (0.0, -1.0, 2.0),
}
# Triples of what decides where windows lie, at sizes up to 17.
WINDOWS: Axes = {
    **GEOMETRY,
}
SIZES: Axes = {
    **GEOMETRY,
    "kernel": ("1", "2", "3", "5", "7", "mixed"),
    "long": (0, 1, 2),
    "size": COUNTS,
    "across": (1, 2, 3),
    "samples": COUNTS,
    "channels": COUNTS,
    "filters": COUNTS,
    "left over": (False, True),
    "activation": tuple(ACTIVATIONS),
    "bias": (True, False),
    "precision": tuple(PRECISIONS),
    "wide": ("x", "kernel", "dy"),
}
# Values that the rows of `WINDOWS` take in turn, each at a pace of its own.
FREE: Axes = {
    "samples": (1, 3),
    "filters": (3, 1),
    "left over": (False, True),
    "long": (2, 0, 1),
    "activation": tuple(ACTIVATIONS),
    "bias": (True, True, False),
    "precision": tuple(PRECISIONS),
    "wide": ("x", "kernel", "dy"),
}
STEPS = dict(zip(FREE, (1, 3, 5, 7, 5, 7, 3, 2), strict=True))
OWN: Mapping[str, tuple[str, ...]] = {
    "shared": ("blocks", "tiles", "blocks that repeat", "one"),
    "conv": ("one group", "two groups", "a group each", "untied"),
    "transposed": ("as it is", "more cells"),
    "low_rank": ("rank 1", "rank 2", "rank 5", "untied"),
}
VARIED: Mapping[str, Axes] = {
    kind: {
        **SIZES,
        "samples": FEW,
        "channels": FEW[:3],
        "filters": FEW,
        "size": COUNTS[:6] if kind in ("shared", "conv") else COUNTS[:4],
        "own": own,
    }
    for kind, own in OWN.items()
}
VARIED_ALIGNED: Axes = {
    "axes": (1, 2),
    "first": (False, True),
    "kernel": ("1", "2"),
    "size": (3, 8),
    "samples": (2, 8),
    "channels": (8, 16),
    "filters": (8, 16),
    "precision": ("float32", "float64"),
    "wide": ("x", "kernel", "dy"),
}
MOST_WEIGHTS = 7_500  # L*K*F
MOST_PRODUCTS = 90_000  # N*L*K*F
MOST_CELLS = 7_500  # of x, or y
# One long axis at a time: two of them would weigh as much as all the others together.
LONG = 64
# Where sums have room for no more.
SIGNS = {
    "x": Numbers(1, 1, 1),
    "kernel": Numbers(1, 1, 1),
    "bias": Numbers(1, 2, 2, -1),
    "dy": Numbers(1, 1, 1),
    "mixture": Numbers(1, 1, 1),
}
