"""Callbacks, with scripted logs where the numbers matter and in real trainings."""

import io
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from raising import refuses
from unchanged import unchanged

from localnet import Sequential, load_model
from localnet.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
    TrainingBar,
    progress,
)
from localnet.layers import Dense, LocallyConnected1D
from localnet.optimizers import SGD
from localnet.optimizers.schedules import ExponentialDecay
from localnet.utils import Progbar

NAN, INF = math.nan, math.inf
STAGES = ("train", "test", "predict")
STAGE_HOOKS = [f"on_{stage}_{when}" for stage in STAGES for when in ("begin", "end")]
STEP_HOOKS = [
    f"on_{step}_{when}"
    for step in ("epoch", *(f"{stage}_batch" for stage in STAGES))
    for when in ("begin", "end")
]


class FakeModel:
    """What callbacks ask of a model; its one weight is the number of the epoch."""

    def __init__(self, learning_rate=0.1):
        self.optimizer = SGD(learning_rate)
        self.stop_training = False
        self.epoch = 0
        self.weights = None
        self.files = []

    def get_weights(self):
        return [np.array([self.epoch])]

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path):
        self.files.append(("model", path))

    def save_weights(self, path):
        self.files.append(("weights", path))


def play(callbacks, epochs, model=None, *, name="val_loss", steps=0):
    """Hand scripted logs (or values of one name) to callbacks; return their History."""
    model = FakeModel() if model is None else model
    params = {"verbose": 0, "epochs": len(epochs), "steps": steps}
    calls = CallbackList(callbacks, True, False, model, **params)
    calls.on_train_begin()
    for epoch, logs in enumerate(epochs):
        model.epoch = epoch
        logs = dict(logs) if isinstance(logs, dict) else {name: logs}
        calls.on_epoch_begin(epoch)
        for batch in range(steps):
            calls.on_train_batch_begin(batch)
            calls.on_train_batch_end(batch, dict(logs))
        calls.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    calls.on_train_end()
    return calls.history


def small_model(optimizer="sgd"):
    model = Sequential([LocallyConnected1D(2, 2), Dense(1)], seed=0)
    model.build((None, 4, 1))
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(6, 4, 1)), rng.normal(size=(6, 3, 1))


class TestCallback:
    def test_every_hook_does_nothing(self):
        callback = Callback()
        for hook in STAGE_HOOKS:
            assert getattr(callback, hook)() is None
        for hook in STEP_HOOKS:
            assert getattr(callback, hook)(0) is None

    @pytest.mark.parametrize("when", ["begin", "end"])
    def test_train_batch_hook_calls_its_older_name(self, when):
        seen = []
        callback = LambdaCallback(
            **{f"on_batch_{when}": lambda *args: seen.append(args)}
        )
        getattr(callback, f"on_train_batch_{when}")(3, {"loss": 1.0})
        assert seen == [(3, {"loss": 1.0})]


class TestCallbackList:
    @pytest.mark.parametrize("hook", STAGE_HOOKS + STEP_HOOKS)
    def test_every_callback_gets_the_same_dict_in_order(self, hook):
        seen = []

        def recorder(name):
            return LambdaCallback(**{hook: lambda *args: seen.append((name, *args))})

        calls = CallbackList([recorder("a"), recorder("b")])
        logs, number = {"loss": 1.0}, (7,) if hook in STEP_HOOKS else ()
        getattr(calls, hook)(*number, logs)
        assert seen == [("a", *number, logs), ("b", *number, logs)]
        assert all(args[-1] is logs for args in seen)

        seen.clear()
        getattr(calls, hook)(*number)
        assert seen == [("a", *number, {}), ("b", *number, {})]
        assert seen[0][-1] is seen[1][-1]

    def test_each_callback_is_told_of_those_before_it(self):
        first, history, second = Callback(), History(), Callback()
        calls = CallbackList([first, history, second], add_progbar=True, verbose=2)
        bar = calls.callbacks[2]
        assert [c.earlier for c in calls.callbacks] == [
            [],
            [first],
            [first, second],
            [first, second, bar],
        ]

    def test_model_and_params_are_handed_on(self):
        callback, model = Callback(), FakeModel()
        calls = CallbackList(callback, add_history=True, model=model, verbose=0)
        assert callback.model is calls.history.model is model
        assert callback.params == calls.history.params == {"verbose": 0}
        calls.append(added := Callback())
        assert added.earlier == [callback, calls.history]
        calls.set_model(other := FakeModel())
        calls.set_params({"epochs": 2})
        assert added.model is callback.model is other
        assert added.params == callback.params == {"epochs": 2}

    def test_the_backup_stays_the_last_and_the_only_one(self, tmp_path):
        first, second, backup = Callback(), Callback(), BackupAndRestore(tmp_path / "b")
        calls = CallbackList([first])
        for callback in (backup, second):
            calls.append(callback)
        assert calls.callbacks == [first, second, backup]
        assert calls.backup is backup
        assert backup.earlier == [first, second]
        with pytest.raises(ValueError, match="one BackupAndRestore"):
            calls.append(BackupAndRestore(tmp_path / "c"))
        assert calls.callbacks == [first, second, backup]

    @pytest.mark.parametrize(
        ("verbose", "kinds"),
        [(0, [Callback, History]), (2, [Callback, ProgbarLogger, History])],
    )
    def test_own_callbacks_come_first_and_history_last(self, verbose, kinds):
        calls = CallbackList((Callback(),), True, verbose > 0, verbose=verbose)
        assert [type(c) for c in calls.callbacks] == kinds
        assert calls.history is calls.callbacks[-1]

    def test_history_and_progress_of_the_user_are_not_doubled(self):
        history, bar = History(), ProgbarLogger(2)
        calls = CallbackList([history, bar], True, True)
        assert calls.callbacks == [bar, history]
        assert calls.history is history

    @pytest.mark.parametrize(
        "callbacks", [3, "History", [History], [Callback(), None], {"a": 1}]
    )
    def test_anything_else_is_refused(self, callbacks):
        with refuses(
            f"callbacks must be a Callback or a list of Callback, got {callbacks!r}"
        ):
            CallbackList(callbacks)


