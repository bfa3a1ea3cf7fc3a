"""A channel on real sockets, to servers that are written by hand, so that they can do what no server should."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import structlog

from collector.api import StatusCode, TaskOwner
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.http2 import frames
from collector.net.http2.channel import Channel
from collector.net.http2.dialing import Address
from collector.net.http2.frames import DATA, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, ErrorCode
from collector.net.unary import CallFailure
from collector.testing import ManualClock, RecordingTelemetry, make_settings
from collector.testing.clock import settle
from collector.testing.http2 import Frame, Server

METHOD = "/test.Service/Call"


class Peer(Server):
    """A server's end of one connection."""

    def __init__(self, reader, writer, number):
        super().__init__()
        self.reader = reader
        self.writer = writer
        self.number = number

    async def frame(self):
        """Return the next frame of the client."""
        high, low, kind, flags, stream_id = frames.HEADER.unpack(await self.reader.readexactly(9))
        return Frame(kind, flags, stream_id, await self.reader.readexactly(high << 8 | low))

    async def until(self, *kinds):
        """Return the next frame of one of these kinds."""
        while (frame := await self.frame()).kind not in kinds:
            pass
        return frame

    async def greet(self, *settings):
        assert PREFACE == await self.reader.readexactly(len(PREFACE))
        self.say(frames.settings(settings))

    async def request(self):
        """Return the stream and the message of the next request, whose parts are not mixed with others'."""
        body = b""
        while True:
            frame = await self.until(DATA)
            body += frame.payload
            if frame.flags & END_STREAM:
                return frame.stream_id, body[5:]

    def say(self, *said):
        self.writer.write(b"".join(said))

    async def echo(self):
        """Answer every request with itself."""
        while True:
            stream_id, message = await self.request()
            self.say(self.answer(stream_id, message))


class Backend:
    """A server that runs a script for every connection."""

    def __init__(self, script, clock):
        self.clock = clock
        self.telemetry = RecordingTelemetry()
        self.settings = make_settings("otlp_grpc", clock=clock, telemetry=self.telemetry)
        self.connections = 0
        self.errors = []
        self._script = script
        self._tasks = set()
        self.port = 0

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        try:
            await self._script(Peer(reader, writer, self.connections))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except AssertionError as error:
            self.errors.append(error)
        finally:
            writer.close()

    def channel(self, **options):
        options = {"endpoint": f"127.0.0.1:{self.port}", "tls": {"insecure": True}, "compression": "none"} | options
        return Channel(GrpcClientConfig.model_validate(options), self.settings)


@asynccontextmanager
async def running(script, **options):
    """Run a script for each connection; yield the server and a channel to it."""
    backend = Backend(script, ManualClock())
    await backend.start()
    channel = backend.channel(**options)
    try:
        yield backend, channel
    finally:
        await channel.close()
        await backend.stop()
    assert [] == backend.errors
    assert 0 == len(channel._tasks)
    assert not channel._sessions


async def failing(channel, message=b"request"):
    with pytest.raises(CallFailure) as caught:
        await channel.call(METHOD, message, ())
    return caught.value


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.001)


def begin(work):
    """Run something beside the test."""
    return TaskOwner("test", structlog.get_logger()).start("beside", work)


async def echo(peer):
    await peer.greet()
    await peer.echo()


async def hang(peer):
    await peer.greet()
    await peer.reader.read()


async def test_calls_share_a_connection():
    async with running(echo) as (backend, channel):
        messages = [bytes([number]) * number for number in range(50)]
        assert messages == await asyncio.gather(*(channel.call(METHOD, message, ()) for message in messages))
        assert 1 == backend.connections


async def test_nothing_connects_before_the_first_call():
    async with running(echo) as (backend, channel):
        await settle()
        assert 0 == backend.connections
        await channel.call(METHOD, b"", ())
        assert 1 == backend.connections


async def test_large_messages_within_small_windows():
    """The server opens its windows bit by bit."""

    async def script(peer):
        await peer.greet((frames.INITIAL_WINDOW_SIZE, 1000))
        body = b""
        while len(body) < 300_005:
            frame = await peer.until(DATA)
            body += frame.payload
            peer.say(*(frames.window_update(number, len(frame.payload)) for number in (0, 1)))
        assert frame.flags & END_STREAM
        peer.say(peer.answer(1, body[-5:]))
        await peer.reader.read()

    async with running(script) as (_, channel):
        assert b"tail!" == await channel.call(METHOD, bytes(299_995) + b"tail!", ())


