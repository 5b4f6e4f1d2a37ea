"""
Reading a suite from a folder that anybody may have written.

Names in the manifest never become paths: ids and array names match patterns without
dots or slashes, and every file is opened inside the folder, through no symbolic link.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ... import _validate
from ..._typing import Array, Shape
from ..case import INPUTS, Case, Span, Suite
from ..cases.configs import check_config, check_other, check_variant, shapes_of
from ..cases.lehmer import Draw
from ..cases.precisions import FORMATS
from ..cases.traces import Trace
from ..references.others import OTHERS
from .manifest import FOLDERS, MANIFEST, TRACE_INPUTS
from .npy import decode, read_array
from .schema import mismatch

__all__ = ["inside", "read"]

LONGEST_MANIFEST = 2**26
ARRAYS = tuple(name for name in INPUTS if name != "bias_in_y")


def read(path: str | os.PathLike[str]) -> Suite:
    """
    Read a suite, and check every byte that is used of it.

    Parameters
    ----------
    path : str or path-like
        The folder.

    Returns
    -------
    Suite
        Its cases.

    Raises
    ------
    ValueError
        If it is damaged, of another version, or not a suite; the message names the
        file.
    OSError
        If a file cannot be read.
    """
    folder = Path(_validate.path("path", path))
    manifest = _manifest(folder)
    cases = [_case(folder, entry) for entry in manifest["cases"]]
    variants = [_case(folder, entry) for entry in manifest.get("variants", ())]
    others = [_case(folder, entry) for entry in manifest.get("others", ())]
    traces = [_trace(folder, entry) for entry in manifest["traces"]]
    return Suite(cases, traces, foreign=True, variants=variants, others=others)


def inside(folder: Path, *names: str) -> Path:
    """
    Return the path of a file in a folder.

    Parameters
    ----------
    folder : Path
        Where it lies.
    *names : str
        Folders on the way, and the file.

    Returns
    -------
    Path
        It need not exist.

    Raises
    ------
    ValueError
        If it, or a folder on the way, is a symbolic link.
    """
    path = folder
    for name in names:
        path = path / name
        if path.is_symlink():
            raise ValueError(f"{path} must be a file of the suite, got a symbolic link")
    return path


def _manifest(folder: Path) -> Any:
    """Return the content of the manifest, if it is what the schema says."""
    path = inside(folder, MANIFEST)
    with path.open("rb") as stream:
        data = stream.read(LONGEST_MANIFEST + 1)
    if len(data) > LONGEST_MANIFEST:
        raise ValueError(f"{path} must be shorter than {LONGEST_MANIFEST} bytes")
    try:
        found = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON: {error}") from None
    if broken := mismatch(found):
        raise ValueError(f"{path}: {broken}")
    every = (
        *found["cases"],
        *found.get("variants", ()),
        *found.get("others", ()),
        *found["traces"],
    )
    ids = [entry["id"] for entry in every]
    if len(set(ids)) != len(ids) or len(found["cases"]) != found["count"]:
        raise ValueError(
            f"{path} must have {found['count']} cases with ids of their own, "
            f"got {len(found['cases'])} cases and {len(set(ids))} ids"
        )
    return found


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a number")


def _case(folder: Path, entry: Any) -> Case:
    """Return one case, if its arrays are those of the manifest and of its config."""
    config, form = entry["config"], FORMATS[entry["precision"]]
    kind = entry.get("kind", "layer")
    where = f"case {entry['id']} of {folder}"
    if kind == "layer":
        check_config(config, where)
    elif kind in OTHERS:
        check_other(config, kind, where)
    else:
        check_variant(config, kind, where)
    if (form.name == "int32") != (kind in ("int8", "fixed_point")):
        raise ValueError(f"{where} must have another precision, got {form.name}")
    shapes = shapes_of(config, kind)
    wants = tuple(entry["wants"])
    part = FOLDERS[kind]
    arrays = entry[part]
    needed = ["x", "kernel", *(["dy"] if len(wants) > 1 else [])]
    for name in [*needed, *(n for n in ("mixture", "kernel2") if n in shapes)]:
        if name not in arrays:
            raise ValueError(f"{where} must have the array {name}")
    for bias in ("bias", "bias2"):
        if f"d{bias}" in wants and bias not in arrays:
            raise ValueError(f"{where} must have a {bias} if it wants d{bias}")
    if "dmixture" in wants and "dmixture" not in shapes:
        raise ValueError(f"{where} must be of low rank if it wants dmixture")
    if unknown := set(wants) - shapes.keys():
        raise ValueError(f"{where} must not want {', '.join(sorted(unknown))}")

    inputs = {
        name: _load(folder, entry, part, name, shapes[name], form.holds.str)
        for name in ARRAYS
        if name in arrays and name in shapes
    }
    expected = {
        name: _load(folder, entry, "expected", name, shapes[name], "<f8")
        for name in wants
    }
    bound = {}
    if entry["tier"] == "bounded":
        bound = {
            name: _load(folder, entry, "bound", name, shapes[name], "<f8")
            for name in wants
        }
        if any(np.any(array < 0) for array in bound.values()):
            raise ValueError(f"{where} must have bounds >= 0")
    return Case(
        entry["id"],
        entry["why"],
        entry["tier"],
        entry["precision"],
        wants,
        config,
        inputs["x"],
        inputs["kernel"],
        inputs.get("bias"),
        inputs.get("dy"),
        expected,
        bound,
        tuple(entry["flags"]),
        {name: Draw(**draw) for name, draw in entry["draws"].items()},
        {name: Span(**span) for name, span in entry["spans"].items()},
        kind,
        inputs.get("mixture"),
        inputs.get("kernel2"),
        inputs.get("bias2"),
    )


def _trace(folder: Path, entry: Any) -> Trace:
    """Return one training, if its arrays are those of the manifest."""
    config = entry["config"]
    check_config(config, f"trace {entry['id']} of {folder}")
    shapes = shapes_of(config)
    shapes |= {"targets": shapes["y"], "losses": (config["steps"],)}
    inputs = {
        name: _load(folder, entry, "traces", name, shapes[name], "<f8")
        for name in TRACE_INPUTS
    }
    expected = {
        name: _load(folder, entry, "expected", name, shapes[name], "<f8")
        for name in Trace.wants
    }
    return Trace(entry["id"], entry["why"], config, **inputs, expected=expected)


def _load(
    folder: Path, entry: Any, part: str, name: str, shape: Shape, dtype: str
) -> Array:
    """Return an array of a case or a trace, of a shape and type known beforehand."""
    path = inside(folder, part, entry["id"], f"{name}.npy")
    listed = entry[part].get(name)
    if listed is None:
        raise ValueError(f"{path} must be in the manifest")
    if tuple(listed["shape"]) != shape or listed["dtype"] != dtype:
        raise ValueError(
            f"{path} must hold {dtype} of shape {shape}, the manifest says "
            f"{listed['dtype']} of shape {tuple(listed['shape'])}"
        )
    return _array(path, listed)


def _array(path: Path, listed: Any) -> Array:
    """Return the array of a file, if it is the one that the manifest lists."""
    try:
        data = read_array(path, tuple(listed["shape"]))
        if hashlib.sha256(data).hexdigest() != listed["sha256"]:
            raise ValueError(
                "must be the file that the manifest lists, its sha256 differs"
            )
        array = decode(data)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None
    if list(array.shape) != listed["shape"] or array.dtype.str != listed["dtype"]:
        raise ValueError(
            f"{path} must hold {listed['dtype']} of shape {tuple(listed['shape'])}, "
            f"got {array.dtype.str} of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{path} must hold finite numbers")
    array.flags.writeable = False
    return array
