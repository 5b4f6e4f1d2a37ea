"""
Keras's legacy HDF5 files: a whole model, or weights under the names of their layers.

The layout is that of Keras 2.0 to 2.15 and of tf_keras: for each layer a group with the
attribute ``weight_names``, and the arrays at those names inside the group.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..._typing import Array, Config
from ..._validate import shown
from ..contents import Contents, LayerWeights, Stored
from ..safe import bounded_json, hdf5
from ..safe.atomic import write_atomically
from . import configs, training_config, v3

__all__ = ["MAGIC", "opened", "write"]

MAGIC = hdf5.MAGIC
# An attribute may have 64 KiB with its header; Keras cuts longer lists at this size.
ATTRIBUTE_LIMIT = 64512
NO_NAMES = np.zeros(0)
# The layout by which our files are read back: the last Keras 2.
KERAS_VERSION = "2.15.0"
BACKEND = "tensorflow"
# The group of the weights that belong to no layer.
OWN_WEIGHTS = "top_level_model_weights"


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Contents]:
    """
    Open an HDF5 file of Keras, of either layout.

    Parameters
    ----------
    stream : binary file
        Must stay open for as long as arrays are read.

    Yields
    ------
    Contents
        Of a whole model if the file has a config, else of weights alone.

    Raises
    ------
    Exception
        Whatever damaged bytes give rise to.
    """
    with hdf5.opened(stream) as root:
        config_text = root.text("model_config")
        if config_text is not None:
            yield _model(root, config_text)
        elif v3.is_v3(root):
            yield v3.weights_of(root)
        else:
            yield Contents(
                format="Keras HDF5 weights",
                layers=_layers(root),
                keyed_by="name",
                versions=_versions(root),
            )


def _model(root: hdf5.SafeGroup, config_text: str) -> Contents:
    config = bounded_json.loads("model_config", config_text)
    training_text = root.text("training_config")
    training = None
    if training_text is not None:
        training = {
            training_config.H5_KEY: bounded_json.loads("training_config", training_text)
        }
    return Contents(
        format="Keras HDF5 model",
        layers=_layers(root.group("model_weights")),
        keyed_by="name",
        config=configs.upgraded(config),
        training=training,
        optimizer=_optimizer(root),
        versions=_versions(root),
    )


def _versions(root: hdf5.SafeGroup) -> dict[str, str]:
    found = {name: root.text(name) for name in ("keras_version", "backend")}
    return {name: text for name, text in found.items() if text is not None}


def _layers(root: hdf5.SafeGroup) -> dict[str, list[Stored]]:
    names = root.texts("layer_names")
    if len(set(names)) != len(names):
        raise ValueError("layer_names must be different from one another")
    if OWN_WEIGHTS in root:
        own = root.group(OWN_WEIGHTS)
        if own.texts("weight_names"):
            raise ValueError(
                "every weight must belong to a layer, got some of the model's own"
            )
    layers = {}
    for name in names:
        group = root.group(name)
        layers[name] = [group.array(weight) for weight in group.texts("weight_names")]
    return layers


def _optimizer(root: hdf5.SafeGroup) -> dict[str, Stored]:
    if "optimizer_weights" not in root:
        return {}
    group = root.group("optimizer_weights")
    return {name: group.array(name) for name in group.texts("weight_names")}


# Writing -------------------------------------------------------------------------


def write(
    path: Path,
    layers: Sequence[LayerWeights],
    config: Config | None = None,
    training: Config | None = None,
    optimizer: Mapping[str, Array] | None = None,
) -> None:
    """
    Write a legacy HDF5 file that Keras 2 and tf_keras read.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    layers : sequence of LayerWeights
        All layers in order, those without weights too, by their names; a model among
        them is one. Weights are named after their own layer, as ``"dense/kernel"``.
    config : dict, optional
        ``class_name`` and ``config`` of the model, in Keras's words; without it the
        file holds weights alone.
    training : dict, optional
        The ``training_config``.
    optimizer : mapping of str to ndarray, optional
        State of the optimizer under Keras's names.

    Raises
    ------
    ImportError
        If h5py is not installed.
    OSError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    with hdf5.h5py_module().File(buffer, "w") as file:
        weights = file
        if config is not None:
            file.attrs["keras_version"] = KERAS_VERSION
            file.attrs["backend"] = BACKEND
            file.attrs["model_config"] = json.dumps(config).encode("utf-8")
            if training is not None:
                file.attrs["training_config"] = json.dumps(training).encode("utf-8")
            weights = file.create_group("model_weights")
        _write_layers(weights, layers)
        if optimizer:
            group = file.create_group("optimizer_weights")
            _write_arrays(group, optimizer)
    write_atomically(path, lambda stream: stream.write(buffer.getvalue()))


def _check_names(layers: Sequence[LayerWeights]) -> None:
    """Refuse what could be written but not read: names that HDF5 takes for paths."""
    arrays = {f"{layer.key}/{name}:0" for layer in layers for name in layer.weights}
    for layer in layers:
        try:
            parts = hdf5.name_parts(layer.key)
        except ValueError:
            raise ValueError(
                "name of a layer in a .h5 file must be one or more parts with / "
                f"between them, none of them empty, '.' or '..', got {shown(layer.key)}"
            ) from None
        paths = {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
        if layer.key == OWN_WEIGHTS or not paths.isdisjoint(arrays):
            raise ValueError(
                "name of a layer in a .h5 file must not be one that the file has "
                f"already, got {shown(layer.key)}"
            )


def _write_layers(root: Any, layers: Sequence[LayerWeights]) -> None:
    _check_names(layers)
    _write_names(root, "layer_names", [layer.key for layer in layers])
    root.attrs["backend"] = BACKEND
    root.attrs["keras_version"] = KERAS_VERSION
    # In the order of the names: "a/b" may lie inside the group of "a".
    for layer in sorted(layers, key=lambda layer: layer.key):
        group = root.require_group(layer.key)
        _write_arrays(group, {f"{name}:0": v for name, v in layer.weights.items()})
    own = root.require_group(OWN_WEIGHTS)
    _write_names(own, "weight_names", [])


def _write_arrays(group: Any, arrays: Mapping[str, Array]) -> None:
    _write_names(group, "weight_names", list(arrays))
    for name, value in arrays.items():
        group.create_dataset(name, data=value)


def _write_names(group: Any, attribute: str, names: Sequence[str]) -> None:
    """Write a list of names as fixed-length bytes, in pieces where it is long."""
    if not names:
        group.attrs[attribute] = NO_NAMES
        return
    array = np.array([name.encode("utf-8") for name in names])
    pieces = 1
    while any(p.nbytes > ATTRIBUTE_LIMIT for p in np.array_split(array, pieces)):
        if pieces == len(names):
            raise ValueError(
                f"names of layers must be shorter than {ATTRIBUTE_LIMIT} bytes"
            )
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = array
        return
    for place, piece in enumerate(np.array_split(array, pieces)):
        group.attrs[f"{attribute}{place}"] = piece
