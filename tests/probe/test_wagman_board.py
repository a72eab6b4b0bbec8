"""Asking a Wagman, whether the service holds its port or not."""

import json
from collections.abc import Iterator

import pytest

from tests.service.commands import Site, new_site
from tests.service.kit import SPEED, Node, eventually, new_node


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with new_site() as made:
        yield made


def test_a_board_whose_port_the_service_holds_is_shown_as_the_service_sees_it(site: Site) -> None:
    done = site.wagman("probe", "--config", str(site.node.config), "--json")
    told = json.loads(done.stdout)
    [board] = told["boards"]
    assert board["answered"] is True
    assert board["why"].startswith("the service holds its port; it answered ")
    assert board["board_id"] == site.node.call("status")["board"]["board_id"]
    assert {port["device"]: port["power"] for port in board["ports"] if port["device"] != "nc"} == dict.fromkeys(
        ("gn", "cs", "x1"), "on"
    )
    assert [(each["device"], each["source"], each["answered"]) for each in told["sources"]] == [
        ("gn", "board", True),
        ("cs", "board", True),
    ]
    assert done.returncode == 0


@pytest.fixture(params=["v3", "v4", "auto"])
def alone(request: pytest.FixtureRequest) -> Iterator[tuple[Node, str]]:
    """A board without a service."""
    with new_node() as node:
        spoken = "v3" if request.param == "auto" else request.param
        places = ("--link", str(node.folder / "tty"), "--control", str(node.control))
        node.start("fake-board", *places, "--dialect", spoken, "--speed", str(SPEED))  # it boots for 20 s
        eventually((node.folder / "tty").exists)
        node.config.write_text(node.config.read_text().replace("[service]", f'dialect = "{request.param}"\n[service]', 1))
        yield node, spoken


def test_a_board_whose_port_is_free_is_asked_itself_and_nothing_is_switched(alone: tuple[Node, str]) -> None:
    node, _ = alone
    eventually(node.control.exists)
    before = node.board("status")
    process = node.start("probe", "gn", "--config", str(node.config), "--json", stdout=-1)
    out, _ = process.communicate(timeout=90)
    [board] = json.loads(out)["boards"]
    assert board["answered"] is True
    assert board["board_id"]
    assert [port["device"] for port in board["ports"]] == ["gn"]
    after = node.board("status")
    assert {entry["by"] for entry in after["relay_log"][len(before["relay_log"]) :]} <= {"board"}
