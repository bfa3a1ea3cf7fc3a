"""The spans of several traces together, so that what they are asked costs a call for all instead of one for each."""

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from collector.data.messages import ProtoMessage
from collector.sampling.digest import digests_of
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace

# Twice as fast as `in`, of which short needles are the worst case.
_BRINGS_STATE = re.compile(b"ot=").search


class Group:
    """Some traces and their spans.

    A trace is named by its number, a span by its index among all spans, which stand trace by trace.
    """

    def __init__(self, traces: list[Trace]) -> None:
        self.traces = traces
        self.raws: list[bytes] = list(chain.from_iterable([trace.raws for trace in traces]))
        self._digests: dict[int, ProtoMessage] = {}
        self._mentioned: dict[bytes, bool] = {}

    @cached_property
    def owners(self) -> list[int]:
        """The number of each span's trace."""
        return [number for number, trace in enumerate(self.traces) for _ in trace.raws]

    @cached_property
    def origins(self) -> list[Origin]:
        """The resource and scope of each span."""
        return list(chain.from_iterable([trace.origins for trace in self.traces]))

    @cached_property
    def distinct_origins(self) -> set[Origin]:
        """The resources and scopes of all spans."""
        return set(self.origins)

    @cached_property
    def _joined(self) -> bytes:
        return b"".join(self.raws)

    def mentions(self, text: bytes) -> bool:
        """Return whether some bytes may occur in a span; where they do not, no key, name or text has them."""
        found = self._mentioned.get(text)
        if found is None:
            found = self._mentioned[text] = text in self._joined
        return found

    @cached_property
    def brings_state(self) -> bool:
        """Whether a span may bring what earlier samplers wrote."""
        return _BRINGS_STATE(self._joined) is not None

    def digests(self, indices: Sequence[int]) -> list[ProtoMessage]:
        """Return the `SpanDigest` of each of some spans."""
        known = self._digests
        unknown = [index for index in indices if index not in known] if known else indices
        if unknown:
            known.update(zip(unknown, digests_of([self.raws[index] for index in unknown]), strict=True))
        return [known[index] for index in indices]

    def roots(self, numbers: set[int]) -> dict[int, int]:
        """Return the first span without a parent of each of some traces that has one."""
        indices = self.spans_of(numbers)
        without_parent = [
            index for index, span in zip(indices, self.digests(indices), strict=True) if not span.parent_span_id
        ]
        return {self.owners[index]: index for index in reversed(without_parent)}

    def spans_of(self, numbers: set[int]) -> Sequence[int]:
        """Return the spans of some of the traces."""
        if len(numbers) == len(self.traces):
            return range(len(self.raws))
        return [index for index, owner in enumerate(self.owners) if owner in numbers] if numbers else ()

    def owners_of(self, indices: Sequence[int]) -> set[int]:
        """Return the traces that some of the spans are of."""
        return set(map(self.owners.__getitem__, indices)) if indices else set()
