"""Costs of layers, and the table that `summary(cost=True)` adds."""

import numpy as np
import pytest
from raising import refuses

from localnet import Sequential
from localnet.initializers import Zeros
from localnet.layers import (
    ELU,
    Activation,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    InputLayer,
    Layer,
    LeakyReLU,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected2DTranspose,
    LocallyConnected3D,
    Reshape,
)
from localnet.ops import dense_cost, elementwise_cost, local_conv_cost
from localnet.roofline import Machine, Work

MACHINE = Machine(flops_per_second=200e9, bytes_per_second=32e9)

LAYERS = {
    "1D": (lambda: LocallyConnected1D(3, 2), (5, 2)),
    "2D same": (lambda: LocallyConnected2D(3, 2, padding="same"), (4, 5, 2)),
    "2D first": (
        lambda: LocallyConnected2D(3, 2, strides=2, data_format="channels_first"),
        (2, 6, 5),
    ),
    "2D relu": (lambda: LocallyConnected2D(3, 2, activation="relu"), (4, 5, 2)),
    "3D": (lambda: LocallyConnected3D(2, 2, dilation_rate=2), (4, 4, 4, 1)),
    "shared": (lambda: LocallyConnected2D(3, 2, padding="same", share=2), (4, 5, 2)),
    "tiled": (
        lambda: LocallyConnected2D(3, 2, tile=(1, 2), data_format="channels_first"),
        (2, 4, 5),
    ),
    "transposed": (
        lambda: LocallyConnected2DTranspose(3, 2, 2, "same", activation="relu"),
        (4, 5, 2),
    ),
    "no bias": (lambda: LocallyConnected1D(3, 2, use_bias=False), (5, 2)),
    "float64": (lambda: LocallyConnected1D(3, 2, dtype="float64"), (5, 2)),
    "conv 1D": (lambda: Conv1D(3, 2, padding="causal"), (5, 2)),
    "conv 2D": (lambda: Conv2D(4, 2, groups=2, activation="relu"), (4, 5, 2)),
    "conv 2D first": (
        lambda: Conv2D(3, 2, untied_bias=True, data_format="channels_first"),
        (2, 4, 5),
    ),
    "conv 3D": (lambda: Conv3D(2, 2, use_bias=False), (3, 3, 3, 1)),
    "dense": (lambda: Dense(3), (4,)),
    "dense on rows": (lambda: Dense(3, activation="tanh"), (2, 4)),
    "activation": (lambda: Activation("relu"), (3, 4)),
    "elu": (lambda: ELU(), (3,)),
    "flatten": (lambda: Flatten(), (3, 4)),
    "flatten first": (lambda: Flatten(data_format="channels_first"), (3, 4)),
    "reshape": (lambda: Reshape((-1, 2)), (3, 4)),
}


def nbytes(arrays):
    """Bytes of different pieces of memory: what shares it is counted once."""
    owners = []
    for array in arrays:
        if not any(np.shares_memory(array, owner) for owner in owners):
            owners.append(array)
    return sum(owner.nbytes for owner in owners)


@pytest.mark.parametrize("name", LAYERS)
def test_memory_is_that_of_the_arrays(name, rng):
    make, sample = LAYERS[name]
    cost = make().cost(3, (None, *sample))
    layer = make()
    x = rng.random((3, *sample)).astype(layer.dtype)
    y, cache = layer.forward_with_cache(x)
    dy = np.ones_like(y)
    dx, grads = layer.backward_from_cache(dy, cache)
    padded = getattr(cache.inner, "padded", x)
    made = getattr(cache.inner, "kernel", x)  # out of what locations share
    if any(np.shares_memory(made, weight) for weight in layer.params.values()):
        made = x
    assert cost.input_bytes == x.nbytes
    assert cost.parameters == layer.count_params()
    assert cost.parameter_bytes == nbytes(layer.params.values())
    assert cost.input_bytes + cost.cache_bytes + cost.output_bytes == nbytes(
        [x, padded, made, cache.logits, y]
    )
    has_activation = layer._activation_pair is not None
    dz = y.nbytes if has_activation and layer.params else 0
    assert cost.dx_bytes == dz + nbytes([dy, dx]) - dy.nbytes
    assert cost.gradient_bytes == cost.dx_bytes + nbytes(grads.values())


def test_a_layer_asks_the_operation_with_its_own_arguments():
    layer = LocallyConnected2D(
        3,
        (2, 3),
        strides=(2, 1),
        padding="same",
        data_format="channels_first",
        use_bias=False,
        dtype="float64",
    )
    assert layer.cost(5, (None, 2, 7, 8), need_dx=False) == local_conv_cost(
        (2, 7, 8),
        3,
        kernel_size=(2, 3),
        strides=(2, 1),
        padding="same",
        data_format="channels_first",
        batch_size=5,
        dtype="float64",
        use_bias=False,
        need_dx=False,
    )
    assert LocallyConnected1D(3, 2, dilation_rate=3).cost(
        1, (None, 9, 2)
    ) == local_conv_cost((9, 2), 3, kernel_size=2, dilation_rate=3)


