"""
Configs of Keras 2.0 to 2.15 and tf_keras, to localnet's words and back.

Nothing is looked up here: classes stay names, and unknown ones are left for whoever
knows the layers.
"""

from typing import Any

from ..._typing import Config
from ..._validate import shown
from .wiring import MODELS

__all__ = ["WRAPPING", "for_h5", "for_v3", "inner_of", "upgraded"]

# What is kept of the config of a model, beside its layers.
MODEL_KEYS = (
    *("name", "trainable", "build_input_shape"),
    *("input_layers", "output_layers"),
)
# What stands beside the config of a layer in a functional model.
WIRING = ("name", "inbound_nodes")
# A class that Keras finds by this name, and makes a Functional.
V3_NAMES = {"Functional": "Model"}
# What Keras computes in float16 is stored, and here computed, in float32.
POLICIES = {"mixed_float16": "float32", "mixed_bfloat16": "float32"}
# Written by tf.keras 1.x and 2.x, and without a meaning here.
INITIALIZER_EXTRAS = ("dtype", "verify_shape", "partition_info")
# Layers whose config holds that of another one.
WRAPPING = ("TimeDistributed",)
# Keras writes some values as objects, under these class names and keys.
WRAPPERS = {
    "__tuple__": ("items",),
    "TensorShape": ("items",),
    "__numpy__": ("config", "value"),
    "__tensor__": ("config", "value"),
}


def upgraded(envelope: Any) -> Config:
    """
    Return the config of a model in the form that localnet writes.

    Parameters
    ----------
    envelope : object
        ``{"class_name", "config", ...}`` of any Keras 2, out of JSON.

    Returns
    -------
    dict
        ``class_name`` and ``config``; for a Sequential the latter is a dict with
        ``name``, ``layers`` and, if it is known, ``build_input_shape``.

    Raises
    ------
    ValueError
        If it is not the config of a model.

    Examples
    --------
    >>> old = {"class_name": "Sequential", "config": [
    ...     {"class_name": "Flatten", "config": {"batch_input_shape": [None, 2, 3]}}]}
    >>> upgraded(old)["config"]["layers"][0]["config"]["data_format"]
    'channels_last'
    """
    if not isinstance(envelope, dict) or not isinstance(
        envelope.get("class_name"), str
    ):
        raise ValueError("the config of a model must have a class_name")
    return _upgraded_model(_plain(envelope))


def _upgraded_model(entry: Config) -> Config:
    """Return the config of a model, whose ``config`` may be a list, as we write it."""
    class_name, config = entry["class_name"], entry.get("config")
    if isinstance(config, list):  # as early Keras 2 wrote it
        config = {"layers": config}
    if not isinstance(config, dict):
        raise ValueError(f"the config of a model must be a dict, got {shown(config)}")
    if class_name not in MODELS:
        return {"class_name": class_name, "config": config}
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise ValueError(f"layers must be a list, got {shown(entries)}")
    upgraded = {key: value for key, value in config.items() if key in MODEL_KEYS}
    upgraded["layers"] = [_upgraded_part(part) for part in entries]
    shape = config.get("build_input_shape")
    if shape is None and isinstance(entry.get("build_config"), dict):
        shape = entry["build_config"].get("input_shape")
    if shape is not None and class_name == "Sequential":
        upgraded["build_input_shape"] = shape
    return {"class_name": class_name, "config": upgraded}


def _upgraded_part(entry: Any) -> Config:
    """Return a layer, or a model within a model, with its place in the wiring."""
    if not isinstance(entry, dict) or not _is_object(entry):
        raise ValueError(f"a layer must have a class_name, got {shown(entry)}")
    change = _upgraded_model if entry["class_name"] in MODELS else _upgraded_layer
    wiring: Config = {k: entry[k] for k in WIRING if k in entry}
    return change(entry) | wiring