class TestHistory:
    def test_keeps_names_values_and_epochs(self):
        history = play(None, [{"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}])
        assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0]}
        assert history.epoch == [0, 1]
        assert history.params == {"verbose": 0, "epochs": 2, "steps": 0}

    def test_numpy_numbers_become_python_numbers(self):
        history = play(None, [{"loss": np.float32(0.5)}])
        assert history.history == {"loss": [0.5]}
        assert type(history.history["loss"][0]) is float

    def test_second_training_adds_values_but_counts_anew(self):
        history = History()
        play(history, [2.0, 1.0])
        play(history, [0.5])
        assert history.history == {"val_loss": [2.0, 1.0, 0.5]}
        assert history.epoch == [0]

    def test_fit_keeps_floats_from_initial_epoch(self, data):
        model = small_model()
        history = model.fit(
            *data, epochs=4, initial_epoch=2, validation_data=data, verbose=0
        )
        assert history is model.history
        assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
        assert {type(v) for vs in history.history.values() for v in vs} == {float}
        assert history.epoch == [2, 3]
        assert history.params == {"verbose": 0, "epochs": 4, "steps": 1}


class TestEarlyStopping:
    @pytest.mark.parametrize(
        ("patience", "last"), [(0, 2), (1, 2), (2, 3)], ids=lambda v: str(v)
    )
    def test_keras_series(self, patience, last):
        callback = EarlyStopping(patience=patience)
        history = play(callback, [3.0, 2.0, 2.5, 2.6, 2.7])
        assert history.epoch[-1] == callback.stopped_epoch == last
        assert (callback.best, callback.best_epoch) == (2.0, 1)

    def test_a_subclass_may_compute_what_is_watched(self):
        class Constant(EarlyStopping):
            def get_monitor_value(self, logs):
                return 1.0

        assert play(Constant(), [3.0, 2.0, 1.0]).epoch == [0, 1]

    def test_first_epoch_never_stops(self):
        assert play(EarlyStopping(), [NAN, NAN, NAN]).epoch == [0, 1]

    @pytest.mark.parametrize("min_delta", [0.5, -0.5])
    @pytest.mark.parametrize(
        ("mode", "values", "best"),
        [
            ("min", [2.0, 1.5], 2.0),
            ("min", [2.0, 1.25], 1.25),
            ("max", [1.0, 1.5], 1.0),
            ("max", [1.0, 1.75], 1.75),
        ],
    )
    def test_improvement_must_exceed_min_delta(self, mode, values, best, min_delta):
        callback = EarlyStopping(min_delta=min_delta, mode=mode)
        play(callback, values)
        assert callback.best == best

    @pytest.mark.parametrize(
        ("monitor", "mode", "maximize"),
        [
            ("val_acc", "auto", True),
            ("val_accuracy", "auto", True),
            ("auc", "auto", True),
            ("acc_loss", "auto", False),
            ("val_loss", "auto", False),
            ("val_loss", "MAX", True),
            ("accuracy", "min", False),
        ],
    )
    def test_direction(self, monitor, mode, maximize):
        callback = EarlyStopping(monitor, mode=mode)
        assert callback.maximize is maximize
        assert callback.best == (-INF if maximize else INF)

    @pytest.mark.parametrize(
        ("values", "last"), [([3.0, 2.0, 2.5, 2.6], 2), ([3.0, 0.5, 0.6, 0.7, 0.8], 3)]
    )
    def test_only_beating_the_baseline_restarts_the_wait(self, values, last):
        history = play(EarlyStopping(patience=2, baseline=1.0), values)
        assert history.epoch[-1] == last

    @pytest.mark.parametrize(
        ("values", "best_epoch"),
        [
            pytest.param([3.0, 2.0, 2.5, 2.6], 1, id="stopped"),
            pytest.param([3.0, 1.0, 2.0], 1, id="not stopped"),
            pytest.param([NAN, NAN], 0, id="never better"),
        ],
    )
    def test_best_weights_are_restored(self, values, best_epoch):
        model = FakeModel()
        callback = EarlyStopping(patience=2, restore_best_weights=True)
        play(callback, values, model)
        assert callback.best_epoch == best_epoch
        assert model.weights == [np.array([best_epoch])]

    def test_weights_are_left_alone_by_default(self):
        model = FakeModel()
        play(EarlyStopping(), [1.0, 2.0], model)
        assert model.weights is None

    def test_start_from_epoch(self):
        model = FakeModel()
        callback = EarlyStopping(start_from_epoch=2, restore_best_weights=True)
        history = play(callback, [0.0, 1.0, 3.0, 2.0, 2.5, 2.6], model)
        assert history.epoch[-1] == 4
        assert (callback.best, model.weights) == (2.0, [np.array([3])])

    def test_reuse_starts_afresh(self):
        callback = EarlyStopping(restore_best_weights=True)
        play(callback, [1.0, 2.0])
        model = FakeModel()
        assert play(callback, [5.0, 4.0, 3.0], model).epoch == [0, 1, 2]
        assert (callback.wait, callback.stopped_epoch) == (0, 0)
        assert model.weights == [np.array([2])]

    def test_verbose(self, capsys):
        play(EarlyStopping(verbose=1, restore_best_weights=True), [1.0, 2.0])
        assert capsys.readouterr().out == (
            "Epoch 2: early stopping\nRestoring the weights of the best epoch: 1\n"
        )

    @pytest.mark.parametrize(
        ("logs", "has"),
        [({"loss": 1.0, "mae": 2.0}, "loss, mae"), ({}, "an empty dict")],
    )
    def test_missing_value_warns_and_passes_over(self, logs, has):
        callback = EarlyStopping()
        callback.set_model(FakeModel())
        sentence = "EarlyStopping must have 'val_loss' in the logs to act, got only"
        with pytest.warns(UserWarning, match=f"^{sentence} {has}$"):
            callback.on_epoch_end(1, logs)
        assert (callback.wait, callback.model.stop_training) == (0, False)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"monitor": 3}, "monitor must be the name of a logged value, got 3"),
            ({"min_delta": "a"}, "min_delta must be a finite number, got 'a'"),
            ({"patience": -1}, "patience must be an integer >= 0, got -1"),
            ({"patience": 1.5}, "patience must be an integer >= 0, got 1.5"),
            ({"verbose": "x"}, "verbose must be an integer >= 0, got 'x'"),
            (
                {"mode": "mix"},
                "mode must be one of 'auto', 'min', 'max', got 'mix'; "
                "did you mean 'min'?",
            ),
            ({"baseline": NAN}, "baseline must be a finite number, got nan"),
            (
                {"start_from_epoch": -2},
                "start_from_epoch must be an integer >= 0, got -2",
            ),
        ],
        ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
    )
    def test_errors(self, arguments, sentence):
        with refuses(sentence):
            EarlyStopping(**arguments)

    def test_fit_restores_what_the_best_epoch_ended_with(self, data):
        model, seen = small_model(SGD(2.0)), []
        keep = LambdaCallback(on_epoch_end=lambda *_: seen.append(model.get_weights()))
        stop = EarlyStopping("loss", patience=2, restore_best_weights=True)
        history = model.fit(*data, epochs=20, verbose=0, callbacks=[keep, stop])
        losses = history.history["loss"]
        assert len(losses) == stop.best_epoch + 3 < 20
        assert stop.best_epoch == int(np.argmin(losses))
        for weight, best in zip(
            model.get_weights(), seen[stop.best_epoch], strict=True
        ):
            np.testing.assert_array_equal(weight, best)


