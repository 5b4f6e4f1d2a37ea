"""
How the fast engine cuts a problem into pieces: integers only, once per shape.

The locations are cut into *blocks* whose operands fit into a core's cache, and for the
gradient of the input into *bands* of rows; the batch is cut into *tiles*. All cuts
follow from the shapes alone, never from the number of threads, so that the bits of a
result do not depend on it either.

The *grid* is the geometry with two spatial axes at least: its *rows* are the first
spatial axis, its *columns* the last one, and there may be one axis between them.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..._typing import Shape
from ...geometry import Geometry
from ...geometry.padding import effective_size

__all__ = ["LINE", "PARTS", "Band", "Block", "Cuts", "cuts", "even_slices", "slices"]

# Bytes of the largest operand of one block: what stays in a core's cache.
BLOCK_BYTES = 1 << 20
# The same where the patches' gradients are added up, which takes many short calls of
# NumPy: threads that wait for each other between them cost more than the cache saves.
BAND_BLOCK_BYTES = 9 << 18
# Products n*K*F up to this size use OpenBLAS's small-matrix path, which is faster here
# and never starts threads of its own.
GEMM_LIMIT = 1_000_000
# Work below which a hand-over to a thread costs more than it saves, in multiply-adds; a
# number read from or written to memory counts as MEMORY_COST of them.
THREAD_LIMIT = 30_000_000
MEMORY_COST = 8
# Pieces that threads share: few, since every piece costs a little, but enough that
# threads end together.
PARTS = 8
BANDS = 4
# Samples that make whole cache lines, in every float type.
LINE = 16
# Values that strips copy in one go; shorter runs cost more than a transposed image.
RUN = 8


class Block(NamedTuple):
    """Locations: some rows, one place on the middle axis, some columns."""

    rows: slice
    middle: Shape
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the block."""
        return (
            self.rows.stop - self.rows.start,
            self.columns.stop - self.columns.start,
        )

    @property
    def at(self) -> tuple[Any, ...]:
        """Index of the block in an array whose first axes are O."""
        return (self.rows, *self.middle, self.columns)


class Band(NamedTuple):
    """
    Rows of locations, and the rows of the padded image that their windows read.

    The rows of the blocks count from the first one of the band. The image rows
    ``start:stop`` are touched by this band; those before `end` are brought home by it,
    those from `end` on by the next one, which touches them too.
    """

    rows: slice
    blocks: tuple[Block, ...]
    start: int
    stop: int
    end: int


