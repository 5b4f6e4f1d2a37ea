"""Models with several inputs and outputs: Keras's numbers and names, and errors."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses

from localnet import Input, Model, Sequential
from localnet.layers import Dense, add
from localnet.optimizers import SGD
from localnet.regularizers import L2

DATA = reference.load("several_outputs.npz")
CASES = DATA["cases"]
X = [DATA["left"], DATA["right"]]
LABEL, SIZE = DATA["label"], DATA["size"]
WEIGHTS = [DATA["label_weight"], DATA["size_weight"]]


def in_form(form, label, size):
    if form == "dict":
        return {"size": size, "label": label}
    if form == "one":
        return size
    return None if form is None else [label, size]


INS, OUTS = ("left", "right"), ("label", "size")


def two_ended():
    """Return the model of ``data/make_several_outputs.py``."""
    shared = Dense(
        3,
        "tanh",
        name="shared",
        dtype="float64",
        kernel_regularizer=L2(0.0625),
        activity_regularizer=L2(0.03125),
    )
    inputs = [Input((2,), name=name) for name in INS]
    both = add([shared(x) for x in inputs], dtype="float64")
    label = Dense(3, "softmax", name="label", dtype="float64")
    size = Dense(1, name="size", dtype="float64")
    return Model(inputs, [label(both), size(both)], name="two")


def compiled(loss="mse", **kwargs):
    model = two_ended()
    model.set_weights([DATA[f"weight_{place}"] for place in range(6)])
    model.compile(SGD(0.125, momentum=0.5), loss, **kwargs)
    return model


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_numbers_and_names_are_those_of_keras(case):
    model = compiled(**case["compile"])
    y = in_form(case["y"], LABEL, SIZE)
    how = {"batch_size": 4, "verbose": 0}
    if case["validation"] == "split":
        how["validation_split"] = 0.25
    elif case["validation"] == "data":
        half = in_form("dict", LABEL[:7], SIZE[:7])
        how["validation_data"] = ([x[:7] for x in X], half)
    weight = in_form(case["sample_weight"], *WEIGHTS)
    history = model.fit(X, y, epochs=3, shuffle=False, sample_weight=weight, **how)
    assert list(history.history) == [name for name, _ in case["history"]]
    for name, values in case["history"]:
        assert_allclose(history.history[name], values, rtol=1e-9, err_msg=name)
    assert model.metrics_names == case["metrics_names"]
    evaluated = model.evaluate(X, y, batch_size=4, verbose=0)
    assert_allclose(evaluated, case["evaluated"], rtol=1e-9)
    tested = model.test_on_batch([x[:4] for x in X], [LABEL[:4], SIZE[:4]])
    assert_allclose(tested, case["tested"], rtol=1e-9)
    for mine, theirs in zip(model.predict(X), case["predicted"], strict=True):
        assert_allclose(mine, theirs, rtol=1e-9)
    for mine, theirs in zip(model.get_weights(), case["weights"], strict=True):
        assert_allclose(mine, theirs, rtol=1e-9)


def test_gradients_are_those_of_the_loss():
    model = compiled(["categorical_crossentropy", "mse"], loss_weights=[0.5, 2.0])
    weights = {"sample_weight": WEIGHTS}
    _, gradients = model.loss_and_gradients(X, [LABEL, SIZE], **weights)
    step = 6e-6
    for value, gradient in zip(
        model._trainer.trained().values(), gradients, strict=True
    ):
        for place in np.ndindex(value.shape):
            kept, both = value[place], []
            for sign in (1, -1):
                value[place] = kept + sign * step
                both.append(model.loss_and_gradients(X, [LABEL, SIZE], **weights)[0])
            value[place] = kept
            slope = (both[0] - both[1]) / (2 * step)
            assert_allclose(gradient[place], slope, rtol=1e-7, atol=1e-9)


# Every way to say it ---------------------------------------------------------------


def numbers(x, y, weight=None):
    model = compiled(["categorical_crossentropy", "mse"], weighted_metrics=["mae"])
    history = model.fit(x, y, 4, 2, 0, sample_weight=weight, seed=1).history
    return history, model.train_on_batch(x, y, weight), model.evaluate(x, y, verbose=0)


def test_lists_tuples_dicts_and_batches_mean_the_same():
    expected = numbers(X, [LABEL, SIZE], WEIGHTS)
    by_name = {"right": X[1], "left": X[0]}, {"size": SIZE, "label": LABEL}
    weights = {"size": WEIGHTS[1], "label": WEIGHTS[0]}
    assert numbers(*by_name, weights) == expected
    assert numbers(tuple(X), (LABEL, SIZE), tuple(WEIGHTS)) == expected
    assert numbers(X, by_name[1], WEIGHTS) == expected


def test_batches_of_a_generator_may_be_lists_and_dicts():
    def batches(in_dicts):
        for part in (slice(0, 4), slice(4, 10)):
            x, y = [v[part] for v in X], [LABEL[part], SIZE[part]]
            if in_dicts:
                x, y = (dict(zip(n, v, strict=True)) for n, v in ((INS, x), (OUTS, y)))
            yield x, y

    losses = [compiled().evaluate(batches(form), verbose=0) for form in (True, False)]
    assert losses[0] == losses[1]
    expected = compiled().predict(X)
    for mine, whole in zip(compiled().predict(batches(True)), expected, strict=True):
        assert_allclose(mine, whole, rtol=1e-12)


def test_one_array_of_targets_or_weights_is_for_every_output():
    y = np.repeat(SIZE, 3, axis=1)
    assert numbers(X, y, WEIGHTS[0]) == numbers(X, [y, y], [WEIGHTS[0]] * 2)


def test_some_outputs_may_go_without_weights_or_targets():
    ones = np.ones(len(SIZE))
    assert numbers(X, [LABEL, SIZE], [None, WEIGHTS[1]]) == numbers(
        X, [LABEL, SIZE], {"size": WEIGHTS[1], "label": ones}
    )
    model = compiled({"size": "mse"})
    assert model.metrics_names == ["loss", "size_loss"]
    both = model.evaluate(X, [LABEL, SIZE], verbose=0)
    for y in ({"size": SIZE}, [None, SIZE]):
        assert model.evaluate(X, y, verbose=0) == both


def test_one_input_and_output_may_be_named_or_listed_too():
    def trained(x, y, **how):
        model = Sequential([Dense(1, input_shape=(2,), name="out")], seed=0)
        model.compile("sgd", loss=how.pop("loss", "mse"), metrics=["mae"])
        return model.fit(x, y, 4, 2, 0, seed=0, **how).history

    x, weight = X[0], WEIGHTS[0]
    expected = trained(x, SIZE, sample_weight=weight)
    assert trained([x], [SIZE], sample_weight=[weight]) == expected
    assert (
        trained(
            {"out_input": x},
            {"out": SIZE},
            sample_weight={"out": weight},
            loss={"out": "mse"},
        )
        == expected
    )


def test_predictions_are_lists_of_arrays():
    model = compiled()
    predicted, batch = model.predict(X, batch_size=3), model.predict_on_batch(X)
    assert isinstance(predicted, list)
    assert isinstance(batch, list)
    for mine, whole in zip(predicted, batch, strict=True):
        assert_allclose(mine, whole, rtol=1e-12)
    np.testing.assert_array_equal([y.shape for y in batch], [(10, 3), (10, 1)])


# What is wrong ---------------------------------------------------------------------

TWO = "['left', 'right']"
Y = [LABEL, SIZE]
REFUSED = {
    "one input": (
        {"x": X[0], "y": Y},
        f"x must be a list of 2, one for each of {TWO}, got one array of shape (10, 2)",
    ),
    "no input": (
        {"x": None, "y": Y},
        f"x must be a list of 2, one for each of {TWO}, got NoneType",
    ),
    "three inputs": (
        {"x": [*X, X[0]], "y": Y},
        f"x must be a list of 2, one for each of {TWO}, got 3",
    ),
    "unknown input": (
        {"x": {"left": X[0], "rihgt": X[1]}, "y": Y},
        f"x must have keys among {TWO}, got 'rihgt'; did you mean 'right'?",
    ),
    "a key that is no word": (
        {"x": {0: X[0], 1: X[1]}, "y": Y},
        f"x must have keys among {TWO}, got 0",
    ),
    "missing input": (
        {"x": {"left": X[0]}, "y": Y},
        f"x must have the keys {TWO}, got none for 'right'",
    ),
    "lengths of inputs": (
        {"x": [X[0], X[1][:3]], "y": Y},
        "x['left'] and x['right'] must have the same length, got 10 and 3 samples",
    ),
    "features": (
        {"x": [X[0], X[1][:, :1]], "y": Y},
        "two: input 'right' must have shape (None, 2), got (None, 1)",
    ),
    "no targets": ({"x": X}, "y['label'] must be given, got None"),
    "one list of targets": (
        {"x": X, "y": [LABEL]},
        "y must be a list of 2, one for each of ['label', 'size'], got 1",
    ),
    "unknown target": (
        {"x": X, "y": {"label": LABEL, "sise": SIZE}},
        "y must have keys among ['label', 'size'], got 'sise'; did you mean 'size'?",
    ),
    "missing target": (
        {"x": X, "y": {"label": LABEL}},
        "y['size'] must be given, got None",
    ),
    "lengths of targets": (
        {"x": X, "y": [LABEL, SIZE[:3]]},
        "x['left'] and y['size'] must have the same length, got 10 and 3 samples",
    ),
    "words": (
        {"x": X, "y": [LABEL, ["a"] * 10]},
        "y['size'] must hold numbers, got dtype <U1",
    ),
    "shape of targets": (
        {"x": X, "y": [np.ones((10, 4)), SIZE]},
        "output 'label': y_true must have a shape that broadcasts with that of y_pred, "
        "(10, 3), got (10, 4)",
    ),
    "unknown weights": (
        {"x": X, "y": Y, "sample_weight": {"left": WEIGHTS[0]}},
        "sample_weight must have keys among ['label', 'size'], got 'left'",
    ),
    "lengths of weights": (
        {"x": X, "y": Y, "sample_weight": [None, WEIGHTS[0][:3]]},
        "sample_weight['size'] must have one entry per sample, got 3 for 10 samples",
    ),
    "classes": (
        {"x": X, "y": Y, "class_weight": {0: 1.0}},
        "class_weight must be used with one output, got a model with 2",
    ),
}


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_fit_refuses(arguments, sentence):
    model = compiled()
    before = model.get_weights()
    with refuses(sentence):
        model.fit(**arguments, verbose=0)
    assert model.history is None
    for mine, former in zip(model.get_weights(), before, strict=True):
        assert_array_equal(mine, former)


NAMES = "['label', 'size']"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"loss": ["mse"]},
            f"loss must be a list of 2, one for each of {NAMES}, got 1",
        ),
        (
            {"loss": {"labels": "mse"}},
            f"loss must have keys among {NAMES}, got 'labels'; did you mean 'label'?",
        ),
        (
            {"loss": "mse", "loss_weights": [1, 2, 3]},
            f"loss_weights must be a list of 2, one for each of {NAMES}, got 3",
        ),
        (
            {"loss": "mse", "loss_weights": {"size": "much"}},
            "loss_weights must be a finite number, got 'much'",
        ),
        (
            {"loss": "mse", "metrics": [["mae"], ["mae"], []]},
            f"metrics must be a list of 2, one for each of {NAMES}, got 3",
        ),
        (
            {"loss": "mse", "metrics": {"size": {"mae": 1}}},
            "metrics must be a list for each output, got {'mae': 1}",
        ),
        (
            {"loss": "mse", "weighted_metrics": {"": "mae"}},
            f"weighted_metrics must have keys among {NAMES}, got ''",
        ),
        (
            {"loss": "mse", "metrics": {"size": ["mae", "mae"]}},
            "metrics must have names of their own beside 'loss', "
            "got 'size_mae' a second time",
        ),
        (
            {"loss": ["mse", "nse"]},
            "loss must be a known name, got 'nse'; did you mean 'MSE'?",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else ",".join(value),
)
def test_compile_refuses(arguments, sentence):
    with refuses(sentence):
        two_ended().compile("sgd", **arguments)


def test_what_was_compiled_is_compiled_again_from_its_config():
    model = compiled(
        {"label": "categorical_crossentropy", "size": "mae"},
        metrics={"label": ["acc"], "size": "mse"},
        weighted_metrics=["mae"],
        loss_weights={"size": 0.5},
    )
    model.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    other = compiled(**model._trainer.objective.get_config())
    history = other.fit(X, Y, epochs=2, verbose=0, shuffle=False).history
    assert history == model.history.history
    assert other.metrics_names == [
        *("loss", "label_loss", "size_loss"),
        *("label_acc", "label_mae", "size_mse", "size_mae"),
    ]
