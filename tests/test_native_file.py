"""localnet's own file: whole round trips, and nothing half-read or half-written."""

import errno
import functools
import json
import os
import pickle
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from raising import refuses
from unchanged import model_state, unchanged

from localnet import (
    Sequential,
    __version__,
    initializers,
    layers,
    load_model,
    losses,
    optimizers,
)
from localnet.callbacks import ModelCheckpoint
from localnet.files import formats, native
from localnet.files.safe import atomic
from localnet.layers import Dense, Dropout, Flatten, LocallyConnected1D

VERSIONS = sorted((Path(__file__).parent / "data" / "native").glob("*[0-9].npz"))
RNG = np.random.default_rng(5)
X = RNG.normal(size=(10, 5, 2))
Y = np.arange(10) % 3
OPTIMIZERS = {
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "averages": lambda: optimizers.SGD(
        0.1, momentum=0.5, use_ema=True, ema_overwrite_frequency=3, weight_decay=0.01
    ),
    "schedule": lambda: optimizers.SGD(optimizers.ExponentialDecay(0.1, 3, 0.5)),
    "legacy": lambda: optimizers.LegacySGD(0.1, momentum=0.5, decay=0.1, clipnorm=1.0),
    **{cls.__name__: cls for cls in optimizers.PRESENT},
    **{cls.__name__: cls for cls in optimizers.LEGACY.values()},
    "amsgrad": lambda: optimizers.Adam(amsgrad=True, adaptive_epsilon=True),
    "cosine": lambda: optimizers.RMSprop(optimizers.CosineDecay(0.1, 9), centered=True),
    "steps": lambda: optimizers.Nadam(
        optimizers.PiecewiseConstantDecay([2, 7], [0.1, 0.05, 0.01])
    ),
}


def make(optimizer="sgd", **kwargs):
    model = Sequential(
        [
            LocallyConnected1D(
                2,
                2,
                activation="tanh",
                padding="same",
                kernel_regularizer="l2",
                input_shape=(5, 2),
            ),
            Flatten(),
            Dense(3, "softmax", kernel_constraint="max_norm"),
        ],
        name="m",
        seed=0,
    )
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        **{"metrics": ["acc"], "loss_weights": 2.0, **kwargs},
    )
    return model


def assert_same_weights(a, b):
    assert len(a.get_weights()) == len(b.get_weights()) > 0
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


# Round trips ---------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_saved_half_way_goes_on_bit_for_bit(optimizer, tmp_path):
    how = {"shuffle": False, "batch_size": 4, "verbose": 0}
    whole, half = make(optimizer()), make(optimizer())
    for model in (whole, half):
        model.fit(X, Y, epochs=2, **how)
    at_once = whole.fit(X, Y, initial_epoch=2, epochs=4, **how).history
    path = half.save(tmp_path / "half")
    loaded = load_model(path)
    with unchanged(half):
        rest = loaded.fit(X, Y, initial_epoch=2, epochs=4, **how).history
    assert_same_weights(loaded, whole)
    assert at_once == rest
    ours, theirs = loaded.optimizer.get_state(), whole.optimizer.get_state()
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key])
    assert loaded.optimizer.get_config() == whole.optimizer.get_config()


def test_four_epochs_are_two_and_two_with_a_file_between(tmp_path):
    how = {"shuffle": False, "batch_size": 4, "verbose": 0}
    whole, half = (make(optimizers.SGD(0.1, momentum=0.9)) for _ in range(2))
    at_once = whole.fit(X, Y, epochs=4, **how).history
    half.fit(X, Y, epochs=2, **how)
    loaded = load_model(half.save(tmp_path / "half"))
    rest = loaded.fit(X, Y, initial_epoch=2, epochs=4, **how).history
    assert_same_weights(loaded, whole)
    assert {key: values[2:] for key, values in at_once.items()} == rest


def test_loaded_model_predicts_and_evaluates_as_the_saved_one(tmp_path):
    model = make(
        weighted_metrics=["mse"], metrics=["acc", "sparse_categorical_accuracy"]
    )
    model.fit(X, Y, verbose=0)
    loaded = load_model(model.save(tmp_path / "m.npz"))
    assert loaded.name == "m"
    assert loaded.metrics_names == model.metrics_names
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert loaded.get_config() == model.get_config()


