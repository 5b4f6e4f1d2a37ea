"""
What a model file holds, whatever its format; arrays are known before they are read.

A codec opens a file and hands out `Contents`. Nothing large is read until somebody who
knows what the config implies has compared shapes and asks for an array.
"""

import errno
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Config, Shape

__all__ = [
    "DEFLATE_RATIO",
    "Contents",
    "LayerWeights",
    "Stored",
    "explained",
    "shortened",
]

# Of what a file makes an error say: texts of a stranger's may be long.
LONGEST = 200

# What deflate can make of one byte at most; a larger claim is a lie.
DEFLATE_RATIO = 1032


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut a sentence that quotes a file: each of its words, and the whole."""
    text = re.sub(rf"(\S{{{LONGEST}}})\S+", r"\1...", text)
    return text if len(text) <= longest else f"{text[:longest]}..."


class Stored(NamedTuple):
    """An array in a file: its shape and dtype, and the way to its values."""

    shape: Shape
    dtype: np.dtype
    read: Callable[[], Array]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory reading it takes."""
        return self.size * self.dtype.itemsize


class LayerWeights(NamedTuple):
    """
    Weights on their way into a file, and where they belong: as `Contents.layers`.

    They are those of a layer that is so many wrappers deep inside.
    """

    key: str
    weights: Mapping[str, Array]
    depth: int = 0


@dataclass(frozen=True)
class Contents:
    """
    What a file holds.

    Attributes
    ----------
    format : str
        Which format it is, in words.
    layers : dict of str to list of Stored
        The weights, under the keys of the format: names of layers in the legacy HDF5
        layout, snake-case classes in Keras's v3 layout, after those of the models that
        a layer lies in, and paths of layers in our own, or one group for all in files
        that do not say how many weights each layer has.
    keyed_by : {"name", "class", "nothing"}
        What those keys are.
    config : dict, optional
        ``class_name`` and ``config`` of the model; None if the file holds weights only.
    training : dict, optional
        How the model is trained, as it stands in the file; for
        `localnet.files.keras.training_config.arguments_of`.
    optimizer : dict of str to Stored
        State of the optimizer, in the order of the file.
    random : dict, optional
        State of the generators; only our own format has it.
    versions : dict of str to str
        What the file says of the software that wrote it.
    """

    format: str
    layers: dict[str, list[Stored]]
    keyed_by: str
    config: Config | None = None
    training: Config | None = None
    optimizer: dict[str, Stored] = field(default_factory=dict)
    random: Any = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def native(self) -> bool:
        """Whether localnet wrote it, so that kernels have the canonical layout."""
        return self.keyed_by == "nothing"

    def arrays(self) -> Iterator[Stored]:
        """Give every array of the file."""
        for stored in self.layers.values():
            yield from stored
        yield from self.optimizer.values()

    def reading_as(self, path: Path) -> "Contents":
        """Return the same, but errors of reading name the file."""
        layers = {
            key: [_explaining(path, stored) for stored in group]
            for key, group in self.layers.items()
        }
        optimizer = {
            key: _explaining(path, stored) for key, stored in self.optimizer.items()
        }
        return replace(self, layers=layers, optimizer=optimizer)


def _explaining(path: Path, stored: Stored) -> Stored:
    def read() -> Array:
        with explained(path):
            return stored.read()

    return stored._replace(read=read)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """
    Make one ValueError that names the file of whatever goes wrong with its bytes.

    zip, zlib, NumPy, JSON and HDF5 all have errors of their own for damaged bytes.
    Those of the system, such as a disk that fails, stay OSErrors and name the file too.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        # A damaged offset gives EINVAL where it is sought.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise OSError(error.errno, error.strerror, str(path)) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"no entry {reason}"
        if isinstance(error, MemoryError):
            reason = "it asks for more memory than there is"
        raise ValueError(
            f"{path} must be a model or weights file, got a damaged or foreign one: "
            f"{shortened(reason)}"
        ) from error
