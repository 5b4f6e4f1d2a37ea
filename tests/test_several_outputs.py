"""Several inputs and outputs: the numbers and names of Keras, and who is refused."""

import pytest
import reference
from numpy.testing import assert_allclose
from wired import Wired

from localnet.optimizers import SGD

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


def compiled(loss="mse", **kwargs):
    model = Wired()
    model.build()
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
