"""The client's side without a socket: hand-made frames of a server in, events and frames out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.net.http2 import frames
from collector.net.http2.client_connection import ClientConnection
from collector.net.http2.events import Answered, Body, Broken, Failed, GoingAway, Pinged, Reset, Settled, Trailed
from collector.net.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
    frame,
)
from collector.net.http2.header_blocks import encode_fields
from collector.net.http2.limits import Limits
from collector.testing.http2 import Server, parse, prefixed

BLOCK = encode_fields(((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/a.B/C"), (b":authority", b"test")))
SMALL = Limits(streams=0, stream_window=1000, connection_window=70_000, frame_size=16_384, header_list_size=1000)
START = frames.settings(())


def connect(*settings, limits=SMALL, now=lambda: 0.0):
    """Return a connection that a server has greeted; the greetings are out of the way."""
    connection = ClientConnection(now, limits)
    connection.receive(frames.settings(settings))
    connection.take()
    return connection


def sent(connection):
    """Return the frames that a connection has to send."""
    return parse(b"".join(connection.take()).removeprefix(PREFACE))


def outline(connection):
    """Return the kinds, streams and sizes of what a connection has to send, and the flags of DATA."""
    return [
        (f.kind, f.stream_id, len(f.payload), f.flags) if f.kind == DATA else (f.kind, f.stream_id)
        for f in sent(connection)
    ]


def uint(number):
    return number.to_bytes(4, "big")


def goaway(last, code=ErrorCode.NO_ERROR, debug=""):
    return frames.goaway(last, code, debug)


def summary(events):
    """Return events without what depends on how the bytes were cut: chunks of a body are joined."""
    lines = []
    for event in events:
        if isinstance(event, Body) and lines and isinstance(lines[-1], Body) and not lines[-1].ended:
            last = lines.pop()
            event = event._replace(chunk=last.chunk + event.chunk)  # noqa: PLW2901
        lines.append(event)
    return lines


def names(events):
    return [type(event).__name__ for event in events]


def test_it_begins_with_the_preface_and_what_it_can_take():
    connection = ClientConnection(lambda: 0.0, SMALL)
    begun = b"".join(connection.take())
    assert begun.startswith(PREFACE)
    settings, update = parse(begun.removeprefix(PREFACE))
    values = dict(frames.SETTING.iter_unpack(settings.payload))
    assert {frames.ENABLE_PUSH: 0, frames.INITIAL_WINDOW_SIZE: 1000, frames.MAX_HEADER_LIST_SIZE: 1000} == values
    assert (WINDOW_UPDATE, 0, uint(70_000 - 65_535)) == (update.kind, update.stream_id, update.payload)


def test_settings_are_acknowledged_and_told():
    connection = ClientConnection(lambda: 0.0, SMALL)
    connection.take()
    assert [Settled()] == connection.receive(START)
    assert [(SETTINGS, ACK)] == [(f.kind, f.flags) for f in sent(connection)]


def test_a_call():
    """Streams are odd and grow; the answer is told as it comes; its end is the request's."""
    connection, server = connect(), Server()
    assert [1, 3] == [connection.request(BLOCK, (b"abc", b"def")) for _ in range(2)]
    head, body, _, _ = sent(connection)
    assert (HEADERS, END_HEADERS, 1, BLOCK) == head
    assert (DATA, END_STREAM, 1, b"abcdef") == body
    answered, part, trailed = connection.receive(server.answer(1, b"yes"))
    assert (1, 200, b"application/grpc") == (
        answered.stream_id,
        answered.head.status,
        answered.head.named[b"content-type"],
    )
    assert Body(1, prefixed(b"yes"), ended=False) == part
    assert {b"grpc-status": b"0"} == trailed.trailers.named
    assert 1 == connection.open_streams


def test_a_body_is_not_copied():
    message = bytes(100_000)
    connection = connect((frames.INITIAL_WINDOW_SIZE, 200_000))
    connection.receive(frames.window_update(0, 200_000))
    connection.take()
    connection.request(BLOCK, (b"12345", message))
    views = [part for part in connection.take() if isinstance(part, memoryview)]
    assert [b"12345", message] == [views[0].obj, views[1].obj]
    assert len(message) + 5 == sum(map(len, views))


