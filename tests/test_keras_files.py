"""Files of Keras: those that tf_keras wrote, and those that it will read."""

import json
import shutil
import warnings
import zipfile

import numpy as np
import pytest
from raising import refuses
from reference import ROOT, load
from unchanged import unchanged

from localnet import (
    Input,
    Model,
    Sequential,
    layers,
    load_model,
    losses,
    metrics,
    optimizers,
)
from localnet.files.keras import legacy_h5
from localnet.layers import Dense, Flatten, LocallyConnected1D, LocallyConnected2D

h5py = pytest.importorskip("h5py")

MODELS, FILES = ROOT / "models", ROOT / "files"
REFERENCE = ("full_model.h5", "old_style_full.h5", "model_v3.keras")
LACKING = ("lacking",)
MADE = sorted(p for p in FILES.glob("*[!z]") if p.stem.split(".")[0] not in LACKING)
WHOLE = [p for p in MADE if p.name.count(".") == 1]


def quietly(path, **options):
    """Load a model; one that localnet cannot train comes with a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the model is not compiled")
        return load_model(path, **options)


def numbers(path):
    with np.load(FILES / f"{path.name.split('.')[0]}.npz") as arrays:
        return dict(arrays)


def assert_predicts(model, x, y):
    np.testing.assert_allclose(model.predict(x, verbose=0), y, rtol=1e-5, atol=1e-5)


def zeroed(model):
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    return model


# What tf_keras wrote -------------------------------------------------------------


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("name", REFERENCE)
def test_reference_models_give_their_outputs(name, isolated):
    if isolated and name != REFERENCE[0]:
        pytest.skip("one is enough")
    data = load(f"models/{name.replace('.', '_')}.npz")
    model = load_model(MODELS / name, isolated=isolated)
    assert_predicts(model, data["x"], data["y"])
    for weight, wanted in zip(model.get_weights(), _listed(data, "w_"), strict=True):
        np.testing.assert_array_equal(weight, wanted)
    if "opt_names" in data:
        iterations, *momenta = _listed(data, "opt_")
        state = model.optimizer.get_state()
        assert state.pop("iterations") == iterations
        for value, wanted in zip(state.values(), momenta, strict=True):
            np.testing.assert_array_equal(value, wanted)


def _listed(data, prefix):
    names = [key for key in data if key.removeprefix(prefix).isdecimal()]
    return [data[f"{prefix}{place}"] for place in range(len(names))]


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("name", ["weights_only.h5", "v3.weights.h5"])
def test_reference_weights_give_their_outputs(name, isolated):
    data = load(f"models/{name.replace('.', '_')}.npz")
    model = Sequential.from_config(data["model_json"]["config"])
    model.load_weights(MODELS / name, isolated=isolated)
    assert_predicts(model, data["x"], data["y"])


@pytest.mark.parametrize("path", WHOLE, ids=lambda p: p.name)
def test_models_of_tf_keras_predict_and_train_on(path):
    data = numbers(path)
    model = quietly(path)
    assert_predicts(model, data["x"], data["y"])
    if "t" not in data or model.optimizer is None:
        return
    if any(isinstance(layer, layers.Dropout) for layer in model.layers):
        return  # the draws are not Keras's
    assert len(model.metrics_names) == len(data["metrics"])
    model.fit(data["x"], data["t"], batch_size=2, epochs=2, shuffle=False, verbose=0)
    assert_predicts(model, data["x"], data["y_later"])
    evaluated = model.evaluate(data["x"], data["t"], verbose=0)
    np.testing.assert_allclose(evaluated, data["evaluated"], 1e-4, 1e-7)


@pytest.mark.parametrize("path", MADE, ids=lambda p: p.name)
def test_weights_in_any_file_are_loaded(path):
    data = numbers(path)
    model = zeroed(quietly(FILES / f"{path.name.split('.')[0]}.h5"))
    model.load_weights(path)
    assert_predicts(model, data["x"], data["y"])


def test_weights_go_into_any_implementation():
    config = quietly(FILES / "first.h5").get_config()
    for entry in config["layers"]:
        if "implementation" in entry["config"]:
            entry["config"]["implementation"] = 1
    model = Sequential.from_config(config)
    model.load_weights(FILES / "first.h5")
    data = numbers(FILES / "first.h5")
    assert_predicts(model, data["x"], data["y"])


def test_an_optimizer_that_localnet_lacks_is_said(tmp_path):
    path = trained_with_lion(tmp_path)
    with pytest.warns(UserWarning, match=r"not compiled.*got 'Custom>Lion'"):
        model = load_model(path)
    assert model.optimizer is None
    with pytest.raises(ValueError, match=r"lion\.h5 must describe a model: optimizer"):
        load_model(path, compile=True)
    load_model(path, compile=False)  # and no warning


def trained_with_lion(folder):
    path = folder / "lion.h5"
    shutil.copyfile(FILES / "adam.h5", path)
    with h5py.File(path, "r+") as file:
        training = file.attrs["training_config"]
        file.attrs["training_config"] = training.replace("Custom>Adam", "Custom>Lion")
    return path


def test_adam_of_a_file_has_its_numbers():
    optimizer = quietly(FILES / "adam.h5").optimizer
    assert type(optimizer) is optimizers.Adam
    assert np.isclose(optimizer.learning_rate, 0.001, rtol=1e-7)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.999)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_all_that_localnet_lacks_is_named_at_once(suffix):
    with pytest.raises(ValueError, match="no counterpart") as caught:
        load_model(FILES / f"lacking{suffix}")
    [message] = caught.value.args
    assert "Lambda 'code'" in message
    for name in ("Conv1D", "'norm'"):
        assert name not in message
    assert "lambda 'more_code'" in message
    assert "'local'" not in message
    assert "'pool'" not in message


# Old configs ---------------------------------------------------------------------


def write_h5(path, config, weights=(), training=None, names=np.bytes_):
    """Write a whole model as Keras 2.0 did: fixed-length texts, plain entries."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = np.bytes_(json.dumps(config))
        if training is not None:
            file.attrs["training_config"] = np.bytes_(json.dumps(training))
        root = file.create_group("model_weights")
        layer_names = [name for name, _ in weights]
        root.attrs["layer_names"] = _texts(layer_names, names)
        for name, arrays in weights:
            group = root.create_group(name)
            keys = [f"{name}/{key}:0" for key in arrays]
            group.attrs["weight_names"] = _texts(keys, names)
            for key, value in zip(keys, arrays.values(), strict=True):
                group.create_dataset(key, data=value)


