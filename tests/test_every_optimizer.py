"""All optimizers and schedules: Keras's numbers, and the laws that hold for each."""

import copy
import inspect
import json
import math
import tracemalloc

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from unchanged import bits

from localnet import Sequential, optimizers
from localnet.config import set_epsilon, set_num_threads
from localnet.layers import Dense
from localnet.ops.runtime import pieces
from localnet.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    CosineDecay,
    InverseTimeDecay,
    LegacyAdagrad,
    LegacyAdam,
    LegacyNadam,
    LegacyRMSprop,
    Nadam,
    PiecewiseConstantDecay,
    PolynomialDecay,
    RMSprop,
    schedules,
)

DATA = reference.load("optimizers.npz")
CASES = {
    f"{'Legacy' if case['legacy'] else ''}{case['class_name']} {case['key']}": case
    for case in DATA["cases"]
}
DEFAULTS = {name: case for name, case in CASES.items() if "config" in case}

# Every class, with everything of its own switched on or not.
MAKERS = {
    **{cls.__name__: cls for cls in optimizers.PRESENT},
    **{cls.__name__: cls for cls in optimizers.LEGACY.values()},
    "SGD nesterov": lambda **k: SGD(momentum=0.5, nesterov=True, **k),
    "Adam amsgrad": lambda **k: Adam(amsgrad=True, adaptive_epsilon=True, **k),
    "Adam averages": lambda **k: Adam(
        use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2, **k
    ),
    "AdamW clipped": lambda **k: AdamW(amsgrad=True, clipnorm=0.5, **k),
    "RMSprop centered": lambda **k: RMSprop(
        momentum=0.5, centered=True, epsilon=1e-3, **k
    ),
    "LegacyRMSprop centered": lambda **k: LegacyRMSprop(
        momentum=0.5, centered=True, epsilon=1e-3, **k
    ),
    "LegacyAdam decay": lambda **k: LegacyAdam(amsgrad=True, decay=0.5, **k),
}
every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def class_of(case):
    return getattr(optimizers, f"{'Legacy' * case['legacy']}{case['class_name']}")


def start(dtype=np.float64):
    return [DATA[f"w0_{i}"].astype(dtype) for i in range(2)]


def grads(t, dtype=np.float64):
    return [DATA[f"g{t}_{i}"].astype(dtype) for i in range(2)]


def run(optimizer, params, steps):
    for t in steps:
        optimizer.update(params, grads(t, params[0].dtype))
    return params


# Keras's numbers -----------------------------------------------------------------


