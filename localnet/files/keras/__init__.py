"""Keras 2's words and file layouts, translated in both directions."""
