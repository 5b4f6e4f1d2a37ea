"""Wrong values that were taken without a word, or refused in somebody else's words."""

import inspect
import os
import re
import zipfile

import numpy as np
import pytest
from raising import refuses
from unchanged import unchanged

from localnet import (
    Sequential,
    activations,
    constraints,
    initializers,
    layers,
    load_model,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    utils,
)
from localnet.callbacks import CSVLogger, LambdaCallback, ReduceLROnPlateau
from localnet.layers import (
    BatchNormalization,
    Conv1D,
    Dense,
    Dot,
    Dropout,
    Lambda,
    LocallyConnected2D,
    Softmax,
)

X, Y = np.ones((4, 3)), np.ones((4, 1))


def compiled():
    model = Sequential([Dense(1, input_shape=(3,), name="d")], name="m")
    model.compile("sgd", "mse")
    return model


WRONG = {
    "reversed draw": (
        lambda: initializers.RandomUniform(1, 0),
        "minval must be <= maxval 0, got 1",
    ),
    "bound": (
        lambda: constraints.MaxNorm(True),
        "max_value must be a number, got True",
    ),
    "factor": (
        lambda: regularizers.L1(True),
        "l1 must be a finite int or float, got True",
    ),
    "layers": (
        lambda: Sequential(5),
        "layers must be a list of layers, got 5",
    ),
    "text for layers": (
        lambda: Sequential("dense"),
        "layers must be a list of layers, got 'dense'",
    ),
    "initializer": (
        lambda: Dense(1, name="d", kernel_initializer=np.zeros).build((None, "x")),
        "d: input_shape must be a tuple of sizes, batch axis first, got (None, 'x')",
    ),
    "state": (
        lambda: optimizers.SGD().set_state(None),
        "state must be a dict of names to arrays, got NoneType",
    ),
    "dtype": (
        lambda: utils.to_categorical([0, 1], dtype="x"),
        "dtype must be one of NumPy's, got 'x'",
    ),
    "no classes": (
        lambda: metrics.categorical_accuracy([], []),
        "y_true must have a value for each class, got shape (0,)",
    ),
    "activation": (
        lambda: activations.deserialize(5),
        "activation must be a known name, got 5",
    ),
    "source of noise": (
        lambda: ops.dropout_mask((2,), 0.5, [], np.dtype("f4")),
        "rng must be a numpy.random.Generator, got []",
    ),
    "axes kept": (
        lambda: ops.global_max_pool_forward(np.ones((1, 2, 1)), keepdims=10**30),
        f"keepdims must be True or False, got {10**30}",
    ),
    "no name": (lambda: load_model(""), "path must name a file, got ''"),
    "NUL": (lambda: load_model("a\0b"), "path must hold no NUL, got 'a\\x00b'"),
    "NUL to save": (
        lambda: compiled().save("a\0b"),
        "path must hold no NUL, got 'a\\x00b'",
    ),
    "NUL in a log": (
        lambda: CSVLogger("a\0b"),
        "filename must hold no NUL, got 'a\\x00b'",
    ),
    "a name that no disk has": (
        lambda: load_model("\ud800.npz"),
        "path must be text that a file system can take, got '\\ud800.npz'",
    ),
    "no name for another process": (
        lambda: load_model("", isolated=True),
        "path must name a file, got ''",
    ),
    "flags of a file": (
        lambda: load_model("none.npz", isolated="x"),
        "isolated must be True or False, got 'x'",
    ),
    "compile": (
        lambda: load_model("none.npz", compile=1.5),
        "compile must be True or False, got 1.5",
    ),
    "names to load by": (
        lambda: compiled().load_weights("none.npz", by_name=np.array([1, 2])),
        "by_name must be True or False, got array([1, 2])",
    ),
    "what may be skipped": (
        lambda: compiled().load_weights("none.npz", skip_mismatch="no"),
        "skip_mismatch must be True or False, got 'no'",
    ),
    "overwrite": (
        lambda: compiled().save("none.npz", overwrite="no"),
        "overwrite must be True or False, got 'no'",
    ),
    "custom objects": (
        lambda: load_model("none.npz", custom_objects=1.5),
        "custom_objects must be a dict with strings as keys, got 1.5",
    ),
    "no custom objects": (
        lambda: load_model("none.npz", custom_objects=0),
        "custom_objects must be a dict with strings as keys, got 0",
    ),
    "names of custom objects": (
        lambda: layers.deserialize(Dense(1).get_config(), {1: 2}),
        "custom_objects must be a dict with strings as keys, got {1: 2}",
    ),
    "append": (
        lambda: CSVLogger("a", append="no"),
        "append must be True or False, got 'no'",
    ),
    "fused": (
        lambda: BatchNormalization(fused="", name="b"),
        "b: fused must be True or False, got ''",
    ),
    "input shape": (
        lambda: Dense(1, input_shape={7, 3}, name="d"),
        "Dense: input_shape must be a tuple of sizes, got {3, 7}",
    ),
    "noise shape": (
        lambda: Dropout(0.3, noise_shape={1, 2}, name="d"),
        "d: noise_shape must be a tuple of sizes or None, got {1, 2}",
    ),
    "output shape": (
        lambda: Lambda(np.sin, output_shape="abc", name="l"),
        "l: output_shape must be a tuple of sizes, got 'abc'",
    ),
    "arguments": (
        lambda: Lambda(np.sin, arguments=5, name="l"),
        "l: arguments must be a dict with strings as keys, got 5",
    ),
    "pair of dtypes": (
        lambda: Dense(1, dtype=(None, None), name="d"),
        "Dense: dtype must be one of 'float16', 'float32', 'float64', got (None, None)",
    ),
    "number as a dtype": (
        lambda: metrics.Mean(dtype=np.float64("nan")),
        "dtype must be one of 'float16', 'float32', 'float64', got np.float64(nan); "
        "did you mean 'float64'?",
    ),
    "name of a loss": (
        lambda: losses.MeanSquaredError(name={1}),
        "name must be a string, got {1}",
    ),
    "weights of classes": (
        lambda: losses.CategoricalFocalCrossentropy(alpha="abc"),
        "alpha must hold numbers, got dtype <U3",
    ),
    "weights of labels": (
        lambda: metrics.AUC(label_weights=[1.0, float("nan")]),
        "label_weights must be a sequence of finite numbers >= 0, got [1.0, nan]",
    ),
    "thresholds": (
        lambda: metrics.AUC(thresholds=5),
        "thresholds must be a sequence of numbers from 0 to 1, got 5",
    ),
    "many thresholds": (
        lambda: metrics.AUC(num_thresholds=2**31),
        f"num_thresholds must be an integer >= 2 and <= 1000000, got {2**31}",
    ),
    "more thresholds": (
        lambda: metrics.RecallAtPrecision(0.5, num_thresholds=10**30),
        f"num_thresholds must be an integer >= 1 and <= 1000000, got {10**30}",
    ),
    "class": (
        lambda: metrics.Precision(class_id=2)(np.eye(2), np.eye(2)),
        "class_id must be below 2, the number of classes, got 2",
    ),
    "axis of weights": (
        lambda: constraints.MaxNorm(axis=10**30),
        f"axis must be an integer or a list of integers, got {10**30}",
    ),
    "axis": (
        lambda: Softmax(axis=2**31, name="s"),
        f"s: axis must be an integer >= -64 and <= 64, got {2**31}",
    ),
    "axis of an array": (
        lambda: activations.softmax(X, axis=2**31),
        f"axis must name distinct axes of x, (4, 3), got {2**31}",
    ),
    "strides": (
        lambda: Conv1D(2, 3, strides=2**63, name="c"),
        "c: strides must be an integer or a tuple of 1 integer >= 1 and <= "
        f"{2**48}, got {2**63}",
    ),
    "falls": (
        lambda: optimizers.CosineDecayRestarts(0.1, 1e-320),
        "first_decay_steps must be a finite number >= 1e-09, got 1e-320",
    ),
    "boundaries": (
        lambda: optimizers.PiecewiseConstantDecay([1], {0.1}),
        "values must be a sequence of numbers, got {0.1}",
    ),
    "no epsilon": (
        lambda: optimizers.LegacyAdam(epsilon=[]),
        "epsilon must be a finite number >= 0, got []",
    ),
    "a class as a rate": (
        lambda: optimizers.SGD(int),
        "learning_rate must be a finite number, got <class 'int'>",
    ),
    "decay by its other name": (
        lambda: optimizers.LegacyNadam(schedule_decay=True),
        "schedule_decay must be a finite number >= 0, got True",
    ),
    "delta by its old name": (
        lambda: ReduceLROnPlateau(epsilon=True),
        "epsilon must be a finite number >= 0, got True",
    ),
    "axes of a product": (
        lambda: Dot(axes={1}, name="d"),
        "d: axes must be an integer >= -64 and <= 63, got {1}",
    ),
    "a function of arrays as an initializer": (
        lambda: Dense(2, kernel_initializer=np.sin, name="d").build((None, 2)),
        "d: kernel_initializer must take a shape and a dtype, got <ufunc 'sin'>: "
        "it takes another number of arrays, 1",
    ),
    "huge": (
        lambda: Dense(10**12, name="d").build((None, 10**12)),
        "d: kernel must fit into an address space, got shape "
        "(1000000000000, 1000000000000)",
    ),
    "huge windows": (
        lambda: LocallyConnected2D(10**9, 3, name="lc").build((None, 10**6, 10**6, 3)),
        "lc: kernel must fit into an address space, got shape "
        "(999996000004, 27, 1000000000)",
    ),
}