def test_an_activation_comes_on_top():
    assert Dense(3, activation="softmax").cost(2, (None, 4)) == dense_cost(
        (4,), 3, batch_size=2
    ).then(elementwise_cost((3,), batch_size=2))


def test_a_huge_layer_is_not_built_for_it():
    layer = LocallyConnected2D(10**6, 3, input_shape=(10**6, 10**6, 3))
    assert layer.cost().parameters == (10**6 - 2) ** 2 * (27 + 1) * 10**6
    assert (layer.built, layer.params) == (False, {})


def test_a_built_layer_knows_its_shape():
    layer = Dense(3)
    layer.build((None, 4))
    assert layer.cost(2) == layer.cost(2, (None, 4))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda layer: layer.cost(),
            "d: input_shape must be known but for the batch axis, got none",
        ),
        (
            lambda layer: layer.cost(1, (None, None, 2)),
            "d: input_shape must be known but for the batch axis, got (None, None, 2)",
        ),
        (
            lambda layer: layer.cost(1, (None, 2)),
            "d: input_shape must have 3 axes, batch axis included, got (None, 2)",
        ),
        (
            lambda layer: layer.cost(-1, (None, 4, 2)),
            "d: batch_size must be an integer >= 0, got -1",
        ),
        (
            lambda layer: layer.cost(1, (None, 1, 2)),
            "d: kernel_size must fit into the padded input, got (2,): kernel_size 2 "
            "over length 1 with padding 'valid' leaves no output location",
        ),
    ],
)
def test_refusals(call, sentence):
    with refuses(sentence):
        call(LocallyConnected1D(3, 2, name="d"))


def test_a_built_layer_refuses_another_shape():
    layer = LocallyConnected1D(3, 2, name="d")
    layer.build((None, 4, 2))
    with refuses(
        "d: input must have the shape the layer was built for, (None, 4, 2), "
        "got (None, 5, 2)"
    ):
        layer.cost(1, (None, 5, 2))


# The table -------------------------------------------------------------------------

GOLDEN = """\
Cost of a batch of 32, at best, with 200.00 GFLOP/s and 32.00 GB/s
_________________________________________________________________________________
                               forward                   training step
Layer       FLOPs     Bytes       Time     FLOPs      Bytes       Time     Memory
=================================================================================
one      101.38 M  14.22 MB  506.88 us  202.75 M   28.43 MB    1.01 ms   20.28 MB
two      926.45 M  74.91 MB    4.63 ms    2.78 G  218.21 MB   13.89 ms  122.23 MB
drop            -         -          -         -          -          -          -
flat           0        0 B        0 s        0         0 B        0 s        0 B
top        3.21 M   3.41 MB  106.63 us    9.63 M   10.24 MB  319.89 us  401.68 kB
=================================================================================
Total      1.03 G  92.54 MB    5.25 ms    2.99 G  256.88 MB   15.22 ms  142.91 MB
A training step holds about 157.09 MB, buffers not counted.
_________________________________________________________________________________"""


def page_layers():
    return [
        LocallyConnected2D(64, 3, name="one"),
        LocallyConnected2D(32, 3, activation="relu", name="two"),
        Dropout(0.5, name="drop"),
        Flatten(name="flat"),
        Dense(2, name="top"),
    ]


def table(model, **kwargs):
    printed = []
    model.summary(printed.append, cost=True, machine=MACHINE, **kwargs)
    return "\n".join(printed)


def test_table_of_the_page_example_letter_by_letter():
    model = Sequential(page_layers(), name="page")
    assert table(model, input_shape=(None, 32, 32, 3)) == GOLDEN
    assert not model.built
    assert [layer.params for layer in model.layers] == [{}] * 5


def test_a_built_model_has_both_tables():
    model = Sequential([InputLayer((32, 32, 3)), *page_layers()], name="page")
    printed = []
    model.summary(printed.append)
    assert table(model) == "\n".join([*printed, GOLDEN])


def cells(text, name):
    """Return the words of a layer's line in the last table."""
    lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return lines[-1].split()[1:]


def test_what_lies_below_the_first_weights_has_no_way_back():
    frozen = LocallyConnected1D(3, 2, name="one", trainable=False)
    text = table(Sequential([frozen, Dense(2, name="top")]), input_shape=(None, 5, 2))
    forward, step = cells(text, "one")[:6], cells(text, "one")[6:12]
    assert forward == step
    # The first layer that learns needs no dx, and the frozen one no gradients.
    cost = Dense(2).cost(32, (None, 4, 3), need_dx=False)
    total = cost.forward.flops + cost.backward.flops
    assert cells(text, "top")[6:8] == [f"{total / 1000:.2f}", "k"]


