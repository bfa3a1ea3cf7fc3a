"""The status of a span of version 1, which several conventions write as tags.

The first of these counts that is there: OpenCensus' code, OpenTelemetry's, an `error`, the status of HTTP.
"""

import re
from typing import Any

from collector.translate.zipkin import names
from collector.translate.zipkin.values import Scalar

_CENSUS_CODE = "census.status_code"
_CENSUS_MESSAGES = ("census.status_description", "opencensus.status_description")
_HTTP_MESSAGE = "http.status_message"
_UNSET, _OK, _ERROR = range(3)
_NUMBER = re.compile(r"-?[0-9]{1,10}")
_INT32 = range(-(2**31), 2**31)


def take_status(tags: dict[str, Scalar]) -> dict[str, Any]:
    """Return the status as protobuf's arguments, taking the tags out that say nothing else."""
    census_code, census_message = _number(tags.pop(_CENSUS_CODE, "")), _take_message(tags, *_CENSUS_MESSAGES)
    code, message = _code(tags.pop(names.STATUS_CODE, "")), _take_message(tags, names.STATUS_MESSAGE)
    failed = names.ERROR in tags
    if tags.get(names.ERROR) in (True, "true", ""):
        del tags[names.ERROR]
    http_code = _number(tags.get(names.HTTP_STATUSES[1], ""))
    if census_code is not None:
        return {"code": _ERROR if census_code else _OK, "message": census_message}
    if code is not None:
        return {"code": code, "message": message}
    if failed:
        return {"code": _ERROR, "message": census_message or message}
    if http_code is not None:
        http_message = tags.get(_HTTP_MESSAGE)
        return {
            "code": _UNSET if 100 <= http_code < 400 else _ERROR,
            "message": http_message if isinstance(http_message, str) else "",
        }
    return {}


def _take_message(tags: dict[str, Scalar], *keys: str) -> str:
    found = [tags.pop(key) for key in keys if key in tags]
    return next((value for value in reversed(found) if isinstance(value, str)), "")


def _code(value: Scalar) -> int | None:
    """Return the number of a status, written as a number, also one that OTLP does not know, or as a word."""
    number = _number(value)
    return names.status_code(value) if number is None and isinstance(value, str) else number


def _number(value: Scalar) -> int | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    return value if type(value) is int and value in _INT32 else None
