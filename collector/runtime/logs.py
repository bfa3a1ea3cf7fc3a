"""The collector's own log: structlog, set up as `service.telemetry.logs` says."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from collector.api import Clock, ComponentId, Kind, StartError, SystemClock
from collector.config import LogsConfig, LogsSamplingConfig

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}


def component_logger(kind: Kind, component_id: ComponentId, pipeline: str = "") -> FilteringBoundLogger:
    """Return the logger of a component: its lines say `component=processor/batch pipeline=traces`."""
    logger: FilteringBoundLogger = structlog.get_logger().bind(component=f"{kind.value}/{component_id}")
    return logger.bind(pipeline=pipeline) if pipeline else logger


@contextmanager
def configured(config: LogsConfig) -> Iterator[None]:
    """Log as configured while the block runs; log files are closed at its end.

    Raises:
        StartError: a log file cannot be opened.

    """
    level = _LEVELS[config.level]
    with ExitStack() as files:
        output = _Outputs([_open(path, files) for path in config.output_paths])
        structlog.configure(
            processors=[
                *_samplers(config.sampling),
                _adder(config.initial_fields),
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                *_renderers(config.encoding, colors=output.isatty()),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=lambda *_: structlog.WriteLogger(cast(TextIO, output)),  # it writes and flushes, no more
        )
        root = logging.getLogger()
        handler = _Bridge(max(level, logging.WARNING))
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
            structlog.reset_defaults()


def _samplers(config: LogsSamplingConfig | None) -> list[Processor]:
    return [_Sampler(config, SystemClock())] if config is not None else []


def _renderers(encoding: str, *, colors: bool) -> list[Processor]:
    if encoding == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(default=str)]
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors,
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
            sort_keys=False,  # who says it comes first, then what whoever wrote the line found important
        )
    ]


def _adder(fields: Mapping[str, Any]) -> Processor:
    """Return a processor that adds fields to every line that has no value of its own for them."""

    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {**fields, **event}

    return add


# Different messages that are counted in one tick, at most.
_MESSAGES = 4096


class _Sampler:
    """Lets the first lines of a message through in each tick, and then every so many of the rest."""

    def __init__(self, config: LogsSamplingConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._tick_ends = 0.0
        self._seen: dict[int, int] = {}

    def __call__(self, _logger: Any, method: str, event: EventDict) -> EventDict:
        now = self._clock.monotonic()
        if now >= self._tick_ends or len(self._seen) == _MESSAGES:
            self._tick_ends = now + self._config.tick
            self._seen.clear()
        key = hash((method, str(event.get("event"))))
        seen = self._seen[key] = self._seen.get(key, 0) + 1
        over = seen - self._config.initial
        if over > 0 and (self._config.thereafter == 0 or over % self._config.thereafter):
            raise structlog.DropEvent
        return event


class _Outputs:
    """Several open files as one. A full disk or a closed pipe loses lines of the log, never telemetry."""

    def __init__(self, files: Sequence[IO[str]]) -> None:
        self._files = files

    def write(self, text: str) -> None:
        for file in self._files:
            with suppress(OSError):
                file.write(text)

    def flush(self) -> None:
        for file in self._files:
            with suppress(OSError):
                file.flush()

    def isatty(self) -> bool:
        return all(file.isatty() for file in self._files)


def _open(path: str, files: ExitStack) -> IO[str]:
    if path in ("stderr", "stdout"):
        stream: IO[str] = getattr(sys, path)
        return stream
    try:
        return files.enter_context(Path(path.removeprefix("file://")).open("a", encoding="utf-8"))
    except OSError as error:
        raise StartError(
            f"service.telemetry.logs.output_paths: cannot write to {path} ({error.strerror}): "
            'name a writable file, "stderr" or "stdout"'
        ) from error


class _Bridge(logging.Handler):
    """Brings what libraries log with the standard library into the collector's own log."""

    def emit(self, record: logging.LogRecord) -> None:
        log: Callable[..., Any] = structlog.get_logger().bind(component=f"library/{record.name}").log
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        try:
            log(level, record.getMessage(), exc_info=record.exc_info or None)
        except Exception:  # noqa: BLE001 - as every handler: to log must not raise where somebody works
            self.handleError(record)
