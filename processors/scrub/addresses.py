"""IP addresses: which are public, and what only looks like one."""

import ipaddress
import re
import socket
from bisect import bisect_right

# Four numbers with dots as they show in the bytes of a message, from the last digit of the first to the first of the
# last.
FOUR_NUMBERS = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"


class _Ranges:
    """Networks, none of which is in another."""

    def __init__(self, *networks: str) -> None:
        ranges = sorted((int(network[0]), int(network[-1])) for network in map(ipaddress.ip_network, networks))
        self._first, self._last = zip(*ranges, strict=True)

    def __contains__(self, packed: bytes) -> bool:
        number = int.from_bytes(packed, "big")
        return (index := bisect_right(self._first, number)) > 0 and number <= self._last[index - 1]


# Networks of one's own: everyone uses the same addresses, so they tell of nobody.
_PRIVATE_V4 = _Ranges(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.168.0.0/16", "224.0.0.0/3"),
)
_PRIVATE_V6 = _Ranges("::1/128", "fc00::/7", "fe80::/10")
# All of version 6 that is in use beside those. The rest looks more like other things: `cafe::add`, hardware addresses.
_GLOBAL_V6 = _Ranges("2000::/3", "64:ff9b::/96")
_SIZE_OF_V4 = 4
# In front of an address of version 4 that is written as one of version 6.
_MAPPED = bytes(10) + b"\xff\xff"

# In front of four numbers that are a version: `lib-`, `v`, `version=`; and `Chrome/`, which is no host or path.
_VERSION = re.compile(rb"""(?: [A-Za-z]- | \bv(?:er(?:sion)?)?["']?[\s:=]{0,3}["']? )$""", re.VERBOSE | re.IGNORECASE)
_PRODUCT = re.compile(rb"""(?:^|[\s(;,"'])[A-Za-z][A-Za-z_-]*/$""")
_LOOK_BACK = 48
_LONGEST_VERSION = 12
# What makes a version of it behind; but 203.0.113.1-203.0.113.9 are two addresses.
_GOES_ON = re.compile(rb"[.+-][0-9A-Za-z]")
_RANGE = re.compile(rb"-[0-9]{1,3}\.[0-9]")
_PORT = re.compile(rb":[0-9]")


def is_address(text: bytes) -> bool:
    """Return whether a text is an address of version 4 or 6 that is in use."""
    return _is_address(text, public=False)


def is_public(text: bytes) -> bool:
    """Return whether a text is an address that may be anybody's, rather than one of a private or local network."""
    return _is_address(text, public=True)


def is_version(text: bytes, start: int, end: int) -> bool:
    """Return whether four numbers with dots are part of a longer row or stand where versions do."""
    if text[max(0, start - 1) : start] == b".":
        return True
    if _GOES_ON.match(text, end) and not _RANGE.match(text, end):
        return True
    before = text[max(0, start - _LOOK_BACK) : start]
    if before.endswith(b"/"):
        return bool(_PRODUCT.search(before) and not _PORT.match(text, end))
    return bool(before and _VERSION.search(before, max(0, len(before) - _LONGEST_VERSION)))


def _is_address(text: bytes, *, public: bool) -> bool:
    try:
        packed = socket.inet_pton(socket.AF_INET6 if b":" in text else socket.AF_INET, text.decode())
    except OSError:
        return False
    if len(packed) > _SIZE_OF_V4:
        if not packed.startswith(_MAPPED):
            return packed in _GLOBAL_V6 or (not public and packed in _PRIVATE_V6)
        packed = packed[len(_MAPPED) :]
    return not (public and packed in _PRIVATE_V4)


class PrivateAddresses:
    """Tells in the bytes of messages that four numbers with dots are no public address.

    Networks of one's own are told by their first two numbers. The first may have a digit too many: in front of a text
    stands its length, a byte that may look like a digit. Then the byte before that is a tag of a field with a length,
    or a part of the length that says that it goes on.
    """

    def __init__(self) -> None:
        self._private: dict[tuple[bytes, bytes, bool], bool] = {}

    def contain(self, raw: bytes, start: int, end: int) -> bool:
        """Return whether the numbers that a match of `FOUR_NUMBERS` is part of are private however they are read.

        False for any other match.
        """
        # Most matches are of other things, and soon told.
        match = _FOUR_NUMBERS.fullmatch(raw, start, end) if raw.startswith(b".", start + 1) else None
        if match is None:
            return False
        front = raw[max(0, start - _MOST_DIGITS) : start]
        digits = front[len(front.rstrip(b"0123456789")) :]
        before = raw[start - len(digits) - 1] if len(digits) < start else 0
        key = digits + raw[start : start + 1], match["second"], before >= 0x80 or before & 7 == _LENGTH_DELIMITED
        private = self._private.get(key)
        if private is None:
            if len(self._private) >= _REMEMBERED:
                self._private.clear()
            private = self._private[key] = _are_private(*key)
        return private


def _are_private(first: bytes, second: bytes, may_begin_with_length: bool) -> bool:
    readings = (first, first[1:]) if may_begin_with_length else (first,)
    return not any(is_public(b"%b.%b.0.1" % (reading, second)) for reading in readings)


_FOUR_NUMBERS = re.compile(FOUR_NUMBERS.replace("[0-9]{1,3}", "(?P<second>[0-9]{1,3})", 1).encode())
_MOST_DIGITS = 3  # of the first number, beside the one that belongs to the match
_LENGTH_DELIMITED = 2
_REMEMBERED = 10_000
