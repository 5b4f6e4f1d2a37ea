"""A module takes from another only what that module's ``__all__`` offers."""

import ast
import importlib
import pkgutil
from importlib.util import find_spec, resolve_name
from pathlib import Path

import pytest

import localnet

MODULES = [
    "localnet",
    *(found.name for found in pkgutil.walk_packages(localnet.__path__, "localnet.")),
]


def hidden_names(source: str, *, package: str) -> list[str]:
    """Return what a module imports from localnet past an ``__all__``."""
    hidden = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom):
            continue
        target = resolve_name("." * node.level + (node.module or ""), package)
        if target.partition(".")[0] != "localnet":
            continue
        offered = getattr(importlib.import_module(target), "__all__", None)
        for alias in node.names:
            whole = f"{target}.{alias.name}"
            if alias.name == "*":  # Python itself takes what __all__ offers
                public = offered is not None
            else:
                public = offered is None or alias.name in offered
            if not (public or whole in MODULES or alias.name == "__version__"):
                hidden.append(whole)
    return hidden


@pytest.mark.parametrize("name", MODULES)
def test_only_public_names_are_imported(name):
    spec = find_spec(name)
    # pytest rewrites tests that come with the package, and its loader has no source.
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert hidden_names(source, package=spec.parent) == []


@pytest.mark.parametrize("name", [name for name in MODULES if "__main__" not in name])
def test_every_public_name_exists_once(name):
    module = importlib.import_module(name)
    offered = getattr(module, "__all__", [])
    assert len(set(offered)) == len(offered)
    assert [word for word in offered if not hasattr(module, word)] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from .._registry import Registry", []),
        ("from .. import _validate, config", []),
        ("from . import patches", []),
        ("from .patches import *", []),
        ("from .local import *", ["localnet.ops.local.*"]),
        ("import numpy\nfrom json import dumps", []),
        ("from ..config import FLOATS, floatx", ["localnet.config.FLOATS"]),
        ("def f():\n    from .patches import np", ["localnet.ops.patches.np"]),
    ],
)
def test_a_hidden_name_is_found(source, expected):
    assert hidden_names(source, package="localnet.ops") == expected
