"""What the pictures show is what was asked; errors; no window, no global state."""

import math
import subprocess
import sys

import loops
import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl
import matplotlib.pyplot as plt
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal
from pictures import built, image_of
from raising import refuses
from strategies import local_conv_problems

from localnet import cli, plots
from localnet.golden import Suite, check, load_suite
from localnet.golden.adapters import engines
from localnet.golden.matrix import kill_matrix
from localnet.golden.mutants import MUTANTS
from localnet.gradcheck import VCurve
from localnet.layers import (
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    LocallyConnected1D,
    LocallyConnected2D,
)
from localnet.ops import Geometry, local_conv_backward, local_conv_forward

WINDOWS = Geometry.of((5, 6, 2), kernel_size=(2, 3))
SUITE = Suite([load_suite()["stride-1d-last"]])
STRIDES = {"": MUTANTS["stride ignored"]}


def calls():
    """Return one call of every function, by its name."""
    rng = np.random.default_rng(0)
    local = built(LocallyConnected2D(2, 3), (5, 5, 1), rng)
    return {
        "receptive_field": lambda **k: plots.receptive_field(WINDOWS, 0, **k),
        "connection_matrix": lambda **k: plots.connection_matrix(WINDOWS, **k),
        "filters": lambda **k: plots.filters(local, **k),
        "links_and_weights": lambda **k: plots.links_and_weights({"a": (2, 1)}, **k),
        "history": lambda **k: plots.history({"loss": [2, 1], "mae": [1, 0]}, **k),
        "gradient_check": lambda **k: plots.gradient_check(
            VCurve(np.array([1.0, 0.1]), np.array([0.1, 0.0])), **k
        ),
        "initial_scale": lambda **k: plots.initial_scale([3, 9], **k),
        "accuracy_against_parameters": lambda **k: plots.accuracy_against_parameters(
            {"a": [(10, [0.5, 0.75])]}, **k
        ),
        "kill_matrix": lambda **k: plots.kill_matrix(kill_matrix(SUITE, STRIDES), **k),
        "error_histogram": lambda **k: plots.error_histogram(
            check(engines.blocked, cases=["linear-dx-float32"]), **k
        ),
    }


CALLS = calls()
every_plot = pytest.mark.parametrize("name", CALLS)


def test_every_function_is_called_here():
    assert {*CALLS, "save"} == set(plots.__all__)


# Where it is drawn --------------------------------------------------------------------


@every_plot
def test_new_figure(name, tmp_path):
    before = dict(plt.rcParams)
    with np.errstate(all="raise"):
        ax = CALLS[name]()
        assert plots.save(ax, tmp_path / "picture.png").stat().st_size > 1000
    assert ax.figure.axes[0] is ax
    assert ax.get_title()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


@every_plot
def test_given_axes_are_used(name):
    figure = Figure(layout="compressed")
    first, second = figure.subfigures(1, 2)[1].subplots(2, 1)
    assert CALLS[name](ax=second) is second
    figure.draw_without_rendering()
    assert second.has_data()
    assert not first.has_data()
    assert not first.get_title()
    assert plt.get_fignums() == []


@every_plot
def test_axes_of_pyplot_stay_current(name):
    _, (first, second) = plt.subplots(1, 2)
    try:
        plt.sca(first)
        before = plt.gcf(), plt.gca()
        assert CALLS[name](ax=second) is second
        assert (plt.gcf(), plt.gca()) == before
        assert second.has_data()
        assert not first.has_data()
        assert len(plt.get_fignums()) == 1
    finally:
        plt.close("all")


@every_plot
def test_ax_must_be_axes(name):
    with refuses("ax must be a matplotlib Axes or None, got 'here'"):
        CALLS[name](ax="here")


