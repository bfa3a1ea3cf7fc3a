"""What parameters take. Each name here annotates a parameter of a converter."""

import ipaddress
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, TypeAlias, TypeVar

from collector.ottl.converters.declaration import Written
from collector.ottl.errors import EvaluationError
from collector.ottl.values import Duration, Id, OttlValue, Time, kind_of, name_of, text_of
from collector.processing.patterns import PatternSet, compile_patterns
from collector.processing.values import as_double, as_integer

T = TypeVar("T")
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]*")
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def _only(kind: type[T]) -> Callable[[OttlValue], T]:
    """Return the conversion that takes values of one type only."""

    def check(value: OttlValue) -> T:
        if type(value) is not kind:
            raise EvaluationError(f"expected {name_of(kind)}, got {kind_of(value)}")
        return value

    return check


_text = _only(str)
_list = _only(list)


def _texts(value: OttlValue) -> list[str | None]:
    return [] if value is None else list(map(text_of, _list(value)))


@lru_cache(16)  # a pattern that telemetry brings may need megabytes
def _compiled(text: str) -> PatternSet:
    try:
        return compile_patterns([text])  # a set of one answers sooner than the pattern itself
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def _pattern(value: OttlValue) -> PatternSet:
    return _compiled(_text(value))


def _networks(value: OttlValue) -> list[Network]:
    return [_network(_text(member)) for member in _list(value)]


def _network(text: str) -> Network:
    try:
        if text.partition("/")[2].isdecimal():
            return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    raise EvaluationError(f'"{text[:80]}" is no network: write it like 10.0.0.0/8')


def _case(value: OttlValue) -> str:
    if value not in ("lower", "upper"):
        raise EvaluationError(f'unknown case "{value}": known are lower and upper')
    return str(value)


def _trace_id(value: OttlValue) -> Id:
    return _id(value, 16)


def _span_id(value: OttlValue) -> Id:
    return _id(value, 8)


def _id(value: OttlValue, size: int) -> Id:
    """Return the id of so many bytes, or of twice as many hexadecimal digits."""
    raw = _bytes_like(value)
    if len(raw) == size:
        return Id(raw)
    if len(raw) == 2 * size and _HEXADECIMAL.fullmatch(raw):
        return Id(bytes.fromhex(raw.decode()))
    raise EvaluationError(f"an id has {size} bytes or {2 * size} hexadecimal digits, not {len(raw)} other ones")


def _bytes_like(value: OttlValue) -> bytes:
    """Return the bytes of a value, those of numbers in big-endian order; none for nil."""
    match value:
        case None:
            return b""
        case bytes():
            return value
        case str():
            return value.encode()
        case bool():
            return struct.pack(">?", value)
        case int():
            return struct.pack(">q", value)
        case float():
            return struct.pack(">d", value)
    raise EvaluationError(f"expected bytes or a text, got {kind_of(value)}")


def _integer_like(value: OttlValue) -> int | None:
    if value is None:
        return None
    number = as_integer(value)
    if number is None:
        raise EvaluationError(f"there is no integer in {kind_of(value)}")
    return number


def _double_like(value: OttlValue) -> float | None:
    if value is None:
        return None
    number = as_double(value)
    if number is None:
        raise EvaluationError(f"there is no number in {kind_of(value)}")
    return number


def _boolean_like(value: OttlValue) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if not isinstance(value, str) or value not in _BOOLEANS:
        raise EvaluationError(f"there is no boolean in {kind_of(value)}")
    return _BOOLEANS[value]


def _anything(value: OttlValue) -> OttlValue:
    return value


Anything = Annotated[OttlValue, _anything]
WrittenBoolean = Annotated[bool, _only(bool), Written]
Integer = Annotated[int, _only(int)]
# Nil stays nil; texts are parsed.
BooleanLike = Annotated[bool | None, _boolean_like]
DoubleLike = Annotated[float | None, _double_like]
IntegerLike = Annotated[int | None, _integer_like]
Text = Annotated[str, _text]
BytesLike = Annotated[bytes, _bytes_like]
WrittenText = Annotated[str, _text, Written]
# Any value as a text; None for nil.
TextLike = Annotated[str | None, text_of]
TextLikes = Annotated[list[str | None], _texts]
Items = Annotated[list[OttlValue], _list]
Members = Annotated[dict[str, OttlValue], _only(dict)]
Moment = Annotated[Time, _only(Time)]
Period = Annotated[Duration, _only(Duration)]
RegularExpression = Annotated[PatternSet, _pattern]
Networks = Annotated[list[Network], _networks]
Case = Annotated[str, _case, Written]
TraceIdentifier = Annotated[Id, _trace_id]
SpanIdentifier = Annotated[Id, _span_id]
