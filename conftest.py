"""Names that every docstring example may use, as in NumPy's own documentation."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _examples_know_numpy(doctest_namespace):
    doctest_namespace["np"] = np
