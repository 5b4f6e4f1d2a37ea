"""Configs of functional models: what Keras writes, and what strangers do."""

import contextlib
import copy
import json
import tracemalloc

import numpy as np
import pytest

from localnet import Input, Model, Sequential, layers, load_model
from localnet.files import native
from localnet.files.keras import configs
from localnet.files.keras.wiring import wired
from localnet.files.model_weights import plan_config
from localnet.layers import Dense, LocallyConnected1D

h5py = pytest.importorskip("h5py")


def small():
    a, b = Input((4, 2), name="a"), Input((4, 2), name="b")
    shared = LocallyConnected1D(2, 2, name="s")
    inner = Sequential([Dense(2, name="d", input_shape=(3, 2))], name="inner")
    return Model(
        [a, b], layers.add([inner(shared(a)), shared(b)], name="sum"), name="m", seed=0
    )


def entry(config, name):
    return next(e for e in config["layers"] if e["name"] == name)


def test_the_config_is_keras_s():
    config = json.loads(json.dumps(small().get_config()))
    assert config["input_layers"] == [["a", 0, 0], ["b", 0, 0]]
    assert config["output_layers"] == [["sum", 0, 0]]
    assert entry(config, "s")["inbound_nodes"] == [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    # The making of a model is its first call.
    assert entry(config, "sum")["inbound_nodes"] == [
        [["inner", 1, 0, {}], ["s", 1, 0, {}]]
    ]


def test_configs_without_names_beside_them_and_with_bare_places():
    config = small().get_config()
    for part in config["layers"]:
        del part["name"]
        part["inbound_nodes"] = [
            node[0] if len(node) == 1 else node for node in part["inbound_nodes"]
        ]
    assert Model.from_config(config).count_params() == small().count_params()


def remove(name):
    def change(config):
        config["layers"] = [e for e in config["layers"] if e["name"] != name]

    return change


def twice(name):
    def change(config):
        config["layers"].append(copy.deepcopy(entry(config, name)))

    return change


def nodes(name, value):
    def change(config):
        entry(config, name)["inbound_nodes"] = value

    return change


def port(key, value):
    def change(config):
        config[key] = value

    return change


def lonely(config):
    config["layers"].append(
        {
            "class_name": "Dense",
            "config": {"name": "lonely", "units": 2},
            "name": "lonely",
            "inbound_nodes": [[["a", 0, 0, {}]]],
        }
    )


PLACE = "must be [layer, call, output]"
ATTACKS = {
    "missing-layer": (
        remove("s"),
        "must come from layers of the model, got 's'",
    ),
    "missing-input": (
        remove("b"),
        "must come from layers of the model, got 'b'",
    ),
    "two-of-a-name": (twice("s"), "layers must have names of their own, got 's' twice"),
    "itself": (nodes("s", [[["s", 0, 0, {}]]]), "must be called before|wait for"),
    "circle": (
        nodes("s", [[["sum", 0, 0, {}]], [["b", 0, 0, {}]]]),
        "layers must not wait for one another",
    ),
    "late-call": (nodes("s", [[["a", 7, 0, {}]]] * 2), "must be called before what"),
    "negative": (nodes("s", [[["a", -1, 0, {}]]] * 2), "must be called before what"),
    "huge-number": (nodes("s", [[["a", 10**30, 0, {}]]] * 2), "must be called before"),
    "no-number": (
        nodes("s", [[["a", 0.5, 0, {}]]] * 2),
        PLACE,
    ),
    "boolean": (
        nodes("s", [[["a", False, 0, {}]]] * 2),
        PLACE,
    ),
    "no-output": (nodes("s", [[["a", 0, 3, {}]]] * 2), "'a' must have an output 3"),
    "no-place": (nodes("s", [[["a", 0]]] * 2), PLACE),
    "no-list": (nodes("s", "x"), "inbound_nodes of 's' must be a list"),
    "text": (nodes("s", [["a"]]), PLACE),
    "number": (nodes("s", [3]), PLACE),
    "keras-3": (nodes("s", [{"args": [{}], "kwargs": {}}]), "called on something"),
    "none": (nodes("s", []), "'s' must be called"),
    "empty": (nodes("s", [[]]), "'s' must be called on something"),
    "called-input": (nodes("a", [[["b", 0, 0, {}]]]), "inbound_nodes of the input 'a'"),
    "arguments": (
        nodes("s", [[["a", 0, 0, {"mask": [1]}]]] * 2),
        "must have no arguments but training, got 'mask'",
    ),
    "no-arguments": (
        nodes("s", [[["a", 0, 0, 3]]] * 2),
        "have a dict of arguments",
    ),
    "too-many": (nodes("s", [[["a", 0, 0, {}], ["b", 0, 0, {}]]] * 2), "one handle"),
    "too-few": (nodes("inner", [[["a", 0, 0, {}], ["b", 0, 0, {}]]]), "one"),
    "constant": (
        nodes("s", [[["_CONSTANT_VALUE", -1, 3, {}]]] * 2),
        "come from layers",
    ),
    "no-inputs": (port("input_layers", []), "input_layers must be a list"),
    "no-outputs": (port("output_layers", None), "output_layers must be a list"),
    "other-input": (port("input_layers", [["s", 0, 0]]), "must name an InputLayer"),
    "one-input": (port("input_layers", [["a", 0, 0]]), "input_layers must hold"),
    "input-twice": (
        port("input_layers", [["a", 0, 0], ["b", 0, 0], ["a", 0, 0]]),
        "inputs must be different",
    ),
    "lonely": (lonely, "'lonely' must lead to an output"),
    "no-layers": (port("layers", 3), "list of layers"),
    "wrong-layer": (port("layers", [3]), "a layer must have a class_name"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_wiring_of_strangers_is_refused(attack, tmp_path):
    change, reason = ATTACKS[attack]
    path = small().save(tmp_path / "m.npz")
    config, arrays = native.read(path)
    change(config["config"])
    native.write(path, config, arrays)
    with pytest.raises(ValueError, match="must") as caught:
        load_model(path)
    [message] = caught.value.args
    assert message.startswith(f"{path} must describe a model: ")
    assert any(part in message for part in reason.split("|")), message


def nest(depth, calls, units=1):
    """Return the config of models within models, each called several times."""
    inner = {"class_name": "Dense", "config": {"name": "x", "units": units}}
    for level in range(depth):
        first = 0 if level == 0 else 1
        name = inner["config"]["name"]
        chain = [["a", 0, 0, {}]]
        inbound = []
        for number in range(calls):
            inbound.append(chain)
            chain = [[name, first + number, 0, {}]]
        start = {"batch_input_shape": [None, units], "name": "a"}
        config = {
            "name": f"m{level}",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": start,
                    "name": "a",
                    "inbound_nodes": [],
                },
                {**inner, "name": name, "inbound_nodes": inbound},
            ],
            "input_layers": [["a", 0, 0]],
            "output_layers": [[name, first + calls - 1, 0]],
        }
        inner = {"class_name": "Functional", "config": config}
    return inner


def test_nesting_that_is_small_is_read():
    model = Model.from_config(nest(3, 2)["config"])
    assert len(model.program.steps) == 8
    assert model.count_params() == 2
    [plan] = plan_config(nest(3, 2))
    assert (plan.path, plan.key) == (
        "m1/m0/x",
        "functional/layers/functional/layers/dense",
    )


def test_nesting_that_multiplies_calls_is_refused():
    for make in (lambda c: Model.from_config(c["config"]), plan_config):
        with pytest.raises(ValueError, match="at most 20000 calls of layers"):
            make(nest(12, 10))


def test_no_memory_is_taken_for_what_the_file_does_not_hold(tmp_path):
    path = small().save(tmp_path / "m.npz")
    config, arrays = native.read(path)
    large = copy.deepcopy(config)
    entry(large["config"], "s")["config"]["filters"] = 10**9
    entry(large["config"], "inner")["config"]["layers"][-1]["config"]["units"] = 10**9
    native.write(path, large, arrays)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="must fit into the file"):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_many_calls_are_put_in_order_in_linear_time():
    count = 20_000
    layers_ = [
        {"class_name": "InputLayer", "name": "a", "inbound_nodes": [], "config": {}},
        {
            "class_name": "Dense",
            "name": "d",
            "config": {},
            "inbound_nodes": [[["a", 0, 0, {}]]]
            + [[["d", place, 0, {}]] for place in range(count)],
        },
    ]
    config = {
        "layers": layers_,
        "input_layers": [["a", 0, 0]],
        "output_layers": [["d", count, 0]],
    }
    assert len(wired(config).calls) == count + 1


