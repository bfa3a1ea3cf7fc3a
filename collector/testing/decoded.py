"""Batches decoded in full, the plain way: what the views of `collector.data` are held against."""

from collections.abc import Iterator

from collector.data import Batch, Signal
from collector.data.messages import PATHS, REQUESTS, ProtoMessage


def decoded(batch: Batch) -> ProtoMessage:
    """Return the export request that a batch holds."""
    return REQUESTS[batch.signal].FromString(batch.payload)


def resources_of(signal: Signal, request: ProtoMessage) -> ProtoMessage:
    """Return a request's list of resources: `resource_spans` and its siblings."""
    return getattr(request, PATHS[signal][0])


def scopes_of(signal: Signal, resource: ProtoMessage) -> ProtoMessage:
    """Return a resource's list of scopes."""
    return getattr(resource, PATHS[signal][1])


def items_of(signal: Signal, scope: ProtoMessage) -> ProtoMessage:
    """Return a scope's list of spans, metrics or log records."""
    return getattr(scope, PATHS[signal][2])


def items(batch: Batch) -> Iterator[ProtoMessage]:
    """Yield every span, metric or log record of a batch."""
    for resource in resources_of(batch.signal, decoded(batch)):
        for scope in scopes_of(batch.signal, resource):
            yield from items_of(batch.signal, scope)


def canonical(message: ProtoMessage) -> bytes:
    """Return one spelling for all equal messages, unknown fields included; unlike `==` it holds NaN for equal."""
    spelling: bytes = message.SerializeToString(deterministic=True)
    return spelling


def without_empty(signal: Signal, request: ProtoMessage) -> ProtoMessage:
    """Do to a request what an edit does to its empty scopes and resources, and return it."""
    resources = resources_of(signal, request)
    for index in reversed(range(len(resources))):
        scopes = scopes_of(signal, resources[index])
        for scope_index in reversed(range(len(scopes))):
            if not items_of(signal, scopes[scope_index]):
                del scopes[scope_index]
        if not scopes:
            del resources[index]
    return request
