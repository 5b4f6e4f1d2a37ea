"""
The optimizers of Keras before 2.11: other decay, other clipping, other configs.

Keras has them in ``keras.optimizers.legacy``, under the names of the present ones.
"""

from .adam import LegacyAdam, LegacyAdamax, LegacyNadam
from .base import Legacy
from .rmsprop import LegacyAdadelta, LegacyAdagrad, LegacyRMSprop
from .sgd import LegacySGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Legacy",
    "LegacyAdadelta",
    "LegacyAdagrad",
    "LegacyAdam",
    "LegacyAdamax",
    "LegacyNadam",
    "LegacyRMSprop",
    "LegacySGD",
    "Nadam",
    "RMSprop",
]

# As Keras calls them.
SGD = LegacySGD
Adadelta = LegacyAdadelta
Adagrad = LegacyAdagrad
Adam = LegacyAdam
Adamax = LegacyAdamax
Nadam = LegacyNadam
RMSprop = LegacyRMSprop


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
