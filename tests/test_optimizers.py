"""Optimizers: Keras's numbers, steps done by hand, state, configs and errors."""

import copy
import json

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses

from localnet import optimizers
from localnet.optimizers import SGD, ExponentialDecay, LegacySGD, Optimizer
from localnet.optimizers.clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
)

ROOT = 2**0.5
BOTH = pytest.mark.parametrize("cls", [SGD, LegacySGD])
EVERY = pytest.mark.parametrize(
    "cls", [*optimizers.PRESENT, *optimizers.LEGACY.values()]
)


class Recorder(Optimizer):
    """Keeps what it is given, in two slots and a list."""

    slot_names = ("average", "first", "second")

    def _step(self, index, param, grad, rate):
        self.seen = [*getattr(self, "seen", []), (index, grad, rate, self.iterations)]
        self.slots["first"][index] += grad
        param -= rate * self.slots["first"][index]


class Schedule:
    """A schedule of the user's own."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return np.float64(self.start / 2**step)

    def get_config(self):
        return {"start": self.start}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def constrain(constraint, w):
    """Stand in for MaxNorm and UnitNorm over axis 0, which the fixtures use."""
    norm = np.sqrt(np.sum(np.square(w), axis=0, keepdims=True))
    if constraint["class_name"] == "MaxNorm":
        return w * np.clip(norm, 0, constraint["config"]["max_value"]) / (norm + 1e-7)
    return w / (norm + 1e-7)


def run(optimizer, w, grads):
    """Return the parameter after one update for each gradient."""
    w = np.array(w)
    for grad in grads:
        optimizer.update([w], [np.array(grad, w.dtype)])
    return w


# Keras's numbers


@pytest.mark.parametrize(
    ("case", "data"),
    [pytest.param(c, d, id=c["key"]) for c, d in reference.cases("optimizers_sgd.npz")],
)
def test_keras_numbers(case, data):
    cls = {"modern": SGD, "legacy": LegacySGD}[case["kind"]]
    optimizer = cls(**case["kwargs"])
    params = [data["w0_0"].copy(), data["w0_1"].copy()]
    for t in range(case["steps"]):
        optimizer.update(params, [data[f"g{t}_0"], data[f"g{t}_1"]])
        if case["constraint"] is not None:
            for param in params:
                param[...] = constrain(case["constraint"], param)
        if t + 1 in (1, case["steps"]):
            for i, param in enumerate(params):
                expected = data[f"{case['key']}__w{t + 1}_{i}"]
                assert_allclose(param, expected, rtol=1e-12, atol=1e-12)
    assert optimizer.iterations == case["steps"]


# Steps by hand, in powers of two


@BOTH
def test_plain_step(cls):
    assert_array_equal(run(cls(0.5), [1.0, -2.0], [[2.0, 4.0]]), [0.0, -4.0])


@BOTH
def test_decay_divides_the_rate_by_the_number_of_updates(cls):
    # rates: 2, 1, 2 / 3, 1 / 2
    optimizer = cls(lr=2.0, decay=1.0, momentum=0.0)
    assert_array_equal(run(optimizer, [8.0], [[1.0], [1.0], [0.0], [2.0]]), [4.0])
    assert cls(0.5, decay=0.0).learning_rate == 0.5


@BOTH
def test_momentum(cls):
    # m: -1, -1.5, -0.75 for gradients 2, 2, 0
    optimizer = cls(0.5, momentum=0.5)
    assert_array_equal(run(optimizer, [8.0], [[2.0], [2.0], [0.0]]), [4.75])
    assert_array_equal(optimizer.slots["momentum"][0], [-0.75])


@BOTH
def test_nesterov(cls):
    # m: -1, -1.5; steps 0.5 * m - 0.5 * g: -1.5, -1.75
    optimizer = cls(0.5, momentum=0.5, nesterov=True)
    assert_array_equal(run(optimizer, [8.0], [[2.0], [2.0]]), [4.75])


@BOTH
def test_nesterov_without_momentum_is_the_plain_step(cls):
    assert_array_equal(run(cls(0.5, nesterov=True), [1.0], [[2.0]]), [0.0])


@BOTH
def test_negative_learning_rate_climbs(cls):
    assert_array_equal(run(cls(-0.5), [1.0], [[2.0]]), [2.0])


@BOTH
def test_plain_descent_keeps_no_momentum(cls):
    optimizer = cls(0.5)
    run(optimizer, [1.0], [[2.0]])
    assert optimizer.slots == {}


@BOTH
def test_momentum_may_be_switched_on_later(cls):
    optimizer = cls(0.5)
    w = np.array([8.0])
    optimizer.update([w], [np.array([2.0])])
    optimizer.momentum = 0.5
    optimizer.update([w], [np.array([2.0])])
    optimizer.update([w], [np.array([0.0])])
    assert_array_equal(w, [5.5])


def test_weight_decay_comes_first_and_takes_biases_too():
    # 8 - 8 * 0.25 * 0.5 = 7, then 7 - 0.5 * 2 = 6
    kernel, bias = np.array([[8.0]]), np.array([16.0])
    SGD(0.5, weight_decay=0.25).update([kernel, bias], [[[2.0]], [0.0]])
    assert_array_equal(kernel, [[6.0]])
    assert_array_equal(bias, [14.0])


def test_weight_decay_stays_out_of_the_momentum():
    optimizer = SGD(0.5, momentum=0.5, weight_decay=0.25)
    run(optimizer, [8.0], [[2.0]])
    assert_array_equal(optimizer.slots["momentum"][0], [-1.0])


def test_weight_decay_follows_the_schedule():
    optimizer = SGD(ExponentialDecay(0.5, 1, 0.5), weight_decay=0.5)
    assert_array_equal(run(optimizer, [16.0], [[0.0], [0.0]]), [16 * 0.75 * 0.875])


# Clipping


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"clipnorm": 2.5}, [[1.5, -2.0], [2.5]]),
        ({"clipnorm": 16.0}, [[3.0, -4.0], [12.0]]),
        ({"global_clipnorm": 6.5}, [[1.5, -2.0], [6.0]]),
        ({"global_clipnorm": 16.0}, [[3.0, -4.0], [12.0]]),
        ({"clipvalue": 3.5}, [[3.0, -3.5], [3.5]]),
        ({"clipnorm": 2.5, "clipvalue": 0.5}, [[1.5, -2.0], [2.5]]),
        ({"global_clipnorm": 6.5, "clipvalue": 0.5}, [[1.5, -2.0], [6.0]]),
        ({"clipnorm": 0, "clipvalue": 3.5}, [[3.0, -3.5], [3.5]]),
        ({"global_clipnorm": -1, "clipvalue": 3.5}, [[3.0, -3.5], [3.5]]),
        ({"clipvalue": 0}, [[3.0, -4.0], [12.0]]),
        ({"clipvalue": -1.0}, [[3.0, -4.0], [12.0]]),
    ],
    ids=str,
)
def test_modern_clipping_takes_the_first_positive_limit(kwargs, expected):
    params = [np.zeros(2), np.zeros(1)]
    SGD(-1.0, **kwargs).update(params, [[3.0, -4.0], [12.0]])
    for param, clipped in zip(params, expected, strict=True):
        assert_array_equal(param, clipped)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"clipnorm": 2.5}, [[1.5, -2.0], [2.5]]),
        ({"clipvalue": 3.0, "clipnorm": 1.5}, [[1.5 / ROOT, -1.5 / ROOT], [1.5]]),
        ({"clipvalue": 3.0, "global_clipnorm": 3.0}, [[3**0.5, -(3**0.5)], [3**0.5]]),
        (
            {"clipnorm": 5.0, "global_clipnorm": 5.0},
            [[3 / ROOT, -4 / ROOT], [5 / ROOT]],
        ),
        ({"clipnorm": 0}, [[0.0, 0.0], [0.0]]),
        ({"global_clipnorm": 0}, [[0.0, 0.0], [0.0]]),
        ({"clipvalue": 0}, [[0.0, 0.0], [0.0]]),
    ],
    ids=str,
)
def test_legacy_clipping_takes_every_limit_in_turn(kwargs, expected):
    params = [np.zeros(2), np.zeros(1)]
    LegacySGD(-1.0, **kwargs).update(params, [[3.0, -4.0], [12.0]])
    for param, clipped in zip(params, expected, strict=True):
        assert_allclose(param, clipped, rtol=1e-14)


def test_zero_gradient_under_a_zero_limit_stays_zero():
    zero = np.zeros(2)
    assert_array_equal(clip_by_norm(zero, 0.0), zero)
    assert_array_equal(clip_by_global_norm([zero], 0.0)[0], zero)
    assert_array_equal(clip_by_value(zero, 0.0), zero)


def test_gradient_on_the_limit_is_kept():
    grad = np.array([3.0, -4.0])
    assert clip_by_norm(grad, 5.0) is grad
    assert clip_by_global_norm([grad], 5.0)[0] is grad


def test_clipping_sees_the_momentum_gradient_before_it_enters():
    optimizer = SGD(0.5, momentum=0.5, clipvalue=1.0)
    run(optimizer, [8.0], [[2.0]])
    assert_array_equal(optimizer.slots["momentum"][0], [-0.5])


def test_infinite_global_norm_makes_everything_nan():
    params = [np.zeros(1), np.zeros(1)]
    SGD(1.0, global_clipnorm=1.0).update(params, [[np.inf], [1.0]])
    assert np.isnan(params).all()


def test_infinite_norm_stays_in_its_own_gradient():
    params = [np.zeros(1), np.zeros(1)]
    SGD(-1.0, clipnorm=1.0).update(params, [[np.inf], [0.5]])
    assert np.isnan(params[0]).all()
    assert_array_equal(params[1], [0.5])


def test_float16_norm_does_not_overflow():
    grad = np.array([300.0, 400.0], np.float16)
    for clipped in (clip_by_norm(grad, 5.0), *clip_by_global_norm([grad], 5.0)):
        assert clipped.dtype == np.float16
        assert_allclose(clipped, [3.0, 4.0], rtol=1e-3)


# Learning rates


def test_legacy_decay_counts_from_zero():
    # 1, 1/2, 1/3, 1/4 with decay 1
    optimizer = LegacySGD(12.0, decay=1.0)
    rates = []
    for _ in range(4):
        rates.append(optimizer.current_learning_rate())
        optimizer.update([np.zeros(1)], [np.zeros(1)])
    assert rates == [12.0, 6.0, 4.0, 3.0]


def test_legacy_decay_falls_on_top_of_a_schedule():
    optimizer = LegacySGD(ExponentialDecay(8.0, 1, 0.5), decay=1.0)
    optimizer.iterations = 1
    assert optimizer.current_learning_rate() == 2.0


@pytest.mark.parametrize(
    ("staircase", "expected"),
    [(False, [1.0, 0.5, 0.25, 0.125]), (True, [1.0, 1.0, 0.25, 0.25])],
)
def test_exponential_decay_is_read_before_the_step(staircase, expected):
    optimizer = SGD(ExponentialDecay(1.0, 2, 0.25, staircase=staircase))
    w = np.array([0.0])
    steps = []
    for _ in range(4):
        before = w.copy()
        optimizer.update([w], [[-1.0]])
        steps.append(float(w[0] - before[0]))
    assert steps == expected


def test_learning_rate_can_be_set():
    optimizer = SGD(0.5)
    optimizer.learning_rate = np.float32(0.25)
    assert optimizer.learning_rate == 0.25
    assert isinstance(optimizer.learning_rate, float)
    optimizer.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    assert optimizer.current_learning_rate() == 1.0
    with refuses("learning_rate must be a finite number, got 'fast'"):
        optimizer.learning_rate = "fast"
    assert optimizer.current_learning_rate() == 1.0


@EVERY
def test_attribute_lr_is_the_learning_rate(cls):
    optimizer = cls(0.5)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert optimizer.lr == optimizer.learning_rate == 0.25
    assert optimizer.current_learning_rate() == 0.25
    with refuses("learning_rate must be a finite number, got None"):
        optimizer.lr = None
    assert optimizer.lr == 0.25
    assert "lr" not in optimizer.get_config()


@EVERY
def test_lr_means_learning_rate(cls):
    assert cls(lr=0.25).learning_rate == 0.25
    assert cls(0.5, lr=0.25).learning_rate == 0.25


@BOTH
def test_hyperparameters_stay_exact(cls):
    optimizer = cls(0.1, momentum=0.9)
    assert (optimizer.learning_rate, optimizer.momentum) == (0.1, 0.9)
    assert LegacySGD(decay=0.1).decay == 0.1
    assert SGD(weight_decay=0.1).weight_decay == 0.1


def test_defaults():
    assert (SGD().learning_rate, SGD().momentum, SGD().nesterov) == (0.01, 0.0, False)
    assert (LegacySGD().learning_rate, LegacySGD().decay) == (0.01, 0.0)


# Averages


def test_averages_start_from_the_parameters():
    # 8 -> 0.75 * 8 + 0.25 * 6 = 7.5 -> 0.75 * 7.5 + 0.25 * 4 = 6.625
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.75)
    w = np.array([8.0])
    for expected in (7.5, 6.625):
        optimizer.update([w], [[2.0]])
        assert_array_equal(optimizer.slots["average"][0], [expected])
    assert_array_equal(w, [4.0])
    optimizer.finalize([w])
    assert_array_equal(w, [6.625])


def test_averages_overwrite_every_nth_update():
    # averages 7.5, 6.625, 6.125, 5.25
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2)
    w = np.array([8.0])
    seen = []
    for _ in range(4):
        optimizer.update([w], [[2.0]])
        seen.append(float(w[0]))
    assert seen == [6.0, 6.625, 4.625, 5.25]


def test_averages_are_taken_before_the_caller_constrains():
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    w = np.array([1.0])
    optimizer.update([w], [[3.0]])
    np.maximum(w, 0.0, out=w)
    assert_array_equal(optimizer.slots["average"][0], [-0.5])


@pytest.mark.parametrize(
    "optimizer",
    [SGD(1.0), LegacySGD(1.0, momentum=0.5), SGD(1.0, use_ema=True)],
    ids=["no averages", "legacy", "before the first update"],
)
def test_finalize_without_averages_changes_nothing(optimizer):
    w = np.array([8.0])
    optimizer.finalize([w])
    assert_array_equal(w, [8.0])


def test_finalize_checks_the_shapes():
    optimizer = SGD(1.0, use_ema=True)
    run(optimizer, [8.0], [[2.0]])
    with refuses(
        "params must have the shapes of the former updates, [(1,)], got [(2,)]"
    ):
        optimizer.finalize([np.zeros(2)])


# The contract of update


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("grad_dtype", [np.float64, np.int64, np.float16])
def test_dtype_is_the_parameters(dtype, grad_dtype):
    optimizer = Recorder(np.float64(0.5), clipnorm=4.0, weight_decay=0.1, use_ema=True)
    w = np.array([8.0, 4.0], dtype)
    optimizer.update([w], [np.array([3, 4], grad_dtype)])
    assert w.dtype == dtype
    assert optimizer.seen[0][1].dtype == dtype
    assert {s[0].dtype for s in optimizer.slots.values()} == {np.dtype(dtype)}


def test_float32_steps_are_float32_steps(rng):
    w, m = rng.normal(size=5).astype(np.float32), np.zeros(5, np.float32)
    grads = rng.normal(size=(3, 5)).astype(np.float32)
    expected = w.copy()
    for grad in grads:
        m = np.float32(0.9) * m - np.float32(0.1) * grad
        expected = expected + (np.float32(0.9) * m - np.float32(0.1) * grad)
    result = run(SGD(0.1, 0.9, nesterov=True), w, grads)
    assert result.dtype == np.float32
    assert_array_equal(result, expected)


def test_parameters_change_in_place_and_gradients_do_not():
    base = np.zeros((2, 6))
    w = base[:, ::2]
    grad = np.ones((2, 3))[:, ::-1]
    grad.flags.writeable = False
    SGD(
        -1.0,
        momentum=0.5,
        clipvalue=0.5,
        weight_decay=0.5,
        use_ema=True,
        ema_momentum=0,
    ).update([w], [grad])
    assert_array_equal(base, [[0.5, 0.0] * 3] * 2)
    assert_array_equal(grad, np.ones((2, 3)))


def test_dicts_are_matched_by_key():
    params = {"kernel": np.zeros(2), "bias": np.zeros(1)}
    kernel = params["kernel"]
    SGD(-1.0).update(params, {"bias": [3.0], "kernel": [1.0, 2.0]})
    assert params["kernel"] is kernel
    assert_array_equal(kernel, [1.0, 2.0])
    assert_array_equal(params["bias"], [3.0])


def test_iterators_are_accepted():
    w = np.zeros(1)
    SGD(-1.0).update(iter([w]), (g for g in [[2.0]]))
    assert_array_equal(w, [2.0])


def test_zero_dimensional_and_empty_parameters():
    scalar, empty = np.array(8.0), np.zeros((0, 3))
    optimizer = SGD(0.5, momentum=0.5, clipnorm=1.0, use_ema=True)
    optimizer.update([scalar, empty], [2.0, np.zeros((0, 3))])
    assert scalar == 7.5
    assert optimizer.slots["momentum"][0].shape == ()


def test_gradient_that_is_a_parameter_is_read_before_the_step():
    # The gradients of a * b are b and a.
    a, b = np.array([4.0]), np.array([2.0])
    SGD(0.5, weight_decay=1.0).update([a, b], [b, a])
    assert_array_equal(a, [4.0 - 2.0 - 1.0])
    assert_array_equal(b, [2.0 - 1.0 - 2.0])


def test_nan_and_infinity_pass_without_a_warning():
    w = np.array([1.0, np.inf, 3.0])
    SGD(1.0, momentum=0.5).update([w], [[np.nan, np.inf, 1.0]])
    assert_array_equal(w, [np.nan, np.nan, 2.0])


def test_floating_point_errors_cannot_leave_half_an_update():
    w = np.array([1.0, 2.0], np.float32)
    with np.errstate(all="raise"):
        SGD(1.0, momentum=0.5).update([w], [[1e300, np.inf]])
    assert_array_equal(w, [-np.inf, -np.inf])


@pytest.mark.parametrize("empty", [[], {}, ()], ids=repr)
@pytest.mark.parametrize("kwargs", [{}, {"global_clipnorm": 1.0}], ids=str)
def test_update_without_parameters_is_not_counted(empty, kwargs):
    optimizer = SGD(**kwargs)
    optimizer.update(empty, empty)
    assert optimizer.iterations == 0


def test_subclass_gets_everything_a_step_needs():
    optimizer = Recorder(0.5)
    params = [np.array([1.0]), np.array([2.0])]
    optimizer.update(params, [[2.0], [4.0]])
    optimizer.update(params, [[0.0], [0.0]])
    assert [(i, float(g[0]), r, t) for i, g, r, t in optimizer.seen] == [
        (0, 2.0, 0.5, 0),
        (1, 4.0, 0.5, 0),
        (0, 0.0, 0.5, 1),
        (1, 0.0, 0.5, 1),
    ]
    assert_array_equal(params, [[-1.0], [-2.0]])
    assert list(optimizer.slots) == ["first", "second"]
    assert optimizer.name == "Recorder"


def test_optimizer_without_a_step_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer()


W = [np.zeros((2, 3)), np.zeros(2)]
READ_ONLY = np.zeros(2)
READ_ONLY.flags.writeable = False
BAD_UPDATES = {
    "an array for params": (
        (np.zeros((2, 2)), np.zeros((2, 2))),
        "params must be a sequence or dict of arrays, got ndarray",
    ),
    "a number for grads": (
        ([np.zeros(2)], 3.0),
        "grads must be a sequence or dict of arrays, got float",
    ),
    "too few": (
        (W, W[:1]),
        "grads must match params, one for each of [0, 1], got [0]",
    ),
    "gradients without parameters": (
        ([], [W[0]]),
        "grads must match params, one for each of [], got [0]",
    ),
    "other keys": (
        ({"kernel": W[0], "bias": W[1]}, {"kernel": W[0], "biases": W[1]}),
        "grads must match params, one for each of ['kernel', 'bias'], "
        "got ['kernel', 'biases']",
    ),
    "a list as parameter": (
        ([[1.0, 2.0]], [np.zeros(2)]),
        "params[0] must be an array of floats, got list",
    ),
    "integer parameter": (
        ({"bias": np.zeros(2, int)}, {"bias": np.zeros(2)}),
        "params['bias'] must be an array of floats, got dtype int64",
    ),
    "read-only parameter": (
        ([W[0], READ_ONLY], W),
        "params[1] must be writeable, got a read-only array",
    ),
    "other shape": (
        (W, [W[0], np.zeros((2, 1))]),
        "grads[1] must have the shape (2,) of its parameter, got (2, 1)",
    ),
    "complex gradient": (
        (W, [W[0], np.zeros(2, complex)]),
        "grads[1] must hold real numbers, got dtype complex128",
    ),
    "missing gradient": (
        (W, [W[0], None]),
        "grads[1] must hold numbers, got dtype object",
    ),
    "ragged gradient": (
        (W, [[[1.0], [1.0, 2.0]], W[1]]),
        "grads[0] must be a rectangular array of numbers, got rows of unequal length",
    ),
    "shapes of the former updates": (
        ([W[1], W[0]], [W[1], W[0]]),
        "params must have the shapes of the former updates, [(2, 3), (2,)], "
        "got [(2,), (2, 3)]",
    ),
}


@pytest.mark.parametrize("name", BAD_UPDATES)
def test_bad_update_changes_nothing(name):
    (params, grads), message = BAD_UPDATES[name]
    optimizer = SGD(0.5, momentum=0.5, weight_decay=0.5, use_ema=True)
    optimizer.update([np.ones((2, 3)), np.ones(2)], [np.ones((2, 3)), np.ones(2)])
    state, before = optimizer.get_state(), copy.deepcopy(params)
    with refuses(message):
        optimizer.update(params, grads)
    assert repr(params) == repr(before)
    after = optimizer.get_state()
    assert after.keys() == state.keys()
    for key, array in state.items():
        assert_array_equal(after[key], array)


def test_bad_schedule_changes_nothing():
    optimizer = SGD(lambda step: np.nan, momentum=0.5)
    w = np.array([1.0])
    with refuses("learning_rate(0) must be a finite number, got nan"):
        optimizer.update([w], [w])
    assert_array_equal(w, [1.0])
    assert (optimizer.iterations, optimizer.slots) == (0, {})


# Constructor errors

UNIT = "a finite number >= 0 and <= 1"
RATE = {"initial_learning_rate": 1, "decay_steps": 1, "decay_rate": 1}
BAD_ARGUMENTS = [
    (SGD, {"learning_rate": "1"}, "learning_rate must be a finite number, got '1'"),
    (SGD, {"lr": np.inf}, "lr must be a finite number, got inf"),
    (SGD, {"momentum": 1.5}, f"momentum must be {UNIT}, got 1.5"),
    (SGD, {"ema_momentum": 2}, f"ema_momentum must be {UNIT}, got 2"),
    (SGD, {"weight_decay": -1}, "weight_decay must be a finite number >= 0, got -1"),
    (SGD, {"clipnorm": "a"}, "clipnorm must be a finite number, got 'a'"),
    (
        SGD,
        {"clipnorm": 1.0, "global_clipnorm": 2.0},
        "clipnorm must be None when global_clipnorm is given, "
        "got clipnorm=1.0 and global_clipnorm=2.0",
    ),
    (
        SGD,
        {"decay": 0.5, "lr": np.cos},
        "decay must be None where learning_rate is a schedule, got 0.5",
    ),
    (SGD, {"decay": -1}, "decay must be a finite number >= 0, got -1"),
    (
        SGD,
        {"ema_overwrite_frequency": 0},
        "ema_overwrite_frequency must be an integer >= 1, got 0",
    ),
    (LegacySGD, {"momentum": -0.5}, f"momentum must be {UNIT}, got -0.5"),
    *(
        (LegacySGD, {key: -1}, f"{key} must be a finite number >= 0, got -1")
        for key in ("decay", "clipnorm", "clipvalue", "global_clipnorm")
    ),
    (
        ExponentialDecay,
        {**RATE, "initial_learning_rate": None},
        "initial_learning_rate must be a finite number, got None",
    ),
    (
        ExponentialDecay,
        {**RATE, "decay_steps": 0},
        "decay_steps must be a finite number > 0, got 0",
    ),
    (
        ExponentialDecay,
        {**RATE, "decay_rate": -1},
        "decay_rate must be a finite number >= 0, got -1",
    ),
]


@pytest.mark.parametrize(
    ("cls", "kwargs", "message"),
    [
        pytest.param(*row, id=f"{row[0].__name__} {row[2].split()[0]}")
        for row in BAD_ARGUMENTS
    ],
)
def test_bad_arguments(cls, kwargs, message):
    with refuses(message):
        cls(**kwargs)


@EVERY
def test_unknown_keyword_is_a_type_error(cls):
    with pytest.raises(
        TypeError, match="unexpected keyword argument 'momentun'"
    ) as exc:
        cls(momentun=0.9)
    assert len(exc.value.args) == 1


@pytest.mark.parametrize("cls", optimizers.LEGACY.values())
@pytest.mark.parametrize("word", ["weight_decay", "use_ema", "jit_compile"])
def test_legacy_takes_no_present_argument(cls, word):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{word}'"):
        cls(**{word: 0.1})


def test_legacy_takes_both_norm_limits():
    assert LegacySGD(clipnorm=1.0, global_clipnorm=2.0).global_clipnorm == 2.0


# State


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0.5),
        lambda: SGD(0.5, momentum=0.5, nesterov=True),
        lambda: SGD(
            0.5, 0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3
        ),
        lambda: LegacySGD(0.5, momentum=0.5, decay=1.0),
    ],
    ids=["plain", "nesterov", "averages", "legacy"],
)
def test_state_goes_on_where_it_stopped(make, rng):
    grads = rng.normal(size=(5, 3))
    expected = run(make(), np.ones(3), grads)
    first, second = make(), make()
    half = run(first, np.ones(3), grads[:2])
    state = first.get_state()
    second.set_state(state)
    run(first, half, grads[2:])
    assert_array_equal(run(second, half, grads[2:]), expected)
    assert second.iterations == 5


def test_state_has_plain_names_and_copies():
    optimizer = SGD(0.5, momentum=0.5, use_ema=True)
    optimizer.update([np.ones(2), np.ones(1)], [np.ones(2), np.ones(1)])
    state = optimizer.get_state()
    assert list(state) == [
        "iterations",
        "average_0",
        "average_1",
        "momentum_0",
        "momentum_1",
    ]
    assert state["iterations"].dtype == np.int64
    state["momentum_0"][...] = 7.0
    assert_array_equal(optimizer.slots["momentum"][0], [-0.5, -0.5])
    optimizer.set_state(state)
    state["momentum_0"][...] = 8.0
    assert_array_equal(optimizer.slots["momentum"][0], [7.0, 7.0])


def test_state_before_the_first_update():
    optimizer = SGD(momentum=0.5)
    optimizer.set_state(SGD(momentum=0.5).get_state())
    assert (optimizer.iterations, optimizer.slots) == (0, {})


def test_state_takes_the_dtype_of_the_parameters():
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.set_state({"iterations": 1, "momentum_0": np.array([2.0], np.float32)})
    w = np.array([1 / 3])
    optimizer.update([w], [[0.0]])
    assert optimizer.slots["momentum"][0].dtype == np.float64
    assert_array_equal(w, [1 / 3 + 1.0])


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "state must hold iterations, got the keys []"),
        ({"iterations": 1.5}, "iterations must be an integer >= 0, got 1.5"),
        ({"iterations": -1}, "iterations must be an integer >= 0, got -1"),
        (
            {"iterations": 1, "m_0": np.zeros(1)},
            "state must hold iterations and slots numbered from 0, of average or "
            "momentum, got 'm_0'",
        ),
        (
            {"iterations": 1, "momentum_1": np.zeros(1)},
            "state must hold iterations and slots numbered from 0, of average or "
            "momentum, got 'momentum_1'",
        ),
        (
            {"iterations": 1, "momentum_0": np.zeros(1, int)},
            "momentum_0 must hold floats, got dtype int64",
        ),
        (
            {"iterations": 1, "average_0": np.zeros(1), "momentum_0": np.zeros(2)},
            "state must hold slots of equal shapes, "
            "got {'average': [(1,)], 'momentum': [(2,)]}",
        ),
    ],
    ids=["empty", "float", "negative", "unknown", "hole", "integers", "shapes"],
)
def test_bad_state_changes_nothing(state, message):
    optimizer = SGD(0.5, momentum=0.5)
    run(optimizer, [1.0], [[2.0]])
    with refuses(message):
        optimizer.set_state(state)
    assert optimizer.iterations == 1
    assert_array_equal(optimizer.slots["momentum"][0], [-1.0])


def test_state_of_other_shapes_is_refused_at_the_update():
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.set_state({"iterations": 3, "momentum_0": np.zeros(2)})
    with refuses(
        "params must have the shapes of the former updates, [(2,)], got [(1,)]"
    ):
        optimizer.update([np.zeros(1)], [np.zeros(1)])


# Configs


MODERN = {
    "name": "SGD",
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "jit_compile": False,
    "is_legacy_optimizer": False,
    "learning_rate": 0.01,
    "momentum": 0.0,
    "nesterov": False,
}
LEGACY = {
    "name": "SGD",
    "learning_rate": 0.01,
    "decay": 0.0,
    "momentum": 0.0,
    "nesterov": False,
}
SCHEDULE = {
    "module": "keras.optimizers.schedules",
    "class_name": "ExponentialDecay",
    "config": {
        "initial_learning_rate": 0.5,
        "decay_steps": 10,
        "decay_rate": 0.25,
        "staircase": True,
        "name": None,
    },
    "registered_name": None,
}


@pytest.mark.parametrize(("cls", "config"), [(SGD, MODERN), (LegacySGD, LEGACY)])
def test_config_keys_and_their_order(cls, config):
    assert list(cls().get_config().items()) == list(config.items())


def test_legacy_config_names_the_limits_that_are_set():
    limits = {"clipnorm": 1.0, "clipvalue": 2.0, "global_clipnorm": 0.0}
    assert LegacySGD(**limits).get_config() == {**LEGACY, **limits}


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(
            0.1,
            0.9,
            nesterov=True,
            weight_decay=0.1,
            global_clipnorm=2.0,
            clipvalue=3.0,
            use_ema=True,
            ema_momentum=0.5,
            ema_overwrite_frequency=3,
            name="mine",
        ),
        SGD(ExponentialDecay(0.5, 10, 0.25, staircase=True), clipnorm=1.0),
        LegacySGD(0.1, 0.9, nesterov=True, name="old", decay=0.5, clipnorm=1.0),
        LegacySGD(ExponentialDecay(0.5, 10, 0.25)),
    ],
    ids=["modern", "modern schedule", "legacy", "legacy schedule"],
)
def test_round_trips_through_json(optimizer):
    config = json.loads(json.dumps(optimizer.get_config()))
    untouched = copy.deepcopy(config)
    assert type(optimizer).from_config(config).get_config() == optimizer.get_config()
    assert config == untouched
    form = json.loads(json.dumps(optimizers.serialize(optimizer)))
    again = optimizers.get(form)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_serialized_forms():
    assert optimizers.serialize(SGD()) == {
        "module": "keras.optimizers",
        "class_name": "SGD",
        "config": MODERN,
        "registered_name": None,
    }
    assert optimizers.serialize(LegacySGD()) == {
        "module": "keras.optimizers.legacy",
        "class_name": "SGD",
        "config": LEGACY,
        "registered_name": None,
    }


def test_schedule_is_a_config_of_its_own():
    schedule = ExponentialDecay(0.5, 10, 0.25, staircase=True)
    assert SGD(schedule).get_config()["learning_rate"] == SCHEDULE
    read = SGD.from_config({**MODERN, "learning_rate": SCHEDULE}).learning_rate
    assert read.get_config() == SCHEDULE["config"]


def test_schedule_of_ones_own_needs_its_name():
    form = optimizers.serialize(SGD(Schedule(0.5)))
    read = optimizers.deserialize(form, custom_objects={"Schedule": Schedule})
    read.iterations = 2
    assert read.current_learning_rate() == 0.125
    with refuses("learning rate schedule must be a known name, got 'Schedule'"):
        optimizers.deserialize(form)


def test_bare_function_as_schedule_cannot_be_saved():
    with pytest.raises(ValueError, match="have get_config to be saved, got <function"):
        SGD(lambda step: 0.5).get_config()


@pytest.mark.parametrize("name", ["sgd", "SGD", "Sgd", "Custom>SGD"])
def test_name_in_any_case_is_the_modern_class(name):
    assert type(optimizers.get(name)) is SGD
    assert type(optimizers.deserialize({"class_name": name, "config": {}})) is SGD


@pytest.mark.parametrize("name", ["LegacySGD", "legacysgd", "legacy.SGD", "Legacy.sgd"])
def test_names_of_the_legacy_class(name):
    assert type(optimizers.get(name)) is LegacySGD


@pytest.mark.parametrize("name", ["SGD", "sgd", "Custom>SGD"])
@pytest.mark.parametrize(
    ("module", "config", "cls"),
    [
        (None, {"lr": 0.5, "decay": 0.25, "momentum": 0.5}, LegacySGD),
        (None, {"learning_rate": 0.5}, LegacySGD),
        (None, {"learning_rate": 0.5, "is_legacy_optimizer": False}, SGD),
        (None, {"learning_rate": 0.5, "is_legacy_optimizer": True}, LegacySGD),
        (None, {}, SGD),
        ("keras.optimizers", {"learning_rate": 0.5}, SGD),
        ("keras.optimizers", {}, SGD),
        ("keras.optimizers.legacy", {"learning_rate": 0.5}, LegacySGD),
        ("keras.optimizers.legacy", {}, LegacySGD),
        ("builtins", {"learning_rate": 0.5}, LegacySGD),
    ],
    ids=str,
)
def test_two_classes_called_sgd(name, module, config, cls):
    form = {"class_name": name, "config": config}
    if module is not None:
        form["module"] = module
    optimizer = optimizers.deserialize(form)
    assert type(optimizer) is cls
    assert optimizer.learning_rate == (0.5 if config else 0.01)


def test_get_takes_an_instance_and_a_class():
    optimizer = SGD()
    assert optimizers.get(optimizer) is optimizer
    assert type(optimizers.get(LegacySGD)) is LegacySGD
    assert type(optimizers.get(Recorder)) is Recorder


def test_custom_objects_win():
    class Mine(SGD):
        pass

    form = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    read = optimizers.deserialize(form, custom_objects={"SGD": Mine})
    assert type(read) is Mine
    assert optimizers.serialize(read)["registered_name"] == "Mine"


PRESENT = "'SGD', 'RMSprop', 'Adam', 'AdamW', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam'"


def bad(identifier, message):
    return pytest.param(identifier, message, id=str(identifier))


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        bad("lion", f"optimizer must be one of {PRESENT} or a legacy one, got 'lion'"),
        bad(
            {"class_name": "Lion", "config": {}},
            f"optimizer must be one of {PRESENT} or a legacy one, got 'Lion'",
        ),
        bad(None, "optimizer must be a name, a config or an Optimizer, got None"),
        bad(0.1, "optimizer must be a name, a config or an Optimizer, got 0.1"),
        bad(
            dict,
            "optimizer must be a name, a config or an Optimizer, got <class 'dict'>",
        ),
        bad(
            {"config": {}},
            "optimizer config must have a class_name, got {'config': {}}",
        ),
        bad(
            {"class_name": "SGD", "config": [1]},
            "optimizer config must be a dict of arguments, got [1]",
        ),
    ],
)
def test_bad_identifiers(identifier, message):
    with refuses(message):
        optimizers.get(identifier)


def test_config_with_an_unknown_key():
    form = {"class_name": "SGD", "module": "keras.optimizers", "config": {"beta": 1}}
    with pytest.raises(ValueError, match=r"^optimizer config must fit SGD, got") as exc:
        optimizers.deserialize(form)
    assert len(exc.value.args) == 1
