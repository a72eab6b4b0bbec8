"""What fleet.toml may say, and how it is told what is wrong with it."""

from pathlib import Path

import pytest

from wagman.bridges.fleet.broker import LinkError
from wagman.bridges.fleet.config import load
from wagman.bridges.fleet.signing import Signers
from wagman.model.errors import ConfigError

BROKER = '[broker]\nhost = "b"\n'
NODE = '[node]\nname = "v042"\n'


def write(folder: Path, text: str) -> str:
    (folder / "fleet.toml").write_text(text)
    return str(folder / "fleet.toml")


def test_a_name_and_a_broker_are_enough(tmp_path: Path) -> None:
    config = load(write(tmp_path, NODE + BROKER), "node")
    assert config.endpoint.address == "b:8883"
    assert config.topics == "wagman/1"
    assert config.terms is None, "no orders, unless the file says so"
    assert config.signers is None
    assert config.home is None, "Home Assistant is shown nothing, unless the file says so"


@pytest.mark.parametrize(
    ("orders", "who", "within_s"),
    [
        ("", None, 0),
        ('[orders]\nfrom = ["alice"]\n', None, 30),
        ('[orders]\nfrom = ["alice", "home-assistant"]\n', "home-assistant", 30),
        ('[orders]\nfrom = ["home-assistant"]\nmax_late = "10s"\n', "home-assistant", 10),
        ('[orders]\nfrom = ["home-assistant"]\nverbs = ["start"]\n', None, 30),
        ('[orders]\nfrom = ["home-assistant"]\nallowed_signers = "/a"\n', None, 30),
    ],
)
def test_home_assistant_switches_only_where_orders_of_it_are_taken(
    tmp_path: Path, orders: str, who: str | None, within_s: float
) -> None:
    home = load(write(tmp_path, NODE + BROKER + orders + "[home_assistant]\n"), "node").home
    assert home is not None
    assert (home.who, home.within_s) == (who, within_s)


def test_without_tls_it_is_the_other_port(tmp_path: Path) -> None:
    assert load(write(tmp_path, NODE + BROKER + "tls = false\n"), "node").endpoint.address == "b:1883"


