"""The controller, the computer that this service runs on: its power comes from the board, too, and no machine looks after it.

The board power-cycles the controller an hour after it heard the controller's last heartbeat. `wagman.io.board.task` sends these
heartbeats while the service is healthy. The board announces every power cycle of the controller, whatever the cause. On this
notice the controller is shut down in an orderly way.

`wagman restart` of the controller takes the same path: the service orders the board to stop the port later, the board's notice
shuts the controller down, and the board starts the controller again a minute after the cut.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import trio
from attrs import define, field

from wagman.config.installer import installer
from wagman.config.schema import DeviceConfig
from wagman.io.board.task import Board
from wagman.model.errors import BoardError, CallerError
from wagman.model.facts import Draft, Plug, Verdict
from wagman.store import Journal
from wagman.store.event import rfc3339

RESTART_GRACE_S = 180
"""How long a restart leaves the controller to shut down before the board cuts its power (chosen: twice systemd's 90 s)."""

NOTICE_S = 12.0
"""How long a restart waits for the board's notice (firmware: the notice is repeated every 10 s)."""

PATIENCE_S = 3600.0 + 60.0
"""The board cuts the power of a controller that it has not heard for so long (firmware: an hour, and a minute of grace)."""

REFUSES = Verdict(accepted=False, state="started", reason="the service runs on it: it can only be restarted")
"""The answer to every command for the controller but `restart`."""


@define(eq=False, repr=False)
class Controller:
    """The controller as a guest of the board.

    Args:
        device: its table in the configuration; None where it is on no board that needs its heartbeat.
        io: that board.
        power_off: has the controller shut down, may raise OSError; None where the service has no means to do so.
    """

    device: DeviceConfig | None
    io: Board | None
    journal: Journal
    wall: Callable[[], datetime]
    power_off: Callable[[], None] | None = None
    began_s: float = field(factory=trio.current_time, init=False)
    # Set by the board's next notice that it has begun to stop the controller.
    _notice: trio.Event = field(factory=trio.Event, init=False)
    _goes_down: bool = field(default=False, init=False)
    _hitch: str = field(default="", init=False)  # why the latest shutdown failed; empty if it did not

    def board_stopping(self, plug: Plug) -> None:
        """Take in that a board has begun to stop a port. If that port powers the controller, shut the controller down."""
        if self.device is None or plug != self.device.plug:
            return
        self._notice.set()
        self._notice = trio.Event()
        if not self._goes_down:
            self._go_down(self.device.name)

    def _go_down(self, name: str) -> None:
        """Shut the controller down. A failure is recorded once; the board repeats its notice, and each notice is another try."""
        fields = {"reason": "the board has begun to stop it, and will cut its power", "shut_down": True}
        hitch, self._hitch = self._hitch, ""
        try:
            self._shut_down()
            self._goes_down = True
        except OSError as error:
            self._hitch = str(error)
            fields |= {"shut_down": False, "error": self._hitch}
        if self._goes_down or self._hitch != hitch:
            self.journal.record([(Draft("controller.going_down", name, fields), None)])

    def _shut_down(self) -> None:
        if self.power_off is None:
            raise OSError(_no_way())
        self.power_off()

    async def restart(self) -> Verdict:
        """Have the board stop the controller in `RESTART_GRACE_S`, and start it again; accepted once the board announces it."""
        if self.device is None or self.io is None or self.power_off is None:
            return _refused(_no_way())
        notice, self._goes_down, self._hitch = self._notice, False, ""
        try:
            await self.io.stop_later(self.device.port, RESTART_GRACE_S)
        except (BoardError, CallerError) as error:
            return _refused(f"the board cannot be asked: {error}")
        with trio.move_on_after(NOTICE_S):
            await notice.wait()
        if not notice.is_set():
            return _refused("the board did not begin to stop it")
        going = f"cannot be shut down so far: {self._hitch}" if self._hitch else "shutting down"
        return Verdict(accepted=True, state="started", reason=f"{going}; the board cuts it in {RESTART_GRACE_S} s")

    def unfed_s(self) -> float | None:
        """Return for how long the board has not heard the controller, as far as known; None if it needs no heartbeat."""
        if self.device is None:
            return None
        fed_at_s = self._fed_at_s
        return trio.current_time() - (self.began_s if fed_at_s is None else fed_at_s)

    def unfed(self) -> Draft | None:
        """The event of a service that ends without a known successor: when the board will power-cycle the controller."""
        if self.device is None:
            return None
        fed_at_s = self._fed_at_s
        if fed_at_s is None:
            return Draft("controller.unfed", self.device.name, {"power_cycle_at": None})
        left_s = fed_at_s + PATIENCE_S - trio.current_time()
        at = rfc3339(self.wall() + timedelta(seconds=left_s))
        return Draft("controller.unfed", self.device.name, {"power_cycle_at": at, "in_s": round(left_s)})

    @property
    def _fed_at_s(self) -> float | None:
        """The time on trio's clock at which the board last heard the controller, or None where that is not known."""
        if self.device is None or self.io is None:
            return None
        reading, answered_s = self.io.shown.ports.get(self.device.port), self.io.answered_s
        heard_at_s = answered_s - reading.age_s if reading and reading.age_s is not None and answered_s is not None else None
        return max((at_s for at_s in (heard_at_s, self.io.fed_at_s) if at_s is not None), default=None)


def _no_way() -> str:
    return f"this service has no way to shut the controller down: install it with {installer()}"


def _refused(reason: str) -> Verdict:
    return Verdict(accepted=False, state="started", reason=reason)
