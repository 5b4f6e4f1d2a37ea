"""The functions of a backend: NumPy's, with Keras's arguments."""

import numpy as np
import pytest

from localnet import Input, Model, config, layers
from localnet import backend as K

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], np.float32)


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
