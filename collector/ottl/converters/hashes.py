"""Converters that hash texts or show bytes."""

import hashlib

from collector.ottl.arithmetic import wrapped
from collector.ottl.converters.parameters import BytesLike, Text


def md5(target: Text) -> str:
    """Return the MD5 digest of a text in hexadecimal digits."""
    return hashlib.md5(target.encode(), usedforsecurity=False).hexdigest()


def sha1(target: Text) -> str:
    """Return the SHA-1 digest of a text in hexadecimal digits."""
    return hashlib.sha1(target.encode(), usedforsecurity=False).hexdigest()


def sha256(target: Text) -> str:
    """Return the SHA-256 digest of a text in hexadecimal digits."""
    return hashlib.sha256(target.encode()).hexdigest()


def sha512(target: Text) -> str:
    """Return the SHA-512 digest of a text in hexadecimal digits."""
    return hashlib.sha512(target.encode()).hexdigest()


def fnv(target: Text) -> int:
    """Return the 64-bit FNV-1a hash of a text."""
    digest = 0xCBF29CE484222325
    for byte in target.encode():
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return wrapped(digest)


def hexadecimal(target: BytesLike) -> str:
    """Return the hexadecimal digits of bytes, of a text, or of a number in big-endian order."""
    return target.hex()


CONVERTERS = {"FNV": fnv, "Hex": hexadecimal, "MD5": md5, "SHA1": sha1, "SHA256": sha256, "SHA512": sha512}
