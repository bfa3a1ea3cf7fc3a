import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.tracestate import OtelTraceState, TraceState, parse_members

LONG = "a" * 256
KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in ",=")

keys = st.text(KEY_CHARACTERS, max_size=10).map(lambda rest: "k" + rest)
values = st.text(VALUE_CHARACTERS, min_size=1, max_size=20)
ot_values = st.builds(
    lambda rv, th, extra: ";".join([f"rv:{rv}"] * bool(rv) + [f"th:{th}"] * bool(th) + extra),
    st.sampled_from(["", "d29d6a7215ced0", "FD70A3D70A3D71"]),
    st.sampled_from(["", "0", "c", "80000000000000"]),
    st.lists(st.sampled_from(["a:b", "x:", "p:1.2_-"]), max_size=3),
).filter(bool)


@given(ot_values, st.lists(st.tuples(keys, values), max_size=5))
def test_what_is_not_changed_is_written_as_it_was(ot, others):
    text = ",".join([f"ot={ot}", *(f"{key}={value}" for key, value in others)])
    assert text == str(TraceState.parse(text))


@given(ot_values, st.lists(st.tuples(keys, values), max_size=5), st.integers(0, 2**56 - 1))
def test_a_new_threshold_changes_nothing_else(ot, others, threshold):
    text = ",".join([*(f"{key}={value}" for key, value in others), f"ot={ot}"])
    before, state = TraceState.parse(text), TraceState.parse(text)
    state.ot.set_threshold(threshold)
    after = TraceState.parse(str(state))
    assert threshold == after.ot.threshold
    assert before.ot.randomness == after.ot.randomness
    assert before.ot.extra == after.ot.extra
    assert before.others == after.others


def test_the_changed_member_comes_first():
    state = TraceState.parse("vendor=1, ot=th:8;rv:d29d6a7215ced0 ,other=2")
    assert str(state) == "ot=rv:d29d6a7215ced0;th:8,vendor=1,other=2"


def test_without_a_member_of_ours_there_is_none():
    state = TraceState.parse("vendor=1")
    assert state.ot.threshold is None
    assert str(state) == "vendor=1"


def test_an_empty_text_is_an_empty_state():
    assert str(TraceState.parse("")) == ""


def test_a_threshold_is_only_raised():
    state = OtelTraceState.parse("th:8")
    state.raise_threshold(0)
    assert str(state) == "th:8"
    state.raise_threshold(0xC << 52)
    assert str(state) == "th:c"


def test_threshold_and_randomness_can_be_taken_out():
    state = OtelTraceState.parse("rv:d29d6a7215ced0;th:8;x:y")
    state.set_threshold(None)
    state.set_randomness(None)
    assert str(state) == "x:y"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1025,
        ",".join(f"k{number}=v" for number in range(33)),
        "ot=x:" + "_" * 255,
        "k" * 257 + "=v",
        "t" * 242 + "@s=v",
        "t@" + "s" * 15 + "=v",
        "k=" + "v" * 257,
    ],
    ids=["length", "members", "ot", "key", "tenant", "system", "value"],
)
def test_limits_of_size(text):
    with pytest.raises(ValueError, match=r"more than|syntax"):
        TraceState.parse(text)


@pytest.mark.parametrize("text", ["k=v\n", "ot=th:8\n", "K=v", "=", "ot=", "ot=th:8;", "ot=th:8=", "k=a\x00b"])
def test_wrong_syntax(text):
    with pytest.raises(ValueError, match="syntax"):
        TraceState.parse(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 0),
        ("a=1,,b=2", 2),
        (" a=1 ,\tb=2", 2),
        ("a=1, ", None),
        ("a=1,a=2", None),
        (",".join(f"k{number}=v" for number in range(32)), 32),
        (",".join(f"k{number}=v" for number in range(33)), None),
        (f"{LONG}=v", 1),
        (f"{LONG}a=v", None),
        (f"k={LONG}", 1),
        (f"k={LONG}a", None),
        ("1k=v", None),
        ("1k@vendor=v", 1),
        ("k@1vendor=v", None),
        ("k=v=v", None),
        ("k=a b", 1),
        ("k=\N{SNOWMAN}", None),
    ],
)
def test_members(text, found):
    """As the tracestate of OpenTelemetry's Go library reads it."""
    assert found == (None if (members := parse_members(text)) is None else len(members))
