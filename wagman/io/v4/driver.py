"""The driver for v4 boards, which speak sensorgrams.

How it works around what the firmware does by itself:

- A port cannot be disabled, and the board starts a stopped one after a minute. A port that is to stay off is *parked*: killed,
  taken for started by a ping, which moves no relay, and told to stop with the longest grace there is. So it is stopping, without
  power, for 49.7 days, and neither timers nor heartbeats end that, whether the service lives or not. It is parked anew every
  week.
  A port that the board has disabled stays off by itself and is left alone.
- To leave the parking lot a port is killed again; only then it can be started.
- The board reports the state of each port. A kill was carried out if the port is stopped afterwards; a start, if it is started
  afterwards, because a request is carried out in the pass before the next one is answered. Neither shows the relay itself: counts
  of current do.
- After a restart the board takes enabled ports for stopped, but its relays are latched, and guests run on. A port that runs is
  *claimed* by another start, which moves no relay either: a port that became started by its guest's heartbeat alone is
  unmanaged to the board, and is power-cycled after four hours. A port without power is parked, first of all.
- The board counts its boots from 1 again once its memory is lost. A board whose uptime is shorter than it was out of sight has
  restarted.
- A stop that the board has begun by itself can be put off: the guest keeps its power until it has halted.
- Unmanaged ports (30 failures) are claimed every three hours, because that sets the four hours back.
- Of heartbeats only the age of the latest is known. Enclosure readings come only with the minute report.

A poll is one write: states, ages and currents are of the same pass of the board's main loop.
"""

from collections.abc import Mapping, Sequence

import trio
from attrs import define, field

from wagman.config.wagman import PING_AGE_S, PORTS, SELECTOR_PORTS
from wagman.io.board.driver import SLOW_POLLS, FailureWatch, Reading, Senses
from wagman.io.board.power import SwitchOff, SwitchOn
from wagman.io.serial.link import REPEATS, Answer, Link, retry
from wagman.io.v4 import codec as v4
from wagman.io.v4.asking import Asking, Look, going_on, values_of
from wagman.io.v4.codec import Sensorgram
from wagman.io.v4.firmware import AGAIN_S, CLAIM_S, EDGE_PORT, LATE_S, LOOKS, REPARK_S, UNMANAGED_FAILURES
from wagman.io.v4.requests import (
    BOOTS,
    DISABLED,
    EERESET,
    ENABLE,
    FC,
    ID,
    LONGEST_GRACE_S,
    MEDIA,
    PING,
    RESET,
    SET_MEDIA,
    START,
    STARTED,
    STATE,
    STOP,
    STOPPED,
    STOPPING,
    TH,
    UPTIME,
    id_of,
    parse_report,
    request_in,
    text_of,
)
from wagman.io.v4.run import Run
from wagman.model.backend import Identity
from wagman.model.errors import BoardProtocolError, CallerError
from wagman.model.facts import Answered, BoardStopping, Listened

FIGHTING = frozenset(request.name for request in (START, STOP, RESET, EERESET, ENABLE, SET_MEDIA, PING))
"""Raw requests that would undo what the service does."""


