"""Receiver `jaeger`: takes what Jaeger's clients and agents send (https://www.jaegertracing.io/docs/1.76/apis/)."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from collector.api import Consumer, Host, ReceiverFactory, Settings
from collector.data import Signal
from collector.net.grpc_servers import grpc_server
from collector.net.rpc import UnaryServer
from collector.translate.jaeger import names
from receivers.jaeger.config import Config, UdpProtocol
from receivers.jaeger.intake import Intake
from receivers.jaeger.udp import UdpServer

if TYPE_CHECKING:
    from collector.net.http_server import HttpServer
    from collector.translate.thrift_protocols import Protocol

_PROTOCOLS: tuple["Protocol", ...] = ("compact", "binary")


class JaegerReceiver:
    """Runs the servers that the configuration names."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._config = config.protocols
        self._settings = settings
        self._intake = Intake(settings, next_consumer)
        self.grpc: UnaryServer | None = None
        self.http: HttpServer | None = None
        self.udp: dict[Protocol, UdpServer] = {}

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: an endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        try:
            await self._start_servers(host)
        except BaseException:
            await self.shutdown()
            raise

    async def _start_servers(self, host: Host) -> None:
        if self._config.grpc is not None:
            self.grpc = grpc_server(self._config.grpc, {names.POST_SPANS: self._intake}, self._settings)
            await self.grpc.start(host)
        if self._config.thrift_http is not None:
            from collector.net.http_server import HttpServer  # noqa: PLC0415 - only who runs one pays for it

            routes = {"/api/traces": self._intake.handle_http}
            self.http = HttpServer(self._config.thrift_http, routes, self._settings)
            await self.http.start(host)
        for protocol in _PROTOCOLS:
            config: UdpProtocol | None = getattr(self._config, f"thrift_{protocol}")
            if config is not None:
                handle = partial(self._intake.handle_packet, protocol)
                self.udp[protocol] = UdpServer(config, f"udp_thrift_{protocol}", self._settings, handle)
                await self.udp[protocol].start()

    async def shutdown(self) -> None:
        """Stop listening and wait for the requests and packets that are there."""
        self._intake.end()
        servers = [server for server in (self.grpc, self.http, *self.udp.values()) if server is not None]
        await asyncio.gather(*(server.shutdown() for server in servers))


def create(config: Config, settings: Settings, next_consumer: Consumer) -> JaegerReceiver:
    """Build the receiver."""
    return JaegerReceiver(config, settings, next_consumer)


FACTORY = ReceiverFactory(type="jaeger", config=Config, create=create, signals=frozenset({Signal.TRACES}))
