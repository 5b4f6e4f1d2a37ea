"""Whole trainings against tf_keras: losses, gradients, weights and histories."""

import numpy as np
import pytest
import reference

from localnet import Sequential, layers, optimizers
from localnet.callbacks import Callback

TRACES = sorted(path.stem for path in reference.ROOT.glob("trace_*.npz"))
EXACT = {"rtol": 1e-9, "atol": 1e-9}


class BatchLogs(Callback):
    """Keep what Keras hands to on_train_batch_end: running means of the epoch."""

    def __init__(self):
        super().__init__()
        self.running = []

    def on_epoch_begin(self, epoch, logs=None):
        self.running.append([])

    def on_train_batch_end(self, batch, logs=None):
        self.running[-1].append(logs["loss"])


def make_layer(entry):
    kwargs = {**entry["kwargs"], "dtype": "float64"}
    if "layer" in kwargs:
        kwargs["layer"] = make_layer(kwargs["layer"])
    return getattr(layers, entry["class_name"])(**kwargs)


def make_model(trace):
    settings = trace["config"]
    model = Sequential([make_layer(entry) for entry in settings["layers"]])
    model.build((None, *settings["input_shape"]))
    optimizer = dict(settings["optimizer"])
    cls = getattr(optimizers, optimizer.pop("class_name"))
    model.compile(cls(**optimizer), settings["loss"], metrics=settings["metrics"])
    model.set_weights(weights(trace, "w_init"))
    return model


def weights(trace, stage):
    places = range(len(trace["config"]["weight_names"]))
    found = [trace[f"{stage}_{i}"] for i in places if f"{stage}_{i}" in trace]
    # Only gradients may be fewer: statistics of the data have none.
    assert len(found) == len(places) or (stage == "grad0" and found)
    return found


def assert_all_close(actual, expected):
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, **EXACT)


@pytest.mark.parametrize("name", TRACES)
def test_first_batch(name):
    trace = reference.load(f"{name}.npz")
    model = make_model(trace)
    size = trace["config"]["batch_size"]
    x, y = trace["x"][:size], trace["y"][:size]

    loss, gradients = model.loss_and_gradients(x, y)
    np.testing.assert_allclose(loss, trace["batch_loss"][0, 0], **EXACT)
    assert_all_close(gradients, weights(trace, "grad0"))
    assert_all_close(model.get_weights(), weights(trace, "w_init"))

    result = model.train_on_batch(x, y, return_dict=True)
    np.testing.assert_allclose(result["loss"], trace["batch_loss"][0, 0], **EXACT)
    assert_all_close(model.get_weights(), weights(trace, "w_after1"))


@pytest.mark.parametrize("name", TRACES)
def test_each_batch_loss(name):
    trace = reference.load(f"{name}.npz")
    model = make_model(trace)
    size = trace["config"]["batch_size"]
    for epoch in trace["batch_loss"]:
        for number, expected in enumerate(epoch):
            batch = slice(number * size, (number + 1) * size)
            result = model.train_on_batch(
                trace["x"][batch], trace["y"][batch], return_dict=True
            )
            np.testing.assert_allclose(result["loss"], expected, **EXACT)
    assert_all_close(model.get_weights(), weights(trace, "w_final"))


@pytest.mark.parametrize("name", TRACES)
def test_fit_evaluate_predict(name):
    trace = reference.load(f"{name}.npz")
    settings = trace["config"]
    model = make_model(trace)
    names = settings["metrics_names"]
    assert model.metrics_names == names
    before = model.evaluate(trace["x"], trace["y"], verbose=0, return_dict=True)
    np.testing.assert_allclose(
        [before[name] for name in names], trace["evaluate_before"], **EXACT
    )
    batch_logs = BatchLogs()
    validation = (trace["x_val"], trace["y_val"]) if "x_val" in trace else None
    history = model.fit(
        trace["x"],
        trace["y"],
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        shuffle=settings["shuffle"],
        validation_data=validation,
        callbacks=[batch_logs],
        verbose=0,
    )
    np.testing.assert_allclose(batch_logs.running, trace["batch_loss_running"], **EXACT)
    expected = {
        key.removeprefix("history_"): values
        for key, values in trace.items()
        if key.startswith("history_")
    }
    assert set(history.history) == set(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(history.history[key], values, **EXACT)
    assert_all_close(model.get_weights(), weights(trace, "w_final"))
    after = model.evaluate(trace["x"], trace["y"], verbose=0, return_dict=True)
    np.testing.assert_allclose(
        [after[name] for name in names], trace["evaluate_after"], **EXACT
    )
    np.testing.assert_allclose(
        model.predict(trace["x"], verbose=0), trace["predict_after"], **EXACT
    )
