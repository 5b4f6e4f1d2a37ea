"""Wrong values that were taken without a word, or refused in somebody else's words."""

import inspect
import os
import re
import zipfile

import numpy as np
import pytest
from raising import refuses
from unchanged import unchanged

from localnet import (
    Input,
    Sequential,
    activations,
    constraints,
    golden,
    gradcheck,
    initializers,
    layers,
    load_model,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    regularizers,
    utils,
)
from localnet.callbacks import CSVLogger, LambdaCallback, ReduceLROnPlateau
from localnet.layers import (
    BatchNormalization,
    Conv1D,
    Dense,
    Dot,
    Dropout,
    Lambda,
    LocallyConnected2D,
    Softmax,
)

# Of each a class that is made as its arguments say, for shapes that are none.
SHAPED = {
    "Dense": (2,),
    "Flatten": (),
    "Lambda": (np.abs,),
    "Permute": ((2, 1),),
    "RepeatVector": (2,),
    "Reshape": ((2, 2),),
    "Slice": ((slice(None), slice(0, 1)),),
    "TimeDistributed": (Dense(2),),
}
X, Y = np.ones((4, 3)), np.ones((4, 1))


def compiled():
    model = Sequential([Dense(1, input_shape=(3,), name="d")], name="m")
    model.compile("sgd", "mse")
    return model


