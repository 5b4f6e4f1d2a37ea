"""Configs of layers, and of models that stand among them."""

from typing import Any

from .. import layers as layers_module
from .._registry import Registry, is_custom
from .._typing import Config
from .network import Network

__all__ = ["deserialize", "serialize"]


def serialize(layer: Any) -> Config:
    """
    Return the class name and config of a layer or of a model.

    Parameters
    ----------
    layer : Layer or Network
        Built or not.

    Returns
    -------
    dict
        In Keras's form.
    """
    if not isinstance(layer, Network):
        return layers_module.serialize(layer)
    config = Registry.envelope(layer, "keras", class_name=layer.class_name)
    if layer.input_shape is not None:
        config["build_config"] = {"input_shape": layer.input_shape}
    return config


def deserialize(entry: Any) -> Any:
    """
    Return the layer or model that a config describes.

    Parameters
    ----------
    entry : dict
        ``class_name`` and ``config``.

    Returns
    -------
    Layer or Network
        A layer is not built; a model is, if the shape of its input is known.

    Raises
    ------
    ValueError
        If the class is unknown or the config does not fit it.
    """
    name = entry.get("class_name") if isinstance(entry, dict) else None
    if isinstance(name, str) and name in Network.classes and not is_custom(name):
        return Network.classes[name].from_config(entry.get("config"))
    return layers_module.deserialize(entry)
