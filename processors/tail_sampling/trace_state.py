"""The policy on a member of the W3C `tracestate`."""

from collections.abc import Callable

from collector.processing.tracestate import parse_members
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import TraceStateConfig

# Key and value together have fewer characters.
_LONGEST = 256


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
        return any((parse_members(state) or {}).get(key) in values for state in states)

    return matches
