"""The pictures of the documentation are what their page makes, and small."""

import os
import pickle
import re
import runpy
from pathlib import Path

import pytest
from marks import once
from pictures import difference

from localnet import plots
from localnet.golden.cases.layers import FAMILIES
from localnet.golden.cases.variants import VARIANT_FAMILIES

mpl = pytest.importorskip("matplotlib")

# The page is run once, by one of the processes that share the tests.
pytestmark = [once, pytest.mark.xdist_group("pictures")]
DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "plots.rst").read_text(encoding="utf-8")
NAMES = re.findall(r"^\.\. image:: images/(\S+)$", PAGE, re.MULTILINE)
# What the pictures of two versions of matplotlib may differ in; one bar that is missing
# is more. Rounding errors, and so the bars of their histogram, are those of a machine:
# there only the rest of the picture is held, and test_plots_numbers holds the bars.
MOST = 0.006
MOST_OF = {"errors.png": 0.1}


@pytest.fixture(scope="module")
def maker():
    return runpy.run_path(str(DOCS / "make_pictures.py"))


@pytest.fixture(scope="module")
def drawn(maker, tmp_path_factory):
    """Return the folder of all pictures of the page, and their figures."""
    folder, figures = tmp_path_factory.mktemp("pictures"), {}
    with maker["plain_style"]():
        for name, ax in maker["pictures"](PAGE):
            plots.save(ax, folder / name)
            figures[name] = (pickle.dumps(ax.figure), ax.figure.axes.index(ax))
    return folder, figures


def test_page_shows_every_function():
    assert len(NAMES) == len(set(NAMES)) > 10
    for name in set(plots.__all__) - {"save"}:
        assert f"plots.{name}(" in PAGE, name


def agree(file):
    found = difference(file, DOCS / "images" / file.name)
    assert found <= MOST_OF.get(file.name, MOST), (
        f"{file.name} differs in {found:.1%} of its cells: look at it, and if it is "
        "right run python docs/make_pictures.py"
    )


same_text = pytest.mark.skipif(
    mpl.__version_info__ < (3, 11), reason="matplotlib draws text in another way"
)


@same_text
@pytest.mark.parametrize("name", NAMES)
def test_picture_is_that_of_the_page(drawn, name):
    agree(drawn[0] / name)


@same_text
def test_start_shows_what_its_lines_draw(maker, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "start.rst").read_text(encoding="utf-8")
    with maker["plain_style"]():
        names = [name for name, _ in maker["pictures"](page)]
    assert names == ["filters.png", "history.png"]
    for name in names:
        agree(tmp_path / name)


@same_text
@pytest.mark.skipif(
    os.environ.get("HYPOTHESIS_PROFILE") != "long", reason="takes ten seconds"
)
@pytest.mark.parametrize("name", ["draw_kill_matrix", "draw_kill_matrix_of_variants"])
def test_large_kill_matrix(maker, tmp_path, name):
    agree(maker[name](tmp_path))


def test_pictures_are_small():
    for file in (DOCS / "images").iterdir():
        most = 190_000 if file.name in LARGE else 60_000
        assert file.stat().st_size < most, file.name


LARGE = ("kill-matrix.png", "kill-matrix-variants.png")


@pytest.mark.parametrize("name", LARGE)
def test_large_pictures_are_not_enlarged(name):
    page = (DOCS / "golden.rst").read_text(encoding="utf-8")
    shown = re.search(rf"images/{name}\n(?:   .*\n)*   :width: (\d+)", page)
    width = int.from_bytes((DOCS / "images" / name).read_bytes()[16:20], "big")
    assert width >= 1.5 * int(shown[1])


@pytest.mark.parametrize(
    ("name", "families"),
    list(zip(LARGE, (FAMILIES, VARIANT_FAMILIES), strict=True)),
)
def test_the_table_below_a_kill_matrix_has_its_columns(name, families):
    page = (DOCS / "golden.rst").read_text(encoding="utf-8")
    below = page.partition(f"images/{name}\n")[2].partition("family ")[2]
    rows = re.split(r"^=+ .*$", below, flags=re.MULTILINE)[1].strip()
    assert re.findall(r"^(\w+)  ", rows, re.MULTILINE) == list(families)


def fewer_weights(ax):
    ax.patches[-1].set_width(ax.patches[-1].get_width() * 2)


def other_colours(ax):
    ax.get_images()[-1].set_cmap("viridis")


def mirrored(ax):
    ax.get_images()[-1].set_data(ax.get_images()[-1].get_array()[:, ::-1])


def without_labels(ax):
    ax.set(xlabel="", ylabel="")


def worse_curve(ax):
    line = ax.get_lines()[0]
    line.set_ydata([1.1 * y for y in line.get_ydata()])


def lost_curve(ax):
    ax.get_lines()[0].remove()


def lost_mean(ax):
    ax.containers[0].remove()


def emptied(ax):
    ax.clear()


@same_text
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("receptive-fields.png", mirrored),
        ("strided-matrix.png", other_colours),
        ("links-and-weights.png", fewer_weights),
        ("history.png", worse_curve),
        ("filters.png", without_labels),
        ("accuracy.png", lost_mean),
        ("initial-scale.png", worse_curve),
        ("gradient-check.png", lost_curve),
        ("errors.png", emptied),
        ("some-mutants.png", mirrored),
    ],
)
def test_a_picture_that_changed_is_noticed(drawn, maker, tmp_path, name, change):
    figure, number = drawn[1][name]
    with maker["plain_style"]():
        ax = pickle.loads(figure).axes[number]
        change(ax)
        changed = plots.save(ax, tmp_path / name)
    assert difference(changed, DOCS / "images" / name) > MOST_OF.get(name, MOST)


def test_same_picture_is_the_same_bytes(tmp_path):
    for suffix in ("png", "svg", "pdf"):
        files = [
            plots.save(plots.initial_scale([4, 8]), tmp_path / f"{i}.{suffix}")
            for i in range(2)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes().startswith(b"%PDF")
