"""Detectors of secrets: tokens and keys of known shapes, credentials, and what stands behind a telling name."""

import base64
import binascii
import re

from processors.scrub.finding import Detector, Span

_DIGIT = re.compile(rb"[0-9]")

# --- tokens and keys of known shapes ----------------------------------------------------------------------------------

JWT = Detector(
    kind="jwt",
    hint=r"eyJ[0-9A-Za-z_-]{8}",
    pattern=r"(?:\b|_)eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*(?:\.[0-9A-Za-z_-]*)*",
)

# The prefix tells the issuer. What follows is given as issuers document it, a little shorter where they may change it.
_KEYS = {
    "AWS": "A(?:KI|SI|BI|CC)A[0-9A-Z]{16}",
    "GitHub": "gh[oprsu]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{36,}",
    "GitLab": "gl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[0-9A-Za-z_.-]{20,}",
    "Slack": "xox[abceoprs](?:\\.xox[bp])?-[0-9A-Za-z-]{20,}|xapp-[0-9]-[0-9A-Za-z-]{20,}",
    "Slack webhooks": "hooks\\.slack\\.com/(?:services|workflows)/[0-9A-Za-z_/-]{20,}",
    "Stripe": "[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|whsec_[0-9A-Za-z+/=]{24,}",
    "Google": "AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{28}|ya29\\.[0-9A-Za-z_-]{20,}",
    "OpenAI, Anthropic": "sk-[0-9A-Za-z_-]{32,}",
    "npm": "npm_[0-9A-Za-z]{36}",
    "PyPI": "pypi-AgE[0-9A-Za-z_-]{50,}",
    "SendGrid": "SG\\.[0-9A-Za-z_-]{22}\\.[0-9A-Za-z_-]{43}",
    "Twilio": "SK[0-9a-f]{32}",
    "Mailgun": "key-[0-9a-f]{32}",
    "DigitalOcean": "do[opr]_v1_[0-9a-f]{64}",
    "Hugging Face": "hf_[0-9A-Za-z]{34,}",
    "Shopify": "shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}",
    "Databricks": "dapi[0-9a-f]{32}",
    "Vault": "hv[bs]\\.[0-9A-Za-z_-]{24,}",
    "Grafana": "glsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}|glc_[0-9A-Za-z+/=]{32,}",
    "New Relic": "NRAK-[0-9A-Z]{27}",
    "Telegram": "[0-9]{8,10}:AA[0-9A-Za-z_-]{33}",
    "Square": "sq0(?:atp|csp)-[0-9A-Za-z_-]{22,}",
    "Linear": "lin_(?:api|oauth)_[0-9A-Za-z]{32,}",
    "Atlassian": "ATATT3[0-9A-Za-z_=-]{50,}",
}
_KEY = "|".join(_KEYS.values())


def _check_key(text: bytes, start: int, end: int) -> Span | None:
    if text[start : start + 1] == b"_":
        start += 1
    # Names of machines and styles begin with sk- as well, and have no capitals.
    if text.startswith(b"sk-", start) and (text[start:end].islower() or not _DIGIT.search(text, start, end)):
        return None
    return start, end


API_KEY = Detector(kind="api_key", hint=_KEY, pattern=rf"(?:\b|_)(?:{_KEY})", check=_check_key)

PRIVATE_KEY = Detector(
    kind="private_key",
    hint="-----BEGIN [0-9A-Z ]{0,20}PRIVATE KEY",
    # A block that was cut off is as secret as a whole one.
    pattern=r"-----BEGIN [0-9A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [0-9A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----)?",
)

# --- credentials ------------------------------------------------------------------------------------------------------

_SHORTEST_BEARER = 16


def _check_authorization(text: bytes, start: int, end: int) -> Span | None:
    scheme, credentials = text[start:end].split(None, 1)
    start = end - len(credentials)
    if scheme.lower() == b"basic":
        return (start, end) if _is_basic(credentials) else None
    is_word = not _DIGIT.search(credentials)
    return None if is_word or len(credentials) < _SHORTEST_BEARER else (start, end)


def _is_basic(credentials: bytes) -> bool:
    """Return whether a text is `user:password` in base64 (RFC 7617)."""
    padded = credentials.rstrip(b"=") + b"=" * (-len(credentials.rstrip(b"=")) % 4)
    try:
        return b":" in base64.b64decode(padded, validate=True)
    except binascii.Error:
        return False


AUTHORIZATION = Detector(
    kind="authorization",
    hint=r"(?i:basic|bearer)(?: |%20|\+)+[0-9A-Za-z._~+/-]{8}",
    pattern=r"\b(?i:basic|bearer) +[0-9A-Za-z._~+/-]{8,}=*",
    check=_check_authorization,
)


