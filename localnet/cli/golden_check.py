"""``localnet golden check``: hold a backend to the suite."""

import argparse
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from .. import _validate
from .arguments import PRECISIONS, Commands, epilog

__all__ = ["add_command"]

CHECK = """\
Hold a backend to the suite: a Python function, a program that is run for each case, or
a folder of results. The documentation says what a backend gets and gives.
"""

CHECK_EXAMPLES = """\
localnet golden check localnet.golden.adapters.engines:blocked
localnet golden check mymodule:backend --precision float32
localnet golden check --command './mine {case} {out}' --junit report.xml
localnet golden check --suite DIR --results RES
localnet golden check mymodule:backend --explain --stress --random 7:500
"""
CHECK_STATUS = (
    "0; 1 if a case failed or passed unexpectedly, or none passed; 2 after an "
    "error, or if the arguments are wrong"
)

KINDS = (
    *("layer", "shared", "low_rank", "conv", "transposed"),
    *("pool", "batch_norm", "stack", "int8", "fixed_point", "all"),
)
PROGRAM_SECONDS = 600.0


def add_command(verbs: Commands) -> None:
    """Add ``check`` to the commands of ``golden``."""
    check = verbs.add_parser(
        "check",
        help="hold a backend to the suite",
        description=CHECK,
        epilog=epilog(CHECK_EXAMPLES, CHECK_STATUS),
    )
    backend = check.add_mutually_exclusive_group(required=True)
    backend.add_argument(
        "backend", nargs="?", metavar="MODULE:FUNCTION", help="a Python function"
    )
    backend.add_argument(
        "--command",
        metavar="'CMD {case} {out}'",
        help="a program, run for each case with the folder of the case and one for the "
        "answers; exit status 77 skips the case",
    )
    backend.add_argument(
        "--results", metavar="RES", help="a folder of answers, ID/y.npy and so on"
    )
    check.add_argument(
        "--suite", metavar="DIR", help="an exported suite (default: made in memory)"
    )
    check.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="run all cases that hold in this precision, made for it "
        "(default: every case as it is)",
    )
    check.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="ID",
        help="run this case; may be repeated (default: all)",
    )
    check.add_argument(
        "--traces", action="store_true", help="also ask for the training traces"
    )
    check.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        help="the backend has layers of this kind; may be repeated (default: what a "
        "function says by golden.computes, else layer)",
    )
    check.add_argument(
        "--stress",
        action="store_true",
        help="also ask for batches of none, strided arrays, and large sizes",
    )
    check.add_argument(
        "--random",
        metavar="SEED[:COUNT]",
        help="also ask for problems that are drawn, 100 unless COUNT says otherwise; "
        "the first that fails is shrunk",
    )
    check.add_argument(
        "--problem",
        metavar="ARGUMENTS",
        help="run one problem in place of the suite: what a report of --random prints",
    )
    check.add_argument(
        "--rejects",
        action="store_true",
        help="also ask for what a right backend refuses",
    )
    check.add_argument(
        "--explain",
        action="store_true",
        help="say first what the cases that fail have in common",
    )
    check.add_argument(
        "--isolated",
        action="store_true",
        help="run a Python function in a process of its own: a crash costs one case",
    )
    check.add_argument(
        "--timeout",
        type=_positive("--timeout"),
        metavar="SECONDS",
        help="for one case, in a process of its own (default: none; 600 for a program)",
    )
    check.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    check.add_argument("--json", metavar="FILE", help="write JSON")
    check.add_argument(
        "--xfail",
        metavar="FILE",
        help="ids of cases that are expected to fail, one a line; # begins a comment",
    )
    check.add_argument(
        "--require-all",
        action="store_true",
        help="a skipped case or an answer not given is a failure",
    )
    check.add_argument(
        "--rounding",
        choices=["nearest", "directed"],
        default="nearest",
        help="directed doubles the bounds (default: nearest)",
    )
    check.add_argument(
        "--flushing",
        action="store_true",
        help="the backend may flush subnormal numbers to zero",
    )
    check.add_argument(
        "--scale",
        type=_positive("--scale"),
        default=1.0,
        metavar="X",
        help="multiply the bounds, for FFT, Winograd and the like (default: 1)",
    )
    check.add_argument(
        "--verbose", action="store_true", help="list cases that passed, too"
    )
    check.set_defaults(run=_check, error_status=2)