async def test_one_call_at_a_time_where_the_server_wants_that():
    """The others wait, and come in their order."""
    order = []

    async def script(peer):
        await peer.greet((frames.MAX_CONCURRENT_STREAMS, 1))
        while True:
            stream_id, message = await peer.request()
            order.append(message)
            await asyncio.sleep(0)
            peer.say(peer.answer(stream_id, message))

    async with running(script) as (backend, channel):
        messages = [str(number).encode() for number in range(20)]
        assert messages == await asyncio.gather(*(channel.call(METHOD, message, ()) for message in messages))
        assert messages == order
        assert 1 == backend.connections


async def test_who_waits_for_room_may_give_up():
    """Nothing of it is sent, and the next one is let in."""
    release = asyncio.Event()
    seen = []

    async def script(peer):
        await peer.greet((frames.MAX_CONCURRENT_STREAMS, 1))
        while True:
            stream_id, message = await peer.request()
            seen.append(message)
            await release.wait()
            peer.say(peer.answer(stream_id, message))

    async with running(script) as (_, channel):
        calls = [begin(channel.call(METHOD, message, ())) for message in (b"a", b"b", b"c")]
        await until(lambda: seen)
        await settle()
        calls[1].cancel()
        release.set()
        assert [b"a", b"c"] == [await calls[0], await calls[2]]
        assert [b"a", b"c"] == seen


async def test_who_waits_for_room_may_find_it_elsewhere():
    """Where a connection ends that they wait for, all of them take another."""
    all_wait = asyncio.Event()

    async def script(peer):
        await peer.greet((frames.MAX_CONCURRENT_STREAMS, 0 if peer.number == 1 else 100))
        if peer.number == 1:
            await all_wait.wait()
            peer.say(frames.goaway(0, ErrorCode.NO_ERROR, "restart"))
        await peer.echo()

    async with running(script) as (backend, channel):
        messages = [str(number).encode() for number in range(10)]
        calls = [begin(channel.call(METHOD, message, ())) for message in messages]
        await until(lambda: any(len(session._waiting) == 10 for session in channel._sessions))
        all_wait.set()
        assert messages == await asyncio.gather(*calls)
        assert 2 == backend.connections


async def test_more_room_lets_in_all_that_fit():
    async def script(peer):
        await peer.greet((frames.MAX_CONCURRENT_STREAMS, 1))
        first = await peer.request()
        peer.say(frames.settings(((frames.MAX_CONCURRENT_STREAMS, 3),)))
        for stream_id, message in [first, await peer.request(), await peer.request()]:
            peer.say(peer.answer(stream_id, message))
        await peer.reader.read()

    async with running(script) as (_, channel):
        assert [b"a", b"b", b"c"] == await asyncio.gather(*(channel.call(METHOD, m, ()) for m in (b"a", b"b", b"c")))


async def test_a_cancelled_call_is_reset():
    """The server is told, and everything is forgotten."""
    told = asyncio.Event()

    async def script(peer):
        await peer.greet((frames.INITIAL_WINDOW_SIZE, 10))
        frame = await peer.until(RST_STREAM)
        assert ErrorCode.CANCEL == int.from_bytes(frame.payload, "big")
        told.set()
        await peer.echo()

    async with running(script) as (_, channel):
        call = begin(channel.call(METHOD, bytes(1000), ()))
        await until(lambda: channel._sessions and next(iter(channel._sessions))._calls)
        await settle()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await told.wait()
        [session] = channel._sessions
        assert not session._calls
        assert 0 == session._http2.open_streams
        assert b"next" == await channel.call(METHOD, b"next", ())


@pytest.mark.parametrize("how", ["goaway", "refused_stream"])
async def test_what_the_server_has_not_processed_is_sent_again(how):
    """HTTP/2 says so for certain; it is counted."""

    async def script(peer):
        await peer.greet()
        if peer.number == 1 and how == "goaway":
            await peer.until(HEADERS)
            peer.say(frames.goaway(0, ErrorCode.NO_ERROR, "restart"))
            await peer.until(GOAWAY)
        elif peer.number == 1:
            stream_id, _ = await peer.request()
            peer.say(frames.rst_stream(stream_id, ErrorCode.REFUSED_STREAM))
        await peer.echo()

    async with running(script) as (backend, channel):
        assert b"request" == await channel.call(METHOD, b"request", ())
        assert (2 if how == "goaway" else 1) == backend.connections
        counted = backend.telemetry["otelcol_exporter_resent_calls"].values
        assert {(("reason", how),): 1} == {tuple(labels): count for labels, count in counted.items()}


