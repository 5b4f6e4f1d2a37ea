"""``localnet show``: what a model or weights file holds."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import optimizers
from .._terminal import printable
from .._typing import Config
from .._validate import shown
from ..files import native, reading
from ..files.contents import Contents, Stored
from ..files.keras.training_config import arguments_of
from ..files.keras.v3 import class_keys
from ..files.loading import sources
from ..files.model_weights import plan_config
from ..files.weight_shapes import LayerPlan
from .arguments import Commands, add_limits, epilog

__all__ = ["add_command", "show_file"]

SHOW = """\
Say what a file holds: its format and who wrote it, the layers with the shapes of their
outputs and weights, how many numbers they are, and how the model was trained.

Only sizes are read, no weights. Layers that localnet lacks are shown too. Files of
Keras need the extra h5.
"""
SHOW_EXAMPLES = """\
localnet show model.npz
localnet show old-keras-2.h5
localnet show huge.keras --max-bytes 1000000000
"""

Row = tuple[str, str, str, str]
HEADER: Row = ("Layer (type)", "Output Shape", "Weights", "Numbers")


def add_command(commands: Commands) -> None:
    """Add ``show`` to the commands."""
    show = commands.add_parser(
        "show",
        help="say what a model or weights file holds",
        description=SHOW,
        epilog=epilog(SHOW_EXAMPLES),
    )
    show.add_argument(
        "file",
        metavar="FILE",
        help="the file to read: .npz, .h5 or .keras, of localnet or of Keras 2",
    )
    add_limits(show)
    show.set_defaults(run=show_file)


def show_file(options: argparse.Namespace) -> int:
    """Print the contents of one file."""
    isolated = not options.in_process
    with reading.opened(options.file, isolated=isolated, values=False) as contents:
        known = contents
        if contents.config is not None and not _plans(contents.config):
            known = replace(contents, config=None)  # what is stored is all there is
        reading.check_bytes(options.file, known, options.max_bytes)
        for line in _lines(Path(options.file), contents):
            print(printable(line))
    return 0


def _lines(path: Path, contents: Contents) -> list[str]:
    versions = ", ".join(f"{key} {value}" for key, value in contents.versions.items())
    written = f" ({versions})" if versions else ""
    lines = [
        f"file: {path}, {path.stat().st_size:,} bytes",
        f"format: {contents.format}{written}",
    ]
    config = contents.config
    if config is None:
        rows = [_row(key, "", group) for key, group in contents.layers.items()]
    else:
        inner = config.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        lines.append(f"model: {name!r} ({config.get('class_name')})")
        rows = _rows(config, contents)
    lines += _table([HEADER, *rows])
    total = sum(_count(group) for group in contents.layers.values())
    lines.append(f"numbers in all weights: {total:,}")
    return lines + _training_lines(contents)


def _rows(config: Config, contents: Contents) -> list[Row]:
    """Return a row for every layer, and for all weights that no layer claims."""
    plans = _plans(config)
    found = _found(contents, plans)
    if found is not None:
        return [
            _row(
                f"{plan.path} ({type(plan.layer).__name__})",
                str(plan.layer.compute_output_shape(plan.input_shape)),
                list(found.get(plan.path, {}).values()),
            )
            for plan in plans
        ]
    rest = dict(contents.layers)
    rows = []
    for label, key in _entries(config, contents):
        # What lies in a model has its name, or key, and a slash before its own.
        nested = () if contents.keyed_by == "name" else (f"{key}/",)
        inner = [k for k in rest if k == key or k.startswith(nested)]
        group = [stored for k in inner for stored in rest.pop(k)]
        rows.append(_row(label, "", group))
    if native.WEIGHTS in rest:  # nothing says which of them is whose
        rows = [(label, output, "", "?") for label, output, _, _ in rows]
    for key, group in rest.items():
        if key == native.WEIGHTS:
            named = [(f"{key}{i:04d}", [stored]) for i, stored in enumerate(group)]
        else:
            named = [(key, group)] if group else []
        rows += [_row(label, "", stored) for label, stored in named]
    return rows


def _row(label: str, output: str, group: Sequence[Stored]) -> Row:
    return label, output, _shapes(group), f"{_count(group):,}"


def _plans(config: Config) -> list[LayerPlan]:
    try:
        return plan_config(config)
    except (KeyError, TypeError, ValueError):
        return []  # a model that localnet cannot make is shown as far as it goes


def _found(
    contents: Contents, plans: Sequence[LayerPlan]
) -> dict[str, dict[str, Stored]] | None:
    """Return the weights by layer, or None for a model that localnet cannot make."""
    if not plans:
        return None
    try:
        return {s.plan.path: s.stored for s in sources(contents, plans)}
    except ValueError:
        return None


def _name(entry: Config) -> str:
    arguments = entry.get("config")
    return str(arguments.get("name")) if isinstance(arguments, dict) else "?"


def _entries(config: Config, contents: Contents) -> list[tuple[str, str]]:
    """Return every layer of a config, and the key of its weights in the file."""
    entries = [
        entry
        for entry in config.get("config", {}).get("layers", [])
        if entry.get("class_name") != "InputLayer"
    ]
    keys = [_name(entry) for entry in entries]
    if contents.keyed_by == "class":
        keys = class_keys([str(entry.get("class_name")) for entry in entries])
    return [
        (f"{_name(entry)} ({entry.get('class_name')})", key)
        for key, entry in zip(keys, entries, strict=True)
    ]


def _shapes(group: Sequence[Stored]) -> str:
    return ", ".join(f"{stored.shape} {stored.dtype}" for stored in group)


def _count(group: Sequence[Stored]) -> int:
    return sum(math.prod(stored.shape) for stored in group)


def _table(rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    header, *lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [rule, header.rstrip(), rule, *(line.rstrip() for line in lines), rule]


def _training_lines(contents: Contents) -> list[str]:
    if contents.training is None:
        return ["not compiled"] if contents.config is not None else []
    try:
        training = arguments_of(contents.training)
    except ValueError as error:
        return [f"training: not understood, {error}"]
    remembered = len(contents.optimizer)
    lines = [f"optimizer: {_optimizer(training.get('optimizer'))}"]
    if remembered:
        lines[0] += f", remembers {remembered} array{'s' * (remembered > 1)}"
    for key in ("loss", "metrics", "weighted_metrics"):
        value = training.get(key)
        if value:
            items = value if isinstance(value, list) else [value]
            lines.append(f"{key}: {', '.join(_described(item) for item in items)}")
    return lines


def _optimizer(value: Any) -> str:
    """Return an optimizer in one style, whether the file has its name or its config."""
    try:
        made = optimizers.get(value)
        said, usual = map(_config_of, (made, type(made)()))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return _described(value)  # one that localnet lacks
    said["config"] = {
        key: item
        for key, item in said["config"].items()
        if key == "learning_rate" or item != usual["config"].get(key)
    }
    return _described(said)


def _config_of(optimizer: Any) -> Config:
    config = optimizers.serialize(optimizer)
    if not isinstance(config, dict):
        raise TypeError(f"optimizer must have a config, got {shown(config)}")
    return config


def _described(value: Any) -> str:
    """Return the class of a config with those arguments that say something."""
    if isinstance(value, float):
        # As it was typed: Keras writes what float32 makes of 0.01.
        with np.errstate(over="ignore"):
            narrow = np.float32(value)
        return str(narrow if float(narrow) == value else value)
    if not isinstance(value, dict) or "class_name" not in value:
        return str(value)
    config = value.get("config")
    arguments = config if isinstance(config, dict) else {}
    said = (
        f"{key}={_described(item)}"
        for key, item in arguments.items()
        if item not in (None, False, 0, "auto") and key != "name"
    )
    return f"{str(value['class_name']).rpartition('>')[2]}({', '.join(said)})"
