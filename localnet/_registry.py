"""
Names of objects, and their translation to and from Keras-style configs.

Each family (initializers, regularizers, ...) has one `Registry`; its module-level
``get``, ``serialize`` and ``deserialize`` are the methods of that object. Its classes
take ``get_config``, ``from_config`` and their repr from `Configurable`.
"""

import contextvars
import inspect
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar

from . import _validate
from ._typing import Config
from ._validate import shown, suggestion

__all__ = [
    "Configurable",
    "Registry",
    "custom_object",
    "custom_object_scope",
    "get_custom_objects",
    "is_custom",
    "register_keras_serializable",
    "snake_case",
    "uncalled",
]

T = TypeVar("T")

# Those of the whole process, under those of the scopes.
_everywhere: dict[str, Any] = {}
_custom_objects: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "localnet_custom_objects", default=MappingProxyType(_everywhere)
)


def get_custom_objects() -> dict[str, Any]:
    """
    Return the names that are known everywhere, for a script to add to.

    Returns
    -------
    dict
        Name as it stands in a config, and the class or function that it means.

    Examples
    --------
    >>> get_custom_objects()["largest"] = max
    >>> is_custom("largest"), get_custom_objects().pop("largest") is max
    (True, True)
    """
    return _everywhere


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any] | None) -> Iterator[None]:
    """
    Make classes and functions of your own known by name for one block of code.

    Parameters
    ----------
    custom_objects : mapping of str to object
        Name as it stands in a config, and the class or function that it means; None
        for no names.

    Yields
    ------
    None
        Names are found in this scope first, then in the scopes around it, then among
        localnet's own.

    Raises
    ------
    ValueError
        If it is no mapping, or a name no string.

    Examples
    --------
    >>> from localnet import initializers
    >>> def sevens(shape, dtype=None, *, rng=None):
    ...     return initializers.Constant(7)(shape, dtype)
    >>> with custom_object_scope({"sevens": sevens}):
    ...     initializers.get("sevens") is sevens
    True
    """
    own = _validate.named("custom_objects", custom_objects)
    token = _custom_objects.set({**_custom_objects.get(), **own})
    try:
        yield
    finally:
        _custom_objects.reset(token)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """
    Return a decorator that makes a class or function known by name for good.

    Parameters
    ----------
    package : str
        Stands before the name in files of Keras, which are read with it or without it.
    name : str, optional
        Default: that of the class or function.

    Returns
    -------
    callable
        Returns what it is given.

    Examples
    --------
    >>> @register_keras_serializable()
    ... def doubled(x):
    ...     return 2 * x
    >>> get_custom_objects().pop("doubled") is doubled
    True
    """

    def register(thing: T) -> T:
        known = name or str(getattr(thing, "__name__", type(thing).__name__))
        for key in (known, f"{package}>{known}"):
            _everywhere[key] = thing
        return thing

    return register


def is_custom(name: str) -> bool:
    """
    Return whether a name stands for something of the caller's own here.

    >>> with custom_object_scope({"mine": max}):
    ...     is_custom("mine"), is_custom("other")
    (True, False)
    """
    return name in _custom_objects.get()


def custom_object(name: str) -> Any:
    """Return what a name stands for in the caller's scope; a KeyError if nothing."""
    return _custom_objects.get()[name]


