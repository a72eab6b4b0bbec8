"""The checks that code has to pass: `nox` runs those of the CI, `nox --list` shows the rest.

Versions come from pyproject.toml; packages are fetched only from the index that pip is set up to use.
"""

import functools
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)

MADE_FROM_CODE = (
    "docs.make.configuration",
    "docs.make.commands",
    "docs.make.notify",
    "docs.make.socket",
    "docs.make.events",
    "docs.make.states",
    "docs.make.fleet",
    "docs.make.metrics",
    "docs.make.dashboard",
)

DIST, WHEELHOUSE, LOCK, FLEET_LOCK = Path("dist"), Path("build/wheelhouse"), "requirements.lock", "release/fleet.lock"

FROM_DEBIAN = (
    *("certifi", "charset-normalizer", "click", "markdown", "oauthlib", "pyyaml", "requests", "requests-oauthlib", "urllib3"),
)
"""Packages that the Debian packages take from Debian: they are compiled, or speak TLS. The same as in release/debs.py."""

LOCKING = (
    *("--quiet", "--generate-hashes", "--strip-extras", "--extra", "live", "--annotation-style", "line"),
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
)
"""Options for locks: a lock has versions and hashes, but no places."""

Body = Callable[[nox.Session], None]


def timed(body: Body) -> Body:
    """Wrap a session, so that it reports its duration at its end."""

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


def list_parts(session: nox.Session) -> None:
    """Write the SBOM (CycloneDX): everything that the lock installs into an empty environment."""
    place = Path(session.create_tmp(), "parts")
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(place))
    install = ("pip", "--python", str(place), "install", "-q", "--no-index", "--find-links", str(WHEELHOUSE))
    session.run("python", "-m", *install, "--require-hashes", "-r", LOCK)
    session.run("python", "-m", *install, "--no-deps", "--pre", "wagman")  # by its name, since a path would be recorded
    session.run("cyclonedx-py", "environment", "--output-reproducible", "-o", str(DIST / "wagman.cdx.json"), str(place))


def sum_up(folder: Path) -> None:
    """Write SHA256SUMS; `sha256sum --check SHA256SUMS` then tells whether a copy is complete."""
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


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
    """Check that the pages and drawings made from the code are up to date."""
    session.install("-e", ".[gpio,mqtt]")
    for module in MADE_FROM_CODE:
        session.run("python", "-m", module, "--check")


@nox.session(default=False, python=PYTHONS)
@timed
def pythons(session: nox.Session) -> None:
    """All tests on each Python that the project names, if it is installed."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
@timed
def oldest(session: nox.Session) -> None:
    """All tests with the oldest libraries that pyproject.toml admits."""
    session.install("-e", ".[test]", *map(lowest, PYPROJECT["project"]["dependencies"]))
    session.run("pytest", *session.posargs)


@nox.session
@timed
def docs(session: nox.Session) -> None:
    """The documentation as HTML, in build/docs; every warning is an error."""
    tools(session, "docs")
    session.install("-e", ".")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "build/docs", *session.posargs)


@nox.session(default=False)
@timed
def lock(session: nox.Session) -> None:
    """requirements.lock: every package that a controller installs, with hashes; the same for every Python and processor.

    release/fleet.lock also has the packages that the Debian packages bring for the programs beside the service.
    """
    tools(session, "release")
    session.run("pip-compile", *LOCKING, "--output-file", LOCK, "pyproject.toml", *session.posargs)
    left_out = [word for name in FROM_DEBIAN for word in ("--unsafe-package", name)]
    more = ("--extra", "fleet", "--extra", "notify", *left_out, "--output-file", FLEET_LOCK)
    session.run("pip-compile", *LOCKING, *more, "pyproject.toml", *session.posargs)
    lines = Path(FLEET_LOCK).read_text(encoding="utf-8").splitlines(keepends=True)
    Path(FLEET_LOCK).write_text("".join(line for line in lines if not line.startswith("#")), encoding="utf-8")


@nox.session(default=False)
@timed
def release(session: nox.Session) -> None:
    """Make a release in dist, and a wheelhouse in build/wheelhouse; each Python then installs it and runs it.

    Wheel, source, Debian packages, lock, SBOM, checksums: the same commit always gives the same bytes.
    """
    tools(session, "release")
    session.install("-e", ".[gpio,mqtt]")
    session.env["SOURCE_DATE_EPOCH"] = (
        os.environ.get("SOURCE_DATE_EPOCH")
        or str(session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)).strip()
    )
    for folder in (DIST, WHEELHOUSE):
        shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST))
    wheel = ("python", "-m", "pip", "wheel", "-q", "--wheel-dir", str(WHEELHOUSE))
    session.run(*wheel, "--require-hashes", "-r", LOCK)
    session.run(*wheel, "--require-hashes", "--no-deps", "-r", FLEET_LOCK)
    session.run(*wheel, *PYPROJECT["build-system"]["requires"])
    for made in DIST.glob("*.whl"):
        shutil.copy(made, WHEELHOUSE)
    list_parts(session)
    session.run("python", "-m", "release.debs", str(DIST), str(WHEELHOUSE))
    shutil.copy(LOCK, DIST)
    sum_up(DIST)
    for version in PYTHONS:
        session.notify(f"installed-{version}")


@nox.session(default=False, python=PYTHONS)
@timed
def installed(session: nox.Session) -> None:
    """Install the release without an index: the wheel runs its demonstration, the source builds."""
    (wheel,), (source,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    away = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELHOUSE.resolve())}
    session.install("--require-hashes", "-r", LOCK, env=away)
    session.install("--no-deps", str(wheel), env=away)
    session.run("python", "-m", "pip", "check")
    with session.chdir(session.create_tmp()):  # out of reach of the checkout
        session.run("wagman", "demo")
    session.install("--no-deps", "--force-reinstall", str(source), env=away)
    session.run("wagman", "--version")


@nox.session(default=False)
@timed
def picture(session: nox.Session) -> None:
    """The README's picture of a terminal, recorded anew from a run of `wagman demo`."""
    tools(session, "docs")
    session.install("-e", ".[live]")
    session.run("python", "docs/record.py")


@nox.session(default=False)
@timed
def mutate(session: nox.Session) -> None:
    """One change at a time in all that decides, and whether a test notices; what lives is held against tests/survivors.txt."""
    tools(session, "mutation")
    session.install("-e", ".[test]")
    session.run("mutmut", "run", *session.posargs)
    session.run("python", "-m", "tests.mutation")


@nox.session(default=False)
@timed
def bench(session: nox.Session) -> None:
    """What the service costs and how fast it is; arguments after -- go to `python -m benchmarks`."""
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
    """Many seeds of random faults in virtual time, on all cores; their number goes after -- (`500`: 200 node-days)."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.simulation.sweep", *session.posargs)
