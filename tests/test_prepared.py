"""A prepared step is equal to the unprepared one, to the bit, whatever the model is."""

import copy
import gc
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localnet import (
    Input,
    Model,
    Sequential,
    config,
    layers,
    optimizers,
    regularizers,
)
from localnet.callbacks import LambdaCallback
from localnet.models.program import Program
from localnet.training.batches import Data
from localnet.training.trainer import Trainer

OPTIMIZERS = [
    name
    for name in optimizers.__all__
    if isinstance(getattr(optimizers, name), type)
    and issubclass(getattr(optimizers, name), optimizers.Optimizer)
    and name not in ("Optimizer", "Legacy")
]


@pytest.fixture
def unprepared(monkeypatch):
    """Return a function that calls another one with nothing prepared."""

    def run(function, *args):
        with monkeypatch.context() as patch:
            patch.setattr(Program, "prepared", lambda *args: None)
            patch.setattr(Trainer, "kept", lambda self, xs, *, training: self.ready(xs))
            patch.setattr(
                optimizers.Optimizer, "update_again", optimizers.Optimizer.update
            )
            patch.setattr(Data, "plain", classmethod(lambda *args: None))
            return function(*args)

    return run


def bits(value):
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    array = np.asarray(value)
    return array.dtype.str, array.shape, array.tobytes()


rules = st.sampled_from([None, "l1", "l2", "l1_l2"])
bounds = st.sampled_from([None, None, "max_norm", "non_neg", "unit_norm"])
activations = st.sampled_from([None, "relu", "tanh", "sigmoid", "softmax", "elu"])


@st.composite
def stacks(draw):
    """Draw what makes equal layers again and again; input (N, 6, ..., 3)."""
    rank = draw(st.sampled_from([1, 1, 2]))
    kinds = st.sampled_from(
        [
            *("local", "conv", "dense", "norm", "dropout", "noise", "relu", "leaky"),
            *("pool", "within", "prelu", "repeat", "depthwise", "tiles"),
        ]
    )
    chosen = []
    for kind in draw(st.lists(kinds, max_size=4)):
        common = {
            "trainable": draw(st.integers(0, 3)) > 0,
            "dtype": draw(st.sampled_from(["float32", "float32", "float64"])),
            "activity_regularizer": draw(st.sampled_from([None, None, "l2"])),
        }
        weighty = {
            "activation": draw(activations),
            "use_bias": draw(st.booleans()),
            "kernel_regularizer": draw(rules),
            "bias_regularizer": draw(rules),
            "kernel_constraint": draw(bounds),
        }
        chosen.append((kind, common, weighty))
    last = {
        "activation": draw(st.sampled_from([None, "softmax", "sigmoid"])),
        "kernel_regularizer": draw(rules),
    }
    return rank, chosen, last


def make_layer(rank, kind, common, weighty):
    of_rank = {
        name: getattr(layers, f"{name}{rank}D")
        for name in ("LocallyConnected", "Conv", "MaxPooling", "UpSampling")
    }
    local, conv, pooling, repeating = of_rank.values()
    makers = {
        "local": lambda: local(3, 2, **common, **weighty),
        "tiles": lambda: local(3, 1, **common, **weighty),
        "conv": lambda: conv(3, 3, padding="same", **common, **weighty),
        "depthwise": lambda: conv(3, 2, padding="same", groups=3, **common, **weighty),
        "dense": lambda: layers.Dense(3, **common, **weighty),
        "norm": lambda: layers.BatchNormalization(momentum=0.5, **common),
        "dropout": lambda: layers.Dropout(0.3, **common),
        "noise": lambda: layers.GaussianNoise(0.1, **common),
        "relu": lambda: layers.Activation("relu", **common),
        "leaky": lambda: layers.LeakyReLU(**common),
        "pool": lambda: pooling(2, 1, "same", **common),
        "within": lambda: layers.TimeDistributed(layers.Dense(3, **common, **weighty)),
        "prelu": lambda: layers.PReLU(**common),
        "repeat": lambda: repeating(1, **common),
    }
    return makers[kind]()


def make_chain(stack):
    rank, chosen, last = stack
    model = Sequential(
        [make_layer(rank, *item) for item in chosen]
        + [layers.Flatten(), layers.Dense(2, **last)],
        seed=0,
    )
    model.build((None, *(6,) * rank, 3))
    return model


