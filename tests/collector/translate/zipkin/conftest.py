"""OTLP as plain data, which assertions read best."""

import pytest

from collector.data import Signal, value_of
from collector.data.messages import REQUESTS


def attributes(holder):
    return {pair.key: value_of(pair.value) for pair in holder.attributes}


def read(payload):
    """Return every span of a request with its resource's attributes and its scope."""
    return [
        (attributes(resource.resource), (scope.scope.name, scope.scope.version), span)
        for resource in REQUESTS[Signal.TRACES].FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.fixture
def spans_of():
    """Return a function from a serialized request to its spans, each with its resource's attributes and its scope."""
    return read


@pytest.fixture
def attributes_of():
    """Return a function from a message to its attributes as a dict."""
    return attributes
