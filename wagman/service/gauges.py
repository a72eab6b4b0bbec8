"""The gauges, numbers that commands read: a task for each, restarted when the configuration changes, and their rows."""

from collections.abc import Callable, Mapping

import trio
from attrs import define, field

from wagman.config.gauges import GaugeConfig
from wagman.fsm.environment import Environment
from wagman.io.gauge import Gauge
from wagman.model import shapes
from wagman.model.facts import Sample
from wagman.service.status import age_s
from wagman.tasks.contain import contained

TASK = "sensors"
"""The name of the task that holds the tasks of all gauges."""


@define(eq=False, repr=False)
class Gauges:
    """All gauges of the configuration.

    Args:
        tell: takes each reading, also one that failed.
        crashed: is told of each crash.
    """

    configs: Mapping[str, GaugeConfig]
    tell: Callable[[Sample], None]
    crashed: Callable[[str, BaseException], None]
    gauges: dict[str, Gauge] = field(factory=dict, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.reconfigure(self.configs)

    def reconfigure(self, configs: Mapping[str, GaugeConfig]) -> None:
        """Take over other commands. A gauge whose configuration stays the same keeps its reading."""
        self.gauges = {name: self._gauge(name, config) for name, config in configs.items()}
        self._changed.set()

    def _gauge(self, name: str, config: GaugeConfig) -> Gauge:
        old = self.gauges.get(name)
        return old if old is not None and old.config == config else Gauge(name, config, self.tell)

    @property
    def progress_s(self) -> float:
        """The oldest sign of life among the gauges, on trio's clock."""
        return min((gauge.progress_s for gauge in self.gauges.values()), default=trio.current_time())

    async def run(self) -> None:
        """Read all gauges until cancelled."""
        while True:
            self._changed = trio.Event()
            async with trio.open_nursery() as nursery:
                for name, gauge in self.gauges.items():
                    nursery.start_soon(contained, f"sensor.{name}", gauge.run, self.crashed, name=f"sensor.{name}")
                await self._changed.wait()
                nursery.cancel_scope.cancel()

    def shown(self, environment: Environment, now_s: float) -> dict[str, shapes.Gauge]:
        """The rows of the gauges in the status, by name.

        `value` is None where the latest reading failed or is older than `stale_s`.
        """
        return {name: _shown(gauge, environment, now_s) for name, gauge in self.gauges.items()}


def _shown(gauge: Gauge, environment: Environment, now_s: float) -> shapes.Gauge:
    age, judged = age_s(gauge.read_at_s, now_s), environment.sensors.get(gauge.name)
    is_known = gauge.trouble is None and age is not None and age <= environment.config.stale_s
    return {
        "value": gauge.value if is_known else None,
        "last": gauge.value,
        "age_s": age,
        "state": "unknown" if not is_known else judged.state if judged else "normal",
        "trouble": gauge.trouble,
    }
