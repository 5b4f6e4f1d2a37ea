"""
The references of sums of products once more, by fractions and mpmath.

Nothing of the exact core is used: wires by loops, numbers as fractions, transcendental
functions by mpmath with many more digits, and the derivative by hand. Python's own
division of integers does the rounding.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ..._typing import Array, Shape
from ..case import Case
from .loops import Wire, bias_at, wires

__all__ = ["recompute"]

# The smallest number is 5e-324: `1 + tanh(z)` must keep its digits down to there.
DIGITS = 400


def recompute(case: Case) -> dict[str, Array]:
    """
    Return the answers of a case, by loops over fractions.

    Parameters
    ----------
    case : Case
        With its inputs.

    Returns
    -------
    dict of str to ndarray
        Rounded once, float64.

    Raises
    ------
    ImportError
        If mpmath, of the extra ``golden``, is not installed and the case needs it.
    """
    arrays = {
        name: _fractions(array)
        for name in ("x", "kernel", "bias", "mixture", "dy")
        if (array := getattr(case, name)) is not None
    }
    border = Fraction(case.config.get("pad_value", 0.0))
    z = dict.fromkeys(np.ndindex(case.expected["y"].shape), Fraction(0))
    products = [(wire, _factors(wire, arrays, border)) for wire in wires(case)]
    for wire, factors in products:
        z[wire.y] += math.prod(factors)
    if case.bias is not None:
        for at in z:
            z[at] += arrays["bias"][bias_at(case, at)]
    function, slope = _activation(case)
    found = {"y": _rounded(_applied(case, function, z), case.expected["y"].shape)}
    if case.dy is None:
        return found
    dz = _backwards(case, slope, z, arrays["dy"])
    sums: dict[str, dict[Shape, Any]] = {f"d{name}": {} for name in arrays}
    for wire, factors in products:
        names = (("x", wire.x), *wire.weights)
        for number, (name, place) in enumerate(names):
            if place is not None:
                others = factors[:number] + factors[number + 1 :]
                d = dz[wire.y]
                product = math.prod(others, start=Fraction(1))
                _add(sums[f"d{name}"], place, d * _like(d, product))
    if case.bias is not None:
        for at, d in dz.items():
            _add(sums["dbias"], bias_at(case, at), d)
    for key in case.wants[1:]:
        found[key] = _rounded(sums[key], case.expected[key].shape)
    return found


def _factors(
    wire: Wire, arrays: dict[str, dict[Shape, Fraction]], border: Fraction
) -> list[Fraction]:
    """Return what is multiplied on a wire, the value that it reads first."""
    value = border if wire.x is None else arrays["x"][wire.x]
    return [value, *(arrays[name][at] for name, at in wire.weights)]


def _fractions(array: Array) -> dict[Shape, Fraction]:
    return {at: Fraction(float(array[at])) for at in np.ndindex(array.shape)}


def _add(sums: dict[Shape, Any], at: Shape, term: Any) -> None:
    sums[at] = sums[at] + term if at in sums else term


def _like(number: Any, value: Fraction) -> Any:
    """Return a fraction in the type of another number."""
    if isinstance(number, Fraction):
        return value
    return type(number)(value.numerator) / value.denominator


def _rounded(numbers: dict[Shape, Any], shape: Shape) -> Array:
    """Return numbers as float64; what nothing was added to is 0."""
    found = np.zeros(shape)
    for at, number in numbers.items():
        if not isinstance(number, Fraction):
            mantissa, exponent = number.man_exp
            size = abs(int(mantissa)) * Fraction(2) ** int(exponent)
            number = -size if number < 0 else size
        found[at] = float(number)
    return found


def _applied(
    case: Case, value: Callable[[Any], Any], z: dict[Shape, Fraction]
) -> dict[Shape, Any]:
    name = case.config["activation"]["name"]
    if name not in ("softmax", "log_softmax"):
        return {at: value(number) for at, number in z.items()}
    mp = _mpmath()
    softmax = _softmax(mp, z)
    if name == "softmax":
        return softmax
    return {at: mp.log(p) for at, p in softmax.items()}


def _softmax(mp: Any, z: dict[Shape, Fraction]) -> dict[Shape, Any]:
    found = {}
    for at, number in z.items():
        row = [other for place, other in z.items() if place[:-1] == at[:-1]]
        total = mp.fsum(mp.exp(_real(mp, other)) for other in row)
        found[at] = mp.exp(_real(mp, number)) / total
    return found


def _backwards(
    case: Case,
    slope: Callable[[Any], Any],
    z: dict[Shape, Fraction],
    dy: dict[Shape, Fraction],
) -> dict[Shape, Any]:
    """Return the gradient of z, for softmax from its whole matrix of derivatives."""
    name = case.config["activation"]["name"]
    if name not in ("softmax", "log_softmax"):
        slopes = {at: slope(number) for at, number in z.items()}
        return {at: s * _like(s, dy[at]) for at, s in slopes.items()}
    mp = _mpmath(5 * DIGITS)  # a probability may be near to 1, and another near to 0
    p, found = _softmax(mp, z), {}
    for at in z:
        total = mp.mpf(0)
        for other in z:
            if other[:-1] == at[:-1]:
                same = int(other == at)
                weight = p[other] if name == "softmax" else 1
                total += _real(mp, dy[other]) * weight * (same - p[at])
        found[at] = total
    return found


def _mpmath(digits: int = DIGITS) -> Any:
    """Return mpmath with many digits, of its own context."""
    try:
        import mpmath
    except ImportError as error:
        raise ImportError(
            "mpmath is needed to verify activations: python -m pip install mpmath"
        ) from error
    context = mpmath.MPContext()
    context.dps = digits
    return context


def _real(mp: Any, number: Fraction) -> Any:
    return mp.mpf(number.numerator) / number.denominator


def _activation(case: Case) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return an activation and its derivative, of fractions."""
    activation = case.config["activation"]
    name = activation["name"]
    zero, one = Fraction(0), Fraction(1)
    alpha = Fraction(activation.get("alpha", 0 if name == "relu" else 1))
    ceiling = Fraction(activation.get("max_value", 2**2000))
    start = Fraction(activation.get("threshold", 0))
    floor = zero if "max_value" in activation else -ceiling  # as Keras clips
    piecewise: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        "linear": (lambda z: z, lambda z: one),
        "relu": (
            lambda z: max(floor, min(z, ceiling)) if z > start else alpha * (z - start),
            lambda z: alpha if z <= start else one if floor < z <= ceiling else zero,
        ),
        "relu6": (
            lambda z: min(max(z, zero), Fraction(6)),
            lambda z: one if 0 < z < 6 else zero,
        ),
        "leaky_relu": (
            lambda z: z if z > 0 else alpha * z,
            lambda z: one if z > 0 else alpha,
        ),
        "softmax": (lambda z: z, lambda z: one),
        "log_softmax": (lambda z: z, lambda z: one),
    }
    if name in piecewise:
        return piecewise[name]
    mp = _mpmath()
    if activation.get("approximate"):
        name = "gelu by tanh"
    value, slope = _smooth(mp, _real(mp, alpha))[name]
    return lambda z: value(_real(mp, z)), lambda z: slope(_real(mp, z))


