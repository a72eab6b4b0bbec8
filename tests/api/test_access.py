"""Who may do what."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.api.fake_service import fake_service
from wagman.api import access
from wagman.api.access import Access, Role, group_access
from wagman.api.listener import unix_listener
from wagman.api.server import serve
from wagman.config.service import ServiceConfig
from wagman.model.errors import ConfigError

OWN, CONTROL, READ, OTHER, OPERATE = 500, 60_001, 60_002, 60_003, 60_004
ACCESS = Access(control_gid=CONTROL, read_gid=READ, operate_gid=OPERATE, own_uid=OWN)
GROUPS = st.lists(st.sampled_from([CONTROL, OPERATE, READ, OTHER]), max_size=3)
BEST_FIRST = {CONTROL: Role.CONTROLLER, OPERATE: Role.OPERATOR, READ: Role.READER}


@given(st.sampled_from([0, OWN]), st.just(OTHER), st.none() | GROUPS)
def test_root_and_the_services_own_user_may_do_everything(uid: int, gid: int, groups: list[int] | None) -> None:
    assert ACCESS.role(uid, gid, groups) is Role.CONTROLLER


@given(st.integers(1, 2**32 - 1).filter(lambda uid: uid != OWN), st.sampled_from([CONTROL, OPERATE, READ, OTHER]), GROUPS)
def test_others_may_what_the_best_of_their_groups_may(uid: int, gid: int, groups: list[int]) -> None:
    best = max(BEST_FIRST.get(each, Role.NOBODY) for each in (gid, *groups))
    assert ACCESS.role(uid, gid, groups) is best


def test_a_service_that_runs_as_nobody_does_not_take_the_users_of_foreign_namespaces_for_itself() -> None:
    as_nobody = evolve(ACCESS, own_uid=ACCESS.nobodys_uid)
    assert as_nobody.role(ACCESS.nobodys_uid, OTHER, []) is Role.NOBODY
    assert as_nobody.role(ACCESS.nobodys_uid, OTHER, [READ]) is Role.READER
    assert as_nobody.role(0, OTHER, []) is Role.CONTROLLER


def test_the_number_of_nobody_is_what_the_kernel_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "OVERFLOW_UID", tmp_path / "overflowuid")
    assert Access().nobodys_uid == 65534
    (tmp_path / "overflowuid").write_text("99\n")
    assert Access().nobodys_uid == 99


def test_more_groups_than_can_be_read_count_as_none() -> None:
    assert ACCESS.role(1000, CONTROL, None) is Role.NOBODY


@given(st.integers(0, 2**32 - 1))
def test_a_group_that_is_not_set_admits_nobody(gid: int) -> None:
    assert Access(own_uid=OWN).role(1000, gid, [gid]) is Role.NOBODY


def test_everybody_may_knock_only_where_there_are_readers_or_operators() -> None:
    assert ACCESS.mode == evolve(ACCESS, read_gid=None).mode == evolve(ACCESS, operate_gid=None).mode == 0o666
    assert evolve(ACCESS, read_gid=None, operate_gid=None).mode == 0o660


# --- Groups by name ---------------------------------------------------------------------------------------------------


def test_groups_are_looked_up_by_name() -> None:
    config = ServiceConfig(control_group="root", control_group_configured=True, read_group="daemon", operate_group="bin")
    found, warnings = group_access(config)
    assert (found.control_gid, found.read_gid, found.operate_gid, warnings) == (0, 1, 2, ())


def test_a_default_group_that_does_not_exist_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_gid", lambda name: None)
    found, (warning,) = group_access(ServiceConfig())
    assert found.control_gid is None
    assert "no group wagman" in warning


@pytest.mark.parametrize(
    "config",
    [
        ServiceConfig(control_group="no-such", control_group_configured=True),
        ServiceConfig(control_group="root", read_group="no-such"),
        ServiceConfig(control_group="root", operate_group="no-such"),
    ],
)
def test_a_configured_group_that_does_not_exist_is_an_error(config: ServiceConfig) -> None:
    with pytest.raises(ConfigError, match="no group no-such"):
        group_access(config)


# --- Real credentials -------------------------------------------------------------------------------------------------

AS_USER = """
import json, os, socket, sys
uid, gid, groups, path = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
os.setgroups(groups), os.setgid(gid), os.setuid(uid)
client = socket.socket(socket.AF_UNIX)
client.settimeout(10)
try:
    client.connect(path)
