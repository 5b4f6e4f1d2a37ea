"""Layers of a user's own: written in a few lines, and proved in one."""

import copy
import inspect
import pickle
import re
import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raising import refuses

from localnet import (
    Input,
    Model,
    Sequential,
    layers,
    load_model,
    optimizers,
    regularizers,
)
from localnet._registry import custom_object_scope
from localnet.gradcheck import check_layer
from localnet.layers import Dense, Layer, MultiInputLayer

CLASSES = {
    name: value
    for name in layers.__all__
    if isinstance(value := getattr(layers, name), type) and issubclass(value, Layer)
}


class Scale(Layer):
    """The example of the documentation."""

    def build(self, input_shape):
        self.add_weight("scale", (input_shape[-1],), initializer="ones")

    def compute(self, x, *, training, rng):
        return x * self.params["scale"], x

    def gradients(self, dy, cache):
        axes = tuple(range(dy.ndim - 1))
        return dy * self.params["scale"], {"scale": (dy * cache).sum(axis=axes)}


class Calling(Scale):
    """The same in the way of Keras: the base's build is called, and `built` is set."""

    def build(self, input_shape):
        super().build(input_shape)
        Layer.build(self, input_shape)
        self.built = True


class Pruned(Scale):
    """With arguments, rules, and a weight that no optimizer changes."""

    config_names = ("factor",)

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.add_weight("keep", shape, initializer="ones", trainable=False)
        self.add_weight(
            "scale",
            shape,
            initializer="he_normal",
            regularizer="l2",
            constraint="non_neg",
        )

    def compute(self, x, *, training, rng):
        y, cache = super().compute(x, training=training, rng=rng)
        return self.factor * y * self.params["keep"], cache

    def gradients(self, dy, cache):
        return super().gradients(self.factor * dy * self.params["keep"], cache)


class Jitter(Layer):
    def compute(self, x, *, training, rng):
        factor = rng.normal(size=x.shape).astype(x.dtype) if training else 1
        return x * factor, factor

    def gradients(self, dy, cache):
        return dy * cache, {}


class Gate(MultiInputLayer):
    input_count = 2

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def compute(self, x, *, training, rng):
        return x[0] * x[1], x

    def gradients(self, dy, cache):
        return (dy * cache[1], dy * cache[0]), {}


OWN = {cls.__name__: cls for cls in (Scale, Calling, Pruned, Jitter)}


# The classes ---------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
def test_at_most_six_classes_stand_behind_a_layer(name):
    assert len(CLASSES[name].__mro__) <= 6, CLASSES[name].__mro__


@pytest.mark.parametrize("name", CLASSES)
def test_a_missing_argument_is_said_of_the_public_class(name):
    cls = CLASSES[name]
    needed = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    if needed:
        with pytest.raises(TypeError, match=rf"^{cls.__name__}\.__init__\(\) missing"):
            cls()
    with pytest.raises(TypeError, match=rf"^{cls.__name__} must be given known argu"):
        cls(*[1 for _ in needed if name != "TimeDistributed"], **known(name), x_y=1)


def known(name):
    """Return what a class cannot do without."""
    if name == "TimeDistributed":
        return {"layer": Dense(1)}
    if name == "Activation":
        return {}
    return {"spatial_rank": 1} if name.startswith("LowRank") else {}


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_read(name):
    text = str(inspect.signature(CLASSES[name])) + str(
        inspect.signature(CLASSES[name].forward)
    )
    assert "ArrayLike" in text
    assert "_SupportsArray" not in text
    assert len(text) < 1200


def test_costed_layers_are_those_with_the_hook():
    assert isinstance(Dense(1), layers.CostedLayer)
    assert issubclass(layers.LocallyConnected2D, layers.CostedLayer)
    assert not isinstance(layers.Dropout(0.5), layers.CostedLayer)
    assert not isinstance(Scale(), layers.CostedLayer)
    with pytest.raises(ValueError, match=r"^d: cost must be known to the layer"):
        layers.Dropout(0.5, name="d").cost(1, (None, 3))


@pytest.mark.parametrize("base", [Layer, layers.CostedLayer])
def test_an_own_layer_may_tell_its_cost(base):
    class Told(base):
        def _cost(self, input_shape, batch_size, need_dx):
            return Dense(2)._cost(input_shape, batch_size=batch_size, need_dx=need_dx)

    assert isinstance(Told(), layers.CostedLayer)
    told = Told().cost(4, (None, 3), need_dx=False)
    assert told == Dense(2).cost(4, (None, 3), need_dx=False)


