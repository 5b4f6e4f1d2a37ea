"""``localnet golden``: reference numbers for backends in any language."""

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .. import _validate
from .arguments import Commands

__all__ = ["add_command"]

GOLDEN = """\
Hold an implementation of locally connected layers to reference numbers: exact ones,
that must agree bit for bit, and correctly rounded ones with a proven bound on the
error.
"""

CHECK = """\
Hold a backend to the suite: a Python function, a program that is run for each case, or
a folder of results. The documentation says what a backend gets and gives.
"""

CHECK_EXAMPLES = """\
examples:
  localnet golden check localnet.golden.adapters.engines:blocked
  localnet golden check mymodule:backend --precision float32
  localnet golden check --command './mine {case} {out}' --junit report.xml
  localnet golden check --suite DIR --results RES
  localnet golden check mymodule:backend --explain --stress --random 7:500

exit status: 0; 1 if a case failed or passed unexpectedly, or none passed; 2 if the
arguments are wrong.
"""

TIERS = ("exact", "bounded")
PRECISIONS = ("float64", "float32", "float16", "bfloat16")
LAYOUTS = ("6d", "keras2", "keras3", "jax", "torch")
KINDS = ("layer", "shared", "low_rank", "conv", "transposed", "all")


def add_command(commands: Commands) -> None:
    """Add ``golden`` and its own commands to the commands."""
    golden = commands.add_parser(
        "golden",
        help="hold an implementation of these layers to reference numbers",
        description=GOLDEN,
    )
    verbs = golden.add_subparsers(metavar="COMMAND", required=True)
    _add_export(verbs)
    _add_check(verbs)
    _add_mutants(verbs)
    _add_verify(verbs)
    _add_list(verbs)
    _add_show(verbs)


def _add_export(verbs: Commands) -> None:
    export = verbs.add_parser(
        "export",
        help="write the suite as .npy files and a manifest",
        description="Write the suite to a new folder; its bytes are always the same",
    )
    export.add_argument("folder", metavar="DIR", help="new or empty")
    _add_filters(export)
    export.add_argument(
        "--layout",
        action="append",
        choices=LAYOUTS,
        default=[],
        help="give kernels and biases in this layout too; may be repeated",
    )
    export.add_argument(
        "--onnx",
        action="store_true",
        help="write node tests of ONNX in place of that, in float32 unless --precision "
        "says otherwise; needs the extra onnx",
    )
    export.set_defaults(run=_export)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tier", choices=TIERS, help="only cases of this tier")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="only cases made for this precision"
    )


def _add_check(verbs: Commands) -> None:
    check = verbs.add_parser(
        "check",
        help="hold a backend to the suite",
        description=CHECK,
        epilog=CHECK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
        help="run one problem in place of the suite: what the report of --random prints",
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
                None, f"{option} must be a finite number > 0, got {text!r}"
            ) from None

    return convert


def _add_mutants(verbs: Commands) -> None:
    mutants = verbs.add_parser(
        "mutants",
        help="run backends that are wrong on purpose, and say which cases catch them",
        description="Run every wrong backend against every case: the suite proves "
        "itself. Exit status 1 if one survives.",
    )
    mutants.add_argument(
        "--picture",
        metavar="FILE",
        help="draw the matrix (.png or .svg); needs the extra plot",
    )
    mutants.set_defaults(run=_mutants)


def _add_verify(verbs: Commands) -> None:
    verify = verbs.add_parser(
        "verify",
        help="compute all references again by fractions and mpmath",
        description="Compute all references again by another road, and compare them to "
        "the last bit; needs the extra golden.",
    )
    verify.add_argument(
        "--suite", metavar="DIR", help="an exported suite (default: made in memory)"
    )
    verify.set_defaults(run=_verify)


def _add_list(verbs: Commands) -> None:
    listing = verbs.add_parser("list", help="list the cases")
    _add_filters(listing)
    listing.set_defaults(run=_list)


def _add_show(verbs: Commands) -> None:
    show = verbs.add_parser("show", help="show one case")
    show.add_argument("case", metavar="CASE", help="its id; see localnet golden list")
    show.set_defaults(run=_show)


