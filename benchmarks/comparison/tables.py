"""The measurements as reStructuredText: ratios, every contender, and the machine."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from peers.workloads import WORKLOADS

__all__ = [
    "OURS",
    "best_peer",
    "contenders_table",
    "machine_note",
    "milliseconds",
    "ratios_table",
    "rows_table",
    "simple_table",
    "steps_table",
]

# What is done with a whole model.
TITLES = {"step": "training step", "batch": "a batch", "one": "one sample"}
OURS = ("localnet", "localnet workspace", "localnet einsum")


def milliseconds(measured: Mapping[str, Any], name: str, mode: str) -> float | None:
    """Return the median over the turns of a contender, or None if it has none."""
    record = measured["contenders"].get(name, {}).get(mode, {})
    turns = record.get("turns", ())
    if "failed" in record or not turns:
        return None
    return statistics.median(turn[0] for turn in turns) * 1e3


def best_peer(measured: Mapping[str, Any], mode: str) -> tuple[str, float] | None:
    """Return the fastest contender of another library, and its milliseconds."""
    times = {
        name: milliseconds(measured, name, mode)
        for name in measured["contenders"]
        if name not in OURS
    }
    known = {name: value for name, value in times.items() if value is not None}
    return min(known.items(), key=lambda item: item[1]) if known else None


def ratios_table(slices: Sequence[Mapping[str, Any]], mode: str) -> str:
    """Return how many times faster localnet is than the best of the others."""
    header = ["workload", "best other", "ms", "localnet", "ratio", "kept", "ratio"]
    rows, ratios = [], []
    for measured in slices:
        best = best_peer(measured, mode)
        row = [WORKLOADS[measured["workload"]].title]
        row += [best[0], _short(best[1])] if best else ["-", "-"]
        for name in OURS[:2]:
            ours = milliseconds(measured, name, mode)
            ratio = best[1] / ours if best and ours else None
            row += [_short(ours), _short(ratio)]
        if best and ours:
            ratios.append(ratio)
        rows.append(row)
    if ratios:
        mean = statistics.geometric_mean(ratios)
        rows.append(["geometric mean", "", "", "", "", "", _short(mean)])
    return simple_table(header, rows)


def contenders_table(slices: Sequence[Mapping[str, Any]], mode: str) -> str:
    """Return the milliseconds of every contender, one column per workload."""
    names = list(dict.fromkeys(n for s in slices for n in s["contenders"]))
    header = ["ms", *(s["workload"] for s in slices)]
    rows = [
        [name, *(_short(milliseconds(s, name, mode)) for s in slices)] for name in names
    ]
    return simple_table(header, rows)


def machine_note(slices: Sequence[Mapping[str, Any]]) -> str:
    """Return what was measured on what, in lines."""
    versions: dict[str, str] = {}
    for measured in slices:
        for record in measured["contenders"].values():
            versions |= record["versions"]
    machines = {_of(measured["machine"]) for measured in slices}
    days = sorted({measured["measured"][:10] for measured in slices})
    lines = [f"- {machine}" for machine in sorted(machines)]
    lines += [f"- {_said(versions)}", f"- measured {' and '.join(days)}"]
    for measured in {s["threads"]: s for s in slices}.values():
        limits = ", ".join(
            f"{name} {value:.0f}" for name, value in measured["roofline"].items()
        )
        lines.append(f"- roofline on {measured['threads']} CPUs: {limits}")
    return "\n".join(lines) + "\n"


def steps_table(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return a row for each model and what is done with it, fastest turns only."""
    names = list(dict.fromkeys(name for m in measured for name in m["contenders"]))
    header = ["model", "what", "localnet"]
    for name in names:
        header += [name, "ratio"] if name != "localnet" else []
    rows = []
    for one in measured:
        for mode, title in TITLES.items():
            best = {
                name: min(turn[1] for turn in record[mode]) * 1e3
                for name, record in one["contenders"].items()
                if mode in record
            }
            ours = best.get("localnet")
            row = [one["model"], title, f"{ours:.3g}" if ours else "-"]
            for name in names:
                if name == "localnet":
                    continue
                if ours and name in best:
                    row += [f"{best[name]:.3g}", f"{best[name] / ours:.2f}"]
                else:
                    row += ["-", "-"]
            rows.append(row)
    one = measured[0]
    versions = {
        name: version
        for record in one["contenders"].values()
        for name, version in record["versions"].items()
    }
    note = f"{_of(one['machine'])}; {_said(versions)}; {one['measured'][:10]}"
    return f"{simple_table(header, rows)}\n{note}.\n"


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows that are dicts with the same keys."""
    return simple_table(list(rows[0]), [list(map(str, r.values())) for r in rows])


def simple_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a simple table; an empty first cell would continue a row, so none is."""
    cells = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "  ".join("=" * width for width in widths)

    def line(row: Sequence[str]) -> str:
        first, *rest = zip(row, widths, strict=True)
        parts = [first[0].ljust(first[1]), *(text.rjust(w) for text, w in rest)]
        return "  ".join(parts).rstrip()

    body = [line(row) for row in cells[1:]]
    return "\n".join([rule, line(cells[0]), rule, *body, rule, ""])


def _of(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cpus']} CPUs, {machine['system']}, "
        f"Python {machine['python']}, {machine['blas']}"
    )


def _said(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
