"""Scripts of Keras 2 run as typed: old names, own functions, logs, ways out."""

import copy
import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
from localnet.utils.layer_utils import count_params
from raising import refuses
from reference import ROOT

import localnet
from localnet import (
    Input,
    Model,
    Sequential,
    layers,
    load_model,
    losses,
    metrics,
    regularizers,
)
from localnet import backend as K
from localnet.callbacks import (
    Callback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from localnet.gradcheck import check_layer
from localnet.models import clone_model, save_model
from localnet.optimizers import SGD, Adam, LegacySGD, Optimizer

RECORDED = json.loads((ROOT / "scripts.json").read_text())
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 1))
pytestmark = pytest.mark.usefixtures("in_float64")


def small(units=1, **arguments):
    model = Sequential([layers.Dense(units, input_shape=(3,), **arguments)], seed=0)
    model.compile("sgd", "mse")
    return model


# Numbers of tf_keras --------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 3])
def test_targets_of_rank_1_reach_own_functions_as_columns(width):
    case = RECORDED[f"rank 1 beside {width}"]
    x, y = np.array(case["x"]), np.array(case["y"])

    def own(y_true, y_pred):
        return K.mean(K.square(y_pred - 2 * y_true), axis=-1)

    def whole(y_true, y_pred):
        return K.sum(y_pred * y_true)

    own.gradient = lambda y_true, y_pred: 2 * (y_pred - 2 * y_true) / width
    for loss in (own, losses.Differentiated(own)):
        model = small(width)
        model.set_weights(case["weights"])
        model.compile(SGD(0.1), loss, metrics=[own, whole])
        found = model.evaluate(x, y, batch_size=4, verbose=0)
        np.testing.assert_allclose(found, case["evaluate"], rtol=1e-12)
        log = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        for name, values in case["history"].items():
            np.testing.assert_allclose(log.history[name], values, rtol=1e-8)
        for weight, after in zip(model.get_weights(), case["after"], strict=True):
            np.testing.assert_allclose(weight, after, rtol=1e-8)


def test_metric_objects_in_fit():
    case = RECORDED["metric objects"]
    x, y, w = (np.array(case[name]) for name in ("x", "y", "sample_weight"))
    model = small(3, activation="sigmoid")
    model.set_weights(case["weights"])
    model.compile(
        SGD(0.5),
        "mse",
        metrics=[
            metrics.CategoricalAccuracy(name="right"),
            metrics.AUC(name="auc"),
            metrics.Precision(),
            "mae",
        ],
        weighted_metrics=[metrics.RootMeanSquaredError(name="rms")],
    )
    assert model.metrics_names == case["names"]
    log = model.fit(
        x,
        y,
        sample_weight=w,
        batch_size=3,
        epochs=3,
        shuffle=False,
        verbose=0,
        validation_data=(x[:5], y[:5]),
    )
    assert list(log.history) == list(case["history"])
    for name, values in case["history"].items():
        np.testing.assert_allclose(log.history[name], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("label", RECORDED["layers"]["y"])
def test_layers_as_keras(label):
    a, b = (np.array(RECORDED["layers"][name]) for name in "ab")
    name, _, argument = label.partition(" ")
    value = json.loads(argument)
    if name == "Dot":
        layer = layers.Dot(value, normalize=label != "Dot 1")
        x = [a, b]
    else:
        layer, x = layers.UnitNormalization(value), a
    np.testing.assert_allclose(layer(x), RECORDED["layers"]["y"][label], rtol=1e-12)
    assert check_layer(type(layer).from_config(layer.get_config()), x).passed


# Metric objects and files ---------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
def test_metric_objects_come_back_from_files(suffix, tmp_path):
    model = small(2, activation="sigmoid")
    y = np.eye(2)[[0, 1] * 4]
    given = [metrics.AUC(name="area"), metrics.Recall(), "mae"]
    model.compile("sgd", "mse", metrics=given)
    model.fit(X, y, verbose=0)
    again = load_model(model.save(tmp_path / f"m{suffix}"))
    assert again.metrics_names == ["loss", "area", "recall", "mae"]
    found, wanted = (m.evaluate(X, y, verbose=0) for m in (again, model))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert model.metrics[1:3] == given[:2]
    assert [metric.name for metric in model.metrics] == model.metrics_names


def test_h5_names_metrics_as_keras_does(tmp_path):
    h5py = pytest.importorskip("h5py")
    i = Input((3,))
    outputs = [layers.Dense(1, name=name)(i) for name in "ab"]
    model = Model(i, outputs)
    model.compile("sgd", "mse", metrics=["mae"])
    with h5py.File(model.save(tmp_path / "new" / "two.h5")) as file:
        training = json.loads(file.attrs["training_config"])
    assert [inner[0]["config"]["name"] for inner in training["metrics"]] == [
        "a_mae",
        "b_mae",
    ]
    assert load_model(tmp_path / "new" / "two.h5").metrics_names == [
        *("loss", "a_loss", "b_loss", "a_mae", "b_mae")
    ]


def test_a_metric_object_for_two_outputs_gathers_apart():
    i = Input((3,))
    model = Model(i, [layers.Dense(1, name=name)(i) for name in "ab"])
    model.compile("sgd", "mse", metrics=[metrics.MeanSquaredError(name="m")])
    results = model.evaluate(X, [Y, Y], verbose=0, return_dict=True)
    assert results["a_m"] == pytest.approx(results["a_loss"])
    assert results["b_m"] == pytest.approx(results["b_loss"])


# Small faults ---------------------------------------------------------------------


def test_logs_stay_as_they_were_handed_out():
    kept = []

    class Keeper(Callback):
        def on_train_batch_end(self, batch, logs=None):
            kept.append(logs)

    model = small()
    callbacks = [Keeper(), ReduceLROnPlateau("loss")]
    model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=callbacks)
    assert [list(logs) for logs in kept] == [["loss"]]


