"""Make the pictures of the documentation: python docs/make_pictures.py [FOLDER]."""

import argparse
import contextlib
import doctest
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

from localnet import plots
from localnet.golden import Suite, load_suite
from localnet.golden.matrix import kill_matrix

DOCS = Path(__file__).parent
PAGE = DOCS / "plots.rst"
IMAGE = re.compile(r"^\.\. image:: images/(\S+)$", re.MULTILINE)


def pictures(page: str) -> Iterator[tuple[str, Any]]:
    """Run the examples of a page; yield its images, each with the `ax` at its place."""
    namespace: dict[str, Any] = {}
    examples = doctest.DocTestParser().get_examples(page)
    for image in IMAGE.finditer(page):
        line = page.count("\n", 0, image.start())
        while examples and examples[0].lineno < line:
            source = compile(examples.pop(0).source, PAGE.name, "single")
            with contextlib.redirect_stdout(io.StringIO()):
                exec(source, namespace)
        yield image[1], namespace["ax"]


@contextlib.contextmanager
def plain_style() -> Iterator[None]:
    """Draw as matplotlib does by itself, whatever the style of the user."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def draw_kill_matrix(folder: Path) -> Path:
    """Write the first picture of golden.rst, which takes some minutes."""
    return _drawn(Suite(load_suite().cases), folder / "kill-matrix.png")


def draw_kill_matrix_of_variants(folder: Path) -> Path:
    """Write the second picture of golden.rst."""
    suite = Suite([], variants=load_suite().variants)
    return _drawn(suite, folder / "kill-matrix-variants.png")


def _drawn(suite: Suite, file: Path) -> Path:
    """Draw the mutants that the cases of a suite can judge."""
    with plain_style():
        ax = plots.kill_matrix(kill_matrix(suite))
        return plots.save(ax, file, dpi=150, colours=24)


def main() -> None:
    """Make all of them and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS / "images")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with plain_style():
        page = PAGE.read_text(encoding="utf-8")
        files = [plots.save(ax, folder / name) for name, ax in pictures(page)]
    matrices = [draw_kill_matrix(folder), draw_kill_matrix_of_variants(folder)]
    for file in (*files, *matrices):
        print(f"{file.stat().st_size / 1000:6.1f} kB  {file}")


if __name__ == "__main__":
    main()
