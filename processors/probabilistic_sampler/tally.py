"""What the sampler counts and tells."""

from collections import Counter

from collector.api import QuietLog, Settings
from collector.data import Signal
from processors.probabilistic_sampler.rule import Decision

_NAMES = {Signal.TRACES: "traces", Signal.LOGS: "logs"}


class Tally:
    """Collects the decisions of a batch, and hands them to the metrics at its end."""

    def __init__(self, settings: Settings, signal: Signal) -> None:
        self.decided: Counter[tuple[str, bool]] = Counter()
        self._faults: Counter[str] = Counter()
        self._log = QuietLog(settings.logger, settings.clock)
        self._sampled = settings.telemetry.counter(
            f"otelcol_processor_probabilistic_sampler_count_{_NAMES[signal]}_sampled",
            f"{signal.items.replace('_', ' ').capitalize()} that were sampled or not",
            ("policy", "sampled"),
        )
        self._errors = settings.telemetry.counter(
            "otelcol_processor_probabilistic_sampler_errors",
            "Items whose sampling data was missing, malformed or contradicting",
            ("reason",),
        )

    def note(self, decision: Decision) -> None:
        """Count a decision; a fault is told in the log now and then."""
        self.decided[decision.policy, decision.sampled] += 1
        if decision.fault is None:
            return
        self._faults[decision.fault.reason] += 1
        self._log.warning(
            "an item's sampling data cannot be used",
            reason=decision.fault.reason,
            error=decision.fault.message,
            kept=decision.sampled,
        )

    def flush(self) -> None:
        """Hand on what was counted."""
        for (policy, sampled), count in self.decided.items():
            if count:
                self._sampled.add(count, policy=policy, sampled="true" if sampled else "false")
        for reason, count in self._faults.items():
            self._errors.add(count, reason=reason)
        self.decided.clear()
        self._faults.clear()
