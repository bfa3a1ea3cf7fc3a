from types import SimpleNamespace

import pytest

from collector.data import set_attribute
from collector.data.messages import InstrumentationScope, LogRecord, Resource, Span
from collector.ottl import Record, conditions

NOON = 1_750_000_000_000_000_000


def with_attributes(message, **attributes):
    for key, value in attributes.items():
        set_attribute(message.attributes, key, value)
    return message


def make_source():
    return SimpleNamespace(
        resource=with_attributes(Resource(dropped_attributes_count=4), service="shop"),
        scope=with_attributes(InstrumentationScope(name="library", version="1.2"), tier="gold"),
        resource_schema_url="https://resource",
        scope_schema_url="https://scope",
    )


def make_span(**attributes):
    span = Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        parent_span_id=bytes(range(1, 9)),
        trace_state="a=1,b=2",
        name="GET /orders",
        kind="SPAN_KIND_SERVER",
        start_time_unix_nano=NOON,
        end_time_unix_nano=NOON + 1_500_000_000,
        flags=1,
        dropped_links_count=3,
        links=[{}],
        events=[{"name": "exception", "time_unix_nano": NOON + 1}, {"name": "retry"}],
    )
    span.status.code, span.status.message = 2, "broken"
    with_attributes(span.events[0], type="TimeoutError")
    return with_attributes(span, **attributes)


@pytest.fixture
def source():
    """Where spans and log records come from: a resource and a scope with an attribute each."""
    return make_source()


@pytest.fixture
def holds(source):
    """Return whether a condition holds for a span with these attributes; `event` is the index of an event of it."""

    def check(condition, *, event=None, **attributes):
        span = make_span(**attributes)
        if event is None:
            return conditions("span", [condition]).hold(Record(source, span))
        return conditions("spanevent", [condition]).hold(Record(source, span, span.events[event], event))

    return check


@pytest.fixture
def holds_for_log(source):
    """Return whether a condition holds for a log record."""

    def check(condition, **fields):
        return conditions("log", [condition]).hold(Record(source, LogRecord(**fields)))

    return check
