"""What layers refuse, in which words, and that a refusal changes nothing."""

import numpy as np
import pytest
import reference
from raising import refuses
from unchanged import unchanged

from localnet import layers
from localnet.layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    InputLayer,
    LeakyReLU,
    LocallyConnected1D,
    LocallyConnected2D,
    ReLU,
    Reshape,
    Softmax,
)

KERAS_ERRORS = reference.load_json("errors.json")


def lc(kernel_size=2, **kwargs):
    return LocallyConnected1D(2, kernel_size, name="lc", **kwargs)


def built(layer, shape=(None, 5, 2)):
    layer.build(shape)
    return layer


def is_accepted_here(kwargs):
    """Tell whether an entry is one of the two that this package has and Keras not."""
    same = str(kwargs.get("padding")).lower() == "same"
    return same or "dilation_rate" in kwargs


def blamed_argument(case):
    extra = [name for name in case["kwargs"] if name not in ("filters", "kernel_size")]
    if extra:
        return extra[0]
    shape = case["build_shape"]
    return "input_shape" if shape and None in shape[1:] else "kernel_size"


def case_id(case):
    shape = f"-{case['build_shape']}" if case["build_shape"] else ""
    return f"{case['class_name'][-2:]}-{case['kwargs']}{shape}"


@pytest.mark.parametrize("case", KERAS_ERRORS, ids=case_id)
def test_what_keras_refuses(case):
    cls = getattr(layers, case["class_name"])
    if is_accepted_here(case["kwargs"]):
        layer = cls(**case["kwargs"])
        layer.build((None, 5, 5, 2)[-(layer.rank + 2) :])
        assert layer.built
        return
    # Keras lets two bad arguments pass until build; here the constructor refuses them.
    late = case["stage"] == "build" and blamed_argument(case) in (
        "kernel_size",
        "input_shape",
    )
    expected = TypeError if case["exception"] == "TypeError" else ValueError
    if late:
        layer = cls(**case["kwargs"])
        with pytest.raises(expected) as caught, unchanged(layer):
            layer.build(case["build_shape"])
    else:
        with pytest.raises(expected) as caught:
            cls(**case["kwargs"])
    [sentence] = caught.value.args
    assert isinstance(sentence, str)
    assert blamed_argument(case) in sentence


def test_every_kind_of_divergence_from_keras_is_in_the_file():
    kwargs = [case["kwargs"] for case in KERAS_ERRORS]
    for name in ("dilation_rate", "implementation", "strides", "padding"):
        assert any(name in k for k in kwargs)


