"""The strategy `span-ingest`: decides by the spans that have just come, as soon as they are enough."""

from collections.abc import Sequence
from itertools import compress

from collector.api import Settings
from collector.sampling.decision import Decision
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace
from processors.tail_sampling.config import Config
from processors.tail_sampling.decider import NOT_SAMPLED, Policy, WholeTraces
from processors.tail_sampling.tally import Instruments


class OnArrival(WholeTraces):
    """Decides about traces of which spans arrive; what is undecided when its time is up is not sampled.

    The spans of one resource that come with one request are looked at together, without those before them; only where
    spans are counted, these count as well. A policy that drops may still match what comes later, so where there is
    one, nothing is kept before it has matched: that is, never.
    """

    def __init__(
        self, policies: Sequence[Policy], instruments: Instruments, config: Config, settings: Settings
    ) -> None:
        super().__init__(policies, instruments, config)
        drops = [policy for policy in policies if policy.drops]
        self._asked = drops or policies
        if drops:
            settings.logger.warning(
                "nothing is kept: span-ingest keeps no trace that a policy of type drop may still match",
                advice="use sampling_strategy: trace-complete, or leave out the policies of type drop",
            )

    def decide_arrived(self, trace: Trace, spans: int) -> Decision | None:
        """Return what becomes of a trace of so many spans, of which these have come; None where that is still open."""
        heads = [origin.resource_head for origin in trace.origins]
        count = spans - len(trace.raws)
        for head in dict.fromkeys(heads):
            chosen = [other == head for other in heads]
            count += sum(chosen)
            part = _Part(
                trace.trace_id, list(compress(trace.raws, chosen)), list(compress(trace.origins, chosen)), count
            )
            for policy in self._asked:
                (keep,) = policy.votes([part], [count])
                if keep is not None:
                    return policy.decision(keep)
        return None

    def decide_all(self, traces: list[Trace]) -> list[Decision]:
        """Return that no trace is sampled, after the spans of none of them were enough."""
        self.refuse_large(traces)
        return [NOT_SAMPLED] * len(traces)


class _Part(Trace):
    """Spans of a trace, which count for as many as there are of it so far."""

    def __init__(self, trace_id: bytes, raws: list[bytes], origins: list[Origin], spans: int) -> None:
        super().__init__(trace_id, raws, origins)
        self._spans = spans

    def __len__(self) -> int:
        return self._spans
