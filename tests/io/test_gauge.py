"""A number that a command reads: real commands, any output, and the task that reads it again and again."""

import math
import sys
from collections.abc import Mapping, Sequence

import pytest
import trio
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from trio.testing import MockClock

from wagman.config.gauges import GaugeConfig
from wagman.io.gauge import MOST_OUTPUT, REASON_CHARS, Gauge, number_of
from wagman.model import process
from wagman.model.errors import GaugeError
from wagman.model.facts import Sample
from wagman.model.process import Ended

PYTHON = (sys.executable, "-c")


def read(*command: str, timeout_s: float = 30.0) -> Gauge:
    """A gauge that has been read once, by a real command."""
    told = list[Sample]()

    async def once() -> Gauge:
        with trio.fail_after(60.0), trio.CancelScope() as reading:

            def tell(sample: Sample) -> None:
                told.append(sample)
                reading.cancel()

            gauge = Gauge("battery_v", GaugeConfig(command, timeout_s=timeout_s), tell)
            await gauge.run()
        return gauge

    gauge = trio.run(once)
    assert [(sample.sensor, sample.value) for sample in told] == [("battery_v", None if gauge.trouble else gauge.value)]
    return gauge


# --- Real commands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrote", "value"), [("12.6\\n", 12.6), ("  -40 \\r\\n\\n", -40.0), ("1e2", 100.0), (".5", 0.5), ("+7.", 7.0)]
)
def test_what_a_command_writes_is_the_number(wrote: str, value: float) -> None:
    gauge = read("printf", wrote)
    assert (gauge.value, gauge.trouble) == (value, None)


def test_what_it_says_on_its_error_output_beside_is_no_part_of_the_number() -> None:
    assert read("sh", "-c", "echo Init SSL without certificate database >&2; echo 97").value == 97.0


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("sh", "-c", "echo Error: Data stale >&2; exit 1"), "sh: exit status 1: Error: Data stale"),
        (("sh", "-c", "echo 12.6; exit 1"), "sh: exit status 1: 12.6"),
        (("sh", "-c", "echo 12.6; kill -9 $$"), "sh: exit status -9: 12.6"),
        (("echo", "12.6 V"), 'echo: it wrote "12.6 V", which is not one number'),
        (("printf", "12.6\\n12.7\\n"), 'printf: it wrote "12.6", which is not one number'),
        (("echo", "nan"), 'echo: it wrote "nan", which is not one number'),
        (("echo", "1e999"), 'echo: it wrote "1e999", which is not one number'),
        (("true",), "true: it wrote nothing"),
        (("/nowhere/upsc",), "/nowhere/upsc: cannot be run: [Errno 2] No such file or directory: '/nowhere/upsc'"),
        ((*PYTHON, "print('9' * 1000)"), None),
        ((*PYTHON, "import sys; sys.stdout.buffer.write(bytes(range(256)))"), None),
    ],
)
def test_whatever_is_not_one_number_is_none_with_the_reason(command: Sequence[str], why: str | None) -> None:
    gauge = read(*command)
    assert gauge.value is None
    assert gauge.trouble is not None
    assert why in (gauge.trouble, None)
    assert gauge.trouble.isprintable()


def test_a_command_that_does_not_end_is_ended_and_tells_no_number() -> None:
    gauge = read("sh", "-c", "echo 12.6; sleep 600", timeout_s=0.2)
    assert gauge.trouble == "sh: ended after 0.2 s without an answer: 12.6"


# --- Any output -------------------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_every_number_is_read_as_what_it_is(number: float) -> None:
    assert number_of(Ended("exit status 0", str(number), status=0)) == float(number)


@example("1_000")
@example("infinity")
@example("٣")
@example("0x10")
@example("1,5")
@given(st.text(max_size=50) | st.from_regex(r"[-+0-9.eE_ ]{0,12}", fullmatch=True))
def test_whatever_is_written_is_a_finite_number_or_a_reason_of_one_line(text: str) -> None:
    found = outcome(text.strip())
    if isinstance(found, str):
        assert found.isprintable()
        assert len(found) <= REASON_CHARS
    else:
        assert math.isfinite(found)
        assert found == float(text)
        assert set(text.strip()) <= set("+-.0123456789eE")


