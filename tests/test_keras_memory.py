"""The memory of every optimizer in Keras's files: read, written, and gone on from."""

import io
import json
import zipfile
from typing import ClassVar

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from test_every_optimizer import MAKERS
from unchanged import bits

from localnet import Sequential, load_model, optimizers
from localnet.files.keras import v3
from localnet.interop import convert_kernel
from localnet.layers import Dense, Flatten, LocallyConnected1D

h5py = pytest.importorskip("h5py")

DATA = reference.load("memory.npz")
NAMES = DATA["cases"]["names"]
FILES = [
    (name, suffix)
    for name in NAMES
    for suffix in ("h5", "keras")
    if f"{name}_{suffix}" in DATA
]
every_file = pytest.mark.parametrize(("name", "suffix"), FILES)
every_suffix = pytest.mark.parametrize("suffix", ["h5", "keras"])


def file_of(name, suffix, folder):
    path = folder / f"{name}.{suffix}"
    path.write_bytes(DATA[f"{name}_{suffix}"].tobytes())
    return path


def train(model, x, t):
    cases = DATA["cases"]
    model.fit(x, t, cases["batch_size"], cases["epochs"], 0, shuffle=False)
    return model.get_weights()


def later(name, model):
    """Return the weights after more epochs in Keras, in the layout of localnet."""
    weights = [DATA[f"{name}_later_w{n}"] for n in range(len(model.get_weights()))]
    local = model.layers[0]
    weights[0] = convert_kernel(
        weights[0],
        f"keras{local.implementation}",
        "keras1",
        input_shape=(5, 2),
        kernel_size=3,
        filters=2,
        padding=local.padding,
    )
    return weights


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, array in one.items():
        assert np.asarray(array).dtype == np.asarray(other[key]).dtype
        assert_array_equal(array, other[key])


def names_in(group):
    """Return the names of the arrays, which Keras and localnet store differently."""
    names = group.attrs["weight_names"]
    return [name if isinstance(name, str) else name.decode() for name in names]