CONSTRUCTORS = [
    (
        lambda: lc(None),
        "lc: kernel_size must be an integer or a tuple of 1 integer >= 1, got None",
    ),
    (
        lambda: LocallyConnected1D(0, 2, name="lc"),
        "lc: filters must be an integer >= 1, got 0",
    ),
    (
        lambda: LocallyConnected1D(2.5, 2, name="lc"),
        "lc: filters must be an integer >= 1, got 2.5",
    ),
    (
        lambda: LocallyConnected1D("3", 2, name="lc"),
        "lc: filters must be an integer >= 1, got '3'",
    ),
    (
        lambda: LocallyConnected2D(2, (3.0, 2.5), name="lc"),
        "lc: kernel_size must be an integer or a tuple of 2 integers >= 1, "
        "got (3.0, 2.5)",
    ),
    (
        lambda: LocallyConnected2D(2, "33", name="lc"),
        "lc: kernel_size must be an integer or a tuple of 2 integers >= 1, got '33'",
    ),
    (
        lambda: lc(np.int64(3)),
        "lc: kernel_size must be an integer or a tuple of 1 integer >= 1, "
        "got np.int64(3)",
    ),
    (
        lambda: lc(strides=0),
        "lc: strides must be an integer or a tuple of 1 integer >= 1, got 0",
    ),
    (
        lambda: lc(padding="full"),
        "lc: padding must be one of 'valid', 'same', got 'full'",
    ),
    (
        lambda: lc(padding="causal"),
        "lc: padding must be one of 'valid', 'same', got 'causal'",
    ),
    (
        lambda: lc(padding="sane"),
        "lc: padding must be one of 'valid', 'same', got 'sane'; did you mean 'same'?",
    ),
    (lambda: lc(padding=None), "lc: padding must be one of 'valid', 'same', got None"),
    (
        lambda: lc(data_format="NHWC"),
        "lc: data_format must be one of 'channels_last', 'channels_first', got 'NHWC'",
    ),
    (
        lambda: lc(data_format=3),
        "lc: data_format must be one of 'channels_last', 'channels_first', got 3",
    ),
    (
        lambda: lc(implementation=4),
        "lc: implementation must be an integer >= 1 and <= 3, got 4",
    ),
    (
        lambda: lc(implementation=0),
        "lc: implementation must be an integer >= 1 and <= 3, got 0",
    ),
    (
        lambda: lc(implementation="1"),
        "lc: implementation must be an integer >= 1 and <= 3, got '1'",
    ),
    (
        lambda: lc(dilation_rate=0),
        "lc: dilation_rate must be an integer or a tuple of 1 integer >= 1, got 0",
    ),
    (
        lambda: lc(strides=2, dilation_rate=2),
        "lc: dilation_rate must be 1 where strides is not, "
        "got dilation_rate (2,) and strides (2,)",
    ),
    (
        lambda: lc(fans="kera"),
        "lc: fans must be one of 'keras', 'local', got 'kera'; did you mean 'keras'?",
    ),
    (
        lambda: lc(activation="rleu"),
        "lc: activation must be a known name, got 'rleu'; did you mean 'relu'?",
    ),
    (
        lambda: lc(activation="TANH"),
        "lc: activation must be a known name, got 'TANH'; did you mean 'tanh'?",
    ),
    (
        lambda: lc(kernel_initializer="glorot_unifrom"),
        "lc: kernel_initializer must be a known name, got 'glorot_unifrom'; "
        "did you mean 'glorot_uniform'?",
    ),
    (
        lambda: lc(bias_initializer=3),
        "lc: bias_initializer must be a name, a config or a callable, got 3",
    ),
    (
        lambda: lc(kernel_regularizer="L3"),
        "lc: kernel_regularizer must be a known name, got 'L3'",
    ),
    (
        lambda: lc(bias_regularizer=3),
        "lc: bias_regularizer must be a name, a config or a callable, got 3",
    ),
    (
        lambda: lc(kernel_regularizer=sum),
        "lc: kernel_regularizer must have a method 'gradient', "
        "got <built-in function sum>",
    ),
    (
        lambda: lc(activity_regularizer="l22"),
        "LocallyConnected1D: activity_regularizer must be a known name, got 'l22'; "
        "did you mean 'l2'?",
    ),
    (
        lambda: lc(kernel_constraint="minmaxnorm"),
        "lc: kernel_constraint must be a known name, got 'minmaxnorm'; "
        "did you mean 'MinMaxNorm'?",
    ),
    (
        lambda: lc(bias_constraint=3),
        "lc: bias_constraint must be a name, a config or a callable, got 3",
    ),
    (
        lambda: lc(dtype="int32"),
        "LocallyConnected1D: dtype must be one of 'float16', 'float32', 'float64', "
        "got 'int32'",
    ),
    (
        lambda: lc(dtype={"class_name": "Policy"}),
        "LocallyConnected1D: dtype must be one of 'float16', 'float32', 'float64', "
        "got {'class_name': 'Policy'}",
    ),
    (
        lambda: lc(input_shape="ab"),
        "LocallyConnected1D: input_shape must be a tuple of sizes, got 'ab'",
    ),
    (
        lambda: lc(batch_input_shape=2.5),
        "LocallyConnected1D: batch_input_shape must be a tuple of sizes, got 2.5",
    ),
    (
        lambda: lc(input_shape=(-1, 2)),
        "LocallyConnected1D: input_shape must be an integer >= 0, got -1",
    ),
    (
        lambda: Dense(0, name="top"),
        "top: units must be an integer >= 1, got 0",
    ),
    (
        lambda: Flatten("NHWC", name="flat"),
        "flat: data_format must be one of 'channels_last', 'channels_first', "
        "got 'NHWC'",
    ),
    (
        lambda: InputLayer((3,), sparse=True),
        "InputLayer: sparse must be False, got True",
    ),
    (
        lambda: Reshape(5, name="r"),
        "r: target_shape must be a tuple of sizes with at most one -1, got 5",
    ),
    (
        lambda: Reshape((-1, -1), name="r"),
        "r: target_shape must be a tuple of sizes with at most one -1, got (-1, -1)",
    ),
    (
        lambda: Reshape((2.0,), name="r"),
        "r: target_shape must be an integer >= -1, got 2.0",
    ),
    (
        lambda: Dropout(1.5, name="d"),
        "d: rate must be a finite number >= 0 and < 1, got 1.5",
    ),
    (
        lambda: Dropout(1.0, name="d"),
        "d: rate must be a finite number >= 0 and < 1, got 1.0",
    ),
    (
        lambda: Dropout(0.5, seed=-1, name="d"),
        "d: seed must be an integer >= 0, got -1",
    ),
    (
        lambda: Dropout(0.5, noise_shape=3, name="d"),
        "d: noise_shape must be a tuple of sizes or None, got 3",
    ),
    (
        lambda: Dropout(0.5, noise_shape="ab", name="d"),
        "d: noise_shape must be a tuple of sizes or None, got 'ab'",
    ),
    (
        lambda: Activation("rleu", name="a"),
        "a: activation must be a known name, got 'rleu'; did you mean 'relu'?",
    ),
    (
        lambda: LeakyReLU(-1, name="a"),
        "a: alpha must be a finite number >= 0, got -1",
    ),
    (
        lambda: ReLU(max_value=-1.0, name="a"),
        "a: max_value must be a finite number >= 0, got -1.0",
    ),
    (
        lambda: Softmax("last", name="a"),
        "a: axis must be an integer >= -64 and <= 63, got 'last'",
    ),
]


