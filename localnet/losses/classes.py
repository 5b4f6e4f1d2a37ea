"""Keras's loss classes: the functions of this package with weights and a reduction."""

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Config
from . import (
    crossentropy,
    divergence,
    focal,
    margin,
    regression,
    robust,
    similarity,
)
from .base import PairLoss
from .targets import check_label_smoothing

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
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
        Name in configs; by default ``"mean_squared_error"``.

    Examples
    --------
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
    default_name = "mean_squared_error"


class MeanAbsoluteError(PairLoss):
    """
    The loss object of `mean_absolute_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"mean_absolute_error"``.
    """

    pair = (
        regression.mean_absolute_error_forward,
        regression.mean_absolute_error_backward,
    )
    default_name = "mean_absolute_error"


class MeanAbsolutePercentageError(PairLoss):
    """
    The loss object of `mean_absolute_percentage_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"mean_absolute_percentage_error"``.
    """

    pair = (
        regression.mean_absolute_percentage_error_forward,
        regression.mean_absolute_percentage_error_backward,
    )
    default_name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(PairLoss):
    """
    The loss object of `mean_squared_logarithmic_error`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"mean_squared_logarithmic_error"``.
    """

    pair = (
        regression.mean_squared_logarithmic_error_forward,
        regression.mean_squared_logarithmic_error_backward,
    )
    default_name = "mean_squared_logarithmic_error"


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
        Name in configs; by default ``"huber_loss"``.
    """

    pair = (robust.huber_forward, robust.huber_backward)
    default_name = "huber_loss"

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.delta = _validate.number("delta", delta, minimum=0.0, open_minimum=True)


class LogCosh(PairLoss):
    """
    The loss object of `log_cosh`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"log_cosh"``.
    """

    pair = (robust.log_cosh_forward, robust.log_cosh_backward)
    default_name = "log_cosh"


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
        Name in configs; by default ``"cosine_similarity"``.
    """

    pair = (
        similarity.cosine_similarity_forward,
        similarity.cosine_similarity_backward,
    )
    default_name = "cosine_similarity"

    def __init__(
        self,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.axis = axis


class Hinge(PairLoss):
    """
    The loss object of `hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"hinge"``.
    """

    pair = (margin.hinge_forward, margin.hinge_backward)
    default_name = "hinge"


class SquaredHinge(PairLoss):
    """
    The loss object of `squared_hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"squared_hinge"``.
    """

    pair = (margin.squared_hinge_forward, margin.squared_hinge_backward)
    default_name = "squared_hinge"


class CategoricalHinge(PairLoss):
    """
    The loss object of `categorical_hinge`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"categorical_hinge"``.
    """

    pair = (margin.categorical_hinge_forward, margin.categorical_hinge_backward)
    default_name = "categorical_hinge"


class KLDivergence(PairLoss):
    """
    The loss object of `kl_divergence`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"kl_divergence"``.
    """

    pair = (divergence.kl_divergence_forward, divergence.kl_divergence_backward)
    default_name = "kl_divergence"


class Poisson(PairLoss):
    """
    The loss object of `poisson`.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"poisson"``.
    """

    pair = (divergence.poisson_forward, divergence.poisson_backward)
    default_name = "poisson"


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
        Name in configs; by default ``"categorical_crossentropy"``.

    Examples
    --------
    >>> loss = CategoricalCrossentropy().with_logits()
    >>> loss.gradient([[0.0, 1.0]], np.array([[0.0, 0.0]]))
    array([[ 0.5, -0.5]])
    """

    pair = (
        crossentropy.categorical_crossentropy_forward,
        crossentropy.categorical_crossentropy_backward,
    )
    default_name = "categorical_crossentropy"
    logits_activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = axis


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
        Name in configs; by default ``"sparse_categorical_crossentropy"``.
    ignore_class : int, optional
        A label, of a class or of none, such as -1 or 255, that does not count: a mean
        is over the other samples. Keras has it as its second argument.

    Notes
    -----
    As in Keras, only the function has an `axis`: here the classes stand last. Where no
    sample counts the mean is 0; Keras gives NaN.
    """

    pair = (
        crossentropy.sparse_categorical_crossentropy_forward,
        crossentropy.sparse_categorical_crossentropy_backward,
    )
    default_name = "sparse_categorical_crossentropy"
    logits_activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = "auto",
        name: str | None = None,
        *,
        ignore_class: int | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = _validate.flag("from_logits", from_logits)
        crossentropy.counted_labels(0, ignore_class)  # refuses what is no label
        self.ignore_class = ignore_class

    def get_config(self) -> Config:
        """Return the arguments; `ignore_class` if there is one."""
        ignored = {"ignore_class": self.ignore_class}
        return super().get_config() | (ignored if self.ignore_class is not None else {})

    def _weights(
        self, y_true: ArrayLike, values: Array, sample_weight: ArrayLike | None
    ) -> Array:
        weights = super()._weights(y_true, values, sample_weight)
        counted = crossentropy.counted_labels(y_true, self.ignore_class)
        if counted is None:
            return weights
        # As in Keras, a mean is over those that count.
        share = counted.size / max(1, counted.sum()) if self._is_mean else 1
        counts: Array = (counted.reshape(values.shape) * share).astype(values.dtype)
        return weights * counts


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
        Name in configs; by default ``"binary_crossentropy"``.
    """

    pair = (
        crossentropy.binary_crossentropy_forward,
        crossentropy.binary_crossentropy_backward,
    )
    default_name = "binary_crossentropy"
    logits_activation = "sigmoid"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = axis


class CategoricalFocalCrossentropy(PairLoss):
    """
    The loss object of `categorical_focal_crossentropy`.

    Parameters
    ----------
    alpha : float or sequence of float
        Weight of all classes, or of each.
    gamma : float
        The power of the error, not negative.
    from_logits : bool
        Whether the predictions have yet to go through a softmax.
    label_smoothing : float
        The share, from 0 to 1, of every target that is spread over all classes.
    axis : int
        The class axis.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"categorical_focal_crossentropy"``.
    """

    pair = (
        focal.categorical_focal_crossentropy_forward,
        focal.categorical_focal_crossentropy_backward,
    )
    default_name = "categorical_focal_crossentropy"
    logits_activation = "softmax"

    def __init__(
        self,
        alpha: focal.Alpha = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        _arrays.real_numbers("alpha", alpha)
        self.alpha = alpha
        self.gamma = _validate.number("gamma", gamma, minimum=0.0)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = axis


class BinaryFocalCrossentropy(PairLoss):
    """
    The loss object of `binary_focal_crossentropy`.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether `alpha` weighs the two classes.
    alpha : float
        Weight of class 1, from 0 to 1.
    gamma : float
        The power of the error, not negative.
    from_logits : bool
        Whether the predictions have yet to go through a sigmoid.
    label_smoothing : float
        The share, from 0 to 1, of every target that is replaced by 1/2.
    axis : int
        The axis to average over.
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        What becomes of the per-sample values, see `Loss`.
    name : str, optional
        Name in configs; by default ``"binary_focal_crossentropy"``.
    """

    pair = (
        focal.binary_focal_crossentropy_forward,
        focal.binary_focal_crossentropy_backward,
    )
    default_name = "binary_focal_crossentropy"
    logits_activation = "sigmoid"

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.apply_class_balancing = _validate.flag(
            "apply_class_balancing", apply_class_balancing
        )
        self.alpha = _validate.number("alpha", alpha, minimum=0.0, maximum=1.0)
        self.gamma = _validate.number("gamma", gamma, minimum=0.0)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = axis
