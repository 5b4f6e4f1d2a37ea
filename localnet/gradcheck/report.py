"""What a gradient check has to say: one row for each argument, and a table."""

from dataclasses import dataclass

from .._typing import Shape

__all__ = ["ArgumentCheck", "Entry", "GradientReport"]

COLUMNS = (
    *("argument", "method", "step", "entries", "error", "tolerance"),
    *("worst", "numeric", "analytic", "verdict"),
)
KINK = "kink: not smooth here, move the point"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One entry of a gradient, computed in both ways.

    Parameters
    ----------
    index : tuple of int
        Where it stands in the argument; an empty tuple for `dot_test`.
    numeric, analytic : float
        The slope that was measured, and the one that backward claims.
    """

    index: Shape
    numeric: float
    analytic: float


@dataclass(frozen=True, slots=True)
class ArgumentCheck:
    """
    What was found about the gradient of one argument.

    Parameters
    ----------
    name : str
        The argument.
    method : {"central", "complex", "dot"}
        How the slopes were measured.
    step : float
        The step h that was tried first; 0.0 for ``dot``.
    error : float
        Largest relative error over the random direction and the entries looked at,
        those on a kink left out; ``nan`` if that leaves nothing, ``inf`` if a slope is
        not finite or the gradient cannot be compared at all.
    tolerance : float
        What `error` may be at most.
    entries, size : int
        Entries looked at one by one, and entries in all.
    worst : Entry or None
        The entry that is wrong or on a kink; if all is well, the least exact one.
    kink : bool
        Whether a slope proves nothing, since the point stands on a kink. A wrong entry
        elsewhere in the argument outweighs it.
    note : str
        Why the gradient cannot be compared at all.
    """

    name: str
    method: str
    step: float
    error: float
    tolerance: float
    entries: int
    size: int
    worst: Entry | None
    kink: bool = False
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the gradient is right, as far as was looked."""
        return self.error <= self.tolerance and not self.kink

    @property
    def verdict(self) -> str:
        """Last column of the table: ok, FAIL or kink, and why."""
        if self.kink:
            return KINK
        word = "ok" if self.passed else "FAIL"
        return f"{word}: {self.note}" if self.note else word

    def cells(self) -> list[str]:
        """
        Return the row of the table.

        Returns
        -------
        list of str
            One text for each column.
        """
        worst = self.worst
        return [
            self.name,
            self.method,
            f"{self.step:.1e}",
            f"{self.entries} of {self.size}",
            f"{self.error:.1e}",
            f"{self.tolerance:.1e}",
            str(worst.index) if worst else "-",
            f"{worst.numeric:.9g}" if worst else "-",
            f"{worst.analytic:.9g}" if worst else "-",
            self.verdict,
        ]


@dataclass(frozen=True, slots=True, repr=False)
class GradientReport:
    """
    The outcome of a check: true when every gradient is right, a table when printed.

    Parameters
    ----------
    checks : tuple of ArgumentCheck
        One for each argument, in their order.

    Examples
    --------
    >>> wrong_sign = Entry((0,), numeric=-1.0, analytic=1.0)
    >>> GradientReport((ArgumentCheck("x", "central", 1, 2, 1e-8, 1, 1, wrong_sign),))
    gradient check FAILED
    argument method  step    entries error   tolerance worst numeric analytic verdict
    x        central 1.0e+00 1 of 1  2.0e+00 1.0e-08   (0,)  -1      1        FAIL
    """

    checks: tuple[ArgumentCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every argument passed."""
        return all(check.passed for check in self.checks)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        rows = [list(COLUMNS), *(check.cells() for check in self.checks)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        outcome = "passed" if self.passed else "FAILED"
        return "\n".join([f"gradient check {outcome}", *lines])

    def raise_if_failed(self) -> None:
        """
        Raise the table as an error unless every argument passed.

        Raises
        ------
        AssertionError
            If a gradient is wrong, or the point stands on a kink.
        """
        if not self.passed:
            raise AssertionError(repr(self))
