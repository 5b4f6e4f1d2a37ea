"""Reading what may be hostile, and writing whole or not at all."""