def _positive(option: str) -> Callable[[str], float]:
    """Return what argparse turns the text of an option into a number > 0 with."""

    def convert(text: str) -> float:
        try:
            return _validate.number(option, float(text), minimum=0, open_minimum=True)
        except ValueError:
            raise argparse.ArgumentError(
                None,
                f"{option} must be a finite number > 0, got {_validate.shown(text)}",
            ) from None

    return convert


def _check(options: argparse.Namespace) -> int:
    """Run the cases, write the report where it is wanted, and print it."""
    from ..golden import Suite, check, load_suite, render
    from ..golden.drawn import Drawn
    from ..golden.explain import explain
    from ..golden.judging import backends
    from ..golden.problems import problem_from

    for option in ("junit", "json"):
        _need_writable(f"--{option}", getattr(options, option))
    for option in ("stress", "random", "rejects", "problem"):
        if options.results and getattr(options, option):
            raise ValueError(f"--{option} must be given without --results")
    xfail = _xfail(options.xfail)
    if options.random is not None:
        Drawn.of(options.random, (), options.precision)
    name = options.backend or options.results or options.command
    if options.backend:
        backend = backends.from_name(options.backend)
    elif options.results:
        backend = backends.from_results(options.results)
    else:
        folder = None if options.suite is None else Path(options.suite)
        timeout = options.timeout or PROGRAM_SECONDS
        backend = backends.from_command(options.command, folder, timeout=timeout)
    # All that can be wrong with the arguments alone is known by now.
    if options.problem is not None:
        suite = Suite([problem_from(options.problem)])
    else:
        suite = load_suite(options.suite)
    report = check(
        backend,
        suite,
        cases=options.case,
        xfail=xfail,
        traces=options.traces,
        kinds=_kinds(options.kind),
        precision=options.precision,
        directed=options.rounding == "directed",
        flushing=options.flushing,
        scale=options.scale,
        stress=options.stress,
        random=options.random,
        rejects=options.rejects,
        isolated=options.isolated and bool(options.backend),
        timeout=options.timeout if options.backend else None,
        name=name,
        reproduce=_again(options),
    )
    if options.junit:
        Path(options.junit).write_text(render.as_junit(report), encoding="utf-8")
    if options.json:
        Path(options.json).write_text(render.as_json(report), encoding="utf-8")
    if options.explain:
        print("\n".join(explain(report)))
    print(render.as_text(report, verbose=options.verbose))
    return report.exit_status(require_all=options.require_all)


def _need_writable(option: str, path: str | None) -> None:
    """Refuse a path that no report can be written to, before there is one."""
    if path is None:
        return
    file = Path(path)
    if file.is_dir() or not file.parent.is_dir():
        raise ValueError(
            f"{option} must be a file in a folder that exists, got "
            f"{_validate.shown(path)}"
        )
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(
            f"{option} must be a file that can be written, got {_validate.shown(path)}"
        )


def _kinds(words: list[str] | None) -> list[str] | None:
    """Return the kinds that a backend has."""
    return list(KINDS[:-1]) if words and "all" in words else words


def _xfail(path: str | None) -> list[str]:
    """Return the ids in a file, without comments."""
    if path is None:
        return []
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    words = (line.partition("#")[0].strip() for line in lines)
    return [word for word in words if word]


def _again(options: argparse.Namespace) -> str:
    """Return the command that runs one case again."""
    words = ["localnet", "golden", "check"]
    if options.backend:
        words.append(options.backend)
    for option in ("command", "results", "suite", "precision"):
        value = getattr(options, option)
        if value:
            words += [f"--{option}", value]
    for kind in options.kind or ():
        words += ["--kind", kind]
    for option in ("stress", "rejects", "isolated", "flushing"):
        if getattr(options, option):
            words.append(f"--{option}")
    return f"{shlex.join(words)} --case {{id}}"
