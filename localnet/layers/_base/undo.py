"""Undoing what a failing block did to layers and models."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .handles import Connectable

__all__ = ["unchanged_on_error"]


@contextmanager
def unchanged_on_error(*parts: Connectable) -> Iterator[None]:
    """Undo what a failing block did to layers and models: building, drawn noise."""
    before = [
        (part, vars(part).copy(), getattr(part, "noise_state", None))
        for outer in parts
        for part in _with_inner(outer)
    ]
    try:
        yield
    except BaseException:
        for part, attributes, noise_state in before:
            for added in vars(part).keys() - attributes.keys():
                del vars(part)[added]
            vars(part).update(attributes)
            if noise_state is not None:
                part.noise_state = noise_state
        raise


def _with_inner(part: Any) -> list[Any]:
    """Return a layer with those that it is made of; a model by itself."""
    return part.with_inner() if hasattr(part, "with_inner") else [part]
