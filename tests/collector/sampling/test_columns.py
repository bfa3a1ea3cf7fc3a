"""Reading fields of many spans at once gives what decoding each of them gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data.messages import Span
from collector.data.shell import RequestShell
from collector.data.signal import Signal
from collector.sampling.columns import columns_of
from collector.sampling.trace import Trace
from collector.testing.strategies import requests

_TIMES = st.sampled_from([0, 1, 250, 251, 252, 2**63, 2**64 - 1]) | st.integers(1_700_000_000, 1_700_000_100)
_FIELDS = st.one_of(
    _TIMES.map(lambda time: Span(start_time_unix_nano=time).SerializeToString() or b"\x39" + bytes(8)),
    _TIMES.map(lambda time: Span(end_time_unix_nano=time).SerializeToString() or b"\x41" + bytes(8)),
    st.sampled_from(
        [
            b"\x7a\x00",  # a status without anything
            b"\x7a\x02\x18\x00",
            b"\x7a\x02\x18\x01",
            b"\x7a\x02\x18\x02",
            b"\x7a\x05\x18\x02\x12\x01x",
            b"\x7a\x04\x98\x00\x82\x00",  # an error, in more bytes than it takes
            b"\x7a\x02\x18\x7f",
            b"\x1a\x00",
            b"\x1a\x04ot=x",
            b"\x1a\x07ot=th:8",
            b"\x1a\x0aot=th:8,a=",
            b"\x2a\x04name",
            b"\x4a\x05\x0a\x03key",
            b"\x9a\x7d\x02hi",  # an unknown field
        ]
    ),
)
_SPANS = st.lists(_FIELDS, max_size=5).map(b"".join)
_USUAL = st.tuples(_TIMES, _TIMES).map(
    lambda times: Span(start_time_unix_nano=max(times[0], 1), end_time_unix_nano=max(times[1], 1)).SerializeToString()
)
_ODD = st.tuples(_USUAL, st.lists(_FIELDS, max_size=2).map(b"".join)).map(b"".join)
_TRACES = st.lists(st.lists(_ODD | _SPANS | _USUAL, min_size=1, max_size=4), min_size=1, max_size=4)


def _check(traces: list[list[bytes]]) -> None:
    mates: list[Trace] = []
    mates.extend(Trace(b"", raws, [], mates) for raws in traces)
    for trace, raws in zip(list(mates), traces, strict=True):
        spans = [Span.FromString(raw) for raw in raws]
        codes = {span.status.code for span in spans}
        assert min(span.start_time_unix_nano for span in spans) == trace.start_ns
        assert max(span.end_time_unix_nano for span in spans) == trace.end_ns
        assert codes == trace.status_codes
        assert (2 in codes) == trace.has_error
        assert trace.has_trace_state or not any(span.trace_state for span in spans)


@given(_TRACES)
def test_fields_of_any_number_in_any_order(traces):
    _check(traces)


@given(st.lists(requests(Signal.TRACES), max_size=4))
def test_spans_as_oddly_written_as_protobuf_allows(payloads):
    traces = [
        raws
        for payload in payloads
        for resource in RequestShell.FromString(payload).resources
        for scope in resource.scopes
        if (raws := list(scope.items))
    ]
    if traces:
        _check(traces)


@given(st.lists(st.lists(_USUAL, min_size=1, max_size=4), min_size=1, max_size=4))
def test_usual_spans_are_not_decoded_one_by_one(traces):
    """What is fast is in use: the columns tell, unless a time is that which separates."""
    if not any(
        251 in (span.start_time_unix_nano, span.end_time_unix_nano)
        for raws in traces
        for span in map(Span.FromString, raws)
    ):
        assert columns_of(traces) is not None


def test_values_are_those_of_their_trace():
    def raw(start: int, end: int, code: int = 0, trace_state: str = "") -> bytes:
        span = Span(start_time_unix_nano=start, end_time_unix_nano=end, trace_state=trace_state)
        span.status.code = code
        return span.SerializeToString()

    columns = columns_of([[raw(1000, 2000), raw(900, 1900, 1)], [raw(1500, 3000, 2, "a=1")], [raw(10_000, 10_001)]])

    assert columns is not None
    assert [900, 1500, 10_000] == columns.starts
    assert [2000, 3000, 10_001] == columns.ends
    assert [[1], [2], []] == columns.codes
    assert [[], [b"a=1"], []] == columns.trace_states


def test_a_time_that_separates_cannot_stand_for_one_that_is_missing():
    """Three values in the first span, of which one is like a separator, and none in the others."""
    first = b"".join(
        Span(start_time_unix_nano=time, end_time_unix_nano=time).SerializeToString() for time in (900, 251, 800)
    )
    _check([[first, b"", b""]])


@pytest.mark.parametrize("odd", [b"\x7a\x02\x18\x7f", b"\x1a\x00", b"\x7a\x02\x18\x02\x7a\x02\x18\x01"])
def test_what_separates_and_what_does_not_count_may_stand_in_a_span(odd):
    usual = Span(start_time_unix_nano=1000, end_time_unix_nano=2000).SerializeToString()
    _check([[usual], [usual + odd, usual], [usual]])