@define(eq=False, repr=False)
class V4Driver:
    """One connection to a v4 board."""

    link: Link[v4.Event]
    senses: Senses[int]
    survivors: frozenset[int] = frozenset(PORTS)  # all relays are latched: the ports that still had power after a restart
    doubtful: frozenset[int] = frozenset()  # the ports whose current nobody can read
    _ask: Asking = field(init=False)
    _looks: dict[int, Look] = field(init=False, factory=dict)
    _unclaimed: set[int] = field(init=False, factory=set)  # ports that were not started since the board restarted
    _claimed_s: dict[int, float] = field(init=False, factory=dict)
    # when a kill was sent to ports whose off was not confirmed yet
    _kill_sent_s: dict[int, float] = field(init=False, factory=dict)
    _put_off: set[int] = field(init=False, factory=set)  # ports whose stop has been put off
    _selector_moved: bool = field(init=False, default=True)  # at first nobody knows, and so the selector is put back once
    _failure_watch: FailureWatch = field(init=False)
    _run: Run = field(init=False, factory=Run)

    def __attrs_post_init__(self) -> None:
        self._ask = Asking(self.link)
        self._failure_watch = FailureWatch(self.senses, UNMANAGED_FAILURES)
        self.senses.sightings.counts_edges = EDGE_PORT.__eq__

    async def _look(self) -> dict[int, Look]:
        """Look at all ports, and note whose timers were reset."""
        # A change of state resets the port's timer, and so does a kill that was not confirmed yet.
        looks = {port: going_on(look, self._looks.get(port)) for port, look in (await self._ask.looks()).items()}
        for port, look in looks.items():
            has_changed = port in self._looks and self._looks[port].state != look.state
            if has_changed or port in self._kill_sent_s:
                self.senses.sightings.state_changed(port, max(look.state_at_s, look.age.at_s))
            if has_changed and look.state == STARTED and port not in SELECTOR_PORTS:
                self._selector_moved = True  # these ports move the controller's selector when they start
        self._looks, self._run.seen_at_s = looks, self._now_s
        self._tell_own(looks)
        return looks

    def _tell_own(self, looks: Mapping[int, Look]) -> None:
        """Report that the board is about to cut the controller; the service acts on that elsewhere."""
        # Repeated with every look, as v3 boards repeat it.
        own = self.senses.wiring.own
        if own is not None and looks[own.port].state == STOPPING:
            self.senses.note("board.log", own.port, text="stopping")
            self.senses.tell(own.port, BoardStopping(self._now_s, "the board has begun to stop it"))

    async def greet(self) -> Identity:
        """Ask which board this is."""
        board_id = (await retry(lambda: self._ask.do(ID.ask()), REPEATS)).value[0]
        boots, up, *failures = await self._ask.read(BOOTS.ask(), UPTIME.ask(), *map(FC.ask, PORTS))
        self._run.told(up)
        self._failure_watch.told(values_of(failures), self._now_s)
        self._selector_moved = True  # nobody knows what was started while nobody listened
        return Identity(id_of(board_id), boots.value, None, anew=self._run.is_new)

    @property
    def _now_s(self) -> float:
        return self.link.last_heard_s or 0.0

    @property
    def _guests(self) -> Sequence[int]:
        return tuple(self.senses.power.ports)

    # Polling -----------------------------------------------------------------

    async def poll(self, turn: int) -> None:
        """Read states, ages and currents each time, the rest less often; then keep the board from what nobody wants."""
        looks = await self._look()
        for port, look in looks.items():
            old = self.senses.shown.ports.get(port, Reading())
            self.senses.shown.ports[port] = Reading(look.age.value, None, look.counts, old.temperature_raw)
        for port in self._guests:
            self._tell_port(port, looks[port])
        if turn % SLOW_POLLS == 0:
            await self._slow_poll()
        await self._restore_selector()
        for port in self._guests:
            await self._keep(port, looks[port])

    def _tell_port(self, number: int, look: Look) -> None:
        """Report what a port shows: beats first, then the silence that they leave, then what the board has done by itself."""
        age = look.age
        silent_since_s = self.senses.sightings.aged(number, age.value, age.asked_at_s, age.at_s)
        self.senses.power.polled(number, look.counted_at_s, look.supply)
        self.senses.tell(number, Answered(look.counted_at_s, look.supply))
        self.senses.tell(number, Listened(age.asked_at_s, silent_since_s, self.senses.sightings.stirred_at_s(number)))
        if self.senses.power.ports[number].pending is None:
            self._compare(number, look)

    def _compare(self, number: int, look: Look) -> None:
        """Compare what the board says of a port with what is believed of it, while no command is under way."""
        power, believed = self.senses.power, self.senses.power.ports[number].relay
        is_off = look.state in (DISABLED, STOPPED)
        if believed == "on" and is_off and look.supply == "off":
            power.seen_off(number, look.state_at_s)
        elif believed == "on" and is_off and look.supply == "unknown":
            power.doubt(number)
        elif look.state == STARTED and (believed == "on" or (believed == "off" and look.supply == "unknown")):
            power.seen_on(number, look.state_at_s)
        elif believed == "off":
            power.seen_kept(number, kept=look.state in (DISABLED, STOPPING), at_s=look.counted_at_s)

    async def _slow_poll(self) -> None:
        answers = await self._ask.read(*map(TH.ask, PORTS), *map(FC.ask, PORTS))
        for port in PORTS:
            old = self.senses.shown.ports[port]
            self.senses.shown.ports[port] = Reading(old.age_s, None, old.current_raw, answers[port].value)
        self._failure_watch.told(values_of(answers[len(PORTS) :]), self._now_s)

    async def _restore_selector(self) -> None:
        """Put the controller's media selector back where the configuration has it, if a start has moved it."""
        own = self.senses.wiring.own
        if own is None or own.primary is None or not self._selector_moved:
            return
        await self._ask.do(SET_MEDIA.ask(own.port, MEDIA.index(own.primary)))
        # A start that moves it after that cannot have been seen yet: the next request leaves after this reply, and a v4 board
        # tells nothing unasked.
        self._selector_moved = False

    async def take_stock(self) -> None:
        """Do nothing: each poll reports the states and currents."""

    # Keeping -----------------------------------------------------------------

    async def hold_off(self) -> None:
        """Park the ports without power that the restarted board takes for stopped: it would start them within a minute."""
        looks = await self._look()
        self.survivors = frozenset(port for port, look in looks.items() if look.supply == "on")
        self.doubtful = frozenset(port for port, look in looks.items() if look.supply == "unknown")
        self._unclaimed, self._selector_moved = set(self._guests), True
        self._put_off.clear()
        self._kill_sent_s.clear()
        for port in self._guests:
            if looks[port].state == STOPPED and looks[port].supply == "off":
                await self._park(port)
        self._run.is_new = False

    async def _keep(self, number: int, look: Look) -> None:
        """Keep the board from doing by itself to a port what nobody wants."""
        port = self.senses.power.ports[number]
        if port.goal.level == "off" and look.state == STOPPED and look.supply == "off":
            await self._park(number)  # its kill was carried out, which nobody could see then
        if port.pending is not None:
            return
        if port.relay == "off" and look.state == STOPPING and look.age.value >= REPARK_S:
            await self._kill_and_park(number)
        elif port.relay == "on" and look.state == STOPPING:
            await self._put_stop_off(number)
        elif port.relay == "on":
            await self._keep_on(number, look)

    async def _keep_on(self, number: int, look: Look) -> None:
        """Have the board manage a port that runs, and keep it from stopping the port because it does not hear it."""
        self._put_off.discard(number)
        if look.state == DISABLED:
            return  # the board leaves the port alone, and a ping would have it disabled once more
        if self._must_claim(number, look):
            await self._start(number, self.senses.power.ports[number].goal.media)
        elif look.age.value >= PING_AGE_S:
            await self.ping(number)

    def _must_claim(self, number: int, look: Look) -> bool:
        is_managed = number >= len(self.senses.shown.failures) or self.senses.shown.failures[number] < UNMANAGED_FAILURES
        is_due = not is_managed and self._now_s >= self._claimed_s.get(number, 0.0) + CLAIM_S
        return look.state == STOPPED or number in self._unclaimed or is_due

    async def _put_stop_off(self, number: int) -> None:
        """Put off a stop that the board has begun by itself, for long, and report it: the guest can be asked to halt."""
        if number in self._put_off:
            return
        answer = await self._touch(number, STOP.ask(number, LONGEST_GRACE_S))
        self._put_off.add(number)
        self.senses.note("board.log", number, text="stopping")
        self.senses.tell(number, BoardStopping(answer.at_s, "the board has begun to stop it"))

    # Switching ---------------------------------------------------------------

    async def switch_on(self, action: SwitchOn[int]) -> None:
        """Leave the parking lot, choose the medium, start; the state read afterwards is the evidence.

        A port that is stopping and draws current is not parked: to kill it would be a cut. Its start is refused, and it counts as
        on.
        """
        look = (await self._look())[action.port]
        is_on = look.state == STOPPING and look.supply == "on"
        may_be_on = is_on or self.senses.power.ports[action.port].is_doubtful
        if look.state == STOPPING and not may_be_on and await self._killed(action.port) is None:
            return
        self._kill_sent_s.pop(action.port, None)
        await self._start(action.port, action.media)
        (state,) = await self._ask.read(STATE.ask(action.port))
        if is_on or state.value == STARTED:
            self.senses.sightings.switched(action.port, state.at_s)
            self.senses.power.seen_on(action.port, state.at_s, action.media)

    async def _start(self, number: int, media: str | None) -> None:
        """Start a port. If it runs already, its relay does not move, and the board counts it as started by a command."""
        if media is not None and number in SELECTOR_PORTS:
            await self._ask.do(SET_MEDIA.ask(number, MEDIA.index(media)))
        if self.senses.power.is_taken_back(number):
            return
        answer = await self._touch(number, START.ask(number))
        self._unclaimed.discard(number)
        self._claimed_s[number] = answer.at_s
        self._selector_moved |= number not in SELECTOR_PORTS

    async def _touch(self, port: int, *asked: Sensorgram) -> Answer[tuple[Sensorgram, ...]]:
        """Make requests that reset the port's timer, whether their answer comes or not."""
        try:
            return await self._ask.do(*asked)
        finally:
            self.senses.sightings.state_changed(port, trio.current_time() + LATE_S)

    async def switch_off(self, action: SwitchOff[int]) -> None:
        """Kill the port and park it; a port that the board has disabled, and that has no power, is off for good."""
        is_doubtful = action.port in self._kill_sent_s or self._looks[action.port].state == DISABLED
        if is_doubtful and await self._need_not_be_killed(action.port):
            return
        off_at_s = await self._kill_and_park(action.port)
        if off_at_s is not None:
            self.senses.power.seen_off(action.port, off_at_s)

    async def _need_not_be_killed(self, number: int) -> bool:
        """Look once more before the power is cut: the port may be off for good, or the board may have switched it on again."""
        look = (await self._look())[number]
        if look.state == DISABLED and look.supply == "off":
            self.senses.power.seen_off(number, look.state_at_s)
            return True
        if not self._came_back(number, look):
            return False
        del self._kill_sent_s[number]
        self.senses.power.found(number, look.state_at_s, "the board started it again")
        return True

    def _came_back(self, number: int, look: Look) -> bool:
        """Whether the board may have started the port again: it was killed before, and was started at least a minute later.

        The same shows if the kill was lost and the guest beats; then the guest is asked once more. An operator's kill asks
        nobody.
        """
        sent_s = self._kill_sent_s.get(number)
        if sent_s is None or self.senses.power.ports[number].goal.firm:
            return False
        return look.state == STARTED and look.supply != "off" and look.age.at_s - look.age.value > sent_s + AGAIN_S

    async def _kill_and_park(self, number: int) -> float | None:
        """Kill a port and park it; returns the latest time since which it is off, or None if nobody knows."""
        killed_at_s = await self._killed(number)
        if killed_at_s is None or not await self._park(number):
            return None
        del self._kill_sent_s[number]
        return killed_at_s

    async def _killed(self, number: int) -> float | None:
        """Cut the power; returns when the port was stopped, at the latest, or None if that was not seen."""
        self._kill_sent_s.setdefault(number, trio.current_time())
        await self._touch(number, STOP.ask(number, 0))
        for _ in range(LOOKS):
            (state,) = await self._ask.read(STATE.ask(number))
            if state.value == STOPPED:
                self.senses.sightings.switched(number, state.at_s)
                return state.at_s
        return None

    async def _park(self, number: int) -> bool:
        """Have a stopped port be stopping for as long as possible; returns whether it is."""
        answer = await self._touch(number, PING.ask(number), STOP.ask(number, LONGEST_GRACE_S), STATE.ask(number))
        return answer.value[-1].number == STOPPING

    async def ping(self, port: int) -> None:
        """Reset the board's timer of a port."""
        await self._touch(port, PING.ask(port))

    async def stop_later(self, port: int, grace_s: int) -> None:
        """Have the board stop a port; the look at the end notices that it has begun."""
        await self._touch(port, STOP.ask(port, grace_s))
        await self._look()

    async def raw(self, words: Sequence[str], *, force: bool) -> Sequence[str]:
        """Send an operator's request, such as `state 1` or `stop 1 60`; a read without a port asks for all.

        Raises:
            CallerError: it would fight the service, or there is no such request.
        """
        request, numbers = request_in(words)
        if request.name not in FIGHTING:
            asked = [request.ask(*numbers)] if numbers else request.ask_all()
            return tuple(map(text_of, (await self._ask.do(*asked)).value))
        if not force:
            raise CallerError(
                f"'{' '.join(words)}' would work against the service: use the commands of wagman instead, or --force"
            )
        command = request.ask(*numbers)
        answer = await (self._touch(numbers[0], command) if numbers else self._ask.do(command))
        if request is STOP:
            await self._look()  # the board itself does not report that it has begun
        return (text_of(answer.value[0]),)

    # Listening ---------------------------------------------------------------

    def heard(self, event: v4.Event, at_s: float) -> None:
        """Take a minute report; other bytes mean nothing."""
        if not isinstance(event, v4.Line):
            return
        try:
            report = parse_report(event.sensorgrams)
        except BoardProtocolError:
            return  # damaged on the way: the next report repeats it
        if report is not None:
            self.senses.tell_enclosure(report.temperature_c, report.humidity_pct, at_s)


@define
class V4Dialect:
    """Boards that speak sensorgrams."""

    name: str = "v4"
    resync: bytes = v4.RESYNC

    def decoder(self) -> v4.Decoder:
        """A decoder for a new connection."""
        return v4.Decoder()

    def driver(self, link: Link[v4.Event], senses: Senses[int]) -> V4Driver:
        """The driver on that link."""
        return V4Driver(link, senses)