def test_what_a_callback_adds_to_logs_is_for_that_call_alone():
    seen = {}

    class Adder(Callback):
        def on_train_batch_end(self, batch, logs=None):
            logs["b"] = 1.0

        on_test_batch_end = on_train_batch_end

        def on_test_end(self, logs=None):
            logs["t"] = 1.0

        def on_epoch_end(self, epoch, logs=None):
            logs["e"] = 1.0

    class Seer(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen["batch"] = list(logs)

        def on_epoch_end(self, epoch, logs=None):
            seen["epoch"] = list(logs)

        def on_train_end(self, logs=None):
            seen["train"] = list(logs)

    model = small()
    added = [Adder(), Seer()]
    log = model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=added).history
    # As tf_keras has it.
    assert seen == {
        "batch": ["loss", "b"],
        "epoch": ["loss", "val_loss", "e"],
        "train": ["loss", "val_loss"],
    }
    assert list(log) == ["loss", "val_loss", "e"]
    assert isinstance(model.evaluate(X, Y, verbose=0, callbacks=Adder()), float)


def test_a_callback_is_told_what_a_batch_was_predicted():
    seen = []

    class Seer(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append(logs["outputs"] * 1)
            logs["outputs"] *= 0

    model = small(2)
    y = model.predict(X, batch_size=5, verbose=0, callbacks=Seer())
    assert [part.shape for part in seen] == [(5, 2), (3, 2)]
    np.testing.assert_array_equal(np.concatenate(seen), y)
    np.testing.assert_array_equal(y, model.predict(X))

    class Lists(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen[:] = logs["outputs"]

    x = Input((3,))
    two = Model(x, [layers.Dense(1)(x), layers.Dense(2)(x)])
    two.predict(X, verbose=0, callbacks=[Lists()])
    assert [part.shape for part in seen] == [(8, 1), (8, 2)]


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "softplus", "elu"])
def test_functions_of_the_backend_are_activations(name):
    model, other = small(2, activation=getattr(K, name)), small(2, activation=name)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.get_config()["layers"][-1]["config"]["activation"] == name


def test_attributes_of_callbacks_that_scripts_read():
    assert localnet.callbacks.EarlyStopping("val_acc").monitor_op is np.greater
    assert ModelCheckpoint("best.h5", "val_loss").monitor_op is np.less
    assert ReduceLROnPlateau(mode="max").monitor_op is np.greater
    assert Callback().validation_data is None


def test_fit_without_a_loss_is_refused():
    model = small()
    model.compile("sgd")
    before = model.get_weights()
    with refuses(
        "loss must be given to compile, got None: there is nothing to minimise"
    ):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    penalised = small(kernel_regularizer="l2")
    penalised.compile("sgd")
    penalised.fit(X, verbose=0)


def test_a_crossentropy_of_one_class_warns_once():
    model = small(activation="softmax")
    model.compile("sgd", "categorical_crossentropy")
    with pytest.warns(UserWarning, match="use binary_crossentropy") as caught:
        model.fit(X, np.ones((8, 1)), epochs=2, verbose=0)
    assert len(caught) == 1


def test_input_takes_one_shape():
    sentence = "Input: shape must not be given beside batch_shape, got (3,) and (10, 3)"
    with refuses(sentence):
        Input(shape=(3,), batch_shape=(10, 3))


def test_an_input_layer_is_its_own_input():
    i = Input((3,), name="x")
    model = Model(i, layers.Dense(2, name="d")(i))
    features = Model(model.layers[0].input, model.get_layer(index=-1).output)
    np.testing.assert_array_equal(features(X), model(X))
    assert model.get_layer(index=-1).name == "d"
    with pytest.raises(ValueError, match=r"got -3$"):
        model.get_layer(index=-3)


def test_an_input_of_whole_numbers_is_told_to_leave_the_dtype_out():
    with pytest.raises(ValueError, match="leave it out, whole numbers are taken"):
        Input((3,), dtype="int32")
    x = Input((3,))
    assert Model(x, layers.Dense(2)(x))(np.ones((1, 3), "int32")).shape == (1, 2)


def test_an_input_layer_has_its_shapes_in_a_list():
    x = Input((6, 1))
    model = Model(x, layers.Flatten()(x))
    first = model.layers[0]
    assert first.input_shape == first.output_shape == [(None, 6, 1)]
    chain = Sequential([layers.InputLayer((6, 1))])
    assert chain.input_shape == chain.output_shape == (None, 6, 1)
    chain.add(layers.Flatten())
    assert chain.output_shape == (None, 6)


def test_merges_infer_a_size_that_one_input_knows():
    shape = layers.Add().compute_output_shape([(None, None), (None, 5)])
    assert shape == (None, 5)
    assert layers.Add().compute_output_shape([(None, None), (None, 1)]) == (None, None)


# Names and paths ------------------------------------------------------------------

