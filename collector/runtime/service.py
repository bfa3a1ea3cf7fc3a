"""A running configuration: components started in order, stopped in order, and what they may ask for meanwhile."""

import asyncio
import enum

import structlog

from collector.api import Component, ComponentId, Kind, StartError
from collector.config import Config
from collector.runtime.build import Part, build
from collector.runtime.graph import Key
from collector.runtime.telemetry import TelemetrySource

# Seconds for components with nothing to drain, once one with much has used up the time.
_LAST_MOMENT = 1.0


class Status(enum.Enum):
    """How far a component's life has come."""

    BUILT = "built"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


class Service:
    """Runs one configuration, and is the `Host` of its components.

    `ending` is set when it is time to shut down: by whoever has the service, or, together with `failed`, when a
    component cannot go on.

    Raises:
        ConfigErrors: components cannot be built as the configuration says.

    """

    def __init__(self, config: Config, telemetry: TelemetrySource) -> None:
        self._parts = build(config, telemetry)
        self._extensions = {part.key.id: part.component for part in self._parts if part.key.kind is Kind.EXTENSION}
        self._status = dict.fromkeys(self._parts, Status.BUILT)
        self._logger = structlog.get_logger().bind(component="service")
        self._ready = False
        self.ending = asyncio.Event()
        self.failed = False

    @property
    def status(self) -> dict[Key, Status]:
        """How far each instance is; an exporter with its deliveries counts as one."""
        return {part.key: status for part, status in self._status.items()}

    async def start(self) -> None:
        """Start the extensions, then the pipelines from their ends. Call `shutdown` after a failure, too.

        Raises:
            StartError: a component cannot start; the message names it.

        """
        for part in self._parts:
            try:
                await part.component.start(self)
            except StartError as error:
                self._status[part] = Status.FAILED
                raise StartError(f"{part.key} cannot start: {error}") from error
            except Exception as error:
                self._status[part] = Status.FAILED
                self._logger.exception("a component failed to start, which is its defect", starting=str(part.key))
                raise StartError(f"{part.key} cannot start: {type(error).__name__}: {error}") from error
            self._status[part] = Status.RUNNING
        self._ready = True

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a budget for several steps
        """Stop in reverse order, each component draining before the next stops; safe twice and without `start`.

        Who has not drained after `timeout` seconds is cut short, and a log line names them; those behind it get a last
        moment to end in order.
        """
        self._ready = False
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        cut_short: list[str] = []
        for part in reversed(self._parts):
            grace = _LAST_MOMENT if cut_short else 0.0
            if not await self._stop(part, None if deadline is None else deadline + grace):
                cut_short.append(str(part.key))
        if cut_short:
            self._logger.warning(
                "the time to drain is over: what these components still held is lost",
                components=list(dict.fromkeys(cut_short)),
                timeout=timeout,
                advice="allow more with --shutdown-timeout",
            )

    async def _stop(self, part: Part, deadline: float | None) -> bool:
        """Stop one component; return whether it came to its end."""
        if self._status[part] is Status.STOPPED:
            return True
        budget = asyncio.timeout_at(deadline)
        try:
            async with budget:
                await part.component.shutdown()
        except Exception:
            if not budget.expired():
                self._logger.exception("a component failed to stop", stopping=str(part.key))
        self._status[part] = Status.STOPPED
        return not budget.expired()

    def extension(self, component_id: ComponentId) -> Component | None:
        """Return a running extension, or None where the configuration does not start one of that id."""
        return self._extensions.get(component_id)

    def fail(self, component_id: ComponentId, error: BaseException) -> None:
        """End the collector with an error."""
        self._logger.error("a component cannot go on", failed=str(component_id), error=str(error), exc_info=error)
        self.failed = True
        self.ending.set()

    def ready(self) -> bool:
        """Return whether every component has started and none is shutting down."""
        return self._ready
