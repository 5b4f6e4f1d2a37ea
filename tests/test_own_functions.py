"""Functions of one's own may write to the arrays that they are called with."""

import numpy as np
import pytest

from localnet import Sequential, layers, losses, metrics
from localnet import backend as K
from localnet.activations import ActivationPair
from localnet.optimizers import SGD
from localnet.regularizers import Regularizer

X = np.linspace(1, 2, 24).reshape(8, 3)[:, ::-1].copy()
Y = np.linspace(0.1, 0.9, 24).reshape(8, 3)
pytestmark = pytest.mark.usefixtures("in_float64")


def loss(y_true, y_pred):
    return -K.sum(y_true * K.log(y_pred / K.sum(y_pred, axis=-1, keepdims=True)), -1)


def loss_in_place(y_true, y_pred):
    y_pred /= K.sum(y_pred, axis=-1, keepdims=True)
    y_true *= K.log(y_pred)
    return -K.sum(y_true, axis=-1)


def slope(y_true, y_pred):
    whole = K.sum(y_pred, axis=-1, keepdims=True)
    return K.sum(y_true, axis=-1, keepdims=True) / whole - y_true / y_pred


def slope_in_place(y_true, y_pred):
    result = slope(y_true, y_pred)
    y_true *= 0
    y_pred *= 0
    return result


loss.gradient, loss_in_place.gradient = slope, slope_in_place


class Own(losses.Loss):
    def forward(self, y_true, y_pred):
        return loss(y_true, y_pred), (y_true, y_pred)

    def backward(self, dy, cache):
        return dy[:, np.newaxis] * slope(*cache)


class OwnInPlace(Own):
    def forward(self, y_true, y_pred):
        cache = y_true.copy(), y_pred.copy()
        return loss_in_place(y_true, y_pred), cache


def distance(y_true, y_pred):
    return K.mean(K.abs(y_pred - y_true), axis=-1)


def distance_in_place(y_true, y_pred):
    y_pred -= y_true
    y_true *= 0
    return K.mean(K.abs(y_pred), axis=-1)


class Distance(metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(abs(y_pred - y_true), sample_weight)


class DistanceInPlace(metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred -= y_true
        y_true *= 0
        super().update_state(abs(y_pred), sample_weight)
        sample_weight *= 0


def halved(x):
    return x / 2


def halved_in_place(x):
    x /= 2
    return x


def shared(xs):
    return xs[0] / 2 + xs[1]


def shared_in_place(xs):
    xs[0] /= 2
    xs[0] += xs[1]
    return xs[0]


class Squares(Regularizer):
    def __call__(self, w):
        return np.sum(w * w)

    def gradient(self, w):
        return 2 * w


class SquaresInPlace(Squares):
    def __call__(self, w):
        w *= w
        return np.sum(w)

    def gradient(self, w):
        w *= 2
        return w


def cubed(x):
    return x**3, (x,)


def cubed_in_place(x):
    kept = x.copy()
    x **= 3
    return x, (kept,)


def by_cube(dy, cache):
    return 3 * cache[0] ** 2 * dy


def by_cube_in_place(dy, cache):
    x = cache[0]
    x *= x
    dy *= 3 * x
    return dy


def half(dy, x):
    return dy / 2


def half_in_place(dy, x):
    x *= 0
    dy /= 2
    return dy


# By what it is: the model's loss, metrics, first Lambda, penalty, bound, activation.
PLAIN = {
    "loss": losses.Differentiated(loss),
    "metric": distance,
    "metric_object": lambda: Distance("own"),
    "function": halved,
    "backward": half,
    "regularizer": Squares(),
    "constraint": lambda w: w * (w > 0.5),
    "activation": (cubed, by_cube),
}


def zeroed(w):
    w *= w > 0.5
    return w


IN_PLACE = [
    {"loss": losses.Differentiated(loss_in_place)},
    {"loss": losses.FunctionLoss(loss_in_place)},
    {"loss": OwnInPlace()},
    {"metric": distance_in_place},
    {"metric": metrics.MeanMetric(distance_in_place, name="distance")},
    {"metric_object": lambda: DistanceInPlace("own")},
    {"function": halved_in_place},
    {"function": halved_in_place, "backward": "differences"},
    {"backward": half_in_place},
    {"regularizer": SquaresInPlace()},
    {"constraint": zeroed},
    {"activation": (cubed_in_place, by_cube_in_place)},
]


def told(**own):
    """Return all that a model tells which learns with these functions."""
    penalty = own["regularizer"]
    model = Sequential(
        [
            layers.Lambda(own["function"], backward=own["backward"], input_shape=(3,)),
            layers.Dense(
                3,
                activation=own["activation"],
                kernel_initializer="ones",
                kernel_regularizer=penalty,
                activity_regularizer=penalty,
                kernel_constraint=own["constraint"],
            ),
            layers.Softmax(),
        ]
    )
    metric = [own["metric"], own["metric_object"]()]
    model.compile(SGD(1e-3), own["loss"], metrics=["mae"], weighted_metrics=metric)
    x, y, weights = X.copy(), Y.copy(), np.linspace(0.5, 1, 8)
    log = model.fit(
        x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=weights
    )
    found = [model.evaluate(x, y, sample_weight=weights, verbose=0)]
    found += [model.predict(x, verbose=0), model(x), model.losses]
    for given, before in ((x, X), (y, Y), (weights, np.linspace(0.5, 1, 8))):
        assert np.array_equal(given, before)
    return [*log.history.values(), *found, *model.get_weights()]


@pytest.mark.parametrize("own", IN_PLACE, ids=lambda own: "-".join(own))
def test_what_writes_in_place_tells_what_its_twin_does(own):
    for one, other in zip(told(**PLAIN), told(**{**PLAIN, **own}), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def test_functions_called_alone_leave_their_arrays():
    y, p = Y.copy(), X.copy()
    in_place = losses.Differentiated(loss_in_place)
    np.testing.assert_allclose(
        in_place.gradient(y, p), losses.FunctionLoss(loss).gradient(Y, X), atol=1e-9
    )
    in_place(y, p)
    OwnInPlace()(y, p)
    metrics.MeanMetric(distance_in_place)(y, p)
    layers.Lambda(halved_in_place)(p)
    layers.Lambda(shared_in_place)([p, y])
    ActivationPair(cubed_in_place, by_cube_in_place)(p)
    model = Sequential([layers.Lambda(halved_in_place, input_shape=(3,))])
    K.function([model.input], [model.output])([p])
    assert np.array_equal(y, Y)
    assert np.array_equal(p, X)


def test_predictions_that_are_written_to_forget_their_logits():
    seen = []

    def twice(t, p):
        seen.append(K.categorical_crossentropy(t, p))
        p[...] = 0.5
        seen.append(K.categorical_crossentropy(t, p))
        return seen[0]

    dense = layers.Dense(2, activation="softmax", input_shape=(2,))
    model = Sequential([dense], seed=0)
    model.compile("sgd", "mse", metrics=[twice])
    x, t = np.full((1, 2), 400.0), np.array([[0.0, 1.0]])
    model.set_weights([np.array([[1.0, -1.0], [1.0, -1.0]]), np.zeros(2)])
    model.evaluate(x, t, verbose=0)
    assert seen[0].tolist() == [1600.0]  # of the logits: nothing is clipped
    np.testing.assert_allclose(seen[1], np.log(2), rtol=1e-6)