except PermissionError:
    sys.exit("may not connect")
for method, params in (("hello", {}), ("enable", {"device": "gn"}), ("kill", {"device": "gn"})):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        client.sendall(json.dumps(request).encode() + b"\\n")
    except BrokenPipeError:
        pass
    answer = json.loads(client.makefile().readline())
    if "error" in answer:
        sys.exit(f"may not {method}")
print("may do everything")
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user can enter."""
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def knock(directory: Path, found: Access, uid: int, gid: int, groups: Sequence[int]) -> str:
    """What a process of this user gets to do."""
    path = str(directory / "wagman.sock")
    command = [sys.executable, "-c", AS_USER, str(uid), str(gid), str(list(groups)), path]
    ask = partial(trio.run_process, command, capture_stdout=True, stderr=subprocess.STDOUT, check=False)

    async def main() -> str:
        with trio.fail_after(20), unix_listener(path, found) as bound:
            async with fake_service() as service, trio.open_nursery() as nursery:
                await nursery.start(serve, service, bound.listener, found.judge)
                said = (await ask()).stdout.decode().strip()
                nursery.cancel_scope.cancel()
        return said

    return trio.run(main)


@needs_root
@pytest.mark.parametrize(
    ("uid", "gid", "groups", "said"),
    [
        (0, 0, [], "may do everything"),
        (0, 0, range(70_000, 70_300), "may do everything"),
        (1234, CONTROL, [], "may do everything"),
        (1234, 1234, [5, CONTROL], "may do everything"),
        (1234, OPERATE, [], "may not kill"),
        (1234, READ, [5, OPERATE], "may not kill"),
        (1234, OPERATE, [READ, CONTROL], "may do everything"),
        (1234, READ, [], "may not enable"),
        (1234, 1234, [5, READ], "may not enable"),
        (1234, 1234, [], "may not hello"),
        (1234, 1234, [0], "may not hello"),
        (1234, 1234, [CONTROL, *range(70_000, 70_254)], "may do everything"),
        (1234, CONTROL, [CONTROL, *range(70_000, 70_300)], "may not hello"),
        (2**31, 2**31 + 1, [CONTROL], "may do everything"),
    ],
)
def test_a_process_may_what_its_credentials_allow(public: Path, uid: int, gid: int, groups: Sequence[int], said: str) -> None:
    assert knock(public, Access(CONTROL, READ, OPERATE), uid, gid, groups) == said


@needs_root
def test_nobody_is_not_the_service_that_runs_as_nobody(public: Path) -> None:
    as_nobody = Access(CONTROL, READ, own_uid=access.overflow_uid())
    assert knock(public, as_nobody, as_nobody.own_uid, 1234, []) == "may not hello"
    assert knock(public, as_nobody, as_nobody.own_uid, 1234, [READ]) == "may not enable"


@needs_root
def test_without_a_read_group_others_cannot_even_connect(public: Path) -> None:
    assert knock(public, Access(CONTROL), 1234, 1234, []) == "may not connect"
    assert knock(public, Access(CONTROL), 1234, 1234, [CONTROL]) == "may do everything"


@needs_root
def test_a_service_that_may_not_give_its_socket_away_says_so(public: Path) -> None:
    code = f"import os; os.setgroups([]); os.chown({str(public)!r}, 1234, 1234); os.setgid(1234); os.setuid(1234)"
    more = "from wagman.api.access import *; from wagman.api.listener import *"
    show = f"with unix_listener({str(public / 's')!r}, Access({CONTROL})) as bound: print(*bound.warnings)"
    script = f"{more}\nimport trio\n{code}\nasync def main():\n    {show}\ntrio.run(main)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "could not be given to the control group" in done.stdout
