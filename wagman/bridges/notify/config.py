"""`/etc/wagman/notify.toml`: the destinations, and the rules for each; or all errors in it, with their lines.

Addresses and commands may hold passwords, so no message repeats one, and a file with an address is refused if everybody on this
computer may read it. The unit hands the file over as a credential, so that only root and the program can read it.
"""

import os
from collections.abc import Callable, Iterable

from attrs import evolve, field, frozen

from wagman.bridges.notify.rules import Rules
from wagman.client.blocking import SOCKET
from wagman.config.document import parse, read
from wagman.config.findings import Findings
from wagman.config.kinds import BOOLEAN, COMMAND, DURATION, SOCKET_PATH, TEXT, Kind
from wagman.config.positions import Path
from wagman.config.reading import Reader, Table, nearest_first
from wagman.config.secrets import SECRET_FILE, handed_over, is_shown_to_others, read_secret
from wagman.config.setting import setting, settings
from wagman.model.catalogue import EVENT_TYPES
from wagman.model.errors import ConfigError

CONFIG = "/etc/wagman/notify.toml"
STATE_DIR = "/var/lib/wagman-notify"

TABLES = ("tell", "to", "alive")

ADDRESS = 'an address on one line, such as "mailto://..."'

Judge = Callable[[str], str | None]
"""Returns why an address cannot be used; None if it can."""


def _unshown(wants: str) -> Kind:
    """Return the kind of a value that is checked later, and that no message repeats."""
    return Kind(wants, lambda value: value)


@frozen
class Program:
    """The keys of the program itself, outside of all tables."""

    node: str | None = field(
        default=None, metadata=setting(TEXT, "How messages name this node. Without it, the name of this computer.")
    )
    socket: str = field(default=SOCKET, metadata=setting(SOCKET_PATH, "The path of the service's control socket."))
    state_dir: str = field(
        default=STATE_DIR, metadata=setting(TEXT, "The directory in which wagman notify keeps what it has sent.")
    )

    @property
    def called(self) -> str:
        """The name of this node in messages."""
        return self.node or os.uname().nodename


@frozen
class Address:
    """The keys for the way to a destination; exactly one of the three is given."""

    url: object = field(
        default=None,
        metadata=setting(
            _unshown(ADDRESS), "An address that [Apprise](https://appriseit.com/services/) knows: of mail, ntfy, Slack, ..."
        ),
    )
    url_file: object = field(
        default=None,
        metadata=setting(_unshown(SECRET_FILE.wants), "Instead of `url`: the file that holds the address, and nothing else."),
    )
    command: object = field(
        default=None, metadata=setting(_unshown(COMMAND.wants), "Instead of `url`: a command that is run for each message.")
    )


@frozen
class Destination:
    """A destination of messages."""

    name: str
    rules: Rules
    url: str | None = field(default=None, repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)


@frozen
class Pulse:
    """The keys of `[alive]`, but for its address."""

    every_s: float = field(default=300.0, metadata=setting(DURATION, "How often the address is called while all is well."))
    despite_problems: bool = field(
        default=False,
        metadata=setting(BOOLEAN, "Whether to call the address also while there is a critical problem that people were told of."),
    )


@frozen
class Alive:
    """An address that is called while all is well: its owner tells people when the calls stay away."""

    pulse: Pulse
    url: str = field(repr=False)


@frozen
class NotifyConfig:
    """The keys of the whole file."""

    program: Program
    destinations: tuple[Destination, ...]
    alive: Alive | None = None


def load(path: str, judge: Judge) -> NotifyConfig:
    """Return the configuration in the file at `path`, or in the credential that systemd hands over in its place.

    Raises:
        ConfigError: the file has errors; it lists all of them, with their lines.
    """
    at = handed_over(path)
    parsed, findings = parse(read(at, path), path), Findings()
    config = _Tables(Reader(findings, {"[tell]": Rules, "[to.NAME]": Address, "[alive]": Pulse}), at, judge).config(parsed.tables)
    problems = findings.render(path, parsed.lines)
    if problems:
        raise ConfigError(problems)
    return config


