"""What of the status is no metric, and why not."""

from collections.abc import Mapping

LEFT_OUT: Mapping[str, str] = {
    "service.boot_id": "a new label with each start would be a new series; `wagman_start_time_seconds` changes with it",
    "board": "the first of `boards`",
    "boards.device": "free text: `wagman status` shows it",
    "boards.board_id": "names one board for ever: `wagman status --json`",
    "boards.since": "a wall clock's word: the metric is made of `for_s`",
    "boards.reason": "free text: `wagman status` shows it",
    "boards.sensors.last": "old: what was read before the board went out of sight is no figure of now",
    "wagman.since": "a wall clock's word: the metric is made of `for_s`",
    "wagman.since_id": "an event: `wagman why`",
    "wagman.device": "its state is `starting`: `wagman_device_state`",
    "wagman.alarms": "timers of the machine: `wagman status --json`",
    "devices.since": "a wall clock's word: the metric is made of `for_s`",
    "devices.since_id": "an event: `wagman why`",
    "devices.reason": "free text: `wagman status` shows it",
    "devices.disabled_by": "`wagman_device_enabled` is what counts",
    "devices.power.evidence": "how the board has shown it: `wagman status --json`",
    "devices.sources.still_on": "the configuration says so",
    "devices.current_raw": "counts of a converter: no unit",
    "devices.temperature_raw": "counts of a converter: no unit",
    "devices.stale": "`wagman_board_blind`; then the figures have no samples",
    "devices.last": "old, as `boards.sensors.last`",
    "devices.alarms": "timers of the machine; that of the next start is `wagman_device_next_start_timestamp_seconds`",
    "sensors.last": "old, as `boards.sensors.last`",
    "ports.board_name": "what the board calls it: `wagman status`",
    "ports.current_raw": "counts of a converter: no unit",
    "ports.temperature_raw": "counts of a converter: no unit",
    "ports.stale": "`wagman_board_blind`; then the figures have no samples",
    "ports.last": "old, as `boards.sensors.last`",
    "problems.since": "a wall clock's word: the metric is made of `for_s`",
    "problems.text": "free text: `wagman status` shows it",
    "problems.do": "free text: `wagman status` shows it",
}
"""What of the status is no metric, by its path, and why; what is below such a path is none, either."""
