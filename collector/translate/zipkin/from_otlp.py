"""OTLP's spans as Zipkin's of version 2."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from collector.data import Signal, value_of
from collector.data.messages import REQUESTS, ProtoMessage
from collector.processing.values import as_text
from collector.translate.zipkin import names
from collector.translate.zipkin.model import MOST_MICROSECONDS, MOST_PORT, Endpoint, ZipkinSpan
from collector.translate.zipkin.packed import pack_event, pack_link

_KINDS = ("", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_INTERNAL = 1
_UNSET, _ERROR = 0, 2


class Translated(NamedTuple):
    """The spans of a request, and how many had no valid id and are left out."""

    spans: list[ZipkinSpan]
    invalid: int


def from_otlp(payload: bytes, default_service: str = names.NO_SERVICE) -> Translated:
    """Return the spans of a serialized OTLP request. `default_service` names those whose resource has no name."""
    spans, invalid = [], 0
    for resource in REQUESTS[Signal.TRACES].FromString(payload).resource_spans:
        tags = _texts(resource.resource)
        service = _take_service(tags) or default_service
        for scope in resource.scope_spans:
            scope_tags = tags | _scope_tags(scope.scope)
            for span in scope.spans:
                if _is_id(span.trace_id, 16) and _is_id(span.span_id, 8):
                    spans.append(_span(span, service, dict(scope_tags)))
                else:
                    invalid += 1
    return Translated(spans, invalid)


def _take_service(tags: dict[str, str]) -> str:
    """Take the name of the service, or what stands in for it, and note where it was found."""
    service = tags.pop(names.SERVICE_NAME, None)
    if service is not None:
        return service
    for key in names.SERVICE_STAND_INS:
        if key in tags:
            tags[names.SERVICE_SOURCE] = key
            return tags.pop(key)
    return ""


def _scope_tags(scope: ProtoMessage) -> dict[str, str]:
    tags = _texts(scope)
    if scope.name:
        tags[names.SCOPE_NAMES[0]] = scope.name
    if scope.version:
        tags[names.SCOPE_VERSIONS[0]] = scope.version
    return tags


def _span(span: ProtoMessage, service: str, tags: dict[str, str]) -> ZipkinSpan:
    tags |= _texts(span)
    local = _take_endpoint(tags, service, names.LOCAL_IPS, names.LOCAL_PORT)
    remote = _take_endpoint(tags, names.take_first(tags, names.PEER_SERVICES), names.PEER_IPS, names.PEER_PORT)
    _put_status(tags, span.status)
    if span.trace_state:
        tags[names.TRACE_STATE] = span.trace_state
    if span.kind == _INTERNAL:
        tags[names.SPAN_KIND] = "internal"
    for index, link in enumerate(span.links):
        tags[names.LINK.format(index)] = pack_link(link)
    if not span.start_time_unix_nano:
        tags.pop(names.ABSENT_START, None)
    timestamp = _microseconds(span.start_time_unix_nano)
    duration = _duration(span.start_time_unix_nano, span.end_time_unix_nano)
    return ZipkinSpan(
        trace_id=span.trace_id,
        id=span.span_id,
        parent_id=span.parent_span_id if _is_id(span.parent_span_id, 8) else b"",
        name=span.name,
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "",
        timestamp=timestamp,
        duration=min(duration, MOST_MICROSECONDS - timestamp),
        local=local,
        remote=remote,
        annotations=[(_microseconds(event.time_unix_nano), pack_event(event)) for event in span.events],
        tags=tags,
    )


def _is_id(value: bytes, size: int) -> bool:
    return len(value) == size and any(value)


def _texts(holder: ProtoMessage) -> dict[str, str]:
    """Return the attributes of a resource, scope or span as text; of a key that is repeated the first."""
    texts: dict[str, str] = {}
    for pair in holder.attributes:
        # Nearly all are text, which is had quicker.
        texts.setdefault(pair.key, pair.value.string_value or as_text(value_of(pair.value)))
    return texts


def _take_endpoint(tags: dict[str, str], service: str, ip_keys: tuple[str, str], port_key: str) -> Endpoint:
    """Take the tags of one end of a connection; what is no address or no port stays a tag."""
    ip = ""
    for key in ip_keys:
        if _is_address(tags.get(key, "")):
            ip = tags.pop(key)
    port = tags.get(port_key, "")
    if port.isdecimal() and 0 < int(port) <= MOST_PORT:
        del tags[port_key]
    else:
        port = "0"
    return Endpoint(service, "" if ":" in ip else ip, ip if ":" in ip else "", int(port))


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _put_status(tags: dict[str, str], status: ProtoMessage) -> None:
    """Tell the status; Zipkin shows every span with an `error`, whatever its value, as failed."""
    if status.code != _ERROR:
        tags.pop(names.ERROR, None)
    elif tags.get(names.ERROR, "false") == "false":
        tags[names.ERROR] = "true"
    if _UNSET < status.code < len(names.STATUS_WORDS):
        tags[names.STATUS_CODE] = names.STATUS_WORDS[status.code]
        if status.message:
            tags[names.STATUS_MESSAGE] = status.message


def _microseconds(nanoseconds: int) -> int:
    return min((nanoseconds + 500) // 1000, MOST_MICROSECONDS)


def _duration(start: int, end: int) -> int:
    """Return the microseconds from start to end; at least one, for 0 stands for none, where there is any time."""
    return max(_microseconds(end - start), 1) if end > start else 0
