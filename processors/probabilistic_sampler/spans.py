"""Sampling spans, most of them by slices of their bytes.

OTLP's encoders write a span's fields in ascending order, so the trace id stands at a known place, and the byte that
would begin a `trace_state` tells by its absence that there is none. Such a span is dropped or kept without being
decoded; a `trace_state` is given to it by appending the field, which protobuf reads as if it stood in its place. Any
other span is decoded.
"""

import re
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from collector.data.attributes import find_attribute, value_of
from collector.data.messages import ProtoMessage, Span
from collector.data.shell import SpanShell
from collector.processing.probability import (
    ALWAYS,
    HEX_DIGITS,
    NEVER,
    format_randomness,
    format_threshold,
    randomness_of,
)
from collector.processing.span_state import (
    AFTER_ID,
    TRACE_ID_HEAD,
    TRACE_STATE,
    trace_state_field,
    with_trace_state,
)
from collector.processing.tracestate import TraceState
from collector.processing.values import as_double
from processors.probabilistic_sampler.hashing import randomness_of_data, randomness_of_ids
from processors.probabilistic_sampler.rule import Fault, Rule, Subject
from processors.probabilistic_sampler.tally import Tally

PRIORITY = "sampling.priority"
_PRIORITY = PRIORITY.encode()
_ID = slice(2, 18)
_ID_RANDOMNESS = slice(11, 18)
_ID_SIZE = 16
_FRONT = slice(AFTER_ID)
_RANDOMNESS = b"rv:"
_BRINGS_RANDOMNESS = re.compile(_RANDOMNESS).search  # twice as fast as `in`, of which short needles are the worst case
_NO_ID = bytes(16)
_ZEROS = b"0" * HEX_DIGITS

Mark = TypeVar("Mark", bytes, int)


class Marks(Protocol[Mark]):
    """What trace ids say, in a form that is cheap to get and to compare: a span is kept where `mark >= border`.

    `reads_randomness` tells whether what an earlier sampler brought along may keep a span that its id would not.
    """

    policy: str
    border: Mark
    of_no_id: Mark
    reads_randomness: bool

    def of(self, fronts: list[bytes]) -> Sequence[Mark]:
        """Return the mark of each span by its first 18 bytes: anything where these are not a trace id."""

    def stamp(self, mark: Mark) -> bytes:
        """Return the field that a kept span gets."""

    def randomness(self, trace_id: bytes) -> int | None:
        """Return the randomness of one trace id, None where it is not one."""


class SpanSampler(Generic[Mark]):
    """Decides about serialized spans."""

    def __init__(self, rule: Rule, tally: Tally, marks: Marks[Mark]) -> None:
        self._rule = rule
        self._tally = tally
        self._marks: Marks[Mark] = marks

    def sample(self, spans: list[bytes]) -> list[bytes]:
        """Return the spans that are kept, as they came or with a new `trace_state`."""
        rule_marks, fail_closed = self._marks, self._rule.fail_closed
        border, no_mark, stamp = rule_marks.border, rule_marks.of_no_id, rule_marks.stamp
        fronts = [span[_FRONT] for span in spans]
        marks = rule_marks.of(fronts)
        # One search through all of them costs half of a search in each; it may find what is not there, never miss.
        joined = b"".join(spans)
        prioritized = _PRIORITY in joined
        plain = dropped = 0
        if fail_closed and not prioritized and self._are_told_by_ids(fronts, marks, joined):
            chosen = [index for index, mark in enumerate(marks) if mark >= border]
            dropped = len(spans) - len(chosen)
            spans, marks = [spans[index] for index in chosen], [marks[index] for index in chosen]
        kept: list[bytes] = []
        for span, mark in zip(spans, marks, strict=True):
            if span[:2] == TRACE_ID_HEAD and mark != no_mark and not (prioritized and _PRIORITY in span):
                bare = span.find(TRACE_STATE, AFTER_ID) < 0
                if mark >= border:
                    if bare or not SpanShell.FromString(span).trace_state:
                        plain += 1
                        kept.append(span + stamp(mark))
                        continue
                # What earlier samplers wrote can only lower the chance, unless it brings its own randomness.
                elif bare or (fail_closed and _RANDOMNESS not in span):
                    dropped += 1
                    continue
            examined = self._examine(span)
            if examined is not None:
                kept.append(examined)
        self._tally.decided[rule_marks.policy, True] += plain
        self._tally.decided[rule_marks.policy, False] += dropped
        return kept

    def _are_told_by_ids(self, fronts: list[bytes], marks: Sequence[Mark], joined: bytes) -> bool:
        """Return whether each span has a trace id at its place, and none brings a randomness that counts."""
        ids, count = b"".join(fronts), len(fronts)
        return (
            len(ids) == count * AFTER_ID
            and all(
                ids[place::AFTER_ID] == TRACE_ID_HEAD[place : place + 1] * count for place in range(len(TRACE_ID_HEAD))
            )
            and self._marks.of_no_id not in marks
            and not (self._marks.reads_randomness and _BRINGS_RANDOMNESS(joined))
        )

    def _examine(self, raw: bytes) -> bytes | None:
        """Decide about one span by all that is in it."""
        span = Span.FromString(raw)
        try:
            trace_state = TraceState.parse(span.trace_state)
        except ValueError as error:
            trace_state = None
            state = Fault("trace_state", str(error))
        subject = Subject(
            state if trace_state is None else trace_state.ot,
            self._marks.randomness(span.trace_id),
            self._marks.policy,
            _priority(span),
        )
        decision = self._rule.decide(subject)
        self._tally.note(decision)
        if not decision.sampled:
            return None
        if trace_state is None or (text := str(trace_state)) == span.trace_state:
            return raw
        return with_trace_state(raw, text)


