"""The page on the node: a package of Cockpit, which has the login, and runs the page's requests as the logged-in user.

The files are shipped in `wagman/cockpit`. Nothing is started, and the service is unchanged: the page talks to the control socket.
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
"""The path of the socket in the shipped page."""

START = "index.html"
"""The file with the path of the socket."""

FILES = (
    *("manifest.json", START, "wagman.css", "wagman.js", "actions.js", "cards.js", "connection.js", "dom.js", "follower.js"),
    *("log.js", "timeline.js"),
)


def shipped(name: str) -> str:
    """Return a file of the page, as it is shipped."""
    return files("wagman").joinpath("cockpit", name).read_text(encoding="utf-8")


def start(socket: str) -> str:
    """Return the file that the browser opens, for a service with this socket."""
    return shipped(START).replace(f'"{DEFAULT_SOCKET}"', f'"{escape(socket)}"')


def socket_of(target: Target, config: str) -> str:
    """Return the path of the socket in that system's configuration; the default if the configuration is wrong."""
    try:
        return load(str(target.path(config))).service.socket
    except ConfigError:
        return DEFAULT_SOCKET


@frozen
class PageFile:
    """A file of the page. The path of the socket in it comes from the configuration."""

    name: str
    config: str

    def plan(self, target: Target) -> str:
        """Return what will be written, in words."""
        return self._file(target).plan(target)

    def do(self, target: Target) -> None:
        """Write the file."""
        self._file(target).do(target)

    def plan_removal(self, target: Target) -> str:
        """Return what will be removed, in words; any file of this name is ours."""
        return self._file(target).plan_removal(target)

    def undo(self, target: Target) -> None:
        """Remove the file, and the folder with the last one."""
        self._file(target).undo(target)

    def _file(self, target: Target) -> File:
        content = shipped(self.name) if self.name != START else start(socket_of(target, self.config))
        return File(f"{FOLDER}/{self.name}", content)


@frozen
class Page:
    """The whole page, installed if it is asked for, and renewed by an upgrade."""

    config: str
    name: ClassVar[str] = "cockpit"
    is_beside_service: ClassVar[bool] = True
    text: ClassVar[str] = "also install the page for a browser, in Cockpit"
    next_steps: ClassVar[str] = """\
For the page: apt install cockpit-ws cockpit-bridge cockpit-system, where it is not there yet, then log in anew at
  https://THIS-COMPUTER:9090/wagman
It offers what the groups of who is logged in allow: read_group and operate_group in [service] of /etc/wagman/wagman.toml."""

    def is_in_place(self, target: Target) -> bool:
        """Return whether it is installed, so that an upgrade renews it."""
        return target.place(f"{FOLDER}/{START}").exists()

    def steps(self, _shipped: Callable[[str], str]) -> Sequence[Step]:
        """Return the steps that install the files; the start page comes last, since it leads to all others."""
        return [PageFile(name, self.config) for name in (*(each for each in FILES if each != START), START)]
