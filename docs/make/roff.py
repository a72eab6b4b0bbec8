"""The Markdown that pages are made of here, as the macros of man(7): headings, paragraphs, lists, tables and blocks of code."""

import re
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\[(?P<label>(?:[^\[\]`]|`[^`]*`)+)\]\((?P<link>[^)]+)\)"
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|(?<!\w)\*(?P<stressed>[^*\s][^*]*)\*(?!\w)"
)

_CELL = re.compile(r"(?<!\\)\|")

_HEADINGS = {2: ".SH", 3: ".SS"}


def escaped(text: str) -> str:
    """The text itself, whatever is in it: a backslash, a hyphen as it is typed, and what a line of macros begins with."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def inline(text: str) -> str:
    """A run of text: code and what is stressed in bold, of a link its words, and where they lead if that is on the web."""
    made, at = list[str](), 0
    for found in _INLINE.finditer(text):
        made += [escaped(text[at : found.start()]), _marked(found)]
        at = found.end()
    return "".join([*made, escaped(text[at:])])


def _marked(found: re.Match[str]) -> str:
    if found["label"]:
        where = f" <{escaped(found['link'])}>" if found["link"].startswith("http") else ""
        return f"{inline(found['label'])}{where}"
    return f"\\fB{escaped(found['code'] or found['strong'] or found['stressed'])}\\fR"


def heading(text: str, macro: str = ".SH") -> str:
    """A line of its own, which may have blanks."""
    return f'{macro} "{inline(text.replace(chr(34), ""))}"'


def verbatim(lines: Sequence[str]) -> Iterator[str]:
    """As it is typed."""
    yield from (".PP", ".RS 4", ".nf", *map(escaped, lines), ".fi", ".RE")


def tagged(tag: str, texts: Sequence[str]) -> Iterator[str]:
    """A word, and what is said of it."""
    yield from (".TP", inline(tag))
    yield from (line for text in texts for line in (inline(text), ".br"))


def joined(lines: Iterable[str]) -> str:
    """The text of a page; what follows a heading begins a paragraph by itself."""
    made = list(lines)
    kept = [line for line, last in zip(made, ["", *made], strict=False) if line != ".PP" or not last.startswith(".S")]
    return "\n".join([*kept, ""])


@define
class Page:
    """Reads Markdown line by line; what belongs together is written once it has ended."""

    made: list[str] = field(factory=list)
    _paragraph: list[str] = field(factory=list)
    _code: list[str] | None = None
    _head: list[str] | None = None

    def read(self, text: str) -> "Page":
        """Take a whole text."""
        for line in text.splitlines():
            self._line(line)
        self._end()
        return self

    def _line(self, line: str) -> None:
        if line.startswith("```"):
            self._fence()
        elif self._code is not None:
            self._code.append(line)
        elif line.startswith("|"):
            self._row([each.strip().replace("\\|", "|") for each in _CELL.split(line)[1:-1]])
        elif line.startswith("#"):
            self._heading(line)
        else:
            self._text(line)

    def _fence(self) -> None:
        self._end()
        if self._code is None:
            self._code = []
        else:
            self.made += verbatim(self._code)
            self._code = None

    def _row(self, cells: list[str]) -> None:
        if self._head is None:
            self._end()
            self._head = cells
        elif not all(set(cell) <= {"-"} for cell in cells):
            more = zip(self._head[1:-1], cells[1:-1], strict=True)
            self.made += tagged(cells[0], [cells[-1], *(f"{name}: {cell}" for name, cell in more)])

    def _heading(self, line: str) -> None:
        self._end()
        marks, _, text = line.partition(" ")
        if macro := _HEADINGS.get(len(marks)):
            self.made.append(heading(text, macro))

    def _text(self, line: str) -> None:
        if not line or line.startswith(("- ", "<!--")):
            self._end()
        if line and not line.startswith("<!--"):
            self._head = None
            self._paragraph.append(line.strip())

    def _end(self) -> None:
        paragraph, self._paragraph, self._head = " ".join(self._paragraph), [], None
        if paragraph.startswith("- "):
            self.made += (".IP \\(bu 2", inline(paragraph.removeprefix("- ")))
        elif paragraph:
            self.made += (".PP", inline(paragraph))
