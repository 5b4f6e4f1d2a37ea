"""
Many trainings side by side, in processes or on a Dask cluster, with the same numbers.

May import what trains one model; `reproduce` and the commands bring the trainings.
"""

from .run import run_trials

__all__ = ["run_trials"]
