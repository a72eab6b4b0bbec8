"""What can happen to a node, in words.

These are all:

NAME: VERB               an operator asks: start, stop, restart, kill, enable, disable, heartbeat; `force start`, `force restart`;
                         `stop for S`, `maintenance for S` (seconds), `maintenance`, which ends it
all: hibernate [NAME...] | wake   an operator has all guests down, but for those that are named
cable [BOARD] out | in | late S | pieces | whole
board [BOARD] WORDS      a control command of the fake board: reset, powercycle, temp 80, fault silent on, ...
guest NAME WORDS         hang, panic (its kernel, too), revive, halt, dies (for good), KEY=VALUE,... as of the fake board
service kill | stop | start | freeze S | crash NAME | crash link [BOARD]
config set KEY VALUE | add NAME PORT | drop NAME | rename NAME NEW | broken | well
                         the file is changed, and the service told to read it
clock S                  the wall clock is set forward by so many seconds, or back
disk full | slow S | ok
disk wiped | flipped BITS | truncated PERCENT | newer | foreign
                         while the service is down: its log is gone, damaged, of another version, or another program's
disk copied | restored | restored beside
                         while the service is down: the log and what lies beside it are copied; one of them is put back
disk barred log | barred all   the log, or all of the state, belongs to somebody else from the next start on
disk undecided | muddled while the service is down: what lies beside the log is lost, or makes no sense
network out | in         nobody is heard over the network, guests and witnesses alike
message lost | slow S | ok   the command that asks a guest to halt
all well                 all faults end

BOARD is named where there are several; without a name it is the first.
"""

from collections.abc import Awaitable, Callable

from attrs import frozen

from wagman.model.errors import CallerError
from wagman.model.facts import VERBS
from wagman.simulation.boards.board import Board
from wagman.simulation.disk import ALL, LOG, disown, flip, outdate, truncate
from wagman.simulation.world import BESIDE_FILES, LOG_FILES, World


@frozen
class Poison:
    """An input that makes any machine fail."""


async def act(world: World, words: str) -> None:
    """Have something happen.

    Raises:
        CallerError: the words are not known.
    """
    first, _, rest = words.partition(" ")
    if first.endswith(":"):
        operate(world, first[:-1], rest)
    elif first in _HAPPENINGS:
        await _HAPPENINGS[first](world, rest)
    else:
        raise CallerError(f"{words!r}: nobody knows what that is (known: NAME: VERB, {', '.join(_HAPPENINGS)})")
    world.did(words)


def operate(world: World, device: str, words: str) -> None:
    """Have an operator ask for something."""
    match words.split():
        case ["hibernate", *keep] if device == "all":
            world.order("hibernate", reason="a storm", keep=keep)
        case ["wake"] if device == "all":
            world.order("wake")
        case ["force", verb] if verb in VERBS:
            world.ask(device, verb, force=True)
        case ["stop" | "maintenance" as verb, "for", for_s]:
            world.ask(device, verb, for_s=float(for_s))
        case [verb] if verb in (*VERBS, "heartbeat"):
            world.ask(device, verb)
        case _:
            raise CallerError(f"{device}: {words!r}: nobody can ask for that")


def _once(happening: Callable[[World, str], None]) -> Callable[[World, str], Awaitable[None]]:
    async def happens(world: World, words: str) -> None:
        happening(world, words)

    return happens


def _cable(world: World, words: str) -> None:
    board, what = _which(world, words)
    board.way(what)


def _board(world: World, words: str) -> None:
    board, what = _which(world, words)
    board.happens(what)


def _which(world: World, words: str) -> tuple[Board, str]:
    """Return the board named first if there are several, else the only one or the first, and the remaining words."""
    first, _, rest = words.partition(" ")
    if len(world.boards) > 1 and first in world.boards:
        return world.boards[first], rest
    return next(iter(world.boards.values())), words


def _guest(world: World, words: str) -> None:
    name, _, what = words.partition(" ")
    board, port = world.plug(name)
    if what == "dies":
        world.doomed.add(name)
        what = "good="
    world.boards[board].happens(f"guest {port} {what}" if "=" in what else f"{what} {port}")


