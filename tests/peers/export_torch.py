"""
Exports to PyTorch, held to localnet and to the numbers of tf_keras.

Not part of the ordinary tests: run it where localnet, its extra h5, hypothesis and
torch are installed, as ``.ci/long`` does::

    python tests/peers/export_torch.py --models 100

Every layer, models drawn at random, and files of Keras 2: outputs, gradients, steps of
training, ``torch.jit.script``, ``torch.export`` with a batch of any size, and the way
through a state dict.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

import exporting
from exporting_peers import main

from localnet import Sequential, layers
from localnet.export import to_torch
from localnet.export.writing import load_source


def exported(model):
    """Return the class and the module of a model that is written and read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.py"
        to_torch(model, path, float64=True, verify=False)
        first = path.read_bytes(), path.with_suffix(".npz").read_bytes()
        to_torch(model, path, float64=True, verify=False)
        assert first == (path.read_bytes(), path.with_suffix(".npz").read_bytes())
        net = load_source(path).load()
    assert not net.training
    return net


def listed(found):
    return list(found) if isinstance(found, tuple) else [found]


def run(net, xs):
    with torch.no_grad():
        return [y.numpy() for y in listed(net(*map(torch.from_numpy, xs)))]


def parameters(net, names):
    """Return the parameters by localnet's names."""
    found = dict(net.named_parameters())
    assert len(found) == len(names)
    return {name: found[name.replace("/", "_").replace(" ", "_")] for name in names}


def check_model(model, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.py"
        to_torch(model, path, float64=True, verify=False)
        net = load_source(path).load()
        forms = [net, torch.jit.script(net)]
    batch = torch.export.Dim("batch", min=1)
    example = tuple(map(torch.from_numpy, exporting.batch_for(model, 3)))
    program = torch.export.export(
        net, example, dynamic_shapes=tuple({0: batch} for _ in example)
    )
    forms.append(program.module())
    for count in (1, 7):
        xs = exporting.batch_for(model, count)
        wanted = exporting.outputs_of(model, xs)
        for form in forms:
            for got, want in zip(run(form, xs), wanted, strict=True):
                exporting.close(got, want)
                assert got.dtype == want.dtype
    state = {key: value.clone() for key, value in net.state_dict().items()}
    for value in net.state_dict().values():
        value.zero_()
    net.load_state_dict(state)
    for got, want in zip(run(net, xs), wanted, strict=True):
        exporting.close(got, want)
    if exporting.has_noise(model):
        return
    net.train()
    ys, loss, grads = exporting.gradients_of(model, xs)
    found = listed(net(*map(torch.from_numpy, xs)))
    pairs = zip(found, map(torch.from_numpy, ys), strict=True)
    total = sum(torch.nn.functional.mse_loss(got, want) for got, want in pairs)
    exporting.close(float(total.detach()), loss)
    if grads:
        total.backward()
    for path, parameter in parameters(net, list(grads)).items():
        exporting.close(parameter.grad.numpy(), grads[path], 3.5, 1e-3)


def check_numbers(model, xs, ys, digits):
    net = exported(model)
    dtype = exporting.dtype_of(model)
    for got, want in zip(run(net, [x.astype(dtype) for x in xs]), ys, strict=True):
        exporting.close(got, want, digits)


def check_gradients(model, data, digits):
    net = exported(model)
    x = torch.from_numpy(data["x"]).requires_grad_(True)
    net(x).backward(torch.from_numpy(data["dy"]))
    exporting.close(x.grad.numpy(), data["dx"], digits)
    for path, parameter in parameters(net, exporting.learns(model)).items():
        name = path.rpartition("/")[2]
        exporting.close(parameter.grad.numpy(), data[f"d{name}"], digits)


def check_steps():
    """Train a model with statistics of the batch; running ones must follow."""
    for shape in ((6, 5, 2), (5, 2), (4,)):
        model = Sequential([layers.InputLayer(shape)], seed=0)
        if len(shape) > 1:
            kind = getattr(layers, f"LocallyConnected{len(shape) - 1}D")
            model.add(kind(3, 3, padding="same", activation="tanh"))
        model.add(layers.BatchNormalization(momentum=0.75))
        model.add(layers.Flatten())
        model.add(layers.Dense(2))
        net = exported(model).train()
        model.compile("sgd", "mse")
        model.optimizer.learning_rate = 0.05
        optimizer = torch.optim.SGD(net.parameters(), 0.05)
        rng = np.random.default_rng(0)
        for _ in range(5):
            x = rng.normal(size=(8, *shape)).astype(np.float32)
            y = rng.normal(size=(8, 2)).astype(np.float32)
            model.train_on_batch(x, y)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(
                net(torch.from_numpy(x)), torch.from_numpy(y)
            ).backward()
            optimizer.step()
        found = net.state_dict()
        for path, layer in model.program.layers.items():
            for name, value in layer.params.items():
                exporting.close(found[f"{path}_{name}"].numpy(), value, 4.0)
    noisy = exported(Sequential([layers.Dropout(0.5, input_shape=(1000,))])).train()
    kept = noisy(torch.ones(1, 1000)).numpy()
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert 400 < (kept > 0).sum() < 600


if __name__ == "__main__":
    sys.exit(main(check_model, check_numbers, check_gradients, check_steps))
