import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.api import PermanentError, RetryableError, StartError
from collector.data import Batch, Signal, set_attribute, set_value
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, ManualClock, make_settings
from collector.testing.decoded import items_of, resources_of, scopes_of
from collector.testing.strategies import requests
from exporters.debug import FACTORY, Config, detailed, normal

NOON = 1_744_884_000_000_000_000  # 2025-04-17 10:00:00 UTC


def request_of(signal, *items):
    """Return a request with one resource and scope."""
    request = REQUESTS[signal]()
    resource = resources_of(signal, request).add(schema_url="https://schemas/1")
    set_attribute(resource.resource.attributes, "service.name", "checkout")
    scope = scopes_of(signal, resource).add()
    scope.scope.name, scope.scope.version = "library", "1.2"
    for fields in items:
        items_of(signal, scope).add(**fields)
    return request


def attributes(**values):
    """Return a span's attributes from Python values."""
    span = REQUESTS[Signal.TRACES]().resource_spans.add().scope_spans.add().spans.add()
    for key, value in values.items():
        set_attribute(span.attributes, key, value)
    return list(span.attributes)


def batch_of(request, signal=Signal.TRACES):
    return Batch(signal, request.SerializeToString())


SPAN = {
    "name": "GET /",
    "trace_id": b"\x01" * 16,
    "span_id": b"\x02" * 8,
    "kind": 2,
    "start_time_unix_nano": NOON,
    "end_time_unix_nano": NOON + 1_500_000,
}


def exporter(clock=None, **options):
    settings = make_settings("debug", clock=clock or ManualClock())
    return FACTORY.create(Config.model_validate(options), settings)


async def logged(batch, **options):
    """Return the events that a batch leaves in the collector's log."""
    debug = exporter(**options)
    await debug.start(FakeHost())
    with capture_logs() as events:
        await debug.push(batch)
    await debug.shutdown()
    return [{key: value for key, value in event.items() if key not in ("component", "log_level")} for event in events]


async def test_basic_is_one_line_for_each_batch():
    request = request_of(Signal.TRACES, SPAN, SPAN)
    assert [{"event": "Traces", "resource spans": 1, "spans": 2}] == await logged(batch_of(request))
    request = request_of(Signal.LOGS, {})
    assert [{"event": "Logs", "resource logs": 1, "log records": 1}] == await logged(batch_of(request, Signal.LOGS))
    request = request_of(Signal.METRICS, {"gauge": {"data_points": [{}, {}]}})
    assert [{"event": "Metrics", "resource metrics": 1, "metrics": 1, "data points": 2}] == await logged(
        batch_of(request, Signal.METRICS)
    )


async def test_contents_follow_the_summary_where_the_verbosity_asks_for_them():
    request = request_of(Signal.TRACES, SPAN)
    for verbosity, module in (("normal", normal), ("Detailed", detailed)):
        summary, contents = await logged(batch_of(request), verbosity=verbosity)
        assert "Traces" == summary["event"]
        assert module.render(Signal.TRACES, request) == contents["event"]


def test_normal_is_one_line_for_each_span():
    request = request_of(Signal.TRACES, SPAN | {"attributes": attributes(method="GET", retry=True, share=0.5, size=12)})
    assert normal.render(Signal.TRACES, request).splitlines() == [
        "ResourceTraces #0 [https://schemas/1] service.name=checkout",
        "ScopeTraces #0 library@1.2",
        f"GET / {'01' * 16} {'02' * 8} method=GET retry=true share=0.5 size=12",
    ]


def test_normal_is_one_line_for_each_log_record():
    request = request_of(Signal.LOGS, {"attributes": attributes(nested={"b": [1, None], "a": b"\xff"})})
    set_value(request.resource_logs[0].scope_logs[0].log_records[0].body, "two\nlines")
    assert normal.render(Signal.LOGS, request).splitlines() == [
        "ResourceLog #0 [https://schemas/1] service.name=checkout",
        "ScopeLog #0 library@1.2",
        'two\\nlines nested={"a":"/w==","b":[1,null]}',
    ]


