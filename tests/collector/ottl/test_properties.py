"""Properties of all of OTTL: writing and reading, evaluation beside a plain model, and texts of any kind."""

import operator
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import set_attribute
from collector.data.messages import Span
from collector.ottl import EvaluationError, Record, conditions
from collector.ottl.compiler import compile_condition
from collector.ottl.contexts import CONTEXTS
from collector.ottl.needs import needs_of
from collector.ottl.parser import parse_condition
from collector.ottl.syntax import (
    And,
    Argument,
    Arithmetic,
    Call,
    Comparison,
    ListOf,
    Literal,
    MapOf,
    Negative,
    Not,
    Or,
    Path,
    Symbol,
)

SIGNS = ("==", "!=", "<", "<=", ">", ">=")
KEYS = ("a", "b", "c", "d")

numbers = st.integers(0, 2**63 - 1) | st.integers(0, 20) | st.floats(0, allow_infinity=False, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
literals = st.builds(Literal, numbers | texts | st.booleans() | st.none() | st.binary(min_size=1, max_size=8))
names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in {"and", "or", "not", "true", "false", "nil"}
)
upper_names = st.from_regex(r"[A-Z][A-Za-z0-9]{0,5}", fullmatch=True)
keys = st.lists(st.builds(Literal, texts | st.integers(0, 9)), max_size=2).map(tuple)
paths = st.builds(Path, st.lists(names, min_size=1, max_size=3).map(tuple), keys)
atoms = literals | paths | st.builds(Symbol, upper_names)


def composed(values):
    """Return values that are made of values."""
    members = st.lists(values, max_size=3).map(tuple)
    operands = paths | st.builds(Literal, numbers) | values.filter(lambda node: isinstance(node, Arithmetic | Call))
    arguments = st.lists(st.builds(Argument, values), max_size=2).map(tuple)
    return (
        st.builds(ListOf, members)
        | st.builds(MapOf, st.lists(st.tuples(texts, values), max_size=3).map(tuple))
        | st.builds(Call, upper_names, arguments, keys)
        | st.builds(Negative, paths | operands.filter(lambda node: not isinstance(node, Literal)))
        | st.builds(Arithmetic, operands, multiplied(operands))
        | st.builds(Arithmetic, operands, added(operands))
    )


def multiplied(operands):
    return st.lists(st.tuples(st.sampled_from("*/"), operands), min_size=1, max_size=3).map(tuple)


def added(operands):
    return st.lists(st.tuples(st.sampled_from("+-"), operands), min_size=1, max_size=3).map(tuple)


def combined(tests):
    """Return conditions that are made of conditions."""
    several = st.lists(tests, min_size=2, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, tests)


values = st.recursive(atoms, composed, max_leaves=8)
comparisons = st.builds(Comparison, values, st.sampled_from(SIGNS), values)
trees = st.recursive(
    comparisons | st.builds(Literal, st.booleans()) | st.builds(Call, upper_names), combined, max_leaves=6
)


@given(trees)
def test_written_and_read(tree):
    """A tree that is written and read again is the same tree, and written the same way."""
    again = parse_condition(str(tree))
    assert tree == again
    assert str(tree) == str(again)  # which tells 1 and 1.0 and true apart


# Conditions that can be evaluated: on attributes that may be there, numbers and texts.

attribute_values = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["", "a", "b"])
attributes = st.dictionaries(st.sampled_from(KEYS), attribute_values)
lookups = st.builds(Path, st.just(("attributes",)), st.sampled_from(KEYS).map(lambda key: (Literal(key),)))
constants = st.builds(Literal, st.integers(0, 5) | st.floats(0, 5) | st.sampled_from(["", "a", None, True, False]))
numeric = lookups | st.builds(Literal, st.integers(0, 5))
calculations = st.recursive(
    numeric,
    lambda inner: st.builds(Arithmetic, inner, added(inner)) | st.builds(Arithmetic, inner, multiplied(inner)),
    max_leaves=4,
)
operands = lookups | constants | calculations
checks = st.builds(Comparison, operands, st.sampled_from(SIGNS), operands)
conditions_on_attributes = st.recursive(checks, combined, max_leaves=5)

