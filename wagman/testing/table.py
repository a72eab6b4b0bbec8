"""The contracts of tables: tests for the table of any board or ear in the file, without a board or a guest."""

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
"""The names of the file, the board and the guest in these tests."""

WITNESS = 'witness = { ping = "10.0.0.254" }'
"""The witness in these files."""

HEARD = f'heartbeat = {{ http = "http://10.0.0.1/health", network = "lan" }}\n[network.lan]\n{WITNESS}\n'
"""The ear of the guest, for boards that hear nothing themselves."""

JUNK = ("true", "-1", "1.5", '"\\u0007"', '""', "[]", '["\\u0000"]', "[[1]]", "{}", "1979-05-27", "9223372036854775807")
"""Values of all sorts, as TOML writes them; no key accepts all of them."""

JUNK_PORTS: Sequence[object] = (None, True, -1, 1.5, "", " ", "1\n2", "\u0007", [], {}, "x" * 100)
"""Values that no board accepts as a port."""


class _TableContract:
    """The tests that both sorts share."""

    registry: ClassVar[Registry]
    table: ClassVar[str]  # the keys of a right table, one on each line

    @property
    def kind(self) -> type:
        """The class of the table."""
        raise NotImplementedError

    def text(self, table: Mapping[str, str]) -> str:
        """Return a whole file with this table in it."""
        raise NotImplementedError

    def path(self, key: str) -> str:
        """Return the path of a key of the table, as errors name it."""
        raise NotImplementedError

    def line(self, table: Mapping[str, str], key: str) -> int:
        """Return the line of a key in the file."""
        raise NotImplementedError

    def test_a_file_finds_it_by_its_kind(self) -> None:
        """A kind that comes in a package of its own needs an entry point."""
        name = getattr(self.kind, "kind", "")
        assert name in self.registry, f"no entry point of the group {self.registry.group} is called {name!r}"
        assert self.registry.load(name) is self.kind

    def test_its_pages_can_be_written(self) -> None:
        """The kind has a sentence about itself, and one about each of its keys."""
        assert self.kind.about.endswith("."), "about is a sentence"  # type: ignore[attr-defined]
        for key, setting in self._settings().items():
            assert setting.doc.strip().endswith("."), f"{key}: what it is for is a sentence"
            assert setting.kind.wants.strip(), f"{key}: what it must be completes 'must be'"

    def test_its_defaults_are_right(self) -> None:
        """Each default, as the page shows it, is read back as the same value."""
        for key, attribute in settings(self.kind).items():
            if attribute.default not in (None, attrs.NOTHING):
                kind = attribute.metadata["setting"].kind
                shown = tomllib.loads(f"x = {kind.show(attribute.default)}")["x"]
                assert kind.read(shown) == attribute.default, f"{key} is shown as {shown!r}"

    def test_a_right_table_is_read_and_is_the_same_each_time(self) -> None:
        """An equal table does not restart anything when the file is read again."""
        assert self._read(self._keys) == self._read(self._keys)

    def test_what_a_key_does_not_take_is_told_with_its_line(self) -> None:
        """No wrong value crashes the reader of a table."""
        for key in self._settings():
            refused = [junk for junk in JUNK if self._is_told({**self._keys, key: junk}, key)]
            assert refused, f"{key} takes anything"

    def test_a_key_that_it_does_not_have_is_told_with_its_line(self) -> None:
        """An unknown key is mostly a misspelt one."""
        assert self._is_told({**self._keys, "no-such-key": "1"}, "no-such-key")

    def test_each_key_that_it_needs_is_asked_for(self) -> None:
        """A table that lacks a required key is refused."""
        for key, attribute in settings(self.kind).items():
            if attribute.default is attrs.NOTHING:
                without = {each: value for each, value in self._keys.items() if each != key}
                assert self._problems(without), f"{key} has no default, and is not missed"

    @property
    def _keys(self) -> Mapping[str, str]:
        """The keys of the table, with their values as TOML."""
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
        """Return whether something is wrong with the key; check that an error names its line."""
        problems = self._problems(table)
        place = f"{FILE}:{self.line(table, key)}: {self.path(key)}"
        assert not problems or any(each.startswith(place) for each in problems), f"nothing is told at {place}: {problems}"
        return bool(problems)


