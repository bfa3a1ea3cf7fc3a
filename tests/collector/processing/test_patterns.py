import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing import patterns as patterns_module
from collector.processing.patterns import Pattern, PatternSet, cache_size, compile_patterns, quote


def test_a_pattern_matches_anywhere_unless_it_is_anchored():
    assert Pattern("b+").matches("abbc")
    assert not Pattern("^b+$").matches("abbc")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (r"a(?=b)", "no look-around"),
        (r"(?<!a)b", "no look-around"),
        (r"(a)\1", "no backreferences"),
        ("(?P<a.b>x)", "invalid named capture group"),
        ("[a", "missing ]"),
    ],
)
def test_what_re2_cannot_do_is_named(text, hint):
    with pytest.raises(ValueError) as error:
        Pattern(text)
    assert f'"{text}" is not a valid RE2 pattern' in str(error.value)
    assert hint in str(error.value)


def test_groups_are_named_as_in_go():
    pattern = Pattern(r"^/users/(?P<user>\w+)(/(?P<rest>.*))?$")
    assert pattern.group_names == ["user", "", "rest"]
    assert pattern.groups("/users/anna") == {"user": "anna", "rest": ""}
    assert pattern.groups("/") is None


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("b", "abcb", "a-c-"),
        (".*", "abc", "-"),
        ("x*", "abxxc", "-a-b-c-"),
        ("é+", "caféé!", "caf-!"),
        ("z", "abc", "abc"),
    ],
)
def test_replacing_treats_empty_matches_as_go_does(pattern, text, expected):
    assert Pattern(pattern).replace(text, lambda _: "-") == expected


def test_a_replacement_sees_what_matched():
    assert Pattern("[0-9]+").replace("a12b3", lambda text: f"<{text}>") == "a<12>b<3>"


def test_a_set_replaces_one_pattern_after_another():
    """A later pattern sees what an earlier one has put in, an earlier one does not see what a later one has put in."""
    patterns = compile_patterns(["a", "b", "c"])
    assert patterns.replace("a", lambda text: {"a": "b", "b": "c", "c": "!"}[text]) == "!"
    assert patterns.replace("c", lambda _: "a") == "a"
    assert patterns.replace("xyz", lambda _: "!") == "xyz"


def test_an_empty_set_matches_nothing():
    assert not compile_patterns([])
    assert not compile_patterns([]).matches("")
    assert compile_patterns([]).replace("text", lambda _: "!") == "text"


def test_patterns_that_are_too_large_together_match_one_by_one(monkeypatch):
    """Together they exceed the engine's memory, each by itself does not."""
    monkeypatch.setattr(patterns_module._OPTIONS, "max_mem", 1 << 16)
    patterns = compile_patterns([*(f"{letter}[0-9]{{200}}" for letter in "abcdefghijkl"), "needle"])
    assert patterns._together is None
    assert patterns.matches("a needle here")
    assert not patterns.matches("hay")


def test_an_engine_that_runs_out_of_memory_is_noticed():
    class Exhausted:
        def Match(self, raw):  # noqa: N802 - the engine's name
            return []

    patterns = compile_patterns(["needle"])
    patterns._together = Exhausted()
    assert patterns.matches("a needle here")
    assert not patterns.matches("hay")


def test_results_are_remembered_up_to_a_bound():
    matched = []

    class Counting(PatternSet):
        def _match(self, text):
            matched.append(text)
            return super()._match(text)

    patterns = Counting([Pattern("a")], cache_entries=2)
    found = [text for text in ("a", "b", "a", "c", "d", "a") if patterns.matches(text)]
    assert found == ["a", "a", "a"]
    assert matched == ["a", "b", "c", "d", "a"]


@pytest.mark.parametrize(("enabled", "entries", "size"), [(False, 5, 0), (True, 5, 5), (True, 0, 10_000)])
def test_no_cache_is_unbounded(enabled, entries, size):
    assert cache_size(enabled, entries) == size


@pytest.mark.parametrize("text", ["^a", "a$", r"\ba", r"\Ba", r"\Aa", r"a\z", "(?m)^a", r"\Q^\E", "[[a]^]", r"\[^a]"])
def test_patterns_that_look_around_themselves_are_positional(text):
    assert Pattern(text).is_positional


@pytest.mark.parametrize("text", ["[^a]", r"\^a\$", "[$]", "[]^]x", r"[\]^]", "[[:^alpha:]]", "a.*b", "(?i)token"])
def test_other_patterns_are_not_positional(text):
    assert not Pattern(text).is_positional


@given(
    pattern=st.sampled_from(["[0-9]{3}", "a|é", "[^x]y", "(?i)TOKEN", ".", "x*", r"\w+@\w+", r"\pL\d"]),
    before=st.binary(max_size=20),
    text=st.text(max_size=20),
    after=st.binary(max_size=20),
)
def test_what_matches_a_text_is_found_in_the_bytes_around_it(pattern, before, text, after):
    """The promise that lets a scrubber leave messages undecoded."""
    patterns = compile_patterns([pattern, "never-there"])
    assert patterns.scans_messages
    if patterns.matches(text):
        assert patterns.found_in(before + text.encode() + after)


@given(st.text())
def test_a_quoted_text_matches_itself_only(text):
    assert Pattern(f"^{quote(text)}$").matches(text)
    assert not Pattern(f"^{quote(text)}$").matches(f"{text}x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", "abc"),
        (r"\ba[^$]\\b\b", r"a[^$]\\b"),
        (r"^[\]^]\$x$", r"[\]^]\$x"),
        (r"(?m)^a|\Ab\z", "(?m)a|b"),
        (r"^*a", None),
        (r"a\b{2}", None),
        (r"^\Qa^b\E", None),
    ],
)
def test_a_relaxed_pattern_asserts_no_position(text, expected):
    relaxed = Pattern(text).relaxed()
    assert expected == (None if relaxed is None else relaxed.text)


def test_the_span_of_a_match():
    raw = "b üü".encode()
    assert (2, 6) == Pattern("ü+").span(raw)
    assert (4, 6) == Pattern("ü+").span(raw, 4)
    assert Pattern("ü+").span(raw, 6) is None
    assert Pattern(r"\bb").span(b"abb", 2) is None
