"""Kinds of boards and of ears that only these tests know, and how to have them known."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from attrs import field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.ears import HOST, HOST_PORT, URL, EarConfig
from wagman.config.kinds import TEXT, one_of
from wagman.config.load import loads
from wagman.config.registry import BOARDS, EARS
from wagman.config.secrets import SECRET_FILE
from wagman.config.setting import setting
from wagman.model.backend import Readback
from wagman.model.errors import ConfigError


@frozen(kw_only=True)
class Strip(PlainBoard):
    """A board with names for its ports, which cannot be had without saying where it is."""

    kind = "strip"
    about = "A strip."

    host: str = field(metadata=setting(TEXT, "Where it is."))
    password_file: str | None = field(default=None, metadata=setting(SECRET_FILE, "Its password."))


@frozen(kw_only=True)
class Mute(PlainBoard):
    """A board that shows nothing, if its table says so."""

    kind = "mute"
    about = "A mute board."
    may_meter = False

    readback: str = field(default="none", metadata=setting(one_of("none", "told"), "What is believed of it."))

    @property
    def stated_readback(self) -> Readback | None:
        """Known from its table alone."""
        return "none" if self.readback == "none" else None


@frozen(kw_only=True)
class Knock(EarConfig):
    """What a kernel answers."""

    kind = "knock"
    about = "A knock."
    shows = "kernel"

    knock: str = field(metadata=setting(HOST, "The host."))


@frozen(kw_only=True)
class Page(EarConfig):
    """What a program answers."""

    kind = "page"
    about = "A page."
    shows = "program"

    page: str = field(metadata=setting(URL, "The page."))


@frozen(kw_only=True)
class Greeting(EarConfig):
    """What a program says at a port of its own."""

    kind = "greeting"
    about = "A greeting."
    shows = "program"

    greeting: str = field(metadata=setting(HOST_PORT, "The host and the port."))


@frozen(kw_only=True)
class Letter(EarConfig):
    """What a guest sends by itself."""

    kind = "letter"
    about = "A letter."
    shows = "program"
    passive = True

    letter: str = field(metadata=setting(TEXT, "The sender."))
    key_file: str | None = field(default=None, metadata=setting(SECRET_FILE, "A key."))


@frozen(kw_only=True)
class Wire(EarConfig):
    """What needs no network."""

    kind = "wire"
    about = "A wire."
    shows = "kernel"
    passive = True
    networked = False

    wire: str = field(metadata=setting(TEXT, "The line."))


@contextmanager
def kinds() -> Iterator[None]:
    """Within, these kinds are known as if they were built in."""
    with pytest.MonkeyPatch.context() as patch:
        for registry, classes in ((BOARDS, (Strip, Mute)), (EARS, (Knock, Page, Greeting, Letter, Wire))):
            for each in classes:
                patch.setitem(cast("dict[str, str]", registry.built_in), each.kind, f"{__name__}:{each.__name__}")
        yield


def problems(text: str) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(ConfigError) as caught:
        loads(text, "f")
    return list(caught.value.problems)
