"""
The plan of the package in figures: python benchmarks/house.py [CHECKOUT ...].

Without arguments it measures the checkout that it lies in; of two checkouts it prints
the figures side by side. Sources are parsed, and each package is imported in a Python
of its own for the classes and the signature.
"""

import ast
import configparser
import graphlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

# What only a running Python can say; both old and new checkouts answer it.
QUESTIONS = """
import inspect, json, localnet
from localnet import Model, Sequential, layers, ops
annotation = inspect.formatannotation
signature = inspect.signature(ops.local_conv_forward)
print(json.dumps({
    "classes behind LocallyConnected2D": len(layers.LocallyConnected2D.__mro__),
    "classes behind Sequential": len(Sequential.__mro__),
    "classes behind Model": len(Model.__mro__),
    "a Sequential is a Model": isinstance(Sequential(), Model),
    "names in dir(localnet)": len(dir(localnet)),
    "names in dir(localnet.ops)": len(dir(ops)),
    "characters of local_conv_forward's signature": len(str(signature)),
    "characters of its longest annotation": max(
        len(annotation(p.annotation)) for p in signature.parameters.values()
    ),
}))
"""


def module_name(root: Path, path: Path) -> str:
    """Return the name that the file is imported by."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    """Tell whether only type checkers enter this block."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that a running Python may reach."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        yield node
        yield from statements(node)


def imports(tree: ast.AST, package: str, modules: set[str]) -> set[str]:
    """Return the modules of localnet that a module imports, also within functions."""
    found = set()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in modules else base)
    return found & modules


def floors(arrows: dict[str, set[str]]) -> int:
    """Return how many stand on one another in the longest chain of imports."""

    @cache
    def height(name: str) -> int:
        return 1 + max(map(height, arrows.get(name, ())), default=0)

    try:
        order = [*graphlib.TopologicalSorter(arrows).static_order()]
    except graphlib.CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SystemExit(f"imports must not go in a circle, got {circle}") from error
    return max(map(height, order), default=0)


def docstring_lines(tree: ast.AST) -> set[int]:
    """Return the numbers of the lines that docstrings take."""
    homes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, homes) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return lines


def count(source: str, tree: ast.AST) -> tuple[int, int]:
    """Return the lines of code, without blank ones and comments, and of docstrings."""
    docstrings = docstring_lines(tree)
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if number not in docstrings and line.strip() and line.strip()[0] != "#"
    ]
    return len(code), len(docstrings)


def contract_names(root: Path) -> int:
    """Return how many entries the contract of imports in setup.cfg has."""
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg", encoding="utf-8")
    layers = parser["importlinter:contract:floors"]["layers"]
    return len(layers.replace("|", " ").split())


def measure(root: Path) -> dict[str, object]:
    """Return every figure of a checkout."""
    package = root / "localnet"
    paths = {module_name(root, path): path for path in package.rglob("*.py")}
    sources = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    trees = {name: ast.parse(source) for name, source in sources.items()}
    arrows: dict[str, set[str]] = {}
    for name, tree in trees.items():
        is_package = paths[name].name == "__init__.py"
        here = name if is_package else name.rpartition(".")[0]
        # A package names what lies in it, and nobody climbs to the package around it.
        if name != "localnet":
            found = imports(tree, here, set(paths)) - {name}
            arrows[name] = {to for to in found if not f"{name}.".startswith(f"{to}.")}
    wings: dict[str, set[str]] = {}
    for name, targets in arrows.items():
        wing = name.split(".")[1]
        lower = {target.split(".")[1] for target in targets} - {wing}
        wings.setdefault(wing, set()).update(lower)
    folders = Counter(path.parent for path in paths.values())
    largest, files = folders.most_common(1)[0]
    lines = {name: count(sources[name], trees[name]) for name in paths}
    mathematics = ("localnet.ops", "localnet.activations", "localnet.losses")
    answers = subprocess.run(
        [sys.executable, "-c", QUESTIONS],
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "entries at the top": len([wing for wing in wings if wing[0] != "_"]),
        "floors between modules": floors(arrows),
        "floors between wings": floors(wings),
        "names in the contract": contract_names(root),
        "most modules in one folder": f"{files} ({largest.relative_to(root)})",
        **json.loads(answers.stdout),
        "modules": len(paths),
        "lines of code": sum(code for code, _ in lines.values()),
        "lines of docstrings": sum(docstrings for _, docstrings in lines.values()),
        "lines of code in ops, activations, losses": sum(
            code for name, (code, _) in lines.items() if name.startswith(mathematics)
        ),
    }


def main(arguments: list[str]) -> None:
    """Print a row for each figure and a column for each checkout."""
    here = Path(__file__).resolve().parent.parent
    roots = [Path(argument).resolve() for argument in arguments] or [here]
    columns = [measure(root) for root in roots]
    for name in columns[0]:
        print(f"{name:<46}", *(f"{column[name]!s:<24}" for column in columns))


if __name__ == "__main__":
    main(sys.argv[1:])
