"""``localnet show``: what a model or weights file holds."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._terminal import printable
from .._typing import Config
from ..files import reading
from ..files.contents import Contents, Stored
from ..files.keras.training_config import arguments_of
from ..files.keras.v3 import class_keys
from ..files.loading import sources
from ..files.model_weights import plan_config
from ..files.weight_shapes import LayerPlan
from .arguments import Commands, add_limits

__all__ = ["add_command", "show_file"]

SHOW = """\
Say what a file holds: its format and who wrote it, the layers with the shapes of their
outputs and weights, how many numbers they are, and how the model was trained.

Only sizes are read, no weights. Layers that localnet lacks are shown too.
"""

Row = tuple[str, str, str, str]
HEADER: Row = ("Layer (type)", "Output Shape", "Weights", "Numbers")


def add_command(commands: Commands) -> None:
    """Add ``show`` to the commands."""
    show = commands.add_parser(
        "show",
        help="say what a model or weights file holds",
        description=SHOW,
    )
    show.add_argument("file", help=".npz, .h5 or .keras, of localnet or of Keras 2")
    add_limits(show)
    show.set_defaults(run=show_file)


def show_file(options: argparse.Namespace) -> int:
    """Print the contents of one file."""
    isolated = not options.in_process
    with reading.opened(options.file, isolated=isolated, values=False) as contents:
        reading.check_bytes(options.file, contents, options.max_bytes)
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
        rows: list[Row] = [
            (key, "", _shapes(group), f"{_count(group):,}")
            for key, group in contents.layers.items()
        ]
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
    plans = _plans(config)
    rows: list[Row] = []
    groups = _groups(config, plans, contents)
    for place, (label, group) in enumerate(groups):
        output = ""
        if place < len(plans):
            plan = plans[place]
            output = str(plan.layer.compute_output_shape(plan.input_shape))
        rows.append((label, output, _shapes(group), f"{_count(group):,}"))
    return rows


def _plans(config: Config) -> list[LayerPlan]:
    try:
        return plan_config(config)
    except (KeyError, TypeError, ValueError):
        return []  # a model that localnet cannot make is shown as far as it goes


def _name(entry: Config) -> str:
    arguments = entry.get("config")
    return str(arguments.get("name")) if isinstance(arguments, dict) else "?"


def _groups(
    config: Config, plans: Sequence[LayerPlan], contents: Contents
) -> list[tuple[str, list[Stored]]]:
    """Return every layer, under its name and class, with its weights in the file."""
    if plans:
        labels = [f"{plan.path} ({type(plan.layer).__name__})" for plan in plans]
        try:
            found = {s.plan.path: s.stored for s in sources(contents, plans)}
        except ValueError:
            found = {}
        return [
            (label, list(found.get(plan.path, {}).values()))
            for label, plan in zip(labels, plans, strict=True)
        ]
    entries = [
        entry
        for entry in config.get("config", {}).get("layers", [])
        if entry.get("class_name") != "InputLayer"
    ]
    keys = [_name(entry) for entry in entries]
    if contents.keyed_by == "class":
        keys = class_keys([str(entry.get("class_name")) for entry in entries])
    return [
        (f"{_name(entry)} ({entry.get('class_name')})", contents.layers.get(key, []))
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
    lines = [f"optimizer: {_described(training.get('optimizer'))}"]
    if remembered:
        lines[0] += f", remembers {remembered} arrays"
    for key in ("loss", "metrics", "weighted_metrics"):
        value = training.get(key)
        if value:
            items = value if isinstance(value, list) else [value]
            lines.append(f"{key}: {', '.join(_described(item) for item in items)}")
    return lines


def _described(value: Any) -> str:
    """Return the class of a config with those arguments that say something."""
    if not isinstance(value, dict) or "class_name" not in value:
        return str(value)
    config = value.get("config")
    arguments = config if isinstance(config, dict) else {}
    said = (
        f"{key}={_described(item)}"
        for key, item in arguments.items()
        if item not in (None, False, 0) and key != "name"
    )
    return f"{str(value['class_name']).rpartition('>')[2]}({', '.join(said)})"
