"""Callbacks that keep the logs of every epoch, in memory or in a file."""

import csv
import io
import os
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from .._interrupt import uninterrupted
from .base import Logs, Remembering

__all__ = ["CSVLogger", "History"]


class History(Remembering):
    """
    Keep the logs of every epoch; `fit` returns one.

    Attributes
    ----------
    history : dict of str to list of float
        The values of each name, one per epoch in which it was logged.
    epoch : list of int
        Numbers of the epochs, from ``initial_epoch``.
    params : dict
        ``"verbose"``, ``"epochs"`` and ``"steps"``.
    result : scipy.optimize.OptimizeResult or None
        What SciPy returned, after a ``fit_scipy``.

    Notes
    -----
    As in Keras, a History that is used for a second training begins `epoch` anew but
    goes on adding to `history`.
    """

    remembered: ClassVar[Mapping[str, Any]] = {"history": dict, "epoch": list}

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.result: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the numbers of the epochs."""
        self.epoch = []
        self.result = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the logs, NumPy's numbers as Python's."""
        with uninterrupted():  # or some columns would be longer than others
            self.epoch.append(epoch)
            for name, value in (logs or {}).items():
                plain = value.item() if isinstance(value, np.generic) else value
                self.history.setdefault(name, []).append(plain)

    def get_state(self) -> dict[str, Any]:
        """
        Return what a resumed training needs to know of this callback.

        Returns
        -------
        dict
            The attributes by name; lists of floats as arrays, which take less room.
        """
        history = {
            name: np.array(values) if _are_floats(values) else values
            for name, values in self.history.items()
        }
        return {"history": history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what `get_state` returned.

        Parameters
        ----------
        state : dict
            The attributes by name.

        Raises
        ------
        ValueError
            If one is of another kind; nothing is changed then.
        """
        history = {
            name: values.tolist() if isinstance(values, np.ndarray) else values
            for name, values in dict(state["history"]).items()
        }
        super().set_state({**state, "history": history})


def _are_floats(values: list[Any]) -> bool:
    return all(type(value) is float for value in values)


class CSVLogger(Remembering):
    """
    Write the logs of every epoch to a CSV file.

    Parameters
    ----------
    filename : str or path-like
        The file. Each row is on the disk when its epoch has ended.
    separator : str, default ","
        One character between the values.
    append : bool, default False
        Add to a file that exists, under its own header, instead of replacing it.

    Raises
    ------
    ValueError
        If `filename` is not a path or `separator` is not one character.

    Notes
    -----
    As in Keras, the columns are ``epoch``, counted from 0, and the sorted names that
    the first epoch logged. If none of them is a ``val_`` name, a ``val_`` column is
    added for each, since validation may come in a later epoch. What an epoch did not
    log is ``NA``.

    A resumed training puts the file back to where its checkpoint was: rows that were
    written later are written again.
    """

    remembered: ClassVar[Mapping[str, Any]] = {
        "keys": (list, NoneType),
        "append_header": bool,
        "begin": Integral,
        "text": str,  # in a checkpoint, its bytes
    }

    def __init__(
        self,
        filename: str | os.PathLike[str],
        separator: str = ",",
        append: bool = False,
    ) -> None:
        super().__init__()
        self.filename = _validate.path("filename", filename)
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(
                f"separator must be one character, got {_validate.shown(separator)}"
            )
        self.separator = separator
        self.append = _validate.flag("append", append)
        self.keys: list[str] | None = None
        self.append_header = True
        # Where in the file this training begins, and what it has written.
        self.begin = 0
        self.text = ""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Create the file, or look whether it has a header."""
        with Path(self.filename).open(
            "a" if self.append else "w", encoding="utf-8"
        ) as file:
            self.begin = file.tell()
        self.append_header = self.begin == 0
        self.text = ""
        if self.append_header:
            self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write one row, the first time under a header."""
        logs = logs or {}
        if self.keys is None:
            names = sorted(logs)
            validated = any(name.startswith("val_") for name in names)
            later = [] if validated else [f"val_{name}" for name in names]
            self.keys = names + later
        rows = io.StringIO()
        writer = csv.writer(rows, delimiter=self.separator)
        if self.append_header:
            writer.writerow(["epoch", *self.keys])
            self.append_header = False
        writer.writerow([epoch, *(logs.get(name, "NA") for name in self.keys)])
        self._write(rows.getvalue())
        self.text += rows.getvalue()

    def get_state(self) -> dict[str, Any]:
        """
        Return what a resumed training needs to know of this callback.

        Returns
        -------
        dict
            The attributes by name; the rows as bytes, since they may become long.
        """
        text = np.frombuffer(self.text.encode("utf-8"), np.uint8)
        return {**super().get_state(), "text": text}

    def set_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what `get_state` returned, in the file too.

        Parameters
        ----------
        state : dict
            The attributes by name.

        Raises
        ------
        ValueError
            If one is missing or of another kind; nothing is changed then.
        """
        text = np.asarray(state["text"], np.uint8).tobytes().decode("utf-8")
        super().set_state({**state, "text": text})
        path = Path(self.filename)
        os.truncate(path, min(self.begin, path.stat().st_size))
        self._write(self.text)

    def _write(self, rows: str) -> None:
        from ..files.safe.atomic import naming  # see `localnet.models.saving`

        with (
            naming(self.filename),
            Path(self.filename).open("a", encoding="utf-8", newline="") as file,
        ):
            file.write(rows)
