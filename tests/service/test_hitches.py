"""Commands that could not be run are found before they are needed, whoever needs them."""

from collections.abc import Sequence

import trio
from attrs import evolve
from trio.testing import MockClock

from wagman.config.load import loads
from wagman.service.hitches import Hitches, elsewhere

CONFIG = loads(
    """
[board.odd]
kind = "exec"
on = ["switch", "on"]
off = ["switch", "off"]
[network.lan]
witness = { exec = ["see"] }
[device.gn]
port = 1
heartbeat = { exec = ["hear"] }
start_timeout = "5min"
stop_silence = "2min"
shutdown = ["ask"]
""",
    "example.toml",
)


def test_every_command_of_the_file_is_looked_at_and_each_trouble_told_with_whose_it_is() -> None:
    missing = {"ask", "hear", "switch"}

    async def inspect(command: Sequence[str]) -> str | None:
        return f"no {command[0]}" if command[0] in missing else None

    hitches = Hitches(lambda: CONFIG, inspect, lambda: None)
    trio.run(hitches.look_first)
    assert hitches.warnings == [
        "device.gn: the command that asks it to halt cannot work: no ask",
        "board.odd.on: the command cannot work: no switch",
        "board.odd.off: the command cannot work: no switch",
        "device.gn.heartbeat.exec: the command cannot work: no hear",
    ]
    missing.clear()
    trio.run(hitches.look_first)
    assert hitches.warnings == []


def test_the_witness_of_a_network_is_one_of_them() -> None:
    assert ("network.lan.witness.exec", ("see",)) in list(elsewhere(CONFIG))


def test_a_configuration_that_changes_during_a_check_is_checked_at_once_afterwards() -> None:
    config = CONFIG

    async def inspect(command: Sequence[str]) -> str | None:
        await trio.sleep(3.0)  # a folder of PATH on a slow disk
        return "a typo" if command == ("aks",) else None

    async def main() -> None:
        nonlocal config
        hitches = Hitches(lambda: config, inspect, lambda: None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hitches.run)
            await trio.sleep(1.0)
            for halting in ("aks", "ask"):
                (guest,) = config.devices
                config = evolve(config, devices=(evolve(guest, shutdown=(halting,)),))
                hitches.reconfigured()
                await trio.sleep(1.0)
            await trio.sleep(60.0)
            assert hitches.warnings == []
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
