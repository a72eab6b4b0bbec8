"""The power meter of a guest's outlet as one of the sources by which the guest is heard."""

from attrs import define, field

from wagman.io.ears.hearing import Source
from wagman.model.facts import Beat, Listened

METER = "watts"
"""The name of the meter among the sources of a guest."""


@define(eq=False, repr=False)
class Meter:
    """The power meter of a guest's outlet: while the guest draws `least_w` or more, it has not halted yet."""

    source: Source
    least_w: float
    _since_s: float | None = field(default=None, init=False)  # the outlet has drawn less than `least_w` since then

    def saw(self, asked_at_s: float, watts: float | None) -> None:
        """Take a reading of the outlet in W, asked for at `asked_at_s`; None where the board showed none."""
        if watts is None:
            self._since_s = None
            self.source.deaf()
        elif watts >= self.least_w:
            self._since_s = None
            self.source.beat(Beat(asked_at_s, METER), asked_at_s)
        else:
            self._since_s = asked_at_s if self._since_s is None else self._since_s
            self.source.listened(Listened(asked_at_s, self._since_s))
