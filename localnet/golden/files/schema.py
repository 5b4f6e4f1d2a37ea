"""The JSON Schema of the manifest, and the part of JSON Schema that it uses."""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from ..._validate import shown

__all__ = ["mismatch", "schema", "schema_text"]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def schema_text() -> str:
    """
    Return the schema as it stands beside every manifest.

    Returns
    -------
    str
        JSON.
    """
    file = resources.files(__package__) / "schema.json"
    return file.read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """
    Return the schema as an object.

    Returns
    -------
    dict
        Not to be written to.
    """
    found: dict[str, Any] = json.loads(schema_text())
    return found


def mismatch(value: Any, rule: Any = None, place: str = "the manifest") -> str:
    """
    Return where a value breaks the schema.

    Parameters
    ----------
    value : object
        What `json.loads` returned.
    rule : dict, optional
        A part of the schema; default: all of it.
    place : str
        What the value is called.

    Returns
    -------
    str
        One sentence about the first breach; empty if there is none.
    """
    rule = schema() if rule is None else rule
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].rpartition("/")[2]]
    if "const" in rule and not _equal(value, rule["const"]):
        return f"{place} must be {rule['const']!r}, got {shown(value)}"
    if "enum" in rule and not any(_equal(value, word) for word in rule["enum"]):
        return f"{place} must be one of {rule['enum']}, got {shown(value)}"
    kind = rule.get("type")
    if kind and not _is(value, kind):
        return f"{place} must be of type {kind}, got {shown(value)}"
    if isinstance(value, dict):
        return _object_mismatch(value, rule, place)
    if isinstance(value, list):
        least, most = rule.get("minItems", 0), rule.get("maxItems", len(value))
        if not least <= len(value) <= most:
            return f"{place} must have {least} to {most} items, got {len(value)}"
        found = (
            mismatch(item, rule["items"], f"{place}[{number}]")
            for number, item in enumerate(value)
            if "items" in rule
        )
        return next(filter(None, found), "")
    return _scalar_mismatch(value, rule, place)


def _object_mismatch(value: dict[str, Any], rule: Any, place: str) -> str:
    for key in rule.get("required", ()):
        if key not in value:
            return f"{place} must have the key {key!r}"
    others = rule.get("additionalProperties", {})
    for key, item in value.items():
        names = rule.get("propertyNames")
        if names and (found := mismatch(key, names, f"a key of {place}")):
            return found
        inner = rule.get("properties", {}).get(key, others)
        if inner is False:
            return f"{place} must have no key {key!r:.80}"
        if found := mismatch(item, inner, f"{place}.{key}"):
            return found
    return ""


def _scalar_mismatch(value: Any, rule: Any, place: str) -> str:
    if isinstance(value, str):
        # Of the schema's patterns, none means a newline by its $.
        pattern = rule.get("pattern", "").removesuffix("$") + r"\Z"
        if "pattern" in rule and not re.match(pattern, value, re.ASCII):
            return f"{place} must match {rule['pattern']}, got {shown(value)}"
        if len(value) > rule.get("maxLength", len(value)):
            return f"{place} must be shorter, got {shown(value)}"
    elif not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        return f"{place} must be in range, got {shown(value)}"
    return ""


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (
        kind == "boolean" or not isinstance(value, bool)
    )


def _equal(value: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)
