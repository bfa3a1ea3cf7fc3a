"""The command: what it prints, and its exit codes."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from collector.cli import main
from collector.commands import DEFAULT_CONFIG

VALID = """
receivers: {nop: }
exporters: {otlp_grpc: {endpoint: "localhost:4317", headers: {token: hunter2}}}
service:
  pipelines: {traces: {receivers: [nop], exporters: [otlp_grpc]}}
"""
THREE_MISTAKES = """
receivers: {nop: {port: 1}}
exporters: {nosuch: }
service:
  pipelines: {traces: {receivers: [nop], exporters: [nosuch, other]}}
"""


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the command, `CONFIG` standing for a file with a text."""

    def call(*arguments, config=VALID):
        path = tmp_path / "config.yaml"
        path.write_text(config)
        words = [str(path) if word == "CONFIG" else word for word in arguments]
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_a_valid_configuration(run):
    assert (0, "the configuration is valid\n", "") == run("validate", "--config", "CONFIG")


def test_three_mistakes_are_three_lines(run):
    """Each with its place; then how many there were."""
    code, out, err = run("validate", "--config", "CONFIG", config=THREE_MISTAKES)
    lines = err.splitlines()
    assert (1, "", 4) == (code, out, len(lines))
    assert "3 errors" == lines[-1]
    for line, part in zip(lines, ("receivers.nop", "exporters.nosuch", 'references exporter "other"'), strict=False):
        assert line.startswith("error: ")
        assert "config.yaml:" in line
        assert part in line


def test_variables_that_are_not_set_are_told_with_the_errors(run, monkeypatch):
    """For the error that they lead to does not name them."""
    monkeypatch.delenv("NOPE", raising=False)
    code, _, err = run("validate", "--config", "CONFIG", config=VALID.replace("localhost:4317", "${env:NOPE}"))
    warning, error, _ = err.splitlines()
    assert 1 == code
    assert warning.startswith("warning: ")
    assert "environment variable NOPE is not set" in warning
    assert 'requires a non-empty "endpoint"' in error


def test_grpc_is_told_not_to_write_to_stderr(run, monkeypatch):
    """Unless the user asked for it."""
    monkeypatch.setenv("GRPC_VERBOSITY", "")
    monkeypatch.delenv("GRPC_VERBOSITY")
    run("validate", "--config", "CONFIG")
    assert "NONE" == os.environ["GRPC_VERBOSITY"]
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    run("validate", "--config", "CONFIG")
    assert "DEBUG" == os.environ["GRPC_VERBOSITY"]


def test_one_mistake_is_one_error(run):
    code, _, err = run("validate", "--config", "absent.yaml")
    assert 1 == code
    assert err.splitlines()[-1] == "1 error"
    assert "absent.yaml" in err


def test_warnings_do_not_make_it_invalid(run):
    config = VALID.replace("receivers: {nop: }", "receivers: {nop: , nop/unused: }")
    code, out, err = run("validate", "--config", "CONFIG", config=config)
    assert (0, "the configuration is valid\n") == (code, out)
    assert err.startswith("warning: ")
    assert "receivers.nop/unused: is not used" in err


PLUGIN = '''
from collector.api import ComponentConfig, ExtensionFactory

class Config(ComponentConfig):
    """Cannot be built."""

def create(config, settings):
    raise ValueError("only building shows it")

FACTORY = ExtensionFactory(type="picky", config=Config, create=create)
'''


def test_validating_builds_the_components(run, tmp_path):
    """What only a component can check is checked, too."""
    (tmp_path / "picky.py").write_text(PLUGIN)
    config = "plugins: [picky.py]\nextensions: {picky: }" + VALID.replace("service:", "service:\n  extensions: [picky]")
    code, _, err = run("validate", "--config", "CONFIG", config=config)
    assert 1 == code
    assert "config.yaml:2: extensions.picky: only building shows it\n1 error\n" in err


def test_a_broken_plugin_is_named(run, tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    code, _, err = run("validate", "--config", "CONFIG", config="plugins: [broken.py]" + VALID)
    assert 1 == code
    assert "broken.py: running the file fails with ZeroDivisionError" in err
    assert "absent.py" in run("validate", "--config", "CONFIG", config="plugins: [absent.py]" + VALID)[2]


def test_a_value_can_be_set(run):
    code, _, err = run("validate", "--config", "CONFIG", "--set", "exporters.otlp_grpc.endpoint=")
    assert 1 == code
    assert "endpoint" in err


def test_the_default_is_valid(run):
    assert (0, "the configuration is valid\n", "") == run("validate", "--config", str(DEFAULT_CONFIG))


def test_wrong_usage(run):
    """Code 2, as argparse and most commands have it."""
    assert 2 == run("walk")[0]
    assert 2 == run()[0]
    code, _, err = run("run", "--shutdown-timeout", "soon")
    assert 2 == code
    assert "'soon' is not a duration" in err


def test_version_and_help(run):
    code, out, _ = run("--version")
    assert (0, "spanmill 0.1.0\n") == (code, out)
    code, out, _ = run("--help")
    assert 0 == code
    for command in ("run", "validate", "components", "print-config", "schema"):
        assert command in out


def test_options_alone_run(run):
    """`spanmill --config a.yaml` is `spanmill run --config a.yaml`, as with the OpenTelemetry Collector."""
    code, _, err = run("--config", "CONFIG", config=THREE_MISTAKES)
    assert 1 == code
    assert err.endswith("3 errors\n")


def test_components_as_a_table(run):
    code, out, err = run("components")
    header, *rows = out.splitlines()
    assert (0, "") == (code, err)
    assert ["KIND", "TYPE", "ALIASES", "SIGNALS", "STABILITY", "DESCRIPTION"] == header.split()
    [row] = [row for row in rows if row.startswith("exporter") and " otlp_http " in row]
    assert "otlphttp" in row
    assert "logs, metrics, traces" in row


@pytest.mark.parametrize(("format", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_components_for_machines(run, format, read):  # noqa: A002 - the option's name
    rows = read(run("components", "--format", format)[1])
    assert {
        "kind": "connector",
        "type": "forward",
        "aliases": [],
        "signals": ["logs to logs", "metrics to metrics", "traces to traces"],
        "stability": "beta",
        "description": "Hands what one pipeline ends with to the pipelines that begin with it, unchanged.",
    } in rows
    assert all(row["description"] for row in rows)
    assert [] == next(row["signals"] for row in rows if row["kind"] == "extension")


def test_a_configuration_is_printed_without_its_secrets(run):
    code, out, _ = run("print-config", "--config", "CONFIG")
    assert 0 == code
    assert "hunter2" not in out
    assert "# default" in out
    assert "# default" not in run("print-config", "--config", "CONFIG", "--no-origins")[1]


def test_a_configuration_is_printed_with_its_secrets(run):
    out = run("print-config", "--config", "CONFIG", "--mode", "unredacted", "--format", "json")[1]
    assert "hunter2" == json.loads(out)["exporters"]["otlp_grpc"]["headers"]["token"]


def test_the_schema_knows_the_components(run):
    schema = json.loads(run("schema")[1])
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert "receivers" in schema["properties"]


def test_it_is_a_command():
    """`python -m collector` and the exit code of the process."""
    process = subprocess.run(
        [sys.executable, "-m", "collector", "validate", "--config", "absent.yaml"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert 1 == process.returncode
    assert "1 error\n" == process.stderr[-8:]


def test_a_reader_that_has_had_enough_is_no_error():
    """As in `spanmill schema | head -1`."""
    command = [sys.executable, "-m", "collector", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"" == process.stderr.read()
    assert 0 == process.returncode
