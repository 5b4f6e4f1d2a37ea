"""From data and a loss to better weights. Imports `callbacks` and below."""
