"""The decision about a trace: by its key and its randomness, against what the governor allows."""

from collections import Counter

from collector.api import Settings
from collector.processing.probability import ALWAYS, adjusted_count
from collector.sampling.decision import Decision
from collector.sampling.trace import Trace
from processors.adaptive_sampler.config import Config, Unit
from processors.adaptive_sampler.governor import OTHER, Governor
from processors.adaptive_sampler.keys import KeyReader
from processors.adaptive_sampler.remote import RemoteRates
from processors.adaptive_sampler.report import Report

POLICY = "adaptive"

# Why a trace was kept or dropped.
_RATE, _OTHER, _DUE = "rate", "other", "due"


class AdaptiveDecider:
    """Decides about traces, and counts them and their spans by reason.

    The reasons: `rate` is the probability of the key, `other` that of the keys without room of their own, and `due`
    keeps the next trace of a key of which none was kept for too long.
    """

    def __init__(self, config: Config, settings: Settings) -> None:
        self._clock = settings.clock
        self._read = KeyReader(config.keys)
        self._unit = config.unit
        self._governor = Governor(config, settings.clock.monotonic())
        self._report = Report(config, settings)
        remote = config.remote_sampling
        self.rates = None if remote is None else RemoteRates(remote, config, self._governor)
        self._steps = 0
        self._decided: Counter[tuple[bool, str]] = Counter()
        self._decided_spans: Counter[tuple[bool, str]] = Counter()
        labels = ("decision", "reason")
        self._traces = settings.telemetry.counter(
            "otelcol_processor_adaptive_sampler_decided_traces", "Traces that were decided about, by reason", labels
        )
        self._spans = settings.telemetry.counter(
            "otelcol_processor_adaptive_sampler_decided_spans", "Spans of the traces that were decided about", labels
        )

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace."""
        return self.decide_all([trace])[0]

    def decide_all(self, traces: list[Trace]) -> list[Decision]:
        """Return what becomes of each trace."""
        now = self._clock.monotonic()
        decisions = [self._decide(trace, now) for trace in traces]
        self._count()
        if self._governor.steps != self._steps:
            self._after_step(now)
        return decisions

    def _decide(self, trace: Trace, now: float) -> Decision:
        key = self._governor.key(self._read(trace), now)
        size, randomness = _size(trace, self._unit), trace.randomness
        threshold = self._governor.offer(key, size, _count(trace, randomness), now)
        sampled = threshold <= randomness
        if sampled:
            self._governor.keep(key, size, now)
        due = threshold == ALWAYS != key.threshold
        reason = _DUE if due else _OTHER if key.values == OTHER else _RATE
        self._decided[sampled, reason] += 1
        self._decided_spans[sampled, reason] += len(trace)
        # Decisions that say the same are one object.
        decision = key.decisions.get(sampled)
        if decision is None or decision.threshold != threshold:
            decision = key.decisions[sampled] = Decision(sampled, POLICY, key.text, threshold)
        return decision

    def _count(self) -> None:
        for counted, counter in ((self._decided, self._traces), (self._decided_spans, self._spans)):
            for (sampled, reason), number in counted.items():
                counter.add(number, decision="keep" if sampled else "drop", reason=reason)
            counted.clear()

    def _after_step(self, now: float) -> None:
        self._steps = self._governor.steps
        self._report(self._governor)
        if self.rates is not None:
            self.rates.refresh(now)


def _size(trace: Trace, unit: Unit) -> float:
    match unit:
        case "traces":
            return 1
        case "spans":
            return len(trace)
        case "bytes":
            return trace.size


def _count(trace: Trace, randomness: int) -> float:
    """Return how many traces one stands for by what earlier samplers did, where that is not impossible."""
    threshold = trace.ot.threshold if trace.has_trace_state else None
    if not threshold or threshold > randomness:
        return 1.0
    return adjusted_count(threshold)
