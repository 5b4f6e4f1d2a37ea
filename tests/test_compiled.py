"""What `compile` decides for the steps after it, against tf_keras."""

import copy
import json
import pickle
from pathlib import Path

import compiling
import numpy as np
import pytest

import localnet
from localnet import Sequential, load_model, losses, metrics, optimizers
from localnet.callbacks import LambdaCallback
from localnet.layers import BatchNormalization, Dense

FOUND = json.loads(
    (Path(__file__).parent / "data" / "keras" / "compiled.json").read_text("utf-8")
)["weights"]


@pytest.mark.parametrize("name", FOUND)
def test_weights_end_where_those_of_keras_do(name):
    ours = compiling.SCENES[name](localnet)
    assert len(ours) == len(FOUND[name])
    for weight, expected in zip(ours, FOUND[name], strict=True):
        np.testing.assert_allclose(weight, expected, rtol=2e-5, atol=2e-6)


def test_every_scene_is_in_the_file():
    assert FOUND.keys() == compiling.SCENES.keys()


X, Y = compiling.X, compiling.Y


def made(optimizer="sgd"):
    model = Sequential([Dense(3, input_shape=(4,)), Dense(2)], seed=0)
    model.compile(optimizer, "mse")
    return model


def changes(model, train):
    before = model.get_weights()
    train(model)
    now = model.get_weights()
    return [not np.array_equal(a, b) for a, b in zip(before, now, strict=True)]


def one_step(model):
    model.train_on_batch(X, Y)


@pytest.mark.parametrize(
    "train",
    [
        one_step,
        lambda model: model.fit(X, Y, verbose=0),
        lambda model: model.fit_scipy(X, Y, verbose=0, max_iterations=2),
    ],
    ids=["train_on_batch", "fit", "fit_scipy"],
)
def test_flags_come_back_as_they_were(train):
    model = made()
    model.layers[0].trainable = False
    assert changes(model, train) == [True] * 4
    assert [layer.trainable for layer in model.layers] == [False, True]
    model.compile("sgd", "mse")
    model.layers[0].trainable = True
    assert changes(model, train) == [False, False, True, True]
    assert [layer.trainable for layer in model.layers] == [True, True]


def test_flags_come_back_after_an_error():
    model = made()
    model.layers[0].trainable = False
    with pytest.raises(ValueError, match="y must"):
        model.train_on_batch(X, None)
    with pytest.raises(ValueError, match="shape"):
        model.train_on_batch(X, Y[:, :1, None, None])
    assert not model.layers[0].trainable


def test_gradients_are_those_of_the_next_step():
    model = made()
    model.layers[0].trainable = False
    assert len(model.loss_and_gradients(X, Y)[1]) == 4
    model.compile("sgd", "mse")
    model.layers[0].trainable = True
    assert len(model.loss_and_gradients(X, Y)[1]) == 2


def test_a_summary_shows_the_flags_of_the_moment(capsys):
    model = made()
    model.layers[0].trainable = False
    model.summary()
    assert "Non-trainable params: 15 (60.00 Byte)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_keep_what_compile_saw(duplicate):
    model = made()
    model.layers[0].trainable = False
    again = duplicate(model)
    assert changes(again, one_step) == [True] * 4
    model = made()
    one_step(model)
    again = duplicate(model)
    again.add(Dense(2))
    assert changes(again, one_step) == [True] * 4 + [False] * 2


@pytest.mark.parametrize("suffix", ["npz", "h5", "keras"])
def test_a_loaded_model_was_compiled_with_the_flags_in_its_file(suffix, tmp_path):
    model = made()
    model.layers[0].trainable = False
    loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
    assert changes(loaded, one_step) == [False, False, True, True]
    assert changes(model, one_step) == [True] * 4


def test_a_callback_that_freezes_changes_nothing_in_this_fit():
    model = made()
    freeze = localnet.callbacks.LambdaCallback(
        on_batch_begin=lambda batch, logs: setattr(model.layers[0], "trainable", False)
    )
    before = model.layers[0].get_weights()
    model.fit(X, Y, batch_size=4, callbacks=freeze, verbose=0)
    twin = made()
    twin.fit(X, Y, batch_size=4, verbose=0)
    assert not np.array_equal(before[0], model.layers[0].kernel)


def test_a_frozen_normalisation_within_time_distributed_is_held_too():
    layer = localnet.layers.TimeDistributed(BatchNormalization())
    model = Sequential([layer, Dense(2)])
    model.build((None, 3, 4))
    model.compile("sgd", "mse")
    layer.trainable = False
    x = np.random.default_rng(0).normal(size=(8, 3, 4))
    moved = changes(model, lambda m: m.train_on_batch(x, x[..., :2]))
    assert moved == [True] * 6
    assert not layer.trainable
    assert not layer.layer.trainable


# One optimizer in two models -----------------------------------------------------

REFUSED = "optimizer must be one that no other model was trained with, got "


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "AdamW", "Nadam"])
@pytest.mark.parametrize(
    "train",
    [one_step, lambda model: model.fit(X, Y, verbose=0)],
    ids=["train_on_batch", "fit"],
)
def test_a_second_model_is_refused(name, train):
    optimizer = getattr(optimizers, name)()
    one, other = made(optimizer), made(optimizer)
    train(one)
    state = optimizer.get_state()
    before = other.get_weights()
    with pytest.raises(ValueError, match=REFUSED + name):
        train(other)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for key, value in optimizer.get_state().items():
        np.testing.assert_array_equal(value, state[key])
    train(one)


