"""The driver: who runs when, what is written down, and what is made of it."""
