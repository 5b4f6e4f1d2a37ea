"""A stack of layers, each fed with the output of the one before."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np

from .. import _validate
from .._registry import custom_object_scope
from ..layers import Handle, InputLayer, Layer
from ..layers._base.handles import Connectable
from ..layers._base.layer import unchanged_on_error
from ..layers._nesting import deserialize, model_classes
from ..training.network import parts_of
from . import renamed
from .chain import Chain
from .model import Model

__all__ = ["Sequential"]


class Sequential(Model):
    """
    A stack of layers, each fed with the output of the one before.

    Parameters
    ----------
    layers : Layer or list of Layer, optional
        Added in order; a model may stand for a layer.
    name : str, optional
        Default: ``"sequential"``, numbered within the process.
    seed : int or SeedSequence, optional
        Seed of everything random in the model: each layer's start values and noise, and
        the shuffling. Default: fresh entropy.

    Raises
    ------
    ValueError
        If a layer does not fit, or two have the same name.

    See Also
    --------
    localnet.layers : What can be stacked.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential()
    >>> model.add(LocallyConnected1D(64, 3, input_shape=(10, 32)))
    >>> model.output_shape
    (None, 8, 64)
    >>> model.add(LocallyConnected1D(32, 3))
    >>> model.output_shape
    (None, 6, 32)
    """

    class_name = "Sequential"
    _network: Chain

    def __init__(
        self,
        layers: Connectable | Sequence[Connectable] | None = None,
        name: str | None = None,
        *,
        seed: int | np.random.SeedSequence | None = None,
    ) -> None:
        self._start(Chain, name, seed)
        given = [layers] if isinstance(layers, Connectable) else layers
        if isinstance(given, str) or not isinstance(given, (Iterable, NoneType)):
            raise ValueError(
                f"layers must be a list of layers, got {_validate.shown(given)}"
            )
        for layer in given or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """
        Put a layer on top.

        Parameters
        ----------
        layer : Layer or model
            It is built at once if the shape of the model's input is known. One that
            stands in the model already is called again, with the same weights. What
            `localnet.Input` gives stands for an `InputLayer`.

        Raises
        ------
        ValueError
            If it is not a layer, its name is taken, or it does not fit the shape below.
            Model and layer stay as they were.
        """
        if isinstance(layer, Handle) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, (Layer, Model)):
            hint = "; make an instance of the class" if isinstance(layer, type) else ""
            raise ValueError(
                f"layer must be a Layer or a model, got {_validate.shown(layer)}{hint}"
            )
        self._check_free("add")
        inside = parts_of(layer)
        own = {id(self), id(self._trainer), id(self._network)}
        again = self._network.has(layer)
        if any(id(part) in own for part in inside) or (
            self._network.holds(inside) and not again
        ):
            raise ValueError(
                f"layer must be added once, got {_validate.shown(layer.name)} a second "
                "time"
            )
        if self._network.has_name(layer.name) and not again:
            raise ValueError(
                f"layer must have a name of its own, got {_validate.shown(layer.name)} "
                "a second time"
            )
        if isinstance(layer, Model):
            layer.check_is_chained()
        if isinstance(layer, InputLayer) and self._network.stack:
            raise ValueError("InputLayer must be the first layer of a model")
        with unchanged_on_error(*[self._network, *inside]):
            self._network.add(layer)

    predict_classes = renamed.predict_classes
    predict_proba = renamed.predict_proba

    def pop(self) -> None:
        """
        Take the top layer away.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.layers:
            raise ValueError(f"{self.name}: pop needs a layer, the model has none")
        self._check_free("pop")
        self._network.pop()

    def _check_free(self, method: str) -> None:
        if self._nodes:
            raise ValueError(
                f"{self.name}: {method} must come before the model is a part of another"
            )

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Sequential":
        """
        Make a model from what `get_config` returned.

        Parameters
        ----------
        config : dict or list
            Also the list of layers that early Keras 2 wrote.
        custom_objects : mapping of str to object, optional
            Classes and functions of your own by name.

        Returns
        -------
        Sequential
            With fresh weights.

        Raises
        ------
        ValueError
            If a layer is unknown or its config does not fit.
        """
        if isinstance(config, list):
            config = {"layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise ValueError(
                "config must be a dict with a list of layers, got "
                f"{_validate.shown(config)}"
            )
        model = cls(name=config.get("name"))
        with custom_object_scope(custom_objects):
            for entry in config["layers"]:
                model.add(deserialize(entry))
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model


model_classes["Sequential"] = Sequential
