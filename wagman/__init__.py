"""wagman keeps the guests of an unattended node alive through whatever switches their power.

A map of the package, from the top down to the words. Imports point downwards in this list only:

- `wagman.simulation`  the whole service in virtual time, held to its promises
- `wagman.testing`     the contract of boards and ears, as tests for whoever brings a kind of their own
- `wagman.probe`       everybody in a configuration, asked once
- `wagman.doctor`      whether a node would work in an emergency, and what a report needs
- `wagman.bridges`     programs of their own on the control socket: `metrics`, `notify`, `fleet`
- `wagman.service`     the composition root, the process, and what is told to those who ask
- `wagman.systemd`     what systemd needs to run the service, and is told
- `wagman.cockpit`     the page on the node: what a browser is given, no Python
- `wagman.fake`        boards made of nothing, which speak the real protocols
- `wagman.demo`        the service at work on a fake board, as processes
- `wagman.init`        a configuration from flags or questions
- `wagman.tasks`       what runs a machine: the loop, the guests, the scheduler, containment, messages
- `wagman.io`          the wire: codecs, serial link, board drivers, what is known of the relays
- `wagman.fsm`         the states, pure: (input) -> next state, alarms, effects
- `wagman.api`         the control socket: JSON-RPC lines
- `wagman.cli`         the commands; those that talk to the service import neither trio nor structlog
- `wagman.client`      the socket from outside, as a library
- `wagman.store`       the rolling log and what must last
- `wagman.config`      TOML to validated, immutable classes
- `wagman.model`       the words that all of them share: facts, the catalogue of events, errors

Each says in its own map what its modules are. The pages that are made from the code are made in `docs/make`.
"""

try:
    from wagman._build import version as __version__  # type: ignore[import-not-found,no-redef,unused-ignore]
except ImportError:  # the checkout itself
    __version__ = "0.2.1.dev0"

__all__ = ["__version__"]
