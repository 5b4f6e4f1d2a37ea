"""Filters, counts, curves and proofs: the numbers in the pictures are those given."""

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pictures import built, image_of
from raising import refuses

from localnet import plots
from localnet.callbacks import History
from localnet.golden import Report
from localnet.golden.judging.judge import Element, Judgement
from localnet.golden.matrix import KILLED, SURVIVED, Matrix
from localnet.golden.mutants import MUTANTS
from localnet.golden.report import Result
from localnet.golden.suite import load_suite
from localnet.gradcheck import VCurve
from localnet.initializers import GlorotUniform, HeNormal
from localnet.layers import (
    Conv2D,
    Dense,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
)

pytest.importorskip("matplotlib")

FORMATS = ("channels_last", "channels_first")


# Filters ----------------------------------------------------------------------


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_filters_lie_at_their_locations(data_format, padding, rng):
    last = data_format == "channels_last"
    layer = LocallyConnected2D(
        3, (2, 3), strides=2, padding=padding, data_format=data_format
    )
    built(layer, (5, 8, 2) if last else (2, 5, 8), rng)
    ax = plots.filters(layer, filter=2, channel=1)
    shown = image_of(ax)
    outputs = layer.output_shape[1:-1] if last else layer.output_shape[2:]
    before = (1, 1) if padding == "same" else (0, 0)
    covered = np.zeros(shown.shape, bool)
    for n, (i, j) in enumerate(itertools.product(*map(range, outputs))):
        for r, c in itertools.product(range(2), range(3)):
            cell = i * 3 + r, j * 4 + c
            tap = r * 3 + c
            k = tap * 2 + 1 if last else 6 + tap
            row, column = 2 * i + r - before[0], 2 * j + c - before[1]
            on_pad = not (0 <= row < 5 and 0 <= column < 8)
            assert shown.mask[cell] == on_pad
            if not on_pad:
                assert shown[cell] == layer.kernel[n, k, 2]
                covered[cell] = True
    assert_array_equal(~shown.mask, covered)
    largest = np.abs(shown).max()
    assert ax.get_images()[-1].get_clim() == (-largest, largest)


def test_filters_of_a_sequence_are_columns(rng):
    layer = built(LocallyConnected1D(2, 3), (6, 1), rng)
    assert_array_equal(
        image_of(plots.filters(layer, filter=1)), layer.kernel[:, :, 1].T
    )
    one = plots.filters(layer, location=2)
    assert_array_equal(image_of(one), layer.kernel[2])
    assert one.get_title() == "2 filters of location 2"


def test_all_filters_of_one_location(rng):
    layer = built(LocallyConnected2D(5, 2), (3, 3, 1), rng)
    shown = image_of(plots.filters(layer, location=(1, 0)))
    assert shown.shape == (5, 8)
    for f, (i, j) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
        tile = shown[3 * i : 3 * i + 2, 3 * j : 3 * j + 2]
        assert_array_equal(tile, layer.kernel[2, :, f].reshape(2, 2))
    assert shown.mask[3:, 6:].all()


def test_filters_of_a_dense_layer(rng):
    layer = built(Dense(4), (6,), rng)
    shown = image_of(plots.filters(layer, input_shape=(2, 3, 1)))
    assert_array_equal(shown[:2, 4:7], layer.kernel[:, 1].reshape(2, 3))
    assert image_of(plots.filters(layer)).shape == (6, 4)


@pytest.mark.parametrize("data_format", FORMATS)
def test_filters_of_a_convolution(data_format, rng):
    layer = Conv2D(5, (2, 3), data_format=data_format)
    built(layer, (4, 4, 2) if data_format == "channels_last" else (2, 4, 4), rng)
    shown = image_of(plots.filters(layer, channel=1))
    assert_array_equal(shown[3:5, 4:7], layer.kernel[:, :, 1, 4])


def test_one_by_one_windows_have_no_gaps(rng):
    layer = built(LocallyConnected2D(1, 1), (3, 4, 1), rng)
    assert_array_equal(image_of(plots.filters(layer)), layer.kernel.reshape(3, 4))


def test_weights_that_are_not_numbers_are_left_out():
    layer = built(LocallyConnected1D(1, 1), (3, 1))
    layer.kernel[...] = np.array([np.nan, np.inf, -2.0]).reshape(3, 1, 1)
    ax = plots.filters(layer)
    assert_array_equal(image_of(ax).mask, [[True, True, False]])
    assert ax.get_images()[-1].get_clim() == (-2.0, 2.0)
    layer.kernel[...] = 3e38
    plots.filters(layer).figure.draw_without_rendering()
    layer.kernel[...] = 0.0
    assert plots.filters(layer).get_images()[-1].get_clim() == (-1.0, 1.0)


