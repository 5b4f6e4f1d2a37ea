"""
Families of layers that are no sums of products alone, for backends that say so.

Pooling, batch normalisation, two layers in a row, int8 and fixed point: all exact.
"""

from ...case import Case
from .aligned import aligned_integers, aligned_stacks, means, more_norms, overlapping
from .corners import (
    all_of_stacks,
    far_pools,
    far_stacks,
    many_norms,
    many_pools,
    wide_pools,
)
from .covered import fixed, int8, norms, pools, stacks
from .everyday import everyday_pools, many_means, many_ties
from .everyday_layers import (
    everyday_integers,
    everyday_stacks,
    narrow_answers,
    sized_stacks,
)
from .integers import at_ends, far_sums, zeros
from .layered import constant, epsilons, far_means, padded, tails, tied, wide_stacks
from .moments import everyday_norms, far_norms, precise_norms
from .one_thing import integers_alone, norms_alone, pools_alone, stacks_alone
from .ranges import all_cuts, all_scales, many_integers, wide_operands

__all__ = ["OTHER_FAMILIES", "others"]

# Their order is that of the manifest.
OTHER_FAMILIES = (
    *(pools, norms, stacks, int8, fixed),
    *(padded, tied, tails, far_means, constant, wide_stacks),
    *(far_sums, zeros, at_ends),
    epsilons,
    *(many_pools, far_pools, wide_pools, many_norms, all_of_stacks, far_stacks),
    *(all_scales, all_cuts, wide_operands, many_integers),
    *(pools_alone, norms_alone, stacks_alone, integers_alone),
    *(means, more_norms, aligned_stacks, aligned_integers),
    overlapping,
    *(everyday_pools, many_means, many_ties),
    *(everyday_norms, far_norms, precise_norms),
    *(everyday_stacks, sized_stacks, everyday_integers, narrow_answers),
)


def others() -> list[Case]:
    """
    Return the cases of the default suite that are of other kinds.

    Returns
    -------
    list of Case
        In the order of the manifest.
    """
    return [case for family in OTHER_FAMILIES for case in family()]
