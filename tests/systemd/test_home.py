"""What systemd gives the process: directories, files in them, the count of failures, the last good configuration."""

import os
import signal
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wagman.systemd.home
from wagman.config.schema import Config
from wagman.model.errors import ConfigError
from wagman.systemd.backoff import FREE, PAUSE_MAX_S, PAUSE_S, Backoff, told_to_end
from wagman.systemd.directory import RuntimeDirectory
from wagman.systemd.home import Home
from wagman.systemd.lastgood import Source

GOOD = "[device.gn]\nport = 1\nshutdown = []\n"
BETTER = GOOD.replace("1", "2")
BAD = "[device.gn]\nport = 7\n"

# --- The directories --------------------------------------------------------------------------------------------------


def test_by_hand_there_is_no_home() -> None:
    place = Home.of({})
    assert (place.runtime, place.copy, place.power_off, place.ending()) == (None, None, None, "stop")
    assert place.may_begin()
    place.is_well()


def test_systemd_names_the_directories(tmp_path: Path) -> None:
    place = Home.of({"RUNTIME_DIRECTORY": f"{tmp_path}:/elsewhere", "STATE_DIRECTORY": "/var/lib/wagman"})
    assert place.runtime == RuntimeDirectory(tmp_path)
    assert place.copy == Path("/var/lib/wagman/last-good.toml")


@pytest.mark.parametrize(
    ("note", "ending"),
    [
        ("running\n12 wagman.service stop running\n", "stop"),
        ("degraded\n12 wagman.service restart waiting\n", "restart"),
        ("stopping\n12 wagman.service stop running\n", "shutdown"),
        ("stopping\n", "shutdown"),
        ("", "stop"),
    ],
)
def test_the_unit_says_why_the_service_ends(tmp_path: Path, note: str, ending: str) -> None:
    (tmp_path / "stopping").write_text(note)
    assert RuntimeDirectory(tmp_path).ending() == ending


def test_without_a_word_it_is_a_stop(tmp_path: Path) -> None:
    assert RuntimeDirectory(tmp_path).ending() == "stop"
    (tmp_path / "stopping").mkdir()  # stands for whatever cannot be read
    assert RuntimeDirectory(tmp_path).ending() == "stop"


def test_what_was_said_to_an_earlier_run_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "stopping").write_text("running\n1 wagman.service restart running\n")
    place = Home.of({"RUNTIME_DIRECTORY": str(tmp_path)})
    assert place.may_begin()
    assert place.ending() == "stop"


def test_a_shutdown_is_asked_for_by_a_file(tmp_path: Path) -> None:
    power_off = Home.of({"RUNTIME_DIRECTORY": str(tmp_path)}).power_off
    assert power_off is not None
    power_off()
    assert (tmp_path / "poweroff").exists()


# --- The back-off -----------------------------------------------------------------------------------------------------


def test_the_first_failures_cost_nothing_and_the_others_ever_more(tmp_path: Path) -> None:
    backoff = Backoff(tmp_path / "starts")
    pauses = [backoff.count() for _ in range(FREE + 8)]
    assert pauses[:FREE] == [0] * FREE
    assert pauses[FREE : FREE + 3] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S]
    assert pauses[-1] == PAUSE_MAX_S


def test_an_orderly_end_begins_anew(tmp_path: Path) -> None:
    backoff = Backoff(tmp_path / "starts")
    for _ in range(FREE + 1):
        backoff.count()
    backoff.forgive()
    assert backoff.count() == 0


