"""Where the channel axis of a sample stands."""

from typing import Any, TypeVar

__all__ = ["sample_shape", "split_sample"]

Size = TypeVar("Size", bound=int | None)


def split_sample(
    shape: tuple[Size, ...], data_format: str
) -> tuple[tuple[Size, ...], Size]:
    """
    Return the spatial sizes and the channels of the shape of a sample.

    >>> split_sample((4, 5, 2), "channels_last"), split_sample((2, 4), "channels_first")
    (((4, 5), 2), ((4,), 2))
    """
    if len(shape) < 2:
        raise ValueError(
            f"input_shape must have spatial axes and a channel axis, got {shape}"
        )
    if data_format == "channels_last":
        return shape[:-1], shape[-1]
    return shape[1:], shape[0]


def sample_shape(sizes: Any, channels: Any, data_format: str) -> tuple[Any, ...]:
    """Return the shape of a sample, which `split_sample` takes apart."""
    if data_format == "channels_last":
        return (*sizes, channels)
    return (channels, *sizes)