def snake_case(name: str) -> str:
    """
    Return the snake-case form that Keras gives a class name.

    >>> snake_case("GlorotUniform"), snake_case("LocallyConnected1D")
    ('glorot_uniform', 'locally_connected1d')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def uncalled(function: T) -> Callable[[], T]:
    """Return a factory that gives `function` itself, for names that mean a function."""
    return lambda: function


class Configurable:
    """
    Describe an object by the arguments of its constructor.

    A subclass keeps every positional argument in an attribute of the same name.

    Examples
    --------
    >>> class Scale(Configurable):
    ...     def __init__(self, factor=2.0):
    ...         self.factor = factor
    >>> Scale.from_config(Scale(3.0).get_config())
    Scale(factor=3.0)
    """

    def get_config(self) -> Config:
        """
        Return the arguments that make the same object again.

        Returns
        -------
        dict
            One entry per positional argument of the constructor, in its order.
        """
        arguments = inspect.signature(type(self)).parameters.values()
        return {
            argument.name: getattr(self, argument.name)
            for argument in arguments
            if argument.kind is argument.POSITIONAL_OR_KEYWORD
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """
        Make an object from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Arguments of the constructor.

        Returns
        -------
        object
            An instance of this class.
        """
        return cls(**config)

    def __repr__(self) -> str:
        arguments = (f"{k}={reprlib.repr(v)}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({', '.join(arguments)})"


class Registry(Generic[T]):
    """
    The names of one family of objects.

    Parameters
    ----------
    kind : str
        What an error calls one of them, ``"initializer"``.
    module : str
        The Keras module written into configs, ``"keras.initializers"``.
    factories : mapping of str to callable
        Every accepted name, and the class or function that makes the object.
    method : str, optional
        What every object must have beside being callable, ``"gradient"``.
    takes : tuple of str
        What every object is called with; empty if that is checked elsewhere.
    """

    def __init__(
        self,
        kind: str,
        module: str,
        factories: Mapping[str, Callable[..., T]],
        *,
        method: str | None = None,
        takes: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.module = module
        self.factories = dict(factories)
        self.method = method
        self.takes = takes

    def find(self, name: str) -> Callable[..., T]:
        """Return what `name` stands for: a custom object first, then one of ours."""
        known: dict[str, Any] = {**self.factories, **_custom_objects.get()}
        if not isinstance(name, str):
            raise ValueError(
                f"{self.kind} must be a known name, got {shown(name):.100}"
            )
        # Keras writes registered classes as "Package>Name".
        for candidate in (name, name.rpartition(">")[2]):
            if candidate in known:
                found: Callable[..., T] = known[candidate]
                return found
        raise ValueError(
            f"{self.kind} must be a known name, "
            f"got {shown(name)}{suggestion(name, known)}"
        )

    def get(self, identifier: Any) -> T | Any:
        """
        Return the object that an identifier stands for.

        Parameters
        ----------
        identifier : None, str, dict, class or callable
            ``None`` gives ``None``; a name or a class is called without arguments; a
            config is deserialized; any other callable is returned as it is.

        Returns
        -------
        object or None
            Ready to be called.

        Raises
        ------
        ValueError
            If the name is unknown, the identifier is of another type, or the object
            lacks the method that its family needs, or cannot be called as it will be.
        """
        if identifier is None:
            return None
        if isinstance(identifier, (str, dict)):
            return self.deserialize(identifier)
        if inspect.isclass(identifier):
            identifier = identifier()
        if callable(identifier):
            return self._usable(identifier)
        raise ValueError(
            f"{self.kind} must be a name, a config or a callable, "
            f"got {shown(identifier)}"
        )

    def serialize(self, instance: Any) -> Config | str | None:
        """
        Return the config that `deserialize` turns back into the object.

        Parameters
        ----------
        instance : object or None
            An object with ``get_config``, a function or a class.

        Returns
        -------
        dict, str or None
            Keras's own form for an object; the name of a function or of a class;
            ``None`` for None.

        Raises
        ------
        ValueError
            If it has neither ``get_config`` nor a name to be found by again, as a
            lambda has none.
        """
        if instance is None:
            return None
        if inspect.isclass(instance) or not hasattr(instance, "get_config"):
            name = getattr(instance, "__name__", None)
            if not (isinstance(name, str) and name.isidentifier()):
                raise ValueError(
                    f"{self.kind} must have a name or get_config to be saved, "
                    f"got {shown(instance)}"
                )
            return name
        cls = type(instance)
        if self.factories.get(cls.__name__) is cls:
            return self.envelope(instance, self.module)
        return self.envelope(instance, cls.__module__, registered_name=cls.__name__)

    @staticmethod
    def envelope(
        instance: Any,
        module: str,
        *,
        class_name: str | None = None,
        registered_name: str | None = None,
    ) -> Config:
        """
        Return the config of an object in Keras's own form, with its four keys.

        Parameters
        ----------
        instance : object
            It has ``get_config``.
        module : str
            Where Keras finds the class.
        class_name : str, optional
            What Keras calls the class, if not what we call it.
        registered_name : str, optional
            Name of a class that is not Keras's.

        Returns
        -------
        dict
            Keys ``module``, ``class_name``, ``config`` and ``registered_name``.
        """
        return {
            "module": module,
            "class_name": class_name or type(instance).__name__,
            "config": instance.get_config(),
            "registered_name": registered_name,
        }

    def deserialize(
        self,
        config: Config | str,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> T | Any:
        """
        Return the object that a config describes.

        Parameters
        ----------
        config : dict or str
            ``{"class_name": ..., "config": {...}}``, with or without Keras's newer
            keys; or a name.
        custom_objects : mapping of str to object, optional
            Names of your own, for this call.

        Returns
        -------
        object
            A function of the caller's own is returned uncalled.

        Raises
        ------
        ValueError
            If the name is unknown, the config does not fit the class, or the object
            lacks the method that its family needs.
        """
        with custom_object_scope(custom_objects):
            return self._usable(self._make(config))

    def _make(self, config: Config | str) -> T | Any:
        if isinstance(config, str):
            factory = self.find(config)
            if inspect.isclass(factory) or factory in self.factories.values():
                return factory()
            return factory
        name = config.get("class_name") if isinstance(config, dict) else None
        if not isinstance(name, str):
            raise ValueError(
                f"{self.kind} config must have a class_name, got {shown(config)}"
            )
        arguments = config.get("config", {})
        if name == "function" and isinstance(arguments, str):
            return self._make(arguments)
        factory = self.find(name)
        if not isinstance(arguments, dict):
            raise ValueError(
                f"{self.kind} config must be a dict of arguments, "
                f"got {shown(arguments)}"
            )
        try:
            if hasattr(factory, "from_config"):
                return factory.from_config(arguments)
            return factory(**arguments)
        except TypeError as error:
            hint = ""
            if is_custom(name):
                hint = f"; get_config of {name} must return what its __init__ takes"
            raise ValueError(
                f"{self.kind} config must fit {name}, got {shown(arguments)}: "
                f"{error}{hint}"
            ) from error

    def _usable(self, instance: T | Any) -> T | Any:
        if self.method and not callable(getattr(instance, self.method, None)):
            raise ValueError(
                f"{self.kind} must have a method {self.method!r}, got {shown(instance)}"
            )
        if self.takes:
            _validate.function(self.kind, instance, *self.takes)
        return instance
