"""From data and a loss to better weights."""
