"""The blocks of code in the pages that people read."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

FENCED = re.compile(r"^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^\n)(?P<text>(?:^ {4}.*\n)+)", re.MULTILINE)


@frozen
class Block:
    """A block of code, and the page that it is on."""

    page: str
    language: str  # "" where it is indented
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Fenced ones first, then indented ones."""
    text = page.read_text(encoding="utf-8")
    for found in FENCED.finditer(text):
        yield Block(page.name, found["language"], found["text"])
    for found in INDENTED.finditer(FENCED.sub("", text)):
        yield Block(page.name, "", textwrap.dedent(found["text"]))


def all_blocks() -> list[Block]:
    """Those of all pages."""
    return [block for page in PAGES for block in blocks(page)]
