"""`wagman why`: the chain of causes behind the state that a device is in, newest first, and what keeps it from starting."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from wagman.cli.client import Client, add_socket_argument
from wagman.cli.names import expanded
from wagman.cli.outcome import DONE, USAGE, CommandError
from wagman.cli.sentences import sentence
from wagman.cli.text import clock, duration, ordinal, plain, since, table

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
    reason = obstacle(row, status)
    if args.json:
        print(json.dumps({**_summary(row), "not_started": reason, "chain": chain}))
    else:
        print("\n".join(lines(row, reason, chain)))
    return DONE


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise CommandError("why is about one device: name it", USAGE)
    return names[0]


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"device": row["name"], "state": row["state"], "since": row["since"], "reason": row["reason"]}


def causes(client: Client, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The event that the state began with, its cause, and so on."""
    newest = client.call("events", limit=1, device=row["name"], type=f"device.{row['state']}")["events"]
    if not newest or newest[-1]["id"] is None:
        return newest  # type: ignore[no-any-return]
    chain: list[Mapping[str, Any]] = client.call("chain", id=newest[-1]["id"], limit=LONGEST)["events"]
    return chain


def obstacle(row: Mapping[str, Any], status: Mapping[str, Any]) -> str | None:
    """Why a device that is stopped is not being started; None for one that is not stopped."""
    if row["state"] != "stopped":
        return None
    failed = f", {ordinal(row['failures'])} failed start in a row" if row["failures"] else ""
    obstacles = (
        (not row["enabled"], "it is disabled: wagman enable allows it again"),
        (row["wanted"] == "down", "nobody wants it up: wagman start starts it"),
        (row.get("held"), "it is held off after brownouts: wagman start gives it a fresh try"),
        (status["wagman"]["state"] in ("will_hibernate", "hibernating"), "the environment forbids it"),
        (status["board"]["blind"], "the board cannot be seen"),
        (row["next_start_in_s"] is not None, f"next try in {duration(row['next_start_in_s'] or 0)}{failed}"),
    )
    return next((words for is_so, words in obstacles if is_so), "it waits for its turn")


def lines(row: Mapping[str, Any], reason: str | None, chain: list[Mapping[str, Any]]) -> list[str]:
    """The story for people."""
    lasting = since(row["since"])
    told = [
        f"{row['name']} is {row['state']}" + (f" for {duration(lasting)}" if lasting is not None else ""),
        *([f"not started: {reason}"] if reason else []),
        *(["its power is not confirmed yet"] if not row["power"]["confirmed"] else []),
        *([f"the service says: {row['reason']}"] if row["reason"] and not chain else []),
    ]
    return [plain(line) for line in told] + _story(chain)


def _story(chain: list[Mapping[str, Any]]) -> list[str]:
    if not chain:
        return []
    whens = [clock(event["time"]) for event in chain]
    return table([(when, plain(_told(event))) for when, event in zip(whens, chain, strict=True)], indent=2)


def _told(event: Mapping[str, Any]) -> str:
    repeats = event["fields"].get("count")
    return sentence(event) + (f" ({repeats} times)" if isinstance(repeats, int) and repeats > 1 else "")
