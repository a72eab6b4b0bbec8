"""Each incident of the operations page, staged on a booted machine: whoever looks is told what is wrong and what to do."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from attrs import define, field

from tests.docs.night_page import ENTRIES
from tests.systemd.conftest import installed
from tests.systemd.incidents import CONFIG, INCIDENTS, READER, Incident
from tests.systemd.machine import ASIDE, Machine, booted, eventually

CODES = {entry.heading: entry.code for entry in ENTRIES}

WARNING = 4
"""The priority, as syslog numbers them."""

COUNT = re.compile(r"(?P<told>.*) \([0-9]+ times more within .*\)")
"""What tells how often something was repeated, when its window closes."""

POLL_S = 5.0
"""As the machine's configuration has it: the default."""

QUICK_HEAT = f"sed -i 's/^.environment.*/&\\nhigh = 70/; s/^.wagman.$/&\\nhibernate_min = 60/' {CONFIG}"

SMALL_DISK = f"""
systemctl stop wagman
mkdir {ASIDE}/state && cp -a /var/lib/wagman/. {ASIDE}/state
mount -t tmpfs -o size=2m tmpfs /var/lib/wagman
cp -a {ASIDE}/state/. /var/lib/wagman
chown --reference={ASIDE}/state /var/lib/wagman; chmod --reference={ASIDE}/state /var/lib/wagman
systemctl start wagman
"""


