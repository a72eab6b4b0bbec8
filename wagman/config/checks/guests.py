"""What must hold for how a guest is started and stopped."""

from collections.abc import Iterator

from attrs import frozen

from wagman.config import durations
from wagman.config.checks.subject import Subject, too_short
from wagman.config.ears import SILENT_BEATS
from wagman.config.findings import Finding
from wagman.config.schema import DeviceConfig
from wagman.config.setting import settings


@frozen
class AtLeast:
    """A rule between two durations of a guest: `key` is at least `times` as long as `other`."""

    key: str
    other: str
    times: int = 1
    of_the_board: bool = False  # only for a guest that beats on an input of its board

    def applies_to(self, device: DeviceConfig) -> bool:
        """Whether the rule holds for this guest."""
        return not device.is_self and (device.hears_board or not self.of_the_board)

    def broken_by(self, subject: Subject, device: DeviceConfig) -> Iterator[Finding]:
        """The finding, blamed on a key that the file states."""
        wanted = f"{self.times} times {self.other}" if self.times > 1 else self.other
        message = too_short(self.key, value(device, self.key), self.times * value(device, self.other), wanted, self.other)
        if message:
            first, second = subject.source(device, self.key), subject.source(device, self.other)
            blamed = subject.first_stated(first, second)
            yield Finding(blamed, message, (second, subject.source(device, "heartbeat")))


AT_LEAST = (
    AtLeast("start_timeout_max", "start_timeout"),
    AtLeast("backoff_max", "backoff_min"),
    AtLeast("heartbeat_timeout", "beat_interval", SILENT_BEATS, of_the_board=True),
    AtLeast("stop_silence", "beat_interval", SILENT_BEATS, of_the_board=True),
)


def value(device: DeviceConfig, key: str) -> float:
    """A duration of a guest, by its key."""
    seconds: float = getattr(device, settings(DeviceConfig)[key].name)
    return seconds


def check_durations(subject: Subject) -> Iterator[Finding]:
    """The durations of each guest fit together."""
    for device in subject.config.devices:
        for rule in AT_LEAST:
            if rule.applies_to(device):
                yield from rule.broken_by(subject, device)


def check_shutdown(subject: Subject) -> Iterator[Finding]:
    """Each guest can be asked to halt, or may be cut."""
    for device in subject.config.devices:
        if device.shutdown is None and not device.is_self:
            message = "missing: give the command that asks this guest to halt, or [] if its power may simply be cut"
            yield Finding(
                ("device", device.name, "shutdown"), message, (("device", device.name, "self"), ("defaults", "shutdown"))
            )
        elif device.shutdown and device.restart == ():
            message = "[] cuts the power at a restart, and shutdown says that this guest is to be asked first: remove this key"
            yield Finding(subject.source(device, "restart"), message, (subject.source(device, "shutdown"),))


def advise_adopting(subject: Subject) -> Iterator[Finding]:
    """A guest that is found running gets enough time for its next beat."""
    for device in subject.config.guests:
        if not device.hears_board or not durations.is_shorter(device.adopt_window_s, device.beat_interval_s):
            continue
        first, second = subject.source(device, "adopt_window"), subject.source(device, "beat_interval")
        message = (
            f"warning: adopt_window is {durations.show(device.adopt_window_s)}, and the beats of a guest that runs are up to "
            f"{durations.show(device.beat_interval_s)} apart: where no state was saved it is taken for one that hangs, and "
            "restarted. Take twice as long"
        )
        yield Finding(subject.first_stated(first, second), message, (first, second))


def advise_stopping(subject: Subject) -> Iterator[Finding]:
    """A guest that halts can be silent for long enough before its stop is given up."""
    for device in subject.config.guests:
        if not device.shutdown or device.stop_timeout_s > device.stop_silence_s:
            continue
        first, second = subject.source(device, "stop_timeout"), subject.source(device, "stop_silence")
        timeout, silence = durations.show(device.stop_timeout_s), durations.show(device.stop_silence_s)
        message = (
            f"warning: stop_timeout is {timeout}, and stop_silence {silence}: each stop is told as one that the guest did not "
            "obey, however fast it halts. Take a longer stop_timeout"
        )
        yield Finding(subject.first_stated(first, second), message, (first, second))


CHECKS = (check_durations, check_shutdown)
ADVICE = (advise_adopting, advise_stopping)
