"""Batch normalisation: against tf_keras, naive loops, and what holds in training."""

import copy
import math
import threading
import time

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from strategies import LAYOUTS
from unchanged import unchanged

from localnet import Sequential, config, gradcheck, layers, optimizers
from localnet.callbacks import Callback
from localnet.layers import BatchNormalization, Dense, Dropout, Flatten
from localnet.ops import (
    Workspace,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_shape,
    moving_statistics,
)

NUMBERS = {"momentum": 0.75, "epsilon": 0.0009765625}
DATA = reference.load("normalization.npz")
TOLERANCES = {"float64": 1e-11, "float32": 2e-5, "float16": 4e-3}


def arrays_of(case):
    prefix = f"{case['key']}__"
    return {k.removeprefix(prefix): v for k, v in DATA.items() if k.startswith(prefix)}


def make_layer(case, arrays):
    layer = BatchNormalization(**case["kwargs"], **NUMBERS, dtype=case["dtype"])
    layer.build((None, *arrays["x"].shape[1:]))
    layer.set_weights([arrays[name] for name in layer.params])
    return layer


# tf_keras -------------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", DATA["norms"], ids=str)
def test_numbers_of_tf_keras(case, training):
    arrays = arrays_of(case)
    layer = make_layer(case, arrays)
    y = layer.forward(arrays["x"], training=training)
    dx = layer.backward(arrays["dy"])
    found = {"y": y, "dx": dx, **{f"d{k}": v for k, v in layer.grads.items()}}
    stage = "train" if training else "idle"
    wanted = {
        k.removeprefix(f"{stage}_"): v
        for k, v in arrays.items()
        if k.startswith(f"{stage}_")
    }
    assert set(found) == set(wanted)
    tolerance = TOLERANCES[case["dtype"]]
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        scale = max(1, np.abs(value).max())
        assert_allclose(found[name], value, tolerance, tolerance * scale, err_msg=name)
    for name in ("mean", "variance"):
        wanted = arrays[f"new_{name}" if training else f"moving_{name}"]
        value = layer.params[f"moving_{name}"]
        assert value.dtype == wanted.dtype
        closeness = min(tolerance, 1e-5)  # statistics are never float16
        assert_allclose(value, wanted, closeness, closeness)


def test_the_cases_are_where_the_fused_kernel_differs():
    """Bessel's correction: by rank, axis and dtype, as Keras chooses its kernel."""
    for case in DATA["norms"]:
        arrays = arrays_of(case)
        layer = make_layer(case, arrays)
        chosen = layer.fused if layer.fused is not None else None
        kernel = layer._has_kernel(arrays["x"].ndim)
        assert (kernel if chosen is None else chosen) == case["fused"], case
    assert {case["fused"] for case in DATA["norms"]} == {True, False}


CLASSES = [entry["class_name"] for entry in DATA["configs"]]


@pytest.mark.parametrize("entry", DATA["configs"], ids=CLASSES)
def test_configs_of_tf_keras(entry):
    layer = layers.deserialize(entry)
    ours, wanted = layers.serialize(layer), copy.deepcopy(entry)
    if entry["class_name"] in ("SpatialDropout2D", "SpatialDropout3D"):
        # Keras forgets it.
        assert ours["config"].pop("data_format") == "channels_last"
    if entry["class_name"] == "TimeDistributed":
        assert ours["config"]["layer"] == wanted["config"]["layer"]
    if "dims" in ours["config"]:
        ours["config"]["dims"] = list(ours["config"]["dims"])
    assert ours == wanted
    assert layers.serialize(layers.deserialize(ours))["config"] == {
        **layers.serialize(layer)["config"]
    }


# The definition -------------------------------------------------------------------


def naive(x, gamma, beta, axes, epsilon):
    """Return y by loops over every value, one channel after the other."""
    members = {}
    for index in np.ndindex(x.shape):
        members.setdefault(tuple(index[a] for a in axes), []).append(index)
    y = np.empty_like(x)
    for channel, places in members.items():
        m = sum(x[p] for p in places) / len(places)
        v = sum((x[p] - m) ** 2 for p in places) / len(places)
        at = channel
        if gamma.ndim > 1:
            at = [0] * x.ndim
            for a, c in zip(axes, channel, strict=True):
                at[a] = c
            at = tuple(at)
        for p in places:
            y[p] = gamma[at] * (x[p] - m) / math.sqrt(v + epsilon) + beta[at]
    return y


