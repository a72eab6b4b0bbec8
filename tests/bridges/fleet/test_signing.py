"""A signed order counts once, in time, on its node, in its giver's name, to the byte; with the real ssh-keygen."""

import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from tests.bridges.fleet.test_orders import NOW_S, TERMS, FakeLink, Killed, order, until_idle
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Message
from wagman.bridges.fleet.orders import Gate
from wagman.bridges.fleet.payloads import given_of, id_of, packed
from wagman.bridges.fleet.signing import NAMESPACE, Signers, SigningError, look_at_key, signature_of
from wagman.cli import main
from wagman.cli.outcome import CommandError

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="takes ssh-keygen, of Debian's openssh-client")

SIGNED_TERMS = evolve(TERMS, whom=("alice", "bob"), node="v042", are_signed=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of alice, of bob, and of a stranger; the first two are in the list."""
    home = tmp_path_factory.mktemp("keys")
    for name in ("alice", "bob", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", home / name], check=True)
    lines = [f'{name} namespaces="{NAMESPACE}" {(home / f"{name}.pub").read_text()}' for name in ("alice", "bob")]
    (home / "allowed_signers").write_text("".join(lines))
    return home


def signed(keys: Path, key: str, namespace: str = NAMESPACE, **about: Any) -> bytes:
    """An order of alice's for v042, unless something else is said, in its envelope."""
    data = packed(order(**{"node": "v042", "who": "alice", **about}), deflate=False)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(keys / key)]
    signature = subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()
    return packed({"v": 1, "order": data.decode(), "signature": signature}, deflate=False)


def obey(keys: Path, path: Path, *payloads: bytes, who: str = "alice", now_s: float = NOW_S) -> tuple[list[str], int]:
    """What a node answers that takes signed orders only, and how many it carried out."""
    with closing(Ledger(path / "ledger", 0.0)) as ledger:
        link, signers, gate = FakeLink(), Signers(str(keys / "allowed_signers")), Gate(SIGNED_TERMS, is_settled=True)
        node = Killed(link, "w/1/v042", "", gate, ledger, lambda: now_s, str, signers)  # type: ignore[arg-type]
        for payload in payloads:
            node.told(Message(f"w/1/v042/do/{who}", payload, False, 1))
        trio.run(until_idle, node)
    return [f"{said['outcome']}: {said['reason']}" for _, said in link.said], len(node.done)


def test_an_order_that_its_giver_signed_is_carried_out(keys: Path, tmp_path: Path) -> None:
    assert obey(keys, tmp_path, signed(keys, "alice")) == (["accepted: so be it"], 1)


def test_one_that_is_not_signed_is_refused(keys: Path, tmp_path: Path) -> None:
    found = obey(keys, tmp_path, packed(order(node="v042", who="alice"), deflate=False))
    assert found == (["refused: it is not signed, and this node takes none that is not"], 0)


@pytest.mark.parametrize("key", ["stranger", "bob"])
def test_one_that_somebody_else_signed_is_refused(keys: Path, tmp_path: Path, key: str) -> None:
    (said,), done = obey(keys, tmp_path, signed(keys, key))
    assert done == 0
    assert said.startswith("refused: its signature is none of alice for it")


def test_what_was_signed_for_something_else_is_refused(keys: Path, tmp_path: Path) -> None:
    (said,), done = obey(keys, tmp_path, signed(keys, "alice", "file"))
    assert done == 0
    assert "namespace does not match" in said


def test_an_order_is_nobody_elses(keys: Path, tmp_path: Path) -> None:
    """Whoever runs the broker passes alice's order on as bob's, whose key may be the same."""
    (said,), done = obey(keys, tmp_path, signed(keys, "alice"), who="bob")
    assert (said, done) == ("refused: it says that alice gives it, and came in the name of bob", 0)
    (said,), done = obey(keys, tmp_path, signed(keys, "alice", who="bob"), who="bob")
    assert done == 0
    assert said.startswith("refused: its signature is none of bob for it")


def test_not_a_byte_of_it_may_be_changed(keys: Path, tmp_path: Path) -> None:
    good = signed(keys, "alice")
    for old, new in ((b"stop", b"start"), (b'\\"gn\\"', b'\\"nx\\"'), (b'\\"v\\":1', b'\\"v\\":2')):
        assert old in good
        (said,), done = obey(keys, tmp_path, good.replace(old, new))
        assert done == 0, new
        assert said.endswith("Signature verification failed: incorrect signature"), said
    (said,), done = obey(keys, tmp_path, good.replace(b"BEGIN SSH", b"BEGIN SHH"))
    assert (said.startswith("refused: its signature is none"), done) == (True, 0)


def test_it_is_for_no_other_node_and_says_so_itself(keys: Path, tmp_path: Path) -> None:
    (said,), done = obey(keys, tmp_path, signed(keys, "alice", node="v043"))
    assert (said, done) == ("refused: it is for the node v043, and this is v042", 0)
    data = packed(order(), deflate=False)
    signature = trio.run(signature_of, data, str(keys / "alice"))
    (said,), done = obey(keys, tmp_path, packed({"v": 1, "order": data.decode(), "signature": signature}, deflate=False))
    assert done == 0
    assert "says which node it is for" in said


