"""A fake board by itself: its pty, its control socket, its EEPROM in a file, and a clean end."""

import errno
import json
import os
import signal
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from wagman.fake.control import ControlError, port_of
from wagman.fake.eeprom import Eeprom, EepromError
from wagman.fake.guests import GuestSpec, GuestSpecError
from wagman.fake.pty import PtyServer
from wagman.fake.serve import FakeBoard
from wagman.model.errors import WagmanError

LINE_BYTES = 4096
"""The longest control command (chosen)."""

SAVE_EVERY_S = 1.0
"""How often a changed EEPROM is saved, in real time (chosen)."""


class StandaloneError(WagmanError):
    """A fake board that cannot be run as asked; `exit_code` tells the kind of error."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@frozen
class Options:
    """The options of the command line."""

    link: Path
    dialect: str = "v3"
    speed: float = 1.0
    guests: tuple[str, ...] = ()  # such as "gn:boot=30,beat=8"
    control: Path | None = None
    state: Path | None = None


def run(options: Options) -> None:
    """Run until `quit`, SIGTERM, SIGINT or SIGHUP; raises StandaloneError."""
    try:
        fake = FakeBoard(
            dialect=options.dialect, guests=_guests(options.guests), speed=options.speed, eeprom=_load(options.state)
        )
    except (ControlError, GuestSpecError, EepromError) as error:
        raise StandaloneError(str(error), 2) from error
    try:
        trio.run(_main, fake, options)
    except ExceptionGroup as group:
        cause = _first(group)
        if not isinstance(cause, OSError):
            raise
        raise StandaloneError(f"{cause.filename2 or cause.filename or options.link}: {cause.strerror or cause}", 1) from cause


def _first(error: Exception) -> Exception:
    """Return the first error in a group, which tells what went wrong first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _guests(texts: tuple[str, ...]) -> Mapping[str | int, GuestSpec]:
    guests: dict[str | int, GuestSpec] = {}
    for text in texts:
        device, _, keys = text.partition(":")
        port = port_of(device)
        guests[port] = guests.get(port, GuestSpec()).changed(keys) if keys else GuestSpec()
    return guests


async def _main(fake: FakeBoard, options: Options) -> None:
    ptys = PtyServer(fake, options.link)
    async with trio.open_nursery() as nursery:
        await nursery.start(_end_on_signal, nursery.cancel_scope)
        if options.state is not None:
            nursery.start_soon(_keep_saved, fake.eeprom, options.state)
        if options.control is not None:
            nursery.start_soon(ControlServer(fake, ptys, nursery.cancel_scope).run, options.control)
        await nursery.start(fake.run)
        nursery.start_soon(ptys.run)


async def _end_on_signal(all_of_it: trio.CancelScope, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for _signal in signals:
            all_of_it.cancel()


# --- The EEPROM's file ------------------------------------------------------------------------------------------------


def _load(path: Path | None) -> Eeprom:
    if path is None or not path.exists():
        return Eeprom()
    try:
        return Eeprom.from_dict(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise EepromError(f"{path}: {error}") from error


async def _keep_saved(eeprom: Eeprom, path: Path) -> None:
    saved: dict[str, Any] = {}
    try:
        while True:
            saved = _save(eeprom, path, saved)
            await trio.sleep(SAVE_EVERY_S)
    finally:
        _save(eeprom, path, saved)


def _save(eeprom: Eeprom, path: Path, saved: dict[str, Any]) -> dict[str, Any]:
    """Save the EEPROM if it differs from `saved`; return what is in the file now."""
    content = eeprom.as_dict()
    if content != saved:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(content, indent=1) + "\n")
        fresh.replace(path)
    return content


# --- The control socket -----------------------------------------------------------------------------------------------


@frozen
class ControlServer:
    """Answers control commands. An answer is sent once the command's effect on the tty can be seen."""

    fake: FakeBoard
    ptys: PtyServer
    all_of_it: trio.CancelScope

    async def run(self, path: Path) -> None:
        """Serve until cancelled; raises OSError if it cannot listen at `path`."""
        with _listening(path) as listener:
            sockets = [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
            await trio.serve_listeners(self._serve_client, sockets)

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        held = b""
        try:
            while data := await stream.receive_some(LINE_BYTES):
                *lines, held = (held + data).split(b"\n")
                for line in lines:
                    await self._answer(stream, line.decode("utf-8", "replace").strip())
                if len(held) > LINE_BYTES:
                    await _say(stream, {"ok": False, "error": "line too long"})
                    return
            if held.strip():
                await _say(stream, {"ok": False, "error": "the last line had no end, and was not carried out"})
        except trio.BrokenResourceError:
            return  # the client left

    async def _answer(self, stream: trio.SocketStream, line: str) -> None:
        if line == "quit":
            await _say(stream, {"ok": True})
            self.all_of_it.cancel()
            return
        try:
            answer = self.fake.control(line)
        except ControlError as error:
            answer = {"ok": False, "error": str(error)}
        await self.ptys.settled()
        await _say(stream, answer)


async def _say(stream: trio.SocketStream, answer: dict[str, Any]) -> None:
    await stream.send_all(json.dumps(answer).encode() + b"\n")


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Listen at `path` meanwhile; the socket of a dead process there is replaced. Raises OSError."""
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(path))
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        listener.listen()
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "another process listens there", str(path))
