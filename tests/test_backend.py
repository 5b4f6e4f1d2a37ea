"""The functions of a backend: NumPy's, with Keras's arguments."""

import numpy as np
import pytest
from raising import refuses
from reference import load_json

from localnet import Input, Model, config, layers
from localnet import backend as K

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], np.float32)
RECORDED = load_json("backend.json")


@pytest.mark.parametrize("call", RECORDED["calls"])
def test_numbers_and_types_are_those_of_keras(call):
    scope = {
        name: values if dtype is None else np.array(values, dtype)
        for name, (dtype, values) in RECORDED["arguments"].items()
    }
    dtype, values = RECORDED["calls"][call]
    found = np.asarray(eval(call, {"K": K, **scope}))
    assert found.dtype == dtype
    rtol = 2e-3 if dtype == "float16" else 3e-6
    np.testing.assert_allclose(found, values, rtol=rtol, atol=1e-6)
    assert found.shape == np.shape(values)


def test_values_of_weights_are_copies():
    layer = layers.Dense(2)
    layer.build((None, 3))
    for read in (K.get_value, K.eval):
        read(layer.kernel)[...] = 7.0
        read(layer.weights[0])[...] = 7.0
    assert not np.any(layer.kernel == 7.0)
    assert K.eval(0.5) == 0.5


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "min"])
@pytest.mark.parametrize("axis", [None, 0, -1, [0, 1]])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_take_keras_arguments_in_keras_order(name, axis, keepdims):
    along = tuple(axis) if isinstance(axis, list) else axis
    expected = getattr(np, name)(X, axis=along, keepdims=keepdims)
    np.testing.assert_array_equal(getattr(K, name)(X, axis, keepdims), expected)


