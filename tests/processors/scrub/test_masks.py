"""What takes the place of a finding."""

import hashlib
import hmac

import pytest

from processors.scrub.masks import hash_of, mask_of

KEY = "k" * 32


@pytest.mark.parametrize(
    ("kind", "value", "masked", "revealing"),
    [
        ("email", "ann@example.com", "****@****", "****@example.com"),
        ("email", "ann%40example.com", "****@****", "****@example.com"),
        ("credit_card", "4111 1111 1111 1111", "**** **** **** ****", "**** **** **** 1111"),
        ("iban", "DE89 3704 0044", "**** **** ****", "DE** **** ****"),
        ("ip", "203.0.113.7", "*.*.*.*", "203.0.*.*"),
        ("ip", "2001:db8::1", "*:*", "2001:db8:*"),
        ("phone", "+49 30 12345678", "+** ** ********", "+** ** ******78"),
        ("us_ssn", "078-05-1120", "***-**-****", "***-**-1120"),
        ("api_key", "AKIAIOSFODNN7EXAMPLE", "****", "AKIA****"),
        ("url_credentials", "ann:secret", "****:****", "ann:****"),
        ("sql", "'x'", "?", "?"),
        ("jwt", "a.b.c", "****", "****"),
        ("mine", "x", "****", "****"),
    ],
)
def test_masks(kind, value, masked, revealing):
    assert masked == mask_of(kind, reveal=False)(value)
    assert revealing == mask_of(kind, reveal=True)(value)


def digest(text, key=KEY):
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256).hex()


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", "Ann%40Example.com", digest("ann@example.com")),
        ("credit_card", "4111-1111-1111-1111", digest("4111111111111111")),
        ("iban", "DE89 3704", digest("DE893704")),
        ("secret", "aB", digest("aB")),
        ("sql", "'x'", f"'{digest(chr(39) + 'x' + chr(39))}'"),
    ],
)
def test_hashes_are_of_the_value_whatever_its_spelling(kind, value, expected):
    assert expected == hash_of(kind, KEY)(value)


def test_another_key_is_another_hash():
    assert hash_of("email", KEY)("a@b.co") != hash_of("email", "x" * 32)("a@b.co")
