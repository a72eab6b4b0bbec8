"""Documents are written with the line of each key noted on the way; the scanner has to find the same lines."""

import tomllib
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from wagman.config.keys import overlong
from wagman.config.positions import Path, key_lines


@define
class Writer:
    """Writes TOML in whatever layout is drawn, and knows on which line each key went."""

    draw: st.DrawFn
    parts: list[str] = field(factory=list)
    lines: dict[Path, int] = field(factory=dict)
    keys: list[tuple[int, int]] = field(factory=list)  # how many parts each has, and its line

    def text(self) -> str:
        return "".join(self.parts)

    def put(self, text: str) -> None:
        self.parts.append(text)

    def mark(self, path: Path) -> None:
        self.lines.setdefault(path, self.text().count("\n") + 1)

    def blank(self) -> None:
        self.put(self.draw(st.sampled_from(["", "", " ", "\t", "  "])))

    def gap(self) -> None:
        """What may stand between the elements of an array."""
        self.put(self.draw(st.sampled_from(["", " ", "\n", "\r\n", " # ], } and x = 1\n", "\n\n#\n"])))

    def end(self) -> None:
        self.put(self.draw(st.sampled_from(["\n", "\r\n", " # [no.table]\n", " # x = '''\n", "\n\n"])))

    def key(self, table: Path, parts: list[str]) -> Path:
        path = table
        self.keys.append((len(parts), self.text().count("\n") + 1))
        for index, part in enumerate(parts):
            if index:
                self.blank()
                self.put(".")
                self.blank()
            path = (*path, part)
            self.mark(path)
            self.put(self.draw(st.sampled_from([part, part, _quoted(part), f"'{part}'"])) if _bare(part) else _quoted(part))
        return path

    def pair(self, table: Path, parts: list[str], depth: int) -> None:
        path = self.key(table, parts)
        self.blank()
        self.put("=")
        self.blank()
        self.value(path, depth)

    def value(self, path: Path, depth: int) -> None:
        shape = self.draw(st.sampled_from(["scalar", "scalar", "array", "inline"] if depth else ["scalar"]))
        if shape == "scalar":
            self.put(self.draw(st.sampled_from(SCALARS)))
        elif shape == "array":
            self.array(path, depth)
        else:
            self.inline(path, depth)

    def array(self, path: Path, depth: int) -> None:
        self.put("[")
        for index in range(self.draw(st.integers(0, 3))):
            if index:
                self.put(",")
            self.gap()
            self.mark((*path, index))
            self.value((*path, index), depth - 1)
            self.gap()
        self.put(self.draw(st.sampled_from(["", "\n"])))
        self.put("]")

    def inline(self, path: Path, depth: int) -> None:
        self.put("{")
        for index, key in enumerate(self.draw(KEYS)):
            self.put(", " if index else "")
            self.blank()
            self.pair(path, [key, *self.draw(TAILS)], depth - 1)
            self.blank()
        self.put("}")


SCALARS = [
    *("1", "0x1F", "1_000.5e3", "true", "inf", "1979-05-27 07:32:00", "07:32:00"),
    *('""', "''", '"a # b"', r'"\"] x = 1"', "'\\'", '"]"', "'}'", "'[t]'"),
    *('""""""', "''''''", '"""\n[no.table]\nx = 1\n"""', "'''\n# x\n'''", '"""a""b"""', '"""""two"""""', "'''''two'''''"),
    *('"""\\"""\n"""', '"""\\\n  x = """', "'''\\'''", "'''a''b\n'''"),
]
NAMES = st.one_of(
    st.sampled_from(["a", "b", "gn", "x-1", "0", "1979", "a b", "ä", 'q"t', "d.t", "#", "\n", ""]), st.text(max_size=3)
)
KEYS = st.lists(NAMES, max_size=3, unique=True)
TAILS = st.lists(NAMES, max_size=2)


def _bare(key: str) -> bool:
    return key.isascii() and key != "" and all(each.isalnum() or each in "-_" for each in key)


