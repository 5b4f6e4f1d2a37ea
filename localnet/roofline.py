"""
The roofline: how fast a machine can do a piece of work at best.

A computation does arithmetic and moves bytes between memory and processor. A machine
has a limit for each, and the slower of the two sets the time::

    seconds = max(flops / peak, bytes / bandwidth)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from . import _validate, config
from ._typing import DTypeLike

__all__ = ["Machine", "Work", "measure_machine", "this_machine"]

# Rows of the square matrices: large enough for the BLAS to reach its peak.
GEMM_SIZE = 1024
# Bytes of the array that is read: no cache holds it.
READ_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Work:
    """
    What a computation has to do at least.

    Parameters
    ----------
    flops : int
        Floating-point operations; a multiply-add counts as two.
    nbytes : int
        Bytes read from and written to memory.

    Examples
    --------
    >>> Work(flops=2, nbytes=8) + Work(flops=6, nbytes=8)
    Work(flops=8, nbytes=16)
    """

    flops: int
    nbytes: int

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flops + other.flops, self.nbytes + other.nbytes)


@dataclass(frozen=True, slots=True)
class Machine:
    """
    The two numbers of a machine that bound every computation on it.

    Parameters
    ----------
    flops_per_second : float
        Peak of the arithmetic.
    bytes_per_second : float
        Bandwidth of the memory.

    Raises
    ------
    ValueError
        If a number is not positive and finite.

    See Also
    --------
    measure_machine : The numbers of the machine at hand.

    Examples
    --------
    A gigabyte lasts longer than 10^10 operations here:

    >>> machine = Machine(flops_per_second=200e9, bytes_per_second=10e9)
    >>> machine.seconds(Work(flops=10**10, nbytes=10**9))
    0.1
    >>> machine.balance
    20.0
    """

    flops_per_second: float
    bytes_per_second: float

    def __post_init__(self) -> None:
        for name in ("flops_per_second", "bytes_per_second"):
            value = _validate.number(
                name, getattr(self, name), minimum=0.0, open_minimum=True
            )
            object.__setattr__(self, name, value)

    @property
    def balance(self) -> float:
        """Operations per byte below which the memory sets the time."""
        return self.flops_per_second / self.bytes_per_second

    def seconds(self, *works: Work) -> float:
        """
        Return the time below which the machine cannot do some work.

        Parameters
        ----------
        *works : Work
            Operations and bytes of one computation, or of several in turn.

        Returns
        -------
        float
            ``max(flops / flops_per_second, nbytes / bytes_per_second)``, added up.
        """
        return sum(
            max(work.flops / self.flops_per_second, work.nbytes / self.bytes_per_second)
            for work in works
        )


def measure_machine(dtype: DTypeLike | None = None) -> Machine:
    """
    Measure what this machine can do, in about a second.

    Parameters
    ----------
    dtype : dtype_like, optional
        Float type of the arithmetic; default ``localnet.config.floatx()``.

    Returns
    -------
    Machine
        The best of some repetitions: for the arithmetic, of a product of square
        matrices, in as many threads as the BLAS starts; for the memory, of reading an
        array of 256 MB in ``localnet.config.get_num_threads()`` threads.

    Raises
    ------
    ValueError
        If `dtype` is not a float type of localnet.

    Notes
    -----
    Writing to memory is slower than reading it, and touching fresh memory for the first
    time is slower still, so times that follow from these numbers are lower bounds.
    """
    dtype = config.float_dtype(dtype)
    return Machine(_peak(dtype), _bandwidth())


@cache
def this_machine() -> Machine:
    """
    Return what `measure_machine` finds for float32, measured once per process.

    Returns
    -------
    Machine
        Always the same one, so that estimates of one process can be compared.
    """
    return measure_machine("float32")


def _peak(dtype: np.dtype) -> float:
    # float16 has no BLAS; NumPy's own loop takes seconds for matrices of full size.
    size = GEMM_SIZE if dtype.itemsize > 2 else GEMM_SIZE // 8
    a = np.ones((size, size), dtype)
    out = np.empty_like(a)
    return 2 * size**3 / _best_time(lambda: np.matmul(a, a, out=out), budget=0.4)


def _bandwidth() -> float:
    # Here, because it loads logging, and nothing else of this module needs it.
    from concurrent.futures import ThreadPoolExecutor

    array = np.ones(READ_BYTES // 4, np.float32)
    parts = np.array_split(array, config.get_num_threads())
    with ThreadPoolExecutor(len(parts)) as pool:
        # max is a plain read: it does not wait for an addition, as a sum does.
        read = _best_time(lambda: list(pool.map(np.max, parts)), budget=0.4)
    return array.nbytes / read


def _best_time(call: Callable[[], object], *, budget: float) -> float:
    """Return the shortest of as many runs as `budget` seconds allow, at least three."""
    call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < budget:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)
