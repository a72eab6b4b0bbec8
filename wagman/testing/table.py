"""What the table of any board or ear must do in the file: the tests that each kind passes, without a board or a guest."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, get_args

import attrs
import pytest

from wagman.config.boards import BoardConfig
from wagman.config.ear_tables import OF_GUESTS
from wagman.config.ears import EarConfig, Shows
from wagman.config.load import loads
from wagman.config.registry import BOARDS, EARS, Registry
from wagman.config.schema import Config
from wagman.config.setting import Setting, settings
from wagman.model.errors import ConfigError

FILE, BOARD, GUEST = "site.toml", "it", "gn"
"""What the file, the board and the guest of these tests are called."""

WITNESS = 'witness = { ping = "10.0.0.254" }'
"""Who shows in these files that the network works."""

HEARD = f'heartbeat = {{ http = "http://10.0.0.1/health", network = "lan" }}\n[network.lan]\n{WITNESS}\n'
"""How the guest of a board is heard, for one that shows nothing itself needs that."""

JUNK = ("true", "-1", "1.5", '"\\u0007"', '""', "[]", '["\\u0000"]', "[[1]]", "{}", "1979-05-27", "9223372036854775807")
"""Values of all sorts, as TOML writes them: no key takes them all."""

JUNK_PORTS: Sequence[object] = (None, True, -1, 1.5, "", " ", "1\n2", "\u0007", [], {}, "x" * 100)
"""What no board may call a port."""


class _TableContract:
    """What both sorts share."""

    registry: ClassVar[Registry]
    table: ClassVar[str]  # what a right table holds, with a key on each line

    @property
    def kind(self) -> type:
        """The class of the table."""
        raise NotImplementedError

    def text(self, table: Mapping[str, str]) -> str:
        """A whole file with this table in it."""
        raise NotImplementedError

    def path(self, key: str) -> str:
        """Where a key of the table stands, as a finding says it."""
        raise NotImplementedError

    def line(self, table: Mapping[str, str], key: str) -> int:
        """On which line of the file."""
        raise NotImplementedError

    def test_a_file_finds_it_by_its_kind(self) -> None:
        """Whoever brings it in a package of their own has an entry point for it."""
        name = getattr(self.kind, "kind", "")
        assert name in self.registry, f"no entry point of the group {self.registry.group} is called {name!r}"
        assert self.registry.load(name) is self.kind

    def test_its_pages_can_be_written(self) -> None:
        """It says what it is, and what each of its keys is for."""
        assert self.kind.about.endswith("."), "about is a sentence"  # type: ignore[attr-defined]
        for key, setting in self._settings().items():
            assert setting.doc.strip().endswith("."), f"{key}: what it is for is a sentence"
            assert setting.kind.wants.strip(), f"{key}: what it must be completes 'must be'"

    def test_its_defaults_are_right(self) -> None:
        """Each is what the page shows, read."""
        for key, attribute in settings(self.kind).items():
            if attribute.default not in (None, attrs.NOTHING):
                kind = attribute.metadata["setting"].kind
                shown = tomllib.loads(f"x = {kind.show(attribute.default)}")["x"]
                assert kind.read(shown) == attribute.default, f"{key} is shown as {shown!r}"

    def test_a_right_table_is_read_and_is_the_same_each_time(self) -> None:
        """What is equal is not begun anew when the file is read again."""
        assert self._read(self._keys) == self._read(self._keys)

    def test_what_a_key_does_not_take_is_told_with_its_line(self) -> None:
        """Whatever is wrong with it: a table never crashes who reads it."""
        for key in self._settings():
            refused = [junk for junk in JUNK if self._is_told({**self._keys, key: junk}, key)]
            assert refused, f"{key} takes anything"

    def test_a_key_that_it_does_not_have_is_told_with_its_line(self) -> None:
        """Most are misspelt."""
        assert self._is_told({**self._keys, "no-such-key": "1"}, "no-such-key")

    def test_each_key_that_it_needs_is_asked_for(self) -> None:
        """A table without it is told of, and not begun with."""
        for key, attribute in settings(self.kind).items():
            if attribute.default is attrs.NOTHING:
                without = {each: value for each, value in self._keys.items() if each != key}
                assert self._problems(without), f"{key} has no default, and is not missed"

    @property
    def _keys(self) -> Mapping[str, str]:
        """Each value as TOML writes it."""
        parted = (line.partition("=") for line in self.table.strip().splitlines())
        return {key.strip(): value.strip() for key, _, value in parted}

    def _settings(self) -> Mapping[str, Setting]:
        return {key: attribute.metadata["setting"] for key, attribute in settings(self.kind).items()}

    def _read(self, table: Mapping[str, str]) -> Config:
        return loads(self.text(table), FILE)

    def _problems(self, table: Mapping[str, str]) -> Sequence[str]:
        try:
            self._read(table)
        except ConfigError as error:
            return error.problems
        return ()

    def _is_told(self, table: Mapping[str, str], key: str) -> bool:
        """Whether something is wrong with the key; where anything is wrong at all, that is told at its line."""
        problems = self._problems(table)
        place = f"{FILE}:{self.line(table, key)}: {self.path(key)}"
        assert not problems or any(each.startswith(place) for each in problems), f"nothing is told at {place}: {problems}"
        return bool(problems)


class BoardTableContract(_TableContract):
    """The tests for the table of a board. Derive a `Test…` class, and give it `board`, `table` and `ports`."""

    registry = BOARDS
    board: ClassVar[type[BoardConfig]]
    ports: ClassVar[Sequence[str]]  # some that such a board may have
    several: ClassVar[Sequence[object]] = ()  # names that would mean several ports, or one that another name means, too

    @property
    def kind(self) -> type:
        """See above."""
        return self.board

    def text(self, table: Mapping[str, str]) -> str:
        """Each key has a line, from the third one on."""
        lines = "".join(f"{key} = {value}\n" for key, value in table.items())
        guest = f'[device.{GUEST}]\nport = "{self.ports[0]}"\nshutdown = ["halt"]\n'
        return f'[board.{BOARD}]\nkind = "{self.board.kind}"\n{lines}{guest}{HEARD}'

    def path(self, key: str) -> str:
        """In the table."""
        return f"board.{BOARD}.{key}"

    def line(self, table: Mapping[str, str], key: str) -> int:
        """One after the other."""
        return 3 + list(table).index(key)

    def test_its_ports_are_called_by_one_name_each(self) -> None:
        """What could mean several ports, or none, is refused; so is a second name for one."""
        for port in self.ports:
            assert self.board.port_kind.read(port) == port
        for name in (*JUNK_PORTS, *self.several):
            with pytest.raises(ValueError):  # noqa: PT011 - what it says is not used: `wants` is
                pytest.fail(f"{name!r} is taken for the port {self.board.port_kind.read(name)!r}")

    def test_it_can_be_made_where_nothing_can_be_opened(self) -> None:
        """`check-config` makes it on another computer than it is for; and it says where it is looked for, for people."""
        for board in self._boards():
            assert board.address.strip()
            assert board.address.isprintable()

    def test_what_its_table_says_of_its_abilities_is_so(self) -> None:
        """The file is judged by it before anybody has seen the board."""
        for board in self._boards():
            abilities = getattr(board, "backend")().abilities  # noqa: B009 - a plain board has it
            assert board.stated_readback in (None, abilities.readback)
            assert board.may_meter or abilities.meter_w is None

    def _boards(self) -> Iterator[BoardConfig]:
        yield from self._read(self._keys).boards


class EarTableContract(_TableContract):
    """The tests for the table of an ear. Derive a `Test…` class, and give it `ear` and `table`."""

    registry = EARS
    ear: ClassVar[type[EarConfig]]

    @property
    def kind(self) -> type:
        """See above."""
        return self.ear

    def text(self, table: Mapping[str, str]) -> str:
        """All of it is on the third line."""
        inline = ", ".join(f"{key} = {value}" for key, value in table.items())
        lines = (f"[device.{GUEST}]", "port = 1", f"heartbeat = {{ {inline} }}", 'shutdown = ["halt"]', 'network = "lan"')
        return "\n".join((*lines, "[network.lan]", WITNESS, ""))

    def path(self, key: str) -> str:
        """In the guest's table; where nobody can tell of which kind it is, that is told of all of it."""
        inside = f"device.{GUEST}.heartbeat"
        return inside if key == self.ear.kind else f"{inside}.{key}"

    def line(self, table: Mapping[str, str], key: str) -> int:  # noqa: ARG002 - all of it is on one line
        """The only one."""
        return 3

    def test_it_says_what_it_shows(self) -> None:
        """What listens to the kernel alone is warned of where a program matters; and another address is another source."""
        assert self.ear.shows in get_args(Shows)
        assert self.ear.kind in self._settings(), "the key that says whom it listens to is called as its kind"
        (heard,) = self._read(self._keys).devices[0].ears
        assert heard.source.startswith(f"{self.ear.kind} ")

    def test_who_can_be_asked_can_be_a_witness(self) -> None:
        """Who waits to be told cannot, and the file says so."""
        inline = ", ".join(f"{key} = {value}" for key, value in self._keys.items() if key not in OF_GUESTS)
        text = f"[device.{GUEST}]\nport = 1\nshutdown = []\n[network.lan]\nwitness = {{ {inline} }}\n"
        if self.ear.passive:
            with pytest.raises(ConfigError):
                loads(text, FILE)
        else:
            (network,) = loads(text, FILE).networks
            assert network.witnesses[0].probe() is not None
