"""
Learning rates that depend on the number of updates made so far.

Any function from that number to a learning rate is a schedule; those with Keras's names
and arithmetic are here, and can be saved.

Examples
--------
>>> schedule = PolynomialDecay(1.0, decay_steps=2, end_learning_rate=0.0)
>>> deserialize(serialize(schedule))(1)
0.5
"""

from ..._keras.names import old_names
from ..._registry import Registry
from .base import Schedule
from .cosine import CosineDecay, CosineDecayRestarts
from .piecewise import PiecewiseConstantDecay
from .polynomial import PolynomialDecay
from .timed import ExponentialDecay, InverseTimeDecay

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "deserialize",
    "serialize",
]

_registry: Registry[Schedule] = Registry(
    "learning rate schedule",
    "keras.optimizers.schedules",
    {
        schedule.__name__: schedule
        for schedule in (
            CosineDecay,
            CosineDecayRestarts,
            ExponentialDecay,
            InverseTimeDecay,
            PiecewiseConstantDecay,
            PolynomialDecay,
        )
    },
)
serialize = _registry.serialize
deserialize = _registry.deserialize


__getattr__ = old_names(__name__)


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
