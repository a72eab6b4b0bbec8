"""A configuration in several files: tables add, what is stated twice is told with both places, and the order does not matter."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.config.test_as_user import NOBODY, as_root, public
from tests.config.test_positions import Writer, documents
from wagman.config import check
from wagman.config.document import MOST_BYTES
from wagman.config.load import advice, commands, load, load_alone, loads
from wagman.config.schema import Config
from wagman.config.whole import MOST_FILES, as_one, files, whole
from wagman.model.errors import ConfigError

MAIN = '[wagman]\nstagger = "3s"\n\n[device.nc]\nport = 0\nself = true\n'
GN = '[device.gn]\nport = 1\nshutdown = ["true"]\n'
CS = "[device.cs]\nport = 2\nshutdown = []\n"

__all__ = ["public"]


def anything_goes(config: Config) -> None:
    pass


@pytest.fixture
def main(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    main = tmp_path / "wagman.toml"
    main.write_text(MAIN)
    return main


def beside(main: Path, name: str, text: str) -> Path:
    path = main.parent / "conf.d" / name
    path.write_text(text)
    return path


def problems(main: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(str(main))
    return [each.replace(f"{main.parent}/", "") for each in caught.value.problems]


def test_the_tables_of_all_files_add(main: Path) -> None:
    beside(main, "gn.toml", GN)
    beside(main, "cs.toml", CS)
    assert load(str(main)) == loads(MAIN + CS + GN, "f")


def test_only_files_that_end_in_toml_and_are_not_hidden_are_read(main: Path) -> None:
    for name in ("gn.toml~", ".gn.toml", "gn.toml.dpkg-old", "README", "toml"):
        beside(main, name, "this is no TOML")
    assert load(str(main)) == loads(MAIN, "f")


def test_a_folder_that_is_not_there_is_empty(main: Path) -> None:
    (main.parent / "conf.d").rmdir()
    assert files(str(main)) == (str(main),)
    assert load(str(main)) == loads(MAIN, "f")


def test_the_order_of_the_names_does_not_matter(main: Path) -> None:
    beside(main, "1.toml", GN)
    beside(main, "2.toml", CS)
    one = load(str(main))
    beside(main, "1.toml", CS)
    beside(main, "2.toml", GN)
    assert {each.name: each for each in load(str(main)).devices} == {each.name: each for each in one.devices}


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (GN, f"# again\n{GN}", ["conf.d/b.toml:2: device.gn: it is in conf.d/a.toml:1 as well: state it in one place"]),
        (CS, '[wagman]\nstagger = "5s"\n', ["conf.d/b.toml:1: wagman: it is in wagman.toml:1 as well: state it in one place"]),
        (CS, "[device.nc]\nport = 0\n", ["conf.d/b.toml:1: device.nc: it is in wagman.toml:4 as well: state it in one place"]),
        (
            "[defaults]\n",
            "\n[defaults]\n",
            ["conf.d/b.toml:2: defaults: it is in conf.d/a.toml:1 as well: state it in one place"],
        ),
        (
            "[environment]\nsamples = 3\n",
            "[environment]\nsamples = 4\n",
            ["conf.d/b.toml:2: environment.samples: it is in conf.d/a.toml:2 as well: state it in one place"],
        ),
        (
            "[environment]\nsamples = 3\n",
            '[environment]\nfirst_verdict = "5s"\n',
            ["conf.d/b.toml:1: environment: it is in conf.d/a.toml:1 as well: state it in one place"],
        ),
        (
            '[board]\ndevice = "/dev/ttyACM0"\n',
            '[board]\ndialect = "v4"\n',
            ["conf.d/b.toml:1: board: it is in conf.d/a.toml:1 as well: state it in one place"],
        ),
    ],
)
def test_what_is_stated_twice_is_told_with_both_places(main: Path, first: str, second: str, told: list[str]) -> None:
    beside(main, "a.toml", first)
    beside(main, "b.toml", second)
    assert problems(main) == told


def test_a_table_with_keys_of_its_own_takes_tables_from_another_file(main: Path) -> None:
    beside(main, "a.toml", "[environment]\nsamples = 3\n")
    beside(main, "b.toml", '[environment.ups]\ncommand = ["true"]\n')
    assert load(str(main)) == loads(f'{MAIN}[environment]\nsamples = 3\n[environment.ups]\ncommand = ["true"]\n', "f")


def test_each_problem_is_told_with_its_file_and_line_those_of_the_main_file_first(main: Path) -> None:
    main.write_text(f"{MAIN}prot = 1\n")
    beside(main, "a.toml", '[device.gn]\nport = 9\nshutdown = ["ssh gn"]\n')
    beside(main, "b.toml", "\n[device.cs]\nshutdown = []\n")
    told = problems(main)
    assert [each.split(": ")[:2] for each in told] == [
        ["wagman.toml:7", "device.nc.prot"],
        ["conf.d/a.toml:2", "device.gn.port"],
        ["conf.d/b.toml:2", "device.cs.port"],
    ]


def test_what_is_wrong_between_files_is_told_where_the_key_stands(main: Path) -> None:
    beside(main, "a.toml", GN)
    beside(main, "b.toml", GN.replace("gn", "x1"))
    (told,) = problems(main)
    assert told.startswith(("conf.d/a.toml:2: device.gn.port: ", "conf.d/b.toml:2: device.x1.port: "))


def test_all_files_that_are_no_toml_are_told_at_once(main: Path) -> None:
    main.write_text("[wagman\n")
    beside(main, "a.toml", "port = 5 s\n")
    (main.parent / "conf.d/c.toml").mkdir()
    beside(main, "d.toml", "")
    told = problems(main)
    assert [each.split(": ")[0] for each in told] == ["wagman.toml:1", "conf.d/a.toml:1", "conf.d/c.toml"]


def test_a_folder_that_cannot_be_read_is_no_empty_one(main: Path) -> None:
    (main.parent / "conf.d").rmdir()
    (main.parent / "conf.d").write_text("")
    assert problems(main) == ["conf.d: cannot be read: Not a directory"]


def test_there_are_bounds(main: Path) -> None:
    beside(main, "a.toml", "#" * MOST_BYTES)
    assert problems(main) == [f"conf.d/a.toml: all files together are larger than {MOST_BYTES} bytes: are these the right ones?"]
    for number in range(MOST_FILES):
        beside(main, f"{number}.toml", "")
    (told,) = problems(main)
    assert told.startswith(f"conf.d: {MOST_FILES + 1} files, and {MOST_FILES} at most")


def test_advice_and_commands_know_the_file(main: Path) -> None:
    path = beside(main, "gn.toml", GN)
    assert commands(str(main)) == {("device", "gn", "shutdown"): ("true",)}
    beside(main, "gn.toml", GN.replace('["true"]', '["no-such-program-here"]'))
    assert check.run(str(main), anything_goes) == 0
    assert load(str(main)).devices[1].name == "gn"
    assert advice(str(main)) is not None
    assert path.exists()


def test_check_config_names_file_and_line_of_a_command_that_cannot_be_run(main: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = beside(main, "gn.toml", GN.replace('["true"]', '["no-such-program-here"]'))
    check.run(str(main), anything_goes)
    assert f"{path}:3: device.gn.shutdown: warning: " in capsys.readouterr().err


@as_root
@pytest.mark.parametrize(("what", "mode"), [("conf.d", 0o700), ("conf.d/gn.toml", 0o600)])
def test_check_config_finds_what_the_services_user_may_not_read(
    public: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str, mode: int
) -> None:
    main = public / "wagman.toml"
    main.write_text(MAIN)
    (public / "conf.d").mkdir(mode=0o755)
    beside(main, "gn.toml", GN).chmod(0o644)
    monkeypatch.setattr(check, "service_account", lambda: NOBODY)
    assert check.run(str(main), anything_goes, own=str(main)) == 0
    (public / what).chmod(mode)
    assert check.run(str(main), anything_goes, own=str(main)) == 2
    assert f"{public}/{what}: the service's user nobody may not read it: chgrp nobody {public}/{what}" in capsys.readouterr().err


def test_a_copy_is_one_file_whatever_is_beside_it(main: Path) -> None:
    beside(main, "gn.toml", GN)
    assert load_alone(str(main)) == loads(MAIN, "f")
    copy = main.with_name("copy.toml")
    copy.write_text(as_one(whole(str(main)).tables))
    assert load_alone(str(copy)) == load(str(main))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_one_file_says_what_the_tables_say(document: Writer) -> None:
    tables = tomllib.loads(document.text())
    assert repr(tomllib.loads(as_one(tables))) == repr(tables)


@given(st.permutations(["a", "b", "c"]), st.sampled_from(["device", "board", "network"]))
def test_tables_of_names_add_in_any_order(tmp_path_factory: pytest.TempPathFactory, order: list[str], kind: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "conf.d").mkdir()
    (folder / "f.toml").write_text(f"[{kind}.main]\nx = 0\n")
    for number, name in enumerate(order):
        (folder / f"conf.d/{number}.toml").write_text(f"[{kind}.{name}]\nx = {number}\n")
    made = whole(str(folder / "f.toml"))
    assert made.tables == {kind: {"main": {"x": 0}, **{name: {"x": number} for number, name in enumerate(order)}}}
    assert {made.homes[kind, name, "x"] for name in order} == {os.fspath(folder / f"conf.d/{n}.toml") for n in range(3)}
