"""What of scikit-learn's contract cannot be kept."""

from typing import Any

__all__ = ["expected_failed_checks"]

_WHY = (
    "a sample of weight 2 stands once in an epoch, a repeated one in two of its "
    "mini-batches"
)


def expected_failed_checks(estimator: Any) -> dict[str, str]:
    """
    Return the checks of scikit-learn that an estimator of localnet cannot pass.

    Parameters
    ----------
    estimator : LocallyConnectedClassifier or LocallyConnectedRegressor
        With default arguments, for which this is promised; the same for both.

    Returns
    -------
    dict of str to str
        The name of a check, and why; for the argument ``expected_failed_checks`` of
        ``check_estimator`` and ``parametrize_with_checks``.

    Examples
    --------
    >>> from sklearn.utils.estimator_checks import estimator_checks_generator
    >>> from localnet.sklearn import LocallyConnectedRegressor
    >>> failing = expected_failed_checks(LocallyConnectedRegressor())
    >>> [name.removeprefix("check_") for name in failing]
    ['sample_weight_equivalence_on_dense_data']
    """
    return {"check_sample_weight_equivalence_on_dense_data": _WHY}