class TestTerminateOnNaN:
    @pytest.mark.parametrize("loss", [NAN, INF, -INF, np.float32("nan")])
    def test_stops(self, loss, capsys):
        model = FakeModel()
        history = play(
            TerminateOnNaN(), [{"loss": 1.0}, {"loss": loss}, {}], model, steps=1
        )
        assert model.stop_training
        assert history.epoch == [0, 1]
        assert (
            capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
        )

    @pytest.mark.parametrize("logs", [{"loss": 1e300}, {"mae": NAN}, {}])
    def test_goes_on(self, logs, capsys):
        model = FakeModel()
        play(TerminateOnNaN(), [logs], model, steps=2)
        assert not model.stop_training
        assert capsys.readouterr().out == ""

    def test_fit_ends_after_the_batch(self, data, capsys):
        x, y = data
        y[2] = NAN
        model, batches = small_model(), []
        count = LambdaCallback(on_batch_end=lambda batch, logs: batches.append(batch))
        history = model.fit(
            x,
            y,
            batch_size=2,
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=[TerminateOnNaN(), count],
        )
        assert (batches, history.epoch) == ([0, 1], [0])
        assert capsys.readouterr().out.startswith("Batch 1: ")


class TestLambdaCallback:
    @pytest.mark.parametrize(
        "hook", [*STAGE_HOOKS, *STEP_HOOKS, "on_batch_begin", "on_batch_end"]
    )
    def test_takes_every_hook(self, hook):
        def function(*args):
            return args

        assert getattr(LambdaCallback(**{hook: function}), hook) is function

    def test_order_of_positional_arguments(self):
        functions = [lambda *args, n=n: n for n in range(6)]
        callback = LambdaCallback(*functions)
        hooks = ["epoch_begin", "epoch_end", "batch_begin", "batch_end"]
        for n, name in enumerate([*hooks, "train_begin", "train_end"]):
            assert getattr(callback, f"on_{name}")() == n

    def test_errors(self):
        with refuses("on_epoch_end must be a function, got 3"):
            LambdaCallback(on_epoch_end=3)
        with refuses(
            "LambdaCallback must be given hooks of Callback, got 'on_epoch_edn'; "
            "did you mean 'on_epoch_end'?",
            TypeError,
        ):
            LambdaCallback(on_epoch_edn=print)