def test_it_is_in_time_or_never_and_once(keys: Path, tmp_path: Path) -> None:
    data = signed(keys, "alice")
    said, done = obey(keys, tmp_path, data, now_s=NOW_S + 31)
    assert (said, done) == (["expired: its deadline was 1.0 s ago, by this node's clock"], 0)
    assert obey(keys, tmp_path, data, data) == (["accepted: so be it"] * 2, 1)
    assert obey(keys, tmp_path, data, now_s=NOW_S + 3_600) == (["accepted: so be it"], 0), "after a restart, too"


def test_one_that_is_refused_for_its_signature_keeps_the_true_one_from_nothing(keys: Path, tmp_path: Path) -> None:
    said, done = obey(keys, tmp_path, signed(keys, "stranger"), signed(keys, "alice"))
    assert [each.partition(":")[0] for each in said] == ["refused", "accepted"]
    assert done == 1


def test_a_node_that_needs_no_signature_takes_a_signed_order_for_itself_only(keys: Path) -> None:
    ours = Gate(evolve(TERMS, node="v042"), is_settled=True)
    given = given_of(signed(keys, "alice"))
    assert id_of(signed(keys, "alice")) == given.order["id"]
    assert ours.obstacle("alice", given.order, NOW_S) is None
    assert ours.obstacle("alice", order(node="v043"), NOW_S) is not None
    assert ours.obstacle("alice", order(who="bob"), NOW_S) is not None


# --- Where it cannot be looked at -------------------------------------------------------------------------------------


def tool(folder: Path, text: str) -> None:
    (folder / "ssh-keygen").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "ssh-keygen").chmod(0o755)


@pytest.mark.parametrize(
    ("does", "why"),
    [("sleep 60", "ended after 0.2 s"), ("exit 0; #", None), ("kill -9 $$", "exit status -9"), (None, "cannot be run")],
)
def test_only_a_tool_that_says_yes_in_time_proves_anything(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str | None, why: str | None
) -> None:
    if does is not None:
        tool(tmp_path, does)
    monkeypatch.setenv("PATH", f"{tmp_path}{':/usr/bin:/bin' if does else ''}")
    monkeypatch.setattr("wagman.bridges.fleet.signing.VERIFY_S", 0.2 if does == "sleep 60" else 5.0)
    found = trio.run(Signers(str(keys / "allowed_signers")).obstacle, "alice", b"{}", "x")
    assert found is None if why is None else why in str(found)


def test_a_list_that_is_gone_proves_nothing(tmp_path: Path) -> None:
    assert "signature" in str(trio.run(Signers(str(tmp_path / "none")).obstacle, "alice", b"{}", "x"))
    assert "no credential none" in str(trio.run(Signers("none").obstacle, "alice", b"{}", "x"))


def test_nothing_is_left_behind_and_nobody_else_may_look(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, seen = tmp_path / "tmp", tmp_path / "seen"
    folder.mkdir()
    tool(tmp_path, f"stat -c %a {folder}/* > {seen}; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert trio.run(Signers(str(keys / "allowed_signers")).obstacle, "alice", b"{}", "x") is not None
    assert seen.read_text() == "700\n"
    assert not list(folder.iterdir())


# --- Before anything is begun -----------------------------------------------------------------------------------------

FILE = '[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\nport = 1\ntls = false\n[orders]\nfrom = ["alice", "bob"]\n'


def bridge(folder: Path, signers: Path, *words: str) -> int:
    (folder / "fleet.toml").write_text(f'{FILE}allowed_signers = "{signers}"\n')
    return main(["fleet", "bridge", *words, "--config", str(folder / "fleet.toml")])


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_list_that_is_of_no_use_is_told_at_once(
    keys: Path, tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bridge(tmp_path, tmp_path / "none", *words) == 2
    assert capsys.readouterr().err == f"wagman: orders.allowed_signers {tmp_path}/none: No such file or directory\n"
    assert bridge(tmp_path, tmp_path, *words) == 2
    assert "Is a directory" in capsys.readouterr().err
    (tmp_path / "one").write_text(f"alice {(keys / 'alice.pub').read_text()}")
    assert bridge(tmp_path, tmp_path / "one", *words) == 2
    assert "no key for bob" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bridge(tmp_path, keys / "allowed_signers", *words) == 2
    assert capsys.readouterr().err == "wagman: orders.allowed_signers: there is no ssh-keygen: apt install openssh-client\n"


def test_a_list_that_is_of_use_is_not_in_the_way(keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bridge(tmp_path, keys / "allowed_signers", "--check") == 3
    assert "Connection refused" in capsys.readouterr().err


def test_a_key_that_is_not_there_or_none_is_told(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="No such file"):
        look_at_key(str(tmp_path / "none"))
    (tmp_path / "key").write_text("none")
    with pytest.raises(SigningError, match="did not sign with"):
        trio.run(signature_of, b"{}", str(tmp_path / "key"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="apt install"):
        look_at_key(str(keys / "alice"))
    with pytest.raises(SigningError, match="cannot be run"):
        trio.run(signature_of, b"{}", str(keys / "alice"))
