"""The classes of losses that take predictions as they are: how far from the targets."""

from ... import _validate
from .. import divergence, margin, regression, robust, similarity
from ..base import PairLoss

__all__ = [
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
        self.axis = _validate.any_axis(axis)


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