def test_mixins_keep_their_constructor():
    class Noted:
        def __init__(self, note="", **kwargs):
            super().__init__(**kwargs)
            self.note = note

    class Both(Scale, Noted, Layer):
        pass

    class Before(Noted, Scale):
        pass

    # What lies behind a class without a constructor is still asked.
    assert Both(note="a", name="b").note == Before(note="a", name="b").note == "a"


# The hooks -----------------------------------------------------------------------


@pytest.mark.parametrize("cls", OWN.values())
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (2, 5, 3)])
def test_own_layers_are_proved_in_one_line(cls, training, shape, rng):
    report = check_layer(cls(), rng.normal(size=shape), training=training)
    assert report.passed, report


def test_two_inputs_are_checked_one_by_one(rng):
    report = check_layer(Gate(), rng.normal(size=(2, 4, 3)))
    assert report.passed
    assert [check.name for check in report.checks] == ["x[0]", "x[1]"]

    class Half(Gate):
        def gradients(self, dy, cache):
            return (dy * cache[1], dy), {}

    report = check_layer(Half(), rng.normal(size=(2, 4, 3)))
    assert [check.passed for check in report.checks] == [True, False]


def test_the_check_looks_at_the_shape_that_is_told(rng):
    class Twice(Layer):
        def compute(self, x, *, training, rng):
            return np.concatenate([x, x], axis=-1), None

    x = rng.normal(size=(4, 3))
    sentence = "compute_output_shape must tell the shape of y, (None, 6), got (None, 3)"
    with refuses(f"t: {sentence}"):
        check_layer(Twice(name="t"), x)
    # Not the next layer is at fault.
    with refuses(f"t: {sentence}"):
        Sequential([Twice(name="t"), Dense(2)]).predict(x)


def test_a_constructor_that_forgets_the_base_s_is_named():
    class Bare(Scale):
        def __init__(self):
            self.k = 2

    sentence = "__init__ must first call super().__init__()"
    with pytest.raises(AttributeError, match=f"'Bare' .*: {re.escape(sentence)}$"):
        Bare().forward(np.ones((2, 3)))
    with pytest.raises(AttributeError, match=re.escape(sentence)):
        Sequential([Bare()])
    assert not hasattr(Bare(), "__array__")


def test_a_weight_that_is_not_trainable_comes_last_and_needs_no_gradient(rng):
    layer = Pruned(name="p")
    layer.build((None, 3))
    assert list(layer.params) == ["scale", "keep"]
    assert list(layer.trainable_params) == ["scale"]
    assert layer.learns("scale")
    assert not layer.learns("keep")
    report = check_layer(layer, rng.normal(size=(4, 3)))
    assert [check.name for check in report.checks] == ["x", "scale"]
    model = Sequential([layer, Dense(1)])
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(rng.normal(size=(8, 3)), np.ones((8, 1)), verbose=0)
    assert_array_equal(layer.params["keep"], np.ones(3))
    assert (layer.params["scale"] >= 0).all()


def test_the_rules_of_a_weight_may_be_names_or_objects():
    layer = Pruned()
    layer.build((None, 2))
    layer.set_weights([[1.0, 2.0], [1.0, 1.0]])
    assert layer.losses == [pytest.approx(regularizers.L2(0.01)(np.array([1.0, 2.0])))]
    assert list(layer.constraints) == ["scale"]


