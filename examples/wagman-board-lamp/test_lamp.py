"""The lamp holds the contract of all boards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define
from wagman_board_lamp import LampBoard

from wagman.testing import BoardContract, BoardSite, BoardTableContract, Power, Trouble


class TestLampTable(BoardTableContract):
    board = LampBoard
    table = 'folder = "/run/lamps"\nid = "box 7"'
    ports = ("left", "right")
    several = ("*", "left,right", "../left", "serial", "LEFT", ".", "")


@define(eq=False)
class LampSite(BoardSite):
    """A folder, whose files are the relays themselves. They are read before something goes wrong with them."""

    folder: Path

    async def power(self, port: str) -> Power:
        return "on" if (self.folder / port).read_text() == "1" else "off"

    async def replace(self) -> None:
        (self.folder / "serial").write_text("another box")

    async def trouble(self, kind: Trouble | None) -> None:
        said = {None: "0", "garbage": "\x00perhaps", "half": ""}.get(kind)
        for port in TestLamp.ports if said is not None else ():
            (self.folder / port).write_text(str(said))
        (self.folder / "serial").write_text("" if kind == "gone" else "box 7\n")


class TestLamp(BoardContract):
    ports, absent = ("left", "right"), "middle"
    tells_restarts = False  # as files do not
    troubles = ("gone", "garbage", "half")  # files neither hang nor refuse

    @asynccontextmanager
    async def site(self) -> AsyncIterator[BoardSite]:
        site = LampSite(LampBoard(folder=str(self.folder), settle_s=0.0).backend(), self.folder)
        await site.trouble(None)
        yield site