def test_all_that_is_lacking_is_named_in_models_within(tmp_path):
    path = small().save(tmp_path / "m.npz")
    config, arrays = native.read(path)
    entry(config["config"], "inner")["config"]["layers"][-1]["class_name"] = "Foo"
    entry(config["config"], "sum")["class_name"] = "Bar"
    native.write(path, config, arrays)
    with pytest.raises(ValueError, match=r"no counterpart for Foo 'd' .*; Bar 'sum'"):
        load_model(path)


def test_a_layer_that_keras_lacks_is_named_in_models_within(tmp_path):
    inner = Sequential(
        [layers.LocallyConnected3D(1, 1, input_shape=(2, 2, 2, 1), name="l")], name="i"
    )
    a = Input((2, 2, 2, 1), name="a")
    model = Model(a, inner(a))
    with pytest.raises(
        ValueError, match=r"LocallyConnected3D 'l' \(three spatial axes"
    ):
        model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.npz")


def test_layers_of_one_name_in_two_models(tmp_path):
    a = Input((2,), name="a")
    first = Sequential([Dense(2, name="d", input_shape=(2,))], name="i")
    second = Sequential(
        [
            Dense(2, name="d", input_shape=(2,)),
            Sequential([Dense(2, name="d")], name="j"),
        ],
        name="k",
    )
    model = Model(a, Dense(2, name="d")(second(first(a))), seed=0)
    assert list(model.leaves) == ["i/d", "k/d", "k/j/d", "d"]
    model.compile("sgd", "mse")
    x = np.ones((3, 2))
    model.fit(x, x, verbose=0)
    for suffix in (".npz", ".keras"):
        loaded = load_model(model.save(tmp_path / f"m{suffix}"))
        np.testing.assert_array_equal(loaded(x), model(x))
    with pytest.raises(ValueError, match=r"names of their own for \.h5, got 'd' twice"):
        model.save(tmp_path / "m.h5")


