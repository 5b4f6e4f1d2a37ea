"""Whole models in localnet, and the same step written by hand in NumPy."""

from peers import models_keras
from peers.model_contender import ModelContender
from peers.models import Task, TaskData
from peers.models_by_hand import by_hand

LIBRARIES = ("localnet", "numpy")


def _localnet(task: Task, data: TaskData) -> ModelContender:
    return models_keras.build("localnet", task, data)


BUILDERS = {"localnet": _localnet, "by hand": by_hand}
