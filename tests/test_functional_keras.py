"""Functional models beside those of a real tf_keras, and their files."""

import json
import warnings

import numpy as np
import pytest
from reference import ROOT

from localnet import Input, Model, Sequential, layers, load_model, optimizers
from localnet.layers import (
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Dense,
    Flatten,
    LocallyConnected1D,
    LocallyConnected2D,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    TimeDistributed,
)

FOLDER = ROOT / "functional"
pytestmark = pytest.mark.usefixtures("in_float64")


# The models of tests/data/make_functional.py -------------------------------------


def two_inputs():
    a, b = Input((6, 2), name="a"), Input((4,), name="b")
    local = LocallyConnected1D(4, 3, activation="tanh", name="local")(a)
    gate = Dense(4, activation="sigmoid", name="gate")(b)
    gated = Multiply(name="gated")([local, gate])
    flat = Flatten(name="flat")(gated)
    both = Concatenate(name="both")([b, flat, gate])
    end = Dense(2, name="end")(both)
    model = Model({"right": b, "left": a}, end, name="two_inputs")
    model.compile(optimizers.SGD(0.125, momentum=0.5), "mse", ["mae"])
    return model


def shared():
    a, b = Input((7, 2), name="a"), Input((7, 2), name="b")
    local = LocallyConnected1D(
        2,
        3,
        padding="same",
        implementation=3,
        activation="tanh",
        name="local",
        kernel_regularizer={"class_name": "L2", "config": {"l2": 0.0625}},
        activity_regularizer={"class_name": "L2", "config": {"l2": 0.125}},
    )
    difference = Subtract(name="difference")([local(a), local(local(b))])
    end = Dense(3, activation="softmax", name="end")(Flatten()(difference))
    model = Model([a, b], end, name="shared")
    model.compile(optimizers.SGD(0.25), "categorical_crossentropy", ["accuracy"])
    return model


def two_outputs():
    a = Input((6, 1), name="a")
    local = LocallyConnected1D(3, 2, activation="relu", name="local")(a)
    flat = Flatten(name="flat")(local)
    classes = Dense(3, activation="softmax", name="classes")(flat)
    more = Concatenate(name="more")([classes, flat])
    model = Model(a, [classes, Dense(2, name="number")(more)], name="two_outputs")
    model.compile(
        optimizers.SGD(2**-7, momentum=0.5, nesterov=True),
        ["categorical_crossentropy", "mse"],
        {"classes": ["accuracy"], "number": ["mae", "mse"]},
        loss_weights=[0.5, 2.0],
    )
    return model


def nested():
    chain = Sequential(
        [
            LocallyConnected1D(2, 2, input_shape=(5, 2), name="low"),
            Dense(2, activation="tanh", trainable=False, name="frozen"),
            Dense(2, name="high"),
        ],
        name="chain",
    )
    start = Input((4, 2), name="start")
    left = Dense(3, name="left")(start)
    right = Dense(3, activation="tanh", name="right")(start)
    branched = Model(start, Add(name="sum")([left, right]), name="branched")
    a, b = Input((5, 2), name="a"), Input((5, 2), name="b")
    ends = [branched(chain(a)), branched(chain(b))]
    flat = Flatten(name="flat")(Maximum(name="largest")(ends))
    model = Model([a, b], Dense(1, name="result")(flat), name="nested")
    model.compile(optimizers.SGD(2**-8, momentum=0.5), "mse")
    return model


def residual():
    a = Input((4, 3, 2), name="a")
    options = {"padding": "same", "implementation": 3, "activation": "tanh"}
    once = LocallyConnected2D(2, 3, name="once", **options)(a)
    added = Add(name="added")([a, once])
    twice = LocallyConnected2D(2, 3, name="twice", **options)(added)
    again = Add(name="again")([added, twice])
    row = Dense(2, name="row")(Flatten(name="flat")(again))
    mean = Average(name="mean")([again, a, row])
    low = Minimum(name="low")([mean, a])
    end = Dense(2, name="end")(Flatten(name="flat_2")(low))
    model = Model(a, end, name="residual")
    model.compile(optimizers.SGD(2**-9), "mse")
    return model


# And of tests/data/make_steps.py


