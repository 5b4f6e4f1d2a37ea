"""What makes a model a part of another one: handles of its own, and shapes."""

from typing import Any

import numpy as np

from .. import config
from ..layers import Handle
from ..layers._base.shapes import BatchShape
from ..training.step import one_or_list
from .program import Nested

__all__ = ["Part"]


class Part(Nested):
    """A model with handles where arrays come in and go out."""

    @property
    def _own_inputs(self) -> list[Handle]:
        """The handles at which arrays come in; empty as long as shapes are missing."""
        raise NotImplementedError

    @property
    def _own_outputs(self) -> list[Handle]:
        raise NotImplementedError

    @property
    def inputs(self) -> list[Handle]:
        """Handles of the inputs."""
        return list(self._need_handles(self._own_inputs))

    @property
    def outputs(self) -> list[Handle]:
        """Handles of the outputs."""
        return list(self._need_handles(self._own_outputs))

    @property
    def input(self) -> Any:
        """Handle of the input; a list if there are several."""
        return one_or_list(self.inputs)

    @property
    def output(self) -> Any:
        """Handle of the output; a list if there are several."""
        return one_or_list(self.outputs)

    def _need_handles(self, handles: list[Handle]) -> list[Handle]:
        if not handles:
            raise AttributeError(
                f"{self.name}: handles need a known shape of the input; call "
                "build(input_shape)"
            )
        return handles

    @property
    def dtype(self) -> np.dtype:
        """Float type of what goes out."""
        for layer in reversed(self.program.layers.values()):
            return layer.dtype
        return config.float_dtype(None)

    @property
    def batch_input_shape(self) -> BatchShape | None:
        """Shape of the input, if it is known and there is one."""
        handles = self._own_inputs
        return handles[0].shape if len(handles) == 1 else None

    def check_is_chained(self) -> None:
        """Refuse to stand in a stack with more inputs or outputs than one."""
        if self.program.inputs != 1 or len(self.program.outputs) != 1:
            raise ValueError(
                f"{self.name}: a model in a stack must have one input and one output, "
                f"has {self.program.inputs} and {len(self.program.outputs)}"
            )

    def check_fits(self, input_shape: Any) -> None:
        """Refuse a shape of the input that the layers were not built for."""
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """
        Return the shape of the only output for a shape of the only input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Returns
        -------
        tuple of int or None
            Batch axis first.
        """
        self.check_is_chained()
        ((shape, _),) = self._traced((tuple(input_shape),))
        return shape

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> list[tuple[BatchShape, np.dtype]]:
        program = self.program
        if len(shapes) != program.inputs:
            raise ValueError(
                f"{self.name}: inputs must be {program.inputs} handles, "
                f"got {len(shapes)}"
            )
        found = program.shapes(shapes)
        dtypes = [handle.dtype for handle in self._own_inputs] or [self.dtype]
        dtypes += [step.layer.dtype for step in program.steps]
        return [(found[place], dtypes[place]) for place in program.outputs]
