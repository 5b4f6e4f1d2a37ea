"""
Build the virtual environments in which other libraries are measured.

Run: python benchmarks/peers/environments.py DIR [NAME ...]

NAME is one of tf, jax and torch; by default all are built. The text file of the same
name pins every package. localnet itself is installed too, from this checkout and
editable. An environment that already holds all of it is left as it is.
"""

import argparse
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
NAMES = ("tf", "jax", "torch")

# Prints one line per package that is missing or has another version. A build that is
# marked with a local version, as PyTorch's are (2.13.0+cpu), is the same version.
PROBE = """
import sys
from importlib.metadata import PackageNotFoundError, version
for pin in sys.argv[1:]:
    name, _, wanted = pin.partition("==")
    try:
        found = version(name)
    except PackageNotFoundError:
        found = "missing"
    if found.partition("+")[0] != wanted:
        print(f"{name} {found}, wanted {wanted}")
"""


class EnvironmentFailed(Exception):
    """An environment could not be built; the message says why."""


def interpreter(folder: Path, name: str) -> Path:
    """Return the path of an environment's Python, whether it exists or not."""
    bin_folder = folder / name / ("Scripts" if sys.platform == "win32" else "bin")
    return bin_folder / ("python.exe" if sys.platform == "win32" else "python")


def pins(name: str) -> list[str]:
    """Return the ``package==version`` lines of an environment."""
    lines = (HERE / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if re.match(r"[\w.-]+==", line)]


def what_is_wrong(folder: Path, name: str) -> list[str]:
    """Return what an environment lacks, one line per package; empty if it is whole."""
    python = interpreter(folder, name)
    if not python.exists():
        return ["not there"]
    probe = subprocess.run(
        [python, "-c", PROBE, *pins(name)], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        return [f"its Python fails: {probe.stderr.strip()}"]
    wrong = probe.stdout.splitlines()
    # Anywhere but in the checkout, from which every Python could import it.
    found = subprocess.run(
        [python, "-c", "import localnet; print(localnet.__file__)"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    ).stdout.strip()
    if not found or CHECKOUT not in Path(found).resolve().parents:
        wrong.append(f"localnet {found or 'missing'}, wanted {CHECKOUT}")
    return wrong


def pip(python: Path, *arguments: str) -> None:
    """Run ``pip install`` in an environment."""
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "WARNING" not in line]
        raise EnvironmentFailed(
            f"`{' '.join(command)}` ended with {done.returncode}:\n" + "\n".join(lines)
        )


def build(folder: Path, name: str) -> None:
    """Build one environment, or complete it."""
    if not interpreter(folder, name).exists():
        venv.create(folder / name, with_pip=True, clear=True)
    python = interpreter(folder, name)
    # With what a build needs beyond the pins: PyTorch's for CUDA, NVIDIA's libraries.
    pip(python, "--requirement", str(HERE / f"{name}.txt"))
    pip(python, "--no-deps", "--editable", str(CHECKOUT))
    if wrong := what_is_wrong(folder, name):
        raise EnvironmentFailed(
            f"{folder / name} was built, but differs from {name}.txt: "
            + "; ".join(wrong)
        )


def interpreters(folder: Path, names: tuple[str, ...] = NAMES) -> Mapping[str, Path]:
    """Return the Pythons of the environments under a folder that exist."""
    found = {name: interpreter(folder, name) for name in names}
    return {name: python for name, python in found.items() if python.exists()}


def main() -> None:
    """Build what is asked for; leave with 1 at the first failure."""
    parser = argparse.ArgumentParser(
        description="Build the environments in which other libraries are measured."
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {NAMES}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"NAME must be one of {NAMES}, got {sorted(unknown)}")
    folder = options.folder.resolve()
    for name in options.names or NAMES:
        if not what_is_wrong(folder, name):
            print(f"{name}: whole already")
            continue
        try:
            build(folder, name)
        except EnvironmentFailed as error:
            sys.exit(f"{name}: {error}")
        print(f"{name}: built {folder / name}")


if __name__ == "__main__":
    main()
