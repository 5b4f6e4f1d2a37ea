"""
One slice: one workload at one number of threads, all contenders in turn.

Every slice is a JSON file of its own, so that a comparison can be measured in pieces,
resumed, and repeated in part. Ratios are taken within a slice only.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from peers.agreement import write_judge
from peers.workloads import WORKLOADS

from comparison.machine import machine
from comparison.processes import Process, WorkerFailed
from comparison.quiet import Noise, wait_for_quiet

__all__ = ["Plan", "measure_slice", "read_slices", "slice_path"]

MODES = ("forward", "step")
# Seconds; what takes longer is timed once, and not in every round.
PATIENCE = 3.0
# A turn that others disturbed is taken again, but not for ever.
TRIES = 3


class Plan(NamedTuple):
    """How to measure."""

    threads: int
    rounds: int
    budget: float
    wanted: Callable[[str], bool]
    # Entered for every round; other jobs can be held back meanwhile.
    quiet: Callable[[], AbstractContextManager[None]]


class Entrant(NamedTuple):
    """A contender that agreed with the judge, one of its modes, and its record."""

    process: Process
    name: str
    mode: str
    record: dict[str, Any]
    slow: bool

    def ask(self, command: str, **arguments: Any) -> Mapping[str, Any] | None:
        """Send a command; a failure is recorded, and ends what is asked of it."""
        if "failed" in self.record:
            return None
        try:
            return self.process.ask(
                command, name=self.name, mode=self.mode, **arguments
            )
        except WorkerFailed as reason:
            self.record["failed"] = str(reason)
            print(f"   {self.name}, {self.mode}, failed: {reason}", flush=True)
            return None


def slice_path(folder: Path, workload: str, threads: int) -> Path:
    """Return the file of a slice."""
    return folder / f"{workload}-{threads}.json"


def read_slices(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the slices of a folder, workloads in their order, more threads first."""
    for workload in WORKLOADS:
        for path in sorted(folder.glob(f"{workload}-[0-9]*.json"), reverse=True):
            yield json.loads(path.read_text())


def measure_slice(
    workload: str, processes: Sequence[Process], plan: Plan, roofline: dict[str, float]
) -> dict[str, Any]:
    """Prepare every contender, check it, and time those that agree in turn."""
    records: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as judge:
        write_judge(WORKLOADS[workload], Path(judge))
        entrants = list(_prepare(workload, processes, plan, records, judge))
    for number in range(plan.rounds):
        with plan.quiet():
            for entrant in entrants:
                if not entrant.slow or number == 0:
                    _take_turn(entrant, plan.budget)
        print(f"   round {number + 1} of {plan.rounds}", flush=True)
    for entrant in entrants:
        if answer := entrant.ask("memory"):
            entrant.record["memory"] = answer["rise"]
    return {
        "workload": workload,
        "threads": plan.threads,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "roofline": roofline,
        "contenders": records,
    }


def _prepare(
    workload: str,
    processes: Iterable[Process],
    plan: Plan,
    records: dict[str, dict[str, Any]],
    judge: str,
) -> Iterator[Entrant]:
    for process in processes:
        about = process.ask("about")
        process.ask("load", workload=workload)
        for name in filter(plan.wanted, about["names"]):
            record = records[name] = {"versions": about["versions"]}
            try:
                answer = process.ask("prepare", name=name, judge=judge)
            except WorkerFailed as reason:
                answer = {"excluded": str(reason)}
            if "excluded" in answer:
                record["excluded"] = answer["excluded"]
                print(f"   {name} is left out: {record['excluded']}", flush=True)
                continue
            record["errors"] = answer["errors"]
            for mode, first in answer["first"].items():
                record[mode] = {"first": first, "turns": [], "disturbed": 0}
                slow = answer["again"][mode] > PATIENCE
                yield Entrant(process, name, mode, record[mode], slow)


def _take_turn(entrant: Entrant, budget: float) -> None:
    for _ in range(TRIES):
        wait_for_quiet()
        noise = Noise(entrant.process.pid)
        answer = entrant.ask("time", budget=budget)
        if answer is None:
            return
        disturbed = noise.disturbed()
        if not disturbed or entrant.slow:
            break
    turn = [answer["median"], answer["min"], answer["calls"]]
    entrant.record["turns"].append(turn)
    entrant.record["disturbed"] += disturbed
