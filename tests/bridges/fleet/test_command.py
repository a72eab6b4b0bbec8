"""What `wagman fleet` says where it cannot begin."""

import subprocess
import sys
from pathlib import Path

import pytest

from wagman.cli import main

WITHOUT_PAHO = "import sys; sys.modules['paho'] = None; from wagman.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("words", [["status"], ["bridge", "--check"], ["--help"]], ids=" ".join)
def test_without_the_package_that_speaks_mqtt_it_says_what_to_install(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PAHO, "fleet", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "wagman: a fleet needs the package paho-mqtt: pip install 'wagman[fleet]'\n")


@pytest.mark.parametrize("wrong", ["state", "state/ledger.db"])
def test_a_bridge_that_can_keep_no_ledger_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    """Because something else is in the place of what is `wrong`."""
    config = tmp_path / "fleet.toml"
    config.write_text(
        f'[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\ntls = false\n[service]\nstate_dir = "{tmp_path}/state"\n'
    )
    if wrong == "state":
        (tmp_path / wrong).write_text("")
    else:
        (tmp_path / wrong).mkdir(parents=True)
    assert main(["fleet", "bridge", "--config", str(config)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"wagman: {tmp_path}/state")
    assert "it needs room on that disk, and the right to write there (state_dir in [service])" in said
