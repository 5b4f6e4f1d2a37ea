"""A backend is run, and its answers are judged."""
