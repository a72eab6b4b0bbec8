"""What plugs that speak HTTP have in common: their keys in the configuration, their identity, their start time, their meter."""

import math
import re

import trio
from attrs import define, evolve, field, frozen

from wagman.config.boards import PlainBoard
from wagman.config.kinds import DURATION, Kind, one_of
from wagman.config.places import PLACE, split
from wagman.config.secrets import SECRET_FILE
from wagman.config.setting import setting
from wagman.io.http import HTTP_PORT, Connect, Errand
from wagman.model.backend import RUNS_APART_S, Abilities, Identity, Restore
from wagman.model.errors import StrangerError

TIMEOUT_S = 5.0
"""How long a plug may take for an answer (chosen: 5 to 200 ms in a network at rest, some seconds over a poor radio link)."""

METER_W = 2.0
"""From this many watts on something certainly runs (chosen: more than an idle supply takes, less than any computer)."""

METER_SETTLE_S = 50.0
"""For this long after a command 0 W are no evidence (seen: 0 W for 45 s, while the load ran on)."""

CLOCK_S = range(1_577_836_800, 2**32)
"""The times that a clock may show once it was set: from the start of 2020 to the end of 32 bits (chosen)."""

MOST_UPTIME_S = 2**32
"""A plug that claims to have been up for this long tells nonsense (chosen: 136 years, the end of 32 bits)."""

DRIFT = 2e-4
"""How far two clocks may drift apart, as a share of the time (chosen: 17 s a day, several times what quartzes do)."""

FOLLOWED_S, STEP_S = 5, RUNS_APART_S - 1
"""How far the start time of a plug may wander before it is reported anew, and the longest step then, in seconds (chosen)."""

SET_S = 120
"""A start time that differs by this much did not wander: the clock was set (chosen: a plug that nobody reached for a month)."""

_MAC = re.compile(r"[0-9A-F]{12}")


def _read_mac(value: object) -> str:
    mac = plain_mac(value)
    if mac is None:
        raise ValueError(MAC_WANTED)
    return mac


MAC_WANTED = "12 hexadecimal digits, with or without colons between them"
MAC = Kind(MAC_WANTED, _read_mac)


def numbered(least: int, most: int) -> Kind:
    """The kind of ports that have numbers; the configuration may write them as numbers or as text."""
    wants = f"a number from {least} to {most}"

    def read(value: object) -> str:
        text = str(value) if type(value) in {int, str} else ""
        if not re.fullmatch(r"0|[1-9][0-9]?", text) or not least <= int(text) <= most:
            raise ValueError(wants)
        return text

    return Kind(wants, read)


def plain_mac(value: object) -> str | None:
    """The twelve digits of a MAC address, in capitals; None: it is no MAC address."""
    text = re.sub("[:-]", "", value).upper() if isinstance(value, str) else ""
    return text if _MAC.fullmatch(text) else None


def number(value: object) -> float | None:
    """A finite number; None: it is none."""
    if type(value) not in {int, float}:
        return None
    try:
        told = float(value)  # type: ignore[arg-type]  # it is one of the two
    except OverflowError:
        return None
    return told if math.isfinite(told) else None