def test_build_has_the_seed_and_the_initial_weights():
    def drawn(seed):
        model = Sequential([Pruned(input_shape=(3,))], seed=seed)
        return model.get_weights()[0]

    assert_array_equal(drawn(1), drawn(1))
    assert (drawn(1) != drawn(2)).any()
    layer = Scale(weights=[[1.0, 2.0]], input_shape=(2,))
    assert_array_equal(layer([[1.0, 1.0]]), [[1.0, 2.0]])


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_build_that_fails_leaves_the_layer_as_it_was(rebuilt):
    class Failing(Scale):
        fails = True

        def build(self, input_shape):
            super().build(input_shape)
            self.note = "left behind"
            if self.fails:
                raise ArithmeticError("no")

    layer = Failing(name="f")
    if rebuilt:
        layer.fails = False
        layer.build((None, 3))
        layer.fails = True
    before = vars(layer).copy(), list(layer.params)
    with pytest.raises(ArithmeticError, match="no"):
        layer.build((None, 5))
    assert vars(layer) == before[0]
    assert list(layer.params) == before[1]
    with pytest.raises(ArithmeticError, match="no"):
        layer.forward(np.ones((2, 5))) if not rebuilt else layer.build((None, 5))
    layer.fails = False
    layer.build((None, 5))
    assert layer.params["scale"].shape == (5,)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, (2,)), "name must be a string that is new, got 1"),
        (("scale", (2,)), "name must be a string that is new, got 'scale'"),
        (("b", (None, 2)), "shape must be a tuple of integers >= 0, got (None, 2)"),
        (("b", 2), "shape must be a tuple of integers >= 0, got 2"),
    ],
)
def test_add_weight_refuses(arguments, sentence):
    class Bad(Scale):
        def build(self, input_shape):
            super().build(input_shape)
            self.add_weight(*arguments)

    with pytest.raises(ValueError, match=f"^bad: {re.escape(sentence)}$") as error:
        Bad(name="bad").build((None, 3))
    assert len(error.value.args) == 1


@pytest.mark.parametrize("rule", ["initializer", "regularizer", "constraint"])
def test_add_weight_names_the_rule_that_is_unknown(rule):
    class Bad(Scale):
        def build(self, input_shape):
            self.add_weight("b", (2,), **{rule: "nonsense"})

    with pytest.raises(ValueError, match=f"^bad: b_{rule} must be"):
        Bad(name="bad").build((None, 3))


def test_weights_are_added_in_build_alone():
    class Early(Scale):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.add_weight("b", (2,))

    with pytest.raises(ValueError, match=r"^e: add_weight must be called in build, "):
        Early(name="e")
    layer = Scale(name="s")
    layer.build((None, 2))
    with pytest.raises(ValueError, match=r"^s: add_weight must be called in build, "):
        layer.add_weight("b", (2,))


@pytest.mark.parametrize("hook", ["compute", "gradients"])
def test_a_hook_that_returns_one_array_is_refused(hook):
    class One(Scale):
        pass

    setattr(One, hook, lambda self, *args, **kwargs: np.ones((2, 3), "float32"))
    layer = One(name="one")

    def both():
        layer.forward(np.ones((2, 3)))
        layer.backward(np.ones((2, 3)))

    with pytest.raises(ValueError, match=rf"^one: {hook} must return .*, got ndarray$"):
        both()


def test_a_gradient_of_no_weight_is_named():
    class More(Scale):
        def gradients(self, dy, cache):
            return dy, {"scale": dy[0], "sacle": dy[0]}

    layer = More(name="m")
    y = layer.forward(np.ones((2, 3)))
    with refuses(
        "m: gradients must hold those of weights, ['scale'], got one for 'sacle'"
    ):
        layer.backward(y)


def test_an_output_that_is_no_array_is_named():
    class Nothing(Scale):
        def compute(self, x):
            return None, x

    with refuses("n: compute must return (y, cache) with an array y, got NoneType"):
        Nothing(name="n").forward(np.ones((2, 3)))


def test_a_gradient_that_is_missing_is_named():
    class Without(Scale):
        def gradients(self, dy, cache):
            return dy, {"sacle": dy[0]}

    layer = Without(name="w")
    y = layer.forward(np.ones((2, 3)))
    sentence = (
        "w: gradients must hold one for the weight 'scale', got those of ['sacle']"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        layer.backward(y)


def test_a_layer_without_hooks_says_which_is_missing():
    class Empty(Layer):
        pass

    with pytest.raises(NotImplementedError, match="Empty must have a method compute"):
        Empty()(np.ones((2, 3)))


@pytest.mark.parametrize("name", ["_build", "_forward", "_backward", "call"])
def test_other_hooks_are_refused_in_a_sentence(name):
    sentence = (
        "Old must be written with build(self, input_shape), compute(self, x, *, "
        "training, rng) -> (y, cache) and gradients(self, dy, cache) -> "
        "(dx, {name: gradient}), got "
    )
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}") as error:
        type("Old", (Layer,), {name: lambda self, x: x})
    assert len(error.value.args) == 1


def test_a_call_beside_the_hooks_is_the_user_s_own():
    class Both(Scale):
        compute = Scale.compute

        def call(self, x):
            return self(x)

    assert_array_equal(Both().call([[2.0]]), [[2.0]])


