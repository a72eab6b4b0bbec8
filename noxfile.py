"""What is checked before code goes in: `nox` runs what CI runs, `nox --list` shows the rest.

Versions come from pyproject.toml; the only thing fetched is packages from the index that pip is set up to use.
"""

import functools
import time
from collections.abc import Callable

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)

MADE_FROM_CODE = (
    "wagman.config.reference",
    "wagman.cli.reference",
    "wagman.api.reference",
    "wagman.event_reference",
    "wagman.fsm.drawing",
)

Body = Callable[[nox.Session], None]


def timed(body: Body) -> Body:
    """Say at the end how long the session took."""

    @functools.wraps(body)
    def session(session: nox.Session) -> None:
        began = time.monotonic()
        try:
            body(session)
        finally:
            session.log(f"{session.name} took {time.monotonic() - began:.1f} s")

    return session


def tools(session: nox.Session, group: str) -> None:
    session.install(*nox.project.dependency_groups(PYPROJECT, group))


def lowest(requirement: str) -> str:
    return requirement.replace(">=", "==")


def run_tests(session: nox.Session) -> None:
    session.run("coverage", "erase")
    session.run("pytest", "--cov", "--cov-report=term", *session.posargs)


@nox.session
@timed
def lint(session: nox.Session) -> None:
    """Rules and layout (ruff)."""
    tools(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
@timed
def types(session: nox.Session) -> None:
    """Types, strictly (mypy)."""
    tools(session, "types")
    session.install("-e", ".[test]", "nox")
    session.run("mypy")


@nox.session
@timed
def imports(session: nox.Session) -> None:
    """Who may import whom (import-linter)."""
    tools(session, "imports")
    session.install("-e", ".")
    session.run("lint-imports", "--no-logo")


@nox.session
@timed
def tests(session: nox.Session) -> None:
    """All tests with branch coverage; arguments after -- go to pytest."""
    session.install("-e", ".[test]")
    run_tests(session)


@nox.session
@timed
def drawings(session: nox.Session) -> None:
    """Pages and drawings that are made from the code are not stale."""
    session.install("-e", ".")
    for module in MADE_FROM_CODE:
        session.run("python", "-m", module, "--check")


@nox.session(default=False, python=PYTHONS)
@timed
def pythons(session: nox.Session) -> None:
    """All tests on each Python that the project names, where it is installed."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
@timed
def oldest(session: nox.Session) -> None:
    """All tests with the oldest libraries that pyproject.toml admits."""
    session.install("-e", ".[test]", *map(lowest, PYPROJECT["project"]["dependencies"]))
    session.run("pytest", *session.posargs)


@nox.session(default=False)
@timed
def docs(session: nox.Session) -> None:
    """The documentation as HTML, in build/docs."""
    tools(session, "docs")
    session.install("-e", ".")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "build/docs", *session.posargs)


@nox.session(default=False)
@timed
def picture(session: nox.Session) -> None:
    """The README's picture of a terminal, recorded anew from a run of `wagman demo`."""
    tools(session, "docs")
    session.install("-e", ".[live]")
    session.run("python", "docs/record.py")


@nox.session(default=False)
@timed
def bench(session: nox.Session) -> None:
    """The figures that the README states, measured here."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
@timed
def simulate(session: nox.Session) -> None:
    """The whole service in virtual time against the fake board; arguments after -- go to `wagman simulate`."""
    session.install("-e", ".")
    session.run("wagman", "simulate", *(session.posargs or ["--days", "30", "--seed", "1"]))


@nox.session(default=False)
@timed
def sweep(session: nox.Session) -> None:
    """Many seeds through every profile of faults, on all cores; the number of seeds after -- (default: 100)."""
    session.install("-e", ".[test]")
    seeds = session.posargs[0] if session.posargs else "100"
    session.run("pytest", "tests/simulation/test_sweep.py", env={"WAGMAN_SIMULATED_SEEDS": seeds})
