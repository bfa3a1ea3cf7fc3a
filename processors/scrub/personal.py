"""Detectors of personal data in numbers: card and account numbers, IP addresses, telephone and US SSN numbers."""

import re
from collections.abc import Callable

from processors.scrub.addresses import FOUR_NUMBERS, is_address, is_public, is_version
from processors.scrub.finding import Detector, Span

# --- payment cards ----------------------------------------------------------------------------------------------------

_NOT_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
# Issuers and the lengths of their numbers (ISO/IEC 7812). Lengths that are rare and look like other numbers are left
# out: Visa's 13 (EAN codes) and 19 (decimal trace ids), unless written in groups.
_ISSUERS = re.compile(
    rb"""4[0-9]{15} | (?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}
    | 3[47][0-9]{13} | 3(?:0[0-5]|[689][0-9])[0-9]{11}
    | (?:6011|64[4-9][0-9]|65[0-9]{2}|35(?:2[89]|[3-8][0-9])|62[0-9]{2})[0-9]{12} | 62[0-9]{17}
    | (?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12}
    """,
    re.VERBOSE,
)
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
_PLAIN = bytes.maketrans(b"0123456789", bytes(range(10)))


def _passes_luhn(digits: bytes) -> bool:
    return (sum(digits[-1::-2].translate(_PLAIN)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def _check_card(text: bytes, start: int, end: int) -> Span | None:
    digits = text[start:end].translate(None, _NOT_DIGITS)
    grouped = len(digits) < end - start
    if not _ISSUERS.fullmatch(digits) and not (grouped and digits.startswith(b"4") and len(digits) == 19):
        return None
    if _goes_on(text, start, end) or not _passes_luhn(digits):
        return None
    return start, end


def _goes_on(text: bytes, start: int, end: int) -> bool:
    """Return whether a number is a part of one with a fraction, or of an id with dashes."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return (before[-1:] in (b".", b"-") and before[:1].isalnum()) or (after[:1] in (b".", b"-") and after[1:].isalnum())


_CARD_GROUPS = r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}(?:[ -][0-9]{3})?|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5}"
CARD = Detector(kind="credit_card", hint="[0-9]{14}", pattern=r"\b[0-9]{14,19}\b", check=_check_card)
CARD_IN_GROUPS = Detector(
    kind="credit_card",
    hint="[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4}",
    pattern=rf"\b(?:{_CARD_GROUPS})\b",
    check=_check_card,
    step=5,
)

# --- bank accounts ----------------------------------------------------------------------------------------------------

# Lengths by country, from the registry of ISO 13616.
_IBAN_LENGTHS = {
    country.encode(): length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG YE",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def _check_iban(text: bytes, start: int, end: int) -> Span | None:
    length = _IBAN_LENGTHS.get(text[start : start + 2])
    if length is None:
        return None
    stop = start
    for _ in range(length):
        stop += text[stop : stop + 1] == b" "
        stop += 1
    account = text[start:stop].replace(b" ", b"")
    if stop > end or text[stop : stop + 1].isalnum() or not account.isalnum():
        return None
    number = int("".join(str(int(chr(letter), 36)) for letter in account[4:] + account[:4]))
    return (start, stop) if number % 97 == 1 else None


_COUNTRIES = "|".join(sorted(country.decode() for country in _IBAN_LENGTHS))
IBAN = Detector(
    kind="iban",
    hint=f"(?:{_COUNTRIES})[0-9]{{2}} ?[0-9A-Z]{{4}} ?[0-9A-Z]{{4}} ?[0-9A-Z]{{3}}",
    pattern=rf"\b(?:{_COUNTRIES})[0-9]{{2}}(?: ?[0-9A-Z]{{4}}){{2,7}}(?: ?[0-9A-Z]{{1,3}})?",
    check=_check_iban,
    step=4,
)

# --- IP addresses -----------------------------------------------------------------------------------------------------

_HEX = "[0-9A-Fa-f]{1,4}"
_V6 = rf"(?:{_HEX}:){{7}}{_HEX}|(?:{_HEX}:){{1,7}}:(?:[0-9A-Fa-f:.]*[0-9A-Fa-f])?|::[0-9A-Fa-f:.]*[0-9A-Fa-f]"
_V4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"


_PART_OF_MORE = re.compile(rb"[0-9A-Za-z_.:]$")
_MORE_GROUPS = re.compile(rb"[0-9A-Za-z_]|:[0-9A-Fa-f:]")


def _detectors_of_addresses(wanted: Callable[[bytes], bool]) -> tuple[Detector, Detector]:
    def check_v4(text: bytes, start: int, end: int) -> Span | None:
        return (start, end) if wanted(text[start:end]) and not is_version(text, start, end) else None

    def check_v6(text: bytes, start: int, end: int) -> Span | None:
        if _PART_OF_MORE.search(text, max(0, start - 1), start) or _MORE_GROUPS.match(text, end):
            return None
        return (start, end) if wanted(text[start:end]) else None

    return (
        Detector(kind="ip", hint=FOUR_NUMBERS, pattern=rf"\b{_V4}\b", check=check_v4),
        Detector(kind="ip", hint=rf"{_HEX}::|::{_HEX}|(?:{_HEX}:){{7}}{_HEX}", pattern=_V6, check=check_v6),
    )


PUBLIC_IP = _detectors_of_addresses(is_public)
ANY_IP = _detectors_of_addresses(is_address)

# --- telephone and social security numbers ----------------------------------------------------------------------------

_DIGITS = re.compile(rb"[0-9]+")
_MOST_DIGITS = 15
# Country codes of ITU-T E.164 in front of as many digits as numbers have.
_CALLING = re.compile(
    rb"(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    rb"|(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[05789]|9[679])[0-9])[0-9]{7,13}"
)


def _check_phone(text: bytes, start: int, end: int) -> Span | None:
    before = text[max(0, start - 1) : start]
    if before.isalnum() or before in (b"+", b".", b")", b"_") or text[end : end + 1].isalnum():
        return None
    if text.startswith(b"(", start):
        return start, end
    end = start + _end_of_number(text[start:end])
    return (start, end) if _CALLING.fullmatch(text[start:end].translate(None, _NOT_DIGITS)) else None


def _end_of_number(text: bytes) -> int:
    """Return where an international number ends that other numbers may follow."""
    digits = end = 0
    for group in _DIGITS.finditer(text):
        size = len(group[0])
        if digits >= 10 or (digits and digits + size > _MOST_DIGITS):
            break
        digits, end = digits + size, group.end()
        if digits == 11 and text.startswith(b"+1"):
            break
    return end + (text[end : end + 1] == b")")


PHONE = Detector(
    kind="phone",
    hint=r"\+[1-9][0-9(). -]{7}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}",
    pattern=r"\+[1-9](?:[ .-]?\(?[0-9]{1,15}\)?){1,6}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}",
    check=_check_phone,
)


def _check_ssn(text: bytes, start: int, end: int) -> Span | None:
    area, group, serial = text[start:end].split(b"-")
    never_issued = area in (b"000", b"666") or area >= b"900" or group == b"00" or serial == b"0000"
    return None if never_issued or _goes_on(text, start, end) else (start, end)


US_SSN = Detector(
    kind="us_ssn",
    hint="[0-9]{3}-[0-9]{2}-[0-9]{4}",
    pattern=r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    check=_check_ssn,
)

DETECTORS = (CARD, CARD_IN_GROUPS, IBAN, PHONE, US_SSN)
