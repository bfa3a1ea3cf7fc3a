import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.api import StartError
from collector.data import Signal, set_attribute, set_value
from collector.data.messages import LogRecord, Metric, Span
from collector.processing.matching import MatchConfig, Matcher
from collector.testing import make_batch, make_settings

RESOURCE = {"service.name": "shop", "host.id": 7}


def matcher(signal=Signal.TRACES, **blocks):
    return Matcher(MatchConfig.model_validate(blocks), signal, make_settings("attributes").logger)


def selected(item, signal, **blocks):
    """Return whether an item of a service `shop` is selected."""
    [(resource, scope)] = make_batch(signal, [item], RESOURCE).open().scopes()
    test = matcher(signal, **blocks).select(resource, scope)
    return test if isinstance(test, bool) else test(scope.message(0))


def span(name="GET /cart", **attributes):
    made = Span(name=name, kind=Span.SPAN_KIND_SERVER)
    for key, value in attributes.items():
        set_attribute(made.attributes, key, value)
    return made


def test_without_blocks_everything_is_selected():
    assert selected(span(), Signal.TRACES) is True


@pytest.mark.parametrize(
    ("properties", "matches"),
    [
        ({"services": ["bank", "shop"]}, True),
        ({"services": ["sho"]}, False),
        ({"span_names": ["GET /cart"]}, True),
        ({"span_names": ["GET"]}, False),
        ({"span_kinds": ["SPAN_KIND_SERVER"]}, True),
        ({"span_kinds": ["SPAN_KIND_CLIENT"]}, False),
        ({"attributes": [{"key": "n"}]}, True),
        ({"attributes": [{"key": "n", "value": 1}]}, True),
        ({"attributes": [{"key": "n", "value": True}]}, False),
        ({"attributes": [{"key": "n", "value": "1"}]}, False),
        ({"attributes": [{"key": "n"}, {"key": "missing"}]}, False),
        ({"resources": [{"key": "host.id", "value": 7}]}, True),
        ({"resources": [{"key": "host.id", "value": 8}]}, False),
        ({"libraries": [{"name": "other"}, {"name": "collector.testing"}]}, True),
        ({"libraries": [{"name": "collector.testing", "version": ""}]}, True),
        ({"libraries": [{"name": "collector.testing", "version": "1"}]}, False),
        ({"services": ["shop"], "span_names": ["no"]}, False),
    ],
)
def test_strict_properties_of_spans(properties, matches):
    include = {"match_type": "strict", **properties}
    assert selected(span(n=1), Signal.TRACES, include=include) is matches
    assert selected(span(n=1), Signal.TRACES, exclude=include) is not matches


@pytest.mark.parametrize(
    ("properties", "matches"),
    [
        ({"services": ["^s.*p$"]}, True),
        ({"span_names": ["cart"]}, True),
        ({"span_kinds": ["(?i)server"]}, True),
        ({"attributes": [{"key": "n", "value": "^1$"}]}, True),
        ({"attributes": [{"key": "d", "value": r"^1000000000000000000000$"}]}, True),
        ({"attributes": [{"key": "b", "value": "^true$"}]}, True),
        ({"attributes": [{"key": "list", "value": ".*"}]}, False),
        ({"libraries": [{"name": r"testing$"}]}, True),
    ],
)
def test_patterns_of_spans(properties, matches):
    include = {"match_type": "regexp", "regexp": {"cacheenabled": True, "cachemaxnumentries": 2}, **properties}
    assert selected(span(n=1, d=1e21, b=True, list=["a"]), Signal.TRACES, include=include) is matches


@pytest.mark.parametrize(
    ("properties", "matches"),
    [
        ({"log_bodies": ["order 17"]}, True),
        ({"log_severity_texts": ["WARN"]}, True),
        ({"log_severity_number": {"min": 13}}, True),
        ({"log_severity_number": {"min": 14}}, False),
        ({"log_severity_number": {"min": 13}, "log_bodies": ["no"]}, False),
    ],
)
def test_properties_of_log_records(properties, matches):
    record = LogRecord(severity_number=13, severity_text="WARN")
    record.body.string_value = "order 17"
    assert selected(record, Signal.LOGS, include={"match_type": "strict", **properties}) is matches


