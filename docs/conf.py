"""Settings of the site: python -m sphinx -W docs FOLDER (CONTRIBUTING.rst)."""

import os
import re
from pathlib import Path
from typing import Any

import localnet

project = "localnet"
author = copyright = "The localnet developers"
release = version = localnet.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["static", "templates"]
templates_path = ["templates"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"localnet {release}"
html_math_renderer = "mathml"
html_copy_source = False
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


def link_files(app: Any, tree: Any) -> None:
    """
    Turn links to files, as code hosts want them, into links of the site.

    A link to ``engine.rst`` leads to that page, and one to a file that is no page hands
    the file out. Sphinx says so if there is no such file.
    """
    from docutils import nodes
    from sphinx import addnodes

    here = app.env.docname
    for link in list(tree.findall(nodes.reference)):
        target = link.get("refuri", "")
        if not target or target.startswith("#") or ":" in target:
            continue
        path = os.path.normpath(Path(here).parent / target)
        document = path.removesuffix(".rst")
        new: Any
        if document != path and document in app.env.found_docs:
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
            new = addnodes.download_reference("", reftarget=target, refdoc=here)
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
    app.connect("autodoc-process-docstring", escape_stars, priority=100)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-skip-member", skip_requests)
    app.connect("missing-reference", find_home)
    app.connect("doctree-read", link_files, priority=100)
    app.add_html_math_renderer(
        "mathml", (visit_inline_math, None), (visit_display_math, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
