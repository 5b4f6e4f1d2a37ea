"""Pictures as files."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _validate
from ..files.safe.atomic import write_atomically
from .style import need_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["picture_path", "save"]

# What says when, and by what, a file of a format with such words was written.
METADATA = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
SUFFIXES = (".png", *METADATA)


def picture_path(name: str, path: Any) -> Path:
    """Return `path` if its suffix is that of a picture."""
    file = Path(_validate.path(name, path))
    if file.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{name} must end in .png, .svg or .pdf, got {_validate.shown(str(file))}"
        )
    return file


def save(
    ax: "Axes", path: str | os.PathLike[str], *, dpi: float = 200, colours: int = 256
) -> Path:
    """
    Write the figure of an Axes to a file that depends on the picture alone.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What a function of `localnet.plots` returned.
    path : str or path-like
        A ``.png``, ``.svg`` or ``.pdf`` file; an old one is replaced as a whole or not
        at all.
    dpi : float
        Dots per inch of a ``.png``; the default is crisp on a screen of twice the
        usual resolution and on a beamer.
    colours : int
        How many a ``.png`` may have, up to 256; fewer make a smaller file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If `ax` is not an Axes, the suffix is another, `dpi` is not a number >= 1, or
        `colours` not an integer from 2 to 256.
    OSError
        If the file cannot be written.

    Notes
    -----
    No date and no version of a program goes into the file, so that drawing again with
    the same programs gives the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> from localnet import plots
    >>> ax = plots.links_and_weights({"Net-1": (2570, 2570), "Net-5": (5194, 1060)})
    >>> plots.save(ax, Path(tempfile.mkdtemp()) / "links.png").name
    'links.png'
    """
    file = picture_path("path", path)
    dpi = _validate.number("dpi", dpi, minimum=1.0)
    colours = _validate.integer("colours", colours, minimum=2, maximum=256)
    need_matplotlib()
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from PIL import Image

    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be a matplotlib Axes, got {_validate.shown(ax)}")
    figure: Any = ax.figure.figure  # the whole, if the Axes lies in a part of one
    drawn = io.BytesIO()
    metadata = METADATA.get(file.suffix.lower())
    if metadata is not None:
        # Names inside an .svg are random otherwise.
        with mpl.rc_context({"svg.hashsalt": "localnet"}):
            figure.savefig(drawn, format=file.suffix[1:].lower(), metadata=metadata)
        write_atomically(file, lambda stream: stream.write(drawn.getvalue()))
        return file
    figure.savefig(drawn, format="png", dpi=dpi)
    full = Image.open(drawn).convert("RGB")
    few = full.quantize(
        colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    write_atomically(file, lambda stream: few.save(stream, "png", optimize=True))
    return file
