"""The locally connected layer against tf_keras, implementations 1 to 3."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from localnet import config
from localnet.geometry import Geometry
from localnet.ops import local_conv_backward, local_conv_forward, patch_indices

FILES = sorted(path.stem for path in (reference.ROOT / "lc").glob("*.npz"))
CASES = {name: reference.load(f"lc/{name}.npz") for name in FILES}
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}
# From dy to dz, by hand, where that takes one line.
DZ = {
    "linear": lambda dy, z: dy,
    "relu": lambda dy, z: dy * (z > 0),
    "tanh": lambda dy, z: dy * (1 - np.tanh(z) ** 2),
}


def geometry_options(case):
    names = ("kernel_size", "strides", "padding", "data_format")
    return {name: case["layer_config"][name] for name in names}


def of_implementation(*wanted):
    return [n for n in FILES if CASES[n]["layer_config"]["implementation"] in wanted]


@pytest.mark.parametrize("engine", config.ENGINES)
@pytest.mark.parametrize("name", of_implementation(1))
def test_implementation_1_of_keras(name, engine):
    case = CASES[name]
    tolerance = TOLERANCE[case["x"].dtype.name]
    with config.engine(engine):
        z, cache = local_conv_forward(
            case["x"], case["kernel"], case.get("bias"), **geometry_options(case)
        )
        assert_allclose(z, case["z"], rtol=tolerance, atol=tolerance)
        activation = case["layer_config"]["activation"]
        if activation not in DZ:
            return
        grads = local_conv_backward(DZ[activation](case["dy"], case["z"]), cache)
    assert_allclose(grads.dx, case["dx"], rtol=tolerance, atol=tolerance)
    assert_allclose(grads.dkernel, case["dkernel"], rtol=tolerance, atol=tolerance)
    if "bias" in case:
        assert_allclose(grads.dbias, case["dbias"], rtol=tolerance, atol=tolerance)
    else:
        assert grads.dbias is None


def connections(geometry, filters):
    """Yield (l, k, f, output unit, input unit) for every weight inside the image."""
    units = np.arange(geometry.locations * filters)
    if geometry.channels_last:
        units = units.reshape(geometry.locations, filters)
    else:
        units = units.reshape(filters, geometry.locations).T
    for (location, k), cell in np.ndenumerate(patch_indices(geometry)):
        if cell >= 0:
            for f in range(filters):
                yield location, k, f, units[location, f], cell


def gather(case, stored, geometry, filters):
    """Return implementation 2's or 3's array as (L, K, F), 0 where it has no entry."""
    if case["layer_config"]["implementation"] == 2:
        matrix = stored.reshape(np.prod(geometry.input_shape), -1)
        entries = {pair: matrix[pair] for pair in np.ndindex(matrix.shape)}
    else:
        pairs = [(i, o) for o, i in case["kernel_idxs"].tolist()]
        entries = dict(zip(pairs, stored, strict=True))
    gathered = np.zeros(geometry.kernel_shape(filters))
    for location, k, f, output_unit, cell in connections(geometry, filters):
        gathered[location, k, f] = entries[cell, output_unit]
    return gathered


@pytest.mark.parametrize("name", of_implementation(2, 3))
def test_implementations_2_and_3_of_keras_also_with_same_padding(name):
    case = CASES[name]
    filters = case["layer_config"]["filters"]
    options = geometry_options(case)
    geometry = Geometry.of(case["x"].shape[1:], **options)
    kernel = gather(case, case["kernel"], geometry, filters)
    z, cache = local_conv_forward(case["x"], kernel, case.get("bias"), **options)
    assert_allclose(z, case["z"], rtol=1e-12, atol=1e-12)
    activation = case["layer_config"]["activation"]
    if activation in DZ:
        dx, dkernel, _ = local_conv_backward(
            DZ[activation](case["dy"], case["z"]), cache
        )
        expected = gather(case, case["dkernel"], geometry, filters)
        assert_allclose(dx, case["dx"], rtol=1e-12, atol=1e-12)
        assert_allclose(dkernel, expected, rtol=1e-12, atol=1e-12)
