"""
Hold other libraries to the golden suite, each in its own environment.

Run: python benchmarks/golden_peers.py DIR [NAME ...] [--gpu] [--jobs N] [--rst FILE]

DIR holds what ``benchmarks/peers/environments.py`` built there; NAME is one of its
environments, by default every one that is there. localnet's own engines run in this
Python. Each backend is checked once in every precision: the bounded cases of that
precision, and all cases that are exact in it. The exit status is 1 if one fails a case
that is not known to fail, or passes one that is; and if TensorFloat-32, which ``--gpu``
tries too, passes everything.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from peers.environments import NAMES, interpreters

PRECISIONS = ("float64", "float32", "float16", "bfloat16")
ADAPTERS = "localnet.golden.adapters"
VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""


class Peer(NamedTuple):
    """A backend, where it runs, packages whose versions are told, how it is held."""

    name: str
    environment: str | None
    backend: str
    packages: tuple[str, ...]
    known_to_fail: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    may_fail: tuple[str, ...] = ()  # on some processors


# Why these fail stands in docs/golden-peers.rst.
GELU = (
    "gelu-float64",
    "gelu-by-tanh-float64",
    *(
        f"{kind}gelu-{place}-float64"
        for kind in ("", "conv-")
        for place in ("far", "below-6", "below-2", "above-5")
    ),
    *(
        f"{kind}gelu-by-tanh-{place}-float64"
        for kind in ("", "conv-")
        for place in ("far", "below-2", "above-5")
    ),
    "curve-106",
    *(f"curved-units-{number}" for number in (17, 26, 46, 57, 73)),
    "precise-63",
)
SELU = tuple(
    f"{kind}selu-below-3-float32"
    for kind in ("", "conv-", "shared-", "low-rank-", "transposed-")
)
MISH = ("mish-above-5-float64", "conv-mish-above-5-float64")
MISH_IN_FLOAT32 = tuple(
    f"{kind}-mish-above-4-float32" for kind in ("conv", "shared", "transposed")
)
ALPHA = (
    *("leaky-alpha-bits-float64", "relu-alpha-bits-float64", "precise-24"),
    *(f"conv-precise-{number}" for number in (4, 25, 53)),
)
SOFTPLUS = (
    "softplus-large-float64",
    "softplus-above-5-float64",
    "conv-softplus-above-5-float64",
)
CUT_OFF = ("single-bfloat16", "single-bfloat16-first")
SLOPES = (*MISH, *MISH_IN_FLOAT32, "gelu-by-tanh-above-5-float64")
# TensorFlow and XLA flush subnormal numbers to zero.
FLUSHING = ("--flushing",)
KERAS_2 = (
    ("tf-keras", "tensorflow-cpu"),
    (*GELU, *SELU, *MISH, *ALPHA),
    FLUSHING,
    (*CUT_OFF, *MISH_IN_FLOAT32),
)
KERAS_3 = (
    ("keras", "tensorflow-cpu"),
    (*SELU, *MISH),
    FLUSHING,
    MISH_IN_FLOAT32,
)
TORCH = ("torch",)
XLA = ("jax", "jaxlib")
PEERS = (
    Peer("localnet, blocked", None, "engines:blocked", ("numpy",)),
    Peer("localnet, einsum", None, "engines:einsum", ("numpy",)),
    Peer("localnet, naive", None, "engines:naive", ("numpy",)),
    Peer("Keras, implementation 1", "tf", "keras:implementation1", *KERAS_2),
    Peer("Keras, implementation 2", "tf", "keras:implementation2", *KERAS_2),
    Peer("Keras, implementation 3", "tf", "keras:implementation3", *KERAS_2),
    Peer("JAX", "jax", "jax:local_conv", XLA, (), FLUSHING, SLOPES),
    Peer("Flax", "jax", "flax:conv_local", ("flax", "jax"), (), FLUSHING, SLOPES),
    Peer("PyTorch, unfold", "torch", "torch:unfold", TORCH, SOFTPLUS),
    Peer("PyTorch, strided", "torch", "torch:strided", TORCH, SOFTPLUS),
    Peer("PyTorch, einsum", "torch", "torch:einsum", TORCH, SOFTPLUS),
    Peer("Keras, Conv", "tf", "keras_conv:conv", *KERAS_2),
    Peer("PyTorch, conv", "torch", "torch_variants:conv", TORCH, SOFTPLUS),
    Peer("PyTorch, variants", "torch", "torch_variants:idioms", TORCH),
    Peer("Export, ONNX", None, "exported:onnx", ("onnx", "onnxruntime")),
    Peer("Export, Keras 3", "tf", "exported:keras3", *KERAS_3),
    Peer("Export, PyTorch", "torch", "exported:torch", TORCH),
    Peer("Export, JAX", "jax", "exported:jax", XLA, (), FLUSHING, SLOPES),
)
GPU_PEERS = (
    Peer("JAX, GPU", "jax", "jax:local_conv", XLA, (), FLUSHING),
    Peer("PyTorch, unfold, GPU", "torch", "torch:unfold_cuda", TORCH, SOFTPLUS),
    Peer("PyTorch, strided, GPU", "torch", "torch:strided_cuda", TORCH, SOFTPLUS),
    Peer("PyTorch, einsum, GPU", "torch", "torch:einsum_cuda", TORCH, SOFTPLUS),
)
# What TensorFloat-32 makes of float32 products; it must not pass.
TF32_PEERS = (
    Peer("JAX, TF32", "jax", "jax:local_conv_default", XLA, (), FLUSHING),
    Peer("PyTorch, unfold, TF32", "torch", "torch:unfold_cuda_tf32", TORCH, SOFTPLUS),
    Peer("PyTorch, einsum, TF32", "torch", "torch:einsum_cuda_tf32", TORCH, SOFTPLUS),
)


class Held(NamedTuple):
    """What one backend came to."""

    peer: Peer
    versions: str
    cases: list[dict[str, Any]]

    @property
    def totals(self) -> Counter[str]:
        """How many cases of the kinds that it has come to each status."""
        asked = (case for case in self.cases if case.get("asked", True))
        return Counter(case["status"] for case in asked)

    @property
    def unexpected(self) -> list[dict[str, Any]]:
        """The cases that have another status than they must have."""
        fine = ("PASS", "SKIP", "XFAIL")
        return [case for case in self.cases if case["status"] not in fine]

    @property
    def as_expected(self) -> bool:
        """Whether the right backends pass, and the wrong ones do not."""
        return bool(self.unexpected) is (self.peer in TF32_PEERS)

    def accuracy(self, precision: str) -> str:
        """Return worst and mean ratio and fewest digits of the bounded cases."""
        answers = [
            answer
            for case in self.cases
            if (case["tier"], case["precision"]) == ("bounded", precision)
            for answer in case["answers"].values()
            if case["status"] == "PASS"
        ]
        if not answers:
            return "none"
        # Rounded up, so that it does not round to the bound itself.
        worst = math.ceil(max(a["worst"]["ratio"] for a in answers) * 1e4) / 1e4
        mean = sum(answer["mean"] for answer in answers) / len(answers)
        digits = abs(min(answer["digits"] for answer in answers))
        return f"{worst:.4f}, {mean:.3f}, {digits:.1f}"


def hold(peer: Peer, python: Path) -> Held:
    """Check one backend where its library is."""
    versions = run([python, "-c", VERSIONS, *peer.packages])
    with tempfile.TemporaryDirectory() as scratch:
        report, xfail = Path(scratch) / "report.json", Path(scratch) / "xfail"
        xfail.write_text("\n".join(peer.known_to_fail))
        command = [python, "-m", "localnet", "golden", "check"]
        command += [f"{ADAPTERS}.{peer.backend}", "--json", report, "--xfail", xfail]
        run([*command, *peer.options], may_fail=True)
        cases = json.loads(report.read_text())["cases"]
    for case in cases:
        if case["status"] == "FAIL" and case["id"] in peer.may_fail:
            case["status"] = "XFAIL"
    return Held(peer, versions.strip(), cases)


def run(command: list[Any], *, may_fail: bool = False) -> str:
    """Return what a command prints; status 1 may be its answer."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in ((0, 1) if may_fail else (0,)):
        sys.exit(f"{command} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in reStructuredText."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in (head, *rows):
        first, *others = row
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join(lines) + "\n"


def render(every: list[Held]) -> str:
    """Return both tables."""
    statuses = ("PASS", "FAIL", "XFAIL", "SKIP")
    counts = table(
        "Cases, each in the precision that it was made for",
        ("backend", "versions", "passed", "failed", "known to fail", "skipped"),
        (
            (held.peer.name, held.versions, *(str(held.totals[s]) for s in statuses))
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
    parser.add_argument("--jobs", type=int, default=1, help="backends at a time")
    parser.add_argument("--rst", type=Path, metavar="FILE", help="write the tables")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"NAME must be one of {NAMES}, got {sorted(unknown)}")
    pythons = interpreters(options.folder, tuple(options.names) or NAMES)
    if missing := set(options.names) - set(pythons):
        parser.error(f"{options.folder} must hold {sorted(missing)}")

    here: dict[str | None, Path] = {None: Path(sys.executable)}
    here.update(pythons)
    wanted = (*GPU_PEERS, *TF32_PEERS) if options.gpu else PEERS
    peers = [peer for peer in wanted if peer.environment in here]
    every = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for held in pool.map(lambda peer: hold(peer, here[peer.environment]), peers):
            every.append(held)
            totals = ", ".join(f"{n} {status}" for status, n in held.totals.items())
            print(f"{held.peer.name}: {totals}", flush=True)
            for case in held.unexpected:
                print(f"  {case['status']} {case['id']}: {case['reason']}", flush=True)
    text = render(every)
    print(f"\n{text}")
    if options.rst:
        options.rst.write_text(text)
    sys.exit(not all(held.as_expected for held in every))


if __name__ == "__main__":
    main()
