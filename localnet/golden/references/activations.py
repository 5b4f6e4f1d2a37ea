"""
The activations of the suite, apart from `localnet.activations`, which they judge.

Piecewise linear ones are exact; of a smooth one the value and the slope are enclosed by
`Interval` arithmetic, and the largest curvature is a number that a test verifies.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from inspect import signature
from typing import Any, NamedTuple, cast

import numpy as np

from ..._typing import Array, Config
from .exact import Exact
from .intervals import Interval

__all__ = [
    "PIECEWISE",
    "ROWS",
    "SMOOTH",
    "Smooth",
    "piecewise_of",
    "smooth_of",
    "untaken",
]

ROWS = ("softmax", "log_softmax")
# The constants of selu as published, in decimal.
SELU_ALPHA = Fraction("1.6732632423543772848170429916717")
SELU_SCALE = Fraction("1.0507009873554804934193349852946")
CUBIC = Fraction("0.044715")  # of gelu by tanh


class Piecewise(NamedTuple):
    """
    A function of straight pieces.

    Parameters
    ----------
    kinks : tuple of float
        Where one piece ends and the next begins, ascending.
    slopes, offsets : tuple of float
        One for each piece: ``y = slope*z + offset``.
    """

    kinks: tuple[float, ...]
    slopes: tuple[float, ...]
    offsets: tuple[float, ...]

    def value(self, z: Exact) -> Exact:
        """Return the function."""
        piece = self._piece(z)
        return _numbers(self.slopes)[piece] * z + _numbers(self.offsets)[piece]

    def slope(self, z: Exact) -> Exact:
        """Return the slope; on a kink, 0 if a piece beside it has that, or the left."""
        piece = self._piece(z)
        for n, kink in enumerate(self.kinks):
            if self.slopes[n + 1] == 0:
                piece += (piece == n) & ((z - _numbers(kink)).integers == 0)
        return _numbers(self.slopes)[piece]

    def on_kink(self, z: Exact, distance: Exact) -> Array:
        """Return where a kink is no further away than `distance`."""
        near = np.zeros(z.shape, bool)
        for kink in self.kinks:
            near |= ~distance.below(abs(z - _numbers(kink)))
        return near

    def steepest(self, z: Exact, distance: Exact) -> Exact:
        """Return the largest magnitude of a slope within `distance` of z."""
        left, right = self._piece(z - distance), self._piece(z + distance)
        slopes = abs(_numbers(self.slopes))
        steepest = slopes[left]
        for piece in range(len(self.slopes)):
            candidate = slopes[np.full(z.shape, piece)]
            touched = (left <= piece) & (piece <= right) & steepest.below(candidate)
            steepest = candidate.where(touched, steepest)
        return steepest

    def _piece(self, z: Exact) -> Array:
        piece = np.zeros(z.shape, np.int64)
        for kink in self.kinks:
            piece += _numbers(kink).below(z)
        return piece


@cache
def _numbers(values: float | tuple[float, ...]) -> Exact:
    return Exact.of(np.array(values))


def _relu(
    alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Piecewise:
    """Return Keras's relu: a ceiling above the threshold, and none below it."""
    if max_value is None:
        return Piecewise((threshold,), (alpha, 1.0), (-alpha * threshold, 0.0))
    if max_value < 0:
        raise ValueError(f"max_value must be 0 or above, got {max_value}")
    if max_value <= threshold:  # all that is above the threshold is cut to it
        return Piecewise((threshold,), (alpha, 0.0), (-alpha * threshold, max_value))
    if threshold < 0:  # with a ceiling there is a floor, too
        return Piecewise(
            (threshold, 0.0, max_value),
            (alpha, 0.0, 1.0, 0.0),
            (-alpha * threshold, 0.0, 0.0, max_value),
        )
    return Piecewise(
        (threshold, max_value),
        (alpha, 1.0, 0.0),
        (-alpha * threshold, 0.0, max_value),
    )


PIECEWISE: dict[str, Callable[..., Piecewise]] = {
    "linear": lambda: Piecewise((), (1.0,), (0.0,)),
    "relu": _relu,
    "relu6": lambda: _relu(max_value=6.0),
    "leaky_relu": lambda alpha: Piecewise((0,), (alpha, 1.0), (0.0, 0.0)),
}


def piecewise_of(activation: Config) -> Piecewise | None:
    """Return the straight pieces of an activation, or None if it has none."""
    make = PIECEWISE.get(activation["name"])
    return None if make is None else _made(make, activation)


def untaken(activation: Config, z: Exact) -> list[str]:
    """
    Return where no pre-activation lies, so that a parameter has no effect.

    Parameters
    ----------
    activation : dict
        Name and parameters.
    z : Exact
        Pre-activations.

    Returns
    -------
    list of str
        One sentence for every interval between 0 and the kinks that is empty.
    """
    piecewise = piecewise_of(activation)
    ends = sorted({0.0, *(piecewise.kinks if piecewise else ())})
    above = [_numbers(end).below(z) for end in ends]
    below = [z.below(_numbers(end)) for end in ends]
    found = [] if below[0].any() else [f"no pre-activation lies below {ends[0]:g}"]
    for n, end in enumerate(ends):
        inside = above[n] & below[n + 1] if n + 1 < len(ends) else above[n]
        if not inside.any():
            found.append(f"no pre-activation lies just above {end:g}")
    return found


def _made(make: Callable[..., Any], activation: Config) -> Any:
    """Return what a function makes of the parameters of an activation, all of them."""
    return _made_of(make, tuple(activation.items()))


