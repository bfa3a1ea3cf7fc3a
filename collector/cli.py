"""The `spanmill` command."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from collector import __version__
from collector.api import AnyFactory, Kind, StartError, parse_duration
from collector.config import CatalogError, Config, ConfigErrors, ConfigWarning, Document, bind, load, plugin_files
from collector.config.component_reference import component_reference, purpose, signals
from collector.config.describe import render_config
from collector.config.schema import json_schema
from collector.runtime import daemon
from collector.runtime.registry import Registry
from collector.runtime.service import Service
from collector.runtime.telemetry import NoTelemetry

OK, FAILED, FORCED = 0, 1, 130
DEFAULT_CONFIG = Path(daemon.__file__).with_name("default.yaml")
_DEFAULT_NOTE = (
    "no --config given: running the built-in default, which receives OTLP on localhost:4317 (gRPC) and "
    "localhost:4318 (HTTP) and prints it"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code: 0 fine, 1 a configuration or start error, 2 wrong usage."""
    # gRPC writes lines of its own to stderr; what they say is in our errors, too. It must be told before its import.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    # As the OpenTelemetry Collector: `spanmill --config a.yaml` runs.
    if words and words[0].startswith("-") and words[0] not in ("-h", "--help", "-v", "--version"):
        words.insert(0, "run")
    options = _parser().parse_args(words)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except ConfigErrors as errors:
        _warn(errors.warnings)
        _complain([str(error) for error in errors.errors])
        return FAILED
    except (CatalogError, StartError) as error:
        _complain([str(error)])
        return FAILED
    except BrokenPipeError:
        # Whoever reads has had enough, as `head` has. Python must not find that out once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return FORCED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "spanmill", description="Receives, processes and exports traces, metrics and logs."
    )
    parser.add_argument("-v", "--version", action="version", version=f"spanmill {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, function: Any, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary}.")
        added.set_defaults(command=function, config=[], set=[])
        _add_source_options(added)
        return added

    run = command("run", _run, "Run a configuration until SIGTERM or Ctrl-C")
    run.add_argument(
        "--shutdown-timeout",
        type=_duration,
        default=daemon.DEFAULT_SHUTDOWN_TIMEOUT,
        metavar="DURATION",
        help="how long to deliver what is held when the collector ends (default 30s)",
    )
    command("validate", _validate, "Check a configuration without running it")
    components = command("components", _components, "List the components that a configuration can use")
    components.add_argument("--format", choices=("table", "json", "yaml", "markdown"), default="table")
    print_config = command(
        "print-config", _print_config, "Print a configuration merged, expanded and with all defaults"
    )
    print_config.add_argument(
        "--mode", choices=("redacted", "unredacted"), default="redacted", help="hide secrets or not"
    )
    print_config.add_argument("--format", choices=("yaml", "json"), default="yaml")
    print_config.add_argument("--no-origins", action="store_true", help="leave out where each value comes from")
    command("schema", _schema, "Print the JSON schema of configuration files, for editors")
    return parser


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        action="append",
        metavar="SOURCE",
        help="a YAML file, or file:..., env:NAME, yaml:...; of several, later ones win",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="override one value, such as exporters.debug.verbosity=normal",
    )
    parser.add_argument("--feature-gates", metavar="GATES", help="accepted for compatibility; has no effect")


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def _print_config(options: argparse.Namespace) -> int:
    text = render_config(
        _load(options), redact=options.mode == "redacted", origins=not options.no_origins, format=options.format
    )
    print(text, end="")
    return OK


def _schema(options: argparse.Namespace) -> int:
    registry, _ = _read(options)
    print(json.dumps(json_schema(registry), indent=2))
    return OK


def _components(options: argparse.Namespace) -> int:
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
    rows = [_describe(factory) for factory in factories]
    match options.format:
        case "json":
            print(json.dumps(rows, indent=2))
        case "yaml":
            print(yaml.safe_dump(rows, sort_keys=False), end="")
        case "markdown":
            print(component_reference(factories), end="")
        case _:
            print("\n".join(_table(rows)))
    if problems:
        _complain(problems)
    return FAILED if problems else OK


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


def _describe(factory: AnyFactory) -> dict[str, Any]:
    return {
        "kind": factory.kind.value,
        "type": factory.type,
        "aliases": list(factory.aliases),
        "signals": list(signals(factory)),
        "stability": factory.stability.value,
        "description": purpose(factory),
    }


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    header = {name: name.upper() for name in ("kind", "type", "aliases", "signals", "stability", "description")}
    cells = [
        {name: ", ".join(cell) if isinstance(cell, list) else cell for name, cell in row.items()}
        for row in [header, *rows]
    ]
    widths = {name: max(len(row[name]) for row in cells) for name in header}
    for row in cells:
        yield "  ".join(cell.ljust(widths[name]) for name, cell in row.items()).rstrip()


def _warn(warnings: Sequence[ConfigWarning]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print("1 error" if len(problems) == 1 else f"{len(problems)} errors", file=sys.stderr)
