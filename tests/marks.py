"""Marks that several test files use."""

import os

import pytest

# Whether ``.ci/long suite`` runs, which takes all of what other runs take a part of.
WHOLE = os.environ.get("HYPOTHESIS_PROFILE") == "long"
# Too slow for every change.
long = pytest.mark.skipif(not WHOLE, reason="run by .ci/long suite")
# Says something of files in the checkout, or of the golden suite, whose bytes are
# pinned: no version of Python changes it, and ``.ci/run`` runs it on the
# newest alone.
once = pytest.mark.once
