import json

import numpy as np
import pytest
import reference
from raising import refuses

from localnet import regularizers
from localnet.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

CASES = reference.cases("regularizers.npz")
NAMES = {
    "L1": (L1, {"l1": 0.01}),
    "l1": (L1, {"l1": 0.01}),
    "L2": (L2, {"l2": 0.01}),
    "l2": (L2, {"l2": 0.01}),
    "L1L2": (L1L2, {"l1": 0.0, "l2": 0.0}),
    "l1_l2": (L1L2, {"l1": 0.01, "l2": 0.01}),
    "OrthogonalRegularizer": (OrthogonalRegularizer, {"factor": 0.01, "mode": "rows"}),
    "orthogonal_regularizer": (OrthogonalRegularizer, {"factor": 0.01, "mode": "rows"}),
}
REGULARIZERS = [
    L1(0.03),
    L2(0.2),
    L1L2(0.01, 0.02),
    OrthogonalRegularizer(0.1),
    OrthogonalRegularizer(0.3, "columns"),
]


def make(case):
    return regularizers.get(
        {"class_name": case["class_name"], "config": case["kwargs"]}
    )


def directional_derivative(r, w, direction, step=1e-6):
    return (r(w + step * direction) - r(w - step * direction)) / (2 * step)


@pytest.mark.parametrize(
    ("case", "data"), CASES, ids=[f"{c['key']}-{c['class_name']}" for c, _ in CASES]
)
class TestKeras:
    def test_value(self, case, data):
        value = make(case)(data[case["input"]])
        assert type(value) is float
        np.testing.assert_allclose(value, data[f"{case['key']}__value"], rtol=1e-12)

    def test_gradient(self, case, data):
        np.testing.assert_allclose(
            make(case).gradient(data[case["input"]]),
            data[f"{case['key']}__grad"],
            rtol=1e-12,
            atol=1e-12,
        )

    def test_config(self, case, data):
        assert make(case).get_config() == case["get_config"]


@pytest.mark.parametrize("r", REGULARIZERS, ids=repr)
class TestGradient:
    def test_central_differences(self, r, rng):
        w = rng.uniform(0.2, 1.0, (4, 5)) * rng.choice([-1.0, 1.0], (4, 5))
        for _ in range(5):
            direction = rng.standard_normal(w.shape)
            np.testing.assert_allclose(
                np.sum(r.gradient(w) * direction),
                directional_derivative(r, w, direction),
                rtol=1e-7,
            )

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0), (0, 0)], ids=str)
    def test_shape_and_dtype(self, r, shape, dtype, rng):
        w = rng.standard_normal(shape).astype(dtype)
        gradient = r.gradient(w)
        assert (gradient.shape, gradient.dtype) == (w.shape, w.dtype)
        assert type(r(w)) is float

    def test_inputs_are_left_alone(self, r, rng):
        w = rng.standard_normal((8, 5))
        frozen = w.copy()
        frozen.flags.writeable = False
        gradient = r.gradient(frozen)
        assert r(frozen) == r(w)
        assert np.array_equal(frozen, w)
        assert not np.shares_memory(gradient, frozen)

    def test_memory_layout(self, r, rng):
        w = rng.standard_normal((8, 10))[::-2, ::2]
        packed = np.ascontiguousarray(w)
        np.testing.assert_allclose(r(w), r(packed), rtol=1e-14)
        np.testing.assert_allclose(r.gradient(w), r.gradient(packed), rtol=1e-14)

    def test_integers_become_floatx(self, r):
        w = [[1, -2], [3, 0]]
        assert r.gradient(w).dtype == np.float32
        np.testing.assert_allclose(r(w), r(np.array(w, "float32")), rtol=1e-14)

    def test_complex_weights_are_refused(self, r):
        sentence = "w must hold real numbers, got dtype complex128"
        with refuses(sentence):
            r([[1j]])
        with refuses(sentence):
            r.gradient([[1j]])

    def test_round_trip(self, r, rng):
        w = rng.standard_normal((3, 4))
        config = json.loads(json.dumps(regularizers.serialize(r)))
        again = regularizers.deserialize(config)
        assert type(again) is type(r)
        assert again(w) == r(w)

    def test_serialized_form(self, r):
        assert regularizers.serialize(r) == {
            "module": "keras.regularizers",
            "class_name": type(r).__name__,
            "config": r.get_config(),
            "registered_name": None,
        }


