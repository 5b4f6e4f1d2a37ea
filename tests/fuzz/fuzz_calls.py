"""
Draw wrong calls by type from public signatures, and judge what comes of them.

Run: ``python tests/fuzz/fuzz_calls.py --calls 3000 --seed 0``. Every call takes place
in a child process with limits on time and memory. A call may give a result, or refuse
with one of the documented exceptions; a crash, a hang, or an exception that only inner
code can mean (AttributeError, IndexError, ...) is a finding, and the exit code is 1.
"""

import argparse
import collections
import dis
import inspect
import io
import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import localnet

# Whatever a user may be told: that an argument is wrong, or does not go with another.
DOCUMENTED = (ValueError, TypeError, OSError, ImportError, RuntimeError, MemoryError)
SECONDS = 20
MEMORY = 3 * 2**30
BATCH = 100  # calls of one child

PACKAGES = (
    *("activations", "callbacks", "constraints", "initializers", "interop", "layers"),
    *("losses", "metrics", "ops", "optimizers", "regularizers", "utils", "datasets"),
    "backend",
)
ENDLESS = {"load_digits"}
# What only localnet makes: another object there is no value of the wrong kind, but a
# program that cannot work. Such calls may end in any error; they are counted.
OPAQUE = {"cache", "geometry", "workspace", "statistics", "node"}


class Other:
    """Of a class that nobody knows."""


class Unspeakable:
    """Its repr, its truth and every comparison fail, as those of some tensors."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("no repr")

    def __bool__(self) -> bool:
        raise ZeroDivisionError("no truth")

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("no comparison")

    __hash__ = None  # type: ignore[assignment]


class Table:
    """Has a length, and nothing at 0, as a table of columns."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, key: object) -> Any:
        raise KeyError(key)


VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "minus": lambda: -3,
    "three": lambda: 3,
    "huge": lambda: 10**30,
    "2**31": lambda: 2**31,
    "2**63": lambda: 2**63,
    "half": lambda: 0.5,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "text": lambda: "x",
    "empty text": lambda: "",
    "bytes": lambda: b"x",
    "list": lambda: [1, 2],
    "empty list": list,
    "tuple": lambda: (2, 2),
    "dict": lambda: {"a": 1},
    "set": lambda: {1},
    "frozen set": lambda: frozenset({2, 3}),
    "bytearray": lambda: bytearray(b"x"),
    "unspeakable": Unspeakable,
    "table": Table,
    "class": lambda: Other,
    "object": Other,
    "function": lambda: lambda *arguments: 1,
    "scalar": lambda: np.float32(2),
    "vector": lambda: np.arange(4.0),
    "matrix": lambda: np.ones((3, 4)),
    "cube": lambda: np.ones((2, 5, 3)),
    "image": lambda: np.ones((2, 5, 5, 3), np.float32),
    "nothing": lambda: np.ones((0, 4)),
    "integers": lambda: np.arange(6).reshape(2, 3),
    "objects": lambda: np.array([None, "x"], dtype=object),
    "texts": lambda: np.array(["a", "b"]),
    "complex": lambda: np.ones((2, 3), complex),
    "masked": lambda: np.ma.masked_less(np.arange(4.0), 2),
    "generator": lambda: (i for i in range(3)),
    "rng": lambda: np.random.default_rng(0),
    "layer": lambda: localnet.layers.Dense(2),
    "model": lambda: localnet.Sequential([localnet.layers.Dense(1, input_shape=(3,))]),
}


def callables() -> dict[str, Callable[[], Any]]:
    """Return everything that the packages offer to be called, by name."""
    found: dict[str, Any] = {}
    for package in PACKAGES:
        module = getattr(localnet, package)
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and name not in ENDLESS:
                found[f"{package}.{name}"] = lambda thing=thing: thing
    for name in ("fit", "predict", "evaluate", "compile", "train_on_batch", "build"):
        found[f"Model.{name}"] = lambda name=name: getattr(_model(), name)
    for name in ("set_weights", "add", "get_layer", "test_on_batch", "save", "summary"):
        found[f"Model.{name}"] = lambda name=name: getattr(_model(), name)
    for name in ("load_weights", "fit_scipy"):
        found[f"Model.{name}"] = lambda name=name: getattr(_model(), name)
    found["load_model"] = lambda: localnet.load_model
    for kind in ("Dense", "LocallyConnected1D", "Conv2D", "BatchNormalization"):
        for name in ("build", "forward", "compute_output_shape", "set_weights"):
            found[f"{kind}.{name}"] = lambda k=kind, n=name: getattr(_layer(k), n)
    return found


def _model() -> Any:
    model = localnet.Sequential([localnet.layers.Dense(1, input_shape=(4,))], seed=0)
    model.compile("sgd", "mse")
    return model


def _layer(kind: str) -> Any:
    arguments = {"LocallyConnected1D": (2, 2), "Conv2D": (2, 2), "Dense": (2,)}
    return getattr(localnet.layers, kind)(*arguments.get(kind, ()))


def is_own(error: BaseException) -> bool:
    """Whether Python refused the call, or a statement of localnet's, or the memory."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    home = trace.tb_frame.f_globals["__name__"]
    instruction = dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]]
    raised = home.startswith("localnet") and instruction in ("RAISE_VARARGS", "RERAISE")
    return raised or home == __name__ or isinstance(error, MemoryError)


def one(number: int, seed: int) -> str:
    """Make the call of that number and return what came of it, or a finding."""
    chance = random.Random(f"{seed} {number}")
    things = callables()
    name = chance.choice(sorted(things))
    function = things[name]()
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return "no signature"
    described, positional, named = [], [], {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is not parameter.empty and chance.random() < 0.6:
            continue
        kind = chance.choice(sorted(VALUES))
        described.append(f"{parameter.name}={kind}")
        if parameter.kind == parameter.POSITIONAL_ONLY:
            positional.append(VALUES[kind]())
        else:
            named[parameter.name] = VALUES[kind]()
    try:
        result = function(*positional, **named)
    except DOCUMENTED as error:
        why = "" if is_own(error) else f"raised by other code: {error!r:.150}"
        why = why if str(error) else "no words"
        if why and OPAQUE & named.keys():
            return "opaque"
        return f"finding {name}({', '.join(described)}): {why}" if why else "refused"
    except BaseException as error:
        if isinstance(error, (AttributeError, IndexError)) and OPAQUE & named.keys():
            return "opaque"
        call = f"{name}({', '.join(described)})"
        return f"finding {call}: {type(error).__name__}: {str(error)[:100]}"
    del result
    return "accepted"


def child(numbers: range, seed: int, report: Any) -> None:
    """Make calls one after the other and write a line for each, number first."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    sys.stdout = io.StringIO()
    for number in numbers:
        signal.alarm(SECONDS)
        report.write(f"{number} {one(number, seed)}\n")
        report.flush()


def main() -> int:
    """Make the calls, in children, and print counts and findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    findings = []
    start = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # some calls write files
        while start < options.calls:
            numbers = range(start, min(start + BATCH, options.calls))
            path = Path(folder) / "report.txt"
            pid = os.fork()
            if pid == 0:
                try:
                    with path.open("w") as report:
                        child(numbers, options.seed, report)
                finally:
                    os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            lines = path.read_text().splitlines()
            for line in lines:
                outcome = line.partition(" ")[2]
                counts[outcome.partition(" ")[0]] += 1
                if outcome.startswith("finding"):
                    findings.append(line)
            start += len(lines)
            if len(lines) < len(numbers):
                findings.append(f"{start} the process ended with {code}")
                counts["died"] += 1
                start += 1
    print(dict(counts))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