@pytest.mark.parametrize(("size", "expected"), [(None, [16_384, 16_384, 7_237]), (20_000, [20_000, 20_000, 5])])
def test_frames_are_as_large_as_the_server_takes(size, expected):
    settings = [(frames.INITIAL_WINDOW_SIZE, 60_000)] + ([(frames.MAX_FRAME_SIZE, size)] if size else [])
    connection = connect(*settings)
    connection.request(BLOCK, (b"12345", bytes(40_000)))
    assert expected == [len(f.payload) for f in sent(connection)[1:]]


@given(st.lists(st.integers(1, 7), min_size=30, max_size=60))
def test_windows_of_a_few_bytes(increments):
    """Each update lets so many bytes out, wherever the parts of the body begin; only the last frame ends the stream."""
    connection = connect((frames.INITIAL_WINDOW_SIZE, 0))
    body = bytes(range(30))
    connection.request(BLOCK, (body[:5], body[5:6], body[6:]))
    assert 1 == len(sent(connection))
    got, left = b"", 30
    for increment in increments:
        connection.receive(frames.window_update(1, increment))
        for f in sent(connection):
            assert DATA == f.kind
            assert len(f.payload) == min(increment, left)
            left -= len(f.payload)
            got += f.payload
            assert (END_STREAM if not left else 0) == f.flags
    assert body == got


def test_the_connections_window_is_shared():
    connection = connect((frames.INITIAL_WINDOW_SIZE, 100_000))
    connection.request(BLOCK, (bytes(65_000),))
    connection.request(BLOCK, (bytes(1_000),))
    assert (DATA, 3, 535, 0) == outline(connection)[-1]
    connection.receive(frames.window_update(0, 465))
    assert [(DATA, 3, 465, END_STREAM)] == outline(connection)


def test_a_cancelled_request_sends_no_more():
    connection = connect((frames.INITIAL_WINDOW_SIZE, 10))
    connection.request(BLOCK, (bytes(100),))
    connection.take()
    connection.reset(1, ErrorCode.CANCEL)
    assert [(RST_STREAM, 1)] == outline(connection)
    connection.receive(frames.window_update(1, 100))
    # What was under way for it is borne, headers included, for they change the table.
    server = Server()
    assert [] == connection.receive(server.answer(1, b"late"))
    connection.request(BLOCK, (b"x",))
    assert {b"grpc-status": b"0"} == connection.receive(server.answer(3, b"yes"))[-1].trailers.named


def test_an_answer_before_the_request_is_out_ends_it():
    connection, server = connect((frames.INITIAL_WINDOW_SIZE, 10)), Server()
    connection.request(BLOCK, (bytes(100),))
    connection.take()
    events = connection.receive(server.headers(1, (":status", "200"), ("grpc-status", "8"), flags=END_STREAM))
    assert ["Answered"] == names(events)
    assert events[0].ended
    assert [(RST_STREAM, 1)] == outline(connection)
    assert 0 == connection.open_streams


def test_interim_answers_are_passed_over():
    connection, server = connect(), Server()
    connection.request(BLOCK, (b"x",))
    interim = server.headers(1, (":status", "103"), ("link", "</a>"))
    assert ["Answered", "Body", "Trailed"] == names(connection.receive(interim * 3 + server.answer(1, b"")))


def test_room():
    connection = connect((frames.MAX_CONCURRENT_STREAMS, 2))
    assert connection.has_room
    for _ in range(2):
        connection.request(BLOCK, (b"x",))
    assert not connection.has_room
    connection.receive(frames.settings(((frames.MAX_CONCURRENT_STREAMS, 3),)))
    assert connection.has_room
    connection.retire()
    assert not connection.has_room


def test_the_last_number():
    """Stream numbers are not used twice: another connection has to go on."""
    connection = connect()
    connection._next = frames.STREAM_MASK
    assert frames.STREAM_MASK == connection.request(BLOCK, (b"x",))
    assert connection.draining
    assert ["Answered", "Body", "Trailed"] == names(connection.receive(Server().answer(frames.STREAM_MASK, b"")))


