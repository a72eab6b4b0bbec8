"""What each role is shown and offered on the page, and that every button does what it says."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.cockpit.kit import NEEDED, SOMEBODY, Role, Seat, card, offered
from tests.service.kit import Node, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.cockpit.conftest import Sit

pytestmark = NEEDED

FOR_OPERATORS = ["stop", "restart", "disable"]


def opened(seat: Seat, guest: str = "gn") -> "Page":
    page = seat.page()
    card(page, guest).wait_for()
    page.locator("#live.is-live").wait_for()
    return page


def press(page: "Page", verb: str, guest: str = "gn", **filled: str) -> None:
    """Press a button, and confirm what is asked, if something is; `filled` is what is chosen in the dialog."""
    button = card(page, guest).locator(f"button[data-verb={verb}]")
    button.wait_for(state="attached")
    if not button.is_visible():
        card(page, guest).get_by_text("More", exact=True).click()
    button.click()
    if verb not in ("start", "enable", "end"):
        dialog = page.get_by_role("dialog")
        for label, choice in filled.items():
            dialog.get_by_label(label).select_option(label=choice)
        dialog.locator("button.danger").click()


def told(node: Node, verb: str) -> list[Any]:
    return [event["fields"] for event in node.events(f"command.{verb}")]


def becomes(node: Node, state: str, guest: str = "gn") -> None:
    eventually(lambda: node.states()[guest] == state)


@pytest.mark.parametrize(
    ("role", "verbs", "says"),
    [
        ("control", [*FOR_OPERATORS, "maintenance", "kill"], ""),
        ("operate", FOR_OPERATORS, "You may start, stop and enable guests"),
        ("read", [], "You may look, and not touch"),
    ],
)
def test_a_role_is_offered_what_it_may_and_nothing_else(role: Role, verbs: list[str], says: str, sit: "Sit", node: Node) -> None:
    becomes(node, "started")
    page = opened(sit(role))
    eventually(lambda: offered(page, "gn") == verbs)
    assert offered(page, "nc") == (["restart"] if verbs else [])
    assert page.locator("#node-buttons button:visible").count() == (1 if role == "control" else 0)
    assert says in page.locator("#may").inner_text() if says else page.locator("#may").is_hidden()


def test_nobody_is_told_what_to_do_and_shown_nothing(sit: "Sit", node: Node) -> None:
    page = sit("nobody").page()
    page.get_by_role("heading", name="You may not look at the guests of this node").wait_for()
    text = page.locator("#denied").inner_text()
    assert f"user {SOMEBODY.pw_uid} is not permitted: become a member of the control or the read group" in text
    assert "adduser NAME wagman-read" in text
    assert page.locator("article").count() == 0
    assert page.locator("#node").is_hidden()


def test_an_operator_stops_a_guest_for_a_while_starts_it_restarts_it_and_disables_and_enables_it(sit: "Sit", node: Node) -> None:
    becomes(node, "started")
    page = opened(sit("operate"))
    press(page, "stop", **{"Start it again by itself": "2 h"})
    page.get_by_text("Stop gn: accepted").wait_for()
    becomes(node, "stopped")
    assert (told(node, "stop")[-1]["for_s"], told(node, "stop")[-1]["uid"]) == (7200.0, SOMEBODY.pw_uid)
    card(page, "gn").get_by_text("it was stopped for a while").wait_for()
    press(page, "start")
    becomes(node, "started")
    assert told(node, "start")[-1]["uid"] == SOMEBODY.pw_uid
    press(page, "restart")
    eventually(lambda: told(node, "restart"))
    becomes(node, "started")
    press(page, "disable")
    becomes(node, "stopped")
    eventually(lambda: offered(page, "gn") == ["enable"])
    card(page, "gn").get_by_text("it is disabled: wagman enable allows it again").wait_for()
    press(page, "enable")
    eventually(lambda: told(node, "enable"))
    press(page, "start")
    becomes(node, "started")


def test_a_controller_leaves_a_guest_alone_and_ends_that_cuts_it_and_has_all_hibernate_and_wake(sit: "Sit", node: Node) -> None:
    becomes(node, "started")
    page = opened(sit("control"))
    press(page, "maintenance", **{"For how long": "30 min"})
    becomes(node, "maintenance")
    assert told(node, "maintenance")[-1]["for_s"] == 1800.0
    card(page, "gn").get_by_text("left alone", exact=True).wait_for()
    press(page, "end")
    becomes(node, "started")
    press(page, "kill")
    becomes(node, "stopped")
    assert told(node, "kill")[-1]["uid"] == SOMEBODY.pw_uid
    press(page, "start")
    becomes(node, "started")
    page.get_by_role("button", name="Hibernate all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("storm")
    dialog.get_by_label("x1").check()
    dialog.get_by_role("button", name="Hibernate", exact=True).click()
    eventually(lambda: told(node, "hibernate"))
    assert (told(node, "hibernate")[-1]["reason"], told(node, "hibernate")[-1]["keep"]) == ("storm", ["x1"])
    page.get_by_text(f"ordered by {SOMEBODY.pw_name}, but for x1: storm").first.wait_for()
    becomes(node, "stopped")
    press(page, "start")
    page.get_by_role("dialog").get_by_text("The service has refused it").wait_for()
    page.get_by_role("button", name="Start all the same").click()
    becomes(node, "started")
    assert told(node, "start")[-1]["force"] is True
    page.get_by_role("button", name="Wake all").click()
    eventually(lambda: told(node, "wake"))
    eventually(node.all_started)


def test_what_is_not_confirmed_is_not_asked_for(sit: "Sit", node: Node) -> None:
    becomes(node, "started")
    page = opened(sit("control"))
    before = node.events()[-1]["id"]
    for verb in ("stop", "restart", "disable", "kill", "maintenance"):
        button = card(page, "gn").locator(f"button[data-verb={verb}]")
        if not button.is_visible():
            card(page, "gn").get_by_text("More", exact=True).click()
        button.click()
        page.get_by_role("dialog", name="gn?").get_by_role("button", name="Cancel").click()
    card(page, "nc").locator("button[data-verb=restart]").click()
    page.get_by_role("dialog").get_by_text("this page is away until it is up again").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert [event["type"] for event in node.events() if event["id"] > before and event["type"].startswith("command.")] == []
