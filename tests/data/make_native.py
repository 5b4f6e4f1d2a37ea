"""Write a trained model with the localnet that is installed, and what it answers.

Run by every release, before it is made: ``python tests/data/make_native.py FOLDER``.
"""

import sys
from pathlib import Path

import numpy as np

import localnet
from localnet import layers, models


def model():
    """A graph with shared weights, statistics, several inputs, and a nested model."""
    image, extra = layers.Input((7, 6, 2)), layers.Input((3,))
    y = layers.LocallyConnected2D(4, (3, 2), strides=(2, 1), activation="tanh")(image)
    y = layers.BatchNormalization()(y)
    y = layers.LowRankLocallyConnected2D(3, 2, spatial_rank=2)(y)
    y = layers.Flatten()(layers.MaxPooling2D((1, 2))(y))
    small = models.Sequential([layers.Dense(5, activation="relu", input_shape=(3,))])
    y = layers.Concatenate()([y, small(extra), small(extra)])
    return models.Model([image, extra], layers.Dense(2)(y))


def data():
    rng = np.random.default_rng(2)
    x = [rng.normal(size=(9, 7, 6, 2)), rng.normal(size=(9, 3))]
    return x, rng.normal(size=(9, 2))


def main(folder):
    localnet.config.set_floatx("float64")
    made, (x, y) = model(), data()
    made.compile(localnet.optimizers.Adam(0.01), "mse")
    made.fit(x, y, epochs=2, batch_size=4, verbose=0, seed=3)
    place = Path(folder) / localnet.__version__
    made.save(f"{place}.npz")
    before = made.predict(x, verbose=0)
    made.fit(x, y, epochs=2, batch_size=4, verbose=0, seed=4)
    after = made.predict(x, verbose=0)
    np.savez(f"{place}-answers.npz", *x, y=y, before=before, after=after)


if __name__ == "__main__":
    main(sys.argv[1])
