import asyncio
import contextlib
import errno
import os
import stat
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.api import PartialError, PermanentError, RetryableError, StartError
from collector.data import Batch, Signal, set_attribute
from collector.data.framing import Framing
from collector.data.messages import REQUESTS, Resource
from collector.testing import FakeHost, ManualClock, make_settings
from collector.testing.decoded import items
from exporters.file import FACTORY, Config
from exporters.file.grouping import PathTemplate

START = datetime(2025, 4, 17, 10, 0, tzinfo=UTC).timestamp()


def batch_of(*names, segment=None):
    """Return spans, each in a resource of its own; instead of a name there may be a pair (segment, name)."""
    request = REQUESTS[Signal.TRACES]()
    for given_name in names:
        own_segment, name = given_name if isinstance(given_name, tuple) else (segment, given_name)
        resource = request.resource_spans.add()
        if own_segment is not None:
            set_attribute(resource.resource.attributes, "fileexporter.path_segment", own_segment)
        resource.scope_spans.add().spans.add(name=name)
    return Batch(Signal.TRACES, request.SerializeToString())


def names_in(path, framing=None):
    """Return the names of the spans in a file."""
    with path.open("rb") as file:
        return [span.name for batch in (framing or Framing()).batches(file, Signal.TRACES) for span in items(batch)]


class Running:
    """A file exporter that runs, and its clock."""

    def __init__(self, path, **options):
        self.clock = ManualClock(START)
        config = Config.model_validate({"path": str(path), **options})
        self.exporter = FACTORY.create(config, make_settings("file", clock=self.clock))

    async def __aenter__(self):
        await self.exporter.start(FakeHost())
        return self

    async def __aexit__(self, *error):
        await self.exporter.shutdown()

    async def write(self, *names, **details):
        await self.exporter.push(batch_of(*names, **details))


@pytest.mark.parametrize("encoding", ["json", "proto"])
@pytest.mark.parametrize("compression", ["", "none", "zstd"])
async def test_batches_are_in_the_file_when_they_are_acknowledged(tmp_path, encoding, compression):
    path = tmp_path / "telemetry"
    framing = Framing(encoding, compressed=compression == "zstd")
    async with Running(path, format=encoding, compression=compression) as running:
        await running.write("one", "two")
        assert ["one", "two"] == names_in(path, framing)
        await running.write("three")
        assert ["one", "two", "three"] == names_in(path, framing)


async def test_all_signals_share_a_file(
    tmp_path,
):
    path = tmp_path / "telemetry.jsonl"
    async with Running(path) as running:
        for signal in Signal:
            request = REQUESTS[signal]()
            getattr(request, next(iter(request.DESCRIPTOR.fields_by_name))).add()
            await running.exporter.push(Batch(signal, request.SerializeToString()))
    with path.open("rb") as file:
        assert list(Signal) == [batch.signal for batch in Framing().batches(file)]


@pytest.mark.parametrize(("append", "expected"), [(False, ["new"]), (True, ["old", "new"])])
async def test_a_file_is_replaced_unless_it_is_to_be_added_to(tmp_path, append, expected):
    path = tmp_path / "telemetry.jsonl"
    async with Running(path) as running:
        await running.write("old")
    async with Running(path, append=append) as running:
        await running.write("new")
    assert expected == names_in(path)


async def test_only_the_owner_may_read_the_file(tmp_path):
    async with Running(tmp_path / "telemetry"):
        assert 0o600 == stat.S_IMODE((tmp_path / "telemetry").stat().st_mode)


