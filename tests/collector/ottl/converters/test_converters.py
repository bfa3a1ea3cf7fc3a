"""Converters, as conditions call them: each with what it gives, and with what it refuses."""

import pytest

from collector.ottl import EvaluationError, conditions
from collector.ottl.converters import CONVERTERS

NOON = 1_750_000_000_000_000_000  # 2025-06-15T15:06:40Z, a Sunday

TRUE = [
    # checks
    'IsMatch(name, "^GET /o.*s$")',
    'IsMatch(target = name, pattern = "orders")',
    'IsMatch(pattern = "orders", target = name)',
    'not IsMatch(attributes["none"], ".*")',
    'IsMatch(attributes["number"], "^7$")',
    'IsMatch(attributes["map"], "\\"x\\":1")',
    'IsMatch(name, attributes["pattern"])',
    'HasPrefix(name, "GET ")',
    'not HasPrefix(name, "POST ")',
    'HasSuffix(name, "orders")',
    'ContainsValue(attributes["list"], 2)',
    'ContainsValue(["a", 2.0], 2)',
    'not ContainsValue([], "a")',
    'IsInCIDR("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"])',
    'IsInCIDR("::ffff:10.1.2.3", ["10.0.0.0/8"])',
    'IsInCIDR("2001:db8::1", ["2001:db8::/32"])',
    'not IsInCIDR("11.1.2.3", ["10.0.0.0/8"])',
    'not IsInCIDR("no address", ["10.0.0.0/8"])',
    'IsString(name) and not IsString(kind) and not IsString(attributes["none"])',
    "IsInt(kind) and not IsInt(name) and not IsInt(1.0) and not IsInt(true)",
    "IsDouble(1.0) and not IsDouble(1)",
    "IsBool(true) and not IsBool(1)",
    'IsMap(attributes) and IsMap({}) and not IsMap(attributes["list"])',
    'IsList(attributes["list"]) and IsList(events) and not IsList(attributes)',
    'IsEmpty("") and IsEmpty(nil) and IsEmpty([]) and IsEmpty(0) and not IsEmpty("a")',
    # collections
    'Len(name) == 11 and Len("é") == 2 and Len([1, 2]) == 2 and Len({}) == 0 and Len(0x0102) == 2',
    'Index("abc", "c") == 2 and Index("éa", "a") == 2 and Index("abc", "x") == -1',
    "Index([1, 2.0], 2) == 1 and Index([1], 3) == -1",
    'Coalesce([attributes["none"], attributes["number"], 1]) == 7 and Coalesce([nil]) == nil',
    'Keys({"a": 1, "b": 2}) == ["a", "b"] and Values({"a": 1}) == [1]',
    'ParseJSON("{\\"a\\": [1, 2.5, null, true]}") == {"a": [1.0, 2.5, nil, true]}',
    'ParseJSON("{\\"a\\": [1]}")["a"][0] == 1',
    # texts
    'Concat(["a", 1, nil, true, 1.5], "-") == "a-1-<nil>-true-1.5"',
    'Concat(attributes["none"], "-") == ""',
    'Split("a,b", ",") == ["a", "b"] and Split("a,b", ",")[1] == "b" and Split("éa", "") == ["é", "a"]',
    'Substring(name, 4, 7) == "/orders"',
    'Substring("aéb", 1, 2) == "é" and Substring("aéb", 0, 2, true) == "a" and Substring("aéb", 2, 2, true) == "b"',
    'ConvertCase("aB", "lower") == "ab" and ConvertCase("aB", "upper") == "AB"',
    'ToLowerCase("aB") == "ab" and ToUpperCase("aB") == "AB"',
    'Trim("  a ") == "a" and Trim("xax", "x") == "a" and Trim("a", "") == "a"',
    'TrimPrefix("xxa", "x") == "xa" and TrimSuffix("axx", "x") == "ax"',
    'String(nil) == nil and String(true) == "true" and String(1.0) == "1" and String(1.5) == "1.5"',
    'String(0x0a0b) == "0a0b" and String([1, "a"]) == "[1,\\"a\\"]" and String({"b": 1, "a": 2}) == "{\\"a\\":2,\\"b\\":1}"',
    'String(SpanID(0x0102030405060708)) == "[1,2,3,4,5,6,7,8]" and String(Duration("1s")) == "1000000000"',
    'String(Unix(0)) == "\\"1970-01-01T00:00:00Z\\"" and String(Unix(0, 1500)) == "\\"1970-01-01T00:00:00.0000015Z\\""',
    'IsMatch(UUID(), "^[0-9a-f-]{36}$") and UUID() != UUID()',
    # numbers
    'Int("12") == 12 and Int("+5") == 5 and Int(1.9) == 1 and Int(true) == 1 and Int(nil) == nil',
    'Double("1.5") == 1.5 and Double(2) == 2.0 and Double(false) == 0 and Double(nil) == nil',
    'Bool("T") and not Bool("0") and Bool(1) and not Bool(0.0) and Bool(nil) == nil and Bool(true)',
    'ParseInt("ff", 16) == 255 and ParseInt("-7", 10) == -7 and ParseInt("z", 36) == 35',
    'ParseInt("0x1f", 0) == 31 and ParseInt("017", 0) == 15 and ParseInt("0b1_1", 0) == 3 and ParseInt("0", 0) == 0',
    'TraceID("000102030405060708090a0b0c0d0e0f") == trace_id and SpanID(0x0001020304050607) == span_id',
    # hashes
    'MD5("a") == "0cc175b9c0f1b6a831c399e269772661" and SHA1("a") == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"',
    'HasPrefix(SHA256("a"), "ca978112ca1bbdca") and HasPrefix(SHA512("a"), "1f40fc92da241694")',
    'FNV("a") == -5808556873153909620',
    'Hex("a") == "61" and Hex(0x0a) == "0a" and Hex(1) == "0000000000000001" and Hex(nil) == ""',
    'Hex(1.5) == "3ff8000000000000" and Hex(true) == "01"',
    # times
    'Duration("1h30m") == Duration("90m") and Duration("-1.5h") < Duration("0") and Duration("+1s") > Duration("0")',
    'Duration(".5s") == Duration("500ms") and Duration("1µs") == Duration("1us") and Duration("1.s") == Duration("1s")',
    'Hours(Duration("90m")) == 1.5 and Minutes(Duration("90s")) == 1.5 and Seconds(Duration("1500ms")) == 1.5',
    'Milliseconds(Duration("1.5ms")) == 1 and Milliseconds(Duration("-1.5ms")) == -1',
    'Microseconds(Duration("1ms")) == 1000 and Nanoseconds(Duration("1us")) == 1000',
    f"Unix({NOON // 10**9}) == start_time and Unix(1, 5) > Unix(1) and Now() > start_time",
    "UnixSeconds(Unix(7)) == 7 and UnixMilli(Unix(7)) == 7000 and UnixMicro(Unix(7)) == 7000000",
    f"UnixNano(start_time) == {NOON} and UnixSeconds(Unix(-1, -5)) == -2",
    "Year(start_time) == 2025 and Month(start_time) == 6 and Day(start_time) == 15 and Weekday(start_time) == 0",
    "Hour(start_time) == 15 and Minute(start_time) == 6 and Second(start_time) == 40 and Nanosecond(Unix(1, 5)) == 5",
]

