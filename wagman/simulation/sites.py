"""The simulated nodes, by name; the default if no configuration is given."""

from collections.abc import Iterator, Mapping

from wagman.config.load import loads
from wagman.config.schema import Config
from wagman.model.errors import CallerError

ONE = """
[device.nc]
port = 0
self = true
primary = "emmc"

[device.gn]
port = 1
shutdown = ["simulated"]

[device.cs]
port = 2
shutdown = ["simulated"]

[device.x1]
port = 3
shutdown = ["simulated"]

[device.x2]
port = 4
heartbeat = false
shutdown = []
"""
"""A Wagman with a guest of each kind."""

TWO = """
[board.old]
dialect = "v3"

[board.new]
device = "/dev/waggle_sysmon2"
dialect = "v4"

[device.nc]
board = "old"
port = 0
self = true
primary = "emmc"

[device.gn]
board = "old"
port = 1
shutdown = ["simulated"]

[device.x2]
board = "old"
port = 4
heartbeat = false
shutdown = []

[device.gn2]
board = "new"
port = 1
shutdown = ["simulated"]

[device.cs2]
board = "new"
port = 2
shutdown = ["simulated"]

[device.x12]
board = "new"
port = 3
shutdown = ["simulated"]
"""
"""A Wagman of each version, with guests on the same ports of both."""

NETWORK = """
[network.lan]
witness = { ping = "gateway" }
"""
"""The network in which guests answer to their names."""

RAILS = """
[board.rail]
kind = "shelly"
host = "rail"

[board.shed]
kind = "tasmota"
host = "shed"

[device.ai]
board = "rail"
port = 0
heartbeat = { http = "http://ai/health" }
shutdown = ["simulated"]

[device.cam]
board = "rail"
port = 1
heartbeat = { http = "http://cam/health" }
shutdown = ["simulated"]

[device.pump]
board = "rail"
port = 2
heartbeat = false
shutdown = []

[device.nas]
board = "shed"
port = 1
heartbeat = { http = "http://nas/health" }
shutdown = ["simulated"]

[device.lamp]
board = "shed"
port = 2
heartbeat = false
shutdown = []
"""
"""A rail with meters, and one without."""

WAYS = """
[board.rail]
kind = "shelly"
host = "rail"

[board.shed]
kind = "tasmota"
host = "shed"

[device.ai]
board = "rail"
port = 0
heartbeat = { http = "http://ai/health" }
shutdown = ["simulated"]

[device.lte]
board = "rail"
port = 1
leads_to = ["rail", "shed"]
heartbeat = { http = "http://lte/health" }
shutdown = []

[device.nas]
board = "shed"
port = 1
heartbeat = { http = "http://nas/health" }
shutdown = ["simulated"]
"""
"""A router that is on one rail, and through which that rail and another one are reached."""

WAGMAN = """
[board.wagman]

[device.nc]
board = "wagman"
port = 0
self = true

[device.gn]
board = "wagman"
port = 1
shutdown = ["simulated"]

[device.x2]
board = "wagman"
port = 4
heartbeat = false
shutdown = []
"""
"""A Wagman beside the rails."""

ORDERED = """
[device.nc]
port = 0
self = true

[device.gn]
port = 1
after = ["x1"]
shutdown = ["simulated"]

[device.cs]
port = 2
after = ["gn", "x2"]
shutdown = ["simulated"]

[device.x1]
port = 3
after = ["x2"]
shutdown = ["simulated"]

[device.x2]
port = 4
heartbeat = false
shutdown = []
"""
"""A switch, a server behind it, a guest of that server, and one that needs all of them."""

BOARDS, OUTLETS = 20, 5
"""The size of the site `many`: as many outlets as a service has to bear (specified)."""


def _many() -> Iterator[str]:
    """Yield a guest on each Wagman, each on another port than the one before, with v3 and v4 boards in turn."""
    for number in range(BOARDS):
        yield f'[board.w{number}]\ndevice = "/dev/wagman{number}"\ndialect = "{("v3", "v4")[number % 2]}"\n'
    yield '[device.nc]\nboard = "w0"\nport = 0\nself = true\n'
    for number in range(BOARDS):
        port = 1 + number % (OUTLETS - 1)
        yield f'[device.g{number}]\nboard = "w{number}"\nport = {port}\nshutdown = ["simulated"]\n'


DEFAULT_SITE = "one"

SITES: Mapping[str, str] = {
    DEFAULT_SITE: ONE,
    "two": TWO,
    "ordered": ORDERED,
    "many": "".join(_many()),
    "plugs": RAILS + NETWORK,
    "ways": WAYS + NETWORK,
    "mixed": WAGMAN + RAILS + NETWORK,
}
"""The sites by name, as configuration files."""


def site(name: str) -> Config:
    """Return the node of that name.

    Raises:
        CallerError: there is none.
    """
    if name not in SITES:
        raise CallerError(f"--site {name}: there is no such site (known: {', '.join(SITES)})")
    return loads(SITES[name], f"the site {name}")
