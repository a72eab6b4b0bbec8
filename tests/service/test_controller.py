"""The controller's own life on the board."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.io.test_board import Rig as BoardRig
from tests.io.test_board import with_rig
from wagman.config.schema import DeviceConfig
from wagman.io.board.driver import Reading, Shown
from wagman.model.errors import LinkGoneError
from wagman.model.facts import BoardStopping, Draft, Plug, Port, PortFact, Verdict
from wagman.service.controller import NOTICE_S, PATIENCE_S, RESTART_GRACE_S, Controller

NC = DeviceConfig("nc", 0, is_self=True)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STOPPING = Plug("board", 0)


@define
class FakeBoard:
    """Is told to stop ports; what it does then is up to `after`."""

    after: Callable[[], None] = lambda: None
    fails: bool = False
    asked: list[tuple[int, int]] = field(factory=list)
    shown: Shown = field(factory=lambda: Shown("v3"))
    answered_s: float | None = None
    fed_at_s: float | None = None

    async def stop_later(self, port: int, grace_s: int) -> None:
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise LinkGoneError("the link to the board is down")
        self.asked.append((port, grace_s))
        self.after()


@define
class FakeJournal:
    drafts: list[Draft] = field(factory=list)

    def record(self, units: list[tuple[Draft, Any]]) -> None:
        self.drafts += [draft for draft, _ in units]


@define
class Rig:
    """A controller with everything around it pretended."""

    board: FakeBoard = field(factory=FakeBoard)
    journal: FakeJournal = field(factory=FakeJournal)
    shutdowns: int = 0
    failures: int = 0  # so many attempts to shut it down fail, before one does not
    controller: Controller = field(init=False)

    def __attrs_post_init__(self) -> None:
        board: Any = self.board
        journal: Any = self.journal
        self.controller = Controller(NC, board, journal, lambda: NOW, self.shut_down)

    def shut_down(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no space left")
        self.shutdowns += 1


def virtually(make: Callable[[], Any]) -> Any:
    """The result of the coroutine that `make` makes, in virtual time."""

    async def main() -> Any:
        return await make()

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def rig() -> Rig:
    made: Rig = virtually(_rig)
    return made


async def _rig() -> Rig:
    await trio.lowlevel.checkpoint()
    return Rig()


def test_the_board_is_about_to_cut_it_and_it_shuts_down_once() -> None:
    node = rig()
    for _ in range(6):  # the board repeats it
        node.controller.board_stopping(STOPPING)
    assert node.shutdowns == 1
    assert [(draft.type, draft.device, draft.fields["shut_down"]) for draft in node.journal.drafts] == [
        ("controller.going_down", "nc", True)
    ]


def test_a_guest_that_the_board_stops_does_not_shut_it_down() -> None:
    node = rig()
    node.controller.board_stopping(Plug("board", 1))
    assert (node.shutdowns, node.journal.drafts) == (0, [])


def test_a_controller_elsewhere_is_left_alone() -> None:
    node = rig()
    node.controller.device = None
    node.controller.board_stopping(STOPPING)
    assert (node.shutdowns, node.controller.unfed()) == (0, None)


def test_where_it_cannot_be_shut_down_that_is_said() -> None:
    node = rig()
    node.controller.power_off = None
    node.controller.board_stopping(STOPPING)
    assert node.journal.drafts[0].fields["shut_down"] is False
    assert "install-service" in node.journal.drafts[0].fields["error"]


def told(node: Rig) -> list[bool]:
    return [draft.fields["shut_down"] for draft in node.journal.drafts]


def test_a_shutdown_that_failed_is_tried_again_at_the_next_notice_and_its_failure_told_once() -> None:
    node = rig()
    node.failures = 3
    for _ in range(6):
        node.controller.board_stopping(STOPPING)
    assert node.shutdowns == 1
    assert told(node) == [False, True]


def test_a_restart_that_cannot_shut_it_down_says_so() -> None:
    node = rig()
    node.failures = 1
    node.board.after = lambda: node.controller.board_stopping(STOPPING)
    verdict: Verdict = virtually(node.controller.restart)
    assert verdict == Verdict(
        accepted=True,
        state="started",
        reason=f"cannot be shut down so far: no space left; the board cuts it in {RESTART_GRACE_S} s",
    )


def test_a_restart_is_not_accepted_on_an_old_notice() -> None:
    node = rig()
    node.controller.board_stopping(STOPPING)
    assert not virtually(node.controller.restart).accepted


def test_each_restart_shuts_the_controller_down() -> None:
    """Somebody may have kept it from going down, and the board from cutting it."""
    node = rig()
    node.board.after = lambda: node.controller.board_stopping(STOPPING)
    for _ in range(2):
        assert virtually(node.controller.restart).accepted
    assert node.shutdowns == 2


def test_two_that_ask_for_a_restart_at_once_are_told_the_same() -> None:
    node, verdicts = rig(), list[Verdict]()

    async def ask() -> None:
        verdicts.append(await node.controller.restart())

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            nursery.start_soon(ask)
            await trio.sleep(NOTICE_S / 2)
            node.controller.board_stopping(STOPPING)

    virtually(both)
    assert [verdict.accepted for verdict in verdicts] == [True, True]


def test_a_restart_has_the_board_cut_it_later_and_is_accepted_once_it_has_begun() -> None:
    node = rig()
    node.board.after = lambda: node.controller.board_stopping(STOPPING)
    verdict: Verdict = virtually(node.controller.restart)
    assert verdict.accepted
    assert node.board.asked == [(0, RESTART_GRACE_S)]
    assert node.shutdowns == 1


def test_a_board_that_does_not_begin_shuts_nothing_down() -> None:
    node = rig()
    verdict: Verdict = virtually(node.controller.restart)
    assert (verdict.accepted, verdict.reason) == (False, "the board did not begin to stop it")
    assert node.shutdowns == 0


def test_a_restart_that_cannot_be_had_is_refused() -> None:
    node = rig()
    node.board.fails = True
    assert "link to the board is down" in virtually(node.controller.restart).reason
    node.controller.power_off = None
    assert "install-service" in virtually(node.controller.restart).reason
    assert node.shutdowns == 0


async def unfed(**heard: float) -> Draft:
    """What is said at 1000 s."""
    node = Rig()
    await trio.sleep(1000.0 - trio.current_time())
    node.board.fed_at_s, node.board.answered_s = heard.get("fed"), heard.get("answered")
    if "age" in heard:
        node.board.shown.ports[0] = Reading(age_s=heard["age"])
    draft = node.controller.unfed()
    assert draft is not None
    return draft


@pytest.mark.parametrize(
    ("heard", "since_s"),
    [({"fed": 970.0}, 30.0), ({"answered": 995.0, "age": 200.0}, 205.0), ({"fed": 990.0, "answered": 980.0, "age": 60.0}, 10.0)],
)
def test_a_stop_says_when_the_board_will_restart_the_controller(heard: dict[str, float], since_s: float) -> None:
    draft = virtually(lambda: unfed(**heard))
    assert draft.fields["in_s"] == PATIENCE_S - since_s
    assert draft.fields["power_cycle_at"].startswith("2026-11-22T1")


def test_where_the_board_never_answered_nobody_can_tell() -> None:
    assert virtually(unfed).fields == {"power_cycle_at": None}


# --- With a board that speaks -------------------------------------------------------------------------------------------

ON_EVERY_BOARD = pytest.mark.parametrize("dialect", ["v3", "v4"])


async def beside(board: BoardRig) -> Rig:
    """The controller of that board: what the board tells reaches it."""
    node, told = await _rig(), board.facts.append
    node.controller.io = board.board

    def tell(port: Port, fact: PortFact) -> None:
        told((port, fact))
        if isinstance(fact, BoardStopping):
            node.controller.board_stopping(Plug("board", port))

    board.board.tell = board.board._senses.tell = tell
    return node


@ON_EVERY_BOARD
def test_a_restart_is_accepted_once_the_board_has_begun_and_it_shuts_down_before_the_cut(dialect: str) -> None:
    async def main(board: BoardRig) -> None:
        node = await beside(board)
        await trio.sleep(60)
        verdict = await node.controller.restart()
        assert (verdict.accepted, node.shutdowns) == (True, 1)
        assert board.is_on[0]
        await trio.sleep(RESTART_GRACE_S + 10)
        assert not board.is_on[0]

    with_rig(main, dialect)


@ON_EVERY_BOARD
def test_a_stop_that_the_board_begins_by_itself_shuts_it_down_in_time(dialect: str) -> None:
    async def main(board: BoardRig) -> None:
        node = await beside(board)
        await trio.sleep(60)
        board.fake.board.firmware.ports[0].stop("board")  # type: ignore[attr-defined]
        await trio.sleep(20)
        assert node.shutdowns == 1
        assert board.is_on[0]
        assert [draft.type for draft in node.journal.drafts] == ["controller.going_down"]

    with_rig(main, dialect)