def test_every_key_is_read(tmp_path: Path) -> None:
    text = (
        NODE
        + BROKER
        + 'port = 1\nca = "ca"\ncertificate = "c"\nkey = "k"\nuser = "u"\npassword_file = "/p"\nprotocol = "3.1.1"\n'
        'prefix = "a/b"\nkeepalive = "5min"\nwill_delay = "1min"\nreconnect_max = "1min"\n'
        '[service]\nsocket = "/s"\nstate_dir = "/d"\n'
        '[events]\nencoding = "json"\nbatch = 5\nlinger = "1s"\nwindow = 3\ncatch_up_rate = "1.5kB/s"\n'
        '[status]\nevery = "2h"\nleast = "5s"\n'
        '[orders]\nfrom = ["alice"]\nverbs = ["stop"]\nmax_late = "5min"\nrate = "2/h"\nallowed_signers = "/a"\n'
        '[home_assistant]\nname = "ha"\nprefix = "home/assistant"\nevery = "1min"\n'
    )
    config = load(write(tmp_path, text), "node")
    assert config.topics == "a/b/1"
    assert config.events.catch_up_rate == 1_500
    assert config.terms is not None
    assert (config.terms.whom, config.terms.verbs) == (("alice",), ("stop",))
    assert (config.terms.max_late_s, config.terms.most, config.terms.per_s) == (300, 2, 3600)
    assert config.home is not None
    assert (config.home.prefix, config.home.topics, config.home.stale_s) == ("home/assistant", "a/b/1/v042", 150)
    assert (config.terms.node, config.terms.are_signed, config.signers) == ("v042", True, Signers("/a"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (NODE, "fleet.toml:1: broker.host: missing"),
        *(
            (NODE + f'[broker]\nhost = "{host}"\n', "broker.host: must be a name or an address alone")
            for host in (
                "hub:8883",
                "mqtts://hub",
                "[::1]",
                "[::1]:8883",
                "10.0.0.9:1883",
                "alice@hub",
                "hub/1",
                "",
                "hub..lan",
                "bröker_1.example",
            )
        ),
        (BROKER, "fleet.toml:1: node.name: missing"),
        ('[node]\nname = "v/+"\n' + BROKER, "fleet.toml:2: node.name: must be 1 to 32 of a-z, 0-9 and -"),
        ('[node]\nname = "#"\n' + BROKER, "fleet.toml:2: node.name: must be"),
        (NODE + BROKER + 'prefix = "a/#"\n', "fleet.toml:5: broker.prefix: must be one or more levels"),
        (NODE + BROKER + 'certificate = "c"\n', "fleet.toml:5: broker.certificate: needs key beside it"),
        (NODE + BROKER + 'tls = false\nca = "c"\n', "fleet.toml:6: broker.ca: is of no use with tls = false"),
        (NODE + BROKER + 'password_file = "/p"\n', "fleet.toml:5: broker.password_file: needs user beside it"),
        *(
            (NODE + BROKER + f'keepalive = "{each}"\n', "fleet.toml:5: broker.keepalive: must be from 5 s to 18 h")
            for each in ("1d", "4.9s", "900ms")
        ),
        (
            NODE + BROKER + "[events]\ncatch_up_rate = 5\n",
            "fleet.toml:6: events.catch_up_rate: must be a number of bytes a second",
        ),
        (NODE + BROKER + '[events]\ncatch_up_rate = "0kB/s"\n', "events.catch_up_rate: must be"),
        (NODE + BROKER + '[orders]\nfrom = ["+"]\n', "fleet.toml:6: orders.from: must be a list of names"),
        (NODE + BROKER + "[orders]\n", "orders.from: missing"),
        (NODE + BROKER + '[orders]\nfrom = ["a"]\nverbs = ["board"]\n', "fleet.toml:7: orders.verbs: must be a list of start"),
        (
            NODE + BROKER + '[orders]\nfrom = ["a"]\nverbs = ["maintenance"]\n',
            "fleet.toml:7: orders.verbs: must be a list of start",
        ),
        (NODE + BROKER + '[orders]\nfrom = ["a"]\nmax_late = "6min"\n', "fleet.toml:7: orders.max_late: must be 5 min at most"),
        (NODE + BROKER + '[orders]\nfrom = ["a"]\nrate = "0/min"\n', "orders.rate: must be a number of orders in a time"),
        (NODE + BROKER + '[home_assistant]\nname = "home_assistant"\n', "fleet.toml:6: home_assistant.name: must be 1 to 32 of"),
        (
            NODE + BROKER + '[home_assistant]\nprefix = "home/+"\n',
            "fleet.toml:6: home_assistant.prefix: must be one or more levels",
        ),
        (NODE + BROKER + '[home_assistant]\nevery = "8d"\n', "fleet.toml:6: home_assistant.every: must be 7 days at most"),
        (NODE + BROKER + "[home_assistant]\nswitch = true\n", "fleet.toml:6: home_assistant.switch: unknown key"),
        (NODE + BROKER + "[event]\n", "event: unknown key"),
        (NODE + BROKER + "name = 3\n", "fleet.toml:5: broker.name: unknown key: it belongs in [node] or [operator]"),
        ("node = 3\n" + BROKER, "node: must be a table"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text), "node")
    assert complaint in str(caught.value)


def test_whoever_looks_at_many_nodes_needs_a_name_of_his_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"operator\.name"):
        load(write(tmp_path, BROKER), "operator")
    found = load(write(tmp_path, BROKER + '[operator]\nname = "noc"\n'), "operator")
    assert found.operator is not None


def test_a_credential_of_the_unit_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, BROKER)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    write(credentials, NODE + BROKER)
    assert load(path, "node").node is not None


@pytest.mark.parametrize("keys", ["ca = 'given'", "certificate = 'given'\nkey = 'given'", "user = 'x'\npassword_file = 'given'"])
def test_a_credential_that_is_not_handed_over_is_named(keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    broker = load(write(tmp_path, f"{NODE}{BROKER}{keys}\n"), "node").endpoint
    with pytest.raises(LinkError, match=r"there is no credential given: \$CREDENTIALS_DIRECTORY is not set"):
        _ = broker.context(), broker.password()


@pytest.mark.parametrize("host", ["hub", "broker.example.org", "10.0.0.9", "::1", "fe80::1%eth0", "büro"])
def test_a_broker_has_a_name_or_an_address(host: str, tmp_path: Path) -> None:
    config = load(write(tmp_path, f'{NODE}[broker]\nhost = "{host}"\n'), "node")
    assert config.endpoint.host == host
