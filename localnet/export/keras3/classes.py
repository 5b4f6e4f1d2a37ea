"""
The layers that Keras 3 does not have, made when Keras is there.

The classes stand in a function, since a class of Keras can be written only where Keras
can be imported, and localnet does not need it.
"""

import functools
from typing import Any, NamedTuple

from ... import _validate
from ..._typing import Array
from ...geometry import Geometry
from ...layers import deserialize
from ...models import each_step
from ...ops import taps_inside
from ..graph import Graph, Node
from ..lowering import lower_layer
from ..tables import windows
from .operations import local_product, run_graph

__all__ = ["Classes", "classes"]

# Layers of localnet that no user names: they stand around a model for every step.
AROUND = {kind.__name__: kind for kind in (each_step.Fold, each_step.Unfold)}


class Classes(NamedTuple):
    """
    What is registered with Keras under the package ``localnet``.

    Attributes
    ----------
    LocallyConnected1D, LocallyConnected2D, LocallyConnected3D : type
        Keras 2's layers, the third one localnet's own.
    LocalnetLayer : type
        Any other layer of localnet, computed by Keras's operations.
    hard_sigmoid : function
        Keras 2's, with the slope 0.2.
    """

    LocallyConnected1D: Any
    LocallyConnected2D: Any
    LocallyConnected3D: Any
    LocalnetLayer: Any
    hard_sigmoid: Any