def outcome(text: str) -> float | str:
    try:
        return number_of(Ended("exit status 0", text, status=0))
    except GaugeError as error:
        return str(error)


@given(st.text(max_size=MOST_OUTPUT), st.text(max_size=MOST_OUTPUT), st.none() | st.integers(-15, 255).filter(bool))
def test_a_command_that_did_not_end_well_has_given_no_number(output: str, complaint: str, status: int | None) -> None:
    with pytest.raises(GaugeError) as raised:
        number_of(Ended("it went wrong", output.strip(), complaint.strip(), status))
    assert str(raised.value).isprintable()


def test_of_more_than_is_looked_at_nothing_is_taken_for_a_number() -> None:
    with pytest.raises(GaugeError, match="not one number"):
        number_of(Ended("exit status 0", "12.6", status=0, is_cut=True))


# --- The task ---------------------------------------------------------------------------------------------------------


@define
class Commands:
    """Stands for the commands: each takes `lasts_s`, and ends as the next of `ends`; the last one again and again."""

    ends: list[Ended]
    lasts_s: float = 0.0
    asked_s: list[float] = field(factory=list)

    async def run(self, command: Sequence[str], env: Mapping[str, str] | None, *_: float, apart: bool) -> Ended:
        assert (command, env, apart) == (("upsc",), None, True)
        self.asked_s.append(trio.current_time())
        await trio.sleep(self.lasts_s)
        return self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]


def watched(monkeypatch: pytest.MonkeyPatch, commands: Commands, for_s: float = 95.0) -> tuple[Gauge, list[Sample]]:
    """What a gauge has told after a while."""
    monkeypatch.setattr(process, "run", commands.run)
    told = list[Sample]()

    async def watch() -> Gauge:
        gauge = Gauge("battery_v", GaugeConfig(("upsc",), every_s=30.0, timeout_s=10.0), told.append)
        with trio.move_on_after(for_s):
            await gauge.run()
        return gauge

    return trio.run(watch, clock=MockClock(autojump_threshold=0)), told


def ended(text: str, status: int = 0) -> Ended:
    return Ended(f"exit status {status}", text, status=status)


def test_it_is_read_again_and_again_and_each_reading_bears_the_time_at_which_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = Commands([ended("12.6"), ended("no", 1), ended("12.4")], lasts_s=2.0)
    gauge, told = watched(monkeypatch, commands)
    begin_s = commands.asked_s[0]
    assert [each - begin_s for each in commands.asked_s] == [0.0, 30.0, 60.0, 90.0]
    assert [(each.value, each.at_s - begin_s) for each in told] == [(12.6, 0.0), (None, 30.0), (12.4, 60.0), (12.4, 90.0)]
    assert (gauge.value, gauge.trouble) == (12.4, None)


def test_a_reading_that_failed_keeps_what_was_read_before_it_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands([ended("12.6"), ended("Data stale", 1)])
    gauge, told = watched(monkeypatch, commands)
    assert [each.value for each in told] == [12.6, None, None, None]
    assert (gauge.value, gauge.read_at_s, gauge.trouble) == (12.6, commands.asked_s[0], "upsc: exit status 1: Data stale")


def test_commands_never_overlap_however_long_one_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands([ended("1")], lasts_s=40.0)
    watched(monkeypatch, commands)
    assert [each - commands.asked_s[0] for each in commands.asked_s] == [0.0, 40.0, 80.0]


def test_it_says_until_when_it_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands([ended("1")], lasts_s=math.inf)
    gauge, _ = watched(monkeypatch, commands)
    assert gauge.progress_s == commands.asked_s[0] + 10.0 + 2 * process.KILL_GRACE_S + process.DRAIN_S
