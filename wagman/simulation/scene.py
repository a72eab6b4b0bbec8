"""What a careful onlooker knows of a node at any time, from the records alone: the ground that the checkers stand on."""

import math

from attrs import define, field

from wagman.config.schema import Config, DeviceConfig
from wagman.simulation.records import Asked, Began, Did, Ended, Messaged, Record, RelayMoved, Sent, Told

SENT_S = 100.0
"""How long after it was sent a command may have its effect: a slow board, or one that is just booting (chosen)."""

RESET_S = 90.0
"""How long a board that restarted takes until everything is as before (firmware: 30 s, and a poll or two)."""

OVER = {"off", "ok", "in", "whole", "0"}
"""Last words that end a lasting trouble."""


@define
class Port:
    """A port with a guest."""

    device: DeviceConfig
    on: bool = False
    moved_s: float = -math.inf
    told_s: float = math.inf  # the first message since the relay went on
    retold_s: float = -math.inf  # the latest
    killed: bool = False  # an operator asked for it since the relay went on
    enabled_s: float = -math.inf  # `enable` or `start` was sent
    disabled_s: float = -math.inf  # `disable` was sent
    restarted_s: float = -math.inf  # the service came up

    def ours(self, moved: RelayMoved) -> bool:
        """Whether the service made the relay move: it sent what does that. (A board that is enabled may start at once.)"""
        sent_s = self.enabled_s if moved.on else self.disabled_s
        return moved.by in ("command", "board") and moved.at_s - sent_s <= SENT_S


@define
class Scene:
    """The node as it is known from outside."""

    config: Config
    now_s: float = 0.0
    temperature_c: float = 23.5
    heated_s: float = math.inf  # since when it has been too hot
    forced: set[str] = field(factory=set)  # guests that an operator forced up since
    troubles: set[str] = field(factory=set)  # that last
    troubled_s: float = 0.0  # when the latest of them ended, or something sudden happened
    crashes: int = 0  # that were provoked
    lossy: bool = False  # memory of the service may have been lost: it died while its disk was in trouble
    ports: dict[int, Port] = field(init=False)
    by_name: dict[str, Port] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ports = {each.port: Port(each) for each in self.config.guests}
        self.by_name = {each.device.name: each for each in self.ports.values()}

    @property
    def quiet_s(self) -> float:
        """For how long nothing has disturbed what the service sees and does."""
        return 0.0 if self.troubles else self.now_s - self.troubled_s

    @property
    def disk_in_trouble(self) -> bool:
        """Whether the disk is full or slow."""
        return any(each.startswith("disk") for each in self.troubles)

    def update(self, record: Record) -> None:
        """Take in what happened; the checkers have seen it before."""
        self.now_s = max(self.now_s, record.at_s)
        match record:
            case RelayMoved() if record.port in self.ports:
                self._moved(self.ports[record.port], record)
            case Messaged():
                port = self.by_name[record.device]
                port.told_s, port.retold_s = min(port.told_s, record.at_s), record.at_s
            case Sent():
                self._sent(record)
            case Asked():
                self._asked(record)
            case Did():
                self._did(record.words)
            case Began():
                self._came_up()
            case Ended():
                self._begins("service")
                self.lossy |= self.disk_in_trouble
            case Told():
                pass

    def _moved(self, port: Port, moved: RelayMoved) -> None:
        port.on, port.moved_s = moved.on, moved.at_s
        if moved.on:
            port.told_s, port.retold_s, port.killed, port.restarted_s = math.inf, -math.inf, False, -math.inf

    def _sent(self, sent: Sent) -> None:
        if len(sent.words) == 2 and sent.words[1].isdecimal() and int(sent.words[1]) in self.ports:  # noqa: PLR2004
            port = self.ports[int(sent.words[1])]
            if sent.words[0] in ("enable", "start"):
                port.enabled_s = sent.at_s
            elif sent.words[0] == "disable":
                port.disabled_s = sent.at_s

    def _asked(self, asked: Asked) -> None:
        port = self.by_name.get(asked.device)
        if port is not None and asked.verb == "kill":
            port.killed = True
        if asked.force:
            self.forced.add(asked.device)

    def _came_up(self) -> None:
        self._ends("service")
        for port in self.ports.values():
            port.restarted_s = self.now_s

    # --- Troubles ------------------------------------------------------------------------------------------------

    def _begins(self, trouble: str) -> None:
        self.troubles.add(trouble)

    def _ends(self, trouble: str) -> None:
        self.troubles.discard(trouble)
        self.troubled_s = max(self.troubled_s, self.now_s)

    def _did(self, words: str) -> None:
        match words.split():
            case ["board", "temp", celsius]:
                self._heated(float(celsius))
            case ["all", "well"]:
                self.troubles.intersection_update({"service"})
                self.troubled_s = max(self.troubled_s, self.now_s)
                self._heated(23.5)
            case ["board", "reset" | "powercycle"] | ["board", "fault", "brownout" | "watchdog" | "eeprom"]:
                self.troubled_s = self.now_s + RESET_S
            case ["board", "fault", "relay" | "sensor" as what, *where, how]:
                self._lasting(" ".join((what, *where)), how)
            case ["board", "fault", "corrupt" | "lose" | "duplicate" as what, how, *where]:
                self._lasting(" ".join((what, *where)), how)
            case ["board", "fault", what, *more]:
                self._lasting(what, more[-1] if what in ("silent", "slow") else "0")
            case ["cable" | "disk" | "message" as what, *how]:
                self._lasting(f"{what}", how[-1])
            case ["service", "crash", *_]:
                self.crashes += 1
                self.troubled_s = max(self.troubled_s, self.now_s)
            case ["service", "freeze", _]:
                self.troubled_s = max(self.troubled_s, self.now_s)

    def _lasting(self, trouble: str, how: str) -> None:
        if how in OVER:
            self._ends(trouble)
        else:
            self._begins(trouble)

    def _heated(self, celsius: float) -> None:
        bounds = self.config.environment.sensors.get("temperature_c")
        high = math.inf if bounds is None or bounds.high is None else bounds.high
        self.temperature_c = celsius
        if celsius <= high:
            self.heated_s = math.inf
            self.forced.clear()
        elif math.isinf(self.heated_s):
            self.heated_s = self.now_s
