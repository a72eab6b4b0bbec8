"""The sites: a mast on plugs, and a Wagman node, with defaults where their configuration says nothing."""

from attrs import frozen

from wagman.config.load import loads
from wagman.config.schema import Config

WITNESS = "router"
"""The host on the guests' network that answers as long as the network works."""

MAST = f"""
[board.rail]
kind = "shelly"
host = "rail"
poll = "15s"

[network.mast]
witness = {{ ping = "{WITNESS}" }}

[defaults]
network = "mast"

[device.ai]
board = "rail"
port = 0
heartbeat = {{ http = "http://ai/health", every = "30s" }}
shutdown = ["simulated"]

[device.cam]
board = "rail"
port = 1
heartbeat = {{ http = "http://cam/", every = "30s" }}
shutdown = []

[device.nas]
board = "rail"
port = 2
heartbeat = {{ http = "http://nas/health", every = "30s" }}
shutdown = ["simulated"]
"""
"""A rail with meters; two computers, and a camera that cannot be asked to halt; each has a page."""

NODE = """
[board]
dialect = "v3"
poll = "15s"

[device.nc]
port = 0
self = true

[device.gn]
port = 1
shutdown = ["simulated"]

[device.cs]
port = 2
shutdown = ["simulated"]
"""
"""A Wagman that powers the controller, and two guests whose pins it hears; both have two media."""


@frozen
class Site:
    """A place with guests."""

    name: str
    text: str  # its configuration file

    @property
    def config(self) -> Config:
        """The configuration of the site."""
        return loads(self.text, f"the site {self.name}")


SITES = (Site("a mast on plugs", MAST), Site("a Wagman node", NODE))
