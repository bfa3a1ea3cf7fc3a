"""Processor `span_limits`: bounds what one span or log record may carry.

The caps are those of the SDKs (https://opentelemetry.io/docs/specs/otel/common/#attribute-limits), for senders whose
SDK has none. What comes first stays; what went shows in the dropped counts of the span, event, link or log record.
"""

import sys

from collector.api import ComponentConfig, ProcessorFactory, Settings, option, transform
from collector.data import Batch, Signal
from collector.data.messages import ProtoMessage

# Where an attribute, event or link begins there is one of these bytes, its tag: field 9, 11 or 13 of a span, 3 of an
# event, 4 of a link, 6 of a log record. Protobuf lets a tag be padded, which sets the highest bit.
_TAGS = bytes(field << 3 | 2 | padding for field in (9, 11, 13, 3, 4, 6) for padding in (0, 0x80))
_MAX_DROPPED_COUNT = 2**32 - 1


class Config(ComponentConfig):
    """Cuts attributes, events, links, values and names that exceed a cap; what comes first stays.

    ```yaml
    max_attributes: 64
    max_attribute_value_length: 4096
    ```
    """

    max_attributes: int = option(128, "Most attributes of a span or log record; 0 for no cap.", ge=0)
    max_attribute_value_length: int = option(
        0, "Most characters of a text value, or bytes of a binary one, also inside lists and maps; 0 for no cap.", ge=0
    )
    max_events: int = option(128, "Most events of a span; 0 for no cap.", ge=0)
    max_links: int = option(128, "Most links of a span; 0 for no cap.", ge=0)
    max_attributes_per_event: int = option(128, "Most attributes of each event; 0 for no cap.", ge=0)
    max_attributes_per_link: int = option(128, "Most attributes of each link; 0 for no cap.", ge=0)
    max_name_length: int = option(0, "Most characters in the name of a span or event; 0 for no cap.", ge=0)

    def fewest_entries(self) -> int:
        """Return the lowest of the caps on numbers of attributes, events and links."""
        return _lowest(
            self.max_attributes,
            self.max_events,
            self.max_links,
            self.max_attributes_per_event,
            self.max_attributes_per_link,
        )

    def shortest_text(self) -> int:
        """Return the lowest of the caps on the lengths of values and names."""
        return _lowest(self.max_attribute_value_length, self.max_name_length)


class SpanLimits:
    """Cuts spans and log records, and counts by kind what it cut."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._config = config
        self._fewest_entries = config.fewest_entries()
        self._shortest_text = config.shortest_text()
        self._cut = settings.telemetry.counter(
            "otelcol_processor_span_limits_cut", "What exceeded a cap of the span_limits processor.", ("kind",)
        )

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with every span or log record within the caps."""
        cut = self._cut_span if batch.signal is Signal.TRACES else self._cut_log_record
        opened = batch.open()
        for _, scope in opened.scopes():
            for index, original in enumerate(scope.originals):
                if original is not None and self._is_harmless(original):
                    continue
                if cut(scope.message(index)):
                    scope.touch(index)
        return Batch.of_opened(opened, batch.client)

    def _is_harmless(self, item: bytes) -> bool:
        """Return whether an item cannot exceed a cap, which its bytes tell at a fraction of the cost of decoding it."""
        size = len(item)
        if size > self._shortest_text:
            return False
        # An entry takes two bytes at least: its tag and its length.
        return size <= 2 * self._fewest_entries or size - len(item.translate(None, _TAGS)) <= self._fewest_entries

    def _cut_log_record(self, record: ProtoMessage) -> int:
        cut = self._trim("attributes", record, "attributes", self._config.max_attributes)
        return cut + self._shorten_values(record)

    def _cut_span(self, span: ProtoMessage) -> int:
        config = self._config
        cut = self._trim("attributes", span, "attributes", config.max_attributes)
        cut += self._trim("events", span, "events", config.max_events)
        cut += self._trim("links", span, "links", config.max_links)
        cut += self._shorten_name(span) + self._shorten_values(span)
        for event in span.events:
            cut += self._trim("event_attributes", event, "attributes", config.max_attributes_per_event)
            cut += self._shorten_name(event) + self._shorten_values(event)
        for link in span.links:
            cut += self._trim("link_attributes", link, "attributes", config.max_attributes_per_link)
            cut += self._shorten_values(link)
        return cut

    def _trim(self, kind: str, owner: ProtoMessage, field: str, cap: int) -> int:
        """Keep the first entries of a list, telling its owner how many went."""
        entries = getattr(owner, field)
        excess = len(entries) - cap
        if not cap or excess <= 0:
            return 0
        del entries[cap:]
        counted = f"dropped_{field}_count"
        setattr(owner, counted, min(getattr(owner, counted) + excess, _MAX_DROPPED_COUNT))
        self._cut.add(excess, kind=kind)
        return excess

    def _shorten_name(self, named: ProtoMessage) -> int:
        cap = self._config.max_name_length
        if not cap or len(named.name) <= cap:
            return 0
        named.name = named.name[:cap]
        self._cut.add(1, kind="names")
        return 1

    def _shorten_values(self, owner: ProtoMessage) -> int:
        cap = self._config.max_attribute_value_length
        if not cap:
            return 0
        shortened = sum(_shorten(pair.value, cap) for pair in owner.attributes)
        if shortened:
            self._cut.add(shortened, kind="values")
        return shortened


def _lowest(*caps: int) -> int:
    return min(filter(None, caps), default=sys.maxsize)


def _shorten(value: ProtoMessage, cap: int) -> int:
    """Shorten the text and bytes in an `AnyValue`, at any depth; return how many were too long."""
    match value.WhichOneof("value"):
        case "string_value" if len(value.string_value) > cap:
            value.string_value = value.string_value[:cap]
            return 1
        case "bytes_value" if len(value.bytes_value) > cap:
            value.bytes_value = value.bytes_value[:cap]
            return 1
        case "array_value":
            return sum(_shorten(member, cap) for member in value.array_value.values)
        case "kvlist_value":
            return sum(_shorten(member.value, cap) for member in value.kvlist_value.values)
    return 0


FACTORY = ProcessorFactory(
    type="span_limits", config=Config, signals=frozenset({Signal.TRACES, Signal.LOGS}), create=transform(SpanLimits)
)