class TestModelCheckpoint:
    @pytest.mark.parametrize(
        ("weights_only", "kind"), [(False, "model"), (True, "weights")]
    )
    def test_saves_every_epoch_counted_from_1(self, tmp_path, weights_only, kind):
        model = FakeModel()
        callback = ModelCheckpoint(
            tmp_path / "a" / "b" / "{epoch:02d}-{val_loss:.2f}.npz",
            save_weights_only=weights_only,
        )
        play(callback, [0.5, 0.25], model)
        folder = tmp_path / "a" / "b"
        assert folder.is_dir()
        assert model.files == [
            (kind, str(folder / "01-0.50.npz")),
            (kind, str(folder / "02-0.25.npz")),
        ]

    @pytest.mark.parametrize(
        ("arguments", "values", "epochs"),
        [
            ({}, [3.0, 2.0, 2.0, NAN, 1.0], [1, 2, 5]),
            ({"monitor": "val_acc"}, [0.1, 0.3, 0.3, 0.2, 0.4], [1, 2, 5]),
            ({"monitor": "fmeasure_x"}, [0.1, 0.05, 0.2], [1, 3]),
            ({"monitor": "fmeasure", "mode": "min"}, [0.1, 0.05, 0.2], [1, 2]),
            ({"mode": "max"}, [1.0, 2.0, 1.5], [1, 2]),
            ({"initial_value_threshold": 2.0}, [3.0, 2.0, 1.0], [3]),
        ],
    )
    def test_save_best_only(self, tmp_path, arguments, values, epochs):
        model = FakeModel()
        path = tmp_path / "{epoch}"
        callback = ModelCheckpoint(path, save_best_only=True, **arguments)
        play(callback, values, model, name=callback.monitor)
        assert [int(path[-1]) for _, path in model.files] == epochs

    def test_save_freq_counts_batches_over_epochs(self, tmp_path):
        model = FakeModel()
        callback = ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss}", save_freq=2)
        play(callback, [{"loss": 1.0}, {"loss": 2.0}], model, steps=3)
        names = [path.rpartition("/")[2] for _, path in model.files]
        assert names == ["1-2-1.0", "2-1-2.0", "2-3-2.0"]

    def test_failed_save_leaves_best(self, tmp_path):
        def full_disk(path):
            raise OSError("disk full")

        model = FakeModel()
        model.save = full_disk
        callback = ModelCheckpoint(tmp_path / "m", save_best_only=True)
        with pytest.raises(OSError, match="disk full"):
            play(callback, [1.0], model)
        assert callback.best == INF

    def test_missing_value_warns_and_saves_nothing(self, tmp_path):
        model = FakeModel()
        callback = ModelCheckpoint(tmp_path / "new" / "m", save_best_only=True)
        with pytest.warns(
            UserWarning, match=r"^ModelCheckpoint must have 'val_loss' .* only loss$"
        ):
            play(callback, [{"loss": 1.0}], model)
        assert model.files == []
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("weights_only", [False, True])
    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("a.onnx", "must end in one of {rule}, got 'a.onnx'"),
            (
                "{epoch}-{loss:.2f}.json",
                "must end in one of {rule}, got '{epoch}-{loss:.2f}.json'",
            ),
            ("", "must name a file, got ''"),
            ("{epoch}/", "must name a file, got '{epoch}/'"),
        ],
    )
    def test_path_that_save_would_refuse(self, path, sentence, weights_only):
        seen = []
        callbacks = [
            LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch)),
            ModelCheckpoint(path, save_weights_only=weights_only),
        ]
        rule = (
            ".npz, .weights.h5, .h5, .hdf5 to hold weights"
            if weights_only
            else ".npz, .h5, .hdf5, .keras to hold a model"
        )
        with refuses("filepath " + sentence.replace("{rule}", rule)):
            play(callbacks, [1.0])
        assert seen == []

    @pytest.mark.parametrize("file", ["folder", "folder.npz", "file/m", "file/a/m"])
    def test_place_that_cannot_be_written_is_found_before_training(
        self, file, data, tmp_path
    ):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder.npz").mkdir()
        (tmp_path / "file").touch()
        model = small_model()
        saver = ModelCheckpoint(tmp_path / file)
        with unchanged(model), pytest.raises((ValueError, OSError), match=r"fol|fil"):
            model.fit(*data, callbacks=[saver], verbose=0)

    @pytest.mark.parametrize(
        ("pattern", "save_freq", "names"),
        [
            ("a{foo}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{val_acc:.2f}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{batch}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{loss:d}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{loss", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{loss.mean}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{loss[0]}", "epoch", "epoch, loss, mae, val_loss, val_mae"),
            ("{val_loss}", 1, "batch, epoch, loss, mae"),
        ],
    )
    def test_pattern_that_no_metric_fits_is_refused_before_training(
        self, pattern, save_freq, names, data
    ):
        model = small_model()
        with (
            unchanged(model),
            refuses(
                f"filepath must be a pattern with names among {names}, got {pattern!r}"
            ),
        ):
            checkpoint = ModelCheckpoint(pattern, save_freq=save_freq)
            model.fit(*data, verbose=0, callbacks=checkpoint)

    @pytest.mark.parametrize(
        ("pattern", "save_freq", "written"),
        [
            ("{epoch:02d}-{mae:.0f}-{val_mae:.0f}", "epoch", "01-0-0.npz"),
            ("{epoch:02d}-{batch}-{mae:.0f}", 1, "01-1-0.npz"),
        ],
    )
    def test_pattern_that_metrics_fit(self, pattern, save_freq, written, tmp_path):
        model = small_model()
        x, y = np.zeros((6, 4, 1)), np.zeros((6, 3, 1))
        checkpoint = ModelCheckpoint(tmp_path / pattern, save_freq=save_freq)
        model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=checkpoint)
        assert [p.name for p in tmp_path.iterdir()] == [written]

    def test_pattern_may_use_what_an_earlier_callback_logs(self, data, tmp_path):
        checkpoint = ModelCheckpoint(tmp_path / "{lr}")
        earlier = LearningRateScheduler(lambda epoch: 0.5)
        small_model().fit(*data, verbose=0, callbacks=[earlier, checkpoint])
        assert [p.name for p in tmp_path.iterdir()] == ["0.5.npz"]
        with refuses(
            "filepath must be a pattern with names among epoch, loss, mae, val_loss, "
            f"val_mae, got {str(tmp_path / '{lr}')!r}"
        ):
            small_model().fit(*data, verbose=0, callbacks=[checkpoint, earlier])

    def test_verbose(self, tmp_path, capsys):
        path = tmp_path / "m"
        play(ModelCheckpoint(path, verbose=1), [1.0])
        assert capsys.readouterr().out == f"\nEpoch 1: saving {path}\n"
        play(ModelCheckpoint(path, verbose=1, save_best_only=True), [1.0, 2.0])
        assert capsys.readouterr().out == (
            f"\nEpoch 1: val_loss improved from inf to 1.00000, saving {path}\n"
            "\nEpoch 2: val_loss did not improve from 1.00000\n"
        )

    @pytest.mark.parametrize(
        "pattern", ["{val_acc}.npz", "{}.npz", "{epoch:d", "{loss:d}"]
    )
    def test_pattern_must_fit_the_logs(self, pattern):
        model = FakeModel()
        with refuses(
            f"filepath must be a pattern with names among epoch, loss, got {pattern!r}"
        ):
            play(ModelCheckpoint(pattern), [{"loss": 1.5}], model)
        assert model.files == []

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"filepath": 3}, "filepath must be a str or path-like, got 3"),
            ({"filepath": b"m"}, "filepath must be a str or path-like, got b'm'"),
            ({"save_freq": 0}, "save_freq must be 'epoch' or an integer >= 1, got 0"),
            (
                {"save_freq": "batch"},
                "save_freq must be 'epoch' or an integer >= 1, got 'batch'",
            ),
            ({"mode": 1}, "mode must be one of 'auto', 'min', 'max', got 1"),
            (
                {"initial_value_threshold": "low"},
                "initial_value_threshold must be a finite number, got 'low'",
            ),
        ],
        ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
    )
    def test_errors(self, arguments, sentence):
        with refuses(sentence):
            ModelCheckpoint(**{"filepath": "m.npz", **arguments})

    def test_fit_saves_a_model_that_loads(self, data, tmp_path):
        model = small_model()
        path = tmp_path / "runs" / "{epoch:02d}.npz"
        model.fit(*data, epochs=2, verbose=0, callbacks=ModelCheckpoint(path))
        assert sorted(p.name for p in path.parent.iterdir()) == ["01.npz", "02.npz"]
        again = load_model(path.parent / "02.npz")
        np.testing.assert_array_equal(
            again.predict(data[0], verbose=0), model.predict(data[0], verbose=0)
        )


