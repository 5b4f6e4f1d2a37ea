"""`fit_scipy`: known minima, the stages of a training, and all that can go wrong."""

import os
import signal
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from scipy.optimize import OptimizeWarning, brentq, lsq_linear, minimize, nnls
from unchanged import unchanged

from localnet import Sequential, callbacks, constraints, layers, losses, regularizers
from localnet.callbacks import Callback, EarlyStopping, LambdaCallback
from localnet.layers import Dense, Dropout, Flatten, LocallyConnected1D
from localnet.training.minimize import METHODS, WITH_BOUNDS

every_method = pytest.mark.parametrize("method", METHODS)


def line(units=1, **options):
    """Return a linear model of four inputs, in float64."""
    options = {"dtype": "float64", "input_shape": (4,), "name": "line", **options}
    model = Sequential([Dense(units, **options)], seed=0)
    model.compile(loss="mse", metrics=["mae"])
    return model


@pytest.fixture
def data(rng):
    x = rng.normal(size=(30, 4))
    y = x @ [[1.0], [-2.0], [0.5], [3.0]] + 0.25 + 0.1 * rng.normal(size=(30, 1))
    return x, y


def with_ones(x):
    return np.hstack([x, np.ones((len(x), 1))])


def solved(x, y, weight=None):
    """Return kernel and bias of least squares, in closed form."""
    root = np.sqrt(np.ones(len(x)) if weight is None else weight)[:, None]
    solution = np.linalg.lstsq(root * with_ones(x), root * y, rcond=None)[0]
    return solution[:-1], solution[-1]


def weights_of(model):
    return [weight.tobytes() for weight in model.get_weights()]


# Known minima --------------------------------------------------------------------


@every_method
def test_least_squares_are_those_in_closed_form(method, data):
    model = line()
    history = model.fit_scipy(*data, method=method, tol=1e-12, verbose=0)
    for weight, exact in zip(model.get_weights(), solved(*data), strict=True):
        assert_allclose(weight, exact, rtol=0, atol=1e-6)
    assert history is model.history
    assert history.result.x.shape == (5,)
    assert len(history.history["loss"]) == history.result.nit == len(history.epoch)
    residual = data[1] - model.predict(data[0], verbose=0)
    assert np.isclose(history.history["loss"][-1], (residual**2).mean(), rtol=1e-12)
    assert np.isclose(history.history["mae"][-1], abs(residual).mean(), rtol=1e-12)


def test_it_is_what_scipy_does_with_the_same_function(data):
    x, y = data

    def mse(w):
        error = x @ w[:4, None] + w[4] - y
        gradient = 2 * with_ones(x).T @ error / len(x)
        return float((error**2).mean()), gradient[:, 0]

    model = line()
    start = np.concatenate([w.ravel() for w in model.get_weights()])
    expected = minimize(mse, start, jac=True, method="L-BFGS-B")
    result = model.fit_scipy(x, y, verbose=0).result
    assert (result.nit, result.nfev) == (expected.nit, expected.nfev)
    assert_allclose(result.x, expected.x, rtol=1e-9, atol=1e-12)
    assert result.success


def test_every_window_has_a_least_squares_of_its_own(rng):
    x, y = rng.normal(size=(40, 5, 2)), rng.normal(size=(40, 3, 2))
    model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 2), dtype="float64")])
    model.compile(loss="mse")
    model.fit_scipy(x, y, options={"ftol": 0, "gtol": 1e-10}, verbose=0)
    kernel, bias = model.get_weights()
    for place in range(3):
        window = x[:, place : place + 3].reshape(40, 6)
        exact, constant = solved(window, y[:, place])
        assert_allclose(kernel[place], exact, atol=1e-7)
        assert_allclose(bias[place], constant, atol=1e-7)


def test_sample_and_class_weights_count(data):
    x, y = data
    weight = np.linspace(0.1, 2.0, len(x))
    labels = (np.arange(len(x)) % 2)[:, None]
    one, other = line(), line()
    one.fit_scipy(x, y, sample_weight=weight, tol=1e-12, verbose=0)
    assert_allclose(one.get_weights()[0], solved(x, y, weight)[0], atol=1e-6)
    other.fit_scipy(
        x,
        labels,
        sample_weight=weight,
        class_weight={0: 1.0, 1: 3.0},
        tol=1e-12,
        verbose=0,
    )
    both = weight * np.where(labels[:, 0] == 1, 3.0, 1.0)
    assert_allclose(other.get_weights()[0], solved(x, labels, both)[0], atol=1e-6)


