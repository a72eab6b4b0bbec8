"""Signed orders: made by `ssh-keygen -Y sign`, checked by `ssh-keygen -Y verify` on the node.

The bytes of the order are signed as they go over the broker, so they are never encoded anew to be checked. They also hold the
node, the deadline and the id, which `orders` and the ledger check.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

import trio
from attrs import frozen

from wagman.bridges.fleet.broker import words_of
from wagman.cli.outcome import FAILED, USAGE, CommandError
from wagman.config.secrets import found
from wagman.model.errors import WagmanError
from wagman.model.process import Ended, run

TOOL: Final = "ssh-keygen"

NAMESPACE: Final = "wagman-order@wagman"
"""The purpose in the signature (chosen): a signature of a file, a commit or a login does not count for an order."""

VERIFY_S: Final = 5.0
"""How long checking a signature may take (chosen: it takes 10 ms, and a node may be slow)."""

SIGN_S: Final = 60.0
"""How long signing may take (chosen: somebody may have to type a passphrase, or to touch a key)."""

MOST_BYTES: Final = 4_096
"""How much of the tool's output is kept (chosen)."""

WITHOUT_TOOL: Final = f"there is no {TOOL}: apt install openssh-client"


class SigningError(WagmanError):
    """An order could not be signed; the text says why."""


@frozen
class Signers:
    """The people whose signatures count.

    Args:
        file: the list, in the format of ssh-keygen's ALLOWED SIGNERS: a path, or the name of a credential.
    """

    file: str

    async def check(self, names: Sequence[str]) -> None:
        """Try the tool and the list once, before any order comes.

        Args:
            names: whose orders are taken; each has to be in the list.

        Raises:
            CommandError: with USAGE where the file or the installation is wrong, with FAILED where that may pass.
        """
        try:
            _readable(found(self.file))
        except OSError as error:
            raise CommandError(f"orders.allowed_signers {self.file}: {words_of(error)}", USAGE) from error
        if shutil.which(TOOL) is None:
            raise CommandError(f"orders.allowed_signers: {WITHOUT_TOOL}", USAGE)
        for name in names:
            ended = await run(
                [TOOL, "-Y", "match-principals", "-I", name, "-f", str(found(self.file))], None, VERIFY_S, MOST_BYTES
            )
            if ended.status is None:
                raise CommandError(f"{TOOL} {ended.detail}", FAILED)
            if ended.status != 0:
                raise CommandError(f"orders.allowed_signers {self.file}: no key for {name}: {_said(ended)}", USAGE)

    async def obstacle(self, who: str, signed: bytes, signature: str) -> str | None:
        """Return why a signature does not count; None if it is a signature by `who` of exactly these bytes."""
        try:
            with TemporaryDirectory(prefix="wagman-order-") as directory:  # a directory for us alone
                ended = await self._verified(Path(directory), who, signed, signature)
        except OSError as error:
            return f"its signature cannot be looked at: {words_of(error)}"
        if ended.status is None:
            return f"its signature cannot be looked at: {TOOL} {ended.detail}"
        if ended.status != 0:
            return f"its signature is none of {who} for it: {_said(ended)}"
        return None

    async def _verified(self, directory: Path, who: str, signed: bytes, signature: str) -> Ended:
        seal = directory / "signature"
        command = [TOOL, "-Y", "verify", "-n", NAMESPACE, "-I", who, "-f", str(found(self.file)), "-s", str(seal)]
        with _written(directory / "order", signed, seal, signature) as order:
            return await run(command, None, VERIFY_S, MOST_BYTES, stdin=order)


async def signature_of(data: bytes, key: str) -> str:
    """Return the signature of these bytes.

    Args:
        data: the bytes.
        key: the file of a private key, or of the public one to a key that ssh-agent has.

    Raises:
        SigningError: the tool did not sign.
    """
    try:
        with trio.fail_after(SIGN_S):
            # The tool may ask for a passphrase or to touch a key, so it keeps the terminal.
            ended = await trio.run_process(
                [TOOL, "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key], stdin=data, capture_stdout=True, check=False
            )
    except trio.TooSlowError as error:
        raise SigningError(f"{TOOL} did not sign within {SIGN_S:g} s") from error
    except OSError as error:
        raise SigningError(f"{TOOL} cannot be run: {words_of(error)}") from error
    if ended.returncode != 0:
        raise SigningError(f"{TOOL} did not sign with {key}: exit status {ended.returncode}")
    return bytes(ended.stdout).decode("ascii", "replace")


def look_at_key(key: str) -> None:
    """Check that the key's file can be read, before anything is asked; raises CommandError."""
    if shutil.which(TOOL) is None:
        raise CommandError(f"--sign: {WITHOUT_TOOL}", USAGE)
    try:
        _readable(Path(key))
    except OSError as error:
        raise CommandError(f"--sign {key}: {words_of(error)}", USAGE) from error


def _readable(path: Path) -> None:
    with path.open("rb") as file:
        file.read(1)


def _written(order: Path, signed: bytes, seal: Path, signature: str) -> IO[bytes]:
    """Write both files; return the order's, open for reading, which the tool wants as its input."""
    seal.write_bytes(signature.encode())
    order.write_bytes(signed)
    return order.open("rb")


def _said(ended: Ended) -> str:
    """Return the tool's reason, which is its first line, if it gave one."""
    return ended.output.splitlines()[0].strip() if ended.output else ended.detail
