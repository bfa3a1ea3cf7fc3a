"""Digests that stand in for sensitive values, as lower-case hexadecimal text."""

import hashlib
import hmac
import struct
from binascii import hexlify
from collections.abc import Callable
from typing import Literal

from collector.data import AttributeValue

HashFunction = Literal["", "none", "md5", "sha1", "sha3", "hmac-sha256", "hmac-sha512"]

# The shortest key that each keyed hash takes, in bytes.
HMAC_KEY_SIZES = {"hmac-sha256": 32, "hmac-sha512": 64}

MASK = "****"
DIGEST_SIZE = 64  # characters of a SHA-256

# A copy of it takes less than half as long as a new one, for which OpenSSL looks the algorithm up.
_SHA256 = hashlib.sha256()


def hash_attribute(value: AttributeValue) -> str:
    """Return the SHA-256 of a value: text as UTF-8, numbers as 8 bytes little-endian, a bool as one byte.

    What has no bytes of this kind (lists, maps, bytes, the empty text) becomes the empty text, as in the Go collector.
    """
    match value:
        case str():
            content = value.encode()
        case bool():
            content = bytes([value])
        case int():
            content = struct.pack("<q", value)
        case float():
            content = struct.pack("<d", value)
        case _:
            content = b""
    return hash_bytes(content).decode() if content else ""


def hash_bytes(content: bytes) -> bytes:
    """Return the SHA-256 of a value's bytes, as text in ASCII."""
    digest = _SHA256.copy()
    digest.update(content)
    return hexlify(digest.digest())


def replacement(function: HashFunction, key: str = "") -> Callable[[str], str]:
    """Return the function that replaces sensitive text: by a digest of it, or by asterisks where `function` is none."""
    match function:
        case "md5" | "sha1":
            digest = getattr(hashlib, function)
            return lambda text: digest(text.encode(), usedforsecurity=False).hexdigest()
        case "sha3":
            return lambda text: hashlib.sha3_256(text.encode()).hexdigest()
        case "hmac-sha256" | "hmac-sha512":
            algorithm = function.removeprefix("hmac-")
            return lambda text: hmac.digest(key.encode(), text.encode(), algorithm).hex()
    return lambda _: MASK