OLD = [
    *("layers.core Dense Dropout Lambda Masking", "layers.merge Dot dot concatenate"),
    *("layers.convolutional Conv2D MaxPooling2D", "layers.local LocallyConnected2D"),
    *("layers.advanced_activations LeakyReLU PReLU", "layers.pooling AvgPool1D"),
    *("layers.normalization BatchNormalization", "layers.noise GaussianNoise"),
    *("layers.wrappers TimeDistributed", "layers.recurrent LSTM GRU"),
    *("layers.embeddings Embedding", "utils.np_utils to_categorical"),
    *("utils.generic_utils get_custom_objects CustomObjectScope",),
    *("utils.vis_utils plot_model", "utils.data_utils Sequence"),
    *("engine.topology Layer Input", "engine.training Model", "engine Layer"),
    *("models Input Model Sequential", "wrappers.scikit_learn KerasClassifier"),
    *("preprocessing.image ImageDataGenerator", "applications.vgg16 VGG16"),
    *("constraints maxnorm nonneg unitnorm", "losses cosine_proximity logcosh"),
    *("callbacks BaseLogger", "engine.topology InputSpec", "saving load_model"),
    *("preprocessing.sequence pad_sequences", "utils register_keras_serializable"),
    *(
        "losses Reduction",
        "metrics MSLE KLD",
        "models model_from_config",
        "utils set_random_seed",
    ),
    *("optimizers.schedules LearningRateSchedule",),
    *("metrics mean_squared_error", "callbacks TensorBoard", "objectives mse"),
    *("engine.topology get_source_inputs Container Network", "engine.network Network"),
    *("layers.merge _Merge", "layers.pooling _GlobalPooling1D", "legacy interfaces"),
    *("utils.data_utils GeneratorEnqueuer OrderedEnqueuer", "utils Progbar"),
    *("utils OrderedEnqueuer get_source_inputs serialize_keras_object",),
    *("utils.conv_utils normalize_tuple", "utils.generic_utils Progbar"),
    *("utils.np_utils categorical_probas_to_classes", "datasets.mnist load_data"),
    *("layers CategoryEncoding Discretization AtrousConvolution2D Identity",),
    *("layers.preprocessing Rescaling", "layers.experimental EinsumDense"),
    *("layers.experimental.preprocessing RandomFlip", "initializers normal uniform"),
    *("initializers.initializers_v2 GlorotUniform", "datasets.imdb load_data"),
    *("applications.imagenet_utils preprocess_input decode_predictions",),
    *(
        "applications EfficientNetB0 ResNet152V2",
        "experimental LinearModel",
    ),
    *("mixed_precision set_global_policy", "estimator model_to_estimator"),
    *("backend ctc_batch_cost print_tensor moving_average_update dropout",),
    *("metrics binary_focal_crossentropy", "preprocessing.image smart_resize"),
]


@pytest.mark.parametrize("line", OLD)
def test_old_names_are_found(line):
    path, *names = line.split()
    module = importlib.import_module(f"localnet.{path}")
    for name in names:
        assert callable(getattr(module, name))
    assert not hasattr(module, "no_such_name")


def test_optimizers_have_the_names_of_early_keras():
    from localnet.optimizers import adam, rmsprop, sgd

    assert [type(make(lr=0.5)) for make in (adam, sgd)] == [Adam, SGD]
    assert rmsprop is localnet.optimizers.RMSprop


def test_old_paths_are_reached_by_attributes():
    assert localnet.layers.core.Dense is layers.Dense
    assert localnet.preprocessing.image.load_img.__name__ == "load_img"
    assert localnet.constraints.maxnorm is localnet.constraints.MaxNorm
    assert set(localnet.layers.core.__all__) >= {"Dense", "Flatten"}
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("localnet.layers.nothing")


def test_reductions_are_words_that_losses_take():
    for word in losses.Reduction.all():
        assert losses.MeanSquaredError(reduction=word).reduction == word
    assert losses.Reduction.SUM == "sum"


def test_a_global_seed_is_said_to_reach_no_model():
    with pytest.warns(UserWarning, match=r"as in Sequential\(seed=3\)"):
        localnet.utils.set_random_seed(3)
    drawn = np.random.rand(2)  # noqa: NPY002
    with pytest.warns(UserWarning, match="give them seed="):
        localnet.utils.set_random_seed(3)
    np.testing.assert_array_equal(np.random.rand(2), drawn)  # noqa: NPY002


def test_registered_classes_come_back_from_files(tmp_path):
    @localnet.utils.register_keras_serializable("Mine")
    class Doubled(layers.Layer):
        def compute(self, x, **_):
            return 2 * x, None

    known = localnet.utils.get_custom_objects()
    assert known.pop("Mine>Doubled") is known["Doubled"] is Doubled
    path = Sequential([Doubled(input_shape=(3,))]).save(tmp_path / "m.npz")
    np.testing.assert_array_equal(load_model(path)(X), 2 * X)
    del known["Doubled"]
    with pytest.raises(ValueError, match="Doubled"):
        load_model(path)


def test_the_room_is_entered_only_when_asked():
    code = "import sys, localnet; print('localnet._keras.absent' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


@pytest.mark.parametrize(
    "name", ["LSTM", "Embedding", "Masking", "SeparableConv2D", "MultiHeadAttention"]
)
def test_what_is_out_says_why_when_it_is_used(name):
    with pytest.raises(NotImplementedError, match=f"^{name} is not in localnet: "):
        getattr(layers, name)(4)
    with pytest.raises(NotImplementedError, match=f"^{name} is not in localnet: "):
        type("Mine", (getattr(layers, name),), {})


