"""How the fast engine cuts its work: everything once, and never by the threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import local_conv_problems

from localnet import config
from localnet.geometry import Geometry
from localnet.ops.runtime import cuts
from localnet.ops.runtime.cuts import Cuts


def counted(blocks, sizes):
    """Return how often each location is in one of the blocks."""
    times = np.zeros(sizes, int)
    for block in blocks:
        times[block.at] += 1
    return times


@given(
    local_conv_problems(),
    st.sampled_from([1, 64, 1000, 1 << 20]),
    st.sampled_from([0, 1 << 60]),
    st.integers(0, 70),
)
def test_every_location_and_sample_is_in_one_piece(problem, size, limit, n):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "BLOCK_BYTES", size)
        patch.setattr(cuts, "BAND_BLOCK_BYTES", size)
        patch.setattr(cuts, "GEMM_LIMIT", size)
        patch.setattr(cuts, "THREAD_LIMIT", limit)
        cut = Cuts(problem.geometry, n, problem.filters, 8)
        parts, bands, tiles = cut.parts, cut.bands, cut.tiles
    outputs = cut.grid.output_sizes
    assert_array_equal(counted([b for part in parts for b in part], outputs), 1)
    assert np.concatenate([np.arange(n)[tile] for tile in tiles]).tolist() == list(
        range(n)
    )
    assert max(tile.stop - tile.start for tile in tiles) == cut.tile
    rows = [np.arange(outputs[0])[band.rows] for band in bands]
    assert np.concatenate(rows).tolist() == list(range(outputs[0]))
    for band in bands:
        height = band.rows.stop - band.rows.start
        assert_array_equal(counted(band.blocks, (height, *outputs[1:])), 1)


@given(local_conv_problems(), st.integers(1, 6))
def test_bands_share_rows_with_their_neighbours_alone(problem, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "THREAD_LIMIT", 0)
        patch.setattr(cuts, "BANDS", count)
        cut = Cuts(problem.geometry, 2, problem.filters, 8)
        bands = cut.bands
    grid = cut.grid
    assert 1 <= len(bands) <= count
    home = []
    for band in bands:
        read = {
            o * grid.strides[0] + t * grid.dilation_rate[0]
            for o in range(band.rows.start, band.rows.stop)
            for t in range(grid.kernel_size[0])
        }
        assert min(read) == band.start
        assert max(read) < band.stop
        home += range(band.start, band.end)
    assert home == list(range(grid.padded_sizes[0]))
    for band, after in zip(bands, bands[2:], strict=False):
        assert band.stop <= after.start


def test_the_number_of_threads_changes_no_cut():
    geometry = Geometry.of((40, 40, 8), kernel_size=3)
    found = []
    for threads in (1, 2, 7):
        config.set_num_threads(threads)
        cut = Cuts(geometry, 64, 16, 4)
        found.append((cut.tiles, cut.parts, cut.bands, cut.threaded))
    assert found[0] == found[1] == found[2]
    assert found[0][3]


def test_products_stay_below_the_limit_in_whole_cache_lines():
    geometry = Geometry.of((16, 16, 32), kernel_size=3)
    cut = Cuts(geometry, 512, 32, 4)
    sizes = [tile.stop - tile.start for tile in cut.tiles]
    assert sizes == [96, 96, 96, 96, 96, 32]
    assert 96 * 288 * 32 <= cuts.GEMM_LIMIT < 112 * 288 * 32


def test_a_kernel_too_large_for_a_cache_is_read_once_for_all_samples():
    below = Cuts(Geometry.of((2, 256), kernel_size=1), 33, 1024, 4)
    assert below.tiles[0] == slice(0, 3)
    above = Cuts(Geometry.of((2, 257), kernel_size=1), 33, 1024, 4)
    assert above.tiles == (slice(0, 33),)


@pytest.mark.parametrize(
    ("shape", "n", "options", "expected"),
    [
        ((9, 9, 8), 4, {}, True),
        ((9, 8), 4, {}, True),
        ((9, 9, 1), 64, {}, False),  # short runs, many samples
        ((9, 9, 1), 1, {}, True),
        ((9, 9, 8), 4, {"dilation_rate": (2, 1)}, False),
        ((8, 9, 9), 4, {"data_format": "channels_first"}, False),
    ],
    ids=["2d", "1d", "short-runs", "one-sample", "dilated", "channels-first"],
)
def test_which_problems_are_gathered_by_strips(shape, n, options, expected):
    geometry = Geometry.of(shape, kernel_size=3, **options)
    assert Cuts(geometry, n, 4, 4).in_strips is expected
