"""What the policies are counted by, under the names of the collector written in Go."""

from collections.abc import Sequence
from itertools import compress

from collector.api import QuietLog, Settings
from processors.tail_sampling.voting import Keep

_PREFIX = "otelcol_processor_tail_sampling_"
_LABELS = ("policy", "sampled", "decision")


class Instruments:
    """The instruments that all policies share."""

    def __init__(self, settings: Settings) -> None:
        make = settings.telemetry.counter
        self.traces = make(f"{_PREFIX}count_traces_sampled", "Traces by what each policy said about them", _LABELS)
        self.spans = make(f"{_PREFIX}count_spans_sampled", "Their spans", _LABELS)
        self.executions = make(
            f"{_PREFIX}sampling_policy_execution_count", "Traces a policy was asked about", ("policy",)
        )
        self.microseconds = make(
            f"{_PREFIX}sampling_policy_execution_time_sum", "Microseconds that a policy took", ("policy",)
        )
        self.errors = make(f"{_PREFIX}sampling_policy_evaluation_error", "Times that a policy could not be evaluated")
        self.too_large = make(f"{_PREFIX}traces_dropped_too_large", "Traces dropped for `maximum_trace_size_bytes`")
        self._settings = settings
        self._owner = f"{settings.id.name}." if settings.id.name else ""

    def log(self) -> QuietLog:
        """Return a log for one policy, which is quiet about that one alone."""
        return QuietLog(self._settings.logger, self._settings.clock)

    def label(self, policy: str) -> str:
        """Return what metrics call a policy: with the name of its processor in front, where that has one."""
        return f"{self._owner}{policy}"


class PolicyTally:
    """Counts what one policy says, and hands it to the metrics by `flush`."""

    def __init__(self, instruments: Instruments, policy: str, *, drops: bool) -> None:
        self._instruments = instruments
        self._policy = policy
        self._label = instruments.label(policy)
        self._log = instruments.log()
        self._yes = {"sampled": "false", "decision": "dropped"} if drops else {"sampled": "true", "decision": "sampled"}
        self._clear()

    def _clear(self) -> None:
        self._asked = self._asked_spans = self._yeses = self._yes_spans = self._errors = self._error_spans = 0
        self._seconds = 0.0

    def voted(self, votes: Sequence[Keep | None], spans: Sequence[int], seconds: float) -> None:
        """Count the votes about some traces, whose numbers of spans are given, and how long they took."""
        wanted = list(compress(spans, votes))
        self._asked += len(votes)
        self._asked_spans += sum(spans)
        self._yeses += len(wanted)
        self._yes_spans += sum(wanted)
        self._seconds += seconds

    def failed(self, spans: int, error: Exception) -> None:
        """Count a trace of so many spans about which the policy, for an error, says nothing."""
        self._errors += 1
        self._error_spans += spans
        self._log.warning(
            "a policy cannot be evaluated", reason=type(error).__name__, policy=self._policy, error=str(error)
        )

    def flush(self) -> None:
        """Hand on what was counted."""
        if not self._asked:
            return
        it = self._instruments
        noes = self._asked - self._yeses - self._errors
        no_spans = self._asked_spans - self._yes_spans - self._error_spans
        if self._yeses:
            it.traces.add(self._yeses, policy=self._label, **self._yes)
            it.spans.add(self._yes_spans, policy=self._label, **self._yes)
        if noes:
            it.traces.add(noes, policy=self._label, sampled="false", decision="not_sampled")
            it.spans.add(no_spans, policy=self._label, sampled="false", decision="not_sampled")
        if self._errors:
            it.errors.add(self._errors)
        it.executions.add(self._asked, policy=self._label)
        it.microseconds.add(self._seconds * 1e6, policy=self._label)
        self._clear()
