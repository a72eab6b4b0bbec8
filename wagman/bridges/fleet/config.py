"""`/etc/wagman/fleet.toml`: the broker, and the name of this node or operator; or all errors in it, with their lines.

The bridge on a node reads it, and so do the commands for many nodes, which need `[broker]` and `[operator]`. Passwords and keys
are in files of their own, which only the programs that use them have to read.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from wagman import __version__
from wagman.bridges.fleet.broker import Broker
from wagman.bridges.fleet.discovery import Home
from wagman.bridges.fleet.kinds import HOST, NAME, OFTEN, ORDERED, PREFIX, RATE, WHOM
from wagman.bridges.fleet.orders import MOST_LATE_S, Terms
from wagman.bridges.fleet.signing import Signers
from wagman.client.blocking import SOCKET
from wagman.config.document import parse, read
from wagman.config.findings import Findings
from wagman.config.kinds import BOOLEAN, DURATION, SOCKET_PATH, TEXT, one_of, whole
from wagman.config.reading import Reader, Table
from wagman.config.secrets import SECRET_FILE, handed_over
from wagman.config.setting import setting
from wagman.model.errors import ConfigError

CONFIG: Final = "/etc/wagman/fleet.toml"
STATE_DIR: Final = "/var/lib/wagman-fleet"

LONGEST_KEEPALIVE_S: Final = 65_535
"""The longest keepalive that MQTT can express (specified)."""

LEAST_KEEPALIVE_S: Final = 5.0
"""The shortest keepalive (chosen: a broker waits for half as long again, and we look each second)."""

LONGEST_EVERY_S: Final = 7 * 86_400.0
"""The longest time between two messages to Home Assistant (chosen: a week; Home Assistant counts whole seconds)."""

SPARE_S: Final = 30.0
"""How much later than due a message to Home Assistant may be (chosen: a link that breaks for a moment)."""

SWITCH_S: Final = 30.0
"""The longest deadline of a switch in Home Assistant (chosen: nobody waits longer for a switch)."""


@frozen
class Node:
    """The keys of `[node]`."""

    name: str = field(metadata=setting(NAME, "The name of the node; it has to be the name in its certificate, if it has one."))


@frozen
class Operator:
    """The keys of `[operator]`."""

    name: str = field(
        metadata=setting(
            NAME, "The name of the operator, who looks after many nodes: the name in the certificate, or of the user."
        )
    )


@frozen
class Service:
    """The keys of `[service]`."""

    socket: str = field(default=SOCKET, metadata=setting(SOCKET_PATH, "The path of the service's control socket."))
    state_dir: str = field(
        default=STATE_DIR, metadata=setting(TEXT, "The directory in which the bridge keeps how much of the log the broker has.")
    )


@frozen
class BrokerTable:
    """The keys of `[broker]`."""

    host: str = field(metadata=setting(HOST, "The broker's name, as in its certificate, or its address."))
    port: int | None = field(
        default=None,
        metadata=setting(whole(1, 65_535), "The broker's TCP port. The default is 8883, and 1883 without TLS."),
    )
    tls: bool = field(default=True, metadata=setting(BOOLEAN, "`false` sends everything in the clear; for a trusted network."))
    ca: str | None = field(
        default=None,
        metadata=setting(
            SECRET_FILE,
            "The file with the certificate of the authority that vouches for the broker. Without it, the system's authorities.",
        ),
    )
    certificate: str | None = field(
        default=None, metadata=setting(SECRET_FILE, "The file with our own certificate, if the broker wants one.")
    )
    key: str | None = field(default=None, metadata=setting(SECRET_FILE, "The file with the private key of `certificate`."))
    user: str | None = field(default=None, metadata=setting(TEXT, "The user name, if the broker wants a password."))
    password_file: str | None = field(default=None, metadata=setting(SECRET_FILE, "The file with the password."))
    protocol: str = field(default="5", metadata=setting(one_of("5", "3.1.1"), "The version of MQTT."))
    prefix: str = field(default="wagman", metadata=setting(PREFIX, "The text with which all topics begin."))
    keepalive_s: float = field(
        default=900.0,
        metadata=setting(
            DURATION,
            "The longest time without a message to the broker. A minute costs 14 MB a month over a cellular link, 15 "
            "minutes cost 0.9 MB.",
        ),
    )
    will_delay_s: float = field(
        default=120.0, metadata=setting(DURATION, "How long a node may be gone before it counts as offline (MQTT 5).")
    )
    reconnect_max_s: float = field(default=300.0, metadata=setting(DURATION, "The longest time between two tries to connect."))


@frozen
class EventsTable:
    """The keys of `[events]`."""

    encoding: str = field(
        default="deflate",
        metadata=setting(
            one_of("deflate", "json"),
            "How events are written. `json` is twenty times as long as `deflate`, but any subscriber can read it.",
        ),
    )
    batch: int = field(default=500, metadata=setting(whole(1, 1_000), "The most events in one message."))
    linger_s: float = field(
        default=2.0,
        metadata=setting(
            DURATION, "How long an event may wait for others, to be sent with them, and a status for it; urgent events do not."
        ),
    )
    window: int = field(default=20, metadata=setting(whole(1, 1_000), "How many messages may wait for their acknowledgement."))
    catch_up_rate: float = field(
        default=16_000.0,
        metadata=setting(RATE, "How fast old events are sent, after an outage or because somebody asks for them."),
    )


@frozen
class StatusTable:
    """The keys of `[status]`."""

    every_s: float = field(default=3600.0, metadata=setting(DURATION, "How often the status is sent if nothing changes."))
    least_s: float = field(default=10.0, metadata=setting(DURATION, "The shortest time between two such messages."))


@frozen
class OrdersTable:
    """The keys of `[orders]`; without this table no order is taken, and none is listened to."""

    whom: tuple[str, ...] = field(
        metadata=setting(
            WHOM,
            "The operators whose orders the bridge takes. The topic says who gives an order, and the broker vouches for that.",
            key="from",
        )
    )
    verbs: tuple[str, ...] = field(
        default=("start", "stop", "restart", "enable", "disable"),
        metadata=setting(
            ORDERED,
            "What operators may order. `kill` also needs the bridge to be in the service's control group, which it is not.",
        ),
    )
    max_late_s: float = field(
        default=60.0, metadata=setting(DURATION, "How far away the deadline of an order may be: 5 min at most.")
    )
    rate: tuple[int, float] = field(
        default=(30, 60.0), metadata=setting(OFTEN, "How many orders the bridge takes in how much time.")
    )
    allowed_signers: str | None = field(
        default=None,
        metadata=setting(
            SECRET_FILE, "The file with the keys of those who may sign orders. With it, whoever gives an order has to sign it."
        ),
    )


@frozen
class HomeAssistantTable:
    """The keys of `[home_assistant]`; without this table Home Assistant is shown nothing."""

    name: str = field(
        default="home-assistant",
        metadata=setting(
            NAME,
            "The operator as whom Home Assistant gives orders. It gets a switch for each guest only if `from` in "
            "`[orders]` names this operator.",
        ),
    )
    prefix: str = field(
        default="homeassistant",
        metadata=setting(PREFIX, "The topic prefix under which Home Assistant looks for devices: its own discovery prefix."),
    )
    every_s: float = field(
        default=300.0,
        metadata=setting(
            DURATION,
            "How often Home Assistant is told the state if nothing changes. It shows nothing that is more than twice as "
            "old as this. 5 min cost some 20 MB a month.",
        ),
    )


TABLES: Final[Mapping[str, type]] = {
    "node": Node,
    "operator": Operator,
    "service": Service,
    "broker": BrokerTable,
    "events": EventsTable,
    "status": StatusTable,
    "orders": OrdersTable,
    "home_assistant": HomeAssistantTable,
}


@frozen
class FleetConfig:
    """The keys of the whole file."""

    broker: BrokerTable
    node: Node | None = None
    operator: Operator | None = None
    service: Service = field(factory=Service)
    events: EventsTable = field(factory=EventsTable)
    status: StatusTable = field(factory=StatusTable)
    orders: OrdersTable | None = None
    home_assistant: HomeAssistantTable | None = None

    @property
    def topics(self) -> str:
        """The beginning of all topics, with the version of the payloads."""
        return f"{self.broker.prefix}/1"

    @property
    def terms(self) -> Terms | None:
        """The terms on which orders are taken; None if none are taken."""
        table = self.orders
        if table is None:
            return None
        name = "" if self.node is None else self.node.name
        return Terms(table.whom, table.verbs, table.max_late_s, *table.rate, name, table.allowed_signers is not None)

    @property
    def signers(self) -> Signers | None:
        """The signers whose signatures count; None if orders need no signature."""
        file = None if self.orders is None else self.orders.allowed_signers
        return None if file is None else Signers(file)

    @property
    def home(self) -> Home | None:
        """The topics for Home Assistant, and its rights; None if nothing is shown there."""
        table, orders = self.home_assistant, self.orders
        if table is None or self.node is None:
            return None
        # Without `stop` a switch would promise too much, and Home Assistant cannot sign.
        is_taken = orders is not None and table.name in orders.whom and orders.allowed_signers is None
        may_order = is_taken and orders is not None and {"start", "stop"} <= set(orders.verbs)
        return Home(
            self.node.name,
            f"{self.topics}/{self.node.name}",
            table.prefix,
            int(2 * table.every_s + SPARE_S),
            __version__,
            table.name if may_order else None,
            min(SWITCH_S, orders.max_late_s) if orders is not None else 0.0,
        )

    @property
    def endpoint(self) -> Broker:
        """The address of the broker, and the credentials for it."""
        table = self.broker
        return Broker(
            table.host,
            table.port or (8883 if table.tls else 1883),
            table.tls,
            table.ca,
            table.certificate,
            table.key,
            table.user,
            table.password_file,
            table.keepalive_s,
            table.protocol == "5",
        )


def load(path: str, needed: str) -> FleetConfig:
    """Return the configuration in the file at `path`, or in the credential that systemd hands over in its place.

    Args:
        path: of the file.
        needed: the table that names this program: `node` or `operator`.

    Raises:
        ConfigError: the file has errors; it lists all of them, with their lines.
    """
    parsed, findings = parse(read(handed_over(path), path), path), Findings()
    reader = Reader(findings, {f"[{name}]": section for name, section in TABLES.items()})
    reader.refuse_unknown(parsed.tables, (), TABLES)
    given = {name: _section(reader, parsed.tables, name, is_needed=name in (needed, "broker")) for name in TABLES}
    _check(given.get("broker"), findings)
    if (orders := given.get("orders")) is not None and orders.max_late_s > MOST_LATE_S:
        findings.add(("orders", "max_late"), "must be 5 min at most: an order that comes later is not wanted any more")
    if (home := given.get("home_assistant")) is not None and home.every_s > LONGEST_EVERY_S:
        findings.add(("home_assistant", "every"), "must be 7 days at most")
    problems = findings.render(path, parsed.lines)
    if problems:
        raise ConfigError(problems)
    return FleetConfig(**{name: section for name, section in given.items() if section is not None})


def _section(reader: Reader, document: Table, name: str, *, is_needed: bool) -> Any:
    if name not in document and not is_needed:
        return None
    table = reader.table(document, (name,))
    return None if table is None else reader.instance(TABLES[name], table, (name,))


def _check(broker: BrokerTable | None, findings: Findings) -> None:
    if broker is None:
        return
    if not LEAST_KEEPALIVE_S <= broker.keepalive_s <= LONGEST_KEEPALIVE_S:
        findings.add(("broker", "keepalive"), "must be from 5 s to 18 h: a link takes its time, and MQTT has no room for more")
    for key, other in (("certificate", "key"), ("key", "certificate"), ("password_file", "user")):
        if getattr(broker, key) is not None and getattr(broker, other) is None:
            findings.add(("broker", key), f"needs {other} beside it")
    if not broker.tls:
        for key in ("ca", "certificate"):
            if getattr(broker, key) is not None:
                findings.add(("broker", key), "is of no use with tls = false: nothing is encrypted then, and nobody proved")
