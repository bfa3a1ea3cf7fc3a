import pytest

from collector.data.messages import AnyValue, Span
from collector.ottl import Record, conditions
from collector.ottl.contexts import CONTEXTS

NOON = 1_750_000_000_000_000_000

SPAN = [
    'name == "GET /orders"',
    "kind == SPAN_KIND_SERVER",
    'kind.string == "Server"',
    'kind.deprecated_string == "SPAN_KIND_SERVER"',
    "status.code == STATUS_CODE_ERROR",
    'status.message == "broken"',
    "trace_id == TraceID(0x000102030405060708090a0b0c0d0e0f)",
    'trace_id.string == "000102030405060708090a0b0c0d0e0f"',
    'span_id == SpanID("0001020304050607")',
    'span_id.string == "0001020304050607"',
    "parent_span_id == SpanID(0x0102030405060708)",
    'parent_span_id.string == "0102030405060708"',
    'trace_state == "a=1,b=2"',
    'trace_state["b"] == "2"',
    'trace_state["c"] == ""',
    f"start_time_unix_nano == {NOON}",
    f"end_time_unix_nano == {NOON + 1_500_000_000}",
    "flags == 1",
    "dropped_links_count == 3",
    "dropped_events_count == 0",
    "dropped_attributes_count == 0",
]
OTHERS = [
    'end_time - start_time == Duration("1.5s")',
    f"UnixNano(start_time) == {NOON}",
    "span.end_time > span.start_time",
    "cache == {}",
    'span.cache["x"] == nil',
    "Len(events) == 2",
    "Len(links) == 1",
]
SOURCE = [
    'resource.attributes["service"] == "shop"',
    'resource.attributes == {"service": "shop"}',
    "resource.dropped_attributes_count == 4",
    'resource.schema_url == "https://resource"',
    'scope.name == "library"',
    'instrumentation_scope.version == "1.2"',
    'scope.attributes["tier"] == "gold"',
    'scope.schema_url == "https://scope"',
]


@pytest.mark.parametrize("condition", [*SPAN, *(f"span.{condition}" for condition in SPAN), *OTHERS, *SOURCE])
def test_span(holds, condition):
    """A span's paths, with and without their context, and those of its source."""
    assert holds(condition)


@pytest.mark.parametrize(
    "condition",
    [
        'name == "exception"',
        'spanevent.name == "exception"',
        f"time_unix_nano == {NOON + 1}",
        "time > span.start_time",
        'attributes["type"] == "TimeoutError"',
        'spanevent.attributes["type"] == "TimeoutError"',
        "event_index == 0",
        "dropped_attributes_count == 0",
        'span.name == "GET /orders"',
        "span.status.code == STATUS_CODE_ERROR",
        'cache["x"] == nil',
        *SOURCE,
    ],
)
def test_span_event(holds, condition):
    """An event's paths, with and without their context, and those of what it is in."""
    assert holds(condition, event=0)


def test_event_index(holds):
    """The position of an event among those of its span."""
    assert holds('event_index == 1 and name == "retry"', event=1)


@pytest.mark.parametrize("condition", SOURCE)
def test_scope(source, condition):
    """Conditions on scopes, which have nothing below them."""
    assert conditions("scope", [condition]).hold(Record(source))
    if not condition.startswith("resource"):
        own = condition.replace("instrumentation_scope.", "").replace("scope.", "", 1)
        assert conditions("scope", [own]).hold(Record(source))


@pytest.mark.parametrize("condition", SOURCE[:4])
def test_resource(source, condition):
    """Conditions on resources, which have nothing but themselves."""
    assert conditions("resource", [condition]).hold(Record(source))
    assert conditions("resource", [condition.removeprefix("resource.")]).hold(Record(source))
    with pytest.raises(ValueError, match=r'no path "scope\.name" in the resource context'):
        conditions("resource", ['scope.name == "x"'])


@pytest.mark.parametrize(
    "condition",
    [
        'body == "order shipped"',
        'log.body.string == "order shipped"',
        "severity_number >= SEVERITY_NUMBER_WARN",
        'severity_text == "WARN"',
        "time_unix_nano == 5",
        "observed_time_unix_nano == 6",
        "observed_time > time",
        "trace_id == TraceID(0x00000000000000000000000000000000)",
        'event_name == "shipped"',
        'attributes["x"] == nil',
        *SOURCE,
    ],
)
def test_log(holds_for_log, condition):
    """A log record's paths."""
    assert holds_for_log(
        condition,
        body={"string_value": "order shipped"},
        severity_number=13,
        severity_text="WARN",
        time_unix_nano=5,
        observed_time_unix_nano=6,
        event_name="shipped",
    )


def test_log_body_with_keys(holds_for_log):
    """The body may be a map or a list, whose members are looked up."""
    body = AnyValue()
    body.kvlist_value.values.add(key="user").value.kvlist_value.values.add(key="name").value.string_value = "ann"
    assert holds_for_log('body["user"]["name"] == "ann"', body=body)
    assert holds_for_log('body["user"]["age"] == nil', body=body)


def test_missing_ids_are_zeros(source):
    """What has no id has one of zeros, as in the Go collector."""
    record = Record(source, Span())
    assert conditions("span", ["span_id == SpanID(0x0000000000000000)"]).hold(record)
    assert conditions("span", ['parent_span_id.string == "0000000000000000"']).hold(record)
    assert conditions("span", ["IsRootSpan()"]).hold(record)
    assert conditions("span", ["IsRootSpan()"]).hold(Record(source, Span(parent_span_id=bytes(8))))


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("", ""), ("c=3", ""), ("b=2, a=1 ,", "1"), ("a", None), ("a=", None), ("a = 1", None), ("a=1,a=2", None)],
)
def test_trace_state(source, state, outcome):
    """A member that is missing is empty; one of a trace state that cannot be read is nil."""
    expected = "nil" if outcome is None else f'"{outcome}"'
    assert conditions("span", [f'trace_state["a"] == {expected}']).hold(Record(source, Span(trace_state=state)))


def test_repeated_keys(source):
    """Of a key that a sender repeats, the first occurrence is read."""
    span = Span()
    for number in (1, 2):
        span.attributes.add(key="k").value.int_value = number
    assert conditions("span", ['attributes["k"] == 1 and attributes == {"k": 1}']).hold(Record(source, span))


@pytest.mark.parametrize("name", list(CONTEXTS))
def test_every_path_is_found(name):
    """Each path that is listed, as a hint for those who misspell one, is one."""
    context = CONTEXTS[name]
    for path in context.paths:
        assert context.find(tuple(path.split("."))) is not None
