"""
Make the numbers and files of models at each step of time, by a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_steps.py NEW_FOLDER

It writes what ``make_functional.py`` writes of its models, for two more. Around a
model, Keras runs steps one after the other where it knows the size of a batch, and the
first one twice; where it does not, it runs all steps as one batch, twice, to ask for
masks the second time. Moving statistics and penalties on outputs see that. Here it runs
them as one batch, once, as it does around layers, and as localnet does.
"""

import sys
import warnings
from pathlib import Path

from make_functional import keras, kl, make


def all_at_once(model, name):
    steps = kl.TimeDistributed(model, name=name)
    steps._always_use_reshape = True
    model.compute_mask = lambda inputs, mask=None: None
    return steps


def each_step():
    """A chain with moving statistics in its middle, partly frozen, and one within."""
    low = keras.Sequential(
        [
            kl.LocallyConnected1D(
                2, 2, implementation=3, input_shape=(5, 2), name="low"
            ),
            kl.BatchNormalization(momentum=0.5, epsilon=2**-10, name="norm"),
            kl.Dense(2, activation="tanh", trainable=False, name="frozen"),
            kl.Flatten(name="flat"),
            kl.Dense(3, name="high"),
        ],
        name="chain",
    )
    a = keras.Input((3, 5, 2), name="a")
    steps = all_at_once(low, "steps")(a)
    inner = keras.Input((3, 4, 1), name="inner")
    local = kl.LocallyConnected1D(2, 3, activation="tanh", name="local")
    fold = kl.TimeDistributed(local, name="each")(inner)
    end = kl.Dense(2, name="row")(kl.Flatten(name="flat")(fold))
    within = keras.Model(inner, end, name="within")
    b = keras.Input((2, 3, 4, 1), name="b")
    outer = all_at_once(within, "outer")(b)
    both = [kl.Flatten(name="flat_a")(steps), kl.Flatten(name="flat_b")(outer)]
    last = kl.Dense(2, name="last")(kl.Concatenate(name="both")(both))
    model = keras.Model([a, b], last, name="each_step")
    model.compile(keras.optimizers.SGD(2**-7, momentum=0.5), "mse", ["mae"])
    return model


def two_steps():
    """A graph of two inputs, called twice, with penalties, that ends in a softmax."""
    a, b = keras.Input((4, 1), name="a"), keras.Input((3,), name="b")
    local = kl.LocallyConnected1D(
        2,
        2,
        name="local",
        kernel_regularizer=keras.regularizers.L2(0.0625),
        activity_regularizer=keras.regularizers.L2(0.125),
    )(a)
    flat = kl.Flatten(name="flat")(local)
    both = kl.Concatenate(name="both")([b, flat])
    inner = keras.Model(
        [a, b], kl.Dense(3, activation="softmax", name="end")(both), name="inner"
    )
    steps = all_at_once(inner, "steps")
    left, right = keras.Input((2, 4, 1), name="left"), keras.Input((2, 3), name="right")
    once = steps([left, right])
    end = kl.Multiply(name="product")([once, steps([left, once])])
    model = keras.Model([left, right], [end, once], name="two_steps")
    model.compile(keras.optimizers.SGD(2**-6), ["mse", "categorical_crossentropy"])
    return model


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    keras.backend.set_floatx("float64")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for build in (each_step, two_steps):
        make(build, folder)