def _check_url_credentials(text: bytes, start: int, end: int) -> Span | None:
    # A data source name of Go has no scheme, and ends with `@tcp(`.
    start = text.find(b"://", start, end) + 3 if b"://" in text[start:end] else start
    end = text.rfind(b"@", start, end)
    password = text[start:end].partition(b":")[2]
    return None if not password.strip(b"*") else (start, end)


_USER = r"""[^\s/?#"'<>:@]"""
_REST = r"""[^\s/?#"'<>]"""
URL_CREDENTIALS = Detector(
    kind="url_credentials",
    # Not all of the pattern: from any colon on it would search each text to its end, from every match in it anew.
    hint=rf"://{_USER}*:{_REST}+@|@(?:tcp|unix)\(",
    pattern=rf"://{_USER}*:{_REST}+@|\b{_USER}+:{_REST}+@(?:tcp|unix)\(",
    check=_check_url_credentials,
)

# --- what stands behind a telling name --------------------------------------------------------------------------------

_WORDS = (
    "pass(?:word|wd|phrase|code)|pwd|secret|credential|token|signature"
    "|(?:api|access|account|auth|encryption|private|secret|shared|subscription|x-functions)[_.-]?key"
)
# A name ends with one of the words; where it stands for a page of a list it is no secret.
_NAME = rf"(?i:[0-9A-Z_.-]*(?:{_WORDS})|(?:j|php)sessi(?:on)?id|sig)"
_HEADERS = "authorization|cookie"
_SEPARATOR = r"""\\?["']?\]?(?:\s{0,3}(?:=>|:)\s{0,3}|\s{1,3}=\s{0,3}|=)\\?["']?"""
_PAGE = re.compile(rb"(?:page|next|continuation|sync|cancellation|cancel|line|css|design)[_.-]?token$", re.IGNORECASE)

_QUOTED = {
    b'"': re.compile(rb'(?:[^"\\\n]++|\\.)*+'),
    b"'": re.compile(rb"(?:[^'\\\n]++|\\.)*+"),
}
# Inside of a text in quotes itself, as JSON in JSON is: the quote at the end has a backslash in front.
_QUOTED_TWICE = re.compile(rb"""[^"'\\\n]++""")
_UNQUOTED = re.compile(rb"""[^\s"'&;,)\]}<>\\]++""")
# What stands where there is no secret, or none any more.
_PLACEHOLDER = re.compile(
    rb"""\*+|x{3,}|\?|-+|\$[0-9]*|%[a-z]|[$%#]?\{.*|<.*|\[.*|(?:null|none|nil|undefined|true|false|empty|redacted
    |masked|hidden|filtered|removed|required|invalid|expired|missing|unknown|optional)\b.*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SHORTEST_SECRET = 3
_LOOK_AHEAD = 256


def is_secret(value: bytes) -> bool:
    """Return whether a value behind a telling name may be a secret, rather than nothing or a placeholder."""
    return len(value) >= _SHORTEST_SECRET and not _PLACEHOLDER.fullmatch(value, 0, _LOOK_AHEAD)


def _check_secret(text: bytes, start: int, end: int) -> Span | None:
    match = _TELLING.match(text, start, end)
    if match is None or _PAGE.search(match["name"]):
        return None
    quote = text[end - 1 : end]
    syntax = _QUOTED.get(quote, _UNQUOTED) if text[end - 2 : end - 1] != b"\\" else _QUOTED_TWICE
    # The beginning tells. All of a refused value would be looked at again for each telling name that is in it.
    value = syntax.match(text, end, end + _LOOK_AHEAD)
    if value is None or not is_secret(value[0]):
        return None
    # Behind a colon without quotes there may be a sentence.
    if quote not in _QUOTED and b":" in match["separator"] and not _is_random(value[0]):
        return None
    whole = syntax.match(text, end)
    return None if whole is None else whole.span()


def _is_random(value: bytes) -> bool:
    return len(value) >= 8 and _DIGIT.search(value) is not None and not value.isdigit()


_TELLING = re.compile(rb"(?P<name>[0-9A-Za-z_.-]+)(?P<separator>.*)", re.DOTALL)
SECRET = Detector(
    kind="secret",
    hint=rf"(?i:{_WORDS}|{_HEADERS}|sessi(?:on)?id)|(?i:sig){_SEPARATOR}",  # of names in texts, and of keys
    pattern=rf"\b{_NAME}{_SEPARATOR}",
    check=_check_secret,
)
# Keys of attributes whose whole value is a secret: the last part of `db.password`, `http.request.header.x-api-key`.
SECRET_KEY = rf"(?:^|[._-])(?i:[0-9A-Z_-]*(?:{_WORDS})|(?:proxy-|set-)?(?:{_HEADERS}))$"

DETECTORS = (PRIVATE_KEY, JWT, API_KEY, URL_CREDENTIALS, AUTHORIZATION, SECRET)
