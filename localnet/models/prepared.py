"""
A program for inputs of one kind, prepared: what was checked once is not checked again.

Which layer runs on which place, what it is lent, who learns and which gradients add up
depends on shapes and flags alone. It is worked out once, after a run that has passed
all checks; a run is then a flat list of calls.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .._typing import Array
from ..layers import Layer
from ..layers._base import pure
from ..ops import Workspace
from ..training.network import Call, Memory, Tape
from ..training.total_loss import Gradients

__all__ = ["Prepared"]


class Ahead(NamedTuple):
    """One call on the way forward."""

    layer: Layer
    lent: dict[str, Any]
    workspace: Workspace


class Back(NamedTuple):
    """One call on the way back, and the path under which its gradients are wanted."""

    layer: Layer
    number: int
    path: str | None
    lent: dict[str, Any]
    workspace: Workspace


class Prepared:
    """
    Calls that are ready to be made, in both directions.

    Only of a program in which every layer is called once, on one input, and nothing
    is taken twice: nothing has to be added up.

    Parameters
    ----------
    program : Program
        Whose calls they are.
    training : bool
        For the calls that do not demand one or the other.
    memory : Memory
        Everything that is returned is valid until the next call with it.
    """

    def __init__(self, program: Any, training: bool, memory: Memory) -> None:
        self.program = program
        self.ahead: list[Ahead] = []
        self.back: list[Back] = []
        learning = program.learning()
        for number, step in enumerate(program.steps):
            layer, workspace = step.layer, memory[step.key]
            flag = training if step.training is None else step.training
            lent = pure.lent_to_compute(layer, flag, workspace)
            self.ahead.append(Ahead(layer, lent, workspace))
            if learning[number + 1]:
                lent = pure.lent_to_gradients(layer, learning[number], workspace)
                path = step.path if layer.trainable_params else None
                self.back.insert(0, Back(layer, number, path, lent, workspace))

    @staticmethod
    def is_possible(program: Any) -> bool:
        """Return whether a program is a chain of layers that are as `Layer` is."""
        return (
            program.inputs == 1
            and program.outputs == (len(program.steps),)
            and len(program.layers) == len(program.steps) > 0
            and all(
                step.inputs == (number,) and _is_plain(type(step.layer))
                for number, step in enumerate(program.steps)
            )
        )

    def run(self, xs: Sequence[Array]) -> tuple[tuple[Array, ...], Tape]:
        """Run forwards; see `Program.run`."""
        (x,) = self.program.conformed(xs)
        calls: list[Call] = []
        for layer, lent, workspace in self.ahead:
            try:
                if x.dtype != layer.dtype:
                    x = pure.cast_input(layer, "x", x, workspace)
                x, cache = pure.computed(layer, x, lent, workspace)
            except ValueError:
                with layer._named():
                    raise
            calls.append(Call(layer, cache))
        return (x,), Tape(calls, [calls[-1]], self.program.as_keras)

    def run_back(self, gradients: Gradients, tape: Tape) -> dict[str, dict[str, Array]]:
        """Run backwards; see `Program.run_back`."""
        found = {}
        (dy,), (dlogits,) = gradients
        for layer, number, path, lent, workspace in self.back:
            cache = tape.calls[number].cache
            dy, grads = pure.differentiated(
                layer, dy, cache, dlogits, lent, True, workspace
            )
            dlogits = None
            if path is not None:
                found[path] = grads
        return found


def _is_plain(kind: type[Layer]) -> bool:
    """Return whether a class of layers runs by the functions that are called here."""
    return all(
        getattr(kind, name) is getattr(Layer, name)
        for name in ("forward_with_cache", "backward_from_cache", "_accepted")
    )
