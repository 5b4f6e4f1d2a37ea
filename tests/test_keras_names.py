"""Names stand where a user of Keras 2 looks for them."""

import importlib
import json

import numpy as np
import pytest
from raising import refuses

import localnet
from localnet import Input, Model, Sequential
from localnet.layers import Dense, InputLayer, Layer
from localnet.models import model_from_json

NAMES = {
    "": "Input Model Sequential",
    "backend": "clear_session epsilon floatx image_data_format set_epsilon set_floatx "
    "set_image_data_format",
    "callbacks": "BackupAndRestore CSVLogger Callback EarlyStopping History "
    "LambdaCallback LearningRateScheduler ModelCheckpoint ReduceLROnPlateau "
    "TerminateOnNaN",
    "constraints": "MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm max_norm "
    "min_max_norm non_neg radial_constraint unit_norm",
    "initializers": "Constant HeNormal RandomNormal VarianceScaling constant "
    "glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal "
    "lecun_uniform ones orthogonal random_normal random_uniform truncated_normal "
    "variance_scaling zeros",
    "layers": "Input InputLayer Layer add average concatenate maximum minimum multiply "
    "subtract",
    "losses": "MeanSquaredError bce categorical_crossentropy kld mae mape "
    "mean_squared_error mse msle",
    "metrics": "categorical_accuracy mae mse",
    "models": "Model Sequential load_model model_from_json",
    "optimizers": "SGD Adagrad Adadelta Adam AdamW Adamax Nadam RMSprop legacy "
    "schedules",
    "optimizers.legacy": "SGD Adagrad Adadelta Adam Adamax Nadam RMSprop",
    "optimizers.schedules": "CosineDecay ExponentialDecay InverseTimeDecay "
    "PiecewiseConstantDecay PolynomialDecay",
    "regularizers": "L1 L1L2 L2 l1 l1_l2 l2",
    "utils": "Sequence custom_object_scope normalize to_categorical",
}


@pytest.mark.parametrize("home", NAMES)
def test_names_are_where_keras_has_them(home):
    module = importlib.import_module(f"localnet.{home}".rstrip("."))
    assert [name for name in NAMES[home].split() if name not in module.__all__] == []


@pytest.mark.parametrize("kind", ["initializers", "constraints", "losses", "metrics"])
def test_a_second_name_means_what_it_means_as_a_string(kind):
    module = getattr(localnet, kind)
    for name in NAMES[kind].split():
        # A class is called, a function is not.
        named = module.get(name)
        assert getattr(module, name) in (named, type(named))


def test_legacy_optimizers_have_both_names():
    legacy = localnet.optimizers.legacy
    for name in NAMES["optimizers.legacy"].split():
        cls = getattr(legacy, name)
        assert cls is getattr(localnet.optimizers, f"Legacy{name}")
        assert cls is not getattr(localnet.optimizers, name)


def test_an_input_begins_a_chain():
    x = np.ones((2, 3))
    listed = Sequential([Input((3,), name="x"), Dense(2)], seed=0)
    added = Sequential(seed=0)
    added.add(Input((3,), name="x"))
    added.add(Dense(2))
    plain = Sequential([InputLayer((3,), name="x"), Dense(2)], seed=0)
    assert listed.input_names == added.input_names == ["x"]
    for model in (listed, added):
        np.testing.assert_array_equal(model.predict(x), plain.predict(x))


def test_no_other_handle_stands_for_a_layer():
    y = Dense(2, name="d")(Input((3,)))
    with refuses(
        "layer must be a Layer or a model, got <Handle 'd' (None, 2) float32>"
    ):
        Sequential([y])
    with refuses("InputLayer must be the first layer of a model"):
        Sequential([Dense(2), Input((2,))])


def chain():
    return Sequential([Dense(2, input_shape=(3,), name="d")], name="m")


def graph():
    x = Input((3,), name="x")
    return Model(x, Dense(2, name="d")(x), name="m")


@pytest.mark.parametrize("make", [chain, graph])
def test_a_model_comes_back_from_json(make):
    model = make()
    again = model_from_json(model.to_json(indent=1))
    assert type(again) is type(model)
    assert again.to_json() == model.to_json()


def test_json_may_name_own_layers():
    class Own(Layer):
        def compute(self, x, *, training, rng):
            return 2 * x, None

    text = Sequential([Own(input_shape=(3,))]).to_json()
    model = model_from_json(text, {"Own": Own})
    np.testing.assert_array_equal(model.predict(np.ones((1, 3))), [[2, 2, 2]])
    with pytest.raises(ValueError, match="Own"):
        model_from_json(text)


def test_json_must_describe_a_model():
    with pytest.raises(ValueError, match="json_string must be JSON: "):
        model_from_json("{")
    with pytest.raises(ValueError, match="config must describe a model"):
        model_from_json(json.dumps({"class_name": "Dense", "config": {"units": 2}}))
