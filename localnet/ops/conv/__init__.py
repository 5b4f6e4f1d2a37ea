"""Convolution: the locally connected layer with the same kernel at all locations."""
