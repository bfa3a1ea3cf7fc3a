"""A session on a socket that is not there, moved by hand."""

import asyncio

import pytest

from collector.net.http2 import frames
from collector.net.http2.server import GrpcServer
from collector.net.http2.session import Session
from collector.net.server_config import GrpcServerConfig
from collector.testing import ManualClock, RecordingTelemetry, make_settings
from collector.testing.clock import settle
from collector.testing.http2 import PATH, START, Client, parse


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.1", 1234)})
        self.written = b""
        self.reading = True
        self.ended = False
        self.aborted = False

    def write(self, data):
        self.written += data

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ended = True

    def abort(self):
        self.aborted = True

    def close(self):
        self.ended = True

    def is_closing(self):
        return self.ended or self.aborted

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high


class Method:
    """Answers with the request, once it is let go; fails as it is told."""

    def __init__(self):
        self.go = asyncio.Event()
        self.go.set()
        self.requests = []
        self.cancelled = 0
        self.error = None
        self.refusal = None

    def admit(self):
        if self.refusal is not None:
            raise self.refusal

    async def handle(self, request, client):
        self.requests.append(request)
        self.client = client
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return request


class Conversation:
    """A session, its method, its clock, and a client that speaks by hand."""

    def __init__(self, **options):
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        self.method = Method()
        self.client = Client()
        config = GrpcServerConfig.model_validate({"endpoint": "127.0.0.1:0"} | options)
        settings = make_settings("otlp", telemetry=self.telemetry, clock=self.clock)
        self.server = GrpcServer(config, {PATH: self.method}, settings)
        self.transport = FakeTransport()
        self.session = Session(self.server._shared)
        self.session.connection_made(self.transport)

    async def say(self, data):
        """Send; return the frames that come back."""
        self.session.data_received(data)
        return await self.hear()

    async def hear(self):
        """Return the frames that have come since the last time."""
        await settle()
        written, self.transport.written = self.transport.written, b""
        return parse(written)

    async def greet(self):
        await self.say(START + frames.SETTINGS_ACK)
        return self

    async def heed(self, got):
        """Answer the ping of a farewell, which is the last of these frames; return what comes."""
        assert frames.PING == got[-1].kind
        return await self.say(frames.frame(frames.PING, frames.ACK, 0, got[-1].payload))

    async def after(self, seconds):
        """Let time pass, with the server's look at the session; return what comes."""
        await self.clock.advance(seconds)
        self.session.tick()
        return await self.hear()

    async def end(self):
        self.session.connection_lost(None)
        await self.server._shared.tasks.join()

    @property
    def used(self):
        return self.server._shared.door.budget.used

    @property
    def reasons(self):
        values = self.telemetry["otelcol_receiver_refused_requests"].values
        return {dict(labels)["reason"]: count for labels, count in values.items()}


@pytest.fixture
def converse():
    """Make a conversation that has been greeted."""

    async def make(**options):
        return await Conversation(**options).greet()

    return make
