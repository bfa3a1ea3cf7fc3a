import pytest

from collector.data.messages import Span
from collector.ottl import EvaluationError, Record, conditions
from collector.ottl.closures import Constant
from collector.ottl.compiler import compile_condition
from collector.ottl.contexts import CONTEXTS
from collector.ottl.parser import parse_condition


def test_one_that_holds_is_enough(source):
    checks = conditions("span", ['name == "a"', 'name == "b"'])
    assert checks.hold(Record(source, Span(name="b")))
    assert not checks.hold(Record(source, Span(name="c")))
    assert not conditions("span", []).hold(Record(source, Span(name="c")))


def test_an_error_is_raised(source):
    """Without anybody to tell, an error is raised with the condition that it is of."""
    checks = conditions("span", ['name == "b"', "name + 1 == 2"])
    assert checks.hold(Record(source, Span(name="b")))
    with pytest.raises(EvaluationError, match=r"the condition `name \+ 1 == 2` cannot be evaluated: cannot add a text"):
        checks.hold(Record(source, Span(name="c")))


def test_an_error_is_told(source):
    """Where somebody is told of errors, the other conditions are tried."""
    told = []
    texts = ["name + 1 == 2", 'name == "b"']
    checks = conditions("span", texts, on_error=lambda text, error: told.append((text, str(error))))
    assert checks.hold(Record(source, Span(name="b")))
    assert not checks.hold(Record(source, Span(name="c")))
    assert [("name + 1 == 2", "cannot add a text and an integer")] * 2 == told


def test_an_error_ends_its_condition(source):
    """A part of a condition that cannot be evaluated makes all of it fail, `not` and `or` included."""
    told = []
    checks = conditions(
        "span", ["not (name + 1 == 2)", "name + 1 == 2 or kind == 0"], on_error=lambda *error: told.append(error)
    )
    assert not checks.hold(Record(source, Span(name="b")))
    assert 2 == len(told)


def test_evaluation_stops_early(holds):
    """What is behind an operand that settles the outcome is not evaluated."""
    assert not holds('name == "x" and name + 1 == 2')
    assert holds("kind == 2 or name + 1 == 2")


@pytest.mark.parametrize(
    "condition", ["name + 1 == 2 or true", "not (name + 1 == 2 and false)", "not not_there or true"]
)
def test_constants_settle_first(holds, condition):
    """As on the Go collector, a constant that settles the outcome does so before anything is evaluated."""
    if "not_there" in condition:
        with pytest.raises(ValueError, match="not_there is no condition"):
            holds(condition)
    else:
        assert holds(condition)


def test_constants_are_computed_once():
    """What no telemetry changes is computed when the condition is compiled, unless it is another one each time."""
    assert Constant(True) == compiled('Len(Split("a,b", ",")) + 1 == 3')
    assert not isinstance(compiled("IsString(UUID())"), Constant)
    assert not isinstance(compiled("1 / 0 == 1"), Constant)  # which fails when it is evaluated


def compiled(text):
    return compile_condition(parse_condition(text), CONTEXTS["span"])