def _plain(value: Any) -> Any:
    """Replace Keras's wrappers of tuples, shapes and arrays by plain lists."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = WRAPPERS.get(value["class_name"]) if _is_object(value) else None
    if keys is None and value.get("type") == "ndarray" and "value" in value:
        keys = ("value",)
    if keys is None:
        return {key: _plain(item) for key, item in value.items()}
    inner: Any = value
    for key in keys:
        inner = inner.get(key) if isinstance(inner, dict) else None
    return _plain(inner)


def _is_object(value: dict[str, Any]) -> bool:
    return isinstance(value.get("class_name"), str)


def _upgraded_layer(entry: Config) -> Config:
    config = entry.get("config", {})
    if not isinstance(config, dict):
        raise ValueError(
            f"the config of {entry['class_name']} must be a dict, got {shown(config)}"
        )
    config = dict(config)
    if "dtype" in config:
        config["dtype"] = _dtype(config["dtype"])
    if entry["class_name"] == "InputLayer" and "batch_shape" in config:
        config["batch_input_shape"] = config.pop("batch_shape")
    if entry["class_name"] in _WITH_DATA_FORMAT:
        # A file must not change its meaning with the keras.json of its reader.
        config["data_format"] = config.get("data_format") or "channels_last"
    for key, value in config.items():
        if key.endswith("_initializer") and isinstance(value, dict):
            config[key] = _upgraded_initializer(value)
    if entry["class_name"] in WRAPPING:
        config["layer"] = _upgraded_part(config.get("layer"))
    return {"class_name": entry["class_name"], "config": config}


_WITH_DATA_FORMAT = (
    *("Flatten", "LocallyConnected1D", "LocallyConnected2D"),
    *(
        f"{family}{rank}D"
        for family in (
            *("Conv", "Convolution"),
            *("MaxPooling", "AveragePooling", "MaxPool", "AvgPool"),
            *("GlobalMaxPooling", "GlobalAveragePooling"),
            *("GlobalMaxPool", "GlobalAvgPool"),
        )
        for rank in (1, 2, 3)
    ),
    *("SpatialDropout2D", "SpatialDropout3D"),
    # Of one axis they know channels_last only.
    *(
        f"{family}{rank}D"
        for family in ("ZeroPadding", "Cropping", "UpSampling")
        for rank in (2, 3)
    ),
)


def _dtype(value: Any) -> Any:
    if isinstance(value, dict):  # a policy
        config = value.get("config")
        value = config.get("name") if isinstance(config, dict) else None
    return POLICIES.get(value, value) if isinstance(value, str) else value


def _upgraded_initializer(entry: Config) -> Config:
    config = entry.get("config")
    if not isinstance(config, dict):
        return entry
    kept = {key: v for key, v in config.items() if key not in INITIALIZER_EXTRAS}
    return {**entry, "config": kept}


# To Keras ------------------------------------------------------------------------


def for_v3(envelope: Config) -> Config:
    """
    Return the config of a model as a ``.keras`` file holds it.

    Parameters
    ----------
    envelope : dict
        ``class_name``, and as ``config`` what ``get_config`` of the model returned.

    Returns
    -------
    dict
        For ``config.json``, without a ``compile_config``.

    Raises
    ------
    ValueError
        If Keras has no counterpart for a layer; all such layers are named.
    """
    config = _for_keras(envelope["config"])
    whole = {
        "module": "keras",
        "class_name": V3_NAMES.get(envelope["class_name"], envelope["class_name"]),
        "config": config,
        "registered_name": None,
    }
    if envelope["class_name"] == "Sequential" and config["layers"]:
        shape = config["layers"][0]["config"].get("batch_input_shape")
        if shape is not None:
            whole["build_config"] = {"input_shape": shape}
    return whole


def for_h5(envelope: Config) -> Config:
    """
    Return the config of a model as a legacy HDF5 file holds it.

    Parameters
    ----------
    envelope : dict
        As for `for_v3`.

    Returns
    -------
    dict
        For ``model_config``, in the old style, which all of Keras 2 reads.

    Raises
    ------
    ValueError
        If Keras has no counterpart for a layer; all such layers are named.
    """
    config = _for_keras(envelope["config"])
    entries = [_old_part(entry) for entry in config["layers"]]
    return {
        "class_name": envelope["class_name"],
        "config": {**config, "layers": entries},
    }


def _old_part(entry: Config) -> Config:
    wiring = {k: entry[k] for k in WIRING if k in entry}
    if entry["class_name"] in V3_NAMES.values():
        names = {new: old for old, new in V3_NAMES.items()}
        entry = {**entry, "class_name": names[entry["class_name"]]}
    if entry["class_name"] in MODELS:
        inner = [_old_part(part) for part in entry["config"]["layers"]]
        config = {**entry["config"], "layers": inner}
        return {"class_name": entry["class_name"], "config": config, **wiring}
    if entry["class_name"] in WRAPPING:
        config = {
            **old_style(entry["config"]),
            "layer": _old_part(entry["config"]["layer"]),
        }
        return {"class_name": entry["class_name"], "config": config, **wiring}
    return {**old_style(entry), **wiring}


def old_style(value: Any) -> Any:
    """Leave only ``class_name`` and ``config`` of every object in a config."""
    if isinstance(value, (list, tuple)):
        return [old_style(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _is_object(value) and "config" in value:
        return {
            "class_name": value["class_name"],
            "config": old_style(value["config"]),
        }
    return {key: old_style(item) for key, item in value.items()}


_LOCAL = tuple(f"LocallyConnected{rank}D" for rank in (1, 2, 3))
_TRANSPOSED = tuple(f"{name}Transpose" for name in _LOCAL)
_LOW_RANK = tuple(f"LowRank{name}" for name in _LOCAL)
_PADDING = tuple(f"Padding{rank}D" for rank in (1, 2, 3))


def _for_keras(config: Config) -> Config:
    """Return the config of a model in Keras's words, or say what Keras lacks."""
    refused: list[str] = []
    changed = _changed(config, refused)
    if refused:
        raise ValueError(
            f"a file of Keras must hold only what Keras has, got {', '.join(refused)}; "
            "save as .npz"
        )
    return changed


