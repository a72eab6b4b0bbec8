"""The cost of stopped programs beside the service: nothing that it may need.

Two services in one run, each with an instant board and guests that beat. One of them also has `notify`, `metrics` (on a port and
into a file), `events --follow`, a subscriber like the page on the node, and the bridge to a broker where mosquitto is installed.
Once these have their first answers, all of them are stopped (SIGSTOP) and never read again.
"""

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.figures import Figure, Section
from benchmarks.node import Node, running_node
from benchmarks.processes import MeasurementError, program, pss_mb, run_s, running
from benchmarks.scale import Scale
from benchmarks.subscribers import ASLEEP, subscriber
from benchmarks.timing import in_turns
from wagman.client.blocking import Client

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")

BROKER_PORT = 18_841
"""The broker's TCP port (chosen: not assigned to any program)."""

NOTIFY = """
socket = "{folder}/socket"
state_dir = "{folder}/told"

[to.nobody]
command = ["true"]
least = "info"
"""

FLEET = """
[node]
name = "bench"

[service]
socket = "{folder}/socket"
state_dir = "{folder}/state"

[broker]
host = "127.0.0.1"
port = {port}
tls = false
"""

AWAKE_S = 5.0
"""The time, in seconds, for the first requests of the attached programs (chosen: all of them are up after two)."""


def measure(scale: Scale) -> list[Section]:
    """Measure both services in the same figures."""
    with ExitStack() as stack:
        nodes = {name: stack.enter_context(running_node(scale.beats_per_s)) for name in ("alone", "with them")}
        attached = stack.enter_context(stopped(nodes["with them"][0]))
        clients = {name: stack.enter_context(node.client()) for name, (node, _) in nodes.items()}
        for client in clients.values():
            for _ in range(scale.log_events):
                client.call("enable", device="gn")
        time.sleep(scale.settle_s)
        busy = at_rest({name: pid for name, (_, pid) in nodes.items()}, scale.idle_s)
        requests = in_turns({name: board_request(client) for name, client in clients.items()}, scale.requests, scale.rounds)
        figures: list[Figure] = []
        for name, (_, pid) in nodes.items():
            figures.append(Figure(f"{name}: processor at rest", busy[name], "% of a core"))
            figures.append(Figure(f"{name}: its share of memory (PSS)", pss_mb(pid), "MB"))
            figures += requests[name].figures(f"{name}: a request to the board")
    note = (
        f"Two services in one run; at one of them {', '.join(attached)}: all of them stopped (SIGSTOP) and never read again, "
        f"while {scale.log_events} events were told at each. The processor was watched for {scale.idle_s:g} s."
    )
    return [Section("With everything attached, and stopped", figures, note)]


def at_rest(pids: Mapping[str, int], for_s: float) -> dict[str, float]:
    """Return, by name, the share of one core that each process uses in the next `for_s` seconds, in percent."""
    began, before = time.perf_counter(), {name: run_s(pid) for name, pid in pids.items()}
    time.sleep(for_s)
    watched_s = time.perf_counter() - began
    return {name: 100 * (run_s(pid) - before[name]) / watched_s for name, pid in pids.items()}


def board_request(client: Client) -> Callable[[], object]:
    """Return a call of `hb` on an open connection."""
    return partial(client.call, "board", command="hb")


@contextmanager
def stopped(node: Node) -> Iterator[Sequence[str]]:
    """Attach every program to this service, wait for their first answers, and stop them; yield their names.

    Raises:
        MeasurementError: a program ended by itself.
    """
    folder = node.folder
    (folder / "notify.toml").write_text(NOTIFY.format(folder=folder), encoding="utf-8")
    (folder / "fleet.toml").write_text(FLEET.format(folder=folder, port=BROKER_PORT), encoding="utf-8")
    beside = {
        "notify": ("notify", "--config", str(folder / "notify.toml")),
        "metrics on a port": ("metrics", "--listen", "0", "--socket", node.socket),
        "metrics into a file": ("metrics", "--textfile", str(folder / "wagman.prom"), "--every", "1s", "--socket", node.socket),
        "events --follow": ("events", "--follow", "--socket", node.socket),
    }
    with ExitStack() as stack:
        if MOSQUITTO is not None:
            stack.enter_context(program([MOSQUITTO, "-p", str(BROKER_PORT)]))
            beside["fleet bridge"] = ("fleet", "bridge", "--config", str(folder / "fleet.toml"))
        processes = {name: stack.enter_context(running(*words)) for name, words in beside.items()}
        stack.enter_context(subscriber(node, ASLEEP))
        time.sleep(AWAKE_S)
        for name, process in processes.items():
            if process.poll() is not None:
                raise MeasurementError(f"{name} has ended by itself")
            process.send_signal(signal.SIGSTOP)
        try:
            yield [*processes, "a page"]
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGCONT)