def test_penalties_count(data):
    x, y = data
    model = line(use_bias=False, kernel_regularizer=regularizers.L2(0.5))
    model.fit_scipy(x, y, tol=1e-12, verbose=0)
    gram = x.T @ x / len(x) + 0.5 * np.eye(4)
    ridge = np.linalg.solve(gram, x.T @ y / len(x))
    assert_allclose(model.get_weights()[0], ridge, atol=1e-6)


def test_the_penalties_alone():
    model = line(kernel_regularizer="l2", use_bias=False)
    model.compile(loss=None)
    model.fit_scipy(np.zeros((1, 4)), verbose=0, tol=1e-14)
    assert_allclose(model.get_weights()[0], 0, atol=1e-6)


@pytest.mark.parametrize("method", WITH_BOUNDS)
def test_non_negative_weights_are_bounds(method, data):
    x, y = data
    model = line(kernel_constraint="non_neg", use_bias=False)
    model.set_weights([np.array([[-1.0], [-1.0], [1.0], [1.0]])])
    model.fit_scipy(x, y, method=method, tol=1e-12, verbose=0)
    [kernel] = model.get_weights()
    assert_allclose(kernel[:, 0], nnls(x, y[:, 0])[0], atol=1e-6)
    assert (kernel >= 0).all()
    assert (kernel == 0).any()  # the bound is felt


def test_bounds_of_some_weights_alone(data):
    x, y = data
    model = line(kernel_constraint=constraints.NonNeg())
    model.fit_scipy(x, y, tol=1e-12, verbose=0)
    lower = [0.0] * 4 + [-np.inf]
    exact = lsq_linear(with_ones(x), y[:, 0], (lower, np.inf), tol=1e-14).x
    found = np.concatenate([w.ravel() for w in model.get_weights()])
    assert_allclose(found, exact, atol=1e-6)


@every_method
def test_float32_gets_as_far_as_float32_can(method, data):
    model = line(dtype="float32")
    history = model.fit_scipy(*data, method=method, verbose=0)
    for weight, exact in zip(model.get_weights(), solved(*data), strict=True):
        assert weight.dtype == np.float32
        assert_allclose(weight, exact, atol=2e-3)
    assert history.result.x.dtype == np.float64


def test_frozen_layers_stay(data):
    model = Sequential(
        [Dense(3, input_shape=(4,), trainable=False), Dense(1)],
        seed=0,
    )
    model.compile(loss="mse")
    before = model.layers[0].get_weights()
    history = model.fit_scipy(*data, verbose=0, max_iterations=5)
    assert history.result.x.shape == (4,)
    for weight, former in zip(model.layers[0].get_weights(), before, strict=True):
        assert_array_equal(weight, former)


