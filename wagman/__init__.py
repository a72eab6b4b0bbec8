"""wagman keeps the guest devices of an unattended node alive through a Wagman power board.

A map of the package, from the wire up (imports point downwards in this list only):

- `wagman.cli`         the commands; those that talk to the service import neither trio nor structlog
- `wagman.daemon`      the composition root: every nursery, every seam
- `wagman.api`         the control socket: JSON-RPC lines
- `wagman.device`, `wagman.supervisor`, `wagman.board`   the tasks, all driven by `wagman.loop`
- `wagman.store`       the rolling log and what must last
- `wagman.fsm`         the states, pure: (input) -> next state, alarms, effects
- `wagman.io`          codecs, serial link, board drivers, power reconciliation, the fake board
- `wagman.config`      TOML to validated, immutable classes
- `wagman.events`, `wagman.event_types`, `wagman.errors`   the words that all of them share
"""

__version__ = "0.1.0"