# The parameters by their names, which are those of the Go collector.
NAMED = [
    'Concat(vals=["a"], delimiter="-") == "a" and Split(target="a", delimiter=",")[0] == "a"',
    'String(target=name) == name and Len(target="a") == 1 and ContainsValue(target=["a"], item="a")',
    'Substring(target=name, start=0, length=1, utf8_safe=true) == "G" and Trim(target=name, replacement="G") != name',
    'ConvertCase(target="A", to_case="lower") == "a" and Index(target=name, value="E") == 1',
    'HasPrefix(target=name, prefix="G") and HasSuffix(target=name, suffix="s") and IsMatch(target=name, pattern="G")',
    'Coalesce(values=[name]) == name and ParseInt(target="1", base=10) == 1 and ParseJSON(target="[1]")[0] == 1',
    'Hours(duration=Duration(duration="1h")) == 1.0 and Year(time=Unix(seconds=1, nanoseconds=1)) == 1970',
    'IsInCIDR(target="10.0.0.1", networks=["10.0.0.0/8"]) and Bool(target=true) and Int(target=1) == 1',
]

FAILING = [
    ('HasPrefix(attributes["none"], "a")', "expected a text, got nil"),
    ('HasPrefix(attributes["number"], "a")', "expected a text, got an integer"),
    ('IsMatch(name, attributes["none"])', "expected a text, got nil"),
    ('IsMatch(name, attributes["bad"])', "is not a valid RE2 pattern"),
    ('IsMatch(events, "x")', "Event has no text"),
    ("ContainsValue(name, 1)", "expected a list, got a text"),
    ("IsInCIDR(name, [name])", "is no network: write it like 10.0.0.0/8"),
    ("Len(kind) == 1", "an integer has no length"),
    ("Index(kind, 1) == 1", "expected a list or a text, got an integer"),
    ("Index(name, 1) == 1", "a text holds texts only, not an integer"),
    ("Keys(name) == []", "expected a map, got a text"),
    ("ParseJSON(name) == nil", "the text is no JSON"),
    ('ParseJSON("1") == nil', "the text is JSON of a float, not of a list or a map"),
    ('ParseJSON("[NaN]") == nil', "NaN is no JSON"),
    ('ParseJSON(attributes["deep"]) == nil', "the text is JSON with more than 64 levels"),
    ('ParseJSON(attributes["bottomless"]) == nil', "the text is no JSON"),
    ('ParseJSON("{}")["a"] == nil', 'there is no "a" in the map'),
    ('Split("a", ",")[1] == nil', "there is no member 1 in a list of 1"),
    ('Split("a", ",")["x"] == nil', "a list has no members under a text"),
    ("Substring(name, 5, 50) == nil", "there are no 50 bytes from 5 in a text of 11"),
    ('Substring(name, -1, 1) == ""', "there are no 1 bytes from -1"),
    ('Substring(name, 0, 0) == ""', "there are no 0 bytes"),
    ("Int(name) == nil", "there is no integer in a text"),
    ("Int(attributes) == nil", "there is no integer in a map"),
    ("Double(name) == nil", "there is no number in a text"),
    ("Bool(name)", "there is no boolean in a text"),
    ('Bool(attributes["none"])', r'Bool\(attributes\["none"\]\) is nil, not true or false'),
    ('ParseInt("0x1f", 16) == 31', "is no 64-bit integer in base 16"),
    ('ParseInt("1_0", 10) == 10', "is no 64-bit integer"),
    ('ParseInt("9223372036854775808", 10) == 1', "is no 64-bit integer"),
    ('ParseInt("1", 37) == 1', "is no 64-bit integer in base 37"),
    ('ParseInt("", 10) == 1', "is no 64-bit integer"),
    ("SpanID(name) == nil", "an id has 8 bytes or 16 hexadecimal digits, not 11 other ones"),
    ("TraceID(attributes) == nil", "expected bytes or a text, got a map"),
    ("Duration(name) == nil", '"GET /orders" is no duration: write it like 1h30m or 250ms'),
    ('Duration("") == nil', "is no duration"),
    ('Duration(".s") == nil', "is no duration"),
    ('Duration("1 s") == nil', "is no duration"),
    ('Duration("3000000h") == nil', "does not fit into 64 bits"),
    ("Hours(kind) == 1", "expected a duration, got an integer"),
    ("Year(kind) == 1", "expected a time, got an integer"),
    ("Unix(1.5 * status.code) == nil", "expected an integer, got a float"),
]

