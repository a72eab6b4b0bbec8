"""`self = true` on a board of any kind: the port that this computer hangs on is never switched. Real processes."""

from tests.service.kit import eventually, new_node
from tests.service.test_gauges import CONFIG, reads, started
from tests.service.test_problems_for_real import wagman

OWN = """
[device.here]
port = "2"
self = true
"""


def test_the_port_that_this_computer_hangs_on_is_never_switched() -> None:
    with new_node() as node:
        node.configure(CONFIG.replace("{folder}/on", "{folder}/on%p").replace('["touch"', '["touch", "{folder}/asked%p"') + OWN)
        # Its board shows it off, and the battery is empty: both would have any guest switched.
        reads(node, "12.6")
        started(node)
        eventually(node.all_started)
        assert (node.folder / "asked1").exists()
        for verb in ("stop", "kill", "disable", "start"):
            done = wagman(node, verb, "here", *(["--yes"] if verb == "kill" else []))
            assert done.returncode, verb
        (node.folder / "on2").touch()
        reads(node, "10.9")
        eventually(lambda: node.states()["cam"] == "stopped" and not (node.folder / "on1").exists())
        assert node.states()["here"] == "started"
        assert (node.folder / "on2").exists()
        assert not (node.folder / "asked2").exists()