def test_data_that_are_downloaded_say_so_when_they_are_loaded():
    from localnet.datasets import mnist

    with pytest.raises(NotImplementedError, match="it downloads nothing"):
        mnist.load_data()
    with pytest.raises(NotImplementedError, match="compute and gradients"):
        type("Mine", (localnet.layers.merge._Merge,), {})


def test_inputs_of_a_handle_are_found():
    left, right, other = (Input((3,), name=name) for name in ("l", "r", "o"))
    dense = layers.Dense(3)
    y = layers.add([dense(left), layers.multiply([right, dense(left)])])
    assert localnet.utils.get_source_inputs(y) == [left, right]
    assert localnet.utils.get_source_inputs(other) == [other]
    assert Model(localnet.utils.get_source_inputs(y), y).count_params() == 12


def test_the_way_out_of_an_embedding():
    table, words = RNG.normal(size=(5, 2)), np.array([[0, 3, 3], [4, 1, 0]])
    dense = layers.Dense(2, use_bias=False)
    model = Sequential([Input((3, 5)), dense])
    model.set_weights([table])
    one_hot = localnet.utils.to_categorical(words, 5)
    np.testing.assert_array_equal(model.predict(one_hot, verbose=0), table[words])


def test_the_way_out_of_a_mask():
    x = np.array([[[1.0, 2], [0, 0], [0, 3]]])
    kept = x * np.any(x != 0, -1, keepdims=True)
    np.testing.assert_array_equal(kept, x)
    np.testing.assert_array_equal(
        (x + 5) * np.any(x != 0, -1, keepdims=True), [[[6, 7], [0, 0], [5, 8]]]
    )


def test_the_way_out_of_a_separable_convolution():
    depthwise = layers.Conv1D(6, 3, groups=3, use_bias=False, input_shape=(5, 3))
    model = Sequential([depthwise, layers.Conv1D(2, 1, use_bias=False)], seed=0)
    x, (spread, mixed) = RNG.normal(size=(2, 5, 3)), model.get_weights()
    # Each channel alone gives two, as a depth_multiplier of 2 does.
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)  # (N, O, C, R)
    alone = np.einsum("nocr,rcm->nocm", windows, spread.reshape(3, 1, 3, 2)[:, 0])
    wanted = alone.reshape(2, 3, 6) @ mixed[0]
    np.testing.assert_allclose(model(x), wanted, rtol=1e-12)


def test_the_way_out_of_attention():
    q, k, v = (Input((4, 3)) for _ in range(3))
    weights = layers.Softmax()(layers.Dot((2, 2))([q, k]))
    model = Model([q, k, v], layers.Dot((2, 1))([weights, v]))
    a, b, c = RNG.normal(size=(3, 2, 4, 3))
    scores = np.exp(a @ b.swapaxes(1, 2))
    wanted = scores / scores.sum(axis=-1, keepdims=True) @ c
    np.testing.assert_allclose(model([a, b, c]), wanted, rtol=1e-12)


def test_the_way_out_of_an_added_loss():
    x = Input((3,))
    mean, spread = layers.Dense(2)(x), layers.Dense(2)(x)
    code = layers.Concatenate(name="code")([mean, spread])
    y = layers.Dense(3, name="y")(mean)
    model = Model(x, [y, code], seed=0)
    for owner in (model, layers.Dense(1)):
        for added in (owner.add_loss, owner.add_metric):
            with pytest.raises(NotImplementedError, match=r"losses\.Differentiated"):
                added(1.0)

    def divergence(_, p):
        z, s = p[:, :2], p[:, 2:]
        return -0.5 * np.sum(1 + s - z**2 - np.exp(s), axis=-1)

    x = RNG.normal(size=(4, 3))
    nothing = np.zeros((4, 4))
    model.compile("sgd", ["mse", losses.Differentiated(divergence)])
    loss, gradients = model.loss_and_gradients(x, [x, nothing])
    y, code = model(x)
    wanted = np.mean((y - x) ** 2) + np.mean(divergence(None, code))
    np.testing.assert_allclose(loss, wanted, rtol=1e-6)
    # The spread's kernel is moved by the divergence alone.
    slope = (np.exp(code[:, 2:]) - 1) / 2 / 4
    assert any(
        g.shape == (3, 2) and np.allclose(g, x.T @ slope, atol=1e-6) for g in gradients
    )


class Restricted(layers.LocallyConnected1D):
    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, strides=kernel_size, **kwargs)


class Described(Restricted):
    def get_config(self):
        config = super().get_config()
        del config["strides"]
        return config


def test_the_way_out_of_a_subclass_with_other_arguments(tmp_path):
    for cls in (Restricted, Described):
        model = Sequential([layers.Input((6, 1)), cls(2, 2), layers.Flatten()])
        path = model.save(tmp_path / f"{cls.__name__}.npz")
        own = {cls.__name__: cls}
        if cls is Described:
            x = RNG.normal(size=(2, 6, 1))
            again = load_model(path, custom_objects=own)
            np.testing.assert_array_equal(again(x), model(x))
        else:
            hint = "get_config of Restricted must return what its __init__ takes"
            with pytest.raises(ValueError, match=hint):
                load_model(path, custom_objects=own)


