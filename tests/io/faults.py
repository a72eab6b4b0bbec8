"""Faults that stack: each wraps a transport (or an opener) and makes it worse in one way.

    opener = faulty(opener, OneByteAtATime, partial(Loss, rng=rng, share=0.01))

Randomness comes only through `rng`, time only through trio's clock.
"""

import random
from collections.abc import Callable

import trio

from wagman.io.serial.transport import Opener, Transport
from wagman.model.errors import LinkGoneError


class Wrapper:
    """Passes everything on; the faults below change one thing each."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    async def send_all(self, data: bytes) -> None:
        await self.inner.send_all(data)

    async def receive_some(self) -> bytes:
        return await self.inner.receive_some()

    async def aclose(self) -> None:
        await self.inner.aclose()


class OneByteAtATime(Wrapper):
    """Bytes are read, and written, one by one."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.waiting = b""

    async def receive_some(self) -> bytes:
        if not self.waiting:
            self.waiting = await self.inner.receive_some()
        first, self.waiting = self.waiting[:1], self.waiting[1:]
        await trio.lowlevel.checkpoint()
        return first

    async def send_all(self, data: bytes) -> None:
        for byte in data:
            await self.inner.send_all(bytes([byte]))


class Mangled(Wrapper):
    """Each byte read becomes what `mangle` makes of it; pieces that become nothing are not told of."""

    def __init__(self, inner: Transport, mangle: Callable[[int], bytes]) -> None:
        super().__init__(inner)
        self.mangle = mangle

    async def receive_some(self) -> bytes:
        while True:
            data = b"".join(map(self.mangle, await self.inner.receive_some()))
            if data:
                return data


class Loss(Mangled):
    """A share of the bytes read is lost."""

    def __init__(self, inner: Transport, rng: random.Random, share: float) -> None:
        super().__init__(inner, lambda byte: b"" if rng.random() < share else bytes([byte]))


class Duplication(Mangled):
    """A share of the bytes read comes twice."""

    def __init__(self, inner: Transport, rng: random.Random, share: float) -> None:
        super().__init__(inner, lambda byte: bytes([byte]) * (2 if rng.random() < share else 1))


class Garbage(Mangled):
    """A share of the bytes read is replaced by any other."""

    def __init__(self, inner: Transport, rng: random.Random, share: float) -> None:
        super().__init__(inner, lambda byte: bytes([rng.randrange(256) if rng.random() < share else byte]))


class Delay(Wrapper):
    """What is read comes `delay_s` late."""

    def __init__(self, inner: Transport, delay_s: float) -> None:
        super().__init__(inner)
        self.delay_s = delay_s

    async def receive_some(self) -> bytes:
        data = await self.inner.receive_some()
        await trio.sleep(self.delay_s)
        return data


class Stall(Wrapper):
    """Nothing is read between two times of the clock, and then all of it; writes block likewise where `writes` is set."""

    def __init__(self, inner: Transport, from_s: float, until_s: float, *, writes: bool = False) -> None:
        super().__init__(inner)
        self.from_s, self.until_s, self.writes = from_s, until_s, writes

    async def _wait(self) -> None:
        if trio.current_time() >= self.from_s:
            await trio.sleep_until(self.until_s)

    async def receive_some(self) -> bytes:
        data = await self.inner.receive_some()
        await self._wait()
        return data

    async def send_all(self, data: bytes) -> None:
        if self.writes:
            await self._wait()
        await self.inner.send_all(data)


class HangUp(Wrapper):
    """The port goes away after `after_bytes` bytes were read."""

    def __init__(self, inner: Transport, after_bytes: int) -> None:
        super().__init__(inner)
        self.left = after_bytes

    async def receive_some(self) -> bytes:
        if self.left <= 0:
            raise LinkGoneError("the port hung up")
        data = (await self.inner.receive_some())[: self.left]
        self.left -= len(data)
        return data

    async def send_all(self, data: bytes) -> None:
        if self.left <= 0:
            raise LinkGoneError("the port hung up")
        await self.inner.send_all(data)


def faulty(opener: Opener, *faults: Callable[[Transport], Transport]) -> Opener:
    """An opener whose connections have these faults, the first one nearest to the wire."""

    async def open_worse() -> Transport:
        transport = await opener()
        for fault in faults:
            transport = fault(transport)
        return transport

    return open_worse
