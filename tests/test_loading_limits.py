"""What a file may cost before and while it is read: counted, bounded and measured."""

import json
import time
import tracemalloc

import numpy as np
import pytest
from raising import refuses

from localnet import Input, Model, Sequential, initializers, load_model
from localnet.__main__ import main
from localnet.files import native
from localnet.files.keras.wiring import MAX_CALLS
from localnet.layers import Dense, Flatten, LocallyConnected1D

FORMATS = [".npz", ".keras", ".h5"]
WIDTH = 512


def saved(folder, suffix, **compiled):
    model = Sequential([Dense(WIDTH, input_shape=(WIDTH,)) for _ in range(8)], seed=0)
    if compiled:
        model.compile(**compiled)
        model.train_on_batch(np.ones((2, WIDTH)), np.ones((2, WIDTH)))
    if suffix != ".npz":
        pytest.importorskip("h5py")
    return model, model.save(folder / f"m{suffix}")


def bytes_of(model):
    return sum(value.nbytes for value in model.get_weights())


# Measured ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_loading_takes_little_more_than_the_weights(suffix, tmp_path):
    model, path = saved(tmp_path, suffix)
    load_model(path)  # what is imported and remembered once
    tracemalloc.start()
    try:
        loaded = load_model(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All weights, one more of the eight kernels, and the text of the config.
    assert peak < 1.35 * bytes_of(model)
    for value, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


class Counting(initializers.Initializer):
    """Count how often start values are drawn."""

    drawn = 0

    def __call__(self, shape, dtype=None, **kwargs):
        Counting.drawn += 1
        return np.zeros(shape, dtype)

    def get_config(self):
        return {}


def test_no_start_values_are_drawn_for_a_file_whose_weights_follow(tmp_path):
    model = Sequential([LocallyConnected1D(2, 2, kernel_initializer=Counting())])
    model.build((None, 4, 1))
    path = model.save(tmp_path / "m")
    Counting.drawn = 0
    loaded = load_model(path, {"Counting": Counting})
    assert Counting.drawn == 0
    loaded.set_weights(model.get_weights())
    # And only then: a model that is made from the config alone draws its weights.
    again = Sequential.from_config(model.get_config(), {"Counting": Counting})
    again.build((None, 4, 1))
    assert Counting.drawn == 1


def test_weights_of_a_file_that_cost_much_to_draw_load_at_once(tmp_path):
    model = Sequential([Dense(1500, kernel_initializer="orthogonal")] * 1)
    model._network.add(Flatten(name="f"))
    started = time.perf_counter()
    model.build((None, 1500))
    drawing = time.perf_counter() - started
    model.set_weights([np.zeros((1500, 1500)), np.zeros(1500)])
    path = model.save(tmp_path / "m")
    started = time.perf_counter()
    load_model(path)
    assert time.perf_counter() - started < max(0.5 * drawing, 0.5)


# Counted -------------------------------------------------------------------------


def test_layers_are_added_in_time_that_grows_with_their_number():
    def seconds(count):
        layers = [Flatten(input_shape=(3,)), *(Flatten() for _ in range(count))]
        started = time.process_time()
        Sequential(layers)
        return time.process_time() - started

    seconds(100)
    small, large = (min(seconds(n) for _ in range(3)) for n in (500, 4000))
    assert large < 3 * 8 * small  # it was 64 times as long


def test_adding_sees_names_and_layers_that_stand_within_models_too():
    inner = Sequential([Dense(2, name="a")], name="inner")
    model = Sequential([Dense(2, name="one"), inner], name="m")
    first = inner.layers[0]
    with refuses("layer must be added once, got 'a' a second time"):
        model.add(first)
    with refuses("layer must have a name of its own, got 'one' a second time"):
        model.add(Dense(3, name="one"))
    with refuses("layer must be added once, got 'm' a second time"):
        model.add(model)
    grown = Dense(2, name="b")
    inner.add(grown)
    with refuses("layer must be added once, got 'b' a second time"):
        model.add(grown)
    model.pop()
    model.add(grown)
    model.add(Dense(1, name="inner"))
    assert [layer.name for layer in model.layers] == ["one", "b", "inner"]


def test_too_many_layers_are_refused_before_one_is_made(tmp_path, monkeypatch):
    model = Sequential([Dense(1, input_shape=(1,))])
    path = model.save(tmp_path / "m")
    config, arrays = native.read(path)
    entry = {"class_name": "Flatten", "config": {}}
    config["config"]["layers"] += [entry] * MAX_CALLS
    native.write(path, config, arrays)
    monkeypatch.setattr(Flatten, "__init__", None)
    with pytest.raises(ValueError, match=f"at most {MAX_CALLS} calls of layers"):
        load_model(path)


# Bounded -------------------------------------------------------------------------


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("suffix", FORMATS)
def test_max_bytes_counts_what_the_model_holds(suffix, isolated, tmp_path):
    model, path = saved(tmp_path, suffix)
    held = bytes_of(model)
    loaded = load_model(path, isolated=isolated, max_bytes=held)
    assert bytes_of(loaded) == held
    with refuses(
        f"{path} must hold arrays of at most {held - 1} bytes (max_bytes), got {held}"
    ):
        load_model(path, isolated=isolated, max_bytes=held - 1)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_the_optimizer_remembers_is_counted_where_it_is_read(suffix, tmp_path):
    model, path = saved(tmp_path, suffix, optimizer="adam", loss="mse")
    weights = bytes_of(model)
    with pytest.raises(ValueError, match="max_bytes"):
        load_model(path, max_bytes=2 * weights)
    load_model(path, compile=False, max_bytes=weights)
    load_model(path, max_bytes=3 * weights + 64)


def test_a_bomb_of_few_bytes_is_refused_before_its_arrays_are_made(tmp_path):
    model = Sequential([Dense(4000, use_bias=False, input_shape=(4000,))])
    model.set_weights([np.zeros((4000, 4000))])
    path = model.save(tmp_path / "m")
    config, arrays = native.read(path)
    (name,) = (name for name in arrays if name.startswith("weights/"))
    # As truth values it is a quarter of what the model will hold.
    native.write(path, config, {**arrays, name: np.zeros((4000, 4000), bool)})
    assert path.stat().st_size < 100_000
    load_model(path, max_bytes=64_000_000)
    tracemalloc.start()
    try:
        with refuses(
            f"{path} must hold arrays of at most 63999999 bytes (max_bytes), "
            "got 64000000"
        ):
            load_model(path, max_bytes=63_999_999)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("value", [-1, 1.5, True, "x"])
def test_max_bytes_is_checked(value, tmp_path):
    _, path = saved(tmp_path, ".npz")
    with pytest.raises(ValueError, match=r"^max_bytes must be an integer"):
        load_model(path, max_bytes=value)


@pytest.mark.parametrize("command", ["show", "convert"])
def test_the_commands_have_the_limit_too(command, tmp_path, capsys):
    model, path = saved(tmp_path, ".npz")
    held = bytes_of(model)
    more = [str(tmp_path / "new.npz")] if command == "convert" else []
    for limit, code in ((held, 0), (held - 1, 1)):
        assert main([command, str(path), *more, f"--max-bytes={limit}"]) == code
    assert (
        f"at most {held - 1} bytes (max_bytes), got {held}" in capsys.readouterr().err
    )


def test_complex_weights_are_refused(tmp_path):
    model, path = saved(tmp_path, ".npz")
    config, arrays = native.read(path)
    arrays["weights/0000"] = arrays["weights/0000"].astype(complex)
    native.write(path, config, arrays)
    with pytest.raises(ValueError, match="must hold real numbers") as caught:
        load_model(path)
    assert model.layers[0].name in str(caught.value)


def test_a_layer_with_a_set_weights_of_its_own_is_asked(tmp_path):
    class Doubling(Dense):
        def set_weights(self, weights):
            super().set_weights([2 * weight for weight in weights])

    x = Input((2,))
    model = Model(x, Doubling(1, use_bias=False, name="d")(x))
    path = model.save(tmp_path / "m")
    loaded = load_model(path, {"Doubling": Doubling})
    np.testing.assert_array_equal(loaded.get_weights()[0], 2 * model.get_weights()[0])
    assert json.loads(loaded.to_json())["class_name"] in ("Functional", "Model")
