"""
From data and a loss to better weights.

What is named here are the methods of a model that train, measure and predict.
"""

from .evaluate import evaluate, predict
from .fit import fit
from .fit_scipy import fit_scipy
from .one_batch import (
    loss_and_gradients,
    predict_on_batch,
    test_on_batch,
    train_on_batch,
)
from .trainer import compile

__all__ = [
    "compile",
    "evaluate",
    "fit",
    "fit_scipy",
    "loss_and_gradients",
    "predict",
    "predict_on_batch",
    "test_on_batch",
    "train_on_batch",
]
