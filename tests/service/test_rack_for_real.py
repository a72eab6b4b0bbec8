"""A rack behind PowerMan's own daemon, with guests behind a network: each incident from its beginning to its end.

One service, one incident after the other. It takes root, for the network, and Debian's `powerman`, `iproute2`, `iputils-ping`.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen

from tests.io.ears.namespaces import GATEWAY, needs_namespaces
from tests.io.powermand import needs_powerman
from tests.service.powered import IMPATIENT, Rails, Site
from tests.service.rack import POWERMAND_PORT, Rack

pytestmark = [needs_powerman, needs_namespaces]

HEARTBEAT_TIMEOUT_S, OFF_TIME_S, POLL_S = 4.0, 2.0, 1.0

CONFIGURATION = """
[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"
log = "json"

[wagman]
stagger = 0.2
normal_interval = 0.5

[board.rack]
kind = "powerman"
host = "127.0.0.1:{port}"
poll = {poll}
settle = 0.5

[network.lan]
witness = {{ ping = "{gateway}" }}

[defaults]
board = "rack"
heartbeat_timeout = {heartbeat_timeout}
stop_silence = 2
off_time = {off_time}
start_timeout = 10
stop_timeout = 60
shutdown_resend = 5
backoff_min = 1
stable_after = 3
command_timeout = 1
adopt_window = 2
network = "lan"
"""

GUEST = """
[device.{name}]
port = "{name}"
heartbeat = {{ http = "{url}", every = 1, timeout = 0.5 }}
shutdown = ['bash', '-c', '''{halt}''']
"""

UNWITNESSED = 'network = "none"\n'


@frozen
class Place:
    """The rack, and the service that looks after it."""

    rack: Rack
    site: Site

    def states(self) -> set[str]:
        return {row["state"] for row in self.site.call("status")["devices"]}

    def told(self, guest: str, since: int) -> list[str]:
        """What was told of a guest, but that it runs well."""
        return [
            each["type"]
            for each in self.site.log.of(guest, since=since)
            if each["type"].startswith("device.") and each["type"] != "device.stable"
        ]

    def settle(self) -> None:
        """Wait until all is well."""
        self.site.soon(lambda: self.states() == {"started"} and not self.site.problems())


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with TemporaryDirectory(prefix="w") as folder, Rack(Path(folder), ("hangs", "steady", "alone")) as rack:
        site = Site(Path(folder), Rails())
        try:
            site.config.write_text(configuration(site, rack))
            site.start("ip", "netns", "exec", rack.net.name("ct"), sys.executable, str(IMPATIENT))
            yield Place(rack, site)
        finally:
            site.end()


def configuration(site: Site, rack: Rack) -> str:
    about = {"port": POWERMAND_PORT, "poll": POLL_S, "off_time": OFF_TIME_S, "heartbeat_timeout": HEARTBEAT_TIMEOUT_S}
    text = CONFIGURATION.format(folder=site.folder, gateway=GATEWAY, **about)
    for name, guest in rack.guests.items():
        text += GUEST.format(name=name, url=guest.url, halt=guest.asking("/halt")[-1])
        text += UNWITNESSED if name == "alone" else ""
    return text


def test_a_guest_whose_programs_hang_while_its_kernel_answers_is_asked_cut_and_started_again(place: Place) -> None:
    place.settle()
    mark, hung = place.site.mark(), place.rack.guests["hangs"]
    hung.hang()
    place.site.log.awaited("hangs", "device.heartbeat_lost", mark)
    assert place.rack.kernel_answers()
    place.site.log.awaited("hangs", "device.message", mark, ok=False)
    place.site.log.awaited("hangs", "device.off", mark)
    place.site.log.awaited("hangs", "device.started", mark)
    assert place.told("steady", mark) == []


def test_an_outage_of_the_network_cuts_nobody_but_who_is_heard_without_a_witness(place: Place) -> None:
    place.settle()
    mark = place.site.mark()
    place.rack.net.switch("down")
    time.sleep(4 * HEARTBEAT_TIMEOUT_S)
    place.rack.net.switch("up")
    place.site.log.awaited("alone", "device.started", mark)
    assert {"device.heartbeat_lost", "device.off"} <= {*place.told("alone", mark)}
    assert (place.told("hangs", mark), place.told("steady", mark)) == ([], [])


def test_a_daemon_that_is_killed_for_half_a_minute_costs_nobody_the_power(place: Place) -> None:
    place.settle()
    mark, run = place.site.mark(), {name: guest.process for name, guest in place.rack.guests.items()}
    place.rack.kill_daemon()
    place.site.log.awaited(None, "board.silent", mark)
    place.site.soon(lambda: "link:rack" in place.site.problems())
    time.sleep(30)
    place.rack.start_daemon()
    place.settle()
    assert {name: guest.process for name, guest in place.rack.guests.items()} == run
    assert {name: place.told(name, mark) for name in run} == {key: [] for key in run}


def test_guests_of_a_unit_that_begins_anew_with_its_outlets_off_are_started_again(place: Place) -> None:
    place.settle()
    mark = place.site.mark()
    place.rack.restart_unit()
    for guest in place.rack.guests:
        place.site.log.awaited(guest, "device.power_lost", mark)
    for guest in place.rack.guests:
        place.site.log.awaited(guest, "device.started", mark)
