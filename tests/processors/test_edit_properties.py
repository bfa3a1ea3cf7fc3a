"""Each processor that edits, held against a plain edit of the full decode, on requests as odd as protobuf allows.

The references below say what the processors are to do in the plainest way. What they leave alone must keep its bytes,
also beside what they change.
"""

import hashlib
import re
import struct

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Signal, attribute_lists, set_value, value_of
from collector.data.messages import AnyValue, InstrumentationScope, LogRecord, Metric, Resource, Span
from collector.data.shell import RequestShell
from collector.processing.values import as_integer, as_text
from collector.testing import Sink, make_settings
from collector.testing.decoded import canonical, decoded, items_of, resources_of, scopes_of, without_empty
from collector.testing.strategies import attribute_values, requests
from processors import attributes, python, redaction, resource, span_limits, span_name

# An unknown field, which stands in front of an item: whoever encodes the item again moves it behind.
UNKNOWN = bytes.fromhex("b83e05")

keys = st.sampled_from(["a", "b", "ab", "c", "drop", "service.name", "span_name.original", "seen", "unit"])
words = st.text("ax09z/", max_size=5)
pairs = st.lists(st.tuples(keys, words | attribute_values), max_size=4)


def fill(attributes, drawn):
    """Add attributes, also several of one key."""
    for key, value in drawn:
        set_value(attributes.add(key=key).value, value)


@st.composite
def spans(draw):
    span = Span(
        name=draw(words), kind=draw(st.integers(0, 5)), dropped_links_count=draw(st.sampled_from([0, 2**32 - 1]))
    )
    for part in [span] + [span.events.add(name=draw(words)) for _ in range(draw(st.integers(0, 2)))]:
        fill(part.attributes, draw(pairs))
    for _ in range(draw(st.integers(0, 2))):
        fill(span.links.add().attributes, draw(pairs))
    return span


@st.composite
def log_records(draw):
    record = LogRecord(severity_text=draw(words), event_name=draw(words))
    fill(record.attributes, draw(pairs))
    if draw(st.booleans()):
        set_value(record.body, draw(words | attribute_values | pairs.map(dict)))
    return record


@st.composite
def metrics(draw):
    metric = Metric(name=draw(words), unit=draw(words))
    kind = draw(st.sampled_from(["gauge", "sum", "histogram", "exponential_histogram", "summary"]))
    for _ in range(draw(st.integers(0, 3))):
        fill(getattr(metric, kind).data_points.add().attributes, draw(pairs))
    return metric


ITEMS = {Signal.TRACES: spans(), Signal.LOGS: log_records(), Signal.METRICS: metrics()}


@st.composite
def batches_of(draw, signal):
    """Return a batch whose parts have much to edit, and behind them what protobuf allows besides."""
    request = RequestShell()
    for _ in range(draw(st.integers(1, 2))):
        resource = Resource()
        fill(resource.attributes, draw(pairs))
        group = request.resources.add(resource=[UNKNOWN + resource.SerializeToString()])
        for _ in range(draw(st.integers(1, 2))):
            scope = InstrumentationScope(name="scope")
            fill(scope.attributes, draw(pairs))
            drawn = draw(st.lists(ITEMS[signal], max_size=3))
            items = [UNKNOWN + item.SerializeToString() for item in drawn]
            group.scopes.add(scope=[scope.SerializeToString()], items=items)
    return Batch(signal, request.SerializeToString() + draw(st.just(b"") | requests(signal)))


batches = st.sampled_from(Signal).flatmap(batches_of)


class Reference:
    """An edit of a full decode. Methods return whether they did anything; `item` None where the item is dropped."""

    def resource(self, resource):
        """Edit a resource."""
        return False

    def scope(self, scope):
        """Edit an instrumentation scope."""
        return False

    def item(self, signal, item):
        """Edit a span, metric or log record."""
        return False