def test_a_server_that_answers_may_go_on():
    """Pings, interim answers and the like are borne as long as calls are answered, however many."""
    connection, server = connect(), Server()
    for number in range(1, 4001, 2):
        connection.request(BLOCK, (b"x",))
        connection.receive(server.headers(number, (":status", "103")) + frame(PING, 0, 0, bytes(8)))
        assert ["Answered", "Body", "Trailed"] == names(connection.receive(server.answer(number, b"")))
        connection.take()


def test_going_away():
    """What the server has not seen is forgotten; the rest goes on."""
    connection, server = connect(), Server()
    for _ in range(3):
        connection.request(BLOCK, (b"x",))
    assert [GoingAway(3, ErrorCode.NO_ERROR, "max_age")] == connection.receive(goaway(3, debug="max_age"))
    assert connection.draining
    assert 2 == connection.open_streams
    assert [] == connection.receive(server.answer(5, b"after all"))
    assert ["Answered", "Body", "Trailed"] == names(connection.receive(server.answer(3, b"")))


def test_a_smaller_header_table_is_confirmed():
    """RFC 9113 section 4.3.1; once, for no table is never too large."""
    connection = connect((frames.HEADER_TABLE_SIZE, 100))
    for _ in range(2):
        connection.request(BLOCK, ())
    assert [b"\x20" + BLOCK, BLOCK] == [f.payload for f in sent(connection)]
    connection.receive(frames.settings(((frames.HEADER_TABLE_SIZE, 0),)))
    connection.take()
    connection.request(BLOCK, ())
    assert [BLOCK] == [f.payload for f in sent(connection)]


def test_the_windows_open_again():
    connection, server = connect(), Server()
    connection.request(BLOCK, (b"x",))
    connection.take()
    connection.receive(server.head(1) + frame(DATA, 0, 1, bytes(600)))
    assert [(WINDOW_UPDATE, 1)] == outline(connection)
    assert [Body(1, bytes(900), ended=False)] == connection.receive(frame(DATA, 0, 1, bytes(900)))


def test_pings_are_answered():
    connection = connect()
    assert [Pinged(answer=False)] == connection.receive(frame(PING, 0, 0, b"12345678"))
    assert [(PING, ACK, 0, b"12345678")] == sent(connection)
    connection.ping()
    assert [(PING, 0, 0, bytes(8))] == sent(connection)
    assert [Pinged(answer=True)] == connection.receive(frame(PING, ACK, 0, bytes(8)))


def test_a_reset_is_told_with_its_code():
    connection = connect()
    connection.request(BLOCK, (b"x",))
    assert [Reset(1, ErrorCode.REFUSED_STREAM)] == connection.receive(frames.rst_stream(1, ErrorCode.REFUSED_STREAM))
    assert [] == connection.receive(frames.rst_stream(1, ErrorCode.CANCEL))


def many(content, count):
    return lambda _server: content * count


