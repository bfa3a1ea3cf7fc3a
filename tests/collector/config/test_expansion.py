from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config import ConfigErrors, Origin, load
from collector.config.expansion import Expander
from collector.config.yaml_nodes import parse

ENV = {
    "NUMBER": "0123",
    "TEXT": "abc",
    "EMPTY": "",
    "LIST": "[a, '${TEXT}']",
    "LOOP": "${env:LOOP}",
    "LOOPED": "a ${LOOPED}",
    "BOMB": "[${BOMB}, ${BOMB}]",
    "NAME": "TEXT",
    "MAP": "{a: 1, b: '${NUMBER}'}",
    "COMMENTED": "5 # ${env:1}",
}


def expand(value: str, env=ENV):
    return load([f"yaml:{{field: {value}}}"], env=env).root.child("field")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'${env:TEXT}'", "abc"),
        ("'${TEXT}'", "abc"),
        ("'${env:NUMBER}'", 83),
        ("'x${env:NUMBER}y'", "x0123y"),
        ("'${env:UNSET:-d}'", "d"),
        ("'${UNSET:-5}'", 5),
        ("'${UNSET:-}'", None),
        ("'${TEXT:-d}'", "abc"),
        ("'${EMPTY:-d}'", None),
        ("'<${UNSET}>'", "<>"),
        ("'${LIST}'", ["a", "abc"]),
        ("'${MAP}'", {"a": 1, "b": 83}),
        ("'${env:${NAME}}'", "abc"),
        ("'${yaml:[1, 2]}'", [1, 2]),
        ("'${TEXT} ${TEXT}'", "abc abc"),
        ("'$TEXT'", "$TEXT"),
        ("'$$TEXT'", "$TEXT"),
        ("'$${TEXT}'", "${TEXT}"),
        ("'$$${TEXT}'", "$abc"),
        ("'$${TEXT} ${TEXT}'", "${TEXT} abc"),
        ("'${TEXT'", "${TEXT"),
        ("'}${TEXT}'", "}abc"),
        ("['${TEXT}', {k: '${NUMBER}'}]", ["abc", {"k": 83}]),
    ],
)
def test_values(written, value):
    assert value == expand(written).plain()


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("'${NUMBER}'", "0123"),
        ("'${LIST}'", "[a, 'abc']"),
        ("'${EMPTY}'", ""),
        ("'${COMMENTED}'", None),
        ("'x${NUMBER}'", None),
        ("5", None),
    ],
)
def test_a_typed_value_keeps_the_text_that_it_was_made_of(written, text):
    assert text == expand(written).text


def test_values_say_which_variable_they_come_from():
    assert str(expand("'${TEXT}'").origin) == "yaml (environment TEXT)"
    assert str(expand("'${LIST}'").find((1,)).origin) == "yaml (environment LIST, environment TEXT)"
    assert str(expand("'${TEXT}:${NAME}'").origin) == "yaml (environment TEXT, environment NAME)"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("'${wow:X}'", 'scheme "wow" is not supported for uri "wow:X"'),
        ("'${https://x/y}'", 'scheme "https" is not supported'),
        ("'${env:hello.world}'", 'environment variable "hello.world" has invalid name'),
        ("'${1}'", 'environment variable "1" has invalid name'),
        ("'${}'", 'environment variable "" has invalid name'),
        ("'${1a:x}'", '"1a:x" is no reference'),
        ("'${env:A$B}'", "contains a $"),
        ("'${LOOP}'", "too many recursive expansions"),
        ("'${LOOPED}'", "too many recursive expansions"),
        ("'${BOMB}'", "too many recursive expansions"),
        ("'${file:/does/not/exist}'", "cannot read /does/not/exist: no such file"),
    ],
)
def test_what_cannot_be_expanded_is_an_error_with_its_path(written, message):
    with pytest.raises(ConfigErrors) as caught:
        expand(written)

    (error,) = caught.value.errors
    assert message in error.message
    assert error.path == "field"


def test_all_errors_are_told_at_once():
    with pytest.raises(ConfigErrors) as caught:
        expand("['${a:b}', '${wow:X}', {k: '${1}'}]")

    assert ["field[0]", "field[1]", "field[2].k"] == [error.path for error in caught.value.errors]


def test_an_unset_variable_is_null_with_one_warning(loaded):
    document = loaded("a: '${env:NOPE}'\nb: 'x ${NOPE} ${NOPE}'\n")

    assert document.root.plain() == {"a": None, "b": "x  "}
    assert [
        "c.yaml:1: a: environment variable NOPE is not set, so this is empty: set it or write ${env:NOPE:-default}"
    ] == [str(warning) for warning in document.warnings[:1]]
    assert len(document.warnings) == 2


def test_variables_in_a_comment_of_a_file_are_not_missed(loaded, tmp_path):
    (tmp_path / "part.yaml").write_text("# ${NOPE} and ${env:1}\nk: 1\n")

    document = loaded("a: ${file:part.yaml}\n")

    assert document.root.plain() == {"a": {"k": 1}}
    assert document.warnings == ()


def test_a_file_is_yaml_with_its_own_lines_or_a_text_without_its_last_line_break(loaded, tmp_path):
    (tmp_path / "part.yaml").write_text("k:\n  - ${TEXT}\n")
    (tmp_path / "token").write_text("s3cret\n")

    root = loaded("a: ${file:part.yaml}\nb: ${file:token}\nc: <${file:token}>\n", env=ENV).root

    assert root.plain() == {"a": {"k": ["abc"]}, "b": "s3cret", "c": "<s3cret>"}
    assert str(root.find(("a", "k", 0)).origin) == "part.yaml:2 (environment TEXT)"
    assert str(root.find(("b",)).origin) == "c.yaml:2 (file token)"
    assert root.find(("a", "k")).origin.directory == tmp_path
    assert str(root.find(("a",)).declared) == "c.yaml:1"


def test_files_must_be_text(loaded):
    Path("binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigErrors, match="it is not UTF-8 text"):
        loaded("a: ${file:binary}")


def test_a_file_that_includes_itself_is_an_error(loaded, tmp_path):
    (tmp_path / "self.yaml").write_text("again: ${file:self.yaml}\n")

    with pytest.raises(ConfigErrors, match="too many recursive expansions"):
        loaded("a: ${file:self.yaml}\n")


@given(st.text(st.sampled_from("${}:-aA1 "), max_size=20))
def test_any_text_expands_or_is_refused_by_name(text):
    quoted = text.replace("'", "''")
    expander = Expander({"A": "x", "a": "$${A}"})

    expander.expand(parse(f"{{field: '{quoted}'}}", lambda line, column: Origin("f", line, column)))

    assert {"field"} >= {error.path for error in expander.errors}


@given(st.text(st.sampled_from("${}a "), max_size=20))
def test_doubling_every_dollar_keeps_a_text_as_it_is(text):
    doubled = text.replace("$", "$$").replace("'", "''")

    assert text == load([f"yaml:{{field: '{doubled}'}}"], env={}).root.child("field").value