def assert_keras_numbers(case, tolerance):
    optimizer, params = class_of(case)(**case["kwargs"]), start()
    for t in range(case["steps"]):
        run(optimizer, params, [t])
        if t + 1 in (1, case["steps"]):
            for i, param in enumerate(params):
                expected = DATA[f"{case['key']}__w{t + 1}_{i}"]
                assert_allclose(param, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_float64_is_keras_to_the_digit(name, monkeypatch):
    monkeypatch.setattr(Nadam, "momentum_base", float(np.float32(0.96)))
    assert_keras_numbers(CASES[name], 1e-14)


@pytest.mark.parametrize("name", [name for name in CASES if "Nadam" in name])
def test_nadam_with_an_exact_base_is_keras_up_to_its_rounding(name):
    assert_keras_numbers(CASES[name], 1e-8)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_keras_in_float32(name):
    case = DEFAULTS[name]
    params = run(class_of(case)(), start(np.float32), range(case["steps"]))
    for i, param in enumerate(params):
        assert param.dtype == np.float32
        assert_allclose(param, DATA[f"{case['key']}__single_{i}"], rtol=3e-7, atol=3e-7)


@pytest.mark.parametrize("name", DEFAULTS)
def test_config_has_the_keys_of_keras_in_its_order(name):
    case = DEFAULTS[name]
    config = class_of(case)().get_config()
    assert list(config) == list(case["config"])
    for key, value in case["config"].items():
        # Keras reads its numbers back from float32.
        same = isinstance(value, float) and math.isclose(
            config[key], value, rel_tol=6e-8
        )
        assert same or config[key] == value, key


@pytest.mark.parametrize("name", DEFAULTS)
def test_config_of_keras_is_read(name):
    case = DEFAULTS[name]
    form = {"class_name": case["class_name"], "config": case["config"]}
    optimizer = optimizers.deserialize(copy.deepcopy(form))
    assert type(optimizer) is class_of(case)
    assert optimizer.get_config() == case["config"]


@pytest.mark.parametrize("name", CASES)
def test_names_and_order_of_the_slots_are_those_of_keras(name):
    case = CASES[name]
    optimizer, params = class_of(case)(**case["kwargs"]), start()
    listed = optimizer.keras_slots(2)
    # Keras has one number more than localnet needs.
    skipped = 1 + any("momentum_cache" in word for word in case["variables"])
    title = case["class_name"]
    assert [
        f"{title}/w{i}/{word}:0" if case["legacy"] else f"{title}/{word}/w{i}:0"
        for _, word, i in listed
    ] == case["variables"][skipped:]
    run(optimizer, params, [0])
    if title != "SGD":
        kept = {f"{slot}_{i}" for slot, _, i in listed}
        assert kept == optimizer.get_state().keys() - {"iterations"}


def test_sgd_of_keras_has_velocities_even_without_momentum():
    assert SGD().keras_slots(1) == [("momentum", "m", 0)]
    assert optimizers.LegacySGD().keras_slots(1) == []
    legacy = optimizers.LegacySGD(momentum=0.5)
    assert legacy.keras_slots(2) == [
        ("momentum", "momentum", 0),
        ("momentum", "momentum", 1),
    ]


@pytest.mark.parametrize("name", DEFAULTS)
def test_own_arguments_may_be_given_by_position(name):
    # Only a name may follow them, in the legacy classes.
    cls = class_of(DEFAULTS[name])
    words = list(inspect.signature(cls).parameters)
    assert words[0] == "learning_rate"
    own = [w for w in words[1:] if w in cls.own_arguments]
    assert own == [w for w in cls.own_arguments if w in own] == list(cls.own_arguments)


# The laws ------------------------------------------------------------------------


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_goes_on_where_it_stopped(make, dtype):
    whole, first, second = make(), make(), make()
    expected = run(whole, start(dtype), range(6))
    params = run(first, start(dtype), range(3))
    second.set_state(first.get_state())
    run(second, params, range(3, 6))
    assert [p.tobytes() for p in params] == [p.tobytes() for p in expected]
    assert bits(second.get_state()) == bits(whole.get_state())


@every
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_stays(make, dtype):
    optimizer = make()
    w, scalar, empty = np.ones(3, dtype), np.ones((), dtype), np.ones((0, 2), dtype)
    for _ in range(2):
        optimizer.update([w, scalar, empty], [[1, -2, 3], 2.0, np.ones((0, 2))])
    assert w.dtype == scalar.dtype == dtype
    assert np.isfinite(w).all()
    assert np.isfinite(scalar)
    held = [array for slot in optimizer.slots.values() for array in slot]
    assert {array.dtype for array in held} <= {np.dtype(dtype)}


@every
def test_steps_go_down_in_place_and_gradients_stay(make):
    base = np.zeros((2, 6))
    w = base[:, ::2]
    grad = np.array([[1.0, -2.0, 0.5], [-0.25, 3.0, 1.0]])[:, ::-1]
    grad.flags.writeable = False
    before = grad.copy()
    optimizer = make()
    for _ in range(3):
        optimizer.update({"kernel": w}, {"kernel": grad})
    assert_array_equal(np.sign(base[:, ::2]), -np.sign(grad))
    assert_array_equal(base[:, 1::2], 0)
    assert_array_equal(grad, before)


@every
def test_memory_layout_changes_no_bit(make):
    plain, other = start(), [np.asfortranarray(p) for p in start()]
    run(make(), plain, range(4))
    run(make(), other, range(4))
    assert [p.tobytes() for p in plain] == [p.tobytes() for p in other]


@every
@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_change_no_bit(make, threads, monkeypatch, rng):
    whole, parts = make(), make()
    w = rng.normal(size=(7, 31))
    g = rng.normal(size=(3, 7, 31))
    expected, params = w.copy(), w.copy()
    for grad in g:
        whole.update([expected], [grad])
    monkeypatch.setattr(pieces, "PIECE", 128)
    monkeypatch.setattr(pieces, "THREADED", 32)
    set_num_threads(threads)
    for grad in g:
        parts.update([params], [grad])
    assert params.tobytes() == expected.tobytes()
    assert bits(parts.get_state()) == bits(whole.get_state())


@every
def test_warm_update_takes_no_memory_beyond_pieces(make, monkeypatch):
    monkeypatch.setattr(pieces, "THREADED", 1 << 40)  # one piece at a time
    size = 30 * pieces.piece_size(np.dtype("float32"))
    w, g = np.ones(size, np.float32), np.ones(size, np.float32)
    optimizer = make()
    optimizer.clipnorm = None  # a clipped gradient is a copy
    optimizer.update([w], [g])
    tracemalloc.start()
    try:
        optimizer.update([w], [g])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * pieces.PIECE, peak / pieces.PIECE


@every
def test_bad_update_changes_nothing(make):
    optimizer, params = make(), start()
    run(optimizer, params, [0])
    state, before = bits(optimizer.get_state()), [p.tobytes() for p in params]
    for bad in ([grads(1)[0]], [grads(1)[0], np.zeros(4)], [grads(1)[0], None]):
        with pytest.raises(ValueError, match=r"^grads"):
            optimizer.update(params, bad)
    with pytest.raises(ValueError, match=r"^params"):
        optimizer.update([params[0], params[1].tolist()], grads(1))
    assert bits(optimizer.get_state()) == state
    assert [p.tobytes() for p in params] == before


@every
def test_extreme_gradients_make_no_warning_and_no_half_update(make):
    w = np.array([1.0, 2.0, 3.0], np.float32)
    optimizer = make()
    with np.errstate(all="raise"):
        optimizer.update([w], [[np.nan, 1e300, 0.0]])
        optimizer.update([w], [[np.inf, -1e30, 1e-30]])
    assert optimizer.iterations == 2
    assert np.isnan(w[0])


@every
def test_bad_schedule_changes_nothing(make):
    optimizer, params = make(learning_rate=lambda step: np.nan), start()
    with refuses("learning_rate(0) must be a finite number, got nan"):
        run(optimizer, params, [0])
    assert_array_equal(params[0], start()[0])
    assert (optimizer.iterations, optimizer.slots) == (0, {})


@every
def test_state_of_another_optimizer_is_refused(make):
    optimizer = make()
    run(optimizer, start(), [0])
    state = bits(optimizer.get_state())
    with pytest.raises(ValueError, match=r"numbered from 0, of .*, got 'other_0'$"):
        optimizer.set_state({"iterations": 3, "other_0": np.zeros(2)})
    assert bits(optimizer.get_state()) == state


@every
def test_configs_round_trip_through_json(make):
    optimizer = make(learning_rate=PolynomialDecay(0.5, 10, power=2.0), name="mine")
    form = json.loads(json.dumps(optimizers.serialize(optimizer)))
    again = optimizers.get(form)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert vars(again).keys() == vars(optimizer).keys()
    same = {k: v for k, v in vars(optimizer).items() if isinstance(v, (int, float))}
    assert {key: vars(again)[key] for key in same} == same


@every
def test_schedule_is_read_at_each_update(make):
    optimizer = make(learning_rate=PiecewiseConstantDecay([0], [0.0, 0.25]))
    w = np.array([1.0])
    optimizer.update([w], [[2.0]])
    assert_array_equal(w, [1.0])
    optimizer.update([w], [[2.0]])
    assert (w < 1.0).all()


# Names ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", optimizers.PRESENT)
def test_names_of_present_classes(cls):
    name = cls.__name__
    for word in (name, name.lower(), name.upper(), f"Custom>{name}"):
        assert type(optimizers.get(word)) is cls
        assert type(optimizers.get({"class_name": word, "config": {}})) is cls
    assert optimizers.serialize(cls())["module"] == "keras.optimizers"


@pytest.mark.parametrize(("name", "cls"), optimizers.LEGACY.items())
@pytest.mark.parametrize("lower", [False, True])
def test_pairs_of_classes_with_one_name(name, cls, lower):
    present = optimizers.get(name)
    word = name.lower() if lower else name
    form = {"class_name": word, "config": {"learning_rate": 0.5}}
    assert type(optimizers.get(form)) is cls
    assert type(optimizers.get({**form, "module": "keras.optimizers.legacy"})) is cls
    new = {**form, "module": "keras.optimizers"}
    assert type(optimizers.get(new)) is type(present)
    new = {"class_name": word, "config": {"is_legacy_optimizer": False}}
    assert type(optimizers.get(new)) is type(present)
    for legacy in (f"legacy.{word}", f"Legacy{word}"):
        assert type(optimizers.get(legacy)) is cls
    form = optimizers.serialize(cls())
    assert (form["module"], form["class_name"]) == ("keras.optimizers.legacy", name)
    assert cls().name == name


def test_compile_takes_the_default_of_keras():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile(loss="mse")
    assert type(model.optimizer) is RMSprop
    assert model.optimizer.get_config() == RMSprop().get_config()
    assert np.isfinite(model.train_on_batch(np.ones((3, 2)), np.ones((3, 1))))


def test_adamw_has_no_legacy_class():
    form = {"class_name": "AdamW", "config": {"learning_rate": 0.5}}
    assert type(optimizers.get(form)) is AdamW


def test_configs_of_keras_22():
    adam = optimizers.get(
        {
            "class_name": "Adam",
            "config": {
                "lr": 0.5,
                "beta_1": 0.75,
                "beta_2": 0.5,
                "decay": 0.25,
                "epsilon": None,
                "amsgrad": False,
            },
        }
    )
    assert type(adam) is LegacyAdam
    assert (adam.learning_rate, adam.decay, adam.epsilon) == (0.5, 0.25, 1e-7)
    nadam = optimizers.get(
        {"class_name": "nadam", "config": {"lr": 0.5, "schedule_decay": 0.25}}
    )
    assert (type(nadam), nadam.decay) == (LegacyNadam, 0.25)


# Steps by hand, in powers of two -------------------------------------------------


def test_adam_by_hand():
    # m: 1, 0.5; v: 1, 0.75; alpha: 0.5 * 0.5 / 0.5, 0.5 * sqrt(7/16) / 0.75
    adam = Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0)
    w = np.array([8.0])
    adam.update([w], [[2.0]])
    assert_array_equal(w, [7.5])
    adam.update([w], [[0.0]])
    assert_array_equal([adam.slots["m"][0], adam.slots["v"][0]], [[0.5], [0.75]])
    alpha = 0.5 * math.sqrt(7 / 16) / 0.75
    assert_allclose(w, 7.5 - 0.5 * alpha / math.sqrt(0.75), rtol=1e-15)


