"""The node that the tests of the simulation run, and what they say of a run."""

from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.simulation.play import Outcome, Scenario, Watch, play
from wagman.simulation.script import parse
from wagman.simulation.sites import site

CONFIG = """
[device.nc]
port = 0
self = true
primary = "emmc"

[device.gn]
port = 1
shutdown = ["halt"]

[device.cs]
port = 2
shutdown = ["halt"]

[device.x1]
port = 3
shutdown = ["halt"]

[device.x2]
port = 4
shutdown = ["halt"]
"""


def node(dialect: str = "v3") -> Config:
    """A controller and four guests, all with a heartbeat, and every default."""
    return loads(f'[board]\ndialect = "{dialect}"\n{CONFIG}', "node.toml")


def run(script: str, *watchers: Watch, seed: int = 1, dialect: str = "v3", named: str | None = None) -> Outcome:
    """Play a script on that node, or on the site that is named."""
    config = node(dialect) if named is None else site(named)
    return play(Scenario(seed, config, parse(script)), *watchers)