@pytest.mark.parametrize(
    ("make", "sentence"), CONSTRUCTORS, ids=[s for _, s in CONSTRUCTORS]
)
def test_constructor_refuses(make, sentence):
    with refuses(sentence):
        make()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: lc(kernel_initialiser="zeros"),
            "LocallyConnected1D must be given known arguments, "
            "got 'kernel_initialiser'; did you mean 'kernel_initializer'?",
        ),
        (
            lambda: Dense(2, filters=3),
            "Dense must be given known arguments, got 'filters'",
        ),
        (lambda: Dense(2, name=3), "name must be a string, got 3"),
        (
            lambda: lc(activation=3),
            "activation must be a name, a config, a function of localnet.activations "
            "or a (forward, backward) pair, got 3",
        ),
        (
            lambda: LocallyConnected1D.from_config({**lc().get_config(), "foo": 1}),
            "LocallyConnected1D must be given known arguments, got 'foo'",
        ),
    ],
    ids=["misspelled", "foreign", "name", "activation", "from_config"],
)
def test_type_errors_that_are_deliberate(make, sentence):
    with refuses(sentence, TypeError):
        make()


@pytest.mark.parametrize("missing", ["filters", "kernel_size"])
def test_from_config_misses_a_key(missing):
    config = lc().get_config()
    del config[missing]
    with pytest.raises(TypeError, match=f"missing 1 required .* '{missing}'"):
        LocallyConnected1D.from_config(config)


def test_activation_without_gradient_is_refused():
    def cube(x):
        return x**3

    sentence = (
        "lc: activation must be a pair forward(x) -> (y, cache) and "
        "backward(dy, cache) -> dx if it is your own, "
        f"got {cube!r} without a gradient; a layer "
        "Lambda(function, backward='differences') that stands behind this one needs "
        "none"
    )
    with refuses(sentence):
        lc(activation=cube)


def test_layer_with_weights_is_no_activation():
    dense = Dense(2)
    sentence = (
        f"lc: activation must be a function or an activation layer, got {dense!r}"
    )
    with refuses(sentence):
        lc(activation=dense)


