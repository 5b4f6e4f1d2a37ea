"""
Locally connected layers for Keras 3, on every backend that it has.

``LocallyConnected1D``, ``2D`` and ``3D`` take Keras 2's arguments, keep Keras 2's
weights, train, and are saved and loaded by Keras 3, to whom importing this module makes
them known. ``LocalnetLayer`` is any other layer of localnet, which
`localnet.export.to_keras3` uses for those that Keras 3 lacks or has changed.

The names are there where Keras 3 is; without it each says what to install.
"""

import importlib.util
from typing import Any

from .export.keras3 import Classes, classes

__all__: list[str] = []

if importlib.util.find_spec("keras") is not None:
    globals().update(classes()._asdict())
    __all__ += Classes._fields


def __getattr__(name: str) -> Any:
    """Say what to install, where Keras 3 is not."""
    if name in Classes._fields:
        return getattr(classes(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
