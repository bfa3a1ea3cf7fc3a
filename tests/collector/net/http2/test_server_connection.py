"""The protocol without a socket: hand-made frames in, events and frames out."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.net.http2 import frames
from collector.net.http2.events import Body, Broken, Failed, Opened, Pinged, Reset
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
    PRIORITIZED,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
    frame,
)
from collector.net.http2.heads import RequestHead
from collector.net.http2.limits import Limits
from collector.net.http2.server_connection import ServerConnection
from collector.testing.http2 import START, Client, parse

HEAD = b"\x88"
TRAILERS = b"\x89"
SMALL = Limits(streams=4, stream_window=1000, connection_window=100_000, frame_size=16_384)


def connect(limits=SMALL, data=START, now=lambda: 0.0):
    """Return a connection that has taken this in; the greeting is out of the way."""
    connection = ServerConnection(limits, now, RequestHead.of)
    connection.receive(data)
    connection.take()
    return connection


def summary(events):
    """Return events without what depends on how the bytes were cut: chunks of a body are joined."""
    lines = []
    for event in events:
        if isinstance(event, Opened):
            lines.append(("opened", event.stream_id, event.head.path, event.ended))
        elif isinstance(event, Body):
            if lines and lines[-1][:2] == ("body", event.stream_id) and not lines[-1][3]:
                chunk = lines.pop()[2] + event.chunk
            else:
                chunk = event.chunk
            lines.append(("body", event.stream_id, chunk, event.ended))
        else:
            lines.append(event)
    return lines


def outcome(connection):
    """Return the kinds, streams and codes of what a connection has to say."""
    out = []
    for kind, flags, stream_id, payload in parse(connection.take()):
        if kind == RST_STREAM:
            out.append(("reset", stream_id, ErrorCode(int.from_bytes(payload, "big"))))
        elif kind == GOAWAY:
            out.append(("goaway", int.from_bytes(payload[:4], "big"), ErrorCode(int.from_bytes(payload[4:8], "big"))))
        elif kind == SETTINGS:
            out.append("settings ack" if flags & ACK else "settings")
        else:
            out.append((kind, flags, stream_id, payload))
    return out


def uint(number):
    return number.to_bytes(4, "big")


def setting(name, value):
    return frames.settings([(name, value)])


def padded(kind, flags, stream_id, payload, padding=7):
    return frame(kind, flags | PADDED, stream_id, bytes([padding]) + payload + bytes(padding))


def split_headers(client, stream_id, flags=0):
    """Return a header block as HEADERS and CONTINUATION frames of a few bytes each."""
    block = client.block()
    first, *rest = (block[start : start + 9] for start in range(0, len(block), 9))
    out = frame(HEADERS, flags, stream_id, first)
    for part in rest[:-1]:
        out += frame(CONTINUATION, 0, stream_id, part)
    return out + frame(CONTINUATION, END_HEADERS, stream_id, rest[-1])


def opened(stream_id, *, ended=False):
    return ("opened", stream_id, b"/test.Service/Echo", ended)


def data(stream_id, payload, flags=0):
    return frame(DATA, flags, stream_id, payload)


MAX = frames.MAX_FRAME_SIZE
# What a well-behaved client sends, and what it means.
CONVERSATIONS = {
    "a request": (
        lambda client: client.headers(1) + data(1, b"abc", END_STREAM),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "no body": (lambda client: client.headers(1, flags=END_STREAM), [opened(1, ended=True)]),
    "an empty last frame": (
        lambda client: client.headers(1) + data(1, b"abc") + data(1, b"", END_STREAM),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "trailers": (
        lambda client: (
            client.headers(1) + data(1, b"abc") + frames.header_frames(1, client.encode([("x", "y")]), END_STREAM)
        ),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "two at once": (
        lambda client: client.headers(1) + client.headers(3) + data(3, b"x", END_STREAM) + data(1, b"y", END_STREAM),
        [opened(1), opened(3), ("body", 3, b"x", True), ("body", 1, b"y", True)],
    ),
    "padding": (
        lambda client: padded(HEADERS, END_HEADERS, 1, client.block()) + padded(DATA, END_STREAM, 1, b"abc"),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "nothing but padding": (
        lambda client: client.headers(1) + padded(DATA, 0, 1, b"") + data(1, b"abc", END_STREAM),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "priority": (
        lambda client: (
            frame(HEADERS, END_HEADERS | PRIORITIZED | END_STREAM, 1, uint(3) + b"\x10" + client.block())
            + frame(PRIORITY, 0, 5, uint(1) + b"\x10")
        ),
        [opened(1, ended=True)],
    ),
    "continuation": (
        lambda client: split_headers(client, 1) + data(1, b"abc", END_STREAM),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "pings": (
        lambda client: frame(PING, 0, 0, b"12345678") + frame(PING, ACK, 0, bytes(8)),
        [Pinged(False), Pinged(True)],
    ),
    "unknown frames": (
        lambda client: frame(0xBE, 0xFF, 7, b"what?") + client.headers(1, flags=END_STREAM),
        [opened(1, ended=True)],
    ),
    "a reset": (
        lambda client: client.headers(1) + frames.rst_stream(1, ErrorCode.CANCEL),
        [opened(1), Reset(1, ErrorCode.CANCEL)],
    ),
    "a farewell": (
        lambda client: client.headers(1) + frames.goaway(0, ErrorCode.NO_ERROR, "bye") + data(1, b"", END_STREAM),
        [opened(1), ("body", 1, b"", True)],
    ),
    "a content-length": (
        lambda client: client.headers(1, ("content-length", "3")) + data(1, b"abc", END_STREAM),
        [opened(1), ("body", 1, b"abc", True)],
    ),
    "settings": (lambda client: setting(MAX, 2**20) + setting(0x99, 1) + frame(SETTINGS, ACK, 0), []),
    "windows": (
        lambda client: frames.window_update(0, 9) + client.headers(1) + frames.window_update(1, 9),
        [opened(1)],
    ),
    "the reserved bit": (lambda client: frame(PING, 0, 2**31, b"12345678"), [Pinged(False)]),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_a_client_says_however_it_is_cut(name):
    """The same events come of the bytes at once, one by one, and in two parts cut anywhere."""
    make, events = CONVERSATIONS[name]
    sent = START + make(Client())
    assert events == summary(ServerConnection(SMALL, lambda: 0.0, RequestHead.of).receive(sent))
    byte_by_byte = ServerConnection(SMALL, lambda: 0.0, RequestHead.of)
    got = itertools.chain.from_iterable(byte_by_byte.receive(sent[i : i + 1]) for i in range(len(sent)))
    assert events == summary(got)
    for cut in range(1, len(sent)):
        connection = ServerConnection(SMALL, lambda: 0.0, RequestHead.of)
        assert events == summary([*connection.receive(sent[:cut]), *connection.receive(sent[cut:])])
        assert not connection.failed


def test_the_greeting_waits_for_the_clients():
    """Whoever speaks something else is not sent our frames."""
    connection = ServerConnection(SMALL, lambda: 0.0, RequestHead.of)
    connection.receive(START[:30])
    assert b"" == connection.take()
    connection.receive(START[30:])
    kinds = [got.kind for got in parse(connection.take())]
    assert [SETTINGS, WINDOW_UPDATE, SETTINGS] == kinds


# What breaks the connection, and the code that says so.
VIOLATIONS = {
    "data on stream 0": (lambda c: frame(DATA, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
    "data on an idle stream": (lambda c: frame(DATA, 0, 5, b"x" * 20), ErrorCode.PROTOCOL_ERROR),
    "padding beyond the frame": (lambda c: c.headers(1) + frame(DATA, PADDED, 1, b"\x03ab"), ErrorCode.PROTOCOL_ERROR),
    "no padding at all": (lambda c: c.headers(1) + frame(DATA, PADDED, 1, b""), ErrorCode.FRAME_SIZE_ERROR),
    "headers on stream 0": (lambda c: c.headers(0), ErrorCode.PROTOCOL_ERROR),
    "headers on an even stream": (lambda c: c.headers(2), ErrorCode.PROTOCOL_ERROR),
    "a lower stream": (lambda c: c.headers(5) + c.headers(3), ErrorCode.PROTOCOL_ERROR),
    "a priority cut off": (
        lambda c: frame(HEADERS, END_HEADERS | PRIORITIZED, 1, b"\0\0"),
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "data within a header block": (
        lambda c: frame(HEADERS, 0, 1, c.block()) + frame(DATA, 0, 1, b"x"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a ping within a header block": (
        lambda c: frame(HEADERS, 0, 1, c.block()) + frame(PING, 0, 0, bytes(8)),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a continuation of another": (
        lambda c: frame(HEADERS, 0, 1, c.block()) + frame(CONTINUATION, END_HEADERS, 3, b""),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a continuation of nothing": (lambda c: frame(CONTINUATION, END_HEADERS, 1, b""), ErrorCode.PROTOCOL_ERROR),
    "broken hpack": (lambda c: frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff"), ErrorCode.COMPRESSION_ERROR),
    "a priority of stream 0": (lambda c: frame(PRIORITY, 0, 0, bytes(5)), ErrorCode.PROTOCOL_ERROR),
    "a reset of stream 0": (lambda c: frame(RST_STREAM, 0, 0, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "a reset of an idle stream": (lambda c: frame(RST_STREAM, 0, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "a short reset": (lambda c: c.headers(1) + frame(RST_STREAM, 0, 1, bytes(3)), ErrorCode.FRAME_SIZE_ERROR),
    "settings on a stream": (lambda c: frame(SETTINGS, 0, 1), ErrorCode.PROTOCOL_ERROR),
    "settings cut off": (lambda c: frame(SETTINGS, 0, 0, b"abc"), ErrorCode.FRAME_SIZE_ERROR),
    "an ack with settings": (lambda c: frame(SETTINGS, ACK, 0, bytes(6)), ErrorCode.FRAME_SIZE_ERROR),
    "push that is no boolean": (lambda c: setting(frames.ENABLE_PUSH, 2), ErrorCode.PROTOCOL_ERROR),
    "a window too large": (lambda c: setting(frames.INITIAL_WINDOW_SIZE, 2**31), ErrorCode.FLOW_CONTROL_ERROR),
    "frames too small": (lambda c: setting(frames.MAX_FRAME_SIZE, 100), ErrorCode.PROTOCOL_ERROR),
    "frames too large": (lambda c: setting(frames.MAX_FRAME_SIZE, 2**24), ErrorCode.PROTOCOL_ERROR),
    "many settings": (lambda c: frame(SETTINGS, 0, 0, bytes(6 * 200)), ErrorCode.ENHANCE_YOUR_CALM),
    "a push": (lambda c: frame(frames.PUSH_PROMISE, END_HEADERS, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "a ping on a stream": (lambda c: frame(PING, 0, 1, bytes(8)), ErrorCode.PROTOCOL_ERROR),
    "a short ping": (lambda c: frame(PING, 0, 0, bytes(7)), ErrorCode.FRAME_SIZE_ERROR),
    "a goaway on a stream": (lambda c: frame(GOAWAY, 0, 1, bytes(8)), ErrorCode.PROTOCOL_ERROR),
    "growth by nothing": (lambda c: frames.window_update(0, 0), ErrorCode.PROTOCOL_ERROR),
    "a short window update": (lambda c: frame(WINDOW_UPDATE, 0, 0, bytes(3)), ErrorCode.FRAME_SIZE_ERROR),
    "growth of an idle stream": (lambda c: frames.window_update(1, 5), ErrorCode.PROTOCOL_ERROR),
    "growth of a stream of ours": (lambda c: c.headers(3) + frames.window_update(2, 5), ErrorCode.PROTOCOL_ERROR),
    "growth beyond all bounds": (lambda c: frames.window_update(0, 2**31 - 1), ErrorCode.FLOW_CONTROL_ERROR),
    "growth of a stream beyond all bounds by settings": (
        lambda c: c.headers(1) + frames.window_update(1, 2**30) + setting(frames.INITIAL_WINDOW_SIZE, 2**31 - 1),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "a frame too large": (lambda c: frame(0xBE, 0, 0, bytes(16_385)), ErrorCode.FRAME_SIZE_ERROR),
    "headers for a stream that has ended": (
        lambda c: c.headers(1) + frames.rst_stream(1, ErrorCode.CANCEL) + c.headers(1),
        ErrorCode.STREAM_CLOSED,
    ),
    "headers too large": (
        lambda c: frames.header_frames(1, c.block(("x", "y" * 120_000))),
        ErrorCode.ENHANCE_YOUR_CALM,
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_what_breaks_the_connection(name):
    """A GOAWAY says why; after that nothing is taken in."""
    make, code = VIOLATIONS[name]
    connection = connect()
    events = connection.receive(make(Client()))
    assert isinstance(events[-1], Failed)
    assert code is events[-1].code
    assert connection.failed
    last = outcome(connection)[-1]
    assert ("goaway", code) == (last[0], last[2])
    assert [] == connection.receive(Client().headers(9))
    assert b"" == connection.take()


# What breaks stream 1, and the code that says so.
STREAM_VIOLATIONS = {
    "data after the end": (lambda c: c.headers(1, flags=END_STREAM) + frame(DATA, 0, 1, b"x"), ErrorCode.STREAM_CLOSED),
    "headers after the end": (
        lambda c: c.headers(1, flags=END_STREAM) + c.headers(1, flags=END_STREAM),
        ErrorCode.STREAM_CLOSED,
    ),
    "second headers without the end": (lambda c: c.headers(1) + c.headers(1), ErrorCode.PROTOCOL_ERROR),
    "pseudo fields in trailers": (lambda c: c.headers(1) + c.headers(1, flags=END_STREAM), ErrorCode.PROTOCOL_ERROR),
    "a malformed head": (lambda c: c.headers(1, ("Upper", "case")), ErrorCode.PROTOCOL_ERROR),
    "a body beyond the window": (
        lambda c: c.headers(1) + frame(DATA, 0, 1, bytes(1001)),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "a body shorter than it says": (
        lambda c: c.headers(1, ("content-length", "4")) + frame(DATA, END_STREAM, 1, b"abc"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a body longer than it says": (
        lambda c: c.headers(1, ("content-length", "2")) + frame(DATA, END_STREAM, 1, b"abc"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "no body where one was said": (
        lambda c: c.headers(1, ("content-length", "2"), flags=END_STREAM),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "dependence on itself": (lambda c: frame(PRIORITY, 0, 1, uint(1) + b"x"), ErrorCode.PROTOCOL_ERROR),
    "a priority of four bytes": (lambda c: frame(PRIORITY, 0, 1, bytes(4)), ErrorCode.FRAME_SIZE_ERROR),
    "growth by nothing": (lambda c: c.headers(1) + frames.window_update(1, 0), ErrorCode.PROTOCOL_ERROR),
    "growth beyond all bounds": (
        lambda c: c.headers(1) + frames.window_update(1, 2**31 - 1),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "data after a reset": (
        lambda c: c.headers(1) + frames.rst_stream(1, ErrorCode.CANCEL) + frame(DATA, 0, 1, b"x"),
        ErrorCode.STREAM_CLOSED,
    ),
}


@pytest.mark.parametrize("name", STREAM_VIOLATIONS)
def test_what_breaks_a_stream(name):
    """The stream is reset and forgotten; the connection goes on."""
    make, code = STREAM_VIOLATIONS[name]
    client, connection = Client(), connect()
    events = connection.receive(make(client))
    assert ("reset", 1, code) in outcome(connection)
    assert 0 == connection.open_streams
    assert Broken(1, code, events[-1].message) == events[-1]
    assert [opened(3, ended=True)] == summary(connection.receive(client.headers(3, flags=END_STREAM)))


def test_an_answer_is_three_frames():
    connection = connect()
    connection.receive(Client().headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, b"body", TRAILERS)
    assert [
        (HEADERS, END_HEADERS, 1, HEAD),
        (DATA, 0, 1, b"body"),
        (HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS),
    ] == outcome(connection)
    assert 0 == connection.open_streams
    connection.answer(1, HEAD)
    assert b"" == connection.take()


def test_an_answer_before_the_end_of_the_request_resets_the_rest():
    """What of the request is under way then is taken without complaint."""
    client, connection = Client(), connect()
    connection.receive(client.headers(1))
    connection.answer(1, HEAD)
    assert [(HEADERS, END_HEADERS | END_STREAM, 1, HEAD), ("reset", 1, ErrorCode.NO_ERROR)] == outcome(connection)
    late = frame(DATA, 0, 1, b"late") + frames.header_frames(1, client.encode([("x", "y")]), END_STREAM)
    assert [] == connection.receive(late + frames.window_update(1, 5))
    assert b"" == connection.take()


def test_bodies_leave_within_the_clients_windows():
    """The stream's window, then the connection's; the trailers leave with the last byte."""
    client = Client()
    connection = connect(data=START + setting(frames.INITIAL_WINDOW_SIZE, 10))
    connection.receive(client.headers(1, flags=END_STREAM))
    body = bytes(70_000)
    connection.answer(1, HEAD, body, TRAILERS)
    sent = outcome(connection)
    assert [(HEADERS, END_HEADERS, 1, HEAD), (DATA, 0, 1, bytes(10))] == sent
    connection.receive(frames.window_update(1, 100_000))
    assert 65_535 - 10 == sum(len(payload) for kind, _, _, payload in outcome(connection) if kind == DATA)
    connection.receive(frames.window_update(0, 100_000))
    assert [(DATA, 0, 1, bytes(70_000 - 65_535)), (HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)] == outcome(
        connection
    )
    assert 0 == connection.open_streams


def test_a_window_can_become_negative():
    client = Client()
    connection = connect()
    connection.receive(client.headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, bytes(65_535 + 10), TRAILERS)
    connection.take()
    connection.receive(frames.window_update(0, 1000) + setting(frames.INITIAL_WINDOW_SIZE, 65_534))
    assert ["settings ack"] == outcome(connection)
    connection.receive(frames.window_update(1, 11))
    assert [(DATA, 0, 1, bytes(10)), (HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)] == outcome(connection)


def test_settings_are_acknowledged_before_what_they_make_room_for():
    client, connection = Client(), connect(data=START + setting(frames.INITIAL_WINDOW_SIZE, 0))
    connection.receive(client.headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, b"body", TRAILERS)
    connection.take()
    connection.receive(setting(frames.INITIAL_WINDOW_SIZE, 1))
    assert ["settings ack", (DATA, 0, 1, b"b")] == outcome(connection)


def test_frames_are_no_larger_than_the_client_takes():
    client, connection = Client(), connect(data=START + setting(frames.MAX_FRAME_SIZE, 20_000))
    connection.receive(client.headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, bytes(50_000), TRAILERS)
    assert [20_000, 20_000, 10_000] == [len(got[3]) for got in outcome(connection) if got[0] == DATA]


def test_large_trailers_are_continued():
    client, connection = Client(), connect()
    connection.receive(client.headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, b"x", bytes(40_000))
    *_, first, middle, last = outcome(connection)
    assert [(HEADERS, END_STREAM), (CONTINUATION, 0), (CONTINUATION, END_HEADERS)] == [
        (kind, flags) for kind, flags, _, _ in (first, middle, last)
    ]


def test_the_windows_of_the_client_are_opened_again_in_large_steps():
    client, connection = Client(), connect()
    connection.receive(client.headers(1) + frame(DATA, 0, 1, bytes(500)))
    assert b"" == connection.take()
    connection.receive(frame(DATA, 0, 1, bytes(1)))
    assert [(WINDOW_UPDATE, 0, 1, uint(501))] == outcome(connection)
    for _ in range(100):
        connection.receive(frame(DATA, 0, 1, bytes(499)))
    updates = [int.from_bytes(got[3], "big") for got in outcome(connection) if got[2] == 0]
    assert [50_401] == updates


def test_bodies_beyond_the_connections_window_end_it():
    limits = replace(SMALL, connection_window=70_000, stream_window=200_000)
    connection = connect(limits)
    connection._window = 10
    [*_, failed] = connection.receive(Client().headers(1) + frame(DATA, 0, 1, bytes(11)))
    assert ErrorCode.FLOW_CONTROL_ERROR is failed.code


def test_more_requests_than_announced_are_refused():
    client, connection = Client(), connect(data=START + frames.SETTINGS_ACK)
    connection.receive(b"".join(client.headers(number) for number in (1, 3, 5, 7, 9)))
    assert [("reset", 9, ErrorCode.REFUSED_STREAM)] == outcome(connection)
    connection.reset(1, ErrorCode.CANCEL)
    assert [opened(11)] == summary(connection.receive(client.headers(11)))


def test_requests_cross_the_settings_that_allow_fewer():
    """Until the client has read how many it may send, it may send more, within reason."""
    client, connection = Client(), connect()
    numbers = range(1, 201, 2)
    events = connection.receive(b"".join(client.headers(number) for number in numbers))
    assert [opened(number) for number in numbers] == summary(events)
    connection.receive(client.headers(201))
    assert [("reset", 201, ErrorCode.REFUSED_STREAM)] == outcome(connection)
    connection.reset(1, ErrorCode.CANCEL)
    connection.take()
    connection.receive(frames.SETTINGS_ACK + client.headers(203))
    assert [("reset", 203, ErrorCode.REFUSED_STREAM)] == outcome(connection)


def leaving():
    """Return a client with one request, and a connection that has said farewell to it; and its ping's answer."""
    client, connection = Client(), connect(now=lambda: 5.0)
    connection.receive(client.headers(1))
    connection.leave("bye")
    goaway, ping = outcome(connection)
    assert ("goaway", 2**31 - 1, ErrorCode.NO_ERROR) == goaway
    assert (PING, 0, 0) == ping[:3]
    assert 5.0 == connection.leaving_since
    return client, connection, frame(PING, ACK, 0, ping[3])


