"""The law of resuming: where a training was stopped leaves no trace in its results."""

import functools
import os
import pickle
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from forked import ForkServer
from hypothesis import given, settings
from hypothesis import strategies as st
from raising import refuses
from resuming import (
    BATCH_SIZE,
    DATA,
    EPOCHS,
    OPTIMIZERS,
    X_VAL,
    Y_VAL,
    Training,
    X,
    Y,
    is_end_of,
    make_model,
)
from unchanged import unchanged

from localnet import Sequential, callbacks, config, load_model, optimizers
from localnet.callbacks import BackupAndRestore, Callback, LambdaCallback
from localnet.files import native
from localnet.layers import Dense
from localnet.training import fingerprint
from localnet.training.batches import Data
from localnet.training.fingerprint import identity_of_data

# Set to 200 and more by .ci/long.
KILLS = int(os.environ.get("LOCALNET_TEST_KILLS", "4"))
FILE = r"checkpoint\.npz"
STEPS = -(-len(X) // BATCH_SIZE)
# Every epoch and every place in an epoch; with many kills, every batch.
STOPS = range(EPOCHS * STEPS) if KILLS >= 200 else (0, 1, 5, 8, 10, 15, 23)
HOOKS = (
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_batch_end",
    "on_epoch_end",
    "on_train_end",
)


class Stopped(Exception):
    """What a test stops a training with."""


class Stop(Callback):
    """Break a training off at the call number `after` of one hook."""

    def __init__(self, after, hook="on_train_batch_end", error=Stopped):
        super().__init__()
        self.left = after
        self.error = error
        setattr(self, hook, self.count)

    def count(self, *args):
        if self.left == 0:
            if self.error is signal.SIGINT:
                signal.raise_signal(signal.SIGINT)
            raise self.error
        self.left -= 1


@functools.cache
def whole(optimizer="momentum", data="validation", epochs=EPOCHS):
    """Return a training that is never stopped: its results and the calls it made."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(Path(folder) / "whole", optimizer, data, epochs=epochs)
        training.fit(backup=False)
        return training.left_behind(), training.recorder.events


def assert_law(training, start=0, but=None):
    """Compare a resumed training with one that was never stopped."""
    results, events = whole(training.optimizer, training.data, training.epochs)
    left = training.left_behind()
    for name, value in results.items():
        assert left[name] == value or name == but, name
    assert is_end_of(events, training.recorder.events[start:])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "training"


# The law -------------------------------------------------------------------------


@pytest.mark.parametrize("after", STOPS)
def test_stopped_at_any_batch(after, folder):
    with pytest.raises(Stopped):
        Training(folder).fit(Stop(after))
    # Another seed: everything random must come out of the checkpoint.
    assert_law(Training(folder, seed=1).fit())
    assert list((folder / "backup").iterdir()) == []


@settings(max_examples=settings.default.max_examples // 5)
@given(
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    data=st.sampled_from(list(DATA)),
    save_freq=st.sampled_from(["epoch", 1, 2, 3, 5, 7]),
    stops=st.lists(
        st.tuples(
            st.sampled_from(HOOKS),
            st.integers(0, 12),
            st.sampled_from([Stopped, KeyboardInterrupt, SystemExit, signal.SIGINT]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_stopped_anywhere_in_any_training(optimizer, data, save_freq, stops):
    with tempfile.TemporaryDirectory() as place:
        options = (Path(place) / "training", optimizer, data, save_freq)
        training = Training(*options)
        for hook, after, error, same_process in stops:
            seen = len(training.recorder.events)
            try:
                training.fit(Stop(after, hook, error))
                break
            except (Stopped, KeyboardInterrupt, SystemExit):
                if not same_process:
                    training = Training(*options, seed=1)
                seen = len(training.recorder.events)
        else:
            training.fit()
        assert_law(training, seen)


def test_early_stopping_is_resumed_with_its_best_weights(folder):
    def train(place, *more):
        stopping = callbacks.EarlyStopping(
            "loss", min_delta=5, patience=2, restore_best_weights=True
        )
        model = make_model()
        model.fit(X, Y, 8, epochs=9, verbose=0, callbacks=[stopping, *more])
        return model, stopping

    expected, reference = train(folder)
    assert reference.stopped_epoch == 2
    for after in range(9):
        backup = BackupAndRestore(folder / str(after), 1, delete_checkpoint=False)
        with pytest.raises(Stopped):
            train(folder, Stop(after), backup)
        for _ in range(2):  # also when the training has ended already
            model, stopping = train(folder, backup)
            assert repr(vars(stopping)["best_weights"]) == repr(reference.best_weights)
            assert (stopping.stopped_epoch, stopping.wait) == (2, 2)
            assert repr(model.get_weights()) == repr(expected.get_weights())
            assert model.history.history == expected.history.history


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("after", [0, 3, 5, 6, 11])
def test_stop_training_at_a_batch_leaves_a_checkpoint_before_it(
    after, save_freq, folder
):
    class Pause(Callback):
        left = after

        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = self.left == 0
            self.left -= 1

    keep = {"save_freq": save_freq, "delete_checkpoint": False}
    Training(folder, **keep).fit(Pause())
    # The half epoch was an epoch for those who save the best one.
    assert_law(Training(folder, seed=1, **keep).fit(), but="saved")


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_more_epochs_go_on_from_a_kept_checkpoint(kept, folder):
    options = {"data": "in-order", "delete_checkpoint": False}
    Training(folder, epochs=kept, **options).fit()
    assert_law(Training(folder, seed=1, **options).fit())
    # It has ended: nothing is left to do, and the results are the same.
    assert_law(Training(folder, seed=2, **options).fit())


def test_a_new_training_begins_where_none_is_to_be_resumed(folder):
    for _ in range(2):  # the first one deletes its checkpoint
        assert_law(Training(folder).fit())


def test_initial_epoch(folder):
    how = {"initial_epoch": 2}
    expected = Training(folder, how=how).fit(backup=False).left_behind()
    with pytest.raises(Stopped):
        Training(folder, how=how).fit(Stop(7))
    training = Training(folder, how=how, seed=1).fit()
    assert training.left_behind() == expected
    assert training.model.history.epoch == [2, 3]


def test_a_csv_file_that_was_there_is_kept_and_rows_are_written_once(folder):
    folder.mkdir()
    path = folder / "log.csv"

    def train(*more):
        logger = callbacks.CSVLogger(path, append=True)
        how = {"epochs": 3, "verbose": 0, "callbacks": [logger, *more]}
        make_model().fit(X, Y, **how)

    train()
    old = path.read_text()
    train()
    expected = path.read_text()
    assert expected.startswith(old)
    path.write_text(old)
    backup = BackupAndRestore(folder / "b", save_freq=1)
    with pytest.raises(Stopped):
        train(backup, Stop(1, "on_epoch_end"))
    path.write_text(path.read_text() + "half a ro")
    train(backup)
    assert path.read_text() == expected


# Real processes ------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_killed_at_random_moments(tmp_path):
    chance = random.Random(KILLS)
    scenes = [("momentum", "validation", 1), ("averages", "split", 2)]
    scenes += [("legacy", "weights", "epoch"), ("nesterov-schedule", "seed", 3)]
    killed, round_ = 0, 0
    with ForkServer("killed") as server:
        expected = {}
        while killed < KILLS:
            scene = scenes[round_ % len(scenes)]
            options = dict(zip(("optimizer", "data", "save_freq"), scene, strict=True))
            if scene not in expected:
                files = (
                    tmp_path / f"whole-{round_}",
                    tmp_path / f"whole-{round_}.pickle",
                )
                assert server.run("train", str(files[0]), options, str(files[1])) == 0
                expected[scene] = pickle.loads(files[1].read_bytes())
            result = tmp_path / f"{round_}.pickle"
            task = (str(tmp_path / f"killed-{round_}"), options, str(result))
            for _ in range(20):
                pid = server.start("train", *task)
                time.sleep(chance.uniform(0, 0.25))
                killed += server.kill(pid) == -signal.SIGKILL
                if result.exists():
                    break
            else:
                assert server.run("train", *task) == 0
            left = pickle.loads(result.read_bytes())
            for name, value in expected[scene].items():
                assert left[name] == value, (round_, scene, name)
            round_ += 1


# What is refused -----------------------------------------------------------------


def stopped(folder, after=7, **options):
    """Leave the checkpoint of a training that was broken off, and return its path."""
    training = Training(folder, **options)
    with pytest.raises(Stopped):
        training.fit(Stop(after))
    return training.backup.path


CHANGES = {
    "batch_size": ({"batch_size": 5}, "batch_size must be 4", "5"),
    "shuffle": ({"shuffle": "batch"}, "shuffle must be True", "'batch'"),
    "seed": ({"seed": 3}, "seed must be None", "3"),
    "initial_epoch": ({"initial_epoch": 1}, "initial_epoch must be 0", "1"),
    "class_weight": (
        {"class_weight": {0: 1, 1: 2, 2: 1}},
        "class_weight.0 must be None",
        "1.0",
    ),
    "validation_freq": ({"validation_freq": [1]}, "validation_freq must be 1", "[1]"),
    "validation_batch_size": (
        {"validation_batch_size": 2},
        "validation_batch_size must be 3",
        "2",
    ),
    "validation": (
        {"validation_data": (X_VAL[:4], Y_VAL[:4])},
        "validation_data.x.shape must be [7, 5, 2]",
        "[4, 5, 2]",
    ),
    "weight": (
        {"sample_weight": np.ones(22)},
        "sample_weight must be None",
        "{'shape': [22], 'dtype': '<f8', 'fingerprint': '61de92513e68f80a'}",
    ),
    "epochs": ({"epochs": 1}, None, "epochs must be >= 2 by now, got 1"),
}


@pytest.mark.parametrize(("change", "rule", "got"), CHANGES.values(), ids=CHANGES)
def test_other_arguments_are_refused_by_name(change, rule, got, folder):
    path = stopped(folder)
    other = Training(folder, seed=1, how=change)
    sentence = f"{rule} as in {path}, got {got}"
    if rule is None:
        sentence = f"{path} must hold the state of this training: {got}"
    old = path.read_bytes(), (folder / "log.csv").read_bytes()
    with unchanged(other.model), refuses(sentence):
        other.fit()
    assert (path.read_bytes(), (folder / "log.csv").read_bytes()) == old
    # And it can still be resumed as it was.
    assert_law(Training(folder, seed=1).fit())


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (X[:-1], Y[:-1], "x.shape must be [22, 5, 2]"),
        (X.astype("f4"), Y, "x.dtype must be '<f8'"),
        (X + (np.arange(22) == 21)[:, None, None], Y, "x.fingerprint must be"),
        (X, (Y + 1) % 3, "y.fingerprint must be"),
    ],
    ids=["shape", "dtype", "values", "labels"],
)
def test_other_data_are_refused(x, y, name, tmp_path):
    backup = BackupAndRestore(tmp_path)
    how = {"batch_size": 4, "verbose": 0}
    with pytest.raises(Stopped):
        make_model().fit(X, Y, **how, callbacks=[backup, Stop(1)])
    model = make_model(seed=1)
    with unchanged(model), pytest.raises(ValueError, match=FILE) as caught:
        model.fit(x, y, **how, callbacks=backup)
    assert str(caught.value).startswith(name)


def test_one_number_in_a_large_array_is_not_looked_at_but_its_rows_are(monkeypatch):
    x = np.arange(4000.0).reshape(1000, 4)
    data, changed = Data((x,)), Data((x + (np.arange(1000) == 3)[:, None],))
    assert identity_of_data(data) != identity_of_data(changed)
    monkeypatch.setattr(fingerprint, "LOOKED_AT", 8000)
    assert identity_of_data(data) == identity_of_data(changed)
    assert identity_of_data(data) != identity_of_data(Data((x + 1,)))


def other_models():
    def dense(*sizes, **kwargs):
        return Sequential([Dense(n, **kwargs) for n in sizes], seed=0)

    yield "layers", dense(3, 2, 1), "number of layers must be 2"
    yield "units", dense(4, 1), "layers[0].config.units must be 3"
    yield "activation", dense(3, 1, activation="tanh"), "layers[0].config.activation"
    yield "frozen", dense(3, 1, trainable=False), "layers[0].config.trainable must be"
    yield "dtype", dense(3, 1, dtype="float64"), "layers[0].config.dtype must be"


@pytest.mark.parametrize(
    ("model", "rule"),
    [(model, rule) for _, model, rule in other_models()],
    ids=[name for name, _, _ in other_models()],
)
def test_another_model_is_refused(model, rule, tmp_path):
    def fit(model, *more):
        model.compile("sgd", "mse")
        how = {"verbose": 0, "callbacks": [BackupAndRestore(tmp_path), *more]}
        model.fit(np.ones((4, 2)), np.ones((4, 1)), 2, **how)

    with pytest.raises(Stopped):
        fit(Sequential([Dense(3), Dense(1)]), Stop(0))
    with pytest.raises(ValueError, match=FILE) as caught:
        fit(model)
    assert str(caught.value).startswith(rule)
    assert not model.built


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ({"loss": "mae"}, "objective.loss"),
        ({"metrics": ["mae"]}, "number of metrics_names|metrics_names must be"),
        ({"optimizer": optimizers.LegacySGD()}, "optimizer.class_name must be 'SGD'"),
        ({"optimizer": optimizers.SGD(momentum=0.5)}, "optimizer.config.momentum must"),
    ],
    ids=["loss", "metrics", "optimizer", "momentum"],
)
def test_another_objective_or_optimizer_is_refused(how, rule, tmp_path):
    def fit(*more, **how):
        model = Sequential([Dense(1, input_shape=(2,))])
        model.compile(**{"optimizer": "sgd", "loss": "mse", **how})
        more = [BackupAndRestore(tmp_path), *more]
        model.fit(np.ones((4, 2)), np.ones((4, 1)), 2, verbose=0, callbacks=more)

    with pytest.raises(Stopped):
        fit(Stop(0))
    with pytest.raises(ValueError, match=f"^({rule})"):
        fit(**how)


def test_other_callbacks_with_a_state_and_another_engine_are_refused(folder):
    path = stopped(folder)
    with pytest.raises(ValueError, match=r"^callbacks.*must be") as caught:
        Training(folder).fit(callbacks.EarlyStopping())
    assert str(path) in str(caught.value)
    with (
        config.engine("einsum"),
        refuses(f"engine must be 'blocked' as in {path}, got 'einsum'"),
    ):
        Training(folder).fit()


def test_the_learning_rate_is_that_of_the_checkpoint(folder):
    stopped(folder)
    training = Training(folder, seed=1)
    training.model.optimizer.learning_rate = 7.0
    assert_law(training.fit())


# Damaged files -------------------------------------------------------------------


def rewritten(path, change):
    config_, arrays = native.read(path)
    change(config_, arrays)
    native.write(path, config_, arrays)


def drop(name):
    return lambda config_, arrays: config_["state"].pop(name)


def put(value, *keys):
    def change(config_, arrays):
        for key in keys[:-1]:
            config_ = config_[key]
        config_[keys[-1]] = value

    return change


DAMAGES = {
    "model": (put("Sequential", "class_name"), "must hold a checkpoint, got"),
    "version": (put(2, "checkpoint_version"), "must have checkpoint version 1, got 2"),
    "no state": (lambda c, a: c.pop("state"), "KeyError"),
    "state": (put([], "state"), "state must be a dict, got"),
    "weights": (drop("weights"), "KeyError"),
    "array": (lambda c, a: a.pop("weights/0000"), "got none for 'weights/0000'"),
    "shape": (lambda c, a: a.update({"weights/0000": np.ones(2)}), "must have shape"),
    "slots": (
        lambda c, a: a.update({"optimizer/momentum_0": np.ones(2)}),
        "must have the shapes of the weights",
    ),
    "noise": (put([], "state", "noise"), "zip"),
    "generator": (put({}, "state", "shuffling"), "must hold the state"),
    "numbers": (put({"x": 1}, "state", "numbers"), "must have a number 'x'"),
    "means": (put([[1.0]], "state", "means"), "not enough values"),
    "epoch": (put(-1, "state", "epoch"), "epoch must be an integer"),
    "batch": (put(99, "state", "batch"), "batch must be an integer"),
    "order": (lambda c, a: a.update(order=a["order"] // 2), "must be a permutation"),
    "no order": (put(None, "state", "order"), "must hold the state"),
    "logs": (put(3, "state", "logs"), "logs must be a dict"),
    "callbacks": (put([], "state", "callbacks"), "zip"),
    "stopping": (
        put("a", "state", "callbacks", 1, "EarlyStopping", "wait"),
        "wait of EarlyStopping must be",
    ),
    "best": (
        put([1], "state", "callbacks", 1, "EarlyStopping", "best_weights"),
        "best_weights must have the shapes",
    ),
    "history": (
        put(3, "state", "callbacks", -1, "History", "history"),
        "history of History must be a dict, got 3",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_state_is_one_error_and_changes_nothing(change, message, folder):
    path = stopped(folder)
    rewritten(path, change)
    training = Training(folder, seed=1)
    with unchanged(training.model), pytest.raises(ValueError, match="npz") as caught:
        training.fit()
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert len(caught.value.args) == 1


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(part, folder):
    path = stopped(folder)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    training = Training(folder)
    with unchanged(training.model), pytest.raises(ValueError, match=FILE):
        training.fit()


def test_flipped_bits_never_go_unseen(folder, rng):
    path = stopped(folder)
    whole_file = path.read_bytes()
    wrong = 0
    for place in rng.integers(0, len(whole_file), 20 if KILLS < 200 else 200):
        damaged = bytearray(whole_file)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        training = Training(folder, seed=1)
        try:
            with unchanged(training.model):
                training.fit(Stop(0, "on_train_begin"))
        except ValueError:
            wrong += 1
        except Stopped:  # a bit that means nothing, such as a date
            path.write_bytes(damaged)
            assert_law(Training(folder, seed=1).fit())
    assert wrong >= (10 if KILLS < 200 else 100)


def test_a_state_that_a_file_cannot_hold_is_refused_before_training(tmp_path):
    class Odd(Callback):
        def get_state(self):
            return {"seen": {1, 2}}

    model = make_model()
    with (
        unchanged(model),
        refuses(
            "state['callbacks'][0]['Odd']['seen'] must be made of numbers, strings, "
            "arrays, lists and dicts with strings as keys, got {1, 2}"
        ),
    ):
        model.fit(X, Y, verbose=0, callbacks=[Odd(), BackupAndRestore(tmp_path)])


# Where a training starts from, and who is at work ---------------------------------


def small_fit(model, folder, *more, epochs=3):
    how = {"verbose": 0, "callbacks": [BackupAndRestore(folder), *more]}
    model.fit(np.eye(4, 2), np.ones((4, 1)), 2, epochs=epochs, **how)
    return model


def small(seed=None):
    model = Sequential([Dense(1, input_shape=(2,))], seed=seed)
    model.compile("sgd", "mse")
    return model


def test_a_sweep_over_seeds_that_shares_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(Stopped):
        small_fit(small(3), tmp_path, Stop(3))
    other = small(0)
    with (
        unchanged(other),
        refuses(f"model_seed must be [3] as in {tmp_path / 'checkpoint.npz'}, got [0]"),
    ):
        small_fit(other, tmp_path)
    expected = small_fit(small(3), tmp_path / "whole").get_weights()
    resumed = small_fit(small(3), tmp_path).get_weights()
    assert repr(resumed) == repr(expected)


@pytest.mark.parametrize("seed", [np.random.SeedSequence(3).spawn(2)[1], [1, 2]])
def test_any_seed_of_a_model_is_told_again(seed, tmp_path):
    with pytest.raises(Stopped):
        small_fit(small(seed), tmp_path, Stop(3))
    small_fit(small(seed), tmp_path)


def test_other_weights_that_were_loaded_are_refused(tmp_path):
    def loaded(value, seed=None):
        model = small(seed)
        model.set_weights([np.full((2, 1), value), np.zeros(1)])
        model.save_weights(tmp_path / f"{value}.npz")
        model = small(seed)
        model.load_weights(tmp_path / f"{value}.npz")
        return model

    for seed in (None, 7):
        with pytest.raises(Stopped):
            small_fit(loaded(1.0, seed), tmp_path, Stop(3))
        other = loaded(2.0, seed)
        with (
            unchanged(other),
            pytest.raises(ValueError, match=r"^initial_weights must"),
        ):
            small_fit(other, tmp_path)
        small_fit(loaded(1.0, seed), tmp_path)


def test_a_model_whose_seed_nobody_named_resumes_another_one(tmp_path):
    with pytest.raises(Stopped):
        small_fit(first := small(), tmp_path, Stop(5))
    resumed = small_fit(small(), tmp_path)
    assert repr(resumed.get_weights()) == repr(first.get_weights())


def test_the_same_model_goes_on_in_the_same_process(tmp_path):
    model = small(3)
    with pytest.raises(Stopped):
        small_fit(model, tmp_path, Stop(3))
    small_fit(model, tmp_path)
    assert model.history.epoch == [0, 1, 2]


def test_two_trainings_in_one_folder_in_one_process(tmp_path):
    pytest.importorskip("fcntl")
    other = small()

    def intrude(*_):
        sentence = (
            f"backup_dir must be of one training at a time, got {str(tmp_path)!r}, in "
            "which another one is at work"
        )
        with unchanged(other), refuses(sentence):
            small_fit(other, tmp_path)

    model = small_fit(small(), tmp_path, LambdaCallback(on_epoch_begin=intrude))
    assert len(model.history.epoch) == 3
    assert list(tmp_path.iterdir()) == []  # neither a checkpoint nor a lock
    small_fit(other, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_two_trainings_in_one_folder_in_two_processes(tmp_path):
    folder, sign = tmp_path / "backup", tmp_path / "sign"
    with ForkServer("killed") as server:
        pid = server.start("train_for_ever", str(folder), str(sign))
        while not sign.exists():
            time.sleep(0.01)
        with pytest.raises(ValueError, match="one training at a time"):
            small_fit(small(3), folder)
        assert server.kill(pid) == -signal.SIGKILL
    # Whoever was killed holds nothing any more.
    with pytest.raises(Stopped):
        small_fit(small(3), folder, Stop(3), epochs=10**6)


def test_a_folder_is_let_go_however_a_training_ends(tmp_path):
    for error in (Stopped, KeyboardInterrupt):
        with pytest.raises(error):
            small_fit(small(), tmp_path, Stop(3, error=error))
        assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]
    small_fit(small(), tmp_path)
    with pytest.raises(Stopped):
        small_fit(small(), tmp_path, Stop(0, "on_train_begin"))
    assert "checkpoint.lock" not in [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("error", [Stopped, KeyboardInterrupt])
def test_a_folder_is_let_go_when_the_end_itself_fails(tmp_path, error):
    with pytest.raises(error):
        small_fit(model := small(), tmp_path, Stop(0, "on_train_end", error))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]
    # All was learned before the end: no step is left.
    resumed = small_fit(small(), tmp_path)
    assert repr(resumed.get_weights()) == repr(model.get_weights())


def test_rows_of_a_large_array_are_looked_at_by_chance(monkeypatch):
    monkeypatch.setattr(fingerprint, "LOOKED_AT", 8000)
    x = np.arange(4000.0).reshape(1000, 4)
    # Half of the rows, whichever half it is, and also behind a view.
    for part in (slice(0, None, 2), slice(1, None, 2), slice(500), slice(500, None)):
        changed = x.copy()
        changed[part] += 1
        assert identity_of_data(Data((x,))) != identity_of_data(Data((changed,)))
    again = identity_of_data(Data((np.asfortranarray(x),)))
    assert again == identity_of_data(Data((x,)))


@pytest.mark.parametrize(
    "refused",
    [
        callbacks.LearningRateScheduler(lambda epoch: "x"),
        callbacks.LearningRateScheduler(lambda epoch: float("nan")),
        Stop(0, "on_epoch_begin", ValueError),
    ],
    ids=["text", "nan", "raises"],
)
def test_the_history_stays_where_no_step_was_made(refused):
    model = small()
    x, y = np.eye(4, 2), np.ones((4, 1))
    history = model.fit(x, y, verbose=0)
    former = dict(history.history)
    with unchanged(model), pytest.raises(ValueError):  # noqa: PT011
        model.fit(x, y, verbose=0, callbacks=refused)
    assert model.history is history
    assert history.history == former


# The callback --------------------------------------------------------------------


def test_arguments():
    backup = BackupAndRestore("somewhere")
    assert backup.path == Path("somewhere") / "checkpoint.npz"
    assert (backup.save_freq, backup.delete_checkpoint) == ("epoch", True)
    with refuses("save_freq must be 'epoch' or an integer >= 1, got 0"):
        BackupAndRestore("somewhere", save_freq=0)
    with refuses("backup_dir must be a str or path-like, got None"):
        BackupAndRestore(None)
    with refuses("callbacks must hold one BackupAndRestore, got two"):
        make_model().fit(X, Y, callbacks=[backup, BackupAndRestore("b")])
    assert not Path("somewhere").exists()


@pytest.mark.parametrize(("save_freq", "saves"), [("epoch", 4), (4, 7), (1, 25)])
def test_how_often_it_saves(save_freq, saves, folder, monkeypatch):
    written = []
    write = native.write
    monkeypatch.setattr(
        native,
        "write",
        lambda path, *a, **k: (written.append(path), write(path, *a, **k)),
    )
    Training(folder, save_freq=save_freq).fit()
    backups = [path for path in written if path.name == "checkpoint.npz"]
    # The first one is of the beginning; the last epoch's is written too.
    assert len(backups) == saves + (save_freq == "epoch")


def test_a_folder_that_cannot_be_made_is_met_before_training(tmp_path):
    (tmp_path / "file").touch()
    model = make_model()
    with unchanged(model), pytest.raises(OSError, match="file"):
        model.fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path / "file" / "b"))


def test_weights_can_be_taken_from_a_checkpoint_but_it_is_no_model(folder):
    path = stopped(folder, after=0)
    model = make_model(seed=3)
    model.load_weights(path)
    for left, right in zip(
        model.get_weights(), make_model(seed=0).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(left, right)
    with pytest.raises(ValueError, match="must hold a model, got weights alone"):
        load_model(path)


def test_a_model_of_functions_of_ones_own_is_resumed_too(tmp_path):
    def train(*more):
        def penalty(w):
            return float(np.sum(w**2))

        penalty.gradient = lambda w: 2 * w
        layer = Dense(1, kernel_regularizer=penalty, input_shape=(2,))
        model = Sequential([layer], seed=0)
        rate = lambda step: 0.1 / (1 + step)  # noqa: E731
        model.compile(optimizers.SGD(rate, momentum=0.5), "mse")
        how = {"epochs": 3, "verbose": 0, "callbacks": list(more)}
        return model.fit(X[:, 0], Y[:, None], 4, **how).history

    expected = train()
    with pytest.raises(Stopped):
        train(BackupAndRestore(tmp_path), Stop(8))
    assert train(BackupAndRestore(tmp_path)) == expected


def test_lambda_callbacks_and_progress_are_begun_again(folder, capsys):
    stopped(folder)
    seen = []
    spy = LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    Training(folder, how={"verbose": 2}).fit(spy)
    assert seen == [1, 2, 3]
    out = capsys.readouterr().out
    assert [f"Epoch {n}/4" in out for n in (1, 2, 3, 4)] == [False, True, True, True]


def test_the_bar_of_a_resumed_epoch_goes_on_where_it_was(folder, capsys):
    stopped(folder, 6)  # after the last batch of the first epoch
    Training(folder, how={"verbose": 2}).fit()
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("Epoch 1/4") + 1].startswith("6/6 - ")