def memory_in(path):
    """Return the arrays of the optimizer in a file, by name or number, in order."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            group = file["optimizer_weights"]
            return {name: group[name][()] for name in names_in(group)}
    with zipfile.ZipFile(path) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        group = file["optimizer/vars"]
        return {str(n): group[str(n)][()] for n in range(len(group))}


# What tf_keras wrote -------------------------------------------------------------


@every_file
def test_a_training_that_keras_began_goes_on_with_its_numbers(name, suffix, tmp_path):
    model = load_model(file_of(name, suffix, tmp_path))
    weights = train(model, DATA[f"{name}_x"], DATA[f"{name}_t"])
    for weight, expected in zip(weights, later(name, model), strict=True):
        assert_allclose(weight, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "nadam"])
def test_keras_itself_goes_on_with_the_numbers_of_an_unbroken_training(name):
    # So the test above holds localnet to a tf_keras that was resumed too.
    keys = [key for key in DATA if key.startswith(f"{name}_later_w")]
    assert keys
    for key in keys:
        place = key.rpartition("_")[2]
        assert_array_equal(DATA[f"{name}_later_h5_{place}"], DATA[key])


@every_file
def test_without_its_memory_a_training_goes_elsewhere(name, suffix, tmp_path):
    model = load_model(file_of(name, suffix, tmp_path))
    model.optimizer.set_state({"iterations": model.optimizer.iterations})
    weights = train(model, DATA[f"{name}_x"], DATA[f"{name}_t"])
    apart = [
        np.abs(weight - expected).max()
        for weight, expected in zip(weights, later(name, model), strict=True)
    ]
    assert max(apart) > 5e-4


@every_file
def test_what_keras_remembers_is_written_as_it_was(name, suffix, tmp_path):
    path = file_of(name, suffix, tmp_path)
    model = load_model(path)
    ours = memory_in(model.save(tmp_path / f"ours.{suffix}"))
    theirs = memory_in(path)
    assert list(ours) == list(theirs)
    for key, array in theirs.items():
        assert (ours[key].dtype, ours[key].shape) == (array.dtype, array.shape)
        # Nadam's momentum is worked out anew, and Keras's has been rounded each time.
        tolerance = 1e-6 if "momentum_cache" in key else 0
        assert_allclose(ours[key], array, rtol=tolerance, atol=0)


@pytest.mark.parametrize("name", [name for name, suffix in FILES if suffix == "h5"])
def test_what_keras_remembers_goes_through_lists_of_weights(name, tmp_path):
    path = file_of(name, "h5", tmp_path)
    optimizer = load_model(path).optimizer
    theirs = list(memory_in(path).values())
    shown = len(theirs)
    assert len(optimizer.variables()) == shown
    assert len(optimizer.weights) == shown
    other = type(optimizer).from_config(optimizer.get_config())
    other.set_weights(optimizer.get_weights())
    assert bits(other.get_state()) == bits(optimizer.get_state())
    # Kernels of the other implementations stand in the file in another layout.
    if all(a.shape == b.shape for a, b in zip(optimizer.weights, theirs, strict=True)):
        for ours, array in zip(optimizer.get_weights(), theirs, strict=True):
            assert_allclose(ours, array, rtol=1e-6, atol=0)
        other.set_weights(theirs)
        assert bits(other.get_state()) == bits(optimizer.get_state())


def test_lists_of_weights_that_do_not_fit():
    optimizer = optimizers.Adam()
    for weights in ([], [1, np.zeros(2)], [1, [0.0], [[0.0]], [0.0], [0.0]]):
        with pytest.raises(ValueError, match=r"must (be the number|hold slots of)"):
            optimizer.set_weights(weights)
    assert [int(array) for array in optimizer.variables] == [0]


@every_suffix
def test_a_model_that_was_compiled_and_not_trained(suffix, tmp_path):
    path = file_of("untrained", suffix, tmp_path)
    model = load_model(path)
    assert type(model.optimizer) is optimizers.Adam
    assert model.optimizer.get_state() == {"iterations": 0}
    ours = memory_in(model.save(tmp_path / f"ours.{suffix}"))
    assert len(ours) == 1 + 2 * len(model.get_weights())
    assert not any(array.any() for array in ours.values())


# What localnet writes ------------------------------------------------------------


def small(optimizer, **options):
    model = Sequential(
        [
            LocallyConnected1D(2, 3, input_shape=(5, 2), name="b/local", **options),
            Flatten(),
            Dense(1, name="a"),
        ],
        seed=0,
    )
    model.compile(optimizer, "mse")
    return model


def data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(6, 5, 2)), rng.normal(size=(6, 1))


@pytest.mark.parametrize(
    ("suffix", "implementation"), [("h5", 1), ("h5", 2), ("keras", 3)]
)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_optimizer_goes_on_from_our_file(make, suffix, implementation, tmp_path):
    padding = "valid" if implementation == 1 else "same"
    model = small(make(), implementation=implementation, padding=padding)
    model.fit(*data(), batch_size=2, epochs=2, verbose=0)
    adaptive = getattr(model.optimizer, "adaptive_epsilon", False)
    loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
    assert type(loaded.optimizer) is type(model.optimizer)
    assert_same(loaded.optimizer.get_state(), model.optimizer.get_state())
    assert adaptive == getattr(loaded.optimizer, "adaptive_epsilon", False)
    for m in (model, loaded):
        m.fit(*data(), batch_size=2, epochs=2, verbose=0, shuffle=False)
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert_array_equal(one, other)


@every_suffix
def test_an_optimizer_of_ones_own_goes_on(suffix, tmp_path):
    class Slow(optimizers.Adam):
        slot_names = ("average", "m", "v", "vhat", "calm")
        keras_names: ClassVar = {"calm": "c"}

        def _step(self, index, param, grad, rate):
            calm = self.slots["calm"][index]
            calm += grad
            super()._step(index, param, calm, rate)

    model = small(Slow(0.01))
    model.fit(*data(), epochs=2, verbose=0)
    path = model.save(tmp_path / f"m.{suffix}")
    loaded = load_model(path, custom_objects={"Slow": Slow})
    assert bits(loaded.optimizer.get_state()) == bits(model.optimizer.get_state())


def test_entries_that_connect_nothing_begin_as_in_keras(tmp_path):
    model = small(optimizers.Adagrad(0.1), implementation=2)
    model.fit(*data(), verbose=0)
    held = memory_in(model.save(tmp_path / "m.h5"))
    dense = held["Adagrad/accumulator/b/local/kernel:0"]
    weights = model.layers[0].kernel
    assert dense.shape == (5, 2, 3, 2)
    assert (dense == np.float32(0.1)).sum() == dense.size - weights.size


def test_the_memory_of_a_frozen_model_is_a_number_alone(tmp_path):
    model = small("nadam")
    for layer in model.layers:
        layer.trainable = False
    for optimizer in (optimizers.Nadam(), optimizers.LegacyNadam()):
        model.compile(optimizer, "mse")
        path = model.save(tmp_path / "m.h5")
        assert len(memory_in(path)) == 1
        assert load_model(path).optimizer.iterations == 0


# What other versions of Keras wrote ----------------------------------------------


def rewritten(path, change):
    """Put other arrays into the memory of an HDF5 file, and return its path."""
    with h5py.File(path, "r+") as file:
        group = file["optimizer_weights"]
        arrays = {name: group[name][()] for name in names_in(group)}
        del file["optimizer_weights"]
        group = file.create_group("optimizer_weights")
        arrays = change(arrays)
        group.attrs["weight_names"] = np.array([key.encode() for key in arrays])
        for key, value in arrays.items():
            group.create_dataset(key, data=value)
    return path


def saved(optimizer, tmp_path):
    model = small(optimizer)
    model.fit(*data(), batch_size=2, epochs=2, verbose=0)
    return model, model.save(tmp_path / "m.h5")


def numbered(arrays):
    return {f"training/a/{n}:0": array for n, array in enumerate(arrays)}


def test_adam_before_keras_2_3_kept_largest_squares_that_it_did_not_use(tmp_path):
    model, path = saved(optimizers.LegacyAdam(0.1), tmp_path)
    spare = [np.zeros(1, np.float32)] * 4
    rewritten(path, lambda held: numbered([*held.values(), *spare]))
    state = load_model(path).optimizer.get_state()
    assert bits(state) == bits(model.optimizer.get_state())


@pytest.mark.parametrize(
    "cls",
    [
        optimizers.LegacyRMSprop,
        optimizers.LegacyAdagrad,
        optimizers.LegacyAdadelta,
    ],
)
def test_early_keras_did_not_count_all_updates(cls, tmp_path):
    model, path = saved(cls(0.1), tmp_path)
    rewritten(path, lambda held: numbered(list(held.values())[1:]))
    state = load_model(path).optimizer.get_state()
    assert state.pop("iterations") == 0
    former = model.optimizer.get_state()
    del former["iterations"]
    assert bits(state) == bits(former)


def test_nadam_of_early_keras_without_its_momentum(tmp_path):
    model, path = saved(optimizers.LegacyNadam(0.1), tmp_path)

    def early(held):
        count, _, *slots = held.values()
        return numbered([count, *slots])

    rewritten(path, early)
    state = load_model(path).optimizer.get_state()
    assert bits(state) == bits(model.optimizer.get_state())


def test_a_learning_rate_beside_the_updates(tmp_path):
    model, path = saved(optimizers.Adam(0.1), tmp_path)

    def with_rate(held):
        count, *slots = held.values()
        return numbered([count, np.float32(0.1), *slots])

    rewritten(path, with_rate)
    state = load_model(path).optimizer.get_state()
    assert bits(state) == bits(model.optimizer.get_state())


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sgd_without_velocities(momentum, tmp_path):
    _, path = saved(optimizers.SGD(0.1, momentum=momentum), tmp_path)
    rewritten(path, lambda held: numbered(list(held.values())[:1]))
    if momentum:
        with pytest.warns(UserWarning, match="starts anew"):
            load_model(path)
    else:
        assert load_model(path).optimizer.get_state() == {"iterations": 6}


# Files that are not what they say ------------------------------------------------


def without_last(arrays):
    return dict(list(arrays.items())[:-1])


def with_one_more(arrays):
    return {**arrays, "more:0": np.zeros((5, 2), np.float32)}


def without_slots(arrays):
    return dict(list(arrays.items())[:1])


def without_count(arrays):
    return dict(list(arrays.items())[1:])


def with_swapped(arrays):
    keys, values = list(arrays), list(arrays.values())
    return dict(zip(keys, [values[0], *values[:0:-1]], strict=True))


def with_whole_numbers(arrays):
    return {key: array.astype(np.int32) for key, array in arrays.items()}


def of_another_optimizer(arrays):
    return {key: array for key, array in arrays.items() if "/v/" not in key}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_last, "must remember m, v of 4 weights in 8 arrays, got 7"),
        (with_one_more, "must remember m, v of 4 weights in 8 arrays, got 9"),
        (without_slots, "must remember m, v of 4 weights in 8 arrays, got 0"),
        (of_another_optimizer, "must remember m, v of 4 weights in 8 arrays, got 4"),
        (without_count, "must begin with its iterations"),
        (with_swapped, r"m 0 of the optimizer must have shape \(3, 6, 2\), got \(1,\)"),
        (with_whole_numbers, "m_0 of the optimizer must hold floats, got dtype int32"),
        (lambda arrays: {}, "must begin with its iterations"),
    ],
)
def test_a_memory_that_does_not_fit(change, reason, tmp_path):
    _, path = saved(optimizers.Adam(0.1), tmp_path)
    weights = load_model(path).get_weights()
    rewritten(path, change)
    if change(memory_in(path)) == {}:
        # Nothing is remembered, so nothing is lost.
        assert load_model(path).optimizer.iterations == 0
        return
    with pytest.warns(UserWarning, match=reason) as caught:
        model = load_model(path)
    assert [w.filename for w in caught] == [__file__]
    assert model.optimizer.get_state() == {"iterations": 0}
    for before, after in zip(weights, model.get_weights(), strict=True):
        assert_array_equal(before, after)
    with pytest.raises(ValueError, match=reason):
        load_model(path, compile=True)


@pytest.mark.parametrize("count", [np.nan, -1.0, 1e300, 0.5])
def test_a_number_of_updates_that_is_none(count, tmp_path):
    _, path = saved(optimizers.Adam(0.1), tmp_path)
    rewritten(path, lambda held: {**held, "iteration:0": np.array(count)})
    with pytest.raises(ValueError, match=r"m\.h5 must describe a model: iterations"):
        load_model(path)


def test_an_optimizer_with_other_arguments_in_its_config(tmp_path):
    _, path = saved(optimizers.Adam(0.1), tmp_path)
    with h5py.File(path, "r+") as file:
        training = json.loads(file.attrs["training_config"])
        training["optimizer_config"]["config"]["amsgrad"] = True
        file.attrs["training_config"] = json.dumps(training)
    with pytest.warns(UserWarning, match="m, v, vhat of 4 weights in 12 arrays, got 8"):
        load_model(path)


# Models that have changed since their training -----------------------------------


@pytest.mark.parametrize("suffix", ["npz", "h5", "keras"])
@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("again", [False, True])
def test_a_memory_of_other_weights_is_left_out(suffix, place, again, tmp_path):
    model = small(optimizers.Adam(0.1))
    model.fit(*data(), verbose=0)
    if again:
        model = load_model(model.save(tmp_path / f"m.{suffix}"))
    model.layers[place].trainable = False
    state = model.optimizer.get_state()
    with pytest.warns(UserWarning, match="memory of the optimizer is left out") as said:
        path = model.save(tmp_path / f"frozen.{suffix}")
    assert [w.filename for w in said] == [__file__]
    assert_same(model.optimizer.get_state(), state)  # only the file is without
    loaded = load_model(path)
    assert not any(array.any() for array in loaded.optimizer.get_state().values())
    assert not loaded.layers[place].trainable
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert_array_equal(one, other)
    loaded.fit(*data(), verbose=0)


@pytest.mark.parametrize("suffix", ["npz", "h5", "keras"])
def test_a_loaded_memory_belongs_to_its_weights(suffix, tmp_path):
    model = Sequential(
        [Dense(2, input_shape=(2,), name="one"), Dense(2, name="other")], seed=0
    )
    model.compile("adam", "mse")
    x = np.ones((3, 2))
    model.fit(x, x, verbose=0)
    loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
    # The shapes of the others are those of the first.
    for m in (model, loaded):
        m.layers[0].trainable = False
        m.compile(m.optimizer, "mse")
        with pytest.raises(RuntimeError, match="call compile with a new optimizer"):
            m.fit(x, x, verbose=0)
    with pytest.warns(UserWarning, match="memory of the optimizer is left out"):
        loaded.save(tmp_path / f"frozen.{suffix}")


@pytest.mark.parametrize("suffix", ["npz", "h5", "keras"])
def test_a_count_of_updates_alone_belongs_to_any_weights(suffix, tmp_path):
    model = small(optimizers.SGD(optimizers.ExponentialDecay(0.1, 2, 0.5)))
    model.fit(*data(), batch_size=2, verbose=0)
    model.layers[0].trainable = False
    loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
    assert loaded.optimizer.iterations == 3


@pytest.mark.parametrize(
    "optimizer",
    [optimizers.SGD(0.1, momentum=0.5), optimizers.LegacyAdam(0.1, amsgrad=True)],
    ids=["SGD", "LegacyAdam"],
)
def test_what_is_used_has_nothing_spare_beside_it(optimizer, tmp_path):
    model, path = saved(optimizer, tmp_path)
    spare = [np.zeros(w.shape, np.float32) for w in model.get_weights()]
    rewritten(path, lambda held: numbered([*held.values(), *spare]))
    with pytest.warns(UserWarning, match="starts anew"):
        load_model(path)


def test_a_compressed_archive_may_hold_all_that_an_optimizer_remembers(
    tmp_path, monkeypatch
):
    model = Sequential([Dense(1, input_shape=(100_000,), dtype="float64")])
    optimizer = optimizers.RMSprop(momentum=0.5, centered=True, use_ema=True)
    model.compile(optimizer, "mse")
    plain = model.save(tmp_path / "m.keras")
    packed = tmp_path / "packed.keras"
    with zipfile.ZipFile(plain) as one, zipfile.ZipFile(packed, "w") as other:
        for name in one.namelist():
            other.writestr(name, one.read(name), zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(v3, "OVERHEAD", 0)
    state = load_model(packed).optimizer.get_state()
    assert len(state) == 1 + 4 * 2
