"""What the sources of one guest prove together, told to the guest as one.

An answer from any source is a beat. Silence is proved by all sources only: it begins at the latest of their beginnings, and
counts up to the earliest time at which one of them was asked. A source that was never heard may be misspelt, and proves nothing.
It is left out if others were heard; if none was, nothing is ever proved.
"""

import math
from collections.abc import Callable

from attrs import define, evolve, field

from wagman.model.facts import Beat, Listened, PortFact


@define(eq=False)
class Source:
    """One source of a guest: an ear, the board's own input, or the meter of its outlet."""

    name: str
    hearing: "Hearing"
    heard: bool  # it was heard at least once since it was configured, in any run of the service
    still_on: bool = False  # its answers are no beats, but it must be silent, too, before a halting guest is cut
    silence: Listened | None = field(default=None, init=False)  # the latest silence that it has proved since it was heard

    def beat(self, beat: Beat, at_s: float) -> None:
        """The source heard the guest, at `at_s` at the latest, which is never before the time of the beat."""
        self.silence = None
        self.hearing.heard(self, beat, at_s)

    def listened(self, silence: Listened) -> None:
        """The source proved a silence. All beats that it heard before have been told."""
        self.silence = silence
        self.hearing.review(silence.stirred_at_s)

    def deaf(self) -> None:
        """The source cannot tell whether the guest is silent."""
        self.silence = None


@define(eq=False)
class Hearing:
    """The sources of one guest.

    Args:
        tell: takes the guest's facts.
        is_halting: whether the guest is being asked to halt.
        first_heard: takes the name of a source that is heard for the first time since it was configured, to be remembered.
    """

    tell: Callable[[PortFact], None]
    is_halting: Callable[[], bool] = lambda: False
    first_heard: Callable[[str], None] = lambda _: None
    sources: list[Source] = field(factory=list, init=False)
    _stirred_at_s: float = field(default=-math.inf, init=False)

    def add(self, name: str, *, heard: bool, still_on: bool = False) -> Source:
        """Add a source; `heard`: it was heard in an earlier run.

        The board's own input is wired, not spelt, and so counts as heard.
        """
        source = Source(name, self, heard, still_on)
        self.sources.append(source)
        return source

    def heard(self, source: Source, beat: Beat, at_s: float) -> None:
        """A source heard the guest."""
        self._stirred_at_s = max(self._stirred_at_s, at_s)
        if not source.heard:
            source.heard = True
            self.first_heard(source.name)
        if not source.still_on:
            self.tell(beat)

    def review(self, stirred_at_s: float) -> None:
        """A source has listened: report what all of them prove by now."""
        self._stirred_at_s = max(self._stirred_at_s, stirred_at_s)
        if any(source.heard and not source.still_on for source in self.sources):
            self._tell_silence()

    def _tell_silence(self) -> None:
        is_halting = self.is_halting()
        counted = [source for source in self.sources if source.heard and (is_halting or not source.still_on)]
        proved = [source.silence for source in counted if source.silence is not None]
        if len(proved) < len(counted):
            return
        latest = max(proved, key=lambda silence: silence.silent_since_s)
        asked_at_s = min(silence.asked_at_s for silence in proved)
        if latest.silent_since_s < asked_at_s:
            self.tell(evolve(latest, asked_at_s=asked_at_s, stirred_at_s=self._stirred_at_s))