def test_normal_is_one_line_for_each_data_point():
    point = {"count": 3, "sum": 1.5, "attributes": attributes(method="GET", code=200)}
    buckets = {"offset": 1, "bucket_counts": [4, 5]}
    request = request_of(
        Signal.METRICS,
        {"name": "empty"},
        {"name": "level", "gauge": {"data_points": [{"as_int": 7}, {"as_double": 2.0}, {}]}},
        {
            "name": "total",
            "sum": {"data_points": [{"as_double": 0.25, "attributes": attributes(cpu="0", state="user")}]},
        },
        {
            "name": "time",
            "histogram": {"data_points": [point | {"explicit_bounds": [0.5, 2], "bucket_counts": [1, 2, 3]}]},
        },
        {
            "name": "size",
            "exponential_histogram": {
                "data_points": [{"count": 9, "min": 0, "scale": 0, "positive": buckets, "zero_count": 2}]
            },
        },
        {"name": "old", "summary": {"data_points": [point | {"quantile_values": [{"quantile": 0.5, "value": 15}]}]}},
    )
    assert normal.render(Signal.METRICS, request).splitlines()[2:] == [
        "level{} 7",
        "level{} 2",
        "level{} ",
        "total{cpu=0,state=user} 0.25",
        "time{method=GET,code=200} count=3 sum=1.5 le0.5=1 le2=2 3",
        "size{} count=9 min=0 le2=4 le4=5 zero_count0=2",
        "old{method=GET,code=200} count=3 sum=1.500000 q0.5=15",
    ]


def test_detailed_shows_all_of_a_span():
    request = request_of(
        Signal.TRACES,
        SPAN
        | {
            "parent_span_id": b"\x03" * 8,
            "trace_state": "ot=th:8",
            "status": {"code": 2, "message": "late"},
            "attributes": attributes(method="GET"),
            "dropped_attributes_count": 1,
            "events": [{"name": "retry", "time_unix_nano": NOON + 1, "attributes": attributes(number=2)}],
            "dropped_events_count": 2,
            "links": [{"trace_id": b"\x04" * 16, "span_id": b"\x05" * 8, "attributes": attributes(why="batch")}],
            "dropped_links_count": 3,
        },
        {},
    )
    assert detailed.render(Signal.TRACES, request).splitlines() == [
        "ResourceSpans #0",
        "Resource SchemaURL: https://schemas/1",
        "Resource attributes:",
        "     -> service.name: Str(checkout)",
        "ScopeSpans #0",
        "ScopeSpans SchemaURL: ",
        "InstrumentationScope library 1.2",
        "Span #0",
        f"    Trace ID       : {'01' * 16}",
        f"    Parent ID      : {'03' * 8}",
        f"    ID             : {'02' * 8}",
        "    Name           : GET /",
        "    Kind           : Server",
        "    TraceState     : ot=th:8",
        "    Start time     : 2025-04-17 10:00:00 +0000 UTC",
        "    End time       : 2025-04-17 10:00:00.0015 +0000 UTC",
        "    Status code    : Error",
        "    Status message : late",
        "    DroppedAttributesCount: 1",
        "Attributes:",
        "     -> method: Str(GET)",
        "Events:",
        "SpanEvent #0",
        "     -> Name: retry",
        "     -> Timestamp: 2025-04-17 10:00:00.000000001 +0000 UTC",
        "     -> DroppedAttributesCount: 0",
        "     -> Attributes:",
        "          -> number: Int(2)",
        "    DroppedEventsCount: 2",
        "Links:",
        "SpanLink #0",
        f"     -> Trace ID: {'04' * 16}",
        f"     -> ID: {'05' * 8}",
        "     -> TraceState: ",
        "     -> DroppedAttributesCount: 0",
        "     -> Attributes:",
        "          -> why: Str(batch)",
        "    DroppedLinksCount: 3",
        "Span #1",
        "    Trace ID       : ",
        "    Parent ID      : ",
        "    ID             : ",
        "    Name           : ",
        "    Kind           : Unspecified",
        "    Start time     : 1970-01-01 00:00:00 +0000 UTC",
        "    End time       : 1970-01-01 00:00:00 +0000 UTC",
        "    Status code    : Unset",
        "    Status message : ",
    ]


def test_detailed_shows_all_of_a_log_record_and_the_entities_of_its_resource():
    record = {
        "time_unix_nano": NOON,
        "severity_number": 10,
        "severity_text": "INFO",
        "event_name": "paid",
        "trace_id": b"\x01" * 16,
        "flags": 1,
        "attributes": attributes(ratio=0.5, data=b"\xff", list=[1, "two"]),
    }
    request = request_of(Signal.LOGS, record)
    request.resource_logs[0].resource.entity_refs.add(
        type="service", schema_url="https://entity/1", id_keys=["service.name"], description_keys=["service.version"]
    )
    assert detailed.render(Signal.LOGS, request).splitlines()[4:] == [
        "Resource entity refs:",
        "     -> Entity ref #0:",
        "          -> Type: service",
        "          -> Schema URL: https://entity/1",
        "          -> ID keys:",
        "               -> service.name",
        "          -> Description keys:",
        "               -> service.version",
        "ScopeLogs #0",
        "ScopeLogs SchemaURL: ",
        "InstrumentationScope library 1.2",
        "LogRecord #0",
        "ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC",
        "Timestamp: 2025-04-17 10:00:00 +0000 UTC",
        "SeverityText: INFO",
        "SeverityNumber: Info2(10)",
        "EventName: paid",
        "Body: Empty()",
        "Attributes:",
        "     -> ratio: Double(0.5)",
        "     -> data: Bytes(/w==)",
        '     -> list: Slice([1,"two"])',
        f"Trace ID: {'01' * 16}",
        "Span ID: ",
        "Flags: 1",
    ]