def test_a_frozen_layer_above_hands_dx_down():
    layers = [Dense(2, name="one"), Dense(2, name="top", trainable=False)]
    cost = layers[1].cost(320, (None, 2), need_dx=True)
    total = cost.forward.flops + cost.backward.flops
    text = table(Sequential(layers), input_shape=(None, 3), batch_size=320)
    assert cells(text, "top")[6:8] == [f"{total / 1000:.2f}", "k"]


class Twice(Layer):
    """A user's layer that says nothing of its cost."""

    def compute(self, x, *, training, rng):
        return 2 * x, None

    def gradients(self, dz, cache):
        return 2 * dz, {}


def test_a_layer_that_does_not_tell_gets_dashes():
    model = Sequential([Twice(name="twice"), LeakyReLU(name="leaky")])
    text = table(model, input_shape=(None, 3), batch_size=1000)
    assert cells(text, "twice") == ["-"] * 7
    assert cells(text, "leaky")[:2] == cells(text, "Total")[:2] == ["3.00", "k"]


class Shifted(Twice):
    """The same with a weight."""

    def build(self, input_shape):
        self.add_weight("shift", (1,), initializer=Zeros())


@pytest.mark.parametrize(("below", "need_dx"), [(Twice, False), (Shifted, True)])
def test_weights_below_need_dx_whoever_has_them(below, need_dx):
    model = Sequential([below(input_shape=(500,)), Dense(2, name="top")])
    cost = model.layers[1].cost(32, need_dx=need_dx)
    total = cost.forward.flops + cost.backward.flops
    assert cells(table(model), "top")[6:8] == [f"{total / 1000:.2f}", "k"]


def test_units_follow_the_size():
    model = Sequential([LocallyConnected2D(10**3, 3, name="big")])
    text = table(model, input_shape=(None, 10**4, 10**4, 3), batch_size=10**6)
    flops = 10**6 * (10**4 - 2) ** 2 * 10**3 * (2 * 27 + 1)
    assert cells(text, "big")[:2] == [f"{flops / 10**15:.2f}", "P"]
    assert cells(text, "big")[3:6] == ["PB", f"{flops / 200e9:.2f}", "s"]


def test_default_machine_is_measured_once(monkeypatch):
    from localnet import roofline

    measured = []

    def measure(dtype):
        measured.append(dtype)
        return MACHINE

    roofline.this_machine.cache_clear()
    monkeypatch.setattr(roofline, "measure_machine", measure)
    printed = ([], [], [])
    model = Sequential([Dense(2, input_shape=(3,))])
    model.summary(printed[0].append)
    assert measured == []
    for lines in printed[1:]:
        model.summary(lines.append, cost=True)
    assert measured == ["float32"]
    assert printed[1] == printed[2] == table(model).splitlines()
    roofline.this_machine.cache_clear()


def test_measuring_finds_a_machine(monkeypatch):
    from localnet import roofline

    monkeypatch.setattr(roofline, "READ_BYTES", 1 << 24)
    machine = roofline.measure_machine()
    assert 1e8 < machine.flops_per_second < 1e15
    assert 1e8 < machine.bytes_per_second < 1e13
    assert machine.seconds(Work(10**9, 0)) == 1e9 / machine.flops_per_second


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"machine": 3}, "machine must be of type Machine, got int"),
        (
            {"input_shape": 5},
            "input_shape must be a tuple of sizes, batch axis first, got 5",
        ),
    ],
)
def test_summary_refusals(kwargs, sentence):
    model = Sequential([Dense(2, input_shape=(3,))])
    with refuses(sentence):
        model.summary(lambda text: None, cost=True, **{"machine": MACHINE, **kwargs})


@pytest.mark.parametrize("kwargs", [{}, {"cost": True}, {"input_shape": (None, 3)}])
def test_a_model_without_shape_has_no_summary(kwargs):
    model = Sequential([Dense(2)], name="m")
    with refuses(
        "m: summary needs a built model; call build(input_shape) or give the first "
        "layer an input_shape"
    ):
        model.summary(lambda text: None, machine=MACHINE, **kwargs)


def test_weights_below_are_known_before_they_are_there(capsys):
    """A normalisation does not tell its cost, but learns, so that dx is needed."""
    totals = []
    for build in (True, False):
        model = Sequential([BatchNormalization(), Dense(2)])
        if build:
            model.build((None, 3))
        model.summary(cost=True, input_shape=(None, 3), machine=MACHINE)
        lines = capsys.readouterr().out.splitlines()
        totals.append([line.split() for line in lines if line.startswith("Total  ")])
    assert totals[0] == totals[1] != []
