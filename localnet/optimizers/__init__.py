"""
Optimizers with the arithmetic of Keras 2: they change parameters in place.

`SGD` is the present rule of Keras, `LegacySGD` the one before Keras 2.11. Both are
called SGD in Keras's configs, and `deserialize` tells them apart as Keras does.

Examples
--------
>>> w = np.array([1.0, 2.0])
>>> get("sgd").update([w], [np.array([100.0, 0.0])])
>>> w
array([0., 2.])
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .._registry import Registry, custom_object_scope
from .._typing import Config
from .base import Optimizer
from .schedules import ExponentialDecay
from .sgd import SGD, LegacySGD

__all__ = [
    "SGD",
    "ExponentialDecay",
    "LegacySGD",
    "Optimizer",
    "deserialize",
    "get",
    "serialize",
]


class _Optimizers(Registry[Optimizer]):
    """Names in any case, and two classes that Keras both calls SGD."""

    def find(self, name: str) -> Callable[..., Optimizer]:
        try:
            return super().find(name)
        except ValueError:
            word = name.rpartition(">")[2].lower()
            for known, factory in self.factories.items():
                if known.lower() == word:
                    return factory
        listed = ", ".join(repr(known) for known in self.factories)
        raise ValueError(f"{self.kind} must be one of {listed}, got {name!r}")

    def get(self, identifier: Any) -> Optimizer | Any:
        """
        Return the optimizer that an identifier stands for.

        Parameters
        ----------
        identifier : str, dict, Optimizer or subclass of it
            A name in any case, or a class, is called without arguments; a config is
            deserialized; an optimizer is returned as it is.

        Returns
        -------
        Optimizer
            Ready for `update`.

        Raises
        ------
        ValueError
            If the name is unknown or the identifier is of another type.
        """
        if isinstance(identifier, Optimizer):
            return identifier
        if isinstance(identifier, (str, dict)):
            return self.deserialize(identifier)
        if inspect.isclass(identifier) and issubclass(identifier, Optimizer):
            return identifier()
        raise ValueError(
            f"{self.kind} must be a name, a config or an Optimizer, got {identifier!r}"
        )

    def serialize(self, instance: Any) -> Config | str | None:
        """
        Return the config that `deserialize` turns back into the optimizer.

        Parameters
        ----------
        instance : Optimizer
            Its state is not part of the config.

        Returns
        -------
        dict
            Keras's own form.
        """
        if type(instance) is LegacySGD:
            return self.envelope(instance, "keras.optimizers.legacy", class_name="SGD")
        return super().serialize(instance)

    def deserialize(
        self,
        config: Config | str,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Optimizer | Any:
        """
        Return the optimizer that a config describes.

        Parameters
        ----------
        config : dict or str
            ``{"class_name": ..., "config": {...}}``, with or without Keras's newer
            keys; or a name, in any case.
        custom_objects : mapping of str to object, optional
            Names of your own, for this call.

        Returns
        -------
        Optimizer
            Before its first update.

        Raises
        ------
        ValueError
            If the name is unknown, or the config does not fit the class.

        Notes
        -----
        The name SGD means `LegacySGD` if ``module`` is ``keras.optimizers.legacy``,
        and `SGD` if it is ``keras.optimizers``. Without a module, as in HDF5 files,
        Keras's own rule decides: arguments without the key ``is_legacy_optimizer``
        were written by Keras 2.10 or older and mean `LegacySGD`, while no arguments at
        all mean `SGD`.

        Examples
        --------
        >>> old = {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.0}}
        >>> type(deserialize(old)).__name__
        'LegacySGD'
        """
        with custom_object_scope(custom_objects or {}):
            if isinstance(config, dict) and self._means_legacy(config):
                config = {**config, "class_name": "LegacySGD"}
            return super().deserialize(config)

    def _means_legacy(self, config: Config) -> bool:
        name = config.get("class_name")
        if not isinstance(name, str) or self.find(name) is not SGD:
            return False
        path = str(config.get("module")).split(".")
        if "optimizers" in path:
            return "legacy" in path
        arguments = config.get("config")
        if not isinstance(arguments, dict) or not arguments:
            return False
        return bool(arguments.get("is_legacy_optimizer", True))


_registry = _Optimizers(
    "optimizer",
    "keras.optimizers",
    {"SGD": SGD, "LegacySGD": LegacySGD, "legacy.SGD": LegacySGD},
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize
