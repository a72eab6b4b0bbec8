"""Messages of every kind of nonsense, and how a server is pestered with them."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import trio

from tests.api.kit import Client
from wagman.api.methods import METHODS

SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**70,
    10**400,
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
    """Mostly what the schema of a method asks for."""
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
    """Of which some is no UTF-8 any more."""
    line = bytearray(one(rng))
    for _ in range(rng.randrange(1, 5)):
        line[rng.randrange(len(line))] = rng.randrange(256)
    return bytes(line).replace(b"\n", b"")


def garbage(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(100)).replace(b"\n", b"")


def long(rng: random.Random) -> bytes:
    return rng.choice([b"[", b"9", b'"', b" ", b"\xff"]) * rng.randrange(60_000, 70_000)


def deep(rng: random.Random) -> bytes:
    """JSON all right, and nested as deep as a line allows."""
    depth = rng.choice([100, 900, 1100, 10_000, 30_000])
    inner = b"[" * depth + b"]" * depth if rng.random() < 0.5 else b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3)
    return b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"devices":' + inner + b"}}"


def huge(rng: random.Random) -> bytes:
    number = rng.choice([b"9" * 4000, b"9" * 5000, b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"0." + b"1" * 5000])
    place = rng.choice([b'"id":%s,"params":{}', b'"id":1,"params":{"limit":%s}', b'"id":1,"params":{"since":%s}'])
    return b'{"jsonrpc":"2.0","method":"events",' + place % number + b"}"


KINDS: list[tuple[Callable[[random.Random], bytes], int]] = [
    (one, 70),
    (batch, 3),
    (broken, 13),
    (garbage, 9),
    (long, 1),
    (deep, 2),
    (huge, 2),
]


async def pester(client: Client, rng: random.Random, count: int) -> None:
    """Send so many messages, and hold each answer against the standard; events may come at any time."""
    makers = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS], k=count)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send, client, rng, makers)
        for number in range(count):
            await _answered(client, number)


async def _send(client: Client, rng: random.Random, makers: Sequence[Callable[[random.Random], bytes]]) -> None:
    for number, make in enumerate(makers):
        await client.stream.send_all(make(rng) + b"\n" + _marker(number))


def _marker(number: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": f"marker-{number}", "method": "hello"}).encode() + b"\n"


async def _answered(client: Client, number: int) -> None:
    """At most one well-formed answer comes before that of the marker."""
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
