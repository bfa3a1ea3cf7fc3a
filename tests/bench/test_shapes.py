"""The cases, and the requests that they are made of."""

from collections import defaultdict

import pytest

from bench.payloads import (
    ERROR,
    SPANS_A_TRACE,
    SPANS_THAT_DIFFER,
    interleaved_requests,
    read_requests,
    trace_request,
    write_requests,
)
from bench.shapes import Shape, crossed, full, quick
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS


@pytest.mark.parametrize("shapes", [full(), quick()], ids=["full", "quick"])
def test_cases_differ_and_so_do_their_names(shapes):
    assert len(shapes) == len(set(shapes)) == len({shape.title for shape in shapes})


def test_picks_are_combined():
    picked = crossed(
        works=["head", "scrub"],
        transports=["http"],
        compressions=["plain"],
        spans=[1, 2],
        attributes=[9],
        connections=[3],
    )
    assert {("head", 1), ("head", 2), ("scrub", 1), ("scrub", 2)} == {(shape.work, shape.spans) for shape in picked}
    assert {("http", "plain", 9, 3)} == {
        (shape.transport, shape.compression, shape.attributes, shape.connections) for shape in picked
    }


@pytest.mark.parametrize("attributes", [2, 9, 40])
def test_spans_have_the_attributes_asked_for(attributes):
    request = REQUESTS[Signal.TRACES].FromString(trace_request(3, attributes=attributes))
    [resource_spans] = request.resource_spans
    keys = [{entry.key for entry in span.attributes} for span in resource_spans.scope_spans[0].spans]
    assert [attributes] * 3 == [len(each) for each in keys]
    assert attributes < 9 or {"credit_card", "user.email"} <= set.intersection(*keys)


@pytest.mark.parametrize(("spans", "resources", "sizes"), [(10, 10, [1] * 10), (7, 3, [3, 2, 2]), (4, 1, [4])])
def test_spans_are_shared_out_over_the_resources(spans, resources, sizes):
    request = REQUESTS[Signal.TRACES].FromString(trace_request(spans, resources=resources))
    assert sizes == [len(each.scope_spans[0].spans) for each in request.resource_spans]
    assert resources == len({each.resource.SerializeToString() for each in request.resource_spans})


def test_a_file_of_requests_is_read_as_written(tmp_path):
    write_requests(tmp_path / "requests", Shape(spans=512))
    requests = read_requests(tmp_path / "requests")
    assert SPANS_THAT_DIFFER == sum(Batch(Signal.TRACES, request).count for request in requests)
    assert len(requests) == len(set(requests))


def test_spans_of_whole_traces_come_between_those_of_others():
    requests = list(interleaved_requests(Shape(work="tail", spans=512), traces=400))
    assert [512] * 6 + [128] == [Batch(Signal.TRACES, request).count for request in requests]
    where, spans = defaultdict(set), defaultdict(list)
    for number, request in enumerate(requests):
        [resource_spans] = REQUESTS[Signal.TRACES].FromString(request).resource_spans
        for span in resource_spans.scope_spans[0].spans:
            where[span.trace_id].add(number)
            spans[span.trace_id].append(span)
    assert {SPANS_A_TRACE} == {len(members) for members in spans.values()}
    assert all(len(numbers) > 1 for numbers in where.values())
    assert {1} == {sum(not span.parent_span_id for span in members) for members in spans.values()}


def test_one_trace_of_a_hundred_has_an_error_and_one_is_slow():
    traces = defaultdict(list)
    for request in interleaved_requests(Shape(work="tail", spans=512), traces=400):
        for span in REQUESTS[Signal.TRACES].FromString(request).resource_spans[0].scope_spans[0].spans:
            traces[span.trace_id].append(span)
    failed = {key for key, spans in traces.items() if any(span.status.code == ERROR for span in spans)}
    slow = {
        key
        for key, spans in traces.items()
        if max(span.end_time_unix_nano for span in spans) - min(span.start_time_unix_nano for span in spans) > 10**9
    }
    assert (4, 4, set()) == (len(failed), len(slow), failed & slow)


def test_a_case_of_many_connections_is_told_by_them():
    assert "forward, gRPC: 100 connections, 64 spans" == Shape(connections=100).title
