"""The picture: time over the roofline, and memory over what a call must return."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peers.workloads import WORKLOADS

from comparison.tables import OURS, milliseconds

__all__ = ["draw", "roofline_milliseconds"]

# Okabe and Ito's colours; the marker tells them apart without any.
FAMILIES = {
    "localnet workspace": ("#0072B2", "o", "localnet, workspace"),
    "localnet": ("#56B4E9", "s", "localnet"),
    "PyTorch": ("#D55E00", "^", "best PyTorch"),
    "JAX": ("#009E73", "D", "best JAX or Flax"),
    "tf_keras": ("#000000", "v", "best tf_keras"),
}
TITLES = {"forward": "forward", "step": "training step"}


def roofline_milliseconds(measured: Mapping[str, Any], mode: str) -> float:
    """Return the least time by arithmetic and by memory, whichever is longer."""
    workload, limits = WORKLOADS[measured["workload"]], measured["roofline"]
    gemm = "sgemm" if workload.dtype == "float32" else "dgemm"
    size = workload.bytes(mode)
    near = 1 if size < 4e6 else 16 if size < 64e6 else 256
    arithmetic = workload.flops(mode) / limits[f"{gemm} GFLOP/s"] / 1e6
    return max(arithmetic, size / limits[f"read {near} MB, GB/s"] / 1e6)


def draw(slices: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the slices with the most threads."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise ImportError(
            "the picture needs matplotlib: pip install matplotlib"
        ) from None
    mpl.use("agg")
    import matplotlib.pyplot as plt

    threads = max(s["threads"] for s in slices)
    slices = [s for s in slices if s["threads"] == threads][::-1]
    names = [f"{WORKLOADS[s['workload']].title}: {s['workload']}" for s in slices]
    height = 1.6 + 0.28 * len(slices)
    figure, axes = plt.subplots(2, 2, figsize=(12, 2 * height), sharey=True)
    for column, mode in enumerate(("forward", "step")):
        for row, value in enumerate((_time, _memory)):
            ax = axes[row, column]
            for family, (colour, marker, label) in FAMILIES.items():
                points = [
                    (best, y)
                    for y, s in enumerate(slices)
                    if (best := _best(s, family, mode, value)) is not None
                ]
                if points:
                    ax.plot(
                        *zip(*points, strict=True),
                        marker,
                        color=colour,
                        label=label,
                        markersize=7 if family in OURS else 6,
                        linestyle="none",
                    )
            ax.axvline(1, color="#999999", linewidth=1)
            ax.set_xscale("log")
            ax.grid(axis="y", color="#dddddd", linewidth=0.6)
            ax.set_yticks(range(len(slices)), names, fontsize="small")
            what = ("time / roofline time", "memory / size of the results")[row]
            ax.set_xlabel(f"{what} ({TITLES[mode]})")
    figure.suptitle(
        f"{threads} CPUs; left is better; at 1 a call takes the roofline time, "
        "or memory for its results and no more"
    )
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=5, loc="lower center", frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, dpi=200)
    plt.close(figure)


def _best(measured, family, mode, value):
    names = [family]
    if family not in OURS:
        stems = ("JAX", "Flax") if family == "JAX" else (family,)
        names = [n for n in measured["contenders"] if n.startswith(stems)]
    found = [value(measured, name, mode) for name in names]
    return min((v for v in found if v), default=None)


def _time(measured, name, mode):
    ms = milliseconds(measured, name, mode)
    return ms and ms / roofline_milliseconds(measured, mode)


def _memory(measured, name, mode):
    rise = measured["contenders"].get(name, {}).get(mode, {}).get("memory")
    return rise and rise / WORKLOADS[measured["workload"]].output_bytes(mode)