def test_the_way_out_of_a_gradient_by_the_input():
    parts = [layers.Dense(4, "tanh", input_shape=(3,)), layers.Dense(1)]
    Sequential(parts, seed=0)

    def run(x):
        for layer in parts:
            x = layer.forward(x)
        return x

    run(X)
    dx = np.ones((8, 1))
    for layer in reversed(parts):
        dx = layer.backward(dx)
    for place in range(3):
        step = np.eye(3)[place] * 1e-6
        slope = (run(X + step) - run(X - step)) / 2e-6
        np.testing.assert_allclose(dx[:, place], slope[:, 0], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: layers.Dense(2, W_regularizer="l2", init="zero"),
            "kernel_regularizer",
        ),
        (lambda: layers.Convolution2D(4, 3, 3, border_mode="same"), "padding"),
        (lambda: layers.Dropout(p=0.5), "rate"),
        (lambda: Model(input=Input((2,)), output=Input((2,))), "inputs"),
        (
            lambda: small().fit_generator(iter([]), samples_per_epoch=3),
            "steps_per_epoch",
        ),
        (lambda: small().fit(X, Y, nb_epoch=3), "epochs"),
    ],
)
def test_words_of_keras_1_are_refused_with_the_new_ones(call, words):
    with pytest.raises(TypeError, match=words):
        call()


# Weights, small arguments ---------------------------------------------------------


def test_weights_are_live_and_named():
    model = Sequential(
        [
            layers.Dense(2, input_shape=(3,), name="d"),
            layers.BatchNormalization(name="b"),
        ]
    )
    names = ["d/kernel:0", "d/bias:0", "b/gamma:0", "b/beta:0"]
    assert [w.name for w in model.trainable_weights] == names
    assert [w.name for w in model.non_trainable_weights] == [
        *("b/moving_mean:0", "b/moving_variance:0")
    ]
    K.set_value(model.weights[0], np.ones((3, 2)))
    np.testing.assert_array_equal(model.get_weights()[0], 1)
    assert type(model.weights[0] + 1) is np.ndarray
    model.layers[0].trainable = False
    assert [w.name for w in model.trainable_weights] == names[2:]
    assert model.layers[1].moving_variance.shape == (2,)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        model.layers[0].nothing  # noqa: B018


def test_rates_are_set_through_the_backend():
    optimizer = Adam(epsilon=None)
    K.set_value(optimizer.lr, 0.5)
    assert (K.get_value(optimizer.lr), optimizer.learning_rate) == (0.5, 0.5)
    K.set_value(optimizer.learning_rate, 0.25)
    assert optimizer.learning_rate.numpy() == 0.25
    optimizer.learning_rate.assign(0.125)
    assert optimizer.get_config()["learning_rate"] == optimizer.lr == 0.125


@pytest.mark.parametrize("cls", [SGD, LegacySGD])
def test_a_rate_that_decays_is_read_and_set_by_callbacks(cls):
    model = small()
    model.compile(cls(lr=0.5, decay=0.25, momentum=0.5), "mse")
    halves = LearningRateScheduler(lambda epoch, rate: rate / 2)
    plateau = ReduceLROnPlateau(monitor="loss", patience=1, cooldown=3, min_delta=1e9)
    calls = [halves, plateau]
    history = model.fit(np.ones((4, 3)), np.ones(4), 4, 3, verbose=0, callbacks=calls)
    assert history.history["lr"] == [0.25, 0.125, 0.00625]
    assert plateau.in_cooldown()
    optimizer = model.optimizer
    assert K.get_value(optimizer.lr) == optimizer.lr == 0.00625
    assert optimizer.current_learning_rate() == 0.00625 / 1.75
    assert optimizer.decay == 0.25
    again = cls.from_config(optimizer.get_config())
    again.iterations = 3
    assert again.current_learning_rate() == optimizer.current_learning_rate()


def test_momenta_are_set_through_the_backend():
    optimizer = SGD(0.5, momentum=0.5)
    K.set_value(optimizer.momentum, 0.0)
    w = np.ones(1, np.float32)
    optimizer.update([w], [np.ones(1)])
    assert (w, optimizer.get_config()["momentum"]) == (0.5, 0.0)
    assert type(optimizer.get_config()["momentum"]) is float
    copied = copy.deepcopy(optimizer)
    K.set_value(copied.momentum, 0.25)
    assert (K.get_value(copied.momentum), optimizer.momentum) == (0.25, 0.0)
    adam = Adam()
    adam.beta_1.assign(0.5)
    with refuses("beta_1 must be a finite number >= 0 and < 1, got 1"):
        K.set_value(adam.beta_1, 1)
    assert adam.beta_1 == 0.5


def test_weights_are_counted_once():
    model = small()
    assert count_params([*model.weights, *model.weights]) == model.count_params()
    model.layers[0].trainable = False
    assert count_params(model.non_trainable_weights) == 4
    for wrong, quoted in ((3, "3"), ([3], "3 in it")):
        with refuses(f"weights must be a list of weights, got {quoted}"):
            count_params(wrong)


def test_the_number_of_updates_is_set_as_a_variable():
    optimizer = Adam()
    optimizer.update([np.zeros(1)], [np.ones(1)])
    optimizer.iterations.assign_add(2)
    assert (K.get_value(optimizer.iterations), optimizer.iterations.numpy()) == (3, 3)
    K.set_value(optimizer.iterations, 7)
    assert optimizer.get_state()["iterations"] == 7
    assert copy.deepcopy(optimizer.iterations) == 7
    with refuses("iterations must be an integer >= 0, got -1"):
        optimizer.iterations.assign(-1)
    assert optimizer.iterations == 7