@st.composite
def problems(draw):
    ndim = draw(st.integers(2, 5))
    shape = tuple(draw(st.integers(1, 4)) for _ in range(ndim))
    axes = draw(st.lists(st.integers(1, ndim - 1), min_size=1, unique=True))
    axis = axes[0] if len(axes) == 1 else axes
    return shape, axis, draw(st.sampled_from(sorted(LAYOUTS))), draw(st.integers(0, 99))


@given(problems())
def test_forward_is_the_definition(problem):
    shape, axis, layout, seed = problem
    rng = np.random.default_rng(seed)
    x = LAYOUTS[layout](rng.normal(size=shape) * 3 + 1)
    each = batch_norm_shape(shape, axis)
    gamma, beta = rng.normal(size=each), rng.normal(size=each)
    y, cache = batch_norm_forward(x, gamma, beta, axis=axis, epsilon=0.01)
    axes = sorted(axis) if isinstance(axis, list) else [axis]
    assert_allclose(y, naive(x, gamma, beta, axes, 0.01), rtol=1e-12, atol=1e-12)
    # Given the batch's own statistics, the values are the same and dx is not.
    given, other = batch_norm_forward(
        x, gamma, beta, axis=axis, epsilon=0.01, statistics=(cache.mean, cache.variance)
    )
    assert_array_equal(given, y)
    dy = rng.normal(size=shape)
    grads, fixed = batch_norm_backward(dy, cache), batch_norm_backward(dy, other)
    assert_array_equal(grads.dgamma, fixed.dgamma)
    assert_array_equal(grads.dbeta, fixed.dbeta)
    # No gradient is left along what the normalisation takes away: shift and scale.
    over = tuple(a for a in range(len(shape)) if a not in axes)
    assert_allclose(grads.dx.sum(axis=over), 0, atol=1e-9)


@given(problems(), st.booleans())
def test_gradients_are_slopes(problem, from_batch):
    shape, axis, layout, seed = problem
    rng = np.random.default_rng(seed)
    x = LAYOUTS[layout](rng.normal(size=shape) * 3 + 1)
    each = batch_norm_shape(shape, axis)
    gamma, beta = rng.normal(size=each), rng.normal(size=each)
    statistics = None
    if not from_batch:
        statistics = rng.normal(size=each), rng.uniform(0.5, 2, size=each)
    options = {"axis": axis, "epsilon": 0.5, "statistics": statistics}
    directions = [rng.normal(size=a.shape) for a in (x, gamma, beta)]
    dy = rng.normal(size=shape)
    _, cache = batch_norm_forward(x, gamma, beta, **options)
    grads = batch_norm_backward(dy, cache)
    for place, direction in enumerate(directions):
        # A complex step has no difference that could cancel.
        moved = [a.astype(complex) for a in (x, gamma, beta)]
        moved[place] += 1e-150j * direction
        y, _ = batch_norm_forward(*moved, **options)
        slope = np.sum(dy * y.imag) / 1e-150
        assert_allclose(np.sum(grads[place] * direction), slope, 1e-9, 1e-9)


def test_large_batches_are_cut_into_pieces_and_sums_do_not_drift():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3, 210, 220, 2)) + 1000).astype("float32")
    y, cache = batch_norm_forward(x)
    wide = x.astype("float64")
    assert_allclose(cache.mean, wide.mean(axis=(0, 1, 2)), rtol=1e-12)
    assert_allclose(cache.variance, wide.var(axis=(0, 1, 2)), rtol=1e-6)
    expected = (wide - wide.mean(axis=(0, 1, 2))) / np.sqrt(
        wide.var(axis=(0, 1, 2)) + 1e-3
    )
    assert_allclose(y, expected, atol=1e-4)
    dy = rng.normal(size=x.shape).astype("float32")
    grads = batch_norm_backward(dy, cache)
    assert_allclose(grads.dx.sum(axis=(0, 1, 2), dtype=float), 0, atol=0.1)