HEAD = b"\x88"
OK = ((":status", "200"),)
# What ends a connection, and with which code.
VIOLATIONS = {
    "http/1": (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorCode.HTTP_1_1_REQUIRED, "http1.x server"),
    "tls": (lambda _: b"\x15\x03\x03\x00\x02\x02\x46", ErrorCode.PROTOCOL_ERROR, "does it expect TLS"),
    "something else": (lambda _: b"220 mail.example.com", ErrorCode.PROTOCOL_ERROR, "does not speak HTTP/2"),
    "no settings": (lambda _: frame(PING, 0, 0, bytes(8)), ErrorCode.PROTOCOL_ERROR, "does not speak HTTP/2"),
    "a push": (lambda _: START + frame(PUSH_PROMISE, END_HEADERS, 1, uint(2) + HEAD), ErrorCode.PROTOCOL_ERROR, "push"),
    "a client that may push": (lambda _: frames.settings(((2, 1),)), ErrorCode.PROTOCOL_ERROR, "push"),
    "a stream of its own": (lambda s: START + s.headers(2, *OK), ErrorCode.PROTOCOL_ERROR, "odd"),
    "an answer to nothing": (lambda s: START + s.headers(99, *OK), ErrorCode.PROTOCOL_ERROR, "never opened"),
    "a body of nothing": (lambda _: START + frame(DATA, 0, 99, b"x"), ErrorCode.PROTOCOL_ERROR, "never opened"),
    "a reset of nothing": (lambda _: START + frames.rst_stream(99, 8), ErrorCode.PROTOCOL_ERROR, "never opened"),
    "no hpack": (lambda _: START + frame(HEADERS, END_HEADERS, 1, b"\xff\xff"), ErrorCode.COMPRESSION_ERROR, "HPACK"),
    "large headers": (
        lambda s: START + s.headers(1, *OK, ("a", "b" * 1000)),
        ErrorCode.ENHANCE_YOUR_CALM,
        "headers are larger",
    ),
    "continuations without end": (
        lambda _: START + frame(HEADERS, 0, 1, HEAD) + frame(CONTINUATION, 0, 1, b"") * 50,
        ErrorCode.ENHANCE_YOUR_CALM,
        "in too many parts",
    ),
    "a frame within a header block": (
        lambda _: START + frame(HEADERS, 0, 1, HEAD) + frame(PING, 0, 0, bytes(8)),
        ErrorCode.PROTOCOL_ERROR,
        "within a header block",
    ),
    "a large frame": (lambda _: START + frame(DATA, 0, 1, bytes(16_385)), ErrorCode.FRAME_SIZE_ERROR, "16384"),
    "a short goaway": (lambda _: START + frame(GOAWAY, 0, 0, b"1234"), ErrorCode.PROTOCOL_ERROR, "GOAWAY"),
    "a window beyond all bounds": (
        lambda _: START + frames.window_update(0, frames.MAX_WINDOW),
        ErrorCode.FLOW_CONTROL_ERROR,
        "too large",
    ),
    "pings": (many(START + frame(PING, 0, 0, bytes(8)), 600), ErrorCode.ENHANCE_YOUR_CALM, "bring nothing"),
    "settings": (many(START, 1100), ErrorCode.ENHANCE_YOUR_CALM, "bring nothing"),
    "interim answers": (
        lambda s: START + b"".join(s.headers(1, (":status", "102")) for _ in range(1100)),
        ErrorCode.ENHANCE_YOUR_CALM,
        "bring nothing",
    ),
    "empty data": (
        lambda s: START + s.headers(1, *OK) + frame(DATA, 0, 1) * 1100,
        ErrorCode.ENHANCE_YOUR_CALM,
        "bring nothing",
    ),
    "goaways": (many(START + goaway(1), 600), ErrorCode.ENHANCE_YOUR_CALM, "bring nothing"),
    "frames that nobody knows": (many(START + frame(99, 0, 0), 600), ErrorCode.ENHANCE_YOUR_CALM, "bring nothing"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_what_ends_the_connection(name):
    make, code, message = VIOLATIONS[name]
    connection = ClientConnection(lambda: 0.0, SMALL)
    connection.request(BLOCK, (b"x",))
    *_, last = connection.receive(make(Server()))
    assert isinstance(last, Failed)
    assert code is last.code
    assert message in last.message
    assert connection.failed
    assert GOAWAY == sent(connection)[-1].kind
    assert [] == connection.receive(b"anything")


def trailers_without_end(server):
    return server.headers(1, *OK) + server.headers(1, ("grpc-status", "0"))


STREAM_VIOLATIONS = {
    "a body first": (lambda _: frame(DATA, 0, 1, b"x" * 20), ErrorCode.PROTOCOL_ERROR),
    "no status": (lambda s: s.headers(1, ("content-type", "application/grpc")), ErrorCode.PROTOCOL_ERROR),
    "a status of letters": (lambda s: s.headers(1, (":status", "yes")), ErrorCode.PROTOCOL_ERROR),
    "pseudo-header fields of requests": (lambda s: s.headers(1, *OK, (":path", "/")), ErrorCode.PROTOCOL_ERROR),
    "an upper case name": (lambda s: s.headers(1, *OK, ("Upper", "x")), ErrorCode.PROTOCOL_ERROR),
    "a header of http/1": (lambda s: s.headers(1, *OK, ("connection", "close")), ErrorCode.PROTOCOL_ERROR),
    "an interim answer as the last": (
        lambda s: s.headers(1, (":status", "100"), flags=END_STREAM),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "trailers that do not end": (trailers_without_end, ErrorCode.PROTOCOL_ERROR),
    "a status in trailers": (
        lambda s: s.headers(1, *OK) + s.headers(1, *OK, flags=END_STREAM),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "too large a body": (lambda s: s.head(1) + frame(DATA, 0, 1, bytes(1001)), ErrorCode.FLOW_CONTROL_ERROR),
    "a body longer than it says": (
        lambda s: s.headers(1, *OK, ("content-length", "3")) + frame(DATA, END_STREAM, 1, b"four"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a body shorter than it says": (
        lambda s: s.headers(1, *OK, ("content-length", "3")) + frame(DATA, END_STREAM, 1, b"2!"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "growth by nothing": (lambda _: frames.window_update(1, 0), ErrorCode.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", STREAM_VIOLATIONS)
def test_what_breaks_a_stream(name):
    """The stream is reset and forgotten; the connection goes on."""
    make, code = STREAM_VIOLATIONS[name]
    connection, server = connect(), Server()
    for _ in range(2):
        connection.request(BLOCK, (b"x",))
    connection.take()
    *_, last = connection.receive(make(server))
    assert isinstance(last, Broken)
    assert (1, code) == last[:2]
    assert (RST_STREAM, 1) in outline(connection)
    assert ["Answered", "Body", "Trailed"] == names(connection.receive(server.answer(3, b"")))


def padded(kind, flags, stream_id, payload, padding=7):
    return frame(kind, flags | PADDED, stream_id, bytes([padding]) + payload + bytes(padding))


def conversation():
    """Return what a server may say to three requests."""
    server = Server()
    return b"".join(
        (
            frames.settings(((frames.MAX_FRAME_SIZE, 20_000), (frames.INITIAL_WINDOW_SIZE, 100_000))),
            frames.SETTINGS_ACK,
            server.head(1) + padded(DATA, 0, 1, prefixed(b"padded")) + server.trailers(1),
            frame(PING, 0, 0, b"12345678"),
            server.headers(3, (":status", "100")),
            server.head(3) + frame(DATA, 0, 3, prefixed(b"a" * 300)),
            frame(77, 3, 9, b"unknown"),
            server.trailers(3, ("grpc-status", "3"), ("grpc-message", "no%20way")),
            frames.window_update(5, 100),
            frames.rst_stream(5, ErrorCode.REFUSED_STREAM),
            goaway(5, debug="bye"),
        )
    )


def after(chunks):
    connection = ClientConnection(lambda: 0.0, SMALL)
    for _ in range(3):
        connection.request(BLOCK, (b"x" * 100,))
    events = []
    for chunk in chunks:
        events += connection.receive(chunk)
    return summary(events), b"".join(connection.take())


@given(st.lists(st.integers(0, len(conversation())), max_size=12))
def test_any_split_of_the_bytes_means_the_same(cuts):
    said = conversation()
    edges = [0, *sorted(cuts), len(said)]
    chunks = [said[start:end] for start, end in itertools.pairwise(edges)]
    events, out = after(chunks)
    assert (events, out) == after([said])
    assert (events, out) == after([said[index : index + 1] for index in range(len(said))])
    assert [Settled, Answered, Body, Trailed, Pinged, Answered, Body, Trailed, Reset, GoingAway] == [
        type(event) for event in events
    ]


@given(st.lists(st.binary(max_size=200), max_size=10), st.booleans())
def test_no_bytes_raise(chunks, greeted):
    connection = ClientConnection(lambda: 0.0, SMALL)
    connection.request(BLOCK, (b"x" * 100,))
    for chunk in [START, *chunks] if greeted else chunks:
        connection.receive(chunk)
    connection.take()


@given(st.data())
def test_no_broken_conversation_raises(data):
    said = bytearray(conversation())
    for _ in range(data.draw(st.integers(1, 5))):
        said[data.draw(st.integers(0, len(said) - 1))] = data.draw(st.integers(0, 255))
    after([bytes(said)])