BUILDS = {
    "no-shape": (
        lc,
        5,
        "lc: input_shape must be a tuple of sizes, batch axis first, got 5",
    ),
    "negative": (
        lc,
        (None, -5, 2),
        "lc: input_shape must be a tuple of sizes, batch axis first, got (None, -5, 2)",
    ),
    "rank": (
        lc,
        (None, 5),
        "lc: input_shape must have 3 axes, batch axis included, got (None, 5)",
    ),
    "unknown-length": (
        lc,
        (None, None, 2),
        "lc: input_shape must be known but for the batch axis, because every location "
        "has weights of its own, got (None, None, 2)",
    ),
    "unknown-channels": (
        lc,
        (None, 5, None),
        "lc: input_shape must be known but for the batch axis, because every location "
        "has weights of its own, got (None, 5, None)",
    ),
    "too-short": (
        lambda: lc(10),
        (None, 5, 2),
        "lc: kernel_size must fit into the padded input, got (10,): kernel_size 10 "
        "over length 5 with padding 'valid' leaves no output location",
    ),
    "too-short-dilated": (
        lambda: lc(3, dilation_rate=3),
        (None, 5, 2),
        "lc: kernel_size must fit into the padded input, got (3,): kernel_size 3 with "
        "dilation_rate 3 over length 5 with padding 'valid' leaves no output location",
    ),
    "identity": (
        lambda: lc(kernel_initializer="identity"),
        (None, 5, 2),
        "lc: shape must have rank 2, got (4, 4, 2)",
    ),
    "initializer-shape": (
        lambda: lc(bias_initializer=lambda shape, dtype: np.zeros(3)),
        (None, 5, 2),
        "lc: initial bias must have shape (4, 2), got (3,)",
    ),
    "initializer-type": (
        lambda: lc(kernel_initializer=lambda shape, dtype: "zeros"),
        (None, 5, 2),
        "lc: initial kernel must hold numbers, got dtype <U5",
    ),
    "weights-count": (
        lambda: lc(weights=[np.zeros((4, 4, 2))]),
        (None, 5, 2),
        "lc: weights must be a list of 2 arrays, got 1",
    ),
    "weights-shape": (
        lambda: lc(weights=[np.zeros((4, 4, 2)), np.zeros(2)]),
        (None, 5, 2),
        "lc: weight bias must have shape (4, 2), got (2,)",
    ),
    "dense-rank": (
        lambda: Dense(2, name="top"),
        (None,),
        "top: input_shape must have a known last axis beside the batch axis, "
        "got (None,)",
    ),
    "dense-unknown": (
        lambda: Dense(2, name="top"),
        (None, None),
        "top: input_shape must have a known last axis beside the batch axis, "
        "got (None, None)",
    ),
    "reshape": (
        lambda: Reshape((3,), name="r"),
        (None, 4),
        "r: target_shape must hold as many values as one sample, 4, got (3,)",
    ),
    "reshape-free": (
        lambda: Reshape((3, -1), name="r"),
        (None, 4),
        "r: target_shape must hold as many values as one sample, 4, got (3, -1)",
    ),
}


@pytest.mark.parametrize(("make", "shape", "sentence"), BUILDS.values(), ids=BUILDS)
def test_build_refuses(make, shape, sentence):
    layer = make()
    with refuses(sentence), unchanged(layer):
        layer.build(shape)
    assert not layer.built


def test_failed_second_build_leaves_the_first():
    layer = lc(3, padding="same", kernel_regularizer="l2")
    layer.build((None, 5, 2))
    layer.forward(np.ones((1, 5, 2)))
    layer.backward(np.ones((1, 5, 2)))
    losses = layer.losses
    layer._initial_weights = [np.zeros(3)]
    with (
        refuses("lc: weights must be a list of 2 arrays, got 1"),
        unchanged(layer),
    ):
        layer.build((None, 9, 2))
    assert layer.losses == losses


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            (None, 5),
            "lc: input_shape must have 3 axes, batch axis included, got (None, 5)",
        ),
        (
            (None, 1, 2),
            "lc: kernel_size must leave at least one output location, "
            "got (2,) for input_shape (None, 1, 2)",
        ),
    ],
    ids=["rank", "short"],
)
def test_output_shape_of_an_unbuilt_layer_is_checked(shape, sentence):
    layer = lc()
    with refuses(sentence), unchanged(layer):
        layer.compute_output_shape(shape)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (
            np.ones((2, 5)),
            "lc: input must have the shape the layer was built for, (None, 5, 2), "
            "got (2, 5)",
        ),
        (
            np.ones((2, 5, 3)),
            "lc: input must have the shape the layer was built for, (None, 5, 2), "
            "got (2, 5, 3)",
        ),
        (
            np.ones((2, 6, 2)),
            "lc: input must have the shape the layer was built for, (None, 5, 2), "
            "got (2, 6, 2)",
        ),
        (
            np.ones((2, 4, 2)),
            "lc: input must have the shape the layer was built for, (None, 5, 2), "
            "got (2, 4, 2)",
        ),
        ([[["a", "b"]]], "lc: input must hold numbers, got dtype <U1"),
        (
            [[1.0], [1.0, 2.0]],
            "lc: input must be a rectangular array of numbers, "
            "got rows of unequal length",
        ),
    ],
    ids=["rank", "channels", "longer", "shorter", "words", "ragged"],
)
def test_call_refuses(x, sentence):
    layer = built(lc())
    layer.forward(np.ones((1, 5, 2)))
    with refuses(sentence), unchanged(layer):
        layer.forward(x)


