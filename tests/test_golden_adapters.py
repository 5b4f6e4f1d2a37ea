"""
Other libraries as backends: the same bits as localnet, on layers drawn at random.

A library that is not installed skips its tests; ``.ci/long`` runs them in environments
that hold one each.
"""

import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import local_conv_problems

from localnet import activations, ops
from localnet.golden import load_suite

BACKENDS = [
    ("jax", "jax", "local_conv"),
    ("jax", "jax", "local_conv_default"),
    ("flax", "flax", "conv_local"),
    ("flax", "flax", "conv_local_default"),
    ("torch", "torch", "unfold"),
    ("torch", "torch", "strided"),
    ("torch", "torch", "einsum"),
    ("tf_keras", "keras", "implementation1"),
    ("tf_keras", "keras", "implementation2"),
    ("tf_keras", "keras", "implementation3"),
]
every_backend = pytest.mark.parametrize(
    ("peer", "module", "name"), BACKENDS, ids=[f"{m}-{n}" for _, m, n in BACKENDS]
)
EXACT_ACTIVATIONS = [
    {"name": "linear"},
    {"name": "relu"},
    {"name": "relu6"},
    {"name": "leaky_relu", "alpha": 0.25},
]


def backend_of(peer, module, name):
    pytest.importorskip(peer, exc_type=ImportError)
    adapters = importlib.import_module(f"localnet.golden.adapters.{module}")
    return getattr(adapters, name)


def case_of(problem, precision="float64", activation=EXACT_ACTIVATIONS[0]):
    """
    Return a case whose sums are exact in every precision, and the right answers.

    Half integers as the bias keep every pre-activation off the kinks.
    """
    x, kernel, bias, dy = (
        a if a is None else a.astype(np.float64) for a in problem.arrays
    )
    if precision == "bfloat16":
        x, kernel, dy = map(np.sign, (x, kernel, dy))
    if bias is None:
        activation = EXACT_ACTIVATIONS[0]
    else:
        bias = np.sign(bias) + 0.5
    z, cache = ops.local_conv_forward(x, kernel, bias, **problem.options)
    forward, backward = activations.pair(activation["name"])
    arguments = {k: v for k, v in activation.items() if k != "name"}
    y, activation_cache = forward(z, **arguments)
    grads = ops.local_conv_backward(backward(dy, activation_cache), cache)
    expected = {"y": y, "dx": grads.dx, "dkernel": grads.dkernel}
    if bias is not None:
        expected["dbias"] = grads.dbias

    stored = "float32" if precision == "bfloat16" else precision
    g = problem.geometry
    case = SimpleNamespace(
        kind="layer",
        config={
            "kernel_size": list(g.kernel_size),
            "strides": list(g.strides),
            "pads": [list(pair) for pair in g.pads],
            "pad_value": g.pad_value,
            "dilation_rate": list(g.dilation_rate),
            "data_format": g.data_format,
            "activation": activation,
        },
        precision=precision,
        x=x.astype(stored),
        kernel=kernel.astype(stored),
        bias=bias if bias is None else bias.astype(stored),
        dy=dy.astype(stored),
    )
    return case, {name: value.astype(stored) for name, value in expected.items()}


@every_backend
@given(
    problem=local_conv_problems(),
    precision=st.sampled_from(["float64", "float32", "float16", "bfloat16"]),
    activation=st.sampled_from(EXACT_ACTIVATIONS),
)
def test_every_layer_gives_the_same_bits(
    peer, module, name, problem, precision, activation
):
    backend = backend_of(peer, module, name)
    problem = replace(problem, batch=max(1, problem.batch))
    case, expected = case_of(problem, precision, activation)
    if cannot_express(module, name, problem):
        with pytest.raises(NotImplementedError):
            backend(case)
        return
    answers = backend(case)
    assert answers.keys() == expected.keys()
    for answer, value in expected.items():
        assert_array_equal(answers[answer], value, err_msg=answer, strict=True)


def cannot_express(module, name, problem):
    """What the page of the documentation lists as skipped, and nothing else."""
    g = problem.geometry
    if module == "keras":
        return g.rank == 3 or any(d > 1 for d in g.dilation_rate)
    return (module, name, g.rank) == ("torch", "unfold", 3)


@pytest.mark.parametrize(
    ("peer", "name"), [("jax", "local_conv"), ("flax", "conv_local")]
)
def test_what_jax_compiles_serves_the_next_call(peer, name):
    backend = backend_of(peer, peer, name)
    compiled = importlib.import_module("localnet.golden.adapters.jax")._compiled
    case = load_suite()["relu-1d"]
    compiled.cache_clear()
    for asked in (case, replace(case, x=-case.x)):
        backend(asked)
    assert compiled.cache_info()[:2] == (1, 1)  # hits and misses
    linear = {**case.config, "activation": {"name": "linear"}}
    assert (backend(replace(case, config=linear))["y"] < 0).any()


def test_a_parameter_that_onnx_would_round_is_not_computed():
    backend = backend_of("onnxruntime", "onnxruntime", "gather_matmul")
    with pytest.raises(NotImplementedError, match="parameters of float32"):
        backend(load_suite()["elu-alpha-bits-float64"])
    assert backend(load_suite()["elu-float64"])["y"].size
