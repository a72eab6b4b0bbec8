"""Who answers on the network of the simulated node, and to what."""

import pytest

from wagman.fake.guests import Guest
from wagman.fake.hardware import Relay
from wagman.simulation.boards.outlet import Outlet
from wagman.simulation.network import Network


def answers(what: str) -> dict[str, bool]:
    """What a guest answers to, some time after that has happened to it."""
    guest = Guest("ai")
    guest.power_on(0.0, None)
    if "=" in what:
        guest.change(100.0, guest.spec.changed(what))
    elif what != "nothing":
        getattr(guest, what)(100.0)
    network = Network({"ai": Outlet(guest, Relay())}.get, lambda _host: None, lambda: 200.0)
    return {shows: network.answers("ai", shows) for shows in ("kernel", "program")}


@pytest.mark.parametrize(
    ("what", "kernel", "program"),
    [
        ("nothing", True, True),
        ("hang", True, False),
        ("panic", False, False),
        ("halt", False, False),
        ("power_off", False, False),
        ("beat=0", True, False),
    ],
)
def test_a_guest_answers_what_is_left_of_it(what: str, kernel: bool, program: bool) -> None:
    assert answers(what) == {"kernel": kernel, "program": program}


def test_whoever_is_no_guest_is_a_witness() -> None:
    assert Network(lambda _host: None, lambda _host: None, lambda: 0.0).answers("gateway", "kernel")