class TestL1L2:
    def test_gradient_at_zero(self):
        w = np.array([0.0, -0.0, 3.0])
        assert np.array_equal(L1(2.0).gradient(w), [0, 0, 2])
        assert np.array_equal(L2(2.0).gradient(w), [0, 0, 12])
        assert np.array_equal(L1L2(2.0, 2.0).gradient(w), [0, 0, 14])

    def test_factors_are_exact_and_may_be_negative(self):
        assert L2(0.1)(np.array([1.0], "float32")) == 0.1
        assert L1(-0.5)(np.array([1.0, -2.0])) == -1.5

    def test_none_means_the_default(self):
        assert L1(None).get_config() == {"l1": 0.01}
        assert L2(None).get_config() == {"l2": 0.01}
        assert L1L2(None, None).get_config() == {"l1": 0.0, "l2": 0.0}
        assert regularizers.l1_l2(None, None).get_config() == {"l1": 0.0, "l2": 0.0}

    def test_older_keyword(self):
        assert L1(l=0.3).get_config() == {"l1": 0.3}
        assert L2(l=0.3).get_config() == {"l2": 0.3}

    def test_factory_functions(self):
        assert repr(regularizers.l1(0.3)) == "L1(l1=0.3)"
        assert repr(regularizers.l2(0.3)) == "L2(l2=0.3)"
        assert repr(regularizers.l1_l2()) == "L1L2(l1=0.01, l2=0.01)"
        assert repr(regularizers.l1_l2(l1=0.3)) == "L1L2(l1=0.3, l2=0.01)"

    def test_any_rank(self):
        assert L2(1.0)(np.full((2, 1, 3, 2), 2.0)) == 48.0
        assert L1(1.0)(np.full((), -2.0)) == 2.0

    def test_float32_sums_are_pairwise(self, rng):
        w = rng.uniform(0.5, 1.0, (64, 256, 256)).astype("float32")
        wide = w.astype("float64")
        # A running float32 sum of these 4 million numbers is wrong by about 2e-5.
        np.testing.assert_allclose(L1(1.0)(w), np.sum(wide), rtol=1e-6)
        np.testing.assert_allclose(L2(1.0)(w), np.sum(wide**2), rtol=1e-6)
        np.testing.assert_allclose(L2(1.0)(w.T), np.sum(wide**2), rtol=1e-6)

    def test_float16_sums_do_not_overflow(self):
        w = np.full((300, 300), 300.0, "float16")
        assert L1(1.0)(w) == 300.0**3
        np.testing.assert_allclose(L2(1.0)(w), 300.0**4, rtol=1e-6)


