"""
Hold other libraries to the golden suite, each in its own environment.

Run: python benchmarks/golden_peers.py DIR [NAME ...] [--gpu] [--rst FILE]

DIR holds what ``benchmarks/peers/environments.py`` built there; NAME is one of its
environments, by default every one that is there. localnet's own engines run in this
Python. Each backend gets the suite as it is stored, and then every exact case again in
each wider precision. The exit status is 1 if one fails a case that is not among the
expected failures, or passes one that is.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from peers.environments import NAMES, interpreters

PRECISIONS = ("float64", "float32", "float16", "bfloat16")
ADAPTERS = "localnet.golden.adapters"


class Peer(NamedTuple):
    """A backend, where it runs, and the packages whose versions are to be told."""

    name: str
    environment: str | None
    backend: str
    packages: tuple[str, ...]
    expected_failures: tuple[str, ...] = ()


# tf.nn.gelu passes the root of one half through float32: see docs/golden-peers.rst.
GELU = ("gelu-float64",)
KERAS = ("tf-keras", "tensorflow-cpu")
PEERS = (
    Peer("localnet, blocked", None, "engines:blocked", ("numpy",)),
    Peer("localnet, einsum", None, "engines:einsum", ("numpy",)),
    Peer("localnet, naive", None, "engines:naive", ("numpy",)),
    Peer("Keras, implementation 1", "tf", "keras:implementation1", KERAS, GELU),
    Peer("Keras, implementation 2", "tf", "keras:implementation2", KERAS, GELU),
    Peer("Keras, implementation 3", "tf", "keras:implementation3", KERAS, GELU),
    Peer("JAX", "jax", "jax:local_conv", ("jax", "jaxlib")),
    Peer("Flax", "jax", "flax:conv_local", ("flax", "jax")),
    Peer("PyTorch, unfold", "torch", "torch:unfold", ("torch",)),
    Peer("PyTorch, strided", "torch", "torch:strided", ("torch",)),
    Peer("PyTorch, einsum", "torch", "torch:einsum", ("torch",)),
)
# Float32 on a GPU, and its TensorFloat-32 mode, which the suite must see.
GPU_PEERS = (
    Peer("JAX, GPU", "jax", "jax:local_conv", ("jax", "jaxlib")),
    Peer("JAX, GPU, TF32", "jax", "jax:local_conv_default", ("jax", "jaxlib")),
    Peer("PyTorch, unfold, GPU", "torch", "torch:unfold_cuda", ("torch",)),
    Peer("PyTorch, unfold, GPU, TF32", "torch", "torch:unfold_cuda_tf32", ("torch",)),
    Peer("PyTorch, einsum, GPU", "torch", "torch:einsum_cuda", ("torch",)),
    Peer("PyTorch, einsum, GPU, TF32", "torch", "torch:einsum_cuda_tf32", ("torch",)),
    Peer("PyTorch, strided, GPU", "torch", "torch:strided_cuda", ("torch",)),
)


class Held(NamedTuple):
    """What one backend came to."""

    peer: Peer
    versions: dict[str, str]
    cases: list[dict[str, Any]]

    def count(self, status: str) -> int:
        """Return how many cases have a status, failures that are expected apart."""
        return sum(self.status(case) == status for case in self.cases)

    def status(self, case: dict[str, Any]) -> str:
        """Return the status of a case, in the light of what is expected."""
        if case["id"] not in self.peer.expected_failures:
            return str(case["status"])
        return {"FAIL": "XFAIL", "PASS": "XPASS"}.get(case["status"], case["status"])

    @property
    def unexpected(self) -> list[dict[str, Any]]:
        """The cases that make the exit status 1."""
        bad = ("FAIL", "XPASS", "MISTRUSTED")
        return [case for case in self.cases if self.status(case) in bad]

    def accuracy(self, precision: str) -> str:
        """Return worst and mean ratio and fewest digits of the bounded cases."""
        judged = [
            case
            for case in self.cases
            if (case["tier"], case["precision"], case["status"])
            == ("bounded", precision, "PASS")
        ]
        if not judged:
            return "none"
        worst = max(case["worst"] for case in judged)
        means = [mean for case in judged for mean in case["mean"]]
        digits = min(case["digits"] for case in judged)
        # Rounded up, so that 1.00 is not what it stays below.
        up = math.ceil(worst * 1e4) / 1e4
        return f"{up:.4f}, {sum(means) / len(means):.3f}, {abs(digits):.1f}"


def hold(peer: Peer, python: Path) -> Held:
    """Run one backend where its library is."""
    script = Path(__file__).parent / "peers" / "hold.py"
    done = subprocess.run(
        [python, script, f"{ADAPTERS}.{peer.backend}", *peer.packages],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"{peer.name}: {script.name} ended with {done.returncode}\n{done.stderr}"
        )
    found = json.loads(done.stdout.splitlines()[-1])
    return Held(peer, found["versions"], found["cases"])


def table(title: str, head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Return a table in reStructuredText."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in (head, *rows):
        first, *others = row
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join(lines) + "\n"


def render(every: list[Held]) -> str:
    """Return both tables."""
    counts = table(
        "Cases, exact ones once in every precision that they are exact in",
        ("backend", "versions", "passed", "failed", "known to fail", "skipped"),
        (
            (
                held.peer.name,
                ", ".join(f"{name} {v}" for name, v in held.versions.items()),
                *(str(held.count(s)) for s in ("PASS", "FAIL", "XFAIL", "SKIP")),
            )
            for held in every
        ),
    )
    accuracies = table(
        "Bounded cases: worst error/bound, mean error/bound, fewest correct digits",
        ("backend", *PRECISIONS),
        ((held.peer.name, *map(held.accuracy, PRECISIONS)) for held in every),
    )
    return f"{counts}\n{accuracies}"


def main() -> None:
    """Hold every backend that can run, print and write the tables."""
    parser = argparse.ArgumentParser(
        description="Hold other libraries to the golden suite."
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {NAMES}")
    parser.add_argument("--gpu", action="store_true", help="the GPU's backends alone")
    parser.add_argument("--rst", type=Path, metavar="FILE", help="write the tables")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"NAME must be one of {NAMES}, got {sorted(unknown)}")
    pythons = interpreters(options.folder, tuple(options.names) or NAMES)
    if missing := set(options.names) - set(pythons):
        parser.error(f"{options.folder} must hold {sorted(missing)}")

    every = []
    for peer in GPU_PEERS if options.gpu else PEERS:
        if peer.environment is None:
            python = Path(sys.executable)
        elif peer.environment in pythons:
            python = pythons[peer.environment]
        else:
            continue
        every.append(held := hold(peer, python))
        print(
            f"{peer.name}: {held.count('PASS')} passed, {held.count('SKIP')} skipped, "
            f"{held.count('XFAIL')} known to fail, {len(held.unexpected)} unexpected",
            flush=True,
        )
        for case in held.unexpected:
            print(f"  {held.status(case)} {case['id']}: {case['reason']}")
    text = render(every)
    print(f"\n{text}")
    if options.rst:
        options.rst.write_text(text)
    sys.exit(any(held.unexpected for held in every))


if __name__ == "__main__":
    main()
