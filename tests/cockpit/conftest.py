"""What the tests of the page share: one browser, one node, and a seat for each role."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.kit import CHROMIUM, FLAGS, Role, Seat, install, logged_in, new_grouped_node
from tests.service.kit import Node, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Sit = Callable[[Role], Seat]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    api = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright: pip install playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def node(browser: "Browser") -> Iterator[Node]:
    """With all guests up."""
    with new_grouped_node() as node:
        node.start_board()
        node.start_service()
        eventually(node.all_started)
        yield node


@pytest.fixture(scope="module")
def share(node: Node) -> Path:
    """Where Cockpit finds the page."""
    return install(node)


@pytest.fixture
def sit(node: Node, share: Path, browser: "Browser") -> Iterator[Sit]:
    """Seats for one test: the session of a person who does nothing would end. No browser has anything to complain of."""
    taken = list[Seat]()
    with ExitStack() as stack:

        def sit(role: Role) -> Seat:
            taken.append(stack.enter_context(logged_in(node, share, role, browser)))
            return taken[-1]

        yield sit
    assert [complaint for seat in taken for complaint in seat.complaints] == []
