"""OTLP/JSON to OTLP bytes and back.

The encoding is proto3's JSON with OTLP's changes (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
trace and span ids are hexadecimal, enums are integers. Decoding is lenient where the specification or the JSON of other
languages asks for it: unknown fields are ignored, 64-bit integers may be numbers or strings, enums may be names, field
names may be the original ones, null is the same as a missing field.

Each message type has a table of its fields, made once from its descriptor. Reading makes plain dicts of field names
and checked values, from which protobuf builds the whole request in C; that is several times as fast as
`google.protobuf.json_format`, and an error can name the place that it is about.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import EncodeError

from collector.data.messages import REQUESTS, DecodeError, ProtoMessage
from collector.data.signal import Signal

_Convert = Callable[[Any], Any]

_ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT32, _UINT32 = (-(2**31), 2**31 - 1), (0, 2**32 - 1)
_INT64, _UINT64 = (-(2**63), 2**63 - 1), (0, 2**64 - 1)
_RANGES = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}
_IN_64_BITS = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


class _FieldError(ValueError):
    """A value is not what its field holds; each level on the way out adds its part of the path."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = ""

    def inside(self, part: str) -> "_FieldError":
        """Return the error seen from one level further out."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{part}{separator}{self.path}"
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def decode(signal: Signal, text: bytes) -> bytes:
    """Return the serialized export request that a JSON text (UTF-8) spells.

    Raises:
        ValueError: the text is no JSON, or no request of this signal, or nested deeper than protobuf allows. The
            message is for the sender and names the place, such as `resourceSpans[0].scopeSpans[0].spans[2].traceId`.

    """
    request = REQUESTS[signal]
    try:
        fields = _message_reader(request.DESCRIPTOR)(_parse(text))
        payload: bytes = request(**fields).SerializeToString()
        # Protobuf writes what is nested too deeply for it to read; to find out here is cheap.
        request.FromString(payload)
    except (RecursionError, EncodeError, DecodeError):
        raise ValueError("the JSON is nested too deeply") from None
    return payload


def encode(signal: Signal, payload: bytes) -> bytes:
    """Return a serialized export request as one line of compact JSON (UTF-8).

    Fields with their default value and fields that this version of OTLP does not know are left out.

    Raises:
        ValueError: the payload is not a serialized request.

    """
    request = REQUESTS[signal]
    try:
        message = request.FromString(payload)
    except DecodeError as error:
        raise ValueError(f"not an OTLP export request: {error}") from None
    fields = _message_writer(request.DESCRIPTOR)(message)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f"not valid JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} must be written as the string "{name}"')


# --- JSON values to field values ---------------------------------------------------------------------------------


@cache
def _message_reader(descriptor: Descriptor) -> _Convert:
    fields: dict[str, tuple[str, _Convert]] | None = None

    def read(value: Any) -> dict[str, Any]:
        nonlocal fields
        if fields is None:  # at the first call and not before: message types contain each other
            fields = _readers_by_key(descriptor)
        if not isinstance(value, dict):
            raise _unexpected("an object", value)
        result = {}
        key = ""
        try:
            for key, member in value.items():
                if key in fields and member is not None:
                    name, convert = fields[key]
                    result[name] = convert(member)
        except _FieldError as error:
            raise error.inside(key) from None
        return result

    return read


def _readers_by_key(descriptor: Descriptor) -> dict[str, tuple[str, _Convert]]:
    fields = {}
    for field in descriptor.fields:
        convert = _scalar_reader(field) if field.message_type is None else _message_reader(field.message_type)
        fields[field.name] = fields[field.json_name] = (
            field.name,
            _list_reader(convert) if field.is_repeated else convert,
        )
    return fields


def _list_reader(convert: _Convert) -> _Convert:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _unexpected("an array", value)
        result: list[Any] = []
        try:
            for member in value:
                result.append(convert(member))  # noqa: PERF401 - the length is the index of what failed
        except _FieldError as error:
            raise error.inside(f"[{len(result)}]") from None
        return result

    return read


def _scalar_reader(field: FieldDescriptor) -> _Convert:
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _id_reader(_ID_BYTES[field.name]) if field.name in _ID_BYTES else _read_base64
    if field.type in _RANGES:
        return _integer_reader(*_RANGES[field.type])
    return {
        FieldDescriptor.TYPE_STRING: _read_string,
        FieldDescriptor.TYPE_BOOL: _read_bool,
        FieldDescriptor.TYPE_DOUBLE: _read_double,
    }[field.type]


def _read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise _unexpected("a string", value)
    if value.isascii():
        return value
    # Half of a surrogate pair, as of a string that JavaScript cut, has no place in UTF-8.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unexpected("true or false", value)
    return value


def _read_double(value: Any) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if isinstance(value, str):
        valid = _NUMBER.fullmatch(value) is not None
    else:
        valid = isinstance(value, int | float) and not isinstance(value, bool)
    if not valid:
        raise _unexpected("a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise _FieldError(f"{_shown(value)} does not fit into a double")
    return number


def _integer_reader(lowest: int, highest: int) -> _Convert:
    def read(value: Any) -> int:
        if isinstance(value, str):
            valid = _INTEGER.fullmatch(value) is not None
        else:  # as a float: some writers spell large integers 1.5e+18
            valid = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
        if not valid:
            raise _unexpected("an integer", value)
        number = int(value)
        if not lowest <= number <= highest:
            raise _FieldError(f"{_shown(value)} is not between {lowest} and {highest}")
        return number

    return read


def _enum_reader(enum: EnumDescriptor) -> _Convert:
    numbers = {name: value.number for name, value in enum.values_by_name.items()}
    read_integer = _integer_reader(*_INT32)

    def read(value: Any) -> int:
        number: int = numbers[value] if isinstance(value, str) and value in numbers else read_integer(value)
        return number

    return read


def _id_reader(size: int) -> _Convert:
    def read(value: Any) -> bytes:
        if not isinstance(value, str):
            raise _unexpected("a string", value)
        try:
            identifier = binascii.unhexlify(value)
        except ValueError:
            raise _unexpected("hexadecimal digits", value) from None
        if len(identifier) not in (0, size):
            raise _FieldError(f"expected {2 * size} hexadecimal digits, not {len(value)}")
        return identifier

    return read


def _read_base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _unexpected("base64 in a string", value)
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise _unexpected("base64", value) from None


def _unexpected(expected: str, value: Any) -> _FieldError:
    return _FieldError(f"expected {expected}, not {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = json.dumps(value)
    return text if len(text) <= 50 else f"{text[:50]}..."


# --- field values to JSON values ---------------------------------------------------------------------------------


@cache
def _message_writer(descriptor: Descriptor) -> _Convert:
    fields: dict[str, tuple[str, _Convert]] | None = None

    def write(message: ProtoMessage) -> dict[str, Any]:
        nonlocal fields
        if fields is None:
            fields = _writers_by_name(descriptor)
        result = {}
        for field, value in message.ListFields():
            key, convert = fields[field.name]
            result[key] = convert(value)
        return result

    return write


def _writers_by_name(descriptor: Descriptor) -> dict[str, tuple[str, _Convert]]:
    fields = {}
    for field in descriptor.fields:
        convert = _scalar_writer(field) if field.message_type is None else _message_writer(field.message_type)
        fields[field.name] = (field.json_name, _list_writer(convert) if field.is_repeated else convert)
    return fields


def _list_writer(convert: _Convert) -> _Convert:
    return lambda values: [convert(value) for value in values]


def _scalar_writer(field: FieldDescriptor) -> _Convert:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if field.name in _ID_BYTES else _write_base64
    if field.cpp_type in _IN_64_BITS:
        return str
    return _write_double if field.type == FieldDescriptor.TYPE_DOUBLE else _write_as_it_is


def _write_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _write_double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _write_as_it_is(value: Any) -> Any:
    return value
