"""
Pictures for lessons and papers (extra ``plot``).

Every function draws into the Axes that it is given, or into a new figure, and returns
the Axes; none opens a window or touches the state of pyplot. ``ax.figure`` is the
figure, `save` writes it to a file.

Imports `golden` and below.
"""

from .checks import error_histogram, gradient_check, kill_matrix
from .connections import connection_matrix, receptive_field
from .counts import accuracy_against_parameters, initial_scale, links_and_weights
from .curves import history
from .files import save
from .kernels import filters

__all__ = [
    "accuracy_against_parameters",
    "connection_matrix",
    "error_histogram",
    "filters",
    "gradient_check",
    "history",
    "initial_scale",
    "kill_matrix",
    "links_and_weights",
    "receptive_field",
    "save",
]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
