"""What axe-core finds on the page, in light and dark, on a phone and at a desk: nothing that is serious."""

from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.cockpit.kit import DESK, NEEDED, PHONE, card
from tests.service.kit import Node, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.cockpit.conftest import Sit

pytestmark = NEEDED

GRAVE = ("serious", "critical")


def require_nothing_serious(page: "Page") -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    # As a file of the page's own would come: its policy lets in no script by another way.
    found: Any = axe.Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in GRAVE] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_with_trouble_on_it(size: dict[str, int], scheme: Literal["light", "dark"], sit: "Sit", node: Node) -> None:
    page = sit("control").page(size, scheme)
    eventually(node.all_started)
    node.call("maintenance", device="x1", for_s=3600)
    node.call("stop", device="cs")
    node.board("unplug")
    page.locator("#problems > .critical").first.wait_for()
    card(page, "gn").get_by_text("More", exact=True).click()
    card(page, "cs").get_by_text("Why?").click()
    card(page, "cs").locator("details ol > li").first.wait_for()
    require_nothing_serious(page)
    card(page, "gn").get_by_role("button", name="Stop gn").click()
    page.get_by_role("dialog").wait_for()
    require_nothing_serious(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Hibernate all").click()
    page.get_by_role("dialog").wait_for()
    require_nothing_serious(page)
    page.keyboard.press("Escape")
    node.board("replug")
    node.call("maintenance", device="x1")
    node.call("start", device="cs")
    page.locator("#no-problems").wait_for()


def test_the_page_while_the_service_is_away(sit: "Sit", node: Node) -> None:
    page = sit("control").page()
    page.locator("#log > li").first.wait_for()
    node.processes[-1].terminate()
    node.processes[-1].wait()
    page.locator("body.is-away").wait_for()
    require_nothing_serious(page)
    node.start_service()
    eventually(node.answers)


def test_the_page_of_who_may_not_look(sit: "Sit", node: Node) -> None:
    page = sit("nobody").page()
    page.locator("#denied").wait_for()
    require_nothing_serious(page)
