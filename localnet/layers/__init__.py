"""
Layers: thin holders of weights, initializers, regularizers and constraints.

Imports `activations` and below.
"""

from collections.abc import Mapping
from typing import Any, cast

from .._keras.names import old_names
from .._registry import Registry, custom_object_scope
from .._typing import Config
from .._validate import shown
from ._activation import ELU, Activation, LeakyReLU, ReLU, Softmax, ThresholdedReLU
from ._base.costed import CostedLayer
from ._base.handles import Connectable, Handle
from ._base.layer import Layer
from ._base.names import clear_session
from ._base.pure import LayerCache
from ._base.several import MultiInputLayer
from ._conv import Conv1D, Conv2D, Conv3D, Convolution1D, Convolution2D, Convolution3D
from ._core import Dense, Input, InputLayer
from ._dot import Dot, dot
from ._functions import ActivityRegularization, Affine, Lambda, Slice
from ._global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from ._local.low_rank import (
    LowRankLocallyConnected1D,
    LowRankLocallyConnected2D,
    LowRankLocallyConnected3D,
)
from ._local.plain import LocallyConnected1D, LocallyConnected2D, LocallyConnected3D
from ._local.transpose import (
    LocallyConnected1DTranspose,
    LocallyConnected2DTranspose,
    LocallyConnected3DTranspose,
)
from ._local.twins import SharedWeights, conv_to_local, local_to_conv
from ._margins import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Padding1D,
    Padding2D,
    Padding3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from ._merge import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from ._noise import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from ._normalization import BatchNormalization, UnitNormalization
from ._pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from ._prelu import PReLU
from ._shaping import Flatten, Permute, RepeatVector, Reshape
from ._time_distributed import TimeDistributed
from ._upsampling import UpSampling1D, UpSampling2D, UpSampling3D

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "Affine",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "CostedLayer",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "Dot",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "Handle",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerCache",
    "LeakyReLU",
    "LocallyConnected1D",
    "LocallyConnected1DTranspose",
    "LocallyConnected2D",
    "LocallyConnected2DTranspose",
    "LocallyConnected3D",
    "LocallyConnected3DTranspose",
    "LowRankLocallyConnected1D",
    "LowRankLocallyConnected2D",
    "LowRankLocallyConnected3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MultiInputLayer",
    "Multiply",
    "PReLU",
    "Padding1D",
    "Padding2D",
    "Padding3D",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "SharedWeights",
    "Slice",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "Subtract",
    "ThresholdedReLU",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "clear_session",
    "concatenate",
    "conv_to_local",
    "deserialize",
    "dot",
    "is_known",
    "local_to_conv",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


def _named_layers() -> dict[str, type[Layer]]:
    """Return what a config may name: all exported layers but the bases of others."""
    exported = {name: globals().get(name) for name in __all__}
    return {
        name: value
        for name, value in exported.items()
        if isinstance(value, type)
        and issubclass(value, Layer)
        and value not in (Layer, CostedLayer, MultiInputLayer)
    }


_registry: Registry[Layer] = Registry("layer", "keras.layers", _named_layers())


def is_known(class_name: str) -> bool:
    """
    Return whether a class name in a config stands for a layer.

    Parameters
    ----------
    class_name : str
        One of ours, or of the caller's `custom_object_scope`.

    Returns
    -------
    bool
        False if `deserialize` would not know it.

    Examples
    --------
    >>> is_known("Dense"), is_known("LSTM")
    (True, False)
    """
    try:
        _registry.find(class_name)
    except ValueError:
        return False
    return True


def serialize(layer: Layer) -> Config:
    """
    Return the class name and config of a layer, in Keras's form.

    Parameters
    ----------
    layer : Layer
        Built or not.

    Returns
    -------
    dict
        With the shape it was built for, if it is built.
    """
    config = _registry.serialize(layer)
    if not isinstance(config, dict):
        raise ValueError(f"layer must be a Layer, got {shown(layer)}")
    # An InputLayer names its shape already.
    if layer.built and not isinstance(layer, InputLayer):
        config["build_config"] = {"input_shape": layer.input_shape}
    return config


def deserialize(
    config: Config, custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """
    Return the layer that a config describes.

    Parameters
    ----------
    config : dict
        What `serialize` returned, or an old-style ``{"class_name", "config"}``.
    custom_objects : mapping of str to class, optional
        Layer classes of your own by name.

    Returns
    -------
    Layer
        Not built.

    Raises
    ------
    ValueError
        If the class is unknown or the config does not fit it.
    """
    if not isinstance(config, dict):
        raise ValueError(f"layer config must be a dict, got {shown(config)}")
    with custom_object_scope(custom_objects):
        layer = _registry.deserialize(config)
    # What is a layer around a model to Keras is a model here.
    if not isinstance(layer, Connectable):
        raise ValueError(f"layer config must describe a Layer, got {shown(config)}")
    return cast("Layer", layer)


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
