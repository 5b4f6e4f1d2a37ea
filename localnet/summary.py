"""The table that `Sequential.summary` prints."""

from collections.abc import Sequence

from .layers import Layer

__all__ = ["summary_table"]

WIDTH = 65
COLUMNS = (29, 55, 65)


def summary_table(name: str, class_name: str, layers: Sequence[Layer]) -> str:
    """
    Lay the layers of a built model out for reading, as Keras 2 does.

    Parameters
    ----------
    name, class_name : str
        Of the model.
    layers : sequence of Layer
        All built.

    Returns
    -------
    str
        One line per layer: name and class, output shape, number of parameters.
    """
    lines = [
        f'Model: "{name}"',
        "_" * WIDTH,
        *_row("Layer (type)", "Output Shape", "Param #"),
        "=" * WIDTH,
    ]
    for layer in layers:
        lines += _row(
            f"{layer.name} ({type(layer).__name__})",
            str(layer.output_shape),
            str(layer.count_params()),
        )
        lines.append("")
    counts = [(layer.trainable, layer.count_params()) for layer in layers]
    size = {flag: sum(n for t, n in counts if t is flag) for flag in (True, False)}
    width = {
        flag: sum(
            value.nbytes
            for layer in layers
            if layer.trainable is flag
            for value in layer.params.values()
        )
        for flag in (True, False)
    }
    total, total_width = sum(size.values()), sum(width.values())
    lines += [
        "=" * WIDTH,
        f"Total params: {total} ({_bytes(total_width)})",
        f"Trainable params: {size[True]} ({_bytes(width[True])})",
        f"Non-trainable params: {size[False]} ({_bytes(width[False])})",
        "_" * WIDTH,
    ]
    return "\n".join(lines)


def _row(*cells: str) -> list[str]:
    """Return the lines of one row; a cell too long for its column goes on below."""
    starts = (0, *COLUMNS[:-1])
    widths = [end - start - 3 for start, end in zip(starts, COLUMNS, strict=True)]
    widths[-1] = COLUMNS[-1] - COLUMNS[-2]
    pieces = [
        [cell[i : i + width] for i in range(0, len(cell), width)] or [""]
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for number in range(max(map(len, pieces))):
        line = ""
        for start, piece in zip(starts, pieces, strict=True):
            text = piece[number] if number < len(piece) else ""
            line = line.ljust(start) + text
        lines.append(line.rstrip())
    return lines


def _bytes(size: float) -> str:
    for unit in ("Byte", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"
