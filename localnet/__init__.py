"""
localnet: the reference for locally connected layers, in pure NumPy.

A locally connected layer is a convolution that does not share its weights: every output
location has a kernel of its own.

Stateless functions live in `localnet.ops`, layers in `localnet.layers`;
`localnet.Sequential` and `localnet.Model` train them with the API and the numbers of
Keras 2.

Submodules are loaded when they are first used, so that ``import localnet`` is cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ._keras.names import install, old_names

if TYPE_CHECKING:
    from . import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        golden,
        gradcheck,
        initializers,
        interop,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        plots,
        regularizers,
        reproduce,
        roofline,
        utils,
    )
    from ._registry import custom_object_scope
    from .layers import Input
    from .models import Model, Sequential, load_model

__version__ = "0.2.0"

# ``localnet.layers.core`` and the like, as scripts of Keras 2 import them.
install()

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "custom_object_scope",
    "datasets",
    "golden",
    "gradcheck",
    "initializers",
    "interop",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "plots",
    "regularizers",
    "reproduce",
    "roofline",
    "utils",
]

# Names that are not submodules, and the submodule they live in.
_HOMES = {
    "Input": "layers",
    "Model": "models",
    "Sequential": "models",
    "custom_object_scope": "_registry",
    "load_model": "models",
}

# A submodule that needs an extra; neither `dir` nor `import *` loads it.
_OPTIONAL = ("sklearn",)

_old_names = old_names(__name__)


def __getattr__(name: str) -> Any:
    if name not in __all__ and name not in _OPTIONAL:
        return _old_names(name)
    module = importlib.import_module(f".{_HOMES.get(name, name)}", __name__)
    value = getattr(module, name) if name in _HOMES else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(["__all__", "__version__", *__all__])
