"""How a model is put together: few classes, and one home for what it keeps."""

import copy
import pickle

import numpy as np
import pytest

from localnet import Input, Model, Sequential
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
