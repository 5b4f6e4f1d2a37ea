"""
Estimators of scikit-learn around locally connected networks (extra ``sklearn``).

They take flat rows, as everything in scikit-learn does, and reshape them to
``sample_shape``. All that works on estimators works on these: pipelines, searches,
cross-validation, pickles.

Imports `models` and below.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "localnet.sklearn needs scikit-learn: pip install scikit-learn, or pip install "
        '".[sklearn]" from a checkout'
    ) from error

from ._checks import expected_failed_checks
from ._classifier import LocallyConnectedClassifier
from ._regressor import LocallyConnectedRegressor

__all__ = [
    "LocallyConnectedClassifier",
    "LocallyConnectedRegressor",
    "expected_failed_checks",
]
