"""The detector of e-mail addresses."""

import re

from processors.scrub.finding import Detector, Span

_AT = "(?:@|%40|\uff20|\ufe6b)"  # the last two are what look-alikes use
_LETTER = r"[0-9A-Za-z\x{80}-\x{10ffff}]"
_LABEL = r"[0-9\pL\pM\pN](?:[0-9\pL\pM\pN-]*)\."

# What follows @ in names of packages, images and workers rather than in addresses.
_NO_DOMAIN = re.compile(
    rb"""v?[0-9]+\.[0-9]                          # a version
    | (?=[a-f]*[0-9])[0-9a-f]{6,8}\.[a-z]       # a method of an object of Java: Foo@1b28cdfa.run
    | [0-9]+x\.(?:avif|gif|jpe?g|png|svg|webp)\b  # an image for dense displays
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LOCAL_DOMAINS = (b".internal", b".lan", b".localdomain", b".localhost", b".svc", b".svc.cluster.local")
# The id of a message rather than anybody's name.
_MADE_UP = re.compile(rb"[0-9a-f-]{20,}")
_LOOK_BACK = 256
_END_OF_HOST = re.compile(rb"[\s/?#]")
_TRIMMED = b"'&.-+~^%"
_OTHER_ATS = (b"%40", "\uff20".encode(), "\ufe6b".encode())


def _check_email(text: bytes, start: int, end: int) -> Span | None:
    address = text[start:end]
    at, width = _position_of_at(address)
    local = address[:at].lstrip(_TRIMMED)
    if not local or _MADE_UP.fullmatch(local) or _NO_DOMAIN.match(address, at + width):
        return None
    if address.lower().endswith(_LOCAL_DOMAINS):
        return None
    if local == b"git" and text[end : end + 1] == b":":  # git@host:path, as ssh has it
        return None
    # In front of `password@host` of a URL are its scheme, and the user.
    scheme = text.rfind(b"://", max(0, start - _LOOK_BACK), start)
    if scheme >= 0 and not _END_OF_HOST.search(text, scheme + 3, start):
        return None
    return start + at - len(local), end


def _position_of_at(address: bytes) -> Span:
    """Return where the last @ stands in an address, and how many bytes it takes."""
    at = address.rfind(b"@")
    if at >= 0:
        return at, 1
    return max((address.rfind(sign), len(sign)) for sign in _OTHER_ATS)


EMAIL = Detector(
    kind="email",
    hint=rf"[_{_LETTER[1:]}{_AT}{_LETTER}+[0-9A-Za-z.\x{{80}}-\x{{10ffff}}-]*\.[0-9A-Za-z\x{{80}}-\x{{10ffff}}]{{2}}",
    pattern=rf"[0-9\pL\pM\pN._%+'&~^-]*[0-9\pL\pM\pN_]{_AT}(?:{_LABEL})+(?:xn--[0-9a-z-]*[0-9a-z]|\pL[\pL\pM]+)",
    check=_check_email,
)