def test_dense_refuses_other_channels():
    layer = built(Dense(2, name="top"), (None, 3))
    with (
        refuses("top: input must have 3 values on its last axis, got shape (2, 4)"),
        unchanged(layer),
    ):
        layer.forward(np.ones((2, 4)))


def test_softmax_refuses_an_axis_that_is_not_there():
    with refuses("a: axis must name distinct axes of x, (2, 3), got 5"):
        Softmax(5, name="a").forward(np.ones((2, 3)))


def test_dropout_refuses_a_mask_that_does_not_broadcast():
    layer = Dropout(0.5, noise_shape=(3, None), name="d")
    with refuses(
        "d: noise_shape must broadcast to the input's shape (2, 2), got (3, None)"
    ):
        layer.forward(np.ones((2, 2)), training=True)


def test_backward_before_forward():
    layer = built(lc())
    with (
        refuses(
            "lc: backward needs the result of forward; call forward first",
            RuntimeError,
        ),
        unchanged(layer),
    ):
        layer.backward(np.ones((1, 4, 2)))


def test_backward_of_another_shape():
    layer = built(lc())
    layer.forward(np.ones((2, 5, 2)))
    with (
        refuses("lc: dy must have the shape of y, (2, 4, 2), got (2, 4, 3)"),
        unchanged(layer),
    ):
        layer.backward(np.ones((2, 4, 3)))


def test_gradient_without_source():
    layer = built(lc())
    _, cache = layer.forward_with_cache(np.ones((1, 5, 2)))
    with refuses("dy must be given where dlogits is not, got None for both"):
        layer.backward_from_cache(None, cache)


KERNEL, BIAS = np.full((4, 4, 2), 7.0), np.full((4, 2), 7.0)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([KERNEL], "lc: weights must be a list of 2 arrays, got 1"),
        ([KERNEL, BIAS, BIAS], "lc: weights must be a list of 2 arrays, got 3"),
        (
            [KERNEL, np.zeros(2)],
            "lc: weight bias must have shape (4, 2), got (2,)",
        ),
        ([KERNEL, None], "lc: weight bias must hold numbers, got dtype object"),
        (
            [KERNEL, BIAS * 1j],
            "lc: weight bias must hold real numbers, got dtype complex128",
        ),
    ],
    ids=["few", "many", "shape", "None", "complex"],
)
def test_set_weights_refuses_all_or_nothing(weights, sentence):
    layer = built(lc())
    with refuses(sentence), unchanged(layer):
        layer.set_weights(weights)


def test_set_weights_that_overflow_change_nothing():
    layer = built(lc(dtype="float16"))
    rule = "weight bias must hold numbers within the range of float16, got "
    with pytest.raises(ValueError, match=rule), unchanged(layer):
        layer.set_weights([KERNEL, BIAS * 1e6])


def test_set_weights_before_build():
    with refuses(
        "lc: weights must be a list of 0 arrays, got 2; the layer is not built yet"
    ):
        lc().set_weights([KERNEL, BIAS])


def test_count_params_before_build():
    with refuses("lc: count_params needs a built layer; call build or forward first"):
        lc().count_params()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (3, "layer config must be a dict, got 3"),
        (
            {"class_name": "LocallyConected1D", "config": {}},
            "layer must be a known name, got 'LocallyConected1D'; "
            "did you mean 'LocallyConnected1D'?",
        ),
        (
            {"class_name": "Flatten", "config": {"foo": 1}},
            "layer config must fit Flatten, got {'foo': 1}: "
            "Flatten must be given known arguments, got 'foo'",
        ),
    ],
    ids=["type", "class", "key"],
)
def test_deserialize_refuses(config, sentence):
    with refuses(sentence):
        layers.deserialize(config)


