"""What `wagman fleet` says where it cannot begin."""

import subprocess
import sys

import pytest

WITHOUT_PAHO = "import sys; sys.modules['paho'] = None; from wagman.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("words", [["status"], ["bridge", "--check"], ["--help"]], ids=" ".join)
def test_without_the_package_that_speaks_mqtt_it_says_what_to_install(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PAHO, "fleet", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "wagman: a fleet needs the package paho-mqtt: pip install 'wagman[fleet]'\n")
