"""Plugs that speak HTTP, in real processes: what goes wrong with them, and what the service makes of it.

All cases run side by side, on one service: each has a rail of its own.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.powered import Site, new_site

HEARTBEAT_TIMEOUT_S, STOP_SILENCE_S, OFF_TIME_S, POLL_S, EVERY_S, METER_S = 5.0, 3.0, 4.0, 1.0, 1.0, 3.0

HEAD = f"""
[service]
socket = "{{folder}}/socket"
state_dir = "{{folder}}/state"
log = "json"

[wagman]
stagger = 0.2
normal_interval = 0.5

[defaults]
heartbeat_timeout = {HEARTBEAT_TIMEOUT_S}
stop_silence = {STOP_SILENCE_S}
off_time = {OFF_TIME_S}
start_timeout = 10
stop_timeout = 60
shutdown_resend = 5
backoff_min = 1
stable_after = 5
command_timeout = 2
adopt_window = 2
network = "lan"
"""

BOARD = """
[board.{name}]
kind = "{kind}"
host = "127.0.0.1:{port}"
poll = {poll}
settle = 0.5
meter_settle = {meter_s}
"""

GUEST = """
[device.{name}]
board = "{board}"
port = "{port}"
heartbeat = {{ {ear}, every = {every}, timeout = 0.5 }}
shutdown = {shutdown}
"""

NETWORK = """
[network.{name}]
witness = {{ exec = {command}, timeout = 2 }}
"""

STORIES: list[Callable[[Site], None]] = []
OF_EARS: list[Callable[[Site], None]] = []


def side_by_side(story: Callable[[Site], None]) -> Callable[[Mapping[str, "Future[None]"]], None]:
    """A test that runs beside the others; what it awaits is told by the log, so that it may take its time."""
    STORIES.append(story)

    def test(stories: Mapping[str, "Future[None]"]) -> None:
        stories[story.__name__].result()

    test.__name__ = story.__name__
    return test


def of_ears(story: Callable[[Site], None]) -> Callable[[Mapping[str, "Future[None]"]], None]:
    """One of the second site: a guest that is never heard holds up the start of others for as long as a start may take."""
    OF_EARS.append(story)
    return side_by_side(story)


def quoted(words: list[str]) -> str:
    return "[" + ", ".join(f"'''{word}'''" for word in words) + "]"


def configuration(site: Site, kind: str) -> str:
    parts = [HEAD.format(folder=site.folder)]
    witnesses = {network: quoted(site.witness(network).asking("/")) for network in NETWORKS_OF[kind]}
    parts.extend(NETWORK.format(name=network, command=command) for network, command in witnesses.items())
    for name, rail in site.rails.rails.items():
        first = 0 if rail.kind == "shelly" else 1
        parts.append(BOARD.format(name=name, kind=rail.kind, port=rail.port, poll=POLL_S, meter_s=METER_S))
        parts.extend([f'password_file = "{site.folder}/password"\n'] if name == "keyed" else [])
        for number, guest in enumerate(rail.computers):
            halt = quoted(guest.asking("/halt"))
            ear = EARS.get(guest.name, 'http = "{url}"').format(url=guest.url, folder=site.folder)
            parts.append(GUEST.format(name=guest.name, board=name, port=first + number, every=EVERY_S, ear=ear, shutdown=halt))
            parts.extend(f'network = "{network}"\n' for network in (NETWORKS.get(guest.name),) if network)
    return "".join(parts)


EARS = {
    "unheard": 'http = "http://127.0.0.1:9/health"',
    "unsaid": 'exec = ["{folder}/ask"]',
}
NETWORKS = {"one": "yard", "two": "yard", "alone": "none", "far": "moor"}


@pytest.fixture(scope="module")
def stories() -> Iterator[Mapping[str, "Future[None]"]]:
    with new_site() as rails, new_site() as ears, ThreadPoolExecutor(len(STORIES)) as pool:
        for kind, site in {"rails": rails, "ears": ears}.items():
            for rail, guests in RAILS[kind].items():
                site.rails.add(rail, *guests, **ABOUT.get(rail, {}))
            (site.folder / "password").touch(0o600)
            (site.folder / "password").write_text("wrong")
            site.config.write_text(configuration(site, kind))
            site.start()
        rails.soon(lambda: {row["name"] for row in rails.call("status")["devices"] if row["state"] == "started"} >= WELL)
        yield {story.__name__: pool.submit(story, ears if story in OF_EARS else rails) for story in STORIES}


RAILS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "rails": {
        "mast": ("hangs",),
        "yard": ("one", "two", "alone"),
        "lost": ("kept",),
        "dark": ("darkened",),
        "lit": ("relit",),
        "weld": ("welded",),
        "idle": ("idle",),
        "late": ("late",),
        "other": ("mistaken",),
        "keyed": ("locked",),
    },
    "ears": {"ears": ("far", "unheard", "unsaid")},
}
NETWORKS_OF = {"rails": ("lan", "yard"), "ears": ("lan", "moor")}
ABOUT: Mapping[str, Mapping[str, Any]] = {
    "dark": {"kind": "tasmota", "on_restore": "off"},
    "lit": {"on_restore": "on"},
    "keyed": {"password": "right"},
}
WELL = {guest for guests in RAILS["rails"].values() for guest in guests} - {"locked"}


# A guest hangs, or the network does ------------------------------------------


@side_by_side
def test_a_guest_whose_programs_hang_is_asked_cut_and_started_again(site: Site) -> None:
    rail, guest = site.rails.rails["mast"], site.rails.computer("hangs")
    mark = site.mark()
    hung_s = time.monotonic()
    guest.hang()
    site.log.awaited("hangs", "device.heartbeat_lost", mark)
    site.log.awaited("hangs", "device.message", mark, ok=False)  # its kernel takes the connection, and nobody reads
    site.log.awaited("hangs", "device.started", mark)
    took_s = time.monotonic() - hung_s
    assert rail.switches()[-2:] == [(0, False), (0, True)]
    asked_s = 2.0  # how long the command tries
    configured_s = HEARTBEAT_TIMEOUT_S + asked_s + STOP_SILENCE_S + max(OFF_TIME_S, METER_S)
    # Each silence ends between two questions, and so does the start; the board is looked at when its meter can be believed.
    assert took_s <= configured_s + 2 * POLL_S + 3 * EVERY_S, f"{took_s:.1f} s, of which {configured_s:g} s are configured"


@side_by_side
def test_an_outage_of_the_network_costs_nobody_the_power_but_who_is_heard_without_a_witness(site: Site) -> None:
    rail, mark = site.rails.rails["yard"], site.mark()
    everybody = [*rail.computers, site.witnesses["yard"]]
    for each in everybody:
        each.hang()
    time.sleep(4 * HEARTBEAT_TIMEOUT_S)
    for each in everybody:
        each.revive()
    time.sleep(HEARTBEAT_TIMEOUT_S)
    assert [port for port, on in rail.switches() if not on] == [2]
    for guest in ("one", "two"):
        assert site.log.of(guest, since=mark) == []
    assert site.log.of("alone", "device.heartbeat_lost", since=mark)


# The rail ----------------------------------------------------------------------


@side_by_side
def test_a_rail_that_is_not_reached_for_half_a_minute_is_told_of_and_costs_nobody_the_power(site: Site) -> None:
    rail, mark = site.rails.rails["lost"], site.mark()
    before = rail.switches()
    rail.shut()
    told = site.log.awaited(None, "board.silent", mark, name="lost")
    assert "Connection refused" in told["fields"]["reason"]
    site.soon(lambda: "link:lost" in site.problems())
    time.sleep(25)
    rail.open()
    site.soon(lambda: "link:lost" not in site.problems())
    assert rail.switches() == before
    assert site.log.of("kept", since=mark) == []


@side_by_side
def test_a_rail_that_restarts_with_its_outlets_off_has_its_guests_started_again(site: Site) -> None:
    mark = site.mark()
    site.rails.rails["dark"].do("restart cold")
    site.log.awaited("darkened", "device.power_lost", mark)
    site.log.awaited("darkened", "device.started", mark)


@side_by_side
def test_a_rail_that_restarts_with_its_outlets_on_has_its_guests_taken_over(site: Site) -> None:
    rail, mark = site.rails.rails["lit"], site.mark()
    before = len(rail.switches())
    rail.do("restart cold")
    site.log.awaited("relit", "device.power_lost", mark)
    site.log.awaited("relit", "device.started", mark)
    assert rail.switches()[before:] == [(0, False), (0, True)]  # by itself


@side_by_side
def test_a_welded_relay_is_found_by_its_meter_and_told_of_until_it_is_mended(site: Site) -> None:
    rail, mark = site.rails.rails["weld"], site.mark()
    rail.do(f"lie {METER_S - 1}")
    rail.do("weld 0")
    site.call("kill", device="welded")
    site.log.awaited("welded", "device.relay_stuck", mark)
    row = site.row("welded")
    assert (row["power"]["wanted"], row["power"]["confirmed"], row["relay_stuck"]) == ("off", False, True)
    site.soon(lambda: "relay_stuck:welded" in site.problems())
    rail.do("mend 0")
    site.log.awaited("welded", "device.off", mark)
    site.soon(lambda: "relay_stuck:welded" not in site.problems())


@side_by_side
def test_a_rail_that_acknowledges_and_does_nothing_is_told_of_and_asked_until_it_does(site: Site) -> None:
    rail, mark = site.rails.rails["idle"], site.mark()
    rail.do("ignore 1000")
    site.call("kill", device="idle")
    site.log.awaited("idle", "device.relay_stuck", mark)
    assert not site.log.of("idle", "device.off", since=mark)
    rail.do("ignore 0")
    site.log.awaited("idle", "device.off", mark)


@side_by_side
def test_a_command_that_is_done_late_and_one_that_is_lost_meanwhile_are_made_good(site: Site) -> None:
    rail, mark = site.rails.rails["late"], site.mark()
    site.call("kill", device="late")
    site.log.awaited("late", "device.off", mark)
    rail.do("late 11")
    site.call("start", device="late")
    site.soon(lambda: rail.switches()[-1] == (0, True))
    site.log.awaited("late", "device.started", mark)
    rail.do("late 0")
    time.sleep(11)
    assert rail.switches()[-1] == (0, True)
    # And one that is lost because another one is pending.
    mark = site.mark()
    site.call("kill", device="late")
    site.log.awaited("late", "device.off", mark)
    mark = site.mark()
    rail.do("late 6")
    site.call("start", device="late")
    time.sleep(OFF_TIME_S + 1)
    rail.do("late 0")
    rail.do("ignore 1")
    site.call("kill", device="late")
    time.sleep(10)
    site.soon(lambda: rail.switches()[-1] == (0, False))
    site.soon(lambda: site.row("late")["power"]["confirmed"])


# Who it is ---------------------------------------------------------------------


@side_by_side
def test_a_stranger_at_the_address_is_never_switched_and_told_of(site: Site) -> None:
    rail, mark = site.rails.rails["other"], site.mark()
    before = rail.switches()
    mac = rail.do("status")["mac"]
    rail.do("replace 112233445566")
    site.log.awaited(None, "board.stranger", mark, name="other")
    site.call("kill", device="mistaken")
    time.sleep(5)
    assert rail.switches() == before
    site.soon(lambda: "link:other" in site.problems())
    told = site.problems()["link:other"]
    assert "112233445566" in told["text"]
    assert "find out which board that is" in told["do"]
    rail.do(f"replace {mac}")
    site.log.awaited("mistaken", "device.off", mark)
    assert rail.switches() == [*before, (0, False)]
    site.soon(lambda: "link:other" not in site.problems())


@side_by_side
def test_a_wrong_password_is_told_of_and_the_right_one_needs_no_restart(site: Site) -> None:
    site.soon(lambda: "link:keyed" in site.problems())
    told = site.problems()["link:keyed"]
    assert "wants another password" in told["text"]
    assert "put its password into the file" in told["do"]
    (site.folder / "password").write_text("right")
    site.log.awaited("locked", "device.started")
    site.soon(lambda: "link:keyed" not in site.problems())


# What is never heard -----------------------------------------------------------


@of_ears
def test_a_guest_that_was_never_heard_is_told_of_until_it_is_and_is_not_cut_for_it(site: Site) -> None:
    problem = "never_heard:unheard:http http://127.0.0.1:9/health"
    site.soon(lambda: problem in site.problems())
    assert "unheard was never heard by http" in site.wagman("status").stdout
    checked = site.wagman("check")
    assert checked.returncode > 0
    assert "never_heard:unheard" in checked.stdout


@of_ears
def test_an_ear_that_cannot_listen_is_told_of_until_it_can(site: Site) -> None:
    problem = f"deaf:unsaid:exec {site.folder}/ask"
    site.soon(lambda: problem in site.problems())
    assert "the service cannot listen to unsaid" in site.wagman("status").stdout.replace("\n", " ")
    assert "deaf:unsaid" in site.wagman("check").stdout
    script = site.folder / "ask"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    site.soon(lambda: problem not in site.problems())
    site.log.awaited("unsaid", "device.started")


@of_ears
def test_a_network_that_nobody_shows_to_work_is_told_of_until_somebody_does(site: Site) -> None:
    mark = site.mark()
    site.witnesses["moor"].hang()
    site.log.awaited(None, "network.unproved", mark, network="moor")
    site.soon(lambda: "network:moor" in site.problems())
    assert "no witness of the network moor answers" in site.wagman("status").stdout.replace("\n", " ")
    assert "network:moor" in site.wagman("check").stdout
    site.witnesses["moor"].revive()
    site.log.awaited(None, "network.proved", mark, network="moor")
    site.soon(lambda: "network:moor" not in site.problems())
