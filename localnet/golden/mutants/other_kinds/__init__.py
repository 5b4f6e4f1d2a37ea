"""
Other kinds, got wrong by families: pads and ties, moments, hidden layers, integers.

Each is right but for one step, where the step shows.
"""

from .everyday import usual_norms, usual_pools
from .everyday_layers import usual_integers, usual_stacks
from .integers import accumulators, fixed, int8, ranges
from .norms import norms
from .pools import pools
from .stacks import seconds, stacks

__all__ = ["OTHER_MUTANTS", "USUAL_MUTANTS"]

OTHER_MUTANTS = {
    mutant.name: mutant
    for family in (pools, norms, stacks, seconds, accumulators, int8, fixed, ranges)
    for mutant in family()
}

# What the cases of before let live.
USUAL_MUTANTS = {
    mutant.name: mutant
    for family in (usual_pools, usual_norms, usual_stacks, usual_integers)
    for mutant in family()
}
