"""
Execute the notebooks of this folder, each in a clean kernel: python notebooks/run.py.

Without options the outputs are written back, without anything that differs from run to
run: times, paths, versions. With --check the files stay as they are.
"""

import argparse
import base64
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
QUICK = "LOCALNET_NOTEBOOKS_QUICK"  # set to 1, the long cells take a small setting
LIMIT = 180.0  # seconds that a notebook may take in full
ALL = 240.0  # seconds that all of them may take with --quick
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def small_png(data: bytes) -> bytes:
    """Return a PNG with at most 256 colours, without dates and names of programs."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data))
    if picture.mode == "P":
        return data
    few = picture.convert("RGB").quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    stream = io.BytesIO()
    few.save(stream, "png", optimize=True)
    return stream.getvalue()


def normalise(notebook: Any) -> Any:
    """Reduce a notebook, in place, to what does not differ from run to run."""
    notebook.update(metadata=METADATA, nbformat=4, nbformat_minor=5)
    for number, cell in enumerate(notebook["cells"], 1):
        cell.update(id=f"cell-{number}", metadata=_kept(cell, "mystnb"))
        if cell["cell_type"] == "code":
            cell["outputs"] = list(_merged(cell["outputs"]))
            for output in cell["outputs"]:
                _normalise_output(output)
    return notebook


def _merged(outputs: Any) -> Iterator[Any]:
    """Join what was printed in pieces, whose number is a matter of timing."""
    last: Any = {}
    for output in outputs:
        if output.get("name") is not None and output["name"] == last.get("name"):
            last["text"] = "".join(last["text"]) + "".join(output["text"])
            continue
        last = output
        yield output


def _kept(part: Any, key: str) -> Any:
    """Return what stays of the metadata: words for a picture, or its size."""
    return {key: part["metadata"][key]} if key in part.get("metadata", {}) else {}


def _normalise_output(output: Any) -> None:
    if "metadata" in output:
        output["metadata"] = _kept(output, "image/png")
    png = output.get("data", {}).get("image/png")
    if png is not None:
        picture = small_png(base64.b64decode("".join(png)))
        output["data"]["image/png"] = base64.b64encode(picture).decode("ascii") + "\n"


@contextlib.contextmanager
def clean_surroundings(*, quick: bool) -> Iterator[Path]:
    """Give a copy of the folder, and keep the settings of the user from the kernels."""
    import matplotlib as mpl

    with tempfile.TemporaryDirectory() as temporary:
        os.environ["IPYTHONDIR"] = str(Path(temporary, "ipython"))
        os.environ["KERAS_HOME"] = str(Path(temporary, "keras"))
        os.environ["MATPLOTLIBRC"] = str(Path(mpl.get_data_path(), "matplotlibrc"))
        os.environ[QUICK] = "1" if quick else ""
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        yield shutil.copytree(FOLDER, Path(temporary, "notebooks"), ignore=ignored)


def execute(file: Path) -> Any:
    """Run a notebook where it lies, and return it with its outputs."""
    import nbformat
    from nbclient import NotebookClient

    notebook: Any = nbformat.read(file, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        timeout=600,
        resources={"metadata": {"path": str(file.parent)}},
    )
    client.execute()
    return notebook


def main() -> int:
    """Execute, say how long each took, and return 1 if one failed or took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing back")
    parser.add_argument("--quick", action="store_true", help="the small setting")
    parser.add_argument("names", nargs="*", help="notebooks; default: all of them")
    arguments = parser.parse_args()
    if arguments.quick and not arguments.check:
        parser.error("--quick needs --check: outputs are those of the full setting")
    import nbformat
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    names = [Path(name).name for name in arguments.names]
    known = sorted(path.name for path in FOLDER.glob("*.ipynb"))
    if not set(names) <= set(known):
        parser.error(f"names must be among {', '.join(known)}, got {', '.join(names)}")
    names = names or known
    failures, total = [], 0.0
    with clean_surroundings(quick=arguments.quick) as folder:
        for name in names:
            started = time.perf_counter()
            try:
                notebook = execute(folder / name)
            except (CellExecutionError, CellTimeoutError) as error:
                print(re.sub("\x1b\\[[0-9;]*m", "", str(error)))
                failures.append(f"{name} failed")
                continue
            seconds = time.perf_counter() - started
            total += seconds
            print(f"{seconds:6.1f} s  {name}", flush=True)
            if seconds > LIMIT:
                failures.append(f"{name} took more than {LIMIT:.0f} s")
            if not arguments.check:
                nbformat.write(normalise(notebook), FOLDER / name)
    print(f"{total:6.1f} s  in all")
    if arguments.quick and total > ALL:
        failures.append(f"all of them took more than {ALL:.0f} s")
    for failure in failures:
        print(failure, file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