@functools.cache
def classes() -> Classes:
    """
    Return the layers, and register them with Keras 3 the first time.

    Returns
    -------
    Classes
        The same ones at every call.

    Raises
    ------
    ImportError
        If Keras 3 is not installed.
    """
    try:
        import keras
    except ImportError as error:
        raise ImportError(
            'Keras 3 must be installed (pip install keras, or ".[keras3]" from a '
            "checkout), and the backend that KERAS_BACKEND names, TensorFlow if it "
            f"names none, with --no-verify too: {error}"
        ) from None
    if int(keras.__version__.split(".")[0]) < 3:
        raise ImportError(f"Keras must be of version 3, got {keras.__version__}")
    from keras import activations, constraints, initializers, ops, regularizers

    register = keras.saving.register_keras_serializable("localnet")

    @register
    def hard_sigmoid(x: Any) -> Any:
        """Keras 2's hard sigmoid, ``clip(0.2*x + 0.5, 0, 1)``."""
        return ops.clip(0.2 * x + 0.5, 0.0, 1.0)

    class LocallyConnected(keras.layers.Layer):
        """The one implementation behind the three classes, told apart by `rank`."""

        rank = 0

        def __init__(
            self,
            filters: int,
            kernel_size: Any,
            strides: Any = 1,
            padding: Any = "valid",
            data_format: str | None = None,
            activation: Any = None,
            use_bias: bool = True,
            kernel_initializer: Any = "glorot_uniform",
            bias_initializer: Any = "zeros",
            kernel_regularizer: Any = None,
            bias_regularizer: Any = None,
            activity_regularizer: Any = None,
            kernel_constraint: Any = None,
            bias_constraint: Any = None,
            implementation: int = 1,
            dilation_rate: Any = 1,
            **kwargs: Any,
        ) -> None:
            super().__init__(activity_regularizer=activity_regularizer, **kwargs)
            rank = self.rank
            self.filters = _validate.integer("filters", filters, minimum=1)
            self.kernel_size = _validate.sizes("kernel_size", kernel_size, rank)
            self.strides = _validate.sizes("strides", strides, rank)
            self.dilation_rate = _validate.sizes("dilation_rate", dilation_rate, rank)
            self.padding = _validate.choice("padding", padding, ("valid", "same"))
            self.data_format = data_format or keras.config.image_data_format()
            self.activation = activations.get(activation)
            self.use_bias = use_bias
            self.kernel_initializer = initializers.get(kernel_initializer)
            self.bias_initializer = initializers.get(bias_initializer)
            self.kernel_regularizer = regularizers.get(kernel_regularizer)
            self.bias_regularizer = regularizers.get(bias_regularizer)
            self.kernel_constraint = constraints.get(kernel_constraint)
            self.bias_constraint = constraints.get(bias_constraint)
            self.implementation = _validate.integer(
                "implementation", implementation, minimum=1, maximum=3
            )
            self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

        def geometry(self, input_shape: Any) -> Geometry:
            """Return the windows over an input of this shape, which localnet checks."""
            return Geometry.of(
                tuple(input_shape[1:]),
                kernel_size=self.kernel_size,
                strides=self.strides,
                padding=self.padding,
                dilation_rate=self.dilation_rate,
                data_format=self.data_format,
            )

        def build(self, input_shape: Any) -> None:
            """Make the weights, kernel (L, K, F) and bias (*O, F), as Keras 2 does."""
            g = self.geometry(input_shape)
            self._table = windows(g)
            inside = taps_inside(g)

            def start(shape: Any, dtype: Any = None) -> Any:
                drawn = self.kernel_initializer(shape, dtype=dtype)
                # Taps on the pads are no weights; they stay 0.
                return drawn if inside is None else drawn * ops.cast(inside, dtype)

            self.kernel = self.add_weight(
                name="kernel",
                shape=g.kernel_shape(self.filters),
                initializer=start,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            self.bias = None
            if self.use_bias:
                self.bias = self.add_weight(
                    name="bias",
                    shape=g.bias_shape(self.filters),
                    initializer=self.bias_initializer,
                    regularizer=self.bias_regularizer,
                    constraint=self.bias_constraint,
                )

        def call(self, x: Any) -> Any:
            """Gather the fields, multiply each by its kernel, add the bias."""
            y = local_product(x, self.kernel, self._table)
            outputs = self.compute_output_shape(x.shape)[1:]
            if self.data_format == "channels_first":
                y = ops.transpose(y, (0, 2, 1))
            y = ops.reshape(y, (-1, *outputs))
            if self.bias is not None:
                # For channels_first Keras 2 reshapes the bias, it does not move axes.
                y = y + ops.reshape(self.bias, (1, *outputs))
            return self.activation(y)

        def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
            """Return the shape of the output, the batch as it is."""
            g = self.geometry(input_shape)
            return (input_shape[0], *g.sample_shape(g.output_sizes, self.filters))

        def get_config(self) -> dict[str, Any]:
            """Return the arguments that make an equal layer."""
            rules = {
                f"{name}_{kind}": module.serialize(getattr(self, f"{name}_{kind}"))
                for kind, module in (
                    ("initializer", initializers),
                    ("regularizer", regularizers),
                    ("constraint", constraints),
                )
                for name in ("kernel", "bias")
            }
            return {
                **super().get_config(),
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "strides": self.strides,
                "padding": self.padding,
                "data_format": self.data_format,
                "dilation_rate": self.dilation_rate,
                "activation": activations.serialize(self.activation),
                "use_bias": self.use_bias,
                **rules,
                "activity_regularizer": regularizers.serialize(
                    self.activity_regularizer
                ),
                "implementation": self.implementation,
            }

    @register
    class LocallyConnected1D(LocallyConnected):
        """Keras 2's layer; see `localnet.layers.LocallyConnected1D`."""

        rank = 1

    @register
    class LocallyConnected2D(LocallyConnected):
        """Keras 2's layer; see `localnet.layers.LocallyConnected2D`."""

        rank = 2

    @register
    class LocallyConnected3D(LocallyConnected):
        """See `localnet.layers.LocallyConnected3D`."""

        rank = 3

    @register
    class LocalnetLayer(keras.layers.Layer):
        """
        Any layer of localnet, computed by Keras's operations.

        Parameters
        ----------
        layer : dict
            What `localnet.layers.serialize` gives.
        **kwargs
            Arguments of a layer of Keras.
        """

        def __init__(self, layer: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.layer = layer
            # A layer without weights may be called with several shapes.
            self._graphs: dict[Any, Graph] = {}
            # One start for all, so that equal models give equal files.
            self._noise_seed = keras.random.SeedGenerator(0)

        def build(self, input_shape: Any) -> None:
            """Make the weights as localnet does, and the graph that is computed."""
            rules = self.layer["config"]
            self._kept = {}
            for weight in self._graph_for(_shapes(input_shape)).weights.values():
                if weight.name.startswith("/"):
                    continue  # a table, or what follows from shapes
                name = weight.name.rpartition("/")[2]
                self._kept[weight.name] = self.add_weight(
                    name=name,
                    shape=weight.array.shape,
                    initializer=_constant(weight.array),
                    trainable=weight.trainable,
                    regularizer=regularizers.get(_rule(rules, name, "regularizer")),
                    constraint=constraints.get(_rule(rules, name, "constraint")),
                )

        def call(self, x: Any, training: bool = False) -> Any:
            """Compute the graph of the layer."""
            xs = x if isinstance(x, (list, tuple)) else [x]
            (y,) = run_graph(
                self._graph_for([value.shape for value in xs]),
                xs,
                self._kept,
                self._disturbed,
                bool(training),
            )
            return y

        def _graph_for(self, shapes: Any) -> Graph:
            """Return what is computed of inputs of these shapes."""
            key = tuple(tuple(shape[1:]) for shape in shapes)
            if key not in self._graphs:
                layer = deserialize(self.layer, AROUND)
                self._graphs[key] = lower_layer(layer, list(key))
            return self._graphs[key]

        def variable(self, name: str) -> Any:
            """Return a weight by the name that it has in localnet."""
            return self._kept[f"layer/{name}"]

        def _disturbed(self, node: Node, x: Any) -> Any:
            a, seed = node.attributes, self._noise_seed
            if node.op == "dropout":
                shape = [1 if n in a["ones"] else s for n, s in enumerate(ops.shape(x))]
                return keras.random.dropout(x, a["rate"], shape, seed)
            drawn = keras.random.normal(
                ops.shape(x), stddev=a["stddev"], dtype=x.dtype, seed=seed
            )
            return x + drawn if node.op == "gaussian_noise" else x * (1 + drawn)

        def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
            """Return the shape of the output, the batch as it is."""
            if not self.built:
                self.build(input_shape)
            shapes = _shapes(input_shape)
            return (shapes[0][0], *self._graph_for(shapes).outputs[0].shape[1:])

        def get_config(self) -> dict[str, Any]:
            """Return the arguments that make an equal layer."""
            return {**super().get_config(), "layer": self.layer}

    return Classes(
        LocallyConnected1D,
        LocallyConnected2D,
        LocallyConnected3D,
        LocalnetLayer,
        hard_sigmoid,
    )


def _shapes(input_shape: Any) -> Any:
    """Return the shapes of all inputs, of which there may be one."""
    several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
    return input_shape if several else [input_shape]


def _constant(array: Array) -> Any:
    def start(shape: Any, dtype: Any = None) -> Any:
        from keras import ops

        return ops.convert_to_tensor(array, dtype)

    return start


def _rule(config: dict[str, Any], name: str, kind: str) -> Any:
    """Return the rule for a weight; several weights of a layer may have one."""
    if "layer" in config:  # of TimeDistributed
        return _rule(config["layer"]["config"], name, kind)
    family = "combining_weights" if name.startswith("combining") else name
    family = "bias" if name.startswith("spatial_bias") else family
    return config.get(f"{family}_{kind}")
