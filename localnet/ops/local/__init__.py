"""The locally connected layer and its variants: definition, loops, the fast engine."""
