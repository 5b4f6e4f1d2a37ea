"""
Keras's third layout: ``.keras`` archives, and ``.weights.h5`` files.

Weights lie under the snake-case class of their layer, numbered within the model, and
not under its name.
"""

import datetime
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ... import _registry
from ..._typing import Array, Config
from ..contents import Contents, LayerWeights, Stored
from ..safe import bounded_json, hdf5, zips
from ..safe.atomic import write_atomically
from . import configs, training_config

__all__ = [
    "CONFIG",
    "INNER",
    "Variables",
    "class_keys",
    "is_v3",
    "opened",
    "weights_of",
    "write_model",
    "write_weights",
]

# A class of Keras, and the variables of an object of it.
Variables: TypeAlias = tuple[str, list[Array]]
CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
KERAS_VERSION = "2.15.0"
LAYERS = "layers"
# Where a wrapper keeps the layer that it applies.
INNER = "layer"
# Where Keras 2.12 kept them; it counted layers that have weights twice.
OLD_LAYERS = "_layer_checkpoint_dependencies"
MAX_LAYERS = 20_000
# What HDF5 takes for its own bookkeeping, at most, when no budget is known.
OVERHEAD = 2**24


def class_keys(class_names: Sequence[str]) -> list[str]:
    """
    Return the keys under which the weights of layers of these classes lie.

    >>> class_keys(["LocallyConnected1D", "Flatten", "LocallyConnected1D"])
    ['locally_connected1d', 'flatten', 'locally_connected1d_1']
    """
    seen: dict[str, int] = {}
    keys = []
    for class_name in class_names:
        stem = _registry.snake_case(class_name)
        seen[stem] = seen.get(stem, -1) + 1
        keys.append(f"{stem}_{seen[stem]}" if seen[stem] else stem)
    return keys


def is_v3(root: hdf5.SafeGroup) -> bool:
    """Return whether an HDF5 file has this layout and not the legacy one."""
    return (LAYERS in root or OLD_LAYERS in root) and "vars" in root


def weights_of(root: hdf5.SafeGroup) -> Contents:
    """
    Return what a weights file of this layout holds.

    Parameters
    ----------
    root : SafeGroup
        Must stay open for as long as arrays are read.

    Returns
    -------
    Contents
        Without a config.

    Raises
    ------
    ValueError
        If something lies where it does not belong.
    """
    if "vars" in root and _variables(root):
        raise ValueError(
            "every weight must belong to a layer, got some of the model's own"
        )
    _check_all_named(root)
    layers: dict[str, list[Stored]] = {}
    _collect(root, "", layers)
    optimizer = _variables(root.group("optimizer")) if "optimizer" in root else []
    return Contents(
        format="Keras v3 weights",
        layers=layers,
        keyed_by="class",
        optimizer={str(place): stored for place, stored in enumerate(optimizer)},
    )


def _check_all_named(root: hdf5.SafeGroup) -> None:
    """Refuse weights that only an attribute of a subclassed model leads to."""
    for name in root.names:
        if name in (LAYERS, OLD_LAYERS, "vars", "optimizer") or name.startswith("_"):
            continue
        group = root.group(name)
        if name != "metrics" and "vars" in group and group.group("vars").names:
            raise ValueError(
                f"every weight must lie under {LAYERS!r}, got some under {name!r}, an "
                "attribute of a subclass of Model: load what save_weights('w.h5') "
                "writes of it in Keras"
            )


def _collect(
    model: hdf5.SafeGroup, prefix: str, layers: dict[str, list[Stored]]
) -> None:
    """Find the weights of every layer of a model, and of models within it."""
    old = LAYERS not in model
    group = model.group(OLD_LAYERS if old else LAYERS)
    keys = _renumbered(group.names) if old else {name: name for name in group.names}
    for name, key in keys.items():
        if len(layers) >= MAX_LAYERS:  # links can make circles
            raise ValueError(f"it must hold at most {MAX_LAYERS} layers")
        inner, place = group.group(name), prefix + key
        layers[place] = _layer_variables(inner)
        while INNER in inner and not _is_model(inner):
            inner, place = inner.group(INNER), f"{place}/{INNER}"
        if _is_model(inner):
            _collect(inner, f"{place}/{LAYERS}/", layers)


def _is_model(group: hdf5.SafeGroup) -> bool:
    return LAYERS in group or OLD_LAYERS in group


def _renumbered(keys: Sequence[str]) -> dict[str, str]:
    """Give layers of one class the numbers 0, 1, ... in the order of their own."""

    def parts(key: str) -> tuple[str, int]:
        stem, _, number = key.rpartition("_")
        return (stem, int(number)) if number.isdecimal() else (key, 0)

    ordered = sorted(keys, key=parts)
    stems = [parts(key)[0] for key in ordered]
    seen: dict[str, int] = {}
    result = {}
    for key, stem in zip(ordered, stems, strict=True):
        seen[stem] = seen.get(stem, -1) + 1
        result[key] = f"{stem}_{seen[stem]}" if seen[stem] else stem
    return result


