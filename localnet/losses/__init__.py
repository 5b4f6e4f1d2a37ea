"""
Losses, with the names, signatures and arithmetic of Keras 2.

Each comes as a function ``<l>(y_true, y_pred)`` that gives one value per sample, as a
pair ``<l>_forward`` and ``<l>_backward`` of `PAIRS`, and as a class that adds sample
weights and a reduction. The order of arguments is Keras's: targets first. A cache
refers to them and is valid until they are written to; gradients have the dtype of
`y_pred`.

Imports `ops`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from .._keras.names import old_names
from .._registry import Registry, uncalled
from .._typing import Array, Config, Pair
from . import (
    classes,
    crossentropy,
    divergence,
    focal,
    margin,
    regression,
    robust,
    similarity,
    sparse,
)
from .base import FunctionLoss, Loss, PairLoss
from .classes import *
from .crossentropy import *
from .differentiated import Differentiated
from .divergence import *
from .focal import *
from .margin import *
from .regression import *
from .robust import *
from .similarity import *
from .sparse import *

__all__ = [
    "PAIRS",
    "Differentiated",
    "FunctionLoss",
    "Loss",
    "as_loss",
    "bce",
    "deserialize",
    "get",
    "kld",
    "mae",
    "mape",
    "mse",
    "msle",
    "serialize",
]
__all__ += classes.__all__
__all__ += crossentropy.__all__
__all__ += divergence.__all__
__all__ += focal.__all__
__all__ += margin.__all__
__all__ += regression.__all__
__all__ += robust.__all__
__all__ += similarity.__all__
__all__ += sparse.__all__

LossFunction: TypeAlias = Callable[..., Array]

_FUNCTIONS: dict[LossFunction, type[PairLoss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    huber: Huber,
    log_cosh: LogCosh,
    cosine_similarity: CosineSimilarity,
    hinge: Hinge,
    squared_hinge: SquaredHinge,
    categorical_hinge: CategoricalHinge,
    kl_divergence: KLDivergence,
    poisson: Poisson,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    binary_crossentropy: BinaryCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
}

PAIRS: dict[str, Pair] = {
    function.__name__: cls.pair for function, cls in _FUNCTIONS.items()
}

# The short names of Keras.
bce = binary_crossentropy
kld = kl_divergence
mae = mean_absolute_error
mape = mean_absolute_percentage_error
mse = mean_squared_error
msle = mean_squared_logarithmic_error

# What a name stands for: the functions by their own names and by Keras's short ones.
FUNCTION_NAMES: dict[str, LossFunction] = {
    **{function.__name__: function for function in _FUNCTIONS},
    "mse": mean_squared_error,
    "MSE": mean_squared_error,
    "mae": mean_absolute_error,
    "MAE": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "MAPE": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error,
    "MSLE": mean_squared_logarithmic_error,
    "bce": binary_crossentropy,
    "BCE": binary_crossentropy,
    "kld": kl_divergence,
    "KLD": kl_divergence,
    "kullback_leibler_divergence": kl_divergence,
    "logcosh": log_cosh,
    "huber_loss": huber,
    "cosine_proximity": cosine_similarity,
}


_registry: Registry[Loss | LossFunction] = Registry(
    "loss",
    "keras.losses",
    {
        **{name: uncalled(function) for name, function in FUNCTION_NAMES.items()},
        **{cls.__name__: cls for cls in _FUNCTIONS.values()},
    },
    takes=("y_true", "y_pred"),
)
get = _registry.get
deserialize = _registry.deserialize


def serialize(loss: Any) -> Config | str | None:
    """
    Return the config that `deserialize` turns back into the loss.

    Parameters
    ----------
    loss : Loss, callable or None
        A callable that `as_loss` wrapped is stored as the callable.

    Returns
    -------
    dict, str or None
        Keras's own form for an object; the name of a function; ``None`` for None.

    Examples
    --------
    >>> serialize(mean_squared_error)
    'mean_squared_error'
    >>> serialize(Huber(0.5))["config"]
    {'delta': 0.5, 'reduction': 'auto', 'name': 'huber_loss'}
    """
    return _registry.serialize(
        loss.function if isinstance(loss, (FunctionLoss, Differentiated)) else loss
    )


def as_loss(identifier: Any) -> Loss:
    """
    Return the loss object that an identifier stands for.

    Parameters
    ----------
    identifier : str, dict, class, callable or Loss
        What `get` accepts. One of this package's functions becomes an object of its
        class; any other callable needs a method ``gradient``, see `FunctionLoss`.

    Returns
    -------
    Loss
        With the reduction ``"auto"``, unless the identifier is an object or a config.

    Raises
    ------
    ValueError
        If the name is unknown, or a callable has no gradient.

    See Also
    --------
    get : The same, without the change of a function into an object.

    Examples
    --------
    >>> as_loss("mse").get_config()
    {'reduction': 'auto', 'name': 'mean_squared_error'}
    """
    loss = get(identifier)
    if isinstance(loss, Loss):
        return loss
    for function, cls in _FUNCTIONS.items():
        if loss is function:
            return cls()
    return FunctionLoss(loss)


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
