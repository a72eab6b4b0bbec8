"""The page on the node on a machine with a real systemd, as it is installed there, and what a browser sees of a restart."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cockpit.kit import FLAGS, NEEDED, Seat, card, page_at, server_at, shown_ids
from tests.ports import free_port, listens
from tests.systemd.machine import PATH, Machine, eventually
from wagman.systemd.cockpit import FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WATCH = """
window.wasAway = new Promise(resolve => new MutationObserver(() => document.body.classList.contains("is-away") && resolve(true))
  .observe(document.body, {attributes: true}));
null;
"""
"""A restart may be over before anybody has looked."""

pytestmark = NEEDED


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    api = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright: pip install playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def at_the_machine(machine: Machine, browser: "Browser") -> Iterator[Seat]:
    """Root of the machine at Cockpit: server and bridge are among its processes and files, and its port is on this side."""
    port = free_port()
    inside = ("nsenter", "--target", str(machine.init), "--mount", "--pid", "--ipc", "--uts")
    clean = ("env", "-i", f"PATH={PATH}", "HOME=/root")
    server = subprocess.Popen((*inside, *clean, *server_at(port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(port))
        seat = Seat(page_at(port), browser)
        yield seat
        seat.close()
    finally:
        # The server is a process of the machine, and is not ended with the one that went in.
        machine.run(f"pkill -KILL -f -- '--port {port}'", check=False)
        server.kill()
        server.wait()


def require_every_event_once(page: "Page", machine: Machine) -> None:
    """What the log shows goes on from its first event to the last that there is: each once, in its order."""
    eventually(lambda: shown_ids(page)[:1] == [json.loads(machine.says("wagman events --json -n 1"))["id"]])
    ids = shown_ids(page)
    assert ids == list(range(ids[0], ids[0] - len(ids), -1))


def test_the_page_that_is_installed_lives_on_over_a_restart_by_systemd(machine: Machine, browser: "Browser") -> None:
    machine.run("/opt/wagman/bin/wagman install-service --cockpit")
    with at_the_machine(machine, browser) as seat:
        page = seat.page()
        page.locator("#live.is-live").wait_for()
        require_every_event_once(page, machine)
        before = shown_ids(page)
        page.evaluate(WATCH)
        machine.run("systemctl restart wagman")
        assert page.evaluate("window.wasAway")
        page.locator("#live.is-live").wait_for()
        eventually(machine.guests_up)
        machine.run("wagman enable gn")
        require_every_event_once(page, machine)
        assert shown_ids(page)[-len(before) :] == before
        card(page, "gn").get_by_text("on, sensed").wait_for()
        assert page.locator("#away").is_hidden()
    assert seat.complaints == []
    assert machine.cuts() == []
    machine.run(f"rm -r {FOLDER}")
