"""Bridge and collector at a real mosquitto, with certificates and the access list that are shipped; a small service beside."""

import fcntl
import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field

from tests.bridges.fleet.assistant import rendered
from tests.bridges.fleet.site import SOON_S, Site, eventually, running
from tests.cli.kit import Daemon
from tests.io.brokers import mosquitto, needs_mosquitto
from wagman.bridges.fleet import table
from wagman.bridges.fleet.broker import LinkError, TakenOverError
from wagman.bridges.fleet.config import (
    EventsTable,
    FleetConfig,
    HomeAssistantTable,
    Node,
    OrdersTable,
)
from wagman.bridges.fleet.ledger import Ledger
from wagman.bridges.fleet.link import Link, Message, connected
from wagman.cli import main
from wagman.client.errors import NOT_PERMITTED, AnswerError, ClientError, DeniedError
from wagman.client.following import Place

pytestmark = needs_mosquitto
SHIPPED = Path(__file__).parents[3] / "contrib/mosquitto"


@pytest.fixture
def site(tmp_path: Path, daemon: Daemon) -> Iterator[Site]:
    with mosquitto(tmp_path) as broker:
        yield Site(tmp_path, broker, daemon)


def test_each_event_is_there_once_though_the_broker_forgets_and_the_bridge_and_the_service_are_restarted(site: Site) -> None:
    async def story() -> None:
        async with running(site.collector()):
            async with running(site.bridge()):
                site.record(5)
                await eventually(lambda: site.ids() == list(range(1, site.last_id + 1)))
                site.kill_broker()
                site.record(5)
                site.broker.start()
                await eventually(lambda: len(site.ids()) == site.last_id)
            site.daemon.kill()
            site.daemon.start()
            site.record(5)
            async with running(site.bridge()):
                await eventually(lambda: len(site.ids()) == site.last_id)
        assert site.ids() == list(range(1, site.last_id + 1))
        assert site.place.id == site.last_id

    trio.run(story)


def test_what_a_broker_acknowledged_and_lost_is_asked_for_by_its_id(site: Site) -> None:
    async def story() -> None:
        async with running(site.bridge()):
            site.record(5)
            await eventually(lambda: site.place.id == site.last_id)
        # Nobody was there to take it, and the bridge sends none of it by itself any more.
        async with running(site.collector(), site.bridge()):
            await eventually(lambda: site.ids() == list(range(1, site.last_id + 1)))

    trio.run(story)


def test_what_is_new_does_not_wait_for_what_is_old(site: Site) -> None:
    site.record(60)
    old = site.last_id

    async def story() -> None:
        config = evolve(site.config(), events=EventsTable(linger_s=0.1, batch=10, catch_up_rate=2_000.0))
        async with running(site.collector(config), site.bridge(config)):
            await eventually(lambda: len(site.ids()) >= 10)
            site.record(1)
            await eventually(lambda: old + 1 in site.ids())
            assert len(site.ids()) < old, "the backlog was to be under way still"
            await eventually(lambda: sorted(site.ids()) == list(range(1, old + 2)))
            assert len(site.ids()) == old + 1, "what was on its way by itself was asked for as well, and came twice"

    trio.run(story)


def test_a_log_that_was_replaced_is_told_and_both_are_kept_apart(site: Site) -> None:
    site.record(1)
    with closing(Ledger(site.home / "ledger", 0.0)) as ledger:
        ledger.place = Place("the one before", 17)

    async def story() -> None:
        async with running(site.collector(), site.bridge()):
            await eventually(lambda: site.ids() == list(range(1, site.last_id + 1)))

    trio.run(story)
    with closing(sqlite3.connect(site.home / "db")) as database:
        assert database.execute("SELECT log, after FROM logs").fetchall() == [("the one before", 17)]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_node_that_is_gone_is_offline_and_one_that_ends_says_so(site: Site, protocol: str) -> None:
    config = site.config(protocol=protocol)

    async def until(*, is_online: bool) -> None:
        with trio.fail_after(SOON_S):
            while True:
                online, _ = (await table.gather(config, "looks")).get("v042", (None, None))
                if online is not None and online["online"] is is_online:
                    return

    async def story() -> None:
        async with running(site.bridge(config)):
            await until(is_online=True)
        await until(is_online=False)
        with trio.CancelScope() as life:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(site.bridge(config).run)
                await until(is_online=True)
                life.cancel()  # it has no time to take leave
        await until(is_online=False)

    trio.run(story)


