"""Writes contrib/grafana/wagman.json, a dashboard for Grafana: `python -m docs.make.dashboard`; `--check` sees if it is stale."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from docs.make.pages import keep

MODULE = "docs.make.dashboard"

WIDTH = 24
"""Of a row, in the units of Grafana's grid (specified)."""

SOURCE = {"type": "prometheus", "uid": "${source}"}

UP_OR_NOT = [{"type": "value", "options": {"0": {"text": "no", "color": "red"}, "1": {"text": "yes", "color": "green"}}}]
NOT_OR_BAD = [{"type": "value", "options": {"0": {"text": "no", "color": "green"}, "1": {"text": "yes", "color": "red"}}}]


class Panel(NamedTuple):
    """One picture: its queries, each with the words that its lines are called by."""

    title: str
    kind: str
    queries: Sequence[tuple[str, str]]
    unit: str = "none"
    width: int = 12
    height: int = 8
    mappings: Sequence[Mapping[str, Any]] = ()


PANELS = (
    Panel("The service answers", "stat", [('wagman_up{instance=~"$node"}', "{{instance}}")], "none", 8, 4, UP_OR_NOT),
    Panel(
        "What calls for a person",
        "stat",
        [('sum by (severity) (wagman_problems{instance=~"$node"})', "{{severity}}")],
        width=8,
        height=4,
    ),
    Panel(
        "Guests started, of those wanted",
        "stat",
        [
            (
                'sum(wagman_device_state{instance=~"$node",state="started"} and on (instance, device) wagman_device_wanted == 1)',
                "started",
            ),
            ('sum(wagman_device_wanted{instance=~"$node"})', "wanted"),
        ],
        width=8,
        height=4,
    ),
    Panel(
        "Problems",
        "table",
        [('wagman_problem{instance=~"$node"}', "")],
        width=WIDTH,
        height=6,
    ),
    Panel(
        "Guests that are started",
        "status-history",
        [('wagman_device_state{instance=~"$node",state="started"}', "{{instance}} {{device}}")],
        width=WIDTH,
        mappings=UP_OR_NOT,
    ),
    Panel(
        "Boards that are not seen",
        "status-history",
        [('wagman_board_blind{instance=~"$node"}', "{{instance}} {{board}}")],
        width=WIDTH,
        height=5,
        mappings=NOT_OR_BAD,
    ),
    Panel(
        "Age of the last sign of life",
        "timeseries",
        [('time() - wagman_device_last_heartbeat_timestamp_seconds{instance=~"$node"}', "{{instance}} {{device}}")],
        "s",
    ),
    Panel(
        "Failed starts in a row",
        "timeseries",
        [('wagman_device_failures{instance=~"$node"}', "{{instance}} {{device}}")],
    ),
    Panel(
        "Current",
        "timeseries",
        [
            ('wagman_device_current_amperes{instance=~"$node"}', "{{instance}} {{device}}"),
            ('wagman_board_current_amperes{instance=~"$node"}', "{{instance}} {{board}}, all"),
        ],
        "amp",
    ),
    Panel(
        "Power, where it is metered",
        "timeseries",
        [('wagman_device_power_watts{instance=~"$node"}', "{{instance}} {{device}}")],
        "watt",
    ),
    Panel(
        "Temperature of the enclosure",
        "timeseries",
        [('wagman_enclosure_temperature_celsius{instance=~"$node"}', "{{instance}} {{board}}")],
        "celsius",
    ),
    Panel(
        "Humidity of the enclosure",
        "timeseries",
        [('wagman_enclosure_humidity_ratio{instance=~"$node"}', "{{instance}} {{board}}")],
        "percentunit",
    ),
    Panel(
        "What commands read",
        "timeseries",
        [('wagman_sensor_reading{instance=~"$node"}', "{{instance}} {{sensor}}")],
    ),
    Panel(
        "Events in an hour",
        "timeseries",
        [('increase(wagman_log_events_total{instance=~"$node"}[1h])', "{{instance}}")],
    ),
)


def dashboard() -> Mapping[str, Any]:
    """The dashboard, as Grafana imports it."""
    return {
        "title": "wagman",
        "uid": "wagman",
        "tags": ["wagman"],
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_source(), _nodes()]},
        "panels": list(_placed(PANELS)),
    }


def _source() -> Mapping[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "source"}


def _nodes() -> Mapping[str, Any]:
    return {
        "name": "node",
        "label": "node",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(wagman_up, instance)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _placed(panels: Sequence[Panel]) -> Iterator[Mapping[str, Any]]:
    """Beside each other as far as there is room, then in a new row."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > WIDTH:
            x, y, height = 0, y + height, 0
        yield _panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, height = x + panel.width, max(height, panel.height)


def _panel(number: int, panel: Panel, place: Mapping[str, int]) -> Mapping[str, Any]:
    is_table = panel.kind == "table"
    targets = [
        {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": query, "legendFormat": legend}
        | ({"instant": True, "format": "table"} if is_table else {})
        for index, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "mappings": list(panel.mappings)}, "overrides": []},
        "targets": targets,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(keep(MODULE, lambda _: {"../contrib/grafana/wagman.json": text()}))