def _texts(items, kind):
    if kind is str:
        return np.array(items, dtype=h5py.string_dtype())
    return np.array([item.encode() for item in items]) if items else np.zeros(0)


OLD_DENSE = {
    "class_name": "Dense",
    "config": {
        "name": "d",
        "trainable": True,
        "batch_input_shape": [None, 2],
        "units": 1,
        "activation": "linear",
        "kernel_initializer": {
            "class_name": "GlorotUniform",
            "config": {"seed": None, "dtype": "float32"},
        },
    },
}
DENSE_WEIGHTS = [("d", {"kernel": np.array([[1.0], [2.0]]), "bias": np.array([3.0])})]


@pytest.mark.parametrize("names", [np.bytes_, str])
@pytest.mark.parametrize("config", [[OLD_DENSE], {"layers": [OLD_DENSE]}])
def test_configs_of_early_keras(config, names, tmp_path):
    path = tmp_path / "old.h5"
    envelope = {"class_name": "Sequential", "config": config}
    write_h5(path, envelope, DENSE_WEIGHTS, names=names)
    assert_predicts(load_model(path), np.array([[1.0, 1.0]]), [[6.0]])


def test_a_file_means_the_same_whatever_keras_json_says(tmp_path):
    from localnet import config

    flat = {"class_name": "Flatten", "config": {"batch_input_shape": [None, 2, 2, 2]}}
    path = tmp_path / "old.h5"
    write_h5(path, {"class_name": "Sequential", "config": [flat]}, [("flatten", {})])
    before = config.image_data_format()
    config.set_image_data_format("channels_first")
    try:
        model = load_model(path)
    finally:
        config.set_image_data_format(before)
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    assert_predicts(model, x, x.reshape(1, 8))