class TestLearningRateScheduler:
    @pytest.mark.parametrize(
        ("schedule", "rates"),
        [
            pytest.param(lambda epoch, lr: lr / 2, [0.5, 0.25, 0.125], id="epoch, lr"),
            pytest.param(lambda epoch: 0.5**epoch, [1.0, 0.5, 0.25], id="epoch"),
            pytest.param(
                lambda epoch, lr=3.0: lr * 0.5, [0.5, 0.25, 0.125], id="lr with default"
            ),
            pytest.param(
                lambda epoch: np.float32(0.25), [0.25, 0.25, 0.25], id="float32"
            ),
            pytest.param(
                ExponentialDecay(1.0, 1, 0.5), [1.0, 0.5, 0.25], id="Schedule"
            ),
        ],
    )
    def test_sets_and_logs_the_rate(self, schedule, rates):
        model = FakeModel(1.0)
        history = play(LearningRateScheduler(schedule), [1.0, 1.0, 1.0], model)
        assert history.history["lr"] == rates
        assert model.optimizer.learning_rate == rates[-1]

    def test_verbose(self, capsys):
        play(LearningRateScheduler(lambda epoch: 0.5, verbose=1), [1.0])
        assert (
            capsys.readouterr().out
            == "\nEpoch 1: LearningRateScheduler sets lr to 0.5\n"
        )

    def test_builtin_without_a_signature_is_given_both(self):
        assert LearningRateScheduler(max).takes_rate
        assert play(LearningRateScheduler(max), [1.0]).history["lr"] == [0.1]

    def test_type_error_of_the_function_is_not_hidden(self):
        def broken(epoch, lr):
            return lr + "a"

        with pytest.raises(TypeError, match="unsupported operand"):
            play(LearningRateScheduler(broken), [1.0])

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            (1, "schedule(0) must be a float, got 1"),
            (None, "schedule(0) must be a float, got None"),
            (NAN, "schedule(0) must be a finite number, got nan"),
        ],
    )
    def test_value_must_be_a_finite_float(self, value, sentence):
        model = FakeModel()
        with refuses(sentence):
            play(LearningRateScheduler(lambda epoch: value), [1.0], model)
        assert model.optimizer.learning_rate == 0.1

    def test_errors(self):
        with refuses("schedule must be a function of (epoch, lr) or (epoch), got 0.1"):
            LearningRateScheduler(0.1)
        with refuses(
            f"schedule must be a function of (epoch, lr) or (epoch), got {volume!r}"
        ):
            LearningRateScheduler(volume)
        with refuses("verbose must be an integer >= 0, got None"):
            LearningRateScheduler(lambda epoch: 0.1, verbose=None)

    def test_fit_uses_the_rate_of_the_epoch(self, data):
        rates = [0.1, 0.01]
        scheduled, by_hand = small_model(SGD(1.0)), small_model(SGD(1.0))
        history = scheduled.fit(
            *data,
            epochs=2,
            shuffle=False,
            verbose=0,
            callbacks=LearningRateScheduler(lambda epoch: rates[epoch]),
        )
        for rate in rates:
            by_hand.optimizer.learning_rate = rate
            by_hand.train_on_batch(*data)
        assert history.history["lr"] == rates
        for a, b in zip(scheduled.get_weights(), by_hand.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def volume(a, b, c):
    """Take three arguments, which no schedule does."""


@pytest.mark.parametrize(
    "make",
    [lambda: LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau],
    ids=["LearningRateScheduler", "ReduceLROnPlateau"],
)
def test_learning_rate_must_not_be_a_schedule(make, data):
    decay = ExponentialDecay(0.1, 10, 0.5)
    model = small_model(SGD(decay))
    before = model.get_weights()
    callback = make()
    with refuses(
        f"learning_rate must be a number for {type(callback).__name__} to change it, "
        f"got the schedule {decay!r}"
    ):
        model.fit(*data, verbose=0, callbacks=callback)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


class TestReduceLROnPlateau:
    @pytest.mark.parametrize(
        ("arguments", "values", "rates"),
        [
            # The rate in the logs is the one that the epoch was trained with.
            ({"patience": 2}, [3, 2, 2, 2, 2, 2], [1, 1, 1, 1, 0.5, 0.5]),
            ({"patience": 0}, [1, 1, 1], [1, 1, 0.5]),
            ({"patience": 1}, [1, 1, 1], [1, 1, 0.5]),
            # Two epochs of cooldown: the next reduction follows the third bad one.
            (
                {"patience": 1, "cooldown": 2},
                [1, 1, 1, 1, 1, 1],
                [1, 1, 0.5, 0.5, 0.25, 0.25],
            ),
            ({"patience": 1, "min_lr": 0.3}, [1, 1, 1, 1, 1], [1, 1, 0.5, 0.3, 0.3]),
            ({"patience": 1, "min_delta": 1}, [3, 2, 1, 0], [1, 1, 0.5, 0.5]),
            ({"patience": 1, "mode": "max"}, [1, 2, 1.5, 3], [1, 1, 1, 0.5]),
            ({"patience": 1, "monitor": "acc_x"}, [1, 2, 1.5, 3], [1, 1, 1, 0.5]),
            ({"patience": 1}, [1, NAN, 0.5], [1, 1, 0.5]),
        ],
    )
    def test_scripted_series(self, arguments, values, rates):
        callback = ReduceLROnPlateau(factor=0.5, **arguments)
        history = play(callback, values, FakeModel(1.0), name=callback.monitor)
        assert history.history["lr"] == rates

    def test_cooldown_counts_down(self):
        callback = ReduceLROnPlateau(patience=1, cooldown=3)
        play(callback, [1.0, 1.0, 1.0])
        assert (callback.cooldown_counter, callback.wait) == (2, 0)

    def test_reuse_starts_afresh(self):
        callback = ReduceLROnPlateau(factor=0.5, patience=1, cooldown=5)
        play(callback, [1.0, 1.0])
        history = play(callback, [9.0, 8.0, 8.0, 8.0], FakeModel(1.0))
        assert history.history["lr"] == [1.0, 1.0, 1.0, 0.5]

    def test_missing_value_warns_but_the_rate_is_logged(self):
        callback = ReduceLROnPlateau()
        with pytest.warns(
            UserWarning, match=r"^ReduceLROnPlateau must have .* got only loss, lr$"
        ):
            history = play(callback, [{"loss": 1.0}])
        assert history.history["lr"] == [0.1]

    def test_verbose(self, capsys):
        play(ReduceLROnPlateau(factor=0.5, patience=1, verbose=1), [1.0, 1.0])
        assert (
            capsys.readouterr().out
            == "\nEpoch 2: ReduceLROnPlateau reduces lr to 0.05\n"
        )

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"factor": 1}, "factor must be a finite number >= 0 and < 1, got 1"),
            (
                {"factor": -0.5},
                "factor must be a finite number >= 0 and < 1, got -0.5",
            ),
            ({"patience": "5"}, "patience must be an integer >= 0, got '5'"),
            ({"min_delta": -1}, "min_delta must be a finite number >= 0, got -1"),
            ({"cooldown": -1}, "cooldown must be an integer >= 0, got -1"),
            ({"min_lr": None}, "min_lr must be a finite number >= 0, got None"),
        ],
        ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
    )
    def test_errors(self, arguments, sentence):
        with refuses(sentence):
            ReduceLROnPlateau(**arguments)