def _export(options: argparse.Namespace) -> int:
    """Write the suite, or a part of it."""
    from ..golden import Suite, export, load_suite
    from ..golden.files.onnx_tests import export_onnx

    if options.onnx:
        precision = options.precision or "float32"
        suite = Suite([c for c in load_suite() if options.tier in (None, c.tier)])
        folder, count = export_onnx(options.folder, suite, precision=precision)
        print(f"{count} node tests of ONNX: {folder}")
        return 0
    every = load_suite()
    exact = options.tier != "bounded" and options.precision in (None, "float64")
    suite = Suite(
        _filtered(every, options),
        every.traces if exact else (),
        variants=_filtered(every.variants, options),
    )
    folder = export(options.folder, suite, layouts=options.layout)
    files = [file for file in folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    count = len(suite.cases) + len(suite.variants)
    print(f"{count} cases, {len(files)} files, {size / 1e6:.1f} MB: {folder}")
    return 0


def _filtered(cases: Iterable[Any], options: argparse.Namespace) -> list[Any]:
    return [
        case
        for case in cases
        if options.tier in (None, case.tier)
        and options.precision in (None, case.precision)
    ]


def _check(options: argparse.Namespace) -> int:
    """Run the cases, write the report where it is wanted, and print it."""
    from ..golden import Suite, check, load_suite, render
    from ..golden.explain import explain
    from ..golden.judging import backends
    from ..golden.problems import problem_from

    for option in ("junit", "json"):
        _need_writable(f"--{option}", getattr(options, option))
    for option in ("stress", "random", "rejects", "problem"):
        if options.results and getattr(options, option):
            raise ValueError(f"--{option} must be given without --results")
    xfail = _xfail(options.xfail)
    if options.problem is not None:
        suite = Suite([problem_from(options.problem)])
    else:
        suite = load_suite(options.suite)
    name = options.backend or options.results or options.command
    if options.backend:
        backend = backends.from_name(options.backend)
    elif options.results:
        backend = backends.from_results(options.results)
    else:
        folder = None if options.suite is None else Path(options.suite)
        timeout = options.timeout or PROGRAM_SECONDS
        backend = backends.from_command(options.command, folder, timeout=timeout)
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


PROGRAM_SECONDS = 600.0


def _need_writable(option: str, path: str | None) -> None:
    """Refuse a path that no report can be written to, before there is one."""
    if path is None:
        return
    file = Path(path)
    if file.is_dir() or not file.parent.is_dir():
        raise ValueError(
            f"{option} must be a file in a folder that exists, got {path!r}"
        )
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(f"{option} must be a file that can be written, got {path!r}")


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
    import shlex

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


def _mutants(options: argparse.Namespace) -> int:
    """Print the kill matrix, and draw it where that is wanted."""
    from ..golden import matrix

    if options.picture:  # refused now rather than after all the work
        from ..plots.files import picture_path
        from ..plots.style import need_matplotlib

        picture_path("--picture", options.picture)
        need_matplotlib()
    found = matrix.kill_matrix()
    print(f"{'mutant':<32} cases that kill it, and the first of them")
    for line in matrix.table(found):
        print(line)
    for accident in found.accidents:
        print(f"by accident: {accident}")
    survivors = found.survivors()
    killed = len(found.mutants) - len(survivors)
    print(f"{killed} of {len(found.mutants)} mutants are killed")
    if options.picture:
        from .. import plots

        print(f"drawn: {plots.save(plots.kill_matrix(found), options.picture)}")
    return 1 if survivors or found.accidents else 0


def _verify(options: argparse.Namespace) -> int:
    """Compare all references with those of the second road."""
    from ..golden import load_suite
    from ..golden.references.verify import differences

    suite, wrong = load_suite(options.suite), 0
    cases = [*suite.cases, *suite.variants]
    for case in cases:
        for difference in differences(case):
            print(f"{case.id}: {difference}")
            wrong += 1
    print(f"{len(cases)} cases, {wrong or 'no'} answers that differ in the last bit")
    return 1 if wrong else 0


def _list(options: argparse.Namespace) -> int:
    """Print one line for every case."""
    from ..golden import load_suite

    suite = load_suite()
    for case in _filtered([*suite.cases, *suite.variants], options):
        print(f"{case.id:<24} {case.tier:<8} {case.precision:<9} {case.why}")
    return 0


def _show(options: argparse.Namespace) -> int:
    """Print all that there is to say of a case, its arrays as shapes."""
    from ..golden import load_suite

    suite = load_suite()
    ids = [case.id for case in (*suite.cases, *suite.variants)]
    if options.case not in ids:
        near = _validate.suggestion(options.case, ids)
        raise ValueError(f"case must be one of the suite, got {options.case!r}{near}")
    case = suite[options.case]
    print(f"{case.id}: {case.why}")
    print(
        f"{case.kind}, {case.tier}, {case.precision}"
        f"{', ' if case.flags else ''}{case.flags or ''}"
    )
    for key, value in case.config.items():
        print(f"  {key}: {value}")
    for name in ("x", "kernel", "bias", "dy", "mixture"):
        array = getattr(case, name)
        if array is not None:
            print(f"  {name}: {array.dtype} {array.shape} from {case.draws[name]}")
    for name in case.wants:
        proof = f"exact: {case.spans[name]}" if case.spans else "within its bound"
        print(f"  {name}: {case.expected[name].shape}, {proof}")
    return 0