def test_saving_changes_nothing(tmp_path):
    model = make()
    model.fit(X, Y, verbose=0)
    with unchanged(model):
        model.save(tmp_path / "a")
        model.save_weights(tmp_path / "b")


def test_model_without_compile(tmp_path):
    model = Sequential([Dense(2, input_shape=(3,))])
    loaded = load_model(model.save(tmp_path / "m"))
    assert loaded.optimizer is None
    assert_same_weights(loaded, model)


def test_compile_false_leaves_the_training_out(tmp_path):
    path = make().save(tmp_path / "m")
    assert load_model(path, compile=False).optimizer is None


def test_model_built_by_its_data(tmp_path):
    model = Sequential([Dense(2), Dense(3)])
    model(np.ones((1, 4)))
    loaded = load_model(model.save(tmp_path / "m"))
    assert loaded.input_shape == (None, 4)
    assert_same_weights(loaded, model)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_type_and_odd_values_of_weights_are_kept(dtype, tmp_path):
    model = Sequential([Dense(2, dtype=dtype, input_shape=(2,))])
    model.set_weights([[[np.nan, -np.inf], [-0.0, 1e-7]], [1, 2]])
    loaded = load_model(model.save(tmp_path / "m"))
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_weights_alone(tmp_path):
    model, other = make(), make()
    model.fit(X, Y, verbose=0)
    path = model.save_weights(tmp_path / "w")
    other.load_weights(path)
    assert_same_weights(model, other)
    other = make()
    other.load_weights(model.save(tmp_path / "m"))
    assert_same_weights(model, other)


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    path = Sequential([Dense(2, input_shape=(3,))]).save_weights(tmp_path / "w")
    model = make()
    with (
        refuses(
            f"{path} must fit the model: weights must be a list of 4 arrays, got 2"
        ),
        unchanged(model),
    ):
        model.load_weights(path)


# Objects of the user's own -------------------------------------------------------


def sevens(shape, dtype=None):
    return np.full(shape, 7.0)


def skewed(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 3, axis=-1)


skewed.gradient = lambda y_true, y_pred: 3 * (y_pred - y_true) ** 2 / y_pred.shape[-1]


def furthest(y_true, y_pred):
    return np.abs(y_pred - y_true).max(axis=-1)


def square_forward(x):
    return x**2, x


def square_backward(dy, x):
    return 2 * x * dy


class Half(layers.Layer):
    def compute(self, x, *, training, rng):
        return x / 2, None

    def gradients(self, dz, cache):
        return dz / 2, {}


