"""The kit for component authors: sinks, clocks, settings and the conformance checks."""

from collector.testing.clock import ManualClock, settle
from collector.testing.component import FakeHost, RecordingTelemetry, make_settings
from collector.testing.samples import items_of, make_batch, sample_batch
from collector.testing.sinks import Blocking, Sink

__all__ = [
    "Blocking",
    "FakeHost",
    "ManualClock",
    "RecordingTelemetry",
    "Sink",
    "items_of",
    "make_batch",
    "make_settings",
    "sample_batch",
    "settle",
]
