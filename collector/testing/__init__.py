"""The kit for component authors: sinks, clocks, settings and the conformance checks."""

from collector.testing.clock import ManualClock, settle
from collector.testing.component import FakeHost, RecordingTelemetry, make_settings
from collector.testing.sinks import Blocking, Sink

__all__ = ["Blocking", "FakeHost", "ManualClock", "RecordingTelemetry", "Sink", "make_settings", "settle"]
