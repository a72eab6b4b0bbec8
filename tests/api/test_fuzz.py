"""Ten thousand messages of every kind of nonsense: each is answered as it should be, and none is a defect."""

import json
import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio

from tests.api.kit import Client, World, in_virtual_time
from wagman.api.methods import METHODS

MESSAGES = 10_000

SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**70,
    1.5,
    1e300,
    "",
    "gn",
    "1",
    "zz",
    "\ud800",
    "\n",
    "2026-01-31T12:00:00Z",
    "0001-01-01T00:00:00+14:00",
    [],
    {},
]
NAMES = ["device", "force", "since", "limit", "type", "log_id", "id", "subscription", "command", "devices", "x"]


def value(rng: random.Random, depth: int = 2) -> Any:
    if depth and rng.random() < 0.2:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if depth and rng.random() < 0.2:
        return {rng.choice(NAMES): value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return rng.choice(SCALARS)


def request(rng: random.Random) -> dict[str, Any]:
    method = rng.choice([*METHODS, "zz"])
    fitting = [each.name for each in attrs.fields(METHODS[method].params)] if method in METHODS else []
    names = rng.sample(NAMES, rng.randrange(3)) if rng.random() < 0.3 else rng.sample(fitting, rng.randint(0, len(fitting)))
    params = {name: value(rng) for name in names}
    whole: dict[str, Any] = {"jsonrpc": "2.0", "id": rng.choice([1, "a", None]), "method": method, "params": params}
    for key in list(whole):
        match rng.randrange(30):
            case 0:
                del whole[key]
            case 1:
                whole[key] = value(rng)
    return whole


def one(rng: random.Random) -> bytes:
    return json.dumps(request(rng)).encode()


def batch(rng: random.Random) -> bytes:
    return json.dumps([request(rng) if rng.random() < 0.9 else value(rng) for _ in range(rng.choice([0, 1, 3, 32, 33]))]).encode()


def broken(rng: random.Random) -> bytes:
    line = bytearray(one(rng))
    for _ in range(rng.randrange(1, 5)):
        line[rng.randrange(len(line))] = rng.randrange(256)
    return bytes(line).replace(b"\n", b"")


def garbage(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(100)).replace(b"\n", b"")


def long(rng: random.Random) -> bytes:
    return rng.choice([b"[", b"9", b'"', b" ", b"\xff"]) * rng.randrange(60_000, 70_000)


KINDS: list[tuple[Callable[[random.Random], bytes], int]] = [(one, 70), (batch, 3), (broken, 15), (garbage, 11), (long, 1)]


@pytest.mark.parametrize("seed", range(4))
def test_no_message_breaks_the_server(seed: int) -> None:
    rng = random.Random(seed)
    makers = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS], k=MESSAGES // 4)

    async def send(client: Client) -> None:
        for number, make in enumerate(makers):
            await client.stream.send_all(make(rng) + b"\n" + marker(number))

    async def story(world: World) -> None:
        for guest in world.service.guests.values():
            guest.is_self = True  # every command is refused: this is about messages
        client = await world.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, client)
            for number in range(len(makers)):
                await answered(client, number)
        page = await client.result("events", type="service.request_failed")
        assert [event["fields"] for event in page["events"]] == []

    in_virtual_time(story)


def marker(number: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": f"marker-{number}", "method": "hello"}).encode() + b"\n"


async def answered(client: Client, number: int) -> None:
    """At most one well-formed answer comes before that of the marker; events may come at any time."""
    answers = 0
    while True:
        message = await client.message()
        if isinstance(message, dict) and message.get("id") == f"marker-{number}":
            assert "result" in message
            break
        if isinstance(message, dict) and "method" in message:
            continue
        for each in message if isinstance(message, list) else [message]:
            assert each["jsonrpc"] == "2.0"
            assert ("result" in each) != ("error" in each)
        answers += 1
    assert answers <= 1
