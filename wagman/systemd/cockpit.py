"""The page on the node: the files of a package of Cockpit, which has the login and runs the page's questions as who is logged in.

They are shipped in `wagman/cockpit`. Nothing is started, and the service is as before: the page talks to the control socket.
"""

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from typing import ClassVar

from attrs import frozen

from wagman.config.load import load
from wagman.model.errors import ConfigError
from wagman.systemd.steps import File, Step, Target

FOLDER = "/usr/share/cockpit/wagman"

DEFAULT_SOCKET = "/run/wagman/wagman.sock"
"""What the page calls the socket as it is shipped."""

START = "index.html"
"""The file that says where the socket is."""

FILES = (
    *("manifest.json", START, "wagman.css", "wagman.js", "actions.js", "cards.js", "connection.js", "dom.js", "follower.js"),
    *("log.js", "timeline.js"),
)


def shipped(name: str) -> str:
    """A file of the page, as it is in this package."""
    return files("wagman").joinpath("cockpit", name).read_text(encoding="utf-8")


def start(socket: str) -> str:
    """The file that the browser opens, for a service with this socket."""
    return shipped(START).replace(f'"{DEFAULT_SOCKET}"', f'"{escape(socket)}"')


def socket_of(target: Target, config: str) -> str:
    """Where the service of that system has its socket; the usual place, as long as its configuration is not right."""
    try:
        return load(str(target.path(config))).service.socket
    except ConfigError:
        return DEFAULT_SOCKET


@frozen
class PageFile:
    """One file of the page: which socket it names is the configuration's to say, once that is there."""

    name: str
    config: str

    def plan(self, target: Target) -> str:
        """New, changed, or nothing."""
        return self._file(target).plan(target)

    def do(self, target: Target) -> None:
        """Put it there."""
        self._file(target).do(target)

    def plan_removal(self, target: Target) -> str:
        """Whatever is there by this name is ours."""
        return self._file(target).plan_removal(target)

    def undo(self, target: Target) -> None:
        """With the last of them goes the folder."""
        self._file(target).undo(target)

    def _file(self, target: Target) -> File:
        content = shipped(self.name) if self.name != START else start(socket_of(target, self.config))
        return File(f"{FOLDER}/{self.name}", content)


@frozen
class Page:
    """All of it, put in place as the bridges are: where it is asked for, and renewed by an upgrade."""

    config: str
    name: ClassVar[str] = "cockpit"
    is_beside_service: ClassVar[bool] = True
    text: ClassVar[str] = "also the page for a browser, in Cockpit"
    next_steps: ClassVar[str] = """\
For the page: apt install cockpit-ws cockpit-bridge cockpit-system, where it is not there yet, then log in anew at
  https://THIS-COMPUTER:9090/wagman
It offers what the groups of who is logged in allow: read_group and operate_group in [service] of /etc/wagman/wagman.toml."""

    def is_in_place(self, target: Target) -> bool:
        """It was asked for once: an upgrade renews it."""
        return target.place(f"{FOLDER}/{START}").exists()

    def steps(self, _shipped: Callable[[str], str]) -> Sequence[Step]:
        """Its files, the one that leads to all others last."""
        return [PageFile(name, self.config) for name in (*(each for each in FILES if each != START), START)]
