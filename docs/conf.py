"""The documentation as HTML: `nox -s docs`. Everything that a page shows comes with it; nothing is fetched by the reader."""

import re
from importlib.metadata import version as installed
from pathlib import Path

from sphinx.application import Sphinx

project = "wagman"
author = "the wagman authors"
project_copyright = f"2026 {author}"
release = version = installed("wagman")  # between releases with the commit

extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"wagman {release}"
html_show_sphinx = False
html_copy_source = False

LINK = re.compile(r"\]\((?!https?:|#)(?P<path>[^)]+)\)")
"""Where a link or a picture in a page at the top of the project leads to."""


INCLUDED = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
"""Pages at the top that have one of this folder's own."""


def from_here(link: re.Match[str]) -> str:
    """The link of a page at the top, as it has to be in a page of this folder."""
    path = link["path"]
    if path in INCLUDED:
        return f"]({path.lower()})"
    return f"]({path.removeprefix('docs/') if path.startswith('docs/') else f'../{path}'})"


def include_read(_app: Sphinx, path: Path, _docname: str, content: list[str]) -> None:
    """Pages at the top of the project are included here; their links are written for there."""
    if Path(path).parent == Path(".."):
        content[0] = LINK.sub(from_here, content[0])


def setup(app: Sphinx) -> None:
    """Have included pages changed."""
    app.connect("include-read", include_read)
