"""`notify.toml`: what it says, everything that is wrong with it with its line, and no secret in any of it."""

from pathlib import Path

import pytest

from docs.make.pages import DOCS
from tests.bridges.notify.kit import notify, written
from wagman.bridges.notify.config import NotifyConfig, load
from wagman.bridges.notify.rules import Quiet, Rate
from wagman.bridges.notify.sinks import trouble
from wagman.model.errors import ConfigError
from wagman.systemd.install import data

SECRET = "hunter2"  # noqa: S105 - of nobody


def read(directory: Path, text: str, *, judge: str | None = None) -> NotifyConfig:
    return load(str(written(directory, text)), lambda _: judge)


def wrong(directory: Path, text: str, *, judge: str | None = None) -> str:
    """What is said of a file that is refused; the secret is never in it."""
    with pytest.raises(ConfigError) as caught:
        read(directory, text, judge=judge)
    said = str(caught.value).replace(f"{directory}/notify.toml", "F")
    assert SECRET not in said
    return said


def test_a_destination_has_the_rules_of_all_but_for_its_own(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        node = "mast"
        [tell]
        quiet = "22:00-07:00"
        most = "6/h"
        [to.mail]
        url = "mailto://someone"
        also = ["command", "device.off"]
        [to.log]
        command = ["/usr/bin/logger", "x"]
        least = "info"
        quiet = ""
        """,
    )
    mail, log = config.destinations
    assert (mail.url, mail.rules.most, mail.rules.also) == ("mailto://someone", Rate(6, 3600), ("command", "device.off"))
    assert mail.rules.quiet == Quiet(22 * 3600, 7 * 3600)
    assert (log.command, log.rules.least, log.rules.quiet, log.rules.most) == (
        ("/usr/bin/logger", "x"),
        "info",
        None,
        Rate(6, 3600),
    )
    assert config.program.node == "mast"
    assert config.alive is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "F:1: to: nobody is to be told: make a table such as [to.mail]"),
        ("[to.mail]\nleast = 'info'", "F:1: to.mail: takes one of url, url_file and command"),
        ("[to.mail]\nurl = 'a://hunter2'\ncommand = ['x']", "F:1: to.mail: takes one of url, url_file and command"),
        ("[to.mail]\nurl = 'hunter2'", "F:2: to.mail.url: must be an address on one line"),
        ("[to.mail]\nurl = ['hunter2']", "F:2: to.mail.url: must be an address on one line"),
        ("[to.mail]\ncommand = 'hunter2'", "F:2: to.mail.command: must be"),
        ("[to.mail]\nurl_file = '/nowhere'", "the file with the address cannot be read: No such file"),
        ("[to.mail]\nurl_file = 3", "F:2: to.mail.url_file: must be the path of a file"),
        ("[to.mail]\nurl = 'a://hunter2'\nmost = 'often'", "F:3: to.mail.most: must be a number of messages up to 1000"),
        ("[to.mail]\nurl = 'a://hunter2'\nquiet = 'night'", "F:3: to.mail.quiet: must be hours of the local clock"),
        ("[to.mail]\nurl = 'a://hunter2'\nals = []", "F:3: to.mail.als: unknown key"),
        ("[to.mail]\nurl = 'a://x'\nalso = ['device.of']", "no event 'device.of'; the nearest that there is is 'device.off'"),
        ("[to]\nmail = 'a://hunter2'", "F:2: to.mail: must be a table: begin a line with [to.mail]"),
        ("[to.all]\nurl = 'a://hunter2'", "a destination name has 1 to 32 of"),
        ("[to.mail]\nurl = 'a://hunter2'\n[alive]\nurl = 'ftp://hunter2'", "alive.url: must begin with https:// or http://"),
        ("[to.mail]\nurl = 'a://hunter2'\n[alive]\nevery = '5min'", "alive: takes one of url and url_file"),
        ("alive = 'http://hunter2'\n[to.mail]\nurl = 'a://x'", "F:1: alive: must be a table"),
        ("[to.mail", "not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in wrong(tmp_path, text)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    assert len(wrong(tmp_path, "x = 1\n[to.mail]\nurl = 3\n[tell]\nleast = 'much'").splitlines()) == 3


def test_what_apprise_does_not_know_is_wrong(tmp_path: Path) -> None:
    assert wrong(tmp_path, "[to.mail]\nurl = 'a://hunter2'", judge="it is unknown") == "F:2: to.mail.url: it is unknown"


def test_an_address_in_a_file_that_anybody_may_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "[to.mail]\nurl = 'a://hunter2'")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=r"anybody on this computer may read this file.*chmod o-rwx"):
        load(str(path), lambda _: None)
    path.write_text("[to.mail]\ncommand = ['/bin/true']")
    assert load(str(path), lambda _: None).destinations


def test_an_address_may_be_in_a_file_of_its_own_or_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "mail"
    secret.write_text("a://hunter2\n")
    secret.chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for named in (secret, "mail"):
        [mail] = read(tmp_path, f"[to.mail]\nurl_file = '{named}'").destinations
        assert mail.url == "a://hunter2"
        assert SECRET not in repr(mail)
    secret.chmod(0o604)
    assert "anybody on this computer may read the file with the address" in wrong(tmp_path, "[to.mail]\nurl_file = 'mail'")
    secret.chmod(0o600)
    secret.write_text("a://hunter2\na://hunter2")
    assert "the file must have the address, on one line" in wrong(tmp_path, "[to.mail]\nurl_file = 'mail'")


def test_the_file_itself_may_be_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[to.mail]\nurl = 'a://hunter2'")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load("/etc/wagman/notify.toml", lambda _: None).destinations


def test_the_example_is_right_once_its_comments_are_taken_away(tmp_path: Path) -> None:
    _, mark, example = data("notify.toml").partition("# [to.mail]")
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in (mark + example).splitlines())
    config = read(tmp_path, text)
    assert [each.name for each in config.destinations] == ["mail", "phone", "log"]
    assert config.alive is not None
    assert "nobody is to be told" in wrong(tmp_path, data("notify.toml"))


def test_what_the_page_shows_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "phone").write_text("ntfys://ntfy.sh/SOME-LONG-TOPIC")
    (tmp_path / "phone").chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    [shown] = [block for block in blocks((DOCS / "notify.md").read_text()) if "[to." in block]
    assert [each.name for each in load(str(written(tmp_path, shown)), trouble).destinations] == ["mail", "phone", "chat"]


def blocks(page: str) -> list[str]:
    return [text.partition("\n```")[0] for text in page.split("```toml\n")[1:]]


def test_it_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "[to.mail]\nurl = 'mailtos://u:hunter2@example.org'\n[to.log]\ncommand = ['true']\n")
    assert notify("--config", str(path), "--check") == 0
    assert capsys.readouterr().out == f"{path}: ok, to be told: mail, log\n"
    written(tmp_path, "[to.mail]\nurl = 'nonsense://u:hunter2@example.org'\n")
    assert notify("--config", str(path), "--check") == 2
    said = capsys.readouterr().err
    assert "Apprise does not know this address" in said
    assert SECRET not in said
