"""The three OTLP signals and the words that belong to each."""

import enum


class Signal(enum.Enum):
    """What a batch carries. The value is the word that configuration files use."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"

    @property
    def items(self) -> str:
        """Return what own metrics call the countable parts: spans, metric points or log records."""
        return _ITEMS[self]


_ITEMS = {
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "log_records",
}

ALL_SIGNALS = frozenset(Signal)
