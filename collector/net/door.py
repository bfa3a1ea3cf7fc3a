"""What servers of every protocol do at the door: who may come in, how much at once, and what a refusal counts as."""

from collections.abc import Callable
from functools import lru_cache

from collector.api import ConsumeError, Host, PermanentError, Settings
from collector.data import NO_CLIENT, Client
from collector.net.auth import Headers, ServerAuthenticator, find_authenticator
from collector.net.budget import Budget
from collector.net.client import refuse_middlewares
from collector.net.server_config import MIB, ServerConfig

_REMEMBERED_CLIENTS = 1024


class Door:
    """The way into one server. `transport` is the word that metrics show."""

    def __init__(self, config: ServerConfig, settings: Settings, transport: str) -> None:
        self.transport = transport
        self.budget = Budget(config.max_in_flight_mib * MIB)
        # Clients send again and again, so that the same object does for all their requests.
        self._client_at = lru_cache(_REMEMBERED_CLIENTS)(lambda address: Client(address, transport))
        self._config = config
        self._logger = settings.logger
        self._authenticator: ServerAuthenticator | None = None
        self._refused = settings.telemetry.counter(
            "otelcol_receiver_refused_requests",
            "Requests that were answered with an error, by reason.",
            ("transport", "reason"),
        )

    def open(self, host: Host) -> None:
        """Find the authenticator.

        Raises:
            StartError: there is none of the name that the configuration gives.

        """
        self._authenticator = find_authenticator(self._config.auth, host)
        refuse_middlewares(self._config.middlewares)

    async def enter(self, address: str, read_headers: Callable[[], Headers]) -> Client:
        """Return who sends, with the headers only where the configuration keeps them.

        Raises:
            ConsumeError: they may not send.

        """
        if not self._config.include_metadata and self._authenticator is None:
            return self._client_at(address)
        headers = read_headers()
        if self._authenticator is not None:
            await self._authenticator.authenticate(headers)
        return Client(address, self.transport, headers if self._config.include_metadata else NO_CLIENT.metadata)

    def refusal(self, error: Exception) -> ConsumeError:
        """Return what to tell the sender of an error, once it is counted. Nothing unexpected leaks out."""
        if not isinstance(error, ConsumeError):
            self._logger.error("a request failed unexpectedly", transport=self.transport, exc_info=error)
            error = PermanentError("internal error", reason="internal")
        self.count(error.reason)
        return error

    def count(self, reason: str) -> None:
        """Count a request that is refused."""
        self._refused.add(1, transport=self.transport, reason=reason)
