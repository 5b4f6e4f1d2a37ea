"""What is exported runs beside localnet before it gets its name."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Shape
from .reading import read

__all__ = ["Agreement", "compare", "samples"]

# Digits that outputs must have in common with localnet's, of 7.2 and 16 that there are.
FEWEST = {"float32": 4.0, "float64": 10.0}
BITS = {"float32": 24, "float64": 53}

Run = Callable[[Sequence[Array]], Sequence[Array]]


class Agreement(NamedTuple):
    """
    How well a target agrees with localnet.

    Attributes
    ----------
    target : str
        What ran.
    digits : float
        The fewest correct decimal digits of any number of any output, beside the
        largest of its sample or of the random samples.
    samples : int
        How many samples were tried.
    """

    target: str
    digits: float
    samples: int

    def __str__(self) -> str:
        return f"PASS {self.target}: {self.digits:.1f} digits on {self.samples} samples"


def samples(shapes: Sequence[Shape], dtype: Any) -> list[list[Array]]:
    """
    Return batches that an exported model is tried on.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Of the samples of each input.
    dtype : dtype
        Of the arrays.

    Returns
    -------
    list of list of ndarray
        One random sample, seven, and seven with values at the edges.

    Examples
    --------
    >>> [[x.shape for x in batch] for batch in samples([(2,)], "float32")]
    [[(1, 2)], [(7, 2)], [(7, 2)]]
    """
    rng = np.random.default_rng(0)

    def normal(count: int) -> list[Array]:
        return [rng.normal(size=(count, *shape)).astype(dtype) for shape in shapes]

    edges = []
    for shape in shapes:
        batch = rng.normal(size=(7, *shape))
        batch[0], batch[1], batch[2] = 0.0, 1.0, -1.0
        batch[3] = rng.uniform(size=shape)
        batch[4] *= 100.0
        batch[5] *= 1e-30
        batch[6] = np.where(batch[6] < 0, 0.0, 255.0)
        edges.append(batch.astype(dtype))
    return [normal(1), normal(7), edges]


def compare(model: Any, target: str, dtype: Any, run: Run) -> Agreement:
    """
    Run a target beside localnet.

    Parameters
    ----------
    model : Sequential or Model
        What was exported.
    target : str
        What errors call the target.
    dtype : dtype
        Of its inputs.
    run : callable
        Takes a list of inputs, returns a list of outputs.

    Returns
    -------
    Agreement
        If there is one.

    Raises
    ------
    ValueError
        If an output has another shape, or too few digits in common.
    """
    name = np.dtype(dtype).name
    most = BITS[name] * math.log10(2.0)
    fewest, count = most, 0
    usual: dict[int, float] = {}
    for batch in samples(read(model).inputs, dtype):
        count += len(batch[0])
        with np.errstate(all="ignore"):
            wanted = _listed(model.predict_on_batch(batch if batch[1:] else batch[0]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a target's own are no news of the model
            found = run(batch)
        for place, (want, got) in enumerate(zip(wanted, found, strict=True)):
            got = np.asarray(got)
            if got.shape != want.shape or got.dtype != np.dtype(dtype):
                raise ValueError(
                    f"{target} must give {name} of shape {want.shape}, "
                    f"got {got.dtype} of shape {got.shape}; nothing was written"
                )
            if place not in usual or len(want) > 1:
                usual.setdefault(place, _largest(want))
            ratio = _errors(got, want, usual[place])
            worst = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
            digits = min(most, -math.log10(max(float(ratio[worst]), 1e-300)))
            if digits < FEWEST[name]:
                where = ", ".join(map(str, worst))
                raise ValueError(
                    f"{target} must agree with localnet to {FEWEST[name]:g} digits, "
                    f"got {max(digits, 0.0):.1f}: worst at [{where}] of output "
                    f"{place}: {float(got[worst])!r}, want {float(want[worst])!r}; "
                    "nothing was written"
                )
            fewest = min(fewest, digits)
    return Agreement(target, fewest, count)


def _listed(outputs: Any) -> list[Array]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _largest(values: Array) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0))


def _errors(got: Array, want: Array, usual: float) -> Array:
    """Return errors beside the largest value of the sample, or what is usual."""
    rows = want.reshape(len(want), -1)
    scale = np.array([max(_largest(row), usual) for row in rows])
    scale = np.where(scale == 0, 1.0, scale).reshape(-1, *(1,) * (want.ndim - 1))
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got.astype(np.float64) - want)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isnan(error), np.inf, error / scale))