def each_step():
    low = Sequential(
        [
            LocallyConnected1D(2, 2, implementation=3, input_shape=(5, 2), name="low"),
            BatchNormalization(momentum=0.5, epsilon=2**-10, name="norm"),
            Dense(2, activation="tanh", trainable=False, name="frozen"),
            Flatten(name="flat"),
            Dense(3, name="high"),
        ],
        name="chain",
    )
    a = Input((3, 5, 2), name="a")
    steps = TimeDistributed(low, name="steps")(a)
    inner = Input((3, 4, 1), name="inner")
    local = LocallyConnected1D(2, 3, activation="tanh", name="local")
    fold = TimeDistributed(local, name="each")(inner)
    within = Model(inner, Dense(2, name="row")(Flatten(name="flat")(fold)), "within")
    b = Input((2, 3, 4, 1), name="b")
    outer = TimeDistributed(within, name="outer")(b)
    both = [Flatten(name="flat_a")(steps), Flatten(name="flat_b")(outer)]
    last = Dense(2, name="last")(Concatenate(name="both")(both))
    model = Model([a, b], last, name="each_step")
    model.compile(optimizers.SGD(2**-7, momentum=0.5), "mse", ["mae"])
    return model


def two_steps():
    a, b = Input((4, 1), name="a"), Input((3,), name="b")
    local = LocallyConnected1D(
        2,
        2,
        name="local",
        kernel_regularizer={"class_name": "L2", "config": {"l2": 0.0625}},
        activity_regularizer={"class_name": "L2", "config": {"l2": 0.125}},
    )(a)
    both = Concatenate(name="both")([b, Flatten(name="flat")(local)])
    inner = Model([a, b], Dense(3, activation="softmax", name="end")(both), "inner")
    steps = TimeDistributed(inner, name="steps")
    left, right = Input((2, 4, 1), name="left"), Input((2, 3), name="right")
    once = steps([left, right])
    end = Multiply(name="product")([once, steps([left, once])])
    model = Model([left, right], [end, once], name="two_steps")
    model.compile(optimizers.SGD(2**-6), ["mse", "categorical_crossentropy"])
    return model


ALL = (two_inputs, shared, two_outputs, nested, residual, each_step, two_steps)
BUILDS = {build.__name__: build for build in ALL}
models = pytest.mark.parametrize("name", BUILDS)


class Reference:
    """What tf_keras found; its kernels of implementation 3 in our layout."""

    def __init__(self, name, model):
        with np.load(FOLDER / f"{name}.npz") as arrays:
            self.arrays = dict(arrays)
        self.facts = json.loads(str(self.arrays["facts"]))
        self.xs, self.ys = self.listed("x"), self.listed("y")
        self.weights = self.converted("w", model, trainable=False)

    def listed(self, prefix):
        count = sum(key.removeprefix(prefix).isdecimal() for key in self.arrays)
        return [self.arrays[f"{prefix}{place}"] for place in range(count)]

    def converted(self, prefix, model, *, trainable):
        from localnet.files.weight_shapes import plan_model

        plans = {plan.layer: plan for plan in plan_model(model)}
        owners = [
            (plans[layer], name)
            for layer, name in model._network.weights_in_order()
            if layer.learns(name) or not trainable
        ]
        arrays = self.listed(prefix)
        return [
            plan.convert(name, array, plan.layouts(native=False)[0], "keras1")
            for (plan, name), array in zip(owners, arrays, strict=True)
        ]

    @property
    def data(self):
        x = self.xs if len(self.xs) > 1 else self.xs[0]
        y = self.ys if len(self.ys) > 1 else self.ys[0]
        return x, y


def as_list(value):
    return value if isinstance(value, list) else [value]


def assert_close(got, wanted, tolerance=1e-9):
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.fixture
def pair(name):
    model = BUILDS[name]()
    reference = Reference(name, model)
    model.set_weights(reference.weights)
    return model, reference


@models
def test_names_and_order_are_keras_s(pair):
    model, reference = pair
    facts = reference.facts
    assert model.input_names == facts["input_names"]
    assert model.output_names == facts["output_names"]
    assert model.metrics_names == facts["metrics_names"]
    got = [layer.name for layer in model.layers]
    unnamed = [n if not n.startswith("flatten") else "flatten" for n in got]
    assert unnamed == [
        n if not n.startswith("flatten") else "flatten" for n in facts["layers"]
    ]