def test_no_display_and_no_home(tmp_path):
    code = (
        "import sys\n"
        "from localnet import plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "ax = plots.initial_scale([4, 8])\n"
        f"plots.save(ax, {str(tmp_path / 'a.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environment = {
        "MPLBACKEND": "tkagg",
        "HOME": str(tmp_path / "none"),
        "MPLCONFIGDIR": mpl.get_cachedir(),  # or all fonts are looked at again
    }
    subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, timeout=120
    )
    assert (tmp_path / "a.png").exists()


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    sentence = "matplotlib is needed to draw: python -m pip install matplotlib"
    with refuses(sentence, ImportError):
        plots.initial_scale([4, 8])


# Connections -----------------------------------------------------------------


def numbers_by_loops(g, kind, filters):
    """Return the weight's index for every output and input, -1 where there is none."""
    last = g.channels_last
    out_shape = g.sample_shape(g.output_sizes, filters)
    found = np.full((math.prod(out_shape), math.prod(g.input_shape)), -1)
    taps = math.prod(g.kernel_size)
    for n, o, k, cell, c, inside in loops.wires(g):
        tap = k // g.channels if last else k % taps
        for f in range(filters if inside else 0):
            number = (n * g.patch_size + k) * filters + f
            if kind == "convolution":
                number = (tap * g.channels + c) * filters + f
            x = (*cell, c) if last else (c, *cell)
            y = (*o, f) if last else (f, *o)
            row = np.ravel_multi_index(y, out_shape)
            found[row, np.ravel_multi_index(x, g.input_shape)] = number
    return found


