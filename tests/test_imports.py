"""Importing localnet is cheap, and its modules import downwards only."""

import ast
import configparser
import graphlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from marks import once

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "localnet"
NOT_AT_IMPORT = {
    "h5py",
    "matplotlib",
    "sklearn",
    "pytest",
    "scipy.signal",
    "scipy.sparse",
    "scipy.special",
    "tqdm",
}


def test_import_localnet_loads_nothing_heavy():
    code = f"import sys, localnet; print(*{NOT_AT_IMPORT!r} & sys.modules.keys())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout.split() == []


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str, source: str, *, is_package: bool) -> set[str]:
    """Return every module of localnet that the source of module `name` imports."""
    package = name if is_package else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name(
                "." * node.level + (node.module or ""), package
            )
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in MODULES else base)
    return {target for target in found if target.partition(".")[0] == "localnet"}


def floors() -> dict[str, tuple[int, str]]:
    """Return (height, name) for every entry of the contract in setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = parser["importlinter:contract:floors"]["layers"].split("\n")
    rows = [line for line in lines if line.strip()]
    return {
        entry.strip(): (height, entry.strip())
        for height, line in enumerate(reversed(rows))
        for entry in line.split("|")
    }


FLOORS = floors()


def floor_of(module: str) -> tuple[int, str] | None:
    """Return the floor of a module: that of the entry that it is or lies in."""
    while module:
        if module in FLOORS:
            return FLOORS[module]
        module = module.rpartition(".")[0]
    return None


def may_import(module: str, target: str) -> bool:
    """Whether `target` stands lower or in the same wing; neighbours stay apart."""
    floor, ground = floor_of(module), floor_of(target)
    if floor is None or ground is None:
        return True  # the kit below the wings, and what only holds them together
    return ground == floor or ground[0] < floor[0]


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Return a circle of imports, the first entry again at its end; or nothing."""
    try:
        graphlib.TopologicalSorter(arrows).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def arrows(depth: int) -> dict[str, set[str]]:
    """Return who imports whom, modules counted by their first `depth` names."""
    found: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        source, package = path.read_text(encoding="utf-8"), path.name == "__init__.py"
        here = ".".join(name.split(".")[:depth])
        for target in imports(name, source, is_package=package) - {"localnet"}:
            there = ".".join(target.split(".")[:depth])
            if "localnet" not in (here, there) and here != there:
                found.setdefault(here, set()).add(there)
    return found


def test_wings_import_without_a_circle():
    assert circle(arrows(depth=2)) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


@once
def test_the_plan_in_figures_finds_no_circle_of_modules():
    script = ROOT / "benchmarks" / "house.py"  # late imports count there
    run = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr + run.stdout


WINGS = [
    name
    for name, path in MODULES.items()
    if name.count(".") == 1 and path.name == "__init__.py"
]


def allowed_by(sentence: str) -> set[str]:
    """Return the wings that a sentence such as "Imports `ops` and below." names."""
    named = {f"localnet.{name}" for name in re.findall(r"`(\w+)`", sentence)}
    lower = "and below" in sentence and max(FLOORS[name][0] for name in named)
    return named | {name for name, (floor, _) in FLOORS.items() if floor < lower}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_says_what_it_imports(wing):
    says = ast.get_docstring(ast.parse(MODULES[wing].read_text(encoding="utf-8")))
    (sentence,) = re.findall(r"Imports\s[^.]*\.", says)
    taken = arrows(depth=2).get(wing, set()) & FLOORS.keys()
    assert taken <= allowed_by(sentence)


def test_a_sentence_names_the_wings():
    assert allowed_by("Imports `ops`.") == {"localnet.ops"}
    assert allowed_by("Imports `ops` and below.") == {
        "localnet.ops",
        "localnet.geometry",
    }
    assert allowed_by("Imports nothing but checks.") == set()


@pytest.mark.parametrize("name", [name for name in MODULES if name != "localnet"])
def test_imports_go_down_only(name):
    path = MODULES[name]
    source = path.read_text(encoding="utf-8")
    for target in imports(name, source, is_package=path.name == "__init__.py"):
        if target == "localnet":
            continue
        assert may_import(name, target), f"{name} must not import {target}"


@pytest.mark.parametrize(
    ("module", "target", "expected"),
    [
        ("localnet.ops.dense", "localnet.config", True),
        ("localnet.ops.dense", "localnet.ops.local.bias", True),
        ("localnet.ops.dense", "localnet.layers._local", False),
        ("localnet.losses", "localnet.activations", False),
        ("localnet.ops.dense", "localnet.geometry", True),
    ],
)
def test_floors_are_told_apart(module, target, expected):
    assert may_import(module, target) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import localnet.ops.local.naive", {"localnet.ops.local.naive"}),
        (
            "from ... import _validate, config",
            {"localnet._validate", "localnet.config"},
        ),
        ("from . import blocked", {"localnet.ops.local.blocked"}),
        ("from ...geometry import Geometry", {"localnet.geometry"}),
        ("from localnet import __version__", {"localnet"}),
        (
            "def f():\n    from ..local.bias import add_bias",
            {"localnet.ops.local.bias"},
        ),
        ("import numpy as np\nfrom scipy import sparse", set()),
    ],
)
def test_every_form_of_import_is_seen(source, expected):
    assert imports("localnet.ops.local.matrix", source, is_package=False) == expected


def test_a_package_resolves_its_own_dots():
    assert imports("localnet.ops", "from .local.bias import x", is_package=True) == {
        "localnet.ops.local.bias"
    }
