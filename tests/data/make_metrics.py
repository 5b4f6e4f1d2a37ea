"""
Run tf_keras's metric classes over a few batches and keep what they say.

    python tests/data/make_metrics.py

needs tf_keras 2.21 in the environment; it writes ``keras/metric_classes.json``. Numbers
are drawn in float32, as Keras gathers in it.
"""

import json
from pathlib import Path

import numpy as np
import tf_keras

OUT = Path(__file__).parent / "keras" / "metric_classes.json"
KINDS = {
    "one": [
        ["BinaryAccuracy", {}],
        ["BinaryAccuracy", {"threshold": 0.3}],
        ["BinaryCrossentropy", {}],
        ["BinaryCrossentropy", {"label_smoothing": 0.2}],
        ["TruePositives", {}],
        ["FalsePositives", {"thresholds": [0.25, 0.5, 0.75]}],
        ["TrueNegatives", {"thresholds": 0.4}],
        ["FalseNegatives", {}],
        ["Precision", {}],
        ["Precision", {"thresholds": [0.1, 0.5, 0.9]}],
        ["Recall", {"thresholds": 0.6}],
        ["AUC", {}],
        ["AUC", {"num_thresholds": 7}],
        ["AUC", {"curve": "PR"}],
        ["AUC", {"curve": "PR", "summation_method": "minoring", "num_thresholds": 9}],
        ["AUC", {"summation_method": "majoring", "num_thresholds": 9}],
        ["AUC", {"thresholds": [0.2, 0.7, 0.4]}],
        ["SensitivityAtSpecificity", {"specificity": 0.6}],
        ["SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 11}],
        ["PrecisionAtRecall", {"recall": 0.5}],
        ["RecallAtPrecision", {"precision": 0.6}],
    ],
    "classes": [
        ["CategoricalAccuracy", {}],
        ["TopKCategoricalAccuracy", {"k": 2}],
        ["CategoricalCrossentropy", {}],
        ["CategoricalCrossentropy", {"label_smoothing": 0.1}],
        ["KLDivergence", {}],
        ["CategoricalHinge", {}],
        ["CosineSimilarity", {}],
        ["Precision", {"top_k": 2}],
        ["Recall", {"class_id": 1}],
        ["Recall", {"top_k": 1, "class_id": 2}],
        ["AUC", {"multi_label": True, "num_thresholds": 20}],
        ["AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 0.0]}],
        ["AUC", {"multi_label": True, "curve": "PR"}],
    ],
    "labels": [
        ["SparseCategoricalAccuracy", {}],
        ["SparseTopKCategoricalAccuracy", {"k": 3}],
        ["SparseCategoricalCrossentropy", {}],
    ],
    "real": [
        ["MeanSquaredError", {}],
        ["MeanAbsoluteError", {}],
        ["MeanAbsolutePercentageError", {}],
        ["MeanSquaredLogarithmicError", {}],
        ["LogCoshError", {}],
        ["Poisson", {}],
        ["Hinge", {}],
        ["SquaredHinge", {}],
        ["Accuracy", {}],
        ["RootMeanSquaredError", {}],
    ],
}


def batches(kind: str, rng: np.random.Generator) -> list[list[np.ndarray]]:
    """Return three batches of targets, predictions and weights of samples."""
    made = []
    for n in (5, 1, 9):
        if kind == "one":
            y, p = rng.integers(0, 2, (n, 1)), rng.integers(0, 21, (n, 1)) / 20
        elif kind == "real":
            y, p = rng.integers(1, 4, (n, 2)), rng.integers(1, 4, (n, 2))
        else:
            p = rng.random((n, 4))
            p /= p.sum(axis=1, keepdims=True)
            y = rng.integers(0, 4, (n, 1))
            if kind == "classes":
                y = np.eye(4)[y[:, 0]]
        made.append([a.astype(np.float32) for a in (y, p, rng.random(n))])
    return made


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(7)
    data, answers = {}, []
    for kind, metrics in KINDS.items():
        data[kind] = [[a.tolist() for a in batch] for batch in batches(kind, rng)]
        for name, arguments in metrics:
            for weighted in (False, True):
                metric = getattr(tf_keras.metrics, name)(**arguments)
                results = []
                for y, p, w in data[kind]:
                    y, p, w = (np.array(a, np.float32) for a in (y, p, w))
                    metric.update_state(y, p, sample_weight=w if weighted else None)
                    results.append(np.asarray(metric.result(), float).tolist())
                answers.append([kind, name, arguments, weighted, metric.name, results])
    OUT.write_text(json.dumps({"data": data, "answers": answers}), encoding="utf-8")


if __name__ == "__main__":
    main()
