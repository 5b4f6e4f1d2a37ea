"""
Make ``old-model.h5`` with a real tf_keras, and ``old-model.npz`` with what it computes.

They were made once, where tensorflow and tf_keras are installed::

    python notebooks/data/make_old_model.py NEW_FOLDER
"""

import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras
from tf_keras import layers as kl

from localnet.datasets import load_digits

keras.utils.set_random_seed(2017)
model = keras.Sequential(
    [
        kl.LocallyConnected2D(
            6, (3, 3), activation="relu", input_shape=(8, 8, 1), name="local_1"
        ),
        kl.LocallyConnected2D(
            8, (3, 3), strides=(2, 2), activation="relu", name="local_2"
        ),
        kl.Flatten(name="flatten_1"),
        kl.Dense(10, activation="softmax", name="dense_1"),
    ]
)
model.compile(
    keras.optimizers.legacy.SGD(0.05, momentum=0.9),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
(x, y), (x_test, y_test) = load_digits("writers")
x, x_test = (images[..., None].astype("float32") / 16 for images in (x, x_test))
model.fit(x[:300], y[:300], epochs=25, batch_size=32, verbose=0)
folder = Path(sys.argv[1])
model.save(folder / "old-model.h5")
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
np.savez_compressed(
    folder / "old-model.npz",
    predictions=model.predict(x_test, verbose=0),
    loss=np.float64(loss),
    accuracy=np.float64(accuracy),
    version=keras.__version__,
)
print(loss, accuracy, keras.__version__)
