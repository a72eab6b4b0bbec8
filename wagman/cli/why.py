"""`wagman why`: what keeps a device from starting, what comes next, and the chain of causes behind its state, newest first."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from math import inf
from textwrap import wrap
from typing import Any

from wagman.cli.client import Client, add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, USAGE, CommandError
from wagman.cli.prospects import coming, obstacle
from wagman.cli.sentences import sentence
from wagman.cli.status import for_words
from wagman.cli.text import WIDTH, clock, table
from wagman.words import plain

DOWN = ("stop", "kill", "disable")
"""What an operator asks for who wants it down."""

LONGEST = 50
"""How many causes are told at most (chosen)."""


def add_arguments(parser: ArgumentParser, _command: str) -> None:
    """What it takes."""
    parser.add_argument("device", metavar="DEVICE", help="name or port number")
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    add_socket_argument(parser)


def run(args: Namespace) -> int:
    """Tell it."""
    with Client(args.socket) as client:
        status = client.call("status")
        name = _only(expanded([args.device], status))
        row = next(row for row in status["devices"] if row["name"] == name)
        chain = causes(client, row)
    reason, prospects = obstacle(row, status), list(coming(row))
    if args.json:
        print(json.dumps({**_summary(row), "not_started": reason, "coming": prospects, "chain": chain}))
    else:
        print("\n".join(lines(row, reason, prospects, chain)))
    return DONE


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise CommandError("why is about one device: name it", USAGE)
    return names[0]


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"device": row["name"], "state": row["state"], "since": row["since"], "reason": row["reason"]}


def causes(client: Client, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The event that the state began with, its cause, and so on; also who wants it down, though it may have been so already."""
    told = {event["id"]: event for event in (*_chain(client, row), *_decision(client, row))}
    return sorted(told.values(), key=_newness, reverse=True)


def _newness(event: Mapping[str, Any]) -> float:
    return inf if event["id"] is None else event["id"]


def _decision(client: Client, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The latest request that it be down, where it is to be."""
    if row["wanted"] == "up":
        return []
    asked = [client.call("events", limit=1, device=row["name"], type=f"command.{verb}")["events"] for verb in DOWN]
    return sorted((event for found in asked for event in found), key=_newness)[-1:]


def _chain(client: Client, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    beginning = _beginning(client, row)
    if not beginning or beginning[0]["id"] is None:
        return beginning
    chain: list[Mapping[str, Any]] = client.call("chain", id=beginning[0]["id"], limit=LONGEST)["events"]
    return chain


def _beginning(client: Client, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The first such event since then: who asks later for what is so already has not caused it. Clocks may have been set."""
    wanted = {"limit": 1, "device": row["name"], "type": f"device.{row['state']}"}
    found: list[Mapping[str, Any]] = client.call("events", since=row["since"], **wanted)["events"]
    return found or client.call("events", **wanted)["events"]


def lines(row: Mapping[str, Any], reason: str | None, prospects: list[str], chain: list[Mapping[str, Any]]) -> list[str]:
    """The story for people."""
    told = [
        f"{row['name']} is {row['state']}{for_words(row)}",
        *([f"not started: {reason}"] if reason else []),
        *(["its power is not confirmed yet"] if not row["power"]["confirmed"] else []),
        *(f"next: {each}" for each in prospects),
        *([f"the service says: {row['reason']}"] if row["reason"] and not chain else []),
    ]
    return [piece for line in told for piece in wrap(plain(line), WIDTH, subsequent_indent="  ")] + _story(chain)


def _story(chain: list[Mapping[str, Any]]) -> list[str]:
    if not chain:
        return []
    whens = [clock(event["time"]) for event in chain]
    return table([(when, plain(sentence(event))) for when, event in zip(whens, chain, strict=True)], indent=2)
