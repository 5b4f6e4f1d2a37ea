"""The part that callbacks which watch one logged value have in common."""

import math
import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from .base import Logs, Remembering

__all__ = ["MonitorCallback"]

MODES = ("auto", "min", "max")


class MonitorCallback(Remembering):
    """
    Watch one value of the logs.

    Parameters
    ----------
    monitor : str
        Its name, for instance ``"val_loss"``.
    mode : {"auto", "min", "max"}
        Whether small or large is good; ``"auto"`` decides by the name.
    verbose : int
        Above 0, say what is done.

    Attributes
    ----------
    best : float
        The best value so far.

    Raises
    ------
    ValueError
        If an argument is wrong.
    """

    remembered: ClassVar[Mapping[str, Any]] = {"best": Real}
    # Parts and endings of names for which "auto" means "max"; Keras's callbacks differ.
    rising_parts: ClassVar[tuple[str, ...]] = ()
    rising_endings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, monitor: str, mode: str, verbose: int) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise ValueError(
                "monitor must be the name of a logged value, "
                f"got {_validate.shown(monitor)}"
            )
        self.monitor = monitor
        self.mode = _validate.choice("mode", mode, MODES)
        self.verbose = _validate.integer("verbose", verbose, minimum=0)
        self.best = self.worst

    @property
    def maximize(self) -> bool:
        """Whether large values are good."""
        if self.mode == "auto":
            return self.monitor.endswith(self.rising_endings) or any(
                part in self.monitor for part in self.rising_parts
            )
        return self.mode == "max"

    @property
    def monitor_op(self) -> np.ufunc:
        """The function of NumPy that says whether one value is better than another."""
        return np.greater if self.maximize else np.less

    @property
    def worst(self) -> float:
        """The value that every number improves on."""
        return -math.inf if self.maximize else math.inf

    def get_monitor_value(self, logs: Logs) -> float | None:
        """
        Return the value that is watched; a subclass may compute it.

        Parameters
        ----------
        logs : dict
            The logged values.

        Returns
        -------
        float or None
            None with a warning if it is missing.
        """
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} must have {self.monitor!r} in the logs to act, "
                f"got only {', '.join(logs) or 'an empty dict'}",
                stacklevel=2,
            )
        return logs.get(self.monitor)
