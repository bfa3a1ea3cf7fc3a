"""A session on a socket that is not there, moved by hand."""

import asyncio

import pytest

from collector.net.http import HttpAnswer
from collector.net.http1.session import Session
from collector.net.http_server import HttpServer
from collector.net.server_config import HttpServerConfig
from collector.testing import ManualClock, RecordingTelemetry, make_settings
from collector.testing.clock import settle


class FakeTransport(asyncio.Transport):
    """Keeps what is written; tells its protocol to pause where it is told to take nothing."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.1", 1234)})
        self.written = b""
        self.taking = True
        self.encrypted = False
        self.reading = True
        self.ended = self.closed = self.aborted = False

    def write(self, data):
        self.written += data
        if not self.taking:
            self.session.pause_writing()

    def can_write_eof(self):
        return not self.encrypted

    def write_eof(self):
        self.ended = True

    def abort(self):
        self.aborted = True

    def close(self):
        self.closed = True

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def set_write_buffer_limits(self, high=None, low=None):
        self.limits = (high, low)


class Handler:
    """Answers with the body, once it is let go; `reads` says whether it wants one."""

    def __init__(self):
        self.go = asyncio.Event()
        self.go.set()
        self.reads = True
        self.requests = []
        self.cancelled = 0

    async def __call__(self, request):
        self.requests.append(request)
        try:
            body = await request.body() if self.reads else b""
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return HttpAnswer(200, request.path.encode() + b":" + body)


class Conversation:
    """A session, its handler, its clock, and a client that speaks by hand."""

    def __init__(self, **options):
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        self.handler = Handler()
        config = HttpServerConfig.model_validate({"endpoint": "127.0.0.1:0"} | options)
        settings = make_settings("otlp", telemetry=self.telemetry, clock=self.clock)
        routes = dict.fromkeys(("/", "/a", "/b", "/c"), self.handler)
        self.shared = HttpServer(config, routes, settings)._shared
        self.transport = FakeTransport()
        self.session = self.transport.session = Session(self.shared)
        self.session.connection_made(self.transport)

    async def say(self, data):
        """Send; return what comes back."""
        self.session.data_received(data)
        return await self.hear()

    async def hear(self):
        """Return what has come since the last time."""
        await settle()
        written, self.transport.written = self.transport.written, b""
        return written

    async def after(self, seconds):
        """Let time pass, with the server's look at the session; return what comes."""
        await self.clock.advance(seconds)
        self.session.tick()
        return await self.hear()

    async def lose(self):
        """End the connection."""
        self.session.connection_lost(None)
        await self.shared.tasks.join()

    @property
    def used(self):
        return self.shared.door.budget.used

    @property
    def reasons(self):
        values = self.telemetry["otelcol_receiver_refused_requests"].values
        return {dict(labels)["reason"]: count for labels, count in values.items()}


@pytest.fixture
async def converse():
    """Make conversations; end them."""
    made = []

    def make(**options):
        made.append(Conversation(**options))
        return made[-1]

    yield make
    for conversation in made:
        await conversation.lose()
        assert 0 == conversation.used
