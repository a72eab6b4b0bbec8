"""The file for node_exporter, in virtual time; and a real node_exporter that reads it."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.bridges.metrics.kit import example, samples, text
from tests.ports import free_port
from wagman.bridges.metrics.textfile import keep, replace

EXPORTER = "prometheus-node-exporter"


def numbered() -> Callable[[], Awaitable[str]]:
    """A text that is another each time."""
    asked = 0

    async def text() -> str:
        nonlocal asked
        asked += 1
        return f"wagman_up {asked}\n"

    return text


def test_it_is_written_anew_again_and_again_and_taken_away_at_the_end(tmp_path: Path) -> None:
    path, seen = tmp_path / "wagman.prom", list[str]()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep, path, 30.0, numbered())
            for after_s in (1, 30, 30):
                await trio.sleep(after_s)
                seen.append(path.read_text())
                assert path.stat().st_mode & 0o777 == 0o644
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert seen == ["wagman_up 1\n", "wagman_up 2\n", "wagman_up 3\n"]
    assert [*tmp_path.iterdir()] == []


def test_whoever_has_it_open_reads_the_old_one_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "wagman.prom"
    replace(path, "old\n")
    with path.open() as reader:
        replace(path, "new\n")
        assert (reader.read(), path.read_text()) == ("old\n", "new\n")


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await keep(tmp_path / "none" / "wagman.prom", 30.0, numbered())

    trio.run(main)


def test_one_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "wagman.prom"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        replace(path, "x\n")
    assert [*tmp_path.iterdir()] == [path]


def test_names_that_are_no_unicode_do_not_keep_it_from_being_written(tmp_path: Path) -> None:
    replace(tmp_path / "x", "a\ud800b")
    assert (tmp_path / "x").read_text() == "a?b"


@pytest.mark.skipif(shutil.which(EXPORTER) is None, reason=f"takes {EXPORTER}, a package of Debian")
def test_node_exporter_shows_all_of_it_through_the_link_that_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "collected").mkdir()
    shown = text(example())
    replace(tmp_path / "run" / "wagman.prom", shown)
    (tmp_path / "collected" / "wagman.prom").symlink_to(tmp_path / "run" / "wagman.prom")
    address = f"127.0.0.1:{free_port()}"
    options = ("--collector.disable-defaults", "--collector.textfile", f"--web.listen-address={address}")
    directory = f"--collector.textfile.directory={tmp_path / 'collected'}"
    exporter = subprocess.Popen([EXPORTER, *options, directory], stderr=subprocess.DEVNULL)
    try:
        told = samples(fetched(f"http://{address}/metrics"))
    finally:
        exporter.kill()
        exporter.wait()
    assert told["node_textfile_scrape_error"] == 0
    found = {ordered(name): value for name, value in told.items() if name.startswith("wagman_")}
    assert found == {ordered(name): value for name, value in samples(shown).items()}
    assert [name for name in told if name.startswith("node_textfile_mtime_seconds") and 'wagman.prom"' in name]


def ordered(series: str) -> str:
    """With its labels by name, as node_exporter has them; one without a value is the same as none."""
    name, _, labels = series.rstrip("}").partition("{")
    known = sorted(label for label in labels.split(",") if label and not label.endswith('=""'))
    return f"{name} {known}"


def fetched(url: str) -> str:
    due_s = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of this computer
                return str(answer.read().decode())
        except urllib.error.URLError:
            assert time.monotonic() < due_s, "it does not answer"
            time.sleep(0.02)
