"""
Published experiments done again, from data that need no download.

Imports `plots`, `trials` and below.
"""

from .experiment import Experiment, Results, Trial
from .lecun1989 import LECUN1989
from .lecun_later import LECUN_LATER
from .mnist1d import MNIST1D
from .picture import draw
from .trials import run

__all__ = ["EXPERIMENTS", "Experiment", "Results", "Trial", "draw", "run"]

EXPERIMENTS = {
    experiment.name: experiment for experiment in (LECUN1989, LECUN_LATER, MNIST1D)
}


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
