"""What a check found, and whether that is success."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .judging.judge import Judgement

__all__ = ["STATUSES", "Report", "Result"]

STATUSES = {
    "PASS": "every answer given is right",
    "FAIL": "an answer is wrong, missing, or an error was raised",
    "SKIP": "the backend said that it has no such layer",
    "XFAIL": "failed, as the file of expected failures says",
    "XPASS": "passed, though the file of expected failures says that it fails",
    "MISTRUSTED": "the case could not tell a right backend from a wrong one",
}


@dataclass(frozen=True)
class Result:
    """
    What one case came to.

    Parameters
    ----------
    id, tier, precision : str
        Of the case.
    status : str
        A key of `STATUSES`.
    reason : str
        Why, in one line; empty after PASS.
    answers : dict of str to Judgement
        For every answer that was given.
    missing : tuple of str
        Answers that are wanted and were not given.
    seconds : float
        What the backend took.
    kind : str
        Of the case.
    asked : bool
        Whether the backend was given the case, for it says that it has the kind.
    by_state : bool
        Whether it failed by what the backend keeps between calls: its first answer,
        that of `answers`, was right.
    again : str
        The arguments of `problem` that make this case again, if it was drawn.
    """

    id: str
    tier: str
    precision: str
    status: str
    reason: str = ""
    answers: dict[str, Judgement] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    seconds: float = 0.0
    kind: str = "layer"
    asked: bool = True
    by_state: bool = False
    again: str = ""


@dataclass(frozen=True)
class Report:
    """
    What all cases came to.

    Parameters
    ----------
    backend : str
        Its name, for the reader.
    results : list of Result
        In the order of the suite.
    reproduce : str
        A command with ``{id}`` in it that runs one case again.
    cases : mapping of str to Case
        Those that were asked, by id.
    """

    backend: str
    results: list[Result]
    reproduce: str = ""
    cases: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def count(self, status: str) -> int:
        """Return how many cases have a status."""
        return Counter(result.status for result in self.results)[status]

    def not_asked(self) -> Counter[str]:
        """Return how many cases of each kind the backend was not given."""
        return Counter(result.kind for result in self.results if not result.asked)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and something passed."""
        return self.exit_status() == 0

    def exit_status(self, *, require_all: bool = False) -> int:
        """
        Return 0 for success, 1 otherwise.

        Parameters
        ----------
        require_all : bool
            Whether a skipped or mistrusted case, or an answer that was not given, is a
            failure too; not a case of a kind that the backend does not say it has.

        Returns
        -------
        int
            1 after a failure or an unexpected pass, or if nothing passed.
        """
        bad = self.count("FAIL") + self.count("XPASS")
        if require_all:
            bad += self.count("SKIP") + self.count("MISTRUSTED")
            bad -= sum(self.not_asked().values())
            bad += sum(bool(result.missing) for result in self.results)
        return 1 if bad or not self.count("PASS") else 0

    def worst(self) -> tuple[Result, str, Judgement] | None:
        """Return the result, the answer's name and judgement with the largest ratio."""
        found = [
            (result, key, judgement)
            for result in self.results
            for key, judgement in result.answers.items()
            if judgement.worst is not None and judgement.worst.bound > 0
        ]
        if not found:
            return None
        return max(found, key=lambda item: item[2].worst.ratio if item[2].worst else 0)
