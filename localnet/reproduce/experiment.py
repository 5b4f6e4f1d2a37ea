"""What a reproduction is: networks, conditions and seeds, and a number for each."""

import itertools
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array
from ..files.safe.atomic import write_atomically
from ..models import Sequential

__all__ = [
    "Experiment",
    "Net",
    "Results",
    "Trial",
    "in_words",
    "mean_and_spread",
    "ranking",
]


class Net(NamedTuple):
    """A network of an experiment: its name and kind, and how a seed makes it."""

    name: str
    kind: str
    make: Callable[[int], Sequential]


@dataclass(frozen=True)
class Experiment:
    """
    Networks that are trained under several conditions, each with several seeds.

    Attributes
    ----------
    name : str
        What the command calls it.
    title : str
        What is reproduced, and from where.
    nets : tuple of Net
        In the order of the table.
    conditions : dict of str to str
        Kinds of data, and what they are called in words.
    measure : str
        The measure that the picture shows.
    epochs, seeds : int
        How long and how often the published table was reproduced.
    train : callable
        ``train(net, condition, seed, epochs)`` returns one number per measure, in
        percent.
    table : callable
        ``table(results)`` returns the text that is printed.
    """

    name: str
    title: str
    nets: tuple[Net, ...]
    conditions: dict[str, str]
    measure: str
    epochs: int
    seeds: int
    train: Callable[[Net, str, int, int], dict[str, float]]
    table: Callable[["Results"], str]

    def net(self, name: str) -> Net:
        """
        Return the network of a name.

        Parameters
        ----------
        name : str
            As in the table.

        Returns
        -------
        Net
            Its name, and how it is made.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        for net in self.nets:
            if net.name == name:
                return net
        names = [net.name for net in self.nets]
        raise ValueError(
            f"net must be one of {names}, got {_validate.shown(name)}"
            f"{_validate.suggestion(name, names)}"
        )

    def published(self) -> "Results":
        """
        Return what this command found, with all seeds, when it was written.

        Returns
        -------
        Results
            They come with the package; nothing is trained.
        """
        file = resources.files(__package__).joinpath("results", f"{self.name}.json")
        with resources.as_file(file) as path:
            return Results.load(path)

    def trials(self, seeds: Sequence[int]) -> list["Trial"]:
        """
        Return all that has to be trained.

        Parameters
        ----------
        seeds : sequence of int
            Each with every network under every condition.

        Returns
        -------
        list of Trial
            Seed by seed, so that the first ones are whole early.
        """
        return [
            Trial(net.name, condition, seed)
            for seed in seeds
            for condition in self.conditions
            for net in self.nets
        ]


class Trial(NamedTuple):
    """One training: the names of network and condition, and a seed."""

    net: str
    condition: str
    seed: int


@dataclass(frozen=True)
class Results:
    """
    What was measured, trial by trial.

    Attributes
    ----------
    experiment : str
        Its name.
    epochs : int
        How long each network was trained.
    values : dict of Trial to dict of str to float
        One number per measure, in percent.
    """

    experiment: str
    epochs: int
    values: dict[Trial, dict[str, float]]

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order."""
        return sorted({trial.seed for trial in self.values})

    @property
    def length(self) -> str:
        """How often and how long was trained, in words."""
        count = len(self.seeds)
        return f"{count} seed{'s' * (count > 1)}, {self.epochs} epochs"

    @property
    def legend(self) -> str:
        """What ``~`` stands for between two networks of `ranking`, in words."""
        if len(self.seeds) == 1:
            return "~: one seed, which does not tell a difference from chance"
        return "~: paired over the seeds, less than two standard errors apart"

    def of(self, net: str, condition: str, measure: str) -> Array:
        """
        Return one measure of a network under a condition.

        Parameters
        ----------
        net, condition, measure : str
            Names of the experiment.

        Returns
        -------
        ndarray, shape (seeds,)
            In the order of `seeds`.
        """
        return np.array(
            [self.values[Trial(net, condition, seed)][measure] for seed in self.seeds]
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """
        Write a JSON file; an older one is replaced only by a whole new one.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        trials = [{**trial._asdict(), **found} for trial, found in self.values.items()]
        head = {"experiment": self.experiment, "epochs": self.epochs}
        lines = ",\n".join(json.dumps(trial) for trial in trials)
        text = json.dumps(head)[:-1] + f', "trials": [\n{lines}\n]}}\n'
        file = Path(_validate.path("results", path))
        write_atomically(file, lambda stream: stream.write(text.encode()))
        return file

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Results":
        """
        Read what `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        Results
            Equal to what was saved, to the last digit.

        Raises
        ------
        ValueError
            If the file holds something else.
        OSError
            If it cannot be read.
        """
        text = Path(path).read_text(encoding="utf-8")
        try:
            read: dict[str, Any] = json.loads(text)
            values = {
                Trial(str(entry.pop("net")), str(entry.pop("condition")), seed): {
                    name: float(value) for name, value in entry.items()
                }
                for entry in read["trials"]
                for seed in [int(entry.pop("seed"))]
            }
            return cls(str(read["experiment"]), int(read["epochs"]), values)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                "results must be a file of localnet reproduce, got "
                f"{_validate.shown(str(path))}"
            ) from error


def mean_and_spread(values: Array) -> tuple[float, float]:
    """Return the mean and the standard deviation; the latter is nan for one value."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return float(np.mean(values)), spread


def in_words(values: Array) -> str:
    """Return mean and standard deviation as they stand in a table."""
    mean, spread = mean_and_spread(values)
    return f"{mean:5.1f}" + ("" if math.isnan(spread) else f" +- {spread:3.1f}")


def ranking(values: dict[str, Array]) -> str:
    """
    Return names from the lowest mean to the highest, and which differ.

    ``<`` stands where the mean of the paired differences is at least twice its standard
    error, ``~`` where it is less, or where there is one seed only.
    """
    names = sorted(values, key=lambda name: float(np.mean(values[name])))
    text = names[0]
    for lower, higher in itertools.pairwise(names):
        difference = values[higher] - values[lower]
        mean, spread = mean_and_spread(difference)
        clear = len(difference) > 1 and mean >= 2 * spread / math.sqrt(len(difference))
        text += f" {'<' if clear and mean > 0 else '~'} {higher}"
    return text