async def _service(world: World, words: str) -> None:
    match words.split():
        case ["kill"]:
            await world.kill()
        case ["stop"]:
            await world.stop()
        case ["start"]:
            world.start()
        case ["freeze", for_s]:
            world.freeze(float(for_s))
        case ["crash", name]:
            _crash(world, name, next(iter(world.boards)))
        case ["crash", "link", board] if board in world.boards:
            _crash(world, "link", board)
        case _:
            raise _unknown("service", words)


def _crash(world: World, name: str, board: str) -> None:
    """Make a task fail: by an input that it cannot handle, or by a board whose opening raises an unexpected error."""
    if world.life is None:
        return
    parts = world.life.service.parts
    if name == "link":
        world.life.ends[board].broken = "a defect in the serial driver"
        connection = parts.boards[board].connection
        if connection is not None:
            connection.hang_up("to be opened anew")
    elif name == "wagman":
        parts.supervisor.inbox.tell(Poison())
    elif name in parts.guests:
        parts.guests[name].inbox.tell(Poison())


def _config(world: World, words: str) -> None:
    match words.split(maxsplit=2):
        case ["set", key, value]:
            world.file.set(key, value)
        case ["move", name, place]:
            world.file.move(name, *place.split(maxsplit=1))
        case ["add", name, port]:
            world.file.add(name, port, next(iter(world.boards)))
        case ["drop", name]:
            world.file.drop(name)
        case ["rename", name, new]:
            world.file.rename(name, new)
        case ["broken"]:
            world.file.garble()
        case ["well"]:
            world.file.restore()
        case _:
            raise _unknown("config", words)
    world.reload()


def _clock(world: World, words: str) -> None:
    world.wall_off_s += float(words)


def _disk(world: World, words: str) -> None:
    match words.split():
        case ["full"]:
            world.disk.full = True
        case ["slow", slow_s]:
            world.disk.slow_s = float(slow_s)
        case ["barred", what]:
            world.disk.barred = ALL if what == "all" else LOG
        case ["ok"]:
            world.disk.mend()
        case _:
            _files(world, words)


def _files(world: World, words: str) -> None:
    """Change the files while the service is down."""
    match words.split():
        case ["wiped"]:
            world.wipe()
        case ["flipped", bits]:
            world.harm(lambda file: flip(file, world.rng, int(bits)))
        case ["truncated", percent]:
            world.harm(lambda file: truncate(file, float(percent)))
        case ["newer"]:
            world.harm(outdate)
        case ["foreign"]:
            world.harm(disown)
        case _:
            _copies(world, words)


def _copies(world: World, words: str) -> None:
    """Copy or put back the log and the file beside it, or spoil the latter."""
    match words.split():
        case ["copied"]:
            world.copy_state()
        case ["restored"]:
            world.put_back(LOG_FILES)
        case ["restored", "beside"]:
            world.put_back(BESIDE_FILES)
        case ["undecided"]:
            world.forget_decisions()
        case ["muddled"]:
            world.muddle_decisions()
        case _:
            raise _unknown("disk", words)


def _message(world: World, words: str) -> None:
    match words.split():
        case ["lost"]:
            world.shutdown_commands.lost = True
        case ["slow", takes_s]:
            world.shutdown_commands.takes_s = float(takes_s)
        case ["ok"]:
            world.shutdown_commands.lost, world.shutdown_commands.takes_s = False, 1.0
        case _:
            raise _unknown("message", words)


def _network(world: World, words: str) -> None:
    if words not in ("out", "in"):
        raise _unknown("network", words)
    world.network.is_out = words == "out"


async def _all(world: World, words: str) -> None:
    if words != "well":
        raise _unknown("all", words)
    await world.mend()


def _unknown(subject: str, words: str) -> CallerError:
    return CallerError(f"'{subject} {words}': nobody knows what that is")


_HAPPENINGS: dict[str, Callable[[World, str], Awaitable[None]]] = {
    "cable": _once(_cable),
    "board": _once(_board),
    "guest": _once(_guest),
    "service": _service,
    "config": _once(_config),
    "clock": _once(_clock),
    "disk": _once(_disk),
    "message": _once(_message),
    "network": _once(_network),
    "all": _all,
}
