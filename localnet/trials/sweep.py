"""A grid of settings, each trained with several seeds by functions of the user."""

import ast
import importlib
import inspect
import itertools
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .._validate import shown
from ..models import Model, Sequential

__all__ = ["Setting", "Sweep", "callable_of", "parse_grid", "ship_modules", "train"]


class Setting(NamedTuple):
    """One training: a value for every name of the grid, and a seed."""

    values: tuple[tuple[str, Any], ...]
    seed: int

    def __str__(self) -> str:
        pairs = (*self.values, ("seed", self.seed))
        return ", ".join(f"{name}={value!r}" for name, value in pairs)


@dataclass(frozen=True)
class Sweep:
    """What all trainings of a sweep share; two runs of a command are never equal."""

    build: Callable[..., Any] = field(compare=False)
    data: Callable[[], Any] = field(compare=False)
    epochs: int
    batch_size: int
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def settings(
        self, grid: dict[str, list[Any]], seeds: Sequence[int]
    ) -> list[Setting]:
        """Return all that is trained, seed by seed: the first are whole early."""
        points = itertools.product(
            *([(name, value) for value in values] for name, values in grid.items())
        )
        try:
            inspect.signature(self.build).bind(seed=0, **dict.fromkeys(grid))
        except TypeError as error:
            names = ", ".join([*grid, "seed"])
            raise ValueError(
                f"build must be a function of {names}, got {self.build.__qualname__}: "
                f"{error}"
            ) from None
        return [
            Setting(point, seed)
            for seed, point in itertools.product(seeds, list(points))
        ]


def train(sweep: Sweep, setting: Setting) -> dict[str, float]:
    """Return the loss and metrics of one model on the second part of the data."""
    try:
        (x, y), (x_test, y_test) = _parts(sweep)
        model = sweep.build(**dict(setting.values), seed=setting.seed)
        if not isinstance(model, (Model, Sequential)) or model.optimizer is None:
            raise ValueError(f"build must return a compiled model, got {shown(model)}")
        model.fit(x, y, epochs=sweep.epochs, batch_size=sweep.batch_size, verbose=0)
        measured = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    # Of the user's code, which may exit, too; which setting it was must be said.
    except (Exception, SystemExit) as error:
        raise ValueError(f"{setting}: {type(error).__name__}: {error}") from error
    return {name: float(value) for name, value in measured.items()}


@lru_cache(maxsize=1)
def _parts(sweep: Sweep) -> Any:
    """Return the data, once for each worker."""
    loaded = sweep.data()
    try:
        (x, y), (x_test, y_test) = loaded
    except (TypeError, ValueError):
        raise ValueError(
            f"data must return (x, y), (x_test, y_test), got {_kind(loaded)}"
        ) from None
    return (x, y), (x_test, y_test)


def _kind(value: Any) -> str:
    """Return what an error says of something of the wrong form."""
    if isinstance(value, (tuple, list)):
        parts = ", ".join(_kind(part) for part in value[:4])
        more = ", ..." if len(value) > 4 else ""
        return f"{type(value).__name__} of {len(value)} ({parts}{more})"
    shape = getattr(value, "shape", None)
    return type(value).__name__ + ("" if shape is None else f" of shape {shape}")


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values by name of ``name=value,value``; what is no literal is text."""
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, separator, values = text.partition("=")
        if not (name.isidentifier() and separator and values) or name == "seed":
            raise ValueError(
                "--grid must be NAME=VALUE,VALUE with a name but seed, got "
                f"{shown(text)}"
            )
        if name in grid:
            raise ValueError(f"--grid must name each setting once, got {name} twice")
        try:
            grid[name] = list(ast.literal_eval(f"({values},)"))
        except (ValueError, SyntaxError):
            grid[name] = [_value(value) for value in values.split(",")]
        texts_of = [repr(value) for value in grid[name]]
        if len(set(texts_of)) < len(texts_of):
            raise ValueError(f"--grid must hold different values, got {shown(text)}")
    return grid


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def callable_of(name: str, text: str) -> Callable[..., Any]:
    """Return the function of ``module:function``, also of the current folder."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module, _, function = text.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise ValueError(
            f"{name} must be MODULE:FUNCTION that can be imported, got {shown(text)}: "
            f"{error}"
        ) from error
    if not callable(found):
        raise ValueError(f"{name} must be a function, got {shown(found)}")
    return found  # type: ignore[no-any-return]


def ship_modules() -> None:
    """Let the modules of the current folder travel to workers that lack them."""
    try:
        import cloudpickle
    except ImportError:
        return  # it comes with distributed, which is asked for by name elsewhere
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/")
        own = file.is_relative_to(Path.cwd()) and "site-packages" not in file.parts
        if own and name.partition(".")[0] not in ("localnet", "__main__"):
            cloudpickle.register_pickle_by_value(module)
