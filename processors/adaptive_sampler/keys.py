"""The key of a trace: what it has in common with the traces that it shares a rate with."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

from collector.data import AttributeValue, get_attribute
from collector.processing.values import as_text
from collector.sampling.digest import SpanDigest, has_parent
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace

MISSING = "-"

# Characters of a value. A longer one ends with a digest, so that different ones stay different.
_LONGEST = 100
_DIGEST = 4  # bytes
_MOST_ORIGINS = 4096  # whose attributes are remembered

Values = tuple[str, ...]
_Selector = Callable[[Trace, int], str]


class KeyReader:
    """Reads keys by selectors: `service`, `operation`, `status`, or else the name of an attribute.

    The first three are of the root span, or of the first span where the root has not come: its service, its name, and
    `error` where any span of the trace has failed. An attribute is looked for in the root span and its resource, then
    in the others.
    """

    def __init__(self, selectors: list[str]) -> None:
        self._selectors = [_NAMED.get(name) or _Attribute(name) for name in selectors]

    def __call__(self, trace: Trace) -> Values:
        """Return a text for each selector, such as `("shop", "GET /orders", "ok")`; `-` for what is not there."""
        root = root_of(trace)
        return tuple([select(trace, root) for select in self._selectors])


def root_of(trace: Trace) -> int:
    """Return the index of the root span, or of the first span where the root is not there."""
    return next((index for index, raw in enumerate(trace.raws) if not has_parent(raw)), 0)


def _bounded(text: str) -> str:
    if len(text) <= _LONGEST:
        return text or MISSING
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST).hexdigest()
    return f"{text[: _LONGEST - len(digest) - 1]}~{digest}"


def _service(trace: Trace, root: int) -> str:
    return _service_of(trace.origins[root])


@lru_cache(_MOST_ORIGINS)
def _service_of(origin: Origin) -> str:
    return _bounded(as_text(get_attribute(origin.resource.attributes, "service.name")))


def _operation(trace: Trace, root: int) -> str:
    return _bounded(SpanDigest.FromString(trace.raws[root]).name)


def _status(trace: Trace, root: int) -> str:  # noqa: ARG001 - any span counts
    return "error" if trace.has_error else "ok"


_NAMED: dict[str, _Selector] = {"service": _service, "operation": _operation, "status": _status}


class _Attribute:
    """Looks an attribute up."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._encoded = name.encode()
        self._of_resource = lru_cache(_MOST_ORIGINS)(self._read_resource)

    def __call__(self, trace: Trace, root: int) -> str:
        in_spans = trace.may_mention(self._encoded)
        for index in (root, *(other for other in range(len(trace)) if other != root)):
            value = get_attribute(trace.spans[index].attributes, self._name) if in_spans else None
            if value is None:
                value = self._of_resource(trace.origins[index])
            if value is not None:
                return _bounded(as_text(value))
        return MISSING

    def _read_resource(self, origin: Origin) -> AttributeValue:
        return get_attribute(origin.resource.attributes, self._name)
