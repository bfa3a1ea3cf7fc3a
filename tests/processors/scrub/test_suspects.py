"""The pass over the bytes never misses what is found in the texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_detectors import FOUND, NOT_FOUND

from collector.data.messages import LogRecord, Span
from collector.processing.patterns import Pattern
from processors.scrub.addresses import FOUR_NUMBERS, PrivateAddresses
from processors.scrub.config import Config
from processors.scrub.detectors import detectors_of
from processors.scrub.finding import Finder
from processors.scrub.processor import suspects_of
from processors.scrub.rules import Rules
from processors.scrub.suspects import Suspects

CONFIGS = [
    Config(),
    Config(ip_addresses="all"),
    Config.model_validate({"custom_kinds": [{"name": "mine", "pattern": r"\bE-[0-9]{3}\b|^x$"}]}),
]
VALUES = [around.format(value) for _, around, value in FOUND] + NOT_FOUND

KEYS = ["a", "db.password", "apiToken", "db.statement", "http.request.header.cookie", "x.set-cookie", "authorization"]

octets = st.integers(0, 255).map(str)
addresses = st.tuples(octets, octets, octets, octets).map(".".join)
# Text of 46 to 57 bytes has a length that reads as a dot, a slash or a digit.
padding = st.integers(0, 60).map(lambda size: " " + "-" * size)
# Public addresses that are private ones with a length of 49 or 50 in front.
nearly_private = st.sampled_from(["27.0.0.1", "92.168.1.1", "72.16.1.1", "69.254.1.1", "24.1.2.3", "41.1.2.3"])
values = st.sampled_from([*VALUES, "E-123", "x"]) | addresses | nearly_private | st.text(max_size=8)
padded = st.builds(str.__add__, values, st.just("") | padding)


@st.composite
def spans(draw):
    """Return a span whose texts begin and end next to whatever the format puts there."""
    span = Span(name=draw(padded), kind=draw(st.integers(0, 5)), flags=draw(st.integers(0, 300)))
    span.trace_id = draw(st.binary(max_size=16))
    span.start_time_unix_nano = draw(st.integers(0, 2**64 - 1))
    span.status.message = draw(padded)
    for text in draw(st.lists(padded, max_size=3)):
        span.attributes.add(key=draw(st.sampled_from(KEYS))).value.string_value = text
    event = span.events.add(name=draw(padded))
    event.attributes.add(key="b").value.array_value.values.add().bytes_value = draw(padded).encode()
    return span


def texts_of(span):
    """Return the texts of a span with their keys."""
    yield from [("", span.name), ("", span.status.message)]
    yield from ((pair.key, pair.value.string_value) for pair in span.attributes)
    for event in span.events:
        yield from [("", event.name), ("b", event.attributes[0].value.array_value.values[0].bytes_value.decode())]


def numbers_of(suspects, raws):
    return {number for number, _ in suspects.among(raws)}


@pytest.mark.parametrize("config", CONFIGS, ids=["public", "all", "custom"])
@given(st.lists(spans(), max_size=4))
@settings(max_examples=50)
def test_what_is_found_in_a_span_makes_it_a_suspect(config, drawn):
    rules, suspects = Rules(config), suspects_of(config)
    numbers = numbers_of(suspects, [span.SerializeToString() for span in drawn])
    for number, span in enumerate(drawn):
        found = [rules.find(text.encode(), rules.rule_of(key)) for key, text in texts_of(span)]
        assert number in numbers or not any(found), (span, found)
        assert any(found) <= (suspects.next(span.SerializeToString()) is not None)


@pytest.mark.parametrize("detector", detectors_of(Config()), ids=lambda detector: detector.kind)
@given(data=st.data())
def test_the_hint_of_a_detector_matches_wherever_it_finds_something(detector, data):
    """In texts made from the very pattern; letters of other scripts are a few here."""
    pattern = detector.pattern.replace(r"\pL[", "[a-zé][").replace(r"\pL", "a-zé")
    pattern = pattern.replace(r"\pM", "").replace(r"\pN", "0-9")
    text = data.draw(st.from_regex(pattern) | st.from_regex(pattern, fullmatch=True)).encode(errors="ignore")
    if Finder([detector]).find(text):
        assert Pattern(detector.hint).found_in(text)


def test_a_match_across_messages_hides_nothing():
    """The end of one and the beginning of the next look like an address; the next one has another right behind."""
    suspects = Suspects(detectors_of(Config()), ())
    assert {0} == numbers_of(suspects, [b"ann@exam", b"ple.com"])
    assert {0, 1} == numbers_of(suspects, [b"ann@exam", b"ple.com.bob@example.com"])
    assert {1, 3} == numbers_of(suspects, [b"-", b"ann@example.com", b"-", b"bob@example.com"])
    assert {2} == numbers_of(suspects, [b"", b"", b"ann@example.com", b""])


def test_a_pattern_that_cannot_be_searched_for_in_bytes_makes_everything_a_suspect():
    config = Config.model_validate({"custom_kinds": [{"name": "mine", "pattern": r"(?:^)x+|^{1}y"}]})
    assert {0, 1} == numbers_of(suspects_of(config), [b"a", b"b"])


def test_where_nothing_is_wanted_nothing_is_a_suspect():
    assert not numbers_of(suspects_of(Config(action="keep")), [b"ann@example.com"])


def test_items_without_a_finding_are_not_decoded():
    """Values of every day: private addresses, versions, ids, times."""
    record = LogRecord(time_unix_nano=1_700_000_000_000_000_000, trace_id=b"0123456789abcdef")
    for text in ("10.1.2.3", "192.168.7.8", "1.22.3", "GET /api/orders/123456", "checkout-7d9f8b6c5-x2x4z"):
        record.attributes.add(key="k").value.string_value = text
    assert suspects_of(Config()).next(record.SerializeToString()) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\n10.1.2.3", True),
        (b"\n210.1.2.3", False),  # or 10.1.2.3 behind its length
        (b"\n127.0.0.1", False),  # or 27.0.0.1 behind its length
        (b"\x83127.0.0.1", False),
        (b" 127.0.0.1", True),
        (b"\x0b192.168.7.8", True),
        (b"\x078.8.8.8", False),
        (b"\n999910.1.2.3", True),
    ],
)
def test_private_addresses(raw, expected):
    at = raw.index(b".") - 1
    assert expected == PrivateAddresses().contain(raw, at, at + len(raw[at:]))
    assert FOUR_NUMBERS.startswith("[0-9]")
