"""The status of a span, which Jaeger's clients write as tags: an `error`, OpenTelemetry's own, or what HTTP answered."""

import re
from typing import Any

from collector.translate.jaeger import names
from collector.translate.jaeger.model import Tags, Value

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def take_status(tags: Tags, kind: int) -> dict[str, Any]:
    """Return the status as protobuf's arguments, taking the tags out that say nothing else."""
    code = _code(tags.get(names.STATUS_CODE))
    if code is not None:
        del tags[names.STATUS_CODE]
    if tags.get(names.ERROR) is True:
        del tags[names.ERROR]
        message = _take_text(tags, names.STATUS_MESSAGE)
        return {"code": names.ERRED, "message": _text(tags, names.HTTP_MESSAGE) if message is None else message}
    if code is not None:
        return {"code": code, "message": _take_text(tags, names.STATUS_MESSAGE) or ""}
    if names.STATUS_CODE not in tags and _is_http_error(tags, kind):
        return {"code": names.ERRED, "message": _text(tags, names.HTTP_MESSAGE)}
    return {}


def _code(value: Value | None) -> int | None:
    """Return OTLP's number of a status; None for what is none, which stays a tag."""
    word = value.upper() if isinstance(value, str) else ""
    return names.STATUSES.index(word) if word and word in names.STATUSES else None


def _text(tags: Tags, key: str) -> str:
    value = tags.get(key)
    return value if isinstance(value, str) else ""


def _take_text(tags: Tags, key: str) -> str | None:
    value = tags.get(key)
    if not isinstance(value, str):
        return None
    del tags[key]
    return value


def _is_http_error(tags: Tags, kind: int) -> bool:
    status = next((number for key in names.HTTP_STATUSES if (number := _number(tags.get(key))) is not None), None)
    if status is None or 100 <= status < 400:
        return False
    # That a client asked for what there is not is no failure of the server.
    return not (400 <= status < 500 and kind == names.SERVER)


def _number(value: Value | None) -> int | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    return value if type(value) is int else None
