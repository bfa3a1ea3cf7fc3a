"""The engine of the samplers that wait for whole traces.

Spans are held as OTLP bytes until their trace is due: `decision_wait` after its first span, or sooner after its root.
Then a `Decider` decides, what is kept is told why and handed on, and the decision is remembered, so that spans which
come later follow it.

Memory is bounded. Where the traces that wait reach a limit, the oldest are decided about early, by what there is of
them; a trace that is too large by itself is decided about at once. Nothing goes undecided.

Senders are answered once their spans are held. The next component may say "not now": what was kept is then offered
again until it is taken, little more is decided, and `consume` waits, and so do the senders.
"""

import asyncio
from collections.abc import Callable, Iterable

from collector.api import Consumer, Host, QuietLog, RetryableError, Settings, TaskOwner
from collector.data import Batch
from collector.sampling.buffer import Buffer, key_of
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decider, Decision
from collector.sampling.intake import Intake
from collector.sampling.origin import Origins
from collector.sampling.outbox import Outbox
from collector.sampling.remembered import DecisionCache, Remembered
from collector.sampling.stamp import stamp_of
from collector.sampling.tally import Tally
from collector.sampling.trace import Trace, traces_of
from collector.sampling.wheel import Wheel

_TICK = 1.0  # seconds, as in the OpenTelemetry Collector
_SHORTEST_TICK = 0.01
# Spans that are decided about before others have their turn: about half a millisecond.
_SPANS_AT_ONCE = 512

# What to do about each limit at which traces are decided about early.
_MORE_ROOM = "raise the limit, or let traces wait less: decision_wait, decision_wait_after_root_received"
_LARGER = "raise the limit, or look for what sends traces as large as this"
_ADVICE = {
    "num_traces": _MORE_ROOM,
    "max_buffered_mib": _MORE_ROOM,
    "max_trace_mib": _LARGER,
    "max_trace_spans": _LARGER,
}

_FAILED = Decision(True, "error", threshold=None)