def test_an_optimizer_goes_on_in_the_same_model_and_around_its_weights():
    optimizer = optimizers.Adam(0.1)
    model = made(optimizer)
    one_step(model)
    model.compile(optimizer, "mae")
    one_step(model)
    around = localnet.Model(model.input, model.output)
    around.compile(optimizer, "mse")
    one_step(around)
    assert optimizer.iterations == 3


def test_an_optimizer_that_made_no_step_belongs_to_nobody():
    optimizer = optimizers.Adam()
    one, other = made(optimizer), made(optimizer)
    one_step(other)
    with pytest.raises(ValueError, match=REFUSED):
        one_step(one)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_a_copy_of_a_model_goes_on_with_its_copy_of_the_optimizer(duplicate):
    model = made(optimizers.Adam(0.1))
    one_step(model)
    again = duplicate(model)
    one_step(model)
    one_step(again)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_legacy_optimizer_keeps_a_memory_for_each_model():
    optimizer = optimizers.LegacyAdam(0.1)
    one, other = made(optimizer), made(optimizer)
    alone = made(optimizers.LegacyAdam(0.1))
    one_step(one)
    one_step(alone)
    first = optimizer.get_state()
    one_step(other)
    assert optimizer.iterations == 2
    one_step(one)
    assert optimizer.iterations == 3
    m = optimizer.get_state()["m_0"]
    assert not np.array_equal(m, first["m_0"])


def test_a_file_holds_the_memory_of_its_own_model(tmp_path):
    optimizer = optimizers.LegacyAdam(0.1)
    one, other = made(optimizer), made(optimizer)
    one_step(one)
    memory = optimizer.get_state()["m_0"]
    other.train_on_batch(X * 2, Y)
    loaded = load_model(one.save(tmp_path / "one.npz"))
    np.testing.assert_array_equal(loaded.optimizer.get_state()["m_0"], memory)
    assert loaded.optimizer.iterations == 2


def test_a_file_holds_no_memory_of_another_model(tmp_path):
    optimizer = optimizers.Adam(0.1)
    one, other = made(optimizer), made(optimizer)
    one_step(one)
    with pytest.warns(UserWarning, match="memory of the optimizer is left out"):
        path = other.save(tmp_path / "other.npz")
    assert load_model(path).optimizer.iterations == 0


def test_averages_are_taken_for_what_compile_saw_whatever_a_callback_freezes():
    models = [made(optimizers.SGD(0.1, use_ema=True)) for _ in range(2)]

    def freeze(epoch, logs):
        models[1].layers[0].trainable = False

    models[0].fit(X, Y, epochs=2, verbose=0)
    callback = LambdaCallback(on_epoch_end=freeze)
    models[1].fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def classifier(**compiled):
    dense = Dense(2, activation="softmax", input_shape=(4,))
    model = Sequential([dense], seed=0)
    model.compile("sgd", "categorical_crossentropy", **compiled)
    return model


LABELS = np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]]


def test_objects_without_a_name_are_numbered():
    areas = [metrics.AUC(), metrics.AUC(curve="PR"), metrics.AUC(name="own")]
    model = classifier(metrics=areas)
    log = model.fit(X, LABELS, verbose=0).history
    assert [*log] == ["loss", "auc", "auc_1", "own"]
    assert [metric.name for metric in model.metrics] == [*log]
    assert [metric.result() for metric in model.metrics] == [v[0] for v in log.values()]
    for metric in model.metrics:
        metric.reset_states()
    assert model.metrics[0].result() == 0
    with pytest.raises(ValueError, match="must have names of their own"):
        classifier(metrics=[metrics.AUC(name="a"), metrics.AUC(name="a")])


@pytest.mark.parametrize("name", ["ce", "crossentropy"])
def test_a_crossentropy_that_the_shapes_choose(name, tmp_path):
    model = classifier(metrics=[name])
    log = model.evaluate(X, LABELS, verbose=0, return_dict=True)
    assert [*log] == ["loss", name]
    np.testing.assert_allclose(log[name], log["loss"])
    again = load_model(model.save(tmp_path / "model.h5"))
    assert again.evaluate(X, LABELS, verbose=0, return_dict=True) == log
    sparse = classifier(metrics=[name])
    sparse.set_weights(model.get_weights())
    sparse.compile("sgd", "sparse_categorical_crossentropy", metrics=[name])
    found = sparse.evaluate(X, LABELS.argmax(axis=1), verbose=0, return_dict=True)
    np.testing.assert_allclose(found[name], log[name])


@pytest.mark.parametrize("reduction", ["auto", "sum"])
def test_one_value_of_a_batch_is_spread_over_weighted_samples(reduction):
    def one(t, p):
        return np.mean((t - p) ** 2)

    loss = losses.Differentiated(one)
    loss.reduction = reduction
    weights = np.array([1.0, 0.0, 3.0, 2.0])
    p = np.array([[1.0], [2.0], [3.0], [4.0]])
    spread = weights.mean() if reduction == "auto" else weights.sum()
    value, gradient = loss.value_and_gradient(np.zeros((4, 1)), p, weights)
    np.testing.assert_allclose(value, 7.5 * spread)
    np.testing.assert_allclose(gradient, 0.5 * p * spread, rtol=1e-8)