def test_arguments_that_scripts_pass(tmp_path):
    model = small()
    model.compile("adam", "mse", run_eagerly=False)
    model.save(tmp_path / "m.npz", overwrite=True)
    with refuses(
        f"path must be new without overwrite, got {str(tmp_path / 'm.npz')!r}"
    ):
        model.save(tmp_path / "m.npz", overwrite=False)
    save_model(model, tmp_path / "bare.npz", include_optimizer=False)
    assert load_model(tmp_path / "bare.npz").optimizer is None
    model.save_weights(tmp_path / "w.npz", True)
    model.fit(X, Y, batch_size=4, steps_per_epoch=8 / 4, verbose=0)
    model.summary(line_length=90, print_fn=lambda text: None)
    first = model.train_on_batch(X[:4], Y[:4])
    both = model.test_on_batch(X[4:], Y[4:], reset_metrics=False)
    assert first != both
    assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    path = tmp_path / "{epoch}.npz"
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[ModelCheckpoint(path, period=2)])
    assert [(tmp_path / f"{n}.npz").exists() for n in range(1, 5)] == [False, True] * 2


def test_generators_by_their_old_names():
    def batches():
        while True:
            yield X[:4], Y[:4]

    model, other = small(), small()
    model.fit_generator(batches(), steps_per_epoch=2, epochs=2, verbose=0)
    other.fit(batches(), steps_per_epoch=2, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])
    assert model.evaluate_generator(batches(), 1) == model.test_on_batch(X[:4], Y[:4])
    assert model.predict_generator(batches(), 2).shape == (8, 1)
    assert model.predict_classes(X).shape == (8, 1)


def test_shapes_of_handles_are_tuples_and_lists():
    x = layers.Dense(2)(Input((3,)))
    assert x.shape == (None, 2) == K.int_shape(x)
    assert x.get_shape().as_list() == [None, 2]
    assert repr(x.shape) == "(None, 2)"
    layers.Reshape((x.shape[-1], 1))(x)


def test_lists_of_weights_go_by_the_flags_of_the_moment():
    model = small(2)
    assert [len(model.trainable_weights), len(model.non_trainable_weights)] == [2, 0]
    model.layers[0].trainable = False
    assert [len(model.trainable_weights), len(model.non_trainable_weights)] == [0, 2]
    before = model.get_weights()
    model.train_on_batch(X, np.ones((8, 2)))  # by what compile saw
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_parts_are_renamed_as_scripts_of_tf_keras_do(tmp_path):
    first = layers.Dense(3, input_shape=(3,), name="d")
    model = Sequential([first], name="m")
    first._name = "encoder"
    model.add(layers.Dense(1, name="d"))
    model._name = "whole"
    assert (model.name, model._name) == ("whole", "whole")
    assert [layer.name for layer in model.layers] == ["encoder", "d"]
    assert model.get_layer("encoder") is first
    assert first.weights[0].name == "encoder/kernel:0"
    # Twins of one name in one graph, and weights by their new names.
    twin = Sequential([layers.Dense(1, input_shape=(3,))], name="whole")
    twin._name = "twin"
    x = Input((3,))
    assert Model(x, layers.Average()([model(x), twin(x)])).count_params() == 20
    other = Sequential([layers.Dense(3, input_shape=(3,), name="encoder")])
    other.load_weights(model.save_weights(tmp_path / "w.h5"), by_name=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    for suffix in ("npz", "h5", "keras"):
        loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
        assert [layer.name for layer in loaded.layers] == ["encoder", "d"]
        assert loaded.name == "whole"
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("frozen", [None, "norm", "inner", "deep", "out"])
def test_weights_stand_layer_by_layer_whatever_is_frozen(frozen):
    inner = Sequential(
        [layers.BatchNormalization(name="deep"), layers.Dense(3, name="top")],
        name="inner",
    )
    x = Input((3,))
    norm = layers.BatchNormalization(name="norm")(x)
    model = Model(x, layers.Dense(1, name="out")(inner(norm)))
    if frozen is not None:
        part = inner if frozen == "deep" else model
        part.get_layer(frozen).trainable = False
    # As tf_keras lists them.
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    names = [f"{layer}/{part}" for layer in ("norm", "deep") for part in parts]
    names += [f"{layer}/{part}" for layer in ("top", "out") for part in KERNEL_BIAS]
    assert [weight.name for weight in model.weights] == [f"{n}:0" for n in names]
    assert model.variables[3].name == "norm/moving_variance:0"
    model.set_weights([RNG.normal(size=w.shape) for w in model.weights])
    for weight, value in zip(model.weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    listed = [*model.trainable_weights, *model.non_trainable_weights]
    assert sorted(w.name for w in listed) == sorted(w.name for w in model.weights)


KERNEL_BIAS = ("kernel", "bias")


def test_a_layer_called_on_a_handle_knows_its_shapes_and_takes_weights():
    dense, kernel = layers.Dense(2, name="d"), RNG.normal(size=(3, 2))
    y = dense(Input((3,)))
    assert (dense.input_shape, dense.output_shape) == ((None, 3), (None, 2))
    with refuses("d: weights must be a list of 2 arrays, got 1"):
        dense.set_weights([kernel])
    assert dense.get_weights() == []  # as it was
    dense.set_weights([kernel, np.ones(2)])
    model = Model(y.node.inputs[0], y)
    np.testing.assert_allclose(model(X), X @ kernel + 1, rtol=1e-12)
    merge = layers.Add()
    merge([Input((3,)), Input((3,))])
    assert merge.output_shape == (None, 3)


def test_clone_has_fresh_weights():
    model = small()
    clone = clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])