class TestCSVLogger:
    def test_columns_rows_and_line_ends(self, tmp_path):
        path = tmp_path / "log.csv"
        play(CSVLogger(path), [{"val_loss": 0.1, "loss": 0.5}, {"loss": 1 / 3}])
        assert path.read_bytes() == (
            b"epoch,loss,val_loss\r\n0,0.5,0.1\r\n1,0.3333333333333333,NA\r\n"
        )

    def test_validation_may_come_later(self, tmp_path):
        path = tmp_path / "log.csv"
        play(
            CSVLogger(path, ";"),
            [{"mae": 2.0, "loss": 1.0}, {"loss": 0.5, "val_loss": 9.0}],
        )
        assert path.read_text().splitlines() == [
            "epoch;loss;mae;val_loss;val_mae",
            "0;1.0;2.0;NA;NA",
            "1;0.5;NA;9.0;NA",
        ]

    def test_row_is_on_the_disk_when_its_epoch_has_ended(self, tmp_path):
        path = tmp_path / "log.csv"
        read = LambdaCallback(on_epoch_end=lambda *_: lines.append(path.read_text()))
        lines = []
        play([CSVLogger(path), read], [1.0])
        assert lines == ["epoch,val_loss\n0,1.0\n"]

    @pytest.mark.parametrize(
        ("append", "rows"), [(False, ["0,2.0"]), (True, ["0,1.0", "0,2.0"])]
    )
    @pytest.mark.parametrize("same_object", [False, True])
    def test_second_training(self, tmp_path, append, rows, same_object):
        path = tmp_path / "log.csv"
        logger = CSVLogger(path, append=append)
        play(logger, [1.0])
        play(logger if same_object else CSVLogger(path, append=append), [2.0])
        assert path.read_text().splitlines() == ["epoch,val_loss", *rows]

    def test_replaced_file_gets_new_columns(self, tmp_path):
        path = tmp_path / "log.csv"
        logger = CSVLogger(path)
        play(logger, [1.0])
        play(logger, [2.0], name="val_mae")
        assert path.read_text().splitlines() == ["epoch,val_mae", "0,2.0"]

    @pytest.mark.parametrize("separator", ["", "ab", 3])
    def test_separator_must_be_one_character(self, separator):
        with refuses(f"separator must be one character, got {separator!r}"):
            CSVLogger("log.csv", separator)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
    def test_full_disk_is_named(self):
        with pytest.raises(OSError, match="/dev/full"):
            play(CSVLogger("/dev/full"), [1.0])

    def test_filename_must_be_a_path(self):
        with refuses("filename must be a str or path-like, got None"):
            CSVLogger(None)