async def test_it_is_sent_again_once():
    async def script(peer):
        await peer.greet()
        while True:
            stream_id, _ = await peer.request()
            peer.say(frames.rst_stream(stream_id, ErrorCode.REFUSED_STREAM))

    async with running(script) as (_, channel):
        failure = await failing(channel)
        assert StatusCode.UNAVAILABLE is failure.code
        assert "refused it twice" in str(failure)


async def test_going_away_lets_calls_end():
    """What the server has begun it finishes; new calls take another connection; the old one is closed then."""
    ended = asyncio.Event()

    async def script(peer):
        await peer.greet()
        stream_id, message = await peer.request()
        if peer.number == 1:
            peer.say(frames.goaway(stream_id, ErrorCode.NO_ERROR, "max_age"))
            await ended.wait()
        peer.say(peer.answer(stream_id, message))
        await peer.until(GOAWAY)

    async with running(script) as (_, channel):
        first = begin(channel.call(METHOD, b"first", ()))
        await until(lambda: any(session._calls and not session.usable for session in channel._sessions))
        assert b"second" == await channel.call(METHOD, b"second", ())
        ended.set()
        assert b"first" == await first
        await until(lambda: len(channel._sessions) == 1)


async def test_a_connection_that_breaks_is_replaced():
    """A call that the server may have processed is not sent again; the next one finds another connection."""

    async def script(peer):
        await peer.greet()
        if peer.number == 1:
            await peer.request()
            peer.writer.transport.abort()
        else:
            await peer.echo()

    async with running(script) as (backend, channel):
        failure = await failing(channel)
        assert StatusCode.UNAVAILABLE is failure.code
        assert b"next" == await channel.call(METHOD, b"next", ())
        assert 2 == backend.connections


async def test_connections_that_are_good_for_nothing_are_not_opened_all_the_time():
    """After two in a row there is a pause."""

    async def script(peer):
        await peer.greet()
        await peer.request()

    async with running(script) as (backend, channel):
        for _ in range(10):
            await failing(channel)
        assert 2 == backend.connections
        await backend.clock.advance(5)
        await failing(channel)
        assert 3 == backend.connections


async def test_a_server_that_is_back_is_found():
    """Calls fail at once while there is a pause between two attempts, at most five seconds or so."""
    async with running(echo) as (backend, channel):
        await channel.call(METHOD, b"before", ())
        await backend.stop()
        await until(lambda: not channel._sessions)
        pauses = []
        for _ in range(6):
            failure = await failing(channel)
            assert f"cannot connect to 127.0.0.1:{backend.port}" in str(failure)
            assert str(failure) == str(await failing(channel))
            pauses.append(channel._lines[0].pause.until - backend.clock.monotonic())
            await backend.clock.advance(pauses[-1])
        assert 0.8 <= pauses[0] <= 1.2
        assert 4 <= pauses[-1] <= 6
        await backend.start()
        await backend.clock.advance(6)
        assert b"after" == await channel.call(METHOD, b"after", ())


async def test_waiting_for_a_server():
    """With wait_for_ready a call waits, whatever is wrong, and the attempts go on."""
    async with running(echo, wait_for_ready=True) as (backend, channel):
        await backend.stop()
        call = begin(channel.call(METHOD, b"request", ()))
        for _ in range(3):
            await until(lambda: channel._wake_up and not channel._wake_up.done() and backend.clock.sleeping)
            await backend.clock.advance(6)
        assert not call.done()
        await backend.start()
        await until(lambda: channel._wake_up and not channel._wake_up.done() and backend.clock.sleeping)
        await backend.clock.advance(6)
        assert b"request" == await call


async def test_a_server_that_never_greets():
    """After twenty seconds that is an error."""

    async def script(peer):
        await peer.reader.read()

    async with running(script) as (backend, channel):
        call = begin(failing(channel))
        await until(lambda: backend.connections)
        await backend.clock.wait_for_sleepers()
        await backend.clock.advance(20)
        assert "no answer within 20s" in str(await call)


async def test_giving_up_a_connection_that_is_being_opened():
    """The call ends at once; the connection is opened all the same, for the next one."""
    greeted = asyncio.Event()

    async def script(peer):
        await greeted.wait()
        await echo(peer)

    async with running(script) as (backend, channel):
        call = begin(channel.call(METHOD, b"x", ()))
        await until(lambda: backend.connections)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        greeted.set()
        assert b"next" == await channel.call(METHOD, b"next", ())
        assert 1 == backend.connections


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "http1.x server: it answered 'HTTP/1.1 400 Bad Request'",
        ),
        (b"\x15\x03\x01\x00\x02\x02\x46", "does it expect TLS"),
        (b"220 mail.example.com ESMTP\r\n", "does not speak HTTP/2"),
        (b"", "socket closed"),
        (frames.settings(()) + frames.goaway(0, ErrorCode.ENHANCE_YOUR_CALM, "too many"), "goes away: too many"),
    ],
)
async def test_servers_that_are_none(said, message):
    async def script(peer):
        peer.say(said)
        await (peer.reader.read() if said else peer.reader.read(1000))

    async with running(script) as (_, channel):
        failure = await failing(channel)
        assert StatusCode.UNAVAILABLE is failure.code
        assert message in str(failure)


