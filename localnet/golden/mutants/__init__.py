"""
Backends that are wrong on purpose, each after an error met in real code.

The suite is as good as what it catches: `localnet.golden.matrix` runs every mutant
against every case. Each module here registers its own.
"""

from . import arithmetic, backward, values, windows
from .base import REGISTER, Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = {
    name: mutant
    for module in (windows, values, backward, arithmetic)
    for name, mutant in REGISTER.items()
    if mutant.model.__module__ == module.__name__
}
