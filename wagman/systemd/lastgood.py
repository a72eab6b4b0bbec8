"""The last right configuration.

Without it, a controller whose service does not come up would be power-cycled by its board each hour.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from wagman.config.load import load, load_alone
from wagman.config.schema import Config
from wagman.config.whole import as_one, files, whole
from wagman.model.errors import ConfigError
from wagman.store.owner import entrust


@frozen
class Source:
    """The operator's file, and a copy of its last right version.

    Args:
        path: of the operator's file.
        judge: raises ConfigError if a configuration cannot be used on this machine.
        copy: where the copy is; None if there is no place: then a wrong file is an error.
    """

    path: str
    judge: Callable[[Config], object]
    copy: Path | None = None

    def load(self) -> Config:
        """Return the configuration in the file.

        Raises:
            ConfigError: it cannot be read, or used.
        """
        return self._judged(load(self.path))

    def load_at_start(self) -> tuple[Config, tuple[str, ...]]:
        """Return the configuration in the file, or else in the copy; with the latter, the errors of the file.

        Raises:
            ConfigError: what is wrong with the file, where the copy is of no use either.
        """
        try:
            return self.load(), ()
        except ConfigError as error:
            if self.copy is None or not self.copy.exists():
                raise
            try:
                return self._judged(load_alone(str(self.copy))), error.problems
            except ConfigError as worse:
                raise ConfigError((*error.problems, *worse.problems)) from error

    def keep(self, config: Config) -> tuple[str, ...]:
        """Copy the file, which holds `config`, unless the copy has it already; return warnings."""
        if self.copy is None:
            return ()
        try:
            if not self._is_kept(config):
                self._copy(self.copy, config)
        except (OSError, ConfigError) as error:
            return (f"no copy of the configuration could be kept: {error}",)
        return ()

    def _judged(self, config: Config) -> Config:
        self.judge(config)
        return config

    def _is_kept(self, config: Config) -> bool:
        try:
            return self.copy is not None and load_alone(str(self.copy)) == config
        except ConfigError:
            return False

    def _copy(self, copy: Path, config: Config) -> None:
        """Copy by way of a new file, so that a power cut leaves the old copy or the new. An edit meanwhile is an error."""
        fresh = copy.with_name(f"{copy.name}.new")
        fresh.unlink(missing_ok=True)  # what a link there leads to is not ours
        with fresh.open("xb") as file:
            file.write(self._in_one())
            file.flush()
            if load_alone(str(fresh)) != config:
                raise ConfigError((f"{self.path} changed while it was copied",))
            entrust(file.fileno(), fresh)
            os.fsync(file.fileno())
        fresh.replace(copy)

    def _in_one(self) -> bytes:
        """The configuration as one file: the operator's own, to the letter, unless there are more beside it."""
        if len(files(self.path)) > 1:
            return as_one(whole(self.path).tables).encode()
        if not Path(self.path).is_file():
            raise OSError(errno.EINVAL, "it came through a pipe", self.path)  # and cannot be read once more
        return Path(self.path).read_bytes()