@cache
def _made_of(make: Callable[..., Any], items: tuple[tuple[str, Any], ...]) -> Any:
    parameters = dict(items)
    name = parameters.pop("name")
    try:
        signature(make).bind(**parameters)
    except TypeError:
        raise ValueError(
            f"activation {name} must have parameters that the references know, got "
            f"{parameters}"
        ) from None
    return make(**parameters)


class Smooth(NamedTuple):
    """
    A function that is enclosed.

    Parameters
    ----------
    value, slope : callable
        Of an `Interval`.
    curvature : float or None
        At least the largest ``|s''|``; None if it equals the slope, as for exp.
    gated : bool
        Whether the rounding errors of a good implementation grow with z.
    kinks : tuple of int
        Where the slope jumps.
    """

    value: Callable[[Interval], Interval]
    slope: Callable[[Interval], Interval]
    curvature: float | None
    gated: bool = False
    kinks: tuple[int, ...] = ()


def _sigmoid(z: Interval) -> Interval:
    if z.high < 0:  # no power above 1
        return 1 - _sigmoid(-z)
    return 1 / (1 + (-z).exp())


def _dsigmoid(z: Interval) -> Interval:
    s = _sigmoid(z)
    return s * (1 - s)


def _tanh(z: Interval) -> Interval:
    return 2 * _sigmoid(z + z) - 1


def _dtanh(z: Interval) -> Interval:
    return 4 * _dsigmoid(z + z)


def _softplus(z: Interval) -> Interval:
    return (1 + z.exp()).log()


def _size(z: Interval) -> Interval:
    return -z if z.high < 0 else z


def _softsign(z: Interval) -> Interval:
    return z / (1 + _size(z))


def _dsoftsign(z: Interval) -> Interval:
    size = 1 + _size(z)
    return 1 / (size * size)


def _elu(alpha: float = 1.0) -> Smooth:
    size = Fraction(alpha)

    def value(z: Interval) -> Interval:
        return z if z.low > 0 else _constant(size, z) * (z.exp() - 1)

    def slope(z: Interval) -> Interval:
        return z.number(1) if z.low > 0 else _constant(size, z) * z.exp()

    return Smooth(value, slope, abs(alpha), kinks=() if alpha == 1 else (0,))


def _constant(value: Fraction, z: Interval) -> Interval:
    return z.number(value.numerator) / value.denominator


def _selu(z: Interval) -> Interval:
    inner = z if z.low > 0 else _constant(SELU_ALPHA, z) * (z.exp() - 1)
    return _constant(SELU_SCALE, z) * inner


def _dselu(z: Interval) -> Interval:
    inner = z.number(1) if z.low > 0 else _constant(SELU_ALPHA, z) * z.exp()
    return _constant(SELU_SCALE, z) * inner


def _swish(z: Interval) -> Interval:
    return z * _sigmoid(z)


def _dswish(z: Interval) -> Interval:
    return _sigmoid(z) + z * _dsigmoid(z)


def _gelu(approximate: bool = False) -> Smooth:
    if approximate:
        return Smooth(_gelu_by_tanh, _dgelu_by_tanh, 0.8, gated=True)
    return Smooth(
        lambda z: z * z.normal_distribution(),
        lambda z: z.normal_distribution() + z * z.normal_density(),
        0.798,  # 2/sqrt(2 pi)
        gated=True,
    )


def _bent(z: Interval) -> Interval:
    """Return sqrt(2/pi) (z + 0.044715 z**3), whose tanh is nearly erf(z/sqrt 2)."""
    cube = _constant(CUBIC, z) * (z * z * z)
    return 2 * z.number(0).normal_density() * (z + cube)


def _gelu_by_tanh(z: Interval) -> Interval:
    return z * (1 + _tanh(_bent(z))) / 2


def _dgelu_by_tanh(z: Interval) -> Interval:
    bend = 1 + _constant(3 * CUBIC, z) * (z * z)
    inner = z * z.number(0).normal_density() * _dtanh(_bent(z)) * bend
    return (1 + _tanh(_bent(z))) / 2 + inner


def _mish(z: Interval) -> Interval:
    return z * _tanh(_softplus(z))


def _dmish(z: Interval) -> Interval:
    return _tanh(_softplus(z)) + z * _dtanh(_softplus(z)) * _sigmoid(z)


def _always(smooth: Smooth) -> Callable[[], Smooth]:
    return lambda: smooth


SMOOTH = {
    "sigmoid": Smooth(_sigmoid, _dsigmoid, 0.0963),  # 1/(6 sqrt 3)
    "tanh": Smooth(_tanh, _dtanh, 0.77),  # 4/(3 sqrt 3)
    "softplus": Smooth(_softplus, _sigmoid, 0.25),
    "softsign": Smooth(_softsign, _dsoftsign, 2.0),
    "exponential": Smooth(Interval.exp, Interval.exp, None),
    "elu": _elu(),
    "selu": Smooth(_selu, _dselu, 1.7582, kinks=(0,)),
    "swish": Smooth(_swish, _dswish, 0.5, gated=True),
    "gelu": _gelu(),
    "mish": Smooth(_mish, _dmish, 0.65, gated=True),
}


# What makes each, of its parameters.
_MAKERS: dict[str, Callable[..., Smooth]] = {
    **{name: _always(smooth) for name, smooth in SMOOTH.items()},
    "elu": _elu,
    "gelu": _gelu,
}


def smooth_of(activation: Config) -> Smooth | None:
    """Return what encloses an activation, or None if it is no smooth function."""
    make = _MAKERS.get(activation["name"])
    return None if make is None else cast(Smooth, _made(make, activation))
