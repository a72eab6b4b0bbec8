"""The error tree: the type says whose fault it was."""

PLACE_GONE = "its directory is gone"
"""The reason if somebody has taken away the directory of a file."""

FILE_TAKEN = "it was deleted or replaced while it was open"
"""The reason why the log is begun anew."""


class WagmanError(Exception):
    """Root of every error this package raises on purpose."""


class ConfigError(WagmanError):
    """The configuration asks for something that cannot be; `problems` holds every finding, not only the first."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MissingPackageError(WagmanError, ImportError):
    """A kind of board or of ear needs a package that is not installed; the text says which, and how to install it."""


class CallerError(WagmanError):
    """The caller asked for nonsense: an unknown guest, a dangerous board command, a place that the log does not have."""


class BoardError(WagmanError):
    """Something about the board or the way to it went wrong."""


class BoardProtocolError(BoardError):
    """The board said something that its protocol does not allow."""


class BoardRefusedError(BoardError):
    """The board understood the request and said no."""


class BoardTimeoutError(BoardError):
    """The board did not answer in time."""


class StrangerError(BoardError):
    """Another board than the configured one answers at its address: it is never switched."""


class LinkGoneError(BoardError):
    """The link is down: unplugged, hung up, or not there yet."""


class LinkBusyError(BoardError):
    """Another process holds the serial port."""


class EarError(WagmanError):
    """An ear cannot listen, through no fault of the guest: a right is missing, a name is not known, files have run out."""


class GaugeError(WagmanError):
    """A command that is to read a number did not give one."""


class StoreError(WagmanError):
    """The store cannot be opened, read or written."""


class StallError(StoreError):
    """The disk has not answered in time; it may later, and what was asked may be done then."""
