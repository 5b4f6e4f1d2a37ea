"""How a model is put together: few classes, and one home for what it keeps."""

import copy
import pickle

import numpy as np
import pytest

from localnet import Input, Model, Sequential, layers
from localnet.layers import Dense

DEEPEST = 6


@pytest.mark.parametrize("kind", [Model, Sequential])
def test_few_classes_stand_behind_a_model(kind):
    assert len(kind.__mro__) <= DEEPEST


def test_a_sequential_is_a_model():
    assert isinstance(Sequential(), Model)
    assert not isinstance(Model(x := Input((2,)), x), Sequential)


def test_methods_show_their_arguments_and_say_what_they_do():
    for name in ("compile", "fit", "fit_scipy", "evaluate", "predict", "save"):
        for kind in (Model, Sequential):
            method = getattr(kind, name)
            assert method.__name__ == name
            assert "Parameters\n" in method.__doc__
            assert method.__code__.co_varnames[0] == "self"


def chain():
    model = Sequential([Dense(2, input_shape=(3,)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def graph():
    x = Input((3,))
    model = Model(x, Dense(1)(Dense(2)(x)), seed=0)
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("make", [chain, graph])
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_trains_alone(make, duplicate):
    x, y = np.ones((4, 3)), np.zeros((4, 1))
    model = make()
    model.train_on_batch(x, y)
    twin = duplicate(model)
    before = model.get_weights()
    results = [twin.train_on_batch(x, y) for _ in range(3)]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.optimizer.iterations == 1
    assert results == [model.train_on_batch(x, y) for _ in range(3)]


@pytest.mark.parametrize("make", [chain, graph])
def test_a_shallow_copy_shares_layers_and_compiles_alone(make):
    model = make()
    twin = copy.copy(model)
    twin.compile("sgd", "mae")
    assert twin.layers == model.layers
    assert (model.loss, twin.loss) == ("mse", "mae")
    assert model.optimizer is not twin.optimizer


def test_a_shallow_copy_of_a_stack_grows_alone():
    model = chain()
    twin = copy.copy(model)
    twin.add(Dense(4))
    assert (len(model.layers), len(twin.layers)) == (2, 3)
    assert (model.output_shape, twin.output_shape) == ((None, 1), (None, 4))


@pytest.mark.parametrize("grow", ["model", "twin"])
def test_a_shallow_copy_of_a_chain_notes_names_of_its_own(grow):
    model = chain()._network
    twin = copy.copy(model)
    layer = Dense(4, name="on_top")
    {"model": model, "twin": twin}[grow].add(layer)
    assert model.has_name("on_top") is (grow == "model") is model.holds([layer])
    assert twin.has_name("on_top") is (grow == "twin") is twin.holds([layer])


# Frozen models ---------------------------------------------------------------------

# Which layers are thawed within a frozen model: none, the normalisation, all.
THAWED = [(), (1,), (0, 1, 3)]


@pytest.mark.parametrize("thawed", THAWED)
@pytest.mark.parametrize("unfrozen", [False, True])
def test_a_frozen_model_fixes_what_is_thawed_in_it(thawed, unfrozen):
    base = Sequential(
        [
            layers.LocallyConnected1D(2, 2, input_shape=(6, 1)),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, "tanh"),
        ],
        seed=0,
    )
    base.trainable = False
    for place in thawed:
        base.layers[place].trainable = True
    model = Sequential([base, layers.Dense(1)], seed=1)
    if unfrozen:
        base.trainable = True
    assert len(base.trainable_weights) == 6 * unfrozen
    assert len(model.trainable_weights) == 2 + 6 * unfrozen
    lines = []
    model.summary(print_fn=lines.append)
    count = sum(w.size for w in model.trainable_weights)
    assert any(f"Trainable params: {count} " in line for line in lines)
    model.compile("sgd", "mse")
    before = dict(
        zip([w.name for w in model.weights], model.get_weights(), strict=True)
    )
    x, y = np.arange(24.0).reshape(4, 6, 1) / 24, np.ones((4, 1))
    model.fit(x, y, epochs=2, verbose=0)
    model.train_on_batch(x, y)
    _, gradients = model.loss_and_gradients(x, y)
    assert len(gradients) == 2 + 6 * unfrozen
    moved = {
        name.split("/")[-1].removesuffix(":0")
        for name, value in before.items()
        if not np.array_equal(value, {w.name: w for w in model.weights}[name])
    }
    # A normalisation follows the statistics of its batches by its own flag.
    moving = {"moving_mean", "moving_variance"} if unfrozen or 1 in thawed else set()
    learning = {"kernel", "bias"} | ({"gamma", "beta"} if unfrozen else set())
    assert moved == learning | moving
    head = model.layers[-1].name
    changed = [name for name in before if name.startswith(head)]
    assert len(changed) == 2


def test_a_layer_is_fixed_only_if_every_model_around_it_is_frozen():
    shared = layers.Dense(2)
    one = Sequential([Input((2,)), shared])
    x = Input((2,))
    model = Model(x, layers.add([one(x), shared(x)]))
    one._network.trainable = False  # and not the layer itself
    assert (len(one.trainable_weights), len(model.trainable_weights)) == (0, 2)
    model.trainable = False
    shared.trainable = True
    assert model.trainable_weights == []
