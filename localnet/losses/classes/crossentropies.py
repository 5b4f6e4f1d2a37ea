"""The classes of crossentropies, which may take logits instead of probabilities."""

from ... import _validate
from ..._typing import Array, ArrayLike, Config
from .. import crossentropy, focal, sparse
from ..base import PairLoss
from ..targets import check_label_smoothing

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
]


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
        self.axis = _validate.any_axis(axis)


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
        sparse.sparse_categorical_crossentropy_forward,
        sparse.sparse_categorical_crossentropy_backward,
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
        sparse.counted_labels(0, ignore_class)  # refuses what is no label
        self.ignore_class = ignore_class

    def get_config(self) -> Config:
        """Return the arguments; `ignore_class` if there is one."""
        ignored = {"ignore_class": self.ignore_class}
        return super().get_config() | (ignored if self.ignore_class is not None else {})

    def _weights(
        self, y_true: ArrayLike, values: Array, sample_weight: ArrayLike | None
    ) -> Array:
        weights = super()._weights(y_true, values, sample_weight)
        counted = sparse.counted_labels(y_true, self.ignore_class)
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
        self.axis = _validate.any_axis(axis)


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
        focal.check_alpha(alpha)
        self.alpha = alpha
        self.gamma = _validate.number("gamma", gamma, minimum=0.0)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = check_label_smoothing(label_smoothing)
        self.axis = _validate.any_axis(axis)


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
        self.axis = _validate.any_axis(axis)
