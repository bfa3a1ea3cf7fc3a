"""What the samplers that wait for whole traces count: the OpenTelemetry Collector's metrics, and more.

At any quiet moment `spans_received = spans_kept + spans_dropped + spans_on_memory`.
"""

from collections import Counter

from collector.api import Settings
from collector.processing.handing_on import Loss
from collector.sampling.decision import Decision

# Seconds and milliseconds, as the OpenTelemetry Collector has them.
_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_MILLISECONDS = (
    *(1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 750.0),
    *(1e3, 2e3, 3e3, 4e3, 5e3, 10e3, 20e3, 30e3, 50e3),
)
_MICROSECONDS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 750.0, 1e3, 1e4, 1e5)

_VERDICT = ("sampled", "decision")


class Tally:
    """The instruments of one sampler; names begin with `otelcol_processor_<type>_`."""

    def __init__(self, settings: Settings, *, counts_votes: bool) -> None:
        telemetry, prefix = settings.telemetry, f"otelcol_processor_{settings.id.type}_"
        self._counts_votes = counts_votes
        self.received = telemetry.counter(f"{prefix}spans_received", "Spans that came in")
        self.new_traces = telemetry.counter(f"{prefix}new_trace_id_received", "Traces that are new")
        self.without_id = telemetry.counter(
            f"{prefix}spans_without_trace_id", "Spans without a valid trace id, each decided about by itself"
        )
        self._kept = telemetry.counter(f"{prefix}spans_kept", "Spans that were handed on", ("reason",))
        self._dropped = telemetry.counter(f"{prefix}spans_dropped", "Spans that were not handed on", ("reason",))
        self._global_traces = telemetry.counter(
            f"{prefix}global_count_traces_sampled", "Traces that were sampled or not", _VERDICT
        )
        self._traces = telemetry.counter(
            f"{prefix}count_traces_sampled", "Traces that were sampled or not, by policy", ("policy", *_VERDICT)
        )
        self._spans = telemetry.counter(
            f"{prefix}count_spans_sampled", "Spans that were sampled or not, by policy", ("policy", *_VERDICT)
        )
        self._early = telemetry.counter(
            f"{prefix}early_decisions", "Traces that were decided about before their time", ("cause",)
        )
        self._too_early = telemetry.counter(
            f"{prefix}sampling_trace_dropped_too_early",
            "Traces that were decided about before their time for want of room; none goes undecided",
        )
        self._late = telemetry.counter(
            f"{prefix}early_releases_from_cache_decision",
            "Spans that came after the decision about their trace and followed it",
            ("sampled",),
        )
        self._late_age = telemetry.histogram(
            f"{prefix}sampling_late_span_age", "Seconds from the decision to a span that came later", _SECONDS
        )
        self._removal_age = telemetry.histogram(
            f"{prefix}sampling_trace_removal_age",
            "Seconds from the arrival of a trace to its removal from memory; of traces that are decided together, one",
            _SECONDS,
        )
        self._latency = telemetry.histogram(
            f"{prefix}sampling_decision_latency", "Microseconds to decide about a trace, a mean of some", _MICROSECONDS
        )
        self.timer_latency = telemetry.histogram(
            f"{prefix}sampling_decision_timer_latency",
            "Milliseconds to decide about all that was due at a tick",
            _MILLISECONDS,
        )
        self.errors = telemetry.counter(
            f"{prefix}sampling_policy_evaluation_error", "Decisions that failed; the trace is kept"
        )
        self._forgotten = telemetry.counter(
            f"{prefix}decisions_forgotten", "Decisions that later spans can no longer follow, for want of room"
        )
        self.retries = telemetry.counter(
            f"{prefix}send_retries", "Number of times a batch was offered again", ("reason",)
        )
        self._traces_held = telemetry.gauge(f"{prefix}sampling_traces_on_memory", "Traces that are waiting")
        self._spans_held = telemetry.gauge(
            f"{prefix}spans_on_memory", "Spans that are waiting for a decision or to be taken by the next component"
        )
        self._bytes_held = telemetry.gauge(f"{prefix}bytes_on_memory", "Bytes of memory that waiting spans take")
        self._forgotten_before = 0

    def decided(self, decision: Decision, traces: int, spans: int) -> None:
        """Count traces about which one decision was made."""
        verdict = "sampled" if decision.sampled else "dropped" if decision.dropped else "not_sampled"
        labels = {"sampled": "true" if decision.sampled else "false", "decision": verdict}
        self._global_traces.add(traces, **labels)
        if not self._counts_votes:
            self._traces.add(traces, policy=decision.policy, **labels)
            self._spans.add(spans, policy=decision.policy, **labels)

    def early(self, cause: str, traces: int, *, for_room: bool) -> None:
        """Count traces that were decided about before their time."""
        self._early.add(traces, cause=cause)
        if for_room:
            self._too_early.add(traces)

    def dropped(self, reason: str, spans: int) -> None:
        """Count spans that are gone."""
        self._dropped.add(spans, reason=reason)

    def handed_on(self, reasons: Counter[str], loss: Loss | None) -> None:
        """Count a batch that was offered: spans by the reason why they were kept, less those that are lost."""
        left = loss.count if loss is not None else 0
        if loss is not None:
            self._dropped.add(loss.count, reason=loss.reason)
        for reason, spans in reasons.items():
            lost = min(spans, left)  # which of them a part that was refused had is not known
            left -= lost
            self._kept.add(spans - lost, reason=reason)

    def late(self, *, sampled: bool, spans: int, age: float) -> None:
        """Count the spans of one trace that came after its decision."""
        self._late.add(spans, sampled="true" if sampled else "false")
        self._late_age.record(age)

    def removed(self, age: float) -> None:
        """Record how long a trace was held, one of those that are decided about together."""
        self._removal_age.record(age)

    def timed(self, traces: int, seconds: float) -> None:
        """Record how long a group of decisions took."""
        self._latency.record(seconds / traces * 1e6)

    def held(self, *, traces: int, spans: int, size: int, forgotten: int) -> None:
        """Show what is on memory now, and how many decisions were forgotten so far."""
        self._traces_held.set(traces)
        self._spans_held.set(spans)
        self._bytes_held.set(size)
        self._forgotten.add(forgotten - self._forgotten_before)
        self._forgotten_before = forgotten
