"""The sensors of the enclosure: readings judged against bounds, with hysteresis and patience.

Each sensor has a verdict (`normal`, `high`, `low`, or none yet) that changes only when `samples` readings in a row say so.
A sensor that fails, or has sent nothing for long, is *unknown*. That is reported once and changes no verdict, because a broken
sensor proves neither heat nor its end. Pure, like the machines: (reading) -> next environment, events.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from wagman.config.enclosure import Bounds, EnvironmentConfig
from wagman.model.facts import Draft, Sample

Reading: TypeAlias = Literal["normal", "high", "low", "unknown"]

FIRST_VERDICT, RELEASE, STALE = "first_verdict", "unknown_release", "stale:"


@frozen
class Sensor:
    """One sensor against its bounds."""

    bounds: Bounds
    verdict: Reading | None = None  # the last one that was not `unknown`
    known: bool | None = None  # whether it sends usable readings; None: too few so far
    candidate: Reading | None = None
    agreeing: int = 0  # samples in a row that say `candidate`

    @property
    def state(self) -> Reading:
        """The reading that the operator is shown: the verdict, or `unknown`."""
        return self.verdict if self.known and self.verdict else "unknown"

    @property
    def silent(self) -> bool:
        """Whether the sensor sends nothing. A sensor that sends again counts as heard before it has a verdict."""
        return self.known is False and self.candidate is None

    @property
    def hot(self) -> bool:
        """Whether this sensor forbids that guests run."""
        return self.verdict == "high" or (self.verdict == "low" and self.bounds.low_action == "hibernate")

    @property
    def cold(self) -> bool:
        """Whether this sensor forbids starts; guests that run go on."""
        return self.verdict == "low" and self.bounds.low_action == "wait"

    def judge(self, value: float | None) -> Reading:
        """Compare one reading (None: it failed) with the bounds; an abnormal verdict ends only `hysteresis` inside its bound."""
        if value is None:
            return "unknown"
        margin = self.bounds.hysteresis
        high, low = self.bounds.high, self.bounds.low
        if high is not None and (value >= high or (self.verdict == "high" and value > high - margin)):
            return "high"
        if low is not None and (value <= low or (self.verdict == "low" and value < low + margin)):
            return "low"
        return "normal"

    def sampled(self, value: float | None, samples: int) -> "Sensor":
        """The sensor after one more reading."""
        reading = self.judge(value)
        if self.known is not None and reading == self.state:
            return evolve(self, candidate=None, agreeing=0)
        agreeing = self.agreeing + 1 if reading == self.candidate else 1
        if agreeing < samples:
            return evolve(self, candidate=reading, agreeing=agreeing)
        return self.unknown() if reading == "unknown" else evolve(self, verdict=reading, known=True, candidate=None, agreeing=0)

    def unknown(self) -> "Sensor":
        """The sensor when it sends nothing usable any more; its last verdict stands."""
        return evolve(self, known=False, candidate=None, agreeing=0)


@frozen
class Environment:
    """All sensors together, and what follows from them for the guests."""

    config: EnvironmentConfig
    sensors: Mapping[str, Sensor] = field()
    waited: bool = False  # the longest wait for a first verdict is over

    @sensors.default
    def _bounded_sensors(self) -> dict[str, Sensor]:
        return {name: Sensor(bounds) for name, bounds in self.config.sensors.items()}

    @property
    def hot(self) -> bool:
        """Whether guests must not run."""
        return any(sensor.hot for sensor in self.sensors.values())

    @property
    def calm(self) -> bool:
        """Whether every sensor has a verdict, and none forbids that guests run. The last verdict of an unknown sensor counts."""
        return all(sensor.verdict is not None and not sensor.hot for sensor in self.sensors.values())

    @property
    def cold(self) -> bool:
        """Whether no guest may be started; guests that run go on."""
        return any(sensor.cold for sensor in self.sensors.values())

    @property
    def starts_allowed(self) -> bool:
        """Whether the enclosure allows that guests are started."""
        told = all(sensor.known is not None for sensor in self.sensors.values())
        return (told or self.waited) and not self.cold and not self.hot

    @property
    def doubtful(self) -> bool:
        """Whether only unknown sensors keep guests from running or starting."""
        bad = [s for s in self.sensors.values() if s.hot or s.cold or s.verdict is None]
        return bool(bad) and not any(sensor.known and sensor.verdict is not None for sensor in bad)

    def sampled(self, sample: Sample) -> tuple["Environment", tuple[Draft, ...]]:
        """Take in one reading; returns the next environment and the events about it."""
        old = self.sensors.get(sample.sensor)
        if old is None:
            return self, ()
        return self._changed(sample.sensor, old, old.sampled(sample.value, self.config.samples), sample.value)

    def stale(self, name: str) -> tuple["Environment", tuple[Draft, ...]]:
        """The sensor has sent nothing for too long, and is unknown from now on."""
        return self._changed(name, self.sensors[name], self.sensors[name].unknown(), None)

    def reconfigured(self, config: EnvironmentConfig) -> "Environment":
        """The environment with other bounds. A sensor keeps its verdict until new readings change it."""
        known = {name: evolve(self.sensors.get(name, Sensor(bounds)), bounds=bounds) for name, bounds in config.sensors.items()}
        return evolve(self, config=config, sensors=known)

    def released(self) -> tuple["Environment", tuple[Draft, ...]]:
        """Count every unknown sensor as normal, because it has been unknown for `unknown_release`."""
        # Nobody is there to mend the sensor.
        unsure = {name: evolve(s, verdict="normal") for name, s in self.sensors.items() if not s.known}
        event = Draft("environment.released", None, {"sensors": sorted(unsure), "after_s": self.config.unknown_release_s})
        return evolve(self, sensors={**self.sensors, **unsure}), (event,)

    def _changed(self, name: str, old: Sensor, new: Sensor, value: float | None) -> tuple["Environment", tuple[Draft, ...]]:
        after = evolve(self, sensors={**self.sensors, name: new})
        if new.state == old.state and (new.known is not None) == (old.known is not None):
            return after, ()
        kind = new.state if new.state in ("normal", "unknown") else "abnormal"
        return after, (Draft(f"environment.{kind}", None, {"sensor": name, "state": new.state, "value": value}),)
