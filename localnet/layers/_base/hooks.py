"""What `Layer` does with the hooks of its subclasses: build, compute and gradients."""

import inspect
import threading
import types
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar

from ..._keras.hooks import LAYER, refuse_hooks

__all__ = ["AskedFor", "named_init", "refuse_other_hooks", "whole_build"]

# One thread builds at a time, since a forward pass builds a layer that is not built.
_building = threading.RLock()

Build = TypeVar("Build", bound=Callable[..., None])

HOOKS = (
    "build(self, input_shape), compute(self, x, *, training, rng) -> (y, cache) and "
    "gradients(self, dy, cache) -> (dx, {name: gradient})"
)


def refuse_other_hooks(cls: type) -> None:
    """Refuse a subclass that is written for localnet 0.1, or for Keras."""
    for name in ("_build", "_forward", "_backward"):
        if name in vars(cls):
            raise TypeError(f"{cls.__name__} must be written with {HOOKS}, got {name}")
    refuse_hooks(cls, LAYER, HOOKS, asked="compute")


def whole_build(build: Build) -> Build:
    """Make a `build` that adds weights one that builds a layer, or changes nothing."""

    @wraps(build)
    def whole(self: Any, input_shape: Any) -> None:
        with _building:
            if self._births is not None:  # it is called by the build of a subclass
                build(self, input_shape)
            else:
                self._build_whole(build, input_shape)

    return whole  # type: ignore[return-value]


def named_init(cls: type) -> Callable[..., None]:
    """Return an inherited `__init__` by the name of a class, for Python's messages."""
    found = (vars(base).get("__init__") for base in cls.__mro__[1:])
    init: Any = next(f for f in found if f and not hasattr(f, "is_copy"))
    if not isinstance(init, types.FunctionType):
        return init  # type: ignore[no-any-return]
    copy = types.FunctionType(
        init.__code__, init.__globals__, "__init__", init.__defaults__, init.__closure__
    )
    copy.__kwdefaults__ = init.__kwdefaults__
    copy.__annotations__ = init.__annotations__
    copy.__doc__, copy.__module__ = init.__doc__, init.__module__
    copy.__qualname__ = f"{cls.__qualname__}.__init__"
    copy.is_copy = True  # type: ignore[attr-defined]
    return copy


class AskedFor:
    """A class attribute: which of the offered keywords a hook has parameters for."""

    OFFERS: ClassVar[dict[str, tuple[str, ...]]] = {
        "compute": ("training", "rng", "workspace"),
        "gradients": ("need_dx", "workspace"),
    }

    def __init__(self, hook: str) -> None:
        self.hook = hook

    def __get__(self, layer: Any, owner: type) -> tuple[str, ...]:
        """Look when it is used first, and leave what was found in its place."""
        parameters = inspect.signature(getattr(owner, self.hook)).parameters
        # Who calls the rest of the keywords "_" does not look at them.
        takes_all = any(
            p.kind is p.VAR_KEYWORD and p.name != "_" for p in parameters.values()
        )
        offered = self.OFFERS[self.hook]
        asked = tuple(n for n in offered if takes_all or n in parameters)
        setattr(owner, f"_asked_by_{self.hook}", asked)
        return asked
