"""The knowledge of a running service about guests that speak by themselves, and boards whose port it holds."""

from typing import TYPE_CHECKING, Any

from attrs import frozen

from wagman.client.blocking import Client
from wagman.client.errors import ClientError
from wagman.config.boards import BoardConfig
from wagman.config.schema import DeviceConfig
from wagman.model.backend import BLANK_BOOTS, Identity
from wagman.model.words import duration
from wagman.probe.answers import Answer, BoardSeen, PortSeen

if TYPE_CHECKING:
    from wagman.model.facts import Supply


@frozen
class Service:
    """The service, by its status; None if it cannot be asked, and `why`."""

    status: Any
    why: str = ""

    @classmethod
    def at(cls, socket: str) -> "Service":
        """Ask the service at that socket."""
        try:
            with Client(socket) as client:
                return cls(client.call("status"))
        except ClientError as error:
            return cls(None, error.what)

    def heard(self, guest: DeviceConfig, source: str) -> Answer:
        """Return when the service last heard a source."""
        row = self._device(guest.name)
        if row is None:
            return Answer("unknown", why="it speaks by itself, and there is no service that would have heard it")
        known = next((each for each in row.get("sources", ()) if each["name"] == source), None)
        age_s, trouble = (known["age_s"], known["trouble"]) if known else (row["heartbeat_age_s"], None)
        if trouble:
            return Answer("no", why=f"the service cannot listen: {trouble}")
        if age_s is None:
            return Answer("no", why="the service has not heard it since it started")
        why = f"the service heard it {duration(age_s)} ago"
        if known is None and row["stale"]:
            return Answer("unknown", why=f"{why}, and cannot see its board now")
        return Answer("yes" if age_s <= guest.heartbeat_timeout_s else "no", why=why)

    def board(self, board: BoardConfig, devices: tuple[DeviceConfig, ...], held: str) -> BoardSeen:
        """Return what the service shows of a board whose port it holds; `held` says that a process holds the port."""
        row = next((each for each in (self.status or {}).get("boards", ()) if each["name"] == board.name), None)
        if row is None:
            return BoardSeen(board, Answer("no", why=f"{held}; a service that could tell of it is not there: {self.why}"))
        if row["blind"]:
            return BoardSeen(board, Answer("no", why=f"the service holds its port, and does not see it: {row['reason']}"))
        answer = Answer("yes", why=f"the service holds its port; it answered {row['last_answer_age_s'] or 0:.0f} s ago")
        identity = Identity(row["board_id"], row["boots"] or BLANK_BOOTS, row["firmware"])
        return BoardSeen(board, answer, identity, ports=tuple(self._port(each) for each in devices))

    def _port(self, device: DeviceConfig) -> PortSeen:
        row = self._device(device.name)
        power: Supply = "unknown"
        if row is not None and row["power"]["confirmed"]:
            power = row["power"]["wanted"]
        return PortSeen(device.port, device.name, power, None if row is None else row["watts"])

    def _device(self, name: str) -> Any:
        return next((each for each in (self.status or {}).get("devices", ()) if each["name"] == name), None)
