"""Trials on the workers of a Dask cluster (extra ``dask``)."""

import asyncio
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from .._validate import shown
from .processes import AnswersTo

__all__ = ["on_cluster"]

# Seconds in which a scheduler must answer.
PATIENCE = 5


@contextmanager
def on_cluster(address: str) -> Iterator[AnswersTo]:
    """Give what calls a function on the workers of the scheduler at `address`."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "a Dask cluster needs distributed: pip install distributed, or pip install "
            '".[dask]" from a checkout'
        ) from error
    try:
        # Not by the client, which waits for ever for a stranger that says nothing; in
        # a thread, since this one may have a loop, as in a notebook.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _ask(address)).result()
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # of many kinds, by what is wrong with the address
        raise ConnectionError(
            f"dask must be the address of a Dask scheduler, got {shown(address)}: "
            f"no scheduler answered within {PATIENCE} s"
        ) from error
    futures: dict[Any, int] = {}
    try:
        yield lambda function, trials: _answers(client, futures, function, trials)
    finally:
        # Also what an error or Ctrl-C leaves undone; a running trial is not waited for.
        if client.status == "running":
            client.cancel(list(futures), force=True)
        client.close(timeout=PATIENCE)


async def _ask(address: str) -> None:
    """Let whoever listens say that it is a scheduler."""
    from distributed import rpc

    async with rpc(address) as other:
        identity = await asyncio.wait_for(other.identity(), PATIENCE)
    if identity["type"] != "Scheduler":
        raise ConnectionError(f"a {identity['type']} answered")


def _answers(
    client: Any,
    futures: dict[Any, int],
    function: Callable[[Any], Any],
    trials: Sequence[Any],
) -> Iterator[tuple[int, Any]]:
    import cloudpickle
    from distributed import KilledWorker, as_completed

    # Not left to Dask, which never sends the code of what can be imported here.
    code = cloudpickle.dumps(function)
    for place, trial in enumerate(trials):
        futures[client.submit(_call, code, trial, pure=False)] = place
    for future in as_completed(list(futures), loop=client.loop):
        try:
            answer = future.result()
        except KilledWorker as error:
            raise ChildProcessError(
                f"a training ended without an answer: it lost several workers, {error}"
            ) from None
        except CancelledError:
            raise ConnectionError("the Dask scheduler was lost") from None
        except (ModuleNotFoundError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "deserializ" not in str(error):
                raise
            raise ImportError(
                "the Dask scheduler and its workers must have the packages that are "
                f"installed here, localnet among them: {error.__cause__ or error}"
            ) from error
        yield futures[future], answer


def _call(code: bytes, trial: Any) -> Any:
    """Call a function that was sent with its code."""
    return pickle.loads(code)(trial)