class Clock:
    """A clock that the test sets."""

    now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


@pytest.fixture
def without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)


def run_epoch(bar, clock, *, steps, seconds, logs, final=None, epochs=1):
    bar.set_params({"verbose": bar.verbose, "epochs": epochs, "steps": steps})
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    for batch in range(steps):
        clock.now += seconds
        bar.on_train_batch_end(batch, logs)
    bar.on_epoch_end(0, final or logs)
    bar.on_train_end()


class TestProgbar:
    def test_means_are_those_of_keras(self, clock, capsys):
        bar = Progbar(10, verbose=2, stateful_metrics=["acc"])
        bar.update(2, [("loss", 1.0), ("acc", 0.25)])
        bar.add(3, [("loss", 4.0), ("acc", 0.5)])
        bar.add(0, [("loss", 2.0)])
        assert capsys.readouterr().out == ""
        clock.now += 10
        bar.update(10, values=[("loss", 0.5), ("acc", 0.75)])
        # tf_keras: the sum 18.5 over 11 steps.
        assert capsys.readouterr().out == (
            "10/10 - 10s - loss: 1.6818 - acc: 0.7500 - 10s/epoch - 1s/step\n"
        )
        bar.add(0)
        assert capsys.readouterr().out.startswith("10/10 - 0s - loss: 1.6818")

    @pytest.mark.usefixtures("clock", "without_tqdm")
    def test_an_unknown_target_ends_when_it_is_told(self, capsys):
        bar = Progbar(None)
        for value in (1.0, 3.0):
            bar.add(1, values=[("loss", value)])
        assert capsys.readouterr().out == ""
        bar.update(2, finalize=True)
        assert (
            capsys.readouterr().out == "2/2 - 0s - loss: 2.0000 - 0s/epoch - 0s/step\n"
        )

    def test_zero_is_silent(self, capsys):
        bar = Progbar(target=1, width=10, verbose=0, interval=0.1, unit_name="sample")
        bar.update(1, [("loss", 1.0)])
        assert capsys.readouterr().out == ""

    def test_a_bar_that_moves(self, capsys):
        pytest.importorskip("tqdm")
        bar = Progbar(3)
        for loss in (1.0, 2.0, 3.0):
            bar.add(1, [("loss", loss)])
        last = capsys.readouterr().out.rpartition("\r")[2]
        assert " 3/3 " in last
        assert last.endswith("loss: 2.0000]\n")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ((-1,), "target must be an integer >= 0, got -1"),
            ((2.5,), "target must be an integer >= 0, got 2.5"),
            ((3, 30, 3), "verbose must be 0, 1 or 2, got 3"),
        ],
    )
    def test_errors(self, arguments, sentence):
        with refuses(sentence):
            Progbar(*arguments)


