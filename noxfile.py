"""Tasks for whoever has nox; each calls what ``.ci/run`` calls."""

import nox

nox.options.sessions = ["lint", "tests"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session
def lint(session: nox.Session) -> None:
    """Read the code without running it."""
    session.install(".[test,lint,docs,progress,h5,plot,notebooks]")
    session.run(".ci/lint", external=True)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and the examples of every docstring and page."""
    session.install(".[test,progress]")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the pages into the folder site."""
    session.install(".[docs]")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "docs", "site")
