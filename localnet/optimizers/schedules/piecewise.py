"""A learning rate that is constant between given updates."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ... import _validate
from ..._registry import Configurable

__all__ = ["PiecewiseConstantDecay"]


class PiecewiseConstantDecay(Configurable):
    r"""
    Change the learning rate at given numbers of updates.

    Parameters
    ----------
    boundaries : sequence of float
        Strictly increasing, at least one.
    values : sequence of float
        The learning rates up to and including the first boundary, then up to the
        second, ..., and after the last: one more than there are boundaries.
    name : str, optional
        Kept in the config and otherwise unused.

    Raises
    ------
    ValueError
        If a number is not finite, boundaries do not increase, or their number is not
        one less than that of the values.

    See Also
    --------
    ExponentialDecay : With ``staircase=True``, falls by equal factors.

    Notes
    -----
    With ``t`` updates made so far, boundaries ``b`` and values ``v``:

    .. math:: \eta_t = v_i \quad\text{for } b_{i - 1} < t \le b_i

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([1, 3], [1.0, 0.5, 0.25])
    >>> [schedule(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str | None = None,
    ) -> None:
        self.boundaries = _numbers("boundaries", boundaries)
        self.values = _numbers("values", values)
        self.name = _validate.optional_text("name", name)
        if not self.boundaries or any(a >= b for a, b in pairwise(self.boundaries)):
            raise ValueError(
                f"boundaries must be strictly increasing, at least one, "
                f"got {_validate.shown(boundaries)}"
            )
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values must be {len(self.boundaries) + 1}, one more than boundaries, "
                f"got {len(self.values)}"
            )

    def __call__(self, step: int) -> float:
        """
        Compute the learning rate of the update that follows `step` others.

        Parameters
        ----------
        step : int
            Updates made so far.

        Returns
        -------
        float
            The learning rate.
        """
        return self.values[sum(step > boundary for boundary in self.boundaries)]


def _numbers(name: str, values: Any) -> list[float]:
    given = _validate.items(name, values, "a sequence of numbers")
    return [_validate.number(f"{name}[{i}]", value) for i, value in enumerate(given)]
