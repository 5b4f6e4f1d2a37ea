"""What a model does with its weights: hand them out, take them in, file them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__, _validate
from .._typing import Array, ArrayLike
from ..training.network import at_the_moment
from ..training.trainer import Trained

if TYPE_CHECKING:
    from ..files.contents import Contents

# What reads and writes files is imported where it is used: most processes need none of
# it, and it would make the import of localnet a third longer.

__all__ = [
    "count_params",
    "get_weights",
    "load_contents",
    "load_weights",
    "save",
    "save_weights",
    "set_weights",
    "to_json",
]


def get_weights(self: Trained) -> list[Array]:
    """
    Return copies of all weights.

    Returns
    -------
    list of ndarray
        Layer by layer, kernel before bias.
    """
    return self._trainer.network.get_weights()


def set_weights(self: Trained, weights: Sequence[ArrayLike]) -> None:
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
    _need_built(self, "set_weights")
    self._trainer.network.set_weights(weights)


def count_params(self: Trained) -> int:
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
    _need_built(self, "count_params")
    return sum(layer.count_params() for layer in self._trainer.network.leaves.values())


def _need_built(self: Any, method: str) -> None:
    if not self.built:
        raise ValueError(
            f"{self.name}: {method} needs a built model; call build(input_shape)"
        )


def save(
    self: Trained,
    path: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> Path:
    """
    Write the model to one file: config, weights and how it is trained.

    Parameters
    ----------
    path : str or path-like
        ``.npz`` for localnet's own format, which keeps everything; ``.keras`` or
        ``.h5`` for Keras. Without a suffix, ``.npz`` is added, and `load_model` finds
        the file without it too. But for a path to a ``.npz``, its folder is made.
    overwrite : bool
        Whether an old file of this name may be replaced.
    include_optimizer : bool
        Whether loss, metrics and optimizer are written too.
    save_format : str, optional
        Accepted as in Keras where it is that of the suffix.

    Returns
    -------
    pathlib.Path
        The file; an old one of this name is replaced as a whole.

    Raises
    ------
    ValueError
        If the model is not built, holds something that JSON cannot or that Keras
        has no counterpart for, or the suffix is that of another format.
    ImportError
        If the format is Keras's and h5py is not installed.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If layers were frozen or thawed since the last update: what the optimizer
        remembers does not fit them, and is left out.

    See Also
    --------
    load_model : Reads it.

    Notes
    -----
    In a file of Keras, kernels have the layout of the layer's `implementation`, and
    ``padding="same"`` at implementation 1, which Keras refuses, becomes
    implementation 3. How far the random generators are is not kept there.
    """
    from ..files import writing

    _need_built(self, "save")
    _check_place(path, overwrite, save_format)
    training = _validate.flag("include_optimizer", include_optimizer)
    # As it learns now: what a frozen model fixes is written as frozen itself.
    with at_the_moment(self._trainer.network):
        return writing.write_model(self, path, training=training)


def save_weights(
    self: Trained,
    path: str | os.PathLike[str],
    overwrite: bool = True,
    save_format: str | None = None,
) -> Path:
    """
    Write the weights alone.

    Parameters
    ----------
    path : str or path-like
        ``.npz`` for localnet's own format, ``.weights.h5`` for Keras's present one,
        any other ``.h5`` for its legacy one. Without a suffix, ``.npz`` is added, and
        `load_weights` finds the file without it too.
    overwrite, save_format
        As for `save`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If the model is not built, Keras has no counterpart for a layer, or the
        suffix is that of another format.
    ImportError
        If the format is Keras's and h5py is not installed.
    OSError
        If the file cannot be written.
    """
    from ..files import writing

    _need_built(self, "save_weights")
    _check_place(path, overwrite, save_format, weights_only=True)
    return writing.write_weights(self, path)


def _check_place(
    path: str | os.PathLike[str],
    overwrite: bool,
    save_format: str | None,
    *,
    weights_only: bool = False,
) -> None:
    """Refuse a file that is to stay, and a format that is not that of the suffix."""
    from ..files import formats

    if not _validate.flag("overwrite", overwrite):
        file = formats.file_path(path, weights_only=weights_only)
        if file.exists():
            raise ValueError(
                f"path must be new without overwrite, got {_validate.shown(str(path))}"
            )
    suffixes = {"h5": (".h5", ".hdf5"), "keras": (".keras",)}
    named = save_format if isinstance(save_format, str) else "?"
    if save_format is not None and not str(path).lower().endswith(
        suffixes.get(named, ("?",))
    ):
        raise ValueError(
            "save_format must be left out, since the suffix of path says it: .h5, "
            f".keras or .npz, got {_validate.shown(save_format)} and {str(path)!r}"
        )


def load_weights(
    self: Trained,
    path: str | os.PathLike[str],
    by_name: bool = False,
    skip_mismatch: bool = False,
    *,
    isolated: bool = False,
) -> None:
    """
    Read the weights in a file of any format, also in one of a whole model.

    Parameters
    ----------
    path : str or path-like
        The file, or the path that it was saved under; its bytes tell the format.
    by_name : bool
        Match layers by name instead of by position, and leave those that are not
        in the file. Only for Keras's legacy HDF5, which has names.
    skip_mismatch : bool
        With `by_name`: warn about layers that do not fit, and leave them.
    isolated : bool
        Read in a process of its own, as `load_model` does.

    Raises
    ------
    ValueError
        If the file is damaged, or its shapes are not the model's. No weight is
        changed then.
    ImportError
        If the file is HDF5 and h5py is not installed.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        If `skip_mismatch` skips a layer.

    Notes
    -----
    Kernels of Keras's implementations 1, 2 and 3 are told apart by their shapes,
    whichever the layer's own `implementation` is.
    """
    from ..files import formats, reading

    _need_built(self, "load_weights")
    by_name = _validate.flag("by_name", by_name)
    isolated = _validate.flag("isolated", isolated)
    path = formats.saved_path(path)
    if _validate.flag("skip_mismatch", skip_mismatch) and not by_name:
        raise ValueError("skip_mismatch must be False where by_name is")
    with reading.opened(path, isolated=isolated) as contents:
        load_contents(self, path, contents, by_name, skip_mismatch)


def load_contents(
    self: Trained,
    path: str | os.PathLike[str],
    contents: "Contents",
    by_name: bool,
    skip_mismatch: bool,
) -> None:
    """Give the model the weights in an open file; see `load_weights`."""
    from ..files.loading import sources, sources_by_name
    from ..files.weight_shapes import plan_model

    plans = plan_model(self)
    try:
        found = (
            sources_by_name(contents, plans, skip_mismatch=skip_mismatch)
            if by_name
            else sources(contents, plans)
        )
        new = {id(source.plan.layer): list(source.read()) for source in found}
        set_weights(
            self,
            self._trainer.network.in_order(
                lambda layer: new.get(id(layer)) or layer.get_weights()
            ),
        )
    except ValueError as error:
        if str(error).startswith(f"{path} "):  # it was the bytes
            raise
        raise ValueError(f"{path} must fit the model: {error}") from error


def to_json(self: Any, **kwargs: Any) -> str:
    """
    Return the config as JSON text.

    Parameters
    ----------
    **kwargs
        Passed to `json.dumps`, such as ``indent``.

    Returns
    -------
    str
        For `localnet.models.model_from_json`.

    Raises
    ------
    TypeError
        If `json.dumps` takes no such arguments.
    """
    try:
        json.dumps([{"": 0}], **kwargs)
    except Exception as error:  # whatever an encoder of one's own raises
        raise TypeError(
            "kwargs must be arguments of json.dumps, got "
            f"{_validate.shown(kwargs)}: {error}"
        ) from None
    return json.dumps(
        {
            "class_name": self.class_name,
            "config": self.get_config(),
            "keras_version": f"localnet {__version__}",
            "backend": "numpy",
        },
        **kwargs,
    )
