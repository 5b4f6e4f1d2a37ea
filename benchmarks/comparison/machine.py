"""Where a measurement was made: the processor, the system and NumPy's BLAS."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["machine"]


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge the numbers."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "environment": {
            name: os.environ[name]
            for name in ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
            if name in os.environ
        },
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
