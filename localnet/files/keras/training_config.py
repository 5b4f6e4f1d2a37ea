"""How a model is trained, in the words of Keras's files."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ... import _registry, metrics
from ..._typing import Config
from ..._validate import shown

__all__ = [
    "H5_KEY",
    "V3_KEY",
    "arguments_of",
    "for_h5",
    "for_v3",
]

# Metric classes whose snake-case name is not that of the function.
METRIC_CLASSES = {"LogCoshError": "log_cosh"}
# What Keras writes for a function with a name of its own.
WRAPPER = "MeanMetricWrapper"
# What Keras writes into configs of losses and metrics beside their arguments.
EXTRAS = ("fn", "dtype")


# Under what a file holds the arguments of `compile`.
H5_KEY, V3_KEY = "training_config", "compile_config"


def arguments_of(training: Config, outputs: Sequence[str] = ("",)) -> Config:
    """
    Return the arguments of ``compile`` that a file holds, whichever its format.

    Parameters
    ----------
    training : dict
        As `Contents.training`.
    outputs : sequence of str
        Names of those of the model; of one, no name matters.

    Returns
    -------
    dict
        With ``optimizer``, ``loss``, ``metrics``, ``weighted_metrics`` and
        ``loss_weights``; objects are still configs.

    Raises
    ------
    ValueError
        If it is not understood, or no optimizer stands in it.
    """
    if not isinstance(training, dict):
        raise ValueError(f"training must be a dict, got {shown(training)}")
    for key, optimizer in ((H5_KEY, "optimizer_config"), (V3_KEY, "optimizer")):
        if key in training:
            config = training[key]
            if not isinstance(config, dict) or optimizer not in config:
                raise ValueError(f"{key} must be a dict with an {optimizer}")
            if len(outputs) == 1:
                return _arguments(config, optimizer)
            return _arguments_of_several(config, optimizer, outputs)
    if "optimizer" not in training:
        raise ValueError(
            f"training must be a dict with an optimizer, got {shown(training)}"
        )
    return dict(training)


def _arguments(config: Config, optimizer: str) -> Config:
    return {
        "optimizer": config[optimizer],
        "loss": _only(_losses(config.get("loss"))),
        "metrics": _metrics(config.get("metrics")),
        "weighted_metrics": _metrics(config.get("weighted_metrics")),
        "loss_weights": _only(_flat(config.get("loss_weights"))),
    }


def _arguments_of_several(
    config: Config, optimizer: str, outputs: Sequence[str]
) -> Config:
    """Return the arguments as lists or dicts by output, as they were given."""

    def metric(value: Any) -> Any:
        return _metric(value, [f"{name}_" for name in outputs])

    return {
        "optimizer": config[optimizer],
        "loss": _mapped(_without_extras, config.get("loss")),
        "metrics": _mapped(metric, config.get("metrics")),
        "weighted_metrics": _mapped(metric, config.get("weighted_metrics")),
        "loss_weights": config.get("loss_weights"),
    }


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """Change what stands in lists, and in dicts by output."""
    if isinstance(value, list):
        return [_mapped(change, item) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _mapped(change, item) for key, item in value.items()}
    return None if value is None else change(value)


def _flat(value: Any) -> list[Any]:
    """Return the leaves of lists and of dicts by output, in order."""
    if value is None:
        return []
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]


def _only(values: list[Any]) -> Any:
    if len(values) > 1:
        raise ValueError(f"a model of one output must have one loss, got {values}")
    return values[0] if values else None


def _losses(value: Any) -> list[Any]:
    return [_without_extras(item) for item in _flat(value)]


def _without_extras(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    kept = {key: v for key, v in value["config"].items() if key not in EXTRAS}
    return {**value, "config": kept}


def _metrics(value: Any) -> list[Any]:
    return [_metric(item) for item in _flat(value)]


def _metric(value: Any, prefixes: Sequence[str] = ()) -> Any:
    """Return a metric as a user would have written it, without the output's name."""
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if isinstance(config, str):  # a function of the new style
        return config
    if not isinstance(config, dict):
        return value
    class_name, name = str(value["class_name"]), config.get("name")
    for prefix in prefixes:
        if isinstance(name, str) and name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    plain = class_name.rpartition(">")[2]
    if "fn" not in config and isinstance(metrics.CLASSES.get(plain), type):
        return {**value, "class_name": plain, "config": {**config, "name": name}}
    function = config.get("fn", METRIC_CLASSES.get(class_name))
    if isinstance(function, dict):
        function = function.get("config")
    if function is None:
        function = _registry.snake_case(class_name.rpartition(">")[2])
    if metrics.is_accuracy(name) and str(function).endswith("_accuracy"):
        return name
    with suppress(ValueError):  # "mae" is kept where it means the same
        if isinstance(name, str) and metrics.get(name) is metrics.get(function):
            return name
    if isinstance(name, str) and isinstance(function, str) and name != function:
        with suppress(ValueError):
            metrics.get(function)
            return {"class_name": WRAPPER, "config": {"name": name, "fn": function}}
    return function


def for_h5(arguments: Config, outputs: Sequence[str] = ("",)) -> Config:
    """
    Return a ``training_config``.

    Parameters
    ----------
    arguments : dict
        Of ``compile``, ready for JSON, as our own files hold them.
    outputs : sequence of str
        Names of those of the model; if there are several, they begin those of metrics.

    Returns
    -------
    dict
        In Keras's words.
    """
    optimizer = arguments["optimizer"]
    return {
        "loss": arguments["loss"],
        "metrics": _some(_named(arguments["metrics"], outputs)),
        "weighted_metrics": _some(_named(arguments["weighted_metrics"], outputs)),
        "loss_weights": arguments["loss_weights"],
        "optimizer_config": {
            "class_name": optimizer["class_name"],
            "config": optimizer["config"],
        },
    }


def _named(items: list[Any], outputs: Sequence[str]) -> list[Any]:
    """Return metrics with their names: Keras reads none from a mere word in .h5."""
    if len(outputs) == 1:
        return [_with_name(item, "") for item in items]
    return [
        [_with_name(item, f"{output}_") for item in inner]
        for inner, output in zip(items, outputs, strict=True)
    ]


def _with_name(item: Any, prefix: str) -> Any:
    if isinstance(item, str):
        function = metrics.FUNCTIONS.get(item)
        if function is None or metrics.is_accuracy(item):
            return item
        config = {"name": item, "dtype": "float32", "fn": metrics.serialize(function)}
        item = {"class_name": WRAPPER, "config": config}
    if not isinstance(item, dict) or "name" not in item.get("config", {}):
        return item
    config = {**item["config"], "name": f"{prefix}{item['config']['name']}"}
    return {"class_name": item["class_name"], "config": config}


def for_v3(arguments: Config) -> Config:
    """
    Return a ``compile_config``.

    Parameters
    ----------
    arguments : dict
        As for `for_h5`.

    Returns
    -------
    dict
        In Keras's words.
    """
    return {
        "optimizer": arguments["optimizer"],
        "loss": arguments["loss"],
        "metrics": _some(arguments["metrics"]),
        "loss_weights": arguments["loss_weights"],
        "weighted_metrics": _some(arguments["weighted_metrics"]),
        "run_eagerly": None,
        "steps_per_execution": None,
        "jit_compile": None,
    }


def _some(metrics: list[Any]) -> list[Any] | None:
    """Return the metrics, of one output or a list for each, or None for none at all."""
    return metrics if any(metrics) else None
