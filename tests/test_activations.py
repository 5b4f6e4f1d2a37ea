"""Activations against Keras's numbers, SciPy, the definition of a slope, and limits."""

from functools import partial

import numpy as np
import pytest
import reference
import scipy.special
import scipy.stats
from raising import refuses

from localnet import activations, config
from localnet._registry import custom_object_scope
from localnet.activations import PAIRS, ActivationPair

KERAS = reference.cases("activations.npz")
# Keras rounds a constant of these to float32.
ROUNDED_BY_KERAS = {"gelu", "leaky_relu"}
ANALYTIC = [
    "linear",
    "tanh",
    "sigmoid",
    "exponential",
    "softplus",
    "swish",
    "mish",
    "gelu",
    "approximate gelu",
    "softmax",
    "softmax over two axes",
    "log_softmax",
]
WITH_KINKS = {
    "relu": [0.0],
    "relu with slope": [0.0],
    "relu with ceiling": [0.0, 2.0],
    "relu with threshold": [1.0],
    "relu with everything": [0.5, 2.0],
    "relu with negative threshold": [-1.0],
    "relu with negative threshold and ceiling": [-1.0, 0.0, 2.0],
    "relu6": [0.0, 6.0],
    "leaky_relu": [0.0],
    "elu": [0.0],
    "elu with alpha": [0.0],
    "selu": [0.0],
    "hard_sigmoid": [-2.5, 2.5],
    "softsign": [0.0],
}
VARIANTS = {
    "approximate gelu": ("gelu", {"approximate": True}),
    "softmax over two axes": ("softmax", {"axis": (0, 1)}),
    "relu with slope": ("relu", {"alpha": 0.25}),
    "relu with ceiling": ("relu", {"max_value": 2.0}),
    "relu with threshold": ("relu", {"threshold": 1.0}),
    "relu with everything": (
        "relu",
        {"alpha": 3.0, "max_value": 2.0, "threshold": 0.5},
    ),
    "relu with negative threshold": ("relu", {"alpha": 0.25, "threshold": -1.0}),
    "relu with negative threshold and ceiling": (
        "relu",
        {"alpha": 0.25, "max_value": 2.0, "threshold": -1.0},
    ),
    "elu with alpha": ("elu", {"alpha": 0.5}),
}
EVERY = [*ANALYTIC, *WITH_KINKS]
# Keras has no numbers for these.
NOT_IN_KERAS: set[str] = set()


def test_every_pair_is_checked():
    assert {VARIANTS.get(title, (title,))[0] for title in EVERY} == set(PAIRS)


def case(title):
    """Return the plain function, the forward with its arguments, and the backward."""
    name, kwargs = VARIANTS.get(title, (title, {}))
    forward, backward = PAIRS[name]
    function = getattr(activations, name)
    return partial(function, **kwargs), partial(forward, **kwargs), backward


def value_and_slope(name, x, **kwargs):
    """Return y and dy/dx of an elementwise activation at one point."""
    forward, backward = PAIRS[name]
    y, cache = forward(np.array([x]), **kwargs)
    return y.item(), backward(np.array([1.0]), cache).item()


class TestKeras:
    @pytest.mark.parametrize(
        ("entry", "data"), KERAS, ids=[entry["key"] for entry, _ in KERAS]
    )
    def test_forward_and_backward_give_the_numbers_of_keras(self, entry, data):
        forward, backward = PAIRS[entry["name"]]
        y, cache = forward(data["x"], **entry["kwargs"])
        dx = backward(data["dy"], cache)
        rounded = entry["name"] in ROUNDED_BY_KERAS
        tolerance = {
            "rtol": 1e-7 if rounded else 1e-12,
            "atol": 1e-8 if rounded else 1e-15,
        }
        np.testing.assert_allclose(y, data[f"{entry['key']}__y"], **tolerance)
        np.testing.assert_allclose(dx, data[f"{entry['key']}__dx"], **tolerance)

    @pytest.mark.parametrize("name", ["softmax", "log_softmax"])
    def test_four_axes_are_normalised_over_the_last(self, name):
        data = reference.load("activations.npz")
        forward, backward = PAIRS[name]
        y, cache = forward(data["x4"])
        np.testing.assert_allclose(y, data[f"{name}4__y"], rtol=1e-12)
        np.testing.assert_allclose(
            backward(data["dy4"], cache), data[f"{name}4__dx"], rtol=1e-12, atol=1e-15
        )

    def test_every_pair_has_a_case(self):
        assert {entry["name"] for entry, _ in KERAS} == set(PAIRS) - NOT_IN_KERAS