@pytest.mark.parametrize("undefined", [True, False])
def test_a_log_record_without_severity_matches_where_the_block_says_so(undefined):
    severity = {"min": 1, "match_undefined": undefined}
    include = {"match_type": "strict", "log_severity_number": severity}
    assert selected(LogRecord(), Signal.LOGS, include=include) is undefined


def test_a_log_body_matches_by_its_text():
    record = LogRecord()
    set_value(record.body, {"b": 1, "a": [True]})
    include = {"match_type": "strict", "log_bodies": ['{"a":[true],"b":1}']}
    assert selected(record, Signal.LOGS, include=include)


def test_metrics_match_by_name():
    include = {"match_type": "regexp", "metric_names": ["^http"]}
    assert selected(Metric(name="http.server.duration"), Signal.METRICS, include=include)
    assert not selected(Metric(name="rpc.duration"), Signal.METRICS, include=include)


def test_include_comes_first_and_exclude_takes_away():
    include = {"match_type": "strict", "services": ["shop"]}
    exclude = {"match_type": "strict", "span_names": ["secret"]}
    assert selected(span("open"), Signal.TRACES, include=include, exclude=exclude)
    assert not selected(span("secret"), Signal.TRACES, include=include, exclude=exclude)


def test_a_resource_without_service_has_a_name_to_match():
    [(resource, scope)] = make_batch(Signal.TRACES, [span()]).open().scopes()
    include = {"match_type": "strict", "services": ["<nil-service-name>"]}
    assert matcher(include=include).select(resource, scope) is True


def test_what_the_scope_decides_needs_no_item():
    [(resource, scope)] = make_batch(Signal.TRACES, [span()], RESOURCE).open().scopes()
    include = {"match_type": "strict", "services": ["bank"], "span_names": ["GET /cart"]}
    assert matcher(include=include).select(resource, scope) is False


@pytest.mark.parametrize(
    ("signal", "field", "value", "message"),
    [
        (Signal.TRACES, "log_bodies", ["x"], "log_bodies should not be specified for trace spans"),
        (Signal.TRACES, "log_severity_texts", ["x"], "log_severity_texts should not be specified for trace spans"),
        (Signal.TRACES, "log_severity_number", {"min": 1}, "log_severity_number should not be specified for trace"),
        (Signal.LOGS, "services", ["x"], "services should not be specified for log records"),
        (Signal.LOGS, "span_names", ["x"], "span_names should not be specified for log records"),
        (Signal.LOGS, "span_kinds", ["SPAN_KIND_SERVER"], "span_kinds should not be specified for log records"),
        (Signal.TRACES, "metric_names", ["x"], "at least one of services, span_names"),
        (Signal.LOGS, "metric_names", ["x"], "at least one of log_bodies"),
    ],
)
def test_fields_of_another_signal_are_refused_at_start(signal, field, value, message):
    with pytest.raises(StartError, match=message):
        matcher(signal, include={"match_type": "strict", field: value})


def test_on_metrics_they_are_ignored_as_in_the_go_collector_but_not_silently():
    with capture_logs() as logs:
        include = {"match_type": "strict", "span_names": ["x"], "attributes": [{"key": "a"}]}
        assert selected(Metric(name="m"), Signal.METRICS, include=include) is True
    assert [["attributes", "span_names"]] == [log["fields"] for log in logs]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"services": ["a"]}, "match_type"),
        ({"match_type": "glob", "services": ["a"]}, "'strict' or 'regexp'"),
        ({"match_type": "strict", "span_kinds": ["server"]}, "none of the standard span kinds"),
        ({"match_type": "regexp", "services": ["a(?=b)"]}, "no look-around"),
        ({"match_type": "regexp", "attributes": [{"key": "a", "value": 1}]}, "needs a text"),
        ({"match_type": "strict", "attributes": [{"key": ""}]}, "at least 1 character"),
    ],
)
def test_what_is_wrong_with_a_block_is_said(properties, message):
    with pytest.raises(ValidationError) as error:
        MatchConfig.model_validate({"include": properties})
    assert message in str(error.value)
