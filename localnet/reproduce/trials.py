"""Trials in processes of their own: the answers do not depend on how many there are."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from .. import _validate, config
from ..callbacks.progress import make_display
from .experiment import Experiment, Results, Trial

__all__ = ["run"]

# How BLAS libraries are told to use one thread: two trainings side by side are faster
# than one after the other with two threads, and a sum has one order.
ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


def run(
    experiment: Experiment,
    *,
    seeds: Sequence[int] | None = None,
    epochs: int | None = None,
    jobs: int = 1,
    verbose: bool = True,
) -> Results:
    """
    Train every network under every condition with every seed.

    Parameters
    ----------
    experiment : Experiment
        One of ``localnet.reproduce.EXPERIMENTS``.
    seeds : sequence of int, optional
        Default: as many as the experiment names, from 0.
    epochs : int, optional
        Default: those of the experiment.
    jobs : int
        Processes that train side by side.
    verbose : bool
        Whether to show how far it is.

    Returns
    -------
    Results
        The same for the same seeds and epochs, whatever `jobs` is.

    Raises
    ------
    ValueError
        If a number breaks its rule.
    ChildProcessError
        If a process was killed, for instance for want of memory.

    Notes
    -----
    Ctrl-C ends the processes; nothing is returned then.
    """
    if seeds is None:
        seeds = range(experiment.seeds)
    seeds = [_validate.integer("seeds", seed, minimum=0) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different integers, got {seeds}")
    epochs = experiment.epochs if epochs is None else epochs
    epochs = _validate.integer("epochs", epochs, minimum=1)
    jobs = _validate.integer("jobs", jobs, minimum=1)
    trials = experiment.trials(seeds)
    found: dict[Trial, dict[str, float]] = {}
    display = make_display(len(trials), live=True, unit="training") if verbose else None
    with _workers(min(jobs, len(trials))) as pool:
        futures = {
            pool.submit(_train, experiment.name, trial, epochs): trial
            for trial in trials
        }
        for future in as_completed(futures):
            try:
                found[futures[future]] = future.result()
            except BrokenProcessPool:
                raise ChildProcessError(
                    "a training ended without an answer: its process was killed, or "
                    "could not begin"
                ) from None
            if display is not None:
                display.move(len(found), {})
    if display is not None:
        display.end(len(found), {})
    return Results(experiment.name, epochs, {trial: found[trial] for trial in trials})


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    former = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    try:
        # Not forked: BLAS has read the environment here already.
        pool = ProcessPoolExecutor(
            count, multiprocessing.get_context("spawn"), initializer=_begin
        )
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    """Leave Ctrl-C to the process that waits; take one processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config.set_num_threads(1)


def _train(name: str, trial: Trial, epochs: int) -> dict[str, float]:
    from . import EXPERIMENTS

    experiment = EXPERIMENTS[name]
    net = experiment.net(trial.net)
    return experiment.train(net, trial.condition, trial.seed, epochs)