def test_many_small_pieces_give_what_one_gives(monkeypatch, rng):
    x, dy = rng.normal(size=(7, 3, 2)), rng.normal(size=(7, 3, 2))
    gamma = rng.normal(size=3)

    def run():
        y, cache = batch_norm_forward(x, gamma, axis=1)
        return [y, *batch_norm_backward(dy, cache)[:2]]

    whole = run()
    monkeypatch.setattr("localnet.ops.runtime.pieces.ROW_PIECE", 4)
    for one, other in zip(run(), whole, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_results_are_in_the_workspace_and_need_no_dx(rng):
    workspace, x = Workspace(), rng.normal(size=(4, 3))
    y, cache = batch_norm_forward(x, workspace=workspace)
    again, _ = batch_norm_forward(x, workspace=workspace)
    assert np.shares_memory(y, again)
    grads = batch_norm_backward(x, cache, need_dx=False, workspace=workspace)
    assert grads == (None, None, None)


def test_constant_channels_and_single_values_are_zero():
    for shape in ((1, 3), (4, 3), (1, 1, 1, 3)):
        y, cache = batch_norm_forward(np.full(shape, 7.1, "float32"))
        assert_array_equal(y, 0)
        assert_array_equal(batch_norm_backward(np.ones(shape), cache).dx, 0)


@pytest.mark.parametrize("shape", [(0, 3), (0, 2, 4, 3)])
def test_a_batch_without_samples(shape):
    layer = BatchNormalization()
    layer.build((None, *shape[1:]))
    with unchanged_weights(layer):
        assert layer(np.zeros(shape), training=True).shape == shape
    assert layer.backward(np.zeros(shape)).shape == shape
    assert_array_equal(layer.grads["gamma"], 0)


def test_refusals_of_the_operation():
    x = np.ones((2, 3))
    with refuses("axis must be an integer >= -2 and <= 1, got 2"):
        batch_norm_forward(x, axis=2)
    distinct = "axis must be different axes of x other than the batch axis, got"
    for axis in (0, -2, [], [1, 1], [1, -1], (0, 1)):
        with refuses(f"{distinct} {axis}"):
            batch_norm_forward(x, axis=axis)
    with refuses("gamma must have shape (3,), got (2,)"):
        batch_norm_forward(x, np.ones(2))
    with refuses("beta must have shape (3,), got (1,)"):
        batch_norm_forward(x, None, np.ones(1))
    with refuses("variance of statistics must have shape (3,), got ()"):
        batch_norm_forward(x, statistics=(np.ones(3), 1.0))
    with refuses("epsilon must be a finite number >= 0, got -1"):
        batch_norm_forward(x, epsilon=-1)
    _, cache = batch_norm_forward(x)
    with refuses("dy must have the shape of y, (2, 3), got (2, 2)"):
        batch_norm_backward(np.ones((2, 2)), cache)


def test_moving_statistics_write_into_nothing():
    _, cache = batch_norm_forward([[1.0], [3.0]])
    old = np.zeros(1), np.ones(1)
    for array in old:
        array.flags.writeable = False
    assert moving_statistics(old, cache, momentum=1.0) == (0, 1)
    assert moving_statistics(old, cache, momentum=0.0) == (2, 1)


# The layer ------------------------------------------------------------------------


class unchanged_weights:
    def __init__(self, layer):
        self.layer = layer

    def __enter__(self):
        self.before = self.layer.get_weights()

    def __exit__(self, *exc):
        for now, before in zip(self.layer.get_weights(), self.before, strict=True):
            assert_array_equal(now, before)


def built(shape=(3,), **kwargs):
    layer = BatchNormalization(**kwargs)
    layer.build((None, *shape))
    return layer


def test_weights_in_order():
    layer = built()
    assert list(layer.params) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert list(layer.trainable_params) == ["gamma", "beta"]
    assert [w.tolist() for w in layer.get_weights()] == [
        *([1.0] * 3, [0.0] * 3),
        *([0.0] * 3, [1.0] * 3),
    ]
    assert list(built(center=False, scale=False).params) == list(layer.state_names)
    assert layer.count_params() == 12
    layer.trainable = False
    assert layer.trainable_params == {}


def test_only_a_completed_forward_in_training_moves_the_statistics(rng):
    layer, x = built(), rng.normal(size=(4, 3))
    with unchanged_weights(layer):
        layer(x)
        layer.forward_with_cache(x, True)
    with unchanged_weights(layer), pytest.raises(ValueError, match="must have"):
        layer(np.ones((4, 2)), training=True)
    layer(x, training=True)
    assert_allclose(layer.params["moving_mean"], 0.01 * x.mean(axis=0), rtol=1e-5)


def test_a_layer_used_twice_takes_in_each_call_in_order(rng):
    first, second = rng.normal(size=(2, 4, 3))
    one, other = built(momentum=0.5), built(momentum=0.5)
    one(first, training=True)
    one(second, training=True)
    caches = [other.forward_with_cache(x, True)[1] for x in (first, second)]
    other.absorb(*caches)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)
    other.absorb(*caches[::-1])
    assert not np.array_equal(one.params["moving_mean"], other.params["moving_mean"])


