"""The scenario without a Wagman: a hung guest, a network that fails, a relay that is welded. All that it takes is a plug."""

import os
from collections.abc import Mapping
from functools import partial

import trio

from wagman.demo.mast_site import BOOT_S, DEFAULTS, GUESTS, PORTS
from wagman.demo.settings import PYTHON, seconds
from wagman.demo.stage import Json, Stage, all_started, is_shown

patience = partial(seconds, defaults=DEFAULTS)
"""A duration of the configuration, in board seconds."""

OUTAGE_S = 150.0
"""How long the network is down: more than three time-outs."""

EVERY_S = 10.0
"""How often a guest is asked, by default: how old its last answer before a hang may be."""

TOLERANCE_S = 1.0
"""How far apart the clocks of the service and of the fake mast may run (chosen)."""

STUCK_S = 400.0
"""Three rounds of switching off, each with a minute until the meter is believed, and some spare time."""

OWN_PLUG = """\
With a plug of your own (docs/first-guest.md):
    wagman init                         # asks, and writes wagman.toml
    wagman probe --config wagman.toml   # asks plug, guests and witnesses once, and switches nothing
    wagman run --config wagman.toml"""


async def mast(stage: Stage) -> None:
    """A guest hangs; the network fails; a relay is welded."""
    await power_up(stage)
    await hanging(stage)
    await outage(stage)
    await welded(stage)
    await mended(stage)


async def power_up(stage: Stage) -> None:
    """Start everything, until three computers answer."""
    stage.view.say(
        "A mast: a rail of plugs, and three computers on it. The rail is a fake Shelly, the computers are processes here; each "
        "runs while its outlet is on, and is heard by its web page. The witness, who shows whether their network works, is a "
        'process, too; on a mast it is the gateway: { ping = "192.168.1.1" }.'
    )
    async with stage.showing(
        "The rail and the service come up; nothing is known of the guests yet.",
        "the guests were started one after the other, each once the one before it answered",
        within_s=300,
    ):
        await stage.events("device.started", *GUESTS)
        await stage.until(all_started)
        ons = [switch.name for switch in await stage.switches() if switch.on]
        stage.require(ons == list(GUESTS), f"the rail switched on: {', '.join(ons)}")
        stage.require(None not in (await processes(stage)).values(), "a guest is said to be started, and there is no process")


async def hanging(stage: Stage) -> None:
    """Hang all programs of a guest, whose kernel goes on accepting connections."""
    wait_s = patience("heartbeat_timeout") + patience("stop_silence")
    async with stage.showing(
        "The programs of ai hang: it accepts connections, and answers nothing.",
        "a guest that hung was asked to halt, cut only after it had been silent even then, and started again",
        within_s=3 * wait_s + BOOT_S,
    ):
        before = await processes(stage)
        await stage.do(f"hang {PORTS['ai']}")
        hung_s = await stage.now_s()
        for event in ("heartbeat_lost", "message", "stopped", "started"):
            await stage.event(f"device.{event}", "ai")
        await stage.until(all_started)
        off, *rest = await stage.switches(since_s=hung_s)
        stage.require({each.name for each in (off, *rest)} == {"ai"}, f"the rail switched others, too: {rest}")
        cut_s = off.board_s - hung_s
        stage.require(not off.on and cut_s >= wait_s - EVERY_S - TOLERANCE_S, f"ai was cut only {cut_s:.0f} s after it had hung")
        after = await processes(stage)
        stage.require(after.pop("ai") not in (None, before.pop("ai")), "ai was not started again")
        stage.require(after == before, "another guest was restarted, too")


