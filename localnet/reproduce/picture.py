"""The picture of an experiment: accuracy against free weights, under each condition."""

from typing import TYPE_CHECKING

from .. import plots
from ..plots.style import need_matplotlib
from .experiment import Experiment, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "points"]


def points(
    experiment: Experiment, results: Results, condition: str
) -> dict[str, list[tuple[int, list[float]]]]:
    """
    Return what the picture shows of one condition.

    Parameters
    ----------
    experiment : Experiment
        What was done.
    results : Results
        What was measured.
    condition : str
        One of the experiment's.

    Returns
    -------
    dict of str to list of (int, list of float)
        For each kind its networks: free weights, and accuracies from 0 to 1.
    """
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for net in experiment.nets:
        values = results.of(net.name, condition, experiment.measure) / 100
        found.setdefault(net.kind, []).append(
            (net.make(0).count_params(), values.tolist())
        )
    return found


def draw(experiment: Experiment, results: Results) -> "Figure":
    """
    Draw accuracy against free weights, one field for each condition.

    Parameters
    ----------
    experiment : Experiment
        What was done.
    results : Results
        What was measured.

    Returns
    -------
    matplotlib.figure.Figure
        For `localnet.plots.save`, one of its Axes.

    Raises
    ------
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    columns = len(experiment.conditions)
    figure = Figure(figsize=(4.8 * columns, 4.8), layout="compressed")
    fields = figure.subplots(1, columns, squeeze=False, sharey=True)[0]
    conditions = experiment.conditions.items()
    for ax, (condition, words) in zip(fields, conditions, strict=True):
        plots.accuracy_against_parameters(points(experiment, results, condition), ax=ax)
        ax.set_title(words)
        ax.get_legend().remove()
    # One legend serves all fields.
    figure.legend(
        *fields[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    return figure
