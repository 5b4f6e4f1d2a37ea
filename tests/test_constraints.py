import json

import numpy as np
import pytest
import reference
from raising import refuses

from localnet import config, constraints
from localnet.constraints import MaxNorm, MinMaxNorm, NonNeg, RadialConstraint, UnitNorm

CASES = reference.cases("constraints.npz")
CONFIGS = {
    MaxNorm: {"max_value": 2, "axis": 0},
    MinMaxNorm: {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0},
    NonNeg: {},
    RadialConstraint: {},
    UnitNorm: {"axis": 0},
}
NAMES = {
    "MaxNorm": MaxNorm,
    "max_norm": MaxNorm,
    "maxnorm": MaxNorm,
    "MinMaxNorm": MinMaxNorm,
    "min_max_norm": MinMaxNorm,
    "NonNeg": NonNeg,
    "non_neg": NonNeg,
    "nonneg": NonNeg,
    "RadialConstraint": RadialConstraint,
    "radial_constraint": RadialConstraint,
    "UnitNorm": UnitNorm,
    "unit_norm": UnitNorm,
    "unitnorm": UnitNorm,
}


def name_of(cls):
    return cls.__name__


def norms(w, axis=0):
    return np.sqrt(np.sum(w**2, axis=axis))


@pytest.mark.parametrize(
    ("case", "data"), CASES, ids=[f"{c['key']}-{c['class_name']}" for c, _ in CASES]
)
class TestKeras:
    def test_output(self, case, data):
        config = {"class_name": case["class_name"], "config": case["kwargs"]}
        np.testing.assert_allclose(
            constraints.get(config)(data[case["input"]]),
            data[f"{case['key']}__out"],
            rtol=1e-12,
            atol=1e-12,
        )

    def test_config(self, case, data):
        c = getattr(constraints, case["class_name"])(**case["kwargs"])
        assert c.get_config() == case["get_config"]


@pytest.mark.parametrize("cls", CONFIGS, ids=name_of)
class TestEvery:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("shape", [(4, 4, 2, 3), (4, 4, 0, 3)], ids=str)
    def test_shape_and_dtype(self, cls, shape, dtype, rng):
        w = rng.standard_normal(shape).astype(dtype)
        out = cls()(w)
        assert (out.shape, out.dtype) == (w.shape, w.dtype)

    def test_inputs_are_left_alone(self, cls, rng):
        w = rng.standard_normal((4, 4, 2, 3))
        frozen = w.copy()
        frozen.flags.writeable = False
        out = cls()(frozen)
        assert np.array_equal(frozen, w)
        assert not np.shares_memory(out, frozen)
        assert out.flags.writeable

    def test_memory_layout(self, cls, rng):
        w = rng.standard_normal((3, 2, 8, 8)).T[::2, ::-2]
        np.testing.assert_allclose(cls()(w), cls()(np.ascontiguousarray(w)), rtol=1e-14)

    def test_integers_become_floatx(self, cls):
        w = np.arange(16).reshape(2, 2, 2, 2)
        assert cls()(w).dtype == np.float32
        np.testing.assert_array_equal(cls()(w), cls()(w.astype("float32")))

    def test_complex_weights_are_refused(self, cls):
        with refuses("w must hold real numbers, got dtype complex128"):
            cls()([[1j]])

    def test_config(self, cls):
        assert list(cls().get_config().items()) == list(CONFIGS[cls].items())
        assert repr(cls()).startswith(f"{cls.__name__}(")

    def test_round_trip(self, cls):
        serialized = constraints.serialize(cls())
        assert serialized == {
            "module": "keras.constraints",
            "class_name": cls.__name__,
            "config": CONFIGS[cls],
            "registered_name": None,
        }
        again = constraints.deserialize(json.loads(json.dumps(serialized)))
        assert type(again) is cls
        assert again.get_config() == CONFIGS[cls]


