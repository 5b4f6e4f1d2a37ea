"""``localnet sweep``: a grid of settings and seeds for a model of one's own."""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

from ..trials import run_trials
from ..trials.sweep import (
    Setting,
    Sweep,
    callable_of,
    parse_grid,
    ship_modules,
    train,
)
from ..trials.table import Table
from .arguments import Commands, add_workers, epilog, integer

__all__ = ["add_command"]

DESCRIPTION = """\
Train a model of your own with every setting of a grid and several seeds, and print mean
and standard deviation of its loss and metrics.

build is called with a value for each name of the grid, and seed=; it returns a compiled
model. data is called without arguments and returns (x, y), (x_test, y_test). Both are
functions of modules in this folder, or of any that can be imported; docs/sweeps.rst
has the nets.py of the examples.

The same command with the same --out goes on where it was stopped.
"""

EXAMPLES = """\
localnet sweep nets:local --data nets:digits --seeds 5
localnet sweep nets:local --data nets:digits --seeds 4 --grid filters=4,8
localnet sweep nets:local --data nets:digits --grid learning_rate=0.01,0.1 \\
    --epochs 20 --jobs 4 --out table.csv
"""


def add_command(commands: Commands) -> None:
    """Add ``sweep`` to the commands."""
    parser = commands.add_parser(
        "sweep",
        help="train a model of your own with a grid of settings and several seeds",
        description=DESCRIPTION,
        epilog=epilog(EXAMPLES),
    )
    parser.add_argument(
        "build", metavar="MODULE:FUNCTION", help="returns a compiled model"
    )
    parser.add_argument(
        "--data", required=True, metavar="MODULE:FUNCTION", help="returns the data"
    )
    parser.add_argument(
        "--grid",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="values to try; numbers, tuples, True, None or words",
    )
    for option, default, help_text in (
        ("--seeds", 1, "trainings of every setting (default: 1)"),
        ("--epochs", 10, "passes over the data (default: 10)"),
        ("--batch-size", 32, "samples per update (default: 32)"),
    ):
        parser.add_argument(
            option,
            type=integer(option, minimum=1),
            default=default,
            metavar="N",
            help=help_text,
        )
    parser.add_argument(
        "--seed",
        type=integer("--seed", minimum=0),
        default=0,
        metavar="N",
        help="the first seed (default: 0)",
    )
    add_workers(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="a .csv file with a row for every training, complete after each one; "
        "trainings that it holds are not done again, and those of another build, data, "
        "epochs or batch size stand beside them",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=sweep_grid)


def sweep_grid(options: argparse.Namespace) -> int:
    """Train what is missing, and print the table."""
    grid = parse_grid(options.grid)
    head = {
        "build": options.build,
        "data": options.data,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
    }
    for name in head.keys() & grid.keys():
        raise ValueError(f"--grid must name arguments of build, got the option {name}")
    sweep = Sweep(
        callable_of("build", options.build),
        callable_of("--data", options.data),
        options.epochs,
        options.batch_size,
    )
    seeds = range(options.seed, options.seed + options.seeds)
    settings = sweep.settings(grid, seeds)
    keys = [_key(head, setting) for setting in settings]
    table = Table([*head, *grid, "seed"], options.out, order=keys)
    missing = [
        s for s, key in zip(settings, keys, strict=True) if key not in table.rows
    ]
    if options.dask is not None:
        ship_modules()

    def keep(setting: Setting, found: dict[str, float]) -> None:
        table.add(_key(head, setting), found)
        _say_what_is_kept(options)

    if table.rows:
        _say_what_is_kept(options)
    started = time.perf_counter()
    run_trials(
        partial(train, sweep),
        missing,
        jobs=options.jobs,
        dask=options.dask,
        verbose=not options.quiet,
        keep=keep,
    )
    seconds = time.perf_counter() - started
    print(table.summary(keys, slice(len(head), None)))
    found = len(settings) - len(missing)
    print(
        f"\n{len(missing)} trainings in {seconds:.0f} s"
        + (f", {found} found in {options.out}" if found else "")
        + (f": {options.out}" if options.out is not None and missing else "")
    )
    return 0


def _say_what_is_kept(options: argparse.Namespace) -> None:
    """Let Ctrl-C name the file, which exists by now."""
    if options.out is not None:
        options.interrupted = (
            f"interrupted; {options.out} holds what is done, and the same command goes "
            "on from there"
        )


def _key(head: dict[str, Any], setting: Setting) -> tuple[str, ...]:
    """Return what the file calls a training."""
    values = (*head.values(), *(value for _, value in setting.values), setting.seed)
    return tuple(value if isinstance(value, str) else repr(value) for value in values)