def test_detailed_shows_all_of_a_metric():
    exemplar = {
        "trace_id": b"\x01" * 16,
        "time_unix_nano": NOON,
        "as_int": 5,
        "filtered_attributes": attributes(user="a"),
    }
    point = {"time_unix_nano": NOON, "count": 3, "sum": 1.5}
    request = request_of(
        Signal.METRICS,
        {
            "name": "total",
            "unit": "1",
            "description": "requests",
            "metadata": attributes(source="test"),
            "sum": {
                "is_monotonic": True,
                "aggregation_temporality": 2,
                "data_points": [{"as_double": 0.5, "attributes": attributes(code=200), "exemplars": [exemplar]}],
            },
        },
        {"histogram": {"data_points": [point | {"max": 1, "explicit_bounds": [0.5], "bucket_counts": [1, 2]}]}},
        {
            "exponential_histogram": {
                "aggregation_temporality": 1,
                "data_points": [
                    {
                        "count": 5,
                        "zero_count": 1,
                        "negative": {"bucket_counts": [1, 2]},
                        "positive": {"offset": 1, "bucket_counts": [3]},
                    }
                ],
            }
        },
        {"summary": {"data_points": [{"count": 3, "quantile_values": [{"quantile": 0.5, "value": 15}]}]}},
        {"name": "nothing"},
    )
    text = detailed.render(Signal.METRICS, request)
    assert text.partition("Metric #0\n")[2].splitlines() == [
        "Descriptor:",
        "     -> Name: total",
        "     -> Description: requests",
        "     -> Unit: 1",
        "     -> DataType: Sum",
        "     -> Metadata:",
        "          -> source: Str(test)",
        "     -> IsMonotonic: true",
        "     -> AggregationTemporality: Cumulative",
        "NumberDataPoints #0",
        "Data point attributes:",
        "     -> code: Int(200)",
        "StartTimestamp: 1970-01-01 00:00:00 +0000 UTC",
        "Timestamp: 1970-01-01 00:00:00 +0000 UTC",
        "Value: 0.500000",
        "Exemplars:",
        "Exemplar #0",
        f"     -> Trace ID: {'01' * 16}",
        "     -> Span ID: ",
        "     -> Timestamp: 2025-04-17 10:00:00 +0000 UTC",
        "     -> Value: 5",
        "     -> FilteredAttributes:",
        "          -> user: Str(a)",
        *metric_lines(1, "Histogram"),
        "     -> AggregationTemporality: Unspecified",
        *point_lines("HistogramDataPoints", "2025-04-17 10:00:00"),
        "Count: 3",
        "Sum: 1.500000",
        "Max: 1.000000",
        "ExplicitBounds #0: 0.500000",
        "Buckets #0, Count: 1",
        "Buckets #1, Count: 2",
        *metric_lines(2, "ExponentialHistogram"),
        "     -> AggregationTemporality: Delta",
        *point_lines("ExponentialHistogramDataPoints"),
        "Count: 5",
        "Bucket [-4.000000, -2.000000), Count: 2",
        "Bucket [-2.000000, -1.000000), Count: 1",
        "Bucket [0, 0], Count: 1",
        "Bucket (2.000000, 4.000000], Count: 3",
        *metric_lines(3, "Summary"),
        *point_lines("SummaryDataPoints"),
        "Count: 3",
        "Sum: 0.000000",
        "QuantileValue #0: Quantile 0.500000, Value 15.000000",
        *metric_lines(4, "Empty", "nothing"),
    ]


def metric_lines(index, kind, name=""):
    return [
        f"Metric #{index}",
        "Descriptor:",
        f"     -> Name: {name}",
        "     -> Description: ",
        "     -> Unit: ",
        f"     -> DataType: {kind}",
    ]


def point_lines(title, time="1970-01-01 00:00:00"):
    return [f"{title} #0", "StartTimestamp: 1970-01-01 00:00:00 +0000 UTC", f"Timestamp: {time} +0000 UTC"]