class TestScipy:
    """Keras's own tests of these functions use the same oracles."""

    x = np.linspace(-30.0, 30.0, 243).reshape(3, -1)

    def test_sigmoid_is_expit(self):
        np.testing.assert_allclose(
            activations.sigmoid(self.x * 20),
            scipy.special.expit(self.x * 20),
            rtol=1e-14,
        )

    def test_softplus_is_logaddexp(self):
        np.testing.assert_allclose(
            activations.softplus(self.x * 20),
            np.logaddexp(0.0, self.x * 20),
            rtol=1e-14,
        )

    def test_gelu_gates_with_the_normal_distribution_even_in_the_tail(self):
        np.testing.assert_allclose(
            activations.gelu(self.x), self.x * scipy.stats.norm.cdf(self.x), rtol=1e-13
        )

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("name", ["mish", "gelu"])
    def test_slopes_of_gates_by_tanh_keep_their_digits(self, name, dtype):
        """Within 16 roundoffs of 1, or of the slope: the rule of the golden suite."""
        mp = pytest.importorskip("mpmath")
        x = np.linspace(-24, 24, 961).astype(dtype)
        options = {"approximate": True} if name == "gelu" else {}
        forward, backward = PAIRS[name]
        found = backward(np.ones_like(x), forward(x, **options)[1])

        def slope(z):
            if name == "mish":
                t, s = mp.tanh(mp.log1p(mp.exp(z))), 1 / (1 + mp.exp(-z))
                return t + z * (1 - t**2) * s
            root, cubic = mp.sqrt(2 / mp.pi), mp.mpf("0.044715")
            u, du = root * (z + cubic * z**3), root * (1 + 3 * cubic * z**2)
            return (1 + mp.tanh(u)) / 2 + z * mp.sech(u) ** 2 * du / 2

        with mp.workdps(60):
            wanted = [slope(mp.mpf(float(z))) for z in x]
            errors = [
                abs(float(got) - want) / max(1, abs(want))
                for got, want in zip(found, wanted, strict=True)
            ]
        assert max(errors) < 16 * np.finfo(dtype).eps / 2

    def test_approximate_gelu_is_the_tanh_formula(self):
        x = self.x
        u = np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))
        np.testing.assert_allclose(
            activations.gelu(x, approximate=True),
            0.5 * x * (1 + np.tanh(u)),
            rtol=1e-12,
            atol=1e-14,
        )

    @pytest.mark.parametrize("axis", [-1, 0, 1, (1, 2), (0, 2), (0, 1, 2)], ids=str)
    @pytest.mark.parametrize("name", ["softmax", "log_softmax"])
    def test_softmax_over_any_axes(self, name, axis, rng):
        x = rng.normal(size=(2, 3, 4), scale=100.0)
        np.testing.assert_allclose(
            getattr(activations, name)(x, axis=axis),
            getattr(scipy.special, name)(x, axis=axis),
            rtol=1e-12,
        )

    def test_selu_has_the_constants_of_its_paper(self):
        scale, alpha = 1.0507009873554805, 1.6732632423543772
        expected = scale * np.where(self.x > 0, self.x, alpha * np.expm1(self.x))
        np.testing.assert_allclose(activations.selu(self.x), expected, rtol=1e-14)

    def test_elu_with_alpha_one_half(self):
        expected = np.where(self.x > 0, self.x, 0.5 * np.expm1(self.x))
        np.testing.assert_allclose(activations.elu(self.x, 0.5), expected, rtol=1e-14)


