"""The address of a broker, the credentials for it, and the errors on the way to it."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import frozen

from wagman.bridges.programs import leaves
from wagman.config.secrets import found, read_secret
from wagman.model.errors import WagmanError

CONNECT_S: Final = 30.0
"""How long connecting to a broker may take (chosen: name server, TLS and a modem that wakes up)."""


class LinkError(WagmanError):
    """There is no connection to the broker, or it is lost; the text says why."""


class NotTakenError(LinkError):
    """The broker does not take a message that we publish."""


class TakenOverError(LinkError):
    """Another client has connected with our name."""


@frozen
class Broker:
    """The address of a broker, and the credentials for it."""

    host: str
    port: int
    is_tls: bool = True
    ca: str | None = None  # files are paths or names of credentials; None: the system's authorities
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    password_file: str | None = None
    keepalive_s: float = 900.0
    is_v5: bool = True

    @property
    def address(self) -> str:
        """The address for people."""
        return f"{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Return the TLS context, with the authority and our certificate; raises LinkError if a file cannot be used."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else found(self.ca))
        except (OSError, ValueError) as error:
            raise LinkError(f"ca {self.ca}: {words_of(error)}") from error
        try:
            if self.certificate is not None:
                context.load_cert_chain(found(self.certificate), None if self.key is None else found(self.key))
        except (OSError, ValueError) as error:
            raise LinkError(f"certificate {self.certificate}, key {self.key}: {words_of(error)}") from error
        return context

    def password(self) -> str | None:
        """Return the password; raises LinkError if its file cannot be read."""
        try:
            return None if self.password_file is None else read_secret(self.password_file).decode()
        except (OSError, UnicodeError) as error:
            raise LinkError(f"password_file {self.password_file}: {words_of(error)}") from error

    async def open(self) -> trio.abc.Stream:
        """Return a stream to the broker. With TLS the broker is authenticated before anything is sent.

        Raises OSError, LinkError.
        """
        if not self.is_tls:
            return await trio.open_tcp_stream(self.host, self.port)
        context = self.context()
        stream = trio.SSLStream(
            await trio.open_tcp_stream(self.host, self.port), context, server_hostname=self.host, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream


@contextmanager
def as_link_errors(address: str) -> Iterator[None]:
    """Turn any error of a connection into one LinkError with the broker's address."""
    try:
        yield
    except BaseExceptionGroup as group:
        ours, others = group.split((LinkError, trio.BrokenResourceError, trio.ClosedResourceError, trio.Cancelled))
        causes = list(leaves(ours)) if ours is not None else []
        if any(isinstance(each, KeyboardInterrupt) for each in leaves(group)):
            raise KeyboardInterrupt from None  # as it was before it went through nurseries
        if others is not None or any(isinstance(each, trio.Cancelled) for each in causes):
            raise
        raise _as_link_error(causes[0], address) from group
    except (trio.BrokenResourceError, trio.ClosedResourceError, OSError, UnicodeError, trio.TooSlowError) as error:
        raise _as_link_error(error, address) from error


def _as_link_error(error: BaseException, address: str) -> LinkError:
    match error:
        case LinkError():
            return error
        case trio.TooSlowError():
            return LinkError(f"the broker {address} did not let us in within {CONNECT_S:g} s")
        case OSError() | UnicodeError():  # UnicodeError: no look-up could ever find the name
            return LinkError(f"the broker {address} cannot be reached: {words_of(first_cause(error))}")
        case _:
            return LinkError(f"the broker {address} hung up: {words_of(first_cause(error))}".removesuffix(": "))


def first_cause(error: BaseException) -> BaseException:
    """Return the error at the root of a chain of causes and groups."""
    while error.__cause__ is not None:
        error = error.__cause__
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def words_of(error: BaseException) -> str:
    """Return the words of the operating system or of TLS, without those that libraries put around them."""
    match error:
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case OSError(errno=int(number)) if number > 0 and not isinstance(error, ssl.SSLError):
            return os.strerror(number)
        case OSError():
            return str(error.strerror or error)
        case ValueError():
            return str(error)
        case _:
            return ""
