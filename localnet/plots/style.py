"""What all pictures share: where they are drawn, and in which colours."""

from collections.abc import Iterable, Mapping
from typing import Any

from .._validate import shown

__all__ = [
    "BLACK",
    "BLUE",
    "DASHES",
    "GREY",
    "LIGHT",
    "MARKERS",
    "ORANGE",
    "ORDER",
    "VERMILLION",
    "WHEEL",
    "as_label",
    "axes_for",
    "bar_beside",
    "legend_below",
    "need_matplotlib",
    "rows_of",
    "spaced",
]

# Okabe and Ito's colours, which the colour-blind tell apart; whatever is told apart by
# one of them has a marker, a dash or a hatching of its own too.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
ORDER = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (7, 3)))
GREY, LIGHT = "#777777", "#dddddd"
# The hues of a few taps.
WHEEL = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)


def need_matplotlib() -> None:
    """Refuse to draw where the extra is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "matplotlib is needed to draw: python -m pip install matplotlib"
        ) from error


def axes_for(ax: Any, *, size: tuple[float, float] = (6.4, 4.8)) -> Any:
    """Return `ax`, or the Axes of a new figure of `size` in inches."""
    need_matplotlib()
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    if ax is None:
        return Figure(figsize=size, layout="compressed").subplots()
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be a matplotlib Axes or None, got {shown(ax)}")
    return ax


def bar_beside(ax: Any, drawn: Any, label: str) -> Any:
    """Explain the colours of an image by a bar as high as the picture."""
    # Not Figure.colorbar(ax=ax), whose bar keeps its height when the aspect is fixed.
    beside = ax.inset_axes((1.03, 0.0, 0.045, 1.0))
    ax.figure.colorbar(drawn, cax=beside, label=label)
    return beside


def legend_below(ax: Any, *, points: float = 34, **kwargs: Any) -> None:
    """Draw a legend so many points below an Axes, whatever its height."""
    from matplotlib.transforms import ScaledTranslation

    down = ScaledTranslation(0, -points / 72, ax.figure.dpi_scale_trans)
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + down,
        borderaxespad=0.0,
        frameon=False,
        **kwargs,
    )


def as_label(text: str) -> str:
    """Return a text that is shown as it is, and not hidden or taken for a formula."""
    shown = text.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def rows_of(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return a mapping from labels, or pairs, as a list that is not empty."""
    try:
        pairs: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
        rows = [(label, item) for label, item in pairs]
    except (TypeError, ValueError):
        rows = []
    if not rows or not all(isinstance(label, str) for label, _ in rows):
        raise ValueError(
            f"{name} must be a mapping from labels to values that is not empty, "
            f"got {shown(value)}"
        )
    return rows


def spaced(count: int, most: int) -> range:
    """Return evenly spaced indices below `count`, from 0, at most `most` of them."""
    step = -(-count // most)
    for round_step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if round_step >= step:
            return range(0, count, round_step)
    return range(0, count, step)