class Scale(layers.Layer):
    """A weight of the user's own, which only building tells."""

    def build(self, input_shape):
        self.params["scale"] = np.full(input_shape[1:], 3.0, self.dtype)

    def compute(self, x, *, training, rng):
        return x * self.params["scale"], x

    def gradients(self, dz, x):
        return dz * self.params["scale"], {"scale": (dz * x).sum(axis=0)}


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
def test_layers_of_ones_own_keep_their_weights(suffix, tmp_path):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    model = Sequential([Dense(2, input_shape=(3,)), Scale(name="s"), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.zeros((4, 1)), verbose=0)
    path = model.save(tmp_path / f"m{suffix}")
    loaded = load_model(path, custom_objects={"Scale": Scale})
    assert_same_weights(model, loaded)
    loaded.load_weights(path)
    assert_same_weights(model, loaded)


CUSTOM = {
    "sevens": sevens,
    "skewed": skewed,
    "furthest": furthest,
    "square": (square_forward, square_backward),
    "Half": Half,
}


def custom_model():
    square = (square_forward, square_backward)
    model = Sequential([Dense(2, square, kernel_initializer=sevens), Half(name="half")])
    model.compile("sgd", skewed, [furthest])
    model.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    return model


def test_custom_objects(tmp_path):
    model, x, y = custom_model(), np.ones((4, 3)), np.zeros((4, 2))
    loaded = load_model(model.save(tmp_path / "m"), custom_objects=CUSTOM)
    assert loaded.metrics_names == ["loss", "furthest"]
    a, b = (m.fit(x, y, shuffle=False, verbose=0).history for m in (model, loaded))
    assert a == b
    assert_same_weights(model, loaded)


@pytest.mark.parametrize("missing", CUSTOM)
def test_custom_object_that_is_not_given(missing, tmp_path):
    path = custom_model().save(tmp_path / "m")
    known = {name: thing for name, thing in CUSTOM.items() if name != missing}
    with pytest.raises(ValueError, match=f"(got '|for ){missing}\\b") as caught:
        load_model(path, custom_objects=known)
    assert str(caught.value).startswith(f"{path} must describe a model: ")


class Unready:
    """An initializer whose config JSON cannot hold."""

    def __call__(self, shape, dtype=None):
        return np.zeros(shape)

    def get_config(self):
        return {"values": {1, 2}}


def threes(*arguments):
    return np.full(3, 3.0)


class Nameless:
    def __call__(self, *arguments):
        return threes()


# Each may be a metric, an initializer of three biases or a constraint.
NAMELESS = {
    "lambda": lambda *arguments: threes(),
    "partial": functools.partial(threes),
    "object": Nameless(),
}


@pytest.mark.parametrize("thing", NAMELESS.values(), ids=NAMELESS)
@pytest.mark.parametrize("kind", ["metric", "initializer", "constraint"])
def test_what_could_not_be_found_again_is_not_saved(kind, thing, tmp_path):
    option = {} if kind == "metric" else {f"bias_{kind}": thing}
    model = Sequential([Dense(3, input_dim=2, **option)])
    model.compile("sgd", "mse", [thing] if kind == "metric" else None)
    with refuses(f"{kind} must have a name or get_config to be saved, got {thing!r}"):
        model.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_loss_without_a_name_is_not_saved(tmp_path):
    loss = functools.partial(skewed)
    loss.gradient = skewed.gradient
    model = Sequential([Dense(2, input_dim=3)])
    model.compile("sgd", loss)
    with refuses(f"loss must have a name or get_config to be saved, got {loss!r}"):
        model.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            lambda: Sequential([Dense(2, kernel_initializer=Unready(), input_dim=3)]),
            "config must be ready for JSON: "
            "Object of type set is not JSON serializable",
        ),
        (
            lambda: make(optimizers.SGD(lambda step: 0.1)),
            None,
        ),
        (
            lambda: Sequential(
                [Dense(2, (lambda x: (x, x), square_backward), input_shape=(3,))]
            ),
            None,
        ),
    ],
    ids=["initializer", "schedule", "activation"],
)
@pytest.mark.parametrize("old", [None, b"old"], ids=["new-file", "old-file"])
def test_what_cannot_be_described_is_refused_and_leaves_no_file(
    model, sentence, old, tmp_path
):
    path = tmp_path / "m.npz"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(ValueError, match="must") as caught:
        model().save(path)
    [message] = caught.value.args
    assert sentence in (None, message)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([old] if old else [])


def test_array_of_a_constant_can_be_described(tmp_path):
    constant = initializers.Constant(np.array([[1.0], [2.0]]))
    model = Sequential([Dense(1, kernel_initializer=constant, input_shape=(2,))])
    loaded = load_model(model.save(tmp_path / "m"))
    loaded.layers[0].build((None, 2))
    assert_same_weights(loaded, model)


# Names of files ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("m", "m.npz"),
        ("m.npz", "m.npz"),
        ("M.NPZ", "M.NPZ"),
        ("w.01-0.50", "w.01-0.50.npz"),
        ("run.7", "run.7.npz"),
        ("model v1.2", "model v1.2.npz"),
        ("w.ckpt", "w.ckpt.npz"),
    ],
)
@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_suffix(given, written, method, tmp_path):
    path = getattr(make(), method)(str(tmp_path / given))
    assert path == tmp_path / written
    assert [p.name for p in tmp_path.iterdir()] == [written]


