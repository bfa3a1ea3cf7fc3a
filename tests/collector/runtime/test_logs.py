"""The collector's own log."""

import json
import logging
import os
import sys
from contextlib import suppress

import pytest
import structlog

from collector.api import ComponentId, Kind, SecretStr, StartError
from collector.config import LogsConfig
from collector.runtime.logs import component_logger, configured


@pytest.fixture
def write(tmp_path):
    """Return a function that logs by a function under a configuration and returns the lines."""
    path = tmp_path / "log"

    def run(log, **options):
        with configured(LogsConfig.model_validate({"output_paths": [str(path)], **options})):
            log(component_logger(Kind.PROCESSOR, ComponentId("batch", "2"), "traces"))
        return path.read_text().splitlines()

    return run


def test_lines_for_people_name_the_component(write):
    [line] = write(lambda log: log.info("hello", items=3))
    for part in ("[info", "hello", "component=processor/batch/2", "pipeline=traces", "items=3"):
        assert part in line
    assert "\x1b" not in line


def test_lines_for_machines(write):
    [line] = write(lambda log: log.warning("hello", items=3), encoding="json", initial_fields={"zone": "a", "items": 1})
    fields = json.loads(line)
    assert fields.pop("timestamp").endswith("Z")
    assert {
        "event": "hello",
        "level": "warning",
        "component": "processor/batch/2",
        "pipeline": "traces",
        "items": 3,
        "zone": "a",
    } == fields


def test_the_level_holds(write):
    def log(logger):
        logger.info("quiet")
        logger.warning("loud")

    assert ["loud"] == [json.loads(line)["event"] for line in write(log, level="warn", encoding="json")]


@pytest.mark.parametrize("encoding", ["console", "json"])
def test_secrets_do_not_show(write, encoding):
    [line] = write(lambda log: log.info("hello", headers={"token": SecretStr("hunter2")}), encoding=encoding)
    assert "hunter2" not in line
    assert "****" in line


@pytest.mark.parametrize("encoding", ["console", "json"])
def test_tracebacks_are_kept(write, encoding):
    def log(logger):
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logger.exception("oops")

    assert "ZeroDivisionError" in "".join(write(log, encoding=encoding))


def test_repetitions_are_left_out(write):
    """The first two, then every third; other messages are not touched."""

    def log(logger):
        for number in range(10):
            logger.info("again", number=number)
        logger.info("once")
        logger.warning("again")

    lines = write(log, encoding="json", sampling={"initial": 2, "thereafter": 3})
    assert [0, 1, 4, 7] == [json.loads(line)["number"] for line in lines if "number" in line]
    assert ["once", "again"] == [json.loads(line)["event"] for line in lines[-2:]]


def test_repetitions_may_all_be_written(write):
    def log(logger):
        for _ in range(30):
            logger.info("again")

    assert 30 == len(write(log, sampling={"enabled": False}))
    assert 30 + 10 == len(write(log, sampling={"thereafter": 0}))


def test_libraries_log_into_it(write):
    def log(_):
        logging.getLogger("aiohttp.server").warning("a %s", "complaint")
        logging.getLogger("aiohttp.server").info("chatter")

    [line] = write(log, encoding="json")
    fields = json.loads(line)
    assert ("a complaint", "library/aiohttp.server", "warning") == (
        fields["event"],
        fields["component"],
        fields["level"],
    )


def test_a_log_that_cannot_be_written_any_more_harms_nobody(monkeypatch):
    """A closed pipe loses lines, and raises nothing into the component that logs."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as pipe, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", pipe)
        with configured(LogsConfig()):
            structlog.get_logger().info("nobody reads this")
        with suppress(BrokenPipeError):
            pipe.close()


def test_odd_levels_of_libraries(write):
    [line] = write(lambda _: logging.getLogger("odd").log(99, "loud"), encoding="json")
    assert "critical" == json.loads(line)["level"]


def test_several_outputs(tmp_path, capsys):
    paths = ["stderr", "stdout", str(tmp_path / "log")]
    with configured(LogsConfig(output_paths=paths)):
        structlog.get_logger().info("everywhere")
    captured = capsys.readouterr()
    assert all("everywhere" in text for text in (captured.out, captured.err, (tmp_path / "log").read_text()))


def test_a_log_that_cannot_be_written_says_so(tmp_path):
    config = LogsConfig(output_paths=[str(tmp_path / "absent" / "log")])
    with (
        pytest.raises(StartError, match=r"service.telemetry.logs.output_paths: cannot write to .*absent"),
        configured(config),
    ):
        pass


def test_the_configuration_ends_with_the_block(tmp_path):
    with configured(LogsConfig(output_paths=[str(tmp_path / "log")])):
        handlers = list(logging.getLogger().handlers)
    assert handlers != logging.getLogger().handlers
    assert not structlog.is_configured()
