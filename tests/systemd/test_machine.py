"""The service under a real systemd, with the fake board, on a machine booted for the purpose."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from tests.systemd.machine import ASIDE, Machine, docs_commands, eventually


def test_the_installation_page_leads_to_a_service_that_supervises(machine: Machine) -> None:
    assert machine.property("ActiveState") == "active"
    assert machine.property("UnitFileState") == "enabled"
    assert machine.property("User") == "wagman"
    assert machine.guests_up()
    assert machine.cuts() == []


def test_the_status_tells_a_person_how_everything_is(machine: Machine) -> None:
    wanted = "normal; board up, 24 C; nc this controller, gn started, cs started"
    eventually(lambda: machine.property("StatusText") == wanted)
    machine.run("wagman stop gn")
    eventually(lambda: "gn stopped (wanted down)" in machine.property("StatusText"))
    machine.run("wagman start gn")
    eventually(lambda: machine.property("StatusText") == wanted)


def test_it_is_active_only_once_it_supervises(machine: Machine) -> None:
    machine.run("systemctl stop wagman; mkdir -p /run/wagman; chown wagman: /run/wagman; touch /run/wagman/not-yet")
    machine.run("systemctl start --no-block wagman")
    eventually(lambda: machine.property("MainPID") != "0")
    machine.run("sleep 1")
    assert machine.property("ActiveState") == "activating"
    machine.run("rm /run/wagman/not-yet")
    eventually(lambda: machine.property("ActiveState") == "active")


def test_kill_9_is_noticed_by_no_guest(machine: Machine) -> None:
    before = machine.restarts()
    machine.run("systemctl kill --signal=KILL --kill-who=main wagman")
    eventually(lambda: machine.restarts() == before + 1 and machine.guests_up())
    assert machine.cuts() == []


def test_what_is_ordered_for_a_while_holds_over_a_restart_and_ends_by_itself(machine: Machine) -> None:
    machine.run("wagman maintenance gn --for 1h; wagman stop cs --for 1h")
    machine.run("systemctl kill --signal=KILL --kill-who=main wagman; sleep 1; systemctl restart wagman")
    eventually(machine.board_seen)
    rows = {row["name"]: row for row in json.loads(machine.says("wagman status --json"))["devices"]}
    assert (rows["gn"]["state"], rows["gn"]["term"]["kind"]) == ("maintenance", "maintenance")
    assert (rows["cs"]["state"], rows["cs"]["term"]["kind"]) == ("stopped", "stop")
    assert 3000 < rows["gn"]["term"]["in_s"] < 3600
    assert machine.run("wagman stop gn", check=False).returncode == 4
    assert machine.says("wagman check gn").startswith("WAGMAN OK")
    assert machine.cuts() == [2]  # cs, which was told to halt: nobody has touched gn
    machine.run("wagman maintenance gn --for 2s; wagman start cs --no-wait")
    eventually(lambda: machine.events("device.maintenance_over") and machine.guests_up())


def test_a_service_whose_task_hangs_is_restarted_and_says_which_it_was(machine: Machine) -> None:
    before = machine.restarts()
    machine.run("touch /run/wagman/hang")
    eventually(lambda: machine.restarts() == before + 1 and machine.guests_up())
    stuck = machine.events("service.task_stuck")[-1]
    assert stuck["fields"]["task"] in ("device.gn", "device.cs")
    assert "Watchdog timeout" in machine.journal()
    assert "most recent call first" in machine.journal()
    assert machine.cuts() == []


def test_a_stopped_process_is_restarted(machine: Machine) -> None:
    before = machine.restarts()
    machine.run("systemctl kill --signal=STOP --kill-who=main wagman")
    eventually(lambda: machine.restarts() == before + 1 and machine.guests_up())
    assert machine.cuts() == []


def test_a_dead_board_restarts_nothing(machine: Machine) -> None:
    before = machine.restarts()
    machine.run("systemctl stop board; sleep 8")
    assert machine.restarts() == before
    assert "board link down" in machine.property("StatusText")
    machine.run("systemctl start board")
    eventually(machine.guests_up)


def test_the_journal_finds_what_went_wrong_with_a_guest_and_with_the_cable(machine: Machine) -> None:
    assert machine.says("journalctl -o cat -p warning --since=-1min WAGMAN_TYPE=device.started") == ""
    machine.run("systemctl stop board")
    eventually(lambda: "the link to the board went down" in machine.journal("--priority=warning WAGMAN_TYPE=link.down"))
    machine.run("systemctl start board")
    eventually(machine.board_seen)
    machine.run("wagman fake-board --send /run/board/control powercycle")
    eventually(lambda: machine.says("journalctl -o cat -p warning WAGMAN_DEVICE=gn WAGMAN_TYPE=device.power_lost"))
    eventually(machine.guests_up)
    entry = json.loads(machine.says("journalctl -o json -n 1 WAGMAN_DEVICE=gn WAGMAN_TYPE=device.started"))
    assert (entry["MESSAGE"].split(",")[0], entry["PRIORITY"], entry["_SYSTEMD_UNIT"]) == ("gn started", "6", "wagman.service")
    assert json.loads(entry["WAGMAN_EVENT"])["id"] == int(entry["WAGMAN_ID"])


def test_a_right_file_is_taken_over_and_a_wrong_one_refused(machine: Machine) -> None:
    pid = machine.property("MainPID")
    config = machine.root / "etc/wagman/wagman.toml"
    right = config.read_text().replace('stop_silence = "30s"', 'stop_silence = "40s"')
    config.write_text(right.replace("port = 2", "port = 3"))
    machine.run("systemctl reload wagman")
    reloaded = machine.events("service.reloaded")[-1]["fields"]
    assert reloaded["changed"] == [f"device.{name}.stop_silence" for name in ("nc", "gn", "cs")]
    assert reloaded["needs_restart"] == ["device.cs.port"]
    config.write_text(right.replace('"40s"', '"40 parsecs"'))
    assert machine.run("systemctl reload wagman", check=False).returncode != 0
    assert "40 parsecs" in str(machine.events("service.config_refused")[-1]["fields"]["problems"])
    assert "the configuration was refused" in machine.property("StatusText")
    assert "40 parsecs" in machine.journal("--priority=warning")
    config.write_text(right)
    machine.run("systemctl reload wagman")
    eventually(lambda: "refused" not in machine.property("StatusText"))
    assert machine.property("MainPID") == pid
    assert machine.cuts() == []


def test_a_start_with_a_wrong_file_goes_by_the_last_good_copy(machine: Machine) -> None:
    machine.write("/etc/wagman/wagman.toml", "[device.gn]\nport = 7\n")
    machine.run("systemctl restart wagman")
    eventually(machine.guests_up)
    refused = machine.events("service.config_refused")[-1]["fields"]
    assert refused["instead"] == "the last good copy of it"
    assert "wagman.toml:2: device.gn.port: " in str(refused["problems"])
    eventually(lambda: "the configuration was refused" in machine.property("StatusText"))


def test_without_any_right_file_it_waits_longer_and_longer_and_comes_back_at_once_when_told(machine: Machine) -> None:
    machine.run(f"cp /etc/wagman/wagman.toml {ASIDE}; systemctl stop wagman; rm /var/lib/wagman/last-good.toml")
    machine.write("/etc/wagman/wagman.toml", "[device.gn]\nport = 7\n")
    machine.run("systemctl start wagman", check=False)
    eventually(lambda: "waiting 10 s before the next try" in machine.property("StatusText"))
    assert "wagman.toml:2: device.gn.port: " in machine.journal("--priority=err")
    machine.run(f"cp {ASIDE}/wagman.toml /etc/wagman; systemctl restart wagman")
    eventually(machine.guests_up, within_s=8)


def test_a_stop_touches_no_guest_and_says_when_the_board_will_restart_the_controller(machine: Machine) -> None:
    eventually(machine.board_seen)
    machine.write("/usr/local/bin/wall", f'#!/bin/sh\necho "$@" >{ASIDE}/walled\n')
    machine.run(f"chmod a+x /usr/local/bin/wall; systemctl restart wagman; test ! -e {ASIDE}/walled")
    eventually(machine.board_seen)
    machine.run("systemctl stop wagman; sleep 1")
    assert "POWER-CYCLES THIS COMPUTER within the hour" in machine.says(f"cat {ASIDE}/walled")
    assert re.search("controller.unfed|power-cycle", machine.says("systemctl status wagman || true"))
    machine.run("rm /usr/local/bin/wall; systemctl start wagman")
    eventually(machine.guests_up)
    *_, stopping, unfed = (event for event in machine.events() if event["type"] in ("service.stopping", "controller.unfed"))
    assert stopping["fields"] == {"because": "it was stopped"}
    assert unfed["device"] == "nc"
    assert 3000 < unfed["fields"]["in_s"] <= 3660
    assert machine.cuts() == []


def test_a_restart_has_a_successor(machine: Machine) -> None:
    before = len(machine.events("controller.unfed"))
    machine.run("systemctl restart wagman")
    eventually(machine.guests_up)
    assert machine.events("service.stopping")[-1]["fields"] == {"because": "it is being restarted"}
    assert len(machine.events("controller.unfed")) == before


def test_an_upgrade_by_the_book_is_one_also_to_the_same_version_and_noticed_by_no_guest(machine: Machine) -> None:
    broken = machine.says("echo /opt/wagman/lib/python3*/site-packages/wagman/io/__init__.py")
    machine.run(f"echo broken >{broken}")
    told = machine.says(docs_commands("Upgrade")).splitlines()[-1]
    assert machine.says(f"cat {broken}") != "broken"
    assert f"wagman-{told.removeprefix('wagman ')}-py3-none-any.whl" in machine.says("ls wheelhouse")
    eventually(machine.guests_up)
    assert machine.run("wagman install-service").stdout == "nothing to do\n"
    assert machine.cuts() == []


def test_no_device_but_the_board_can_be_opened(machine: Machine) -> None:
    machine.run("mknod --mode=666 /dev/ttyS9 c 4 73")
    config = machine.root / "etc/wagman/wagman.toml"
    config.write_text(config.read_text().replace("/run/board/tty", "/dev/ttyS9"))
    machine.drop_in("test", "ExecStart=\nExecStart=/usr/local/bin/wagman run")
    machine.run("systemctl restart wagman")
    assert "Operation not permitted" in last_reason(machine, "/dev/ttyS9")
    machine.drop_in("test", "ExecStart=\nExecStart=/usr/local/bin/wagman run\nDeviceAllow=char-ttyS rw")
    machine.run("systemctl restart wagman")
    assert "Operation not permitted" not in last_reason(machine, "/dev/ttyS9")


def last_reason(machine: Machine, device: str) -> str:
    down = machine.events("link.down")[-1]["fields"]
    assert down["device"] == device
    return str(down["reason"])


@pytest.mark.parametrize(("groups", "code"), [("", 4), ("--groups=wagman", 0)])
def test_only_members_of_the_group_may_ask(machine: Machine, groups: str, code: int) -> None:
    machine.run(f"useradd {groups} somebody")
    asked = machine.run("runuser -u somebody -- wagman status", check=False, cwd="/")
    machine.run("userdel somebody")
    assert asked.returncode == code, asked.stderr


def test_guests_are_told_to_halt_by_ssh(machine: Machine) -> None:
    if machine.run("test -x /usr/sbin/sshd && test -x /usr/bin/ssh", check=False).returncode != 0:
        pytest.skip("takes openssh-server and openssh-client")
    machine.run("""
        rm -f /run/nologin; mkdir -p /run/sshd /var/lib/wagman/.ssh /home/guest/.ssh; ssh-keygen -A >/dev/null
        useradd --home-dir /home/guest --groups wagman --shell /bin/sh guest; usermod --password '*' guest
        ssh-keygen -q -t ed25519 -N '' -f /var/lib/wagman/.ssh/id_ed25519 </dev/null
        cp /var/lib/wagman/.ssh/id_ed25519.pub /home/guest/.ssh/authorized_keys
        chown -R guest /home/guest; chown -R wagman: /var/lib/wagman/.ssh; /usr/sbin/sshd
        ssh-keyscan localhost 2>/dev/null > /var/lib/wagman/.ssh/known_hosts; chown wagman: /var/lib/wagman/.ssh/known_hosts
    """)
    halt = "/usr/local/bin/wagman fake-board --send /run/board/control halt gn"
    config = machine.root / "etc/wagman/wagman.toml"
    old = json.dumps(halt.replace("/usr/local/bin/", "").split())
    config.write_text(config.read_text().replace(old, json.dumps(["ssh", "-o", "BatchMode=yes", "guest@localhost", halt])))
    machine.run("chmod a+x /run/board; chmod a+rw /run/board/control; systemctl reload wagman; wagman restart gn")
    messages = [event["fields"] for event in machine.events("device.message")]
    assert any(message["ok"] for message in messages), messages  # it may be told once more when it has halted already
    assert not machine.events("device.stop_failed")


WHO = """
node = "mast"
[to.log]
command = ["true"]
least = "info"
gather = "1s"
"""


def test_programs_on_the_socket_may_look_and_removal_leaves_nothing_but_what_is_the_operators(own_machine: Machine) -> None:
    machine = own_machine
    look_on(machine)
    machine.run("systemctl stop board; rm -r /etc/systemd/system/wagman.service.d")
    commands = docs_commands("Remove")
    unasked = machine.run(commands, check=False)
    assert unasked.returncode == 2
    assert "the board power-cycles it within the hour" in unasked.stderr
    assert machine.property("ActiveState") == "active"
    machine.run(commands.replace("--remove", "--remove --yes"))
    assert machine.says("find /var/lib/wagman ! -user root") == ""
    assert machine.says("stat --format=%a /var/lib/wagman") == "700"
    left = [str(path) for path in machine.written("/etc", "/usr/local", "/opt") if "wagman" in path.name]
    assert sorted(left) == ["/etc/systemd/system/wagman-test.target", "/etc/wagman", "/etc/wagman/wagman.toml"]
    assert machine.says("ls /etc/wagman") == "notify.toml\nwagman.toml"
    assert machine.says("find /run -name '*wagman*' -not -path '*/wagman-test.target*'") == ""
    assert machine.run("getent passwd wagman", check=False).returncode != 0
    assert machine.run("getent group wagman wagman-operate wagman-read", check=False).stdout == ""
    assert machine.property("LoadState") == "not-found"


def look_on(machine: Machine) -> None:
    """Each as a user of its own, which is nobody's but for a group that may look; what it is told by is root's alone."""
    config = machine.root / "etc/wagman/wagman.toml"
    config.write_text(f'[service]\nread_group = "wagman-read"\n{config.read_text()}')
    machine.run("wagman install-service --metrics --notify")
    (machine.root / "etc/wagman/notify.toml").write_text(WHO)
    assert machine.says("stat --format='%U %a' /etc/wagman/notify.toml") == "root 600"
    machine.run("systemctl restart wagman wagman-metrics wagman-notify")
    eventually(lambda: "wagman_up 1" in machine.says("cat /run/wagman-metrics/wagman.prom || true").splitlines())
    eventually(lambda: machine.run("test -e /var/lib/private/wagman-notify/log.json", check=False).returncode == 0)
    machine.run("wagman disable cs")  # what was before its first start is not told
    eventually(lambda: "was delivered: mast: " in machine.says("journalctl --no-pager --unit=wagman-notify --output=cat"))
    for unit in ("wagman-metrics", "wagman-notify"):
        assert machine.says(f"ps -o user:20= -p $(systemctl show --value --property=MainPID {unit})") == unit
        assert machine.property("NRestarts", unit) == "0"


def test_a_restart_of_the_controller_is_told_to_the_board_and_then_shuts_down(own_machine: Machine) -> None:
    own_machine.run("wagman restart nc --no-wait", check=False)
    own_machine.spawned.wait(timeout=60)
    with closing(sqlite3.connect(own_machine.root / "var/lib/wagman/wagman.db")) as log:
        rows = log.execute("SELECT type, fields FROM event ORDER BY id DESC LIMIT 20").fetchall()
    last = {type_: json.loads(fields) for type_, fields in reversed(rows)}
    assert last["controller.going_down"]["shut_down"]
    assert last["service.stopping"] == {"because": "the controller is shutting down"}
    assert "device.stopping" not in last
