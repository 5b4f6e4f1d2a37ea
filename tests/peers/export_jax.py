"""
Exports to JAX, held to localnet and to the numbers of tf_keras.

Not part of the ordinary tests: run it where localnet, its extra h5, hypothesis and jax
are installed, as ``.ci/long`` does::

    python tests/peers/export_jax.py --models 100

Every layer, models drawn at random, and files of Keras 2: outputs, gradients, ``jit``,
``grad`` and ``vmap``.
"""

import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import exporting
from exporting_peers import main

from localnet.export import to_jax
from localnet.export.writing import load_source

jax.config.update("jax_enable_x64", True)


def exported(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.py"
        to_jax(model, path, float64=True, verify=False)
        return load_source(path).load()


def listed(found):
    return [np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))]


def check_model(model, name):
    apply, params = exported(model)
    jitted = jax.jit(apply)
    for count in (1, 7):
        xs = exporting.batch_for(model, count)
        wanted = exporting.outputs_of(model, xs)
        for form in (apply, jitted):
            for got, want in zip(listed(form(params, *xs)), wanted, strict=True):
                exporting.close(got, want)
                assert got.dtype == want.dtype
    one = jax.vmap(lambda *x: apply(params, *(v[None] for v in x)))
    for got, want in zip(listed(one(*xs)), wanted, strict=True):
        exporting.close(got[:, 0], want)
    if exporting.has_noise(model) or exporting.has_statistics(model):
        return
    ys, loss, grads = exporting.gradients_of(model, xs)

    def squared(params):
        found = apply(params, *xs)
        found = found if isinstance(found, tuple) else (found,)
        return sum(jnp.mean((a - b) ** 2) for a, b in zip(found, ys, strict=True))

    total, found = jax.value_and_grad(squared)(params)
    exporting.close(float(total), loss)
    assert len(found) == len(grads)
    for path, grad in grads.items():
        exporting.close(found[path.replace("/", "_")], grad, 3.5, 1e-3)


def check_numbers(model, xs, ys, digits):
    apply, params = exported(model)
    for got, want in zip(listed(apply(params, *xs)), ys, strict=True):
        exporting.close(got, want, digits)


def check_gradients(model, data, digits):
    apply, params = exported(model)
    _, back = jax.vjp(apply, params, jnp.asarray(data["x"]))
    grads, dx = back(jnp.asarray(data["dy"]))
    exporting.close(dx, data["dx"], digits)
    for path in exporting.learns(model):
        name = path.rpartition("/")[2]
        exporting.close(grads[path.replace("/", "_")], data[f"d{name}"], digits)


if __name__ == "__main__":
    sys.exit(main(check_model, check_numbers, check_gradients))