MODELS = ".npz, .h5, .hdf5, .keras to hold a model"
WEIGHTS = ".npz, .weights.h5, .h5, .hdf5 to hold weights"


@pytest.mark.parametrize(
    ("name", "method", "rule"),
    [
        ("w.json", "save", MODELS),
        ("m.pkl", "save", MODELS),
        ("m.WEIGHTS.h5", "save", MODELS),
        ("w.json", "save_weights", WEIGHTS),
        ("m.keras", "save_weights", WEIGHTS),
    ],
)
def test_suffix_of_another_format(name, method, rule, tmp_path):
    path = tmp_path / name
    with refuses(f"path must end in one of {rule}, got {str(path)!r}"):
        getattr(make(), method)(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (None, "path must be a str or path-like, got None"),
        (3, "path must be a str or path-like, got 3"),
        (b"m", "path must be a str or path-like, got b'm'"),
        ("", "path must name a file, got ''"),
        (Path(), "path must name a file, got '.'"),
        ("..", "path must name a file, got '..'"),
        ("new/", "path must name a file, got 'new/'"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_what_names_no_file(path, sentence, method, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refuses(sentence):
        getattr(make(), method)(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 3, b"m"], ids=repr)
@pytest.mark.parametrize("method", ["load_model", "load_weights"])
def test_what_is_no_path_cannot_be_read(path, method):
    read = load_model if method == "load_model" else make().load_weights
    with refuses(f"path must be a str or path-like, got {path!r}"):
        read(path)


@pytest.mark.parametrize(("taken", "given"), [("m", "m"), ("m.npz", "m")])
def test_folder_of_the_name(taken, given, tmp_path):
    (tmp_path / taken).mkdir()
    with refuses(f"path must be a regular file, got {str(tmp_path / taken)!r}"):
        make().save(tmp_path / given)
    assert [p.name for p in tmp_path.rglob("*")] == [taken]


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
@pytest.mark.parametrize("given", ["pipe", "pipe.npz"])
def test_what_is_not_a_regular_file(given, tmp_path):
    os.mkfifo(tmp_path / given)
    with refuses(f"path must be a regular file, got {str(tmp_path / given)!r}"):
        make().save(tmp_path / given)
    assert stat.S_ISFIFO((tmp_path / given).stat().st_mode)


def test_file_that_bears_the_name_without_the_suffix_stays(tmp_path):
    (tmp_path / "m").write_bytes(b"other")
    assert make().save(tmp_path / "m") == tmp_path / "m.npz"
    assert (tmp_path / "m").read_bytes() == b"other"


@pytest.mark.parametrize("name", ["m", "run.7", "cp-0001.ckpt", "best.npz", "M.NPZ"])
@pytest.mark.parametrize("isolated", [False, True])
def test_a_file_is_found_by_the_path_that_it_was_saved_under(
    name, isolated, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    model, other = make(), make()
    other.set_weights([w + 1 for w in other.get_weights()])
    path = f"./{name}" if name.lower().endswith("npz") else f"./new/{name}"
    model.save_weights(path)
    other.load_weights(path, isolated=isolated)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    model.save(Path(path))
    loaded = load_model(Path(path), isolated=isolated)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("weights_only", [False, True])
def test_a_checkpoint_is_found_by_its_filepath(weights_only, tmp_path):
    path = tmp_path / "d" / "best"
    checkpoint = ModelCheckpoint(path, "loss", save_weights_only=weights_only)
    model, other = make(), make()
    other.set_weights([w + 1 for w in other.get_weights()])
    model.fit(X, Y, callbacks=checkpoint, verbose=0)
    if weights_only:
        other.load_weights(path)
    else:
        other = load_model(path)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_errors_name_the_file_that_was_found(tmp_path):
    (tmp_path / "m.npz").write_bytes(b"PK damaged")
    for read in (load_model, make().load_weights):
        with pytest.raises(ValueError, match=r"^\S*m\.npz "):
            read(tmp_path / "m")


def test_two_files_of_one_path_are_told_apart(tmp_path):
    path = tmp_path / "m"
    make().save(path)
    path.write_bytes(b"other")
    for read in (load_model, make().load_weights):
        with refuses(
            f"path must name one file, got {str(path)!r} beside '{path}.npz': name the "
            "one with its suffix, or move the other one"
        ):
            read(path)
    assert load_model(f"{path}.npz").built


def test_checking_a_path_creates_nothing(tmp_path):
    assert formats.checked_path(tmp_path / "m") == tmp_path / "m.npz"
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_are_named_by_metrics(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "w.{epoch:02d}-{acc:.2f}")
    history = make().fit(X, Y, epochs=2, callbacks=checkpoint, verbose=0).history
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"w.{e + 1:02d}-{a:.2f}.npz" for e, a in enumerate(history["acc"])]
    assert load_model(tmp_path / names[0]).built


# Writing that fails --------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_old_file_survives_a_failed_write(method, error, tmp_path, monkeypatch):
    model = make()
    path = getattr(model, method)(tmp_path / "m")
    old = path.read_bytes()

    def fill_the_disk(file, array, **options):
        file.write(b"half")
        raise error("no space left")

    monkeypatch.setattr(np.lib.format, "write_array", fill_the_disk)
    with pytest.raises(error), unchanged(model):
        getattr(model, method)(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    assert path.read_bytes() == old


def os_error(number, path):
    return type(OSError(number, "")), (number, os.strerror(number)), str(path)


@pytest.mark.parametrize(
    "check", [formats.checked_path, lambda path: make().save(path)]
)
@pytest.mark.parametrize(
    ("folder", "number"),
    [("nowhere", errno.ENOENT), ("file", errno.ENOTDIR), (".", errno.EACCES)],
    ids=["missing", "no-folder", "read-only"],
)
def test_folder_that_cannot_be_written(folder, number, check, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    if number == errno.EACCES:
        # Asked for instead of made: the superuser may write to any folder.
        monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(OSError, match=r"m\.npz") as caught:
        check(tmp_path / folder / "m.npz")
    error = caught.value
    assert (type(error), error.args, error.filename) == os_error(
        number, tmp_path / folder / "m.npz"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("step", ["create", "write", "replace"])
def test_error_names_the_file_and_not_the_hidden_one(step, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        hidden = str(tmp_path / ".hidden.tmp")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), hidden)

    target, name = {
        "create": (atomic.os, "open"),
        "write": (np.lib.format, "write_array"),
        "replace": (Path, "replace"),
    }[step]
    monkeypatch.setattr(target, name, fail)
    with pytest.raises(OSError, match=r"m\.npz") as caught:
        make().save(tmp_path / "m")
    error = caught.value
    assert (type(error), error.args, error.filename) == os_error(
        errno.ENOSPC, tmp_path / "m.npz"
    )
    assert error.__suppress_context__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_file_has_the_permissions_of_an_ordinary_one(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    path = make().save(tmp_path / "m")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


# Reading that fails --------------------------------------------------------------


class Trap:
    """A pickle of it writes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def npz(path, **entries):
    np.savez(path, **entries)


def config_entry(**changes):
    ours = {"format": "localnet", "version": 1, "class_name": "Sequential", **changes}
    return np.frombuffer(json.dumps(ours).encode(), np.uint8)


def a_pickled_array(path):
    trap = np.array([Trap(path.parent / "sprung")], dtype=object)
    np.savez(path, config=config_entry(), weights=trap)


def damage(path):
    raw = bytearray(make().save(path).read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)


def truncate(path):
    raw = make().save(path).read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def odd_compression(path):
    raw = bytearray(make().save(path).read_bytes())
    place = raw.index(b"PK\x01\x02") + 10  # the method, in the first central entry
    raw[place] = 99
    path.write_bytes(raw)


DAMAGED = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a model", encoding="utf-8"),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Trap(path.parent / "sprung"))),
    "pickle-inside": a_pickled_array,
    "npy": lambda path: path.write_bytes(np.lib.format.magic(1, 0) + b"x"),
    "whole-npy": lambda path: np.save(path.open("wb"), np.ones(3)),
    "other-npz": lambda path: npz(path, weights=np.ones(3)),
    "other-zip": lambda path: zipfile.ZipFile(path, "w").close(),
    "config-no-json": lambda path: npz(path, config=np.array([1, 2], np.uint8)),
    "config-deep": lambda path: npz(
        path, config=np.frombuffer(b"[" * 100_000, np.uint8)
    ),
    "damaged": damage,
    "truncated": truncate,
    "odd-compression": odd_compression,
}


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("spoil", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("method", ["load_model", "load_weights"])
def test_damaged_and_foreign_files(spoil, method, tmp_path):
    path, model = tmp_path / "m.npz", make()
    spoil(path)
    read = load_model if method == "load_model" else model.load_weights
    with (
        pytest.raises(ValueError, match="must be a model or weights file") as caught,
        unchanged(model),
    ):
        read(path)
    [message] = caught.value.args
    assert message.startswith(
        f"{path} must be a model or weights file, got a damaged or foreign one: "
    )
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": "other"},
            "must be a model or weights file, got a damaged or foreign one: it is "
            "another format",
        ),
        (
            {"version": 2},
            "must be a model or weights file, got a damaged or foreign one: format "
            "version must be 1, got 2",
        ),
        (
            {"class_name": "weights"},
            "must hold a model, got weights alone: make the model, and call its "
            "load_weights",
        ),
        (
            {"config": 3},
            "must describe a model: config must be a dict with a list of layers, got 3",
        ),
        (
            {"config": {"layers": [{"class_name": "Dens"}]}},
            "must describe a model: localnet has no counterpart for Dens None (did you "
            "mean 'Dense'?)",
        ),
    ],
    ids=["format", "version", "weights", "config", "layer"],
)
def test_files_of_another_content(changes, message, tmp_path):
    path = tmp_path / "m.npz"
    npz(path, config=config_entry(**changes))
    with refuses(f"{path} {message}"):
        load_model(path)


def rewrite(path, change):
    """Write a saved file again with a change to its config and arrays."""
    config, arrays = native.read(path)
    change(config, arrays)
    native.write(path, config, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda config, arrays: arrays.pop("weights/0003"),
            "weights must be a list of 4 arrays, got 3",
        ),
        (
            lambda config, arrays: arrays.update({"weights/0003": np.ones(2)}),
            "dense: weight bias must have shape (3,), got (2,)",
        ),
        (
            lambda config, arrays: config.update(training={"loss": "mse"}),
            "training must be a dict with an optimizer, got {'loss': 'mse'}",
        ),
        (
            lambda config, arrays: config["training"].update(loss="log_cash"),
            "loss must be a known name, got 'log_cash'; did you mean 'log_cosh'?",
        ),
        (
            lambda config, arrays: arrays.update({"optimizer/velocity_0": np.ones(2)}),
            "the optimizer must remember average or momentum of 4 weights, got "
            "'velocity_0'",
        ),
    ],
    ids=["missing", "shape", "optimizer", "loss", "state"],
)
def test_files_whose_parts_do_not_fit(change, message, tmp_path):
    layers.clear_session()
    path = make().save(tmp_path / "m")
    rewrite(path, change)
    with refuses(f"{path} must describe a model: {message}"):
        load_model(path)


@pytest.mark.parametrize("method", ["load_model", "load_weights"])
def test_missing_file_is_an_os_error(method, tmp_path):
    model = make()
    read = load_model if method == "load_model" else model.load_weights
    with pytest.raises(FileNotFoundError), unchanged(model):
        read(tmp_path / "nothing.npz")


def test_codec_gives_back_what_it_was_given(tmp_path):
    arrays = {"a/b": np.arange(6).reshape(2, 3), "c": np.float16([1.5])}
    path = tmp_path / "x.npz"
    native.write(path, {"key": [1, None, "é"]}, arrays)
    config, again = native.read(path)
    assert config == {"key": [1, None, "é"]}
    assert again.keys() == arrays.keys()
    for key, value in arrays.items():
        assert again[key].dtype == value.dtype
        np.testing.assert_array_equal(again[key], value)


def test_dropout_model_reloads(tmp_path):
    model = Sequential([Dropout(0.5, seed=3, input_shape=(4,)), Dense(1)])
    model.compile("sgd", "mse")
    loaded = load_model(model.save(tmp_path / "m"))
    x, y = np.ones((3, 4)), np.ones((3, 1))
    assert model.loss_and_gradients(x, y)[0] == loaded.loss_and_gradients(x, y)[0]
    assert model_state(model)["compiled"][1:] == model_state(loaded)["compiled"][1:]


def test_a_reloaded_model_shuffles_and_drops_as_the_saved_one_would(tmp_path):
    model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(3, "softmax")], seed=5)
    model.compile("sgd", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)), rng.integers(0, 3, size=40)
    model.fit(x, y, batch_size=8, verbose=0)
    loaded = load_model(model.save(tmp_path / "m"))
    histories = [
        m.fit(x, y, batch_size=8, epochs=2, verbose=0) for m in (model, loaded)
    ]
    assert histories[0].history == histories[1].history
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_object_as_metric_is_saved_and_loaded(tmp_path):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["mae", losses.Huber(0.5)])
    loaded = load_model(model.save(tmp_path / "m"))
    assert loaded.metrics_names == model.metrics_names == ["loss", "mae", "huber_loss"]
    x, y = np.array([[1.0, 2.0]]), np.array([[7.0]])
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert load_model(loaded.save(tmp_path / "n")).metrics_names == model.metrics_names


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_model_of_every_version_answers_and_learns_as_it_did(path):
    with np.load(path.with_name(f"{path.stem}-answers.npz")) as answers:
        x, y = [answers["arr_0"], answers["arr_1"]], answers["y"]
        model = load_model(path)
        assert_allclose(model.predict(x, verbose=0), answers["before"], rtol=1e-12)
        model.fit(x, y, epochs=2, batch_size=4, verbose=0, seed=4)
        assert_allclose(model.predict(x, verbose=0), answers["after"], rtol=1e-9)


def test_there_is_a_model_of_every_version():
    versions = [path.stem for path in VERSIONS]
    assert versions == ["0.1.0", "0.2.0"]
    assert versions[-1] == __version__


def test_a_layer_renamed_since_is_saved_and_loaded_with_its_noise(tmp_path):
    model = Sequential([Dense(3, input_shape=(2,)), layers.Dropout(0.5), Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2)), np.ones((4, 1))
    model.fit(x, y, verbose=0)
    model.layers[1].name = "noise"
    loaded = load_model(model.save(tmp_path / "m"))
    assert loaded.layers[1].name == "noise"
    for m in (model, loaded):
        m.fit(x, y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("suffix", [".npz", ".keras", ".h5"])
def test_layers_renamed_to_one_name_are_not_saved(suffix, tmp_path):
    model = Sequential([Dense(3, input_shape=(2,), name="a"), Dense(1, name="b")])
    model.layers[1].name = "a"
    with pytest.raises(ValueError, match="names of their own, got 'a' twice"):
        model.save(tmp_path / f"m{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["name", "trainable"])
@pytest.mark.parametrize("value", [3, None, [], b"a"])
def test_name_and_trainable_are_checked_whenever_they_are_set(what, value):
    layer = Dense(1, input_shape=(2,), name="a")
    for part in (layer, Sequential([layer], name="b"), layers.TimeDistributed(layer)):
        before = getattr(part, what)
        with pytest.raises(ValueError, match=f"{what} must be"):
            setattr(part, what, value)
        assert getattr(part, what) == before


@pytest.mark.parametrize("suffix", [".npz", ".keras", ".h5"])
def test_a_layer_thawed_in_a_frozen_model_stays_fixed_in_a_file(suffix, tmp_path):
    inner = Sequential([Dense(3, input_shape=(2,)), Dense(3)], name="inner")
    model = Sequential([inner, Dense(1)])
    inner.trainable = False
    inner.layers[-1].trainable = True
    model.compile(optimizers.Adam(0.1), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 2)), np.ones((8, 1))
    model.fit(x, y, verbose=0)
    loaded = load_model(model.save(tmp_path / f"m{suffix}"))
    assert inner.layers[-1].trainable
    for m in (model, loaded):
        m.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
