"""Where a broker is, as whom it is asked, and what goes wrong on the way to it."""

import os
import ssl

import trio
from attrs import frozen

from wagman.config.secrets import place, read_secret
from wagman.model.errors import WagmanError


class LinkError(WagmanError):
    """There is no connection to the broker, or not any more; the text says why."""


class TakenOverError(LinkError):
    """Somebody else has connected by our name."""


@frozen
class Broker:
    """Where a broker is, and as whom it is asked."""

    host: str
    port: int
    is_tls: bool = True
    ca: str | None = None  # the files are paths, or names of credentials; without one the system's authorities count
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    password_file: str | None = None
    keepalive_s: float = 900.0
    is_v5: bool = True

    @property
    def address(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """What proves who both sides are; raises LinkError where a file cannot be used."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else _file(self.ca))
        except (OSError, ValueError) as error:
            raise LinkError(f"ca {self.ca}: {words_of(error)}") from error
        try:
            if self.certificate is not None:
                context.load_cert_chain(_file(self.certificate), None if self.key is None else _file(self.key))
        except (OSError, ValueError) as error:
            raise LinkError(f"certificate {self.certificate}, key {self.key}: {words_of(error)}") from error
        return context

    def password(self) -> str | None:
        """The password; raises LinkError where its file cannot be read."""
        try:
            return None if self.password_file is None else read_secret(self.password_file).decode()
        except (OSError, UnicodeError) as error:
            raise LinkError(f"password_file {self.password_file}: {words_of(error)}") from error

    async def open(self) -> trio.abc.Stream:
        """A stream to it; with TLS it is proved who it is before anything is sent. Raises OSError, LinkError."""
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


def first_cause(error: BaseException) -> BaseException:
    """The error that others were raised because of."""
    while error.__cause__ is not None:
        error = error.__cause__
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def words_of(error: BaseException) -> str:
    """What the operating system or TLS said, without the words that others put around it."""
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


def _file(value: str) -> str:
    """Where the file is; raises OSError."""
    found = place(value)
    if found is None:
        raise FileNotFoundError(2, f"there is no credential {value}: it is handed over by the unit")
    return str(found)