@models
def test_outputs_and_gradients(pair):
    model, reference = pair
    x, y = reference.data
    assert_close(as_list(model(x, training=True)), reference.listed("out"))
    loss, gradients = model.loss_and_gradients(x, y)
    np.testing.assert_allclose(loss, reference.arrays["loss"], rtol=1e-9)
    assert_close(gradients, reference.converted("g", model, trainable=True))


@models
def test_training(pair):
    model, reference = pair
    x, y = reference.data
    history = {}
    for _ in range(2):
        run = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        for key, values in run.history.items():
            history.setdefault(key, []).extend(values)
    wanted = reference.facts["history"]
    assert list(history) == list(wanted)
    assert_close(history.values(), wanted.values(), 1e-7)  # metrics in float32
    later = reference.converted("later", model, trainable=False)
    assert_close(model.get_weights(), later)
    evaluated = as_list(model.evaluate(x, y, verbose=0))
    assert_close([evaluated], [reference.facts["evaluated"]], 1e-7)


@models
def test_a_dict_of_inputs_means_the_same(pair):
    model, reference = pair
    x, _ = reference.data
    names = ["left", "right"] if model.name == "two_inputs" else model.input_names
    by_name = dict(zip(names, reference.xs, strict=True))
    assert_close(as_list(model(by_name)), as_list(model(x)), 0)
    assert_close(
        as_list(model.predict(by_name, verbose=0)), as_list(model.predict(x, verbose=0))
    )


# Files ---------------------------------------------------------------------------


@models
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_files_of_keras_predict_and_train_on(pair, suffix):
    _, reference = pair
    pytest.importorskip("h5py")
    x, y = reference.data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(FOLDER / f"{pair[0].name}{suffix}")
    assert_close(as_list(model.predict(x, verbose=0)), reference.listed("saved"))
    assert model.metrics_names == reference.facts["metrics_names"]
    model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    later = reference.converted("later", model, trainable=False)
    assert_close(model.get_weights(), later)


@models
@pytest.mark.parametrize("suffix", [".h5", ".keras", ".weights.h5"])
def test_weights_of_keras_are_loaded(pair, suffix):
    pytest.importorskip("h5py")
    model, reference = pair
    model.load_weights(FOLDER / f"{model.name}{suffix}")
    x, _ = reference.data
    assert_close(as_list(model.predict(x, verbose=0)), reference.listed("saved"))


@models
@pytest.mark.parametrize("suffix", [".h5", ".keras", ".npz"])
def test_a_model_comes_back(pair, suffix, tmp_path):
    pytest.importorskip("h5py")
    model, reference = pair
    x, y = reference.data
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    loaded = load_model(model.save(tmp_path / f"m{suffix}"))
    for m in (model, loaded):
        m.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [x.name for x in loaded.layers] == [x.name for x in model.layers]
    assert loaded.metrics_names == model.metrics_names


@models
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".npz"])
def test_weights_come_back(pair, suffix, tmp_path):
    pytest.importorskip("h5py")
    model, _ = pair
    weights = model.get_weights()
    path = model.save_weights(tmp_path / f"w{suffix}")
    model.set_weights([np.zeros_like(w) for w in weights])
    model.load_weights(path)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


@models
def test_a_config_makes_an_equal_model(pair):
    model, reference = pair
    x, _ = reference.data
    again = Model.from_config(json.loads(model.to_json())["config"])
    again.set_weights(model.get_weights())
    assert_close(as_list(again(x)), as_list(model(x)), 0)
    assert json.loads(again.to_json()) == json.loads(model.to_json())


# Merge layers --------------------------------------------------------------------

with np.load(FOLDER / "merge.npz") as _arrays:
    MERGED = dict(_arrays)
CASES = list(enumerate(json.loads(str(MERGED["cases"]))))


@pytest.mark.parametrize(("number", "case"), CASES, ids=lambda c: str(c)[:30])
def test_merge_layers_and_ties(number, case):
    layer = getattr(layers, case["name"])(**case["options"])
    xs = [MERGED[f"c{number}_x{i}"] for i in range(case["inputs"])]
    y = layer(xs)
    np.testing.assert_array_equal(y, MERGED[f"c{number}_y"])
    dxs = layer.backward(MERGED[f"c{number}_dy"])
    assert_close(dxs, [MERGED[f"c{number}_dx{i}"] for i in range(len(xs))], 1e-14)
    shapes = [(None, *x.shape[1:]) for x in xs]
    assert layer.compute_output_shape(shapes) == tuple(case["shape"])
