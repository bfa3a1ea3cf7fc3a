"""A client and its calls: frames in, frames out, and time moved by hand."""

import asyncio
import gzip
from contextlib import suppress

import pytest

from collector.api import PermanentError, RetryableError, StatusCode
from collector.net.http2 import frames
from collector.net.http2.answers import HTTP_1_ANSWER
from collector.net.http2.frames import DATA, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, ErrorCode, frame
from collector.testing.http2 import START, prefixed


def status(talk, got):
    """Return the status of an answer without a message."""
    [head] = [frame for frame in got if frame.kind == HEADERS]
    return StatusCode(int(talk.client.fields(head)["grpc-status"]))


def code(got, kind):
    """Return the error code of the one frame of a kind."""
    [found] = [frame for frame in got if frame.kind == kind]
    return ErrorCode(int.from_bytes(found.payload[:4] if kind == RST_STREAM else found.payload[4:8], "big"))


async def test_a_call_is_answered(converse):
    talk = await converse()
    head, body, trailers = await talk.say(talk.client.request(1, b"hello"))
    assert {":status": "200", "content-type": "application/grpc"} == talk.client.fields(head)
    assert prefixed(b"hello") == body.payload
    assert {"grpc-status": "0"} == talk.client.fields(trailers)
    assert ("192.0.2.1", "grpc") == (talk.method.client.address, talk.method.client.transport)
    assert 0 == talk.used


async def test_answers_of_one_round_are_one_write(converse):
    talk = await converse()
    talk.transport.writes = 0
    write = talk.transport.write
    talk.transport.write = lambda data: (setattr(talk.transport, "writes", talk.transport.writes + 1), write(data))
    got = await talk.say(b"".join(talk.client.request(number, b"x") for number in range(1, 20, 2)))
    assert 30 == len(got)
    assert 1 == talk.transport.writes


async def test_compressed_messages(converse):
    talk = await converse()
    body = prefixed(gzip.compress(b"abc" * 100), compressed=True)
    await talk.say(talk.client.headers(1, ("grpc-encoding", "gzip")) + frame(DATA, END_STREAM, 1, body))
    assert [b"abc" * 100] == talk.method.requests


async def test_what_is_not_gzip_is_an_invalid_argument(converse):
    talk = await converse()
    body = prefixed(b"\x1f\x8bnonsense", compressed=True)
    got = await talk.say(talk.client.headers(1, ("grpc-encoding", "gzip")) + frame(DATA, END_STREAM, 1, body))
    assert StatusCode.INVALID_ARGUMENT is status(talk, got)


@pytest.mark.parametrize(
    ("extra", "path", "expected", "reason"),
    [
        ([], "/test.Service/Other", StatusCode.UNIMPLEMENTED, "unknown_method"),
        ([("grpc-encoding", "lz4")], "/test.Service/Echo", StatusCode.UNIMPLEMENTED, "unsupported_encoding"),
        ([("grpc-timeout", "soon")], "/test.Service/Echo", StatusCode.INTERNAL, "malformed"),
    ],
)
async def test_refusals_by_the_head_wait_for_the_end_of_the_request(converse, extra, path, expected, reason):
    """So that no client has to bear an answer before its question, unless it asks for megabytes."""
    talk = await converse()
    assert [] == await talk.say(talk.client.headers(1, *extra, path=path) + frame(DATA, 0, 1, bytes(100)))
    got = await talk.say(frame(DATA, END_STREAM, 1, bytes(100)))
    assert expected is status(talk, got)
    assert {reason: 1} == talk.reasons
    assert [] == talk.method.requests
    assert 0 == talk.used


async def test_what_is_no_grpc_is_told_so_in_http(converse):
    talk = await converse()
    head, body = await talk.say(talk.client.headers(1, ("content-type", "text/html"), flags=END_STREAM))
    assert "415" == talk.client.fields(head)[":status"]
    assert b"application/grpc" in body.payload
    head, _ = await talk.say(talk.client.headers(3, (":method", "GET"), flags=END_STREAM))
    assert "405" == talk.client.fields(head)[":status"]
    assert {"not_grpc": 2} == talk.reasons


