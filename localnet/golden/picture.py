"""A picture of the kill matrix, for the documentation."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validate
from .families import FAMILIES
from .matrix import KILLED, SURVIVED, Matrix

__all__ = ["draw"]

SUFFIXES = (".png", ".svg")
COLOURS = ("#f2f2f2", "#e8a33d", "#2b5c8a")
MEANINGS = ("cannot show", "can show, is missed", "caught")


def draw(matrix: Matrix, path: str | os.PathLike[str]) -> Path:
    """
    Draw which family of cases catches which mutant.

    Parameters
    ----------
    matrix : Matrix
        What `localnet.golden.matrix.kill_matrix` returned.
    path : str or path-like
        A ``.png`` or ``.svg`` file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If the suffix is another.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.
    """
    file = Path(_validate.path("picture", path))
    if file.suffix.lower() not in SUFFIXES:
        raise ValueError(f"picture must end in .png or .svg, got {str(file)!r}")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.colors import ListedColormap
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise ImportError(
            'matplotlib is needed to draw; pip install "localnet[plot]"'
        ) from error

    names, shares = _by_family(matrix)
    rows = len(matrix.mutants)
    figure = Figure(figsize=(8.5, 1.6 + 0.17 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots()
    kinds = np.where(shares > 0, KILLED, np.where(shares == 0, SURVIVED, 0))
    axes.imshow(
        kinds, cmap=ListedColormap(list(COLOURS)), vmin=0, vmax=2, aspect="auto"
    )
    for i, j in np.argwhere(shares > 0):
        axes.text(
            j, i, f"{shares[i, j]:.0f}", ha="center", va="center", color="w", size=6.5
        )
    axes.set_xticks(range(len(names)), names, size=8, rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(rows), [mutant.name for mutant in matrix.mutants], size=7)
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="w", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    handles = [
        Patch(color=colour, label=label)
        for colour, label in zip(COLOURS, MEANINGS, strict=True)
    ]
    axes.set_xlabel("numbers: cases of the family that catch the mutant", size=8)
    figure.legend(handles=handles, ncols=3, loc="outside lower center", fontsize=8)
    figure.savefig(
        file, dpi=100, metadata={"Date": None} if file.suffix == ".svg" else {}
    )
    return file


def _by_family(matrix: Matrix) -> tuple[list[str], Any]:
    """Return the families, and how many of their cases kill each mutant.

    A number of 0 means that the error could show and none does; -1 that it cannot.
    """
    place = {case.id: j for j, case in enumerate(matrix.cases)}
    columns = []
    for family in FAMILIES.values():
        ids = [place[spec.id] for spec in family() if spec.id in place]
        cells = matrix.cells[:, ids]
        kills = np.count_nonzero(cells == KILLED, axis=1)
        seen = np.any(cells != 0, axis=1)
        columns.append(np.where(seen, kills, -1))
    return list(FAMILIES), np.stack(columns, axis=1)
