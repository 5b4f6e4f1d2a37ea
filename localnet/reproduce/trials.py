"""Every trial of an experiment, side by side."""

from collections.abc import Sequence
from functools import partial

from .. import _validate
from ..trials import run_trials
from .experiment import Experiment, Results, Trial

__all__ = ["run"]


def run(
    experiment: Experiment,
    *,
    seeds: Sequence[int] | None = None,
    epochs: int | None = None,
    jobs: int = 1,
    dask: str | None = None,
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
    dask : str, optional
        The address of a Dask scheduler, whose workers train instead.
    verbose : bool
        Whether to show how far it is.

    Returns
    -------
    Results
        The same for the same seeds and epochs, whatever `jobs` and `dask` are.

    Raises
    ------
    ValueError
        If a number breaks its rule.
    ChildProcessError
        If a process was killed, for instance for want of memory.
    ConnectionError
        If no scheduler answers at the address `dask`.

    Notes
    -----
    Ctrl-C ends the processes; nothing is returned then.
    """
    if seeds is None:
        seeds = range(experiment.seeds)
    seeds = [_validate.seed("seeds", seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different integers, got {seeds}")
    epochs = experiment.epochs if epochs is None else epochs
    epochs = _validate.integer("epochs", epochs, minimum=1)
    trials = experiment.trials(seeds)
    answers = run_trials(
        partial(_train, experiment.name, epochs),
        trials,
        jobs=jobs,
        dask=dask,
        verbose=verbose,
    )
    return Results(experiment.name, epochs, dict(zip(trials, answers, strict=True)))


def _train(name: str, epochs: int, trial: Trial) -> dict[str, float]:
    from . import EXPERIMENTS

    experiment = EXPERIMENTS[name]
    net = experiment.net(trial.net)
    return experiment.train(net, trial.condition, trial.seed, epochs)
