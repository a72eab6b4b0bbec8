"""Whoever goes away, and for however long: no guest loses its power by the service's doing."""

import signal
from subprocess import Popen

import pytest

from tests.service.kit import Node, eventually, new_node, running_node


def settle(node: Node) -> None:
    """Time for every alarm that could go wrong: more than the heartbeat time-out and the silence after a message."""
    eventually(lambda: not node.blind())
    node.board_time(90)


@pytest.mark.parametrize("away_s", [5, 600])
def test_a_cable_that_is_out_for_a_while_costs_no_guest_its_power(away_s: int) -> None:
    with running_node() as (node, _board, _service):
        node.board("unplug")
        node.board_time(away_s)
        assert node.blind()
        node.board("replug")
        settle(node)
        node.require_nobody_was_cut()


def test_a_cable_that_goes_in_and_out_costs_no_guest_its_power() -> None:
    with running_node() as (node, _board, _service):
        for _ in range(8):
            node.board("unplug")
            node.board_time(4)
            node.board("replug")
            node.board_time(9)
        settle(node)
        node.require_nobody_was_cut()


def test_guests_that_a_board_reset_has_cut_are_started_again_one_by_one() -> None:
    with running_node() as (node, _board, _service):
        node.board("unplug")
        node.board("reset")
        node.board_time(60)
        node.board("replug")
        eventually(lambda: len(node.switched(on=True)) == 3 and node.all_started())
        assert node.switched(on=False) == [(1, "reset"), (2, "reset"), (3, "reset")]
        assert sorted(port for port, _by in node.switched(on=True)) == [1, 2, 3]
        assert len(node.events("board.reset")) == 1


@pytest.mark.parametrize("who", ["service", "board"])
def test_a_process_that_is_stopped_for_two_minutes_costs_no_guest_its_power(who: str) -> None:
    with running_node() as (node, board, service):
        process = {"service": service, "board": board}[who]
        process.send_signal(signal.SIGSTOP)
        node.board_time(120)
        process.send_signal(signal.SIGCONT)
        settle(node)
        node.require_nobody_was_cut()


@pytest.mark.parametrize(("how", "away_s"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGKILL, 1), (signal.SIGKILL, 300)])
def test_a_service_that_ends_and_comes_back_costs_no_guest_its_power(how: signal.Signals, away_s: int) -> None:
    with running_node() as (node, _board, service):
        before = node.events()
        end(service, how)
        assert node.relays_on() == [0, 1, 2, 3]
        node.board_time(away_s)
        node.start_service()
        eventually(node.answers)
        settle(node)
        node.require_nobody_was_cut()
        after = node.events()
        assert after[: len(before)] == before
        assert [event["id"] for event in after] == list(range(1, len(after) + 1))
        told = {event["type"] for event in after[len(before) :]}
        assert not told & {"device.adopted", "device.starting", "device.stopping", "device.stopped", "device.restarting"}


def end(service: Popen[str], how: signal.Signals) -> None:
    service.send_signal(how)
    code = service.wait(timeout=10)
    assert code == (-signal.SIGKILL if how is signal.SIGKILL else 0)


def test_a_guest_that_hangs_while_the_service_is_away_is_found_and_started_again() -> None:
    with running_node() as (node, _board, service):
        end(service, signal.SIGKILL)
        node.board("hang gn")
        node.board_time(60)
        node.start_service()
        eventually(lambda: node.answers() and node.events("device.heartbeat_lost"))
        eventually(lambda: [port for port, _by in node.switched(on=False)] == [1] and node.all_started())
        assert [event["type"] for event in node.events() if event["type"] in ("device.heartbeat_lost", "device.stopping")] == [
            "device.heartbeat_lost",
            "device.stopping",
        ]


def test_a_port_that_appears_later_is_taken() -> None:
    with new_node() as node:
        node.start_service()
        eventually(node.answers)
        assert node.call("status")["board"]["link"] == "down"
        assert node.states() == {"nc": "started", "gn": "stopped", "cs": "stopped", "x1": "stopped"}
        node.start_board()
        eventually(node.all_started)
        node.require_nobody_was_cut()


def test_guests_that_run_already_are_adopted_by_a_service_that_knows_nothing() -> None:
    with running_node() as (node, _board, service):
        end(service, signal.SIGTERM)
        (node.folder / "state" / "wagman.db").rename(node.folder / "elsewhere.db")
        for leftover in (node.folder / "state").iterdir():
            leftover.unlink()
        node.configure(node.config.read_text().replace("{", "{{").replace("}", "}}").replace('"5s"', '"60s"'))
        node.start_service()
        eventually(lambda: node.answers() and {event["device"] for event in node.events("device.adopted")} >= {"gn", "cs"})
        eventually(node.all_started)
        node.require_nobody_was_cut()
