"""Exporter `debug`: writes what it is given to the log or the console, for people to read."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from io import FileIO
from typing import Any, Literal, Self, TypeAlias

from pydantic import field_validator, model_validator

from collector.api import (
    Clock,
    Duration,
    ExporterFactory,
    Host,
    PermanentError,
    RetryableError,
    Settings,
    StartError,
    option,
)
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS, DecodeError
from collector.data.shell import RequestShell
from collector.delivery import DeliveryConfig, QueueConfig, RetryConfig
from exporters.debug import detailed, normal

_Write: TypeAlias = Callable[[str], object]

_LEVELS = ("basic", "normal", "detailed")
_TITLES = {Signal.TRACES: "Traces", Signal.METRICS: "Metrics", Signal.LOGS: "Logs"}
_RESOURCES = {Signal.TRACES: "resource spans", Signal.METRICS: "resource metrics", Signal.LOGS: "resource logs"}
_ITEMS = {Signal.TRACES: "spans", Signal.METRICS: "metrics", Signal.LOGS: "log records"}
_RENDERERS = {"normal": normal.render, "detailed": detailed.render}


class Config(DeliveryConfig):
    """Writes telemetry to the log or the console, for people to read.

    ```yaml
    verbosity: detailed
    ```
    """

    verbosity: Literal["basic", "normal", "detailed"] = option(
        "basic",
        "How much to write: a line for each batch (`basic`), a line for each item (`normal`), or everything "
        "(`detailed`).",
    )
    sampling_initial: int = option(2, "How many batches of a signal are always written in each second.", ge=0)
    sampling_thereafter: int = option(
        1, "Of the further batches in a second, every how many-th is written; 0 writes none.", ge=0
    )
    use_internal_logger: bool = option(True, "Write through the collector's own log, with its level and outputs.")
    output_paths: list[str] | None = option(
        None, "Where to write without the internal logger: `stdout`, `stderr` or files; null for `stdout`."
    )
    # What it inherits is off here: there is nothing to wait for.
    timeout: Duration = option(0.0, "How long one attempt may take; 0 for no limit.")
    retry_on_failure: RetryConfig | None = option(None, "Try again after failures that may pass.")
    sending_queue: QueueConfig | None = option(None, "Hold data until it is written.")

    @field_validator("verbosity", mode="before")
    @classmethod
    def _check_verbosity(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        level = value.lower()
        if level not in _LEVELS:
            raise ValueError(f'verbosity level "{value.capitalize()}" is not supported: use basic, normal or detailed')
        return level

    @model_validator(mode="after")
    def _check_outputs(self) -> Self:
        if self.use_internal_logger and self.output_paths is not None:
            raise ValueError(
                "output_paths is not supported when use_internal_logger is true: set use_internal_logger to false"
            )
        if self.output_paths is not None and not self.output_paths:
            raise ValueError("output_paths must not be empty when use_internal_logger is false")
        return self


class DebugExporter:
    """Writes a summary of each batch and, where the verbosity asks for it, its contents."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._settings = settings
        self._paths = None if config.use_internal_logger else config.output_paths or ["stdout"]
        self._outputs: dict[str, _Write] = {}
        self._files = ExitStack()
        self._render = _RENDERERS.get(config.verbosity)
        self._samplers = {signal: _Sampler(config, settings.clock) for signal in Signal}

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's arguments
        """Open the output files."""
        for path in self._paths or ():
            try:
                self._outputs[path] = _open(path, self._files)
            except OSError as error:
                self._files.close()
                raise StartError(
                    f'output_paths: cannot write to {path} ({error.strerror}): name a writable file, "stdout" or "stderr"'
                ) from error

    async def push(self, batch: Batch) -> None:
        """Write a batch, where it is its turn."""
        if not self._samplers[batch.signal].permit():
            return
        try:
            summary = _summarize(batch)
            contents = self._render and self._render(batch.signal, REQUESTS[batch.signal].FromString(batch.payload))
        except DecodeError as error:
            raise PermanentError(f"not an OTLP export request: {error}", reason="malformed") from error
        title = _TITLES[batch.signal]
        if self._paths is None:
            self._settings.logger.info(title, **summary)
            if contents:
                self._settings.logger.info(contents)
        else:
            self._print(f"{title}\t{json.dumps(summary)}\n{contents or ''}")

    def _print(self, text: str) -> None:
        # On the event loop, for it is people who read this, and they see each batch before the next step.
        for path, write in self._outputs.items():
            try:
                write(text)
            except (OSError, ValueError) as error:
                raise RetryableError(f"cannot write to {path}: {error}", reason="write_failed") from error

    async def shutdown(self) -> None:
        """Close the output files."""
        self._outputs.clear()
        self._files.close()


class _Sampler:
    """Permits the first batches in each second, then one in so many; as zap's sampler does in the Go collector."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._initial = config.sampling_initial
        self._thereafter = config.sampling_thereafter
        self._clock = clock
        self._second_ends = clock.monotonic()
        self._seen = 0

    def permit(self) -> bool:
        now = self._clock.monotonic()
        if now >= self._second_ends:
            self._second_ends, self._seen = now + 1, 0
        self._seen += 1
        over = self._seen - self._initial
        return over <= 0 or (self._thereafter > 0 and over % self._thereafter == 0)


def _summarize(batch: Batch) -> dict[str, int]:
    resources = RequestShell.FromString(batch.payload).resources
    items = sum(len(scope.items) for resource in resources for scope in resource.scopes)
    points = {"data points": batch.count} if batch.signal is Signal.METRICS else {}
    return {_RESOURCES[batch.signal]: len(resources), _ITEMS[batch.signal]: items} | points


def _open(path: str, files: ExitStack) -> _Write:
    if path in ("stdout", "stderr"):
        return partial(print, end="", file=getattr(sys, path), flush=True)
    # Without a buffer: what could not be written must not come out later, after another attempt.
    file = files.enter_context(FileIO(path.removeprefix("file://"), "a"))
    return lambda text: file.write(text.encode())


def create(config: Config, settings: Settings) -> DebugExporter:
    """Build the exporter."""
    return DebugExporter(config, settings)


FACTORY = ExporterFactory(type="debug", config=Config, create=create)
