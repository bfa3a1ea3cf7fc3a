"""What a condition needs to find in an item's bytes before it can hold.

An attribute that is compared with something must be there, and where it is, its key stands in the serialized item. So a
search in the bytes can tell that a condition does not hold, without decoding anything. What is said here is exact: of a
condition whose needs are not met it is known that it is false and that its evaluation raises nothing.
"""

from collections.abc import Sequence

from collector.ottl.context import Context
from collector.ottl.syntax import And, Argument, Call, Comparison, Literal, Node, Not, Or, Path, Symbol

_ATTRIBUTES = frozenset({"item.attributes", "event.attributes"})
_TEXTS = frozenset({"item.name", "item.status.message", "event.name", "item.severity_text", "item.event_name"})


def needs_of(node: Node, context: Context) -> frozenset[bytes] | None:
    """Return byte strings of which one must occur in the item for the condition to hold or fail; None where unknown."""
    match node:
        case Comparison(Path() as path, sign, Literal(value=expected)):
            return _comparison(path, sign, expected, context)
        case Comparison(Literal(value=expected), sign, Path() as path):
            return _comparison(path, sign, expected, context)
        case Call(name="IsMatch", arguments=[Argument(Path() as path, ""), Argument(Literal(), "")], keys=()):
            return _key(path, context)
        case And():
            return _conjunction(node.operands, context)
        case Or():
            return union_of([needs_of(operand, context) for operand in node.operands])
    return None


def union_of(needs: Sequence[frozenset[bytes] | None]) -> frozenset[bytes] | None:
    """Return the needs of several conditions of which one must hold; None where one has none that are known."""
    known = [need for need in needs if need is not None]
    return frozenset().union(*known) if len(known) == len(needs) else None


def _conjunction(operands: tuple[Node, ...], context: Context) -> frozenset[bytes] | None:
    """Return what the first operand with needs has, unless one before it, which is evaluated anyway, may fail."""
    for operand in operands:
        needs = needs_of(operand, context)
        if needs is not None or not _never_fails(operand, context):
            return needs
    return None


def _never_fails(node: Node, context: Context) -> bool:
    match node:
        case Comparison():
            return _never_fails(node.left, context) and _never_fails(node.right, context)
        case Not():
            return _never_fails(node.operand, context)
        case Path():
            field = context.find(node.names)
            return field is not None and (not node.keys or (field.lookup is not None and len(node.keys) == 1))
        case Call():
            return node.name in context.calls and not node.keys
    return isinstance(node, Literal | Symbol)


def _comparison(path: Path, sign: str, expected: object, context: Context) -> frozenset[bytes] | None:
    if expected is None:
        return _key(path, context) if sign == "!=" else None
    if sign == "!=":
        return None
    if (key := _key(path, context)) is not None:
        return key
    field = context.find(path.names)
    is_text = field is not None and field.place in _TEXTS and not path.keys and sign == "=="
    return frozenset({expected.encode()}) if is_text and isinstance(expected, str) else None


def _key(node: Node, context: Context) -> frozenset[bytes] | None:
    """Return the key of an attribute of the item itself or of its event, where the node is one."""
    match node:
        case Path(keys=[Literal(value=str() as key), *_]):
            field = context.find(node.names)
            if field is not None and field.place in _ATTRIBUTES:
                return frozenset({key.encode()})
    return None
