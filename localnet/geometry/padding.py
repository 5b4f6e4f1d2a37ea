"""
How many cells padding adds to an axis, and how many windows it then has.

The word ``same`` means one window per stride everywhere, but Keras puts these windows
elsewhere in a convolution than in a locally connected layer: see `PLACEMENTS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .. import _validate
from .._typing import Shape

__all__ = [
    "PLACEMENTS",
    "Pads",
    "by_axis",
    "checked_pads",
    "effective_size",
    "output_length",
    "resolve_pads",
]

Pads = tuple[tuple[int, int], ...]


def effective_size(size: int, dilation: int) -> int:
    """Return how many cells a dilated window spans, ``(size - 1)*dilation + 1``."""
    return (size - 1) * dilation + 1


def output_length(
    length: int | None,
    size: int,
    stride: int,
    padding: str | tuple[int, int] = "valid",
    dilation: int = 1,
) -> int | None:
    """
    Return how many windows an axis has.

    Parameters
    ----------
    length : int or None
        Cells of the input axis; ``None``, not known yet, gives ``None``.
    size, stride, dilation : int
        Window size, stride and dilation along the axis.
    padding : {"valid", "same", "causal"} or (int, int)
        ``valid``: windows inside the input; ``same`` and ``causal``: one window per
        stride; a pair: the cells added before and after.

    Returns
    -------
    int or None
        ``ceil((padded - span + 1) / stride)`` or ``ceil(length / stride)``; zero or
        negative when no window fits.

    Examples
    --------
    >>> output_length(10, 3, 1), output_length(10, 3, 2, "same")
    (8, 5)
    >>> output_length(10, 3, 1, (1, 0))
    9
    """
    if length is None:
        return None
    usable = length
    if padding not in ("same", "causal"):
        before, after = (0, 0) if isinstance(padding, str) else padding
        usable = before + length + after - effective_size(size, dilation) + 1
    return -(-usable // stride)


def no_pads(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the cells of ``padding="valid"``: none."""
    return 0, 0


def local_same_pads(
    length: int, size: int, stride: int, dilation: int
) -> tuple[int, int]:
    """
    Return the cells that ``padding="same"`` adds in a locally connected layer.

    Windows start at ``o*stride - span//2``, as in Keras implementations 2 and 3. This
    is not TensorFlow's placement for convolutions when the size is even or the stride
    is not 1.
    """
    span = effective_size(size, dilation)
    before = span // 2
    last_start = (-(-length // stride) - 1) * stride - before
    return before, max(0, last_start + span - length)


def conv_same_pads(
    length: int, size: int, stride: int, dilation: int
) -> tuple[int, int]:
    """
    Return the cells that ``padding="same"`` adds in a convolution of TensorFlow.

    As few as the windows need, half of them before the axis; an odd one comes after.
    """
    span = effective_size(size, dilation)
    total = max(0, (-(-length // stride) - 1) * stride + span - length)
    return total // 2, total - total // 2


def causal_pads(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the cells of ``padding="causal"``: no window looks past its own cell."""
    return effective_size(size, dilation) - 1, 0


# What the words of `padding` mean in a locally connected layer and in a convolution.
PLACEMENTS: Mapping[
    str, Mapping[str, Callable[[int, int, int, int], tuple[int, int]]]
] = {
    "local": {"valid": no_pads, "same": local_same_pads},
    "conv": {"valid": no_pads, "same": conv_same_pads, "causal": causal_pads},
}


def checked_pads(padding: Any, rank: int, words: Any = ()) -> Pads:
    """
    Return explicit pads as pairs of ints, one for each axis.

    Parameters
    ----------
    padding : sequence of (int, int)
        Cells added before and after each axis.
    rank : int
        How many axes there are.
    words : iterable of str
        What could have been given instead, for the message.

    Returns
    -------
    tuple of (int, int)
        The pairs.

    Raises
    ------
    ValueError
        If it is not one pair of integers >= 0 for each axis.
    """
    try:
        pairs = [_validate.sizes("padding", pair, 2, minimum=0) for pair in padding]
    except (TypeError, ValueError):
        pairs = []
    if len(pairs) != rank or any(isinstance(pair, int) for pair in padding):
        instead = ", ".join(repr(word) for word in words)
        raise ValueError(
            f"padding must be {f'{instead} or ' if instead else ''}one (before, after) "
            f"pair of integers >= 0 for each of {rank} spatial axes, got "
            f"{_validate.shown(padding)}"
        )
    return tuple((before, after) for before, after in pairs)


def by_axis(padding: Any, rank: int) -> tuple[Any, ...]:
    """Return what `padding` says of each axis: its word, or a pair of its own."""
    return (padding,) * rank if isinstance(padding, str) else tuple(padding)


def resolve_pads(
    padding: Any,
    lengths: Shape,
    sizes: Shape,
    strides: Shape,
    dilations: Shape,
    placement: str = "local",
) -> Pads:
    """Return the cells added before and after each axis, whatever `padding` is."""
    words = PLACEMENTS[placement]
    if not isinstance(padding, str):
        return checked_pads(padding, len(lengths), words)
    pads = words[_validate.choice("padding", padding, tuple(words))]
    return tuple(
        pads(*axis) for axis in zip(lengths, sizes, strides, dilations, strict=True)
    )
