"""Pictures of proofs: the V curve, the kill matrix, errors against their bounds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _arrays
from .._typing import Array
from .._validate import shown
from ..golden import Report
from ..golden.cases.layers import FAMILIES
from ..golden.cases.variants import VARIANT_FAMILIES
from ..golden.matrix import KILLED, SURVIVED, Matrix
from ..gradcheck import VCurve
from .style import (
    DASHES,
    GREY,
    MARKERS,
    ORDER,
    as_label,
    axes_for,
    legend_below,
    rows_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["error_histogram", "gradient_check", "kill_matrix"]

EPS = float(np.finfo(np.float64).eps)
STEPS = ((1 / 2, "eps**(1/2)"), (1 / 3, "eps**(1/3)"))
COLOURS = ("#f2f2f2", "#e8a33d", "#2b5c8a")
MEANINGS = ("cannot show", "can show, is missed", "caught")


def gradient_check(
    curves: VCurve | Mapping[str, VCurve], *, ax: "Axes | None" = None
) -> "Axes":
    """
    Show how the error of a numeric slope depends on the step.

    Parameters
    ----------
    curves : VCurve or mapping of str to VCurve
        What `localnet.gradcheck.v_curve` returned; several with a label each.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each curve, both axes logarithmic, with marks at the square and
        the cube root of the spacing of float64. An error of 0 lies on the lower edge,
        in a hollow marker.

    Raises
    ------
    ValueError
        If `curves` holds something else.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    localnet.gradcheck.v_curve : Measures the curve, and explains it.

    Examples
    --------
    >>> ax = gradient_check(VCurve(np.array([1e-3, 1e-6]), np.array([1e-7, 1e-11])))
    >>> ax.get_lines()[0].get_xdata()
    array([1.e-03, 1.e-06])
    """
    if isinstance(curves, VCurve):
        curves = {"central difference": curves}
    found = [
        (label, *_curve(label, curve)) for label, curve in rows_of("curves", curves)
    ]
    every = np.concatenate([errors for _, _, errors in found])
    positive = every[np.isfinite(every) & (every > 0)]
    floor = 10.0 ** np.floor(np.log10(min([*positive, EPS])) - 1)
    axes = axes_for(ax)
    for i, (label, steps, errors) in enumerate(found):
        colour, marker = ORDER[i % len(ORDER)], MARKERS[i % len(MARKERS)]
        axes.plot(
            steps,
            np.where(errors == 0, floor, errors),
            color=colour,
            linestyle=DASHES[i % len(DASHES)],
            marker=marker,
            markersize=5,
            label=as_label(label),
        )
        zeros = steps[errors == 0]
        axes.plot(
            zeros,
            np.full(len(zeros), floor),
            marker,
            color=colour,
            markerfacecolor="white",
            markersize=6,
            zorder=3,
            clip_on=False,
        )
    axes.set(xscale="log", yscale="log", xlabel="step h", ylabel="relative error")
    axes.xaxis.get_major_locator().set_params(numticks=6)
    if (every == 0).any():
        axes.set_ylim(bottom=floor)
        axes.set_ylabel("relative error (hollow: 0)")
    for power, name in STEPS:
        axes.axvline(EPS**power, color=GREY, linewidth=1, linestyle=":", zorder=1)
        axes.annotate(
            name,
            (EPS**power, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3),
            textcoords="offset points",
            rotation=90,
            va="top",
            color=GREY,
            fontsize="small",
        )
    axes.set_title("Error of a slope against its step", fontsize="medium")
    if len(found) > 1:
        legend_below(axes, ncols=2, fontsize="small")
    return axes


def _curve(label: str, curve: Any) -> tuple[Array, Array]:
    try:
        steps, errors = (
            _arrays.real_numbers("curve", part).astype(np.float64) for part in curve
        )
        fits = steps.ndim == 1 and steps.shape == errors.shape and steps.size
        right = bool(fits) and bool((steps > 0).all() and not (errors < 0).any())
        right = right and bool(np.isfinite(errors).any())
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ValueError(
            "curves must hold pairs of steps > 0 and errors >= 0 of one length, "
            f"got {shown(curve)} for {label!r}"
        )
    return steps, errors


def kill_matrix(matrix: Matrix, *, ax: "Axes | None" = None) -> "Axes":
    """
    Show which family of cases of the golden suite catches which wrong backend.

    Parameters
    ----------
    matrix : Matrix
        What `localnet.golden.matrix.kill_matrix` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure, whose height is that of the list.

    Returns
    -------
    matplotlib.axes.Axes
        Its image holds, for every mutant (rows) and family (columns), 2 where a case
        catches it, 1 where one could and none does, 0 where the error cannot show.

    Raises
    ------
    ValueError
        If `matrix` is something else or has no rows or columns.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    error_histogram : How far right backends stay from their bounds.

    Examples
    --------
    >>> from localnet.golden import Suite, load_suite
    >>> from localnet.golden.matrix import kill_matrix as run_mutants
    >>> from localnet.golden.mutants import MUTANTS
    >>> some = Suite([load_suite()["stride-1d-last"]])
    >>> ax = kill_matrix(run_mutants(some, {"": MUTANTS["stride ignored"]}))
    >>> print(ax.get_images()[0].get_array())
    [[2]]
    """
    if not isinstance(matrix, Matrix) or not matrix.cells.size:
        raise ValueError(
            "matrix must be a Matrix with rows and columns, "
            f"got {type(matrix).__name__ if not isinstance(matrix, Matrix) else matrix}"
        )
    names, kills = _by_family(matrix)
    rows = len(matrix.mutants)
    axes = axes_for(ax, size=(8.5, 1.5 + 0.16 * rows))
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    kinds = np.where(kills > 0, KILLED, np.where(kills == 0, SURVIVED, 0))
    axes.imshow(
        kinds, cmap=ListedColormap(list(COLOURS)), vmin=0, vmax=2, aspect="auto"
    )
    for i, j in np.argwhere(kills > 0):
        number = str(int(kills[i, j]))
        size = 7 if len(number) < 4 else 5.5  # a thousand must fit into its cell
        axes.text(j, i, number, ha="center", va="center", color="white", size=size)
    axes.set_xticks(range(len(names)), names, size=9, rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(rows), [mutant.name for mutant in matrix.mutants], size=8)
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("numbers: cases of the family that catch the wrong backend", size=8)
    axes.set_title("What catches which wrong backend", fontsize="medium")
    handles = [
        Patch(facecolor=colour, edgecolor=GREY, linewidth=0.5, label=label)
        for colour, label in zip(COLOURS, MEANINGS, strict=True)
    ]
    legend_below(axes, points=20, handles=handles, ncols=3, fontsize=8)
    return axes


def _by_family(matrix: Matrix) -> tuple[list[str], Array]:
    """Return the families, and how many of their cases kill each mutant.

    A number of 0 means that the error could show and none does; -1 that it cannot.
    """
    place = {case.id: j for j, case in enumerate(matrix.cases)}
    names, columns = [], []
    for name, family in {**FAMILIES, **VARIANT_FAMILIES}.items():
        ids = [place[spec.id] for spec in family() if spec.id in place]
        if not ids:
            continue
        cells = matrix.cells[:, ids]
        kills = np.count_nonzero(cells == KILLED, axis=1)
        names.append(name)
        columns.append(np.where(np.any(cells != 0, axis=1), kills, -1))
    return names, np.stack(columns, axis=1)


def error_histogram(
    reports: Report | Mapping[str, Report], *, ax: "Axes | None" = None
) -> "Axes":
    """
    Show how far backends stay from the bounds of the golden suite.

    Parameters
    ----------
    reports : Report or mapping of str to Report
        What `localnet.golden.check` returned; several with a label each.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        For each report a histogram over the bounded answers: the error of the worst
        element over its bound. Beyond 1 an answer is wrong. The outermost bins also
        hold what is smaller, such as 0, and what is larger, such as nan.

    Raises
    ------
    ValueError
        If `reports` holds something else, or no answer with a bound.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    localnet.golden.check : Judges a backend.

    Examples
    --------
    >>> from localnet.golden import check
    >>> from localnet.golden.adapters import engines
    >>> report = check(engines.blocked, precision="float32")
    >>> ax = error_histogram(report)
    >>> ax.get_title()
    'Errors against their bounds'
    """
    if isinstance(reports, Report):
        reports = {reports.backend or "backend": reports}
    found = [
        (label, _ratios(label, report)) for label, report in rows_of("reports", reports)
    ]
    axes = axes_for(ax)
    edges = np.logspace(-4, 1, 31)
    for i, (label, ratios) in enumerate(found):
        counts, _ = np.histogram(np.clip(ratios, edges[0], edges[-1]), edges)
        wrong = int(np.count_nonzero(ratios > 1))
        axes.stairs(
            counts,
            edges,
            color=ORDER[i % len(ORDER)],
            linestyle=DASHES[i % len(DASHES)],
            linewidth=1.8,
            fill=False,
            label=as_label(f"{label}: {len(ratios)} answers, {wrong} wrong"),
        )
    axes.axvline(1, color=GREY, linewidth=1.8)
    axes.axvspan(
        1, edges[-1], facecolor="none", edgecolor="#bbbbbb", hatch="///", linewidth=0
    )
    axes.set(xscale="log", xlim=(edges[0], edges[-1]), ylabel="answers")
    axes.set_xlabel(
        "worst error of answer / its bound\n(first bar: 0 or smaller, hatched: wrong)"
    )
    axes.set_title("Errors against their bounds", fontsize="medium")
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    legend_below(axes, points=50, fontsize="small")
    return axes


def _ratios(label: str, report: Any) -> Array:
    """Return error over bound of the worst element of every answer with a bound."""
    if not isinstance(report, Report):
        raise ValueError(
            f"reports must hold reports of check, got {type(report).__name__} for "
            f"{label!r}"
        )
    ratios = [
        judgement.worst.ratio
        for result in report
        for judgement in result.answers.values()
        if judgement.worst is not None and judgement.worst.bound > 0
    ]
    if not ratios:
        raise ValueError(
            f"reports must hold answers with a bound, got none for {label!r}"
        )
    return np.nan_to_num(np.array(ratios), nan=np.inf, posinf=np.inf)
