"""What is found in a text, kind by kind, and what only looks like it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.scrub.config import Config
from processors.scrub.finding import without_overlaps
from processors.scrub.rules import Rules

RULES = {scope: Rules(Config.model_validate({"ip_addresses": scope})) for scope in ("public", "all")}


def found(text, key="", scope="public"):
    """Return what is found in a text as pairs of kind and part."""
    rules, raw = RULES[scope], text.encode()
    return [(kind, raw[start:end].decode()) for start, end, kind in rules.find(raw, rules.rule_of(key))]


FOUND = [
    ("email", "<{}>", "ann@example.com"),
    ("email", "mailto:{}?subject=x", "o'hara+tag@mail.example.co.uk"),
    ("email", "/users/{}/x", "ann@example.com"),
    ("email", "?q={}&x=1", "ann%40example.com"),
    ("email", "von {}, danke", "jürgen@bücher.example"),
    ("email", "{}", "ann\uff20example.com"),
    ("email", "['{}']", "ann@example.com"),
    ("email", "mail {}. Next", "ann@xn--bcher-kva.example"),
    ("credit_card", "pan={};", "4111111111111111"),
    ("credit_card", "2024 {} 12/27", "4111 1111 1111 1111"),
    ("credit_card", "{}", "3782-822463-10005"),
    ("credit_card", "{}", "30569309025904"),
    ("credit_card", "{}.", "6011 1111 1111 1117"),
    ("iban", "to {} EUR 5", "DE89 3704 0044 0532 0130 00"),
    ("iban", "to {} PAID", "BE68 5390 0754 7034"),
    ("iban", "{}", "MT84MALT011000012345MTLCAST001S"),
    ("iban", "DE11 {}", "GB82WEST12345698765432"),
    ("ip", "from {}:443", "203.0.113.7"),
    ("ip", "Connection refused: shop.example.com/{}:443", "93.184.216.34"),
    ("ip", "[{}]:80", "2001:db8::8a2e:370:7334"),
    ("ip", "{}: unreachable", "2001:db8::1"),
    ("ip", "{}", "2001:db8:0:1:2:3:4:5"),
    ("ip", "{}", "::ffff:203.0.113.7"),
    ("jwt", "t={}!", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."),
    ("api_key", "key_{}", "AKIAIOSFODNN7EXAMPLE"),
    ("api_key", "{}", "glpat-abcdefghij0123456789"),
    ("private_key", "x {}", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow"),
    ("private_key", "{} y", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"),
    ("authorization", "Authorization: Bearer {}", "mF_9.B5f-4.1JqM9z"),
    ("authorization", "authorization: basic {}", base64.b64encode(b"ann:pass").decode()),
    ("url_credentials", "https://{}@example.com/", "ann:p@ss"),
    ("url_credentials", "redis://{}@cache:6379", ":hunter2"),
    ("url_credentials", "dsn {}@tcp(db:3306)/shop", "root:hunter2"),
    ("secret", "/x?a=1&token={}&b=2", "abc"),
    ("secret", '{{"password": "{}"}}', "correct horse"),
    ("secret", '{{\\"apiKey\\":\\"{}\\"}}', "k1"[::-1] * 4),
    ("secret", "Password={};Encrypt=true", "hunter2"),
    ("secret", "x-api-key: {}", "8f14e45f"),
    ("secret", "AWS_SECRET_ACCESS_KEY={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("secret", '{{"password": "{}"}}', 'ab\\"cd'),
    ("secret", "sig : '{}'", "Zm9vYmFy"),
    ("secret", "?X-Amz-Security-Token={}", "FwoGZXIvYXdzEBYaD"),
    ("email", "{}", "ann_@example.com"),
    ("secret", "?X-Amz-Signature={}", "fe5f80f77d5fa3be"),
    ("phone", "call {}, please", "+49 30 12345678"),
    ("phone", "{} 200 OK", "+14155550123"),
    ("phone", "{}", "(415) 555-0123"),
    ("us_ssn", "ssn={}", "078-05-1120"),
]


@pytest.mark.parametrize(("kind", "around", "value"), FOUND)
def test_it_is_found(kind, around, value):
    assert [(kind, value)] == found(around.format(value))


NOT_FOUND = [
    "git@github.com:acme/shop.git",
    "lodash@4.17.21",
    "logo@2x.png",
    "celery@worker.prod.svc.cluster.local",
    "com.example.Foo@1b28cdfa.run",
    "ann@localhost",
    "4111111111111112",
    "0.4111111111111111",
    "a4111111111111111",
    "41111111111111111111111",
    "1234-4111-1111-1111-1111",
    "4006381333931",
    "DE88 3704 0044 0532 0130 00",
    "GB82WEST1234569876543",
    "10.1.2.3 192.168.0.1 127.0.0.1 172.31.255.255 100.64.0.1 169.254.1.1",
    "1.2.3.4.5",
    "v1.2.3.4",
    "version 1.2.3.4",
    "1.2.3.4-rc1",
    "Chrome/120.0.0.0 Safari/537.36",
    "300.1.2.3",
    "::1 fe80::1 fd00::1 ::ffff:10.1.2.3",
    "12:34:56 00:1b:44:11:3a:b7 cafe::add std::vector App::Http",
    "00:11:22:33:44:55:66:77:88:99",
    "eyJhbGciOiJub25lIn0",
    "risk-assessment-service-deployment-7d9f8b6c5",
    "sk-fading-circle-loader-container-element-one",
    "basic authentication-required",
    "bearer of-very-bad-news-indeed",
    "https://user@example.com/ ssh://git@example.com",
    "http://host:8080/@scope/package",
    "unexpected token: ';'",
    "password: required",
    "token= secret=null password=**** api_key=[REDACTED] secret=${SECRET} token=<token>",
    "?page_token=abcdef&nextToken=12345678",
    "max_tokens=4096 input_tokens: 12",
    "2024-01-01T00:00:00+00:00 1.2.3+20240101123456",
    "+1234567",
    "000-12-3456 123-00-4567 123-45-0000 900-12-3456",
    "550e8400-e29b-41d4-a716-446655440000",
    "\u0664\u0661\u0661\u0661" * 4,
]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_it_is_not_found(text):
    assert [] == found(text)


def test_all_addresses_where_told():
    text = "10.1.2.3 127.0.0.1 fe80::1 8.8.8.8"
    assert [("ip", part) for part in text.split()] == found(text, scope="all")


def test_several_kinds_in_one_text():
    text = "ann@example.com paid with 4111111111111111 from 203.0.113.7?token=abcdef"
    assert ["email", "credit_card", "ip", "secret"] == [kind for kind, _ in found(text)]


def test_what_begins_inside_of_a_candidate_is_found():
    account = "BE68 5390 0754 7034"
    assert [("iban", account)] * 2 == found(f"{account} {account}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password='mail ann@example.com'", [("secret", "mail ann@example.com")]),
        ("https://ann:pw@example.com/x", [("url_credentials", "ann:pw")]),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", [("jwt", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.")]),
        ("token=ghp_" + "a1" * 20, [("api_key", "ghp_" + "a1" * 20)]),
    ],
)
def test_of_findings_that_overlap_the_widest_counts(text, expected):
    assert expected == found(text)


@pytest.mark.parametrize("key", ["service.version", "browserVersion"])
def test_versions_are_known_by_their_key(key):
    assert [] == found("8.8.8.8", key)
    assert [("ip", "8.8.8.8")] == found("8.8.8.8", "client.address")


@pytest.mark.parametrize(
    "key", ["password", "db.password", "http.request.header.x-api-key", "http.request.header.authorization", "apiToken"]
)
def test_a_telling_key_makes_its_value_a_secret(key):
    assert [("secret", "any thing")] == found("any thing", key)
    assert [] == found("[REDACTED]", key)


@pytest.mark.parametrize("key", ["tokens", "token.count", "password_reset.url", "user.id"])
def test_other_keys_do_not(key):
    assert [] == found("any thing", key)


PIECES = [text for _, around, value in FOUND for text in (around.format(value), value)]
pieces = st.sampled_from([*PIECES, *NOT_FOUND]) | st.text(max_size=5)
texts = st.lists(pieces, max_size=6).map("".join)


@given(texts, st.sampled_from(["", "db.statement", "password"]))
def test_findings_are_in_order_and_apart(text, key):
    rules, raw = RULES["public"], text.encode()
    end = 0
    for start, stop, _ in rules.find(raw, rules.rule_of(key)):
        assert end <= start < stop <= len(raw)
        raw[start:stop].decode()  # no character is cut
        end = stop


@given(st.lists(pieces, max_size=6), st.booleans())
def test_masking_twice_is_masking_once(parts, reveal):
    """A mask is no finding; what it stands next to may become one, where both were written without a space."""
    text = " ".join(parts)
    rules = Rules(Config(reveal=reveal))
    once = rules.mask_text(text, [])
    assert once == rules.mask_text(once, [])


def test_what_overlaps_in_part_is_cut():
    """So that nothing of either is left."""
    found = [(3, 8, "b"), (3, 5, "c"), (0, 5, "a"), (8, 9, "d")]
    assert [(0, 5, "a"), (5, 8, "b"), (8, 9, "d")] == without_overlaps(found)


@pytest.mark.parametrize(
    ("candidate", "findings"),
    [("token=none-", 0), ("token:", 0), ("10.1.2.3,", 0), ("x:10.1.2.3,", 0), ("8.8.8.8 ", 1), ("a@b.cd ", 1)],
)
def test_a_text_of_nothing_but_candidates_is_searched_once(candidate, findings):
    """In time that grows with its length: with its square, this would take minutes."""
    assert 20_000 * findings == len(found(candidate * 20_000))


def test_a_secret_is_found_to_its_end():
    """However little of it tells that it is one."""
    assert [("secret", "a1" * 500)] == found(f"token: {'a1' * 500};")
