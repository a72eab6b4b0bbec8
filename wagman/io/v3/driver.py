"""The driver for v3 boards, which speak text.

How it works around what the firmware does by itself:

- The board starts a stopped port after a minute, so a port that is to stay off is *disabled*: that cuts it at once and persists.
  It is enabled again at the moment of its next start.
- The board never reports the state of a relay. It is inferred from log lines (`starting`, `killing`), the `enabled` report of
  each minute, and the current. A port that was disabled already logs nothing when it is disabled again, but appears in the
  report.
- The board drops `start` silently unless the port is stopped, and has one slot for all ports. Therefore `start` is repeated until
  evidence comes. Repeating `enable` and `start` on a port that runs cuts nothing.
- Starting ports 2 to 4 moves the controller's own media selector, whoever starts them: it is put back.
- The board stops a port that it has not heard for an hour: a port that runs is pinged before that. Pings do not count as beats.
- After a restart the board starts enabled ports within a minute. A refused `start` sets that timer back, which gives time to take
  stock: the controller's own port runs, so its start is always refused.
- Port 0 cannot be disabled: the board starts it after a minute, whatever it was told. If a guest is on port 0, a ping makes the
  board take it for started although it is off. For this to last, pings are never further apart than the board's hour.
- The count of boots does not show a restart in which the board's memory was lost: it is 1 again. `rtc` less `up` is the time at
  which the board was set up. Its clock may be wrong or be set meanwhile, but the difference stays the same while the board runs.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import trio
from attrs import define, field

from wagman.config.wagman import PING_AGE_S, SELECTOR_PORTS
from wagman.io.board.driver import DRAWS_MA, SENSOR_POLLS, SLOW_POLLS, TIMEOUT_S, FailureWatch, Reading, Senses
from wagman.io.board.power import SwitchOff, SwitchOn
from wagman.io.serial.link import REPEATS, Answer, Link, retry
from wagman.io.v3 import codec as v3
from wagman.io.v3.ages import Ages, agree, is_older
from wagman.io.v3.payload import (
    Currents,
    EnabledReport,
    Enclosure,
    FailureReport,
    PortLog,
    parse_boots,
    parse_bs,
    parse_cu,
    parse_env,
    parse_fc,
    parse_hb,
    parse_id,
    parse_log,
    parse_nothing,
    parse_rtc,
    parse_th,
    parse_up,
    parse_ver,
)
from wagman.model.backend import RUNS_APART_S, Identity
from wagman.model.errors import BoardError, BoardProtocolError, CallerError
from wagman.model.facts import Answered, BoardStopping, Listened, Supply

UNMANAGED_FAILURES = 1024
"""From this many heartbeat time-outs on the board stops managing a port (firmware)."""

TOUCHED_S = 5.0
"""A port whose timer is this much younger than the oldest has changed its state since the board started (chosen)."""

SET_UP_S = 20.0
"""The latest time after its start at which the board's timers begin: it reads its sensors first (firmware). Guests come later."""

ALWAYS_ENABLED = 0
"""The port that the board never counts as disabled (firmware)."""

CLOCK_WRAPS_S = 1 << 32
"""The board counts its clock modulo this many seconds (firmware)."""

MOST_LOOKS = 3
"""How often the ages are asked for until two answers agree about all ports (chosen: a port that beats may never do so)."""

MOST_PINGS = 16
"""How many of our own pings are remembered until their log line comes (chosen: while logging is off, none comes)."""

LATE_S = 2.0
"""How long after we gave up on it a ping may still be carried out (chosen: several main loops of the board)."""

MAX_RAW_LINES = 100
"""The most lines of an answer that an operator sees (chosen); the board's longest has 5."""

T = TypeVar("T")