def _quoted(key: str) -> str:
    return '"' + "".join(each if each.isalnum() or each in " #[]=.'" else f"\\U{ord(each):08x}" for each in key) + '"'


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    for key in draw(KEYS):
        writer.blank()
        writer.pair((), [f"top {key}", *draw(TAILS)], depth=2)
        writer.end()
    for name in draw(KEYS):
        writer.put("[")
        writer.blank()
        table = writer.key((), [name, *draw(TAILS)])
        writer.blank()
        writer.put("]")
        writer.end()
        for key in draw(KEYS):
            writer.pair(table, [f"in {key}", *draw(TAILS)], depth=2)
            writer.end()
    return writer


def paths(value: Any, path: Path = ()) -> set[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path, *(each for key, below in inner for each in paths(below, (*path, key)))}


@given(documents())
def test_each_key_is_found_on_the_line_it_was_written_on(document: Writer) -> None:
    text, lines = document.text(), document.lines
    assert paths(tomllib.loads(text)) == {(), *lines}, "the writer of this test writes what it says it writes"
    assert key_lines(text) == lines


@given(documents())
def test_the_first_key_of_too_many_parts_is_found_whatever_strings_and_comments_hold(document: Writer) -> None:
    text = document.text()
    assert overlong(text) is None
    assert overlong(text, most=2) == next((line for parts, line in document.keys if parts > 2), None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"x = 1\n{'a.' * 15}a = 1", None),
        (f"x = 1\n{'a.' * 16}a = 1", 2),
        ("x = 1\n[ " + "a .\t" * 15 + "\"a.b\" . 'c' ]", 2),
        (f"x = {{ {'a.' * 16}a = 1 }}", 1),
        (f'x = "{"a." * 99}a" # {"a." * 99}a', None),
        (f'x = """\n{"a." * 99}a""""\n{"b." * 16}b = 1', 3),
        (f"'{'a.' * 99}' = '''\n{'a.' * 99}a'''", None),
        (f"x = '\n{'a.' * 99}a = 1", None),  # the parser says what is wrong with it
    ],
)
def test_dots_join_parts_only_where_they_belong_to_a_key(text: str, line: int | None) -> None:
    assert overlong(text) == line


@given(st.text("ab.\"'\\#\n \t[]{}=", max_size=200))
def test_no_text_that_can_be_parsed_has_a_longer_key_than_is_found(text: str) -> None:
    try:
        deepest = max(map(len, paths(tomllib.loads(text))))
    except ValueError:
        overlong(text)
    else:
        assert overlong(text, most=max(deepest, 2)) is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_ordinary_file_is_found_its_way_through(end: str) -> None:
    text = end.join(
        [
            "# a comment = 1",
            "[wagman]",
            "start_order = [",
            '    "gn",  # first ]',
            '    "cs",',
            "]",
            "",
            "[device.gn]",
            'shutdown = ["ssh", """',
            "[device.no]",
            'port = 9""", "now"]',
            "port = 1",
            'device2 = { "a.b" = 1, c.d = [[], [1]] }',
        ]
    )
    assert key_lines(text) == {
        ("wagman",): 2,
        ("wagman", "start_order"): 3,
        ("wagman", "start_order", 0): 4,
        ("wagman", "start_order", 1): 5,
        ("device",): 8,
        ("device", "gn"): 8,
        ("device", "gn", "shutdown"): 9,
        ("device", "gn", "shutdown", 0): 9,
        ("device", "gn", "shutdown", 1): 9,
        ("device", "gn", "shutdown", 2): 11,
        ("device", "gn", "port"): 12,
        ("device", "gn", "device2"): 13,
        ("device", "gn", "device2", "a.b"): 13,
        ("device", "gn", "device2", "c"): 13,
        ("device", "gn", "device2", "c", "d"): 13,
        ("device", "gn", "device2", "c", "d", 0): 13,
        ("device", "gn", "device2", "c", "d", 1): 13,
        ("device", "gn", "device2", "c", "d", 1, 0): 13,
    }


def test_the_tables_of_an_array_of_tables_share_their_first_lines() -> None:
    assert key_lines("[[a]]\nx = 1\n[[a]]\nx = 2\ny = 3\n[a.b]\n") == {
        ("a",): 1,
        ("a", "x"): 2,
        ("a", "y"): 5,
        ("a", "b"): 6,
    }


@pytest.mark.parametrize("text", ["= 1", "[", "x = [1", "x = { = 1 }", '"x'])
def test_what_no_parser_would_have_let_through_ends_in_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not valid TOML"):
        key_lines(text)
