"""The request on the command line, except for the seed: the scenario for each seed, and the command that repeats it."""

import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from wagman.config.load import load
from wagman.config.schema import Config
from wagman.model.errors import CallerError
from wagman.simulation.faults.node import HOUR_S
from wagman.simulation.play import Scenario
from wagman.simulation.profiles import PROFILES, make_script
from wagman.simulation.script import Item, parse
from wagman.simulation.sites import DEFAULT_SITE, site

DAY_S = 24 * HOUR_S

DEFAULT_PROFILE = "everything"


@frozen
class Asked:
    """A node, and what is to happen to it."""

    days: float
    faults: str | None = None  # a profile
    site: str | None = None
    config: str | None = None  # the path of a file, in place of a site
    script: str | None = None  # the path of a file, in place of random faults

    @classmethod
    def of(cls, args: Namespace) -> "Asked":
        """Return the request in the arguments."""
        return cls(args.days, args.faults, args.site, args.config, args.script)

    def scenario(self, seed: int) -> Scenario:
        """Return the scenario for a seed.

        Raises:
            ConfigError: the configuration cannot be used.
            CallerError: there is no such profile or site, or the script cannot be read.
            OSError: there is no such script.
        """
        config = site(self.site or DEFAULT_SITE) if self.config is None else load(self.config)
        if self.script is not None:
            return Scenario(seed, config, parse(Path(self.script).read_text(encoding="utf-8")))
        return Scenario(seed, config, self._random_script(config, seed))

    def _random_script(self, config: Config, seed: int) -> Sequence[Item]:
        name = self.faults or DEFAULT_PROFILE
        if name not in PROFILES:
            raise CallerError(f"--faults {name}: there is no such profile (known: {', '.join(PROFILES)})")
        return make_script(config, PROFILES[name], seed, self.days * DAY_S)

    def again(self, seed: int) -> str:
        """Return the command that repeats the run of a seed."""
        words = ["wagman", "simulate", "--days", f"{self.days:g}", "--seed", str(seed)]
        options = {"faults": self.faults, "site": self.site, "config": self.config, "script": self.script}
        words += [word for name, value in options.items() if value is not None for word in (f"--{name}", value)]
        return shlex.join(words)
