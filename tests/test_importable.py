"""What scripts import today stays importable, and nothing else shows in ``dir``."""

import importlib
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import localnet

DATA = Path(__file__).parent / "data" / "importable.txt"
# An annotation that help() shows; ArrayLike, spelled out, takes 400.
LONGEST = 120


def promised():
    """Return {module: names} of what every version since 0.1 has."""
    lines = DATA.read_text(encoding="utf-8").replace("\n    ", " ").splitlines()
    rows = [line.partition(":") for line in lines if not line.startswith("#")]
    return {module: names.split() for module, _, names in rows}


PROMISED = promised()


@pytest.mark.parametrize("module", PROMISED)
def test_stays_importable(module):
    found = importlib.import_module(module)
    assert [name for name in PROMISED[module] if not hasattr(found, name)] == []


def test_the_list_is_read():
    assert len(PROMISED) > 40
    assert "local_conv_forward" in PROMISED["localnet.ops"]
    assert "load_model" in PROMISED["localnet"]
    assert "ranking" in PROMISED["localnet.reproduce.experiment"]
    assert {"CostedLayer", "LayerCache"} < set(PROMISED["localnet.layers"])


def test_submodules_are_reached_by_attributes():
    code = "import localnet; localnet.{0}; print(type(localnet.{0}).__name__)"
    for name in ("roofline", "reproduce", "interop", "golden"):
        result = subprocess.run(
            [sys.executable, "-c", code.format(name)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert result.stdout.split() == ["module"]


def test_pytest_knows_the_option_of_the_golden_suite(request):
    assert request.config.pluginmanager.hasplugin("localnet_golden")


def public_packages():
    """Return every public module of localnet that is a package, by name."""
    names = [
        name for name in localnet.__all__ if inspect.ismodule(getattr(localnet, name))
    ]
    packages = [f"localnet.{name}" for name in names]
    packages += ["localnet.optimizers.legacy", "localnet.optimizers.schedules"]
    found = map(importlib.import_module, packages)
    return {module.__name__: module for module in found if hasattr(module, "__path__")}


PACKAGES = public_packages()


@pytest.mark.parametrize("name", PACKAGES)
def test_dir_shows_public_names_only(name):
    # Sphinx asks dir() whether there is an __all__.
    assert dir(PACKAGES[name]) == sorted(["__all__", *PACKAGES[name].__all__])


def test_dir_of_the_top_shows_public_names_only():
    assert dir(localnet) == sorted(["__all__", "__version__", *localnet.__all__])
    assert len(PACKAGES) > 12


def test_help_lists_public_names_of_the_top():
    text = pydoc.plain(pydoc.render_doc(localnet))
    functions = text.partition("\nFUNCTIONS\n")[2].partition("\nDATA\n")[0]
    shown = [line.strip() for line in functions.splitlines() if line[4:5].strip()]
    called = {line.partition("(")[0] for line in shown if "(" in line}
    assert {"load_model", "Input"} <= called <= set(localnet.__all__)


def test_the_locally_connected_pair_comes_first():
    names = list(localnet.ops.PAIRS)
    assert names[:2] == ["local_conv", "local_matmul"]


def annotations(name, thing):
    """Yield (where, annotation as help() shows it) of a public function or class."""
    members = [(name, thing)]
    if inspect.isclass(thing):
        members += [
            (f"{name}.{key}", value)
            for key, value in vars(thing).items()
            if not key.startswith("_") and callable(value)
        ]
    for where, member in members:
        try:
            signature = inspect.signature(member)
        except (TypeError, ValueError):  # a builtin
            continue
        for parameter in signature.parameters.values():
            if parameter.annotation is not parameter.empty:
                shown = inspect.formatannotation(parameter.annotation)
                yield f"{where}({parameter.name})", shown


def shown_annotations():
    """Return {where: annotation} for every public function, class and method."""
    found = {}
    for module in PROMISED:
        holder = importlib.import_module(module)
        for name in getattr(holder, "__all__", []):
            thing = getattr(holder, name)
            if callable(thing):
                found.update(annotations(f"{module}.{name}", thing))
    return found


def test_signatures_show_names_of_types():
    shown = shown_annotations()
    assert shown["localnet.ops.local_conv_forward(x)"] == "ArrayLike"
    assert shown["localnet.ops.local_conv_forward(bias)"] == "ArrayLike | None"
    assert shown["localnet.gradcheck.check_op(rng)"] == "Seed"
    assert len(shown) > 1500
    too_long = {where: text for where, text in shown.items() if len(text) > LONGEST}
    assert too_long == {}


def test_an_alias_joins_as_types_do():
    from localnet._typing import Array, ArrayLike

    assert repr(ArrayLike | None) == "ArrayLike | None"
    assert repr(None | Array) == "None | Array"
    assert repr(int | Array | float) == "int | Array | float"
    assert repr(tuple[Array, int]) == "tuple[Array, int]"
    assert repr(Array | list[Array]) == "Array | list[Array]"
