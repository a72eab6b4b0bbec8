"""`heartbeat`, `still_on` and `witness`: from their tables to ears; and `[network.NAME]`."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from wagman.config.ears import NO_NETWORK, EarConfig, StillDraws
from wagman.config.kinds import HEARING, STILL_ON, WITNESS, show
from wagman.config.positions import Path
from wagman.config.reading import Reader, Table, listed
from wagman.config.registry import EARS, KindError
from wagman.config.schema import NetworkConfig
from wagman.config.setting import settings

BOARD = "board"
"""The name of the board's own input among the ears of a guest."""

OF_GUESTS = ("every", "network")
"""The keys of an ear that mean nothing for a witness, which is asked when it is needed."""


@frozen
class EarTables:
    """Reads the tables of ears."""

    reader: Reader

    def hearing(self, table: Table, path: Path) -> Mapping[str, Any]:
        """`heartbeat`, as the arguments of a guest; empty if the table does not have it."""
        if "heartbeat" not in table:
            return {}
        value, path = table["heartbeat"], (*path, "heartbeat")
        if isinstance(value, bool):
            return {"hears_board": value, "ears": ()}
        found = list(self.items(value, path, HEARING.wants))
        if value == []:
            self.reader.findings.add(path, "the list is empty: write heartbeat = false if the guest gives no signs of life")
        on_board = [at for each, at in found if BOARD in each and self.is_board(each, at)]
        ears = tuple(self.ear(each, at) for each, at in found if BOARD not in each)
        return {"hears_board": bool(on_board), "ears": tuple(ear for ear in ears if ear is not None)}

    def is_board(self, table: Table, path: Path) -> bool:
        """Whether the table is `{ board = true }`, and nothing else."""
        self.reader.refuse_unknown(table, path, (BOARD,))
        if table[BOARD] is not True:
            self.reader.findings.add((*path, BOARD), f"must be true, not {show(table[BOARD])}")
        return True

    def still_on(self, table: Table, path: Path) -> Mapping[str, Any]:
        """`still_on`, as the argument of a guest; empty if the table does not have it."""
        value, path = table.get("still_on", {}), (*path, "still_on")
        if "still_on" not in table:
            return {}
        if not isinstance(value, dict):
            self.reader.findings.add(path, f"must be {STILL_ON.wants}, not {show(value)}")
            return {}
        if "watts" in value:
            return {"still_on": self.reader.instance(StillDraws, value, path)}
        return {"still_on": self.ear(value, path)}

    def networks(self, document: Table) -> tuple[NetworkConfig, ...]:
        """The networks, in the order of the file."""
        tables = self.reader.table(document, ("network",)) or {}
        return tuple(self.network(tables, name) for name in tables)

    def network(self, tables: Table, name: str) -> NetworkConfig:
        """One network."""
        path = ("network", name)
        self.reader.named(path, "network")
        if name == NO_NETWORK:
            self.reader.findings.add(path, f"{show(name)} stands for no network: rename it")
        table = self.reader.table(tables, path) or {}
        self.reader.refuse_unknown(table, path, settings(NetworkConfig))
        found = self.items(table.get("witness", []), (*path, "witness"), WITNESS.wants)
        witnesses = (self.witness(each, at) for each, at in found)
        return NetworkConfig(name, tuple(each for each in witnesses if each is not None))

    def witness(self, table: Table, path: Path) -> EarConfig | None:
        """One witness, which must be of a kind that can be asked."""
        ear = self.ear(table, path, OF_GUESTS)
        if ear is not None and ear.passive:
            self.reader.findings.add(
                (*path, ear.kind), "an ear of this kind only waits, and a witness has to be asked: take another kind"
            )
            return None
        return ear

    def items(self, value: object, path: Path, wants: str) -> Iterator[tuple[Table, Path]]:
        """The tables in a value that is a table or a list of tables, and the path of each."""
        tables = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in tables):
            self.reader.findings.add(path, f"must be {wants}, not {show(value)}")
            return
        yield from ((each, (*path, index) if isinstance(value, list) else path) for index, each in enumerate(tables))

    def ear(self, table: Table, path: Path, withheld: Collection[str] = ()) -> EarConfig | None:
        """One ear; None: it cannot be read, which is noted."""
        kinds = [key for key in table if key in EARS.built_in] or [key for key in table if key in EARS]
        if len(kinds) != 1:
            found = f"not both of {listed(kinds)}" if kinds else "one of " + listed(EARS.names())
            self.reader.findings.add(path, f"needs exactly one key that says who is listened to: {found}")
            return None
        try:
            section = EARS.load(kinds[0])
        except KindError as error:
            self.reader.findings.add((*path, kinds[0]), str(error))
            return None
        ear: EarConfig | None = self.reader.instance(section, table, path, withheld=withheld)
        return ear


def through(ear: EarConfig, network: str | None) -> EarConfig:
    """The ear with its network, if the way to the guest is one."""
    return evolve(ear, network=ear.network or network) if ear.networked else ear
