"""Where strategies come from: a file that is read again as it changes, or another server."""

import asyncio
import urllib.request
from pathlib import Path
from typing import Protocol

from collector.api import ConsumeError, Host, RetryableError, Settings, StartError, TaskOwner
from collector.data.messages import DecodeError, ProtoMessage
from collector.delivery.timing import TimeLimit
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig
from extensions.jaegerremotesampling.messages import METHOD, Parameters, Strategy
from extensions.jaegerremotesampling.strategies import Strategies

# Bytes of a file; Jaeger's users write kilobytes.
_MOST_BYTES = 16 * 2**20
# Seconds to wait for another server.
_TIMEOUT = 5.0
_MOST_REMEMBERED = 10_000


class Source(Protocol):
    """Knows strategies."""

    async def start(self, host: Host) -> None:
        """Get ready.

        Raises:
            StartError: what the configuration names is not there, or is not what it should be.

        """

    async def strategy_of(self, service: str) -> ProtoMessage:
        """Return the strategy of a service.

        Raises:
            ConsumeError: it cannot be found out now.

        """

    async def shutdown(self) -> None:
        """End."""


class FileSource:
    """Serves what a file, or a URL, holds; what is wrong with a newer version leaves the older one in force."""

    def __init__(self, location: str, interval: float, settings: Settings) -> None:
        self._location = location
        self._interval = interval
        self._clock = settings.clock
        self._logger = settings.logger
        self._tasks = TaskOwner(f"{settings.id}:reload", settings.logger)
        self._text: bytes | None = None
        self._strategies = Strategies.parse(b"null")
        self._failures = settings.telemetry.counter(
            "otelcol_jaegerremotesampling_failed_reloads", "Times that the strategies could not be loaded again."
        )

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's argument
        """Load the file, and begin to look for changes."""
        try:
            await self._load()
        except (OSError, ValueError) as error:
            raise StartError(f"source.file: {self._location}: {error}") from error
        if self._interval > 0:
            self._tasks.start("poll", self._poll())

    async def _load(self) -> None:
        text = await asyncio.to_thread(_read, self._location)
        if text != self._text:
            self._strategies = Strategies.parse(text)
            self._text = text
            self._logger.info("sampling strategies were loaded", file=self._location)
            for remark in self._strategies.remarks:
                self._logger.warning("a sampling strategy cannot be served", remark=remark)

    async def _poll(self) -> None:
        while True:
            await self._clock.sleep(self._interval)
            try:
                await self._load()
            except (OSError, ValueError) as error:
                self._failures.add(1)
                self._logger.error(  # noqa: TRY400 - the message says it all
                    "sampling strategies were not loaded again, those from before stay",
                    file=self._location,
                    error=str(error),
                )

    async def strategy_of(self, service: str) -> ProtoMessage:
        """Return what the file says of a service."""
        return self._strategies.of(service)

    async def shutdown(self) -> None:
        """Look for changes no more."""
        await self._tasks.cancel()


def _read(location: str) -> bytes:
    """Return what a file, or a URL, holds."""
    if not location.startswith(("http://", "https://")):
        with Path(location).open("rb") as file:
            return _bounded(file.read(_MOST_BYTES + 1))
    with urllib.request.urlopen(location, timeout=_TIMEOUT) as answer:  # noqa: S310 - no other scheme comes here
        return _bounded(answer.read(_MOST_BYTES + 1))


def _bounded(content: bytes) -> bytes:
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    return content


class RemoteSource:
    """Asks another server, and remembers its answers for a while."""

    def __init__(self, config: GrpcClientConfig, interval: float, settings: Settings) -> None:
        self._client = GrpcClient(config, settings)
        self._interval = interval
        self._clock = settings.clock
        self._tasks = TaskOwner(f"{settings.id}:remote", settings.logger)
        self._limit = TimeLimit(_TIMEOUT, settings.clock, self._tasks)
        self._remembered: dict[str, tuple[float, ProtoMessage]] = {}

    async def start(self, host: Host) -> None:
        """Open the channel."""
        await self._client.start(host)

    async def strategy_of(self, service: str) -> ProtoMessage:
        """Return what the other server says of a service."""
        now = self._clock.monotonic()
        until, strategy = self._remembered.get(service, (now, None))
        if strategy is None or now >= until:
            strategy = await self._ask(service)
            if self._interval > 0:
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[service] = now + self._interval, strategy
        return strategy

    async def _ask(self, service: str) -> ProtoMessage:
        try:
            question = Parameters(serviceName=service).SerializeToString()
            return Strategy.FromString(await self._limit.run(self._client.call(METHOD, question)))
        except TimeoutError as error:
            raise RetryableError(f"no answer within {_TIMEOUT:.0f}s", reason="timeout") from error
        except DecodeError as error:
            raise RetryableError("the answer is no strategy", reason="bad_answer") from error
        except ConsumeError as error:
            # Whatever it is, it is no fault of the sampler that asks.
            raise RetryableError(str(error), reason=error.reason) from error

    async def shutdown(self) -> None:
        """Close the channel."""
        await self._client.close()
        await self._tasks.cancel()
