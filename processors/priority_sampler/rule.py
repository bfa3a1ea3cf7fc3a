"""A rule at work: which traces it is about, and what it makes of them."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from collector.processing.probability import NEVER, threshold_of
from collector.sampling.decision import Decision
from processors.priority_sampler.conditions import Conditions, SpanConditions, TraceConditions
from processors.priority_sampler.group import Group
from processors.priority_sampler.spans import Choice, Indices, choices, status_codes
from processors.priority_sampler.values import NumberPredicate, count_test, duration_test

# A test of traces: from the numbers of some to those of the ones that pass.
TraceTest: TypeAlias = Callable[[Group, set[int]], set[int]]

_UNSET = 0
_POLICY = "priority_sampler"


class Rule:
    """Conditions, and what share is kept of the traces that meet them: `keep` of a hundred."""

    def __init__(self, name: str, when: Conditions | None, keep: float, *, same_span: bool = True) -> None:
        self._tests = [] if when is None else list(_tests(when, same_span))
        self._threshold = threshold_of(keep / 100) if keep else NEVER
        self._kept = Decision(True, _POLICY, name, self._threshold)
        self._kept_in_doubt = Decision(True, _POLICY, name, None)
        self._dropped = Decision(False, _POLICY, name, self._threshold, dropped=not keep)

    def select(self, group: Group, numbers: set[int]) -> set[int]:
        """Return which of some traces meet all conditions."""
        for test in self._tests:
            if not numbers:
                break
            numbers = test(group, numbers)
        return numbers

    def decide(self, randomness: int, threshold: int | None) -> Decision:
        """Return the decision about a trace of this randomness, which brings a threshold or none.

        What an earlier sampler kept although its threshold says otherwise stands for nobody knows how many.
        """
        if self._threshold > randomness:
            return self._dropped
        return self._kept if threshold is None or threshold <= randomness else self._kept_in_doubt


def _tests(when: Conditions, same_span: bool) -> Iterator[TraceTest]:
    """Yield the tests of traces that conditions ask for, those that cost least first."""
    if when.trace is not None:
        yield from _of_trace(when.trace)
    if when.status is not None:
        yield _has_status(status_codes(when.status))
    if when.duration is not None and (lower_bounds := when.duration.lower_bounds):
        yield _lasts(duration_test(lower_bounds))  # no span is longer than its trace
    if when.root is not None:
        yield _of_root(when.root)
    if of_spans := list(choices(when)):
        yield _on_one_span(of_spans) if same_span else _on_any_spans(of_spans)


def _has_status(codes: frozenset[int]) -> TraceTest:
    """Return a test that no trace fails of which a span has one of these statuses; it spares looking at the spans."""
    if _UNSET in codes:  # which is seldom written
        return lambda _, numbers: numbers
    return lambda group, numbers: {n for n in numbers if not codes.isdisjoint(group.traces[n].codes_seen)}


def _of_trace(wanted: TraceConditions) -> Iterator[TraceTest]:
    if wanted.spans is not None:
        count = count_test(wanted.spans)
        yield lambda group, numbers: {number for number in numbers if count(len(group.traces[number]))}
    if wanted.duration is not None:
        yield _lasts(duration_test(wanted.duration))
    if wanted.has_root is not None:
        yield _has_root if wanted.has_root else lambda group, numbers: numbers - _has_root(group, numbers)


def _lasts(holds: NumberPredicate) -> TraceTest:
    return lambda group, numbers: {number for number in numbers if holds(group.traces[number].duration_ns)}


def _has_root(group: Group, numbers: set[int]) -> set[int]:
    return set(group.roots(numbers))


def _of_root(wanted: SpanConditions) -> TraceTest:
    of_root = list(choices(wanted))

    def test(group: Group, numbers: set[int]) -> set[int]:
        return group.owners_of(_chosen(of_root, group, list(group.roots(numbers).values())))

    return test


def _on_one_span(of_spans: list[Choice]) -> TraceTest:
    return lambda group, numbers: group.owners_of(_chosen(of_spans, group, group.spans_of(numbers)))


def _on_any_spans(of_spans: list[Choice]) -> TraceTest:
    def test(group: Group, numbers: set[int]) -> set[int]:
        for choose in of_spans:
            numbers = group.owners_of(choose(group, group.spans_of(numbers)))
        return numbers

    return test


def _chosen(of_spans: list[Choice], group: Group, indices: Indices) -> Indices:
    """Return which of some spans meet all conditions."""
    for choose in of_spans:
        if not indices:
            break
        indices = choose(group, indices)
    return indices
