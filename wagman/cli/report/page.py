"""The report as one page of HTML without scripts, other files or network. It can be read on a phone, and printed.

Everything that comes from the log is escaped. Each guest has a row with its state, its power, and what went wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from wagman.cli.report.axis import Event
from wagman.cli.report.figures import Figures, Span
from wagman.cli.report.history import History
from wagman.cli.report.intervals import Stretch
from wagman.cli.report.words import causes, moment, outage_words, percent, power, remarks
from wagman.cli.text import short
from wagman.model.catalogue import sentence_of, severity_of
from wagman.model.words import counted, duration, plain, user_name

GRID = 2000
"""The width of the period in steps; whatever is shorter than a step is drawn as one step (chosen)."""

MOST_MARKS = 200
"""How many marks of what went wrong a row can have; events at the same place share a mark (chosen)."""

MOST_OUTAGES = 100
"""How many outages of a guest are listed, the latest ones (chosen)."""

_KINDS = {"up": "up", "down": "down", "kept": "down on purpose, or in maintenance", "unknown": "nobody knows"}
_POWER = {"on": "power on", "off": "power off", "switching": "being switched on", "unknown": "not known"}

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #59636e; --paper: #fff; --line: #d1d9e0; --up: #2da44e;
  --down: #cf222e; --kept: #8c959f; --unknown: #e7ebef; --hatch: #8c959f; --on: #54aeff; --off: #e7ebef; --switching: #d4a72c;
  --warning: #bf8700; --critical: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --paper: #0d1117; --line: #3d444d; --up: #3fb950;
  --down: #f85149; --kept: #6e7681; --unknown: #21262d; --hatch: #6e7681; --on: #388bfd; --off: #21262d; --switching: #bb8009;
  --warning: #d29922; --critical: #f85149; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; } p { margin: .2rem 0; } .faint { color: var(--faint); }
section { border-top: 1px solid var(--line); padding: .8rem 0; break-inside: avoid; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; align-items: baseline; }
.head b { font-size: 1.3rem; }
svg.row { display: block; width: 100%; height: 3.4rem; margin: .4rem 0 0; border: 1px solid var(--line); border-radius: .2rem; }
.ticks { display: flex; justify-content: space-between; font-size: .75rem; color: var(--faint); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: .4rem; margin: .6rem 0; }
dt { font-size: .75rem; color: var(--faint); } dd { margin: 0; }
ul { margin: .4rem 0; padding: 0; list-style: none; } li { padding: .15rem 0; } time { color: var(--faint); }
.key span { display: inline-block; margin-right: 1rem; } .key svg { width: 1rem; height: .8rem; vertical-align: -.05rem; }
summary { cursor: pointer; padding: .4rem 0; }
.up { fill: var(--up); } .down { fill: var(--down); } .kept { fill: var(--kept); } .on { fill: var(--on); }
.off { fill: var(--off); } .switching { fill: var(--switching); } .unknown { fill: url(#hatched); }
.warning { fill: var(--warning); } .critical { fill: var(--critical); }
@media print { :root { color-scheme: light; } body { padding: 0; font-size: 10pt; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(told: History, period: Stretch, found: Sequence[Figures]) -> str:
    """The page as text."""
    return "\n".join(_page(told, period, found)) + "\n"


def _page(told: History, period: Stretch, found: Sequence[Figures]) -> Iterator[str]:
    title = f"Guests, {moment(period[0])} to {moment(period[1])}"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{escape(title)}</h1>"
    whole = f"{duration(period[1] - period[0])}, {counted(told.events, 'event')}"
    yield f'<p class="faint">{escape(whole)}</p>'
    yield from (f"<p>{escape(remark)}</p>" for remark in remarks(told))
    yield _patterns()
    yield _key()
    for each in found:
        yield from _section(told, period, each)
    if not found:
        yield "<p>The log tells of no guest.</p>"
    yield "</main>\n</body>\n</html>"


def _patterns() -> str:
    """Return the pattern for unknown times, so that they can be told without colours, too."""
    return (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        '<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" style="fill:var(--unknown)"/><rect width="2" height="6" style="fill:var(--hatch)"/>'
        "</pattern></defs></svg>"
    )


def _key() -> str:
    words = {**_KINDS, "on": "power on", "off": "power off", "switching": "being switched on"}
    marks = {"warning": "a warning", "critical": "critical"}
    each = (f'<span><svg aria-hidden="true"><rect class="{kind}" width="16" height="13"/></svg> {text}</span>'
            for kind, text in (words | marks).items())  # fmt: skip
    return f'<p class="key faint">{"".join(each)}</p>'


def _section(told: History, period: Stretch, each: Figures) -> Iterator[str]:
    yield f'<section>\n<div class="head"><h2>{escape(plain(each.name))}</h2><b>{percent(each.uptime)}</b></div>'
    yield _row(told, period, each)
    yield f'<div class="ticks">{"".join(f"<span>{escape(moment(at_s))}</span>" for at_s in _ticks(period))}</div>'
    yield f"<p>{escape(causes(each))}</p>\n<p>{escape(power(each))}</p>"
    yield f"<dl>{''.join(f'<div><dt>{what}</dt><dd>{value}</dd></div>' for what, value in _terms(each))}</dl>"
    if each.outages:
        yield f"<details{' open' if len(each.outages) <= 5 else ''}><summary>Outages</summary><ul>"  # noqa: PLR2004 - chosen
        for outage in reversed(each.outages[-MOST_OUTAGES:]):
            words = f"{short(outage.down_s)}, {outage_words(outage)}"
            yield f"<li><time>{escape(moment(outage.begin_s))}</time> {escape(words)}</li>"
        yield "</ul></details>"
    yield "</section>"


def _terms(each: Figures) -> Iterator[tuple[str, str]]:
    yield "up", short(each.up_s)
    yield "down", short(each.down_s)
    yield "kept down", short(each.kept_s)
    yield "nobody knows", short(each.unknown_s)
    yield "between outages", short(each.mtbf_s)
    yield "until up again", short(each.mttr_s)


def _ticks(period: Stretch) -> Iterator[float]:
    return (period[0] + (period[1] - period[0]) * part for part in (0.0, 0.5, 1.0))


# --- The timeline -----------------------------------------------------------------------------------------------------


class Mark(NamedTuple):
    """The mark of what went wrong at one place of a row."""

    step: int
    severity: str
    text: str


def _row(told: History, period: Stretch, each: Figures) -> str:
    """Return the row of a guest: state, power, what went wrong. A label says the same in words, for those who cannot see it."""
    track = told.guests[each.name].track
    powers = _powers(track.power, each.spans, period)
    states = ((span.begin_s, span.end_s, span.kind) for span in each.spans)
    words = f"{plain(each.name)}: up {percent(each.uptime)} of the time that is known of, {causes(each)}"
    marks = "".join(
        f'<rect class="{mark.severity}" x="{mark.step * GRID / MOST_MARKS:g}" y="44" width="{GRID / MOST_MARKS:g}" height="10">'
        f"<title>{escape(mark.text)}</title></rect>"
        for mark in _marks(told, period, each.name)
    )
    return (
        f'<svg class="row" role="img" aria-label="{escape(words)}" viewBox="0 0 {GRID} 54" preserveAspectRatio="none">'
        f"{_band(states, period, 0, 28, _KINDS)}{_band(powers, period, 31, 10, _POWER)}{marks}</svg>"
    )


def _powers(marks: Sequence[tuple[float, str]], spans: Sequence[Span], period: Stretch) -> Iterator[tuple[float, float, str]]:
    """Yield the states of the power as they were recorded, and the unknown times."""
    ends = [*(at_s for at_s, _ in marks), period[1]][1:]  # none where the log tells nothing of its power
    yield from ((at_s, end_s, what) for (at_s, what), end_s in zip(marks, ends, strict=True))
    yield from ((span.begin_s, span.end_s, "unknown") for span in spans if span.kind == "unknown")


def _band(stretches: Iterable[tuple[float, float, str]], period: Stretch, top: int, height: int, words: dict[str, str]) -> str:
    """Return one path for each kind, so that a month of flapping stays small. Rare kinds are drawn over frequent ones."""
    paths: dict[str, dict[int, int]] = {kind: {} for kind in words}
    from_s, until_s = period
    for begin_s, end_s, kind in stretches:
        if end_s > from_s and begin_s < until_s and kind in paths:
            first, widths = _step(begin_s, period), paths[kind]
            widths[first] = max(_step(end_s, period) - first, widths.get(first, 1))
    return "".join(
        f'<path class="{kind}" d="{"".join(f"M{x} {top}h{width}v{height}h-{width}z" for x, width in found.items())}">'
        f"<title>{words[kind]}</title></path>"
        for kind, found in paths.items()
        if found
    )


def _step(at_s: float, period: Stretch) -> int:
    begin_s, end_s = period
    if at_s <= begin_s:
        return 0
    return GRID if at_s >= end_s else int((at_s - begin_s) / (end_s - begin_s) * GRID)


def _marks(told: History, period: Stretch, name: str) -> Iterator[Mark]:
    """Yield a mark for each place: the gravest event there, and how many others there are."""
    places = defaultdict[int, list[tuple[float, Event]]](list)
    for at_s, event in told.guests[name].track.troubles:
        if period[0] <= at_s <= period[1]:
            places[min(_step(at_s, period) * MOST_MARKS // GRID, MOST_MARKS - 1)].append((at_s, event))
    for step, found in places.items():
        severities = [severity_of(event["type"], event["fields"]) for _, event in found]
        worst = severities.index("critical") if "critical" in severities else 0
        at_s, event = found[worst]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield Mark(step, severities[worst], f"{moment(at_s)}: {plain(sentence_of(event, user_name))}{more}")