async def test_admission_is_asked_before_the_body(converse):
    talk = await converse()
    talk.method.refusal = RetryableError("full", reason="memory")
    await talk.say(talk.client.headers(1) + frame(DATA, 0, 1, bytes(10_000)))
    assert 0 == talk.used
    assert StatusCode.UNAVAILABLE is status(talk, await talk.say(frame(DATA, END_STREAM, 1, b"")))
    assert {"memory": 1} == talk.reasons


async def test_a_message_too_large_is_refused_by_its_prefix_and_the_rest_reset(converse):
    talk = await converse(max_recv_msg_size_mib=1)
    got = await talk.say(talk.client.headers(1) + frame(DATA, 0, 1, b"\x00" + (2**20 + 1).to_bytes(4, "big")))
    assert StatusCode.RESOURCE_EXHAUSTED is status(talk, got)
    assert ErrorCode.NO_ERROR is code(got, RST_STREAM)
    assert [] == await talk.say(frame(DATA, 0, 1, bytes(10_000)))
    assert 0 == talk.used
    assert {"too_large": 1} == talk.reasons


async def test_bodies_count_as_they_come(converse):
    talk = await converse(max_in_flight_mib=1)
    await talk.say(
        talk.client.headers(1) + b"".join(frame(DATA, 0, 1, b"\x00\x00\x10\x00\x00" * 3000) for _ in range(66))
    )
    assert talk.used > 900_000
    got = await talk.say(talk.client.headers(3) + frame(DATA, 0, 3, prefixed(bytes(100_000))[:16_000]) * 7)
    assert StatusCode.UNAVAILABLE is status(talk, got)
    await talk.say(frames.rst_stream(1, ErrorCode.CANCEL))
    assert 0 == talk.used
    assert {"overloaded": 1, "cancelled": 1} == talk.reasons


async def test_a_reset_cancels_the_call(converse):
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    assert [] == await talk.say(frames.rst_stream(1, ErrorCode.CANCEL))
    assert 1 == talk.method.cancelled
    assert 0 == talk.used
    assert {"cancelled": 1} == talk.reasons


async def test_a_call_that_will_not_end_keeps_its_place(converse):
    """Resets make no room: as many handlers run as calls were announced, not more."""
    talk = await converse(max_concurrent_streams=2)
    stubborn = asyncio.Event()

    async def handle(request, client):
        with suppress(asyncio.CancelledError):
            await stubborn.wait()
        await stubborn.wait()
        return b""

    talk.method.handle = handle
    try:
        for number in (1, 3):
            await talk.say(talk.client.request(number, b"x"))
            await talk.say(frames.rst_stream(number, ErrorCode.CANCEL))
        got = await talk.say(talk.client.request(5, b"x"))
        assert ErrorCode.REFUSED_STREAM is code(got, RST_STREAM)
    finally:
        stubborn.set()
    await talk.hear()
    assert 3 == len(await talk.say(talk.client.request(7, b"x")))


async def test_calls_that_are_reset_before_they_begin_leave_nothing(converse):
    talk = await converse(max_concurrent_streams=1)
    for number in range(1, 20, 2):
        await talk.say(talk.client.request(number, b"x") + frames.rst_stream(number, ErrorCode.CANCEL))
    assert ([], 0) == (talk.method.requests, talk.used)
    assert 3 == len(await talk.say(talk.client.request(21, b"x")))


async def test_requests_that_break_a_rule_are_counted(converse):
    talk = await converse(max_concurrent_streams=1)
    await talk.say(talk.client.headers(1, ("content-length", "9")) + frame(DATA, END_STREAM, 1, b"short"))
    await talk.say(talk.client.headers(3) + talk.client.headers(5))
    assert {"malformed_http": 1, "too_many_streams": 1} == talk.reasons


async def test_a_deadline_ends_the_call(converse):
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x", ("grpc-timeout", "5S")))
    assert [] == await talk.after(4)
    assert StatusCode.DEADLINE_EXCEEDED is status(talk, await talk.after(1))
    assert 1 == talk.method.cancelled
    assert {"deadline_exceeded": 1} == talk.reasons


