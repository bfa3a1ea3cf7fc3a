"""A UDP server: packets wait in a bounded queue for workers. What is dropped is counted, for no sender is told."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from collector.api import ConsumeError, QuietLog, Settings, StartError, TaskOwner
from collector.data import Client
from collector.net.addresses import Endpoint
from receivers.jaeger.config import UdpProtocol

# Seconds for packets that wait when the server is told to stop.
GRACE = 5.0

Handle: TypeAlias = Callable[[bytes, Client], Awaitable[None]]


class UdpServer:
    """Takes packets. `address` is where, once it has started; `transport` is the word that metrics show."""

    def __init__(self, config: UdpProtocol, transport: str, settings: Settings, handle: Handle) -> None:
        self.address = Endpoint("", 0)
        self._config = config
        self._name = transport
        self._handle = handle
        self._clock = settings.clock
        self._logger = settings.logger
        self._log = QuietLog(settings.logger, settings.clock)
        self._tasks = TaskOwner(f"{settings.id}:{transport}", settings.logger)
        self._queue: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue(config.queue_size)
        self._transport: asyncio.DatagramTransport | None = None
        self._processed = settings.telemetry.counter(
            "otelcol_jaeger_receiver_thrift_pkt_processed", "Packets that were taken.", ("transport",)
        )
        self._dropped = settings.telemetry.counter(
            "otelcol_jaeger_receiver_thrift_pkt_dropped",
            "Packets that were dropped, by reason.",
            ("transport", "reason"),
        )

    async def start(self) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or no address of this machine.

        """
        endpoint = await Endpoint.to_listen_on(self._config.endpoint).resolve()
        try:
            bound = self._bind(endpoint)
        except OSError as error:
            raise StartError(
                f"endpoint: cannot listen on {self._config.endpoint}: {error.strerror or error}"
            ) from error
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Inbox(self._take), sock=bound)
        self.address = endpoint._replace(port=bound.getsockname()[1])
        for number in range(self._config.workers):
            self._tasks.start(f"worker-{number}", self._work())
        self._logger.info("listening", transport=self._name, endpoint=self._config.endpoint, port=self.address.port)

    def _bind(self, endpoint: Endpoint) -> socket.socket:
        host = endpoint.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")  # noqa: S104 - no host means every one
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            if not endpoint.host and bound.family is socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self._size_buffer(bound)
            bound.bind((host, endpoint.port))
        except BaseException:
            bound.close()
            raise
        return bound

    def _size_buffer(self, bound: socket.socket) -> None:
        wanted = self._config.socket_buffer_size
        if not wanted:
            return
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        if (allowed := bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)) < wanted:
            self._logger.warning(
                "the system allows a smaller socket_buffer_size: raise net.core.rmem_max",
                wanted=wanted,
                allowed=allowed,
            )

    def _take(self, packet: bytes, address: str) -> None:
        """Queue a packet, or drop it."""
        if len(packet) > self._config.max_packet_size:
            self._drop("too_large", f"{len(packet)} bytes from {address}: raise max_packet_size")
            return
        try:
            self._queue.put_nowait((packet, address))
        except asyncio.QueueFull:
            self._drop("queue_full", "raise queue_size, or see why the pipelines are slow")

    async def _work(self) -> None:
        while True:
            packet, address = await self._queue.get()
            try:
                await self._handle(packet, Client(address, self._name))
            except ConsumeError as error:
                self._drop(error.reason, f"{address}: {error}")
            except asyncio.CancelledError:
                self._drop("shutdown", "the pipelines did not take it in time")
                raise
            except Exception as error:
                self._logger.exception("a packet failed unexpectedly", transport=self._name, exc_info=error)
                self._drop("internal", "internal error")
            else:
                self._processed.add(1, transport=self._name)
            finally:
                self._queue.task_done()

    def _drop(self, reason: str, error: str) -> None:
        self._dropped.add(1, transport=self._name, reason=reason)
        self._log.warning("a packet was dropped", reason=reason, transport=self._name, error=error)

    async def shutdown(self) -> None:
        """Listen no more and wait for the packets that are there, `GRACE` seconds at most."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.close()
        grace = self._tasks.start("grace", self._clock.sleep(GRACE))
        drained = self._tasks.start("drain", self._queue.join())
        await asyncio.wait((grace, drained), return_when=asyncio.FIRST_COMPLETED)
        await self._tasks.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()
            self._drop("shutdown", "the pipelines did not take it in time")


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, str], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._take(data, addr[0])
