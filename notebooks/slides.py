"""
Make slides of the lessons: python notebooks/slides.py FOLDER [NOTEBOOK ...].

A heading begins a slide; what follows it goes down, a cell at a time. To be shown, the
slides load reveal.js, require.js, jQuery and MathJax from the network.
"""

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def cut(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose cells say where a slide begins."""
    cells, behind_heading = [], False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if "find_spec" in text:  # installs localnet where it is missing
            continue
        if text.startswith("#") and cell["cell_type"] == "markdown":
            kind, behind_heading = "slide", True
        elif behind_heading:
            kind, behind_heading = "-", False  # on the slide of its heading
        else:
            kind = "subslide"
        metadata = {**cell["metadata"], "slideshow": {"slide_type": kind}}
        cells.append({**cell, "metadata": metadata})
    return {**notebook, "cells": cells}


def slides(file: Path) -> str:
    """Return the slides of a notebook as a page of HTML."""
    import nbformat
    from nbconvert import SlidesExporter

    text = json.dumps(cut(json.loads(file.read_text(encoding="utf-8"))))
    exporter = SlidesExporter()
    exporter.reveal_scroll = True
    page, _ = exporter.from_notebook_node(nbformat.reads(text, as_version=4))
    return str(page)


def main() -> None:
    """Write a page for each lesson."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="notebooks; default: all of them")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    files = [HERE / Path(name).name for name in options.names]
    for file in files or sorted(HERE.glob("*.ipynb")):
        page = options.folder / f"{file.stem}.slides.html"
        page.write_text(slides(file), encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
