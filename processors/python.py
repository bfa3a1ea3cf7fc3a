"""Processor `python`: hands each span, log record or metric to a function in a Python file of yours.

    def process(record):
        record["team"] = "checkout"
        return record

The file has a function `span`, `log_record` or `metric` for the records of one kind, or `process` for any kind that
has no function of its own. It gets a record (`collector.data.records`) and returns it, changed or not, or None to drop
it. A second parameter, where the function has one, gets the `options` of the configuration.

The function runs in the collector's only thread: while it runs nothing else does, and one that never ends cannot be
stopped. It should compute, not wait for a network or a disk.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeAlias

from collector.api import ComponentConfig, ProcessorFactory, QuietLog, Settings, StartError, option, transform
from collector.data import Batch, OpenScope, Signal
from collector.data.records import RECORDS, Record
from collector.processing.user_code import describe, load, location

Function: TypeAlias = Callable[[Any], object]

_ANY = "process"
_OWN = {Signal.TRACES: "span", Signal.LOGS: "log_record", Signal.METRICS: "metric"}


class Config(ComponentConfig):
    """Changes or drops spans, log records and metrics with a Python function of yours.

    ```yaml
    file: ./mine.py
    options:
      team: checkout
    ```
    """

    file: str = option(
        ..., "The Python file; a relative path starts at the folder of the configuration file.", min_length=1
    )
    function: str | None = option(
        None,
        "The function for every kind of record, where it has a name of its own; null finds `span`, "
        "`log_record`, `metric` or `process`.",
    )
    options: dict[str, Any] = option({}, "Handed to the function as its second argument, where it takes one.")
    on_error: Literal["keep", "drop"] = option("keep", "What becomes of a record that the function fails on.")


class PythonProcessor:
    """Runs the function on each record of a batch."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._path = settings.directory / config.file
        module = load(self._path)
        self._functions = {
            signal: _function(module, self._path, config, signal) for signal in Signal if signal in settings.signals
        }
        self._on_error = config.on_error
        self._log = QuietLog(settings.logger, settings.clock)
        counter = settings.telemetry.counter
        self._errors = counter(
            "otelcol_processor_python_errors", "Records on which the user's function failed.", ("error_type",)
        )
        self._dropped = counter(
            "otelcol_processor_python_dropped", "Records that the user's function dropped.", ("reason",)
        )

    def __call__(self, batch: Batch) -> Batch | None:
        """Return the batch with what the function made of it."""
        function = self._functions[batch.signal]
        record_type = RECORDS[batch.signal]
        opened = batch.open()
        for resource, scope in opened.scopes():
            kept = [
                self._keeps(function, record_type(scope.message(index), resource, scope), scope, index)
                for index in range(len(scope))
            ]
            scope.keep(kept.__getitem__)
        return Batch.of_opened(opened, batch.client) if len(opened) else None

    def _keeps(self, function: Function, record: Record, scope: OpenScope, index: int) -> bool:
        """Run the function on a record; return whether the record stays."""
        try:
            kept = _call(function, record)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's code does, the batch goes on
            record.undo()
            self._report(error)
            return self._on_error == "keep"
        if not kept:
            self._dropped.add(reason="function")
        elif record.changed:
            scope.touch(index)
        return kept

    def _report(self, error: BaseException) -> None:
        self._errors.add(error_type=type(error).__name__)
        if self._on_error == "drop":
            self._dropped.add(reason="error")
        self._log.error(
            "the python function failed on a record",
            reason=type(error).__name__,
            on_error=self._on_error,
            at=lambda: location(error, self._path),
            error=lambda: describe(error),
        )


def _call(function: Function, record: Record) -> bool:
    """Run the function on a record; return whether it returned it."""
    result = function(record)
    if result is not None and result is not record:
        raise TypeError(f"the function returned a {type(result).__name__}: return the record, or None to drop it")
    return result is record


def _function(module: ModuleType, path: Path, config: Config, signal: Signal) -> Function:
    """Return the function for the records of a signal, which takes the record alone."""
    names = [config.function] if config.function else [_OWN[signal], _ANY]
    found = next((function for name in names if callable(function := getattr(module, name, None))), None)
    if found is None:
        raise StartError(f"{path}: {signal.value} need a function in it: add def {' or def '.join(names)}")
    at = f"{path}:{found.__code__.co_firstlineno}" if inspect.isfunction(found) else str(path)
    if inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found):
        raise StartError(f"{at}: {names[-1]} must be a plain function: write def without async and yield")
    options = config.options
    for arguments in ((None, options), (None,)):
        try:
            inspect.signature(found).bind(*arguments)
        except (TypeError, ValueError):
            continue
        return (lambda record: found(record, options)) if len(arguments) == 2 else found
    raise StartError(f"{at}: the function must take the record, or the record and the options")


FACTORY = ProcessorFactory(type="python", config=Config, create=transform(PythonProcessor))