async def test_a_request_that_never_ends_is_given_up(converse):
    talk = await converse()
    await talk.say(talk.client.headers(1) + frame(DATA, 0, 1, prefixed(bytes(1000))[:500]))
    assert [] == await talk.after(179)
    got = await talk.after(1)
    assert StatusCode.DEADLINE_EXCEEDED is status(talk, got)
    assert ErrorCode.NO_ERROR is code(got, RST_STREAM)
    assert 0 == talk.used


async def test_a_call_without_a_deadline_may_take_long(converse):
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    assert [] == await talk.after(3600)
    talk.method.go.set()
    assert 3 == len(await talk.hear())


async def test_errors_are_answers(converse):
    talk = await converse()
    talk.method.error = PermanentError("bad", reason="bad", code=StatusCode.INVALID_ARGUMENT)
    assert StatusCode.INVALID_ARGUMENT is status(talk, await talk.say(talk.client.request(1, b"x")))
    talk.method.error = KeyError("secret")
    got = await talk.say(talk.client.request(3, b"x"))
    assert "internal error" == talk.client.fields(got[0])["grpc-message"]
    assert {"bad": 1, "internal": 1} == talk.reasons


async def test_a_call_that_the_server_cancels_is_to_be_sent_again(converse):
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    await talk.server._shared.tasks.cancel()
    assert StatusCode.UNAVAILABLE is status(talk, await talk.hear())


async def test_the_end_of_the_connection_cancels_its_calls(converse):
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x") + talk.client.headers(3) + frame(DATA, 0, 3, bytes(100)))
    await talk.end()
    assert (1, 0) == (talk.method.cancelled, talk.used)
    assert set() == talk.server._shared.sessions


async def test_http_1_is_told_where_it_is(converse):
    talk = await converse()
    talk.session.connection_lost(None)
    other = type(talk)()
    other.session.data_received(b"POST /v1/traces HTTP/1.1\r\n")
    assert HTTP_1_ANSWER == other.transport.written
    assert other.transport.ended
    assert {"malformed_http": 1} == other.reasons


async def test_nonsense_gets_a_goaway_and_the_end(converse):
    talk = await converse()
    got = await talk.say(frame(DATA, 0, 0, b"x"))
    assert ErrorCode.PROTOCOL_ERROR is code(got, GOAWAY)
    assert talk.transport.ended
    assert [] == await talk.say(talk.client.request(1, b"x"))
    assert [] == talk.method.requests
    assert not talk.transport.aborted
    await talk.after(1)
    assert talk.transport.aborted


@pytest.mark.parametrize("start", [b"", b"PRI * HTTP/2.0\r\n", START[:30], START + frame(PING, 0, 0, bytes(8))[:-1]])
async def test_half_of_something_is_cut_in_time(converse, start):
    talk = type(await converse())()
    talk.session.data_received(start)
    await talk.after(19)
    assert not talk.transport.ended
    await talk.after(1)
    assert talk.transport.ended
    assert {"timeout": 1} == talk.reasons


async def test_a_header_block_without_end_is_cut_in_time(converse):
    talk = await converse()
    await talk.say(frame(HEADERS, 0, 1, talk.client.block()))
    await talk.after(10)
    await talk.say(frame(frames.CONTINUATION, 0, 1, b""))
    await talk.after(10)
    assert talk.transport.ended


async def test_a_client_that_does_not_read_is_not_read(converse):
    """What it cannot take is not made; in the end it is cut off."""
    talk = await converse()
    talk.session.pause_writing()
    assert not talk.transport.reading
    talk.session.resume_writing()
    assert talk.transport.reading
    talk.session.pause_writing()
    await talk.after(59)
    assert not talk.transport.aborted
    await talk.after(1)
    assert talk.transport.aborted


async def test_an_answer_that_finds_no_window_is_given_up(converse):
    talk = await converse()
    await talk.say(frames.settings([(frames.INITIAL_WINDOW_SIZE, 0)]) + talk.client.request(1, b"x"))
    await talk.after(59)
    got = await talk.after(1)
    assert ErrorCode.CANCEL is code(got, RST_STREAM)
    assert {"timeout": 1} == talk.reasons


