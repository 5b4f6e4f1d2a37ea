"""``localnet export``: a model for another backend, verified before it is there."""

import argparse
from pathlib import Path

from .._validate import shown
from ..export import targets
from .arguments import Commands, add_limits, epilog
from .convert import read_model, warnings_on_stderr

__all__ = ["add_command", "export_file"]

EXPORT = """\
Write a model for another backend, and run it there beside localnet first:

  .onnx         for onnxruntime and whatever else reads ONNX; needs the extra onnx
  .keras        for Keras 3; load it after `import localnet.keras3`; needs the
                extra keras3
  .py           with --to torch or --to jax: source, and a .npz of weights beside it,
                which need nothing of localnet

Nothing is written if the two disagree, or if a layer cannot be exported.
"""

EXPORT_EXAMPLES = """\
localnet export old.h5 net.onnx
localnet export old.h5 net.keras
localnet export old.h5 net.py --to torch
localnet export weights.h5 net.py --to jax --model model.keras
"""

SUFFIXES = {"onnx": ".onnx", "keras3": ".keras", "torch": ".py", "jax": ".py"}


def add_command(commands: Commands) -> None:
    """Add ``export`` to the commands."""
    export = commands.add_parser(
        "export",
        help="write a model for ONNX, Keras 3, PyTorch or JAX",
        description=EXPORT,
        epilog=epilog(EXPORT_EXAMPLES),
    )
    export.add_argument("input", metavar="IN", help="the file to read")
    export.add_argument("output", metavar="OUT", help="the file to write")
    export.add_argument(
        "--to",
        choices=tuple(SUFFIXES),
        help="the backend (default: by the name of OUT, for .onnx and .keras)",
    )
    export.add_argument(
        "--model",
        metavar="FILE",
        help="the model that the weights in IN belong to, where IN has none itself: a "
        "model file, or its to_json in a .json file",
    )
    export.add_argument(
        "--float64",
        action="store_true",
        help="keep the double precision of a model, which is refused otherwise",
    )
    export.add_argument(
        "--opset", type=int, metavar="N", help="operators of ONNX (default: 17)"
    )
    export.add_argument(
        "--layout",
        choices=("batch", "single"),
        help="for ONNX: fast for batches, or for single samples (default: batch)",
    )
    export.add_argument(
        "--no-verify",
        action="store_true",
        help="do not run the result beside localnet",
    )
    add_limits(export)
    export.set_defaults(run=export_file)


def export_file(options: argparse.Namespace) -> int:
    """Read a file, and write the other one once it is verified."""
    target = _target(options)
    arguments = {"float64": options.float64, "verify": not options.no_verify}
    for name in ("opset", "layout"):
        value = getattr(options, name)
        if value is not None:
            if target != "onnx":
                raise ValueError(f"--{name} must be left out for {target}, got {value}")
            arguments[name] = value
    with warnings_on_stderr():
        model = read_model(options)
        _, agreement = EXPORTS[target](model, options.output, **arguments)
    if agreement is not None:
        print(agreement)
    kinds = {layer.dtype.name for layer in model.program.layers.values()}
    found = "float64" if "float64" in kinds else "float32"
    print(
        f"{target} model of {model.count_params():,} numbers in {found}: "
        f"{options.output}"
    )
    return 0


def _target(options: argparse.Namespace) -> str:
    """Return the backend, by ``--to`` or by the name of the file."""
    suffix = Path(options.output).suffix.lower()
    if options.to is None:
        named = {".onnx": "onnx", ".keras": "keras3"}
        if suffix == ".py":
            raise ValueError(
                "--to must be torch or jax where OUT is a file of Python, "
                f"{shown(options.output)}, got nothing"
            )
        if suffix not in named:
            raise ValueError(
                f"OUT must end in .onnx, .keras or .py, got {shown(options.output)}"
            )
        return named[suffix]
    if suffix != SUFFIXES[options.to]:
        raise ValueError(
            f"OUT must end in {SUFFIXES[options.to]} for {options.to}, "
            f"got {shown(options.output)}"
        )
    return str(options.to)


EXPORTS = {
    "onnx": targets.export_onnx,
    "keras3": targets.export_keras3,
    "torch": targets.export_torch,
    "jax": targets.export_jax,
}
