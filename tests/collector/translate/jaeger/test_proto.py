"""Odd and hostile protobuf."""

import pytest

from collector.data import Signal
from collector.data.messages import REQUESTS
from collector.translate.jaeger import proto
from collector.translate.jaeger.model import MOST_MEMBERS, JaegerSpan, Process

IDS = {"trace_id": b"t" * 16, "span_id": b"s" * 8}


def request(*spans, process=None):
    raws = [proto._Span(**{**IDS, **fields}).SerializeToString() for fields in spans]
    batch = {"spans": raws, "process": [] if process is None else [process.SerializeToString()]}
    return proto._PostSpansRequest(batch=batch).SerializeToString()


def spans_of(found):
    return [
        span
        for resource in REQUESTS[Signal.TRACES].FromString(found.payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x02\x0a\x05", b"\x0a\x03\x12\x01\xff"])
def test_no_request(payload):
    with pytest.raises(ValueError, match="not a PostSpansRequest"):
        proto.translate_post_spans(payload)


def test_an_empty_request():
    assert (0, {}) == (proto.translate_post_spans(b"").count, dict(proto.translate_post_spans(b"").invalid))


@pytest.mark.parametrize(
    ("fields", "reason", "complaint"),
    [
        ({"trace_id": b"1" * 9}, "invalid_id", "spans[1].traceId: expected 8 or 16 bytes, not 9"),
        ({"span_id": b"1" * 16}, "invalid_id", "spans[1].spanId: expected 8 bytes, not 16"),
        ({"references": [{"trace_id": b"1", "span_id": b"1"}]}, "invalid_id", "references.traceId: expected 8 or 16"),
        ({"duration": {"seconds": -1}}, "negative_duration", "spans[1].duration: -1000000000 ns"),
        ({"start_time": {"seconds": 2**63 - 1}}, "invalid_time", "spans[1].startTime"),
        ({"process": [b"\xff"]}, "malformed", "spans[1].not valid protobuf"),
        ({"tags": [{}] * (MOST_MEMBERS + 1)}, "too_many_members", "more than 65536 tags, logs and fields"),
        ({"logs": [{"fields": [{}] * 2**8}] * 2**8}, "too_many_members", "more than 65536"),
    ],
)
def test_a_span_that_cannot_be_is_left_out_alone(fields, reason, complaint):
    found = proto.translate_post_spans(request({"operation_name": "1"}, fields, {"operation_name": "3"}))
    assert ["1", "3"] == [span.name for span in spans_of(found)]
    assert {reason: 1} == dict(found.invalid)
    assert complaint in found.complaint


def test_a_text_that_is_no_unicode_costs_its_span():
    bad = proto._Span(**IDS).SerializeToString() + b"\x1a\x01\xff"
    payload = proto._PostSpansRequest(batch={"spans": [bad, proto._Span(**IDS).SerializeToString()]})
    found = proto.translate_post_spans(payload.SerializeToString())
    assert (1, {"malformed": 1}) == (found.count, dict(found.invalid))


def test_more_spans_than_anybody_needs():
    payload = proto._PostSpansRequest(batch={"spans": [b""] * (2**18 + 1)}).SerializeToString()
    with pytest.raises(ValueError, match="262144 spans at most"):
        proto.translate_post_spans(payload)


def test_ids_of_64_bits():
    (span,) = spans_of(proto.translate_post_spans(request({"trace_id": b"12345678"})))
    assert bytes(8) + b"12345678" == span.trace_id


def test_a_tag_of_an_unknown_type():
    (span,) = spans_of(proto.translate_post_spans(request({"tags": [{"key": "a", "v_type": 7}]})))
    assert '<Unknown Jaeger TagType "7">' == span.attributes[0].value.string_value


def test_each_span_with_its_own_process():
    spans = [JaegerSpan(process=Process(name), name=name, **IDS) for name in ("a", "b", "a")]
    found = proto.translate_post_spans(proto.write_post_spans(spans))
    resources = REQUESTS[Signal.TRACES].FromString(found.payload).resource_spans
    assert [("a", 2), ("b", 1)] == [
        (resource.resource.attributes[0].value.string_value, len(resource.scope_spans[0].spans))
        for resource in resources
    ]
