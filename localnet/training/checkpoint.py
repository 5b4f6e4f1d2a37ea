"""The file of a training that goes on: what it is, and where it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._typing import Config
from .._validate import shown
from ..files import native
from ..files.nested import join, separate
from .fingerprint import first_difference

__all__ = ["read_checkpoint", "refused_with_path", "write_checkpoint"]

KIND = "checkpoint"
VERSION = 1


def write_checkpoint(path: Path, identity: Config, state: dict[str, Any]) -> None:
    """
    Write a checkpoint; an old one stays until the new one is whole.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    identity : dict
        What a resumed training must have in common; ready for JSON.
    state : dict
        Where the training stands: numbers, strings and arrays, nested.

    Raises
    ------
    ValueError
        If the state holds anything else.
    OSError
        If the file cannot be written.
    """
    rest, arrays = separate(state)
    config = {
        "class_name": KIND,
        "checkpoint_version": VERSION,
        "identity": identity,
        "state": rest,
    }
    native.write(path, config, arrays, compress=False)


def read_checkpoint(path: Path, identity: Config) -> dict[str, Any]:
    """
    Read where a training stood.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    identity : dict
        That of the training that is to go on from there.

    Returns
    -------
    dict
        The state.

    Raises
    ------
    ValueError
        If the file is damaged or no checkpoint, or of a training that differs; the
        message names what differs.
    OSError
        If the file cannot be opened.
    """
    config, arrays = native.read(path)
    if config.get("class_name") != KIND:
        raise ValueError(
            f"{path} must hold a checkpoint, got {shown(config.get('class_name'))}"
        )
    version = config.get("checkpoint_version")
    if version != VERSION:
        raise ValueError(
            f"{path} must have checkpoint version {VERSION}, got {shown(version)}"
        )
    difference = first_difference(config.get("identity"), identity)
    if difference is not None:
        name, old, new = difference
        raise ValueError(f"{name} must be {old} as in {path}, got {new}")
    with refused_with_path(path):
        state = join(config["state"], arrays)
        if not isinstance(state, dict):
            raise ValueError(f"state must be a dict, got {shown(state)}")
        return state


@contextmanager
def refused_with_path(path: Path) -> Iterator[None]:
    """Turn whatever a state that does not fit leads to into one error with the file."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
        reason = str(e) if isinstance(e, ValueError) else repr(e)
        raise ValueError(
            f"{path} must hold the state of this training: {reason}"
        ) from e