class TestProgbarLogger:
    def test_one_line_per_epoch(self, clock, capsys):
        logs = {"loss": 0.3715, "mae": 0.53384}
        final = {**logs, "val_loss": 0.3543}
        run_epoch(
            ProgbarLogger(2),
            clock,
            steps=1,
            seconds=0.097,
            logs=logs,
            final=final,
            epochs=3,
        )
        assert capsys.readouterr().out == (
            "Epoch 1/3\n1/1 - 0s - loss: 0.3715 - mae: 0.5338 - val_loss: 0.3543 "
            "- 97ms/epoch - 97ms/step\n"
        )

    @pytest.mark.parametrize(
        ("seconds", "pace"),
        [
            (0.0, "0s - loss: 1.0000 - 0s/epoch - 0s/step"),
            (2e-5, "0s - loss: 1.0000 - 240us/epoch - 20us/step"),
            (0.25, "3s - loss: 1.0000 - 3s/epoch - 250ms/step"),
            (2.0, "24s - loss: 1.0000 - 24s/epoch - 2s/step"),
        ],
    )
    def test_times(self, clock, capsys, seconds, pace):
        run_epoch(
            ProgbarLogger(2), clock, steps=12, seconds=seconds, logs={"loss": 1.0}
        )
        assert capsys.readouterr().out == f"12/12 - {pace}\n"

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (12.34567, "12.3457"),
            (0.00101, "0.0010"),
            (0.001, "1.0000e-03"),
            (-0.5, "-0.5000"),
            (0.0, "0.0000e+00"),
            (NAN, "nan"),
            (INF, "inf"),
        ],
    )
    def test_values(self, clock, capsys, value, text):
        run_epoch(ProgbarLogger(2), clock, steps=1, seconds=1.0, logs={"loss": value})
        assert (
            capsys.readouterr().out == f"1/1 - 1s - loss: {text} - 1s/epoch - 1s/step\n"
        )

    def test_zero_is_silent(self, clock, capsys):
        run_epoch(
            ProgbarLogger(0), clock, steps=1, seconds=1.0, logs={"loss": 1.0}, epochs=2
        )
        assert capsys.readouterr().out == ""

    @pytest.mark.usefixtures("without_tqdm")
    def test_plain_line_in_a_file(self, clock, capsys):
        run_epoch(
            ProgbarLogger(), clock, steps=10, seconds=1.0, logs={"loss": 1.0}, epochs=2
        )
        assert capsys.readouterr().out == (
            "Epoch 1/2\n10/10 - 10s - loss: 1.0000 - 10s/epoch - 1s/step\n"
        )

    @pytest.mark.usefixtures("without_tqdm")
    def test_plain_line_in_a_terminal(self, clock, monkeypatch):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        bar = ProgbarLogger()
        bar.set_params({"verbose": 1, "epochs": 1, "steps": 10})
        bar.on_epoch_begin(0)
        for batch, (now, loss) in enumerate(
            [(100.05, 9), (101, -10), (101.05, 8), (102, 7)]
        ):
            clock.now = now
            bar.on_train_batch_end(batch, {"loss": loss})
        bar.on_epoch_end(0, {"loss": 7.0})
        assert terminal.getvalue() == (
            "\r 2/10 - 1s - loss: -10.0000"
            "\r 4/10 - 2s - loss: 7.0000  "
            "\r 4/10 - 2s - loss: 7.0000 - 2s/epoch - 500ms/step\n"
        )

    @pytest.mark.usefixtures("without_tqdm")
    def test_line_of_a_broken_epoch_is_left(self, clock, monkeypatch):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        bar = ProgbarLogger()
        bar.set_params({"verbose": 1, "epochs": 1, "steps": 10})
        for _ in range(2):
            bar.on_train_begin()
            bar.on_epoch_begin(0)
            bar.on_train_end()
        assert terminal.getvalue() == ""
        bar.on_epoch_begin(0)
        clock.now += 1
        bar.on_train_batch_end(0, {})
        bar.on_train_end()
        assert terminal.getvalue() == "\r 1/10 - 1s\n"

    def test_tqdm_bar(self, clock, capsys):
        pytest.importorskip("tqdm")
        logs = {"loss": 0.5}
        final = {"loss": 0.5, "val_loss": 0.25}
        run_epoch(ProgbarLogger(), clock, steps=3, seconds=1.0, logs=logs, final=final)
        captured = capsys.readouterr()
        last = captured.out.rpartition("\r")[2]
        assert last.startswith("100%")
        assert " 3/3 " in last
        assert last.endswith("loss: 0.5000 - val_loss: 0.2500]\n")
        assert captured.err == ""

    def test_tqdm_bar_of_a_broken_epoch_is_left(self, capsys):
        pytest.importorskip("tqdm")
        bar = ProgbarLogger()
        bar.set_params({"verbose": 1, "epochs": 1, "steps": 4})
        bar.on_epoch_begin(0)
        bar.on_train_batch_end(0, {"loss": 1.0})
        bar.on_train_end()
        out = capsys.readouterr().out
        assert " 1/4 " in out.rpartition("\r")[2]
        assert out.endswith("\n")

    @pytest.mark.parametrize("verbose", [3, -1, "1", None])
    def test_error(self, verbose):
        with refuses(f"verbose must be 0, 1 or 2, got {verbose!r}"):
            ProgbarLogger(verbose)

    @pytest.mark.usefixtures("clock")
    def test_fit_shows_validation_in_the_line_of_the_epoch(self, data, capsys):
        model = small_model()
        rate = LearningRateScheduler(lambda epoch: 0.25)
        history = model.fit(
            *data,
            batch_size=2,
            epochs=2,
            validation_data=data,
            verbose=2,
            callbacks=rate,
        )
        values = history.history
        expected = []
        for epoch in range(2):
            expected.append(f"Epoch {epoch + 1}/2")
            shown = " - ".join(f"{name}: {values[name][epoch]:.4f}" for name in values)
            expected.append(f"3/3 - 0s - {shown} - 0s/epoch - 0s/step")
        assert list(values) == ["loss", "mae", "val_loss", "val_mae", "lr"]
        assert capsys.readouterr().out.splitlines() == expected

    @pytest.mark.usefixtures("clock")
    def test_evaluate_shows_its_result(self, data, capsys):
        loss, mae = small_model().evaluate(*data, batch_size=2, verbose=2)
        assert capsys.readouterr().out == (
            f"3/3 - 0s - loss: {loss:.4f} - mae: {mae:.4f} - 0s/epoch - 0s/step\n"
        )

    def test_predict_is_silent(self, data, capsys):
        small_model().predict(data[0], verbose=1)
        assert capsys.readouterr().out == ""


class TestTrainingBar:
    @pytest.mark.usefixtures("without_tqdm")
    def test_one_line_that_moves_with_every_epoch(self, clock, monkeypatch):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        bar = TrainingBar()
        bar.set_params({"verbose": 0, "epochs": 3, "steps": 7})
        for _ in range(2):
            clock.now = 100.0
            bar.on_train_begin()
            for epoch, loss in enumerate([1.5, 0.5]):
                clock.now += 1
                bar.on_epoch_end(epoch, {"loss": loss})
            bar.on_train_end({"loss": 0.5})
        assert terminal.getvalue() == 2 * (
            "\r1/3 - 1s - loss: 1.5000"
            "\r2/3 - 2s - loss: 0.5000"
            "\r2/3 - 2s - loss: 0.5000 - 1s/epoch\n"
        )

    def test_tqdm_bar(self, capsys):
        pytest.importorskip("tqdm")
        play(TrainingBar(), [1.5, 0.5], name="loss")
        last = capsys.readouterr().out.rpartition("\r")[2]
        assert last.startswith("100%")
        assert " 2/2 " in last
        assert last.endswith("\n")


def test_the_progress_line_shows_the_mean_of_an_array_in_the_logs(capsys):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")

    def add(epoch, logs):
        logs["a"] = np.array([1.0, 2.0])

    callback = LambdaCallback(on_epoch_end=add)
    model.fit(np.ones((2, 2)), np.ones((2, 1)), callbacks=callback, verbose=2)
    assert " - a: 1.5000 - " in capsys.readouterr().out