@pytest.mark.parametrize(
    ("context", "text", "problem"),
    [
        ("span", 'nam == "x"', '`nam == "x"` is no OTTL condition: there is no path "nam" in the span context at'),
        ("span", "statuscode == 1", 'at character 1; did you mean "status.code"?'),
        ("span", 'resource.attribute["x"] == 1', 'did you mean "resource.attributes"?'),
        ("span", "true and STATUS_CODE_EROR == 1", 'unknown .* "STATUS_CODE_EROR" at character 10; did you mean'),
        ("span", 'name["x"] == 1', 'the path "name" takes no key at character 1'),
        ("span", 'trace_state["a"]["b"] == 1', 'the path "trace_state" takes 1 key at character 1'),
        ("span", "attributes[1] == 1", 'the key of "attributes" is an integer, not a text'),
        ("span", "event_index == 1", 'no path "event_index" in the span context'),
        ("spanevent", "IsRootSpan()", 'unknown converter "IsRootSpan"'),
        ("log", "status.code == 1", "no path"),
        ("span", 'attributes.http.route == "x"', r'at character 1; write attributes\["http.route"\]$'),
        ("span", 'resource.attributes.a.b == "x"', r'; write resource.attributes\["a.b"\]$'),
        ("span", 'resource["service.name"] == "x"', r'; write resource.attributes\["service.name"\]$'),
        ("span", 'name.first == "x"', 'no path "name.first" in the span context at character 1$'),
        ("span", "name == shop", 'at character 9; a text stands in double quotes: "shop"$'),
        ("span", "duration > 5", "write end_time - start_time$"),
        ("span", 'attributes["a"] == null', "write nil$"),
        ("span", 'attributes["a"] == None', "write nil$"),
        ("span", 'attributes["a"] == True', "write true$"),
        ("span", "status.code == ERROR", 'did you mean "STATUS_CODE_ERROR"?'),
        ("span", "kind == Server", 'did you mean "SPAN_KIND_SERVER"?'),
        ("span", "IsRootSpan == true", r"call it: IsRootSpan\(\)$"),
        ("span", "isRootSpan()", 'unknown converter "isRootSpan" at character 1; did you mean "IsRootSpan"?'),
        ("span", 'set(name, "x")', "conditions have converters only, whose names begin in upper case$"),
    ],
)
def test_unknown_names(context, text, problem):
    """What a context does not have is an error that says where it is and what may be meant."""
    with pytest.raises(ValueError, match=problem):
        conditions(context, [text])


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ('attributes["m"]["x"] == 1', True),
        ('attributes["m"]["l"][1] == "b"', True),
        ('attributes["m"]["none"]["deeper"] == nil', True),
        ('attributes["none"]["deeper"] == nil', True),
        ('attributes[attributes["key"]]["x"] == 1', True),
        ('attributes["m"][Concat(["l"], "")][2 - 1] == "b"', True),
        ('attributes["t"]["x"] == nil', "a text has no members under a text"),
        ('attributes["m"]["l"][2] == nil', "there is no member 2 in a list of 2"),
        ('attributes["m"]["l"]["x"] == nil', "a list has no members under a text"),
        ('attributes[attributes["none"]] == nil', "a map has no members under nil"),
        ('attributes["m"]["l"][-1] == nil', "there is no member -1"),
        ('Coalesce([nil])["x"] == nil', "nil has no members under a text"),
    ],
)
def test_keys(holds, condition, outcome):
    """Keys lead into maps and lists; what a map lacks is nil, and anything else that is not there an error."""
    given = {"m": {"x": 1, "l": ["a", "b"]}, "t": "text", "key": "m"}
    if outcome is True:
        assert holds(condition, **given)
    else:
        with pytest.raises(EvaluationError, match=outcome):
            holds(condition, **given)


@pytest.mark.parametrize(
    "condition",
    [
        'attributes["n"] + 1 == 8 and attributes["n"] * 2 - 4 / 2 == 12',
        '-attributes["n"] == -7 and -(attributes["n"] - 10) == 3',
        '["a", attributes["n"]] == ["a", 7]',
        '{"a": [attributes["n"]]} == {"a": [7]}',
        'attributes["f"] == 7 and attributes["f"] <= 7 and not attributes["f"] > 7 and 7 >= attributes["f"]',
        '7.0 == attributes["n"] and 6.5 < attributes["n"] and 7.5 > attributes["n"]',
        '"7" != attributes["n"] and not attributes["n"] == "7" and not attributes["b"] == 1 and attributes["b"] != 1',
        'attributes["b"] == true and true != attributes["n"] and attributes["b"] > false',
        "9007199254740993 == 9007199254740992.0",
        'attributes["big"] == 9007199254740992.0 and attributes["big"] != 9007199254740992',
        'attributes["bigfloat"] == 9007199254740993 and attributes["bigfloat"] >= 9007199254740993',
        'attributes["n"] != nil and attributes["none"] == nil and attributes["none"] <= nil',
        'not attributes["none"] < 5 and not attributes["none"] >= 5',
        'end_time - start_time > Duration("1s") and end_time - start_time <= Duration("1500ms")',
        'Duration("1s") < end_time - start_time and not start_time > Duration("1s") and start_time > Unix(1)',
        "(end_time_unix_nano - start_time_unix_nano) / 1000000 == 1500",
    ],
)
def test_values(holds, condition):
    """Values are compared and calculated with by OTTL's rules, also where one side is a constant."""
    assert holds(condition, n=7, f=7.0, b=True, big=2**53 + 1, bigfloat=2.0**53)