@given(st.binary(max_size=20))
def test_a_count_that_cannot_be_read_keeps_no_service_from_starting(junk: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "starts"
        file.write_bytes(junk)
        assert 0 <= Backoff(file).count() <= PAUSE_MAX_S


def test_a_count_that_cannot_be_written_costs_a_pause_and_keeps_no_service_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(wagman.systemd.home, "told_to_end", pauses.append)
    place = Home.of({"RUNTIME_DIRECTORY": str(tmp_path / "gone")})
    assert place.may_begin()
    assert pauses == [PAUSE_S]
    told = capsys.readouterr().err
    assert told.startswith("wagman: the service cannot count its failures")
    assert told.count("\n") == 1


def test_a_count_that_cannot_be_forgotten_ends_no_service(tmp_path: Path) -> None:
    (tmp_path / "starts").mkdir()  # stands for whatever cannot be removed
    Home.of({"RUNTIME_DIRECTORY": str(tmp_path)}).is_well()


def test_a_pause_ends_when_the_service_is_told_to() -> None:
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    began_s = time.monotonic()
    assert told_to_end(30.0)
    assert time.monotonic() - began_s < 10
    timer.join()
    assert not told_to_end(0.0)
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# --- The farewell -----------------------------------------------------------------------------------------------------


def test_the_unit_is_told_to_warn_and_an_older_warning_means_nothing(tmp_path: Path) -> None:
    runtime = RuntimeDirectory(tmp_path)
    runtime.warn_unfed()
    assert (tmp_path / "unfed").read_bytes() == b""
    runtime.forget_ending()
    assert list(tmp_path.iterdir()) == []
    RuntimeDirectory(tmp_path / "gone").warn_unfed()


# --- The last good configuration --------------------------------------------------------------------------------------


def source(folder: Path, text: str) -> Source:
    (folder / "wagman.toml").write_text(text)
    return Source(str(folder / "wagman.toml"), lambda _: None, folder / "copy")


def ports(config: Config) -> list[int]:
    return [device.port for device in config.devices]


def test_a_right_file_is_kept(tmp_path: Path) -> None:
    config, problems = source(tmp_path, GOOD).load_at_start()
    assert problems == ()
    assert source(tmp_path, GOOD).keep(config) == ()
    assert (tmp_path / "copy").read_text() == GOOD


def test_a_wrong_file_gives_way_to_the_copy_and_is_reported(tmp_path: Path) -> None:
    (tmp_path / "copy").write_text(GOOD)
    config, problems = source(tmp_path, BAD).load_at_start()
    assert ports(config) == [1]
    assert any("port" in problem for problem in problems)


def test_so_does_a_file_that_is_gone_or_cannot_be_used_here(tmp_path: Path) -> None:
    (tmp_path / "copy").write_text(GOOD)
    gone = source(tmp_path, BETTER)
    Path(gone.path).unlink()
    assert ports(gone.load_at_start()[0]) == [1]

    def no_group(config: Config) -> None:
        if ports(config) == [2]:
            raise ConfigError(("there is no such group",))

    (tmp_path / "wagman.toml").write_text(BETTER)
    config, problems = Source(gone.path, no_group, gone.copy).load_at_start()
    assert (ports(config), problems) == ([1], ("there is no such group",))


def test_without_a_copy_that_is_right_a_wrong_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        source(tmp_path, BAD).load_at_start()
    (tmp_path / "copy").write_text("nonsense")
    with pytest.raises(ConfigError) as caught:
        source(tmp_path, BAD).load_at_start()
    assert "wagman.toml" in str(caught.value)
    assert "copy" in str(caught.value)


def test_the_flash_is_written_only_when_something_changed(tmp_path: Path) -> None:
    config = source(tmp_path, GOOD).load()
    source(tmp_path, GOOD).keep(config)
    before = (tmp_path / "copy").stat().st_ino
    source(tmp_path, "# a comment\n" + GOOD).keep(config)
    assert (tmp_path / "copy").stat().st_ino == before
    source(tmp_path, BETTER).keep(source(tmp_path, BETTER).load())
    assert (tmp_path / "copy").read_text() == BETTER


def test_what_was_edited_since_it_was_read_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "copy").write_text(GOOD)
    config = source(tmp_path, BETTER).load()
    assert "changed" in source(tmp_path, GOOD.replace("1", "3")).keep(config)[0]
    assert (tmp_path / "copy").read_text() == GOOD


def test_a_copy_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    good = source(tmp_path, GOOD)
    nowhere = Source(good.path, good.judge, tmp_path / "gone" / "copy")
    assert "could be kept" in nowhere.keep(nowhere.load())[0]


def test_a_link_in_place_of_the_new_copy_goes_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("not ours")
    (tmp_path / "copy.new").symlink_to(tmp_path / "other")
    good = source(tmp_path, GOOD)
    assert good.keep(good.load()) == ()
    assert ((tmp_path / "copy").read_text(), (tmp_path / "other").read_text()) == (GOOD, "not ours")


def test_of_what_came_through_a_pipe_there_is_no_copy(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, GOOD.encode())
    os.close(writing)
    piped = Source(f"/dev/fd/{reading}", lambda _: None, tmp_path / "copy")
    assert "it came through a pipe" in piped.keep(piped.load())[0]
    os.close(reading)


def test_of_a_file_in_pieces_the_copy_is_whole_and_does_not_look_beside_itself(tmp_path: Path) -> None:
    beside = tmp_path / "conf.d"
    beside.mkdir()
    (beside / "x1.toml").write_text("[device.x1]\nport = 3\nshutdown = []\n")
    in_pieces = source(tmp_path, GOOD)
    config = in_pieces.load()
    assert ports(config) == [1, 3]
    assert in_pieces.keep(config) == ()
    (beside / "x1.toml").write_text("[device.x1]\nport = 33\nshutdown = []\n")
    kept, problems = in_pieces.load_at_start()
    assert kept == config
    assert problems
    assert all(each.startswith(f"{beside}/x1.toml:2: device.x1.port: ") for each in problems)


def test_what_was_edited_beside_it_since_it_was_read_is_not_kept(tmp_path: Path) -> None:
    beside = tmp_path / "conf.d"
    beside.mkdir()
    in_pieces = source(tmp_path, GOOD)
    config = in_pieces.load()
    (beside / "x1.toml").write_text("[device.x1]\nport = 3\nshutdown = []\n")
    assert "changed" in in_pieces.keep(config)[0]
    assert not (tmp_path / "copy").exists()
