"""Batches of a Sequence, a generator or a file: the same bits as arrays, and errors."""

import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raising import refuses
from unchanged import unchanged

from localnet import Sequential
from localnet.callbacks import BackupAndRestore, Callback, LambdaCallback
from localnet.layers import Dense, Dropout
from localnet.utils import Sequence

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(10, 3)), RNG.integers(0, 2, size=(10, 1)) * 1.0
WEIGHT = RNG.uniform(0.5, 2.0, size=10)
SIZE = 4
TOO_FEW = "x must yield enough batches, got only 3; it ends here"


def make(*, metrics=("mae",), **kwargs):
    model = Sequential(
        [Dense(4, "tanh", input_shape=(3,)), Dropout(0.25), Dense(1)], seed=3
    )
    model.compile("adam", "mse", metrics=list(metrics), **kwargs)
    return model


def slices():
    return [slice(start, start + SIZE) for start in range(0, len(X), SIZE)]


class Parts(Sequence):
    """The arrays in batches, and a record of what was asked for."""

    def __init__(self, *arrays):
        self.arrays = arrays or (X, Y)
        self.asked = []
        self.ended = 0

    def __len__(self):
        return len(slices())

    def __getitem__(self, number):
        self.asked.append(number)
        return tuple(array[slices()[number]] for array in self.arrays)

    def on_epoch_end(self):
        self.ended += 1


class Foreign:
    """What has the methods of a Sequence without its class."""

    def __init__(self):
        self.parts = Parts()

    def __len__(self):
        return 3

    def __getitem__(self, number):
        return list(self.parts[number])

    def on_epoch_end(self):
        pass


def stream(times=1, *arrays):
    for _ in range(times):
        for part in slices():
            yield tuple(array[part] for array in arrays or (X, Y))


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def trained(x, y=None, epochs=2, **how):
    model = make()
    history = model.fit(x, y, epochs=epochs, verbose=0, **how)
    return history.history, bits(model)


PLAIN = {"batch_size": SIZE, "shuffle": False}


# The same as arrays ----------------------------------------------------------------


@pytest.mark.parametrize("source", [Parts, Foreign])
def test_a_sequence_trains_as_arrays_do(source):
    assert trained(source(), shuffle=False) == trained(X, Y, **PLAIN)


def test_a_generator_trains_as_arrays_do():
    assert trained(stream(2), steps_per_epoch=3) == trained(X, Y, **PLAIN)
    assert trained(stream(), epochs=1) == trained(X, Y, epochs=1, **PLAIN)


@pytest.mark.parametrize("source", [Parts, lambda *a: stream(3, *a)])
def test_weights_of_samples_and_classes_count_as_with_arrays(source):
    how = {"class_weight": {0: 0.5, 1: 3.0}}
    expected = trained(X, Y, sample_weight=WEIGHT, **how, **PLAIN)
    how |= {"shuffle": False, "steps_per_epoch": 3}
    assert trained(source(X, Y, WEIGHT), **how) == expected


def test_evaluate_and_predict_as_with_arrays():
    model = make()
    parts = Parts()
    expected = model.evaluate(X, Y, SIZE, verbose=0)
    assert model.evaluate(parts, verbose=0) == expected
    assert parts.ended == 1
    assert model.evaluate(stream(), verbose=0) == expected
    half = model.evaluate(X[:8], Y[:8], SIZE, verbose=0)
    for source in (Parts(), stream(5)):
        assert model.evaluate(source, verbose=0, steps=2) == half
    assert model.evaluate(X, Y, SIZE, 0, steps=2) == half
    expected = model.predict(X, SIZE)
    for source in (Parts(), Parts(X), stream(), (batch[0] for batch in stream())):
        assert_array_equal(model.predict(source), expected)
    assert_array_equal(model.predict(stream(9), steps=2), expected[:8])
    # Targets are not looked at.
    assert_array_equal(model.predict(Parts(X, np.full(10, "?"))), expected)


def test_validation_data_may_be_batches():
    def validated(data, **how):
        how |= PLAIN
        return trained(X, Y, epochs=3, validation_data=data, **how)

    expected = validated((X, Y))
    assert validated(Parts()) == expected
    assert validated(stream(3), validation_steps=3) == expected
    first = validated((X[:8], Y[:8]))
    assert validated((X, Y), validation_steps=2) == first
    assert validated(Parts(), validation_steps=2) == first