class BoardTableContract(_TableContract):
    """The tests for the table of a board. Derive a `Test…` class, and give it `board`, `table` and `ports`."""

    registry = BOARDS
    board: ClassVar[type[BoardConfig]]
    ports: ClassVar[Sequence[str]]  # some ports that such a board may have
    several: ClassVar[Sequence[object]] = ()  # names that could mean several ports, or a port that has another name

    @property
    def kind(self) -> type:
        """The class of the table."""
        return self.board

    def text(self, table: Mapping[str, str]) -> str:
        """Return a file in which each key has a line, from the third line on."""
        lines = "".join(f"{key} = {value}\n" for key, value in table.items())
        guest = f'[device.{GUEST}]\nport = "{self.ports[0]}"\nshutdown = ["halt"]\n'
        return f'[board.{BOARD}]\nkind = "{self.board.kind}"\n{lines}{guest}{HEARD}'

    def path(self, key: str) -> str:
        """Return the path of a key in the table."""
        return f"board.{BOARD}.{key}"

    def line(self, table: Mapping[str, str], key: str) -> int:
        """Return the line of a key."""
        return 3 + list(table).index(key)

    def test_its_ports_are_called_by_one_name_each(self) -> None:
        """A name is refused if it could mean several ports or none, or is a second name of a port."""
        for port in self.ports:
            assert self.board.port_kind.read(port) == port
        for name in (*JUNK_PORTS, *self.several):
            with pytest.raises(ValueError):  # noqa: PT011 - what it says is not used: `wants` is
                pytest.fail(f"{name!r} is taken for the port {self.board.port_kind.read(name)!r}")

    def test_it_can_be_made_where_nothing_can_be_opened(self) -> None:
        """`check-config` makes the board, perhaps on another computer than its own; the address is there for people to read."""
        for board in self._boards():
            assert board.address.strip()
            assert board.address.isprintable()

    def test_what_its_table_says_of_its_abilities_is_so(self) -> None:
        """The file is checked by the table's statements before anybody has seen the board."""
        for board in self._boards():
            abilities = getattr(board, "backend")().abilities  # noqa: B009 - a plain board has it
            assert board.stated_readback in (None, abilities.readback)
            assert board.may_meter or abilities.meter_w is None
            assert board.pulses == abilities.pulse

    def _boards(self) -> Iterator[BoardConfig]:
        yield from self._read(self._keys).boards


class EarTableContract(_TableContract):
    """The tests for the table of an ear. Derive a `Test…` class, and give it `ear` and `table`."""

    registry = EARS
    ear: ClassVar[type[EarConfig]]

    @property
    def kind(self) -> type:
        """The class of the table."""
        return self.ear

    def text(self, table: Mapping[str, str]) -> str:
        """Return a file in which all keys are on the third line."""
        inline = ", ".join(f"{key} = {value}" for key, value in table.items())
        lines = (f"[device.{GUEST}]", "port = 1", f"heartbeat = {{ {inline} }}", 'shutdown = ["halt"]', 'network = "lan"')
        return "\n".join((*lines, "[network.lan]", WITNESS, ""))

    def path(self, key: str) -> str:
        """Return the path of a key in the guest's table; an error in the key of the kind itself is told of the whole value."""
        inside = f"device.{GUEST}.heartbeat"
        return inside if key == self.ear.kind else f"{inside}.{key}"

    def line(self, table: Mapping[str, str], key: str) -> int:  # noqa: ARG002 - all of it is on one line
        """Return 3, the only line."""
        return 3

    def test_it_says_what_it_shows(self) -> None:
        """The file warns of an ear that hears only the kernel where a program matters; another address is another source."""
        assert self.ear.shows in get_args(Shows)
        assert self.ear.kind in self._settings(), "the key that says whom it listens to is called as its kind"
        (heard,) = self._read(self._keys).devices[0].ears
        assert heard.source.startswith(f"{self.ear.kind} ")

    def test_who_can_be_asked_can_be_a_witness(self) -> None:
        """A passive ear cannot be a witness, and the file is refused."""
        inline = ", ".join(f"{key} = {value}" for key, value in self._keys.items() if key not in OF_GUESTS)
        text = f"[device.{GUEST}]\nport = 1\nshutdown = []\n[network.lan]\nwitness = {{ {inline} }}\n"
        if self.ear.passive:
            with pytest.raises(ConfigError):
                loads(text, FILE)
        else:
            (network,) = loads(text, FILE).networks
            assert network.witnesses[0].probe() is not None
