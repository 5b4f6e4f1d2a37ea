"""Names, configs and custom objects, on a family made for the test."""

import functools

import pytest
from raising import refuses

from localnet._registry import (
    Configurable,
    Registry,
    custom_object_scope,
    snake_case,
    uncalled,
)


class Scale(Configurable):
    def __init__(self, factor=2.0, *, seed=None):
        self.factor = factor
        self.seed = seed

    def __call__(self, w):
        return self.factor * w

    def gradient(self, w):
        return self.factor


class Half(Scale):
    def __init__(self):
        super().__init__(0.5)


class Needy(Scale):
    def __init__(self, factor):
        super().__init__(factor)


def tenfold(factor=10.0):
    return Scale(factor)


def plain(w):
    return w


@pytest.fixture
def scales():
    return Registry(
        "scale",
        "keras.scales",
        {"Scale": Scale, "scale": Scale, "tenfold": tenfold, "Needy": Needy},
        method="gradient",
    )


@pytest.fixture
def free():
    """Registry of a family that any callable may join."""
    return Registry("scale", "keras.scales", {"Scale": Scale, "tenfold": tenfold})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GlorotUniform", "glorot_uniform"),
        ("LocallyConnected1D", "locally_connected1d"),
        ("L1L2", "l1_l2"),
        ("SGD", "sgd"),
        ("MinMaxNorm", "min_max_norm"),
        ("zeros", "zeros"),
    ],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


# --- Configurable ---------------------------------------------------------------------


def test_a_config_holds_the_positional_arguments_and_makes_the_object_again():
    scale = Scale(3.0, seed=1)
    assert scale.get_config() == {"factor": 3.0}
    again = Scale.from_config(scale.get_config())
    assert type(again) is Scale
    assert again.factor == 3.0
    assert repr(again) == "Scale(factor=3.0)"
    assert repr(Half()) == "Half()"


def test_a_repr_of_long_values_is_cut():
    assert repr(Scale(list(range(100)))) == "Scale(factor=[0, 1, 2, 3, 4, 5, ...])"


# --- get ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "factor"),
    [
        ("Scale", 2.0),
        ("scale", 2.0),
        ("MyPackage>Scale", 2.0),
        ("tenfold", 10.0),
        ("MyPackage>tenfold", 10.0),
        (Scale, 2.0),
        (Half, 0.5),
        ({"class_name": "Scale", "config": {"factor": 7.0}}, 7.0),
        ({"class_name": "scale", "config": {}}, 2.0),
        ({"class_name": "Scale"}, 2.0),
        ({"class_name": "tenfold", "config": {"factor": 9.0}}, 9.0),
        ({"class_name": "MyPackage>Scale", "config": {"factor": 7.0}}, 7.0),
        ({"class_name": "function", "config": "tenfold"}, 10.0),
        (
            {
                "module": "keras.scales",
                "class_name": "Scale",
                "config": {"factor": 7.0},
                "registered_name": None,
            },
            7.0,
        ),
    ],
    ids=str,
)
def test_get(scales, identifier, factor):
    scale = scales.get(identifier)
    assert isinstance(scale, Scale)
    assert scale.factor == factor


def test_get_passes_none_and_objects_through(scales, free):
    scale = Scale(4.0)
    assert scales.get(None) is None
    assert scales.get(scale) is scale
    assert free.get(plain) is plain


def test_a_name_may_mean_a_function():
    registry = Registry("scale", "keras.scales", {"plain": uncalled(plain)})
    assert registry.get("plain") is plain
    assert registry.get("MyPackage>plain") is plain


# --- custom objects -------------------------------------------------------------------


def test_a_scope_ends_and_the_inner_one_wins(scales):
    with custom_object_scope({"mine": Scale}):
        assert type(scales.get("mine")) is Scale
        with custom_object_scope({"mine": Half}):
            assert type(scales.get("mine")) is Half
            assert type(scales.get("Package>mine")) is Half
        assert type(scales.get("mine")) is Scale
    with refuses("scale must be a known name, got 'mine'"):
        scales.get("mine")


def test_a_scope_ends_with_an_exception_too(scales):
    with pytest.raises(KeyError), custom_object_scope({"mine": Scale}):
        raise KeyError
    with refuses("scale must be a known name, got 'mine'"):
        scales.get("mine")


def test_a_function_of_the_caller_is_returned_uncalled(free):
    with custom_object_scope({"plain": plain}):
        assert free.get("plain") is plain
        assert free.deserialize({"class_name": "function", "config": "plain"}) is plain