def test_what_comes_from_outside_cannot_steer_a_terminal_or_forge_a_line():
    hostile = "\x1b[31mred\r\nSpan #7\x07\x9b\u202e\u2028end"
    request = request_of(Signal.TRACES, SPAN | {"name": hostile, "attributes": attributes(**{hostile: hostile})})
    shown = r"\x1b[31mred\r\nSpan #7\x07\x9b\u202e\u2028end"
    for module in (normal, detailed):
        text = module.render(Signal.TRACES, request)
        assert 3 == text.count(shown)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", text)
    assert 3 == len(normal.render(Signal.TRACES, request).splitlines())


@given(st.sampled_from(Signal).flatmap(lambda signal: st.tuples(st.just(signal), requests(signal))))
def test_any_request_can_be_shown(case):
    signal, payload = case
    request = REQUESTS[signal].FromString(payload)
    for module in (normal, detailed):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", module.render(signal, request))


@pytest.mark.parametrize(
    ("initial", "thereafter", "expected"),
    [(2, 1, [1, 2, 3, 4, 5, 6]), (2, 2, [1, 2, 4, 6]), (2, 3, [1, 2, 5]), (1, 0, [1]), (0, 4, [4])],
)
async def test_of_the_batches_in_a_second_some_are_written(initial, thereafter, expected):
    clock = ManualClock()
    debug = exporter(clock, sampling_initial=initial, sampling_thereafter=thereafter)
    for _ in range(2):
        with capture_logs() as events:
            for number in range(1, 7):
                await debug.push(batch_of(request_of(Signal.TRACES, *[SPAN] * number)))
        assert expected == [event["spans"] for event in events]
        await clock.advance(1)


async def test_signals_are_sampled_apart():
    debug = exporter(sampling_initial=1, sampling_thereafter=0)
    with capture_logs() as events:
        for signal in Signal:
            await debug.push(batch_of(request_of(signal), signal))
    assert ["Traces", "Metrics", "Logs"] == [event["event"] for event in events]


async def test_without_the_internal_logger_it_writes_to_the_outputs(tmp_path, capsys):
    path = tmp_path / "debug.txt"
    debug = exporter(use_internal_logger=False, output_paths=["stdout", str(path)], verbosity="normal")
    await debug.start(FakeHost())
    request = request_of(Signal.TRACES, SPAN)
    await debug.push(batch_of(request))
    expected = f'Traces\t{{"resource spans": 1, "spans": 1}}\n{normal.render(Signal.TRACES, request)}'
    assert (expected, expected) == (capsys.readouterr().out, path.read_text())
    await debug.shutdown()
    await debug.shutdown()


async def test_stdout_is_the_output_where_none_is_named(capsys):
    debug = exporter(use_internal_logger=False)
    await debug.start(FakeHost())
    await debug.push(batch_of(request_of(Signal.TRACES, SPAN)))
    assert 'Traces\t{"resource spans": 1, "spans": 1}\n' == capsys.readouterr().out


async def test_an_output_that_cannot_be_opened_stops_the_start(tmp_path, monkeypatch):
    opened = []
    file_io = io.FileIO
    monkeypatch.setattr("exporters.debug.FileIO", lambda *args: opened.append(file_io(*args)) or opened[-1])
    debug = exporter(use_internal_logger=False, output_paths=[str(tmp_path / "first"), str(tmp_path)])
    with pytest.raises(StartError, match=r"output_paths: cannot write to .* \(Is a directory\): name a writable file"):
        await debug.start(FakeHost())
    assert [True] == [file.closed for file in opened]
    await debug.shutdown()


async def test_a_failed_write_may_be_tried_again():
    debug = exporter(use_internal_logger=False, output_paths=["/dev/full"])
    await debug.start(FakeHost())
    with pytest.raises(RetryableError, match=r"cannot write to /dev/full: .*No space left"):
        await debug.push(batch_of(request_of(Signal.TRACES, SPAN)))
    await debug.shutdown()


async def test_a_malformed_batch_is_refused_for_good():
    with pytest.raises(PermanentError, match="not an OTLP export request"):
        await exporter(verbosity="normal").push(Batch(Signal.TRACES, b"\x0a\xff"))


def test_the_defaults_are_those_of_the_go_collector():
    config = Config()
    assert ("basic", 2, 1, True, None) == (
        config.verbosity,
        config.sampling_initial,
        config.sampling_thereafter,
        config.use_internal_logger,
        config.sending_queue,
    )
    assert Config.model_validate({"sending_queue": {"queue_size": 3}}).sending_queue.queue_size == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verbosity": "none"}, 'verbosity level "None" is not supported: use basic'),
        ({"verbosity": 3}, "basic"),
        ({"use_internal_logger": False, "output_paths": []}, "output_paths must not be empty when use_internal_logger"),
        ({"output_paths": ["stderr"]}, "output_paths is not supported when use_internal_logger is true"),
        ({"sampling_initial": -1}, "sampling_initial"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)
