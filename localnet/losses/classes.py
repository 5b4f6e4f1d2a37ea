"""Keras's loss classes: the functions of this package with weights and a reduction."""

from .. import _validate
from . import crossentropy, divergence, margin, regression, robust, similarity
from ._targets import check_label_smoothing
from .base import PairLoss

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


class MeanSquaredError(PairLoss):
    """
    The loss object of `mean_squared_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MeanSquaredError()
    >>> loss([[0.0], [0.0]], np.array([[1.0], [3.0]]))
    np.float64(5.0)
    >>> loss([[0.0], [0.0]], np.array([[1.0], [3.0]]), sample_weight=[1.0, 0.0])
    np.float64(0.5)
    >>> loss.gradient([[0.0], [0.0]], np.array([[1.0], [3.0]]))
    array([[1.],
           [3.]])
    """

    pair = (
        regression.mean_squared_error_forward,
        regression.mean_squared_error_backward,
    )

    def __init__(
        self, reduction: str = "auto", name: str | None = "mean_squared_error"
    ) -> None:
        super().__init__(reduction, name)


class MeanAbsoluteError(PairLoss):
    """
    The loss object of `mean_absolute_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (
        regression.mean_absolute_error_forward,
        regression.mean_absolute_error_backward,
    )

    def __init__(
        self, reduction: str = "auto", name: str | None = "mean_absolute_error"
    ) -> None:
        super().__init__(reduction, name)


class MeanAbsolutePercentageError(PairLoss):
    """
    The loss object of `mean_absolute_percentage_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (
        regression.mean_absolute_percentage_error_forward,
        regression.mean_absolute_percentage_error_backward,
    )

    def __init__(
        self,
        reduction: str = "auto",
        name: str | None = "mean_absolute_percentage_error",
    ) -> None:
        super().__init__(reduction, name)


class MeanSquaredLogarithmicError(PairLoss):
    """
    The loss object of `mean_squared_logarithmic_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (
        regression.mean_squared_logarithmic_error_forward,
        regression.mean_squared_logarithmic_error_backward,
    )

    def __init__(
        self,
        reduction: str = "auto",
        name: str | None = "mean_squared_logarithmic_error",
    ) -> None:
        super().__init__(reduction, name)


class Huber(PairLoss):
    """
    The loss object of `huber`.

    Parameters
    ----------
    delta : float
        The difference, > 0, at which the quadratic and the linear part meet.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (robust.huber_forward, robust.huber_backward)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str = "auto",
        name: str | None = "huber_loss",
    ) -> None:
        delta = _validate.number("delta", delta, minimum=0.0, open_minimum=True)
        super().__init__(reduction, name, delta=delta)


class LogCosh(PairLoss):
    """
    The loss object of `log_cosh`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (robust.log_cosh_forward, robust.log_cosh_backward)

    def __init__(self, reduction: str = "auto", name: str | None = "log_cosh") -> None:
        super().__init__(reduction, name)


class CosineSimilarity(PairLoss):
    """
    The loss object of `cosine_similarity`.

    Parameters
    ----------
    axis : int
        The axis that holds the vectors.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-vector values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (
        similarity.cosine_similarity_forward,
        similarity.cosine_similarity_backward,
    )

    def __init__(
        self,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = "cosine_similarity",
    ) -> None:
        super().__init__(reduction, name, axis=axis)


class Hinge(PairLoss):
    """
    The loss object of `hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (margin.hinge_forward, margin.hinge_backward)

    def __init__(self, reduction: str = "auto", name: str | None = "hinge") -> None:
        super().__init__(reduction, name)


class SquaredHinge(PairLoss):
    """
    The loss object of `squared_hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (margin.squared_hinge_forward, margin.squared_hinge_backward)

    def __init__(
        self, reduction: str = "auto", name: str | None = "squared_hinge"
    ) -> None:
        super().__init__(reduction, name)


class CategoricalHinge(PairLoss):
    """
    The loss object of `categorical_hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (margin.categorical_hinge_forward, margin.categorical_hinge_backward)

    def __init__(
        self, reduction: str = "auto", name: str | None = "categorical_hinge"
    ) -> None:
        super().__init__(reduction, name)


class KLDivergence(PairLoss):
    """
    The loss object of `kl_divergence`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (divergence.kl_divergence_forward, divergence.kl_divergence_backward)

    def __init__(
        self, reduction: str = "auto", name: str | None = "kl_divergence"
    ) -> None:
        super().__init__(reduction, name)


class Poisson(PairLoss):
    """
    The loss object of `poisson`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (divergence.poisson_forward, divergence.poisson_backward)

    def __init__(self, reduction: str = "auto", name: str | None = "poisson") -> None:
        super().__init__(reduction, name)


class CategoricalCrossentropy(PairLoss):
    """
    The loss object of `categorical_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions have yet to go through a softmax.
    label_smoothing : float
        The share, from 0 to 1, of every target that is spread over all classes.
    axis : int
        The class axis.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.

    Examples
    --------
    >>> import numpy as np
    >>> loss = CategoricalCrossentropy().with_logits()
    >>> loss.gradient([[0.0, 1.0]], np.array([[0.0, 0.0]]))
    array([[ 0.5, -0.5]])
    """

    pair = (
        crossentropy.categorical_crossentropy_forward,
        crossentropy.categorical_crossentropy_backward,
    )
    logits_activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = "categorical_crossentropy",
    ) -> None:
        super().__init__(
            reduction,
            name,
            from_logits=bool(from_logits),
            label_smoothing=check_label_smoothing(label_smoothing),
            axis=axis,
        )


class SparseCategoricalCrossentropy(PairLoss):
    """
    The loss object of `sparse_categorical_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions have yet to go through a softmax.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.

    Notes
    -----
    As in Keras, only the function has an `axis`: here the classes stand last.
    """

    pair = (
        crossentropy.sparse_categorical_crossentropy_forward,
        crossentropy.sparse_categorical_crossentropy_backward,
    )
    logits_activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = "auto",
        name: str | None = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(reduction, name, from_logits=bool(from_logits))


class BinaryCrossentropy(PairLoss):
    """
    The loss object of `binary_crossentropy`.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions have yet to go through a sigmoid.
    label_smoothing : float
        The share, from 0 to 1, of every target that is replaced by 1/2.
    axis : int
        The axis to average over.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs.
    """

    pair = (
        crossentropy.binary_crossentropy_forward,
        crossentropy.binary_crossentropy_backward,
    )
    logits_activation = "sigmoid"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = "binary_crossentropy",
    ) -> None:
        super().__init__(
            reduction,
            name,
            from_logits=bool(from_logits),
            label_smoothing=check_label_smoothing(label_smoothing),
            axis=axis,
        )
