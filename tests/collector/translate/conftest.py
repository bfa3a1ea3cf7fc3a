"""Requests of one span, and what the documentation says of a way there and back."""

import re
from pathlib import Path

import pytest
from google.protobuf import json_format

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS

DOCS = Path(__file__).parents[3] / "docs"
START = 1_750_000_000_000_000_000
BASE = {
    "trace_id": b"t" * 16,
    "span_id": b"s" * 8,
    "start_time_unix_nano": START,
    "end_time_unix_nano": START + 5000,
    "status": {},
}


def _filled(message, members):
    """Set the fields of a message; attributes are a dict, messages in a list are dicts themselves."""
    for name, value in members.items():
        if name == "attributes":
            for key, attribute in value.items():
                set_attribute(message.attributes, key, attribute)
        elif isinstance(value, list):
            for member in value:
                _filled(getattr(message, name).add(), member)
        elif isinstance(value, dict):
            getattr(message, name).SetInParent()
            _filled(getattr(message, name), value)
        else:
            setattr(message, name, value)


@pytest.fixture
def made():
    """Return a function that makes an OTLP request of one span; what is not said of the span is in `BASE`."""

    def make(resource=None, scope=None, resource_schema="", schema="", **span):
        request = REQUESTS[Signal.TRACES]()
        group = request.resource_spans.add(schema_url=resource_schema)
        _filled(group.resource, {"attributes": {"service.name": "shop", **(resource or {})}})
        scopes = group.scope_spans.add(schema_url=schema)
        _filled(scopes, {"scope": scope or {}})
        _filled(scopes.spans.add(), {**BASE, **span})
        return request

    return make


@pytest.fixture
def plain():
    """Return a function from a request to JSON that is equal where only the order of attributes is another."""

    def sort(value):
        if isinstance(value, list):
            return [sort(member) for member in value]
        if not isinstance(value, dict):
            return value
        found = {key: sort(member) for key, member in value.items()}
        return found | {"attributes": sorted(found.get("attributes", []), key=lambda pair: pair["key"])}

    return lambda request: sort(json_format.MessageToDict(request))


@pytest.fixture
def losses():
    """Return a function that gives the first column of a page's table of losses."""

    def rows(page):
        table = (DOCS / page).read_text().split("| in OTLP | comes back as |\n| --- | --- |\n")[1].split("\n\n")[0]
        return {re.split(r"(?<!\\)\|", line)[1].strip() for line in table.splitlines()}

    return rows