async def test_a_broken_answer_fails_its_call_only():
    async def script(peer):
        await peer.greet()
        stream_id, _ = await peer.request()
        peer.say(peer.headers(stream_id, (":status", "yes")))
        await peer.echo()

    async with running(script) as (_, channel):
        failure = await failing(channel)
        assert (StatusCode.INTERNAL, True) == (failure.code, "malformed answer" in str(failure))
        assert b"next" == await channel.call(METHOD, b"next", ())


async def test_too_large_an_answer_is_cut_off():
    """The stream is reset, the call fails, and the connection goes on."""

    async def script(peer):
        await peer.greet()
        stream_id, _ = await peer.request()
        head = b"\x00" + (5 * 2**20).to_bytes(4, "big")
        peer.say(peer.head(stream_id), frames.frame(DATA, 0, stream_id, head + bytes(10_000)))
        await peer.until(RST_STREAM)
        await peer.echo()

    async with running(script) as (_, channel):
        failure = await failing(channel)
        assert (StatusCode.RESOURCE_EXHAUSTED, True) == (failure.code, "5242880 bytes" in str(failure))
        assert b"next" == await channel.call(METHOD, b"next", ())


async def test_a_flood_ends_the_connection():
    """The calls on it fail, and the server is told why."""

    async def script(peer):
        await peer.greet()
        await peer.request()
        peer.say(frames.frame(PING, 0, 0, bytes(8)) * 2000)
        goodbye = await peer.until(GOAWAY)
        assert ErrorCode.ENHANCE_YOUR_CALM == int.from_bytes(goodbye.payload[4:8], "big")

    async with running(script) as (_, channel):
        assert "bring nothing" in str(await failing(channel))


async def test_a_silent_connection_is_left():
    """Where the server has said nothing for long, the next call takes another connection."""

    async def script(peer):
        await peer.greet()
        if peer.number == 1:
            await peer.reader.read()
        await peer.echo()

    async with running(script) as (backend, channel):
        for seconds in (5, 16):
            call = begin(channel.call(METHOD, b"x", ()))
            await until(lambda: any(session._calls for session in channel._sessions))
            await backend.clock.advance(seconds)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert b"next" == await channel.call(METHOD, b"next", ())
        assert 2 == backend.connections


async def test_a_server_that_takes_nothing():
    """What it does not read waits with us, and is given up with the call; closing does not wait for it."""

    async def script(peer):
        peer.reader._transport.pause_reading()
        peer.say(frames.settings(((frames.INITIAL_WINDOW_SIZE, 2**31 - 1),)), frames.window_update(0, 2**30))
        await asyncio.Event().wait()

    async with running(script) as (_, channel):
        calls = [begin(channel.call(METHOD, bytes(20_000_000), ())) for _ in range(2)]
        await until(lambda: any(session._paused for session in channel._sessions))
        [session] = channel._sessions
        waiting = session._transport.get_write_buffer_size()
        calls.append(begin(channel.call(METHOD, bytes(20_000_000), ())))
        await until(lambda: len(session._calls) == 3)
        await settle()
        assert waiting >= session._transport.get_write_buffer_size()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert not session._calls


async def test_keepalive_finds_a_dead_connection():
    """Ten seconds of silence, a ping, ten seconds more."""
    pinged = asyncio.Event()

    async def script(peer):
        await peer.greet()
        await peer.until(PING)
        pinged.set()
        await peer.reader.read()

    async with running(script, keepalive={"time": "1s", "timeout": "10s"}) as (backend, channel):
        call = begin(failing(channel))
        await until(lambda: any(session._calls for session in channel._sessions))
        await backend.clock.advance(12)
        await pinged.wait()
        await backend.clock.advance(12)
        assert "did not answer a ping" in str(await call)