REFUSED = [
    ('IsMatch(name, "(")', r'the pattern of IsMatch: "\(" is not a valid RE2 pattern.* at character 15'),
    ("HasPrefix(name, 1)", "the prefix of HasPrefix: expected a text, got an integer at character 17"),
    ('ConvertCase(name, "snake")', 'unknown case "snake": known are lower and upper'),
    ("ConvertCase(name, name)", "the to_case of ConvertCase must be written down at character 19"),
    ('IsInCIDR(name, ["10.0.0.0"])', "is no network"),
    ('Int("x") == 1', "there is no integer in a text at character 5"),
    ("SpanID(0x01) == nil", "not 1 other ones"),
    ("HasPrefix(name)", r"HasPrefix lacks its prefix at character 1; it is HasPrefix\(target, prefix\)"),
    ("IsString(name, name)", r"IsString has too many arguments at character 16; it is IsString\(target\)"),
    ("Trim(name, wth = name)", 'Trim has no parameter "wth"'),
    ("Substring(name, strt = 1, length = 1) == nil", 'no parameter "strt" at character 24; did you mean "start"'),
    ("IsString(name, target = name)", 'too many|gets its "target" twice'),
    ("HasPrefix(name, target = name)", 'HasPrefix gets its "target" twice at character 26'),
    ('IsMach(name, "x")', 'unknown converter "IsMach" at character 1; did you mean "IsMatch"?'),
    ("IsRootSpan(name)", "IsRootSpan takes no arguments"),
]


@pytest.mark.parametrize("condition", [*TRUE, *NAMED])
def test_true(holds, condition):
    assert holds(condition, list=[1, 2], map={"x": 1}, number=7, pattern="^GET")


@pytest.mark.parametrize(("condition", "problem"), FAILING)
def test_failing(holds, condition, problem):
    """What values make impossible is an error of the evaluation."""
    with pytest.raises(EvaluationError, match=problem):
        holds(condition, number=7, bad="(", deep="[" * 65 + "]" * 65, bottomless="[" * 100_000)


@pytest.mark.parametrize(("condition", "problem"), REFUSED)
def test_refused(condition, problem):
    """What is impossible whatever the values are is an error of the text."""
    with pytest.raises(ValueError, match=problem):
        conditions("span", [condition])


def test_every_converter_is_tested():
    tested = " ".join(TRUE)
    assert [] == [name for name in CONVERTERS if f"{name}(" not in tested]
