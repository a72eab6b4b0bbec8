"""Apprise and commands, against servers that nobody here wrote, or nobody at all; and no secret in what is said of them."""

import sys
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.bridges.notify.kit import json_url, mail_server, web_server
from tests.ports import free_port
from wagman.bridges.notify import alive, sinks
from wagman.bridges.notify.alive import Caller
from wagman.bridges.notify.config import Alive, Pulse
from wagman.bridges.notify.message import Message
from wagman.bridges.notify.sinks import NOT_INSTALLED, UNKNOWN_URL, Apprise, Command, trouble, without

SECRET = "hunter2"  # noqa: S105 - of nobody
MESSAGE = Message("abc-1", "mast: CRITICAL <it> is not fed", "CRITICAL  <it> is not fed\n          do: feed it", "critical", 3, 1)


def sent(sink: Apprise | Command) -> str | None:
    return trio.run(sink.deliver, MESSAGE)


def script(directory: Path, text: str) -> tuple[str, ...]:
    path = directory / "tell.py"
    path.write_text(text)
    return (sys.executable, str(path), SECRET)


def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server() as (mailbox, url):
        assert sent(Apprise(url)) is None
        [mail] = mailbox.got
        assert mail.title == MESSAGE.title
        assert mail.body.strip() == MESSAGE.text()
        assert (mail.id, mail.things, mail.is_again) == ("abc-1", 3, False)
        mailbox.refused = 1
        assert sent(Apprise(url)) is not None
        assert len(mailbox.got) == 1


def test_a_post_arrives_with_its_severity_and_is_taken_only_where_it_was() -> None:
    with web_server() as (web, port):
        assert sent(Apprise(json_url(port))) is None
        [post] = web.got
        assert (post.title, post.body, post.severity) == (MESSAGE.title, MESSAGE.text(), "failure")
        web.status = 500
        reason = sent(Apprise(f"json://user:{SECRET}@127.0.0.1:{port}/told/{SECRET}"))
        assert reason is not None
        assert "500" in reason
        assert SECRET not in reason


def test_nobody_there_is_a_reason_without_a_secret() -> None:
    reason = sent(Apprise(f"json://user:{SECRET}@127.0.0.1:{free_port()}/{SECRET}"))
    assert reason
    assert SECRET not in reason


def test_a_server_that_hangs_is_left_after_its_bound_and_a_few_hanging_threads_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "DELIVER_S", 0.05)
    with web_server() as (web, port):
        web.hang = threading.Event()
        sink = Apprise(json_url(port))

        async def main() -> None:
            for _ in range(sinks.MOST_HANGING + 2):
                assert await sink.deliver(MESSAGE) == "no answer within 0.05 s"

        trio.run(main)
        assert web.posts <= sinks.MOST_HANGING
        web.hang.set()


def test_an_address_that_apprise_does_not_know_is_found_out_without_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trouble("mailto://user:pass@example.org") is None
    assert trouble("nonsense://example.org") == UNKNOWN_URL
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert trouble("mailto://user:pass@example.org") == NOT_INSTALLED


def test_a_command_has_the_message_in_its_environment(tmp_path: Path) -> None:
    told = tmp_path / "told"
    keys = "'WAGMAN_ID', 'WAGMAN_TITLE', 'WAGMAN_SEVERITY', 'WAGMAN_COUNT', 'WAGMAN_AGAIN', 'WAGMAN_BODY'"
    text = f"import os, pathlib\npathlib.Path({str(told)!r}).write_text('|'.join(os.environ[key] for key in ({keys})))"
    assert sent(Command(script(tmp_path, text))) is None
    assert told.read_text() == f"abc-1|{MESSAGE.title}|critical|3||{MESSAGE.text()}"


def test_a_command_that_fails_says_why_but_for_what_is_secret(tmp_path: Path) -> None:
    reason = sent(Command(script(tmp_path, "import sys\nprint('one')\nprint(f'no such user: {sys.argv[1]}')\nsys.exit(3)")))
    assert reason == "the command ended with exit status 3: no such user: ***"
    reason = sent(Command(("/nowhere/tell", SECRET)))
    assert reason is not None
    assert "/nowhere/tell" in reason
    assert SECRET not in reason


def test_words_are_blotted_out_the_longest_first() -> None:
    assert without(["abc", "abcdef", "x", "a%20b"], "abcdef abc x a b a%20b") == "*** *** x *** ***"


async def no_thread(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("sink", [Apprise(json_url(1)), Command(("true",))])
def test_where_no_thread_can_be_started_a_message_is_not_delivered_and_nothing_else_comes_of_it(
    monkeypatch: pytest.MonkeyPatch, sink: Apprise | Command
) -> None:
    """So many destinations hang that the program has as many threads as it may."""
    monkeypatch.setattr(trio.to_thread, "run_sync", no_thread)
    assert "can't start new thread" in str(sent(sink))


# --- An address that is called ----------------------------------------------------------------------------------------


def test_an_address_is_called_while_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    obstacles = [None, "something critical stands", "something critical stands", None, None]
    said = list[str]()
    with web_server() as (web, port):
        caller = Caller(Alive(Pulse(), f"http://127.0.0.1:{port}/ping/{SECRET}"), lambda: obstacles.pop(0), said.append)

        async def main() -> None:
            for _ in range(3):
                await caller.call()
            web.status = 404
            await caller.call()
            web.status = 200
            await caller.call()

        trio.run(main)
        assert web.gets == 3 * [f"/ping/{SECRET}"]
    assert said == [
        "alive: called",
        "alive: not called: something critical stands",
        "alive: not called: it answered with HTTP status 404",
        "alive: called",
    ]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/{secret}", "http://{secret}:x/", "http://[{secret}/", "http://{secret}..x/"]
)
def test_what_cannot_be_called_is_said_without_the_address(url: str) -> None:
    said = list[str]()
    caller = Caller(Alive(Pulse(), url.format(port=free_port(), secret=SECRET)), lambda: None, said.append)
    trio.run(caller.call)
    [line] = said
    assert line.startswith("alive: not called: ")
    assert SECRET not in line


def test_a_call_that_hangs_has_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "CALL_S", 0.05)
    said = list[str]()
    over = threading.Event()
    monkeypatch.setattr(alive, "_get", lambda _: over.wait(30))
    trio.run(Caller(Alive(Pulse(), "http://127.0.0.1/"), lambda: None, said.append).call)
    over.set()
    assert said == ["alive: not called: no answer within 0.05 s"]


def test_it_is_called_again_after_each_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[float]()

    def obstacle() -> str:
        calls.append(trio.current_time())
        return "nothing is to be called here"

    async def main() -> None:
        caller = Caller(Alive(Pulse(every_s=300), "http://127.0.0.1/"), obstacle, list[str]().append)
        with trio.move_on_after(1000):
            await caller.run()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert [call_s - calls[0] for call_s in calls] == [0, 300, 600, 900]