def test_requests_that_cross_the_farewell_are_taken():
    """RFC 9113 section 6.8: the last stream is named once the client has read that there are to be no more."""
    client, connection, pong = leaving()
    connection.leave("again")
    assert [opened(3)] == summary(connection.receive(client.headers(3)))
    assert not connection.draining
    connection.receive(pong)
    assert connection.draining
    connection.receive(pong)
    connection.leave("again")
    connection.drain()
    assert [("goaway", 3, ErrorCode.NO_ERROR)] == outcome(connection)
    assert [] == connection.receive(client.headers(5))


def test_only_the_answer_to_the_farewell_ends_it():
    """Not one to a keepalive ping, a ping of the client's own, or an answer without a question."""
    _, connection, pong = leaving()
    connection.ping()
    [(_, _, _, payload)] = outcome(connection)
    connection.receive(frame(PING, ACK, 0, payload) + frame(PING, 0, 0, pong[-8:]))
    assert not connection.draining
    unasked = connect()
    assert [Pinged(True)] == unasked.receive(pong)
    assert not unasked.draining


def test_draining_takes_no_more_requests_and_answers_those_that_run():
    """Header blocks of what is not taken still count for the tables."""
    client, connection, _ = leaving()
    connection.drain()
    connection.drain()
    assert [("goaway", 1, ErrorCode.NO_ERROR)] == outcome(connection)
    assert [] == connection.receive(client.headers(3, ("x-new", "value")) + frame(DATA, END_STREAM, 3, bytes(50)))
    [body] = connection.receive(frame(DATA, END_STREAM, 1, b"x"))
    assert Body(1, b"x", ended=True) == body
    connection.answer(1, HEAD)
    assert [(HEADERS, END_HEADERS | END_STREAM, 1, HEAD)] == outcome(connection)