class TailProcessor:
    """Holds spans until their traces are due, lets a `Decider` decide, and hands on what is kept.

    `counts_votes` says that the decider counts `count_traces_sampled` and `count_spans_sampled` itself.
    """

    def __init__(
        self,
        config: TailConfig,
        settings: Settings,
        next_consumer: Consumer,
        decider: Decider,
        *,
        counts_votes: bool = False,
    ) -> None:
        self._config = config
        self._clock = settings.clock
        self._log = QuietLog(settings.logger, settings.clock)
        self._tasks = TaskOwner(str(settings.id), settings.logger)
        self._tally = Tally(settings, counts_votes=counts_votes)
        self._decide_all: Callable[[list[Trace]], Iterable[Decision]] = getattr(
            decider, "decide_all", lambda traces: map(decider.decide, traces)
        )
        self._flush_decider: Callable[[], None] = getattr(decider, "flush", lambda: None)
        self._decide_arrived: Callable[[Trace, int], Decision | None] | None = getattr(decider, "decide_arrived", None)
        self._origins = Origins()
        self._buffer = Buffer(config.max_trace_spans, config.max_trace_bytes)
        self._intake = Intake(config, self._buffer)
        self._wheel = Wheel(settings.clock.monotonic(), config.decision_wait, _tick_of(config))
        self._remembered = DecisionCache(
            config.decision_cache.sampled_cache_size, config.decision_cache.non_sampled_cache_size
        )
        # Set whenever one who waits for room should look again.
        self._room = asyncio.Event()
        self._out = Outbox(settings, self._tasks, next_consumer, self._tally, self._room)
        self._max_bytes = config.max_buffered_bytes
        self._ticking: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's argument
        """Begin to decide."""
        self._buffer.pass_time(self._clock.monotonic())
        self._ticking = self._tasks.start("tick", self._tick())

    async def consume(self, batch: Batch) -> None:
        """Hold the spans of a batch; waits where there is no room."""
        while not self._stopped and self._is_full():
            self._room.clear()
            await self._room.wait()
        if self._stopped:
            raise RetryableError("the collector is stopping: send this again", reason="shutdown")
        self._take_in(batch)
        self._make_room()

    def _is_full(self) -> bool:
        if self._out.is_full:
            return True
        return self._config.block_on_overflow and (
            len(self._buffer) >= self._config.num_traces or self._buffer.size >= self._max_bytes
        )

    # --- what comes in -------------------------------------------------------------------------------------------

    def _take_in(self, batch: Batch) -> None:
        now, before = self._clock.monotonic(), self._buffer.spans
        arrivals = self._intake.put(batch)
        self._tally.received.add(self._buffer.spans - before + len(arrivals.lonely))
        self._tally.without_id.add(len(arrivals.lonely))
        self._settle(arrivals.lonely, "no_trace_id")
        new = self._follow(arrivals.new, now)
        self._tally.new_traces.add(len(new))
        self._wheel.put(new, now)
        for key in arrivals.roots:
            self._wheel.hasten(key, now + self._config.decision_wait_after_root_received)
        if self._decide_arrived is not None:
            self._ask_on_arrival(batch, self._decide_arrived)
        for key in arrivals.large:
            if cause := self._buffer.limit_passed(key):
                self._wheel.remove(key)
                self._decide_early(cause, [key], for_room=False)

    def _follow(self, new: list[bytes], now: float) -> list[bytes]:
        """Let spans follow the decision about their trace where it was made; return the keys of traces without."""
        found = self._remembered.find([key[2:] for key in new])
        if not found:
            return new
        traces = self._buffer.take(map(key_of, found))
        for trace in traces:
            self._release(trace, found[trace.trace_id], now)
        traces.clear()
        return [key for key in new if key[2:] not in found]

    def _release(self, trace: Trace, remembered: Remembered, now: float) -> None:
        sampled = remembered.decision is not None and remembered.decision.sampled
        self._tally.late(sampled=sampled, spans=len(trace), age=now - remembered.at)
        if remembered.decision is not None:
            self._keep("late", [trace], remembered.decision)
        else:
            self._tally.dropped("late", len(trace))

    def _ask_on_arrival(self, batch: Batch, decide: Callable[[Trace, int], Decision | None]) -> None:
        for trace_id, part in traces_of(batch, self._origins).items():
            key = key_of(trace_id)
            spans, _ = self._buffer.measure(key)
            if spans and (decision := decide(part, spans)) is not None:
                self._wheel.remove(key)
                traces = self._buffer.take([key])
                self._carry_out(decision, traces, "decided")
                traces.clear()
        self._flush_decider()

    # --- room ----------------------------------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Decide about the oldest traces, as many as are too many."""
        if self._config.block_on_overflow:
            return
        while (excess := len(self._buffer) - self._config.num_traces) > 0 and (
            keys := self._wheel.take_oldest(min(excess, self._at_once()))
        ):
            self._decide_early("num_traces", keys, for_room=True)
        while (excess := self._buffer.size - self._max_bytes) > 0:
            traces = 1 + excess * len(self._buffer) // self._buffer.size
            keys = self._wheel.take_oldest(min(traces, self._at_once()))
            if not keys:
                return
            self._decide_early("max_buffered_mib", keys, for_room=True)

    def _decide_early(self, cause: str, keys: list[bytes], *, for_room: bool) -> None:
        self._log.warning("traces are decided about before their time", reason=cause, advice=_ADVICE[cause])
        self._tally.early(cause, self._decide(keys, "early"), for_room=for_room)

    # --- decisions -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._wheel.tick)
            began = self._clock.monotonic()
            while keys := self._wheel.take_due(self._clock.monotonic(), self._at_once()):
                self._decide(keys, "decided")
                self._room.set()
                await self._give_way()
            self._tally.timer_latency.record((self._clock.monotonic() - began) * 1e3)
            self._end_tick()

    async def _give_way(self) -> None:
        """Let others have their turn, and wait until what was kept has room."""
        await asyncio.sleep(0)
        while self._out.is_full and not self._stopped:
            self._room.clear()
            await self._room.wait()

    def _end_tick(self) -> None:
        self._out.flush()
        self._buffer.pass_time(self._clock.monotonic())
        self._tally.held(
            traces=len(self._buffer),
            spans=self._buffer.spans + self._out.spans,
            size=self._buffer.size + self._out.size,
            forgotten=self._remembered.forgotten,
        )

    def _at_once(self) -> int:
        """Return how many traces are decided about together."""
        return 1 + _SPANS_AT_ONCE * len(self._buffer) // max(self._buffer.spans, 1)

    def _decide(self, keys: list[bytes], reason: str) -> int:
        """Decide about traces, those that are still there; return how many."""
        self._tally.removed(self._buffer.age(keys[0], self._clock.monotonic()))
        traces = self._buffer.take(keys)
        count = len(traces)
        self._settle(traces, reason)
        return count

    def _settle(self, traces: list[Trace], reason: str) -> None:
        """Decide about traces, which nobody may use afterwards."""
        if not traces:
            return
        began = self._clock.monotonic()
        together: dict[int, tuple[Decision, list[Trace]]] = {}
        for trace, decision in zip(traces, self._decisions(traces), strict=True):
            # By identity, for that costs a tenth of comparing decisions, and those that are equal mostly are one.
            found = together.get(id(decision))
            if found is None:
                together[id(decision)] = decision, [trace]
            else:
                found[1].append(trace)
        for decision, members in together.values():
            self._carry_out(decision, members, reason)
        self._flush_decider()
        self._tally.timed(len(traces), self._clock.monotonic() - began)
        traces.clear()

    def _decisions(self, traces: list[Trace]) -> list[Decision]:
        try:
            return list(self._decide_all(traces))
        except Exception as error:  # noqa: BLE001 - a fault of a decider must not lose a trace
            if len(traces) > 1:
                return [decision for trace in traces for decision in self._decisions([trace])]
            self._tally.errors.add(1)
            self._log.error("a decision failed: the trace is kept", reason=type(error).__name__, error=repr(error))
            return [_FAILED]

    def _carry_out(self, decision: Decision, traces: list[Trace], reason: str) -> None:
        spans = sum(map(len, traces))
        self._tally.decided(decision, len(traces), spans)
        now = self._clock.monotonic()
        trace_ids = [trace.trace_id for trace in traces] if reason != "no_trace_id" else []
        if decision.sampled or self._config.dry_run:
            self._remembered.keep(trace_ids, decision, now)
            self._keep(reason if decision.sampled else "dry_run", traces, decision)
        else:
            self._remembered.drop(trace_ids, now)
            self._tally.dropped(reason, spans)

    def _keep(self, reason: str, traces: list[Trace], decision: Decision) -> None:
        stamp = stamp_of(decision, self._config.explain, self._config.dry_run)
        for trace in traces:
            self._out.put(reason, stamp.spans(trace), trace.origins)

    # --- the end -------------------------------------------------------------------------------------------------

    async def shutdown(self) -> None:
        """Decide about what waits, or drop it, and hand on what was kept."""
        self._stopped = True
        self._room.set()
        if self._ticking is not None:
            self._ticking.cancel()
        try:
            if self._config.drop_pending_traces_on_shutdown:
                self._drop_pending()
            while keys := self._wheel.take_oldest(self._at_once()):
                self._decide(keys, "decided")
                await self._give_way()
        finally:
            self._drop_pending()
            await self._out.close()
            self._end_tick()

    def _drop_pending(self) -> None:
        while keys := self._wheel.take_oldest(self._at_once()):
            traces = self._buffer.take(keys)
            self._tally.dropped("shutdown", sum(map(len, traces)))
            traces.clear()


def _tick_of(config: TailConfig) -> float:
    """Return the seconds from tick to tick: shorter than usual where traces do not wait that long."""
    waits = [seconds for seconds in (config.decision_wait, config.decision_wait_after_root_received) if seconds]
    return max(_SHORTEST_TICK, min([_TICK, *waits]))
