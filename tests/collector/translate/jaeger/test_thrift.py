"""Hostile and odd Thrift: it is refused, or read, and never takes much more room than it came with."""

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Signal
from collector.data.messages import REQUESTS
from collector.translate.jaeger import thrift
from collector.translate.jaeger.model import MOST_MEMBERS, JaegerSpan, Log, Process, Reference

PROCESS = Process("shop", {"hostname": "one"})
STOP = b"\x00"


def field(kind, number, content=b""):
    return struct.pack(">bh", kind, number) + content


def list_of(number, count, content=b""):
    """Return a field that holds a list of structs."""
    return field(15, number, b"\x0c" + struct.pack(">i", count) + content)


def batch(*members):
    return b"".join(members) + STOP


IDS = field(10, 1, struct.pack(">q", 1)) + field(10, 3, struct.pack(">q", 1))


def span(*members):
    return IDS + b"".join(members) + STOP


@pytest.fixture(params=["binary", "compact"])
def protocol(request):
    return request.param


def call(body, protocol, name="emitBatch", kind=4):
    if protocol == "compact":
        head = bytes([0x82, 1 | kind << 5, 0, len(name)]) + name.encode()
        return head + b"\x1c" + body + STOP
    return (
        struct.pack(">I", 0x80010000 | kind)
        + struct.pack(">i", len(name))
        + name.encode()
        + bytes(4)
        + field(12, 1)
        + body
        + STOP
    )


def packet(protocol, *spans, **options):
    (body,) = thrift.write_batches(spans, protocol)
    return call(body, protocol, **options)


def full_span():
    return JaegerSpan(
        process=PROCESS,
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="operation",
        start=10**18,
        duration=10**6,
        references=[Reference(bytes(range(16)), b"12345678", follows=True)],
        tags={"text": "x", "true": True, "int": 5, "double": 0.5, "bytes": b"\xff"},
        logs=[Log(10**18, {"event": "something", "more": 1})],
    )


def otlp(found):
    return REQUESTS[Signal.TRACES].FromString(found.payload)


@pytest.mark.parametrize("kind", [1, 4])
def test_a_packet(protocol, kind):
    """As a call that waits for an answer, or as one of one way."""
    found = thrift.translate_packet(packet(protocol, full_span(), kind=kind), protocol)
    assert (1, "operation") == (found.count, otlp(found).resource_spans[0].scope_spans[0].spans[0].name)


@pytest.mark.parametrize("options", [{"name": "emitZipkinBatch"}, {"kind": 2}, {"kind": 3}])
def test_another_call(protocol, options):
    with pytest.raises(ValueError, match="expected a call of emitBatch"):
        thrift.translate_packet(packet(protocol, full_span(), **options), protocol)


def test_every_truncation_is_an_error(protocol):
    """Up to the last span; what a batch has behind it is not read."""
    whole = packet(protocol, full_span())
    for length in range(len(whole) - 3):
        with pytest.raises(ValueError, match="not valid Thrift"):
            thrift.translate_packet(whole[:length], protocol)


@given(st.data())
def test_whatever_comes_is_read_or_refused(data):
    protocol = data.draw(st.sampled_from(["binary", "compact"]))
    content = bytearray(packet(protocol, full_span(), full_span()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        found = thrift.translate_packet(bytes(content), protocol)
    except ValueError:
        return
    assert found.count == sum(
        len(scope.spans) for resource in otlp(found).resource_spans for scope in resource.scope_spans
    )


@given(st.binary(max_size=200))
def test_noise(content):
    for translate in (thrift.translate_batch, lambda raw: thrift.translate_packet(raw, "compact")):
        try:
            translate(content)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "ends too early"),
        (batch(field(11, 1, struct.pack(">i", 1) + b"x")), "expected the process and the spans"),
        (batch(field(10, 3, bytes(8))), "expected the process and the spans of a batch, not a field 3"),
        (batch(field(15, 2, b"\x08" + struct.pack(">i", 1))), "expected a list of spans"),
        (batch(list_of(2, 2**31 - 1)), "exceeded"),
        (batch(list_of(2, 2**18 + 1, STOP * (2**18 + 1))), "262144 spans at most, not 262145"),
        (batch(list_of(2, -1)), "egative"),
        (batch(list_of(2, 3, span())), "ends too early"),
        (batch(list_of(2, 1, span(field(11, 5, struct.pack(">i", 2**31 - 1))))), "exceeded"),
        (batch(list_of(2, 1, span(list_of(10, 2**31 - 1)))), "exceeded"),
        (batch(list_of(2, 1, field(12, 99) * 1_000_000)), "depth"),
        (batch(list_of(2, 1, b"\x63\x00\x01")), "TType"),
    ],
)
def test_hostile_batches(payload, message):
    """What is announced and not there, negative, too large or too deep is refused without being built."""
    with pytest.raises(ValueError, match=f"not valid Thrift: .*{message}"):
        thrift.translate_batch(payload)


@pytest.mark.parametrize(
    "members",
    [
        list_of(10, 3_000_000, STOP * 3_000_000),
        list_of(6, 3_000_000, STOP * 3_000_000),
        list_of(11, 1000, (list_of(2, 3000, STOP * 3000) + STOP) * 1000),
    ],
)
def test_the_members_of_a_span_are_bounded(members):
    """Three megabytes of empty structs, also where none of their lists is long, would be hundreds as objects."""
    payload = batch(list_of(2, 1, span(members)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="it has too many members"):
        thrift.translate_batch(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 2**20


def test_as_many_members_as_there_may_be():
    half = MOST_MEMBERS // 2
    payload = batch(list_of(2, 2, span(list_of(10, half, STOP * half), list_of(11, half, STOP * half)) * 2))
    assert 2 == thrift.translate_batch(payload).count


def test_a_list_of_spans_is_never_held_as_a_whole():
    """Blank spans say nothing, and cost nothing but time."""
    payload = batch(list_of(2, 30_000, STOP * 30_000))
    tracemalloc.start()
    found = thrift.translate_batch(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (0, b"") == (found.count, found.payload)
    assert peak < 2**20


def test_a_text_that_is_no_unicode_spoils_nothing():
    body = batch(list_of(2, 1, span(field(11, 5, struct.pack(">i", 3) + b"a\xffb"))))
    assert "a\ufffdb" == otlp(thrift.translate_batch(body)).resource_spans[0].scope_spans[0].spans[0].name


def test_tags_of_an_unknown_type_and_without_a_value():
    def tag(key, kind):
        return field(11, 1, struct.pack(">i", 1) + key) + field(8, 2, struct.pack(">i", kind)) + STOP

    body = batch(list_of(2, 1, span(list_of(10, 3, tag(b"a", 9) + tag(b"b", 3) + tag(b"c", 0)))))
    attributes = otlp(thrift.translate_batch(body)).resource_spans[0].scope_spans[0].spans[0].attributes
    assert ['<Unknown Jaeger TagType "9">', 0, ""] == [
        getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes
    ]


def test_what_stands_behind_the_spans_is_not_read():
    """The sequence number and the statistics of a client."""
    payload = batch(list_of(2, 1, span()), field(10, 3, bytes(8)), field(12, 4, field(10, 1, bytes(8)) + STOP))
    assert 1 == thrift.translate_batch(payload).count
