"""The kinds of boards and of ears: those of the package, and those that are installed beside it."""

import subprocess
import sys
import textwrap
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from tests.config.kit import Knock, Strip, problems
from wagman.config.load import loads
from wagman.config.registry import BOARDS, EARS, KindError, Registry

GUEST = "[device.gn]\nport = 1\nshutdown = []\n"
PLACES = {"boards": BOARDS, "ears": EARS}


def install(monkeypatch: pytest.MonkeyPatch, group: str, kinds: Mapping[str, str]) -> None:
    """As if a package had been installed that brings these kinds."""

    def entry_points(*, group: str) -> metadata.EntryPoints:
        return metadata.EntryPoints(metadata.EntryPoint(kind, place, group) for kind, place in found.get(group, {}).items())

    found = {group: kinds}
    monkeypatch.setattr(metadata, "entry_points", entry_points)


@pytest.mark.parametrize(
    ("registry", "kind"),
    [(registry, kind) for registry in PLACES.values() for kind in registry.built_in],
    ids=lambda each: str(each)[:9],
)
def test_each_kind_of_the_package_can_be_had(registry: Registry, kind: str) -> None:
    assert registry.load(kind).__name__ == registry.built_in[kind].partition(":")[2]


def test_another_package_brings_a_board_and_an_ear(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "wagman.boards", {"strip": "tests.config.kit:Strip"})
    text = f"[board]\nkind = 'strip'\nhost = 'h'\n{GUEST}heartbeat = false\n"
    assert loads(text, "f").boards == (Strip(host="h"),)
    install(monkeypatch, "wagman.ears", {"knock": "tests.config.kit:Knock"})
    text = f"{GUEST}heartbeat = {{ knock = 'gn' }}\n[network.lan]\nwitness = {{ knock = 'w' }}\n"
    assert loads(text, "f").devices[0].ears == (Knock(knock="gn", network="lan"),)


def test_a_kind_of_the_package_stays_what_it_is_whatever_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "wagman.boards", {"wagman": "tests.config.kit:Strip"})
    assert loads(GUEST, "f").boards[0].kind == "wagman"


def test_what_is_installed_is_among_the_kinds_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "wagman.boards", {"strip": "tests.config.kit:Strip"})
    (told,) = problems(f"[board]\nkind = 'stripe'\n{GUEST}")
    assert told.startswith('f:2: board.kind: there is no kind of board called "stripe"; those that there are: "strip", ')
    assert '"wagman"' in told


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module_x", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module_x'"),
        ("raise RuntimeError('no bus\\n  here')", "cannot be imported: RuntimeError: no bus here"),
        ("1 +", "cannot be imported: SyntaxError: "),
        ("", "cannot be imported: AttributeError: "),
        ("Lamp = 5", "does not derive from wagman.config.boards:BoardConfig"),
        ("class Lamp: kind = 'lamp'", "does not derive from wagman.config.boards:BoardConfig"),
        (
            "from wagman.config.boards import PlainBoard\nclass Lamp(PlainBoard): kind = 'light'",
            "is of another kind: light",
        ),
    ],
)
def test_a_kind_that_cannot_be_had_is_wrong_in_the_file_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, reason: str
) -> None:
    (tmp_path / "lamp_for_wagman.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lamp_for_wagman", raising=False)
    install(monkeypatch, "wagman.boards", {"lamp": "lamp_for_wagman:Lamp"})
    (told,) = problems(f"[board.x]\nkind = 'lamp'\nhost = 'h'\n{GUEST}")
    assert told.startswith(f"f:2: board.x.kind: lamp_for_wagman:Lamp {reason}")
    monkeypatch.delitem(sys.modules, "lamp_for_wagman", raising=False)


def test_an_ear_that_cannot_be_had_is_wrong_in_the_file_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("lamp_for_wagman")
    monkeypatch.setitem(sys.modules, "lamp_for_wagman", module)
    install(monkeypatch, "wagman.ears", {"blink": "lamp_for_wagman:Blink"})
    (told,) = problems(f"{GUEST}heartbeat = [{{ blink = 5 }}]\n")
    assert told.startswith("f:4: device.gn.heartbeat[0].blink: lamp_for_wagman:Blink cannot be imported: AttributeError: ")


def test_a_kind_that_nobody_asks_for_is_not_imported() -> None:
    """A site with a Wagman needs nothing of what speaks to a plug, and does not look for what is installed."""
    script = f"""
        import sys
        from wagman.config.load import loads
        loads({(GUEST + "heartbeat = true" + chr(10))!r}, "f")
        loads({(GUEST + "[board]" + chr(10) + "kind = 'wagman'" + chr(10))!r}, "f")
        print([name for name in sys.modules if name.startswith("wagman.io") or name in ("importlib.metadata", "trio")])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_kind_of_the_package_whose_module_is_not_there_says_so() -> None:
    registry = Registry("wagman.config.boards:BoardConfig", "wagman.boards", {"lamp": "wagman.io.lamp:LampBoard"})
    with pytest.raises(KindError, match=r"wagman.io.lamp:LampBoard cannot be imported: ModuleNotFoundError: No module named"):
        registry.load("lamp")


@pytest.mark.parametrize(
    ("package", "board", "words"),
    [
        ("gpiod", "kind = 'gpio'", "GPIO needs the package gpiod: pip install 'wagman[gpio]'"),
        ("paho", "kind = 'mqtt'", "MQTT needs the package paho-mqtt: pip install 'wagman[mqtt]'"),
    ],
)
def test_a_kind_whose_package_is_not_installed_says_how_to_install_it_and_no_more(package: str, board: str, words: str) -> None:
    script = f"""
        import sys
        sys.modules[{package!r}] = None
        from tests.config.kit import problems
        print(*problems({(GUEST + "heartbeat = false" + chr(10) + "[board.hat]" + chr(10) + board + chr(10))!r}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout == f"f:6: board.hat.kind: {words}\n"