def test_amsgrad_remembers_the_largest_square():
    adam = Adam(0.5, beta_1=0.0, beta_2=0.0, epsilon=0.0, amsgrad=True)
    w = np.array([8.0])
    for grad, expected in ((4.0, 7.5), (1.0, 7.375), (-8.0, 7.875)):
        adam.update([w], [[grad]])
        assert_array_equal(w, [expected])
    assert_array_equal(adam.slots["vhat"][0], [64.0])


def test_adaptive_epsilon_is_corrected_with_the_mean_square():
    # v = 0.25 * 4 = 1, corrected by 1/2: alpha = 1/2 and epsilon = 3 / 2
    adam = Adam(1.0, 0.0, 0.75, 3.0, adaptive_epsilon=True)
    w = np.array([8.0])
    adam.update([w], [[2.0]])
    assert_array_equal(w, [8.0 - 2.0 * 0.5 / (1.0 + 1.5)])
    assert adam.get_config()["adaptive_epsilon"] is True
    assert "adaptive_epsilon" not in Adam().get_config()


def test_adamw_decays_by_default_and_adam_does_not():
    for cls, expected in ((AdamW, 1 - 0.5 * 0.004), (Adam, 1.0)):
        w = np.array([1.0])
        cls(0.5).update([w], [[0.0]])
        assert_array_equal(w, [expected])


