"""
Tables and the picture from what `measure.py` has measured.

Run: python benchmarks/report.py DIR [--into docs/benchmarks]
"""

import argparse
import json
from pathlib import Path

from comparison.slices import MODES, read_slices
from comparison.tables import (
    contenders_table,
    machine_note,
    ratios_table,
    rows_table,
    steps_table,
)

NAMES = {"forward": "Forward", "step": "Training step"}


def main() -> None:
    """Write the files that docs/benchmarks.rst includes."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--into", type=Path, default=Path("docs/benchmarks"))
    parser.add_argument("--no-picture", action="store_true")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    slices = list(read_slices(options.folder))
    if not slices:
        parser.error(f"DIR must hold measured slices, got {options.folder}")

    def write(name: str, text: str) -> None:
        (options.into / f"{name}.rst.inc").write_text(text)

    write("machine", machine_note(slices))
    for name, table in (("ratios", ratios_table), ("contenders", contenders_table)):
        parts = []
        for threads in sorted({s["threads"] for s in slices}, reverse=True):
            chosen = [s for s in slices if s["threads"] == threads]
            for mode in MODES:
                title = f"{NAMES[mode]}, {threads} CPU{'s' * (threads > 1)}"
                parts.append(f"**{title}**\n\n{table(chosen, mode)}")
        write(name, "\n".join(parts))
    for name in ("memory", "whole_models", "convolution", "steps"):
        measured = options.folder / f"{name}.json"
        text = "Not measured yet.\n"
        if measured.exists():
            found = json.loads(measured.read_text())
            text = steps_table(found) if name == "steps" else rows_table(found["rows"])
        write(name, text)
    if not options.no_picture:
        from comparison.picture import draw

        draw(slices, options.into / "roofline.png")


if __name__ == "__main__":
    main()
