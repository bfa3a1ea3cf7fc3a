import pytest
import structlog

from collector.api import StartError
from collector.data import Batch, Signal, get_attribute
from collector.data.messages import Span
from collector.testing import ManualClock, RecordingTelemetry, items_of, make_batch, make_settings, sample_batch
from processors.python import Config, PythonProcessor

ERRORS = "otelcol_processor_python_errors"
DROPPED = "otelcol_processor_python_dropped"
TRACES = frozenset({Signal.TRACES})


@pytest.fixture
def write(tmp_path):
    """Return a function from user code to the processor that runs it."""

    def build(code, *, telemetry=None, clock=None, signals=TRACES, **options):
        (tmp_path / "mine.py").write_text(code)
        settings = make_settings("python/mine", telemetry=telemetry, clock=clock, signals=signals, directory=tmp_path)
        return PythonProcessor(Config.model_validate({"file": "./mine.py", **options}), settings)

    return build


def names(batch):
    return [span.name for span in items_of(batch)]


def spans(*names):
    return make_batch(Signal.TRACES, [Span(name=name) for name in names], {"service.name": "shop"})


def test_the_function_changes_records(write):
    process = write(
        "def span(span):\n    span.name = span.name.upper()\n    span['by'] = span.resource['service.name']\n    return span"
    )
    out = items_of(process(spans("a", "b")))
    assert [("A", "shop"), ("B", "shop")] == [(span.name, get_attribute(span.attributes, "by")) for span in out]


def test_none_drops_a_record_and_is_counted(write):
    telemetry = RecordingTelemetry()
    process = write("def span(span):\n    return None if span.name == 'b' else span", telemetry=telemetry)
    assert ["a", "c"] == names(process(spans("a", "b", "c")))
    assert {(("reason", "function"),): 1} == telemetry[DROPPED].values


def test_a_batch_that_loses_everything_goes_no_further(write):
    assert None is write("def span(span): pass")(spans("a", "b"))


@pytest.mark.parametrize("signal", Signal)
def test_unchanged_records_leave_as_they_came(write, signal):
    process = write("def process(record): return record", signals=frozenset(Signal))
    batch = sample_batch(signal)
    assert batch.payload == process(batch).payload


def test_only_changed_records_are_encoded_again(write):
    """The unchanged one has its fields in an order that no encoder writes."""
    odd = b"\x2a\x01a\x12\x08" + b"\1" * 8
    opened = spans("a", "b").open()
    opened.resources[0].scopes[0].replace(0, odd)
    process = write("def span(span):\n    if span.name == 'b': span.name = 'B'\n    return span")
    out = process(Batch(Signal.TRACES, opened.encode())).open()
    assert odd == out.resources[0].scopes[0].raw(0)
    assert "B" == out.resources[0].scopes[0].message(1).name


def test_each_kind_of_record_has_its_function(write):
    code = """
def span(record): record["by"] = "span"; return record
def log_record(record): record["by"] = "log_record"; return record
def process(record): record.unit = "process"; return record
"""
    process = write(code, signals=frozenset(Signal))
    by = {signal: items_of(process(sample_batch(signal, 1)))[0] for signal in Signal}
    assert "span" == get_attribute(by[Signal.TRACES].attributes, "by")
    assert "log_record" == get_attribute(by[Signal.LOGS].attributes, "by")
    assert "process" == by[Signal.METRICS].unit


def test_the_function_can_have_another_name(write):
    process = write("def span(span): 1/0\ndef rename(span): span.name = 'x'; return span", function="rename")
    assert ["x"] == names(process(spans("a")))


def test_options_are_handed_on(write):
    code = "def span(span, options): span.name = options['prefix'] + span.name; return span"
    assert ["my a"] == names(write(code, options={"prefix": "my "})(spans("a")))


def test_an_error_keeps_the_record_as_it_was(write):
    """Also what the function had changed before it failed is undone; the other records go on."""
    telemetry = RecordingTelemetry()
    process = write(
        "def span(span):\n    span['x'] = 1\n    return span if span.name != 'b' else span['none']", telemetry=telemetry
    )
    first, second, third = items_of(process(spans("a", "b", "c")))
    assert [1, None, 1] == [get_attribute(span.attributes, "x") for span in (first, second, third)]
    assert {(("error_type", "KeyError"),): 1} == telemetry[ERRORS].values


