"""The network of an estimator: the default one, or that of the user's factory."""

import inspect
import math
from typing import Any

from .. import _validate
from .._typing import Shape
from ..layers import (
    Dense,
    Flatten,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
)
from ..models import Model, Sequential

__all__ = ["checked_sample_shape", "default_network", "network_of"]

LOCAL = {2: LocallyConnected1D, 3: LocallyConnected2D, 4: LocallyConnected3D}


def checked_sample_shape(sample_shape: Any, n_features: int) -> Shape:
    """Return the shape of a sample, which holds as many values as a row of X."""
    if sample_shape is None:
        return (n_features, 1)
    shape = _validate.shape("sample_shape", sample_shape, minimum=1)
    if math.prod(shape) != n_features:
        raise ValueError(
            f"sample_shape must hold as many values as X has features, got {shape}: "
            f"{math.prod(shape)} values for {n_features} features"
        )
    return shape


def default_network(
    sample_shape: Shape,
    n_outputs: int,
    seed: int,
    *,
    filters: Any,
    kernel_size: Any,
    activation: Any,
    output_activation: str | None,
) -> Sequential:
    """Return one locally connected layer and a dense one, not compiled."""
    if len(sample_shape) not in LOCAL:
        raise ValueError(
            "sample_shape must be 1 to 3 sizes and the channels, got "
            f"{sample_shape}; other shapes need a network of your own in build"
        )
    sizes = sample_shape[:-1]
    kernel = _validate.sizes("kernel_size", kernel_size, len(sizes))
    return Sequential(
        [
            LOCAL[len(sample_shape)](
                _validate.integer("filters", filters, minimum=1),
                # A short axis is covered whole.
                tuple(min(pair) for pair in zip(kernel, sizes, strict=True)),
                activation=activation,
                data_format="channels_last",
                kernel_initializer="he_uniform",
                fans="local",
                input_shape=sample_shape,
            ),
            Flatten(),
            Dense(n_outputs, activation=output_activation),
        ],
        seed=seed,
    )


def _bound(
    build: Any, sample_shape: Shape, n_outputs: int, seed: int
) -> inspect.BoundArguments:
    """Return the arguments by position, or by name where `build` takes them so."""
    named = {"sample_shape": sample_shape, "n_outputs": n_outputs, "seed": seed}
    try:
        signature = inspect.signature(build)
    except ValueError:  # a callable without one
        signature = inspect.signature(lambda *args: None)
    try:
        return signature.bind(*named.values())
    except TypeError:
        try:
            return signature.bind(**named)
        except TypeError:
            pass
        raise


def network_of(build: Any, sample_shape: Shape, n_outputs: int, seed: int) -> Any:
    """Return the built model of the user's factory, whose input shape fits."""
    rule = (
        "build must be a callable build(sample_shape, n_outputs, seed) that returns a "
        "model"
    )
    if isinstance(build, (Model, Sequential)) or not callable(build):
        raise ValueError(f"{rule}, got {_validate.shown(build)}")
    try:
        arguments = _bound(build, sample_shape, n_outputs, seed)
    except TypeError as error:
        raise ValueError(f"{rule}, got {_validate.shown(build)}: {error}") from None
    model = build(*arguments.args, **arguments.kwargs)
    if not isinstance(model, (Model, Sequential)):
        raise ValueError(f"{rule}, got one that returns {model!r}")
    if not model.built:
        model.build((None, *sample_shape))
    if model.input_shape != (None, *sample_shape):
        raise ValueError(
            f"build must return a model whose input is {(None, *sample_shape)}, got "
            f"{model.input_shape}"
        )
    return model
