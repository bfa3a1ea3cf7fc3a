"""What a `cors` block lets browsers do."""

import pytest
from pydantic import ValidationError

from collector.net.cors import Cors
from collector.net.server_config import CorsConfig

VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def cors(**options):
    return Cors(CorsConfig.model_validate(options))


def ask(origin="https://a.example.com", method="POST", headers=""):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return {name: value for name, value in asked.items() if value}


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        ("https://a.example.com", "https://a.example.com", True),
        ("https://A.example.com", "https://a.EXAMPLE.com", True),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://a.example.com.evil.org", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://ab*ba", "https://aba", False),
    ],
)
def test_origins_match_with_one_wildcard(pattern, origin, allowed):
    answer = cors(allowed_origins=[pattern]).actual({"Origin": origin})
    assert (origin if allowed else None) == answer.get("Access-Control-Allow-Origin")
    assert "Origin" == answer["Vary"]


def test_two_wildcards_are_refused():
    with pytest.raises(ValidationError, match="more than one"):
        CorsConfig(allowed_origins=["https://*.*"])


def test_anybody_is_allowed_without_credentials():
    answer = cors(allowed_origins=["*"]).actual({"Origin": "https://x"})
    assert {"Vary": "Origin", "Access-Control-Allow-Origin": "*"} == answer


def test_a_preflight_is_told_what_it_asked_for():
    answer = cors(allowed_origins=["https://*.example.com"], allowed_headers=["X-Key"], max_age=7200).preflight(
        ask(headers="content-type, x-key")
    )
    assert {
        "Access-Control-Allow-Origin": "https://a.example.com",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type, x-key",
        "Access-Control-Max-Age": "7200",
        "Vary": VARY,
    } == answer


@pytest.mark.parametrize("asked", [ask(origin="https://evil.org"), ask(method="DELETE"), ask(headers="x-other"), {}])
def test_a_preflight_for_something_else_is_told_nothing(asked):
    assert {"Vary": VARY} == cors(allowed_origins=["https://*.example.com"]).preflight(asked)


def test_any_header_is_allowed_with_a_star():
    answer = cors(allowed_origins=["*"], allowed_headers=["*"]).preflight(ask(headers="x-other"))
    assert "x-other" == answer["Access-Control-Allow-Headers"]


def test_pages_may_read_exposed_headers():
    answer = cors(allowed_origins=["*"], exposed_headers=["Retry-After", "X-Id"]).actual({"Origin": "https://x"})
    assert "Retry-After, X-Id" == answer["Access-Control-Expose-Headers"]