def test_an_error_can_drop_the_record(write):
    telemetry = RecordingTelemetry()
    process = write(
        "def span(span):\n    assert span.name != 'b'\n    return span", telemetry=telemetry, on_error="drop"
    )
    assert ["a", "c"] == names(process(spans("a", "b", "c")))
    assert {(("reason", "error"),): 1} == telemetry[DROPPED].values
    assert {(("error_type", "AssertionError"),): 1} == telemetry[ERRORS].values


@pytest.mark.parametrize(
    "code", ["return True", "return [span]", "raise SystemExit", "return recurse(span)", "return ''"]
)
def test_whatever_the_function_does_the_batch_goes_on(write, code):
    process = write(f"def recurse(span): return recurse(span)\ndef span(span):\n    span.name = 'x'\n    {code}")
    assert ["a", "b"] == names(process(spans("a", "b")))


async def test_errors_are_logged_now_and_then_with_their_place(write, tmp_path):
    clock = ManualClock()
    with structlog.testing.capture_logs() as logs:
        process = write(
            "def helper(span):\n    return span.nmae\n\ndef span(span):\n    return helper(span)", clock=clock
        )
        process(spans("a", "b", "c"))
        await clock.advance(60)
        process(spans("a"))
    assert [f"{tmp_path / 'mine.py'}:2"] * 2 == [entry["at"] for entry in logs]
    assert [0, 2] == [entry.get("left_out", 0) for entry in logs]
    assert "AttributeError: 'SpanRecord' object has no attribute 'nmae'" in logs[0]["error"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def span(span)\n    return span", r"mine\.py:1: expected ':'"),
        ("import os\n\nos.nothing", r"mine\.py:3: running the file fails with AttributeError"),
        ("\nraise SystemExit(1)", r"mine\.py:2: running the file fails with SystemExit"),
        ("x = 1", r"mine\.py: traces need a function in it: add def span or def process"),
        ("span = 1", r"mine\.py: traces need a function"),
        ("\nasync def span(span): return span", r"mine\.py:2: .* must be a plain function"),
        ("def span(span): yield span", r"mine\.py:1: .* must be a plain function"),
        ("def span(): pass", r"mine\.py:1: the function must take the record"),
        ("def span(a, b, c): pass", r"mine\.py:1: the function must take the record"),
        ("x = '\0'", r"mine\.py:1: .*null"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(write, code, message):
    with pytest.raises(StartError, match=message):
        write(code)


def test_a_missing_file_is_named_with_the_directory_it_was_looked_for_in(tmp_path):
    settings = make_settings("python", directory=tmp_path)
    with pytest.raises(StartError, match=rf"{tmp_path}/none\.py: the file cannot be read: No such file"):
        PythonProcessor(Config(file="./none.py"), settings)


def test_a_function_name_that_is_not_there_is_refused(write):
    with pytest.raises(StartError, match="add def mine"):
        write("def process(record): return record", function="mine")


def test_the_file_may_define_dataclasses(write):
    """They look their module up by its name."""
    code = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass X:\n    y: int = 1\ndef span(span): span['y'] = X().y; return span"
    assert 1 == get_attribute(items_of(write(code)(spans("a")))[0].attributes, "y")


def test_two_processors_of_one_file_share_nothing(write):
    code = "seen = []\ndef span(span): seen.append(1); span['seen'] = len(seen); return span"
    first, second = write(code), write(code)
    first(spans("a", "b"))
    assert 1 == get_attribute(items_of(second(spans("a")))[0].attributes, "seen")


def test_an_edit_after_another_processors_edit_shows(write):
    """The batch comes open: what was changed before has no bytes yet."""
    process = write("def span(span):\n    span['x'] = 1\n    return span if span.name != 'b' else 1/0")
    opened = spans("a", "old").open()
    opened.resources[0].scopes[0].message(1).name = "b"
    opened.resources[0].scopes[0].touch(1)
    first, second = items_of(process(Batch.of_opened(opened)))
    assert [("a", 1), ("b", None)] == [(span.name, get_attribute(span.attributes, "x")) for span in (first, second)]