def make_graph(stack):
    """Two inputs, two outputs, and the drawn layers shared by two branches."""
    rank, chosen, last = stack
    a, b = Input((*(6,) * rank, 3)), Input((*(6,) * rank, 3))
    one, other = a, b
    for item in chosen:
        layer = make_layer(rank, *item)
        one, other = layer(one), layer(other)
    top = layers.Dense(2, **last)
    outputs = [top(layers.Flatten()(one)), top(layers.Flatten()(other))]
    return Model([a, b], [outputs[0], layers.add(outputs)], seed=0)


clips = st.sampled_from(
    [{}, {}, {"clipnorm": 0.1}, {"clipvalue": 0.01}, {"global_clipnorm": 0.1}]
)


@settings(max_examples=20, deadline=None)
@given(
    stack=stacks(),
    several=st.booleans(),
    name=st.sampled_from(OPTIMIZERS),
    clip=clips,
    weighted=st.booleans(),
    sizes=st.lists(st.sampled_from([1, 4, 7]), min_size=2, max_size=4),
    dtype=st.sampled_from(["float32", "float64", "int64"]),
    loss=st.sampled_from(["mse", "categorical_crossentropy", "binary_crossentropy"]),
    threads=st.permutations([1, 2]),
)
def test_prepared_and_unprepared_steps_are_equal_to_the_bit(
    stack, several, name, clip, weighted, sizes, dtype, loss, threads
):
    def trained():
        model = make_graph(stack) if several else make_chain(stack)
        model.compile(getattr(optimizers, name)(0.01, **clip), loss, metrics=["mae"])
        rng = np.random.default_rng(0)
        found = []
        for number, size in enumerate(sizes):
            config.set_num_threads(threads[number % 2])
            x = (rng.normal(size=(size, *(6,) * stack[0], 3)) * 3).astype(dtype)
            y = rng.integers(0, 2, (size, 2)).astype(np.float64)
            weight = rng.uniform(size=size) if weighted else None
            data = [x, x[::-1]] if several else x
            found.append(model.train_on_batch(data, y, weight))
            found.append(model.test_on_batch(data, y, weight))
            found.append(model.predict_on_batch(data))
            found.append(model(data))
        history = model.fit(data, y, batch_size=3, epochs=2, verbose=0, seed=0)
        found += [
            list(history.history.values()),
            model.evaluate(data, y, batch_size=2, verbose=0),
        ]
        found += [model.predict(data, batch_size=2, verbose=0), model.get_weights()]
        return bits([*found, model.optimizer.get_state()])

    with pytest.MonkeyPatch.context() as patch:
        prepared = trained()
        patch.setattr(Program, "prepared", lambda *args: None)
        patch.setattr(Trainer, "kept", lambda self, xs, *, training: self.ready(xs))
        again = optimizers.Optimizer.update
        patch.setattr(optimizers.Optimizer, "update_again", again)
        patch.setattr(Data, "plain", classmethod(lambda *args: None))
        threads.reverse()
        assert trained() == prepared


X = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)


def small(optimizer="adam"):
    stack = [layers.Dense(3, "relu", input_shape=(4,)), layers.Dense(2)]
    model = Sequential(stack, seed=0)
    model.compile(optimizer, "mse")
    return model


def warm(optimizer="adam"):
    model = small(optimizer)
    for _ in range(3):
        model.train_on_batch(X, Y)
        model.predict_on_batch(X)
    return model


def compiled_anew(model):
    model.compile("sgd", "mae")


def weights_set(model):
    model.set_weights([weight * 2 for weight in model.get_weights()])


def arrays_replaced(model):
    layer = model.layers[0]
    layer.params["kernel"] = layer.params["kernel"] * 2


def layer_added(model):
    model.add(layers.Dense(2))
    model.compile("sgd", "mse")


def layer_frozen(model):
    model.layers[0].trainable = False
    model.compile("sgd", "mse")


def built_again(model):
    model.layers[0].build((None, 4))


def regularized(model):
    model.layers[1].activity_regularizer = regularizers.L2(1.0)


def penalised(model):
    rules = model.layers[0]._held.rules
    rules["kernel"] = rules["kernel"]._replace(regularizer=regularizers.L2(0.1))


def activated(model):
    model.layers[0].activation = "tanh"


def engine_set(model):
    config.set_engine("einsum")


def learning_rate_set(model):
    model.optimizer.learning_rate = 0.5


def memory_set(model):
    state = model.optimizer.get_state()
    model.optimizer.set_state({key: value * 2 for key, value in state.items()})