def hold(module, options, batch, reference, **surroundings):
    """Check a processor against a reference: what it makes of a batch, and the bytes of what it left alone."""
    settings = make_settings(module.FACTORY.type, signals=frozenset({batch.signal}), **surroundings)
    config = module.FACTORY.config.model_validate(options)
    payload = batch.payload
    result = module.FACTORY.create(config, settings, Sink()).transform(batch)
    assert payload is batch.payload

    expected, kept_resources, kept_items = edited(batch, reference)
    if result is None:
        assert not any(len(resource) for resource in Batch(batch.signal, expected).open().resources)
        return
    assert plain(batch.signal, expected) == plain(batch.signal, result.payload)
    assert result.count == Batch(batch.signal, result.payload).count
    after = RequestShell.FromString(result.payload).resources
    assert kept_resources <= {b"".join(group.resource) for group in after}
    assert kept_items <= {item for group in after for scope in group.scopes for item in scope.items}


def edited(batch, reference):
    """Return the request as the reference edits it, and the bytes of the resources and items that it left alone."""
    signal, request = batch.signal, decoded(batch)
    kept_resources, kept_items = set(), set()
    shells = RequestShell.FromString(batch.payload).resources
    for group, shell in zip(resources_of(signal, request), shells, strict=True):
        left_alone = not reference.resource(group.resource)
        remaining = 0
        for scope, scope_shell in zip(scopes_of(signal, group), shell.scopes, strict=True):
            reference.scope(scope.scope)
            items = items_of(signal, scope)
            outcomes = [reference.item(signal, item) for item in items]
            kept_items.update(raw for raw, outcome in zip(scope_shell.items, outcomes, strict=True) if outcome is False)
            for index in reversed(range(len(items))):
                if outcomes[index] is None:
                    del items[index]
            remaining += len(items)
        if left_alone and remaining:
            kept_resources.add(b"".join(shell.resource))
    return request.SerializeToString(), kept_resources, kept_items


def plain(signal, payload):
    """Return one spelling of requests that differ only in empty messages, which mean nothing."""
    request = without_empty(signal, decoded(Batch(signal, payload)))
    for group in resources_of(signal, request):
        if not group.resource.ByteSize():
            group.ClearField("resource")
        for scope in scopes_of(signal, group):
            if not scope.scope.ByteSize():
                scope.ClearField("scope")
    return canonical(request)


def keys_of(batch):
    """Return the attribute keys of a batch, and one that is new."""
    request = decoded(batch)
    keys = {"fresh"}
    for group in resources_of(batch.signal, request):
        keys.update(pair.key for pair in group.resource.attributes)
        for scope in scopes_of(batch.signal, group):
            for item in items_of(batch.signal, scope):
                keys.update(pair.key for pairs in attribute_lists(batch.signal, item) for pair in pairs)
    return sorted(key for key in keys if key)


# --- attributes and resource --------------------------------------------------------------------------------------


def digest(value):
    match value:
        case bool():
            content = bytes([value])
        case int():
            content = struct.pack("<q", value)
        case float():
            content = struct.pack("<d", value)
        case str():
            content = value.encode()
        case _:
            content = b""
    return hashlib.sha256(content).hexdigest() if content else ""


def put(action, pairs, found):
    if found and action["action"] != "insert":
        for pair in found:
            pair.value.CopyFrom(AnyValue(string_value=action["value"]))
        return True
    if not found and action["action"] != "update":
        pairs.add(key=action["key"]).value.string_value = action["value"]
        return True
    return False


def delete(action, pairs, found):
    for index in reversed(range(len(pairs))):
        if pairs[index].key == action["key"]:
            del pairs[index]
    return bool(found)


def hash_values(action, pairs, found):
    for pair in found:
        pair.value.string_value = digest(value_of(pair.value))
    return bool(found)


def convert(action, pairs, found):
    changed = False
    for pair in found:
        number = None if pair.value.HasField("int_value") else as_integer(value_of(pair.value))
        if number is not None:
            pair.value.int_value = number
            changed = True
    return changed


VERBS = {"insert": put, "update": put, "upsert": put, "delete": delete, "hash": hash_values, "convert": convert}


def act(actions, pairs):
    """Do the actions to a list of attributes; return whether they did anything."""
    changed = False
    for action in actions:
        found = [pair for pair in pairs if pair.key == action["key"]]
        changed |= VERBS[action["action"]](action, pairs, found)
    return changed