# Until Keras 2.0.8 the number of updates was a float.
@pytest.mark.parametrize("number", [np.int64, np.float32])
def test_sgd_of_keras_2_2_with_velocities_it_does_not_use(number, tmp_path):
    path = tmp_path / "old.h5"
    config = {"class_name": "Sequential", "config": [OLD_DENSE]}
    training = {
        "loss": "mse",
        "metrics": ["acc"],
        "sample_weight_mode": None,
        "loss_weights": None,
        "optimizer_config": {
            "class_name": "SGD",
            "config": {"lr": 0.5, "momentum": 0.0, "decay": 0.0, "nesterov": False},
        },
    }
    write_h5(path, config, DENSE_WEIGHTS, training)
    with h5py.File(path, "r+") as file:
        group = file.create_group("optimizer_weights")
        arrays = {
            "SGD/iterations:0": number(7),
            "a:0": np.zeros((2, 1)),
            "b:0": [0.0],
        }
        group.attrs["weight_names"] = [key.encode() for key in arrays]
        for key, value in arrays.items():
            group.create_dataset(key, data=value)
    model = load_model(path)
    assert isinstance(model.optimizer, optimizers.LegacySGD)
    assert model.optimizer.iterations == 7
    assert model.metrics_names == ["loss", "acc"]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"class_name": "MeanMetricWrapper", "config": {"fn": "mae"}}, "mae"),
        (
            {
                "class_name": "MeanMetricWrapper",
                "config": {"name": "acc", "fn": "binary_accuracy"},
            },
            "acc",
        ),
        ({"class_name": "KLDivergence", "config": {"name": "k"}}, "k"),
        ([[["mse"]]], "mse"),
        ({"out": "mse"}, "mse"),
    ],
)
def test_metrics_as_keras_writes_them(config, found, tmp_path):
    path = tmp_path / "m.h5"
    training = {
        "loss": {"d": "mae"},
        "metrics": [config] if "class_name" in config else config,
        "optimizer_config": {"class_name": "SGD", "config": {}},
    }
    write_h5(
        path,
        {"class_name": "Sequential", "config": [OLD_DENSE]},
        DENSE_WEIGHTS,
        training,
    )
    assert load_model(path).metrics_names == ["loss", found]


# What localnet writes ------------------------------------------------------------


def small(**options):
    return LocallyConnected2D(2, 2, input_shape=(3, 4, 3), name="b/local", **options)


def trained(optimizer=None, **options):
    model = Sequential(
        [
            small(**options),
            layers.LeakyReLU(0.25),
            Flatten(),
            Dense(2, layers.Softmax(), name="a"),
        ],
        seed=0,
    )
    model.compile(
        optimizer or optimizers.SGD(0.1, momentum=0.5),
        losses.CategoricalCrossentropy(label_smoothing=0.25),
        ["accuracy", "mae"],
    )
    model.fit(*data(), epochs=2, verbose=0, shuffle=False)
    return model


def data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(4, 3, 4, 3)), np.eye(2)[[0, 1, 1, 0]]