@frozen
class _Tables:
    reader: Reader
    file: str
    judge: Judge

    def config(self, document: Table) -> NotifyConfig:
        program = Program(**self.reader.values(document, (), settings(Program), TABLES))
        tell = self.reader.table(document, ("tell",)) or {}
        rules = Rules(**self.reader.values(tell, ("tell",), settings(Rules)))
        self.check_types(rules, ("tell",), tell)
        return NotifyConfig(program, tuple(self.destinations(document, rules)), self.alive(document))

    def destinations(self, document: Table, rules: Rules) -> Iterable[Destination]:
        tables = document.get("to", {})
        if not isinstance(tables, dict) or not tables:
            self.wrong(("to",), 'nobody is to be told: make a table such as [to.mail], with url = "mailto://..." in it')
            return
        for name, table in tables.items():
            if not isinstance(table, dict):
                self.wrong(("to", name), f"must be a table: begin a line with [to.{name}], and put url = ... below it")
                continue
            self.reader.named(("to", name), "destination")
            if (found := self.destination(name, table, rules)) is not None:
                yield found

    def destination(self, name: str, table: Table, rules: Rules) -> Destination | None:
        path: Path = ("to", name)
        own = self.reader.values(table, path, settings(Rules), settings(Address))
        rules = evolve(rules, **own)
        self.check_types(rules, path, table)
        given = [key for key in settings(Address) if key in table]
        if len(given) != 1:
            self.wrong(path, "takes one of url, url_file and command")
            return None
        if given == ["command"]:
            return self.commanded(name, table["command"], rules)
        url = self.address(table, path)
        if url is not None and (trouble := self.judge(url)) is not None:
            self.wrong((*path, *given), trouble)
        return None if url is None else Destination(name, rules, url)

    def commanded(self, name: str, value: object, rules: Rules) -> Destination | None:
        try:
            command = COMMAND.read(value)
        except ValueError:
            command = ()
        if not command:
            self.wrong(("to", name, "command"), f"must be {COMMAND.wants}")
            return None
        return Destination(name, rules, command=command)

    def address(self, table: Table, path: Path) -> str | None:
        """Return the address in a table, from `url` or from the file in `url_file`."""
        if "url" in table:
            value, where = table["url"], (*path, "url")
            if not _is_address(value):
                self.wrong(where, f"must be {ADDRESS}; it is not repeated here")
                return None
            self.refuse_shown(self.file, where, "this file, and it has an address in it")
            return str(value)
        return self.filed(table["url_file"], (*path, "url_file"))

    def filed(self, value: object, where: Path) -> str | None:
        try:
            file = SECRET_FILE.read(value)
            url = read_secret(file).decode().strip()
        except ValueError:
            self.wrong(where, f"must be {SECRET_FILE.wants}, with the address in it, in UTF-8")
            return None
        except OSError as error:
            self.wrong(where, f"the file with the address cannot be read: {error.strerror or error}")
            return None
        self.refuse_shown(file, where, "the file with the address")
        if not _is_address(url):
            self.wrong(where, "the file must have the address, on one line, and nothing else")
            return None
        return url

    def refuse_shown(self, file: str, where: Path, what: str) -> None:
        if is_shown_to_others(file):
            self.wrong(where, f"anybody on this computer may read {what}: chmod o-rwx {file}")

    def alive(self, document: Table) -> Alive | None:
        table, path = document.get("alive"), ("alive",)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.wrong(path, "must be a table: begin a line with [alive], and put url = ... below it")
            return None
        pulse = Pulse(**self.reader.values(table, path, settings(Pulse), ("url", "url_file")))
        if ("url" in table) == ("url_file" in table):
            self.wrong(path, "takes one of url and url_file")
            return None
        url = self.address(table, path)
        if url is not None and not url.startswith(("https://", "http://")):
            self.wrong((*path, "url" if "url" in table else "url_file"), "must begin with https:// or http://")
        return None if url is None else Alive(pulse, url)

    def check_types(self, rules: Rules, path: Path, table: Table) -> None:
        """Report types of events that do not exist: they would never be told."""
        families = {type_.partition(".")[0] for type_ in EVENT_TYPES}
        for key in {"also", "never"} & table.keys():
            for name in getattr(rules, key):
                if name not in families and name not in EVENT_TYPES:
                    nearest = nearest_first(name, [*EVENT_TYPES, *families])[0]
                    self.wrong((*path, key), f"there is no event {name!r}; the nearest that there is is {nearest!r}")

    def wrong(self, path: Path, message: str) -> None:
        self.reader.findings.add(path, message)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and "://" in value