@st.composite
def batches_and_actions(draw):
    batch = draw(batches)
    present = st.sampled_from(keys_of(batch))
    setting = st.builds(
        lambda verb, key: {"action": verb, "key": key, "value": "put"},
        st.sampled_from(["insert", "update", "upsert"]),
        present,
    )
    removing = st.builds(lambda verb, key: {"action": verb, "key": key}, st.sampled_from(["delete", "hash"]), present)
    converting = present.map(lambda key: {"action": "convert", "key": key, "converted_type": "int"})
    return batch, draw(st.lists(setting | removing | converting, min_size=1, max_size=3))


@given(batches_and_actions())
def test_attributes(case):
    batch, actions = case

    class Edit(Reference):
        def item(self, signal, item):
            changed = [act(actions, pairs) for pairs in attribute_lists(signal, item)]
            return any(changed)

    hold(attributes, {"actions": actions}, batch, Edit())


@given(batches_and_actions())
def test_resource(case):
    batch, actions = case

    class Edit(Reference):
        def resource(self, resource):
            return act(actions, resource.attributes)

    hold(resource, {"attributes": actions}, batch, Edit())


# --- redaction ----------------------------------------------------------------------------------------------------


class Redact(Reference):
    """Masks letters and digits of values, and values of keys with an `a`; removes keys that are not allowed."""

    def __init__(self, allowed):
        self.allowed = allowed

    def resource(self, resource):
        return self.scrub(resource.attributes)

    def scope(self, scope):
        return self.scrub(scope.attributes)

    def item(self, signal, item):
        changed = [self.scrub(pairs) for pairs in attribute_lists(signal, item)]
        if signal is Signal.TRACES:
            changed += [self.scrub(event.attributes) for event in item.events]
        if signal is Signal.LOGS and item.HasField("body"):
            changed.append(self.scrub_value(item.body))
        return any(changed)

    def scrub(self, pairs, *, deep=False):
        changed = False
        for index in reversed(range(len(pairs))):
            key, value = pairs[index].key, pairs[index].value
            if self.allowed is not None and key not in self.allowed:
                del pairs[index]
                changed = True
            elif "a" in key:
                value.string_value = "****"
                changed = True
            elif deep or value.HasField("string_value"):
                changed |= self.scrub_value(value)
        return changed

    def scrub_value(self, value):
        if value.HasField("kvlist_value"):
            return self.scrub(value.kvlist_value.values, deep=True)
        if value.HasField("array_value"):
            changed = [self.scrub_value(member) for member in value.array_value.values]
            return any(changed)
        text = as_text(value_of(value))
        clean = re.sub("[0-9a-f]", "****", text)
        if clean != text:
            value.string_value = clean
        return clean != text


@given(batches, st.data())
def test_redaction(batch, data):
    allowed = data.draw(st.none() | st.sets(st.sampled_from(keys_of(batch))))
    options = {"blocked_values": ["[0-9a-f]"], "blocked_key_patterns": ["a"]}
    options |= {"allow_all_keys": True} if allowed is None else {"allowed_keys": sorted(allowed)}
    hold(redaction, options, batch, Redact(allowed))


# --- span_limits and span_name -------------------------------------------------------------------------------------


class Limit(Reference):
    """Keeps two attributes, one event and one link, one attribute of each, three characters of a value, two of a name."""

    def item(self, signal, item):
        before = canonical(item)
        self.trim(item, "attributes", 2)
        self.shorten(item)
        if signal is Signal.TRACES:
            self.trim(item, "events", 1)
            self.trim(item, "links", 1)
            item.name = item.name[:2]
            for part in (*item.events, *item.links):
                self.trim(part, "attributes", 1)
                self.shorten(part)
            for event in item.events:
                event.name = event.name[:2]
        return canonical(item) != before

    def trim(self, owner, field, cap):
        entries = getattr(owner, field)
        excess = max(len(entries) - cap, 0)
        del entries[cap:]
        count = f"dropped_{field}_count"
        if excess:
            setattr(owner, count, min(getattr(owner, count) + excess, 2**32 - 1))

    def shorten(self, owner):
        for pair in owner.attributes:
            self.shorten_value(pair.value)

    def shorten_value(self, value):
        kind = value.WhichOneof("value")
        if kind in ("string_value", "bytes_value"):
            setattr(value, kind, getattr(value, kind)[:3])
        for member in value.array_value.values if kind == "array_value" else ():
            self.shorten_value(member)
        for pair in value.kvlist_value.values if kind == "kvlist_value" else ():
            self.shorten_value(pair.value)


