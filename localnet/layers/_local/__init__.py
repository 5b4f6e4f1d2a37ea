"""Locally connected layers: plain, transposed, of low rank; twins of convolutions."""
