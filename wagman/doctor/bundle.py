"""The file for a report: a tar archive that only its maker can read, and that replaces no other file."""

import io
import os
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from attrs import define, field, frozen

from wagman.cli.outcome import UNREACHABLE, CommandError


@frozen
class Piece:
    """One file in the bundle; if its content is None, `why` says why."""

    name: str
    content: str | None
    why: str = ""


@define
class Bundle:
    """The bundle, while it is written."""

    MANIFEST = "MANIFEST.txt"

    file: IO[bytes]
    is_whole: bool = field(default=False)

    @classmethod
    @contextmanager
    def begun(cls, path: str) -> "Iterator[Bundle]":
        """Make the file; remove it again if it does not become complete.

        Raises:
            CommandError: it exists already, or cannot be made.
        """
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise CommandError(f"{path} is there already: name a new file", UNREACHABLE) from error
        except (OSError, ValueError) as error:  # a NUL in the path
            raise CommandError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}", UNREACHABLE) from error
        bundle = cls(os.fdopen(fd, "wb"))
        try:
            yield bundle
        finally:
            with suppress(OSError):
                bundle.file.close()
            if not bundle.is_whole:
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - the path as it was given

    def write(self, pieces: Iterable[Piece]) -> None:
        """Write all pieces; raises OSError."""
        there = list(pieces)
        with tarfile.open(fileobj=self.file, mode="w:gz") as archive:
            for piece in (Piece(self.MANIFEST, manifest(there)), *there):
                if piece.content is not None:
                    _add(archive, piece.name, piece.content.encode(errors="replace"))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.is_whole = True


def manifest(pieces: Iterable[Piece]) -> str:
    """Return the list of the pieces, with the reason for each missing one."""
    return "".join(f"{each.name}: {'missing: ' + each.why if each.content is None else 'here'}\n" for each in pieces)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"wagman-doctor/{name}")
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(content))