@pytest.mark.parametrize("suffix", [".h5", ".keras", ".npz"])
@pytest.mark.parametrize("implementation", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_model_comes_back(suffix, implementation, padding, data_format, tmp_path):
    options = {"padding": padding, "data_format": data_format, "fans": "local"}
    model = trained(implementation=implementation, **options)
    loaded = load_model(model.save(tmp_path / f"m{suffix}"))
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        model.optimizer.get_state().values(),
        loaded.optimizer.get_state().values(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    histories = [
        m.fit(*data(), epochs=2, verbose=0, shuffle=False).history
        for m in (model, loaded)
    ]
    assert histories[0] == histories[1]
    keeps = padding == "valid" or implementation > 1 or suffix == ".npz"
    assert loaded.layers[0].implementation == (implementation if keeps else 3)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".npz", ".hdf5"])
def test_weights_come_back(suffix, tmp_path):
    model = trained(padding="same")
    path = model.save_weights(tmp_path / f"w{suffix}")
    other = zeroed(trained(padding="same"))
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.SGD(0.1),
        optimizers.SGD(0.1, momentum=0.5, use_ema=True),
        optimizers.SGD(optimizers.ExponentialDecay(0.1, 2, 0.5), nesterov=True),
        optimizers.LegacySGD(0.1, momentum=0.5, decay=0.1),
        optimizers.LegacySGD(0.1),
    ],
    ids=["plain", "averages", "schedule", "legacy", "legacy-plain"],
)
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_optimizers_go_on(suffix, optimizer, tmp_path):
    model = trained(type(optimizer).from_config(optimizer.get_config()))
    loaded = load_model(model.save(tmp_path / f"m{suffix}"))
    assert type(loaded.optimizer) is type(model.optimizer)
    for m in (model, loaded):
        m.fit(*data(), epochs=2, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_kernels_are_stored_as_their_implementation_has_them(tmp_path):
    path = trained(implementation=2).save(tmp_path / "m.h5")
    with h5py.File(path) as file:
        assert file["model_weights/b/local/b/local/kernel:0"].ndim == 6
        momentum = file["optimizer_weights/SGD/m/b/local/kernel:0"]
        assert momentum.ndim == 6
    path = trained(padding="same").save(tmp_path / "m.h5")
    with h5py.File(path) as file:
        assert file["model_weights/b/local/b/local/kernel:0"].ndim == 1


def written_metrics(path):
    with h5py.File(path) as file:
        return json.loads(file.attrs["training_config"])["metrics"]


def test_an_accuracy_is_written_as_the_one_that_the_data_have_chosen(tmp_path):
    """Keras would choose by the shape of y_pred alone, which is not that of labels."""
    model = Sequential([Dense(3, activation="softmax", input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["accuracy", "ce"])
    assert written_metrics(model.save(tmp_path / "m.h5")) == ["accuracy", "ce"]
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    for _ in range(2):
        path = model.save(tmp_path / "m.h5")
        [metric] = written_metrics(path)
        assert metric["config"]["name"] == "acc"
        assert metric["config"]["fn"] == "sparse_categorical_accuracy"
        model = load_model(path)
    model.compile("sgd", "mse", metrics=["accuracy"])
    model.fit(np.ones((4, 2)), np.eye(3)[[0, 1, 2, 0]], verbose=0)
    [metric] = written_metrics(model.save(tmp_path / "m.h5"))
    assert metric["config"]["fn"] == "categorical_accuracy"


@pytest.mark.parametrize("suffix", [".h5", ".keras", ".npz"])
def test_metrics_of_several_outputs_keep_their_names(suffix, tmp_path):
    x = Input((3,))
    outputs = [Dense(1, name="a")(x), Dense(1, "sigmoid", name="b")(x)]
    model = Model(x, outputs)
    named = {"a": ["mae"], "b": ["accuracy", metrics.AUC(name="auc")]}
    model.compile("sgd", ["mse", "binary_crossentropy"], metrics=named)
    targets = [np.ones((4, 1)), np.eye(2)[:, :1].repeat(2, 0)]
    model.fit(np.ones((4, 3)), targets, verbose=0)
    loaded = model
    for _ in range(2):
        path = loaded.save(tmp_path / f"m{suffix}")
        if suffix == ".h5":
            first, second = written_metrics(path)
            names = [metric["config"]["name"] for metric in (*first, *second)]
            assert names == ["a_mae", "b_accuracy", "b_auc"]
        loaded = load_model(path)
        loaded.evaluate(np.ones((4, 3)), targets, verbose=0)
        assert loaded.metrics_names == model.metrics_names


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_configs_hold_only_what_keras_knows(suffix, tmp_path):
    path = trained(fans="local", padding="same").save(tmp_path / f"m{suffix}")
    if suffix == ".h5":
        with h5py.File(path) as file:
            config = json.loads(file.attrs["model_config"])
        assert config["config"]["layers"][0].keys() == {"class_name", "config"}
    else:
        config = json.loads(zipfile.ZipFile(path).read("config.json"))
        assert config["compile_config"]["optimizer"]["module"] == "keras.optimizers"
    [local] = [
        entry["config"]
        for entry in config["config"]["layers"]
        if entry["class_name"] == "LocallyConnected2D"
    ]
    assert local["implementation"] == 3
    assert "fans" not in local


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "w.weights.h5", "w.h5"])
def test_what_keras_has_no_counterpart_for(name, tmp_path):
    model = Sequential(
        [
            layers.LocallyConnected3D(1, 2, input_shape=(3, 3, 3, 1), name="cube"),
            layers.Reshape((8, 1)),
            LocallyConnected1D(1, 2, dilation_rate=2, name="holes"),
        ]
    )
    save = model.save if name.startswith("m") else model.save_weights
    with refuses(
        "a file of Keras must hold only what Keras has, got LocallyConnected3D 'cube' "
        "(three spatial axes), LocallyConnected1D 'holes' (dilation); save as .npz"
    ):
        save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_many_long_names_are_cut_into_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(legacy_h5, "ATTRIBUTE_LIMIT", 40)
    model = Sequential([Dense(1, name=f"layer{n}", input_shape=(1,)) for n in range(9)])
    path = model.save_weights(tmp_path / "w.h5")
    with h5py.File(path) as file:
        assert "layer_names" not in file.attrs
        assert list(file.attrs["layer_names0"]) == [b"layer%d" % n for n in range(5)]
        assert list(file.attrs["layer_names1"]) == [b"layer%d" % n for n in range(5, 9)]
    other = zeroed(
        Sequential([Dense(1, name=f"layer{n}", input_shape=(1,)) for n in range(9)])
    )
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_of_layers_may_lie_in_one_another(tmp_path):
    names = ("a", "a/b", "a/b/c")
    model = Sequential([Dense(1, name=name, input_shape=(1,)) for name in names])
    loaded = load_model(model.save(tmp_path / "m.h5"))
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# By name -------------------------------------------------------------------------


def named(*names, units=2):
    return Sequential([Dense(units, name=name, input_shape=(2,)) for name in names])


def test_by_name_leaves_layers_that_are_not_in_the_file(tmp_path):
    path = named("a", "b").save_weights(tmp_path / "w.h5")
    model = named("c", "b")
    before = [layer.get_weights() for layer in model.layers]
    model.load_weights(path, by_name=True)
    np.testing.assert_array_equal(model.layers[0].kernel, before[0][0])
    assert not np.array_equal(model.layers[1].kernel, before[1][0])


def test_mismatch_is_refused_or_skipped_with_a_warning(tmp_path):
    path = named("a", "b", units=3).save_weights(tmp_path / "w.h5")
    model = named("a", "c")
    sentence = (
        f"{path} must fit the model: a: weight kernel must have shape (2, 2), "
        "got (2, 3)"
    )
    with refuses(sentence), unchanged(model):
        model.load_weights(path, by_name=True)
    skips = pytest.warns(UserWarning, match="skipped: a: weight kernel")
    with skips as said, unchanged(model):
        model.load_weights(path, by_name=True, skip_mismatch=True)
    assert said[0].filename == __file__


def test_by_name_needs_names(tmp_path):
    model = named("a")
    path = model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="by_name must be False for a file without"):
        model.load_weights(path, by_name=True)
    with refuses("skip_mismatch must be False where by_name is"):
        model.load_weights(path, skip_mismatch=True)


