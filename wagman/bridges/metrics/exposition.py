"""The text that Prometheus reads: its text format, version 0.0.4 (specified by Prometheus)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from wagman.bridges.metrics.family import Kind, Labels, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABELS = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def exposed(name: str, kind: Kind, text: str, samples: Iterable[Sample]) -> str:
    """Return a family as text; an empty text if it has no samples."""
    lines = list(_lines(name, samples))
    if not lines:
        return ""
    return "".join((f"# HELP {name} {text.translate(_IN_HELP)}\n", f"# TYPE {name} {kind}\n", *lines))


def _lines(name: str, samples: Iterable[Sample]) -> Iterator[str]:
    # Prometheus would refuse all samples if one came twice.
    once: Mapping[Sequence[tuple[str, str]], float] = {tuple(labels.items()): value for labels, value in samples}
    for labels, value in once.items():
        yield f"{name}{_braced(dict(labels))} {_figure(value)}\n"


def _braced(labels: Labels) -> str:
    pairs = ",".join(f'{key}="{value.translate(_IN_LABELS)}"' for key, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _figure(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
