"""Faults between the board and its host. Faults of the hardware are set at the hardware."""

from random import Random

from attrs import define, field

_ODD_SID = "?"
_ODD_SUB_ID = 0x80  # flipped in it


@define
class ByteFaults:
    """Bytes are changed, lost or sent twice, each with its own probability per byte."""

    corrupt: float = 0.0
    lose: float = 0.0
    duplicate: float = 0.0

    def apply(self, data: bytes, rng: Random) -> bytes:
        """Return the bytes that arrive of `data`."""
        if not (self.corrupt or self.lose or self.duplicate):
            return data
        return b"".join(self._arrives(byte, rng) for byte in data)

    def _arrives(self, byte: int, rng: Random) -> bytes:
        if rng.random() < self.lose:
            return b""
        if rng.random() < self.corrupt:
            byte = rng.randrange(256)
        return bytes([byte]) * (2 if rng.random() < self.duplicate else 1)


@define
class Faults:
    """The faults of one board; `rng` is the only source of randomness in it."""

    rng: Random
    silent: bool = False  # it runs, but says nothing
    slow_s: float = 0.0  # every command waits this long before it is carried out
    drops: int = 0  # the next commands to be lost
    wrong_sids: int = 0  # the next replies to name another request
    outward: ByteFaults = field(factory=ByteFaults)
    inward: ByteFaults = field(factory=ByteFaults)

    def outgoing(self, data: bytes) -> bytes:
        """Return what arrives at the host of the board's bytes."""
        return b"" if self.silent else self.outward.apply(data, self.rng)

    def incoming(self, data: bytes) -> bytes:
        """Return what arrives at the board of the host's bytes."""
        return self.inward.apply(data, self.rng)

    def drops_command(self) -> bool:
        """Return whether the present command is lost."""
        if not self.drops:
            return False
        self.drops -= 1
        return True

    def reply_sid(self, sid: str) -> str:
        """Return the sid of the present reply."""
        return sid + _ODD_SID if self._names_another() else sid

    def reply_sub_id(self, sub_id: int) -> int:
        """Return the sub_id of the present reply, which v4 has instead of a sid."""
        return sub_id ^ _ODD_SUB_ID if self._names_another() else sub_id

    def _names_another(self) -> bool:
        if not self.wrong_sids:
            return False
        self.wrong_sids -= 1
        return True

    def garbage(self, length: int) -> bytes:
        """Return so many bytes of noise."""
        return self.rng.randbytes(length)

    def clear(self) -> None:
        """End all faults."""
        self.silent, self.slow_s, self.drops, self.wrong_sids = False, 0.0, 0, 0
        self.outward, self.inward = ByteFaults(), ByteFaults()