@given(st.sampled_from([Signal.TRACES, Signal.LOGS]).flatmap(batches_of))
def test_span_limits(batch):
    options = {"max_attributes": 2, "max_events": 1, "max_links": 1, "max_attribute_value_length": 3}
    options |= {"max_attributes_per_event": 1, "max_attributes_per_link": 1, "max_name_length": 2}
    hold(span_limits, options, batch, Limit())


class Rename(Reference):
    """Takes the digits and letters out of names, and lets a service have two."""

    def __init__(self):
        self.names = {}
        self.service = ""

    def resource(self, resource):
        values = [value_of(pair.value) for pair in resource.attributes if pair.key == "service.name"]
        self.service = str((values or [""])[0] or "")
        return False

    def item(self, signal, item):
        old, new = item.name, re.sub("[0-9a-f]", "", item.name)
        names = self.names.setdefault(self.service, [])
        if new not in names:
            if len(names) < 2:
                names.append(new)
            else:
                new = "more"
        item.name = new
        if new != old:
            found = [pair for pair in item.attributes if pair.key == "span_name.original"]
            (found[0] if found else item.attributes.add(key="span_name.original")).value.string_value = old
        return new != old


@given(batches_of(Signal.TRACES))
def test_span_name(batch):
    rules = [{"pattern": "[0-9a-f]", "replace": ""}]
    options = {"rules": rules, "templates": False, "max_names": 2, "other_name": "more", "keep_original": True}
    hold(span_name, options, batch, Rename())


# --- python -------------------------------------------------------------------------------------------------------


MINE = """
def span(span):
    if span.kind == "client":
        return None
    if span.name:
        span["seen"] = [event.name for event in span.events]
    return span


def log_record(record):
    if "drop" in record:
        return None
    if record.severity_text:
        record.body = {"was": record.body}
        raise ValueError("which takes it all back")
    if record.event_name:
        record.severity_number = 9
    return record


def metric(metric):
    if metric.unit:
        for point in metric.points:
            point["unit"] = metric.unit
    return metric
"""


class Mine(Reference):
    """What the file above does."""

    def item(self, signal, item):
        return {Signal.TRACES: self.span, Signal.LOGS: self.log_record, Signal.METRICS: self.metric}[signal](item)

    def span(self, span):
        if span.kind == Span.SPAN_KIND_CLIENT:
            return None
        if span.name:
            self.put(span.attributes, "seen", [event.name for event in span.events])
        return bool(span.name)

    def log_record(self, record):
        if any(pair.key == "drop" for pair in record.attributes):
            return None
        if record.severity_text or not record.event_name:
            return False
        record.severity_number = 9
        return True

    def metric(self, metric):
        pairs = list(attribute_lists(Signal.METRICS, metric)) if metric.unit else []
        for point in pairs:
            self.put(point, "unit", metric.unit)
        return bool(pairs)

    def put(self, pairs, key, value):
        found = [pair for pair in pairs if pair.key == key]
        target = (found[0] if found else pairs.add(key=key)).value
        if isinstance(value, str):
            target.CopyFrom(AnyValue(string_value=value))
        else:
            target.Clear()
            target.array_value.SetInParent()
            for text in value:
                target.array_value.values.add(string_value=text)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mine")
    (directory / "mine.py").write_text(MINE)
    return directory


@given(batch=batches)
def test_python(mine, batch):
    with structlog.testing.capture_logs():
        hold(python, {"file": "mine.py"}, batch, Mine(), directory=mine)