def test_filters_refuses(rng):
    layer = built(LocallyConnected2D(3, 2), (3, 3, 2), rng)
    with refuses("filter must be an integer >= 0 and <= 2, got 3"):
        plots.filters(layer, filter=3)
    with refuses("channel must be an integer >= 0 and <= 1, got -1"):
        plots.filters(layer, channel=-1)
    with refuses("filter must be left out where all filters are drawn, got 1"):
        plots.filters(layer, filter=1, location=0)
    with refuses(
        "location must be left out for a layer with the same weights everywhere, got 0"
    ):
        plots.filters(built(Dense(2), (3,)), location=0)
    with refuses("layer must be a layer, got Geometry"):
        plots.filters(layer.geometry((None, 3, 3, 2)))
    with refuses("layer must have one or two spatial axes to be drawn, got 3"):
        plots.filters(built(LocallyConnected3D(1, 1), (2, 2, 2, 1)))


# Counts -----------------------------------------------------------------------


def test_bars_have_their_lengths():
    table = {"a": (10, 3), "b": (7, 1), "c": (10**12, 5)}
    ax = plots.links_and_weights(table)
    links, weights = ax.containers
    assert [bar.get_width() for bar in links] == [10, 7, 10**12]
    assert [bar.get_width() for bar in weights] == [3, 1, 5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_xscale() == "log"
    assert {"10 links", "3 weights", "1 weight"} <= {t.get_text() for t in ax.texts}


def test_labels_are_no_formulas():
    ax = plots.links_and_weights({"$\\no$": (10**30, 1), "_": (2, 1)})
    assert ax.containers[0][0].get_width() == 1e30
    ax.figure.draw_without_rendering()
    ax = plots.accuracy_against_parameters({"$\\no$": [(3, [0.5])]})
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize(
    "table", [{"a": (1, 0)}, {"a": (1.5, 1)}, {"a": 3}, {"a": (1, 2, 3)}]
)
def test_table_must_hold_counts(table):
    with refuses(
        "table must hold a pair of integers >= 1, links and free weights, "
        f"got {table['a']!r} for 'a'"
    ):
        plots.links_and_weights(table)


@pytest.mark.parametrize("table", [{}, 3, {1: (2, 2)}, "ab", None])
def test_table_must_be_a_mapping(table):
    with refuses(
        "table must be a mapping from labels to values that is not empty, "
        f"got {table!r}"
    ):
        plots.links_and_weights(table)


def test_accuracy_points_means_and_spreads():
    ax = plots.accuracy_against_parameters(
        {"a": [(100, [0.5, 0.7]), (10, [0.25])], "b": [(5, [1.0, 0.0, 0.5])]}
    )
    points = [line for line in ax.get_lines() if line.get_alpha()]
    assert_array_equal(points[0].get_xydata(), [[10, 25], [100, 50], [100, 70]])
    mean, _, [bars] = ax.containers[0]
    assert_allclose(mean.get_xydata(), [[10, 25], [100, 60]])
    low, high = np.array([bar[:, 1] for bar in bars.get_segments()]).T
    assert_allclose(high - low, [0, 2 * math.sqrt(200)])
    assert_allclose(ax.containers[1].lines[0].get_xydata(), [[5, 50]])
    spread = np.array(
        [bar[:, 1] for bar in ax.containers[1].lines[2][0].get_segments()]
    )
    assert_array_equal(spread, [[0, 100]])  # and not 50 +- 50
    assert ax.get_ylim() == (0, 100)
    assert ax.get_title().endswith("mean and standard deviation, 1 to 3 seeds")
    assert ax.get_xscale() == "log"


def test_accuracies_end_at_100_percent_in_axes_that_are_shared():
    from matplotlib.figure import Figure

    one, other = Figure().subplots(1, 2, sharey=True)
    plots.accuracy_against_parameters({"a": [(9, [0.99, 0.9])]}, ax=one)
    plots.accuracy_against_parameters({"a": [(9, [0.3, 0.4])]}, ax=other)
    low, high = one.get_ylim()
    assert high == 100
    assert low < 29


@pytest.mark.parametrize("values", [[(10, [98.4])], [(10, [])], [(0, [0.5])], [3], []])
def test_accuracies_are_fractions(values):
    with refuses(
        "results must hold lists of (parameters, accuracies from 0 to 1), "
        f"got {values!r} for 'a'"
    ):
        plots.accuracy_against_parameters({"a": values})


@pytest.mark.parametrize("rank", [1, 2])
def test_initial_scale_is_that_of_the_layers(rank):
    """The largest weight of many draws lies at the end of the uniform distribution."""
    layer = (LocallyConnected1D, LocallyConnected2D)[rank - 1]
    ax = plots.initial_scale([12, 6], rank=rank, channels=2, filters=40)
    lines = {line.get_label(): line for line in ax.get_lines()}
    for fans, label in (
        ("local", "local: fans as in a convolution"),
        ("keras", "keras: fans count the locations"),
    ):
        for i, size in enumerate((6, 12)):
            made = layer(40, 3, fans=fans, kernel_initializer=GlorotUniform(seed=0))
            made.build((None, *(size,) * rank, 2))
            limit = math.sqrt(3) * lines[label].get_ydata()[i]
            locations = made.kernel.shape[0]
            assert lines[label].get_xdata()[i] == locations
            assert limit * 0.99 < np.abs(made.kernel).max() <= limit * (1 + 1e-6)
    shared = GlorotUniform(seed=0)((*(3,) * rank, 2, 40))
    limit = math.sqrt(3) * lines["convolution"].get_ydata()[0]
    assert limit * 0.98 < np.abs(shared).max() <= limit * (1 + 1e-6)


def test_initial_scale_takes_the_family_of_initializers():
    ax = plots.initial_scale([5], filters=1, initializer=HeNormal())
    assert ax.get_lines()[0].get_ydata()[0] == math.sqrt(2 / 9)
    with refuses("initializer must be of the VarianceScaling family, got Zeros"):
        plots.initial_scale([5], initializer="zeros")
    with refuses("sizes must hold a length of the input, got []"):
        plots.initial_scale([])
    with pytest.raises(ValueError, match="kernel_size must fit into"):
        plots.initial_scale([2])


# Curves -----------------------------------------------------------------------


def logged(epochs, **history):
    log = History()
    log.history, log.epoch = history, list(epochs)
    return log


def test_history_has_two_axes():
    log = logged(
        range(3), loss=[3, 2, 1], acc=[0, 1, 2], val_loss=[4, 3, 2], val_acc=[0, 0, 1]
    )
    ax = plots.history(log)
    left, right = ax.figure.axes
    assert left is ax
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss", "acc")
    for side, name in ((left, "loss"), (right, "acc")):
        train, validated = side.get_lines()
        assert (train.get_linestyle(), validated.get_linestyle()) == ("-", "--")
        assert_array_equal(train.get_xdata(), [1, 2, 3])
        assert_array_equal(train.get_ydata(), log.history[name])
        assert_array_equal(validated.get_ydata(), log.history[f"val_{name}"])
    texts = [text.get_text() for text in right.get_legend().get_texts()]
    assert texts[:2] == ["loss, training", "loss, validation"]


def test_history_of_a_later_training_begins_later():
    [line] = plots.history(logged([5, 6], loss=[2.0, 1.0])).get_lines()
    assert_array_equal(line.get_xdata(), [6, 7])
    [line] = plots.history(logged([0], loss=[3.0, 2.0])).get_lines()
    assert_array_equal(line.get_xdata(), [1, 2])


def test_history_validated_now_and_then():
    log = {"loss": [4, 3, 2, 1], "val_loss": [3, 2]}
    _, line = plots.history(log, validation_epochs=[2, 4]).get_lines()
    assert_array_equal(line.get_xdata(), [2, 4])
    with refuses("validation_epochs must name the 2 epochs of 'val_loss', got None"):
        plots.history(log)


def test_history_names():
    log = {"loss": [1.0], "lr": [0.1], "mae": [2.0], "mse": [3.0]}
    assert len(plots.history(log, "mse").figure.axes) == 1
    sides = plots.history(log, ["mae", "lr"]).figure.axes
    assert [side.get_ylabel() for side in sides] == ["mae", "lr"]
    sides = plots.history(log).figure.axes
    assert [side.get_ylabel() for side in sides] == ["loss", "mae"]
    for names in ("acc", [], ["loss", "mae", "mse"], 3, ["val_loss"]):
        with refuses(
            f"names must be one or two of 'loss', 'lr', 'mae', 'mse', got {names!r}"
        ):
            plots.history(log, names)


@pytest.mark.parametrize("log", [{}, None, [1, 2]])
def test_history_must_be_one(log):
    with refuses(
        "history must be a History after a training or a mapping from names to lists "
        f"of numbers that is not empty, got {log!r}"
    ):
        plots.history(log)


def test_history_of_nothing_but_validation_or_rates():
    for log in ({"val_loss": [1.0]}, {"loss": []}):
        with refuses(
            f"history must hold values of a training, got only {next(iter(log))}"
        ):
            plots.history(log)
    assert plots.history({"lr": [0.1, 0.2]}).get_ylabel() == "lr"


# Proofs -----------------------------------------------------------------------


def test_curve_and_its_marks():
    steps, errors = np.array([1e-2, 1e-5, 1e-9]), np.array([1e-4, 0.0, 1e-7])
    ax = plots.gradient_check({"a": VCurve(steps, errors)})
    line, zeros, *marks = ax.get_lines()
    assert_array_equal(line.get_xdata(), steps)
    assert_array_equal(line.get_ydata()[[0, 2]], errors[[0, 2]])
    assert_array_equal(zeros.get_xdata(), [1e-5])
    assert line.get_ydata()[1] == zeros.get_ydata()[0] == ax.get_ylim()[0]
    eps = np.finfo(float).eps
    assert [mark.get_xdata()[0] for mark in marks] == [eps**0.5, eps ** (1 / 3)]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(
    "curve",
    [
        ([1.0], [1.0, 2.0]),
        ([], []),
        ([0.0], [1.0]),
        ([1.0], [-1.0]),
        ([1.0], [math.nan]),
        3,
    ],
)
def test_curve_must_be_one(curve):
    with refuses(
        "curves must hold pairs of steps > 0 and errors >= 0 of one length, "
        f"got {curve!r} for 'a'"
    ):
        plots.gradient_check({"a": curve})


def test_kill_matrix_by_family():
    suite = load_suite()
    ids = ["plain-1d-last", "stride-1d-last", "stride-2d-first"]
    mutants = list(MUTANTS.values())[:2]
    cells = np.array([[0, KILLED, SURVIVED], [0, SURVIVED, SURVIVED]])
    ax = plots.kill_matrix(Matrix([suite[i] for i in ids], mutants, cells, []))
    assert_array_equal(image_of(ax), [[0, KILLED], [0, SURVIVED]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["plain", "steps"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        mutant.name for mutant in mutants
    ]
    assert [text.get_text() for text in ax.texts] == ["1"]
    with refuses("matrix must be a Matrix with rows and columns, got list"):
        plots.kill_matrix([])


def report(*ratios, bound=1.0):
    def judged(ratio):
        worst = Element((0,), 0.0, 0.0, bound, ratio)
        return Judgement(0, 1, worst, 0.0, 0.0, 0.0)

    results = [
        Result(str(i), "bounded", "float64", "PASS", answers={"y": judged(ratio)})
        for i, ratio in enumerate(ratios)
    ]
    return Report("mine", results)


def test_errors_are_counted():
    ax = plots.error_histogram(report(0.0, 0.5, 0.5, 2.0, math.nan, math.inf))
    [stairs] = [p for p in ax.patches if hasattr(p, "get_data")]
    counts, edges, _ = stairs.get_data()
    assert counts.sum() == 6
    assert counts[0] == 1
    assert counts[-1] == 2
    assert counts[np.searchsorted(edges, 0.5) - 1] == 2
    assert counts[edges[:-1] >= 1 - 1e-12].sum() == 3
    hidden = plots.error_histogram({"_a": report(0.1)}).get_legend().get_texts()
    assert hidden[0].get_text() == " _a: 1 answers, 0 wrong"
    assert ax.get_legend().get_texts()[0].get_text() == "mine: 6 answers, 3 wrong"
    with refuses("reports must hold answers with a bound, got none for 'mine'"):
        plots.error_histogram(report(1.0, bound=0.0))
    with refuses("reports must hold reports of check, got int for 'a'"):
        plots.error_histogram({"a": 3})


# Files ------------------------------------------------------------------------


def test_save_refuses(tmp_path):
    ax = plots.links_and_weights({"a": (2, 1)})
    with refuses("path must end in .png, .svg or .pdf, got 'a.gif'"):
        plots.save(ax, "a.gif")
    with refuses("ax must be a matplotlib Axes, got None"):
        plots.save(None, tmp_path / "a.png")
    with refuses("dpi must be a finite number >= 1, got 0"):
        plots.save(ax, tmp_path / "a.png", dpi=0)
    with refuses("colours must be an integer >= 2 and <= 256, got 1000"):
        plots.save(ax, tmp_path / "a.png", colours=1000)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        plots.save(ax, tmp_path / "none" / "a.png")