def test_an_epoch_may_be_shorter_than_the_data():
    assert trained(X, Y, **PLAIN, steps_per_epoch=2) == trained(X[:8], Y[:8], **PLAIN)
    assert trained(Parts(), shuffle=False, steps_per_epoch=2) == trained(
        X[:8], Y[:8], **PLAIN
    )
    # Without a batch_size the steps imply it.
    how = {"shuffle": False, "steps_per_epoch": 3}
    assert trained(X, Y, **how) == trained(X, Y, **PLAIN)


# Order and number of batches -------------------------------------------------------


def test_shuffling_changes_the_order_of_the_batches_of_a_sequence():
    parts = Parts()
    make().fit(parts, epochs=20, verbose=0, seed=1)
    first, *asked = parts.asked
    epochs = [asked[start : start + 3] for start in range(0, 60, 3)]
    assert first == 0  # the model is built for it
    assert all(sorted(epoch) == [0, 1, 2] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 3
    assert parts.ended == 20


def test_a_sequence_may_change_its_length_between_epochs():
    class Growing(Parts):
        def __len__(self):
            return 1 + self.ended

    growing = Growing()
    make().fit(growing, epochs=3, verbose=0, shuffle=False)
    assert growing.asked == [0, 0, 0, 1, 0, 1, 2]


def test_a_training_ends_when_a_sequence_has_become_empty():
    class Shrinking(Parts):
        def __len__(self):
            return 2 - self.ended

    model = make()
    rule = "x must hold batches, got a Sequence of length 0; it ends here"
    with pytest.warns(UserWarning, match=rule):
        model.fit(Shrinking(), epochs=5, verbose=0)
    assert model.history.epoch == [0, 1]
    assert len(model.history.history["loss"]) == 2


def test_a_generator_gives_no_batch_more_than_is_used():
    batches = stream(4)
    make().fit(batches, epochs=2, steps_per_epoch=4, verbose=0)
    assert len(list(batches)) == 4


def test_callbacks_are_told_the_steps():
    def steps(x, **how):
        callback = Callback()
        make().fit(x, epochs=1, verbose=0, callbacks=callback, **how)
        return callback.params["steps"]

    assert steps(Parts()) == 3
    assert steps(Parts(), steps_per_epoch=2) == 2
    assert steps(stream(9), steps_per_epoch=5) == 5
    assert steps(stream()) is None


def test_the_bar_of_a_generator_says_that_its_end_is_not_known(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    monkeypatch.setattr("localnet.callbacks.progress.INTERVAL", 0)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    make().fit(stream(), verbose=1)
    out = capsys.readouterr().out
    assert "1/Unknown" in out
    assert "3/3" in out


# A generator that ends early -------------------------------------------------------


def test_an_epoch_that_the_generator_cuts_short_is_kept():
    seen = []
    model = make()
    with pytest.warns(UserWarning, match=TOO_FEW) as caught:
        history = model.fit(
            stream(1),
            epochs=5,
            steps_per_epoch=2,
            verbose=0,
            validation_data=(X, Y),
            callbacks=LambdaCallback(on_train_end=lambda logs: seen.append("end")),
        )
    assert len(caught) == 1
    assert history.epoch == [0, 1]
    assert len(history.history["val_loss"]) == 2
    assert seen == ["end"]
    assert model.history is history
    expected = make()
    for part in slices():
        expected.train_on_batch(X[part], Y[part])
    assert bits(model) == bits(expected)


@pytest.mark.parametrize("steps", [3, None])
def test_no_epoch_begins_without_a_batch(steps):
    begun = []
    with pytest.warns(UserWarning, match=TOO_FEW):
        history = make().fit(
            stream(),
            epochs=3,
            steps_per_epoch=steps,
            verbose=0,
            callbacks=LambdaCallback(
                on_epoch_begin=lambda epoch, _: begun.append(epoch)
            ),
        )
    assert begun == history.epoch == [0]


def test_a_validation_that_ends_early_is_told_of():
    how = {"validation_data": stream(), "validation_steps": 2, "verbose": 0}
    with pytest.warns(UserWarning, match="validation_data must yield enough"):
        history = make().fit(X, Y, epochs=3, **how).history
    assert len(history["loss"]) == 3
    assert len(history["val_loss"]) == 2


def test_nothing_is_warned_of_when_the_batches_suffice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().fit(stream(2), epochs=2, steps_per_epoch=3, verbose=0)
        make().fit(stream(), verbose=0)
        make().evaluate(stream(), verbose=0, steps=3)


# Files -----------------------------------------------------------------------------


@pytest.fixture
def mapped(tmp_path):
    """Return files of 64 MB and what belongs to them; most of each is a hole."""
    x = np.memmap(tmp_path / "x", "float32", "w+", shape=(4096, 4096))
    y = np.memmap(tmp_path / "y", "float32", "w+", shape=(4096, 4096))
    x[::7, 0], y[::5, 0] = 1, 1
    return x, y


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
@pytest.mark.parametrize("backup", [False, True])
def test_the_memory_for_a_file_is_bounded_by_the_batch(
    mapped, shuffle, backup, tmp_path
):
    x, y = mapped
    model = Sequential([Dense(1, input_shape=(4096,)), Dense(4096)], seed=0)
    model.compile("sgd", "mse")
    batch = 8 * x[0].nbytes
    calls = [BackupAndRestore(tmp_path / "backup")] if backup else None
    how = {"batch_size": 8, "verbose": 0, "callbacks": calls}
    tracemalloc.start()
    try:
        how |= {"shuffle": shuffle, "validation_split": 0.25, "steps_per_epoch": 9}
        model.fit(x, y, **how)
        model.evaluate(x, y, batch_size=8, verbose=0, steps=9)
        model.train_on_batch(x[:8], y[:8])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * batch < x.nbytes // 20


@pytest.mark.parametrize(
    "order", [lambda x: x[:, ::2], lambda x: x[::2], lambda x: x.view(">f4")]
)
def test_a_part_of_a_file_is_not_read_as_a_whole_either(mapped, order):
    x, _ = mapped
    x, y = order(x), np.zeros((4096, 1))[: len(order(x))]
    model = Sequential([Dense(1, input_shape=x.shape[1:])], seed=0)
    model.compile("sgd", "mse")
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=8, verbose=0, steps_per_epoch=9)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * 8 * x[0].nbytes < x.nbytes // 4


def test_a_file_trains_as_its_copy_in_memory_does(tmp_path):
    x, y = (np.memmap(tmp_path / n, v.dtype, "w+", shape=v.shape) for n, v in FILES)
    x[...], y[...] = X, Y
    for how in ({}, {"shuffle": "batch"}, {"class_weight": {0: 0.5, 1: 3.0}}):
        assert trained(x, y, batch_size=SIZE, **how) == trained(
            X, Y, batch_size=SIZE, **how
        )


FILES = (("x", X), ("y", Y))


# Resuming --------------------------------------------------------------------------


class Stopped(Exception):
    """The plug was pulled."""


def pull_after(batches):
    left = iter(range(batches))

    def act(batch, logs):
        if next(left, None) is None:
            raise Stopped

    return LambdaCallback(on_batch_begin=act)


class Mixing(Parts):
    """A Sequence that mixes its samples anew after every epoch."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.order = np.arange(len(X))

    def __getitem__(self, number):
        index = self.order[slices()[number]]
        return X[index], Y[index]

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(X))

    def get_state(self):
        return {"order": self.order, "rng": self.rng.bit_generator.state}

    def set_state(self, state):
        self.order = state["order"]
        self.rng.bit_generator.state = state["rng"]


@pytest.mark.parametrize("source", [Parts, Mixing, Foreign])
@pytest.mark.parametrize("done", [0, 2, 3, 4, 7])
@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_a_training_with_a_sequence_is_resumed_bit_for_bit(
    source, done, save_freq, tmp_path
):
    backup = BackupAndRestore(tmp_path, save_freq=save_freq)
    how = {"epochs": 3, "verbose": 0}
    with pytest.raises(Stopped):
        make().fit(source(), **how, callbacks=[backup, pull_after(done)])
    resumed = make()
    history = resumed.fit(source(), **how, callbacks=backup).history
    assert (history, bits(resumed)) == trained(source(), epochs=3)


@pytest.mark.parametrize(
    ("x", "y"), [(X, Y), (Parts(), None)], ids=["arrays", "sequence"]
)
def test_a_short_epoch_is_resumed_and_stays_short(x, y, tmp_path):
    how = {"epochs": 3, "verbose": 0, "steps_per_epoch": 2}
    how |= {"batch_size": SIZE} if y is not None else {}
    backup = BackupAndRestore(tmp_path, save_freq=1)
    with pytest.raises(Stopped):
        make().fit(x, y, **how, callbacks=[backup, pull_after(3)])
    resumed, seen = make(), []
    count = LambdaCallback(on_batch_begin=lambda batch, logs: seen.append(batch))
    history = resumed.fit(x, y, **how, callbacks=[backup, count]).history
    assert seen == [1, 0, 1]
    del how["verbose"]
    assert (history, bits(resumed)) == trained(x, y, **how)
    with pytest.raises(Stopped):
        make().fit(x, y, **how, verbose=0, callbacks=[backup, pull_after(3)])
    how["steps_per_epoch"] = 1
    with pytest.raises(ValueError, match="steps_per_epoch must be 2 as in"):
        make().fit(x, y, **how, verbose=0, callbacks=backup)


def test_a_sequence_that_has_changed_is_brought_back(tmp_path):
    class Growing(Mixing):
        def __len__(self):
            return 1 + self.ended

        def on_epoch_end(self):
            self.ended += 1

        def get_state(self):
            return {"ended": self.ended}

        def set_state(self, state):
            self.ended = state["ended"]

    backup = BackupAndRestore(tmp_path, save_freq=1)
    how = {"epochs": 3, "verbose": 0}
    growing = Growing()
    with pytest.raises(Stopped):
        make().fit(growing, **how, callbacks=[backup, pull_after(2)])
    assert growing.ended == 1
    resumed = make()
    growing.ended = 2  # as another use in between may leave it
    history = resumed.fit(growing, **how, callbacks=backup).history
    assert (history, bits(resumed)) == trained(Growing(), epochs=3)


def test_a_generator_cannot_be_resumed(tmp_path):
    model = make()
    sentence = (
        "{} must be arrays or a Sequence with BackupAndRestore, got a generator, which "
        "cannot be resumed"
    )
    backup = BackupAndRestore(tmp_path)
    with refuses(sentence.format("x")), unchanged(model):
        model.fit(stream(), verbose=0, callbacks=backup)
    how = {"validation_data": stream(), "validation_steps": 2, "callbacks": backup}
    with refuses(sentence.format("validation_data")), unchanged(model):
        model.fit(X, Y, verbose=0, **how)
    assert not list(tmp_path.iterdir())


def test_another_sequence_is_refused(tmp_path):
    class Longer(Parts):
        def __len__(self):
            return 2

    backup = BackupAndRestore(tmp_path)
    with pytest.raises(Stopped):
        make().fit(Parts(), verbose=0, callbacks=[backup, pull_after(1)])
    with pytest.raises(ValueError, match=r"x\.class_name must be 'Parts'"):
        make().fit(Longer(), verbose=0, callbacks=backup)


# What is wrong ---------------------------------------------------------------------


class Empty(Parts):
    def __len__(self):
        return 0


REFUSED = {
    "y": (
        {"x": Parts(), "y": Y},
        "y must be None where x is made of batches, which hold it, got ndarray",
    ),
    "sample_weight": (
        {"x": Parts(), "sample_weight": Y},
        "sample_weight must be None where x is made of batches, which hold it, "
        "got ndarray",
    ),
    "batch_size": (
        {"x": stream(), "batch_size": 3},
        "batch_size must be None where x is made of batches, got 3",
    ),
    "validation_batch_size": (
        {"x": X, "y": Y, "validation_data": Parts(), "validation_batch_size": 3},
        "batch_size must be None where validation_data is made of batches, got 3",
    ),
    "validation_split": (
        {"x": Parts(), "validation_split": 0.5},
        "validation_split must be 0 where x is made of batches; give validation_data, "
        "got 0.5",
    ),
    "empty sequence": (
        {"x": Empty()},
        "x must hold batches, got a Sequence of length 0",
    ),
    "empty generator": ({"x": iter(())}, "x must yield a batch, got none"),
    "steps": (
        {"x": stream(), "steps_per_epoch": 0},
        "steps_per_epoch must be an integer >= 1, got 0",
    ),
    "too many steps": (
        {"x": Parts(), "steps_per_epoch": 4},
        "steps_per_epoch must be <= 3, the number of batches, got 4",
    ),
    "too many steps of arrays": (
        {"x": X, "y": Y, "batch_size": 5, "steps_per_epoch": 3},
        "steps_per_epoch must be <= 2, the number of batches, got 3",
    ),
    "validation steps": (
        {"x": X, "y": Y, "validation_data": (X, Y), "validation_steps": 2},
        "validation_steps must be <= 1, the number of batches, got 2",
    ),
    "validation without steps": (
        {"x": X, "y": Y, "validation_data": stream()},
        "validation_steps must be given where validation_data is a generator, got None",
    ),
    "no targets": ({"x": Parts(X)}, "batch 0 of x: y must be given, got None"),
    "four items": (
        {"x": Parts(X, Y, WEIGHT, X)},
        "batch 0 of x must be x, (x, y) or (x, y, sample_weight), got 4 items",
    ),
    "nothing": (
        {"x": iter([None])},
        "batch 0 of x: x must hold numbers, got dtype object",
    ),
    "lengths": (
        {"x": iter([(X, Y[:3])])},
        "batch 0 of x: x and y must have the same length, got 10 and 3 samples",
    ),
    "empty batch": (
        {"x": iter([(X[:0], Y[:0])])},
        "batch 0 of x: x must hold samples, got shape (0, 3)",
    ),
    "classes": (
        {"x": Parts(), "class_weight": {7: 1.0}},
        "batch 0 of x: class_weight must have a weight for every class of y, "
        "got none for 0.0",
    ),
}


@pytest.mark.parametrize("maker", [Parts, stream, lambda: 1, len])
def test_what_makes_a_source_must_be_called(maker):
    with refuses(
        f"x must be arrays, a Sequence or a generator, got {maker!r}; call it to make "
        "one"
    ):
        make().fit(maker, verbose=0)


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_fit_refuses_before_it_begins(arguments, sentence):
    model = make()
    with refuses(sentence), unchanged(model):
        model.fit(**arguments, verbose=0)


LATER = {
    "lengths": ((X, Y[:3]), "batch 2 of x: x and y must have the same length"),
    "features": (
        (X[:, :2], Y),
        "batch 2 of x: dense.*: input must have 3 values on its last axis",
    ),
    "targets": ((X, np.ones((10, 2, 1))), "batch 2 of x: y_true"),
    "words": ((np.full((3, 3), "a"), Y), "batch 2 of x: x must hold numbers"),
}


@pytest.mark.parametrize(("batch", "sentence"), LATER.values(), ids=list(LATER))
def test_a_batch_that_is_wrong_later_leaves_what_was_learned(batch, sentence):
    ended = []
    model, expected = make(), make()
    with pytest.raises(ValueError, match=sentence):
        model.fit(
            iter([*list(stream())[:2], batch]),
            verbose=0,
            callbacks=LambdaCallback(on_train_end=lambda logs: ended.append(1)),
        )
    for part in slices()[:2]:
        expected.train_on_batch(X[part], Y[part])
    assert bits(model) == bits(expected)
    assert ended == [1]
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("call", ["evaluate", "predict", "fit"])
def test_a_wrong_batch_is_named_wherever_it_is_met(call):
    def batches():
        yield from [(X[:4], Y[:4]), (X[:4, :2], Y[:4])]

    sentence = r"^batch 1 of (x|validation_data): dense.*: input must have 3 values"
    given = {"x": batches()}
    if call == "fit":
        given = {"x": X, "y": Y, "validation_data": batches(), "validation_steps": 2}
    model = make()
    model.evaluate(X, Y, verbose=0)
    with pytest.raises(ValueError, match=sentence):
        getattr(model, call)(**given, verbose=0)


def test_an_error_of_ones_own_loss_names_no_batch():
    def loss(y_true, y_pred):
        if len(y_true) == 3:
            raise ValueError("three")
        return ((y_true - y_pred) ** 2).mean(axis=-1)

    loss.gradient = lambda y_true, y_pred: 2 * (y_pred - y_true) / y_pred.shape[-1]
    model = make()
    model.compile("sgd", loss)
    with refuses("three"):
        model.fit(iter([(X[:4], Y[:4]), (X[:3], Y[:3])]), verbose=0)


@pytest.mark.parametrize("error", [OSError, StopIteration, KeyError])
def test_an_error_of_the_source_is_passed_on(error):
    class Broken(Parts):
        def __getitem__(self, number):
            if number == 1:
                raise error("disk")
            return super().__getitem__(number)

    with pytest.raises((error, RuntimeError)):
        make().fit(Broken(), shuffle=False, verbose=0)


def test_batches_may_change_their_size():
    sizes = [1, 9, 3, 10, 2]
    make().fit(((X[:n], Y[:n]) for n in sizes), verbose=0)
    assert len(make().predict(X[:n] for n in sizes)) == sum(sizes)


def test_a_sequence_must_override_its_methods():
    with pytest.raises(NotImplementedError, match="Sequence must override __len__"):
        len(Sequence())
    with pytest.raises(NotImplementedError, match="Sequence must override __getitem__"):
        Sequence()[0]
    assert [len(x) for x, _ in Parts()] == [4, 4, 2]