@define(eq=False, repr=False)
class V3Driver:
    """One connection to a v3 board."""

    link: Link[v3.Event]
    senses: Senses[int]
    survivors: frozenset[int] = frozenset({0})  # the controller's relay is latched, the others fall off (firmware)
    doubtful: frozenset[int] = frozenset()
    _sids: Iterator[str] = field(init=False, factory=v3.sids)
    _pings: dict[str, int] = field(init=False, factory=dict)  # our own pings whose log line has not come yet: sid to port
    _ages: Ages | None = field(init=False, default=None)  # as they were last told
    _agreed: dict[int, Ages] = field(init=False, factory=dict)  # the last answer about each port that was believed
    _doubted: dict[int, Ages] = field(init=False, factory=dict)  # one that the next answer has to confirm
    _up_since_s: float = field(init=False, default=-math.inf)  # when the board began, by its latest uptime
    _selector_moved: bool = field(init=False, default=True)  # at first nobody knows, and so the selector is put back once
    _failure_watch: FailureWatch = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._failure_watch = FailureWatch(self.senses, UNMANAGED_FAILURES)
        self.senses.sightings.counts_edges = lambda _port: True

    # Asking ------------------------------------------------------------------

    async def _ask(self, words: Sequence[str], parse: Callable[[Sequence[str]], T]) -> Answer[T]:
        """Send one request, again if it was not answered and may be repeated."""

        async def once() -> Answer[T]:
            sid = next(self._sids)
            return await self.link.request(v3.encode(sid, words), v3.reply_to(sid, words[0], parse), TIMEOUT_S)

        return await retry(once, REPEATS if v3.is_repeatable(words) else 1)

    async def _do(self, *words: str) -> float:
        """Send a command whose reply is empty; returns when the reply was read."""
        return (await self._ask(words, parse_nothing)).at_s

    async def greet(self) -> Identity:
        """Switch the board's log on, and ask which board it is."""
        await self._listen()
        board_id = (await self._ask(["id"], parse_id)).value
        boots = (await self._ask(["boots"], parse_boots)).value
        version = (await self._ask(["ver"], parse_ver)).value
        began_s = await self._began_s()
        await self._failures()
        self._selector_moved = True  # nobody knows what was started while nobody listened
        firmware = f"{version.hardware} / {version.firmware}"
        return Identity(None if set(board_id) == {"F"} else board_id, boots, firmware, began_s)

    async def _listen(self) -> None:
        """Switch the board's log on, which has most of the evidence: somebody else may have switched it off."""
        await self._do("log", "on")

    async def _began_s(self) -> int | None:
        """When the board was set up, in seconds since 1970 by its own clock, or None.

        The value is signed, because a dead clock chip puts it near 0. None: too much time passed between the two answers, because
        somebody else had commands in between.
        """
        clock = await self._ask(["rtc"], parse_rtc)
        up = await self._ask(["up"], parse_up)
        self._up_since_s = up.asked_at_s - up.value
        if up.at_s - clock.asked_at_s > RUNS_APART_S / 2:
            return None
        return (clock.value - up.value + CLOCK_WRAPS_S // 2) % CLOCK_WRAPS_S - CLOCK_WRAPS_S // 2

    async def hold_off(self) -> None:
        """Set the board's auto-start timer back, if this board powers the controller."""
        # The controller's own port runs, so its start is always refused, which sets the timer back.
        if self.senses.wiring.own is not None:
            await self._do("start", str(self.senses.wiring.own.port))

    # Polling -----------------------------------------------------------------

    async def poll(self, turn: int) -> None:
        """Read currents and ages each time, the enclosure and the rest less often."""
        currents = await self._ask(["cu"], parse_cu)
        before, ages = await self._ask_ages()
        self._ages = ages
        self._show(ages.value, currents.value)
        for port in self.senses.sightings.ports:
            agreed = before is not None and agree(before, ages, port) and self._is_credible(port, ages)
            self._tell_port(port, ages, currents, agreed=agreed)
        self.senses.shown.sensors["current_ma"] = (currents.value.system_ma, currents.at_s)
        if turn % SENSOR_POLLS == 0:
            enclosure = await self._ask(["env"], parse_env)
            self.senses.tell_enclosure(enclosure.value.temperature_c, enclosure.value.humidity_pct, enclosure.at_s)
        if turn % SLOW_POLLS == 0:
            await self._slow_poll()
        await self._restore_selector()
        for port in self._unfed(ages):
            await self.ping(port)

    def _is_credible(self, port: int, ages: Ages) -> bool:
        """Whether two answers that agree are enough: not for a silence that is older than the one that two agreed about before.

        No silence can become so, but a digit can be doubled in two answers in a row. If it was the earlier one that was damaged,
        a third answer says the same again.
        """
        last, doubted = self._agreed.get(port), self._doubted.pop(port, None)
        if last is not None and is_older(ages, last, port) and not (doubted is not None and agree(doubted, ages, port)):
            self._doubted[port] = ages
            return False
        self._agreed[port] = ages
        return True

    async def _ask_ages(self) -> tuple[Ages | None, Ages]:
        """The ages of the answer before, and of the latest one."""
        before, ages = self._ages, await self._ask(["hb"], parse_hb)
        if all(before is not None and agree(before, ages, port) for port in self._unfed(ages)):
            return before, ages
        # A ping ends what the timer shows of a silence: before it, how long that was has to be known.
        return ages, await self._ask(["hb"], parse_hb)

    def _unfed(self, ages: Ages) -> Sequence[int]:
        """The ports that the board would soon stop: those that run, and port 0, which the board only takes for running."""
        return [
            number
            for number, port in self.senses.power.ports.items()
            if (port.relay == "on" or (port.relay == "off" and number == ALWAYS_ENABLED)) and ages.value[number] >= PING_AGE_S
        ]

    def _show(self, ages_s: Sequence[float], currents: Currents) -> None:
        for port, current_ma in enumerate(currents.ports_ma):
            raw = self.senses.shown.ports.get(port, Reading()).temperature_raw
            self.senses.shown.ports[port] = Reading(ages_s[port], current_ma, temperature_raw=raw)

    def _tell_port(self, port: int, ages: Ages, currents: Answer[Currents], *, agreed: bool) -> None:
        """Report what a port shows: beats first, then the silence that they leave, once two answers in a row agree about it."""
        age_s, current_ma = ages.value[port], currents.value.ports_ma[port]
        supply = supply_of(current_ma)
        silent_since_s = self.senses.sightings.aged(port, age_s, ages.asked_at_s, ages.at_s)
        self.senses.power.polled(port, currents.asked_at_s, supply)
        self.senses.tell(port, Answered(currents.asked_at_s, supply))
        stirred_at_s = self.senses.sightings.stirred_at_s(port)
        self.senses.tell(port, Listened(ages.asked_at_s, silent_since_s if agreed else ages.asked_at_s, stirred_at_s))

    async def _slow_poll(self) -> None:
        await self._listen()
        for port, raw in enumerate((await self._ask(["th"], parse_th)).value):
            old = self.senses.shown.ports.get(port, Reading())
            self.senses.shown.ports[port] = Reading(old.age_s, old.current_ma, temperature_raw=raw)
        await self._failures()

    async def _failures(self) -> None:
        self._failure_watch.told((await self._ask(["fc"], parse_fc)).value, self._now_s)

    @property
    def _now_s(self) -> float:
        return self.link.last_heard_s or 0.0

    async def _restore_selector(self) -> None:
        """Put the controller's media selector back where the configuration has it, if a start has moved it."""
        own = self.senses.wiring.own
        if own is None or own.primary is None or not self._selector_moved:
            return
        self._selector_moved = False  # True again if the selector is moved once more meanwhile
        try:
            await self._ask(["bs", str(own.port), own.primary], parse_bs(own.primary))
        except BoardError:
            self._selector_moved = True
            raise

    async def take_stock(self) -> None:
        """Report ports that the board has started: they draw current, or their timer is younger than the board's start.

        The oldest timer began with the board. If the board is older than that, all ports may have been started, and only a meter
        tells. So it does of a port whose timer no two answers agree about.
        """
        agreed = await self._agreed_ages()
        oldest_s = max(agreed.values(), default=0.0)
        may_be_started = abs(self._now_s - self._up_since_s - oldest_s) > SET_UP_S
        for port in self.senses.sightings.ports:
            current_ma = self.senses.shown.ports[port].current_ma
            if (current_ma or 0) >= DRAWS_MA or agreed.get(port, math.inf) < oldest_s - TOUCHED_S:
                self.senses.power.seen_on(port, self._now_s, why="the board started it after its restart")
            elif (may_be_started or port not in agreed) and current_ma is None:
                self.senses.power.found(
                    port, self._now_s, "nobody knows whether the board started it after its restart", "unknown"
                )

    async def _agreed_ages(self) -> Mapping[int, float]:
        """The age of each timer about which the last two answers agree: one of them, damaged, makes all others look younger."""
        agreed = dict[int, float]()
        for _ in range(MOST_LOOKS):
            before, self._ages = self._ages, await self._ask(["hb"], parse_hb)
            agreed = {
                port: age_s
                for port, age_s in enumerate(self._ages.value)
                if before is not None and agree(before, self._ages, port)
            }
            if len(agreed) == len(self._ages.value):
                break
        return agreed

    # Switching ---------------------------------------------------------------

    async def switch_on(self, action: SwitchOn[int]) -> None:
        """Choose the medium, enable the port, start it."""
        port = str(action.port)
        if action.media is not None and action.port in SELECTOR_PORTS:
            await self._ask(["bs", port, action.media], parse_bs(action.media))
        # The board may start an enabled port by itself: a port is enabled only if it is still wanted on.
        if self.senses.power.is_taken_back(action.port):
            return
        self.senses.sightings.switched(action.port, await self._do("enable", port))
        if self.senses.power.is_taken_back(action.port):
            return
        self._selector_moved |= action.port not in SELECTOR_PORTS
        await self._do("start", port)

    async def switch_off(self, action: SwitchOff[int]) -> None:
        """Disable the port. A port that still runs although it is disabled is enabled first: then there is something to cut."""
        port = str(action.port)
        if self.senses.power.ports[action.port].resists:
            await self._do("enable", port)
        self.senses.sightings.switched(action.port, await self._do("disable", port))
        if action.port == ALWAYS_ENABLED:
            await self.ping(action.port)

    async def ping(self, port: int) -> None:
        """Reset the board's timer of a port. The log line and the younger timer that follow are our own, whatever the answer."""
        sid = next(self._sids)
        self._pings[sid] = port
        if len(self._pings) > MOST_PINGS:
            del self._pings[next(iter(self._pings))]
        match = v3.reply_to(sid, "ping", parse_nothing)
        try:
            answer = await self.link.request(v3.encode(sid, ["ping", str(port)]), match, TIMEOUT_S)
        except BoardError:
            self.senses.sightings.state_changed(port, trio.current_time() + LATE_S)
            raise
        self.senses.sightings.state_changed(port, answer.at_s)

    async def stop_later(self, port: int, grace_s: int) -> None:
        """Have the board stop a port; the board logs when it begins."""
        await self._ask(["stop", str(port), str(grace_s)], tuple)

    async def raw(self, words: Sequence[str], *, force: bool) -> Sequence[str]:
        """Send an operator's command; returns the lines of the board's answer.

        Raises:
            CallerError: it would fight the service, or the board would misread it.
        """
        if v3.fights_service(words) and not force:
            raise CallerError(
                f"'{' '.join(words)}' would work against the service: use the commands of wagman instead, or --force"
            )
        if words[0] == "ping" and len(words) == 2:  # noqa: PLR2004 - the command and its port
            v3.encode("check", words)
            await self.ping(int(words[1]))
            return ()
        return (await self._ask(words, lambda lines: tuple(lines)[:MAX_RAW_LINES])).value

    # Listening ---------------------------------------------------------------

    def heard(self, event: v3.Event, at_s: float) -> None:
        """Take a log line; other bytes mean nothing."""
        if not isinstance(event, v3.Log):
            return
        try:
            told = parse_log(event)
        except BoardProtocolError:
            return  # garbled on the way: the next report repeats it
        match told:
            case PortLog():
                self._port_log(told, event.inside_sid, at_s)
            case EnabledReport():
                for port in set(self.senses.sightings.ports) - {ALWAYS_ENABLED}:
                    self.senses.power.seen_kept(port, kept=not told.ports[port], at_s=at_s)
            case Enclosure():
                self.senses.tell_enclosure(told.temperature_c, told.humidity_pct, at_s)
            case FailureReport():
                self._failure_watch.told(told.counts, at_s)

    def _port_log(self, log: PortLog, inside_sid: str | None, at_s: float) -> None:
        match log.what:
            case "heartbeat":
                if not self._is_own_ping(log.port, inside_sid):
                    self.senses.sightings.beat_logged(log.port, at_s)
            case "starting primary" | "starting secondary":
                self._seen_starting(log.port, at_s)
            case "killing":
                self.senses.sightings.switched(log.port, at_s)
                self.senses.power.seen_off(log.port, at_s)
            case "stopping" | "heartbeat timeout" | "unmanaged switch":
                self.senses.sightings.state_changed(log.port, at_s)
                self._board_stops(log, at_s)

    def _is_own_ping(self, port: int, inside_sid: str | None) -> bool:
        """Whether one of our pings explains this heartbeat; each explains one. Outside a frame it may belong to a damaged one."""
        explains = (sid for sid, pinged in self._pings.items() if pinged == port and inside_sid in (None, sid))
        sid = next(explains, None)
        if sid is not None:
            del self._pings[sid]
        return sid is not None

    def _seen_starting(self, port: int, at_s: float) -> None:
        self.senses.sightings.switched(port, at_s)
        self._selector_moved |= port not in SELECTOR_PORTS
        goal = self.senses.power.ports[port].goal if port in self.senses.power.ports else None
        self.senses.power.seen_on(port, at_s, goal.media if goal else None)

    def _board_stops(self, log: PortLog, at_s: float) -> None:
        """The board stops a port by itself; its guest can still be asked to halt."""
        self.senses.note("board.log", log.port, text=log.what)
        own = self.senses.wiring.own
        is_own = own is not None and log.port == own.port and log.what == "stopping"
        if is_own or log.port in self.senses.power.ports:
            self.senses.tell(log.port, BoardStopping(at_s, f"the board is about to cut it: {log.what}"))


def supply_of(current_ma: int | None) -> Supply:
    """Whether a port has power, by its current. A guest that sleeps draws little, and a failed sensor shows nothing: unknown."""
    if current_ma is None or 0 < current_ma < DRAWS_MA:
        return "unknown"
    return "on" if current_ma else "off"


@define
class V3Dialect:
    """Boards that speak text."""

    name: str = "v3"
    resync: bytes = v3.RESYNC

    def decoder(self) -> v3.Decoder:
        """A decoder for a new connection."""
        return v3.Decoder()

    def driver(self, link: Link[v3.Event], senses: Senses[int]) -> V3Driver:
        """The driver on that link."""
        return V3Driver(link, senses)