@pytest.mark.parametrize(
    ("cls", "expected"), [(RMSprop, 0.5 / 3), (LegacyRMSprop, 0.5 / (5**0.5 + 4))]
)
def test_rmsprop_by_hand(cls, expected):
    # v = 0.5 * 10; under the root 5 + 4
    w = np.array([0.0])
    cls(-0.5, rho=0.5, epsilon=4.0).update([w], [[10**0.5]])
    assert_allclose(w, [expected * 10**0.5], rtol=1e-15)


@pytest.mark.parametrize("cls", [RMSprop, LegacyRMSprop])
def test_rmsprop_with_momentum_has_epsilon_under_the_root(cls):
    # v = 5, a = 1, root of 5 - 1 + 12; then v = 2.5, a = 0.5, momentum alone
    w = np.array([8.0])
    optimizer = cls(2.0, 0.5, 0.5, epsilon=12.0, centered=True)
    optimizer.update([w], [[2.0]])
    assert_array_equal(w, [8.0 - 2.0 * 2.0 / (2.0 - 1.0 + 12.0) ** 0.5])
    before = w.copy()
    optimizer.update([w], [[0.0]])
    assert_array_equal(w - before, -0.5 * (8.0 - before))


@pytest.mark.parametrize(("cls", "root"), [(Adagrad, 4.0), (LegacyAdagrad, 7**0.5 + 9)])
def test_adagrad_by_hand(cls, root):
    w = np.array([8.0])
    optimizer = cls(1.0, initial_accumulator_value=3.0, epsilon=9.0)
    optimizer.update([w], [[2.0]])
    assert_array_equal(w, [8.0 - 2.0 / root])
    assert_array_equal(optimizer.slots["accumulator"][0], [7.0])