def _layer_variables(group: hdf5.SafeGroup) -> list[Stored]:
    """Return the weights of a layer and of what it wraps."""
    own = _variables(group)
    return own if INNER not in group else own + _layer_variables(group.group(INNER))


def _variables(group: hdf5.SafeGroup) -> list[Stored]:
    if "vars" not in group:
        return []
    variables = group.group("vars")
    count = len(variables.names)
    for place in range(count):
        if str(place) not in variables:
            raise ValueError(
                f"variables must be numbered from 0 to {count - 1}, {place} is missing"
            )
    return [variables.array(str(place)) for place in range(count)]


@contextmanager
def opened(
    stream: BinaryIO, budget: Callable[[Config], int] | None = None
) -> Iterator[Contents]:
    """
    Open a ``.keras`` archive.

    Parameters
    ----------
    stream : binary file
        Must stay open for as long as arrays are read.
    budget : callable, optional
        From the model's config to the bytes that its weights may take.

    Yields
    ------
    Contents
        Of a whole model.

    Raises
    ------
    Exception
        Whatever damaged bytes give rise to.
    """
    with zips.opened(stream) as archive:
        for name in (CONFIG, WEIGHTS):
            if name not in archive.names:
                raise ValueError(f"a .keras file must hold {name!r}")
        envelope = bounded_json.loads(
            CONFIG, archive.read(CONFIG, bounded_json.MAX_BYTES)
        )
        config = configs.upgraded(envelope)
        versions = {}
        if METADATA in archive.names:
            metadata = bounded_json.loads(
                METADATA, archive.read(METADATA, bounded_json.MAX_BYTES)
            )
            if isinstance(metadata, dict):
                versions = {k: v for k, v in metadata.items() if isinstance(v, str)}
        limit = archive.size(WEIGHTS)
        if archive.compressed(WEIGHTS):
            limit = OVERHEAD if budget is None else OVERHEAD + budget(config)
        with hdf5.opened(archive.seekable(WEIGHTS, limit)) as root:
            weights = weights_of(root)
            yield Contents(
                format="Keras v3 model",
                layers=weights.layers,
                keyed_by=weights.keyed_by,
                config=config,
                training=_training(envelope),
                optimizer=weights.optimizer,
                versions=versions,
            )


def _training(envelope: Config) -> Config | None:
    config = envelope.get(training_config.V3_KEY)
    return None if config is None else {training_config.V3_KEY: config}


# Writing -------------------------------------------------------------------------


def write_weights(
    path: Path, layers: Sequence[LayerWeights], metrics: Sequence[Variables]
) -> None:
    """
    Write a ``.weights.h5`` file that tf_keras reads.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    layers : sequence of LayerWeights
        All layers in order, those without weights too, by their places under "layers".
    metrics : sequence of (str, list of ndarray)
        Keras's class and variables of each running mean, that of the loss first.

    Raises
    ------
    ImportError
        If h5py is not installed.
    OSError
        If the file cannot be written.
    """
    data = _weights_file(layers, [], metrics)
    write_atomically(path, lambda stream: stream.write(data.getvalue()))


def write_model(
    path: Path,
    layers: Sequence[LayerWeights],
    config: Config,
    optimizer: Sequence[Array],
    metrics: Sequence[Variables],
) -> None:
    """
    Write a ``.keras`` archive that tf_keras reads.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    layers : sequence of LayerWeights
        All layers in order, those without weights too, by their places under "layers".
    config : dict
        The model with its ``compile_config``, in Keras's words.
    optimizer : sequence of ndarray
        Its variables in order; empty if there are none.
    metrics : sequence of (str, list of ndarray)
        Keras's class and variables of each running mean, that of the loss first.

    Raises
    ------
    ImportError
        If h5py is not installed.
    OSError
        If the file cannot be written.
    """
    weights = _weights_file(layers, optimizer, metrics).getvalue()
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now}

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(METADATA, json.dumps(metadata))
            archive.writestr(CONFIG, json.dumps(config))
            archive.writestr(WEIGHTS, weights)

    write_atomically(path, write)


def _weights_file(
    layers: Sequence[LayerWeights],
    optimizer: Sequence[Array],
    metrics: Sequence[Variables],
) -> io.BytesIO:
    buffer = io.BytesIO()
    with hdf5.h5py_module().File(buffer, "w") as file:
        file.create_group("vars")
        for layer in layers:
            place = f"{LAYERS}/{layer.key}"
            for _ in range(layer.depth):
                _write_variables(file, place, [])
                place = f"{place}/{INNER}"
            _write_variables(file, place, list(layer.weights.values()))
        if optimizer:
            _write_variables(file, "optimizer", optimizer)
        # The running means of loss and metrics, without which Keras refuses to load
        # into a model that has them.
        keys = class_keys([class_name for class_name, _ in metrics])
        for key, (_, variables) in zip(keys, metrics, strict=True):
            _write_variables(file, f"metrics/{key}", variables)
    return buffer


def _write_variables(file: Any, path: str, variables: Sequence[Array]) -> None:
    group = file.create_group(f"{path}/vars")
    for place, value in enumerate(variables):
        group.create_dataset(str(place), data=value)
