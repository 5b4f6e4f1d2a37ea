"""
Formulas that overflow when written down as they stand, in a form that does not.

Activations and losses share them; they take and return plain arrays of floats.
"""

from .._typing import Array

__all__: list[str] = []
