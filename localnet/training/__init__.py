"""From data and a loss to better weights. Imports `layers`, `files` and below."""
