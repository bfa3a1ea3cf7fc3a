"""Thrift's binary and compact protocol, read step by step where a whole struct would be too much, and written.

It stands beside `collector.translate.thrift`, which declares structs.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocolAccelerated
from thrift.Thrift import TException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from collector.translate.thrift import FieldType, ThriftStruct

Protocol: TypeAlias = Literal["binary", "compact"]
# What the library reads from: its position moves with each value.
Reader: TypeAlias = Any

DOUBLE: FieldType = (TType.DOUBLE, None)

_PROTOCOLS = {"binary": TBinaryProtocolAccelerated, "compact": TCompactProtocolAccelerated}


class Room(threading.local):
    """How many structs the library may still make on this thread."""

    left = 0


def bounded(struct: ThriftStruct, room: Room) -> ThriftStruct:
    """Return a struct, to be declared inside of others, that takes room when it is read.

    The library bounds each list by itself; of lists in lists, a few bytes each, only the sum tells how much it makes.
    """

    def take_room(_self: ThriftStruct) -> None:
        if room.left <= 0:
            raise ValueError("it has too many members")
        room.left -= 1

    return type(struct.__name__, (struct,), {"__init__": take_room})


def open_reader(payload: bytes, protocol: Protocol) -> Reader:
    """Return a reader at the begin of a payload. Use it inside of `reading`."""
    # No list has more members than there are bytes, so that one which announces more is not waited for.
    return _PROTOCOLS[protocol](
        TMemoryBuffer(payload),
        string_length_limit=len(payload),
        container_length_limit=len(payload),
        fallback=False,
    )


@contextmanager
def reading() -> Iterator[None]:
    """Make one error of all that the library raises on bad input.

    Raises:
        ValueError: the payload is not what is read; the message is for whoever sent it.

    """
    try:
        yield
    # Besides its own errors: the end of the payload, sizes beyond the limits or negative, types that there are not, and
    # what the compact protocol asserts of the order of its parts.
    except (TException, EOFError, OverflowError, TypeError, ValueError, LookupError, AssertionError) as error:
        raise ValueError(f"not valid Thrift: {str(error) or 'it ends too early'}") from None


def enter_call(reader: Reader, name: str) -> None:
    """Read up to the first argument, a struct, of a call of this name."""
    called, kind, _ = reader.readMessageBegin()
    if called != name or kind not in (TMessageType.CALL, TMessageType.ONEWAY):
        raise ValueError(f"expected a call of {name}, not of {called[:50]}")
    reader.readStructBegin()
    if next_field(reader) != (1, TType.STRUCT):
        raise ValueError(f"expected a struct as the argument of {name}")


def next_field(reader: Reader) -> tuple[int, int]:
    """Return the number and the type of a struct's next field; the type is `TType.STOP` behind the last."""
    _, kind, number = reader.readFieldBegin()
    return number, kind


def read_struct(reader: Reader, struct: ThriftStruct) -> ThriftStruct:
    """Return the struct that comes next."""
    found = struct()
    found.read(reader)
    return found


def write(struct: ThriftStruct, protocol: Protocol = "binary") -> bytes:
    """Return a serialized struct."""
    buffer = TMemoryBuffer()
    struct.write(_PROTOCOLS[protocol](buffer, fallback=False))
    payload: bytes = buffer.getvalue()
    return payload