@pytest.mark.parametrize(("call", "sentence"), WRONG.values(), ids=WRONG)
def test_it_is_refused_in_one_sentence(call, sentence):
    with refuses(sentence):
        call()


class Batches(utils.Sequence):
    """As many batches as one says, which need be no number."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        return X, Y


@pytest.mark.parametrize("count", [-1, 2.0, "x", None, 2**70])
def test_what_a_sequence_says_of_its_length_is_named(count):
    model = compiled()
    for call in (model.fit, model.evaluate, model.predict):
        with (
            unchanged(model),
            refuses(f"len(x) must be an integer >= 0, got {count!r}"),
        ):
            call(Batches(count), verbose=0)
    with refuses(f"len(validation_data) must be an integer >= 0, got {count!r}"):
        model.fit(X, Y, verbose=0, validation_data=Batches(count))


# Functions of the user's, and what they are called with.
CALLED = {
    "learning_rate must take (step)": optimizers.SGD,
    "d: kernel_constraint must take (w)": lambda function: Dense(
        1, name="d", kernel_constraint=function
    ),
    "metric must take (y_true, y_pred)": lambda function: compiled().compile(
        "sgd", "mse", metrics=[function]
    ),
    "loss must take (y_true, y_pred)": lambda function: compiled().compile(
        "sgd", function
    ),
    "on_epoch_end must take (epoch, logs)": lambda function: LambdaCallback(
        on_epoch_end=function
    ),
    "on_train_end must take (logs)": lambda function: LambdaCallback(
        on_train_end=function
    ),
    "l: function must take (x, k)": lambda function: Lambda(
        function, name="l", arguments={"k": 1}
    ),
    "l: backward must take (dy, x)": lambda function: Lambda(
        abs, name="l", backward=function
    ),
}


@pytest.mark.parametrize(("rule", "make"), CALLED.items(), ids=CALLED)
def test_a_function_is_refused_before_it_is_called_in_vain(rule, make):
    def nothing():
        raise AssertionError("called")

    with pytest.raises(ValueError, match=f"^{re.escape(f'{rule}, got {nothing}: ')}"):
        make(nothing)


# What only localnet makes, and a function says by its type that it takes.
MADE = [
    (function, parameter.name, parameter.annotation)
    for package in (ops, activations, losses)
    for function in map(package.__dict__.get, package.__all__)
    if inspect.isfunction(function)
    for parameter in inspect.signature(function).parameters.values()
    if parameter.name in ("cache", "geometry", "sharing")
]


GEOMETRY = ops.Geometry.of((1, 3, 1), kernel_size=1)


class Duck(tuple):
    """As long and as well named as any cache, and of no kind that a function knows."""


@pytest.mark.parametrize(
    ("function", "name", "kind"), MADE, ids=[f"{f.__name__}-{n}" for f, n, _ in MADE]
)
@pytest.mark.parametrize("value", [None, 5, "x", (), Duck((1, 2, 3))], ids=str)
def test_what_localnet_has_not_made_is_named_by_its_type(function, name, kind, value):
    if isinstance(kind, type):
        sentence = f"{name} must be of type {kind.__name__}, got {type(value).__name__}"
    elif value == 5 or isinstance(value, tuple):  # an array
        return
    else:
        sentence = rf"{name} must hold numbers, got dtype .*"
    parameters = inspect.signature(function).parameters.values()
    others = {
        p.name: GEOMETRY if p.name == "geometry" else X
        for p in parameters
        if p.default is p.empty and p.kind != p.VAR_POSITIONAL
    }
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        function(**{**others, name: value})


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"validation_steps": -1}, "validation_steps must be an integer >= 1, got -1"),
        ({"validation_steps": 0}, "validation_steps must be an integer >= 1, got 0"),
        (
            {"validation_steps": 2.5},
            "validation_steps must be an integer >= 1, got 2.5",
        ),
        (
            {"validation_steps": "x"},
            "validation_steps must be an integer >= 1, got 'x'",
        ),
        ({"validation_split": ""}, "validation_split must be a finite number, got ''"),
        ({"validation_split": []}, "validation_split must be a finite number, got []"),
        (
            {"class_weight": {0: 1, 1: -1}},
            "class_weight[1] must be >= 0, got -1.0",
        ),
    ],
    ids=str,
)
def test_fit_refuses_what_it_would_not_use(how, sentence):
    model = compiled()
    with unchanged(model), refuses(sentence):
        model.fit(X, Y, verbose=0, **how)


def test_an_initializer_that_takes_no_dtype_is_named():
    def ones(shape):
        return np.ones(shape)

    layer = Dense(1, kernel_initializer=ones, name="d")
    with (
        unchanged(layer),
        pytest.raises(
            ValueError, match=r"^d: kernel_initializer must take a shape and a dtype"
        ),
    ):
        layer.build((None, 3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with a name")
def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with refuses(f"path must be of a file that can be sought in, got {str(path)!r}"):
        load_model(str(path))


def test_what_a_file_says_makes_no_endless_message(tmp_path):
    path = tmp_path / "m.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("/" + "x" * 60_000, b"")
    with pytest.raises(ValueError, match="damaged or foreign") as caught:
        load_model(path)
    assert len(str(caught.value)) < 300 + len(str(path))