# Everything around ---------------------------------------------------------------


@pytest.mark.parametrize("cls", [Scale, Calling, Pruned])
@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
@pytest.mark.parametrize("scoped", [False, True])
def test_own_layers_come_back_from_files(cls, suffix, scoped, tmp_path, rng):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    x = rng.normal(size=(6, 3)).astype("float32")
    model = Sequential([Dense(3, input_shape=(3,)), cls(name="own"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(x, x[:, :1], verbose=0)
    path = model.save(tmp_path / f"model{suffix}")
    with pytest.raises(ValueError, match=cls.__name__):
        load_model(path)
    with custom_object_scope({cls.__name__: cls} if scoped else {}):
        again = load_model(path, None if scoped else {cls.__name__: cls})
    assert type(again.get_layer("own")) is cls
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        assert_array_equal(ours, theirs)
    again.fit(x, x[:, :1], verbose=0, shuffle=False)
    model.fit(x, x[:, :1], verbose=0, shuffle=False)
    assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


@pytest.mark.parametrize("cls", OWN.values())
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_own_layers_are_copied(cls, copied, rng):
    layer, x = cls(), rng.normal(size=(4, 3))
    layer.forward(x)
    again = copied(layer)
    assert_array_equal(again(x, training=True), layer(x, training=True))
    for name, value in again.params.items():
        assert not np.shares_memory(value, layer.params[name])


def test_the_noise_of_a_model_comes_from_its_seed(rng):
    x = rng.normal(size=(8, 3))

    def trained(seed):
        model = Sequential([Jitter(input_shape=(3,)), Dense(1)], seed=seed)
        model.compile("sgd", "mse")
        model.fit(x, x[:, :1], verbose=0, seed=0)
        return model.get_weights()[0]

    assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()


def test_a_layer_that_is_used_twice_and_from_threads_is_right(rng):
    shared = Scale(name="s")
    a = Input((3,), name="a")
    model = Model(a, layers.add([shared(a), shared(shared(a))]), seed=0)
    model.compile("sgd", "mse")
    x = rng.normal(size=(4, 3))
    _, [gradient] = model.loss_and_gradients(x, np.zeros((4, 3)))
    # y = x*s + x*s**2 at s = 1, and the mean of y**2
    assert gradient == pytest.approx((2 * 2 * x * 3 * x).sum(axis=0) / 12, rel=1e-5)
    caches = {}

    def run(number):
        caches[number] = shared.forward_with_cache(np.full((2, 3), float(number)))[1]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, cache in caches.items():
        _, grads = shared.backward_from_cache(np.ones((2, 3), "float32"), cache)
        assert_array_equal(grads["scale"], np.full(3, 2.0 * number))


def test_two_threads_may_build_a_layer_by_using_it():
    class Slow(Scale):
        def build(self, input_shape):
            started.set()
            time.sleep(0.1)
            self.add_weight("scale", (input_shape[-1],), initializer="ones")

    started, results = threading.Event(), []
    layer = Slow()

    def run():
        results.append(layer.forward_with_cache(np.ones((2, 3)))[0])

    threads = [threading.Thread(target=run) for _ in range(3)]
    threads[0].start()
    started.wait(5)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for result in results:
        assert_array_equal(result, np.ones((2, 3)))


def test_own_layers_go_into_time_distributed(rng):
    layer = layers.TimeDistributed(Pruned())
    assert check_layer(layer, rng.normal(size=(2, 4, 3))).passed


class Held(Layer):
    """In the way of Keras: the attributes of a layer are its weights."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.factor = None

    def build(self, input_shape):
        self.factor = self.add_weight("scale", (input_shape[-1],))
        self.shift = self.add_weight("shift", (input_shape[-1],), initializer="zeros")

    def compute(self, x, *, training, rng):
        return x * self.factor + self.shift, x

    def gradients(self, dy, cache):
        grads = {"scale": (dy * cache).sum(axis=0), "shift": dy.sum(axis=0)}
        return dy * self.factor, grads


@pytest.mark.parametrize("suffix", ["npz", "h5", "keras"])
def test_a_weight_is_live_under_the_name_it_was_given(suffix, tmp_path, rng):
    x = rng.normal(size=(4, 3))
    assert check_layer(Held(), x).passed
    model = Sequential([Held(input_shape=(3,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    path = model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(path, custom_objects={"Held": Held})
    copied, factor = copy.deepcopy(loaded), model.layers[0].factor.copy()
    for again in (model, loaded, copied):
        layer = again.layers[0]
        assert layer.factor is layer.params["scale"]
        assert_array_equal(layer.factor, factor)
        again.fit(x, x[:, :1], verbose=0)
        assert layer.factor is layer.params["scale"]
        layer.factor += 1
        assert_array_equal(layer.get_weights()[0], layer.factor)


@pytest.mark.parametrize("name", ["scale", "factor", "shift"])
def test_a_weight_is_not_replaced(name):
    layer = Held(name="held")
    layer.build((None, 2))
    former = layer.get_weights()
    sentence = (
        f"held: {name} must be changed in place, by layer.{name}[...] = values or "
        "set_weights, got [1, 2]"
    )
    with refuses(sentence, AttributeError):
        setattr(layer, name, [1, 2])
    for value, before in zip(layer.get_weights(), former, strict=True):
        assert_array_equal(value, before)


def test_a_weight_is_not_given_before_the_build():
    layer = Dense(2, name="d")
    sentence = "d: kernel must be changed in place in a layer that is built, got 3"
    with refuses(sentence, AttributeError):
        layer.kernel = 3
    layer.build((None, 2))
    layer.kernel -= layer.kernel
    assert not layer.get_weights()[0].any()
    assert "kernel" not in vars(layer)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            lambda dy: (dy, None),
            "own: gradients must return (dx, {name: gradient}), got None for the "
            "second",
        ),
        (
            lambda dy: (dy[:, :1], {"scale": dy[0]}),
            "own: dx must have the shape of x, (3, 2), got (3, 1)",
        ),
        (
            lambda dy: ("a", {"scale": dy[0]}),
            "own: dx must hold numbers, got dtype <U1",
        ),
        (
            lambda dy: (dy, {"scale": 2.0}),
            "own: gradient of scale must have shape (2,), got ()",
        ),
        (
            lambda dy: (dy, {"scale": "a"}),
            "own: gradient of scale must hold numbers, got dtype <U1",
        ),
    ],
)
def test_gradients_that_do_not_fit_are_named(answer, sentence):
    class Own(Scale):
        def gradients(self, dy, cache):
            return answer(dy)

    model = Sequential([Dense(2, input_shape=(2,)), Own(name="own")])
    model.compile("sgd", "mse")
    former = model.get_weights()
    with refuses(sentence):
        model.train_on_batch(np.ones((3, 2)), np.ones((3, 2)))
    for value, before in zip(model.get_weights(), former, strict=True):
        assert_array_equal(value, before)


class Answer:
    """A regularizer of a user's own."""

    def __init__(self, value, gradient):
        self.value, self.slope = value, gradient

    def __call__(self, w):
        return self.value

    def gradient(self, w):
        return self.slope


@pytest.mark.parametrize(
    ("value", "gradient", "rule"),
    [
        (None, None, "result of {} must hold numbers, got dtype object"),
        ("a", None, "result of {} must hold numbers, got dtype <U1"),
        ([1, 2], None, "result of {} must be one number, got [1, 2]"),
        (1, 1, "gradient of {} must have shape (3, 2), got ()"),
        (1, None, "gradient of {} must hold numbers, got dtype object"),
    ],
)
@pytest.mark.parametrize("argument", ["kernel_regularizer", "activity_regularizer"])
def test_what_a_regularizer_says_is_checked(value, gradient, rule, argument):
    rules = {argument: Answer(value, gradient)}
    model = Sequential([Dense(2, input_shape=(3,), name="d", **rules)])
    model.compile("sgd", "mse")
    sentence = re.escape(rule.format(argument))
    with pytest.raises(ValueError, match=f"^(d: )?{sentence}$"):
        model.train_on_batch(np.ones((3, 3)), np.ones((3, 2)))


def test_a_layer_without_weights_takes_inputs_of_any_size():
    class Square(Layer):
        def compute(self, x):
            return x**2, x

        def gradients(self, dy, cache):
            return 2 * cache * dy, {}

    layer = Square(name="s")
    for size in (3, 5):
        x = np.arange(2.0 * size).reshape(2, size)
        assert_array_equal(layer.backward(layer.forward(x)), 2 * x**3)
