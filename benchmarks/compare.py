"""
localnet against the locally connected layers of other libraries, turn by turn.

Run: python benchmarks/compare.py DIR [--environments ENVIRONMENTS] [options]

DIR receives one JSON file per workload and number of threads. The environments are
those of benchmarks/peers/environments.py; without them only localnet is measured.
benchmarks/report.py makes the tables and the picture.
"""

import argparse
import fnmatch
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from comparison.processes import Process
from comparison.quiet import held
from comparison.slices import MODES, Plan, measure_slice, slice_path
from peers.environments import interpreters
from peers.workloads import WORKLOADS

# Which library is measured in which environment.
ENVIRONMENT_OF = {"keras": "tf", "jax": "jax", "torch": "torch"}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument(
        "--environments", type=Path, metavar="DIR", help="where the other libraries are"
    )
    parser.add_argument(
        "--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS)
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--budget", type=float, default=0.25, help="seconds of calls in a turn"
    )
    parser.add_argument(
        "--contenders", nargs="+", metavar="GLOB", default=["*"], help="by name"
    )
    parser.add_argument(
        "--resume", action="store_true", help="skip what DIR has already"
    )
    parser.add_argument(
        "--hold",
        metavar="COMMAND",
        help="runs during each round to hold other jobs back; must act like `cat`",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure slice after slice; each is written when it is done."""
    options = parse(arguments)
    pythons = {"localnet": Path(sys.executable)}
    if options.environments:
        found = interpreters(options.environments)
        if not found:
            sys.exit(
                f"--environments must hold environments, got {options.environments}"
            )
        pythons |= {
            library: found[name]
            for library, name in ENVIRONMENT_OF.items()
            if name in found
        }
    options.folder.mkdir(parents=True, exist_ok=True)

    for threads in options.threads:
        todo = [
            name
            for name in options.workload
            if not (
                options.resume and slice_path(options.folder, name, threads).exists()
            )
        ]
        if todo:
            measure(options, pythons, threads, todo)


def measure(
    options: argparse.Namespace,
    pythons: dict[str, Path],
    threads: int,
    workloads: list[str],
) -> None:
    """Start the workers once, and take the workloads one after the other."""
    plan = Plan(
        threads=threads,
        rounds=options.rounds,
        budget=options.budget,
        wanted=lambda name: any(fnmatch.fnmatch(name, g) for g in options.contenders),
        quiet=lambda: held(options.hold),
    )
    log = options.folder / "workers.log"
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Process(python, library, threads, log))
            for library, python in pythons.items()
        ]
        with plan.quiet():
            roofline = dict(processes[0].ask("roofline"))
        for name in workloads:
            print(f"{name}, threads {threads}: {WORKLOADS[name].title}", flush=True)
            found = measure_slice(name, processes, plan, roofline)
            path = slice_path(options.folder, name, threads)
            path.write_text(json.dumps(found, indent=1) + "\n")
            for contender, record in found["contenders"].items():
                cells = "".join(
                    f"{min(turn[1] for turn in record[mode]['turns']) * 1e3:10.3f} ms"
                    if record.get(mode, {}).get("turns")
                    else f"{'-':>13}"
                    for mode in MODES
                )
                print(f"   {contender:20}{cells}", flush=True)


if __name__ == "__main__":
    main()
