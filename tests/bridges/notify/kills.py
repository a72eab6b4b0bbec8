"""`kill -9` of `wagman notify` while a real service, a real mail server and a real web server are at it.

`python -m tests.bridges.notify.kills 100` has a hundred of them, and a storm, and prints what came of it; the tests have a few.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.bridges.notify.kit import (
    Got,
    Mailbox,
    Notify,
    Web,
    by_id,
    json_url,
    mail_server,
    running,
    settled,
    until,
    web_server,
    written,
)
from tests.cli.kit import Daemon
from wagman.client.blocking import Client

NAMES = ("mail", "web")


@frozen
class Outcome:
    """What came of it, for each destination: how many messages, and how many of them a second time."""

    events: int
    messages: dict[str, int]
    again: dict[str, int]


def configured(directory: Path, socket: Path, mail: str, port: int, **rules: str) -> Path:
    """Both are told of everything, at once."""
    rules = {"least": '"info"', "gather": '"100ms"', "repeat": "0", "most": '"1000/1s"', **rules}
    tell = "\n".join(f"{key} = {value}" for key, value in rules.items())
    return written(
        directory,
        f"""
        node = "mast"
        socket = "{socket}"
        state_dir = "{directory}/state"
        [tell]\n{tell}
        [to.mail]
        url = "{mail}"
        [to.web]
        url = "{json_url(port)}"
        [alive]
        url = "http://127.0.0.1:{port}/alive"
        """,
    )


def places(directory: Path) -> list[int]:
    """Up to which event each destination knew the log when its file was written last; none where one has no file yet."""
    files = [directory / "state" / f"{name}.json" for name in NAMES]
    kept: list[Any] = [settled(file) for file in files if file.exists()]
    return [each["place"][1] for each in kept] if len(kept) == len(files) else []


def campaign(directory: Path, kills: int, seed: int = 1) -> Outcome:
    """Kill it so often, with uplinks that fail and a service that restarts; then see that each event was told once, by id."""
    chance, daemon = random.Random(seed), Daemon(directory)
    with mail_server() as (mailbox, mail), web_server() as (web, port):
        notify = Notify(configured(directory, daemon.socket, mail, port))
        daemon.start()
        try:
            notify.start()
            until(lambda: places(directory), lambda: notify.said)
            begun_id = min(places(directory))
            for number in range(kills):
                disturb(chance, daemon, mailbox, web, number)
                until_killed(chance, daemon, notify)
            mailbox.refused, web.status, web.slow_s = 0, 200, 0.0
            last_id: int = daemon.ask("events", limit=1)["last_id"]
            events = last_id - begun_id
            until(lambda: all(things(got) >= events for got in (mailbox.got, web.got)), lambda: notify.said)
            assert notify.end() == 0
        finally:
            notify.kill()
            daemon.end()
    got = dict(zip(NAMES, (mailbox.got, web.got), strict=True))
    for each in got.values():
        assert things(each) == events
        assert {id_.partition("-")[2] for id_ in by_id(each)} == {str(number) for number in range(1, len(by_id(each)) + 1)}
    return Outcome(
        events,
        {name: len(by_id(each)) for name, each in got.items()},
        {name: len(each) - len(by_id(each)) for name, each in got.items()},
    )


def disturb(chance: random.Random, daemon: Daemon, mailbox: Mailbox, web: Web, number: int) -> None:
    """Have the uplinks fail, or be slow, or have the service start anew."""
    mailbox.refused = chance.choice([0, 0, 0, 1])
    web.status, web.slow_s = chance.choice([200, 200, 200, 500]), chance.choice([0.0, 0.05, 0.5])
    if number % 10 == 5:
        daemon.kill()
        daemon.start()


def until_killed(chance: random.Random, daemon: Daemon, notify: Notify) -> None:
    for _ in range(chance.randint(1, 4)):
        daemon.board(f"record test.event g{chance.randrange(5)}")
    until(lambda: notify.said, "it says something at its start")
    time.sleep(chance.uniform(0, 0.7))
    notify.kill()
    notify.said.clear()
    notify.start()


def things(got: list[Got]) -> int:
    """The number of events that somebody was told of, who takes messages with the same id for one."""
    return sum(each.things for each in by_id(list(got)).values())


def storm(directory: Path) -> list[int]:
    """A thousand events where five messages an hour are allowed: how many each destination got, but for what is critical."""
    daemon = Daemon(directory)
    daemon.start()
    with mail_server() as (mailbox, mail), web_server() as (web, port):
        try:
            with running(configured(directory, daemon.socket, mail, port, most='"5/h"')) as notify:
                until(lambda: places(directory), lambda: notify.said)
                with Client(str(daemon.socket)) as client:
                    for number in range(1000):
                        client.call("board", command=f"record test.event g{number % 100}")
                until(lambda: len(mailbox.got) >= 4 and len(web.got) >= 4, lambda: notify.said)
                time.sleep(3)
        finally:
            daemon.end()
        return [len(mailbox.got), len(web.got)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        began_s = time.monotonic()
        sys.stdout.write(f"{campaign(Path(place), int(sys.argv[1]))}\n{time.monotonic() - began_s:.0f} s\n")
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.write(f"a storm of 1000 events, of 5 messages allowed an hour: {storm(Path(place))}\n")
