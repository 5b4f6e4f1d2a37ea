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
    load_model,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    utils,
)
from localnet.callbacks import CSVLogger, LambdaCallback
from localnet.layers import Dense, Lambda, LocallyConnected2D

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
