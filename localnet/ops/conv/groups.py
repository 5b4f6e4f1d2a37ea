"""Groups of channels, each convolved with filters of its own."""

from typing import Any

import numpy as np

from ... import _validate
from ..._typing import Array
from ...geometry import Geometry

__all__ = ["checked_groups", "is_depthwise", "split_channels", "split_filters"]


def checked_groups(groups: Any, channels: int, filters: int) -> int:
    """Return the number of groups as an int, if channels and filters fall into them."""
    count = _validate.integer("groups", groups, minimum=1)
    if channels % count or filters % count:
        raise ValueError(
            f"groups must divide C = {channels} and F = {filters}, got {count}"
        )
    return count


def is_depthwise(kernel: Array, groups: int) -> bool:
    """Tell whether a kernel (*R, C/groups, F) has one filter for each of C > 1."""
    return groups > 1 and kernel.shape[-2:] == (1, groups)


def split_channels(image: Array, groups: int, geometry: Geometry) -> list[Array]:
    """Return the views of an image that hold the channels, or filters, of a group."""
    return np.split(image, groups, axis=-1 if geometry.channels_last else 1)


def split_filters(kernel: Array, groups: int) -> list[Array]:
    """Return the views of a kernel (*R, C/groups, F) that hold a group's filters."""
    return np.split(kernel, groups, axis=-1)
