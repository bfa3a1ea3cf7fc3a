"""What is read of a span without decoding all of it."""

from hypothesis import example, given
from hypothesis import strategies as st

from collector.data.messages import Span
from collector.sampling.digest import has_parent

IDS = st.sampled_from([b"", b"\x01" * 8, b'"\x08' * 4, b"\x01" * 3])
TEXTS = st.text(st.sampled_from('"\x08\x12ab'), max_size=24)


@given(st.sampled_from([b"", b"\x01" * 16]), IDS, IDS, TEXTS, TEXTS)
@example(b"\x01" * 16, b"", b"", "", '12345678"\x08')  # stands where the parent does
def test_a_parent_is_told_as_decoding_tells_it(trace_id, span_id, parent, trace_state, name):
    span = Span(trace_id=trace_id, span_id=span_id, parent_span_id=parent, trace_state=trace_state, name=name)
    assert bool(parent) == has_parent(span.SerializeToString())
