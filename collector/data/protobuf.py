"""Protobuf messages declared in tables, with the numbers of a published definition, as `collector.data.shell` does."""

from collections.abc import Mapping
from typing import TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collector.data.messages import ProtoMessage

_Field = descriptor_pb2.FieldDescriptorProto
# The fields of a message: number and type, a scalar's name or a message's, with a star for a list.
Fields: TypeAlias = Mapping[str, tuple[int, str]]


def declare(package: str, messages: Mapping[str, Fields]) -> dict[str, ProtoMessage]:
    """Return the classes of messages by their names.

    An enum is declared as `int32`, which is encoded alike. A map is a list of pairs: of a message `Outer.Pair`, declared
    behind `Outer`.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    declared: dict[str, descriptor_pb2.DescriptorProto] = {}
    for name, fields in messages.items():
        outer, _, own = name.rpartition(".")
        message = declared[outer].nested_type.add(name=own) if outer else file.message_type.add(name=own)
        declared[name] = message
        if outer:
            message.options.map_entry = True
        for field_name, (number, kind) in fields.items():
            label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            kind = kind.removesuffix("*")  # noqa: PLW2901 - the star is said
            if kind in messages:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