CONNACK, TAKEN_OVER = bytes.fromhex("20 03 00 00 00"), bytes.fromhex("e0 02 8e 00")


def test_of_two_with_one_name_the_older_one_gives_way(site: Site) -> None:
    """Mosquitto 2.0.11 only hangs up; others say why, as specified."""

    async def broker(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(CONNACK + TAKEN_OVER)

    async def story() -> None:
        async with trio.open_nursery() as nursery:
            listeners: list[trio.SocketListener] = await nursery.start(trio.serve_tcp, broker, 0)
            async with connected(site.config(port=listeners[0].socket.getsockname()[1]).endpoint, "one") as link:
                await link.receive()

    with pytest.RaisesGroup(TakenOverError):
        trio.run(story)


async def speak(config: FleetConfig, topic: str = "a") -> None:
    """Be let in, and have the broker take a message."""
    async with connected(config.endpoint, "speaker") as link:
        link.publish(topic, b"{}")
        await link.receive()


async def refused(config: FleetConfig, topic: str = "a") -> str:
    with pytest.raises(LinkError) as caught:
        await speak(config, topic)
    return str(caught.value)


def test_a_broker_that_is_not_there_or_is_none_is_said_to_be(site: Site) -> None:
    async def story() -> None:
        assert "Connection refused" in await refused(site.config(port=1))
        async with trio.open_nursery() as nursery:
            listeners: list[trio.SocketListener] = await nursery.start(trio.serve_tcp, talk, 0)
            assert "MQTT" in await refused(site.config(port=listeners[0].socket.getsockname()[1]))
            nursery.cancel_scope.cancel()

    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n" * 20)
        await trio.sleep(SOON_S)

    trio.run(story)


# --- Certificates and the access list ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the page has it, and another authority with the same names."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    home = tmp_path_factory.mktemp("certificates")
    for each in ("ours", "theirs"):
        for words in (
            ["authority"],
            ["broker", "localhost", "127.0.0.1"],
            *(["client", name] for name in ("v042", "v043", "collector", "alice", "viewer", "home-assistant")),
        ):
            subprocess.run([SHIPPED / "certificates.sh", home / each, *words], check=True)
    return home


@pytest.fixture
def secured(tmp_path: Path, certificates: Path, daemon: Daemon) -> Iterator[Site]:
    """A broker with the configuration that is shipped."""
    ours, home = certificates / "ours", tmp_path / "mosquitto"
    home.mkdir()
    text = (SHIPPED / "wagman.conf").read_text().replace("/etc/mosquitto/wagman/acl", str(SHIPPED / "acl"))
    text = text.replace("/etc/mosquitto/wagman", str(ours))
    lines = [line for line in text.splitlines() if not re.match(r"#|listener|allow_anonymous|persistence", line)]
    with mosquitto(home, *lines, is_open=False) as broker:
        yield Site(tmp_path, broker, daemon)


def as_(site: Site, directory: Path, name: str) -> FleetConfig:
    files = {"ca": "ca.crt", "certificate": f"{name}.crt", "key": f"{name}.key"}
    return evolve(site.config(tls=True, **{key: str(directory / file) for key, file in files.items()}), node=Node(name))


def test_with_certificates_a_node_tells_of_itself_and_the_collector_asks_for_what_is_missing(
    secured: Site, certificates: Path
) -> None:
    ours = certificates / "ours"

    async def story() -> None:
        async with running(secured.bridge(as_(secured, ours, "v042"))):
            secured.record(3)
            await eventually(lambda: secured.place.id == secured.last_id)
        async with running(secured.collector(as_(secured, ours, "collector")), secured.bridge(as_(secured, ours, "v042"))):
            await eventually(lambda: secured.ids() == list(range(1, secured.last_id + 1)))

    trio.run(story)


def test_nobody_speaks_for_a_node_and_no_stranger_gets_in(secured: Site, certificates: Path) -> None:
    ours, theirs = certificates / "ours", certificates / "theirs"

    async def story() -> None:
        for kind in ("online", "status", "events"):
            assert "Not authorized" in await refused(as_(secured, ours, "v043"), f"wagman/1/v042/{kind}")
        assert "Not authorized" in await refused(as_(secured, ours, "v043"), "wagman/1/v042/resend/collector")
        assert "Not authorized" in await refused(as_(secured, ours, "collector"), "wagman/1/v042/resend/viewer")
        for name, who in (("viewer", "viewer"), ("viewer", "alice"), ("v043", "v043"), ("v042", "alice"), ("alice", "bob")):
            assert "Not authorized" in await refused(as_(secured, ours, name), f"wagman/1/v042/do/{who}"), f"{name} as {who}"
        assert "Not authorized" in await refused(as_(secured, ours, "alice"), "wagman/1/v042/done/alice"), (
            "an answer that is none"
        )
        stranger = as_(secured, theirs, "v042")
        stranger = evolve(stranger, broker=evolve(stranger.broker, ca=str(ours / "ca.crt")))
        assert await refused(stranger, "wagman/1/v042/status"), "a certificate of another authority, with the same name"
        assert "certificate" in await refused(as_(secured, theirs, "v042"), "wagman/1/v042/status"), "the broker is not ours"

    trio.run(story)


def test_a_node_reads_nothing_of_another(secured: Site, certificates: Path) -> None:
    ours = certificates / "ours"

    async def story() -> None:
        got = list[Message]()
        async with (
            connected(as_(secured, ours, "v043").endpoint, "v043") as spy,
            connected(as_(secured, ours, "v042").endpoint, "v042") as node,
        ):
            spy.subscribe(["wagman/1/#"])
            await spy.receive()  # it is granted, which says nothing
            node.publish("wagman/1/v042/status", b"{}", retained=True)
            await node.receive()
            with trio.move_on_after(0.5):
                got.append(await spy.receive())  # type: ignore[arg-type]
        assert not got

    trio.run(story)


# --- Orders -----------------------------------------------------------------------------------------------------------


def test_an_order_of_alices_is_carried_out_and_answered_and_nobody_elses(
    secured: Site, certificates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = certificates / "ours"
    file = secured.home / "fleet.toml"
    file.write_text(
        f'[operator]\nname = "alice"\n[broker]\nhost = "127.0.0.1"\nport = {secured.broker.port}\nca = "{ours}/ca.crt"\n'
        f'certificate = "{ours}/alice.crt"\nkey = "{ours}/alice.key"\n'
    )
    orders = OrdersTable(("alice",), ("stop", "start"))
    config = evolve(as_(secured, ours, "v042"), orders=orders)

    async def do(*words: str) -> tuple[int, list[str]]:
        command = ["fleet", "do", *words, "--config", str(file)]
        code = await trio.to_thread.run_sync(main, command)
        return code, [line for line in capsys.readouterr().out.splitlines() if not line.startswith("alice orders")]

    async def story() -> None:
        async with running(secured.bridge(config)):
            await eventually(lambda: secured.place.id == secured.last_id)
            capsys.readouterr()
            code, lines = await do("stop", "gn", "v042", "v043", "--yes")
            assert (code, [line.split()[:2] for line in lines]) == (
                1,
                [["NODE", "SAYS"], ["v042", "accepted"], ["v043", "offline"]],
            )
            assert lines[2].endswith("nothing was heard of it: its name, or the acl?")
            code, lines = await do("restart", "gn", "v0*")
            assert (code, lines[1].split()[:2]) == (1, ["v042", "refused"])
            code, lines = await do("stop", "gn", "v04[4-9]", "v043", "v045", "--yes", "--abort-after", "1", "--rate", "9/s")
            assert [line.split()[:2] for line in lines[1:]] == [["v043", "offline"], ["v045", "not"]]
        events = secured.daemon.ask("events", type="command.stop")["events"]
        assert events[-1]["fields"]["for"] == "alice"

    trio.run(story)


def test_an_order_of_somebody_without_the_right_is_told_as_refused_by_the_broker(
    secured: Site, certificates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = certificates / "ours"
    file = secured.home / "fleet.toml"
    file.write_text(
        f'[operator]\nname = "viewer"\n[broker]\nhost = "127.0.0.1"\nport = {secured.broker.port}\nca = "{ours}/ca.crt"\n'
        f'certificate = "{ours}/viewer.crt"\nkey = "{ours}/viewer.key"\n'
    )

    async def story() -> None:
        async with running(secured.bridge(as_(secured, ours, "v042"))):
            await eventually(lambda: secured.place.id == secured.last_id)
            command = ["fleet", "do", "stop", "gn", "v042", "--config", str(file)]
            assert await trio.to_thread.run_sync(main, command) != 0

    trio.run(story)
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()][-1] == ["v042", "not", "asked", "the", "broker", "refused", "it"]
    assert "Not authorized" in said.err


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="takes ssh-keygen, of Debian's openssh-client")
def test_where_signatures_are_wanted_an_order_takes_one(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("alice", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", site.home / name], check=True)
    (site.home / "signers").write_text(f"alice {(site.home / 'alice.pub').read_text()}")
    file = site.home / "fleet.toml"
    file.write_text(f'[operator]\nname = "alice"\n[broker]\nhost = "127.0.0.1"\nport = {site.broker.port}\ntls = false\n')
    config = evolve(site.config(), orders=OrdersTable(("alice",), allowed_signers=str(site.home / "signers")))
    command = ["fleet", "do", "stop", "gn", "v042", "--config", str(file)]

    async def story() -> None:
        async with running(site.bridge(config)):
            await eventually(lambda: site.place.id == site.last_id)
            capsys.readouterr()
            for words, says in (
                ([], "refused  it is not signed"),
                (["--sign", str(site.home / "other")], "refused  its signature is none of alice"),
                (["--sign", str(file)], "not asked  ssh-keygen did not sign"),
                (["--sign", str(site.home / "alice")], "accepted"),
            ):
                code = await trio.to_thread.run_sync(main, [*command, *words])
                (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("v042 ")]
                assert row.removeprefix("v042  ").startswith(says), row
                assert code == (0 if says == "accepted" else 1)

    before = site.last_id
    trio.run(story)
    events = site.daemon.ask("events", since=before, type="command.stop")["events"]
    assert [each["fields"]["for"] for each in events] == ["alice"]


@pytest.mark.parametrize("is_retained", [True, False])
def test_an_order_that_the_broker_held_is_late(site: Site, is_retained: bool) -> None:
    config = evolve(site.config(), orders=OrdersTable(("alice",)))
    before = site.last_id

    async def story() -> None:
        said = list[dict[str, Any]]()
        async with connected(config.endpoint, "alice") as alice:
            alice.subscribe(["wagman/1/v042/done/alice"])
            await alice.receive()
            async with running(site.bridge(config)):
                await eventually(lambda: site.place.id == site.last_id)
            until = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
            order = {"v": 1, "id": "0123456789abcdef", "do": "stop", "device": "gn", "until": until}
            alice.publish("wagman/1/v042/do/alice", json.dumps(order).encode(), retained=is_retained)
            await trio.sleep(0.4)
            async with running(site.bridge(config)):
                while not said:
                    news = await alice.receive()
                    said += [json.loads(news.payload)] if isinstance(news, Message) else []
        assert said[0]["outcome"] == "expired", "a session that was kept shows no longer that it was retained"
        assert site.last_id == before

    trio.run(story)


# --- Home Assistant ---------------------------------------------------------------------------------------------------

DEVICES, HOME = "homeassistant/device/v042", "wagman/1/v042/home"


@define(eq=False)
class Assistant:
    """What Home Assistant has by now, as the broker passes it on to its account."""

    link: Link
    kept: dict[str, Any] = field(factory=dict)
    came: list[str] = field(factory=list)

    async def until(self, is_so: Callable[[], object]) -> None:
        with trio.fail_after(SOON_S):
            while not is_so():
                if isinstance(news := await self.link.receive(), Message):
                    self.link.acknowledge(news)
                    self.came.append(news.topic)
                    self.kept[news.topic] = json.loads(news.payload) if news.payload else None

    def entity(self, key: str, guest: str = "gn") -> Any:
        return self.kept[f"{DEVICES}/{guest}/config"]["components"][key]

    def press(self, key: str) -> None:
        """As its switch of gn does it."""
        switch = self.entity("switch")
        order = rendered(switch["command_template"], switch[key])
        self.link.publish(switch["command_topic"], json.dumps(order).encode(), retained=switch["retain"])


@asynccontextmanager
async def assistant(site: Site, certificates: Path) -> AsyncIterator[Assistant]:
    async with connected(as_(site, certificates, "home-assistant").endpoint, "home-assistant") as link:
        link.subscribe(
            ["homeassistant/device/+/config", "homeassistant/device/+/+/config", "wagman/1/+/home", "wagman/1/+/home/+"]
        )
        link.subscribe(["wagman/1/+/online", "wagman/1/+/done/home-assistant"])
        yield Assistant(link)


def test_home_assistant_sees_a_node_and_switches_where_it_may(
    secured: Site, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagman.bridges.fleet.showing.LEAST_S", 0.05)
    ours = certificates / "ours"
    shows = evolve(as_(secured, ours, "v042"), home_assistant=HomeAssistantTable())
    takes = evolve(shows, orders=OrdersTable(("home-assistant",), ("start", "stop")))

    async def story() -> None:
        with closing(Ledger(secured.home / "ledger", 0.0)) as ledger:
            for topic in (f"{DEVICES}/old/config", f"{HOME}/old"):
                ledger.show(topic)
        async with connected(as_(secured, ours, "v042").endpoint, "before") as node:
            for topic in (f"{DEVICES}/old/config", f"{HOME}/old"):
                node.publish(topic, b"{}", retained=True)
                await node.receive()
        async with running(secured.bridge(shows)), assistant(secured, ours) as ha:
            await ha.until(lambda: {f"{DEVICES}/gn/config", f"{HOME}/gn", HOME, "wagman/1/v042/online"} <= ha.kept.keys())
            assert ha.kept.get(f"{DEVICES}/old/config") is None, "its table is gone"
            assert ha.entity("switch") == {"platform": "switch"}, "no orders, no switch"
            assert ha.kept[f"{HOME}/gn"]["state"] == secured.daemon.state("gn")
        # It was down, and knows nothing.
        async with assistant(secured, ours) as ha:
            await ha.until(lambda: f"{DEVICES}/gn/config" in ha.kept)
            assert f"{DEVICES}/old/config" not in ha.kept, "the broker keeps nothing of what is gone"
            async with running(secured.bridge(takes)):
                await ha.until(lambda: ha.entity("switch") != {"platform": "switch"})
                ha.came.clear()
                ha.link.publish("homeassistant/status", b"online")
                await ha.until(lambda: {f"{DEVICES}/config", f"{DEVICES}/gn/config", HOME, f"{HOME}/gn"} <= set(ha.came))
                done = "wagman/1/v042/done/home-assistant"
                for key, wanted in (("payload_off", "down"), ("payload_on", "up")):
                    ha.kept.pop(done, None)
                    ha.press(key)
                    await ha.until(lambda: done in ha.kept)
                    assert ha.kept[done]["outcome"] == "accepted", ha.kept[done]
                    await ha.until(lambda wanted=wanted: ha.kept[f"{HOME}/gn"]["wanted"] == wanted)  # type: ignore[misc]
            await ha.until(lambda: ha.kept["wagman/1/v042/online"]["online"] is False)
        assert secured.daemon.ask("events", type="command.start")["events"][-1]["fields"]["for"] == "home-assistant"
        # The table is gone from fleet.toml, and all of it from there.
        async with assistant(secured, ours) as ha, running(secured.bridge(as_(secured, ours, "v042"))):
            await ha.until(lambda: {topic for topic in ha.came if ha.kept[topic] is None} >= {f"{DEVICES}/config", f"{HOME}/gn"})

    trio.run(story)


def test_nobody_shows_a_node_to_home_assistant_but_itself_and_nobody_switches_in_its_name(
    secured: Site, certificates: Path
) -> None:
    ours = certificates / "ours"

    async def story() -> None:
        for name, topic in (
            ("v043", f"{DEVICES}/config"),
            ("v043", f"{DEVICES}/gn/config"),
            ("v043", f"{HOME}/gn"),
            ("v042", "homeassistant/status"),
            ("v042", "wagman/1/v042/do/home-assistant"),
            ("alice", "wagman/1/v042/do/home-assistant"),
            ("home-assistant", "wagman/1/v042/do/alice"),
            ("home-assistant", f"{DEVICES}/config"),
        ):
            assert "Not authorized" in await refused(as_(secured, ours, name), topic), f"{name} on {topic}"

    trio.run(story)


# --- The commands -----------------------------------------------------------------------------------------------------


def test_a_table_of_all_nodes_from_the_broker_and_from_a_database(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    file = site.home / "fleet.toml"
    file.write_text(f'[operator]\nname = "noc"\n[broker]\nhost = "127.0.0.1"\nport = {site.broker.port}\ntls = false\n')

    def out(*words: str) -> tuple[int, Sequence[str]]:
        return main(["fleet", *words]), capsys.readouterr().out.splitlines()

    async def story() -> None:
        async with running(site.collector()):
            async with running(site.bridge()):
                site.record(1)
                await eventually(lambda: site.ids() == list(range(1, site.last_id + 1)))
            await eventually(lambda: '"online":false' in str(site.row("v042")))

    assert out("status", "--config", str(file)) == (
        0,
        ["no node has told anything, or the acl of the broker lets us read of none"],
    )
    trio.run(story)
    capsys.readouterr()
    for where in (("--config", str(file)), ("--sqlite", str(site.home / "db"))):
        code, lines = out("status", *where)
        assert code == 1
        assert lines[-1] == "1 node: 1 offline"
    code, lines = out("events", "--sqlite", str(site.home / "db"), "-n", "1", "v0*")
    assert code == 0
    assert lines[0].startswith("v042")


def test_the_file_and_the_broker_are_tried_once(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    file = site.home / "fleet.toml"
    text = '[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\ntls = false\nport = '
    file.write_text(f"{text}{site.broker.port}\n")
    assert main(["fleet", "bridge", "--check", "--config", str(file)]) == 0
    assert "lets us in" in capsys.readouterr().out
    file.write_text(f"{text}1\n")
    assert main(["fleet", "bridge", "--check", "--config", str(file)]) == 3
    assert "Connection refused" in capsys.readouterr().err
    file.write_text(f"{text}0\n")
    assert main(["fleet", "bridge", "--check", "--config", str(file)]) == 2
    assert "fleet.toml:6: broker.port: must be" in capsys.readouterr().err


def test_one_bridge_at_a_time_keeps_a_ledger(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    file, state = site.home / "fleet.toml", site.home / "state"
    file.write_text(f'[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\ntls = false\n[service]\nstate_dir = "{state}"\n')
    state.mkdir()
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["fleet", "bridge", "--config", str(file)]) == 1
    assert "another bridge runs already" in capsys.readouterr().err


REFUSAL = {"code": NOT_PERMITTED, "message": "user 61184 is not permitted: become a member of the control or the read group"}


@pytest.mark.parametrize("error", [DeniedError("you may not use it"), AnswerError(REFUSAL)], ids=["the socket", "the service"])
def test_what_is_not_permitted_is_told_with_what_to_do(
    site: Site, error: ClientError, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(*_: object, **__: object) -> None:
        raise error

    async def well() -> None:
        async with running(site.bridge()):
            await eventually(lambda: site.place.id == site.last_id)
            await trio.sleep(0.5)  # for a status

    trio.run(well)
    monkeypatch.setattr("wagman.bridges.fleet.sending.ask", denied)
    monkeypatch.setattr("wagman.bridges.fleet.telling.ask", denied)
    file = site.home / "fleet.toml"
    file.write_text(
        f'[node]\nname = "v042"\n[broker]\nhost = "127.0.0.1"\nport = {site.broker.port}\ntls = false\n'
        f'[service]\nstate_dir = "{site.home}/state"\n'
    )
    assert main(["fleet", "bridge", "--config", str(file)]) == 4
    assert "read_group" in capsys.readouterr().err
    online, status = trio.run(table.gather, site.config(), "viewer")["v042"]
    assert online is not None
    assert status is not None
    assert (online["online"], status["service"]) == (False, "away"), "what it told before is not how things are"
