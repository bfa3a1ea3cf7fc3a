import pytest

from collector.ottl import conditions


@pytest.mark.parametrize(
    ("condition", "needs"),
    [
        ('attributes["a"] == "b"', {"a"}),
        ('attributes["a"] != nil', {"a"}),
        ('attributes["a"] > 5', {"a"}),
        ('5 < attributes["a"]', {"a"}),
        ('span.attributes["a"]["b"] == 1', {"a"}),
        ('IsMatch(attributes["a"], "x")', {"a"}),
        ('name == "GET"', {"GET"}),
        ('status.message == "broken"', {"broken"}),
        ('attributes["a"] == 1 or attributes["b"] == 1', {"a", "b"}),
        ('attributes["a"] == 1 and attributes["b"] == 1', {"a"}),
        ('kind == SPAN_KIND_SERVER and not IsRootSpan() and attributes["b"] == 1', {"b"}),
        ('resource.attributes["x"] == 1 and attributes["b"] == 1', {"b"}),
        # True without the attribute:
        ('attributes["a"] != "b"', None),
        ('attributes["a"] == nil', None),
        ('not attributes["a"] == 1', None),
        ('attributes["a"] == attributes["b"]', None),
        # Fails without the attribute:
        ('HasPrefix(attributes["a"], "x")', None),
        ('attributes["a"] + 1 == 2', None),
        # May fail before the attribute is looked at:
        ('HasPrefix(name, "x") and attributes["a"] == 1', None),
        ('attributes["x"]["y"] == nil and attributes["a"] == 1', None),
        # In no bytes of the span, or not as a text:
        ('resource.attributes["a"] == 1', None),
        ('scope.name == "a"', None),
        ('trace_id.string == "00"', None),
        ('kind.string == "Server"', None),
        ("kind == 2", None),
        ('attributes["a"] == 1 or kind == 2', None),
        ('attributes[name] == "a"', None),
    ],
)
def test_requires(condition, needs):
    """What must be found in a span's bytes before a condition can hold, or fail."""
    expected = None if needs is None else frozenset(need.encode() for need in needs)
    assert expected == conditions("span", [condition]).requires


def test_several_conditions():
    """Of several conditions the needs of each count, and none where one has none."""
    assert frozenset({b"a", b"b"}) == conditions("span", ['attributes["a"] == 1', 'attributes["b"] == 1']).requires
    assert conditions("span", ['attributes["a"] == 1', "kind == 1"]).requires is None
    assert frozenset({b"exception"}) == conditions("spanevent", ['name == "exception"']).requires
    assert frozenset() == conditions("span", []).requires


def test_may_hold():
    checks = conditions("span", ['attributes["a"] == 1', 'attributes["b"] == 1'])
    assert checks.may_hold(b"...b...")
    assert not checks.may_hold(b"...c...")
    assert conditions("span", ["kind == 1"]).may_hold(b"")
    assert not conditions("span", []).may_hold(b"a")
