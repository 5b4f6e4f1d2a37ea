"""A model with two inputs, two outputs and a shared layer, wired by hand."""

import numpy as np

from localnet.layers import Dense
from localnet.regularizers import L2
from localnet.tape import Call, Tape
from localnet.training import Trainable


class Rooms:
    """The workspace of each call, or none."""

    def __init__(self, memory):
        self.memory = memory

    def __getitem__(self, place):
        return None if self.memory is None else self.memory[str(place)]


class Wired(Trainable):
    """The same as in ``data/make_several_outputs.py``: shared(left) + shared(right)."""

    name = "wired"
    input_names = ("left", "right")
    output_names = ("label", "size")

    def __init__(self, dtype="float64"):
        super().__init__()
        self._shuffle_rng = np.random.default_rng(0)
        penalties = {
            "kernel_regularizer": L2(0.0625),
            "activity_regularizer": L2(0.03125),
        }
        self.shared = Dense(3, "tanh", name="shared", dtype=dtype, **penalties)
        self.label = Dense(3, "softmax", name="label", dtype=dtype)
        self.size = Dense(1, name="size", dtype=dtype)
        self.layers = self._stack = [self.shared, self.label, self.size]

    def build(self, input_shape=None):
        for layer, width in zip(self.layers, (2, 3, 3), strict=True):
            if not layer.built:
                layer.build((None, width))

    def _build_for(self, xs):
        self.build()

    def _run(self, xs, training, *, noise=None, memory=None):
        rooms = Rooms(memory)
        calls = []

        def call(layer, x):
            room = rooms[len(calls)]
            calls.append(
                Call(layer, layer.forward_with_cache(x, training, workspace=room)[1])
            )
            return calls[-1].cache.y

        both = call(self.shared, xs[0]) + call(self.shared, xs[1])
        ys = call(self.label, both), call(self.size, both)
        return ys, Tape(calls, calls[2:])

    def _run_back(self, gradients, tape, *, memory=None):
        rooms = Rooms(memory)
        grads, dboth = {}, 0
        for place, dy, dlogits in zip((2, 3), *gradients, strict=True):
            layer, cache = tape.calls[place]
            dx, grads[layer.name] = layer.backward_from_cache(
                dy, cache, dlogits=dlogits, workspace=rooms[place]
            )
            dboth = dboth + dx
        (_, left), (_, right) = (
            self.shared.backward_from_cache(
                dboth,
                tape.calls[place].cache,
                # The penalty of a weight counts once.
                weight_penalties=place == 0,
                workspace=rooms[place],
            )
            for place in (0, 1)
        )
        grads["shared"] = {key: left[key] + right[key] for key in left}
        return grads

    def get_weights(self):
        return [w.copy() for layer in self.layers for w in layer.params.values()]

    def set_weights(self, weights):
        weights = list(weights)
        for layer in self.layers:
            layer.set_weights([weights.pop(0) for _ in layer.params])
