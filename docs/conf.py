"""Settings of the site: python -m sphinx -W docs FOLDER (CONTRIBUTING.rst)."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import localnet
from localnet._keras.absent import Refusing

project = "localnet"
author = copyright = "The localnet developers"
release = version = localnet.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
]
exclude_patterns = ["static", "templates", "lessons/data"]
templates_path = ["templates"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"localnet {release}"
html_math_renderer = "mathml"
html_copy_source = False
nb_execution_mode = "off"  # outputs are those that lie in the notebooks
myst_enable_extensions = ["dollarmath"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
highlight_language = "none"
pygments_style = "friendly"

# `name` in docstrings is code, and a link where the name is documented.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_ignore_module_all = False
numpydoc_show_class_members = False

# What does not resolve is an error where it claims to be part of localnet.
nitpicky = True
nitpick_ignore_regex = [("py:obj", r"(?!localnet\.).*"), ("py:class", r".*")]


# A literal, or the star of a shape.
STAR = re.compile(r"``.*?``|\*(?=[A-Z]\b|\(|[\w.]+[,)])")


DOCS = Path(__file__).parent
# Pages of the site that lie elsewhere in a checkout, and the folders of their links.
ELSEWHERE = {
    "readme": "../README",
    "changelog": "../CHANGELOG",
    "contributing": "../CONTRIBUTING",
    "lessons": "../notebooks/README",
}


def bring_lessons(app: Any, config: Any) -> None:
    """Copy the notebooks to where Sphinx finds them, each with a link to itself."""
    folder = DOCS / "lessons"
    shutil.rmtree(folder, ignore_errors=True)
    data = DOCS.parent / "notebooks" / "data"
    # Without the program that made them, which is none of the site's and needs Keras.
    shutil.copytree(data, folder / "data", ignore=shutil.ignore_patterns("*.py"))
    for file in sorted(DOCS.parent.glob("notebooks/*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        link = {
            "cell_type": "markdown",
            "id": "download",
            "metadata": {},
            "source": f"{{download}}`Download it as a notebook <{file.name}>`; "
            "[how to run it](../lessons).",
        }
        notebook["cells"][1] = link  # in place of the cell that installs localnet
        text = json.dumps(notebook, ensure_ascii=False)
        (folder / file.name).write_text(text, encoding="utf-8")


def size_pictures(app: Any, tree: Any) -> None:
    """Show a picture at half of its pixels, which makes it crisp on fine screens."""
    from docutils import nodes

    source = ELSEWHERE.get(app.env.docname)
    for image in tree.findall(nodes.image):
        if source is not None:
            image["uri"] = os.path.relpath(DOCS / source / ".." / image["uri"], DOCS)
        file = DOCS / image["uri"]
        if file.parent.name == "images" and "width" not in image:
            width = int.from_bytes(file.read_bytes()[16:20], "big")  # of a PNG
            image["width"] = f"{width // 2}px"


def link_files(app: Any, tree: Any) -> None:
    """
    Turn links to files, as code hosts want them, into links of the site.

    A link to ``engine.rst`` leads to that page, one into ``static`` to where the site
    has those files side by side, and one to another file that is no page hands the file
    out. Sphinx says so if there is no such file.
    """
    from docutils import nodes
    from sphinx import addnodes

    here = app.env.docname
    folder = Path(ELSEWHERE.get(here, here)).parent
    pages = {f"{file}.rst": page for page, file in ELSEWHERE.items()}
    for link in list(tree.findall(nodes.reference)):
        target = link.get("refuri", "")
        if not target or target.startswith("#") or ":" in target:
            continue
        path = os.path.relpath(DOCS / folder / target, DOCS)
        if path.startswith("../notebooks/") and path.endswith(".ipynb"):
            path = f"lessons/{Path(path).stem}.rst"
        if path.startswith("static/"):
            link["refuri"] = "../" * here.count("/") + f"_{path}"
            continue
        document = pages.get(path, path).removesuffix(".rst")
        new: Any
        if path.endswith(".rst") and document in app.env.found_docs:
            new = addnodes.pending_xref(
                "",
                refdomain="std",
                reftype="doc",
                refdoc=here,
                reftarget="/" + document,
                refexplicit=True,
                refwarn=True,
            )
        else:
            new = addnodes.download_reference("", reftarget="/" + path, refdoc=here)
        text = nodes.inline("", "", *link.children)
        link.replace_self(new)
        new += text


def skip_fields(
    _: Any, what: str, name: str, member: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of a NamedTuple: nothing is said of them one by one."""
    return True if type(member).__name__ == "_tuplegetter" else None


def skip_requests(
    _: Any, __: str, name: str, ___: Any, skip: bool, ____: Any
) -> bool | None:
    """Leave out what scikit-learn adds to estimators, which its own pages describe."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def skip_absent(
    _: Any, __: str, ___: str, member: Any, skip: bool, ____: Any
) -> bool | None:
    """Leave out the names that only say why they are left out; keras.rst has them."""
    return True if isinstance(member, Refusing) else None


def find_home(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Lead `localnet.Model` to where it is documented, `localnet.models.Model`."""
    name = node["reftarget"].removeprefix("localnet.")
    if name not in localnet._HOMES:
        return None
    home = f"localnet.{localnet._HOMES[name]}.{name}"
    python = env.get_domain("py")
    return python.resolve_xref(
        env, node["refdoc"], app.builder, "obj", home, node, text
    )


def visit_inline_math(writer: Any, node: Any) -> None:
    """Write a formula in a line."""
    write_mathml(writer, node, as_block=False)


def visit_display_math(writer: Any, node: Any) -> None:
    """Write a formula that stands by itself."""
    write_mathml(writer, node, as_block=True)


def write_mathml(writer: Any, node: Any, *, as_block: bool) -> None:
    """Write a formula as MathML, which browsers show without a script or a network."""
    from docutils import nodes
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml
    from sphinx.util.logging import getLogger

    code = node.astext().strip()
    if "&" in code or r"\\" in code:
        code = rf"\begin{{aligned}}{code}\end{{aligned}}"
    try:
        mathml = tex2mathml(code, as_block=as_block)
    except MathError as error:
        getLogger(__name__).warning("%s: %r", error, code, location=node)
        mathml = writer.encode(code)
    writer.body.append(f'<div class="math">{mathml}</div>' if as_block else mathml)
    raise nodes.SkipNode


def escape_stars(_: Any, __: str, ___: str, ____: Any, _____: Any, lines: Any) -> None:
    """Keep the star of a shape such as (N, *S, C) from beginning emphasis."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[number] = STAR.sub(
                lambda found: r"\*" if found[0] == "*" else found[0], line
            )


def setup(app: Any) -> dict[str, bool]:
    """Take part in the build."""
    app.connect("config-inited", bring_lessons)
    app.connect("doctree-read", size_pictures, priority=100)
    app.connect("autodoc-process-docstring", escape_stars, priority=100)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-skip-member", skip_requests)
    app.connect("autodoc-skip-member", skip_absent)
    app.connect("missing-reference", find_home)
    app.connect("doctree-read", link_files, priority=100)
    app.add_html_math_renderer(
        "mathml", (visit_inline_math, None), (visit_display_math, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
