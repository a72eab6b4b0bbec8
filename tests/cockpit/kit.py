"""A node of real processes, seen through Cockpit's own web server and bridge in a real browser, by people of each role."""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest
from attrs import define, field

from tests.ports import free_port, listens
from tests.service.kit import CONFIG, PATIENCE_S, Node, environment, eventually, new_node
from wagman.systemd.cockpit import FILES, START, shipped, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

COCKPIT_WS = Path("/usr/lib/cockpit/cockpit-ws")
CHROMIUM = shutil.which("chromium")

MISSING = [
    name
    for name, is_there in (
        ("root", os.geteuid() == 0),
        ("chromium", CHROMIUM is not None),
        ("cockpit-ws", COCKPIT_WS.exists()),
        ("cockpit-bridge", shutil.which("cockpit-bridge") is not None),
    )
    if not is_there
]

NEEDED = pytest.mark.skipif(bool(MISSING), reason=f"a page in Cockpit takes {', '.join(MISSING)}")

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)

Role: TypeAlias = Literal["control", "operate", "read", "nobody"]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

GROUPS = dict(zip(("control", "operate", "read", "nobody"), [each for each in grp.getgrall() if each.gr_gid], strict=False))
SOMEBODY = next(each for each in pwd.getpwall() if each.pw_uid)
"""A user of this computer, with one of these groups at a time, and none of its own."""


@define
class Seat:
    """Somebody who is logged in to Cockpit, and sits at a browser."""

    url: str
    browser: "Browser"
    asked: list[str] = field(factory=list)  # addresses
    complaints: list[str] = field(factory=list)  # of the browser: errors of scripts, and what the policy forbade
    contexts: list["BrowserContext"] = field(factory=list)

    def page(self, size: dict[str, int] = PHONE, scheme: Literal["light", "dark"] = "light") -> "Page":
        """The page, just opened, with nothing remembered of before."""
        context = self.browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type,unused-ignore]
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto(self.url)
        return page

    def close(self) -> None:
        while self.contexts:
            self.contexts.pop().close()


@contextmanager
def new_grouped_node(more: str = "") -> Iterator[Node]:
    """A node with a board, whose groups are those of the roles."""
    with new_node() as node:
        named = {"control_group": "control", "operate_group": "operate", "read_group": "read"}
        keys = "\n".join(f'{key} = "{GROUPS[role].gr_name}"' for key, role in named.items())
        node.configure(CONFIG.replace("[service]", f"[service]\n{keys}") + more)
        node.folder.chmod(0o755)
        yield node


def install(node: Node) -> Path:
    """The page where Cockpit looks for it, as `install-service --cockpit` puts it there; a folder of data as XDG has it."""
    share = node.folder / "share"
    place = share / "cockpit" / "wagman"
    place.mkdir(parents=True)
    for name in FILES:
        (place / name).write_text(start(str(node.socket)) if name == START else shipped(name))
    return share


def server_at(port: int) -> tuple[str, ...]:
    """The command of Cockpit's server for one person, who need not log in."""
    return (str(COCKPIT_WS), "--no-tls", "--address", "127.0.0.1", "--port", str(port), "--local-session", "cockpit-bridge")


def page_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/cockpit/@localhost/wagman/index.html"


@contextmanager
def logged_in(node: Node, share: Path, role: Role, browser: "Browser") -> Iterator[Seat]:
    """Cockpit as a person of this role has it: the server and the bridge run as that person, so no login is needed."""
    port, home = free_port(), node.folder / f"home-{role}"
    home.mkdir(exist_ok=True)
    os.chown(home, SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    of_home = dict.fromkeys(("HOME", "XDG_CONFIG_DIRS", "XDG_RUNTIME_DIR"), str(home))
    group = GROUPS[role].gr_gid
    # Its own group is one that counts for nothing: what the service goes by is the supplementary one.
    own = GROUPS["nobody"].gr_gid
    server = subprocess.Popen(
        server_at(port),
        env={**environment(), **of_home, "XDG_DATA_DIRS": f"{share}:/usr/share"},
        user=SOMEBODY.pw_uid,
        group=own,
        extra_groups=[group],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: listens(port))
        seat = Seat(page_at(port), browser)
        yield seat
        seat.close()
    finally:
        server.kill()
        server.wait()


def shown_ids(page: "Page") -> list[int]:
    """The ids of the events in the log, as they stand there: the newest first."""
    ids: list[str] = page.eval_on_selector_all("#log > li[data-id]", "items => items.map(each => each.dataset.id)")
    return [int(each) for each in ids if each != "null"]


def offered(page: "Page", guest: str) -> list[str]:
    """What can be asked for of a guest, in the order in which it stands there."""
    verbs: list[str] = page.eval_on_selector_all(
        f"article[aria-label={guest}] button[data-verb]", "buttons => buttons.map(each => each.dataset.verb)"
    )
    return verbs


def card(page: "Page", guest: str) -> Any:
    return page.locator(f"article[aria-label={guest}]")