def part(value: object, *path: str) -> object:
    """The value under these keys, one inside the other; None: there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


@define
class Run:
    """One run of a plug, which tells its uptime, and its start time only once its clock was set.

    The start time wanders with the plug's quartz, some seconds a day. It is followed in steps, so that two reports in a row count
    as one run, also across a restart of the service.
    """

    began_s: int | None = field(init=False, default=None)
    _anew: bool = field(init=False, default=False)
    _uptime_s: float | None = field(init=False, default=None)
    _at_s: float = field(init=False, default=0.0)

    def told(self, uptime_s: float | None, began_s: float | None) -> bool:
        """Take a report; returns whether the plug has certainly restarted and `taken` was not called since.

        An uptime that cannot be says nothing, and what else that report says of the start does neither.
        """
        if uptime_s is not None and not 0 <= uptime_s < MOST_UPTIME_S:
            return self._anew
        now_s = trio.current_time()
        if self._uptime_s is not None and uptime_s is not None:
            least_s = self._uptime_s + (now_s - self._at_s) * (1 - DRIFT) - RUNS_APART_S
            if uptime_s < least_s:
                self._anew, self.began_s = True, None
        if uptime_s is not None:
            self._uptime_s, self._at_s = uptime_s, now_s
        # A difference of two finite numbers may be infinite, and cannot be rounded then.
        if began_s is not None and CLOCK_S.start <= began_s < CLOCK_S.stop:
            self._follow(round(began_s))
        return self._anew

    def _follow(self, began_s: int) -> None:
        if self.began_s is None:
            self.began_s = began_s
            return
        wandered_s = began_s - self.began_s
        if FOLLOWED_S <= abs(wandered_s) < SET_S:
            self.began_s += max(-STEP_S, min(STEP_S, wandered_s))

    def taken(self) -> bool:
        """Whether the plug has certainly restarted since the last call."""
        anew, self._anew = self._anew, False
        return anew


@frozen(kw_only=True)
class PlugBoard(PlainBoard):
    """The keys that tables of plugs have in common."""

    host: str = field(metadata=setting(PLACE, "The plug's name or address, with the TCP port if that is not 80."))
    id: str | None = field(
        default=None,
        metadata=setting(
            MAC,
            "The plug's MAC address. If another device answers at `host`, the service never switches that one. Without "
            "`id`, the device that answered first is the right one.",
        ),
    )
    password_file: str | None = field(default=None, metadata=setting(SECRET_FILE, "The file that holds the plug's password."))
    meter: str = field(
        default="auto",
        metadata=setting(
            one_of("auto", "none"),
            "Whether the service uses the plug's power meter: `auto` believes the meter if there is one; `none` ignores it.",
        ),
    )

    meter_settle_s: float = field(
        default=METER_SETTLE_S,
        metadata=setting(
            DURATION,
            "How long after a command the service believes no 0 W from the plug's meter, and takes no off as done: plugs "
            "were seen to show 0 W for 45s while the load ran on. This time runs at the same time as `off_time`.",
        ),
    )

    @property
    def place(self) -> tuple[str, int]:
        """The plug's host and port."""
        return split(self.host, HTTP_PORT)

    @property
    def pulses(self) -> bool:
        """Whether the board can pulse: all plugs of these kinds can."""
        return True


@define(eq=False)
class Plug:
    """One plug and what is known of it."""

    config: PlugBoard
    connect: Connect = trio.open_tcp_stream
    abilities: Abilities = field(init=False)
    run: Run = field(init=False, factory=Run)
    _mac: str | None = field(init=False)  # the MAC address of the plug that is meant
    _switched_s: dict[str, float] = field(init=False, factory=dict)  # when each port was last switched from here

    def __attrs_post_init__(self) -> None:
        self._mac = self.config.id
        self.abilities = Abilities(settle_s=self.config.settle_s, on_restore=self.config.on_restore, pulse=True)

    @property
    def address(self) -> str:
        """The plug's name or address."""
        return self.config.host

    def errand(self) -> Errand:
        """The connections of one errand, which all lead to the same plug."""
        return Errand(self.connect)

    def check(self, told: object) -> str:
        """The MAC address that was told.

        Raises:
            StrangerError: it is not that of the plug that is meant, or no MAC address.
        """
        mac = plain_mac(told)
        if mac is None:
            raise StrangerError(f"what answers at {self.address} does not tell its MAC address")
        if self._mac is not None and mac != self._mac:
            raise StrangerError(f"{mac} answers at {self.address}, and not {self._mac}: it is not switched")
        return mac

    def greeted(self, mac: str, boots: int, firmware: str | None) -> Identity:
        """Note which plug answered; from now on it is the one that is meant."""
        self._mac = mac
        return Identity(mac, boots, firmware, self.run.began_s, self.run.taken())

    def is_able(self, *, metered: bool, on_restore: Restore, survives: bool) -> None:
        """Take over what the plug is able to do. `on_restore` of the configuration counts if the plug does not tell its own."""
        metered = metered and self.config.meter == "auto"
        self.abilities = evolve(
            self.abilities,
            meter_w=METER_W if metered else None,
            meter_settle_s=self.config.meter_settle_s,
            survives=survives,
            on_restore=self.config.on_restore if on_restore == "unknown" else on_restore,
        )

    def switching(self, port: str) -> None:
        """A command to the port leaves: for a while its meter may show nothing."""
        self._switched_s[port] = trio.current_time()

    def watts(self, port: str, told: object) -> float | None:
        """The watts of the port's meter, or None. 0 W are believed only some time after a command."""
        watts = number(told) if self.config.meter == "auto" else None
        settled_s = self._switched_s.get(port, -math.inf) + self.config.meter_settle_s
        if watts is None or (abs(watts) < METER_W and trio.current_time() < settled_s):
            return None
        return abs(watts)  # power that flows back is power, too