class TestMaxNorm:
    @pytest.mark.parametrize("bound", [0.1, 0.5, 3, 8, 1e-7])
    def test_entries_stay_below_the_bound(self, bound, rng):
        w = rng.uniform(-50, 50, (100, 100))
        w[0, 0] = 0.0
        assert np.all(MaxNorm(bound)(w) < bound)

    def test_columns_by_hand(self):
        w = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [3, 3, 3]]).T
        s = 2 / np.sqrt(3)
        expected = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [s, s, s]]).T
        np.testing.assert_allclose(MaxNorm(2)(w), expected, rtol=1e-6)

    def test_rescales_inside_the_bound(self):
        assert MaxNorm(2)(np.array([0.5]))[0] == 0.5 * (0.5 / (1e-7 + 0.5))
        config.set_epsilon(0.5)
        assert MaxNorm(2)(np.array([0.5]))[0] == 0.25

    def test_norm_on_the_bound(self):
        assert MaxNorm(2)(np.array([2.0]))[0] == 2.0 * (2.0 / (1e-7 + 2.0))

    def test_infinity_is_a_bound(self):
        np.testing.assert_allclose(MaxNorm(np.inf)(np.array([5.0])), 5.0, rtol=1e-7)

    def test_a_numpy_bound_does_not_widen(self):
        c = MaxNorm(np.float64(2))
        assert c(np.ones(3, "float32")).dtype == np.float32
        assert json.dumps(c.get_config()) == '{"max_value": 2.0, "axis": 0}'


class TestAxis:
    @pytest.mark.parametrize("axis", [0, -1, [0, 1], (0, 2), [0, 1, 2]], ids=repr)
    def test_norm_over_axis(self, axis, rng):
        w = rng.standard_normal((3, 4, 5))
        axes = tuple(axis) if isinstance(axis, list) else axis
        for c in (UnitNorm(axis), MaxNorm(1, axis), MinMaxNorm(1, 1, axis=axis)):
            np.testing.assert_allclose(norms(c(10 * w), axes), 1.0, rtol=1e-6)

    @pytest.mark.parametrize("axis", [1, [0, 1], (0, 1)], ids=repr)
    def test_config_keeps_what_was_given(self, axis):
        kept = UnitNorm(axis).get_config()["axis"]
        assert (type(kept), kept) == (type(axis), axis)

    def test_config_is_a_copy(self):
        axis = [0, 1]
        c = UnitNorm(axis)
        axis.append(2)
        assert c.axis == [0, 1]

    def test_numpy_integer(self):
        assert json.dumps(UnitNorm(np.int64(1)).get_config()) == '{"axis": 1}'

    @pytest.mark.parametrize("cls", [MaxNorm, MinMaxNorm, UnitNorm], ids=name_of)
    @pytest.mark.parametrize("axis", [1.0, "0", [0, "1"], None, {0}], ids=repr)
    def test_not_integers(self, cls, axis):
        with refuses(f"axis must be an integer or a list of integers, got {axis!r}"):
            cls(axis=axis)

    @pytest.mark.parametrize("cls", [MaxNorm, MinMaxNorm, UnitNorm], ids=name_of)
    @pytest.mark.parametrize("axis", [2, -3, [0, 2], [0, 0]], ids=repr)
    def test_not_axes_of_w(self, cls, axis):
        with refuses(f"axis must be distinct axes of w, got {axis!r} for shape (3, 4)"):
            cls(axis=axis)(np.ones((3, 4)))


class TestNonNeg:
    def test_minimum(self, rng):
        w = rng.uniform(-50, 50, (100, 100))
        w[0, 0] = 0.0
        out = NonNeg()(w)
        assert np.all(out.min(axis=0) == 0)
        assert np.array_equal(out, np.maximum(w, 0))

    def test_the_smallest_weight_is_kept(self):
        tiny = np.array([5e-324, -5e-324])
        assert np.array_equal(NonNeg()(tiny), [5e-324, 0.0])

    def test_negative_weights_become_negative_zeros(self):
        out = NonNeg()(np.array([-2.0, 0.0, -0.0]))
        assert np.array_equal(np.signbit(out), [True, False, True])


class TestUnitNorm:
    def test_columns(self, rng):
        np.testing.assert_allclose(
            norms(UnitNorm()(rng.uniform(-50, 50, (100, 100)))), 1, rtol=1e-7
        )

    def test_zeros_stay(self):
        assert np.array_equal(UnitNorm()(np.zeros((3, 2))), np.zeros((3, 2)))


