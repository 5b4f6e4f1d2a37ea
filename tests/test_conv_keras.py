"""
The convolutions against tf_keras: its numbers, its configs and its files.

The numbers are small integers, so that everything is compared exactly.
"""

import json
import math

import pytest
import reference
from numpy.testing import assert_array_equal

from localnet import config, layers

DATA = reference.load("conv.npz")


def unpacked():
    """Return (case, its arrays by name) in the order of the file."""
    start, result = 0, []
    for case in DATA["cases"]:
        arrays = {}
        for name, shape in case["shapes"].items():
            size = math.prod(shape)
            arrays[name] = DATA["numbers"][start : start + size].reshape(shape)
            start += size
        result.append((case, arrays))
    assert start == len(DATA["numbers"])
    return result


CASES = [
    pytest.param(
        case,
        arrays,
        id=f"{case['rank']}d-" + "-".join(map(str, case["kwargs"].values())),
    )
    for case, arrays in unpacked()
]


def make_layer(case, arrays):
    cls = getattr(layers, f"Conv{case['rank']}D")
    layer = cls(**case["kwargs"], dtype="float64")
    layer.build((None, *arrays["x"].shape[1:]))
    layer.set_weights([arrays[name] for name in ("kernel", "bias") if name in arrays])
    return layer


@pytest.mark.parametrize("engine", config.ENGINES)
@pytest.mark.parametrize(("case", "arrays"), CASES)
def test_layer_gives_the_numbers_of_keras(case, arrays, engine):
    if engine == "naive" and arrays["y"].size * arrays["kernel"].size > 2**15:
        pytest.skip("loops over so many take seconds")
    with config.engine(engine):
        layer = make_layer(case, arrays)
        assert_array_equal(layer.forward(arrays["x"]), arrays["y"])
        assert_array_equal(layer.backward(arrays["dy"]), arrays["dx"])
    for name, grad in layer.grads.items():
        assert_array_equal(grad, arrays[f"d{name}"])
    assert layer.output_shape[1:] == arrays["y"].shape[1:]
    assert layer.weight_shapes(layer.input_shape) == {
        name: arrays[name].shape for name in layer.params
    }


@pytest.mark.parametrize(("case", "arrays"), CASES)
def test_config_is_that_of_keras(case, arrays):
    layers.clear_session()
    cls = getattr(layers, f"Conv{case['rank']}D")
    layer = cls(**case["kwargs"], dtype="float64")
    ours = json.loads(json.dumps(layer.get_config()))
    assert ours == case["config"]
    assert list(ours) == list(case["config"])
    again = json.loads(json.dumps(cls.from_config(case["config"]).get_config()))
    assert again == case["config"]


def test_the_cases_cover_what_they_should():
    kwargs = [case["kwargs"] for case in DATA["cases"]]
    assert {k["padding"] for k in kwargs} == {"valid", "same", "causal"}
    assert {k.get("groups", 1) for k in kwargs} == {1, 2, 4}
    assert {case["rank"] for case in DATA["cases"]} == {1, 2, 3}
    for name in ("strides", "dilation_rate", "data_format", "use_bias"):
        assert sum(name in k for k in kwargs) >= 3