# Functions and handles ------------------------------------------------------------


def test_arithmetic_on_handles(tmp_path):
    a, b = Input((3,)), Input((3,))
    h = (2 * a - b / 4 + 1 - (-a) * b)[:, 1:]
    model = Model([a, b], h)
    u, v = X, RNG.normal(size=X.shape)
    wanted = (2 * u - v / 4 + 1 + u * v)[:, 1:]
    np.testing.assert_allclose(model.predict([u, v], verbose=0), wanted, rtol=1e-12)
    again = load_model(model.save(tmp_path / "m.npz"))
    np.testing.assert_array_equal(again([u, v]), model([u, v]))
    with pytest.raises(ValueError, match="equally many axes"):
        a + Input((3, 1))
    with pytest.raises(ValueError, match="key must begin with the whole batch"):
        a[1]


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (layers.Affine(2.0, 1.0), X),
        (layers.Slice((slice(None), slice(None, None, 2))), X),
        (layers.ActivityRegularization(0.1, 0.2), X),
        (layers.Lambda(np.square, backward=lambda dy, x: 2 * x * dy), [X]),
        (layers.Lambda(np.square, backward="differences"), [X]),
        (layers.Lambda(lambda x: x - x.mean(0), backward="differences"), [X]),
        (layers.Lambda(lambda ab: ab[0] * ab[1], backward="differences"), [X, X + 1]),
    ],
)
def test_gradients(layer, x):
    assert check_layer(layer, x).passed


def test_a_lambda_stands_where_no_gradient_passes():
    first = [layers.Lambda(lambda x: x / 2, input_shape=(3,)), layers.Dense(1)]
    model = Sequential(first, seed=0)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    late = Sequential([layers.Dense(2, input_shape=(3,)), layers.Lambda(np.abs)])
    with pytest.raises(ValueError, match="a gradient must pass through this Lambda"):
        late.compile("sgd", "mse")


def test_differences_of_a_lambda_are_held_to_what_they_can():
    def noisy(x):
        return x + np.random.default_rng().normal(size=x.shape)

    model = Sequential([layers.Dense(2, input_shape=(3,)), layers.Activation("tanh")])
    model.add(layers.Lambda(noisy, backward="differences", name="noisy"))
    model.compile("sgd", "mse")
    with refuses(
        "noisy must give the same for the same batch, to be differentiated, got two "
        "results: draw random numbers outside of it"
    ):
        model.train_on_batch(X, np.zeros((8, 2)))
    with pytest.raises(ValueError, match="callable or 'differences', got 'automatic'"):
        layers.Lambda(np.abs, backward="automatic")


def test_a_lambda_in_a_file_is_named_and_never_run(tmp_path):
    model = Sequential([layers.Lambda(np.abs, input_shape=(3,), name="positive")])
    path = model.save(tmp_path / "m.npz")
    with pytest.raises(ValueError, match="under the name of the layer"):
        load_model(path)
    for name in ("absolute", "positive"):
        again = load_model(path, custom_objects={name: np.abs})
        np.testing.assert_array_equal(again(X), np.abs(X))


def test_functions_of_handles():
    i = Input((3,))
    y = layers.Dropout(0.5)(i)
    at_rest = K.function([i, K.learning_phase()], [y])
    np.testing.assert_array_equal(at_rest([X, 0])[0], X)
    assert (at_rest([X, 1])[0] == 0).any()


# Losses without a gradient --------------------------------------------------------


def alone(y_true, y_pred):
    return np.mean(np.sin(y_pred) * y_true, axis=-1)


def centred(y_true, y_pred):
    return np.mean((y_pred - y_pred.mean(axis=0) - y_true) ** 2, axis=-1)


def test_differences_of_a_loss_of_samples():
    t, p = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    found = losses.Differentiated(alone).gradient(t, p)
    np.testing.assert_allclose(found, np.cos(p) * t / 15, rtol=1e-8, atol=1e-10)


def test_samples_that_depend_on_one_another_are_found_out():
    t, p = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    residual = p - p.mean(axis=0) - t
    wanted = 2 * (residual - residual.mean(axis=0)) / 15
    for function in (centred, lambda y, p: centred(y, p).mean()):
        found = losses.Differentiated(function).gradient(t, p)
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)
    with pytest.raises(ValueError, match="at most 20 evaluations of a batch, got 30"):
        losses.Differentiated(centred, max_evaluations=20).gradient(t, p)


def test_a_loss_without_a_gradient_points_to_differences():
    with pytest.raises(ValueError, match=r"; losses\.Differentiated\(function\) finds"):
        losses.as_loss(alone)


def test_a_picture_of_a_graph(tmp_path):
    pytest.importorskip("matplotlib")
    a, b = Input((3,), name="a"), Input((3,), name="b")
    model = Model([a, b], layers.Dense(1, name="d")(layers.add([a, b], name="s")))
    ax = localnet.utils.plot_model(model, tmp_path / "m.png", show_shapes=True)
    shown = {text.get_text().partition(":")[0] for text in ax.texts}
    assert {"a", "b", "s", "d"} <= shown
    assert (tmp_path / "m.png").stat().st_size > 1000


def test_files_of_others_are_named(tmp_path):
    (tmp_path / "cp.ckpt.index").write_bytes(b"x")
    for name in ("cp.ckpt", "cp.ckpt.index"):
        with pytest.raises(ValueError, match="got a checkpoint of TensorFlow: load it"):
            small().load_weights(tmp_path / name)


