"""`{ serial = "/dev/ttyUSB3" }`: bytes arrive from the guest's console, whatever they say."""

import trio
from attrs import define, field, frozen

from wagman.config.kinds import SERIAL_PORT, Kind
from wagman.config.setting import setting
from wagman.io.ears.hearing import Source
from wagman.io.ears.network import Network
from wagman.io.ears.passive import TURN_S, PassiveEar, PassiveEarConfig, Shared
from wagman.io.ears.silence import SLACK_S
from wagman.io.serial.transport import Opener, Transport, open_serial
from wagman.model.errors import BoardError

RETRY_S = 5.0
"""The pause before a port that cannot be opened is tried again (chosen)."""

BACKLOG_S = 1.0
"""How long reading takes at most what a port has kept (chosen: Linux keeps 64 KiB)."""

BAUDS = (300, 600, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 921_600)
"""The rates in use, except 1200, which sends some boards into their flash programmer."""


def _read_baud(value: object) -> int:
    if type(value) is not int or value not in BAUDS:
        raise ValueError(BAUD.wants)
    return value


BAUD = Kind(f"one of the rates {', '.join(map(str, BAUDS))}", _read_baud)


@frozen(kw_only=True)
class SerialEar(PassiveEarConfig):
    """An ear at a serial console of the guest."""

    kind = "serial"
    about = "The guest writes to a serial port: any byte is a heartbeat. Firmware and a kernel that panics write there, too."
    shows = "kernel"
    networked = False

    serial: str = field(metadata=setting(SERIAL_PORT, "The serial port of this computer. No other program may read it."))
    baud: int = field(default=115_200, metadata=setting(BAUD, "The port's rate, in bits per second."))

    def ear(self, guest: str, source: Source, network: Network, shared: Shared) -> PassiveEar:  # noqa: ARG002 - nothing is shared
        """See `PassiveEarConfig`."""
        return SerialListener(self, source, network, opener=self.open)

    async def open(self) -> Transport:
        """Open the port.

        Raises:
            BoardError: it cannot be opened.
        """
        return await open_serial(self.serial, self.baud)


@define(eq=False)
class SerialListener(PassiveEar):
    """The ear at a serial port; it also reads the port."""

    opener: Opener = field(kw_only=True)
    read_until_s: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Read the port, and check whether the guest has been silent, until cancelled."""
        self.line = self
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            while True:
                try:
                    await self._read()
                except BoardError as error:  # the port is not there, is held by somebody else, or was unplugged
                    self.deaf(str(error))
                await trio.sleep(RETRY_S)

    async def _read(self) -> None:
        port = await self.opener()
        try:
            self.read_until_s = current_s = trio.current_time()
            self.opened()
            while True:
                turn_s = trio.current_time()
                with trio.move_on_after(TURN_S):
                    await port.receive_some()
                    self.heard(self.read_until_s, trio.current_time())
                now_s = trio.current_time()
                if now_s - turn_s > TURN_S + SLACK_S:
                    current_s = now_s + BACKLOG_S  # the service was stopped: what is read until then may be old
                if now_s >= current_s:
                    self.read_until_s = now_s
        finally:
            await port.aclose()
