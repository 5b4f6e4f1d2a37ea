"""Call a function for every trial, wherever that happens."""

from collections.abc import Callable, Sequence
from typing import Any

from .. import _validate
from ..callbacks.progress import make_display
from .cluster import on_cluster
from .processes import in_processes

__all__ = ["run_trials"]


def run_trials(
    function: Callable[[Any], Any],
    trials: Sequence[Any],
    *,
    jobs: int = 1,
    dask: str | None = None,
    verbose: bool = True,
    keep: Callable[[Any, Any], object] | None = None,
) -> list[Any]:
    """
    Call a function for every trial, side by side.

    Parameters
    ----------
    function : callable
        Of a module that the workers can import, as `trials` are; its answers depend on
        the trial alone.
    trials : sequence
        What it is called with, one after the other.
    jobs : int
        Processes of this machine.
    dask : str, optional
        The address of a Dask scheduler, whose workers are taken instead.
    verbose : bool
        Whether to show how far it is.
    keep : callable, optional
        ``keep(trial, answer)`` is called here as soon as an answer is there.

    Returns
    -------
    list
        The answers in the order of the trials.

    Raises
    ------
    ValueError
        If `jobs` is no positive integer.
    ChildProcessError
        If a process was killed, for instance for want of memory. A worker of Dask may
        be lost; its trials are done again by another, and only one that loses several
        workers is given up.
    ConnectionError
        If no scheduler answers at the address, or it is lost.
    ImportError
        If the extra ``dask`` is needed and missing.

    Notes
    -----
    What the function raises is passed on, and the other trials are given up, as they
    are by Ctrl-C.
    """
    jobs = _validate.integer("jobs", jobs, minimum=1)
    if not trials:
        return []
    answers: dict[int, Any] = {}
    engine = in_processes(min(jobs, len(trials))) if dask is None else on_cluster(dask)
    with engine as answers_to:
        show = (
            make_display(len(trials), live=True, unit="training") if verbose else None
        )
        try:
            for place, answer in answers_to(function, trials):
                answers[place] = answer
                if keep is not None:
                    keep(trials[place], answer)
                if show is not None:
                    show.move(len(answers), {})
        except BaseException:
            if show is not None:
                show.leave()
            raise
    if show is not None:
        show.end(len(answers), {})
    return [answers[place] for place in range(len(trials))]
