"""Own metrics as text, in the Prometheus format (https://prometheus.io/docs/instrumenting/exposition_formats/).

`prometheus_client` can write it too, but always ends the names of counters with `_total`. The OpenTelemetry Collector
does not, unless a reader asks for it, and dashboards are built on its names.
"""

import math
import os
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_STATM = Path("/proc/self/statm")


def render(families: Iterable[Metric], *, counter_suffix: str = "") -> str:
    """Return the text of all metrics. `counter_suffix` ends the names of counters."""
    lines: list[str] = []
    for family in sorted(families, key=lambda family: family.name):
        name = family.name + counter_suffix if family.type == "counter" else family.name
        lines.append(f"# HELP {name} {_escape(family.documentation)}")
        lines.append(f"# TYPE {name} {family.type}")
        lines += [
            _line(name if family.type == "counter" else sample.name, sample)
            for sample in family.samples
            if sample.name != f"{family.name}_created"
        ]
    return "\n".join([*lines, ""])


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(
        # Bounds of buckets are written as the Go collector writes them: 10, not 10.0.
        f'{label}="{_number(float(value)) if label == "le" else _escape_label(value)}"'
        for label, value in sample.labels.items()
    )
    return f"{name}{{{labels}}} {_number(sample.value)}" if labels else f"{name} {_number(sample.value)}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _escape_label(text: str) -> str:
    return _escape(text).replace('"', r"\"")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


class ProcessMetrics(Collector):
    """The process and the resource that it stands for, read at each scrape."""

    def __init__(self, target: Mapping[str, str]) -> None:
        self._target = target
        self._start = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily(
            "otelcol_process_cpu_seconds",
            "Total CPU user and system time in seconds",
            value=usage.ru_utime + usage.ru_stime,
        )
        yield GaugeMetricFamily(
            "otelcol_process_memory_rss", "Total physical memory (resident set size)", value=_rss(usage)
        )
        yield CounterMetricFamily(
            "otelcol_process_uptime", "Uptime of the process", value=time.monotonic() - self._start
        )
        info = GaugeMetricFamily("target_info", "Target metadata", labels=list(self._target))
        info.add_metric(list(self._target.values()), 1)
        yield info


def _rss(usage: resource.struct_rusage) -> float:
    """Return the resident memory in bytes; where the system does not tell, the most there ever was."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return usage.ru_maxrss * 1024