def numeric_gradient(slope_along, x):
    """Return the slope of a scalar function along every entry of `x`."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1.0
        gradient[index] = slope_along(direction)
    return gradient


class TestGradients:
    @pytest.mark.parametrize("title", ANALYTIC)
    def test_complex_step(self, title, rng):
        function, forward, backward = case(title)
        x, dy = rng.normal(size=(2, 3, 4), scale=2.0), rng.normal(size=(2, 3, 4))
        dx = backward(dy, forward(x)[1])
        h = 1e-200
        measured = numeric_gradient(
            lambda d: np.vdot(dy, function(x + 1j * h * d).imag) / h, x
        )
        np.testing.assert_allclose(dx, measured, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("title", WITH_KINKS)
    def test_central_differences_away_from_the_kinks(self, title, rng):
        function, forward, backward = case(title)
        kinks = np.array(WITH_KINKS[title])
        x = rng.uniform(-8.0, 8.0, size=200)
        x = x[np.abs(x[:, None] - kinks).min(axis=1) > 1e-3][:100].reshape(4, 25)
        dy = rng.normal(size=x.shape)
        h = 6e-6
        measured = dy * (function(x + h) - function(x - h)) / (2 * h)
        dx = backward(dy, forward(x)[1])
        np.testing.assert_allclose(dx, measured, rtol=1e-8, atol=1e-9)


KINKS = {
    "relu at 0": ("relu", 0.0, {}, 0.0, 0.0),
    "relu with slope at 0": ("relu", 0.0, {"alpha": 0.25}, 0.0, 0.25),
    "relu with slope and ceiling at 0": (
        "relu",
        0.0,
        {"alpha": 0.25, "max_value": 2.0},
        0.0,
        0.0,
    ),
    "relu with ceiling at 0": ("relu", 0.0, {"max_value": 2.0}, 0.0, 0.0),
    "relu at its ceiling": ("relu", 2.0, {"max_value": 2.0}, 2.0, 1.0),
    "relu at a ceiling of 6": ("relu", 6.0, {"max_value": 6}, 6.0, 0.0),
    "relu with slope at a ceiling of 6": (
        "relu",
        6.0,
        {"alpha": 0.25, "max_value": 6},
        6.0,
        0.0,
    ),
    "relu with threshold at a ceiling of 6": (
        "relu",
        6.0,
        {"max_value": 6, "threshold": 1.0},
        6.0,
        1.0,
    ),
    "relu at its threshold": ("relu", 1.0, {"threshold": 1.0}, 0.0, 0.0),
    "relu with slope at its threshold": (
        "relu",
        1.0,
        {"alpha": 0.25, "threshold": 1.0},
        0.0,
        0.0,
    ),
    "relu between a negative threshold and 0": (
        "relu",
        -0.5,
        {"threshold": -1.0},
        -0.5,
        1.0,
    ),
    "relu between a negative threshold and 0 with ceiling": (
        "relu",
        -0.5,
        {"threshold": -1.0, "max_value": 2.0},
        0.0,
        0.0,
    ),
    "relu with negative threshold and ceiling at 0": (
        "relu",
        0.0,
        {"threshold": -1.0, "max_value": 2.0},
        0.0,
        1.0,
    ),
    "relu with threshold above its ceiling between them": (
        "relu",
        2.5,
        {"alpha": 0.5, "threshold": 3.0, "max_value": 2.0},
        -0.25,
        0.5,
    ),
    "relu6 at 0": ("relu6", 0.0, {}, 0.0, 0.0),
    "relu6 at 6": ("relu6", 6.0, {}, 6.0, 0.0),
    "leaky_relu at 0": ("leaky_relu", 0.0, {}, 0.0, 0.2),
    "elu at 0": ("elu", 0.0, {"alpha": 0.5}, 0.0, 0.5),
    "selu at 0": ("selu", 0.0, {}, 0.0, 1.0507009873554805),
    "hard_sigmoid at -2.5": ("hard_sigmoid", -2.5, {}, 0.0, 0.2),
    "hard_sigmoid at 2.5": ("hard_sigmoid", 2.5, {}, 1.0, 0.2),
    "softsign at 0": ("softsign", 0.0, {}, 0.0, 1.0),
}


@pytest.mark.parametrize(
    ("name", "x", "kwargs", "y", "slope"), KINKS.values(), ids=list(KINKS)
)
def test_value_and_slope_at_a_kink(name, x, kwargs, y, slope):
    assert value_and_slope(name, x, **kwargs) == (y, slope)


# (y, dy/dx) at -1e4 and at 1e4.
LIMITS = {
    "linear": ((-1e4, 1), (1e4, 1)),
    "relu": ((0, 0), (1e4, 1)),
    "elu": ((-1, 0), (1e4, 1)),
    "softplus": ((0, 0), (1e4, 1)),
    "tanh": ((-1, 0), (1, 0)),
    "sigmoid": ((0, 0), (1, 0)),
    "hard_sigmoid": ((0, 0), (1, 0)),
    "swish": ((0, 0), (1e4, 1)),
    "gelu": ((0, 0), (1e4, 1)),
    "approximate gelu": ((0, 0), (1e4, 1)),
    "mish": ((0, 0), (1e4, 1)),
    "relu6": ((0, 0), (6, 0)),
}


class TestExtremes:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("title", LIMITS)
    def test_saturates_without_a_warning(self, title, dtype):
        _, forward, backward = case(title)
        y, cache = forward(np.array([-1e4, 1e4], dtype))
        dx = backward(np.ones(2, dtype), cache)
        np.testing.assert_array_equal(np.stack([y, dx], axis=1), LIMITS[title])

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_the_other_functions_stay_finite(self, dtype):
        x = np.array([[-1e4, 1e4, 0.0]], dtype)
        for title in sorted(set(EVERY) - set(LIMITS) - {"exponential"}):
            _, forward, backward = case(title)
            y, cache = forward(x)
            assert np.isfinite(y).all(), title
            assert np.isfinite(backward(np.ones_like(y), cache)).all(), title

    def test_exponential_overflows_to_infinity_and_says_so(self):
        with pytest.warns(RuntimeWarning, match="overflow encountered in exp"):
            y = activations.exponential(np.array([-1e4, 1e4], "float32"))
        np.testing.assert_array_equal(y, [0.0, np.inf])

    @pytest.mark.parametrize(
        ("name", "low", "high"),
        [
            ("relu", 0.0, np.inf),
            ("leaky_relu", -np.inf, np.inf),
            ("elu", -1.0, np.inf),
            ("softplus", 0.0, np.inf),
            ("tanh", -1.0, 1.0),
            ("sigmoid", 0.0, 1.0),
            ("hard_sigmoid", 0.0, 1.0),
            ("exponential", 0.0, np.inf),
        ],
    )
    def test_infinite_input_gives_the_limit(self, name, low, high):
        y = getattr(activations, name)([-np.inf, np.inf])
        np.testing.assert_array_equal(y, [low, high])

    @pytest.mark.parametrize("title", EVERY)
    def test_nan_stays_nan(self, title):
        function, _, _ = case(title)
        assert np.isnan(function([[np.nan]])).all()

    def test_a_logit_of_minus_infinity_is_a_class_that_cannot_be(self):
        x = [[0.0, -np.inf, 0.0]]
        np.testing.assert_array_equal(activations.softmax(x), [[0.5, 0.0, 0.5]])
        assert activations.log_softmax(x)[0, 1] == -np.inf


class TestArrays:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("title", EVERY)
    def test_dtype_is_kept(self, title, dtype):
        function, forward, backward = case(title)
        x = np.array([[-1.0, 0.5], [2.0, 3.0]], dtype)
        y, cache = forward(x)
        assert (function(x).dtype, y.dtype) == (dtype, dtype)
        assert backward(np.ones(x.shape, dtype), cache).dtype == dtype

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("given", ["int64", "float16", "float32", "float64"])
    @pytest.mark.parametrize("name", PAIRS)
    def test_gradient_has_the_dtype_of_y(self, name, given, dtype):
        forward, backward = PAIRS[name]
        y, cache = forward(np.array([[-1.0, 0.5], [2.0, 3.0]], dtype))
        dy = np.array([[1, -2], [3, 1]])
        dx = backward(dy.astype(given), cache)
        assert (y.dtype, dx.dtype) == (dtype, dtype)
        np.testing.assert_array_equal(dx, backward(dy.astype(dtype), cache))

    @pytest.mark.parametrize("name", PAIRS)
    def test_complex_upstream_gradient_of_a_real_y_is_refused(self, name):
        forward, backward = PAIRS[name]
        _, cache = forward([[1.0, 2.0]])
        with refuses("dy must hold real numbers, got dtype complex128"):
            backward([[1j, 2.0]], cache)

    @pytest.mark.parametrize("title", EVERY)
    def test_integers_become_floatx(self, title):
        function, _, _ = case(title)
        x = [[-2, 0], [1, 3]]
        assert function(x).dtype == "float32"
        config.set_floatx("float64")
        y = function(x)
        assert y.dtype == "float64"
        np.testing.assert_array_equal(y, function(np.array(x, "float64")))

    def test_parameters_do_not_promote(self):
        x = np.ones((1, 2), "float32")
        half = np.float64(0.5)
        assert activations.relu(x, half, half, half).dtype == "float32"
        assert activations.elu(x, half).dtype == "float32"
        assert activations.leaky_relu(x, half).dtype == "float32"

    @pytest.mark.parametrize("title", EVERY)
    def test_inputs_are_neither_changed_nor_shared(self, title, rng):
        function, forward, backward = case(title)
        x = rng.normal(size=(4, 6)).T[::-2, 1:]
        dy = rng.normal(size=(4, 6)).T[::-2, 1:]
        before, dy_before = x.copy(), dy.copy()
        x.flags.writeable = dy.flags.writeable = False
        y, cache = forward(x)
        dx = backward(dy, cache)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(dy, dy_before)
        # Sums over another memory layout may round differently.
        np.testing.assert_allclose(y, function(before), rtol=1e-14)
        np.testing.assert_allclose(
            dx, backward(dy_before, forward(before)[1]), rtol=1e-12, atol=1e-16
        )
        assert not np.shares_memory(x, y)
        assert not np.shares_memory(dy, dx)
        assert not np.shares_memory(y, dx)

    @pytest.mark.parametrize("title", EVERY)
    def test_batch_of_no_samples(self, title):
        _, forward, backward = case(title)
        x = np.zeros((0, 3, 2), "float32")
        y, cache = forward(x)
        dx = backward(x, cache)
        assert (y.shape, dx.shape) == (x.shape, x.shape)
        assert (y.dtype, dx.dtype) == (x.dtype, x.dtype)

    @pytest.mark.parametrize("title", sorted(set(EVERY) - {"softmax over two axes"}))
    def test_upstream_gradient_of_another_shape_is_refused(self, title):
        _, forward, backward = case(title)
        _, cache = forward([[1.0, 2.0]])
        message = "dy must have the shape of y, (1, 2), got (2,)"
        with refuses(message):
            backward([1.0, 2.0], cache)

    def test_log_softmax_takes_one_axis(self):
        np.testing.assert_allclose(
            np.exp(activations.log_softmax([0.0, np.log(3.0)])),
            [0.25, 0.75],
            rtol=1e-14,
        )


ARGUMENT_ERRORS = {
    "softmax of rank 1": (
        lambda: activations.softmax([1.0, 2.0]),
        "x must have at least two axes, got shape (2,)",
    ),
    "softmax axis out of range": (
        lambda: activations.softmax([[1.0, 2.0]], axis=2),
        "axis must name distinct axes of x, (1, 2), got 2",
    ),
    "softmax axis twice": (
        lambda: activations.softmax([[1.0, 2.0]], axis=(1, -1)),
        "axis must name distinct axes of x, (1, 2), got (1, -1)",
    ),
    "softmax without axis": (
        lambda: activations.softmax([[1.0, 2.0]], axis=()),
        "axis must name distinct axes of x, (1, 2), got ()",
    ),
    "log_softmax axis of another type": (
        lambda: activations.log_softmax([1.0, 2.0], axis=None),
        "axis must name distinct axes of x, (2,), got None",
    ),
    "log_softmax of a number": (
        lambda: activations.log_softmax(1.0),
        "axis must name distinct axes of x, (), got -1",
    ),
    "relu alpha": (
        lambda: activations.relu([1.0], alpha=np.inf),
        "alpha must be a finite number, got inf",
    ),
    "relu threshold": (
        lambda: activations.relu([1.0], threshold="low"),
        "threshold must be a finite number, got 'low'",
    ),
    "relu max_value": (
        lambda: activations.relu([1.0], max_value=-1),
        "max_value must be a finite number >= 0, got -1",
    ),
    "leaky_relu alpha": (
        lambda: activations.leaky_relu([1.0], alpha=None),
        "alpha must be a finite number, got None",
    ),
    "elu alpha": (
        lambda: activations.elu([1.0], alpha=np.nan),
        "alpha must be a finite number, got nan",
    ),
    "text as x": (
        lambda: activations.tanh("x"),
        "x must hold numbers, got dtype <U1",
    ),
}


@pytest.mark.parametrize(
    ("call", "message"), ARGUMENT_ERRORS.values(), ids=list(ARGUMENT_ERRORS)
)
def test_bad_argument(call, message):
    with refuses(message):
        call()


def cube_forward(x):
    x = np.asarray(x)
    return x**3, x


def cube_backward(dy, x):
    return 3 * x**2 * dy


class TestNames:
    @pytest.mark.parametrize("name", PAIRS)
    def test_name_round_trip(self, name):
        function = getattr(activations, name)
        assert activations.get(name) is function
        assert activations.get(function) is function
        assert activations.serialize(function) == name
        assert activations.deserialize(name) is function
        assert activations.pair(function) == PAIRS[name]

    def test_pairs_hold_every_forward(self):
        forwards = {n for n in activations.__all__ if n.endswith("_forward")}
        assert forwards == {f"{name}_forward" for name in (*PAIRS, "silu")}
        for name, (forward, backward) in PAIRS.items():
            assert forward is getattr(activations, f"{name}_forward")
            assert backward is getattr(activations, f"{name}_backward")

    def test_silu_is_swish(self):
        assert activations.get("silu") is activations.silu is activations.swish
        assert activations.serialize(activations.silu) == "swish"
        assert activations.silu_forward is activations.swish_forward
        assert activations.silu_backward is activations.swish_backward

    def test_none_is_linear(self):
        assert activations.get(None) is activations.linear
        assert activations.serialize(activations.get(None)) == "linear"

    @pytest.mark.parametrize(
        "identifier",
        [
            {"class_name": "tanh"},
            {"class_name": "tanh", "config": {}},
            {"class_name": "function", "config": "tanh"},
            {
                "module": "builtins",
                "class_name": "function",
                "config": "tanh",
                "registered_name": "tanh",
            },
        ],
        ids=["class_name", "empty config", "function", "newer Keras"],
    )
    def test_config(self, identifier):
        assert activations.deserialize(identifier) is activations.tanh
        assert activations.get(identifier) is activations.tanh

    @pytest.mark.parametrize(
        ("identifier", "message"),
        [
            ("nope", "activation must be a known name, got 'nope'"),
            (
                "TANH",
                "activation must be a known name, got 'TANH'; did you mean 'tanh'?",
            ),
            (
                "LeakyReLU",
                "activation must be a known name, got 'LeakyReLU'; "
                "did you mean 'leaky_relu'?",
            ),
            (
                {"class_name": "relu", "config": {"alpha": 0.1}},
                "activation config must hold no arguments, "
                "got {'class_name': 'relu', 'config': {'alpha': 0.1}}",
            ),
            ({"config": {}}, "activation config must hold a name, got {'config': {}}"),
            (
                (1, 2, 3),
                "activation must be a (forward, backward) pair of functions, "
                "got (1, 2, 3)",
            ),
            (
                ActivationPair("f", "b"),
                "activation must be a (forward, backward) pair of functions, "
                "got ActivationPair(forward='f', backward='b')",
            ),
            (
                np.sin,
                "activation must be a pair forward(x) -> (y, cache) and "
                "backward(dy, cache) -> dx if it is your own, "
                "got <ufunc 'sin'> without a gradient; a layer "
                "Lambda(function, backward='differences') that stands behind this one "
                "needs none",
            ),
        ],
        ids=[
            "unknown name",
            "name in capitals",
            "name of a layer",
            "config with arguments",
            "config without a name",
            "tuple of three",
            "pair of other things",
            "function without gradient",
        ],
    )
    def test_unknown_activation(self, identifier, message):
        with refuses(message):
            activations.get(identifier)

    @pytest.mark.parametrize("identifier", [3, 0.5, ["relu"]], ids=repr)
    def test_another_type_is_a_type_error_as_in_keras(self, identifier):
        message = (
            "activation must be a name, a config, a function of localnet.activations "
            f"or a (forward, backward) pair, got {identifier!r}"
        )
        with refuses(message, TypeError):
            activations.get(identifier)


class TestOwnPairs:
    def test_pair_is_a_callable_that_unpacks(self):
        cube = activations.get((cube_forward, cube_backward))
        assert isinstance(cube, ActivationPair)
        assert activations.get(cube) == cube
        assert cube([2.0]) == [8.0]
        forward, backward = activations.pair(cube)
        y, cache = forward([2.0])
        assert (y, backward(np.array([0.5]), cache)) == ([8.0], [6.0])

    def test_round_trip_by_name(self):
        cube = activations.get((cube_forward, cube_backward))
        name = activations.serialize(cube)
        assert name == "cube"
        with custom_object_scope({"cube": (cube_forward, cube_backward)}):
            assert activations.get(name) == cube
        assert activations.deserialize(name, {"cube": cube}) == cube
        message = "activation must be a known name, got 'cube'"
        with refuses(message):
            activations.deserialize(name)

    def test_custom_name_hides_ours(self):
        with custom_object_scope({"relu": (cube_forward, cube_backward)}):
            assert activations.get("relu").forward is cube_forward
        assert activations.get("relu") is activations.relu

    def test_custom_function_without_gradient_is_refused(self):
        message = (
            "activation must be a pair forward(x) -> (y, cache) and "
            "backward(dy, cache) -> dx if it is your own, "
            "got <ufunc 'sin'> without a gradient; a layer "
            "Lambda(function, backward='differences') that stands behind this one "
            "needs none"
        )
        with refuses(message):
            activations.deserialize("sine", {"sine": np.sin})

    def test_parameters_are_set_with_partial(self):
        forward = partial(activations.relu_forward, alpha=0.5)
        steep = activations.get((forward, activations.relu_backward))
        np.testing.assert_array_equal(steep([-2.0, 2.0]), [-1.0, 2.0])

    @pytest.mark.parametrize(
        "forward", [lambda x: (x, x), partial(cube_forward)], ids=["lambda", "partial"]
    )
    def test_nameless_pair_cannot_be_serialized(self, forward):
        message = (
            "activation must have a named forward function to be serialized, "
            f"got {forward!r}"
        )
        with refuses(message):
            activations.serialize((forward, cube_backward))
