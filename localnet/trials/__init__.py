"""
Many trainings side by side, in processes or on a Dask cluster, with the same numbers.

`reproduce` and the commands say what is trained. Imports `models` and below.
"""

from .run import run_trials

__all__ = ["run_trials"]
