"""The policy `ottl_condition`: conditions in OTTL on spans and on their events."""

from collections.abc import Callable

from collector.api import QuietLog, Settings
from collector.data.messages import ProtoMessage, Span
from collector.ottl import Conditions, EvaluationError, OnError, Record, conditions
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import OttlConditionConfig


def ottl_condition(config: OttlConditionConfig, settings: Settings) -> Callable[[Trace], bool]:
    """Match where a condition holds for a span or for an event; raises EvaluationError in the mode `propagate`."""
    on_error = _on_error(config, settings)
    on_spans = conditions("span", config.span, on_error)
    on_events = conditions("spanevent", config.spanevent, on_error)

    def matches(trace: Trace) -> bool:
        return any(_holds(on_spans, on_events, *member) for member in zip(trace.raws, trace.origins, strict=True))

    return matches


def _on_error(config: OttlConditionConfig, settings: Settings) -> OnError | None:
    """Return what becomes of errors; None where they are raised."""
    log = QuietLog(settings.logger, settings.clock)

    def tell(condition: str, error: EvaluationError) -> None:
        if config.error_mode == "ignore":
            log.warning("a condition cannot be evaluated", reason="wrong_type", condition=condition, error=str(error))

    return None if config.error_mode == "propagate" else tell


def _holds(on_spans: Conditions, on_events: Conditions, raw: bytes, origin: Origin) -> bool:
    """Return whether a condition holds for a serialized span, which is decoded only where its bytes leave that open."""
    looks_at_span, looks_at_events = on_spans.may_hold(raw), on_events.may_hold(raw)
    if not (looks_at_span or looks_at_events):
        return False
    span = Span.FromString(raw)
    return (looks_at_span and on_spans.hold(Record(origin, span))) or (
        looks_at_events and _event_holds(on_events, origin, span)
    )


def _event_holds(on_events: Conditions, origin: Origin, span: ProtoMessage) -> bool:
    return any(on_events.hold(Record(origin, span, event, index)) for index, event in enumerate(span.events))
