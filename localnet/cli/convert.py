"""``localnet convert``: the same model, or its weights, in another format."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..files import formats, reading
from ..files.safe import bounded_json
from ..models import Model, load_model, model_from_json
from .arguments import Commands, add_limits, epilog

__all__ = ["add_command", "convert_file", "read_model", "warnings_on_stderr"]

CONVERT = """\
Write a model, or weights, in the format that the name of the new file ends in:

  .npz          localnet's own; the only one that keeps everything
  .keras        tf_keras, and Keras 2 after 2.12
  .h5           tf_keras, and all of Keras 2
  .weights.h5   weights alone, as .keras has them

Reading or writing a file of Keras needs the extra h5.
"""

CONVERT_EXAMPLES = """\
localnet convert old.h5 model.npz
localnet convert model.npz model.keras
localnet convert model.keras model.weights.h5
localnet convert weights.h5 model.npz --model model.keras
"""


def add_command(commands: Commands) -> None:
    """Add ``convert`` to the commands."""
    convert = commands.add_parser(
        "convert",
        help="write a model file, of localnet or of Keras 2, in another format",
        description=CONVERT,
        epilog=epilog(CONVERT_EXAMPLES),
    )
    convert.add_argument("input", metavar="IN", help="the file to read")
    convert.add_argument("output", metavar="OUT", help="the file to write")
    convert.add_argument(
        "--model",
        metavar="FILE",
        help="the model that the weights in IN belong to, where IN has none itself: a "
        "model file, or its to_json in a .json file",
    )
    convert.add_argument(
        "--weights-only",
        action="store_true",
        help="write weights alone, also where OUT could hold the model",
    )
    add_limits(convert)
    convert.set_defaults(run=convert_file)


def convert_file(options: argparse.Namespace) -> int:
    """Read one file and write the other."""
    alone = options.weights_only or options.output.lower().endswith(".weights.h5")
    formats.checked_path(options.output, "OUT", weights_only=alone)
    with warnings_on_stderr():
        model = read_model(options)
    path = model.save_weights(options.output) if alone else model.save(options.output)
    what = "weights" if alone else "model"
    print(f"{what} of {model.count_params():,} numbers: {path}")
    return 0


IN_PYTHON = (
    "a command has no custom_objects: call localnet.load_model(path, custom_objects="
    "{...}) in Python, and save or localnet.export there"
)


def read_model(options: argparse.Namespace) -> Model:
    """
    Read the model that the options ``IN`` and ``--model`` name.

    Parameters
    ----------
    options : Namespace
        With `input`, `model`, `in_process` and `max_bytes`.

    Returns
    -------
    Sequential or Model
        With its weights.

    Raises
    ------
    ValueError
        If there are weights alone, and no model is named for them, or the model cannot
        be made.
    """
    try:
        return _read(options)
    except ValueError as error:
        if "custom_objects" in str(error):
            raise ValueError(f"{error}; {IN_PYTHON}") from error
        raise


def _read(options: argparse.Namespace) -> Model:
    isolated, limit = not options.in_process, options.max_bytes
    if options.model is None:
        with reading.opened(options.input, isolated=isolated, values=False) as contents:
            if contents.config is None:
                raise ValueError(
                    f"{options.input} must hold a model, got weights alone: name the "
                    "file of the model with --model"
                )
        return load_model(options.input, isolated=isolated, max_bytes=limit)
    if str(options.model).lower().endswith(".json"):
        try:
            model = model_from_json(bounded_json.read(options.model))
        except ValueError as error:
            raise ValueError(f"{options.model}: {error}") from error
    else:
        model = load_model(options.model, isolated=isolated, max_bytes=limit)
    model.load_weights(options.input, isolated=isolated)
    return model


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print warnings as one line each, as a command does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        print(f"localnet: {warning.message}", file=sys.stderr)