def test_a_function_of_the_caller_may_take_a_name_of_ours(free):
    assert free.deserialize("tenfold", {"tenfold": plain}) is plain
    assert free.deserialize("Scale", {"Scale": plain}) is plain


def test_custom_objects_are_known_for_one_call(scales):
    config = {"class_name": "Mine", "config": {"factor": 5.0}}
    assert scales.deserialize(config, {"Mine": Scale}).factor == 5.0
    with refuses("scale must be a known name, got 'Mine'"):
        scales.deserialize(config)


# --- serialize ------------------------------------------------------------------------


def test_serialize_ours(scales):
    assert scales.serialize(Scale(3.0)) == {
        "module": "keras.scales",
        "class_name": "Scale",
        "config": {"factor": 3.0},
        "registered_name": None,
    }
    assert scales.deserialize(scales.serialize(Scale(3.0))).factor == 3.0


def test_serialize_what_is_not_ours(scales):
    assert scales.serialize(Half()) == {
        "module": Half.__module__,
        "class_name": "Half",
        "config": {},
        "registered_name": "Half",
    }


def test_a_class_of_another_that_bears_our_name_is_not_ours(free):
    class Scale(Half):
        pass

    assert free.serialize(Scale())["registered_name"] == "Scale"


def test_envelope_of_a_class_that_keras_calls_otherwise(scales):
    assert scales.envelope(Half(), "keras.halves", class_name="Demi") == {
        "module": "keras.halves",
        "class_name": "Demi",
        "config": {},
        "registered_name": None,
    }


def test_serialize_functions_and_none(scales):
    assert scales.serialize(None) is None
    assert scales.serialize(plain) == "plain"


def test_serialize_a_class(scales):
    assert scales.serialize(Scale) == "Scale"
    assert type(scales.deserialize(scales.serialize(Scale))) is Scale


def test_serialize_a_callable_that_has_a_name(scales):
    named = functools.partial(plain)
    named.__name__ = "named"
    assert scales.serialize(named) == "named"


class Nameless:
    def __call__(self, w):
        return w


@pytest.mark.parametrize(
    "nameless",
    [lambda w: w, functools.partial(plain), Nameless(), "Scale", 3],
    ids=["lambda", "partial", "object", "str", "int"],
)
def test_serialize_refuses_what_could_not_be_found_again(scales, nameless):
    with refuses(f"scale must have a name or get_config to be saved, got {nameless!r}"):
        scales.serialize(nameless)


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "sentence"),
    [
        (
            "Scael",
            "scale must be a known name, got 'Scael'; did you mean 'scale'?",
        ),
        ("xyz", "scale must be a known name, got 'xyz'"),
        (3, "scale must be a name, a config or a callable, got 3"),
        ([Scale], f"scale must be a name, a config or a callable, got {[Scale]!r}"),
        ({}, "scale config must have a class_name, got {}"),
        (
            {"class_name": None, "config": {}},
            "scale config must have a class_name, got "
            "{'class_name': None, 'config': {}}",
        ),
        (
            {"class_name": "Scale", "config": [2.0]},
            "scale config must be a dict of arguments, got [2.0]",
        ),
        (
            {"class_name": "Scale", "config": None},
            "scale config must be a dict of arguments, got None",
        ),
        (
            {"class_name": "Scale", "config": {"angle": 2.0}},
            "scale config must fit Scale, got {'angle': 2.0}: "
            "Scale.__init__() got an unexpected keyword argument 'angle'",
        ),
        (
            {"class_name": "Needy", "config": {}},
            "scale config must fit Needy, got {}: "
            "Needy.__init__() missing 1 required positional argument: 'factor'",
        ),
        (
            {"class_name": "tenfold", "config": {"angle": 2.0}},
            "scale config must fit tenfold, got {'angle': 2.0}: "
            "tenfold() got an unexpected keyword argument 'angle'",
        ),
        (plain, f"scale must have a method 'gradient', got {plain!r}"),
    ],
    # Without the address that the repr of a function holds.
    ids=lambda value: value.partition(" at 0x")[0] if isinstance(value, str) else "",
)
def test_get_refuses(scales, identifier, sentence):
    with refuses(sentence):
        scales.get(identifier)


@pytest.mark.parametrize("config", [None, 3, ["Scale"]], ids=repr)
def test_deserialize_refuses_what_is_no_config(scales, config):
    with refuses(f"scale config must have a class_name, got {config!r}"):
        scales.deserialize(config)


def test_a_custom_object_needs_the_method_of_its_family_too(scales):
    with refuses(f"scale must have a method 'gradient', got {plain!r}"):
        scales.deserialize("plain", {"plain": plain})