def test_adadelta_by_hand():
    # a = 2 and d = 0: roots of 2.25 and 0.25
    w = np.array([8.0])
    optimizer = Adadelta(0.5, rho=0.5, epsilon=0.25)
    optimizer.update([w], [[2.0]])
    step = -0.5 * 2.0 / 1.5
    assert_allclose(w, [8.0 + 0.5 * step], rtol=1e-15)
    assert_allclose(
        optimizer.slots["accumulated_delta_var"][0], [0.5 * step**2], rtol=1e-15
    )


def test_adamax_by_hand():
    # m: 1, 0.5; u: 2, 1; correction 0.5, 0.75
    w = np.array([8.0])
    optimizer = Adamax(1.0, beta_1=0.5, beta_2=0.5, epsilon=0.0)
    optimizer.update([w], [[-2.0]])
    assert_array_equal(w, [9.0])
    optimizer.update([w], [[0.0]])
    assert_allclose(w, [9.0 + 0.5 / 0.75], rtol=1e-15)
    assert_array_equal(optimizer.slots["u"][0], [1.0])


def test_nadam_momenta_follow_from_the_number_of_updates():
    there, back = Nadam(), Nadam()
    for t in range(1, 500):
        there._momentum_product(t)
    for t in (20, 3, 499):  # a state may lie further back
        assert there._momentum_product(t) == back._momentum_product(t)
        exact = math.prod(there._momentum(i) for i in range(1, t + 1))
        assert 1 - there._momentum_product(t) == 1 - exact
        back = Nadam()
    there.beta_1 = 0.5
    assert there._momentum_product(2) == there._momentum(1) * there._momentum(2)


