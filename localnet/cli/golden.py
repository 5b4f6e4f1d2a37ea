"""``localnet golden``: reference numbers for backends in any language."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .. import _validate
from . import golden_check
from .arguments import PRECISIONS, Commands, epilog

if TYPE_CHECKING:
    from ..golden import Suite

__all__ = ["add_command"]

GOLDEN = """\
Hold an implementation of locally connected layers to reference numbers: exact ones,
that must agree bit for bit, and correctly rounded ones with a proven bound on the
error.
"""
EXAMPLES = """\
localnet golden check mymodule:backend
localnet golden export suite
"""
EXPORT = """\
Write the suite to a new folder, as .npy files and a manifest; its bytes are always the
same.
"""
EXPORT_EXAMPLES = """\
localnet golden export suite
localnet golden export suite --layout torch --precision float32
localnet golden export suite --onnx
"""
MUTANTS = """\
Run every wrong backend against every case, and say which cases catch it: the suite
proves itself.
"""
MUTANTS_EXAMPLES = """\
localnet golden mutants
localnet golden mutants --picture matrix.png
"""
MUTANTS_STATUS = (
    "0 if all are caught; 1 if one survives, or after an error; 2 if the arguments "
    "are wrong"
)
VERIFY = """\
Compute all references again by another road, fractions and mpmath, and compare them to
the last bit; that needs the extra golden, and more than an hour.
"""
VERIFY_EXAMPLES = """\
localnet golden verify
localnet golden verify --case plain-1d-last
"""
VERIFY_STATUS = (
    "0 if all agree; 1 if an answer differs, or after an error; 2 if the arguments "
    "are wrong"
)
LIST = """\
List the cases, a line for each: its id, its tier, its precision, and why it is there.
"""
LIST_EXAMPLES = """\
localnet golden list
localnet golden list --tier exact --precision float32
"""
SHOW = """\
Show all that there is to say of one case: its config, the shapes of its arrays, and
how its answers are judged.
"""
SHOW_EXAMPLES = """\
localnet golden show plain-1d-last
"""

TIERS = ("exact", "bounded")
LAYOUTS = ("6d", "keras2", "keras3", "jax", "torch", "uint16")


def add_command(commands: Commands) -> None:
    """Add ``golden`` and its own commands to the commands."""
    golden = commands.add_parser(
        "golden",
        help="hold an implementation of these layers to reference numbers",
        description=GOLDEN,
        epilog=epilog(EXAMPLES),
    )
    verbs = golden.add_subparsers(metavar="COMMAND", required=True)
    _add_export(verbs)
    golden_check.add_command(verbs)
    _add_mutants(verbs)
    _add_verify(verbs)
    _add_list(verbs)
    _add_show(verbs)


def _add_export(verbs: Commands) -> None:
    export = verbs.add_parser(
        "export",
        help="write the suite as .npy files and a manifest",
        description=EXPORT,
        epilog=epilog(EXPORT_EXAMPLES),
    )
    export.add_argument("folder", metavar="DIR", help="new or empty")
    _add_filters(export)
    export.add_argument(
        "--layout",
        action="append",
        choices=LAYOUTS,
        default=[],
        help="give kernels and biases in this layout too, or inputs in bfloat16 as "
        "their bits; may be repeated",
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


def _add_mutants(verbs: Commands) -> None:
    mutants = verbs.add_parser(
        "mutants",
        help="run backends that are wrong on purpose, and say which cases catch them",
        description=MUTANTS,
        epilog=epilog(MUTANTS_EXAMPLES, MUTANTS_STATUS),
    )
    mutants.add_argument(
        "--picture",
        metavar="FILE",
        help="draw the matrix (.png, .svg or .pdf); needs the extra plot",
    )
    mutants.set_defaults(run=_mutants)


def _add_verify(verbs: Commands) -> None:
    verify = verbs.add_parser(
        "verify",
        help="compute all references again by fractions and mpmath",
        description=VERIFY,
        epilog=epilog(VERIFY_EXAMPLES, VERIFY_STATUS),
    )
    verify.add_argument(
        "--suite", metavar="DIR", help="an exported suite (default: made in memory)"
    )
    verify.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="ID",
        help="prove this case; may be repeated (default: all)",
    )
    verify.set_defaults(run=_verify)


def _add_list(verbs: Commands) -> None:
    listing = verbs.add_parser(
        "list",
        help="list the cases",
        description=LIST,
        epilog=epilog(LIST_EXAMPLES),
    )
    _add_filters(listing)
    listing.set_defaults(run=_list)


def _add_show(verbs: Commands) -> None:
    show = verbs.add_parser(
        "show",
        help="show one case",
        description=SHOW,
        epilog=epilog(SHOW_EXAMPLES),
    )
    show.add_argument("case", metavar="CASE", help="its id; see localnet golden list")
    show.set_defaults(run=_show)


def _export(options: argparse.Namespace) -> int:
    """Write the suite, or a part of it."""
    from ..golden import Suite, export, load_suite
    from ..golden.files.onnx_tests import export_onnx, need_onnx
    from ..golden.files.writing import free_folder

    free_folder("DIR", options.folder)
    if options.onnx:
        need_onnx()
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
        others=_filtered(every.others, options),
    )
    folder = export(options.folder, suite, layouts=options.layout)
    files = [file for file in folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    count = len(suite.every)
    print(f"{count} cases, {len(files)} files, {size / 1e6:.1f} MB: {folder}")
    return 0


def _filtered(cases: Iterable[Any], options: argparse.Namespace) -> list[Any]:
    return [
        case
        for case in cases
        if options.tier in (None, case.tier)
        and options.precision in (None, case.precision)
    ]


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
    for case_id in options.case:
        _need_case(suite, "--case", case_id)
    cases = (suite.only(options.case) if options.case else suite).every
    for case in cases:
        for difference in differences(case):
            print(f"{case.id}: {difference}")
            wrong += 1
    print(f"{len(cases)} cases, {wrong or 'no'} answers that differ in the last bit")
    return 1 if wrong else 0


def _need_case(suite: "Suite", argument: str, case_id: str) -> None:
    ids = [outline.id for outline in suite.outlines]
    if case_id not in ids:
        near = _validate.suggestion(case_id, ids)
        shown = f"{_validate.shown(case_id)}{near}"
        raise ValueError(f"{argument} must be one of the suite, got {shown}")


def _list(options: argparse.Namespace) -> int:
    """Print one line for every case."""
    from ..golden import load_suite

    suite = load_suite()
    for case in _filtered(suite.outlines, options):
        print(f"{case.id:<24} {case.tier:<8} {case.precision:<9} {case.why}")
    return 0


def _show(options: argparse.Namespace) -> int:
    """Print all that there is to say of a case, its arrays as shapes."""
    from ..golden import load_suite

    suite = load_suite()
    _need_case(suite, "case", options.case)
    case = suite[options.case]
    print(f"{case.id}: {case.why}")
    print(
        f"{case.kind}, {case.tier}, {case.precision}"
        f"{', ' if case.flags else ''}{case.flags or ''}"
    )
    for key, value in case.config.items():
        print(f"  {key}: {value}")
    for name in ("x", "kernel", "bias", "dy", "mixture", "kernel2", "bias2"):
        array = getattr(case, name)
        if array is not None:
            origin = case.draws.get(name, "a rule of its family")
            print(f"  {name}: {array.dtype} {array.shape} from {origin}")
    for name in case.wants:
        proof = f"exact: {case.spans[name]}" if case.spans else "within its bound"
        print(f"  {name}: {case.expected[name].shape}, {proof}")
    return 0
