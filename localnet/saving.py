"""What all models do with their weights: hand them out, take them in, file them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import optimizers
from ._typing import Array, ArrayLike, Config
from .interop import native
from .layers.weights import as_weights
from .training import Trainable

__all__ = ["Savable", "restore"]

Entries = tuple[Config, dict[str, Array]]


class Savable(Trainable):
    """Base of models whose weights are those of their layers, in order."""

    # Weights ---------------------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """
        Return copies of all weights.

        Returns
        -------
        list of ndarray
            Layer by layer, kernel before bias.
        """
        return [value for layer in self.layers for value in layer.get_weights()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """
        Replace the values of all weights.

        Parameters
        ----------
        weights : sequence of array_like
            In the order of `get_weights`.

        Raises
        ------
        ValueError
            If the number or a shape differs; no weight is changed then.
        """
        self._need_built("set_weights")
        former = self.get_weights()
        weights = as_weights(weights)
        if len(weights) != len(former):
            raise ValueError(
                f"weights must be a list of {len(former)} arrays, got {len(weights)}"
            )
        try:
            self._load(weights)
        except BaseException:
            self._load(former)
            raise

    def _load(self, weights: Sequence[ArrayLike]) -> None:
        start = 0
        for layer in self.layers:
            stop = start + len(layer.params)
            layer.set_weights(weights[start:stop])
            start = stop

    def count_params(self) -> int:
        """
        Return how many numbers the weights hold.

        Returns
        -------
        int
            Sum over the layers.

        Raises
        ------
        ValueError
            If the model is not built.
        """
        self._need_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    def _need_built(self, method: str) -> None:
        if not self.built:
            raise ValueError(
                f"{self.name}: {method} needs a built model; call build(input_shape)"
            )

    # Files -----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """
        Write the model to one file: config, weights and how it is trained.

        Parameters
        ----------
        path : str or path-like
            ``.npz``; the suffix is added if it is not there.

        Returns
        -------
        pathlib.Path
            The file; an old one of this name is replaced as a whole.

        Raises
        ------
        ValueError
            If the model is not built, holds something that JSON cannot, or the suffix
            is that of another format.
        OSError
            If the file cannot be written.

        See Also
        --------
        load_model : Reads it.
        """
        self._need_built("save")
        config, arrays = _model_entries(self)
        return native.write(path, config, arrays)

    def save_weights(self, path: str | os.PathLike[str]) -> Path:
        """
        Write the weights alone.

        Parameters
        ----------
        path : str or path-like
            ``.npz``; the suffix is added if it is not there.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If the model is not built, or the suffix is that of another format.
        OSError
            If the file cannot be written.
        """
        self._need_built("save_weights")
        config, arrays = _weight_entries(self)
        return native.write(path, config, arrays)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """
        Read weights that `save_weights` or `save` wrote, by position.

        Parameters
        ----------
        path : str or path-like
            The file.

        Raises
        ------
        ValueError
            If the file is none of ours, or its shapes are not the model's. No weight
            is changed then.
        OSError
            If the file cannot be opened.
        """
        self._need_built("load_weights")
        _, arrays = native.read(path)
        try:
            self.set_weights(_weights_of(arrays))
        except ValueError as error:
            raise ValueError(f"{path} must fit the model: {error}") from error


def _model_entries(model: Any) -> Entries:
    """Return the config and the arrays of a built model, ready for a file."""
    config: Config = {
        "class_name": "Sequential",
        "config": model.get_config(),
        "random": _random_state(model),
    }
    _, arrays = _weight_entries(model)
    if model.optimizer is not None:
        config["training"] = {
            "optimizer": optimizers.serialize(model.optimizer),
            **model._objective.get_config(),
        }
        for key, value in model.optimizer.get_state().items():
            arrays[f"optimizer/{key}"] = value
    return config, arrays


def _weight_entries(model: Any) -> Entries:
    """Return the names of the layers and the weights of a built model."""
    weights = model.get_weights()
    return (
        {"class_name": "weights", "layers": [layer.name for layer in model.layers]},
        {f"weights/{place:04d}": value for place, value in enumerate(weights)},
    )


def _weights_of(arrays: Mapping[str, Array]) -> list[Array]:
    """Return the weights among the arrays of a file, in order."""
    names = sorted(name for name in arrays if name.startswith("weights/"))
    return [arrays[name] for name in names]


def restore(
    model: Any, config: Config, arrays: Mapping[str, Array], *, compile: bool
) -> None:
    """Bring a fresh model of the same config to where the saved one was."""
    model.set_weights(_weights_of(arrays))
    random = config.get("random")
    if random is not None:
        _set_random_state(model, random)
    training = config.get("training")
    if not compile or training is None:
        return
    if not isinstance(training, dict) or "optimizer" not in training:
        raise ValueError(f"training must be a dict with an optimizer, got {training!r}")
    options = dict(training)
    model.compile(optimizers.deserialize(options.pop("optimizer")), **options)
    prefix = "optimizer/"
    model.optimizer.set_state(
        {
            name.removeprefix(prefix): value
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
    )


def _random_state(model: Any) -> Config:
    """Return how far the generators of shuffling and of training noise are."""
    return {
        "shuffling": model._shuffle_rng.bit_generator.state,
        "noise": {x.name: x.noise.bit_generator.state for x in model.layers},
    }


def _set_random_state(model: Any, state: Any) -> None:
    model._shuffle_rng.bit_generator.state = state["shuffling"]
    for layer in model.layers:
        layer.noise_state = state["noise"][layer.name]
