import pytest

from collector.ottl.errors import OttlError
from collector.ottl.tokens import Kind, tokenize, unquote


def test_tokens():
    """Every kind of token is found, with its position."""
    found = [(token.kind.name, token.text, token.position) for token in tokenize('a.B2 >= 0x0f\t1.5e-3 .5 1. 12 "x"')]
    assert [
        ("NAME", "a", 0),
        ("OPERATOR", ".", 1),
        ("NAME", "B2", 2),
        ("OPERATOR", ">=", 5),
        ("BYTES", "0x0f", 8),
        ("FLOAT", "1.5e-3", 13),
        ("FLOAT", ".5", 20),
        ("FLOAT", "1.", 23),
        ("INTEGER", "12", 26),
        ("STRING", '"x"', 29),
        ("END", "", 32),
    ] == found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a == 'b'", 'unexpected "\'" at character 6; texts stand in double quotes'),
        ('a == "b', "a text is not closed at character 6"),
        ("a # b", 'unexpected "#" at character 3'),
        ("a && b", 'unexpected "&" at character 3; write and'),
        ("a || b", 'unexpected "|" at character 3; write or'),
        ("!a", 'unexpected "!" at character 1; write not'),
        ("a == \u201cb\u201d", "at character 6; texts stand in double quotes"),
        ("a\u00a0== 1", "unexpected"),
        ("٣ == 1", "unexpected"),  # a digit, but none of OTTL's
    ],
)
def test_no_token(text, problem):
    """What is no token is an error at its position."""
    with pytest.raises(OttlError, match=problem):
        tokenize(text)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'"a\tb\n\\\""', 'a\tb\n\\"'),
        (r'"\x41\101\u00e9\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        ('"a # \' b"', "a # ' b"),
        ('""', ""),
    ],
)
def test_unquote(written, text):
    """Escapes are those of Go's double-quoted strings."""
    [token, _] = tokenize(written)
    assert Kind.STRING is token.kind
    assert text == unquote(token)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (r'"\d+"', r"unknown escape \\d in a text at character 1; write"),
        (r'"\'"', "unknown escape"),
        (r'"\400"', r"unknown escape \\4 in a text"),
        (r'"\U00110000"', "unknown escape"),
        (r'"\ud800"', "no UTF-8"),
        (r'"\xff"', "no UTF-8"),
        ('"a\\\nb"', "a line break stands in a text at character 4"),
        ('"a\nb"', r"a line break stands in a text at character 3; write \\n"),
    ],
)
def test_unknown_escape(written, problem):
    """Other escapes, and line breaks, are errors."""
    with pytest.raises(OttlError, match=problem):
        unquote(tokenize(written)[0])