def test_a_beta_changed_by_a_callback_resumes_bit_for_bit():
    whole, rest = Nadam(), Nadam()
    params = run(whole, start(), range(2))
    whole.beta_1 = rest.beta_1 = 0.5
    rest.set_state(whole.get_state())
    other = [p.copy() for p in params]
    run(whole, params, range(2, 5))
    run(rest, other, range(2, 5))
    assert [p.tobytes() for p in params] == [p.tobytes() for p in other]


def test_legacy_nadam_keeps_its_learning_rate():
    optimizer = LegacyNadam(0.5, schedule_decay=0.25)
    optimizer.iterations = 4
    assert optimizer.current_learning_rate() == 0.5
    assert optimizer._momentum(2) == 0.9 * (1 - 0.5 * 0.96**0.5)
    assert LegacyNadam().decay == 0.004
    assert LegacyNadam.from_config(optimizer.get_config()).decay == 0.25


def test_legacy_epsilon_of_none_or_0_is_the_one_of_the_config():
    set_epsilon(1e-3)
    for cls in optimizers.LEGACY.values():
        if cls is not optimizers.LegacySGD:
            assert cls(epsilon=None).epsilon == cls(epsilon=0).epsilon == 1e-3
            assert cls().epsilon == 1e-7


def test_amsgrad_may_be_switched_on_later():
    adam = Adam(0.5, beta_1=0.0, beta_2=0.0, epsilon=0.0)
    w = np.array([8.0])
    adam.update([w], [[4.0]])
    assert "vhat" not in adam.slots
    adam.amsgrad = True
    adam.update([w], [[1.0]])
    assert_array_equal(adam.slots["vhat"][0], [1.0])


def test_accumulators_that_a_state_leaves_out_start_at_their_value():
    optimizer = Adagrad(0.5, initial_accumulator_value=3.0)
    optimizer.set_state({"iterations": 7})
    optimizer.update([np.array([8.0])], [[1.0]])
    assert_array_equal(optimizer.slots["accumulator"][0], [4.0])
    assert optimizer.iterations == 8


def test_rmsprop_overwrites_every_100_updates_unless_told_otherwise():
    assert RMSprop().ema_overwrite_frequency == 100
    given = RMSprop(ema_overwrite_frequency=None)
    assert given.ema_overwrite_frequency is None
    assert RMSprop.from_config(given.get_config()).ema_overwrite_frequency is None
    assert Adam().ema_overwrite_frequency is None


# Refused arguments ---------------------------------------------------------------