def last_stream(got):
    """Return which stream the one GOAWAY names as the last."""
    [goaway] = [frame for frame in got if frame.kind == GOAWAY]
    assert ErrorCode.NO_ERROR is code(got, GOAWAY)
    return int.from_bytes(goaway.payload[:4], "big")


async def test_leaving_waits_for_the_calls_and_closes(converse):
    """Those that cross the farewell are answered, too; those behind the client's answer to it are not."""
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    talk.session.leave()
    farewell = await talk.hear()
    assert 2**31 - 1 == last_stream(farewell)
    await talk.say(talk.client.request(3, b"crossing"))
    assert 3 == last_stream(await talk.heed(farewell))
    await talk.say(talk.client.request(5, b"late"))
    assert not talk.transport.ended
    talk.method.go.set()
    assert 6 == len(await talk.hear())
    assert talk.transport.ended
    assert [b"x", b"crossing"] == talk.method.requests


async def test_leaving_a_connection_without_calls_closes_it_once_the_client_knows(converse):
    talk = await converse()
    talk.session.leave()
    farewell = await talk.hear()
    assert not talk.transport.ended
    assert 0 == last_stream(await talk.heed(farewell))
    assert talk.transport.ended


@pytest.mark.parametrize("start", [b"", START])
async def test_a_client_that_does_not_heed_the_farewell_is_left_in_time(converse, start):
    """Be it that it does not answer, or has not said who it is."""
    talk = type(await converse())()
    await talk.say(start)
    talk.session.leave()
    await talk.after(0.9)
    assert not talk.transport.ended
    got = await talk.after(0.1)
    assert talk.transport.ended
    assert bool(start) == bool(got)


async def test_the_answer_to_a_farewell_is_no_ping_of_the_clients(converse):
    """It costs no patience, however many there are."""
    talk = await converse()
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    talk.session.leave()
    farewell = await talk.hear()
    for _ in range(10):
        await talk.heed(farewell)
    assert {} == talk.reasons


async def test_keepalive_pings_and_gives_up(converse):
    talk = await converse(keepalive={"server_parameters": {"time": "30s", "timeout": "5s"}})
    assert [] == await talk.after(1)
    [ping] = await talk.after(30)
    assert PING == ping.kind
    await talk.say(frame(PING, frames.ACK, 0, ping.payload))
    assert [] == await talk.after(1)
    assert [] == await talk.after(29)
    assert [PING] == [got.kind for got in await talk.after(1)]
    assert GOAWAY == (await talk.after(5))[-1].kind
    assert talk.transport.ended
    assert {"timeout": 1} == talk.reasons


async def test_an_idle_connection_is_ended(converse):
    talk = await converse(keepalive={"server_parameters": {"max_connection_idle": "60s"}})
    await talk.say(talk.client.request(1, b"x"))
    await talk.after(30)
    farewell = await talk.after(60)
    assert [GOAWAY, PING] == [got.kind for got in farewell]
    assert [GOAWAY] == [got.kind for got in await talk.heed(farewell)]
    assert talk.transport.ended


async def test_an_old_connection_is_ended_after_its_last_calls(converse):
    parameters = {"max_connection_age": "100s", "max_connection_age_grace": "30s"}
    talk = await converse(keepalive={"server_parameters": parameters})
    talk.method.go.clear()
    await talk.say(talk.client.request(1, b"x"))
    farewell = await talk.after(111)
    assert [GOAWAY, PING] == [got.kind for got in farewell]
    assert [GOAWAY] == [got.kind for got in await talk.heed(farewell)]
    assert not talk.transport.ended
    assert GOAWAY == (await talk.after(30))[-1].kind
    assert talk.transport.ended


async def test_too_many_pings(converse):
    talk = await converse()
    for _ in range(3):
        assert [PING] == [got.kind for got in await talk.say(frame(PING, 0, 0, bytes(8)))]
    *_, goaway = await talk.say(frame(PING, 0, 0, bytes(8)))
    assert b"too_many_pings" in goaway.payload
    assert ErrorCode.ENHANCE_YOUR_CALM is ErrorCode(int.from_bytes(goaway.payload[4:8], "big"))
    assert {"flood": 1} == talk.reasons


async def test_the_write_buffer_is_as_configured(converse):
    assert 1234 == (await converse(write_buffer_size=1234)).transport.high
