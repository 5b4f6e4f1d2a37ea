"""Write tests/data/keras/scripts.json: what tf_keras 2.21 says of small scripts.

CUDA_VISIBLE_DEVICES=-1 python make_scripts.py keras/scripts.json
"""

import json
import sys
from pathlib import Path

import numpy as np
import tf_keras as keras

keras.backend.set_floatx("float64")
K = keras.backend
rng = np.random.RandomState(0)
answers = {}


def data(*shape):
    return rng.uniform(-1, 1, shape).round(3)


def model_of(width, activation=None):
    model = keras.Sequential([keras.layers.Dense(width, activation, input_shape=(3,))])
    weights = [data(3, width), data(width)]
    model.set_weights(weights)
    return model, weights


# Targets of rank 1 beside an output of rank 2, in functions of one's own.
for width in (1, 3):
    model, weights = model_of(width)
    x, y = data(6, 3), data(6)

    def own(y_true, y_pred):
        return K.mean(K.square(y_pred - 2 * y_true), axis=-1)

    def whole(y_true, y_pred):
        return K.sum(y_pred * y_true)

    model.compile(keras.optimizers.SGD(0.1), own, metrics=[own, whole])
    before = model.evaluate(x, y, batch_size=4, verbose=0)
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    answers[f"rank 1 beside {width}"] = {
        "weights": [w.tolist() for w in weights],
        "x": x.tolist(),
        "y": y.tolist(),
        "evaluate": before,
        "history": history,
        "after": [w.tolist() for w in model.get_weights()],
    }

# Metric objects, fresh at each epoch, weighted and not.
model, weights = model_of(3, "sigmoid")
x, y, w = data(8, 3), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]], data(8) + 1
model.compile(
    keras.optimizers.SGD(0.5),
    "mse",
    metrics=[
        keras.metrics.CategoricalAccuracy(name="right"),
        keras.metrics.AUC(name="auc"),
        keras.metrics.Precision(),
        "mae",
    ],
    weighted_metrics=[keras.metrics.RootMeanSquaredError(name="rms")],
)
history = model.fit(
    x,
    y,
    sample_weight=w,
    batch_size=3,
    epochs=3,
    shuffle=False,
    verbose=0,
    validation_data=(x[:5], y[:5]),
).history
answers["metric objects"] = {
    "weights": [v.tolist() for v in weights],
    "x": x.tolist(),
    "y": y.tolist(),
    "sample_weight": w.tolist(),
    "history": history,
    "names": model.metrics_names,
}

# Layers.
a, b = data(2, 3, 4), data(2, 3, 4)
answers["layers"] = {"a": a.tolist(), "b": b.tolist(), "y": {}}
for label, layer, inputs in (
    ("Dot 1", keras.layers.Dot(1), [a, b]),
    ("Dot 2", keras.layers.Dot(2, normalize=True), [a, b]),
    ("Dot [1, 1]", keras.layers.Dot([1, 1], normalize=True), [a, b]),
    ("UnitNormalization -1", keras.layers.UnitNormalization(), a),
    ("UnitNormalization [1, 2]", keras.layers.UnitNormalization([1, 2]), a),
):
    answers["layers"]["y"][label] = np.asarray(layer(inputs)).tolist()

Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")