class TestOrthogonal:
    @pytest.mark.parametrize("mode", ["rows", "columns"])
    def test_mean_of_the_pairs(self, mode, rng):
        w = rng.standard_normal((4, 3))
        vectors = w if mode == "rows" else w.T
        cosines = [
            abs(a @ b) / np.sqrt((a @ a) * (b @ b))
            for i, a in enumerate(vectors)
            for b in vectors[:i]
        ]
        value = OrthogonalRegularizer(0.7, mode)(w)
        np.testing.assert_allclose(value, 0.7 * np.mean(cosines), rtol=1e-12)

    def test_gradient_is_zero_between_orthogonal_rows(self):
        r = OrthogonalRegularizer(1.0)
        assert np.array_equal(r.gradient(np.eye(3)), np.zeros((3, 3)))

    def test_row_on_the_floor(self, rng):
        w = np.array([[1e-7, -2e-7, 1e-7], [1.0, 2.0, -0.5], [0.3, -0.4, 0.2]])
        r = OrthogonalRegularizer(1.0)
        direction = rng.standard_normal(w.shape)
        np.testing.assert_allclose(
            np.sum(r.gradient(w) * direction),
            directional_derivative(r, w, direction, step=1e-9),
            rtol=1e-6,
        )

    def test_row_of_zeros(self):
        r = OrthogonalRegularizer(1.0)
        w = np.array([[0.0, 0.0], [3.0, 4.0]])
        assert r(w) == 0.0
        assert np.array_equal(r.gradient(w), np.zeros((2, 2)))

    def test_one_row_has_no_pair(self):
        r = OrthogonalRegularizer(1.0)
        assert r(np.array([[3.0, 4.0]])) == 0.0
        assert np.array_equal(r.gradient(np.array([[3.0, 4.0]])), [[0.0, 0.0]])

    @pytest.mark.parametrize("shape", [(3,), (2, 3, 4)], ids=str)
    @pytest.mark.parametrize("method", ["__call__", "gradient"])
    def test_rank(self, shape, method):
        call = getattr(OrthogonalRegularizer(), method)
        with refuses(f"w must have rank 2, got shape {shape}"):
            call(np.ones(shape))

    def test_mode(self):
        with refuses(
            "mode must be one of 'rows', 'columns', got 'row'; did you mean 'rows'?"
        ):
            OrthogonalRegularizer(mode="row")


@pytest.mark.parametrize(
    "value", ["0.1", [0.1], np.float32(0.1), np.inf, -np.inf, np.nan], ids=repr
)
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (L1, "l1"),
        (L2, "l2"),
        (lambda value: L1L2(l1=value), "l1"),
        (lambda value: L1L2(l2=value), "l2"),
        (OrthogonalRegularizer, "factor"),
    ],
    ids=["L1", "L2", "L1L2-l1", "L1L2-l2", "Orthogonal"],
)
def test_bad_factor(make, name, value):
    with refuses(f"{name} must be a finite int or float, got {value!r}"):
        make(value)


def test_unknown_keyword():
    with pytest.raises(TypeError, match="unexpected keyword argument 'l3'"):
        L1(l3=0.1)


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_get(self, name):
        cls, config = NAMES[name]
        found = regularizers.get(name)
        assert type(found) is cls
        assert found.get_config() == config

    def test_there_are_no_other_names(self):
        assert set(regularizers._registry.factories) == set(NAMES)

    def test_unknown(self):
        with refuses(
            "regularizer must be a known name, got 'L1_L2'; did you mean 'l1_l2'?"
        ):
            regularizers.get("L1_L2")

    def test_none_and_class(self):
        assert regularizers.get(None) is None
        assert regularizers.serialize(None) is None
        assert type(regularizers.get(L2)) is L2

    def test_zero(self):
        with refuses("regularizer must be a name, a config or a callable, got 0"):
            regularizers.get(0)

    def test_function_without_gradient(self):
        def nothing(w):
            return 0.0

        sentence = f"regularizer must have a method 'gradient', got {nothing!r}"
        with refuses(sentence):
            regularizers.get(nothing)
        with refuses(sentence):
            regularizers.deserialize("nothing", {"nothing": nothing})

    def test_function_with_gradient(self):
        def nothing(w):
            return 0.0

        nothing.gradient = np.zeros_like
        assert regularizers.get(nothing) is nothing
        assert regularizers.deserialize("nothing", {"nothing": nothing}) is nothing

    def test_subclass_of_the_user(self):
        class Quartic(Regularizer):
            def __init__(self, factor=1.0):
                self.factor = factor

            def __call__(self, w):
                return self.factor * float(np.sum(w**4))

            def gradient(self, w):
                return 4 * self.factor * w**3

        config = regularizers.serialize(Quartic(0.5))
        again = regularizers.deserialize(config, custom_objects={"Quartic": Quartic})
        assert again(np.array([2.0])) == 8.0
        assert repr(again) == "Quartic(factor=0.5)"

    def test_subclass_without_gradient(self):
        with pytest.raises(
            TypeError,
            match=r"^Half must be written with __call__\(self, w\) and gradient\(self, "
            r"w\), got Keras's __call__$",
        ):

            class Half(Regularizer):
                def __call__(self, w):
                    return 0.0
