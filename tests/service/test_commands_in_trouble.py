"""What the commands say while the service is down, hangs, or is restarted under them, and while the board is unplugged."""

import signal

import pytest

from tests.cli.kit import Running
from tests.service.commands import Site, documents, one_line
from tests.service.kit import eventually

COMMANDS = (
    "status",
    "why gn",
    "events",
    "events -f",
    "board hb",
    "ping gn",
    "start gn",
    "stop gn",
    "restart gn",
    "kill gn --yes",
    "enable gn",
    "disable gn",
)
ENDS = (signal.SIGTERM, signal.SIGKILL)


# --- The service is down, or hangs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
def test_without_a_service_every_command_ends_with_3_and_says_what_to_do(end: signal.Signals, site: Site) -> None:
    site.stop_service(end)
    for command in COMMANDS:
        done = site.wagman(*command.split())
        assert (command, done.returncode, done.stdout) == (command, 3, "")
        assert one_line(done.stderr)
        assert "see systemctl status wagman" in done.stderr


def test_a_service_that_hangs_is_told_apart_from_one_that_is_down(site: Site) -> None:
    site.service.send_signal(signal.SIGSTOP)
    for command, running in [(command, site.begin(*command.split())) for command in COMMANDS]:
        code, out, err = running.end()
        assert (command, code, out) == (command, 3, "")
        assert one_line(err)
        assert "hangs or is stopped; see systemctl status wagman" in err


def test_a_wait_for_a_service_that_hangs_ends_in_time(site: Site) -> None:
    site.node.board("guest cs ignore=1")
    running = site.waiting("stop", "cs", "--timeout", "2")
    site.service.send_signal(signal.SIGSTOP)
    code, ended, shown = running.outcome()
    assert (code, ended) == (5, "timed_out")
    assert "see wagman status cs" in shown


def test_a_service_that_hung_for_a_while_is_waited_for(site: Site) -> None:
    running = site.waiting("restart", "cs")
    site.service.send_signal(signal.SIGSTOP)
    site.node.board_time(60)
    site.service.send_signal(signal.SIGCONT)
    assert running.outcome()[:2] == (0, "done")


# --- The service is restarted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("command", ["start cs", "stop cs", "restart cs", "kill cs --yes", "disable cs"])
def test_a_wait_outlasts_a_restart_of_the_service(command: str, end: signal.Signals, site: Site) -> None:
    if command == "start cs":
        assert site.wagman("stop", "cs").returncode == 0
    site.node.board("guest cs boot=40")
    running = site.waiting(*command.split())
    site.stop_service(end)
    site.start_service()
    code, ended, shown = running.outcome()
    assert (code, ended) == (0, "done"), shown


@pytest.mark.parametrize("end", ENDS)
def test_following_goes_on_over_a_restart_without_a_gap_or_a_repeat(end: signal.Signals, site: Site) -> None:
    running = site.begin("events", "-f", "-n", "1", "--json")
    seen = documents(running.line())
    for _ in range(2):
        site.node.call("stop", device="cs")
        site.stop_service(end)
        site.start_service()
        seen += read_up_to(running, "service.started")
    ids = [each["id"] for each in seen]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    code, _, err = running.interrupt()
    assert code == 130
    assert "going on once it is back" in err


def read_up_to(running: Running, kind: str) -> list[dict[str, object]]:
    seen: list[dict[str, object]] = []
    while not seen or seen[-1]["type"] != kind:
        line = running.line()
        assert line, "it tells no more"
        seen += documents(line)
    return seen


# --- The board is unplugged -------------------------------------------------------------------------------------------


@pytest.fixture
def unplugged(site: Site) -> Site:
    site.node.board("unplug")
    eventually(lambda: site.node.call("status")["board"]["link"] == "down")
    return site


def test_what_only_asks_works_without_the_board_and_shows_that_it_is_gone(unplugged: Site) -> None:
    assert "link down" in unplugged.wagman("status").stdout
    assert "link.down" in unplugged.wagman("events").stdout
    assert unplugged.wagman("ping", "gn").stdout == "gn: heard\n"
    eventually(lambda: "put off" in " ".join(unplugged.wagman("why", "gn").stdout.split()))


def test_a_raw_command_without_the_board_says_what_to_look_at(unplugged: Site) -> None:
    done = unplugged.wagman("board", "hb")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "look at the cable" in done.stderr
    assert "Errno" not in done.stderr


@pytest.mark.parametrize("command", ["stop cs", "restart cs --force", "kill x1 --yes", "disable cs", "kill cs --yes"])
def test_without_the_board_no_goal_is_told_as_reached(command: str, unplugged: Site) -> None:
    done = unplugged.wagman(*command.split(), "--timeout", "1")
    assert done.returncode == 5
    *before, end = done.stderr.splitlines()
    assert "timed out, the board cannot be seen" in end
    assert not before or "waiting, for the board cannot be seen" in before[0]
    assert unplugged.node.relays_on() == [0, 1, 2, 3]


def test_a_guest_that_nobody_could_switch_on_again_is_not_restarted(unplugged: Site) -> None:
    done = unplugged.wagman("restart", "cs")
    assert done.returncode == 4
    assert "--force" in done.stderr
    assert "device.restarting" not in unplugged.wagman("events").stdout
    assert unplugged.wagman("restart", "cs", "--force", "--no-wait").returncode == 0
    eventually(lambda: "device.restarting" in unplugged.wagman("events").stdout)


@pytest.mark.parametrize("command", ["start cs", "stop cs", "restart cs --force", "kill cs --yes", "disable cs"])
def test_a_wait_goes_on_once_the_board_is_back(command: str, site: Site) -> None:
    if command == "start cs":
        assert site.wagman("stop", "cs").returncode == 0
    site.node.board("unplug")
    running = site.waiting(*command.split())
    eventually(site.node.blind)
    site.node.board("replug")
    code, ended, shown = running.outcome()
    assert (code, ended) == (0, "done"), shown


def test_why_a_guest_is_not_started_without_the_board_is_told(site: Site) -> None:
    assert site.wagman("stop", "cs").returncode == 0
    site.node.board("guest cs boot=100000")
    assert site.wagman("start", "cs").returncode == 1
    assert "not started: next try in" in site.wagman("why", "cs").stdout
    site.node.board("unplug")
    eventually(site.node.blind)
    assert "nobody has seen the board for" in site.wagman("why", "cs").stdout
