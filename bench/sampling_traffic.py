"""Traffic with a seed, and what becomes of it in a sampler, on a clock that is moved by hand: no figure varies."""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.api import ProcessorFactory
from collector.data import Batch, set_attribute
from collector.data.messages import Resource, Span
from collector.data.shell import RequestShell, ResourceShell
from collector.processing.probability import ALWAYS, adjusted_count
from collector.processing.tracestate import TraceState
from collector.sampling.digest import SpanDigest
from collector.sampling.origin import Origin
from collector.sampling.trace import batch_of
from collector.testing import FakeHost, ManualClock, make_settings

_NOON = 1_750_000_000_000_000_000  # nanoseconds since the Unix epoch
_HEAD = b"\n\x10"  # field 1, trace_id, of 16 bytes


@dataclass(frozen=True)
class Kind:
    """Traces that are alike: a name, and what they are chosen by. `rate` is how many come in a second."""

    name: str
    rate: float
    error: bool = False
    slow: bool = False

    def span(self) -> bytes:
        """Return a span of it without its trace id."""
        end = _NOON + (2_000_000_000 if self.slow else 20_000_000)
        span = Span(span_id=b"spanmill", name=self.name, start_time_unix_nano=_NOON, end_time_unix_nano=end)
        if self.error:
            span.status.code = "STATUS_CODE_ERROR"
        encoded: bytes = span.SerializeToString()
        return encoded


@dataclass(frozen=True)
class Traffic:
    """Kinds of traces that come at random for so many seconds, all in requests of so many seconds.

    `factor` says how many times its rate a kind has at a time.
    """

    kinds: list[Kind]
    seconds: float
    request: float
    factor: Callable[[Kind, float], float]
    seed: int = 1

    def requests(self) -> Iterator[tuple[float, list[tuple[bytes, Kind]]]]:
        """Yield the time and the traces of each request: ids and kinds."""
        draw = random.Random(self.seed)
        for number in range(round(self.seconds / self.request)):
            time = number * self.request
            rates = list(itertools.accumulate(kind.rate * self.factor(kind, time) for kind in self.kinds))
            kinds = draw.choices(self.kinds, cum_weights=rates, k=_poisson(draw, rates[-1] * self.request))
            yield time, [(draw.randbytes(16), kind) for kind in kinds]


def _poisson(draw: random.Random, mean: float) -> int:
    """Return how often something happens that happens so often on average."""
    if mean > 500:
        return max(round(draw.gauss(mean, math.sqrt(mean))), 0)
    product, count, limit = draw.random(), 0, math.exp(-mean)
    while product > limit:
        product *= draw.random()
        count += 1
    return count


@dataclass
class Seen:
    """How many traces were offered and kept, and how many the kept ones stand for, in each part of time and kind."""

    width: float
    offered: dict[tuple[int, Kind], float] = field(default_factory=dict)
    kept: dict[tuple[int, Kind], float] = field(default_factory=dict)
    stands_for: dict[tuple[int, Kind], float] = field(default_factory=dict)

    def line(self, what: Mapping[tuple[int, Kind], float], wanted: Callable[[Kind], bool]) -> list[tuple[float, float]]:
        """Return points for what was counted: the time in seconds, and traces in a second."""
        sums: dict[int, float] = {number: 0.0 for number, _ in self.offered}
        for (number, kind), count in what.items():
            if wanted(kind):
                sums[number] += count
        return [(number * self.width, count / self.width) for number, count in sorted(sums.items())]

    def by_kind(self, what: Mapping[tuple[int, Kind], float]) -> dict[Kind, float]:
        """Return the sum for each kind."""
        sums: dict[Kind, float] = {}
        for (_, kind), count in what.items():
            sums[kind] = sums.get(kind, 0.0) + count
        return sums


class _Counting:
    """A consumer that counts what it gets under the time that it was sent."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.sent: dict[bytes, tuple[int, Kind]] = {}

    async def consume(self, batch: Batch) -> None:
        for resource in RequestShell.FromString(batch.payload).resources:
            for scope in resource.scopes:
                for raw in scope.items:
                    place = self.sent[raw[2:18]]
                    threshold = TraceState.parse(SpanDigest.FromString(raw).trace_state).ot.threshold
                    self._seen.kept[place] = self._seen.kept.get(place, 0) + 1
                    count = adjusted_count(ALWAYS if threshold is None else threshold)
                    self._seen.stands_for[place] = self._seen.stands_for.get(place, 0) + count


async def run(factory: ProcessorFactory[Any], options: dict[str, Any], traffic: Traffic, width: float) -> Seen:
    """Send traffic through a processor, and return what was seen, in parts of so many seconds."""
    seen, clock = Seen(width), ManualClock()
    counting = _Counting(seen)
    settings = make_settings(factory.type, clock=clock)
    processor = factory.create(factory.config.model_validate(options), settings, counting)
    resource = Resource()
    set_attribute(resource.attributes, "service.name", "shop")
    origin = Origin(ResourceShell(resource=[resource.SerializeToString()]).SerializeToString(), b"")
    spans = {kind: kind.span() for kind in traffic.kinds}
    await processor.start(FakeHost())
    for time, traces in traffic.requests():
        for trace_id, kind in traces:
            place = counting.sent[trace_id] = int(time / width), kind
            seen.offered[place] = seen.offered.get(place, 0) + 1
        if traces:
            await processor.consume(batch_of({origin: [_HEAD + trace_id + spans[kind] for trace_id, kind in traces]}))
        await clock.advance(traffic.request)
    await processor.shutdown()
    return seen
