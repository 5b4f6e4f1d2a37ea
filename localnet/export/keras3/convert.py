"""From calls of localnet's layers to a functional model of Keras 3."""

import warnings
from typing import Any

import numpy as np

from ... import activations, layers
from ..._typing import Config
from ..lowering import float_type, lacks, refuse
from ..reading import Call, read
from .classes import Classes, classes

__all__ = ["build_keras3"]

# Keys of localnet's configs that Keras 3 does not have.
UNKNOWN = (
    *("batch_input_shape", "implementation", "untied_bias", "fused", "noise_shape"),
)
RULES = ("initializer", "regularizer", "constraint")
LOCAL = (
    layers.LocallyConnected1D,
    layers.LocallyConnected2D,
    layers.LocallyConnected3D,
)
# Layers that Keras 3 has, and that compute the same there on every backend.
KERAS = (
    *(layers.Dense, layers.Flatten, layers.Reshape, layers.Permute),
    *(layers.RepeatVector, layers.Activation, layers.LeakyReLU, layers.ELU),
    *(layers.ReLU, layers.Softmax, layers.PReLU, layers.BatchNormalization),
    *(layers.Dropout, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.SpatialDropout1D, layers.Concatenate, layers.Add, layers.Average),
    *(layers.Subtract, layers.Multiply, layers.Maximum, layers.Minimum),
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D),
    *(layers.GlobalMaxPooling3D, layers.GlobalAveragePooling1D),
    *(layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
)
AVERAGES = (
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)


def build_keras3(model: Any, *, float64: bool = False) -> Any:
    """
    Return a model of Keras 3 with the weights of a model.

    Parameters
    ----------
    model : Sequential or Model
        Built.
    float64 : bool
        Whether a model of float64 is wanted.

    Returns
    -------
    keras.Model
        Functional; models within the model are taken apart.

    Raises
    ------
    ImportError
        If Keras 3 is not installed.
    ValueError
        If a layer is not exported.
    """
    made = classes()
    import keras

    calls = read(model)
    dtype = float_type(calls, float64=float64).name
    lacking = []
    for call in calls.calls:
        reason = lacks(call.layer, call.shapes)
        if reason:
            lacking.append(f"{call.path} ({type(call.layer).__name__}): {reason}")
    refuse("Keras 3", list(dict.fromkeys(lacking)))
    places = [
        keras.Input(shape, dtype=dtype, name=f"x{place}")
        for place, shape in enumerate(calls.inputs)
    ]
    inputs, ours = list(places), {}
    names = {f"x{place}" for place in range(len(places))}
    for call in calls.calls:
        if call.path not in ours:
            name = call.path.replace("/", "_")
            while name in names:
                name += "_"
            names.add(name)
            ours[call.path] = _layer(made, call, name)
        xs = [places[place] for place in call.inputs]
        many = isinstance(call.layer, layers.MultiInputLayer)
        places.append(ours[call.path](xs if many else xs[0]))
    _warn(calls.calls)
    outputs = [places[place] for place in calls.outputs]
    found = keras.Model(
        inputs if len(inputs) > 1 else inputs[0],
        outputs if len(outputs) > 1 else outputs[0],
        name=model.name.replace("/", "_"),
    )
    for call in calls.calls:
        target = ours[call.path]
        for name, value in call.layer.params.items():
            _variable(target, name).assign(value)
        target.trainable = call.layer.trainable
    return found


def _variable(layer: Any, name: str) -> Any:
    if hasattr(layer, "variable"):
        return layer.variable(name)
    return getattr(layer, name)


def _warn(calls: list[Call]) -> None:
    """Name the layers that Keras 3 has too, but computes in another way."""
    found = []
    for call in calls:
        reason = _differs(call.layer)
        if reason:
            found.append(f"{call.path} ({reason})")
    if found:
        warnings.warn(
            "layers of these names compute something else in Keras 3, and are exported "
            f"as localnet's own: {', '.join(dict.fromkeys(found))}; do not put Keras "
            "3's in their places",
            UserWarning,
            stacklevel=4,
        )


def _differs(layer: Any) -> str:
    """Return in what Keras 3's layer of the same arguments differs in silence."""
    if getattr(layer, "activation", None) is activations.hard_sigmoid:
        return "hard_sigmoid is x/6 + 0.5 in Keras 3"
    if isinstance(layer, AVERAGES) and layer.padding == "same":
        return f"{type(layer).__name__} counts the pads on the torch backend"
    if isinstance(layer, layers.BatchNormalization) and _corrects(layer):
        return "Keras 2's fused normalisation keeps the unbiased variance"
    return ""