CALCULATE = {"+": operator.add, "-": operator.sub, "*": operator.mul}
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def model(node, given):  # noqa: PLR0911 - a case for each kind of node
    """Return the value of a node as its rules say in the plainest words; raise ArithmeticError where it has none."""
    match node:
        case Literal():
            return node.value
        case Path():
            return given.get(node.keys[0].value)
        case Arithmetic():
            value = model(node.first, given)
            for sign, operand in node.rest:
                value = calculated(value, sign, model(operand, given))
            return value
        case Comparison():
            return compared(model(node.left, given), node.operator, model(node.right, given))
        case Not():
            return not model(node.operand, given)
        case And():
            return all(model(operand, given) for operand in node.operands)
        case Or():
            return any(model(operand, given) for operand in node.operands)
    raise TypeError(node)


def calculated(left, sign, right):
    if not (is_number(left) and is_number(right)) or (sign == "/" and right == 0):
        raise ArithmeticError
    if sign != "/":
        return CALCULATE[sign](left, right)
    return int(left / right) if isinstance(left, int) and isinstance(right, int) else left / right


def compared(left, sign, right):
    comparable = type(left) is type(right) or (is_number(left) and is_number(right))
    if not comparable:
        return sign == "!="
    if sign in ("==", "!="):
        return (left == right) == (sign == "==")
    return sign in ("<=", ">=") if left is None else COMPARE[sign](left, right)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def span_with(given):
    span = Span()
    for key, value in given.items():
        set_attribute(span.attributes, key, value)
    return span


def outcome(evaluate):
    """Return what an evaluation gives, or "error"."""
    try:
        return evaluate()
    except (ArithmeticError, EvaluationError):
        return "error"


@given(conditions_on_attributes, attributes)
def test_evaluation(tree, given):
    """Compiled conditions give what the model gives, errors included.

    Except that a constant may settle the outcome of a condition before a part of it fails.
    """
    test, span = compile_condition(tree, CONTEXTS["span"]), span_with(given)
    expected = outcome(lambda: model(tree, given))
    found = outcome(lambda: test(Record(SimpleNamespace(), span)))
    assert expected == found or (expected == "error" and has_constants(tree))


def has_constants(node):
    match node:
        case Comparison():
            return not any(isinstance(part, Path) or "attributes" in str(part) for part in (node.left, node.right))
        case Not():
            return has_constants(node.operand)
        case And() | Or():
            return any(map(has_constants, node.operands))
    return False


@given(conditions_on_attributes, attributes)
def test_needs(tree, given):
    """Where nothing that a condition needs is in the bytes, it does not hold and does not fail."""
    needs, span = needs_of(tree, CONTEXTS["span"]), span_with(given)
    raw = span.SerializeToString()
    if needs is not None and not any(need in raw for need in needs):
        test = compile_condition(tree, CONTEXTS["span"])
        assert outcome(lambda: test(Record(SimpleNamespace(), span))) is False


WORDS = """and or not true nil ( ) [ ] { } , . : = == != < >= + - * / "a" "\\" 1 1.5 0x0a name attributes ["a"] kind
SPAN_KIND_SERVER IsMatch Len Concat Duration Substring ParseJSON IsRootSpan trace_id status.code events"""
words = st.lists(st.sampled_from(WORDS.split()), max_size=12)


@pytest.mark.parametrize("context", ["span", "log"])
@given(st.text(max_size=40) | words.map(" ".join) | words.map("".join))
def test_any_text(context, text):
    """Any text is a condition or a ValueError, and any condition holds, does not hold or fails."""
    try:
        checks = conditions(context, [text], on_error=lambda *_: None)
    except ValueError:
        return
    if context == "span":
        assert checks.hold(Record(SimpleNamespace(), span_with({"a": 1}))) in (True, False)