async def outage(stage: Stage) -> None:
    """Cut the network to all guests and the witness, but not to the rail."""
    async with stage.showing(
        f"The network fails for {OUTAGE_S:g} s: no guest answers, nor does the witness. The rail could be told to cut them all.",
        "a network that failed for more than three time-outs cost nobody his power",
        within_s=OUTAGE_S + 200,
    ):
        before, began_s = await processes(stage), await stage.now_s()
        await stage.do("network down")
        await stage.pause(OUTAGE_S)
        status = await stage.status()
        stage.require(min(heard_s(status)) > patience("heartbeat_timeout"), "somebody was heard over no network")
        stage.require(all(map(is_held, status["devices"])), "a guest's silence counts, though nobody shows that it is its own")
        stage.view.say("All of them are overdue, and their timers are held: no witness shows that the silence is theirs.")
        await stage.do("network up")
        await stage.until(lambda status: max(heard_s(status)) <= EVERY_S)
        await stage.until(all_started)
        stage.require(not await stage.switches(since_s=began_s), "the rail switched a guest while the network was down")
        stage.require(await processes(stage) == before, "a guest was restarted by an outage of the network")


async def welded(stage: Stage) -> None:
    """Weld a relay: the rail says that it is off, and its contact stays on."""
    async with stage.showing(
        "The relay of the camera is welded; then an operator stops the camera. The rail says that it is off.",
        "a relay that was welded was found by what the rail's meter shows, and is told as a problem",
        within_s=STUCK_S,
    ):
        await stage.do(f"weld {PORTS['camera']}")
        await stage.node.service.call("stop", device="camera")
        await stage.event("device.relay_stuck", "camera")
        await stage.until(lambda status: is_stuck(status) and not is_shown(camera(status)["power"], "off"))
        stage.require(not (await stage.outlet("camera"))["told_on"], "the rail does not even say that it is off")
        stage.require((await processes(stage))["camera"] is not None, "the camera does not run, and its relay is not welded")
        for problem in (await stage.status())["problems"]:
            stage.view.say(f"A problem ({problem['severity']}): {problem['text']}; what to do: {problem['do']}.")


async def mended(stage: Stage) -> None:
    """Mend the relay."""
    async with stage.showing(
        "Somebody mends it.",
        "once it was mended the camera went off, the problem was over, and the camera could be started again",
        within_s=STUCK_S + BOOT_S,
    ):
        await stage.do(f"mend {PORTS['camera']}")
        await stage.until(lambda status: not status["problems"] and is_shown(camera(status)["power"], "off"))
        stage.require((await processes(stage))["camera"] is None, "the camera runs, though it is shown off")
        await stage.node.service.call("start", device="camera")
        await stage.event("device.started", "camera")
        await stage.until(all_started)


async def epilogue(stage: Stage) -> None:
    """Print the output of two commands, and how to go on with a plug of one's own."""
    for words in (("why", "ai"), ("status",)):
        command = [*PYTHON, "-m", "wagman", *words]
        socket = {"WAGMAN_SOCKET": stage.node.service_socket}
        said = await trio.run_process(command, capture_stdout=True, env={**os.environ, **socket}, cwd=stage.node.folder)
        stage.view.quote(f"\n$ wagman {' '.join(words)}\n{said.stdout.decode().rstrip()}")
    stage.view.quote(f"\n{OWN_PLUG}")


# --- Checks -----------------------------------------------------------------------------------------------------------


async def processes(stage: Stage) -> dict[str, int | None]:
    """Return the process id of each guest; None while it is off or boots."""
    return {guest["name"]: guest["process"] for guest in (await stage.board())["guests"]}


def heard_s(status: Json) -> list[float]:
    """Return how long ago each guest was heard, in seconds."""
    return [row["heartbeat_age_s"] for row in status["devices"]]


def is_held(row: Json) -> bool:
    """Return whether a guest's heartbeat timer is up and held."""
    return any(alarm["name"] == "heartbeat" and alarm["held"] for alarm in row["alarms"])


def camera(status: Json) -> Mapping[str, Json]:
    """Return the row of the camera."""
    return next(row for row in status["devices"] if row["name"] == "camera")


def is_stuck(status: Json) -> bool:
    """Return whether the camera's stuck relay is told as a problem."""
    return "relay_stuck:camera" in {problem["id"] for problem in status["problems"]}
