"""What one call must not do to another: to a training, a model, or a file to come."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from unchanged import unchanged

from localnet import Sequential, load_model, optimizers
from localnet.__main__ import main
from localnet.callbacks import LambdaCallback
from localnet.cli import train
from localnet.layers import Dense, Dropout
from localnet.reproduce import lecun1989, mnist1d

X, Y = np.eye(4), np.ones((4, 1))


def noisy():
    model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


class Refused(Exception):
    """What a call fails with."""


def failing_call(model, kind, meanwhile):
    """Fail in the middle of a call, after something else has happened."""

    def fail(*_):
        raise Refused

    stage = {"predict": "on_predict", "evaluate": "on_test"}[kind]
    callback = LambdaCallback()
    setattr(callback, f"{stage}_begin", meanwhile)
    setattr(callback, f"{stage}_batch_begin", fail)
    data = (X,) if kind == "predict" else (X, Y)
    with pytest.raises(Refused):
        getattr(model, kind)(*data, verbose=0, callbacks=callback)


@pytest.mark.parametrize("kind", ["predict", "evaluate"])
def test_a_call_that_fails_takes_no_step_of_a_training_back(kind):
    expected, model = noisy(), noisy()
    for _ in range(3):
        expected.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    failing_call(model, kind, lambda *_: model.train_on_batch(X, Y))
    model.train_on_batch(X, Y)
    for value, same in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(value, same)


def test_a_step_that_fails_draws_nothing():
    model = noisy()
    with unchanged(model), pytest.raises(ValueError, match="y must"):
        model.train_on_batch(X, np.ones((3, 1)))
    with unchanged(model), np.errstate(all="raise"):
        model.predict(X)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, ZeroDivisionError])
def test_a_model_stays_compiled_as_it_was_where_an_optimizer_fails(error):
    class Failing(optimizers.SGD):
        def get_config(self):
            raise error("no")

    model = noisy()
    model.train_on_batch(X, Y)
    with unchanged(model), pytest.raises(error):
        model.compile(Failing(), "mae", metrics=["mse"])
    model.train_on_batch(X, Y)


# The user's keras.json -----------------------------------------------------------


@pytest.fixture
def channels_first():
    path = Path(os.environ["KERAS_HOME"]) / "keras.json"
    path.write_text(json.dumps({"image_data_format": "channels_first"}))
    yield
    path.unlink()


@pytest.mark.usefixtures("channels_first")
def test_own_networks_are_what_they_are_whatever_keras_json_says():
    model = train._digits_network(0, 10)
    assert model.layers[0].data_format == "channels_last"
    assert model.output_shape == (None, 10)
    for number in range(1, 6):
        net = getattr(lecun1989, f"_net_{number}")(0)
        assert net.output_shape == (None, 10)
    for layer in (mnist1d.LocallyConnected1D, mnist1d.Conv1D):
        net = mnist1d._windowed(layer, 2, 0)
        assert net.output_shape == (None, 10)
        assert net.predict(np.ones((1, mnist1d.LENGTH, 1))).shape == (1, 10)


# Whoever reads may be gone -------------------------------------------------------


def test_digits_are_saved_before_the_first_word_about_them(tmp_path, monkeypatch):
    path = tmp_path / "digits.npz"

    def gone(*_):
        assert path.exists()
        raise BrokenPipeError

    monkeypatch.setattr(train, "_say", gone)
    code = main(["train", "digits", "--epochs=1", "--quiet", f"--save={path}"])
    assert code in (0, 141)
    assert load_model(path).count_params() > 0
