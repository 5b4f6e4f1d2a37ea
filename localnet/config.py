"""
Settings: float type, fuzz factor, data format, engine and threads.

A setting has a value for the whole process (``set_...``). The engine can also be
changed for one block of code in one thread, with the context manager `engine`.

The default data format is read from ``image_data_format`` of Keras's own file,
``$KERAS_HOME/keras.json`` or ``~/.keras/keras.json``, each time that it is asked for;
the file is never written.
"""

import contextvars
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from . import _validate
from ._typing import DTypeLike

__all__ = [
    "DATA_FORMATS",
    "engine",
    "epsilon",
    "float_dtype",
    "floatx",
    "get_engine",
    "get_num_threads",
    "image_data_format",
    "resolve_data_format",
    "set_engine",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_num_threads",
]

DATA_FORMATS = ("channels_last", "channels_first")
ENGINES = ("naive", "einsum", "blocked")
FLOATS = ("float16", "float32", "float64")

_process: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "engine": "blocked"}
_engine_here: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "localnet_engine", default=None
)


def floatx() -> str:
    """
    Return the default float type of layers and of integers given to `ops`.

    Returns
    -------
    str
        ``"float32"`` unless `set_floatx` was called.

    Examples
    --------
    >>> floatx()
    'float32'
    """
    return str(_process["floatx"])


def set_floatx(value: str) -> None:
    """
    Set the default float type.

    Parameters
    ----------
    value : {"float16", "float32", "float64"}
        Name of the type. Layers that exist already keep theirs.

    Raises
    ------
    ValueError
        If `value` is not one of the three names.
    """
    _process["floatx"] = _validate.choice("floatx", value, FLOATS)


def float_dtype(value: DTypeLike | None = None) -> np.dtype:
    """
    Return the float type that a ``dtype`` argument stands for.

    Parameters
    ----------
    value : dtype_like, optional
        A name, NumPy type or dtype; ``None`` is `floatx`.

    Returns
    -------
    numpy.dtype
        One of float16, float32 and float64.

    Raises
    ------
    ValueError
        If `value` is not one of the three.

    Examples
    --------
    >>> float_dtype(), float_dtype("f8")
    (dtype('float32'), dtype('float64'))
    """
    name: Any = value
    # NumPy gives more than these a dtype: numbers, pairs, whatever has one.
    if value is None:
        name = floatx()
    elif isinstance(value, (str, type, np.dtype)):
        with suppress(TypeError, ValueError):
            name = np.dtype(value).name
    return np.dtype(_validate.choice("dtype", name, FLOATS))


def epsilon() -> float:
    """
    Return the fuzz factor that keeps divisions and logarithms finite.

    Returns
    -------
    float
        ``1e-7`` unless `set_epsilon` was called.
    """
    return float(_process["epsilon"])


def set_epsilon(value: float) -> None:
    """
    Set the fuzz factor.

    Parameters
    ----------
    value : float
        A finite number, not negative.

    Raises
    ------
    ValueError
        If `value` is not such a number.
    """
    _process["epsilon"] = _validate.number("epsilon", value, minimum=0.0)


def image_data_format() -> str:
    """
    Return the data format that a layer takes when it is given none.

    Returns
    -------
    {"channels_last", "channels_first"}
        What `set_image_data_format` set; else what ``keras.json`` says; else
        ``"channels_last"``.

    Raises
    ------
    ValueError
        If ``keras.json`` exists and names another format, or is not a JSON object.
    """
    if "image_data_format" not in _process:
        return _data_format_of_keras_json()
    return str(_process["image_data_format"])


def set_image_data_format(data_format: str) -> None:
    """
    Set the data format that a layer takes when it is given none.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}
        Any case. Layers that exist already keep theirs.

    Raises
    ------
    ValueError
        If `data_format` is not one of the two.
    """
    _process["image_data_format"] = _validate.choice(
        "data_format", data_format, DATA_FORMATS
    )


