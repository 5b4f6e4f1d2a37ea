"""Links between pages work as files, as on a code host."""

import builtins
import doctest
import re
import symtable
from pathlib import Path

import pytest
from marks import once

pytestmark = once
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *ROOT.glob("*.rst"),
        *DOCS.glob("*.rst"),
        *ROOT.glob("notebooks/*.rst"),
        *ROOT.glob("teaching/*.rst"),
    ]
)
LINK = re.compile(r"<([^<>\s]+)>`_")
IMAGE = re.compile(r"^\.\. (?:image|include):: (\S+)$", re.MULTILINE)


def targets(page, pattern=LINK):
    """Return the files that a page leads to."""
    found = pattern.findall(page.read_text(encoding="utf-8"))
    return [page.parent / name for name in found if ":" not in name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    lost = [t for t in targets(page) + targets(page, IMAGE) if not t.is_file()]
    assert lost == []


def test_links_are_found():
    assert DOCS / "index.rst" in targets(ROOT / "README.rst")
    assert len(targets(DOCS / "index.rst")) > 15


# To uninstall it is another matter.
FOREIGN = re.compile(r"\binstall(?:\s+-\S+)*\s+[\"'`]*localnet(?:[\[\"'`\s]|$)")


def test_nobody_is_told_to_install_the_other_project_of_this_name():
    texts = [
        file
        for folder in ("localnet", "docs", "notebooks", "benchmarks")
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix in {".py", ".rst", ".ipynb", ".md", ".inc"}
    ]
    for file in [*texts, *ROOT.glob("*.rst"), *ROOT.glob("*.md")]:
        assert not FOREIGN.search(file.read_text(encoding="utf-8")), file
    for advice in (
        'pip install "localnet[h5]"',
        "pip install localnet",
        "install localnet ",
    ):
        assert FOREIGN.search(advice)
    for advice in ('install "path/to/localnet[h5]"', "install . && localnet train"):
        assert not FOREIGN.search(advice)


def test_index_leads_to_every_page():
    index = DOCS / "index.rst"
    pages = set(DOCS.glob("*.rst")) - {index}
    assert pages - set(targets(index)) == set()
    toctrees = re.findall(r"^   ([a-z-]+)$", index.read_text(encoding="utf-8"), re.M)
    assert {page.stem for page in pages} - set(toctrees) == set()


EXAMPLES = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_every_page_makes_the_names_that_it_uses(page):
    """Run alone, as it is pasted: read without being run, which takes a second."""
    examples = doctest.DocTestParser().get_examples(page.read_text(encoding="utf-8"))
    code = "".join(example.source for example in examples)
    top = symtable.symtable(code, str(page), "exec")
    made = {
        s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()
    }
    used = {
        symbol.get_name()
        for table in tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    assert used - made - set(dir(builtins)) == set()


def tables(table):
    """Give a table of symbols, and those of the functions and classes in it."""
    yield table
    for inner in table.get_children():
        yield from tables(inner)
