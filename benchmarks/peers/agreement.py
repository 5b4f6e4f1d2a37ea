"""
Whether a contender computes the layer at all, asked before it is timed.

The judge is the layer in float64, by a batched matrix product over patches; it shares
no code with any contender. A result may differ from it by what rounding can do to a sum
of n products in any order, and no more: gamma(n) times the sum of the absolute
products, gamma(n) = n*u / (1 - n*u), u the unit roundoff.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from peers.workloads import Data, Workload

__all__ = ["RESULTS", "disagreement", "write_judge"]

RESULTS = ("y", "dx", "dkernel", "dbias")


def write_judge(workload: Workload, folder: Path) -> None:
    """Store the exact results and the bound on every element, for all workers."""
    data = Data(*(array.astype(np.float64) for array in workload.draw()))
    exact = _layer(workload, data)
    sums = _layer(workload, Data(*map(np.abs, data)))
    for name, value, size in zip(RESULTS, exact, sums, strict=True):
        terms = _terms(workload)[name]
        bound = _gamma(terms, workload.dtype) + _gamma(terms, "float64")
        np.save(folder / f"{name}.npy", value)
        np.save(folder / f"{name}-bound.npy", bound * size)


def disagreement(results: Sequence[np.ndarray], folder: Path) -> dict[str, float]:
    """Return the greatest error of each result, in units of its bound."""
    worst = {}
    # A contender without a step gives only y.
    for name, result in zip(RESULTS, results, strict=False):
        exact = np.load(folder / f"{name}.npy", mmap_mode="r")
        bound = np.load(folder / f"{name}-bound.npy", mmap_mode="r")
        result = np.asarray(result)
        if result.shape != exact.shape:
            raise ValueError(f"{name} has shape {result.shape}, wanted {exact.shape}")
        error = np.abs(result - exact)
        # Where the bound is 0 every product is 0, and so must be the result.
        ratio = np.where(error == 0, 0.0, error / np.maximum(bound, 1e-300))
        worst[name] = float(ratio.max())  # nan stays nan
    return worst


def _terms(workload: Workload) -> dict[str, int]:
    """Return how many roundings a product passes through in each result, at most."""
    return {
        "y": workload.patch_size + 1,
        "dx": workload.filters * workload.taps,
        "dkernel": workload.batch,
        "dbias": workload.batch,
    }


def _gamma(terms: int, dtype: str) -> float:
    roundoff = float(np.finfo(dtype).eps) / 2
    return terms * roundoff / (1 - terms * roundoff)


def _layer(workload: Workload, data: Data) -> tuple[np.ndarray, ...]:
    """Return (y, dx, dkernel, dbias)."""
    n, outputs, first = workload.batch, workload.output_sizes, workload.channels_first
    x = np.moveaxis(data.x, 1, -1) if first else data.x
    dy = np.moveaxis(data.dy, 1, -1) if first else data.dy
    kernel = data.kernel
    if first:  # K is ordered (C, taps) there
        kernel = _swap_in_patch(kernel, workload.channels, workload.taps)
    taps = list(itertools.product(*map(range, workload.kernel_size)))
    windows = np.stack([x[_reach(workload, tap)] for tap in taps], axis=-2)
    patches = windows.reshape(n, -1, workload.patch_size).swapaxes(0, 1)  # (L, N, K)
    dz = dy.reshape(n, -1, workload.filters).swapaxes(0, 1)  # (L, N, F)

    y = (patches @ kernel).swapaxes(0, 1).reshape(dy.shape)
    dkernel = patches.swapaxes(1, 2) @ dz
    dpatches = (dz @ kernel.swapaxes(1, 2)).swapaxes(0, 1).reshape(windows.shape)
    dx = np.zeros(x.shape)
    for t, tap in enumerate(taps):
        dx[_reach(workload, tap)] += dpatches[..., t, :]

    if first:
        y, dx = np.moveaxis(y, -1, 1), np.moveaxis(dx, -1, 1)
        dkernel = _swap_in_patch(dkernel, workload.taps, workload.channels)
    # For channels_first the bias is reshaped from (*O, F) to (F, *O), as Keras does.
    y = y + data.bias.reshape(y.shape[1:])
    return y, dx, dkernel, data.dy.sum(axis=0).reshape(*outputs, -1)


def _swap_in_patch(kernel: np.ndarray, slow: int, fast: int) -> np.ndarray:
    parts = kernel.reshape(len(kernel), slow, fast, -1)
    return parts.swapaxes(1, 2).reshape(kernel.shape)


def _reach(workload: Workload, tap: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the index of the cells of (N, *S, C) that one tap reads."""
    return (
        slice(None),
        *(
            slice(t, t + workload.stride * (size - 1) + 1, workload.stride)
            for t, size in zip(tap, workload.output_sizes, strict=True)
        ),
    )