WRONG = {
    "reversed draw": (
        lambda: initializers.RandomUniform(1, 0),
        "minval must be <= maxval 0, got 1",
    ),
    "bound": (
        lambda: constraints.MaxNorm(True),
        "max_value must be a number, got True",
    ),
    "factor": (
        lambda: regularizers.L1(True),
        "l1 must be a finite int or float, got True",
    ),
    "layers": (
        lambda: Sequential(5),
        "layers must be a list of layers, got 5",
    ),
    "text for layers": (
        lambda: Sequential("dense"),
        "layers must be a list of layers, got 'dense'",
    ),
    "initializer": (
        lambda: Dense(1, name="d", kernel_initializer=np.zeros).build((None, "x")),
        "d: input_shape must be a tuple of sizes, batch axis first, got (None, 'x')",
    ),
    "state": (
        lambda: optimizers.SGD().set_state(None),
        "state must be a dict of names to arrays, got NoneType",
    ),
    "dtype": (
        lambda: utils.to_categorical([0, 1], dtype="x"),
        "dtype must be one of NumPy's, got 'x'",
    ),
    "no classes": (
        lambda: metrics.categorical_accuracy([], []),
        "y_true must have a value for each class, got shape (0,)",
    ),
    "mode of a model": (
        lambda: compiled()(X, training=np.ones(2)),
        "training must be True or False, got array([1., 1.])",
    ),
    "mode of a layer": (
        lambda: Dropout(0.5, name="d").forward(X, training="x"),
        "d: training must be True or False, got 'x'",
    ),
    "mode on a handle": (
        lambda: Dropout(0.5, name="d")(Input((2,)), training=[True]),
        "training must be True or False, got [True]",
    ),
    "processes of fit": (
        lambda: compiled().fit(X, Y, use_multiprocessing=np.ones(2)),
        "use_multiprocessing must be True or False, got array([1., 1.])",
    ),
    "workers of predict": (
        lambda: compiled().predict(X, workers="x"),
        "workers must be an integer >= 0, got 'x'",
    ),
    "queue of evaluate": (
        lambda: compiled().evaluate(X, Y, max_queue_size=True),
        "max_queue_size must be an integer >= 0, got True",
    ),
    "eager model": (
        lambda: compiled().compile("sgd", "mse", run_eagerly=np.ones(2)),
        "run_eagerly must be True or False, got array([1., 1.])",
    ),
    "steps of an execution": (
        lambda: compiled().compile("sgd", "mse", steps_per_execution=0.5),
        "steps_per_execution must be an integer >= 1, got 0.5",
    ),
    "weights of steps": (
        lambda: compiled().compile("sgd", "mse", sample_weight_mode=3),
        "sample_weight_mode must be a word or None, got 3",
    ),
    "logits": (
        lambda: losses.sparse_categorical_crossentropy(
            [1], [[1.0, 2]], from_logits="x"
        ),
        "from_logits must be True or False, got 'x'",
    ),
    "focal logits": (
        lambda: losses.categorical_focal_crossentropy(X, X, from_logits="x"),
        "from_logits must be True or False, got 'x'",
    ),
    "balance": (
        lambda: losses.binary_focal_crossentropy(X, X, np.ones(2)),
        "apply_class_balancing must be True or False, got array([1., 1.])",
    ),
    "axis of a softmax": (
        lambda: activations.softmax(np.ones((2, 3)), axis=True),
        "axis must name distinct axes of x, (2, 3), got True",
    ),
    "type of an input": (
        lambda: Input((2,), dtype=np.ones(2)),
        "InputLayer: dtype must be one of 'float16', 'float32', 'float64', got "
        "array([1., 1.])",
    ),
    "flag of an input": (
        lambda: Input((2,), sparse=np.ones(2)),
        "InputLayer: sparse must be True or False, got array([1., 1.])",
    ),
    "name of a metric": (
        lambda: metrics.MeanMetric(abs, name=np.ones(2)),
        "name must be a string, got array([1., 1.])",
    ),
    "sizes of a metric's weight": (
        lambda: metrics.Mean().add_weight("a", shape="x"),
        "shape must be a tuple of integers >= 0, got 'x'",
    ),
    "type of a metric's weight": (
        lambda: metrics.Mean().add_weight("a", dtype=np.ones(2)),
        "dtype must be one of NumPy's, got array([1., 1.])",
    ),
    "activation": (
        lambda: activations.deserialize(5),
        "activation must be a known name, got 5",
    ),
    "source of noise": (
        lambda: ops.dropout_mask((2,), 0.5, [], np.dtype("f4")),
        "rng must be a numpy.random.Generator, got []",
    ),
    "axes kept": (
        lambda: ops.global_max_pool_forward(np.ones((1, 2, 1)), keepdims=10**30),
        f"keepdims must be True or False, got {10**30}",
    ),
    "place of a layer": (
        lambda: compiled().get_layer(index={}),
        "layer must be one of ['d'], got {}",
    ),
    "half a layer": (
        lambda: compiled().get_layer(index=1.5),
        "layer must be one of ['d'], got 1.5",
    ),
    "calls in a slice": (
        lambda: compiled().layers[0].get_output_at(slice(1)),
        "d: node_index must be the number of one of 1 calls on handles, got "
        "slice(None, 1, None)",
    ),
    "format of a file": (
        lambda: compiled().save("m.npz", save_format=[1]),
        "save_format must be left out, since the suffix of path says it: .h5, .keras "
        "or .npz, got [1] and 'm.npz'",
    ),
    "shape of a model": (
        lambda: compiled().compute_output_shape(3),
        "m: input_shape must be a tuple of sizes, batch axis first, got 3",
    ),
    "digits": (
        lambda: compiled().fit(X, Y, batch_size=10**5000),
        f"batch_size must be an integer >= 1 and <= {2**63 - 1}, got an int",
    ),
    "digits of a bound": (
        lambda: constraints.MinMaxNorm(10**5000),
        "min_value must be a number, got an int",
    ),
    "digits of an order": (
        lambda: utils.normalize(X, order=10**5000),
        "order must be a number, got an int",
    ),
    "data beyond float32": (
        lambda: compiled().fit(X * 1e300, Y, verbose=0),
        "d: input must hold numbers within the range of float32, got 1e+300",
    ),
    "targets beyond float32": (
        lambda: compiled().fit(X, -1e300 * Y, verbose=0),
        "y_true must hold numbers within the range of float32, got -1e+300",
    ),
    "sample weights beyond float32": (
        lambda: compiled().fit(X, Y, sample_weight=Y[:, 0] * 1e300, verbose=0),
        "sample_weight must hold numbers within the range of float32, got 1e+300",
    ),
    "weights beyond float32": (
        lambda: compiled().set_weights([np.full((3, 1), 1e300), [0.0]]),
        "d: weight kernel must hold numbers within the range of float32, got 1e+300",
    ),
    "rate of a mask": (
        lambda: ops.dropout_mask((3, 4), 2.0, np.random.default_rng(), "float32"),
        "rate must be a finite number >= 0 and < 1, got 2.0",
    ),
    "dtype of a mask": (
        lambda: ops.dropout_mask((3, 4), 0.5, np.random.default_rng(), 1e308),
        "dtype must be one of 'float16', 'float32', 'float64', got 1e+308",
    ),
    "spread of noise": (
        lambda: ops.gaussian_noise((2,), [], np.random.default_rng(), "float32"),
        "stddev must be a finite number, got []",
    ),
    "one statistic": (
        lambda: ops.batch_norm_forward(X, statistics=[np.ones(3)]),
        "statistics must be a mean and a variance, got 1 items",
    ),
    "no statistics": (
        lambda: ops.moving_statistics(3, ops.batch_norm_forward(X)[1], momentum=0.5),
        "statistics must be a mean and a variance, got 3",
    ),
    "axis to concatenate": (
        lambda: ops.concatenate_forward(X, X, axis="x"),
        "axis must be one of the 2 axes, got 'x'",
    ),
    "groups of a kernel": (
        lambda: ops.free_kernel(
            np.ones((2, 1, 1)), ops.Geometry.of((4, 1), kernel_size=2), groups="x"
        ),
        "groups must be an integer >= 1, got 'x'",
    ),
    "shapes to align": (
        lambda: ops.aligned_shapes(3),
        "shapes must be a list of shapes, got 3",
    ),
    "parameters of a cost": (
        lambda: ops.low_rank_conv_cost(
            (4, 1), 1, spatial_rank=1, parameters=-5, kernel_size=2
        ),
        "parameters must be an integer >= 0, got -5",
    ),
    "bias of a cost": (
        lambda: ops.local_conv_cost((4, 1), 1, kernel_size=2, use_bias="no"),
        "use_bias must be True or False, got 'no'",
    ),
    "kind of upsampling": (
        lambda: ops.upsample_cost((4,), 1, size=(2,), interpolation="bogus"),
        "interpolation must be one of 'nearest', 'bilinear', got 'bogus'",
    ),
    "shape of a cost": (
        lambda: ops.resize_cost(3, (2,)),
        "input_shape must be a tuple of integers >= 0, got 3",
    ),
    "type of sequences": (
        lambda: utils.pad_sequences([[1]], dtype=[True]),
        "dtype must be one of NumPy's, got [True]",
    ),
    "no number that fills sequences": (
        lambda: utils.pad_sequences([[1]], value=None),
        "value must hold numbers, got dtype object",
    ),
    "what fills sequences": (
        lambda: utils.pad_sequences([[1]], value=[1, 2]),
        "value must be one number, got shape (2,)",
    ),
    "shuffling": (
        lambda: utils.train_test_split(X, shuffle="no"),
        "shuffle must be True or False, got 'no'",
    ),
    "seed of a split": (
        lambda: utils.train_test_split(X, seed=1.5),
        "seed must be an integer >= 0, None or a numpy.random.Generator, got 1.5",
    ),
    "map to check": (
        lambda: gradcheck.dot_test(3, np.cumsum, 5),
        "forward must be callable, got 3",
    ),
    "adjoint to check": (
        lambda: gradcheck.dot_test(np.cumsum, 3, 5),
        "adjoint must be callable, got 3",
    ),
    "shape to check": (
        lambda: gradcheck.dot_test(np.cumsum, np.cumsum, "x"),
        "shape must be a tuple of integers >= 0, got 'x'",
    ),
    "arguments to check": (
        lambda: gradcheck.check_op(ops.dense_forward, ops.dense_backward, 3),
        "args must be a list of arguments, got 3",
    ),
    "named arguments to check": (
        lambda: gradcheck.check_op(ops.dense_forward, ops.dense_backward, [X], "x"),
        "kwargs must be a dict with strings as keys, got 'x'",
    ),
    "what to check": (
        lambda: gradcheck.v_curve(
            ops.dense_forward, ops.dense_backward, [X, X.T], wrt=1.5
        ),
        "wrt must be names of arguments, got 1.5",
    ),
    "seed of a check": (
        lambda: gradcheck.check_layer(Dense(1), X, rng="x"),
        "rng must be an integer >= 0, None or a numpy.random.Generator, got 'x'",
    ),
    "layer to check": (
        lambda: gradcheck.check_layer(3, X),
        "layer must have a method forward, got 3",
    ),
    "model to check": (
        lambda: gradcheck.check_model(None, X, Y),
        "model must have a method loss_and_gradients, got None",
    ),
    "activation of a problem": (
        lambda: golden.problem(9, 3, activation={"a": 1}),
        "activation must be a name, or a dict with name and parameters, got {'a': 1}",
    ),
    "bias of a problem": (
        lambda: golden.problem(9, 3, bias=np.ones(2)),
        "bias must be True or False, got array([1., 1.])",
    ),
    "layouts of a suite": (
        lambda: golden.export("suite", layouts=3),
        "layouts must be a list of names, got 3",
    ),
    "patience with a backend": (
        lambda: golden.check(ops.dense_forward, timeout=1e308),
        "timeout must be a finite number > 0 and <= 2e+06, got 1e+308",
    ),
    "no name": (lambda: load_model(""), "path must name a file, got ''"),
    "NUL": (lambda: load_model("a\0b"), "path must hold no NUL, got 'a\\x00b'"),
    "NUL to save": (
        lambda: compiled().save("a\0b"),
        "path must hold no NUL, got 'a\\x00b'",
    ),
    "NUL in a log": (
        lambda: CSVLogger("a\0b"),
        "filename must hold no NUL, got 'a\\x00b'",
    ),
    "a name that no disk has": (
        lambda: load_model("\ud800.npz"),
        "path must be text that a file system can take, got '\\ud800.npz'",
    ),
    "no name for another process": (
        lambda: load_model("", isolated=True),
        "path must name a file, got ''",
    ),
    "flags of a file": (
        lambda: load_model("none.npz", isolated="x"),
        "isolated must be True or False, got 'x'",
    ),
    "compile": (
        lambda: load_model("none.npz", compile=1.5),
        "compile must be True or False, got 1.5",
    ),
    "names to load by": (
        lambda: compiled().load_weights("none.npz", by_name=np.array([1, 2])),
        "by_name must be True or False, got array([1, 2])",
    ),
    "what may be skipped": (
        lambda: compiled().load_weights("none.npz", skip_mismatch="no"),
        "skip_mismatch must be True or False, got 'no'",
    ),
    "overwrite": (
        lambda: compiled().save("none.npz", overwrite="no"),
        "overwrite must be True or False, got 'no'",
    ),
    "custom objects": (
        lambda: load_model("none.npz", custom_objects=1.5),
        "custom_objects must be a dict with strings as keys, got 1.5",
    ),
    "no custom objects": (
        lambda: load_model("none.npz", custom_objects=0),
        "custom_objects must be a dict with strings as keys, got 0",
    ),
    "names of custom objects": (
        lambda: layers.deserialize(Dense(1).get_config(), {1: 2}),
        "custom_objects must be a dict with strings as keys, got {1: 2}",
    ),
    "append": (
        lambda: CSVLogger("a", append="no"),
        "append must be True or False, got 'no'",
    ),
    "fused": (
        lambda: BatchNormalization(fused="", name="b"),
        "b: fused must be True or False, got ''",
    ),
    "input shape": (
        lambda: Dense(1, input_shape={7, 3}, name="d"),
        "Dense: input_shape must be a tuple of sizes, got {3, 7}",
    ),
    "noise shape": (
        lambda: Dropout(0.3, noise_shape={1, 2}, name="d"),
        "d: noise_shape must be a tuple of sizes or None, got {1, 2}",
    ),
    "output shape": (
        lambda: Lambda(np.sin, output_shape="abc", name="l"),
        "l: output_shape must be a tuple of sizes, got 'abc'",
    ),
    "arguments": (
        lambda: Lambda(np.sin, arguments=5, name="l"),
        "l: arguments must be a dict with strings as keys, got 5",
    ),
    "pair of dtypes": (
        lambda: Dense(1, dtype=(None, None), name="d"),
        "Dense: dtype must be one of 'float16', 'float32', 'float64', got (None, None)",
    ),
    "number as a dtype": (
        lambda: metrics.Mean(dtype=np.float64("nan")),
        "dtype must be one of 'float16', 'float32', 'float64', got np.float64(nan); "
        "did you mean 'float64'?",
    ),
    "name of a loss": (
        lambda: losses.MeanSquaredError(name={1}),
        "name must be a string, got {1}",
    ),
    "weights of classes": (
        lambda: losses.CategoricalFocalCrossentropy(alpha="abc"),
        "alpha must hold numbers, got dtype <U3",
    ),
    "weights of labels": (
        lambda: metrics.AUC(label_weights=[1.0, float("nan")]),
        "label_weights must be a sequence of finite numbers >= 0, got [1.0, nan]",
    ),
    "thresholds": (
        lambda: metrics.AUC(thresholds=5),
        "thresholds must be a sequence of numbers from 0 to 1, got 5",
    ),
    "many thresholds": (
        lambda: metrics.AUC(num_thresholds=2**31),
        f"num_thresholds must be an integer >= 2 and <= 1000000, got {2**31}",
    ),
    "more thresholds": (
        lambda: metrics.RecallAtPrecision(0.5, num_thresholds=10**30),
        f"num_thresholds must be an integer >= 1 and <= 1000000, got {10**30}",
    ),
    "class": (
        lambda: metrics.Precision(class_id=2)(np.eye(2), np.eye(2)),
        "class_id must be below 2, the number of classes, got 2",
    ),
    "axis of weights": (
        lambda: constraints.MaxNorm(axis=10**30),
        f"axis must be an integer or a list of integers, got {10**30}",
    ),
    "axis": (
        lambda: Softmax(axis=2**31, name="s"),
        f"s: axis must be an integer >= -64 and <= 63, got {2**31}",
    ),
    "axis of an array": (
        lambda: activations.softmax(X, axis=2**31),
        f"axis must name distinct axes of x, (4, 3), got {2**31}",
    ),
    "strides": (
        lambda: Conv1D(2, 3, strides=2**63, name="c"),
        "c: strides must be an integer or a tuple of 1 integer >= 1 and <= "
        f"{2**48}, got {2**63}",
    ),
    "falls": (
        lambda: optimizers.CosineDecayRestarts(0.1, 1e-320),
        "first_decay_steps must be a finite number >= 1e-09, got 1e-320",
    ),
    "boundaries": (
        lambda: optimizers.PiecewiseConstantDecay([1], {0.1}),
        "values must be a sequence of numbers, got {0.1}",
    ),
    "no epsilon": (
        lambda: optimizers.LegacyAdam(epsilon=[]),
        "epsilon must be a finite number >= 0, got []",
    ),
    "a class as a rate": (
        lambda: optimizers.SGD(int),
        "learning_rate must be a finite number, got <class 'int'>",
    ),
    "decay by its other name": (
        lambda: optimizers.LegacyNadam(schedule_decay=True),
        "schedule_decay must be a finite number >= 0, got True",
    ),
    "delta by its old name": (
        lambda: ReduceLROnPlateau(epsilon=True),
        "epsilon must be a finite number >= 0, got True",
    ),
    "axes of a product": (
        lambda: Dot(axes={1}, name="d"),
        "d: axes must be an integer >= -64 and <= 63, got {1}",
    ),
    "a function of arrays as an initializer": (
        lambda: Dense(2, kernel_initializer=np.sin, name="d").build((None, 2)),
        "d: kernel_initializer must take a shape and a dtype, got <ufunc 'sin'>: "
        "it takes another number of arrays, 1",
    ),
    "huge": (
        lambda: Dense(10**12, name="d").build((None, 10**12)),
        "d: kernel must fit into an address space, got shape "
        "(1000000000000, 1000000000000)",
    ),
    "huge windows": (
        lambda: LocallyConnected2D(10**9, 3, name="lc").build((None, 10**6, 10**6, 3)),
        "lc: kernel must fit into an address space, got shape "
        "(999996000004, 27, 1000000000)",
    ),
    "input_dim": (
        lambda: Dense(1, input_dim="x", name="d"),
        "Dense: input_dim must be an integer >= 0, got 'x'",
    ),
    "a word of an array": (
        lambda: layers.LowRankLocallyConnected1D(
            1, 1, spatial_rank=1, normalize_weights=np.zeros(2), name="l"
        ),
        "l: normalize_weights must be 'softmax' or None, got array([0., 0.])",
    ),
    "ragged thresholds": (
        lambda: metrics.Precision([[1], [2, 3]]),
        "thresholds must be a finite number >= 0 and <= 1, got [1]",
    ),
    "a constant that is a flag": (
        lambda: initializers.Constant(True),
        "value must hold numbers, got True",
    ),
    "a complex constant": (
        lambda: initializers.Constant(1j),
        "value must hold real numbers, got dtype complex128",
    ),
    "the axis of a loss": (
        lambda: losses.CategoricalCrossentropy(axis=[1]),
        "axis must be an integer >= -64 and <= 63, got [1]",
    ),
    "negative weights of classes": (
        lambda: losses.CategoricalFocalCrossentropy(alpha=[0.5, -1.0]),
        "alpha must hold finite numbers >= 0, got [0.5, -1.0]",
    ),
    "the name of a metric": (
        lambda: metrics.MeanMetric(metrics.mse, name=False),
        "name must be a string, got False",
    ),
    "a helper of metrics": (
        lambda: compiled().compile("sgd", "mse", metrics=["share"]),
        "metric must be a known name, got 'share'",
    ),
    "a duration": (
        lambda: Dense(1, use_bias=np.timedelta64(1, "s"), name="d"),
        "d: use_bias must be True or False, got np.timedelta64(1,'s')",
    ),
    "validation data of fit_scipy": (
        lambda: compiled().fit_scipy(X, Y, validation_data=[1, 2]),
        "validation_data: x must have a sample axis, got one number, 1",
    ),
    "an activation set later": (
        lambda: setattr(Dense(1), "activation", "tanx"),
        "activation must be a known name, got 'tanx'; did you mean 'tanh'?",
    ),
    "a regularizer set later": (
        lambda: setattr(Dense(1), "activity_regularizer", 3),
        "activity_regularizer must be a name, a config or a callable, got 3",
    ),
    "a float type set later": (
        lambda: setattr(Dense(1), "dtype", "int8"),
        "dtype must be one of 'float16', 'float32', 'float64', got 'int8'",
    ),
    "a model of a number": (
        lambda: models.model_from_json(3),
        "json_string must be text, got 3",
    ),
    "padding that no integer is": (
        lambda: utils.pad_sequences([[1]], value=np.nan),
        "value must be a number that int32 has, got nan",
    ),
    "padding that is complex": (
        lambda: utils.pad_sequences([[1]], value=1j),
        "value must hold real numbers, got dtype complex128",
    ),
    "a step that is halved to nothing": (
        lambda: gradcheck.check_layer(Dense(1), X, step=5e-324),
        "step must be a finite number >= 2.22507e-308, got 5e-324",
    ),
    "what is checked, in a list": (
        lambda: gradcheck.check_op(
            ops.dense_forward, ops.dense_backward, [X, Y[:3]], wrt=[["x"]]
        ),
        "wrt must name arguments that hold floats, 'x', 'kernel', got ['x']",
    ),
    "the bias of a cost": (
        lambda: ops.dense_cost((3,), 2, use_bias="no"),
        "use_bias must be True or False, got 'no'",
    ),
    "integers that wrap": (
        lambda: utils.pad_sequences([[2**40], [2, 3]]),
        "sequences must hold numbers that int32 has, got array([1099511627776])",
    ),
    "a shape of no array": (
        lambda: gradcheck.dot_test(np.cumsum, np.cumsum, 10**30),
        f"shape must be that of at most {2**48} numbers, got {10**30}",
    ),
    "a rate set later": (
        lambda: setattr(Dropout(0.5), "rate", 2.5),
        "rate must be a finite number >= 0 and < 1, got 2.5",
    ),
    "a momentum set later": (
        lambda: setattr(BatchNormalization(), "momentum", 5),
        "momentum must be a finite number >= 0 and <= 1, got 5",
    ),
    "a batch size that is not used": (
        lambda: compiled().summary(batch_size="x"),
        "batch_size must be an integer >= 1, got 'x'",
    ),
}


