"""The scenarios with a Wagman: what happens to the node, and what must follow.

A scenario makes things happen through the fake board's control socket. Each claim is checked twice: by what the service tells,
and by the board's own record of its relays.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from wagman.config.schema import WagmanConfig
from wagman.demo.settings import BEAT_S, BOOT_S, DEFAULTS, GUESTS, seconds
from wagman.demo.stage import Json, Stage, Switch, all_started, is_shown

HOT_C, COOL_C = 85, 25

TOLERANCE_S: Final = 1.0
"""How far apart the clocks of the service and of the fake board may run (chosen)."""


async def tour(stage: Stage) -> None:
    """Hang a guest that is then recovered from its other medium, and heat the enclosure."""
    await power_up(stage)
    await stable(stage)
    await dying(stage)
    await failing(stage)
    await recovering(stage)
    await heat(stage)
    await cooling(stage)


async def unplug(stage: Stage) -> None:
    """Pull the cable for ten minutes."""
    await power_up(stage)
    before = await stage.switches()
    async with stage.showing(
        "The cable is pulled, for ten minutes.", "while the board could not be seen nothing was switched", within_s=660
    ):
        await stage.do("unplug")
        await stage.event("link.down")
        await stage.pause(600)
        stage.require((await stage.status())["board"]["blind"], "the service does not know that it is blind")
        stage.require(await stage.switches() == before, "a relay was switched while the cable was out")
    async with stage.showing(
        "The cable is plugged in again.", "ten minutes without the board cost no guest its power", within_s=300
    ):
        await stage.do("replug")
        await stage.event("link.up")
        await stage.until(lambda status: not status["board"]["blind"])
        await stage.pause(2 * seconds("heartbeat_timeout"))
        await stage.until(all_started)
        stage.require(await stage.switches() == before, "a relay was switched after the cable was back")


async def reset(stage: Stage) -> None:
    """Restart the board: the guests lose their power, unless the board latches all relays."""
    await power_up(stage)
    await (surviving if stage.node.dialect == "v4" else falling_off)(stage)


# --- Scenes -----------------------------------------------------------------------------------------------------------


async def surviving(stage: Stage) -> None:
    """Restart a v4 board."""
    before = await stage.switches()
    async with stage.showing(
        "The board restarts: its relays are latched, but it takes the guests for stopped.",
        "a restart of the board cost no guest its power, and the board was made to manage them again",
        within_s=400,
    ):
        await stage.do("reset")
        await stage.event("board.reset")
        await stage.pause(180)
        await stage.until(all_started)
        stage.require(await stage.switches() == before, "a relay was switched after the restart of the board")


async def falling_off(stage: Stage) -> None:
    """Restart a v3 board."""
    began_s = await stage.now_s()
    async with stage.showing(
        "The board restarts: the relays of the guests fall off, that of the controller does not.",
        "after a restart of the board the guests were started again, one after the other",
        within_s=400,
    ):
        await stage.do("reset")
        await stage.event("board.reset")
        await stage.events("device.started", *GUESTS)
        await stage.until(all_started)
        switches = await stage.switches(since_s=began_s)
        stage.require({s.name for s in switches if s.by == "reset"} == set(GUESTS), "the relays of the guests did not fall off")
        stage.require(not any(s.name == "nc" for s in switches), "the controller's own relay was switched")
        require_orderly(stage, switches, booting=GUESTS[:-1])


async def power_up(stage: Stage) -> None:
    """Start everything, until three guests run."""
    async with stage.showing(
        "The board and the service come up; nothing is known of the guests yet.",
        "the guests were started one after the other, each once the one before it was up",
        within_s=300,
    ):
        await stage.events("device.started", *GUESTS)
        await stage.until(all_started)
        require_orderly(stage, await guest_switches(stage), booting=GUESTS[:-1])


async def stable(stage: Stage) -> None:
    """Wait until a guest is stable: one beat after a boot is no success yet."""
    async with stage.showing(
        "Whether a start was a success is only known after a while.",
        "a guest that went on beating counts as stable",
        within_s=2 * seconds("stable_after") + BOOT_S,
    ):
        await stage.event("device.stable", "gn")
        stage.require((await stage.row("gn"))["attempts"] == 0, "a stable guest still has attempts on its account")


async def dying(stage: Stage) -> None:
    """Hang a guest, and break its primary medium."""
    patience_s = seconds("heartbeat_timeout") + seconds("stop_silence")
    async with stage.showing(
        "gn hangs, and its emmc is lost.",
        "a silent guest was asked to halt, and cut only after it had been silent even then",
        within_s=2 * patience_s,
    ):
        await stage.do("guest gn good=sd")
        await stage.do("hang gn")
        hung_s = await stage.now_s()
        for event in ("heartbeat_lost", "stopping", "message", "stopped"):
            await stage.event(f"device.{event}", "gn")
        off = await next_switch(stage, "gn", on=False, since_s=hung_s)
        waited_s = off.board_s - hung_s
        stage.require(waited_s >= patience_s - BEAT_S - TOLERANCE_S, f"gn was cut only {waited_s:.0f} s after it had hung")


async def failing(stage: Stage) -> None:
    """Watch as many starts from the primary medium as are allowed fail."""
    tries = int(DEFAULTS["allowed_attempts"])
    async with stage.showing(
        "It is started again, and does not come up.",
        f"{tries} starts from emmc were tried and failed, with a longer wait after each",
        within_s=tries * 3 * seconds("start_timeout_max"),
    ):
        for attempt in range(1, tries + 1):
            failed = await stage.event("device.start_failed", "gn")
            stage.require(failed["fields"]["media"] == "emmc", f"start {attempt} was not from emmc: {failed['fields']}")
            stage.require((await stage.guest("gn"))["medium"] == "emmc", f"gn did not boot from emmc in start {attempt}")


async def recovering(stage: Stage) -> None:
    """Watch the start from the other medium."""
    async with stage.showing(
        "Now the other medium is tried.",
        "gn was recovered from sd, and became stable",
        within_s=120 + BOOT_S + 2 * seconds("stable_after"),
    ):
        await stage.event("device.started", "gn")
        gn = await stage.guest("gn")
        stage.require((gn["medium"], gn["state"]) == ("sd", "running"), f"gn does not run from sd: {gn}")
        stage.require((await stage.row("gn"))["media"] == "sd", "the status does not show that gn runs from sd")
        await stage.event("device.stable", "gn")


async def heat(stage: Stage) -> None:
    """Heat the enclosure until all guests are down."""
    began_s = await stage.now_s()
    dirty = {name: (await stage.guest(name))["dirty_cuts"] for name in ("gn", "cs")}
    async with stage.showing(
        f"Somebody mends gn's emmc. Then the enclosure goes to {HOT_C} °C.",
        "in the heat the guests were halted one by one, the last one first, and their power cut",
        within_s=400,
    ):
        await stage.do("guest gn good=emmc,sd")
        await stage.do(f"temp {HOT_C}")
        await stage.event("environment.abnormal")
        await stage.event("wagman.hibernating")
        await stage.until(all_confirmed_off)
        offs = [switch.name for switch in await guest_switches(stage, since_s=began_s) if not switch.on]
        stage.require(offs == list(reversed(GUESTS)), f"they were cut in this order: {', '.join(offs)}")
        for name, count in dirty.items():
            stage.require((await stage.guest(name))["dirty_cuts"] == count, f"{name} was cut before it had halted")
    await refusing(stage)


async def refusing(stage: Stage) -> None:
    """Ask for a start in the heat, which is refused."""
    async with stage.showing(
        "An operator asks for gn all the same.", "a start was refused while the node hibernated, with the reason", within_s=60
    ):
        answer = await stage.node.service.call("start", device="gn")
        await stage.event("command.refused", "gn")
        stage.require(not answer["accepted"] and bool(answer["reason"]), f"the start was not refused: {answer}")


async def cooling(stage: Stage) -> None:
    """Cool the enclosure until all guests run again."""
    began_s = await stage.now_s()
    async with stage.showing(
        f"The enclosure cools down to {COOL_C} °C.",
        "in the cool the guests were started again, one after the other, gn from its primary medium",
        within_s=400,
    ):
        await stage.do(f"temp {COOL_C}")
        await stage.event("environment.normal")
        await stage.event("wagman.normal")
        await stage.events("device.started", *GUESTS)
        await stage.until(all_started)
        require_orderly(stage, await guest_switches(stage, since_s=began_s), booting=GUESTS[:-1])
        stage.require((await stage.guest("gn"))["medium"] == "emmc", "gn did not boot from its primary medium")


# --- Checks -----------------------------------------------------------------------------------------------------------


def all_confirmed_off(status: Json) -> bool:
    """Return whether every guest is stopped, and the board has shown that it is off."""
    rows = [row for row in status["devices"] if not row["self"]]
    return all(row["state"] == "stopped" and is_shown(row["power"], "off") for row in rows)


async def guest_switches(stage: Stage, *, since_s: float = 0.0) -> list[Switch]:
    """Return the switches of the guests' relays since that board time."""
    return [switch for switch in await stage.switches(since_s=since_s) if switch.name in GUESTS]


async def next_switch(stage: Stage, name: str, *, on: bool, since_s: float) -> Switch:
    """Return the first such switch since that board time, as soon as there is one."""
    while True:
        for switch in await stage.switches(since_s=since_s):
            if (switch.name, switch.on) == (name, on):
                return switch
        await stage.pause(1.0)


def require_orderly(stage: Stage, switches: Sequence[Switch], *, booting: Sequence[str]) -> None:
    """Check that the guests were switched on once each, in their order, and that after each of `booting` its boot was waited for.

    Whether the board was told to, or did it by itself, does not count: once it may run a port, it may start it before the
    command.
    """
    ons = [switch for switch in switches if switch.on]
    stage.require([on.name for on in ons] == list(GUESTS), f"the board switched on: {', '.join(on.name for on in ons)}")
    for one, two in pairwise(ons):
        wait_s = max(WagmanConfig().stagger_s, BOOT_S if one.name in booting else 0.0)
        apart_s = two.board_s - one.board_s
        stage.require(apart_s >= wait_s - TOLERANCE_S, f"{two.name} was switched on only {apart_s:.1f} s after {one.name}")
