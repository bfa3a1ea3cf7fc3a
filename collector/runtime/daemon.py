"""The process around a service: log, own metrics, event loop, signals and exit code."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from collector import __version__
from collector.api import StartError, format_duration
from collector.config import Config, TelemetryConfig
from collector.runtime import logs
from collector.runtime.service import Service
from collector.runtime.telemetry import NoTelemetry, TelemetrySource

if TYPE_CHECKING:
    from collector.runtime.metrics_server import MetricsServer

OK, FAILED = 0, 1
DEFAULT_SHUTDOWN_TIMEOUT = 30.0


def run(config: Config, shutdown_timeout: float = DEFAULT_SHUTDOWN_TIMEOUT, notes: Sequence[str] = ()) -> int:
    """Run a configuration until a signal or a failure ends it, and return the exit code of the process.

    The first SIGTERM or SIGINT drains, for `shutdown_timeout` seconds at most; a second one ends the process at once.
    `notes` are logged as warnings at the start.

    Raises:
        ConfigErrors: components cannot be built as the configuration says.
        StartError: a log file cannot be opened.

    """
    with logs.configured(config.service.telemetry.logs), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(config, shutdown_timeout, notes))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, which spends less time in each call, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(config: Config, shutdown_timeout: float, notes: Sequence[str]) -> int:
    logger = structlog.get_logger().bind(component="collector")
    telemetry, servers = _own_metrics(config.service.telemetry)
    service = Service(config, telemetry)
    _handle_signals(service, logger)
    logger.info("starting", version=__version__, pid=os.getpid())
    for warning in (*notes, *config.warnings):
        logger.warning(str(warning))
    try:
        for server in servers:
            await server.start()
        await service.start()
        # What start-up made stays to the end: the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        logger.info("everything is ready")
        await service.ending.wait()
        logger.info("draining", at_most=format_duration(shutdown_timeout))
    except StartError as error:
        logger.error(str(error))  # noqa: TRY400 - the message says what to change; a traceback would hide it
        return FAILED
    finally:
        await service.shutdown(shutdown_timeout)
        for server in servers:
            await server.shutdown()
    logger.info("stopped")
    return FAILED if service.failed else OK


def _own_metrics(config: TelemetryConfig) -> tuple[TelemetrySource, list["MetricsServer"]]:
    """Return where components count, and the servers that show it."""
    if config.metrics.level == "none":
        return NoTelemetry(), []
    # Loaded only where there are own metrics, for the sake of small sidecars: they need an HTTP server.
    from collector.runtime.instruments import OwnTelemetry  # noqa: PLC0415
    from collector.runtime.metrics_server import metrics_servers  # noqa: PLC0415

    own = OwnTelemetry()
    return own, metrics_servers(config, own)


def _handle_signals(service: Service, logger: structlog.typing.FilteringBoundLogger) -> None:
    def end(number: signal.Signals) -> None:
        if service.ending.is_set():
            logger.error("ending at once, what is held is lost", signal=number.name)
            os._exit(128 + number)
        logger.info("ending", signal=number.name)
        service.ending.set()

    def reload() -> None:
        logger.warning("SIGHUP: reloading is not supported yet, restart to apply a changed configuration")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
