"""The V-curve: why a finite difference has a best step, and the complex step none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Seed
from .probes import op_probes
from .slopes import METHODS, draw

__all__ = ["VCurve", "v_curve"]


class VCurve(NamedTuple):
    """
    Error against step size.

    Parameters
    ----------
    steps : ndarray
        The steps h.
    errors : ndarray of the same shape
        Relative error of the slope along one random direction, for each step.
    """

    steps: Array
    errors: Array


def v_curve(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    method: str = "central",
    wrt: str | None = None,
    steps: ArrayLike | None = None,
    rng: Seed = 0,
) -> VCurve:
    """
    Measure how the error of a numeric slope depends on the step.

    Parameters
    ----------
    forward, backward, args, kwargs : callable, callable, sequence, mapping
        As for `check_op`; the gradient must be right, since it is the yardstick.
    method : {"central", "complex"}
        How slopes are measured.
    wrt : str, optional
        The argument to move; it can be left out where there is only one.
    steps : array_like, optional
        The steps h, positive; by default 25 from 1e-1 down to 1e-13.
    rng : int or numpy.random.Generator
        Draws the upstream gradient and the direction.

    Returns
    -------
    VCurve
        ``(steps, errors)``, ready for a plot with two logarithmic axes.

    Raises
    ------
    ValueError
        As for `check_op`; also if `wrt` leaves a choice or a step is not positive.

    See Also
    --------
    check_op : Uses the step at the bottom of the V.

    Notes
    -----
    The error of a central difference is about ``h**2 |f'''| / 6 + eps |f| / h``: it
    falls with slope 2 as h shrinks, is least near cbrt(eps) = 6e-6, then rises with
    slope 1 as rounding takes over. Where f is linear or quadratic the first term is
    missing, and h = 1 is best. The complex step has no second term: its curve falls to
    rounding and stays there.

    Examples
    --------
    >>> steps, errors = v_curve(
    ...     lambda x: (np.exp(x), np.exp(x)),
    ...     lambda dy, y: dy * y,
    ...     [np.array([0.5])],
    ...     steps=[1e-2, 6e-6, 1e-12],
    ... )
    >>> [bool(errors[1] < error) for error in errors]
    [True, False, True]
    """
    method = _validate.choice("method", method, METHODS)
    generator = _validate.generator_of("rng", rng)
    if steps is None:
        steps = np.logspace(-1, -13, 25)
    lengths = _arrays.real_numbers("steps", steps).astype(np.float64)
    if lengths.ndim != 1 or not np.all((lengths > 0) & np.isfinite(lengths)):
        raise ValueError(
            f"steps must be a list of positive numbers, got {_validate.shown(steps)}"
        )
    probes = op_probes(forward, backward, args, kwargs or {}, wrt, generator)
    if len(probes) != 1:
        raise ValueError(
            "wrt must name one argument, got "
            f"{_validate.shown(wrt)} for "
            f"{', '.join(repr(probe.name) for probe in probes)}"
        )
    [probe] = probes
    direction = draw(generator, probe.value.shape)
    slopes = [probe.slope(method, direction, float(h)) for h in lengths]
    return VCurve(lengths, np.array([slope.error() for slope in slopes]))