def _lacking(class_name: str, config: Config) -> list[str]:
    """Return what a layer has that Keras lacks, in words."""
    is_local, padding = class_name in _LOCAL, config.get("padding")
    has_kernel = class_name.startswith(("LocallyConnected", "Conv"))
    reasons = {
        "three spatial axes": class_name == "LocallyConnected3D",
        "transposed": class_name in _TRANSPOSED,
        "kernels of low rank": class_name in _LOW_RANK,
        "shared kernels": is_local and "share" in config,
        "tiled kernels": is_local and "tile" in config,
        "dilation": is_local and "dilation_rate" in config,
        "explicit pads": has_kernel and isinstance(padding, (list, tuple)),
        "an untied bias": "untied_bias" in config,
        "cells of any value": class_name in _PADDING,
    }
    return [reason for reason, holds in reasons.items() if holds]


def _changed(config: Config, refused: list[str]) -> Config:
    entries = [_for_keras_part(entry, refused) for entry in config["layers"]]
    return {**config, "layers": entries}


def _for_keras_part(entry: Config, refused: list[str]) -> Config:
    class_name, config = entry["class_name"], entry["config"]
    if class_name in MODELS:
        name = V3_NAMES.get(class_name, class_name)
        return {**entry, "class_name": name, "config": _changed(config, refused)}
    refused += [
        f"{class_name} {config.get('name')!r} ({reason})"
        for reason in _lacking(class_name, config)
    ]
    entry = _for_keras_layer(entry)
    if class_name in WRAPPING:
        inner = _for_keras_part(config["layer"], refused)
        entry["config"]["layer"] = inner
    return entry


def _for_keras_layer(entry: Config) -> Config:
    # Keras refuses unknown keys. How weights were drawn is of no use to it, and it does
    # not write itself down whether a normalisation is fused.
    config = {k: v for k, v in entry["config"].items() if k not in ("fans", "fused")}
    if config.get("padding") == "same" and config.get("implementation") == 1:
        config["implementation"] = 3  # Keras refuses "same" at implementation 1
    return {**entry, "config": config}


def inner_of(entry: Config) -> Config | None:
    """
    Return the config of what a layer wraps.

    Parameters
    ----------
    entry : dict
        With ``class_name`` and ``config``.

    Returns
    -------
    dict or None
        Of a layer or of a model; None of a layer that wraps nothing.
    """
    config = entry.get("config")
    if entry.get("class_name") not in WRAPPING or not isinstance(config, dict):
        return None
    inner = config.get("layer")
    return inner if isinstance(inner, dict) else None
