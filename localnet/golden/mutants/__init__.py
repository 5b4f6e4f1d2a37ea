"""
Backends that are wrong on purpose, each after an error met in real code.

The suite is as good as what it catches: `localnet.golden.matrix` runs every mutant
against every case. Each module here registers its own; those drawn by families are
in dicts of their own, such as ``DRAWN`` in ``drawn``, which the tests run.
"""

from . import arithmetic, backward, values, windows
from .base import REGISTER, Mutant
from .variants import convolving, each_kind, mixing, sharing, transposed

__all__ = ["MUTANTS", "Mutant"]

PLAIN = (windows, values, backward, arithmetic)
MODULES = (*PLAIN, transposed, sharing, mixing, convolving, each_kind)
MUTANTS = {
    name: mutant
    for module in MODULES
    for name, mutant in REGISTER.items()
    if mutant.model.__module__ == module.__name__
}
