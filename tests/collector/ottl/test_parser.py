import pytest

from collector.ottl.errors import OttlError
from collector.ottl.parser import DEEPEST, parse_condition
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

A, B, C = (Comparison(Path((name,)), "==", Literal(1)) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a == 1 or b == 1 and c == 1", Or((A, And((B, C))))),
        ("(a == 1 or b == 1) and c == 1", And((Or((A, B)), C))),
        ("not a == 1 and b == 1", And((Not(A), B))),
        ("not (a == 1 and b == 1)", Not(And((A, B)))),
        ("a==1or b==1", Or((A, B))),
        ("true and Is()", And((Literal(True), Call("Is")))),
    ],
)
def test_precedence_of_conditions(text, tree):
    """`not` binds tighter than `and`, and `and` tighter than `or`."""
    assert tree == parse_condition(text)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", Arithmetic(Literal(1), (("+", Arithmetic(Literal(2), (("*", Literal(3)),))),))),
        ("(1 + 2) * 3", Arithmetic(Arithmetic(Literal(1), (("+", Literal(2)),)), (("*", Literal(3)),))),
        ("1 - 2 - 3", Arithmetic(Literal(1), (("-", Literal(2)), ("-", Literal(3))))),
        ("1 -2", Arithmetic(Literal(1), (("-", Literal(2)),))),
        ("-2", Literal(-2)),
        ("+2.5", Literal(2.5)),
        ("-a.b", Negative(Path(("a", "b")))),
        ("-(1 + 2)", Negative(Arithmetic(Literal(1), (("+", Literal(2)),)))),
        ("0x0aFF", Literal(b"\n\xff")),
        ("nil", Literal(None)),
        ("STATUS_CODE_OK", Symbol("STATUS_CODE_OK")),
        ('[1, ["a"]]', ListOf((Literal(1), ListOf((Literal("a"),))))),
        ("[]", ListOf(())),
        ('{"a": 1, "b": {}}', MapOf((("a", Literal(1)), ("b", MapOf(()))))),
        ('{"a": 1 "b": 2}', MapOf((("a", Literal(1)), ("b", Literal(2))))),
        ('a.b["k"][0]', Path(("a", "b"), (Literal("k"), Literal(0)))),
        ('a[Up("x")]', Path(("a",), (Call("Up", (Argument(Literal("x")),)),))),
        (
            'Split(a, sep = ",")[1]',
            Call("Split", (Argument(Path(("a",))), Argument(Literal(","), "sep")), (Literal(1),)),
        ),
        ("Is(a == 1)", None),
    ],
)
def test_values(text, tree):
    """Literals, paths, calls and arithmetic are values."""
    if tree is None:
        with pytest.raises(OttlError, match='expected "," or "\\)", got "=="'):
            parse_condition(f"x == {text}")
    else:
        assert Comparison(Path(("x",)), "==", tree) == parse_condition(f"x == {text}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a value or a condition, got the end at character 1"),
        ("a = 1", 'expected an operator such as "==", got "=" at character 3; write == to compare'),
        ("a == 1 b", 'expected "and", "or" or the end, got "b" at character 8'),
        ("a == 1 == 1", 'expected "and", "or" or the end, got "==" at character 8'),
        ("a", "a is no condition at character 1; compare it: a != nil"),
        ('a["k"] and true', 'a\\["k"\\] is no condition at character 1'),
        ("true and", "expected a value or a condition, got the end at character 9"),
        ("not not true", 'expected a value or a condition, got "not" at character 5'),
        ("(a == 1", 'expected "\\)", got the end at character 8'),
        ("()", 'expected a value or a condition, got "\\)"'),
        ("a == (b == 1)", "the condition \\(b == 1\\) stands where a value is expected at character 7"),
        ('a + "b" == 1', '"\\+" takes numbers, times and durations, not "b" at character 3'),
        ("a * true == 1", "not true"),
        ("a. == 1", 'expected the name of a field, got "=="'),
        ("Up", "Up is no condition at character 1; call it: Up\\(\\)"),
        ('a in ["b"]', 'got "in" at character 3; write ContainsValue'),
        ('a == "b" AND c == "d"', 'got "AND" at character 10; write and'),
        ("Up(a,)", 'expected an argument, got "\\)"'),
        ("Up(a = 1, 2)", "expected a named argument"),
        ("a[0 == 1", 'expected "\\]", got "=="'),
        ("a == [1 2]", 'expected "," or "\\]", got "2"'),
        ("a == {b: 1}", "expected a key in double quotes"),
        ('a == {"b" 1}', 'expected ":", got "1"'),
        ("a == 0xabc", "bytes have an even number of hexadecimal digits at character 6"),
        ("a == 9223372036854775808", "the integer does not fit into 64 bits at character 6"),
        (f"a == {'9' * 5000}", "the integer does not fit"),
        (f"a == {'9' * 400}.0", "the number is too large"),
    ],
)
def test_errors(text, problem):
    """An error says where it is and what was expected."""
    with pytest.raises(OttlError, match=problem):
        parse_condition(text)


@pytest.mark.parametrize("text", ["(" * DEEPEST + "true" + ")" * DEEPEST, f"a == {'[' * DEEPEST}{']' * DEEPEST}"])
def test_depth_is_bounded(text):
    """So many levels are read, and one more is an error."""
    parse_condition(text)
    with pytest.raises(OttlError, match="nested too deeply"):
        parse_condition(text.replace("(", "((", 1).replace(")", "))", 1).replace("[", "[[", 1).replace("]", "]]", 1))


def test_width_is_not_bounded():
    """Levels beside each other do not count as levels inside of each other."""
    assert 100 == len(parse_condition(f"a == [{', '.join(['[]'] * 100)}]").right.members)


@pytest.mark.parametrize(
    "text",
    [
        "x == (1 + 2) * 3",
        "x == 1 - (2 - 3)",
        "x == -(a - 1)",
        "x == 1 - -2",
        "x == a * (-b)",
        "(a == 1 or b == 1) and not (c == 1 and d == 1)",
        'a.b["k"][0] != Up([1.5, nil], key = {"é\\n": 0x0a})["x"]',
        "x == 100000000000000000000.0 or x == 0.00000001",
    ],
)
def test_written_and_read(text):
    """A tree that is written again is OTTL for the same tree."""
    tree = parse_condition(text)
    assert tree == parse_condition(str(tree))


@pytest.mark.parametrize("text", ["(" * 20_000, "a[" * 20_000, "not " * 20_000, "-" * 20_000])
def test_no_depth_overflows(text):
    """However deep a text is nested, it is an error and no more."""
    with pytest.raises(OttlError):
        parse_condition(text)


def test_chains_are_not_nested():
    """Many operands of one operator are one node: their number is not bounded."""
    assert 5_000 == len(parse_condition(" or ".join(["a == 1"] * 5_000)).operands)
    assert 4_999 == len(parse_condition(f"a == {' + '.join(['1'] * 5_000)}").right.rest)