@pytest.fixture(scope="module")
def node(wheels: object) -> Iterator[Machine]:
    """A machine of its own for all incidents, with a disk for the service's state that is soon full."""
    with booted(wheels) as machine:  # type: ignore[arg-type]
        installed(machine)
        machine.drop_in("unhurried", "WatchdogSec=0")  # a service that hangs goes on hanging, to be looked at
        machine.run(f"{QUICK_HEAT}; cp {CONFIG} {ASIDE}/right.toml; {SMALL_DISK}")
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

    @property
    def all(self) -> dict[str, str]:
        return {
            "wagman check": self.check()[1],
            "systemctl status": self.machine.property("StatusText"),
            "wagman status": " ".join(self.machine.run("wagman status", check=False).stdout.split()),
            "warnings of the journal": self.warnings(),
        }

    def entries(self) -> list[Mapping[str, str]]:
        """What the journal has by now. A filter that the entry at the cursor does not pass would cost the first that does."""
        shown = self.machine.says(f"journalctl --unit=wagman --after-cursor='{self._cursor}' --output=json")
        return [json.loads(line) for line in shown.splitlines()]

    def warnings(self) -> str:
        return "\n".join(entry["MESSAGE"] for entry in self.entries() if int(entry["PRIORITY"]) <= WARNING)

    def new_warnings(self, before: str) -> list[str]:
        """Those that do not just count what was told before."""
        counts = ((each, COUNT.fullmatch(each)) for each in self.warnings().splitlines())
        return [each for each, count in counts if count is None or count["told"] not in before.splitlines()]

    def events(self) -> list[Mapping[str, Any]]:
        """The events as the journal has them, those among them that are in no log."""
        return [json.loads(entry["WAGMAN_EVENT"]) for entry in self.entries() if "WAGMAN_EVENT" in entry]

    def of_problem(self, types: str, incident: Incident) -> Mapping[str, Any] | None:
        """The first event of such a type about the problem."""
        told = (event for event in self.events() if re.fullmatch(types, event["type"]))
        return next((event for event in told if re.search(incident.reason, event["fields"]["text"])), None)

    def began(self, incident: Incident) -> Mapping[str, Any]:
        """When a person was called."""
        began = self.of_problem("problem.(began|changed)", incident)
        assert began is not None
        return began

    def delay_s(self, incident: Incident) -> float:
        """From when the service could know it until it called a person, by the service's own clock."""
        began = self.began(incident)
        own = [event for event in self.events() if event["boot_id"] == began["boot_id"]]
        known = next(e for e in own if re.search(incident.known, f"{e['type']} {json.dumps(e['fields'])}"))
        return float(began["mono_s"]) - float(known["mono_s"]) - incident.patience_s

    def name(self, incident: Incident) -> bool:
        """Whether each of them names the reason, those that have room for it say what to do, and the plugin's code is right."""
        told = self.all
        named = all(re.search(incident.reason, words) for words in told.values())
        advised = all(re.search(incident.do, words) for place, words in told.items() if place != "systemctl status")
        return named and advised and self.check()[0] == incident.exit_code

    def are_silent(self, incident: Incident) -> bool:
        """Whether nothing is told any more of what was wrong, and it counts as over."""
        status = self.machine.run("wagman status", check=False).stdout
        quiet = not re.search(incident.reason, self.machine.property("StatusText")) and "do: " not in status
        return quiet and self.is_well() and self.is_over(incident)

    def is_over(self, incident: Incident) -> bool:
        """Whether its end was told, or the log in which it began is gone."""
        is_new = any(event["type"] == "store.opened" and event["fields"]["new"] for event in self.events())
        return is_new or self.of_problem("problem.ended", incident) is not None

    def is_well(self) -> bool:
        return self.check()[0] == 0 and self.machine.guests_up()

    def recover(self) -> None:
        """Another incident was not mended, and that test has failed."""
        self.machine.run(f"cp {ASIDE}/right.toml {CONFIG}; systemctl reset-failed wagman; systemctl restart wagman")
        self.come_to(self.is_well)

    def come_to(self, condition: Callable[[], object]) -> None:
        """Wait for it; where it does not come, tell what is said instead."""
        try:
            eventually(condition)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.all}") from error


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_whoever_looks_is_told_what_is_wrong_and_what_to_do_until_it_is_mended(node: Machine, incident: Incident) -> None:
    voices = Voices(node)
    if not voices.is_well():
        voices.recover()
    node.run(incident.stage)
    try:
        voices.come_to(lambda: re.search(incident.reason, node.property("StatusText")))
        voices.come_to(lambda: voices.name(incident))
        assert voices.delay_s(incident) <= 2 * POLL_S
        assert voices.began(incident)["fields"]["id"].partition(":")[0] == CODES[incident.entry]
    finally:
        node.run(incident.mend)
    voices.come_to(voices.is_well)
    told, well = voices.warnings(), Voices(node)
    voices.come_to(lambda: voices.are_silent(incident))
    assert well.new_warnings(told) == []


def test_a_socket_that_cannot_be_made_anew_is_told_where_none_is_needed(node: Machine) -> None:
    voices = Voices(node)
    node.run("rm /run/wagman/wagman.sock; mkdir /run/wagman/wagman.sock")
    try:
        eventually(lambda: "commands cannot reach the service: " in node.property("StatusText"), within_s=30)
        assert "there is a file that is no socket" in node.property("StatusText")
        assert "remove what is in the way of the socket" in voices.warnings()
        code, words = voices.check()
        assert code == 3
        assert re.search("WAGMAN UNKNOWN: no service on .*: see systemctl status wagman", words)
    finally:
        node.run("rmdir /run/wagman/wagman.sock")
    eventually(voices.is_well)


def test_a_service_that_cannot_start_since_its_port_is_held_says_so_and_starts_once_it_is_free(node: Machine) -> None:
    voices = Voices(node)
    node.run(READER.format(how="lock") + "systemctl start wagman", check=False)
    try:
        eventually(lambda: "before the next try" in node.property("StatusText"))
        assert "another process holds the port (fuser -v tells which)" in voices.warnings()
        code, words = voices.check()
        assert code == 3
        assert re.search("WAGMAN UNKNOWN: no service on .*: see systemctl status wagman", words)
    finally:
        node.run("systemctl stop reader; systemctl restart wagman")
    eventually(voices.is_well)
