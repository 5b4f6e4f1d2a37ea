"""JSON out of a file that may be hostile: bounded in size and depth."""

import json
import os
from pathlib import Path
from typing import Any

from ..._validate import shown

__all__ = ["MAX_BYTES", "loads", "read"]

# A config takes a thousand bytes per layer; Python needs some twenty times the text.
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 100


def read(path: str | os.PathLike[str]) -> str:
    """
    Return the text of a file, as far as `loads` takes it.

    Parameters
    ----------
    path : str or PathLike
        UTF-8.

    Returns
    -------
    str
        One character more than `loads` takes, at most.

    Raises
    ------
    ValueError
        If it is not UTF-8.
    """
    with Path(path).open(encoding="utf-8") as file:
        return file.read(MAX_BYTES + 1)


def loads(name: str, text: bytes | str) -> Any:
    """
    Return the value of a JSON text.

    Parameters
    ----------
    name : str
        What an error calls the text.
    text : bytes or str
        UTF-8 if bytes.

    Returns
    -------
    object
        Dicts, lists, strings, numbers, booleans and None.

    Raises
    ------
    ValueError
        If it is not JSON, longer than `MAX_BYTES`, or nested deeper than any config is.

    Examples
    --------
    >>> loads("config", b'{"units": 3}')
    {'units': 3}
    """
    if not isinstance(text, (str, bytes)):
        raise ValueError(f"{name} must be text, got {shown(text)}")
    if len(text) > MAX_BYTES:
        raise ValueError(
            f"{name} must have at most {MAX_BYTES} bytes of JSON, got {len(text)}"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON: {error}") from error
    # Level by level, so that no depth can exhaust the stack here.
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return value
    raise ValueError(f"{name} must be JSON of at most {MAX_DEPTH} levels, got more")