def test_threads_lose_no_statistics():
    class Slow(BatchNormalization):
        def _absorbed(self, state, cache):
            new = super()._absorbed(state, cache)
            time.sleep(0.005)  # others run, and would begin with the same state
            return new

    layer, x = Slow(momentum=0.5, moving_mean_initializer="ones"), np.zeros((4, 3))
    layer.build((None, 3))

    def work():
        for _ in range(5):
            layer.absorb(layer.forward_with_cache(x, True)[1])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_array_equal(layer.params["moving_mean"], 2.0**-20)  # each call halves


def test_frozen_is_inference(rng):
    x = rng.normal(size=(4, 3))
    layer = built(trainable=False, moving_mean_initializer="ones")
    with unchanged_weights(layer):
        assert_array_equal(layer(x, training=True), layer(x))
    layer.trainable = True
    assert not np.array_equal(layer(x, training=True), layer(x))


def test_float16_has_float32_weights_and_arithmetic(rng):
    layer = built((5, 3), dtype="float16")
    assert {w.dtype.name for w in layer.params.values()} == {"float32"}
    x = (rng.normal(size=(4, 5, 3)) * 1000).astype("float16")
    y = layer(x, training=True)
    assert y.dtype == "float16"
    assert_allclose(y.astype(float).std(axis=(0, 1)), 1, rtol=1e-2)
    assert layer.backward(y).dtype == "float16"


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"axis": 1, "gamma_regularizer": "l2", "beta_regularizer": "l1"},
        {"axis": [1, 3], "activity_regularizer": "l2"},
        {"scale": False},
        {"center": False, "scale": False},
    ],
    ids=str,
)
def test_gradients_of_the_layer(kwargs, training, rng):
    x = rng.normal(size=(3, 4, 2, 3))
    layer = built(x.shape[1:], beta_initializer="random_normal", **kwargs)
    report = gradcheck.check_layer(layer, x, training=training)
    assert report.passed, report
    assert {check.name for check in report.checks} == {"x", *layer.trainable_params}


def test_refusals_of_the_layer():
    name = "bn"
    for kwargs, sentence in [
        ({"momentum": 1.5}, "momentum must be a finite number >= 0 and <= 1, got 1.5"),
        ({"epsilon": -1}, "epsilon must be a finite number >= 0, got -1"),
        ({"axis": 1.0}, "axis must be an integer >= -64 and <= 63, got 1.0"),
        ({"axis": "x"}, "axis must be an integer >= -64 and <= 63, got 'x'"),
    ]:
        with refuses(f"bn: {sentence}"):
            BatchNormalization(name=name, **kwargs)
    with refuses(
        "bn: axis must be different axes of x other than the batch axis, got 0"
    ):
        BatchNormalization(0, name=name).build((None, 3))
    with refuses("bn: input_shape must have a known axis -1, got (None, 4, None)"):
        BatchNormalization(name=name).build((None, 4, None))
    with refuses(
        "bn: fused must be False but for float16 and float32, 4 or 5 axes, and "
        "channels on axis 1 or -1, got True for float64, axis -1 of (None, 2, 2, 3)"
    ):
        BatchNormalization(fused=True, dtype="float64", name=name).build(
            (None, 2, 2, 3)
        )
    layer = BatchNormalization(name=name)
    layer.build((None, 4, 3))
    with refuses("bn: input must have the sizes (3,) on axis -1, got shape (2, 4, 5)"):
        layer(np.ones((2, 4, 5)))
    with refuses("bn: input must have 3 axes, got shape (2, 3)"):
        layer(np.ones((2, 3)))
    with pytest.raises(TypeError, match="got 'renorm'"):
        BatchNormalization(renorm=True)


def test_unknown_spatial_sizes_may_change():
    layer = BatchNormalization()
    layer.build((None, None, 3))
    assert layer(np.ones((2, 4, 3)), training=True).shape == (2, 4, 3)
    assert layer(np.ones((2, 9, 3))).shape == (2, 9, 3)


# In a model -----------------------------------------------------------------------


