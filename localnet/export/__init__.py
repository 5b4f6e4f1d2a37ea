"""
From a model to the backend of the user's choice: Keras 3, ONNX, PyTorch and JAX.

`reading` is the seam to the models; `lowering` says a model as a small graph, in which
windows are tables of indices; each target writes that graph in its own words, and
`verify` runs the result beside localnet before it gets its name.

Imports `models` and below.
"""

from typing import Any

from .targets import export_jax, export_keras3, export_onnx, export_torch

__all__ = ["to_jax", "to_keras3", "to_onnx", "to_torch"]


def to_onnx(
    model: Any,
    path: Any = None,
    *,
    layout: str = "batch",
    opset: int = 17,
    float64: bool = False,
    verify: bool = True,
) -> Any:
    """
    Return a model as an ONNX model, with a batch of any size.

    A locally connected layer becomes Gather and MatMul, whatever its padding, strides
    and data format; where windows are tiles, Reshape and MatMul.

    Parameters
    ----------
    model : Sequential or Model
        Built; not modified.
    path : str or path-like, optional
        Of a file to write as well; its name ends in ``.onnx``.
    layout : {"batch", "single"}
        What it is fast for: batches (the batch lies innermost while fields are
        gathered), or single samples (a slice for each tap of a window).
    opset : int
        Version of ONNX's operators, from 13 to 25.
    float64 : bool
        Whether a model of float64 is wanted, which is refused otherwise.
    verify : bool
        Whether it runs beside localnet first: in onnxruntime if it is installed, else
        in the evaluator of onnx.

    Returns
    -------
    onnx.ModelProto
        With inputs ``x``, or ``x0``, ``x1``, and outputs ``y`` in the same way.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the model is not built, has a layer that is not exported (all are named) or
        float64 that was not asked for, or if what runs disagrees with localnet.
    OSError
        If the file cannot be written. After an error there is none.

    See Also
    --------
    to_torch, to_jax, to_keras3 : Other targets.

    Examples
    --------
    >>> from localnet import Sequential
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 1))])
    >>> to_onnx(model, "net.onnx")  # doctest: +SKIP
    """
    made, _ = export_onnx(
        model, path, layout=layout, opset=opset, float64=float64, verify=verify
    )
    return made


def to_torch(
    model: Any, path: Any, *, float64: bool = False, verify: bool = True
) -> None:
    """
    Write a module for PyTorch, which needs nothing of localnet.

    ``load()`` in the file returns a ``torch.nn.Module`` with the weights of the .npz
    beside it. It trains, noise and running statistics included; penalties and
    constraints stay behind.

    Parameters
    ----------
    model : Sequential or Model
        Built; not modified.
    path : str or path-like
        Of the file to write; its name ends in ``.py``.
    float64 : bool
        Whether a model of float64 is wanted, which is refused otherwise.
    verify : bool
        Whether it runs in PyTorch beside localnet first.

    Raises
    ------
    ImportError
        If it is to be verified and PyTorch is not installed.
    ValueError
        As for `to_onnx`.
    OSError
        If a file cannot be written. After an error there is none.

    See Also
    --------
    to_jax, to_onnx, to_keras3 : Other targets.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from localnet import Sequential
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 1))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_torch(model, Path(folder) / "net.py", verify=False)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['net.npz', 'net.py']
    """
    export_torch(model, path, float64=float64, verify=verify)


def to_jax(
    model: Any, path: Any, *, float64: bool = False, verify: bool = True
) -> None:
    """
    Write a pure function for JAX, which needs nothing of localnet.

    ``load()`` in the file returns ``(apply, params)``: ``apply(params, x)`` goes
    through ``jit``, ``grad`` and ``vmap``. Noise lets everything through and running
    statistics are constants, as once a model is trained.

    Parameters
    ----------
    model : Sequential or Model
        Built; not modified.
    path : str or path-like
        Of the file to write; its name ends in ``.py``.
    float64 : bool
        Whether a model of float64 is wanted, which is refused otherwise; the file then
        switches JAX's own support of it on.
    verify : bool
        Whether it runs in JAX beside localnet first.

    Raises
    ------
    ImportError
        If it is to be verified and JAX is not installed.
    ValueError
        As for `to_onnx`.
    OSError
        If a file cannot be written. After an error there is none.

    See Also
    --------
    to_torch, to_onnx, to_keras3 : Other targets.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from localnet import Sequential
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 1))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_jax(model, Path(folder) / "net.py", verify=False)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['net.npz', 'net.py']
    """
    export_jax(model, path, float64=float64, verify=verify)


def to_keras3(model: Any, *, float64: bool = False, verify: bool = True) -> Any:
    """
    Return a model as a model of Keras 3, on whichever backend that runs.

    Locally connected layers become those of ``localnet.keras3``, other layers Keras 3's
    own where these compute the same on every backend, and else
    ``localnet.keras3.LocalnetLayer``. The model trains and is saved by Keras; whoever
    loads it imports ``localnet.keras3`` first.

    Parameters
    ----------
    model : Sequential or Model
        Built; not modified. Models within it are taken apart.
    float64 : bool
        Whether a model of float64 is wanted, which is refused otherwise.
    verify : bool
        Whether it runs beside localnet first.

    Returns
    -------
    keras.Model
        Functional, with the weights of the model; it is not compiled.

    Raises
    ------
    ImportError
        If Keras 3 is not installed.
    ValueError
        As for `to_onnx`.

    Warns
    -----
    UserWarning
        Names all layers that Keras 3 has under the same name with another meaning.

    See Also
    --------
    to_onnx, to_torch, to_jax : Other targets.

    Examples
    --------
    >>> from localnet import Sequential
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 1))])
    >>> to_keras3(model).output_shape  # doctest: +SKIP
    (None, 3, 2)
    """
    made, _ = export_keras3(model, float64=float64, verify=verify)
    return made
