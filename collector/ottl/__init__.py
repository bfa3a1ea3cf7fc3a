"""Conditions in the OpenTelemetry Transformation Language (OTTL), compiled into Python closures.

    checks = conditions("span", ['attributes["http.route"] == "/pay" and status.code == STATUS_CODE_ERROR'])
    for raw, span, origin in ...:
        if checks.may_hold(raw) and checks.hold(Record(origin, span)):
            ...

    events = conditions("spanevent", ['name == "exception"'], on_error=lambda text, error: ...)
    any(events.hold(Record(origin, span, event, index)) for index, event in enumerate(span.events))

A text that is no condition is a `ValueError` that says where and what was expected. A condition that cannot be
evaluated on some record (`EvaluationError`) is reported to `on_error`, or raised where there is none.

Text becomes tokens (`tokens`), a tree (`parser`, `syntax`) and closures (`compiler`) over the paths of a context
(`contexts`) and the `converters`, by OTTL's rules of comparison and arithmetic.

Specification: `pkg/ottl/LANGUAGE.md` of the OpenTelemetry Collector's contrib repository.
"""

from collector.ottl.conditions import Conditions, OnError, conditions
from collector.ottl.errors import EvaluationError
from collector.ottl.record import Record, Source

__all__ = ["Conditions", "EvaluationError", "OnError", "Record", "Source", "conditions"]
