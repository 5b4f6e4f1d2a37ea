"""What localnet has no counterpart for, all of it in one sentence."""

import difflib
from typing import Any

from .. import layers as layers_module
from .._keras.absent import why_absent
from .._keras.words import NEW_WORDS
from .._registry import is_custom
from .._typing import Config
from .._validate import shown
from ..layers._functions import named_function
from .keras.configs import inner_of
from .keras.wiring import MODELS
from .model_weights import is_model

__all__ = ["check_counterparts"]

# The nearest way out, by the beginning of the class name.
WAYS_OUT = {
    "SeparableConv": "two Conv layers compute it, the first with groups",
    "DepthwiseConv": "a Conv layer with as many groups as channels computes it",
    **{
        f"Conv{rank}DTranspose": f"a LocallyConnected{rank}DTranspose with equal "
        "kernels at all locations computes it, for explicit pads where padding is "
        "'same'"
        for rank in (1, 2, 3)
    },
    "LayerNormalization": "apply it to the data with NumPy, between two models",
    "Lambda": "code from a file is never run; give the function in custom_objects "
    "under the name of the layer",
    "__lambda__": "code from a file is never run; give the activation a name in Keras "
    "and the function in custom_objects",
    "AlphaDropout": "leave it out, it does nothing but in training",
    "Rescaling": "scale the data before the model",
    "TFOpLambda": "a merge layer, or a layer of your own in custom_objects",
    "SlicingOpLambda": "a layer of your own in custom_objects",
}
# Keys that only configs of Keras 1 have.
KERAS_1 = ("nb_filter", "border_mode", "W_regularizer", "W_constraint", "dim_ordering")
# By what the weights of a file are keyed by: what can be read without the layer.
BY_NAME = "build the layers that localnet has anew, under their names, and load them"
ELSE = {
    "nothing": "give its class in custom_objects; or build the model anew, with a "
    "layer that has the same weights in its place, and load this file with "
    "load_weights",
    "name": f"give its class in custom_objects; or {BY_NAME} with "
    "load_weights(path, by_name=True)",
    "class": "give its class in custom_objects; or write a .h5 with save_weights of "
    f"tf_keras, {BY_NAME} from it with load_weights(path, by_name=True)",
}


def check_counterparts(config: Config, keyed_by: str = "nothing") -> None:
    """
    Refuse a model with anything that localnet lacks.

    Parameters
    ----------
    config : dict
        ``class_name`` and ``config`` of a model.
    keyed_by : {"name", "class", "nothing"}
        As `Contents.keyed_by`, by which the way out differs.

    Raises
    ------
    ValueError
        It names every such layer by class and name, with the nearest way out.
    """
    class_name, inner = config.get("class_name"), config.get("config")
    if class_name not in MODELS and not (isinstance(inner, dict) and "layers" in inner):
        raise ValueError(
            f"it must name the layers of the model, got a {class_name}, a subclass of "
            "Model with a call of its own: build the same layers as a Sequential or "
            "Model here, and load what save_weights('w.h5') writes of it in Keras"
        )
    if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        raise ValueError(
            f"config must be a dict with a list of layers, got {shown(inner)}"
        )
    missing: list[tuple[str, Any]] = []
    if class_name not in MODELS:
        missing.append((str(class_name), inner.get("name")))
    _find_missing(inner["layers"], missing)
    if missing:
        listed = "; ".join(
            f"{cls.strip('_')} {name!r} ({_way_out(cls, ELSE[keyed_by])})"
            for cls, name in missing
        )
        raise ValueError(f"localnet has no counterpart for {listed}")


def _find_missing(entries: list[Any], missing: list[tuple[str, Any]]) -> None:
    """Add what localnet lacks among layers, and in the models that stand there."""
    for outer in entries:
        if not is_model(outer):
            missing += _missing(outer)
            inner = inner_of(outer)
            _find_missing([] if inner is None else [inner], missing)
            continue
        arguments = outer.get("config")
        inner = arguments.get("layers") if isinstance(arguments, dict) else None
        if not isinstance(inner, list):
            raise ValueError(f"a model must have a list of layers, got {shown(inner)}")
        _find_missing(inner, missing)


def _missing(entry: Any) -> list[tuple[str, Any]]:
    """Return class and name of a layer if localnet lacks it, or it holds code."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(f"a layer must have a class_name, got {shown(entry)}")
    arguments = entry.get("config")
    name = arguments.get("name") if isinstance(arguments, dict) else None
    old = [word for word in KERAS_1 if word in (arguments or {})]
    if old:
        raise ValueError(
            f"layer {name!r} must be of Keras 2, got {shown(old[0])} of Keras 1, which "
            "is "
            f"{NEW_WORDS[old[0]]} now: build the model anew with the new words, and "
            "load this file with load_weights"
        )
    if not layers_module.is_known(entry["class_name"]):
        return [(entry["class_name"], name)]
    if entry["class_name"] == "Lambda" and isinstance(arguments, dict):
        return (
            []
            if is_custom("Lambda") or named_function(arguments)
            else [("Lambda", name)]
        )
    if isinstance(arguments, dict) and inner_of(entry) is not None:
        arguments = {**arguments, "layer": None}  # it is looked at on its own
    return [("__lambda__", name)] if _holds_code(arguments) else []


def _way_out(class_name: str, otherwise: str) -> str:
    fitting = [word for word in WAYS_OUT if class_name.startswith(word)]
    if fitting:
        return WAYS_OUT[max(fitting, key=len)]
    near = difflib.get_close_matches(class_name, layers_module.__all__, 1, cutoff=0.8)
    if near:
        return f"did you mean {near[0]!r}?"
    reason = why_absent(class_name)
    return otherwise if reason is None else f"{reason}; {otherwise}"


def _holds_code(value: Any) -> bool:
    """Return whether a config carries a lambda, as its name or as bytes of code."""
    if isinstance(value, list):
        return any(_holds_code(item) for item in value)
    if not isinstance(value, dict):
        return isinstance(value, str) and value == "<lambda>"
    # tf_keras writes the marshalled code, the defaults and the closure of a lambda.
    parts = value.get("value")
    is_code = isinstance(parts, list) and len(parts) == 3 and isinstance(parts[0], str)
    return (
        is_code
        or value.get("class_name") == "__lambda__"
        or any(_holds_code(item) for item in value.values())
    )