def make_model(seed=0, **kwargs):
    model = Sequential(
        [
            BatchNormalization(input_shape=(4, 3, 2)),
            Flatten(),
            Dropout(0.2),
            Dense(5, "tanh", **kwargs),
            BatchNormalization(momentum=0.5, gamma_constraint="non_neg"),
            Dense(2),
        ],
        seed=seed,
    )
    model.compile(optimizers.Adam(0.01), "mse")
    return model


X = np.random.default_rng(1).normal(size=(14, 4, 3, 2))
Y = np.random.default_rng(2).normal(size=(14, 2))


def statistics(model):
    return [layer.params[n] for layer in model.layers for n in layer.state_names]


def test_what_changes_statistics_and_what_does_not():
    model = make_model()
    with unchanged(model):
        model.loss_and_gradients(X, Y)
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)
        model(X)
    before = [s.copy() for s in statistics(model)]
    gradients = model.loss_and_gradients(X, Y)[1]
    assert len(gradients) == len(model._trainer.trained()) == 8
    model.train_on_batch(X, Y)
    assert all((a != b).any() for a, b in zip(before, statistics(model), strict=True))
    before = model.get_weights()
    model(X, training=True)
    changed = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True] + [False] * 2 + changed[6:]
    assert changed[6:] == [False, False, True, True, False, False]


def test_the_gradients_of_a_model():
    model = make_model()
    report = gradcheck.check_model(model, X[:5], Y[:5])
    assert report.passed, report


def test_a_step_that_fails_leaves_the_statistics():
    calls = []

    def constraint(w):
        calls.append(1)
        if len(calls) > 2:
            raise ArithmeticError("no")
        return w

    model = make_model(kernel_constraint=constraint)
    model.train_on_batch(X, Y)
    assert len(calls) == 2
    with unchanged(model), pytest.raises(ArithmeticError):
        model.train_on_batch(X, Y)


def test_a_loss_that_fails_leaves_the_statistics():
    model = make_model()

    class Failing:
        fails = False

        def __call__(self, y_true, y_pred, sample_weight=None):
            if self.fails:
                raise ArithmeticError("no")
            return np.square(y_pred - y_true).mean()

    model.train_on_batch(X, Y)
    with unchanged(model), pytest.raises(ValueError, match="y must"):
        model.train_on_batch(X, Y[:3])

    class Stop(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise KeyboardInterrupt

    before = [s.copy() for s in statistics(model)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, callbacks=[Stop()])
    for a, b in zip(before, statistics(model), strict=True):
        assert_array_equal(a, b)


def test_a_hook_of_the_users_own_that_fails_undoes_the_step():
    class Counting(layers.Layer):
        state_names = ("calls",)
        fails = False

        def build(self, input_shape):
            self.params["calls"] = np.zeros(1, self.dtype)

        def compute(self, x, *, training, rng):
            return x, training

        def gradients(self, dz, cache):
            return dz, {}

        def _absorbed(self, state, cache):
            if self.fails:
                raise ArithmeticError("no")
            return {"calls": state["calls"] + 1}

    counting = Counting()
    model = Sequential([Dense(2, input_shape=(3,)), counting], seed=0)
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.ones((4, 2))
    model.fit(x, y, batch_size=2, epochs=3, verbose=0)
    assert counting.params["calls"] == 6
    counting.fails = True
    with unchanged(model), pytest.raises(ArithmeticError):
        model.train_on_batch(x, y)
    model = Sequential([BatchNormalization(input_shape=(3,)), counting], seed=0)
    with unchanged(model), pytest.raises(ArithmeticError):
        model(x, training=True)


def test_summary_counts_by_weight(capsys):
    model = make_model()
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert "Total params: 165 (660.00 Byte)" in lines
    assert "Trainable params: 151 (604.00 Byte)" in lines
    assert "Non-trainable params: 14 (56.00 Byte)" in lines
    model.layers[0].trainable = False
    model.summary()
    assert "Non-trainable params: 18 (72.00 Byte)" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["einsum", "blocked"])
def test_same_seed_same_bits(engine):
    with config.engine(engine):
        runs = []
        for _ in range(2):
            model = make_model(seed=3)
            model.fit(X, Y, batch_size=4, epochs=2, verbose=0, seed=1)
            runs.append(model.get_weights())
        for a, b in zip(*runs, strict=True):
            assert_array_equal(a, b)
