"""Metrics by name: what a list of metrics, or a config, may call them."""

import difflib
from collections.abc import Callable
from typing import Any

from .. import losses
from .._registry import Registry, uncalled
from .._validate import shown
from . import areas, confusion, means, trade_offs
from .base import Mean, MeanMetric, Metric, Sum
from .functions import (
    binary_accuracy,
    categorical_accuracy,
    cosine_similarity,
    is_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)

__all__ = ["CLASSES", "FUNCTIONS", "deserialize", "get", "serialize"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **losses.FUNCTION_NAMES,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "cosine_proximity": cosine_similarity,
    "cosine_similarity": cosine_similarity,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": sparse_top_k_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
}

CLASSES: dict[str, type[Metric]] = {
    "Mean": Mean,
    "MeanMetric": MeanMetric,
    "Sum": Sum,
    **{
        name: getattr(module, name)
        for module in (areas, confusion, means, trade_offs)
        for name in module.__all__
        if isinstance(getattr(module, name), type)
    },
}


class _Metrics(Registry[Any]):
    """Names of functions, which are found but not called, and of classes."""

    def find(self, name: str) -> Callable[..., Any]:
        if is_accuracy(name):
            raise ValueError(
                "metric must be a name of its own, got "
                f"{shown(name)}: its meaning depends on the shapes, see accuracy_for"
            )
        near = difflib.get_close_matches(name.lower(), ["accuracy"], cutoff=0.8)
        try:
            return super().find(name)
        except ValueError:
            if not near:
                raise
        raise ValueError(
            f"metric must be a known name, got {shown(name)}; did you mean 'accuracy'?"
        )


_registry = _Metrics(
    "metric",
    "keras.metrics",
    {**{name: uncalled(function) for name, function in FUNCTIONS.items()}, **CLASSES},
    takes=("y_true", "y_pred"),
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize
