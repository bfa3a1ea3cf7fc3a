"""Thrift structs, declared here with the numbers of a published IDL and decoded by Apache Thrift in C.

What comes from the network is bounded: a list is read struct by struct, so that a large one is never held as objects
and other threads run meanwhile; inside of a struct, lists have a limit of members and texts at most as many
bytes as came; the library ends nesting at 64 levels. docs/decisions/0015-zipkin-and-thrift.md has the figures.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from thrift.protocol.TBase import TBase
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TException, TType
from thrift.transport.TTransport import TMemoryBuffer

# Structs carry their fields dynamically, as protobuf's messages do.
ThriftStruct: TypeAlias = Any
FieldType: TypeAlias = tuple[int, Any]

BOOL: FieldType = (TType.BOOL, None)
I16: FieldType = (TType.I16, None)
I32: FieldType = (TType.I32, None)
I64: FieldType = (TType.I64, None)
TEXT: FieldType = (TType.STRING, "UTF8")
BINARY: FieldType = (TType.STRING, "BINARY")


def declare(name: str, /, **fields: tuple[int, FieldType]) -> ThriftStruct:
    """Return the class of a struct by its fields' names, with their numbers and types; what is missing is None."""
    specification: list[Any] = [None] * (1 + max(number for number, _ in fields.values()))
    for field, (number, (kind, details)) in fields.items():
        specification[number] = (number, kind, field, details, None)
    defaults = dict.fromkeys(fields)
    # Class attributes stand for fields that did not come; the decoder sets those that did.
    return type(name, (TBase,), {**defaults, "thrift_spec": tuple(specification)})


def struct_of(struct: ThriftStruct) -> FieldType:
    """Return the type of a field that holds a struct."""
    return (TType.STRUCT, [struct, struct.thrift_spec])


def list_of(struct: ThriftStruct) -> FieldType:
    """Return the type of a field that holds a list of structs."""
    return (TType.LIST, (*struct_of(struct), False))


def read_list(payload: bytes, struct: ThriftStruct, most: int) -> Iterator[ThriftStruct]:
    """Yield the structs of a list in Thrift's binary protocol; lists inside of one have `most` members at most.

    Raises:
        ValueError: the payload is none, or too large inside; the message is for whoever sent it.

    """
    protocol = TBinaryProtocolAccelerated(
        TMemoryBuffer(payload),
        string_length_limit=len(payload),
        container_length_limit=most,
        fallback=False,
    )
    done = 0
    try:
        for _ in range(_length_of_list(protocol)):
            member = struct()
            member.read(protocol)
            yield member
            done += 1
    # What the library raises on bad input, besides its own errors: the end of the payload, sizes beyond the limits or
    # negative, and types that there are not.
    except (TException, EOFError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"not valid Thrift after {done} structs: {str(error) or 'it ends too early'}") from None


def _length_of_list(protocol: TBinaryProtocolAccelerated) -> int:
    kind, length = protocol.readByte(), protocol.readI32()
    if kind != TType.STRUCT or length < 0:
        raise ValueError("expected a list of structs")
    return int(length)