async def test_too_many_pings_are_fewer_pings():
    """The server says so once; the operator is told."""

    async def script(peer):
        await peer.greet()
        stream_id, message = await peer.request()
        peer.say(peer.answer(stream_id, message), frames.goaway(1, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings"))
        await peer.reader.read()

    with structlog.testing.capture_logs() as lines:
        async with running(script, keepalive={"time": "30s"}) as (_, channel):
            assert b"x" == await channel.call(METHOD, b"x", ())
            await until(lambda: channel._keepalive_time == 60)
    assert ["warning"] == [line["log_level"] for line in lines]


async def test_closing_fails_what_waits():
    async with running(hang) as (_, channel):
        call = begin(failing(channel))
        await until(lambda: any(session._calls for session in channel._sessions))
        await channel.close()
        assert "the client was closed" in str(await call)
        assert "the client was closed" in str(await failing(channel))


async def test_an_unknown_host():
    async with running(echo, endpoint="does-not-exist.invalid:4317") as (_, channel):
        failure = await failing(channel)
        assert StatusCode.UNAVAILABLE is failure.code
        assert "cannot find the address of does-not-exist.invalid" in str(failure)


@pytest.mark.parametrize("host", ["a" * 300, ".a"])
async def test_a_host_that_cannot_be(host):
    async with running(echo, endpoint=f"{host}:4317") as (_, channel):
        assert "cannot find the address" in str(await failing(channel))


# Several addresses


@asynccontextmanager
async def several(count, *, balancer="round_robin"):
    """Run servers that answer with their number, and a channel that finds as many of them as it is told."""
    clock = ManualClock()
    backends = []

    def script_of(number):
        async def script(peer):
            await peer.greet()
            while True:
                stream_id, _ = await peer.request()
                peer.say(peer.answer(stream_id, str(number).encode()))

        return script

    for number in range(count):
        backends.append(Backend(script_of(number), clock))
        await backends[-1].start()
    channel = backends[0].channel(balancer_name=balancer)
    found = [Address("127.0.0.1", backend.port) for backend in backends]

    async def resolve():
        return tuple(found)

    channel._dialer.resolve = resolve
    try:
        yield channel, backends, found
    finally:
        await channel.close()
        for backend in backends:
            await backend.stop()


async def test_calls_go_round():
    async with several(3) as (channel, _, _):
        await channel.call(METHOD, b"", ())
        await until(lambda: all(line.usable for line in channel._lines))
        answers = [await channel.call(METHOD, b"", ()) for _ in range(30)]
        assert [10] * 3 == [answers.count(str(number).encode()) for number in range(3)]


async def test_a_dead_address_does_not_matter():
    async with several(3) as (channel, backends, _):
        await backends[1].stop()
        answers = {await channel.call(METHOD, b"", ()) for _ in range(30)}
        assert answers <= {b"0", b"2"}


@pytest.mark.parametrize("balancer", ["pick_first", ""])
async def test_the_first_that_answers(balancer):
    async with several(3, balancer=balancer) as (channel, backends, _):
        await backends[0].stop()
        assert {b"1"} == {await channel.call(METHOD, b"", ()) for _ in range(10)}
        assert [0, 1, 0] == [backend.connections for backend in backends]


async def test_other_addresses_are_found_when_a_connection_is_lost():
    """The name is looked up again; connections to addresses that are gone end, the others stay."""
    async with several(3) as (channel, backends, found):
        last = found.pop()
        await channel.call(METHOD, b"", ())
        await until(lambda: all(line.usable for line in channel._lines))
        found[0] = last
        await backends[1].stop()
        await until(lambda: len(channel._sessions) == 1)
        await until(lambda: channel._stale)
        await backends[1].start()
        wanted = {(address,) for address in found}
        while {line.addresses for line in channel._lines if line.usable} != wanted:
            await channel.call(METHOD, b"", ())
        await until(lambda: len(channel._sessions) == 2)
        assert {b"1", b"2"} == {await channel.call(METHOD, b"", ()) for _ in range(10)}
        assert 1 == backends[0].connections


async def test_other_addresses_are_found_where_nobody_answers():
    """An address that cannot be reached may be an old one."""
    async with several(2) as (channel, backends, found):
        new = found.pop()
        await backends[0].stop()
        await failing(channel)
        found[:] = [new]
        await backends[0].clock.advance(2)
        answers = []
        while not answers:
            try:
                answers.append(await channel.call(METHOD, b"", ()))
            except CallFailure:
                await settle()
        assert [b"1"] == answers


async def test_a_server_with_room_is_preferred():
    async with several(2) as (channel, _, _):
        await channel.call(METHOD, b"", ())
        await until(lambda: all(line.usable for line in channel._lines))
        channel._lines[0].session._http2._max_streams = 0
        assert {b"1"} == {await channel.call(METHOD, b"", ()) for _ in range(10)}
