"""The table that `Sequential.summary` prints."""

from collections.abc import Sequence

from .layers import Layer

__all__ = ["summary_table"]

# Keras 2's columns; they grow with long names, so that no cell is broken.
COLUMNS = (29, 26, 10)


def summary_table(name: str, class_name: str, layers: Sequence[Layer]) -> str:
    """
    Lay the layers of a built model out for reading, much as Keras 2 does.

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
    rows = [("Layer (type)", "Output Shape", "Param #")]
    for layer in layers:
        title = f"{layer.name} ({type(layer).__name__})"
        rows.append((title, str(layer.output_shape), str(layer.count_params())))
    columns = [
        max(width, 2 + max(len(row[i]) for row in rows))
        for i, width in enumerate(COLUMNS)
    ]
    header, *lines = (
        "".join(cell.ljust(width) for cell, width in zip(row, columns, strict=True))
        for row in rows
    )
    rule = sum(columns)
    return "\n".join(
        line.rstrip()
        for line in (
            f'Model: "{name}" ({class_name})',
            "_" * rule,
            header,
            "=" * rule,
            *lines,
            "=" * rule,
            f"Total params: {_size(layers)}",
            f"Trainable params: {_size([x for x in layers if x.trainable])}",
            f"Non-trainable params: {_size([x for x in layers if not x.trainable])}",
            "_" * rule,
        )
    )


def _size(layers: Sequence[Layer]) -> str:
    """Return how many numbers the weights hold, and how much memory."""
    total = sum(layer.count_params() for layer in layers)
    memory = sum(value.nbytes for layer in layers for value in layer.params.values())
    return f"{total} ({_bytes(memory)})"


def _bytes(size: float) -> str:
    for unit in ("Byte", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"