def test_a_layer_in_two_models_cannot_be_saved(tmp_path):
    shared = Dense(2, name="d")
    start = Input((2,), name="start")
    inner = Model(start, shared(start), name="inner")
    a = Input((2,), name="a")
    model = Model(a, shared(inner(a)), seed=0)
    assert model.count_params() == 6
    for suffix in (".npz", ".h5", ".keras"):
        with pytest.raises(ValueError, match="must lie in one model to be saved"):
            model.save(tmp_path / f"m{suffix}")
    assert not list(tmp_path.iterdir())


def test_frozen_layers_in_a_model_come_last_in_legacy_files(tmp_path):
    inner = Sequential(
        [Dense(3, name="f", trainable=False, input_shape=(2,)), Dense(2, name="g")],
        name="inner",
    )
    a = Input((2,), name="a")
    model = Model(a, inner(a), seed=0)
    path = model.save(tmp_path / "m.h5")
    with h5py.File(path) as file:
        names = file["model_weights/inner"].attrs["weight_names"].astype(str).tolist()
    assert names == ["g/kernel:0", "g/bias:0", "f/kernel:0", "f/bias:0"]
    x = np.ones((1, 2))
    np.testing.assert_array_equal(load_model(path)(x), model(x))
    other = Model.from_config(model.get_config())
    other.load_weights(path, by_name=True)
    np.testing.assert_array_equal(other(x), model(x))


def test_links_that_make_circles_end(tmp_path):
    path = small().save_weights(tmp_path / "w.weights.h5")
    with h5py.File(path, "r+") as file:
        for name in ("again", "more"):
            file["layers"].create_group(name).create_group("vars")
            file[f"layers/{name}/layers"] = file["layers"]
    with pytest.raises(ValueError, match=r"w\.weights\.h5 must"):
        small().load_weights(path)