def test_truth_values_are_averaged_as_floats():
    share = K.mean(K.equal([1, 2, 3], [1, 0, 3]))
    assert share.dtype == config.floatx()
    assert share == np.float32(2 / 3)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (K.clip(X, 0, 1), [[1, 0, 1], [0.5, 1, 0]]),
        (K.clip(X, 2, 1), np.full((2, 3), 2)),
        (K.clip(X, None, 0), [[0, -2, 0], [0, 0, -1]]),
        (K.sqrt([-4.0, 9.0]), [0, 3]),
        (K.round([0.5, 1.5, 2.5]), [0, 2, 2]),
        (K.l2_normalize([[3.0, 4.0], [0.0, 0.0]], axis=-1), [[0.6, 0.8], [0, 0]]),
        (K.batch_flatten(np.arange(8).reshape(2, 2, 2)), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (K.permute_dimensions(X, (1, 0)), X.T),
        (K.expand_dims([1, 2]), [[1], [2]]),
        (K.concatenate([[[1]], [[2]]]), [[1, 2]]),
        (K.repeat([[1, 2]], 2), [[[1, 2], [1, 2]]]),
        (K.repeat_elements(np.array([[1, 2]]), 2, axis=1), [[1, 1, 2, 2]]),
        (K.reverse(X, 1), X[:, ::-1]),
        (K.one_hot([1, 5], 3), [[0, 1, 0], [0, 0, 0]]),
        (K.switch([True, False], X, -X), [X[0], -X[1]]),
        (K.switch(False, lambda: 1, lambda: 2), 2),
        (K.constant(2, shape=(2,)), [2, 2]),
        (K.arange(3), [0, 1, 2]),
        (K.argmax(X), [2, 1]),
        (K.any(X, axis=0), [True] * 3),
        (K.all([1, 0]), False),
        (K.gather(X, [1, 0, 1]), X[[1, 0, 1]]),
        (K.bias_add(np.zeros((1, 2, 3)), [1, 2, 3]), [[[1, 2, 3]] * 2]),
        (
            K.bias_add(np.zeros((1, 2, 3)), [1, 2], "channels_first"),
            [[[1] * 3, [2] * 3]],
        ),
        (K.in_top_k([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4]], [1, 0], 2), [True, True]),
        (K.in_top_k([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4]], [1, 0], 1), [False, False]),
        (K.temporal_padding(np.ones((1, 1, 1)), (2, 0)), [[[0], [0], [1]]]),
        (
            K.spatial_2d_padding(np.ones((1, 1, 1, 1)), ((1, 0), (0, 2)))[0, :, :, 0],
            [[0, 0, 0], [1, 0, 0]],
        ),
        (K.count_params(X), 6),
        (K.cumsum(X, axis=1), np.cumsum(X, axis=1)),
    ],
)
def test_by_hand(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_new_arrays_have_the_float_type_of_the_settings():
    made = (K.zeros((2,)), K.ones((2,)), K.eye(2), K.constant(1), K.one_hot(0, 2))
    for array in made:
        assert K.dtype(array) == "float32"
    assert K.dtype(K.cast([1.5], "int32")) == "int32"
    assert K.dtype(K.cast_to_floatx([1])) == "float32"
    assert K.dtype(K.zeros_like(np.ones(2, np.int8))) == "int8"


def test_shapes_of_arrays_and_of_handles():
    assert K.int_shape(X) == (2, 3)
    assert K.int_shape(Input((4, 2))) == (None, 4, 2)
    assert K.ndim(Input((4, 2))) == 3


def test_crossentropies_have_one_value_for_each_number_or_sample():
    p = np.array([[0.25, 0.75]], np.float32)
    expected = -np.log([[0.25, 0.25]])
    got = K.binary_crossentropy([[1.0, 0.0]], p)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    got = K.categorical_crossentropy([[0.0, 1.0]], p)
    np.testing.assert_allclose(got, -np.log([0.75]), rtol=1e-6)
    got = K.sparse_categorical_crossentropy([0], p)
    np.testing.assert_allclose(got, -np.log([0.25]), rtol=1e-6)


def test_draws_have_their_distributions_and_obey_a_seed():
    shape = (200, 100)
    normal = K.random_normal(shape, 1.0, 2.0, seed=1)
    np.testing.assert_array_equal(normal, K.random_normal(shape, 1.0, 2.0, seed=1))
    assert not np.array_equal(K.random_normal((3,)), K.random_normal((3,)))
    assert normal.dtype == np.float32
    assert abs(normal.mean() - 1) < 0.1
    assert abs(normal.std() - 2) < 0.1
    cut = K.truncated_normal(shape, 1.0, 2.0, seed=1)
    assert np.abs(cut - 1).max() < 4
    assert abs(cut.std() - 2 * 0.8796) < 0.05
    even = K.random_uniform(shape, 2, 3, dtype="float64", seed=1)
    assert 2 <= even.min() < 2.01 < 2.99 < even.max() <= 3
    ones = K.random_binomial(shape, 0.25, seed=1)
    assert set(np.unique(ones)) == {0, 1}
    assert abs(ones.mean() - 0.25) < 0.02


# On handles -----------------------------------------------------------------------

ON_HANDLES = {
    "abs": lambda x: K.abs(x),
    "batch_flatten": lambda x: K.batch_flatten(x),
    "binary_crossentropy": lambda x: K.binary_crossentropy(x, x),
    "cast": lambda x: K.cast(x, "float32"),
    "clip": lambda x: K.clip(x, 0, 1),
    "concatenate": lambda x: K.concatenate([x, x]),
    "dot": lambda x: K.dot(x, np.ones((3, 1))),
    "exp": lambda x: K.exp(x),
    "expand_dims": lambda x: K.expand_dims(x, 1),
    "greater": lambda x: K.greater(x, 0),
    "l2_normalize": lambda x: K.l2_normalize(x),
    "maximum": lambda x: K.maximum(x, x),
    "mean": lambda x: K.mean(x, axis=1),
    "reshape": lambda x: K.reshape(x, (-1,)),
    "softmax": lambda x: K.softmax(x),
    "sum of squares": lambda x: K.sum(K.square(x - x), axis=1),
    "power": lambda x: x**2,
    "ratio": lambda x: x / x,
    "inverse": lambda x: 1 / x,
    "absolute": lambda x: abs(x),
    "comparison": lambda x: x > 0,
    "array": lambda x: np.ones(3) + x,
    "array behind": lambda x: x * np.ones(3),
    "numpy": lambda x: np.tanh(x),
    "reduction": lambda x: np.add.reduce(x),
}


@pytest.mark.parametrize("name", ON_HANDLES)
def test_functions_of_handles_say_what_to_do_instead(name):
    handle = Input((3,), name="x")
    with pytest.raises((TypeError, ValueError), match="a handle has no values") as told:
        ON_HANDLES[name](handle)
    assert "Lambda(function)(handle)" in str(told.value)
    assert "(None, 3) float32>" in str(told.value)


def test_what_is_to_be_done_instead_can_be_done():
    x = Input((3,))
    hidden = layers.Dense(2, "tanh")(x)
    mean = layers.Lambda(
        lambda a: K.mean(a, axis=1, keepdims=True), backward="differences"
    )
    model = Model(x, mean(hidden))
    model.compile("sgd", "mse")
    losses = model.fit(np.ones((2, 3)), np.ones((2, 1)), epochs=3, verbose=0)
    assert losses.history["loss"][2] < losses.history["loss"][0]


def test_numbers_of_numpy_are_numbers_to_a_handle():
    x = Input((2,))
    y = np.float64(2) * x + np.float32(1) - np.subtract(np.int64(3), x)
    model = Model(x, np.negative(y) / np.float64(2))
    np.testing.assert_array_equal(model(np.array([[1.0, 2]])), [[-0.5, -2]])


# Wrong arguments ------------------------------------------------------------------

AXIS = "must be an integer >= -2 and <= 1, got"
SEED = "seed must be an integer >= 0, None or a numpy.random.Generator, got"
ROOM = "must ask for at most 281474976710656 numbers and 64 axes, got"


class Unspeakable:
    def __repr__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        # Axes.
        (lambda: K.sum(X, axis="x"), f"axis {AXIS} 'x'"),
        (lambda: K.prod(X, axis=True), f"axis {AXIS} True"),
        (lambda: K.any(X, axis=[0, 5]), f"axis {AXIS} 5"),
        (lambda: K.sum(X, axis=[None]), f"axis {AXIS} None"),
        (lambda: K.mean(X, axis=[0, -2]), "axis must hold no axis twice, got [0, -2]"),
        (lambda: K.argmax(X, axis=1.5), f"axis {AXIS} 1.5"),
        (lambda: K.argmin(X, axis=None), f"axis {AXIS} None"),
        (lambda: K.cumsum(X, axis=[0]), f"axis {AXIS} [0]"),
        (lambda: K.l2_normalize(X, axis=2), f"axis {AXIS} 2"),
        (lambda: K.reverse(X, 7), f"axes {AXIS} 7"),
        (lambda: K.reverse(X, None), f"axes {AXIS} None"),
        (lambda: K.permute_dimensions(X, 3), f"pattern {AXIS} 3"),
        (lambda: K.permute_dimensions(X, [1]), "pattern must hold all 2 axes, got [1]"),
        (
            lambda: K.expand_dims(X, 9),
            "axis must be an integer >= -3 and <= 2, got 9",
        ),
        (
            lambda: K.squeeze(np.ones((1, 1)), (0, 1)),
            f"axis {AXIS} (0, 1)",
        ),
        (lambda: K.squeeze(X, 0), "axis must be one of size 1 of (2, 3), got 0"),
        (
            lambda: K.argmax(3.0),
            "axis must be that of an array, and a single number has none, got -1",
        ),
        # Arrays.
        (lambda: K.argmin(["a"]), "x must hold numbers, got dtype <U1"),
        (lambda: K.exp("x"), "x must hold numbers, got dtype <U1"),
        (lambda: K.any("x"), "x must hold numbers, got dtype <U1"),
        (lambda: K.int_shape("x"), "x must hold numbers, got dtype <U1"),
        (lambda: K.count_params(None), "x must hold numbers, got dtype object"),
        (lambda: K.dot(X, ["a"]), "y must hold numbers, got dtype <U1"),
        (lambda: K.greater(X, "x"), "y must hold numbers, got dtype <U1"),
        (
            lambda: K.maximum(X, 1j),
            "y must hold real numbers, got dtype complex128",
        ),
        (lambda: K.max(X * 1j), "x must hold real numbers, got dtype complex64"),
        (lambda: K.clip(X, "a", 1), "min_value must hold numbers, got dtype <U1"),
        (lambda: K.switch("x", X, X), "condition must hold numbers, got dtype <U1"),
        (
            lambda: K.switch(True, lambda: "x", X),
            "then_expression must hold numbers, got dtype <U1",
        ),
        (
            lambda: K.concatenate([X, ["a"]]),
            "tensors[1] must hold numbers, got dtype <U1",
        ),
        (lambda: K.stack([]), "x must be a list of one array or more, got []"),
        (
            lambda: K.concatenate(3),
            "tensors must be a list of one array or more, got 3",
        ),
        (
            lambda: K.binary_crossentropy(["a"], X),
            "target must hold numbers, got dtype <U1",
        ),
        # Numbers that the type of the arrays beside them cannot hold.
        (
            lambda: K.maximum(np.int8([1]), 1000),
            "y must hold numbers that int8 has, got 1000",
        ),
        (
            lambda: K.equal(np.uint8([255]), -1),
            "y must hold numbers that uint8 has, got -1",
        ),
        (
            lambda: K.constant(2.5, "int32"),
            "value must hold numbers that int32 has, got 2.5",
        ),
        (
            lambda: K.pow(np.int32([2, 3]), [1, -1]),
            "a must be >= 0 as a power of whole numbers, got -1",
        ),
        # Shapes.
        (
            lambda: K.batch_flatten(3),
            "x must have 1 or more axes, got shape ()",
        ),
        (lambda: K.temporal_padding(X), "x must have 3 axes, got shape (2, 3)"),
        (lambda: K.repeat([1, 2], 2), "x must have 2 axes, got shape (2,)"),
        (
            lambda: K.maximum(X, np.ones(4)),
            "x, y must have shapes that broadcast to one, got (2, 3), (4,)",
        ),
        (
            lambda: K.clip(X, 0, np.ones(2)),
            "x, min_value, max_value must have shapes that broadcast to one, got "
            "(2, 3), (), (2,)",
        ),
        (
            lambda: K.switch([1, 0, 1], X, X),
            "condition, then_expression, else_expression must have shapes that "
            "broadcast to one, got (3, 1), (2, 3), (2, 3)",
        ),
        (
            lambda: K.stack([X, X[0]]),
            "x must hold arrays of one shape, got [(2, 3), (3,)]",
        ),
        (
            lambda: K.concatenate([X, X[:1]]),
            "tensors must have shapes that differ in axis -1 alone, got "
            "[(2, 3), (1, 3)]",
        ),
        (
            lambda: K.dot(X, X),
            "x, y must have one size in the last axis of x and the last but one of y, "
            "got shapes (2, 3), (2, 3)",
        ),
        (
            lambda: K.bias_add(X, [1.0]),
            "bias must have shape (3,) or (3,) for x of (2, 3), got (1,)",
        ),
        (
            lambda: K.max(np.ones((0, 4)), axis=0),
            "x must hold numbers along axis, got shape (0, 4)",
        ),
        (
            lambda: K.reshape(X, 2.5),
            "shape must be a tuple of integers >= -1, got 2.5",
        ),
        (
            lambda: K.reshape(X, (4, -1)),
            "shape must have room for the 6 numbers of x, got (4, -1)",
        ),
        (lambda: K.zeros("x"), "shape must be a tuple of integers >= 0, got 'x'"),
        (lambda: K.zeros(True), "shape must be a tuple of integers >= 0, got True"),
        (
            lambda: K.ones((2, -1)),
            "shape must be a tuple of integers >= 0, got (2, -1)",
        ),
        (lambda: K.zeros((2**40, 2**40)), f"shape {ROOM} {(2**40, 2**40)}"),
        (lambda: K.tile(X, [2**47, 2]), f"n {ROOM} [140737488355328, 2]"),
        (lambda: K.tile(X, [1.5]), "n must be a tuple of integers >= 0, got [1.5]"),
        (
            lambda: K.constant([1, 2], shape=(3,)),
            "shape must be one that value of shape (2,) can fill, got (3,)",
        ),
        (
            lambda: K.temporal_padding(np.ones((1, 2, 3)), (1, "x")),
            "padding must be an integer or a pair of integers >= 0, got (1, 'x')",
        ),
        (
            lambda: K.spatial_2d_padding(np.ones((1, 1, 1, 1)), data_format="x"),
            "data_format must be one of 'channels_last', 'channels_first', got 'x'",
        ),
        # Indices, counts and flags.
        (
            lambda: K.gather(X, [9]),
            "indices must hold whole numbers >= 0 and < 2, got 9",
        ),
        (
            lambda: K.gather(X, -1),
            "indices must hold whole numbers >= 0 and < 2, got -1",
        ),
        (
            lambda: K.gather(X, [0.5]),
            "indices must hold whole numbers >= 0 and < 2, got 0.5",
        ),
        (
            lambda: K.gather(X, [True]),
            "indices must hold whole numbers >= 0 and < 2, got True",
        ),
        (
            lambda: K.in_top_k(X, [0, 7], 1),
            "targets must hold whole numbers >= 0 and < 3, got 7",
        ),
        (lambda: K.in_top_k(X, [0], 1), "targets must have shape (2,), got (1,)"),
        (lambda: K.in_top_k(X, [0, 1], "1"), "k must be an integer >= 0, got '1'"),
        (lambda: K.one_hot([0.5], 2), "indices must hold whole numbers, got 0.5"),
        (lambda: K.one_hot([1], "x"), "num_classes must be an integer >= 0, got 'x'"),
        (lambda: K.repeat(X, -1), "n must be an integer >= 0, got -1"),
        (
            lambda: K.repeat_elements(X, True, 0),
            "rep must be an integer >= 0, got True",
        ),
        (lambda: K.eye(-1), "size must be an integer >= 0, got -1"),
        (lambda: K.mean(X, keepdims="x"), "keepdims must be True or False, got 'x'"),
        # Types, names, bounds and seeds.
        (lambda: K.ones(2, dtype="x"), "dtype must be one of NumPy's, got 'x'"),
        (lambda: K.zeros(2, dtype=""), "dtype must be one of NumPy's, got ''"),
        (lambda: K.zeros_like(X, "U3"), "dtype must be a type of numbers, got 'U3'"),
        (lambda: K.cast(X, 3), "dtype must be one of NumPy's, got 3"),
        (lambda: K.cast(X, None), "dtype must be one of NumPy's, got None"),
        (lambda: K.eye(2, name=3), "name must be a string, got 3"),
        (
            lambda: K.arange(2, dtype=np.ones(2)),
            "dtype must be one of NumPy's, got array([1., 1.])",
        ),
        (lambda: K.arange(3, 0, 0), "step must not be 0, got 0"),
        (
            lambda: K.arange(np.inf),
            "start must be a finite number, got np.float32(inf)",
        ),
        (lambda: K.arange(0, 1, 1e-30), f"step {ROOM} 1e-30"),
        (
            lambda: K.random_normal((2,), stddev=-1),
            "stddev must be a finite number >= 0, got -1",
        ),
        (
            lambda: K.random_uniform((2,), 3, 2),
            "maxval must be a finite number >= 3, got 2",
        ),
        (
            lambda: K.random_uniform((2,), -1e308, 1e308),
            "maxval - minval must be a finite number, got inf",
        ),
        (
            lambda: K.random_binomial((2,), p=2),
            "p must be a finite number >= 0 and <= 1, got 2",
        ),
        (lambda: K.random_uniform((2,), seed="x"), f"{SEED} 'x'"),
        (lambda: K.truncated_normal((2,), seed=True), f"{SEED} True"),
        (lambda: K.random_normal((2,), seed=Unspeakable()), f"{SEED} a Unspeakable"),
        # Losses.
        (
            lambda: K.categorical_crossentropy(X, X, axis=7),
            "axis must be from -2 to 1, got 7",
        ),
        (
            lambda: K.sparse_categorical_crossentropy([7, 1], X),
            "target must hold whole numbers from 0 to 2 as labels of 3 classes, got 7 "
            "at index 0",
        ),
        # Graphs, weights and settings.
        (lambda: K.function(3, X), "inputs must be a list of handles, got 3"),
        (
            lambda: K.function([], [], updates=[3]),
            "updates must be empty, got [3]",
        ),
        (
            lambda: identity()([]),
            "values must be a list of 1, one for each input, got 0",
        ),
        (lambda: K.get_value("x"), "x must hold numbers, got dtype <U1"),
        (
            lambda: K.set_value(3.0, 4.0),
            "x must be a weight, or a number of an optimizer, got 3.0",
        ),
        (
            lambda: K.set_value(np.ones(2), [1.0]),
            "value must have the shape of x, (2,), got (1,)",
        ),
        (lambda: K.batch_get_value(3), "tensors must be a list, got 3"),
        (
            lambda: K.batch_set_value([(1, 2, 3)]),
            "tuples must be a list of pairs (x, value), got [(1, 2, 3)]",
        ),
        (
            lambda: K.set_learning_phase([0]),
            "value must be 0, got [0]: call a model with training=True instead",
        ),
        (
            lambda: K.set_image_dim_ordering(["tf"]),
            "dim_ordering must be one of 'tf', 'th', got ['tf']",
        ),
    ],
)
def test_wrong_arguments_are_named(call, sentence):
    with refuses(sentence):
        call()


def identity():
    handle = Input((2,))
    return K.function([handle], [handle])


def test_weights_that_cannot_all_be_set_stay_as_they_are():
    first, second = np.ones(2), np.ones(3)
    with refuses("value must have the shape of x, (3,), got (1,)"):
        K.batch_set_value([(first, [5.0, 5.0]), (second, [5.0])])
    np.testing.assert_array_equal(first, 1)


def test_samples_of_nothing_and_numbers_beyond_int32_are_what_they_are():
    assert K.batch_flatten(np.ones((0, 2, 3))).shape == (0, 6)
    assert K.abs(-(2**40)) == 2**40
    assert K.abs(-(2**40)).dtype == np.int64


def test_a_function_of_one_handle_takes_one_array():
    x = Input((2,))
    y = layers.Activation("relu")(x)
    found = K.function(x, y)
    for given in (np.array([[-1.0, 2.0]]), [np.array([[-1.0, 2.0]])]):
        assert found(given).tolist() == [[0.0, 2.0]]


def test_only_layers_with_an_activation_have_one():
    assert not hasattr(layers.Flatten(), "activation")
    assert layers.Dense(1, activation="tanh").activation.__name__ == "tanh"
