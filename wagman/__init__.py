"""wagman keeps the guest devices of an unattended node alive through a Wagman power board.

A map of the package, from the top down to the words (imports point downwards in this list only):

- `wagman.demo`        the service at work on a fake board, as processes
- `wagman.cli`         the commands; those that talk to the service import neither trio nor structlog
- `wagman.simulation`  the whole service in virtual time, held to its promises
- `wagman.daemon`      the process: configuration, signals, reload
- `wagman.systemd`     what systemd needs to run the service, and is told; the pause after failures, the last good configuration
- `wagman.service`     the composition root: every nursery; its doors to the outside world are in `wagman.seams`
- `wagman.status`      what `status` shows of all of it
- `wagman.problems`, `wagman.spells`   what calls for a person: found, and told; `wagman.hitches`   commands that cannot work
- `wagman.recollection`, `wagman.decisions`   what operators decided, kept beside the log and taken up again
- `wagman.moments`     when something began, and for how long it lasts
- `wagman.api`         the control socket: JSON-RPC lines
- `wagman.controller`  what is done for the computer that the service itself runs on
- `wagman.device`, `wagman.supervisor`   the tasks of the guests and of the Wagman, driven by `wagman.loop`
- `wagman.inbox`       what is sent to a task
- `wagman.messages`    telling a guest to halt
- `wagman.contain`     what becomes of a task that crashes
- `wagman.health`      which tasks have stopped making progress
- `wagman.orphans`     children that others left behind, for the first process of a container
- `wagman.logs`        an event as a line of the service's log; `wagman.journald`, or as an entry of the journal
- `wagman.store`       the rolling log and what must last
- `wagman.fsm`         the states, pure: (input) -> next state, alarms, effects
- `wagman.io`          codecs, serial link, board drivers, power reconciliation, the board's task, the fake board
- `wagman.config`      TOML to validated, immutable classes
- `wagman.events`, `wagman.errors`   the words that all of them share; `wagman.sockets`   how long a socket's path may be
- `wagman.event_types`   the catalogue of events; `wagman.words`   durations and the like

`wagman.pages` and the modules called `reference` write into the documentation what it has from the code.
"""

try:
    from wagman._build import version as __version__  # type: ignore[import-not-found,no-redef,unused-ignore]
except ImportError:  # the checkout itself
    __version__ = "0.2.0.dev0"

__all__ = ["__version__"]