def resolve_data_format(value: str | None = None) -> str:
    """
    Return the data format that a ``data_format`` argument stands for.

    Parameters
    ----------
    value : {"channels_last", "channels_first"}, optional
        Any case; ``None`` is `image_data_format`.

    Returns
    -------
    {"channels_last", "channels_first"}
        In lower case.

    Raises
    ------
    ValueError
        If `value` is not one of the two, or as for `image_data_format`.

    Examples
    --------
    >>> resolve_data_format("Channels_First")
    'channels_first'
    """
    if value is None:
        return image_data_format()
    return _validate.choice("data_format", value, DATA_FORMATS)


def _data_format_of_keras_json() -> str:
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return "channels_last"
    except ValueError as error:
        raise ValueError(f"{path} must be a JSON file: {error}") from error
    if not isinstance(settings, dict):
        raise ValueError(
            f"{path} must hold a JSON object, got {_validate.shown(settings)}"
        )
    return _validate.choice(
        f"image_data_format in {path}",
        settings.get("image_data_format", "channels_last"),
        DATA_FORMATS,
    )


def get_engine() -> str:
    """
    Return the name of the engine that computes locally connected layers now.

    Returns
    -------
    {"naive", "einsum", "blocked"}
        The innermost `engine` block of this thread, else what `set_engine` set.
    """
    return _engine_here.get() or str(_process["engine"])


def set_engine(name: str) -> None:
    """
    Choose the engine for the whole process.

    Parameters
    ----------
    name : {"naive", "einsum", "blocked"}
        ``naive`` is the nested loops, ``einsum`` the definition, ``blocked`` the
        default and the fast one. All give the same answers.

    Raises
    ------
    ValueError
        If `name` is none of the three.

    See Also
    --------
    engine : The same for one block of code.
    """
    _process["engine"] = _validate.choice("engine", name, ENGINES)


@contextmanager
def engine(name: str) -> Iterator[None]:
    """
    Choose the engine for one block of code, in this thread only.

    Parameters
    ----------
    name : {"naive", "einsum", "blocked"}
        See `set_engine`.

    Yields
    ------
    None
        The former engine is back when the block ends, however it ends.

    Raises
    ------
    ValueError
        If `name` is none of the three.

    Examples
    --------
    >>> with engine("einsum"):
    ...     get_engine()
    'einsum'
    >>> get_engine()
    'blocked'
    """
    token = _engine_here.set(_validate.choice("engine", name, ENGINES))
    try:
        yield
    finally:
        _engine_here.reset(token)


def get_num_threads() -> int:
    """
    Return how many threads the blocked engine may use.

    Returns
    -------
    int
        What `set_num_threads` set; else ``LOCALNET_NUM_THREADS``; else the least of
        the CPUs that this process may use, ``OMP_NUM_THREADS`` and the interpreter's
        own count of CPUs. The answers do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        If ``LOCALNET_NUM_THREADS`` is not a positive integer.

    Notes
    -----
    joblib and Dask set ``OMP_NUM_THREADS`` in their worker processes, so that these do
    not fight for CPUs. Of a list, as in ``4,2``, the first number counts; what is no
    positive number is ignored. From Python 3.13 on the interpreter's count obeys
    ``PYTHON_CPU_COUNT`` and ``-X cpu_count``.
    """
    if "num_threads" in _process:
        return int(_process["num_threads"])
    text = os.environ.get("LOCALNET_NUM_THREADS")
    if text:
        if not text.strip().isdecimal() or int(text) < 1:
            raise ValueError(
                "LOCALNET_NUM_THREADS must be an integer >= 1, got "
                f"{_validate.shown(text)}"
            )
        return int(text)
    return _cpus_at_hand()


def _cpus_at_hand() -> int:
    """Return the least of all that limits the threads of this process."""
    # Python 3.13 has `process_cpu_count`.
    limits = [getattr(os, "process_cpu_count", os.cpu_count)() or 1]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        limits.append(int(first))
    return min(limits)


def set_num_threads(n: int | None) -> None:
    """
    Set how many threads the blocked engine may use.

    Parameters
    ----------
    n : int or None
        At least 1; ``None`` goes back to the default.

    Raises
    ------
    ValueError
        If `n` is not such a number.
    """
    if n is None:
        _process.pop("num_threads", None)
    else:
        _process["num_threads"] = _validate.integer("num_threads", n, minimum=1)