@pytest.mark.parametrize(("call", "sentence"), WRONG.values(), ids=WRONG)
def test_it_is_refused_in_one_sentence(call, sentence):
    with refuses(sentence):
        call()


@pytest.mark.parametrize("given", [3, {}, "ab", 1.5, None, (), (None, "x")], ids=str)
@pytest.mark.parametrize("kind", SHAPED)
def test_shapes_of_an_input_are_checked_by_one_rule(kind, given):
    layer = getattr(layers, kind)(*SHAPED[kind], name="a")
    rule = "input_shape must be a (tuple of sizes|shape)"
    with pytest.raises(ValueError, match=f"^a: {rule}.*, got"):
        layer.compute_output_shape(given)


class Batches(utils.Sequence):
    """As many batches as one says, which need be no number."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        return X, Y


@pytest.mark.parametrize("count", [-1, 2.0, "x", None, 2**70])
def test_what_a_sequence_says_of_its_length_is_named(count):
    model = compiled()
    for call in (model.fit, model.evaluate, model.predict):
        with (
            unchanged(model),
            refuses(f"len(x) must be an integer >= 0, got {count!r}"),
        ):
            call(Batches(count), verbose=0)
    with refuses(f"len(validation_data) must be an integer >= 0, got {count!r}"):
        model.fit(X, Y, verbose=0, validation_data=Batches(count))


# Functions of the user's, and what they are called with.
CALLED = {
    "learning_rate must take (step)": optimizers.SGD,
    "d: kernel_constraint must take (w)": lambda function: Dense(
        1, name="d", kernel_constraint=function
    ),
    "metric must take (y_true, y_pred)": lambda function: compiled().compile(
        "sgd", "mse", metrics=[function]
    ),
    "loss must take (y_true, y_pred)": lambda function: compiled().compile(
        "sgd", function
    ),
    "on_epoch_end must take (epoch, logs)": lambda function: LambdaCallback(
        on_epoch_end=function
    ),
    "on_train_end must take (logs)": lambda function: LambdaCallback(
        on_train_end=function
    ),
    "l: function must take (x, k)": lambda function: Lambda(
        function, name="l", arguments={"k": 1}
    ),
    "l: backward must take (dy, x)": lambda function: Lambda(
        abs, name="l", backward=function
    ),
}


@pytest.mark.parametrize(("rule", "make"), CALLED.items(), ids=CALLED)
def test_a_function_is_refused_before_it_is_called_in_vain(rule, make):
    def nothing():
        raise AssertionError("called")

    with pytest.raises(ValueError, match=f"^{re.escape(f'{rule}, got {nothing}: ')}"):
        make(nothing)


# What only localnet makes, and a function says by its type that it takes.
MADE = [
    (function, parameter.name, parameter.annotation)
    for package in (ops, activations, losses)
    for function in map(package.__dict__.get, package.__all__)
    if inspect.isfunction(function)
    for parameter in inspect.signature(function).parameters.values()
    if parameter.name in ("cache", "geometry", "sharing")
]


GEOMETRY = ops.Geometry.of((1, 3, 1), kernel_size=1)


class Duck(tuple):
    """As long and as well named as any cache, and of no kind that a function knows."""


@pytest.mark.parametrize(
    ("function", "name", "kind"), MADE, ids=[f"{f.__name__}-{n}" for f, n, _ in MADE]
)
@pytest.mark.parametrize("value", [None, 5, "x", (), Duck((1, 2, 3))], ids=str)
def test_what_localnet_has_not_made_is_named_by_its_type(function, name, kind, value):
    if isinstance(kind, type):
        sentence = f"{name} must be of type {kind.__name__}, got {type(value).__name__}"
    elif value == 5 or isinstance(value, tuple):  # an array
        return
    else:
        sentence = rf"{name} must hold numbers, got dtype .*"
    parameters = inspect.signature(function).parameters.values()
    others = {
        p.name: GEOMETRY if p.name == "geometry" else X
        for p in parameters
        if p.default is p.empty and p.kind != p.VAR_POSITIONAL
    }
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        function(**{**others, name: value})


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"validation_steps": -1}, "validation_steps must be an integer >= 1, got -1"),
        ({"validation_steps": 0}, "validation_steps must be an integer >= 1, got 0"),
        (
            {"validation_steps": 2.5},
            "validation_steps must be an integer >= 1, got 2.5",
        ),
        (
            {"validation_steps": "x"},
            "validation_steps must be an integer >= 1, got 'x'",
        ),
        ({"validation_split": ""}, "validation_split must be a finite number, got ''"),
        ({"validation_split": []}, "validation_split must be a finite number, got []"),
        (
            {"class_weight": {0: 1, 1: -1}},
            "class_weight[1] must be >= 0, got -1.0",
        ),
    ],
    ids=str,
)
def test_fit_refuses_what_it_would_not_use(how, sentence):
    model = compiled()
    with unchanged(model), refuses(sentence):
        model.fit(X, Y, verbose=0, **how)


def test_an_initializer_that_takes_no_dtype_is_named():
    def ones(shape):
        return np.ones(shape)

    layer = Dense(1, kernel_initializer=ones, name="d")
    with (
        unchanged(layer),
        pytest.raises(
            ValueError, match=r"^d: kernel_initializer must take a shape and a dtype"
        ),
    ):
        layer.build((None, 3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with a name")
def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with refuses(f"path must be of a file that can be sought in, got {str(path)!r}"):
        load_model(str(path))


def test_what_a_file_says_makes_no_endless_message(tmp_path):
    path = tmp_path / "m.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("/" + "x" * 60_000, b"")
    with pytest.raises(ValueError, match="damaged or foreign") as caught:
        load_model(path)
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize(
    ("name", "kernel", "windows"),
    [
        ("dense", (1, 2), {}),
        ("local_conv", (3, 1, 2), {"kernel_size": 1}),
        ("shared_conv", (3, 1, 2), {"kernel_size": 1}),
        ("local_conv_transpose", (3, 1, 1), {"kernel_size": 1}),
        ("conv", (1, 1, 2), {}),
        ("batch_norm", (1,), {}),
    ],
)
def test_whether_dx_is_needed_is_a_flag(name, kernel, windows):
    x, kernel = np.ones((2, 3, 1)), np.ones(kernel)
    y, cache = getattr(ops, f"{name}_forward")(x, kernel, **windows)
    for wrong in ("no", np.zeros(2), None):
        with pytest.raises(ValueError, match=r"^need_dx must be True or False, got"):
            getattr(ops, f"{name}_backward")(y, cache, need_dx=wrong)