def test_weights_alone_are_no_model(tmp_path):
    path = named("a").save_weights(tmp_path / "w.h5")
    with refuses(
        f"{path} must hold a model, got weights alone: make the model, and call its "
        "load_weights"
    ):
        load_model(path)


def test_number_of_layers_must_fit(tmp_path):
    path = named("a", "b").save_weights(tmp_path / "w.h5")
    with refuses(
        f"{path} must fit the model: the file must hold weights of 1 layers, c, "
        "holds 2, a, b"
    ):
        named("c").load_weights(path)


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    match = "need h5py: python -m pip install h5py$"
    with pytest.raises(ImportError, match=match):
        load_model(MODELS / "full_model.h5")
    with pytest.raises(ImportError, match=match):
        named("a").save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


def test_a_memory_that_does_not_fit_is_left_out_with_a_warning(tmp_path):
    path = trained().save(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["trainable"] = False
        file.attrs["model_config"] = json.dumps(config)
    with pytest.warns(UserWarning, match="the optimizer starts anew") as caught:
        model = load_model(path)
    assert [w.filename for w in caught] == [__file__]
    assert model.optimizer.iterations == 0
    match = "must remember momentum of 2 weights in 2 arrays, got 4"
    with pytest.raises(ValueError, match=match):
        load_model(path, compile=True)


def test_training_that_is_not_understood_is_said_and_can_be_left_out(tmp_path):
    path = trained().save(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["training_config"] = "{}"
    with pytest.warns(
        UserWarning, match="must be a dict with an optimizer_config"
    ) as w:
        load_model(path)
    assert w[0].filename == __file__
    load_model(path, compile=False)
    zeroed(trained()).load_weights(path)


def test_a_folder_of_tensorflow_is_told_apart(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with refuses(
        f"{tmp_path} must be a file, got a SavedModel of TensorFlow: load it there, "
        "and save it as .h5 or .keras"
    ):
        load_model(tmp_path)


# Names of layers that are paths of HDF5 ------------------------------------------

PATHS = (
    "name of a layer in a .h5 file must be one or more parts with / between them, none "
    "of them empty, '.' or '..', got {!r}"
)
TAKEN = (
    "name of a layer in a .h5 file must not be one that the file has already, got {!r}"
)


@pytest.mark.parametrize("name", [".", "..", "a/", "/a", "a//b", "a/./b", "", "a\0b"])
@pytest.mark.parametrize("save", ["save", "save_weights"])
def test_a_name_that_could_not_be_read_is_not_written(name, save, tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(b"old")
    with refuses(PATHS.format(name)):
        getattr(Sequential([Dense(2, input_shape=(3,), name=name)]), save)(path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    "names",
    [
        ["top_level_model_weights"],
        ["a", "a/a/kernel:0"],
        ["a", "a/a/bias:0/b"],
    ],
)
def test_a_name_that_the_file_has_already_is_not_written(names, tmp_path):
    model = Sequential([Dense(3, input_shape=(3,), name=name) for name in names])
    with refuses(TAKEN.format(names[-1])):
        model.save(tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "ä", "a b", "a.", "...", "a:0", "kernel:0"])
@pytest.mark.parametrize("suffix", [".h5", ".keras", ".npz"])
def test_other_names_come_back(name, suffix, tmp_path):
    names = ["a", name, "z"]
    model = Sequential([Dense(3, input_shape=(3,), name=n) for n in names], seed=1)
    loaded = load_model(model.save(tmp_path / f"m{suffix}"))
    assert [layer.name for layer in loaded.layers] == names
    for got, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
