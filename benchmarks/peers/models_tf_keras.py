"""Whole models in tf_keras."""

from peers import models_keras
from peers.model_contender import ModelContender
from peers.models import Task, TaskData

LIBRARIES = ("tf_keras", "tensorflow")


def _tf_keras(task: Task, data: TaskData) -> ModelContender:
    return models_keras.build("tf_keras", task, data)


BUILDERS = {"tf_keras": _tf_keras}
