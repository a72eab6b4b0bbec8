"""`wagman install-service --cockpit`: the page on the node, into a folder that stands for a system; and that wheels have it."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.systemd.pretended import accounts, everything, wagman
from wagman.systemd.cockpit import DEFAULT_SOCKET, FILES, FOLDER, shipped

SOURCE = Path(__file__).parents[2]
PLACE = FOLDER.lstrip("/")


def in_place(root: Path) -> set[str]:
    return {path.name for path in (root / PLACE).iterdir()} if (root / PLACE).exists() else set()


def named_socket(root: Path) -> str:
    (socket,) = re.findall(r'name="wagman-socket" content="([^"]*)"', (root / PLACE / "index.html").read_text())
    return str(socket)


def configure(root: Path, socket: str) -> None:
    (root / "etc/wagman").mkdir(exist_ok=True)
    (root / "etc/wagman/wagman.toml").write_text(
        f"[board]\ndevice = '/dev/x'\n[service]\nsocket = '{socket}'\n[device.gn]\nport = 1\nshutdown = []\n"
    )


def test_what_is_put_in_place_is_all_that_is_shipped() -> None:
    assert {path.name for path in (SOURCE / "wagman/cockpit").iterdir()} == set(FILES)


def test_the_page_is_put_in_place_where_it_is_asked_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wagman(root)
    assert in_place(root) == set()
    assert wagman(root, "--cockpit") == 0
    assert in_place(root) == set(FILES)
    assert ":9090/wagman" in capsys.readouterr().out
    assert named_socket(root) == DEFAULT_SOCKET
    assert {path.stat().st_mode & 0o777 for path in (root / PLACE).iterdir()} == {0o644}
    assert wagman(root, "--cockpit") == 0
    assert capsys.readouterr().out == "nothing to do\n"


def test_it_names_the_socket_of_the_configuration_and_a_later_one_once_it_is_renewed(root: Path) -> None:
    configure(root, '/run/a"<b>&c')
    wagman(root, "--cockpit")
    assert named_socket(root) == "/run/a&quot;&lt;b&gt;&amp;c"
    configure(root, "/run/wagman/other.sock")
    wagman(root)
    assert named_socket(root) == "/run/wagman/other.sock"


def test_a_configuration_that_is_not_right_yet_has_it_look_in_the_usual_place(root: Path) -> None:
    configure(root, "relative")
    (root / "etc/wagman/wagman.toml").write_text("[board")
    assert wagman(root, "--cockpit") == 0
    assert named_socket(root) == DEFAULT_SOCKET


def test_an_upgrade_renews_it_unasked(root: Path) -> None:
    wagman(root, "--cockpit")
    (root / PLACE / "cards.js").write_text("of an older version")
    wagman(root)
    assert (root / PLACE / "cards.js").read_text() == shipped("cards.js")


def test_a_dry_run_shows_it_and_does_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(root)
    assert wagman(root, "--cockpit", "--dry-run") == 0
    assert f"would write {FOLDER}/index.html\n" in capsys.readouterr().out
    assert everything(root) == before


def test_a_removal_takes_it_away_with_its_folder(root: Path) -> None:
    before, files = accounts(root), everything(root).keys()
    wagman(root, "--cockpit")
    assert wagman(root, "--remove") == 0
    assert (accounts(root), everything(root).keys()) == (before, files)
    assert not (root / PLACE).exists()


def test_a_wheel_has_every_file_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(build, cwd=SOURCE, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert {f"wagman/cockpit/{name}" for name in FILES} <= set(packed.namelist())
        assert packed.read("wagman/cockpit/wagman.js").decode() == shipped("wagman.js")
