"""
Whole models in localnet and in other libraries, turn by turn.

Run: python benchmarks/steps.py DIR [--environments ENVIRONMENTS] [options]

Measured are a training step with Adam, the prediction of a batch, and that of one
sample: against the step written by hand in NumPy where that is short, and with
environments, those of benchmarks/peers/environments.py, against PyTorch eager and
tf_keras. Every library must first predict and lose what the definition does in float64.

The table has milliseconds, the fastest of all turns, and behind those of another
library how many times as long it takes as localnet: above 1 localnet is faster.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comparison.machine import machine
from comparison.processes import Process, WorkerFailed
from comparison.tables import steps_table
from peers.environments import interpreters
from peers.model_contender import MODES
from peers.models import MODELS, write_judge

# Which library is measured in which environment.
ENVIRONMENT_OF = {"torch": "torch", "tf_keras": "tf"}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument(
        "--environments", type=Path, metavar="DIR", help="where the other libraries are"
    )
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--budget", type=float, default=0.25, help="seconds of calls in a turn"
    )
    return parser.parse_args(arguments)


def measure(
    model: str, processes: list[Process], options: argparse.Namespace
) -> dict[str, Any]:
    """Check what every library makes of a model, and time those that agree in turn."""
    records: dict[str, dict[str, Any]] = {}
    entrants = []
    with tempfile.TemporaryDirectory() as judge:
        write_judge(MODELS[model], Path(judge))
        for process in processes:
            about = process.ask("about")
            process.ask("load", workload=model)
            for name in about["names"]:
                record = records[name] = {"versions": about["versions"]}
                try:
                    answer = process.ask("prepare", name=name, judge=judge)
                except WorkerFailed as reason:
                    answer = {"excluded": str(reason)}
                record |= answer
                if "excluded" not in answer:
                    entrants.append((process, name, record))
    for _ in range(options.rounds):
        for mode in MODES:
            for process, name, record in entrants:
                answer = process.ask(
                    "time", name=name, mode=mode, budget=options.budget
                )
                turn = [answer["median"], answer["min"], answer["calls"]]
                record.setdefault(mode, []).append(turn)
    return {
        "model": model,
        "threads": options.threads,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "contenders": records,
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure model after model; write DIR/steps.json and print the table."""
    options = parse(arguments)
    pythons = {"localnet": Path(sys.executable)}
    if options.environments:
        found = interpreters(options.environments)
        pythons |= {
            library: found[name]
            for library, name in ENVIRONMENT_OF.items()
            if name in found
        }
        if len(pythons) == 1:
            sys.exit(
                "--environments must hold torch or tf, got "
                f"{options.environments.resolve()}"
            )
    options.folder.mkdir(parents=True, exist_ok=True)
    measured = []
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                Process(
                    python,
                    library,
                    options.threads,
                    options.folder / "workers.log",
                    worker="peers.model_worker",
                )
            )
            for library, python in pythons.items()
        ]
        for model in options.model:
            print(f"{model}: {MODELS[model].title}", flush=True)
            measured.append(measure(model, processes, options))
            for name, record in measured[-1]["contenders"].items():
                if "excluded" in record:
                    print(f"   {name} is left out: {record['excluded']}", flush=True)
            path = options.folder / "steps.json"
            path.write_text(json.dumps(measured, indent=1) + "\n")
    sys.stdout.write(steps_table(measured))


if __name__ == "__main__":
    main()