class IdMarks:
    """The randomness in the trace id itself: its last 7 bytes, compared as they stand."""

    policy = "trace_id_w3c"
    of_no_id = _NO_ID[-7:]
    reads_randomness = True

    def __init__(self, rule: Rule) -> None:
        # One byte more than a mark has, so that no mark reaches the border of a sampler that keeps nothing.
        self.border = rule.base.to_bytes(7, "big") if rule.base < NEVER else b"\xff" * 8
        self._stamp = trace_state_field(f"ot=th:{format_threshold(rule.base)}") if rule.base < NEVER else b""

    def of(self, fronts: list[bytes]) -> Sequence[bytes]:
        """Return the marks of spans."""
        return [front[_ID_RANDOMNESS] for front in fronts]

    def stamp(self, mark: bytes) -> bytes:  # noqa: ARG002 - the same for each
        """Return `th` alone: the randomness is in the trace id."""
        return self._stamp

    def randomness(self, trace_id: bytes) -> int | None:
        """Return the randomness of one trace id, None where it is not one."""
        return randomness_of(trace_id) if _is_id(trace_id) else None


class HashMarks:
    """Randomness hashed from the trace id."""

    policy = "trace_id_hash"
    # A span that has one is at fault here, which can only drop it; of those that the hash drops it is not counted.
    reads_randomness = False

    def __init__(self, rule: Rule) -> None:
        self._state = rule.hash_state
        self.border = rule.base
        self.of_no_id = randomness_of_data(_NO_ID, self._state)
        threshold = format_threshold(rule.base) if rule.base < NEVER else ""
        self._stamp = trace_state_field(f"ot=rv:{format_randomness(0)};th:{threshold}").replace(
            b"rv:%b" % _ZEROS, b"rv:%014x"
        )

    def of(self, fronts: list[bytes]) -> Sequence[int]:
        """Return the marks of spans; those of a trace mostly come together, and its id is hashed once."""
        different = dict.fromkeys(fronts)
        hashes = randomness_of_ids([front[_ID].ljust(_ID_SIZE) for front in different], self._state)
        found = dict(zip(different, hashes, strict=True))
        return [found[front] for front in fronts]

    def stamp(self, mark: int) -> bytes:
        """Return `th`, and with it the randomness that nobody could guess from the trace id."""
        return self._stamp % mark

    def randomness(self, trace_id: bytes) -> int | None:
        """Return the randomness of one trace id, None where it is not one."""
        return randomness_of_data(trace_id, self._state) if _is_id(trace_id) else None


def span_sampler(rule: Rule, tally: Tally) -> "SpanSampler[int] | SpanSampler[bytes]":
    """Return the sampler for the mode of a rule."""
    if rule.hashes:
        return SpanSampler(rule, tally, HashMarks(rule))
    return SpanSampler(rule, tally, IdMarks(rule))


def _is_id(trace_id: bytes) -> bool:
    return len(trace_id) == 16 and trace_id != _NO_ID


def _priority(span: ProtoMessage) -> int | None:
    """Return the threshold that a span's `sampling.priority` demands; OpenTracing's convention, as number or text."""
    index = find_attribute(span.attributes, PRIORITY)
    if index < 0:
        return None
    value = value_of(span.attributes[index].value)
    number = None if isinstance(value, bool) else as_double(value)
    if number is None:
        return None
    if number == 0:
        return NEVER
    return ALWAYS if number > 0 else None