@settings(max_examples=settings.default.max_examples // 2)
@given(local_conv_problems(), st.sampled_from(["local", "convolution"]))
def test_matrix_holds_the_index_of_every_weight(problem, kind):
    g = problem.geometry
    expected = numbers_by_loops(g, kind, problem.filters)
    if (expected < 0).all():
        with pytest.raises(ValueError, match="source must connect"):
            plots.connection_matrix(g, kind=kind, filters=problem.filters)
        return
    ax = plots.connection_matrix(g, kind=kind, filters=problem.filters)
    assert_array_equal(image_of(ax).filled(-1), expected, strict=True)
    links = np.count_nonzero(expected >= 0)
    weights = len(np.unique(expected[expected >= 0]))
    assert ax.get_title().endswith(f"{links} connections, {weights} weights")


def test_matrix_of_dense_windows_is_full():
    ax = plots.connection_matrix(WINDOWS, kind="dense", filters=2)
    outputs = WINDOWS.locations * 2
    expected = np.arange(60 * outputs).reshape(60, outputs).T
    assert_array_equal(image_of(ax).filled(-1), expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("layer_class", [LocallyConnected2D, Conv2D])
def test_matrix_of_layers_names_their_own_weights(layer_class, data_format, rng):
    """The layer's answer to one input value at a time is its matrix."""
    shape = (4, 5, 2) if data_format == "channels_last" else (2, 4, 5)
    layer = layer_class(
        3, 2, strides=2, padding="same", data_format=data_format, use_bias=False
    )
    matrix_is_that_of_the_layer(built(layer, shape, rng), shape)


def test_matrix_of_a_causal_convolution(rng):
    layer = Conv1D(3, 2, padding="causal", use_bias=False)
    matrix_is_that_of_the_layer(built(layer, (5, 2), rng), (5, 2))


def matrix_is_that_of_the_layer(layer, shape):
    found = image_of(plots.connection_matrix(layer))
    size = math.prod(shape)
    answers = layer.forward(np.eye(size, dtype=np.float32).reshape(size, *shape))
    weights = np.where(found.mask, 0, layer.kernel.ravel()[found.filled(0)])
    assert_array_equal(answers.reshape(size, -1).T, weights)


def test_convolution_that_takes_any_size():
    layer = built(Conv2D(3, 2), (None, None, 2))
    with refuses("input_shape must be given for a layer that has (None, None, 2)"):
        plots.connection_matrix(layer)
    ax = plots.connection_matrix(layer, input_shape=(4, 4, 2))
    assert image_of(ax).shape == (27, 32)
    with pytest.raises(ValueError, match="groups, got Conv2D"):
        plots.connection_matrix(built(Conv2D(2, 2, groups=2), (4, 4, 2)))


def test_matrix_of_a_dense_layer_names_its_weights(rng):
    layer = built(Dense(3, use_bias=False), (5,), rng)
    found = image_of(plots.connection_matrix(layer)).filled(-1)
    assert_array_equal(layer.kernel.ravel()[found], layer.kernel.T)


def test_numbers_are_written_where_they_can_be_read():
    small = plots.connection_matrix(Geometry.of((4, 1), kernel_size=2))
    assert [text.get_text() for text in small.texts] == [*"012345"]
    large = plots.connection_matrix(Geometry.of((40, 1), kernel_size=2))
    assert len(large.texts) == 0


def test_matrix_too_large_to_be_seen():
    with refuses(
        "source must have at most 4000000 pairs of output and input to be drawn, got "
        f"{62 * 62 * 64 * 64}"
    ):
        plots.connection_matrix(Geometry.of((64, 64, 1), kernel_size=3))


@settings(max_examples=settings.default.max_examples // 2)
@given(local_conv_problems(ranks=(1, 2)), st.data())
def test_receptive_field_is_where_the_gradient_goes(problem, data):
    g = problem.geometry
    location = data.draw(st.integers(0, g.locations - 1))
    index = tuple(int(i) for i in np.unravel_index(location, g.output_sizes))
    named = location if g.rank == 1 else data.draw(st.sampled_from([location, index]))
    kind = data.draw(st.sampled_from(["local", "convolution"]))
    ax = plots.receptive_field(g, named, kind=kind)

    x = np.ones((1, *g.input_shape))
    y, cache = local_conv_forward(
        x,
        np.ones(g.kernel_shape(1)),
        kernel_size=g.kernel_size,
        strides=g.strides,
        padding=g.pads,
        dilation_rate=g.dilation_rate,
        data_format=g.data_format,
    )
    dy = np.zeros_like(y)
    dy.reshape(-1)[location] = 1
    dx = local_conv_backward(dy, cache).dx[0]
    reads = (dx != 0).any(axis=-1 if g.channels_last else 0)
    inside = tuple(
        slice(before, before + n)
        for (before, _), n in zip(g.pads, g.input_sizes, strict=True)
    )
    shown = ~np.ma.getmaskarray(image_of(ax)).reshape(g.padded_sizes)
    assert_array_equal(shown[inside], reads)
    assert np.count_nonzero(shown) == math.prod(g.kernel_size)
    whole = f"reads {np.count_nonzero(dx)} of {x.size} values"
    assert ax.get_title().splitlines()[1] == whole
    top = ax.get_ylim()[1] + 0.5 if g.rank == 2 else 0
    assert (ax.get_xlim()[0] + 0.5, top) == (
        -g.pads[-1][0],
        -g.pads[0][0] if g.rank == 2 else 0,
    )


def test_receptive_field_of_dense_is_everything():
    ax = plots.receptive_field(WINDOWS, (3, 2), kind="dense")
    assert not np.ma.getmaskarray(image_of(ax)).any()
    assert ax.get_title() == (
        "dense: output (3, 2)\nreads 60 of 60 values\nby 60 weights of its own"
    )
    layer = built(Dense(7), (60,))
    ax = plots.receptive_field(layer, 6, input_shape=(5, 6, 2))
    assert image_of(ax).shape == (5, 6)


def test_convolution_marks_its_other_windows():
    ax = plots.receptive_field(WINDOWS, 0, kind="convolution")
    [dots] = [c for c in ax.collections if len(c.get_offsets()) == WINDOWS.locations]
    assert_array_equal(dots.get_offsets()[:2], [[1.0, 0.5], [2.0, 0.5]])
    assert "shared by 16 locations" in ax.get_title()
    large = Geometry.of((96, 96, 1), kernel_size=3)
    ax = plots.receptive_field(large, 0, kind="convolution")
    assert "dots" not in ax.get_title()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_image_beneath(data_format, rng):
    sample = rng.normal(size=(5, 6, 2))
    last = data_format == "channels_last"
    shape = sample.shape if last else (2, 5, 6)
    windows = Geometry.of(shape, kernel_size=2, data_format=data_format)
    image = sample if last else np.moveaxis(sample, -1, 0)
    ax = plots.receptive_field(windows, 0, image=image)
    assert_array_equal(ax.get_images()[0].get_array(), sample.mean(-1))


def test_image_without_channels():
    windows = Geometry.of((7, 1), kernel_size=2)
    ax = plots.receptive_field(windows, 0, image=np.arange(7))
    assert_array_equal(ax.get_images()[0].get_array(), [np.arange(7)])


@pytest.mark.parametrize(
    "value", [-1, 16, (4, 0), (0, 4), (1, 2, 3), (-1, 0), "a", 1.5]
)
def test_location_must_be_an_output(value):
    with refuses(
        "location must be an integer from 0 to 15 or an index into the output sizes "
        f"(4, 4), got {value!r}"
    ):
        plots.receptive_field(WINDOWS, value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kind": "conv"}, "kind must be one of 'local', 'convolution', 'dense', got "),
        (
            {"image": np.ones((6, 5, 2))},
            "image must be one sample of shape (5, 6, 2), ",
        ),
        ({"image": [["a"]]}, "image must hold numbers, got dtype <U1"),
        ({"input_shape": (5, 6, 2)}, "input_shape must be left out with a Geometry, "),
    ],
)
def test_field_refuses(arguments, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        plots.receptive_field(WINDOWS, 0, **arguments)
    assert str(caught.value).startswith(sentence)


def test_sources_that_are_refused():
    with refuses("source must be a layer or a Geometry, got str"):
        plots.connection_matrix("layer")
    with refuses("source must be a built layer, got 'late' before its first input"):
        plots.connection_matrix(Dense(3, name="late"))
    with refuses("kind must be left out with a layer, got 'dense'"):
        plots.connection_matrix(built(Dense(3), (2,)), kind="dense")
    with refuses(
        "source must be a Dense, a locally connected or a convolution layer without "
        "groups, got Flatten"
    ):
        plots.connection_matrix(built(Flatten(), (2, 3)))
    with refuses("input_shape must hold the 4 inputs of the layer, got (3, 2)"):
        plots.receptive_field(built(Dense(3), (4,)), 0, input_shape=(3, 2))
    local = built(LocallyConnected1D(1, 2), (4, 1))
    with refuses("input_shape must agree with that of the layer, (4, 1), got (5, 1)"):
        plots.connection_matrix(local, input_shape=(5, 1))
    volume = Geometry.of((3, 3, 3, 1), kernel_size=2)
    with refuses("source must have one or two spatial axes to be drawn, got 3"):
        plots.receptive_field(volume, 0)
    assert image_of(plots.connection_matrix(volume)).shape == (8, 27)


def test_command_refuses_a_picture_before_it_works(capsys):
    assert cli.main(["golden", "mutants", "--picture", "matrix.gif"]) != 0
    captured = capsys.readouterr()
    assert "--picture must end in .png, .svg or .pdf, got 'matrix.gif'" in captured.err
    assert captured.out == ""


def test_command_draws_the_matrix(monkeypatch, tmp_path, capsys):
    found = kill_matrix(SUITE, STRIDES)
    monkeypatch.setattr("localnet.golden.matrix.kill_matrix", lambda: found)
    cli.main(["golden", "mutants", "--picture", str(tmp_path / "matrix.svg")])
    assert (tmp_path / "matrix.svg").read_text().startswith("<?xml")
    assert "matrix.svg" in capsys.readouterr().out