def test_a_classifier_of_several_layers_learns(rng):
    x = rng.normal(size=(60, 6, 1))
    y = (x[:, 0, 0] * x[:, 3, 0] > 0).astype(int)
    model = Sequential(
        [
            LocallyConnected1D(4, 4, activation="tanh", input_shape=(6, 1)),
            Flatten(),
            Dense(2, "softmax"),
        ],
        seed=1,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit_scipy(x, y, max_iterations=200, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    # The optimizer has no part in it.
    assert model.optimizer.get_state() == {"iterations": 0}


# The stages ----------------------------------------------------------------------


class Stages(Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        return lambda *args: self.seen.append((name, *args[:-1]))


def test_an_iteration_is_an_epoch_of_one_batch(data):
    stages, model = Stages(), line()
    model.fit_scipy(
        *data,
        max_iterations=2,
        verbose=0,
        callbacks=stages,
        validation_data=data,
    )
    assert stages.params == {"verbose": 0, "epochs": 2, "steps": 1}
    assert stages.seen == [
        ("on_train_begin",),
        *(
            stage
            for epoch in (0, 1)
            for stage in (
                ("on_epoch_begin", epoch),
                ("on_train_batch_begin", 0),
                ("on_train_batch_end", 0),
                ("on_test_begin",),
                ("on_test_end",),
                ("on_epoch_end", epoch),
            )
        ),
        ("on_train_end",),
    ]


@every_method
def test_callbacks_see_the_weights_that_the_logs_are_of(method, data):
    seen = []

    def look(epoch, logs):
        kernel, bias = model.get_weights()
        seen.append((((data[0] @ kernel + bias - data[1]) ** 2).mean(), logs["loss"]))

    model = line()
    watch = LambdaCallback(on_epoch_end=look)
    model.fit_scipy(*data, method=method, verbose=0, callbacks=watch)
    assert len(seen) > 1
    for mine, logged in seen:
        assert np.isclose(mine, logged, rtol=1e-12)


def test_validation_is_measured_after_every_iteration(data):
    x, y = data
    model = line()
    weight = np.arange(10.0)
    history = model.fit_scipy(
        x[10:], y[10:], validation_data=(x[:10], y[:10], weight), verbose=0
    ).history
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    assert len(set(map(len, history.values()))) == 1
    last = model.evaluate(x[:10], y[:10], sample_weight=weight, verbose=0)
    assert_allclose([history["val_loss"][-1], history["val_mae"][-1]], last)


@every_method
def test_a_callback_ends_the_training(method, data):
    def stop(epoch, logs):
        model.stop_training = epoch == 1

    model = line()
    history = model.fit_scipy(
        *data, method=method, verbose=0, callbacks=LambdaCallback(on_epoch_end=stop)
    )
    result = history.result
    assert (result.nit, result.success, result.status) == (2, False, 99)
    assert result.message == "a callback has stopped the training"
    assert result.fun == history.history["loss"][-1]
    found = np.concatenate([w.ravel() for w in model.get_weights()])
    assert_array_equal(found, result.x)
    assert result.nfev >= 3


@every_method
def test_iterations_are_counted(method, data):
    history = line().fit_scipy(*data, method=method, max_iterations=2, verbose=0)
    assert history.epoch == [0, 1]
    assert not history.result.success


def test_early_stopping_restores_the_weights_of_the_best_iteration(rng):
    x, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 1))
    check = rng.normal(size=(12, 4)), rng.normal(size=(12, 1))
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    model = line()
    history = model.fit_scipy(
        x, y, validation_data=check, callbacks=stopping, verbose=0
    ).history
    loss = model.evaluate(*check, verbose=0)[0]
    assert np.isclose(loss, min(history["val_loss"]), rtol=1e-12)
    assert loss < history["val_loss"][-1]  # or the test would show nothing


def test_a_second_call_goes_on_and_a_history_may_be_shared(data):
    model, history = line(), callbacks.History()
    first = model.fit_scipy(*data, max_iterations=2, verbose=0, callbacks=history)
    assert first is history
    former = first.result
    model.fit_scipy(*data, max_iterations=2, verbose=0, callbacks=history)
    losses_seen = history.history["loss"]
    assert len(losses_seen) == 4
    assert losses_seen[2] < losses_seen[1]
    assert history.result is not former
    model.fit(*data, verbose=0, callbacks=history)
    assert history.result is None


def test_the_bar_is_drawn_for_every_iteration(data, capsys):
    line().fit_scipy(*data, max_iterations=2, verbose=2)
    out = capsys.readouterr().out
    assert out.startswith("Epoch 1/2\n1/1 - 0s - loss: ")
    assert out.count("Epoch ") == 2


def test_an_unbuilt_model_is_built(data):
    model = Sequential([Dense(1)])
    model.compile(loss="mse")
    model.fit_scipy(*data, verbose=0)
    assert_allclose(model.get_weights()[0], solved(*data)[0], atol=2e-3)


# What is refused -----------------------------------------------------------------


def refused(model, data, sentence, error=ValueError, **options):
    with refuses(sentence, error), unchanged(model):
        model.fit_scipy(*data, **{"verbose": 0, **options})


def test_methods_without_gradients_and_other_words(data):
    listed = ", ".join(map(repr, METHODS))
    for method in ("Nelder-Mead", "trust-exact", "SLSQP", "Newton-CG", None, print):
        with pytest.raises(ValueError, match=f"^method must be one of {listed}, got"):
            line().fit_scipy(*data, method=method)
    refused(
        line(),
        data,
        "max_iterations must be given instead of the option 'maxiter', got 3",
        options={"maxiter": 3},
    )
    refused(
        line(),
        data,
        "max_iterations must be an integer >= 1, got 0",
        max_iterations=0,
    )
    refused(
        line(),
        data,
        "verbose must be 'auto', 0, 1 or 2, got 3",
        verbose=3,
    )
    refused(
        line(),
        data,
        "validation_data must be (x, y) or (x, y, sample_weight), got ndarray",
        validation_data=data[0],
    )


def test_training_needs_compile(data):
    model = Sequential([Dense(1, input_shape=(4,), name="d")], name="m")
    refused(
        model,
        data,
        "m: the model is not compiled; call compile(optimizer, loss)",
        RuntimeError,
    )


def test_training_noise_is_refused_by_name(data):
    model = Sequential(
        [
            Dense(3, input_shape=(4,)),
            Dropout(0.5, name="drop"),
            Dense(1, kernel_initializer="zeros"),
            Dropout(0.1, name="end", trainable=False),
        ]
    )
    model.compile(loss="mse")
    refused(
        model,
        data,
        "a model must have no training noise to be minimised, got that of drop, end: "
        "take it away, or use fit",
    )


def test_noise_is_found_in_any_layer(data):
    x = data[0].reshape(30, 2, 2)
    model = Sequential(
        [
            layers.GaussianNoise(0.1, input_shape=(2, 2), name="added"),
            layers.SpatialDropout1D(0.5, name="maps"),
            layers.TimeDistributed(Dropout(0.5), name="within"),
            Dense(1),
        ]
    )
    model.compile(loss="mse")
    match = "training noise to be minimised, got that of added, maps, within: "
    with unchanged(model), pytest.raises(ValueError, match=match):
        model.fit_scipy(x, x[:, :, :1], verbose=0)


def test_statistics_of_batches_are_refused_unless_they_are_frozen(data):
    model = Sequential(
        [layers.BatchNormalization(input_shape=(4,), name="norm"), Dense(1)]
    )
    model.compile(loss="mse")
    refused(
        model,
        data,
        "a model must have no statistics of batches to be minimised, got those of "
        "norm: set trainable to False before compile, or use fit",
    )
    model.layers[0].trainable = False
    model.compile(loss="mse")
    before = model.layers[0].get_weights()
    model.fit_scipy(*data, verbose=0)
    for weight, former in zip(model.layers[0].get_weights(), before, strict=True):
        assert_array_equal(weight, former)
    assert_allclose(model.predict(data[0], verbose=0), best_line(*data), atol=1e-2)


def best_line(x, y):
    kernel, bias = solved(x, y)
    return x @ kernel + bias


def test_dropout_of_nothing_is_no_noise(data):
    model = Sequential([Dropout(0.0, input_shape=(4,)), Dense(1)])
    model.compile(loss="mse")
    model.fit_scipy(*data, verbose=0, max_iterations=2)


class Logarithm(layers.Layer):
    """Something that does not work on every number."""

    def compute(self, x, *, training, rng):
        return np.log(x), x

    def gradients(self, dz, cache):
        return dz / cache, {}


def test_looking_for_noise_says_nothing_of_numbers(data):
    model = Sequential([Logarithm(input_shape=(4,)), Dense(1)])
    model.compile(loss="mse")
    model.fit_scipy(abs(data[0]) + 1, data[1], verbose=0, max_iterations=2)


class Doubling(layers.Layer):
    """Something else in training than in inference, without any noise."""

    def compute(self, x, *, training, rng):
        return (2 * x, 2) if training else (x, 1)

    def gradients(self, dz, cache):
        return dz * cache, {}


def test_another_loss_in_inference_is_refused(data):
    model = Sequential([Doubling(input_shape=(4,)), Dense(1)])
    model.compile(loss="mse")
    with unchanged(model), pytest.raises(ValueError, match="must have one loss in"):
        model.fit_scipy(*data, verbose=0)


def test_other_constraints_are_refused_by_name(data):
    model = line(kernel_constraint="max_norm", bias_constraint="non_neg")
    refused(
        model,
        data,
        "constraints must be NonNeg to be minimised under, got MaxNorm of line/kernel",
    )

    def mine(w):
        return w

    refused(
        line(bias_constraint=mine),
        data,
        "constraints must be NonNeg to be minimised under, got mine of line/bias",
    )
    refused(
        line(kernel_constraint="non_neg"),
        data,
        "method must be one of 'l-bfgs-b', 'tnc' for NonNeg of line/kernel, got 'bfgs'",
        method="BFGS",
    )
    free = line(kernel_constraint="max_norm", trainable=False)
    free.add(Dense(1))
    free.fit_scipy(*data, verbose=0, max_iterations=2)


def test_a_model_without_weights_to_train(data):
    refused(
        line(trainable=False), data, "a model must have trainable weights, got none"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_start_that_is_not_finite(bad, data):
    x, y = data
    y = y.copy()
    y[3] = bad
    refused(
        line(),
        (x, y),
        f"loss and gradients must be finite at the start, got loss {bad}",
    )


def test_a_backup_is_refused(data, tmp_path):
    refused(
        line(),
        data,
        "callbacks must be without BackupAndRestore, since what SciPy remembers of a "
        "minimisation cannot be saved",
        callbacks=callbacks.BackupAndRestore(tmp_path),
    )


def test_bad_data_change_nothing(data):
    x, y = data
    model = Sequential([Dense(1)])
    model.compile(loss="mse")
    bad = [
        {"x": x, "y": y[:3]},
        {"x": x, "y": None},
        {"x": x, "y": y, "validation_data": (x[:, :3], y)},
        {"x": x, "y": y, "validation_data": (x, y[:2])},
        {"x": x, "y": y, "sample_weight": [1.0]},
        {"x": x, "y": y, "class_weight": {7: 1.0}},
    ]
    for arguments in bad:
        with unchanged(model), pytest.raises(ValueError, match="must"):
            model.fit_scipy(**arguments, verbose=0)
    assert not model.built


# What goes wrong on the way ------------------------------------------------------


class Broken(Exception):
    pass


@every_method
@pytest.mark.parametrize(
    "hook",
    ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end"],
)
def test_a_callback_that_raises_leaves_the_weights_as_they_were(hook, method, data):
    calls = []

    def fail(*args):
        calls.append(args)
        if hook == "on_train_begin" or len(calls) == 2:
            raise Broken

    class Failing(Callback):
        pass

    setattr(Failing, hook, lambda self, *args: fail(*args))
    model = line()
    before = weights_of(model)
    stages = Stages()
    with pytest.raises(Broken):
        model.fit_scipy(*data, method=method, verbose=0, callbacks=[Failing(), stages])
    assert weights_of(model) == before
    begun = ("on_train_begin",) in stages.seen
    assert (("on_train_end",) in stages.seen) == begun == (hook != "on_train_begin")


@every_method
def test_a_callback_that_runs_out_is_an_error(method, data):
    # SciPy would take it for a wish to stop.
    def run_out(epoch, logs):
        next(iter(()))

    model = line()
    before = weights_of(model)
    with refuses("a callback must not raise StopIteration", RuntimeError):
        model.fit_scipy(
            *data,
            method=method,
            verbose=0,
            callbacks=LambdaCallback(on_epoch_end=run_out),
        )
    assert weights_of(model) == before


def test_a_callback_that_raises_at_the_end(data):
    class Failing(Callback):
        def on_train_end(self, logs=None):
            raise Broken

    model = line()
    before = weights_of(model)
    with pytest.raises(Broken):
        model.fit_scipy(*data, verbose=0, callbacks=Failing())
    assert weights_of(model) == before


def test_weights_outside_the_bounds_come_back_as_they_were(data):
    def fail(epoch, logs):
        raise Broken

    model = line(kernel_constraint="non_neg")
    model.set_weights([np.full((4, 1), -1.0), [2.0]])
    before = weights_of(model)
    with pytest.raises(Broken):
        model.fit_scipy(*data, verbose=0, callbacks=LambdaCallback(on_epoch_end=fail))
    assert weights_of(model) == before


@every_method
def test_ctrl_c_leaves_the_last_whole_iteration(method, data, monkeypatch):
    model = line()
    ends, steps = [], []
    step = model.loss_and_gradients

    def interrupted(*args):
        steps.append(None)
        if len(ends) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*args)

    def keep(epoch, logs):
        ends.append(weights_of(model))

    monkeypatch.setattr(model, "loss_and_gradients", interrupted)
    stages = Stages()
    with pytest.raises(KeyboardInterrupt):
        model.fit_scipy(
            *data,
            method=method,
            verbose=0,
            callbacks=[LambdaCallback(on_epoch_end=keep), stages],
        )
    assert weights_of(model) == ends[1]
    assert model.history.epoch == [0, 1]
    assert stages.seen[-1] == ("on_train_end",)


def test_an_error_of_the_loss_leaves_the_weights_as_they_were(data, monkeypatch):
    model = line()
    before, calls = weights_of(model), []
    step = model.loss_and_gradients

    def failing(*args):
        calls.append(None)
        if len(calls) == 4:
            raise MemoryError
        return step(*args)

    monkeypatch.setattr(model, "loss_and_gradients", failing)
    with pytest.raises(MemoryError):
        model.fit_scipy(*data, verbose=0)
    assert weights_of(model) == before


class Wall(losses.Loss):
    """Finite below 1 alone: nothing, infinity or a number too large beyond it."""

    def __init__(self, beyond):
        super().__init__()
        self.beyond = beyond

    def forward(self, y_true, y_pred):
        w = y_pred[:, 0]
        far = abs(w) >= 1
        inside = np.where(far, 0.0, w)
        values = -np.log(1 - inside**2) + 50 * (inside - 0.9) ** 2
        slopes = 2 * inside / (1 - inside**2) + 100 * (inside - 0.9)
        cache = np.where(far, np.nan, slopes)
        return np.where(far, self.beyond, values), cache

    def backward(self, dy, cache):
        return (np.asarray(dy) * cache)[:, None]

    def get_config(self):
        return {"beyond": self.beyond}


@every_method
@pytest.mark.parametrize("beyond", [np.nan, np.inf])
def test_steps_that_go_too_far_are_taken_back(beyond, method):
    model = Sequential(
        [Dense(1, use_bias=False, input_shape=(1,), dtype="float64")], seed=0
    )
    model.set_weights([[[-0.5]]])
    model.compile(loss=Wall(beyond))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of SciPy's own arithmetic
        history = model.fit_scipy([[1.0]], [[0.0]], method=method, verbose=0)
    assert history.result.success

    exact = brentq(lambda w: 2 * w / (1 - w**2) + 100 * (w - 0.9), 0, 0.99)
    assert_allclose(model.get_weights()[0], exact, atol=1e-5)
    assert np.isfinite(history.history["loss"]).all()


def test_a_measurement_that_is_not_finite_ends_it_before(data, monkeypatch):
    model = line()
    measure, points = model.test_on_batch, []

    def spoiled(*args, **options):
        points.append(weights_of(model))
        logs = measure(*args, **options)
        return {**logs, "loss": np.nan} if len(points) == 4 else logs

    monkeypatch.setattr(model, "test_on_batch", spoiled)
    history = model.fit_scipy(*data, verbose=0)
    assert history.result.message == "the loss became nan"
    assert not history.result.success
    assert history.epoch == [0, 1]
    assert weights_of(model) == points[2]


def test_a_warning_made_an_error_leaves_the_weights(data):
    model = line()
    before = weights_of(model)
    with pytest.raises(OptimizeWarning):
        model.fit_scipy(*data, options={"no_such_option": 1}, verbose=0)
    assert weights_of(model) == before


def test_the_callers_arrays_and_options_stay(data):
    options = {"gtol": 1e-3}
    x, y = data[0].copy(), data[1].copy()
    x.flags.writeable = y.flags.writeable = False
    line().fit_scipy(x, y, options=options, verbose=0)
    assert options == {"gtol": 1e-3}