BELOW = "a finite number >= 0 and < 1"
UNIT = "a finite number >= 0 and <= 1"
BAD = [
    *(
        (cls, {key: 1.0}, f"{key} must be {BELOW}, got 1.0")
        for cls in (Adam, AdamW, Adamax, Nadam, LegacyAdam, LegacyNadam)
        for key in ("beta_1", "beta_2")
    ),
    *(
        (cls, {"epsilon": -1}, "epsilon must be a finite number >= 0, got -1")
        for cls in (*optimizers.PRESENT, *optimizers.LEGACY.values())
        if "epsilon" in cls.own_arguments
    ),
    *(
        (cls, {"rho": 1.5}, f"rho must be {UNIT}, got 1.5")
        for cls in (RMSprop, LegacyRMSprop, Adadelta)
    ),
    (RMSprop, {"momentum": -0.5}, f"momentum must be {UNIT}, got -0.5"),
    (
        AdamW,
        {"weight_decay": None},
        "weight_decay must be a finite number >= 0, got None",
    ),
    (
        Adagrad,
        {"initial_accumulator_value": -1},
        "initial_accumulator_value must be a finite number >= 0, got -1",
    ),
    (Adam, {"decay": np.nan}, "decay must be a finite number >= 0, got nan"),
    (
        LegacyNadam,
        {"schedule_decay": -1},
        "schedule_decay must be a finite number >= 0, got -1",
    ),
    (
        CosineDecay,
        {"initial_learning_rate": 1, "decay_steps": 0},
        "decay_steps must be a finite number > 0, got 0",
    ),
    (
        CosineDecay,
        {"initial_learning_rate": 1, "decay_steps": 1, "warmup_steps": -1},
        "warmup_steps must be a finite number >= 0, got -1",
    ),
    (
        PolynomialDecay,
        {"initial_learning_rate": 1, "decay_steps": 1, "power": -1},
        "power must be a finite number >= 0, got -1",
    ),
    (
        InverseTimeDecay,
        {"initial_learning_rate": 1, "decay_steps": 1, "decay_rate": -1},
        "decay_rate must be a finite number >= 0, got -1",
    ),
    (
        PiecewiseConstantDecay,
        {"boundaries": [1, 1], "values": [1, 2, 3]},
        "boundaries must be strictly increasing, at least one, got [1, 1]",
    ),
    (
        PiecewiseConstantDecay,
        {"boundaries": [1, 2], "values": [1, 2]},
        "values must be 3, one more than boundaries, got 2",
    ),
    (
        PiecewiseConstantDecay,
        {"boundaries": [1], "values": [1, "a"]},
        "values[1] must be a finite number, got 'a'",
    ),
    (
        PiecewiseConstantDecay,
        {"boundaries": 1, "values": [1, 2]},
        "boundaries must be a sequence of numbers, got 1",
    ),
]


@pytest.mark.parametrize(
    ("cls", "kwargs", "message"),
    [pytest.param(*row, id=f"{row[0].__name__} {row[2].split()[0]}") for row in BAD],
)
def test_bad_arguments(cls, kwargs, message):
    with refuses(message):
        cls(**kwargs)


# Schedules -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case['class_name']}-{number}")
        for number, case in enumerate(DATA["schedules"])
    ],
)
def test_schedules_have_keras_values_and_configs(case):
    schedule = schedules.deserialize(case["form"])
    assert type(schedule).__name__ == case["class_name"]
    values = [schedule(t) for t in range(len(case["values"]))]
    assert_allclose(values, case["values"], rtol=1e-14, atol=1e-16)
    assert {type(value) for value in values} == {float}
    assert schedules.serialize(schedule) == case["form"]
    keys = schedule.get_config()
    assert list(keys) == list(case["form"]["config"])


def test_inverse_time_decay_is_the_decay_of_the_legacy_optimizers():
    schedule = InverseTimeDecay(0.7, 1, 0.3)
    legacy = optimizers.LegacySGD(0.7, decay=0.3)
    for t in range(5):
        legacy.iterations = t
        assert schedule(t) == legacy.current_learning_rate()


def test_warmup_without_a_target_does_not_happen():
    plain, warm = CosineDecay(1.0, 4), CosineDecay(1.0, 4, warmup_steps=2)
    assert [warm(t) for t in range(6)] == [plain(t) for t in range(6)]


def test_a_piecewise_schedule_keeps_its_own_lists():
    boundaries, values = [1, 2], np.array([1.0, 2.0, 3.0])
    schedule = PiecewiseConstantDecay(boundaries, values)
    boundaries[0] = values[0] = 0
    assert schedule.get_config() == {
        "boundaries": [1.0, 2.0],
        "values": [1.0, 2.0, 3.0],
        "name": None,
    }
    json.dumps(schedule.get_config())


@pytest.mark.parametrize("name", optimizers.PRESENT)
def test_what_is_set_later_is_checked_as_what_is_given(name):
    optimizer = optimizers.get(name)
    common = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema")
    more = ("ema_momentum", "ema_overwrite_frequency", "iterations", "name")
    for attribute in (*common, *more, *optimizer.own_arguments):
        before = getattr(optimizer, attribute)
        with pytest.raises(ValueError, match=f"^{attribute} must be .*, got {{}}$"):
            setattr(optimizer, attribute, {})
        assert getattr(optimizer, attribute) == before