def test_answers_that_nobody_takes_are_given_up():
    time = [0.0]
    connection = connect(data=START + setting(frames.INITIAL_WINDOW_SIZE, 0), now=lambda: time[0])
    connection.receive(Client().headers(1, flags=END_STREAM))
    connection.answer(1, HEAD, b"body", TRAILERS)
    connection.take()
    connection.give_up_answers(before=-1.0)
    assert b"" == connection.take()
    connection.give_up_answers(before=0.0)
    assert [("reset", 1, ErrorCode.CANCEL)] == outcome(connection)
    assert 0 == connection.open_streams


def test_what_waits_for_its_rest_is_known():
    time = [5.0]
    connection = ServerConnection(SMALL, lambda: time[0], RequestHead.of)
    assert 5.0 == connection.waiting_since
    connection.receive(START)
    assert connection.waiting_since is None
    time[0] = 7.0
    whole = Client().headers(1)
    connection.receive(whole[:5])
    time[0] = 8.0
    connection.receive(whole[5:9])
    assert 7.0 == connection.waiting_since
    connection.receive(whole[9:])
    assert connection.waiting_since is None
    connection.receive(frame(HEADERS, 0, 3, b""))
    time[0] = 9.0
    connection.receive(frame(CONTINUATION, 0, 3, b""))
    assert 8.0 == connection.waiting_since


