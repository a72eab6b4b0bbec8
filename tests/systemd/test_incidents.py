"""Each incident of the operations page, staged on a booted machine: whoever looks is told what is wrong and what to do."""

import re
from collections.abc import Iterator

import pytest
from attrs import define, field

from tests.systemd.conftest import installed
from tests.systemd.incidents import CONFIG, INCIDENTS, Incident
from tests.systemd.machine import Machine, booted, eventually

pytestmark = pytest.mark.slow

SMALL_DISK = """
systemctl stop wagman
mkdir /root/state && cp -a /var/lib/wagman/. /root/state
mount -t tmpfs -o size=2m tmpfs /var/lib/wagman
cp -a /root/state/. /var/lib/wagman; chown --reference=/root/state /var/lib/wagman; chmod --reference=/root/state /var/lib/wagman
systemctl start wagman
"""


@pytest.fixture(scope="module")
def node(wheels: object) -> Iterator[Machine]:
    """A machine of its own for all incidents, with a disk for the service's state that is soon full."""
    with booted(wheels) as machine:  # type: ignore[arg-type]
        installed(machine)
        machine.run(f"sed -i 's/^.environment.*/&\\nhigh = 70/' {CONFIG}; cp {CONFIG} /root/right.toml; {SMALL_DISK}")
        eventually(machine.guests_up)
        yield machine


@define
class Voices:
    """Where somebody looks, and what each place says."""

    machine: Machine
    _cursor: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.listen()

    def listen(self) -> None:
        """The journal counts from here."""
        shown = self.machine.says("journalctl --unit=wagman --lines=1 --show-cursor --output=cat")
        self._cursor = shown.rpartition("-- cursor: ")[2]

    def check(self) -> tuple[int, str]:
        done = self.machine.run("wagman check", check=False)
        return done.returncode, done.stdout

    def checked(self, reason: str) -> bool:
        """Whether the plugin tells of it."""
        return re.search(reason, self.check()[1]) is not None

    @property
    def all(self) -> dict[str, str]:
        return {
            "wagman check": self.check()[1],
            "systemctl status": self.machine.property("StatusText"),
            "wagman status": " ".join(self.machine.run("wagman status", check=False).stdout.split()),
            "warnings of the journal": self.warnings(),
        }

    def warnings(self) -> str:
        return self.machine.journal(f"--priority=warning --after-cursor='{self._cursor}'")

    def is_well(self) -> bool:
        return self.check()[0] == 0 and self.machine.guests_up()


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_whoever_looks_is_told_what_is_wrong_and_what_to_do_until_it_is_mended(node: Machine, incident: Incident) -> None:
    voices = Voices(node)
    if not voices.is_well():  # another incident was not mended, and that test has failed
        node.run(f"cp /root/right.toml {CONFIG}; systemctl reset-failed wagman; systemctl restart wagman")
        eventually(voices.is_well)
    node.run(incident.stage)
    try:
        eventually(lambda: re.search(incident.reason, voices.check()[1]), within_s=30)
        eventually(lambda: re.search(incident.reason, voices.warnings()), within_s=10)
        eventually(lambda: re.search(incident.reason, node.property("StatusText")), within_s=10)
        told = voices.all
        assert voices.check()[0] == incident.exit_code, told
        for place, words in told.items():
            assert re.search(incident.reason, words), (place, words)
        for place in ("wagman check", "wagman status", "warnings of the journal"):
            assert re.search(incident.do, told[place]), (place, told[place])
    finally:
        node.run(incident.mend)
    eventually(voices.is_well)
    voices.listen()
    eventually(lambda: not re.search(incident.reason, node.property("StatusText")), within_s=10)
    assert not re.search(incident.reason, voices.all["wagman status"])
    assert voices.warnings() == ""
