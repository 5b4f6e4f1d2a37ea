"""
Optimizers with the arithmetic of Keras 2: they change parameters in place.

`SGD`, `RMSprop`, `Adam` and so on are the present rules of Keras, `LegacySGD` and so on
those before Keras 2.11. A legacy class has the name of the present one in Keras's
configs, and `deserialize` tells them apart as Keras does.

Imports `ops`.

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

from .. import _validate
from .._keras.names import old_names
from .._registry import Registry, custom_object_scope
from .._typing import Config
from . import legacy, schedules
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .base import Optimizer
from .legacy import (
    Legacy,
    LegacyAdadelta,
    LegacyAdagrad,
    LegacyAdam,
    LegacyAdamax,
    LegacyNadam,
    LegacyRMSprop,
    LegacySGD,
)
from .nadam import Nadam
from .rmsprop import RMSprop
from .schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Legacy",
    "LegacyAdadelta",
    "LegacyAdagrad",
    "LegacyAdam",
    "LegacyAdamax",
    "LegacyNadam",
    "LegacyRMSprop",
    "LegacySGD",
    "Nadam",
    "Optimizer",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

PRESENT: tuple[type[Optimizer], ...] = (
    SGD,
    RMSprop,
    Adam,
    AdamW,
    Adagrad,
    Adadelta,
    Adamax,
    Nadam,
)
# By the names of the present ones, which are also theirs in Keras.
LEGACY: dict[str, type[Legacy]] = {
    cls.__name__.removeprefix("Legacy"): cls
    for cls in (
        LegacySGD,
        LegacyRMSprop,
        LegacyAdam,
        LegacyAdagrad,
        LegacyAdadelta,
        LegacyAdamax,
        LegacyNadam,
    )
}


class _Optimizers(Registry[Optimizer]):
    """Names in any case, and pairs of classes that have one name in Keras."""

    def find(self, name: str) -> Callable[..., Optimizer]:
        try:
            return super().find(name)
        except ValueError:
            word = name.rpartition(">")[2].lower()
            for known, factory in self.factories.items():
                if known.lower() == word:
                    return factory
        listed = ", ".join(repr(cls.__name__) for cls in PRESENT)
        raise ValueError(
            f"{self.kind} must be one of {listed} or a legacy one, got "
            f"{_validate.shown(name)}"
        )

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
            f"{self.kind} must be a name, a config or an Optimizer, "
            f"got {_validate.shown(identifier)}"
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
        for name, cls in LEGACY.items():
            if type(instance) is cls:
                module = "keras.optimizers.legacy"
                return self.envelope(instance, module, class_name=name)
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
        A name like SGD means the legacy class if ``module`` is
        ``keras.optimizers.legacy``, and the present one if it is ``keras.optimizers``.
        Without a module, as in HDF5 files, Keras's own rule decides: arguments without
        the key ``is_legacy_optimizer`` were written by Keras 2.10 or older and mean the
        legacy class, while no arguments at all mean the present one.

        Examples
        --------
        >>> old = {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.0}}
        >>> type(deserialize(old)).__name__
        'LegacySGD'
        """
        with custom_object_scope(custom_objects):
            if isinstance(config, dict) and isinstance(config.get("class_name"), str):
                found = self.find(config["class_name"])
                legacy = LEGACY.get(found.__name__) if found in PRESENT else None
                if legacy and _means_legacy(config):
                    config = {**config, "class_name": legacy.__name__}
            return super().deserialize(config)


def _means_legacy(config: Config) -> bool:
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
    {
        **{cls.__name__: cls for cls in PRESENT},
        **{cls.__name__: cls for cls in LEGACY.values()},
        **{f"legacy.{name}": cls for name, cls in LEGACY.items()},
    },
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)

# What Keras before 2.4 called its classes, too; here the names of modules otherwise.
globals().update(
    {
        cls.__name__.lower(): cls
        for cls in (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam)
    }
)
