"""Homework 4, one way to do it."""

import numpy as np


def groups(locations, share):
    """Return the group of each location."""
    return np.arange(locations) // share


def share_forward(kernel, groups):
    """Copy the kernel of each group to its members."""
    return kernel[groups]


def share_backward(dw, groups, count):
    """Add up what the members of each group get."""
    dkernel = np.zeros((count, *dw.shape[1:]))
    np.add.at(dkernel, groups, dw)
    return dkernel


def low_rank_forward(kernel, mixture):
    """Mix the kernels of each location."""
    return np.einsum("lr,rkf->lkf", mixture, kernel)


def low_rank_backward(dw, kernel, mixture):
    """Swap the letters of the result with those of each operand."""
    dkernel = np.einsum("lr,lkf->rkf", mixture, dw)
    dmixture = np.einsum("lkf,rkf->lr", dw, kernel)
    return dkernel, dmixture