def test_the_upgraded_config_keeps_wiring_and_models_within():
    config = small().get_config()
    envelope = configs.for_h5({"class_name": "Functional", "config": config})
    again = configs.upgraded(json.loads(json.dumps(envelope)))
    assert again["class_name"] == "Functional"
    inner = entry(again["config"], "inner")
    assert inner["inbound_nodes"] == [[["s", 0, 0, {}]]]
    assert inner["config"]["layers"][-1]["class_name"] == "Dense"
    assert Model.from_config(again["config"]).count_params() == small().count_params()


def test_names_with_slashes_keep_paths_apart(tmp_path):
    a = Input((3,), name="a")
    inner = Sequential([Dense(2, name="y", input_shape=(3,))], name="x")
    model = Model(a, Dense(2, name="x/y")(inner(a)), seed=0)
    assert list(model.leaves) == ["x/y", "x/y_"]
    model.compile("adam", "mse")
    x = np.ones((2, 3))
    model.fit(x, np.ones((2, 2)), verbose=0)
    for suffix in (".npz", ".h5", ".keras"):
        loaded = load_model(model.save(tmp_path / f"m{suffix}"))
        np.testing.assert_array_equal(loaded(x), model(x))
        for m in (loaded, again := copy.deepcopy(model)):
            m.fit(x, np.ones((2, 2)), verbose=0)
        np.testing.assert_array_equal(loaded(x), again(x))


def test_a_call_of_another_size_is_refused_before_memory_is_taken(tmp_path):
    chain = {"name": "c", "layers": [dense_entry("d", 10**5)]}
    config = {
        "name": "m",
        "layers": [
            input_entry("a", 2),
            input_entry("b", 10**6),
            {
                "class_name": "Sequential",
                "config": chain,
                "name": "c",
                "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]],
            },
            {
                "class_name": "Add",
                "config": {"name": "s"},
                "name": "s",
                "inbound_nodes": [[["c", 1, 0, {}], ["c", 0, 0, {}]]],
            },
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["s", 0, 0]],
    }
    path = tmp_path / "m.npz"
    arrays = {
        "weights/0000": np.zeros((2, 10**5), np.float32),
        "weights/0001": np.zeros(10**5, np.float32),
    }
    native.write(path, {"class_name": "Functional", "config": config}, arrays)
    with pytest.raises(ValueError, match="must have the same weights in all calls"):
        load_model(path)


def dense_entry(name, units):
    return {"class_name": "Dense", "config": {"name": name, "units": units}}


def input_entry(name, size):
    config = {"batch_input_shape": [None, size], "name": name}
    return {
        "class_name": "InputLayer",
        "config": config,
        "name": name,
        "inbound_nodes": [],
    }


@pytest.mark.parametrize("first", ["a", "b"])
def test_the_largest_call_of_a_convolution_is_planned_for(first, tmp_path):
    other = {"a": "b", "b": "a"}[first]
    conv = {"name": "c", "filters": 1, "kernel_size": [3], "padding": "same"}
    inputs = [input_entry("a", 5), input_entry("b", 10**11)]
    for entry_ in inputs:
        entry_["config"]["batch_input_shape"].append(1)
    pool = {"class_name": "GlobalMaxPooling1D", "config": {"name": "p"}, "name": "p"}
    calls = [[["c", 0, 0, {}]], [["c", 1, 0, {}]]]
    config = {
        "name": "m",
        "layers": [
            *inputs,
            {
                "class_name": "Conv1D",
                "config": conv,
                "name": "c",
                "inbound_nodes": [[[first, 0, 0, {}]], [[other, 0, 0, {}]]],
            },
            {**pool, "inbound_nodes": calls},
            {
                "class_name": "Add",
                "config": {"name": "s"},
                "name": "s",
                "inbound_nodes": [[["p", 0, 0, {}], ["p", 1, 0, {}]]],
            },
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["s", 0, 0]],
    }
    path = tmp_path / "m.npz"
    arrays = {
        "weights/0000": np.zeros((3, 1, 1), np.float32),
        "weights/0001": np.zeros(1, np.float32),
    }
    native.write(path, {"class_name": "Functional", "config": config}, arrays)
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
