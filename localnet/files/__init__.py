"""From a model to a file and back, safely. Imports `layers` and below."""
