"""Spans that wait for their traces to be complete.

A million traces are held without a container for each that Python's garbage collector looks at: that would cost more
than everything else, and stop the collector for hundreds of milliseconds at a time. A dictionary of numbers and bytes
is none of its business. So the spans of a trace are in one, by their *place*: a number that is counted up, with the
number of their origin in front. In the order of their places they are in the order of their arrival.
"""

import math
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import chain, islice

from collector.processing.span_state import AFTER_ID, TRACE_ID_HEAD
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace

# Enough for a million spans a second for some years.
_SEQUENCE_BITS = 48
_SEQUENCE = (1 << _SEQUENCE_BITS) - 1

# What a span and a trace take besides the serialized spans, as measured: objects, places in dictionaries, and what the
# allocator rounds up. `bench/sampling.py` measures it.
_SPAN_OVERHEAD = 100
_TRACE_OVERHEAD = 400
_ORIGIN_OVERHEAD = 600
_SWEPT_FROM = 256
_NO_LIMIT = 2**63


def key_of(trace_id: bytes) -> bytes:
    """Return the key of a trace: the first bytes of each of its spans, as long as these are in the usual order."""
    return TRACE_ID_HEAD + trace_id


class Buffer:
    """Holds serialized spans by the key of their trace, and knows what they take.

    It tells of traces that may have more than `max_spans` or `max_bytes`; 0 is no limit.
    """

    def __init__(self, max_spans: int = 0, max_bytes: int = 0) -> None:
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._traces: defaultdict[bytes, dict[int, bytes]] = defaultdict(dict)
        self._origins: dict[int, Origin] = {}
        self._last_uses: dict[int, int] = {}
        self._origin_bytes = 0
        self._sweep_at = _SWEPT_FROM
        self._next = 0
        # Since when spans have had which places, in the order of time.
        self._moments: deque[tuple[int, float]] = deque()
        self.spans = 0
        self._payload = 0
        # The size of the largest span since a place, and of the largest before that may still be here.
        self._largest = self._largest_before = 0
        self._largest_since = 0

    def __len__(self) -> int:
        """Return how many traces there are."""
        return len(self._traces)

    @property
    def size(self) -> int:
        """How many bytes of memory all of it takes, objects and room for growth included."""
        return self._payload + self.spans * _SPAN_OVERHEAD + len(self._traces) * _TRACE_OVERHEAD + self._origin_bytes

    def add(self, raws: list[bytes], origin: Origin) -> tuple[list[bytes], set[bytes]]:
        """Put spans to their traces; return the keys of new traces, and of those that may be too large now.

        A key is what a span begins with. Where that is no trace id, the caller has to put the span where it belongs.
        """
        most = self._account(list(map(len, raws)))
        traces, before = self._traces, len(self._traces)
        large: set[bytes] = set()
        for place, raw in enumerate(raws, self._places(origin, len(raws))):
            spans = traces[raw[:AFTER_ID]]
            spans[place] = raw
            if len(spans) > most:
                large.add(raw[:AFTER_ID])
        new = len(traces) - before
        return list(islice(reversed(traces), new))[::-1], large

    def put(self, key: bytes, raw: bytes, origin: Origin) -> tuple[bool, bool]:
        """Put one span to a trace; return whether the trace is new, and whether it may be too large now."""
        most = self._account([len(raw)])
        spans = self._traces[key]
        spans[self._places(origin, 1)] = raw
        return len(spans) == 1, len(spans) > most

    def limit_passed(self, key: bytes) -> str:
        """Return the option whose limit a trace is above; empty where it is above none."""
        spans, size = self.measure(key)
        if self._max_spans and spans > self._max_spans:
            return "max_trace_spans"
        return "max_trace_mib" if self._max_bytes and size > self._max_bytes else ""

    def _account(self, sizes: list[int]) -> int:
        """Count spans that come; return the number of spans up to which no trace is too large.

        To add up the bytes of each trace would cost more than all else here. None can have too many as long as it
        would not if each of its spans were as large as the largest.
        """
        self.spans += len(sizes)
        self._payload += sum(sizes)
        self._largest = max(self._largest, *sizes)
        most = self._max_spans or _NO_LIMIT
        if not self._max_bytes:
            return most
        return min(most, self._max_bytes // max(self._largest, self._largest_before, 1))

    def pass_time(self, now: float) -> None:
        """Tell the time, now and then: it is that of the spans that come from now on."""
        oldest = self._began()
        while len(self._moments) > 1 and self._moments[1][0] <= oldest:
            self._moments.popleft()
        self._moments.append((self._next, now))
        if oldest >= self._largest_since:
            self._largest_before, self._largest, self._largest_since = self._largest, 0, self._next

    def age(self, key: bytes, now: float) -> float:
        """Return how long ago the first span of a trace came, but for the time that was not told; 0 where unknown."""
        spans = self._traces.get(key)
        if not spans or not self._moments:
            return 0.0
        moment = bisect_right(self._moments, (next(iter(spans)) & _SEQUENCE, math.inf)) - 1
        return now - self._moments[max(moment, 0)][1]

    def measure(self, key: bytes) -> tuple[int, int]:
        """Return how many spans and bytes of a trace there are; 0 where it is not here."""
        spans = self._traces.get(key, {})
        return len(spans), sum(map(len, spans.values()))

    def take(self, keys: Iterable[bytes]) -> list[Trace]:
        """Take traces out, those that are there; they are each other's mates.

        Whoever is done with them clears the list: each holds it, so that they would not go by themselves.
        """
        traces: list[Trace] = []
        origins, pop = self._origins, self._traces.pop
        for key in keys:
            spans = pop(key, None)
            if spans is not None:
                # Here, since what waits with a reference to its origins would be the garbage collector's business.
                found = (origins[place >> _SEQUENCE_BITS] for place in spans)
                traces.append(Trace(key[2:], list(spans.values()), found, traces))
        self.spans -= sum(map(len, traces))
        self._payload -= sum(map(len, chain.from_iterable([trace.raws for trace in traces])))
        return traces

    def _places(self, origin: Origin, count: int) -> int:
        """Return the first of so many places for spans of an origin."""
        number, first = origin.number, self._next
        self._next += count
        if number not in self._origins:
            self._origins[number] = origin
            self._origin_bytes += _size_of(origin)
            if len(self._origins) >= self._sweep_at:
                self._sweep()
        self._last_uses[number] = self._next
        return number << _SEQUENCE_BITS | first

    def _sweep(self) -> None:
        """Forget the origins that no span here has: those last used before the oldest trace began."""
        began = self._began()
        for number in [number for number, used in self._last_uses.items() if used <= began]:
            del self._last_uses[number]
            self._origin_bytes -= _size_of(self._origins.pop(number))
        self._sweep_at = max(_SWEPT_FROM, 2 * len(self._origins))

    def _began(self) -> int:
        """Return the first place of the oldest trace."""
        oldest = next(iter(self._traces.values()), None)
        return next(iter(oldest)) & _SEQUENCE if oldest else self._next


def _size_of(origin: Origin) -> int:
    return len(origin.resource_head) + len(origin.scope_head) + _ORIGIN_OVERHEAD
