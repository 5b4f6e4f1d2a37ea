"""
Callbacks: objects whose hooks a training calls at each of its stages.

`CallbackList` calls the hooks of several callbacks in order, with one dict of logs that
they may extend. `History` comes last and so keeps what the others added; only
`BackupAndRestore` comes after it, and saves what all of them have made of a training.

Imports `files`.
"""

from .._keras.names import old_names
from .backup import BackupAndRestore
from .base import Callback, LambdaCallback, Logs
from .checkpoint import ModelCheckpoint
from .dispatch import CallbackList
from .progress import ProgbarLogger, TrainingBar
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .records import CSVLogger, History
from .stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "TrainingBar",
]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