# Attacks: an endless stream of what is legal once. Each must end, soon and without an answer that grows.


def rapid_reset():
    client = Client()
    for number in itertools.count(1, 2):
        yield client.headers(number, flags=END_STREAM) + frames.rst_stream(number, ErrorCode.CANCEL)


def made_to_reset():
    """CVE-2025-8671: the client has the server reset its streams, by what breaks them."""
    client = Client()
    for number in itertools.count(1, 2):
        yield client.headers(number) + frames.window_update(number, 0)


def forever(data):
    return lambda: itertools.repeat(data)


ATTACKS = {
    "rapid reset": rapid_reset,
    "made to reset": made_to_reset,
    "pings": forever(frame(PING, 0, 0, bytes(8))),
    "settings": forever(setting(frames.INITIAL_WINDOW_SIZE, 5)),
    "empty data": lambda: itertools.chain([Client().headers(1)], itertools.repeat(frame(DATA, 0, 1))),
    "tiny data": lambda: itertools.chain([Client().headers(1)], itertools.repeat(frame(DATA, 0, 1, b"x"))),
    "data of nothing": lambda: itertools.chain(
        [Client().headers(1), frames.rst_stream(1, ErrorCode.CANCEL)], itertools.repeat(frame(DATA, 0, 1))
    ),
    "priorities": forever(frame(PRIORITY, 0, 1, uint(3) + b"x")),
    "unknown frames": forever(frame(0xBE, 0, 0)),
    "farewells": forever(frames.goaway(0, ErrorCode.NO_ERROR, "")),
    "continuations without bytes": lambda: itertools.chain(
        [frame(HEADERS, 0, 1, b"")], itertools.repeat(frame(CONTINUATION, 0, 1))
    ),
    "continuations": lambda: itertools.chain(
        [frame(HEADERS, 0, 1, b"")], itertools.repeat(frame(CONTINUATION, 0, 1, bytes(16_000)))
    ),
    "too many requests": lambda: (client.headers(number) for client in [Client()] for number in itertools.count(1, 2)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_floods_end_the_connection(name):
    connection = connect(replace(SMALL, stream_window=10**6))
    written = 0
    for data in itertools.islice(ATTACKS[name](), 3000):
        events = connection.receive(data)
        written += len(connection.take())
        if connection.failed:
            break
    assert connection.failed
    assert ErrorCode.ENHANCE_YOUR_CALM is events[-1].code
    assert written < 40_000


def test_the_same_from_a_client_that_works_is_borne():
    """Each answered request allows for some frames beside it; so does time."""
    time = [0.0]
    client, connection = Client(), connect(now=lambda: time[0])
    for number in range(1, 4001, 2):
        connection.receive(client.headers(number) + frame(DATA, 0, number, b"x") + frame(PING, 0, 0, bytes(8)))
        connection.receive(frame(DATA, END_STREAM, number, b"x"))
        connection.answer(number, HEAD)
    for _ in range(5000):
        time[0] += 0.05
        connection.receive(frame(PING, 0, 0, bytes(8)))
    assert not connection.failed


def test_a_header_bomb_is_not_inflated():
    """One long field in the table, and a block of references to it: the list counts, not the block."""
    client, connection = Client(), connect()
    connection.receive(client.headers(1, ("x-bomb", "b" * 3000)))
    bomb = client.block() + b"\xbe" * 15_000
    [failed] = connection.receive(frames.header_frames(3, bomb))
    assert ErrorCode.ENHANCE_YOUR_CALM is failed.code


def test_windows_of_one_byte_cost_one_byte_each():
    """A connection's window that opens byte by byte is not walked through for every stream that waits."""
    client = Client()
    connection = connect(replace(SMALL, streams=100))
    for number in range(1, 100, 2):
        connection.receive(client.headers(number, flags=END_STREAM))
        connection.answer(number, HEAD, bytes(2000), TRAILERS)
    connection.take()
    for _ in range(50):
        connection.receive(frames.window_update(0, 1))
        assert [1] == [len(got[3]) for got in outcome(connection)]


def test_what_is_under_way_takes_little_memory():
    """Bytes that came are events; only a frame's start that is no body stays."""
    connection = connect(replace(SMALL, frame_size=2**20, stream_window=2**30, connection_window=2**30))
    connection.receive(Client().headers(1) + frame(DATA, 0, 1, bytes(2**20))[: 2**19])
    assert len(connection._reader._buffer) == 0
    connection.receive(bytes(2**18))
    assert len(connection._reader._buffer) == 0
    connection.receive(frame(0xBE, 0, 0, bytes(100))[:50])
    for number in range(3, 2003, 2):
        connection._remember(number, expects_more=True)
    assert len(connection._closed) <= 256


def feed(connection, chunks):
    """Feed chunks; return whether everything that came out has a shape that it may have."""
    for chunk in chunks:
        for event in connection.receive(chunk):
            assert isinstance(event, Opened | Body | Reset | Broken | Pinged | Failed)
            if isinstance(event, Opened) and event.ended:
                connection.answer(event.stream_id, HEAD, b"answer", TRAILERS)
        parse(connection.take())
        assert len(connection._reader._buffer) <= SMALL.frame_size + 9
        assert connection.open_streams <= connection.max_streams


@given(st.lists(st.binary(max_size=200), max_size=20), st.booleans())
def test_random_bytes_do_no_harm(chunks, greeted):
    feed(ServerConnection(SMALL, lambda: 0.0, RequestHead.of), [START, *chunks] if greeted else chunks)


FRAMES = st.builds(
    frame,
    st.integers(0, 11),
    st.integers(0, 255),
    st.integers(0, 9),
    st.one_of(st.binary(max_size=40), st.sampled_from([bytes(4), bytes(5), bytes(6), bytes(8), Client().block()])),
)


@given(st.lists(FRAMES, max_size=60))
def test_random_frames_do_no_harm(sent):
    feed(ServerConnection(SMALL, lambda: 0.0, RequestHead.of), [START, *sent])


@given(st.data())
def test_mutated_conversations_do_no_harm(data):
    make, _ = data.draw(st.sampled_from(list(CONVERSATIONS.values())))
    sent = bytearray(START + make(Client()))
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(0, len(sent) - 1))
        match data.draw(st.sampled_from(["change", "drop", "repeat"])):
            case "change":
                sent[position] = data.draw(st.integers(0, 255))
            case "drop":
                del sent[position : position + data.draw(st.integers(1, 9))]
            case _:
                sent[position:position] = sent[position : position + data.draw(st.integers(1, 40))]
        if not sent:
            break
    cut = data.draw(st.integers(0, len(sent)))
    feed(ServerConnection(SMALL, lambda: 0.0, RequestHead.of), [bytes(sent[:cut]), bytes(sent[cut:])])


def test_a_smaller_header_table_is_confirmed():
    """RFC 9113 section 4.3.1: the next block says so, and those behind it need not."""
    client = Client()
    connection = connect(data=START + setting(frames.HEADER_TABLE_SIZE, 0))
    connection.receive(client.headers(1, flags=END_STREAM) + client.headers(3, flags=END_STREAM))
    for stream_id in (1, 3):
        connection.answer(stream_id, HEAD, b"body", TRAILERS)
    blocks = [payload for kind, _, _, payload in parse(connection.take()) if kind == HEADERS]
    assert [b"\x20" + HEAD, TRAILERS, HEAD, TRAILERS] == blocks