def test_a_subclass_of_model_is_named():
    check = importlib.import_module("localnet.files.unsupported").check_counterparts
    with refuses(
        "it must name the layers of the model, got a Mine, a subclass of Model with a "
        "call of its own: build the same layers as a Sequential or Model here, and "
        "load what save_weights('w.h5') writes of it in Keras"
    ):
        check({"class_name": "Mine", "config": {}})


def test_weights_of_attributes_are_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "sub.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("vars")
        file.create_group("layers/dense/vars")["0"] = np.ones((3, 1), "f4")
        file.create_group("lc/vars")["0"] = np.ones((3, 1), "f4")
    with pytest.raises(ValueError, match="got some under 'lc', an attribute of a subc"):
        small().load_weights(path)


def test_a_config_of_keras_1_is_named():
    check = importlib.import_module("localnet.files.unsupported").check_counterparts
    layer = {
        "class_name": "Convolution2D",
        "config": {"name": "c", "nb_filter": 4, "border_mode": "valid"},
    }
    with refuses(
        "layer 'c' must be of Keras 2, got 'nb_filter' of Keras 1, which is filters "
        "now: build the model anew with the new words, and load this file with "
        "load_weights"
    ):
        check({"class_name": "Sequential", "config": {"layers": [layer]}})


def own(base, *hooks):
    return type("Own", (base,), dict.fromkeys(hooks, lambda self, *given: given))


@pytest.mark.parametrize(
    ("base", "hook", "rule"),
    [
        (layers.Dropout, "call", "build(self, input_shape), compute("),
        (layers.BatchNormalization, "call", "build(self, input_shape), compute("),
        (layers.LocallyConnected1D, "call", "build(self, input_shape), compute("),
        (layers.Add, "_merge_function", "build(self, input_shape), compute("),
        (Model, "call", "a function that makes Model(inputs, outputs)"),
        (Sequential, "train_step", "a loop over train_on_batch"),
        (losses.Loss, "call", "forward(self, y_true, y_pred)"),
        (losses.MeanSquaredError, "call", "forward(self, y_true, y_pred)"),
        (losses.BinaryCrossentropy, "__call__", "forward(self, y_true, y_pred)"),
        (regularizers.L2, "__call__", "__call__(self, w) and gradient(self, w)"),
        (SGD, "apply_gradients", "_step(self, index, param, grad, rate)"),
        (Optimizer, "update_step", "_step(self, index, param, grad, rate)"),
    ],
)
def test_hooks_that_nobody_asks_are_refused(base, hook, rule):
    with pytest.raises(TypeError) as error:
        own(base, hook)
    assert str(error.value).startswith(f"Own must be written with {rule}")
    assert str(error.value).endswith(f", got Keras's {hook}")
    plain = type("Mixin", (), {hook: lambda self, *given: given})
    with pytest.raises(TypeError, match=r"^Own must be written with "):
        type("Own", (plain, base), {})


def test_a_class_may_serve_keras_too():
    own(own(layers.Dense, "call", "compute"), "name_of_mine")
    own(losses.MeanSquaredError, "call", "forward")
    own(SGD, "update_step", "_step")


def test_a_model_without_handles_says_how_one_is_made():
    class GAN(Model):
        def __init__(self):
            super().__init__()

    with pytest.raises(TypeError, match=r"^GAN must be written with a function that"):
        GAN()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: layers.LocallyConnected1D(nb_filter=3, filter_length=2),
            "nb_filter is filters now, filter_length is kernel_size now",
        ),
        (lambda: layers.Dense(output_dim=3), "output_dim is units now"),
        (lambda: layers.Dropout(p=0.5), "p is rate now"),
        (lambda: layers.GaussianNoise(sigma=1), "sigma is stddev now"),
    ],
)
def test_words_of_keras_1_are_named_where_they_are_required(make, words):
    with pytest.raises(TypeError, match=words):
        make()


def test_what_scripts_call_without_need_does_nothing():
    model = small()
    before = model.predict(X, verbose=0)
    model._make_predict_function()
    model.make_predict_function()
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)


def test_keras_1_merges_are_named():
    from localnet.layers import merge

    with pytest.raises(NotImplementedError, match=r"^merge is not in localnet: mer"):
        merge([1, 2], mode="concat")


def test_functions_take_arrays_without_a_list_and_phases_as_floats():
    x = Input((2,))
    ones = np.ones((1, 2))
    np.testing.assert_array_equal(K.function([x], layers.ReLU()(x))(ones), ones)
    dropped = K.function([x, K.learning_phase()], [layers.Dropout(0.5)(x)])
    np.testing.assert_array_equal(dropped([ones, 0.0])[0], ones)
    assert (dropped([ones, 1.0])[0] != ones).all()
    with refuses("values[-1] must be True or False, got 0.5"):
        dropped([ones, 0.5])


def test_activations_of_ones_own_are_checked():
    def forward(x):
        return x * x

    layer = layers.Dense(3, activation=(forward, lambda dy, cache: dy))
    # Two samples could be taken for the output and the cache.
    with pytest.raises(
        ValueError, match=r"forward of the activation must return \(y, c"
    ):
        layer(np.ones((2, 2)))
    pair = (lambda x: (x * x, x), lambda dy, x: (dy * 2 * x).sum(axis=0))
    layer = layers.Dense(3, activation=pair, name="own")
    y = layer(np.ones((2, 2)))
    with refuses(
        "own: backward of the activation must return the shape of x, (2, 3), got (3,)"
    ):
        layer.backward(y)
