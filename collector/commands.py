"""What the `spanmill` command does, one function for each of its commands, which return the exit code."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from collector.api import Kind, StartError
from collector.config import CatalogError, Config, ConfigErrors, ConfigWarning, Document, bind, load, plugin_files
from collector.runtime import daemon
from collector.runtime.registry import Registry
from collector.runtime.service import Service
from collector.runtime.telemetry import NoTelemetry

OK, FAILED = 0, 1
DEFAULT_CONFIG = Path(daemon.__file__).with_name("default.yaml")
_DEFAULT_NOTE = (
    "no --config given: running the built-in default, which receives OTLP on localhost:4317 (gRPC) and "
    "localhost:4318 (HTTP) and prints it"
)


def execute(name: str, options: argparse.Namespace) -> int:
    """Do what a command says; what is wrong with the configuration goes to standard error, line by line."""
    try:
        return _COMMANDS[name](options)
    except ConfigErrors as errors:
        _warn(errors.warnings)
        _complain([str(error) for error in errors.errors])
    except (CatalogError, StartError) as error:
        _complain([str(error)])
    return FAILED


def _run(options: argparse.Namespace) -> int:
    notes = [] if options.config else [_DEFAULT_NOTE]
    if options.feature_gates:
        notes.append(f"--feature-gates={options.feature_gates} has no effect: Spanmill has no feature gates")
    return daemon.run(_load(options), options.shutdown_timeout, notes)


def _validate(options: argparse.Namespace) -> int:
    config = _load(options)

    async def build() -> None:
        # Components are built, too, so that what they alone can check is checked; none is started.
        await Service(config, NoTelemetry()).shutdown()

    asyncio.run(build())
    _warn(config.warnings)
    print("the configuration is valid")
    return OK


# What writes for people and editors is loaded by the command that writes it: a running collector has no use for it.


def _print_config(options: argparse.Namespace) -> int:
    from collector.config.describe import render_config  # noqa: PLC0415

    text = render_config(
        _load(options), redact=options.mode == "redacted", origins=not options.no_origins, format=options.format
    )
    print(text, end="")
    return OK


def _schema(options: argparse.Namespace) -> int:
    from collector.config.schema import json_schema  # noqa: PLC0415

    registry, _ = _read(options)
    print(json.dumps(json_schema(registry), indent=2))
    return OK


def _components(options: argparse.Namespace) -> int:
    from collector.config.component_list import render_components  # noqa: PLC0415

    registry, _ = _read(options)
    factories, problems = [], []
    for kind in Kind:
        for name in registry.types(kind):
            try:
                factory = registry.find(kind, name)
            except CatalogError as error:
                problems.append(str(error))
                continue
            if factory is not None:
                factories.append(factory)
    print(render_components(factories, format=options.format), end="")
    if problems:
        _complain(problems)
    return FAILED if problems else OK


_COMMANDS = {
    "run": _run,
    "validate": _validate,
    "components": _components,
    "print-config": _print_config,
    "schema": _schema,
}


def _load(options: argparse.Namespace) -> Config:
    registry, document = _read(options)
    return bind(document, registry)


def _read(options: argparse.Namespace) -> tuple[Registry, Document]:
    """Return the configuration's text and a registry that has its plugins."""
    document = load(options.config or [str(DEFAULT_CONFIG)], options.set)
    registry = Registry()
    for path in plugin_files(document):
        registry.add_file(path)
    return registry, document


def _warn(warnings: Sequence[ConfigWarning]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print("1 error" if len(problems) == 1 else f"{len(problems)} errors", file=sys.stderr)