Function = Callable[[Any], Any]


def _smooth(mp: Any, size: Any) -> dict[str, tuple[Function, Function]]:
    """Return the smooth activations and their derivatives, of numbers of mpmath."""
    alpha = mp.mpf("1.6732632423543772848170429916717")
    scale = mp.mpf("1.0507009873554804934193349852946")
    one = mp.mpf(1)

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + mp.exp(-z))

    def density(z: Any) -> Any:
        return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)

    def distribution(z: Any) -> Any:
        return mp.erfc(-z / mp.sqrt(2)) / 2

    def softplus(z: Any) -> Any:
        return mp.log1p(mp.exp(z))

    cubic, root = mp.mpf("0.044715"), mp.sqrt(2 / mp.pi)

    def gate(z: Any) -> Any:
        return (1 + mp.tanh(root * (z + cubic * z**3))) / 2

    return {
        "sigmoid": (sigmoid, lambda z: 1 / (2 + 2 * mp.cosh(z))),
        "tanh": (mp.tanh, lambda z: mp.sech(z) ** 2),
        "softplus": (softplus, sigmoid),
        "softsign": (lambda z: z / (1 + abs(z)), lambda z: (1 + abs(z)) ** -2),
        "exponential": (mp.exp, mp.exp),
        "elu": (
            lambda z: z if z > 0 else size * mp.expm1(z),
            lambda z: one if z > 0 else size * mp.exp(z),
        ),
        "selu": (
            lambda z: scale * (z if z > 0 else alpha * mp.expm1(z)),
            lambda z: scale * (one if z > 0 else alpha * mp.exp(z)),
        ),
        "swish": (
            lambda z: z * sigmoid(z),
            lambda z: sigmoid(z) * (1 + z * sigmoid(-z)),
        ),
        "gelu": (
            lambda z: z * distribution(z),
            lambda z: distribution(z) + z * density(z),
        ),
        "gelu by tanh": (
            lambda z: z * gate(z),
            lambda z: (
                gate(z)
                + z * 2 * gate(z) * (1 - gate(z)) * root * (1 + 3 * cubic * z * z)
            ),
        ),
        "mish": (
            lambda z: z * mp.tanh(softplus(z)),
            lambda z: mp.tanh(softplus(z)) + z * mp.sech(softplus(z)) ** 2 * sigmoid(z),
        ),
    }