@dataclass(frozen=True)
class Cuts:
    """
    The pieces of one problem.

    Parameters
    ----------
    geometry : Geometry
        The problem, and with the next two the shapes of all of its arrays.
    n, filters, itemsize : int
        Samples, filters and bytes per number.
    """

    geometry: Geometry
    n: int
    filters: int
    itemsize: int

    @cached_property
    def grid(self) -> Geometry:
        """The geometry with two spatial axes at least: a sequence is one wide."""
        geometry = self.geometry
        if geometry.rank > 1:
            return geometry
        return replace(
            geometry,
            input_sizes=(*geometry.input_sizes, 1),
            kernel_size=(*geometry.kernel_size, 1),
            strides=(*geometry.strides, 1),
            dilation_rate=(*geometry.dilation_rate, 1),
            pads=(*geometry.pads, (0, 0)),
            output_sizes=(*geometry.output_sizes, 1),
        )

    @cached_property
    def threaded(self) -> bool:
        """Whether threads pay."""
        kernel = self.geometry.locations * self.geometry.patch_size * self.filters
        return (self.n + MEMORY_COST) * kernel >= THREAD_LIMIT

    @cached_property
    def in_strips(self) -> bool:
        """
        Whether a patch can be seen as one run of a strip of the image.

        It needs neighbouring rows and the channel last. Where runs are short, an
        image with the batch innermost is quicker to copy from.
        """
        grid = self.grid
        if not grid.channels_last or grid.dilation_rate[0] != 1:
            return False
        run = grid.channels * grid.kernel_size[-1]
        return self.is_sequence or run >= RUN or self.n < RUN

    @cached_property
    def in_runs(self) -> bool:
        """Whether every patch is one run of the image, and nothing is to be copied."""
        geometry = self.geometry
        *others, last = geometry.kernel_size
        undilated = last == 1 or geometry.dilation_rate[-1] == 1
        return geometry.channels_last and undilated and set(others) <= {1}

    @cached_property
    def is_tiled(self) -> bool:
        """Whether no cell is read by two windows, and none is a pad."""
        geometry = self.geometry
        reach = map(effective_size, geometry.kernel_size, geometry.dilation_rate)
        apart = all(map(operator.le, reach, geometry.strides))
        return geometry.channels_last and apart and not geometry.has_pads

    @property
    def is_sequence(self) -> bool:
        """Whether there is one spatial axis."""
        return self.geometry.rank == 1

    @cached_property
    def tiles(self) -> tuple[slice, ...]:
        """
        The batch in tiles of products below `GEMM_LIMIT`; never empty.

        Unless the kernel of one location is too large for a cache: it is then read
        once for the whole batch, which costs less than to read it again and again.
        """
        weights = self.geometry.patch_size * self.filters
        if weights * self.itemsize > BLOCK_BYTES:
            return (slice(0, self.n),)
        most = GEMM_LIMIT // max(1, weights)
        # Whole cache lines of samples, where the batch is innermost.
        step = most - most % LINE if most > LINE else max(1, most)
        return tuple(slices(self.n, step)) or (slice(0, 0),)

    @property
    def tile(self) -> int:
        """Samples in the largest tile."""
        return int(self.tiles[0].stop)

    @cached_property
    def parts(self) -> tuple[tuple[Block, ...], ...]:
        """Blocks for products with patches, in lists that threads share."""
        grid = self.grid
        rows, *middle, columns = grid.output_sizes
        if self.in_runs:
            # Nothing is copied: rows are cut for the threads alone.
            height = -(-rows // PARTS) if self.threaded else rows
            width = columns
        elif self.in_strips:
            # A strip holds whole columns, so that no row of it is copied twice.
            window = grid.patch_size // grid.kernel_size[0]
            strip = grid.padded_sizes[0] * window * self.tile * self.itemsize
            height, width = rows, max(1, BLOCK_BYTES // max(1, strip))
            if self.threaded:
                width = min(width, max(1, columns // PARTS))
        else:
            patch = grid.patch_size * self.tile * self.itemsize
            height, width = _block_shape(BLOCK_BYTES // max(1, patch), rows, columns)
        blocks = tuple(
            Block(r, place, c)
            for place in np.ndindex(*middle)
            for c in slices(columns, width)
            for r in slices(rows, height)
        )
        if not self.threaded:
            return (blocks,)
        return tuple(blocks[part] for part in even_slices(len(blocks), per=PARTS))

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """Rows for the gradient of the input; only neighbours touch the same cells."""
        grid = self.grid
        rows, *middle, columns = grid.output_sizes
        stride, end = grid.strides[0], grid.padded_sizes[0]
        span = effective_size(grid.kernel_size[0], grid.dilation_rate[0])
        least = -(-span // stride)
        count = max(1, min(BANDS, rows // least)) if self.threaded else 1
        patch = grid.patch_size * self.tile * self.itemsize
        room = BAND_BLOCK_BYTES // max(1, patch)
        bands = []
        for own in even_slices(rows, per=count):
            width, height = _block_shape(room, columns, own.stop - own.start)
            blocks = tuple(
                Block(r, place, c)
                for r in slices(own.stop - own.start, height)
                for place in np.ndindex(*middle)
                for c in slices(columns, width)
            )
            following = end if own.stop == rows else own.stop * stride
            reach = (own.stop - 1) * stride + span
            bands.append(
                Band(own, blocks, own.start * stride, max(reach, following), following)
            )
        return tuple(bands)


@lru_cache(maxsize=256)
def cuts(geometry: Geometry, n: int, filters: int, itemsize: int) -> Cuts:
    """Return the cuts of a problem, worked out once."""
    return Cuts(geometry, n, filters, itemsize)


def slices(length: int, step: int) -> Iterator[slice]:
    """Yield slices of at most `step` that cover a length."""
    return (slice(a, min(a + step, length)) for a in range(0, length, step))


def even_slices(length: int, *, per: int) -> tuple[slice, ...]:
    """Cover a length by at most `per` slices of about one size."""
    count = min(per, length)
    edges = [length * i // count for i in range(count + 1)] if count else []
    return tuple(map(slice, edges, edges[1:]))


def _block_shape(room: int, outer: int, inner: int) -> tuple[int, int]:
    """Cut two axes for blocks of `room` locations, the inner one filled first."""
    width = max(1, min(inner, room))
    return max(1, min(outer, room // width)), width
