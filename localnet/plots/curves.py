"""How a training went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _arrays
from .._typing import Array
from .._validate import shown
from ..callbacks import History
from .style import BLUE, VERMILLION, axes_for, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["history"]

VALIDATION = "val_"
LOOKS = ((BLUE, "o"), (VERMILLION, "s"))
RATES = ("lr", "learning_rate")
FEW_EPOCHS = 30  # so many or fewer are marked one by one


def history(
    history: History | Mapping[str, Sequence[float]],
    names: str | Sequence[str] | None = None,
    *,
    validation_epochs: Sequence[int] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show what `fit` logged, epoch by epoch: training solid, validation dashed.

    Parameters
    ----------
    history : History or mapping of str to sequence of float
        What `fit` returned, or its ``history``.
    names : str or sequence of str, optional
        One name, or two of which the second has an axis of its own on the right.
        Default: the loss and the first metric, if there is one.
    validation_epochs : sequence of int, optional
        The epochs, counted from 1, after which was validated. Needed if that was not
        after every one (``validation_freq``).
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        That of the first name; ``ax.figure.axes[-1]`` is the other one. Epochs count
        from 1.

    Raises
    ------
    ValueError
        If `history` holds something else, a name is not in it, or validation has
        another number of values than its epochs.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    Examples
    --------
    >>> ax = history({"loss": [2.0, 1.0, 0.8], "val_loss": [1.9, 1.2, 1.1]})
    >>> [(line.get_label(), line.get_linestyle()) for line in ax.get_lines()]
    [('loss, training', '-'), ('loss, validation', '--')]
    """
    logs = _logs(history)
    chosen = _names(logs, names)
    curves = [
        (name, *_curves(logs, name, _epochs(history, logs), validation_epochs))
        for name in chosen
    ]
    axes = axes_for(ax)
    lines: list[Any] = []
    sides = (axes,) if len(curves) == 1 else (axes, _right_of(axes))
    for side, (name, *pair), look in zip(sides, curves, LOOKS, strict=False):
        lines += _draw(side, _in_words(name), pair, *look)
        side.set_ylabel(_in_words(name))
        if len(curves) > 1:
            side.yaxis.label.set_color(look[0])
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if all(len(line.get_xdata()) == 1 for line in lines):
        epoch = lines[0].get_xdata()[0]
        axes.set_xlim(epoch - 1, epoch + 1)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_title("Training history", fontsize="medium")
    # On the upper Axes, so that no curve runs over it.
    legend_below(sides[-1], handles=lines, ncols=2, fontsize="small")
    return axes


def _right_of(ax: Any) -> Any:
    """Return Axes on `ax` with a scale on the right; the current Axes stay current."""
    current = ax.figure.gca()
    right = ax.twinx()
    ax.figure.sca(current)
    return right


def _draw(ax: Any, name: str, pair: Any, colour: str, marker: str) -> list[Any]:
    """Draw the curves of training and validation, as far as there are any."""
    lines: list[Any] = []
    kinds = (("-", colour, "training"), ("--", "white", "validation"))
    for (x, y), (dash, inside, what) in zip(pair, kinds, strict=True):
        if len(y):
            lines += ax.plot(
                x,
                y,
                dash,
                color=colour,
                marker=marker if len(y) <= FEW_EPOCHS else "none",
                markersize=4,
                markerfacecolor=inside,
                label=f"{name}, {what}",
            )
    return lines


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _logs(history: Any) -> dict[str, Array]:
    """Return the values of every name as arrays."""
    logs = history.history if isinstance(history, History) else history
    if not isinstance(logs, Mapping) or not logs:
        raise ValueError(
            "history must be a History after a training or a mapping from names to "
            f"lists of numbers that is not empty, got {shown(history)}"
        )
    found = {}
    for name, values in logs.items():
        array = _arrays.real_numbers(f"history[{name!r}]", values)
        if array.ndim != 1:
            raise ValueError(
                f"history[{name!r}] must be a list of numbers, got shape {array.shape}"
            )
        found[str(name)] = array.astype(np.float64)
    if not any(len(found[name]) for name in found if not name.startswith(VALIDATION)):
        raise ValueError(
            f"history must hold values of a training, got only {', '.join(found)}"
        )
    return found


def _names(logs: Mapping[str, Array], names: Any) -> list[str]:
    """Return one or two names that are in the logs."""
    known = [name for name in logs if not name.startswith(VALIDATION)]
    if names is None:
        wanted = [name for name in known if name not in RATES] or known
        # Stable, so that metrics keep their order after the loss.
        return sorted(wanted, key=lambda name: name != "loss")[:2]
    chosen = [names] if isinstance(names, str) or names is None else names
    if (
        not isinstance(chosen, (list, tuple))
        or not 1 <= len(chosen) <= 2
        or any(name not in known for name in chosen)
    ):
        raise ValueError(
            f"names must be one or two of {', '.join(map(repr, known))}, got "
            f"{shown(names)}"
        )
    return list(chosen)


def _epochs(history: Any, logs: Mapping[str, Array]) -> Array:
    """Return the numbers of the epochs, from 1; a resumed history begins later."""
    longest = max(map(len, logs.values()))
    numbers = getattr(history, "epoch", ())
    if len(numbers) == longest:
        return np.array(numbers) + 1
    return np.arange(1, longest + 1)


def _curves(
    logs: Mapping[str, Array], name: str, epochs: Array, validation_epochs: Any
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return (epochs, values) of training and of validation."""
    train, validated = logs[name], logs.get(VALIDATION + name, np.zeros(0))
    at = epochs
    if validation_epochs is not None:
        at = _arrays.real_numbers("validation_epochs", validation_epochs)
    if len(validated) and at.shape != validated.shape:
        raise ValueError(
            f"validation_epochs must name the {len(validated)} epochs of "
            f"{VALIDATION + name!r}, got {shown(validation_epochs)}"
        )
    # What was logged less often than the rest was logged last.
    return (epochs[len(epochs) - len(train) :], train), (
        at[: len(validated)],
        validated,
    )
