import struct

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from collector.translate import thrift

Inner = thrift.declare("Inner", text=(1, thrift.TEXT), raw=(2, thrift.BINARY))
Outer = thrift.declare(
    "Outer", number=(1, thrift.I64), inner=(3, thrift.struct_of(Inner)), inners=(6, thrift.list_of(Inner))
)


def header(count, kind=12):
    return bytes([kind]) + struct.pack(">i", count)


def written(*members):
    """Return a list of structs as Thrift's own writer has it."""
    buffer = TMemoryBuffer()
    for member in members:
        member.write(TBinaryProtocol(buffer))
    return header(len(members)) + buffer.getvalue()


def made(struct_type, **fields):
    member = struct_type()
    for name, value in fields.items():
        setattr(member, name, value)
    return member


def read(payload, most=100):
    return list(thrift.read_list(payload, Outer, most))


def test_structs_come_back():
    inner = made(Inner, text="ü", raw=b"\xff\x00")
    (found, empty) = read(written(made(Outer, number=-5, inner=inner, inners=[inner, made(Inner)]), made(Outer)))
    assert (-5, "ü", b"\xff\x00") == (found.number, found.inner.text, found.inner.raw)
    assert [("ü", b"\xff\x00"), (None, None)] == [(member.text, member.raw) for member in found.inners]
    assert (None, None, None) == (empty.number, empty.inner, empty.inners)


def test_instances_share_nothing():
    first, second = read(written(made(Outer, number=1), made(Outer)))
    assert (1, None) == (first.number, second.number)


def test_unknown_fields_and_other_types_are_skipped():
    """As Thrift has it: who reads an older IDL, or one with another type for a field, reads the rest."""
    unknown = b"\x0b\x00\x63" + struct.pack(">i", 2) + b"ab"
    other_type = b"\x0b\x00\x01" + struct.pack(">i", 2) + b"ab"
    (found,) = read(header(1) + unknown + other_type + b"\x0a\x00\x01" + struct.pack(">q", 7) + b"\0")
    assert 7 == found.number


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "ends too early"),
        (header(1), "ends too early"),
        (header(2**31 - 1), "ends too early"),
        (header(2) + b"\0", "after 1 structs: it ends too early"),
        (header(-1), "expected a list of structs"),
        (header(1, kind=8) + b"\0\0\0\0", "expected a list of structs"),
        (header(1) + b"\x0b\x00\x63" + struct.pack(">i", -1), "negative length"),
        (header(1) + b"\x0b\x00\x63" + struct.pack(">i", 2**31 - 1), "ends too early"),
        (header(1) + b"\x0c\x00\x03\x0b\x00\x01" + struct.pack(">i", 2**31 - 1), "size exceeded"),
        (header(1) + b"\x0f\x00\x06\x0c" + struct.pack(">i", 101) + bytes(200), "size exceeded"),
        (header(1) + b"\x0f\x00\x06\x0c" + struct.pack(">i", -1), "negative length"),
        (header(1) + b"\x63\x00\x01", "Unexpected TType"),
        (header(1) + b"\x0c\x00\x63" * 1_000_000, "recursion depth"),
        (header(1) + b"\x0f\x00\x63" + b"\x0f\x00\x00\x00\x01" * 1_000_000, "recursion depth"),
    ],
)
def test_hostile_input(payload, message):
    """What is announced and not there, negative, too large or too deep is refused without being built."""
    with pytest.raises(ValueError, match=f"not valid Thrift.*{message}"):
        read(payload)


def test_a_list_is_never_held_as_a_whole():
    """Twenty million structs in as many bytes would be gigabytes of objects."""
    members = thrift.read_list(header(20_000_000) + bytes(20_000_000), Outer, 100)
    assert [None, None, None] == [next(members).number for _ in range(3)]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_every_truncation_is_an_error(cut):
    payload = written(made(Outer, number=1, inner=made(Inner, text="some text")), made(Outer, number=2))
    with pytest.raises(ValueError, match="not valid Thrift"):
        read(payload[:-cut])
