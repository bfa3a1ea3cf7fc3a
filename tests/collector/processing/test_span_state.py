"""The `trace_state` of serialized spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data.messages import Span
from collector.data.shell import RequestShell
from collector.data.signal import Signal
from collector.processing.span_state import trace_state_field, trace_state_of, with_trace_state
from collector.testing.strategies import requests
from collector.testing.traces import make_span


@given(requests(Signal.TRACES), st.sampled_from(["", "a=b", "ot=th:8"]))
def test_it_is_read_and_written_as_a_decoder_would(payload, text):
    for resource in RequestShell.FromString(payload).resources:
        for raw in [raw for scope in resource.scopes for raw in scope.items]:
            span = Span.FromString(raw)
            assert span.trace_state == trace_state_of(raw)
            span.trace_state = text
            assert span == Span.FromString(with_trace_state(raw, text))


@pytest.mark.parametrize("before", ["", "a=b"])
def test_a_field_that_is_appended_is_the_one_that_counts(before):
    raw = make_span(1, trace_state=before).SerializeToString()
    assert "c=d" == trace_state_of(raw + trace_state_field("c=d"))
    assert before == trace_state_of(raw + trace_state_field(""))
