"""Exporter `webhook`: posts the names of spans to a URL."""

from contextlib import AsyncExitStack

import aiohttp

from collector.api import ExporterFactory, Host, PermanentError, RetryableError, Settings, option
from collector.data import Batch, Signal
from collector.delivery import DeliveryConfig


class Config(DeliveryConfig):
    """Posts the names of spans to a URL."""

    url: str = option(..., "where to post to")


class Webhook:
    """Makes one request of each batch."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._url = config.url
        self._open = AsyncExitStack()

    async def start(self, host: Host) -> None:
        """Open the session."""
        self._session = await self._open.enter_async_context(aiohttp.ClientSession())

    async def shutdown(self) -> None:
        """Close the session."""
        await self._open.aclose()

    async def push(self, batch: Batch) -> None:
        """Post the names of a batch."""
        names = [scope.message(index).name for _, scope in batch.open().scopes() for index in range(len(scope))]
        try:
            async with self._session.post(self._url, json={"spans": names}) as answer:
                status = answer.status
        except aiohttp.ClientError as error:
            raise RetryableError(f"{self._url} cannot be reached: {error}") from error
        if status >= 400:
            raise (RetryableError if status >= 500 else PermanentError)(f"{self._url} answered {status}")


FACTORY = ExporterFactory(type="webhook", config=Config, create=Webhook, signals=frozenset({Signal.TRACES}))
