"""The page as things happen: restarts of the service, a link that is lost, hostile text, filters, the keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cockpit.kit import DESK, NEEDED, card, install, logged_in, new_grouped_node, offered, shown_ids
from tests.service.kit import Node, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.cockpit.conftest import Sit

pytestmark = NEEDED

HOSTILE = "<img src=x onerror=document.title='owned'>"


def require_every_event_once(page: "Page", node: Node) -> None:
    """What the log shows goes on from its first event to the last that there is: each once, in its order."""
    eventually(lambda: shown_ids(page)[:1] == [node.events()[-1]["id"]])
    ids = shown_ids(page)
    assert ids == list(range(ids[0], ids[0] - len(ids), -1))


def restart_service(node: Node) -> None:
    service = node.processes[-1]
    service.terminate()
    service.wait()
    node.start_service()
    eventually(node.answers)


def test_a_restart_of_the_service_is_seen_and_no_event_is_missed_or_told_twice(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()
    require_every_event_once(page, node)
    before = shown_ids(page)
    service = node.processes[-1]
    service.terminate()
    page.get_by_text("this is how it was").wait_for()
    assert "systemctl status wagman" in page.locator("#away").inner_text()
    assert card(page, "gn").is_visible()
    service.wait()
    node.start_service()
    page.locator("#live.is-live").wait_for()
    assert page.locator("#away").is_hidden()
    node.call("enable", device="gn")
    node.call("enable", device="cs")
    require_every_event_once(page, node)
    assert shown_ids(page)[-len(before) :] == before
    page.get_by_text("asked to enable cs").first.wait_for()


def test_while_the_service_is_away_a_button_says_so_and_asks_for_nothing(sit: "Sit", node: Node) -> None:
    page = sit("control").page()
    page.locator("#live.is-live").wait_for()
    node.processes[-1].terminate()
    node.processes[-1].wait()
    page.locator("body.is-away").wait_for()
    button = card(page, "gn").locator("button[data-verb=stop]")
    assert button.get_attribute("aria-disabled") == "true"
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("nothing can be asked for at present").wait_for()
    assert page.get_by_role("dialog").count() == 0
    node.start_service()
    page.locator("#live.is-live").wait_for()
    assert button.get_attribute("aria-disabled") == "false"


def test_a_page_that_is_opened_before_the_service_runs_comes_to_life_with_it(sit: "Sit", node: Node) -> None:
    node.processes[-1].terminate()
    node.processes[-1].wait()
    page = sit("read").page()
    page.get_by_text("no service on").wait_for()
    node.start_service()
    page.locator("#live.is-live").wait_for()
    card(page, "gn").wait_for()


def test_a_lost_link_is_a_problem_on_top_and_what_is_known_is_from_before(sit: "Sit", node: Node) -> None:
    page = sit("control").page()
    eventually(node.all_started)
    node.board("unplug")
    page.locator("#problems > .critical").first.wait_for()
    card(page, "gn").get_by_text("all that is shown of it is from before").wait_for()
    card(page, "gn").get_by_text("nobody sees whether it is").wait_for()
    assert "stop" in offered(page, "gn")
    assert not card(page, "gn").get_by_text("on, sensed").is_visible()
    node.board("replug")
    page.locator("#problems > li").first.wait_for(state="detached")
    page.locator("#no-problems").wait_for()
    card(page, "gn").get_by_text("on, sensed").wait_for()


def test_text_from_elsewhere_is_text_and_never_the_pages_own(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()
    node.call("enable", device="cs", on_behalf=HOSTILE)
    node.call("hibernate", reason=HOSTILE, keep=["gn", "cs", "x1"], on_behalf=HOSTILE)
    page.get_by_text(f"{HOSTILE} asked to enable cs").first.wait_for()
    page.locator("#facts").get_by_text(HOSTILE).wait_for()
    assert page.locator("img").count() == 0
    assert page.title() == "Guests"
    node.call("wake")
    page.locator("#facts").get_by_text(HOSTILE).wait_for(state="detached")


def test_what_would_turn_the_direction_of_writing_is_spelt_out(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()
    said = page.evaluate("import('./dom.js').then(dom => [dom.plain('a\\u202eb\\nc'), dom.el('p', {}, '\\u0007<b>').innerHTML])")
    assert said == ["a\\u202eb\\u000ac", "\\u0007&lt;b&gt;"]


def test_the_log_is_filtered_by_guest_by_kind_and_by_how_grave_it_is_also_live(sit: "Sit", node: Node) -> None:
    page = sit("read").page(DESK)
    page.locator("#log > li").first.wait_for()

    def ids() -> list[int]:
        return sorted(shown_ids(page))

    page.get_by_role("combobox", name="Guest").select_option("cs")
    eventually(lambda: ids() == [each["id"] for each in node.events() if each["device"] == "cs"][-60:])
    page.get_by_role("combobox", name="Kind").select_option("command")
    node.call("enable", device="cs")
    node.call("enable", device="gn")
    eventually(lambda: ids() == [each["id"] for each in node.events("command") if each["device"] == "cs"][-60:])
    page.get_by_role("combobox", name="Guest").select_option("")
    page.get_by_role("combobox", name="Kind").select_option("")
    page.get_by_role("combobox", name="How grave").select_option("warning")
    eventually(lambda: 0 < page.locator("#log > li").count() == page.locator("#log > li strong").count())


def test_older_events_are_had_by_a_button_until_there_are_none(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    for _ in range(70):
        node.call("enable", device="cs")
    page.reload()
    page.locator("#log > li").first.wait_for()
    eventually(lambda: len(shown_ids(page)) >= 60)
    while page.locator("#more").is_visible():
        page.locator("#more").click()
        page.wait_for_function(
            "before => document.querySelectorAll('#log > li').length > before || document.querySelector('#more').hidden", arg=60
        )
    eventually(lambda: shown_ids(page)[-1] == 1)
    require_every_event_once(page, node)


def test_why_shows_what_led_to_the_state_in_the_commands_words(sit: "Sit", node: Node) -> None:
    page = sit("control").page()
    node.call("stop", device="x1")
    eventually(lambda: node.states()["x1"] == "stopped")
    card(page, "x1").get_by_text("nobody wants it up").wait_for()
    card(page, "x1").get_by_text("Why?").click()
    card(page, "x1").get_by_text("root asked to stop x1").wait_for()
    node.call("start", device="x1")
    eventually(node.all_started)
    card(page, "x1").get_by_text("x1 began to start").first.wait_for()


def test_the_day_is_a_bar_for_each_guest_that_says_what_it_shows(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    for guest in ("gn", "cs", "x1"):
        bar = page.get_by_role("img", name=f"{guest}, the last day: ")
        bar.wait_for()
        assert "started" in str(bar.get_attribute("aria-label"))
        assert bar.locator("rect.up").count() > 0
    assert page.get_by_role("img", name="nc, the last day").count() == 0


def test_the_keyboard_alone_opens_a_dialog_leaves_it_and_is_back_where_it_was(sit: "Sit", node: Node) -> None:
    page = sit("control").page()
    page.locator("#live.is-live").wait_for()
    before = len(node.events("command"))
    page.locator("body").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Stop gn":
            break
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Stop gn?").wait_for()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Stop gn"
    assert len(node.events("command")) == before


def test_a_log_that_cannot_be_read_keeps_nobody_from_looking_at_the_guests(browser: "Browser") -> None:
    with new_grouped_node() as node:
        (node.folder / "state").write_text("in the way of the folder")
        node.start_board()
        node.start_service()
        eventually(node.answers)
        with logged_in(node, install(node), "control", browser) as seat:
            page = seat.page()
            page.locator("#live.is-live").wait_for()
            card(page, "gn").wait_for()
            page.locator("#problems > li").get_by_text("log").first.wait_for()
            node.call("enable", device="gn")
            page.locator("#log").get_by_text("root asked to enable gn").wait_for()
            page.locator("#log").get_by_text("(not in the log yet)").first.wait_for()


@contextmanager
def without_its_log(node: Node) -> Iterator[None]:
    """The service runs, and cannot open its log until this is over."""
    node.processes[-1].terminate()
    node.processes[-1].wait()
    state, aside = node.folder / "state", node.folder / "aside"
    state.rename(aside)
    state.write_text("in the way of the folder")
    node.start_service()
    yield
    state.unlink()
    aside.rename(state)


def test_a_log_that_is_gone_for_a_while_is_followed_on_from_where_it_was_once_it_is_back(sit: "Sit", node: Node) -> None:
    page = sit("read").page()
    page.locator("#live.is-live").wait_for()
    require_every_event_once(page, node)
    with without_its_log(node):
        page.get_by_text("the log cannot be read at present").wait_for()
        assert page.locator("#live.is-live").is_visible()
    page.locator("#log-trouble").wait_for(state="hidden")
    node.call("enable", device="gn")
    require_every_event_once(page, node)


def test_a_page_that_is_opened_while_the_log_is_gone_has_all_of_it_once_it_is_back(sit: "Sit", node: Node) -> None:
    before = node.events()
    with without_its_log(node):
        page = sit("read").page()
        page.get_by_text("the log cannot be written").first.wait_for()
        page.locator("#log > li[data-id=null]").first.wait_for()
    page.get_by_text("the log was opened").first.wait_for()
    node.call("enable", device="gn")
    require_every_event_once(page, node)
    assert before[-1]["id"] in shown_ids(page)


def test_nobody_but_the_node_is_asked_for_anything(sit: "Sit", node: Node) -> None:
    seat = sit("control")
    page = seat.page(DESK)
    page.locator("#log > li").first.wait_for()
    origin = seat.url.partition("/cockpit/")[0]
    assert len(seat.asked) >= 10
    assert [url for url in seat.asked if not url.startswith(f"{origin}/")] == []
