"""
The covering arrays of the plain layer: where fast paths of real kernels begin and end.

Windows that reach far; sizes that units divide; tails and limits; smooth activations.
"""

from collections.abc import Mapping

from .aligned import ALIGNED
from .array import USUAL, Spread
from .counts import COUNTED, DIVIDED, SIZED
from .curves import BENT, CURVED_NUMBERS, ROW_NUMBERS
from .reach import REACHING

__all__ = ["CURVED_NUMBERS", "DIVIDED", "ROW_NUMBERS", "SIZED", "SPREADS", "USUAL"]

# Their order is that of the manifest.
SPREADS: Mapping[str, Spread] = {**REACHING, **ALIGNED, **COUNTED, **BENT}