def test_serialize_refuses_what_is_no_layer():
    with refuses("layer must be a Layer, got None"):
        layers.serialize(None)


@pytest.mark.parametrize(
    ("constraint", "sentence"),
    [
        (lambda w: None, "must hold numbers, got dtype object"),
        (lambda w: w[:1], "must have shape (4, 6, 2), got (1, 6, 2)"),
    ],
    ids=["None", "shape"],
)
def test_a_constraint_that_cannot_work_is_refused_at_build(constraint, sentence):
    layer = LocallyConnected1D(2, 3, kernel_constraint=constraint, name="lc")
    with refuses(f"lc: result of kernel_constraint {sentence}"):
        layer.build((None, 6, 2))
    assert not layer.built


# Truth values, and the batch axis ------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda v: layers.Dense(2, use_bias=v), "use_bias"),
        (lambda v: layers.Dense(2, trainable=v), "trainable"),
        (lambda v: layers.BatchNormalization(center=v), "center"),
        (lambda v: layers.BatchNormalization(scale=v), "scale"),
        (lambda v: layers.GlobalMaxPooling1D(keepdims=v), "keepdims"),
        (lambda v: layers.Conv1D(2, 2, untied_bias=v), "untied_bias"),
    ],
)
@pytest.mark.parametrize("value", ["False", None, 2])
def test_what_is_no_flag(make, name, value):
    with pytest.raises(
        ValueError, match=f"{name} must be True or False, got {value!r}"
    ):
        make(value)
    for fine in (True, np.False_, 0, 1):
        make(fine)


@pytest.mark.parametrize("batch", ["x", -3, 1.5, True])
def test_the_batch_axis_is_a_number_or_none(batch):
    layer = layers.LocallyConnected1D(2, 3)
    with pytest.raises(ValueError, match="input_shape must be a tuple of sizes, batch"):
        layer.build((batch, 6, 2))
    assert not layer.built
    layer.build((4, 6, 2))


@pytest.mark.parametrize("value", ["x", 0, -1, True])
def test_a_batch_size_without_a_shape_is_checked_too(value):
    with pytest.raises(ValueError, match="batch_size must be an integer >= 1, got"):
        layers.Dense(2, batch_size=value)


# What tf_keras takes, tests/data/make_refused.py ----------------------------------

ANSWERS = reference.load_json("refused.json")


def is_taken_here_alone(arguments):
    """Return whether a page names it as what Keras lacks."""
    padding = str(arguments.get("padding")).lower()
    return "dilation_rate" in arguments or (
        padding == "same" and arguments.get("implementation") == 1
    )


def is_refused_here_alone(arguments):
    """Return whether a page says that the constructor checks it."""
    return (
        arguments["filters"] == 0
        or isinstance(arguments.get("implementation"), float)
        or arguments.get("use_bias", True) is None
        or arguments.get("kernel_regularizer") == "nope"
    )


@pytest.mark.parametrize(("class_name", "arguments", "shape", "answer"), ANSWERS)
def test_what_keras_refuses_is_refused(class_name, arguments, shape, answer):
    def run():
        layer = getattr(layers, class_name)(**arguments)
        layer.build((None, *shape))
        return layer(np.ones((2, *(size or 4 for size in shape)), "float32"))

    if is_taken_here_alone(arguments):
        assert answer in ("ValueError", "TypeError")
        assert run().shape[0] == 2
    elif isinstance(answer, list) and not is_refused_here_alone(arguments):
        assert list(run().shape) == answer
    else:
        with pytest.raises((TypeError, ValueError)):
            run()


def test_most_of_the_answers_are_no_exceptions():
    own = [is_taken_here_alone(a) or is_refused_here_alone(a) for _, a, *_ in ANSWERS]
    assert sum(own) <= 9 < 100 < len(own)


def test_memory_that_there_is_not_is_asked_for_by_name():
    rule = r"^wide: weight 'kernel' is too large: .*\(4, 35184372088832\)"
    with pytest.raises(MemoryError, match=rule):
        layers.Dense(2**45, name="wide").build((None, 4))
    with pytest.raises(MemoryError, match=r"^padded: "):
        layers.ZeroPadding1D(2**44, name="padded").forward(np.ones((1, 4, 2)))