async def test_what_a_crash_cut_off_is_moved_aside_before_more_is_added(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    path.write_bytes(Framing().record(Signal.TRACES, batch_of("old").payload) + b'{"resourceSpans":[{"scop')
    with capture_logs() as logs:
        async with Running(path, append=True) as running:
            await running.write("new")
    backup = tmp_path / "telemetry-2025-04-17T10-00-00.000.jsonl"
    assert (["new"], ["old"]) == (names_in(path), names_in(backup))
    assert ["the file ends with a part of a record and was moved aside"] == [log["event"] for log in logs]


async def test_concurrent_batches_do_not_mix(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    async with Running(path) as running, asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(running.write(str(number)))
    assert sorted(map(str, range(50))) == sorted(names_in(path))


async def test_writing_happens_off_the_event_loop(tmp_path, monkeypatch):
    threads = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda *args: threads.append(threading.current_thread()) or write(*args))
    async with Running(tmp_path / "telemetry") as running:
        await running.write("one")
    assert 1 == len(threads)
    assert threading.main_thread() not in threads


# --- rotation ------------------------------------------------------------------------------------------------------


def big(name):
    """Return a span name such that one batch of it is more than a third of a MiB."""
    return name * 400_000


async def test_a_file_that_is_large_enough_is_moved_aside(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    async with Running(path, rotation={"max_megabytes": 1}) as running:
        for letter in "abcde":
            await running.clock.advance(1.5)
            await running.write(big(letter))
    first, second = (
        tmp_path / "telemetry-2025-04-17T10-00-04.500.jsonl",
        tmp_path / "telemetry-2025-04-17T10-00-07.500.jsonl",
    )
    assert sorted([path, first, second]) == sorted(tmp_path.iterdir())
    assert [big("a"), big("b")] == names_in(first)
    assert [big("c"), big("d")] == names_in(second)
    assert [big("e")] == names_in(path)


async def test_a_rotated_file_is_added_to_after_a_restart(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    for name in ("one", "two"):
        async with Running(path, rotation=None) as running:
            await running.write(name)
    assert ["one", "two"] == names_in(path)


async def test_two_rotations_within_a_millisecond_keep_both_files(tmp_path):
    async with Running(tmp_path / "telemetry", rotation={"max_megabytes": 1}) as running:
        for letter in "abc":
            await running.write(big(letter) * 3)
    assert {"telemetry", "telemetry-2025-04-17T10-00-00.000", "telemetry-2025-04-17T10-00-00.001"} == {
        path.name for path in tmp_path.iterdir()
    }


async def test_a_record_larger_than_the_limit_has_a_file_of_its_own(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    async with Running(path, rotation={"max_megabytes": 1}) as running:
        await running.write(big("x") * 4)
        await running.write("small")
    assert ["small"] == names_in(path)


async def test_old_files_that_are_too_many_are_deleted(tmp_path):
    other = tmp_path / "telemetry-notes.jsonl"
    other.touch()
    path = tmp_path / "telemetry.jsonl"
    async with Running(path, rotation={"max_megabytes": 1, "max_backups": 2}) as running:
        for letter in "abcde":
            await running.write(big(letter) * 3)
            await running.clock.advance(1)
    backups = sorted(set(tmp_path.iterdir()) - {path, other})
    assert [[big("c") * 3], [big("d") * 3]] == [names_in(backup) for backup in backups]
    assert other.exists()


@pytest.mark.parametrize(("days", "kept"), [(2, 1), (0, 2)])
async def test_old_files_that_are_too_old_are_deleted(tmp_path, days, kept):
    for name in ("telemetry-2025-04-15T09-59-59.999", "telemetry-2025-04-15T10-00-00.000"):
        (tmp_path / name).touch()
    async with Running(tmp_path / "telemetry", rotation={"max_days": days}):
        assert kept + 1 == len(list(tmp_path.iterdir()))
        assert (tmp_path / "telemetry-2025-04-15T10-00-00.000").exists()


async def test_an_old_file_that_cannot_be_deleted_is_told_and_left(tmp_path):
    (tmp_path / "telemetry-2020-01-01T00-00-00.000").mkdir()
    with capture_logs() as logs:
        async with Running(tmp_path / "telemetry", rotation={"max_days": 1}):
            pass
    assert ["an old file cannot be deleted"] == [log["event"] for log in logs]


async def test_old_files_are_named_by_local_time_where_asked(tmp_path, kolkata):
    async with Running(tmp_path / "telemetry", rotation={"max_megabytes": 1, "localtime": True}) as running:
        for letter in "ab":
            await running.write(big(letter) * 3)
    assert (tmp_path / "telemetry-2025-04-17T15-30-00.000").exists()


@pytest.fixture
def kolkata(monkeypatch):
    """Be in another time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


# --- failures ------------------------------------------------------------------------------------------------------


async def test_a_full_disk_refuses_the_batch_for_now():
    async with Running("/dev/full") as running:
        with pytest.raises(RetryableError, match="cannot write to /dev/full: No space left on device") as caught:
            await running.write("one")
    assert "disk_full" == caught.value.reason


async def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "telemetry.jsonl"
    write = os.write

    def half(file, data):
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: len(data) // 2])

    async with Running(path) as running:
        await running.write("one")
        before = path.read_bytes()
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(RetryableError, match=r"telemetry\.jsonl: No space left"):
            await running.write("two")
        assert before == path.read_bytes()
        monkeypatch.undo()
        await running.write("two")
    assert ["one", "two"] == names_in(path)


@pytest.mark.parametrize("step", ["os.rename", "os.open"])
async def test_a_rotation_that_fails_is_tried_again(tmp_path, monkeypatch, step):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "denied", "telemetry")

    path = tmp_path / "telemetry"
    async with Running(path, rotation={"max_megabytes": 1}) as running:
        await running.write(big("a") * 3)
        with monkeypatch.context() as patch:
            patch.setattr(step, refuse)
            with pytest.raises(RetryableError, match="cannot write to telemetry: denied") as caught:
                await running.write("b")
        assert "write_failed" == caught.value.reason
        await running.write("b")
    assert ["b"] == names_in(path)
    assert 2 == len(list(tmp_path.iterdir()))


async def test_a_malformed_batch_is_refused_for_good(tmp_path):
    async with Running(tmp_path / "telemetry") as running:
        with pytest.raises(PermanentError, match="not an OTLP export request"):
            await running.exporter.push(Batch(Signal.TRACES, b"\x0a\xff"))


async def test_a_file_that_cannot_be_opened_stops_the_start(tmp_path):
    with pytest.raises(StartError, match=r"\(Is a directory\): name a writable file"):
        await Running(tmp_path).exporter.start(FakeHost())
    with pytest.raises(
        StartError, match=r"\(No such file or directory\): create the directory, or set create_directory"
    ):
        await Running(tmp_path / "missing" / "telemetry").exporter.start(FakeHost())


async def test_missing_directories_are_created_where_asked(tmp_path):
    path = tmp_path / "a" / "b" / "telemetry"
    async with Running(path, create_directory=True, directory_permissions="0700") as running:
        await running.write("one")
    assert ["one"] == names_in(path)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


async def test_what_is_under_way_at_the_end_is_written_and_no_more_is_taken(tmp_path):
    path = tmp_path / "telemetry.jsonl"
    running = Running(path)
    await running.exporter.shutdown()
    with pytest.raises(RetryableError, match="does not run"):
        await running.write("early")
    await running.exporter.start(FakeHost())
    async with asyncio.TaskGroup() as tasks:
        pushes = [tasks.create_task(running.write(str(number))) for number in range(5)]
        await asyncio.sleep(0)
        await running.exporter.shutdown()
    await running.exporter.shutdown()
    assert all(push.done() for push in pushes)
    assert list("01234") == names_in(path)
    with pytest.raises(RetryableError, match="does not run"):
        await running.write("late")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("file")]


# --- groups --------------------------------------------------------------------------------------------------------


async def test_resources_go_to_the_files_that_they_name(tmp_path):
    async with Running(tmp_path / "logs-*.jsonl", group_by={"enabled": True}) as running:
        await running.write(("red", "1"), ("blue", "2"), ("red", "3"))
        await running.write("4", segment="deep/blue")
    assert ["1", "3"] == names_in(tmp_path / "logs-red.jsonl")
    assert ["2"] == names_in(tmp_path / "logs-blue.jsonl")
    assert ["4"] == names_in(tmp_path / "logs-deep" / "blue.jsonl")


async def test_of_many_files_few_are_open_and_none_is_replaced(tmp_path):
    group_by = {"enabled": True, "max_open_files": 2}
    async with Running(tmp_path / "*.jsonl", group_by=group_by) as running:
        for visit in "12":
            for segment in "abc":
                await running.write(f"{segment}{visit}", segment=segment)
                assert 2 >= len(open_below(tmp_path))
    assert not open_below(tmp_path)
    for segment in "abc":
        assert [f"{segment}1", f"{segment}2"] == names_in(tmp_path / f"{segment}.jsonl")


async def test_the_file_that_was_not_used_for_longest_is_closed_for_another(tmp_path):
    async with Running(tmp_path / "*", group_by={"enabled": True, "max_open_files": 2}) as running:
        for segment in "abac":
            await running.write("span", segment=segment)
        assert {"a", "c"} == open_below(tmp_path)


def open_below(directory):
    """Return the names of the files below a directory that this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            target = descriptor.readlink()
            found |= {target.name} if target.is_relative_to(directory) else set()
    return found


async def test_a_group_that_cannot_be_written_for_now_refuses_the_batch_for_now(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    async with Running(tmp_path / "*", group_by={"enabled": True}) as running:
        with monkeypatch.context() as patch:
            patch.setattr("os.open", refuse)
            with pytest.raises(RetryableError, match="Too many open files"):
                await running.write("span", segment="a")
        await running.write("span", segment="a")
    assert ["span"] == names_in(tmp_path / "a")


async def test_what_names_no_file_is_refused_and_the_rest_is_written(tmp_path):
    (tmp_path / "taken.jsonl").mkdir()
    async with Running(tmp_path / "*.jsonl", group_by={"enabled": True}) as running:
        with pytest.raises(PartialError, match=r"fileexporter\.path_segment is missing or names no file") as caught:
            await running.write((None, "1"), ("a", "2"), (7, "3"), ("x" * 300, "4"), ("taken", "5"), ("a.jsonl/b", "6"))
    assert (5, "no_path") == (caught.value.rejected, caught.value.reason)
    assert ["2"] == names_in(tmp_path / "a.jsonl")


@given(st.text() | st.lists(st.sampled_from(["..", ".", "a", "", "\x00", "~"])).map("/".join))
def test_no_value_leads_out_of_the_directory(value):
    resource = Resource()
    set_attribute(resource.attributes, "file", value)
    for template in ("/data/*.json", "/data/x-*", "/data/*/x.json"):
        path = PathTemplate(template, "file").path_of(resource.SerializeToString())
        if path is not None:
            assert path.is_relative_to("/data")
            assert ".." not in path.parts
            assert "\x00" not in str(path)


# --- configuration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "path must be non-empty"),
        ({"format": "text"}, "format type is not supported"),
        ({"compression": "gzip"}, "compression is not supported"),
        ({"append": True, "compression": "zstd"}, "append and compression enabled at the same time is not supported"),
        ({"append": True, "rotation": None}, "append and rotation enabled at the same time is not supported"),
        ({"flush_interval": "-1s"}, "flush_interval must be larger than zero"),
        ({"encoding": "otlp_encoding"}, "encoding extensions are not supported: remove `encoding`"),
        ({"group_by": {"enabled": True}}, r"path must contain exactly one \* when group_by is enabled"),
        ({"path": "*", "group_by": {"enabled": True}}, r"path must not start with \* when group_by is enabled"),
        (
            {"path": "a*", "group_by": {"enabled": True, "resource_attribute": ""}},
            "resource_attribute must not be empty when group_by is enabled",
        ),
        ({"create_directory": True, "directory_permissions": "abc"}, "must be a valid octal representation"),
        ({"create_directory": True, "directory_permissions": "7777"}, "contain invalid bits for file access"),
        ({"directory_permissions": "0755"}, "directory_permissions requires create_directory to be true"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options if options == {} else {"path": "telemetry"} | options)


def test_the_defaults_are_those_of_the_go_collector():
    config = Config(path="telemetry")
    assert ("json", "", False, 1.0, None) == (
        config.format,
        config.compression,
        config.append,
        config.flush_interval,
        config.rotation,
    )
    rotation = Config.model_validate({"path": "telemetry", "rotation": None}).rotation
    assert (100, 0, 100, False) == (
        rotation.max_megabytes,
        rotation.max_days,
        rotation.max_backups,
        rotation.localtime,
    )
