"""The `spanmill` command: its command line. What the commands do is in `collector.commands`."""

import argparse
import os
import sys
from collections.abc import Sequence

from collector import __version__

OK, FORCED = 0, 130


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
        # Loaded once the command line is known to make sense, for the sake of those who wait for `--help`.
        from collector.commands import execute  # noqa: PLC0415

        code = execute(options.command, options)
        sys.stdout.flush()
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
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary}.")
        added.set_defaults(config=[], set=[])
        _add_source_options(added)
        return added

    run = command("run", "Run a configuration until SIGTERM or Ctrl-C")
    run.add_argument(
        "--shutdown-timeout",
        type=_duration,
        default="30s",
        metavar="DURATION",
        help="how long to deliver what is held when the collector ends (default %(default)s)",
    )
    command("validate", "Check a configuration without running it")
    components = command("components", "List the components that a configuration can use")
    components.add_argument("--format", choices=("table", "json", "yaml", "markdown"), default="table")
    print_config = command("print-config", "Print a configuration merged, expanded and with all defaults")
    print_config.add_argument(
        "--mode", choices=("redacted", "unredacted"), default="redacted", help="hide secrets or not"
    )
    print_config.add_argument("--format", choices=("yaml", "json"), default="yaml")
    print_config.add_argument("--no-origins", action="store_true", help="leave out where each value comes from")
    command("schema", "Print the JSON schema of configuration files, for editors")
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
    from collector.api import parse_duration  # noqa: PLC0415 - with it comes most of what `run` needs

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
