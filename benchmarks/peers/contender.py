"""What every library offers to the comparison."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from peers.workloads import Data, Workload

__all__ = ["Builder", "Contender", "Unsupported"]


class Unsupported(Exception):
    """A contender cannot run a workload; the message says why."""


class Contender(NamedTuple):
    """One way to compute one workload, its data bound."""

    # Both return when the result is computed. A step is forward, dx, dkernel and dbias.
    forward: Callable[[], object]
    step: Callable[[], object] | None
    # (y, dx, dkernel, dbias) in localnet's layout; (y,) if there is no step.
    results: Callable[[], Sequence[Any]]


Builder = Callable[[Workload, Data], Contender]
