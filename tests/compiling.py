"""
What `compile` decides for the steps after it, in short trainings.

Each function trains models of the package it is given, Keras or localnet, and returns
what their weights are at the end.
"""

import numpy as np

__all__ = ["SCENES"]

X = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)


def two_dense(k, *between):
    layers = [k.layers.Dense(3, activation="tanh", name="a"), *between]
    model = k.Sequential([*layers, k.layers.Dense(2, name="b")])
    model.build((None, 4))
    return start(model)


def start(model):
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model


def sgd(k):
    return k.optimizers.SGD(0.1, momentum=0.5)


def frozen_after_compile(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.layers[0].trainable = False
    model.train_on_batch(X, Y)
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


def frozen_between_steps(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    model.trainable = False
    model.train_on_batch(X, Y)
    return model.get_weights()


def thawed_after_compile(k):
    model = two_dense(k)
    model.layers[0].trainable = False
    model.compile(sgd(k), "mse")
    model.layers[0].trainable = True
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


def compiled_again(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    model.layers[0].trainable = False
    model.compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    return model.get_weights()


def adversaries(k):
    judge = k.Sequential([k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
    judge.build((None, 2))
    start(judge).compile(sgd(k), "mse")
    judge.trainable = False
    maker = k.Sequential([k.layers.Dense(2)])
    maker.build((None, 4))
    noise = k.Input((4,))
    both = k.Model(noise, judge(start(maker)(noise)))
    both.compile(sgd(k), "mse")
    for _ in range(3):
        judge.train_on_batch(Y, np.ones((8, 1)))
        both.train_on_batch(X, np.zeros((8, 1)))
    return [*judge.get_weights(), *maker.get_weights()]


def added_before_the_first_step(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.add(k.layers.Dense(2, name="c"))
    start(model).train_on_batch(X, Y)
    return model.get_weights()


def added_after_the_first_step(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    model.add(k.layers.Dense(2, name="c"))
    start(model).train_on_batch(X, Y)
    # Of the others Keras knows what they were wired to in its first step.
    return model.layers[-1].get_weights()


def added_and_compiled_again(k):
    model = two_dense(k)
    model.compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    model.add(k.layers.Dense(2, name="c"))
    start(model).compile(sgd(k), "mse")
    model.train_on_batch(X, Y)
    return model.get_weights()


def statistics_of_a_layer_frozen_after_compile(k):
    model = two_dense(k, k.layers.BatchNormalization(momentum=0.5))
    model.compile(sgd(k), "mse")
    model.layers[1].trainable = False
    model.train_on_batch(X, Y)
    return model.get_weights()


def statistics_of_a_layer_thawed_after_compile(k):
    model = two_dense(k, k.layers.BatchNormalization(momentum=0.5))
    model.layers[1].trainable = False
    model.compile(sgd(k), "mse")
    model.layers[1].trainable = True
    model.train_on_batch(X, Y)
    return model.get_weights()


def frozen_within_a_model(k):
    inner = k.Sequential([k.layers.Dense(4, activation="tanh", input_shape=(4,))])
    model = k.Sequential([inner, k.layers.Dense(2)])
    model.build((None, 4))
    start(model).compile(sgd(k), "mse")
    inner.layers[0].trainable = False
    model.train_on_batch(X, Y)
    return model.get_weights()


def a_shared_layer_at_two_outputs(k):
    a, b = k.Input((4,)), k.Input((4,))
    shared = k.layers.BatchNormalization(momentum=0.5)
    model = k.Model([a, b], [shared(a), shared(b)])
    start(model).compile(sgd(k), "mse")
    model.train_on_batch([X, X[::-1] * 3 + 1], [X, X])
    return model.get_weights()


def a_shared_layer_in_branches(k):
    a, b = k.Input((4,)), k.Input((4,))
    shared = k.layers.BatchNormalization(momentum=0.5)
    last = k.layers.Dense(4, use_bias=False)
    outputs = [last(shared(b)), shared(last(a)), shared(a)]
    model = k.Model([a, b], [*outputs, k.layers.add([outputs[0], shared(b)])])
    start(model).compile(sgd(k), "mse")
    model.train_on_batch([X, X[::-1] * 3 + 1], [X] * 4)
    return model.get_weights()


def a_shared_layer_in_a_shared_model(k):
    shared = k.layers.BatchNormalization(momentum=0.5, input_shape=(4,))
    inner = k.Sequential([shared, k.layers.Dense(4)])
    a, b = k.Input((4,)), k.Input((4,))
    model = k.Model([a, b], [inner(a), shared(inner(b)), inner(inner(a))])
    start(model).compile(sgd(k), "mse")
    model.train_on_batch([X, X[::-1] * 3 + 1], [X] * 3)
    return model.get_weights()


def one_legacy_optimizer_in_two_models(k, optimizer):
    one, other = two_dense(k), two_dense(k)
    for model in (one, other):
        model.compile(optimizer, "mse")
    for model in (one, other, other, one):
        model.train_on_batch(X, Y)
    return [*one.get_weights(), *other.get_weights()]


def one_legacy_adam_in_two_models(k):
    return one_legacy_optimizer_in_two_models(k, k.optimizers.legacy.Adam(0.1))


def one_legacy_sgd_in_two_models(k):
    optimizer = k.optimizers.legacy.SGD(0.1, momentum=0.5, decay=0.5)
    return one_legacy_optimizer_in_two_models(k, optimizer)


def crossentropies_that_read_logits(k):
    """Metrics and losses of one's own, matched with the activation and not."""
    K, losses = k.backend, k.losses
    own = getattr(losses, "Differentiated", lambda function: function)
    labels = np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0, 2, 2, 0]]

    def dice(t, p):
        overlap = 2 * K.sum(t * p) / (K.sum(t) + K.sum(p) + 1)
        return losses.binary_crossentropy(t, p) - overlap

    def of_an_object(t, p):
        return losses.BinaryCrossentropy()(t, p)

    def of_the_backend(t, p):
        return K.categorical_crossentropy(t, p)

    def of_a_part(t, p):
        return K.categorical_crossentropy(t, K.clip(p, 0.01, 1.0))

    found = []
    for activation, scale, loss in (
        ("softmax", 1.0, "mse"),
        ("sigmoid", 1.0, "mse"),
        ("softmax", 1.0, own(dice)),
        ("sigmoid", 1.0, own(dice)),
        ("softmax", 1.0, own(of_an_object)),
        ("sigmoid", 1.0, own(of_the_backend)),
        ("softmax", 30.0, own(of_the_backend)),
        ("softmax", 1.0, own(of_a_part)),
        ("tanh", 1.0, own(dice)),
    ):
        model = k.Sequential([k.layers.Dense(3, activation=activation)])
        model.build((None, 4))
        start(model)
        model.set_weights([scale * w for w in model.get_weights()])
        metrics = ["binary_crossentropy", k.metrics.CategoricalCrossentropy(), dice]
        model.compile(k.optimizers.SGD(0.1), loss, metrics=metrics)
        history = model.fit(X, labels, 4, 2, verbose=0, shuffle=False).history
        logs = [np.array(history[name]) for name in ("loss", "binary_crossentropy")]
        logs += [np.array(values) for values in list(history.values())[2:]]
        found += [*model.get_weights(), *logs]
    return found


SCENES = {
    scene.__name__: scene
    for scene in (
        frozen_after_compile,
        frozen_between_steps,
        thawed_after_compile,
        compiled_again,
        adversaries,
        added_before_the_first_step,
        added_after_the_first_step,
        added_and_compiled_again,
        statistics_of_a_layer_frozen_after_compile,
        statistics_of_a_layer_thawed_after_compile,
        frozen_within_a_model,
        a_shared_layer_at_two_outputs,
        a_shared_layer_in_branches,
        a_shared_layer_in_a_shared_model,
        one_legacy_adam_in_two_models,
        one_legacy_sgd_in_two_models,
        crossentropies_that_read_logits,
    )
}
