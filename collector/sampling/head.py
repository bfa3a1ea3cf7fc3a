"""The engine of the samplers that decide at once: each batch by what it shows of its traces."""

from collections.abc import Callable, Iterable
from functools import partial

from collector.api import Consumer, Idle
from collector.data import Batch
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decider, Decision
from collector.sampling.origin import Origin, Origins
from collector.sampling.stamp import stamp_of
from collector.sampling.trace import Trace, batch_of, traces_of


class HeadProcessor(Idle):
    """Lets a `Decider` decide about the part of each trace that is in a batch, and hands on what is kept.

    Of the configuration it takes what there is beside waiting: `explain` and `dry_run`.
    """

    def __init__(self, config: TailConfig, next_consumer: Consumer, decider: Decider) -> None:
        self._explain = config.explain
        self._dry_run = config.dry_run
        self._next = next_consumer
        together = getattr(decider, "decide_all", None)
        self._decide: Callable[[list[Trace]], Iterable[Decision]] = together or partial(map, decider.decide)
        self._origins = Origins()

    async def consume(self, batch: Batch) -> None:
        """Decide about a batch."""
        kept = self._kept_of(batch)
        if kept:
            sampled = batch_of(kept)
            await self._next.consume(Batch(batch.signal, sampled.payload, batch.client, count=sampled.count))

    def _kept_of(self, batch: Batch) -> dict[Origin, list[bytes]]:
        kept: dict[Origin, list[bytes]] = {}
        traces: list[Trace] = []
        traces_of(batch, self._origins, traces)
        for trace, decision in zip(traces, self._decide(traces), strict=True):
            if decision.sampled or self._dry_run:
                stamp = stamp_of(decision, self._explain, self._dry_run)
                for raw, origin in zip(trace.raws, trace.origins, strict=True):
                    kept.setdefault(origin, []).append(stamp(raw))
        traces.clear()
        return kept
