"""The meter of a guest's outlet, among what the guest is heard by."""

from attrs import define, field

from wagman.io.ears.hearing import Source
from wagman.model.facts import Beat, Listened

METER = "watts"
"""What it is called among the sources of a guest."""


@define(eq=False, repr=False)
class Meter:
    """The meter of a guest's outlet, as a source: a guest that draws so much has not halted yet."""

    source: Source
    least_w: float
    _since_s: float | None = field(default=None, init=False)  # it has drawn less since then

    def saw(self, asked_at_s: float, watts: float | None) -> None:
        """What the board showed of the outlet when it was asked then; None: nothing."""
        if watts is None:
            self._since_s = None
            self.source.deaf()
        elif watts >= self.least_w:
            self._since_s = None
            self.source.beat(Beat(asked_at_s, METER), asked_at_s)
        else:
            self._since_s = asked_at_s if self._since_s is None else self._since_s
            self.source.listened(Listened(asked_at_s, self._since_s))
