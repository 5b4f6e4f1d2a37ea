"""An argument that is set later counts as one that was given, or is refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from localnet import Sequential, layers, load_model

SEQUENCE, IMAGES = (3, 7, 4), (3, 6, 6, 4)
# A layer, the shape of its input, and what is set; True where it decides the weights.
CHANGES = [
    (layers.Dense(3), (3, 4), "units", 5, True),
    (layers.Dense(3), (3, 4), "use_bias", False, True),
    (layers.Dense(3), (3, 4), "activation", "tanh", False),
    (layers.LocallyConnected1D(3, 3), SEQUENCE, "filters", 5, True),
    (layers.LocallyConnected1D(3, 3), SEQUENCE, "kernel_size", (2,), True),
    (layers.LocallyConnected1D(3, 3), SEQUENCE, "strides", (2,), True),
    (layers.LocallyConnected2D(3, 3), IMAGES, "padding", "same", True),
    (layers.LocallyConnected2D(3, 3), IMAGES, "data_format", "channels_first", True),
    (layers.LocallyConnected2D(3, 3), IMAGES, "use_bias", False, True),
    (layers.Conv1D(4, 3), SEQUENCE, "filters", 5, True),
    (layers.Conv2D(4, 3), IMAGES, "groups", 2, True),
    (layers.Conv2D(4, 3), IMAGES, "strides", (2, 2), False),
    (layers.BatchNormalization(), IMAGES, "center", False, True),
    (layers.BatchNormalization(), IMAGES, "scale", False, True),
    (layers.BatchNormalization(), IMAGES, "epsilon", 0.5, False),
    (layers.PReLU(), IMAGES, "shared_axes", [1], True),
    (layers.LeakyReLU(0.1), (3, 4), "alpha", 0.9, False),
    (layers.ELU(), (3, 4), "alpha", 0.9, False),
    (layers.ThresholdedReLU(), (3, 4), "theta", 0.25, False),
    (layers.ReLU(), (3, 4), "max_value", 0.5, False),
    (layers.ReLU(), (3, 4), "negative_slope", 0.5, False),
    (layers.ReLU(), (3, 4), "threshold", 0.5, False),
    (layers.Softmax(), IMAGES, "axis", 1, False),
    (layers.Softmax(), IMAGES, "axis", [1, 2], False),
    (layers.ZeroPadding1D(1), SEQUENCE, "padding", (2, 0), False),
    (layers.ZeroPadding2D(1), IMAGES, "padding", 2, False),
    (layers.Cropping1D(1), SEQUENCE, "cropping", 2, False),
    (layers.Cropping2D(1), IMAGES, "cropping", ((1, 0), (0, 1)), False),
    (layers.MaxPooling2D(), IMAGES, "pool_size", (3, 3), False),
    (layers.UpSampling2D(2), IMAGES, "interpolation", "bilinear", False),
]


@pytest.mark.parametrize(
    ("layer", "shape", "name", "value", "decides"),
    CHANGES,
    ids=[f"{type(layer).__name__}-{name}" for layer, _, name, *_ in CHANGES],
)
def test_arguments_that_are_set_later(layer, shape, name, value, decides, rng):
    layer = type(layer).from_config(layer.get_config())
    fresh = type(layer).from_config({**layer.get_config(), name: value})
    x = rng.normal(size=shape).astype("float32")
    before = layer(x)
    if decides:
        match = (
            f"{name} must be set before the layer is built, since its weights depend"
        )
        with pytest.raises(AttributeError, match=match):
            setattr(layer, name, value)
        assert getattr(layer, name) != value
        assert_array_equal(layer(x), before)
        return
    setattr(layer, name, value)
    fresh(x)
    fresh.set_weights(layer.get_weights())
    assert_array_equal(layer(x), fresh(x), strict=True)
    dy = rng.normal(size=fresh(x).shape).astype("float32")
    layer(x)
    assert_array_equal(layer.backward(dy), fresh.backward(dy))


def test_files_hold_the_arguments_that_count(tmp_path):
    model = Sequential([layers.LeakyReLU(0.1, input_shape=(2,))])
    model.layers[0].alpha = 0.5
    x = np.array([[-2.0, 4.0]])
    assert_array_equal(model.predict(x, verbose=0), [[-1.0, 4.0]])
    again = load_model(model.save(tmp_path / "model.npz"))
    assert_array_equal(again.predict(x, verbose=0), [[-1.0, 4.0]])


def test_what_a_layer_notes_itself_asks_for_no_shapes(monkeypatch):
    layer = layers.LocallyConnected1D(3, 3)
    y = layer(np.ones(SEQUENCE))

    def asked(self, shape):
        raise AssertionError("a call of backward must not work out weights")

    monkeypatch.setattr(layers.LocallyConnected1D, "weight_shapes", asked)
    layer.backward(y)
    assert layer.grads["bias"].shape == (5, 3)
