"""A question that is put to the addresses of a guest: what goes wrong on its side is an answer that did not come, and is told."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from wagman.io.ears.addresses import Address, Place, is_own, own_trouble
from wagman.model.errors import EarError


@define(eq=False)
class Known(Place):
    """A guest with these addresses, each of which answers so, or raises that."""

    answers: tuple[Exception | bool, ...] = ()
    families: tuple[int, ...] = ()  # of the first addresses; the others are of IPv4

    async def addresses(self) -> list[Address]:
        families = (*self.families, *[socket.AF_INET] * len(self.answers))
        return [Address(families[number], (f"10.0.0.{number}", 1)) for number, _ in enumerate(self.answers)]

    async def question(self, address: Address) -> bool:
        await trio.lowlevel.checkpoint()
        answer = self.answers[int(address.at[0].rpartition(".")[2])]
        if isinstance(answer, TimeoutError):
            await trio.sleep_forever()
        if isinstance(answer, Exception):
            raise answer
        return answer


def guest(*answers: Exception | bool) -> Known:
    return Known("guest", 1, 5.0, answers)


def asked(place: Known) -> bool:
    return trio.run(place.ask, place.question, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("others", [(), (False,)], ids=["one address", "two"])
@pytest.mark.parametrize(
    ("trouble", "why"),
    [(trio.BrokenResourceError(), "it hung up"), (ConnectionRefusedError(111, ""), "Connection refused")],
)
def test_what_goes_wrong_at_the_guest_is_no_answer(trouble: Exception, why: str, others: tuple[bool, ...]) -> None:
    place = guest(trouble, *others)
    assert not asked(place)
    assert place.why == why


@pytest.mark.parametrize("others", [(), (False,)], ids=["one address", "two"])
def test_what_goes_wrong_here_leaves_it_unknown(others: tuple[bool, ...]) -> None:
    with pytest.raises(EarError, match="no socket"):
        asked(guest(EarError("no socket"), *others))


def test_one_address_that_answers_is_enough() -> None:
    assert asked(guest(EarError("no socket"), True, ConnectionRefusedError(111, "")))


# --- Versions of IP that this computer does not have ------------------------------------------------------------------

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "")
HANGS = TimeoutError()  # stands for an address that never answers


def trouble(number: int) -> EarError:
    """What comes of an error of this computer's own."""
    try:
        with own_trouble("no socket"):
            raise OSError(number, os.strerror(number))
    except EarError as error:
        return error


def both(*answers: Exception | bool) -> Known:
    """A guest whose first address is of IPv6, and the others of IPv4."""
    return Known("guest", 1, 5.0, answers, (socket.AF_INET6,))


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize("other", [REFUSED, False, HANGS])
def test_without_ipv6_what_the_guest_says_over_ipv4_counts(number: int, other: Exception | bool) -> None:
    assert not asked(both(trouble(number), other))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EPERM])
@pytest.mark.parametrize("other", [REFUSED, HANGS])
def test_trouble_that_is_not_of_the_version_of_ip_leaves_it_unknown(number: int, other: Exception) -> None:
    with pytest.raises(EarError, match=os.strerror(number)):
        asked(both(trouble(number), other))


def test_if_no_address_could_be_asked_nobody_knows() -> None:
    with pytest.raises(EarError, match=os.strerror(errno.EADDRNOTAVAIL)):
        asked(both(trouble(errno.EADDRNOTAVAIL), trouble(errno.EADDRNOTAVAIL)))


def test_a_computer_that_has_that_version_of_ip_has_run_out_of_ports() -> None:
    with pytest.raises(EarError, match=os.strerror(errno.EADDRNOTAVAIL)):
        asked(guest(trouble(errno.EADDRNOTAVAIL), REFUSED))


@pytest.mark.parametrize(
    ("family", "at", "ours"),
    [
        (socket.AF_INET, ("127.0.0.1", 80), True),
        (socket.AF_INET, ("127.8.9.10", 80), True),
        (socket.AF_INET, ("198.51.100.77", 80), False),  # an address of no computer (RFC 5737)
        (socket.AF_INET6, ("2001:db8::77", 80, 0, 0), False),  # another one (RFC 3849)
    ],
)
def test_an_address_is_ours_if_we_reach_it_from_itself_or_over_the_loopback(family: int, at: tuple[Any, ...], ours: bool) -> None:
    assert is_own(Address(family, at)) is ours


OWN = "import sys; from wagman.io.ears.addresses import Address, is_own; print(is_own(Address(2, (sys.argv[1], 80))))"
APART = """
echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
ip link set lo up && ip link add ours type veth peer name other && ip link set other up || exit
ip address add 198.51.100.1/24 dev ours && ip link set ours up || exit
for each in 127.0.0.1 198.51.100.1 198.51.100.77; do "$0" -c "$1" $each; done
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="making a network takes root")
def test_an_address_is_not_ours_only_because_the_kernel_lets_programs_bind_to_any() -> None:
    command = ("unshare", "--net", "sh", "-c", APART, sys.executable, OWN)
    made = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if "not supported" in made.stderr or "Operation not permitted" in made.stderr:
        pytest.skip(made.stderr)
    assert made.stdout.split() == ["True", "True", "False"], made.stderr
