"""Configs of layers, and of models that stand among them."""

from typing import Any

from .._registry import Registry, is_custom
from .._typing import Config
from ._base.layer import Layer

__all__ = ["around_models", "deserialize", "model_classes", "serialize"]

# Every kind of model, by the names that configs have for it; each enters itself.
model_classes: dict[str, Any] = {}
# What a layer around a model is, by the class of the layer; models enter it too.
around_models: dict[str, Any] = {}


def serialize(part: Any) -> Config:
    """
    Return the class name and config of a layer or of a model.

    Parameters
    ----------
    part : Layer or Model
        Built or not.

    Returns
    -------
    dict
        In Keras's form.
    """
    from . import serialize as serialize_layer  # it knows all layers

    if isinstance(part, Layer):
        return serialize_layer(part)
    module = "keras.layers" if part.class_name in around_models else "keras"
    config = Registry.envelope(part, module, class_name=part.class_name)
    if part.input_shape is not None:
        config["build_config"] = {"input_shape": part.input_shape}
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
    Layer or Model
        A layer is not built; a model is, if the shape of its input is known.

    Raises
    ------
    ValueError
        If the class is unknown or the config does not fit it.
    """
    from . import deserialize as deserialize_layer

    name = entry.get("class_name") if isinstance(entry, dict) else None
    if isinstance(name, str) and name in model_classes and not is_custom(name):
        return model_classes[name].from_config(entry.get("config"))
    return deserialize_layer(entry)
