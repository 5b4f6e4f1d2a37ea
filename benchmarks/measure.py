"""
All that docs/benchmarks.rst shows, measured in one run on one machine.

Run: python benchmarks/measure.py DIR ENVIRONMENTS [--rounds 5] [--into docs/benchmarks]

The environments are those of benchmarks/peers/environments.py, which makes what is
missing. Nothing else should run meanwhile.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from peers.environments import interpreter

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure one thing after the other, then write the tables and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("environments", type=Path, metavar="ENVIRONMENTS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--into", default="docs/benchmarks")
    options = parser.parse_args()
    run("peers/environments.py", options.environments)
    others = ("--environments", options.environments)
    rounds = ("--rounds", options.rounds)
    torch = interpreter(options.environments.resolve(), "torch")
    run("compare.py", options.folder, *others, *rounds, "--threads", 2)
    run("memory.py", options.folder)
    run("whole_models.py", options.folder, *others)
    run("convolution.py", options.folder, "--torch", torch, *rounds)
    run("steps.py", options.folder, *others, *rounds)
    run("report.py", options.folder, "--into", options.into)


def run(script: str, *arguments: object) -> None:
    """Run one of the scripts beside this one, and stop if it fails."""
    command = [sys.executable, HERE / script, *map(str, arguments)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
