"""Extension `jaegerremotesampling`: tells the samplers of clients how to sample, over HTTP and gRPC.

https://www.jaegertracing.io/docs/1.76/apis/#remote-sampling-configuration
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs

from pydantic import model_validator

from collector.api import (
    ComponentConfig,
    Duration,
    ExtensionFactory,
    Host,
    PermanentError,
    Settings,
    StartError,
    StatusCode,
    option,
)
from collector.data import Client
from collector.data.messages import DecodeError
from collector.net.grpc_client_config import GrpcClientConfig, require_endpoint
from collector.net.grpc_servers import grpc_server
from collector.net.http import HttpAnswer, HttpError, HttpRequest
from collector.net.rpc import UnaryServer
from collector.net.server_config import GrpcServerConfig, HttpServerConfig, ListenAddress
from collector.sampling.learned import LearnedRates
from extensions.jaegerremotesampling.learned import LearnedSource
from extensions.jaegerremotesampling.messages import METHOD, Parameters, as_json
from extensions.jaegerremotesampling.sources import FileSource, RemoteSource, Source

if TYPE_CHECKING:
    from collector.net.http_server import HttpServer


class SamplingHttpConfig(HttpServerConfig):
    """Strategies as JSON over HTTP."""

    endpoint: ListenAddress = option("localhost:5778", "Where to listen: `host:port`.")


class SamplingGrpcConfig(GrpcServerConfig):
    """Strategies as protobuf (`api_v2`) over gRPC."""

    endpoint: ListenAddress = option("localhost:14250", "Where to listen: `host:port`.")


class AdaptiveConfig(ComponentConfig):
    """Strategies from what the processors `adaptive_sampler` of this collector learn."""

    initial_percentage: float = option(
        100.0,
        "What services are told of which nothing has been learned yet: so many of a hundred traces.",
        ge=0,
        le=100,
    )


class SourceConfig(ComponentConfig):
    """Where strategies come from: a file, another server, or samplers of this collector."""

    file: str = option("", "Path of a JSON file in Jaeger's format, or an `http://` or `https://` URL of one.")
    remote: GrpcClientConfig | None = option(None, "Server to ask over gRPC, such as Jaeger's collector.")
    adaptive: AdaptiveConfig | None = option(
        None,
        "Serve what processors `adaptive_sampler` learn which name this extension in `remote_sampling`. Neither a file "
        "nor another server is asked then.",
    )
    reload_interval: Duration = option(
        0.0, "How often to load the file again, or how long to remember what the server said; 0 for never.", ge=0
    )

    @model_validator(mode="after")
    def _check_one_is_given(self) -> Self:
        if self.file and self.remote is not None:
            raise ValueError("too many sources specified, has to be either 'file' or 'remote'")
        if self.adaptive is not None:
            if self.file or self.remote is not None:
                raise ValueError("too many sources specified: take out 'file' and 'remote', or 'adaptive'")
            return self
        if self.remote is not None:
            require_endpoint(self.remote)
        elif not self.file:
            raise ValueError("no sources specified, has to be either 'file' or 'remote'")
        return self


class Config(ComponentConfig):
    """Tells the samplers of clients how to sample, as Jaeger's agent and collector do.

    ```yaml
    source:
      file: ./sampling_strategies.json
      reload_interval: 10s
    grpc:
      endpoint: localhost:5779
    ```
    """

    http: SamplingHttpConfig | None = option(
        SamplingHttpConfig, "Serve strategies over HTTP, at `/sampling?service=`; `enabled: false` switches it off."
    )
    grpc: SamplingGrpcConfig | None = option(
        SamplingGrpcConfig,
        "Serve strategies over gRPC; `enabled: false` switches it off. The port is that of the receiver `jaeger`, too: "
        "change one.",
    )
    source: SourceConfig = option(
        description="Where strategies come from: a file, another server, or samplers of this collector."
    )

    @model_validator(mode="after")
    def _check_servers(self) -> Self:
        if self.http is None and self.grpc is None:
            raise ValueError("no protocols selected to serve the strategies, use 'grpc', 'http', or both")
        return self


class JaegerRemoteSampling:
    """Runs the servers. A `UnaryMethod` of gRPC."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._source = source_of(config.source, settings)
        self.http: HttpServer | None = None
        self.grpc: UnaryServer | None = None

    async def start(self, host: Host) -> None:
        """Load the strategies and listen.

        Raises:
            StartError: an endpoint is taken, or the file is not there or not what it should be.

        """
        try:
            await self._source.start(host)
            await self._start_servers(host)
        except BaseException:
            await self.shutdown()
            raise

    async def _start_servers(self, host: Host) -> None:
        if self._config.http is not None:
            from collector.net.http_server import HttpServer  # noqa: PLC0415 - only who runs one pays for it

            # The oldest clients ask for the root, and want the type of a strategy as a number.
            routes = {"/sampling": partial(self._answer, numbered=False), "/": partial(self._answer, numbered=True)}
            self.http = HttpServer(self._config.http, routes, self._settings)
            await self.http.start(host)
        if self._config.grpc is not None:
            self.grpc = grpc_server(self._config.grpc, {METHOD: self}, self._settings)
            await self.grpc.start(host)

    async def _answer(self, request: HttpRequest, *, numbered: bool) -> HttpAnswer:
        if request.method != "GET":
            raise HttpError(405, "405 method not allowed, supported: [GET]", reason="method")
        service = parse_qs(request.query).get("service", [""])[0]
        if not service:
            raise HttpError(400, "'service' parameter must be provided", reason="malformed")
        body = as_json(await self._source.strategy_of(service), numbered=numbered)
        return HttpAnswer(200, body, "application/json")

    def serve(self, rates: LearnedRates) -> None:
        """Tell clients what a sampler has learned.

        Raises:
            StartError: the strategies are those of a file or another server.

        """
        if not isinstance(self._source, LearnedSource):
            raise StartError(
                f"the extension {self._settings.id} serves strategies of a file or another server: give it "
                '"source: {adaptive: {}}" to serve what a sampler learns'
            )
        self._source.add(rates)

    def admit(self) -> None:
        """Take every call."""

    async def handle(self, request: bytes, client: Client) -> bytes:  # noqa: ARG002 - the contract's arguments
        """Answer a call."""
        try:
            service = Parameters.FromString(request).serviceName
        except DecodeError as error:
            raise PermanentError(
                "the request is no SamplingStrategyParameters", reason="malformed", code=StatusCode.INVALID_ARGUMENT
            ) from error
        strategy: bytes = (await self._source.strategy_of(service)).SerializeToString()
        return strategy

    async def shutdown(self) -> None:
        """Listen no more."""
        servers = [server for server in (self.http, self.grpc) if server is not None]
        await asyncio.gather(*(server.shutdown() for server in servers))
        await self._source.shutdown()


def source_of(config: SourceConfig, settings: Settings) -> Source:
    """Return the source that a configuration asks for."""
    if config.adaptive is not None:
        return LearnedSource(config.adaptive.initial_percentage / 100)
    if config.remote is not None:
        return RemoteSource(config.remote, config.reload_interval, settings)
    return FileSource(config.file, config.reload_interval, settings)


def create(config: Config, settings: Settings) -> JaegerRemoteSampling:
    """Build the extension."""
    return JaegerRemoteSampling(config, settings)


FACTORY = ExtensionFactory(type="jaegerremotesampling", config=Config, create=create)
