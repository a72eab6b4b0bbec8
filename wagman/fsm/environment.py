"""What the enclosure is like: readings of its sensors judged against bounds, with hysteresis and patience.

Each sensor has a verdict (`normal`, `high`, `low`, or none yet) that changes only when `samples` readings in a row say so.
A sensor that fails, or has not told for long, is *unknown*; that is reported once and changes no verdict, because
neither heat nor its end may be concluded from a broken sensor. Pure, like the machines: (reading) -> next, events.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from wagman.config.schema import Bounds, EnvironmentConfig
from wagman.model.facts import Draft, Sample

Reading: TypeAlias = Literal["normal", "high", "low", "unknown"]

FIRST_VERDICT, RELEASE, STALE = "first_verdict", "unknown_release", "stale:"


@frozen
class Sensor:
    """One sensor against its bounds."""

    bounds: Bounds
    verdict: Reading | None = None  # the last one that was not `unknown`
    known: bool | None = None  # None: it has not told enough yet
    candidate: Reading | None = None
    agreeing: int = 0  # samples in a row that say `candidate`

    @property
    def state(self) -> Reading:
        """As the operator is shown it."""
        return self.verdict if self.known and self.verdict else "unknown"

    @property
    def silent(self) -> bool:
        """It does not tell; one that tells again, and has yet to tell enough for a verdict, does."""
        return self.known is False and self.candidate is None

    @property
    def hot(self) -> bool:
        """Guests must not run."""
        return self.verdict == "high" or (self.verdict == "low" and self.bounds.low_action == "hibernate")

    @property
    def cold(self) -> bool:
        """Guests that run go on, but none is started."""
        return self.verdict == "low" and self.bounds.low_action == "wait"

    def judge(self, value: float | None) -> Reading:
        """One reading against the bounds; leaving an abnormal verdict takes `hysteresis`."""
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
        """It does not tell any more; what was known of the enclosure stands."""
        return evolve(self, known=False, candidate=None, agreeing=0)


@frozen
class Environment:
    """All sensors together, and what follows for the guests."""

    config: EnvironmentConfig
    sensors: Mapping[str, Sensor] = field()
    waited: bool = False  # the longest wait for a first verdict is over

    @sensors.default
    def _bounded_sensors(self) -> dict[str, Sensor]:
        return {name: Sensor(bounds) for name, bounds in self.config.sensors.items()}

    @property
    def hot(self) -> bool:
        """Guests must not run."""
        return any(sensor.hot for sensor in self.sensors.values())

    @property
    def calm(self) -> bool:
        """Every sensor is known not to forbid anything, or was when last it told."""
        return all(sensor.verdict is not None and not sensor.hot for sensor in self.sensors.values())

    @property
    def cold(self) -> bool:
        """Guests that run go on, but none is started."""
        return any(sensor.cold for sensor in self.sensors.values())

    @property
    def starts_allowed(self) -> bool:
        """The scheduler may start guests, as far as the enclosure is concerned."""
        told = all(sensor.known is not None for sensor in self.sensors.values())
        return (told or self.waited) and not self.cold and not self.hot

    @property
    def doubtful(self) -> bool:
        """Something is forbidden, or may be, and no sensor that tells says so."""
        bad = [s for s in self.sensors.values() if s.hot or s.cold or s.verdict is None]
        return bool(bad) and not any(sensor.known and sensor.verdict is not None for sensor in bad)

    def sampled(self, sample: Sample) -> tuple["Environment", tuple[Draft, ...]]:
        """The environment after one more reading, and what is to be told of it."""
        old = self.sensors.get(sample.sensor)
        if old is None:
            return self, ()
        return self._changed(sample.sensor, old, old.sampled(sample.value, self.config.samples), sample.value)

    def stale(self, name: str) -> tuple["Environment", tuple[Draft, ...]]:
        """A sensor has not told for too long."""
        return self._changed(name, self.sensors[name], self.sensors[name].unknown(), None)

    def reconfigured(self, config: EnvironmentConfig) -> "Environment":
        """The environment with other bounds: what was found of a sensor stands until its next readings say otherwise."""
        known = {name: evolve(self.sensors.get(name, Sensor(bounds)), bounds=bounds) for name, bounds in config.sensors.items()}
        return evolve(self, config=config, sensors=known)

    def released(self) -> tuple["Environment", tuple[Draft, ...]]:
        """What is unknown for so long counts as normal: nobody is there to mend the sensor."""
        unsure = {name: evolve(s, verdict="normal") for name, s in self.sensors.items() if not s.known}
        event = Draft("environment.released", None, {"sensors": sorted(unsure), "after_s": self.config.unknown_release_s})
        return evolve(self, sensors={**self.sensors, **unsure}), (event,)

    def _changed(self, name: str, old: Sensor, new: Sensor, value: float | None) -> tuple["Environment", tuple[Draft, ...]]:
        after = evolve(self, sensors={**self.sensors, name: new})
        if new.state == old.state and (new.known is not None) == (old.known is not None):
            return after, ()
        kind = new.state if new.state in ("normal", "unknown") else "abnormal"
        return after, (Draft(f"environment.{kind}", None, {"sensor": name, "state": new.state, "value": value}),)