CHANGES = [
    compiled_anew,
    weights_set,
    arrays_replaced,
    layer_added,
    layer_frozen,
    built_again,
    activated,
    engine_set,
    learning_rate_set,
    memory_set,
    regularized,
    penalised,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_between_two_steps_is_honoured(change, unprepared):
    def trained():
        model = warm()
        engine = config.get_engine()
        try:
            change(model)
            found = [model.train_on_batch(X, Y) for _ in range(3)]
            found += [model.predict_on_batch(X), model.evaluate(X, Y, verbose=0)]
        finally:
            config.set_engine(engine)
        return bits([*found, model.get_weights(), model.optimizer.get_state()])

    assert trained() == unprepared(trained)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_stay_live_and_the_same_arrays(name):
    model = small(getattr(optimizers, name)())
    held = [value for layer in model.layers for value in layer.params.values()]
    for _ in range(3):
        before = model.get_weights()
        model.train_on_batch(X, Y)
        for array, former, now in zip(held, before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(array, now)
            assert not np.array_equal(former, now) or not now.any()
    now = [value for layer in model.layers for value in layer.params.values()]
    assert all(a is b for a, b in zip(held, now, strict=True))


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
@pytest.mark.parametrize("name", ["SGD", "Adam", "LegacyAdam"])
def test_copies_go_on_as_the_original_does(duplicate, name):
    model = warm(getattr(optimizers, name)())
    again = duplicate(model)
    assert again._trainer._prepared == {}
    before = again.get_weights()
    results = [model.train_on_batch(X, Y) for _ in range(3)]
    for a, b in zip(before, again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert results == [again.train_on_batch(X, Y) for _ in range(3)]


class Stop(Exception):
    pass


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("moment", ["loss", "gradient"])
def test_an_error_in_the_middle_leaves_no_trace(error, moment):
    def loss(y_true, y_pred):
        if moment in fails:
            raise error
        return np.mean((y_true - y_pred) ** 2, axis=-1)

    def gradient(y_true, y_pred):
        if "gradient" in fails:
            raise error
        return 2 * (y_pred - y_true) / y_pred.shape[-1]

    loss.gradient = gradient
    fails = set()

    def made():
        stack = [layers.Dropout(0.5, input_shape=(4,)), layers.Dense(2)]
        model = Sequential(stack, seed=0)
        model.compile("adam", loss)
        return model

    model, whole = made(), made()
    for _ in range(3):
        model.train_on_batch(X, Y)
        whole.train_on_batch(X, Y)
    fails.add(moment)
    with pytest.raises(error):
        model.train_on_batch(X, Y)
    fails.clear()
    for _ in range(3):
        assert model.train_on_batch(X, Y) == whole.train_on_batch(X, Y)
    assert bits(model.get_weights()) == bits(whole.get_weights())


def test_a_batch_that_does_not_fit_is_refused_after_warm_steps():
    model = warm()
    before = model.get_weights()
    for x, y in ((X[:, :3], Y), (X, Y[:5]), (X[:0], Y[:0]), (X * 1j, Y), (X, None)):
        with pytest.raises(ValueError, match="must"):
            model.train_on_batch(x, y)
    assert bits(before) == bits(model.get_weights())


def test_errors_of_a_layer_name_it_after_warm_steps():
    model = warm()
    layer = model.layers[1]
    layer.compute = lambda x, **_: 1
    with pytest.raises(ValueError, match=f"^{layer.name}: compute must return"):
        model.train_on_batch(X, Y)


def test_results_are_the_caller_s():
    model = warm()
    first = model.predict_on_batch(X)
    kept = first.copy()
    model.predict_on_batch(X * 2)
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(first, kept)


def test_kinds_of_batches_are_not_kept_without_end():
    model = small()
    for size in range(1, 100):
        model.predict_on_batch(np.ones((size, 4), np.float32))
    assert len(model._trainer._prepared) <= 16


def test_ten_thousand_steps_hold_nothing():
    model = warm()
    gc.collect()
    objects = len(gc.get_objects())
    for _ in range(10_000):
        model.train_on_batch(X, Y)
    tracemalloc.start()
    try:
        for _ in range(200):
            model.train_on_batch(X, Y)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4096
    assert len(gc.get_objects()) < objects + 50


def test_a_callback_may_train_another_kind_of_batch_in_between():
    def trained(model):
        callback = LambdaCallback(
            on_train_batch_end=lambda batch, logs: model.train_on_batch(X[:3], Y[:3])
        )
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=callback, seed=0)
        return bits(model.get_weights())

    assert trained(small()) == trained(warm_again())


def warm_again():
    """Return a model like a new one, all of whose steps are prepared."""
    model = small()
    weights, state = model.get_weights(), {"iterations": 0}
    for size in (8, 4, 3):
        for _ in range(2):
            model.train_on_batch(X[:size], Y[:size])
    model.set_weights(weights)
    model.optimizer.set_state(state)
    return model
