"""
What every adapter needs: a case in the peer's layout, and the answers on the way back.

How a layout orders its values is said in one place, `localnet.interop.layouts`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..._typing import Array, Config, Shape
from ...geometry import Geometry
from ...interop import convert_bias, convert_kernel
from ..case import Case

__all__ = ["Translation", "activation_of"]


class Translation:
    """
    One case in the layout of a peer.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    layout : {"keras1", "keras2", "keras3", "jax", "torch"}
        How the peer keeps its weights, as `localnet.interop.convert_kernel` has it.
    pads_outside : bool
        Whether the input is padded before it reaches the peer's layer, which then has
        more cells and no pads. It matters where the kernel's shape depends on them.

    Attributes
    ----------
    geometry : Geometry
        The layer that the case describes, with its pads.
    filters : int
        F.
    all_pads : list of (int, int)
        Cells to add before and after every axis of x, batch and channels included.
    kernel, bias : ndarray
        In the peer's layout; `bias` is None where the case has none.

    Raises
    ------
    NotImplementedError
        If it is a training trace.
    """

    def __init__(self, case: Case, layout: str, *, pads_outside: bool = False) -> None:
        if case.kind != "layer":
            raise NotImplementedError(f"the adapter computes layers, not a {case.kind}")
        config = case.config
        window = {
            "kernel_size": config["kernel_size"],
            "strides": config["strides"],
            "dilation_rate": config["dilation_rate"],
            "data_format": config["data_format"],
        }
        g = self.geometry = Geometry.of(
            case.x.shape[1:],
            padding=config["pads"],
            pad_value=config["pad_value"],
            **window,
        )
        self.filters: int = case.kernel.shape[-1]
        before_and_after = [*g.pads, (0, 0)] if g.channels_last else [(0, 0), *g.pads]
        self.all_pads = [(0, 0), *before_and_after]

        self._layout = layout
        self._layer = {**window, "input_shape": g.input_shape, "padding": g.pads}
        if pads_outside:
            padded: Shape = g.sample_shape(g.padded_sizes, g.channels)
            self._layer |= {"input_shape": padded, "padding": "valid"}
        self.kernel = self._convert(convert_kernel, case.kernel, "keras1", layout)
        self.bias: Array | None = None
        if case.bias is not None:
            self.bias = self._convert(convert_bias, case.bias, "keras1", layout)

    def answers(
        self, y: Array, dx: Array, dkernel: Array, dbias: Array | None
    ) -> dict[str, Array]:
        """Return what a backend returns, the gradients in the layout of the case."""
        back = partial(self._convert, source=self._layout, target="keras1")
        answers = {"y": y, "dx": dx, "dkernel": back(convert_kernel, dkernel)}
        if dbias is not None:
            answers["dbias"] = back(convert_bias, dbias)
        return answers

    def _convert(
        self, convert: Callable[..., Array], array: Array, source: str, target: str
    ) -> Array:
        return convert(array, source, target, filters=self.filters, **self._layer)


def activation_of(
    activation: Config, functions: Mapping[str, Callable[..., Any]]
) -> Callable[[Any], Any]:
    """Return an activation as a case has it, from a peer's own functions by name."""
    arguments = dict(activation)
    name = arguments.pop("name")
    if name not in functions:
        raise NotImplementedError(f"the adapter has no activation {name!r}")
    return partial(functions[name], **arguments)
