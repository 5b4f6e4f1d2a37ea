"""localnet: the reference for locally connected layers, in pure NumPy."""

__version__ = "0.1.0"
