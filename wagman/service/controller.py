"""The controller's own life: the computer that this service runs on is on the board, too, and has no machine.

The board power-cycles it when it has not been fed its heartbeat for an hour; `wagman.io.board.task` feeds it while the service is
healthy. Before it cuts the power, for that or for any other reason, the board says so: then the controller is shut down in
an orderly way. A restart that an operator asks for takes the same path: the board is told to stop the port after a while, and
its own notice that it has begun is what shuts the controller down. The board starts it again a minute after the cut.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import trio
from attrs import define, field

from wagman.config.schema import DeviceConfig
from wagman.io.board.task import Board
from wagman.model.errors import BoardError, CallerError
from wagman.model.facts import Draft, Plug, Verdict
from wagman.store import Journal
from wagman.store.event import rfc3339

RESTART_GRACE_S = 180
"""How long a restart leaves the controller to shut down before the board cuts its power (chosen: twice systemd's 90 s)."""

NOTICE_S = 12.0
"""How long the board's notice is waited for (firmware: it is repeated every 10 s)."""

PATIENCE_S = 3600.0 + 60.0
"""The board cuts a controller that it has not heard for so long (firmware: an hour, and a minute of grace)."""

REFUSES = Verdict(accepted=False, state="started", reason="the service runs on it: it can only be restarted")
"""The answer to every command but a restart."""


@define(eq=False, repr=False)
class Controller:
    """The controller as a device of the board.

    Args:
        device: None where it hangs on no board that it has to feed.
        io: that board.
        power_off: has the controller shut down; may raise OSError. None: there is no way to.
    """

    device: DeviceConfig | None
    io: Board | None
    journal: Journal
    wall: Callable[[], datetime]
    power_off: Callable[[], None] | None = None
    began_s: float = field(factory=trio.current_time, init=False)
    _notice: trio.Event = field(factory=trio.Event, init=False)  # the next notice that the board has begun to stop it
    _goes_down: bool = field(default=False, init=False)
    _hitch: str = field(default="", init=False)  # why it could not be shut down

    def board_stopping(self, plug: Plug) -> None:
        """A board has begun to stop a port: where that is the controller's own, it is shut down."""
        if self.device is None or plug != self.device.plug:
            return
        self._notice.set()
        self._notice = trio.Event()
        if not self._goes_down:
            self._go_down(self.device.name)

    def _go_down(self, name: str) -> None:
        """Shut it down; where that fails, the board's next notice is another chance, and the failure is told once."""
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
            raise OSError("this service has no way to shut the controller down: install it with wagman install-service")
        self.power_off()

    async def restart(self) -> Verdict:
        """Have the board stop and start the controller; accepted once the board has begun."""
        if self.device is None or self.io is None or self.power_off is None:
            return _refused("this service has no way to shut the controller down: install it with wagman install-service")
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
        """For how long the board has not had a heartbeat of the controller, as far as is known; None where it needs none."""
        if self.device is None:
            return None
        fed_at_s = self._fed_at_s
        return trio.current_time() - (self.began_s if fed_at_s is None else fed_at_s)

    def unfed(self) -> Draft | None:
        """The service ends, and none is known to follow: when the board will power-cycle the controller."""
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
        """When the board heard the controller last, as far as is known."""
        if self.device is None or self.io is None:
            return None
        reading, answered_s = self.io.shown.ports.get(self.device.port), self.io.answered_s
        heard_at_s = answered_s - reading.age_s if reading and reading.age_s is not None and answered_s is not None else None
        return max((at_s for at_s in (heard_at_s, self.io.fed_at_s) if at_s is not None), default=None)


def _refused(reason: str) -> Verdict:
    return Verdict(accepted=False, state="started", reason=reason)
