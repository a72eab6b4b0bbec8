"""A configuration and a log that version 0.1.0 left, taken over while the guests run.

`data/v0.1.0` was made by that version on a fake board: it had found gn and cs running, and an operator had disabled x1.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from wagman.config.boards import BoardConfig
from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.fake.serve import FakeBoard
from wagman.io.serial.transport import stream_opener
from wagman.io.serial.wired import Wired
from wagman.io.v3.driver import V3Dialect
from wagman.model.facts import Plug
from wagman.service.parts import Parts
from wagman.service.root import WagmanService
from wagman.service.seams import Seams
from wagman.store import Event, Limits, Store, inline

OLD = Path(__file__).parent / "data" / "v0.1.0"

UP_S = 700.0
"""For how long the board has run with its guests when the new version comes up."""


@define
class Upgrade:
    """The new version on what the old one left, and a board on which the guests run and x1 is kept off."""

    config: Config
    folder: Path
    board: FakeBoard = field(factory=FakeBoard)
    events: list[Event] = field(factory=list)
    service: WagmanService = field(init=False)

    def __attrs_post_init__(self) -> None:
        shutil.copy(OLD / "wagman.db", self.folder)
        seams = Seams(self.connector, blocking=inline)
        store = Store(self.folder / "wagman.db", Limits(1000, 2**22), new_log_id=seams.new_id)
        self.service = WagmanService(Parts(self.config, seams, store, self.events.append))

    def connector(self, board: BoardConfig) -> Wired:
        return Wired(V3Dialect(), stream_opener(self.board.open), board.address)

    async def run(self, main: Callable[["Upgrade"], None]) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.board.run)
            await trio.sleep(UP_S - 60)
            async with await self.board.open() as port:  # as the old version left it
                await port.send_all(b"\n@disable 3\n")
                await trio.sleep(60)
            moved = list(self.board.hardware.relay_log)
            nursery.start_soon(self.service.run, None, lambda _: None)  # type: ignore[arg-type]
            await trio.sleep(1800)
            assert list(self.board.hardware.relay_log) == moved
            main(self)
            nursery.cancel_scope.cancel()

    def shown(self) -> dict[str, tuple[str, str, bool, str]]:
        rows = self.service.requests.status()["devices"]
        return {row["name"]: (row["board"], row["state"], row["enabled"], row["power"]["wanted"]) for row in rows}


def upgraded(text: str, folder: Path, main: Callable[[Upgrade], None]) -> None:
    async def run() -> None:
        await Upgrade(loads(text, "wagman.toml"), folder).run(main)

    trio.run(run, clock=MockClock(autojump_threshold=0))


def test_the_file_means_what_it_meant() -> None:
    config = loads((OLD / "wagman.toml").read_text(), "wagman.toml")
    (board,) = config.boards
    assert (board.name, board.kind, board.address) == ("board", "wagman", "/dev/waggle_sysmon")
    assert [device.plug for device in config.devices] == [Plug("board", port) for port in range(4)]
    assert [guest.name for guest in config.guests] == ["cs", "gn", "x1"]


@pytest.mark.parametrize("table", ["[board]", "[board.board]"])
def test_no_relay_moves_and_what_was_decided_stands(table: str, tmp_path: Path) -> None:
    def check(node: Upgrade) -> None:
        assert node.shown() == {
            "nc": ("board", "started", True, "on"),
            "gn": ("board", "started", True, "on"),
            "cs": ("board", "started", True, "on"),
            "x1": ("board", "stopped", False, "off"),
        }
        assert "board.reset" not in {event.type for event in node.events}
        (started,) = [event for event in node.events if event.type == "service.started"]
        assert started.fields["begun_anew"] == []
        assert "speed" not in started.fields
        assert started.id == 22  # the log goes on: store.opened is 21

    upgraded((OLD / "wagman.toml").read_text().replace("[board]", table), tmp_path, check)


def test_decisions_are_kept_beside_the_log_from_then_on(tmp_path: Path) -> None:
    upgraded((OLD / "wagman.toml").read_text(), tmp_path, lambda _: None)
    assert '"x1": {"port": 3, "board": "board", "wanted": "down", "enabled": false' in (tmp_path / "decisions.json").read_text()
