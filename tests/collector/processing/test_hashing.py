import hashlib
import hmac

import pytest

from collector.processing.hashing import hash_attribute, replacement


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("é", "é".encode()),
        (True, b"\x01"),
        (False, b"\x00"),
        (-2, b"\xfe" + b"\xff" * 7),
        (2.4, bytes.fromhex("3333333333330340")),
    ],
)
def test_what_is_hashed_of_each_type(value, content):
    assert hash_attribute(value) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("value", ["", b"bytes", [1], {"a": 1}, None])
def test_what_has_no_hash_becomes_empty(value):
    assert hash_attribute(value) == ""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("", "****"),
        ("none", "****"),
        ("md5", hashlib.md5(b"secret").hexdigest()),
        ("sha1", hashlib.sha1(b"secret").hexdigest()),
        ("sha3", hashlib.sha3_256(b"secret").hexdigest()),
        ("hmac-sha256", hmac.digest(b"key", b"secret", "sha256").hex()),
        ("hmac-sha512", hmac.digest(b"key", b"secret", "sha512").hex()),
    ],
)
def test_replacements(function, expected):
    assert replacement(function, "key")("secret") == expected