def _corrects(layer: Any) -> bool:
    """Tell whether the kept variance is unbiased, as Keras 2's fused kernel has it."""
    shape = layer.input_shape
    axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
    if layer.fused is not None:
        return bool(layer.fused)
    return (
        layer.dtype.itemsize < 8
        and len(shape) in (4, 5)
        and len(axes) == 1
        and axes[0] % len(shape) in (1, len(shape) - 1)
    )


def _is_keras(layer: Any, shapes: tuple[Any, ...]) -> bool:
    """Tell whether Keras 3 computes what a layer does, on every backend."""
    kind = type(layer)
    if kind not in KERAS:
        return False
    if not _says(layer):
        return False
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return False  # TensorFlow has no channels_first on a CPU
    if getattr(layer, "untied_bias", False) or _differs_as_layer(layer):
        return False
    if isinstance(layer, layers.BatchNormalization):
        axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
        return len(axes) == 1
    if isinstance(layer, layers.Softmax):
        return not isinstance(layer.axis, list)
    if isinstance(layer, layers.Dropout):
        return layer.noise_shape is None
    if isinstance(layer, layers.UpSampling2D) and layer.interpolation != "nearest":
        return False
    if isinstance(layer, layers.ReLU):
        return layer.max_value is None and layer.threshold == 0.0
    return len({len(shape) for shape in shapes}) == 1


def _differs_as_layer(layer: Any) -> bool:
    """Tell whether a layer differs in more than its activation."""
    named = getattr(layer, "activation", None) is activations.hard_sigmoid
    return bool(_differs(layer)) and not named


def _layer(made: Classes, call: Call, name: str) -> Any:
    """Return the layer of Keras 3 for one of localnet's; unbuilt."""
    import keras

    layer, kind = call.layer, type(call.layer)
    dtype = layer.dtype.name
    local = kind in LOCAL and _says(layer) and not _shares(layer)
    if not local and not _is_keras(layer, call.shapes):
        config = layers.serialize(layer)
        return made.LocalnetLayer(_plain(config), name=name, dtype=dtype)
    found = layer.get_config()
    config = {key: value for key, value in found.items() if key not in UNKNOWN}
    config |= {"name": name, "dtype": dtype}
    for key in ("fans", "trainable"):  # the latter is set once there are weights
        config.pop(key, None)
    for key, value in config.items():
        rule = key.rpartition("_")[2]
        if rule in RULES and isinstance(value, dict):
            config[key] = getattr(keras, f"{rule}s").deserialize(_entry(value))
    if getattr(layer, "activation", None) is activations.hard_sigmoid:
        config["activation"] = made.hard_sigmoid
    if "seed" in config and config["seed"] is None:
        config["seed"] = 0  # equal models give equal files
    if kind is layers.LeakyReLU:
        config["negative_slope"] = config.pop("alpha")
    if kind is layers.BatchNormalization and isinstance(config["axis"], list):
        (config["axis"],) = config["axis"]
    if kind is layers.Flatten:
        config.pop("data_format")
    source = made if local else keras.layers
    return getattr(source, kind.__name__)(**config)


def _shares(layer: Any) -> bool:
    return layer.tile is not None or max(layer.share) > 1


def _says(layer: Any) -> bool:
    """Tell whether Keras has words for the padding and the activation of a layer."""
    activation = getattr(layer, "activation", None)
    if isinstance(activation, layers.Layer):
        return False
    if layer.dtype == np.float64 and (
        isinstance(layer, (layers.LeakyReLU, layers.ReLU))
        or activation in (activations.gelu, activations.leaky_relu)
    ):
        return False  # TensorFlow has slopes and constants of float32 there
    # Margins have numbers there in Keras too.
    return not hasattr(layer, "kernel_size") or isinstance(layer.padding, str)


def _entry(value: Config) -> Config:
    """Return the name and arguments of a rule, without what Keras 2 wrote beside."""
    return {"class_name": value["class_name"], "config": value["config"]}


def _plain(config: Any) -> Any:
    """Return a config as JSON would give it back, so that a saved model is equal."""
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_plain(value) for value in config]
    return config.item() if hasattr(config, "item") else config