class TestMinMaxNorm:
    @pytest.mark.parametrize("m", [0.1, 0.5, 3, 8])
    def test_norms_are_inside(self, m, rng):
        w = rng.uniform(-50, 50, (100, 100)) * np.geomspace(1e-4, 1, 100)
        out = norms(MinMaxNorm(m, 2 * m)(w))
        # Dividing by n + epsilon falls short of the lower bound by epsilon / n.
        np.testing.assert_array_less(m * (1 - 1e-4), out)
        np.testing.assert_array_less(out, 2 * m)

    def test_zeros_stay(self):
        assert np.array_equal(MinMaxNorm(1, 2)(np.zeros((3, 2))), np.zeros((3, 2)))

    @pytest.mark.parametrize(("rate", "norm"), [(0.0, 5.0), (0.25, 4.25), (1.0, 2.0)])
    def test_rate(self, rate, norm):
        out = MinMaxNorm(1.0, 2.0, rate)(np.array([3.0, 4.0]))
        np.testing.assert_allclose(out, np.array([0.6, 0.8]) * norm, rtol=1e-7)


class TestRadial:
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 7])
    def test_rings(self, size, rng):
        w = rng.standard_normal((size, size, 3, 2))
        out = RadialConstraint()(w)
        assert out.shape == w.shape
        for channel in range(3):
            for kernel in range(2):
                values = out[:, :, channel, kernel]
                assert len(np.unique(values)) == (size + 1) // 2
                assert np.array_equal(values, np.rot90(values))
                assert np.array_equal(values, values.T)

    @pytest.mark.parametrize("size", range(2, 8))
    def test_growth_ring_by_ring(self, size, rng):
        """Keras's own construction: a core, padded by one ring at a time."""
        w = rng.standard_normal((size, size, 1, 1))
        kernel, half = w[:, :, 0, 0], size // 2
        core = 1 if size % 2 else 2
        grown = np.full((core, core), kernel[half - 1, half - 1])
        for i in range(0 if size % 2 else 1, half):
            grown = np.pad(grown, 1, constant_values=kernel[half + i, half + i])
        assert np.array_equal(RadialConstraint()(w)[:, :, 0, 0], grown)

    @pytest.mark.parametrize("shape", [(9, 12, 2), (3, 3), (3, 4, 2, 2)], ids=str)
    def test_bad_shape(self, shape):
        with refuses(f"w must have rank 4 and two equal first axes, got shape {shape}"):
            RadialConstraint()(np.ones(shape))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: MaxNorm("2"), "max_value must be a number, got '2'"),
        (lambda: MaxNorm(None), "max_value must be a number, got None"),
        (lambda: MaxNorm(np.nan), "max_value must be a number, got nan"),
        (lambda: MaxNorm(-1), "max_value must be >= 0, got -1"),
        (lambda: MinMaxNorm(2, 1), "min_value must be <= max_value, 1, got 2"),
        (
            lambda: MinMaxNorm(min_value=1.5),
            "min_value must be <= max_value, 1.0, got 1.5",
        ),
        (lambda: MinMaxNorm(min_value=[1]), "min_value must be a number, got [1]"),
        (lambda: MinMaxNorm(max_value=1j), "max_value must be a number, got 1j"),
        (lambda: MinMaxNorm(rate=np.inf), "rate must be a finite number, got inf"),
    ],
)
def test_bad_arguments(call, sentence):
    with refuses(sentence):
        call()


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_get(self, name):
        found = constraints.get(name)
        assert type(found) is NAMES[name]
        assert found.get_config() == CONFIGS[NAMES[name]]

    def test_there_are_no_other_names(self):
        assert set(constraints._registry.factories) == set(NAMES)

    def test_unknown(self):
        with pytest.raises(
            ValueError, match=r"^constraint must be a known name, got 'minmaxnorm'"
        ) as exc:
            constraints.get("minmaxnorm")
        assert len(exc.value.args) == 1

    def test_none_class_and_callable(self):
        assert constraints.get(None) is None
        assert constraints.serialize(None) is None
        assert type(constraints.get(NonNeg)) is NonNeg
        assert constraints.get(np.abs) is np.abs

    def test_not_an_identifier(self):
        with refuses("constraint must be a name, a config or a callable, got 3"):
            constraints.get(3)

    def test_subclass_of_the_user(self):
        class Shift(constraints.Constraint):
            def __init__(self, by=1.0):
                self.by = by

            def __call__(self, w):
                return w - self.by

        serialized = constraints.serialize(Shift(0.5))
        again = constraints.deserialize(serialized, custom_objects={"Shift": Shift})
        assert np.array_equal(again(np.array([1.0])), [0.5])
