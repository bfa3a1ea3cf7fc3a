"""The policy on a member of the W3C `tracestate`."""

import re
from collections.abc import Callable

from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import TraceStateConfig

# Key and value together have at most so many characters.
_LONGEST = 256
_MOST_MEMBERS = 32
_MEMBER = re.compile(
    r"[ \t]*([a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})="
    r"([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])[ \t]*"
)


def trace_state(config: TraceStateConfig) -> Callable[[Trace], bool]:
    """Match where a member of a span's `trace_state` is one of some texts.

    A `trace_state` that is not by the W3C's specification has no members.
    """
    key = config.key
    values = {value for value in config.values if value and len(key) + len(value) < _LONGEST}

    def matches(trace: Trace) -> bool:
        if not trace.has_trace_state:
            return False
        states = {digest.trace_state for digest in trace.digests}
        return any(members(state).get(key) in values for state in states)

    return matches


def members(text: str) -> dict[str, str]:
    """Return the members of a `tracestate`; none where it is not by the specification."""
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        member = _MEMBER.fullmatch(part)
        if member is None or member[1] in found or len(found) == _MOST_MEMBERS:
            return {}
        found[member[1]] = member[2]
    return found
