import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.urls import is_blank, sanitize_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("/carts/0b7e4c1a-92d3-4f5e-8a6b-1c2d3e4f5a6b", "/carts/*"),
        ("/shops/77/orders/9041", "/shops/*/orders/*"),
        ("/v2/e2e-checks/8", "/v2/e2e-checks/*"),
        ("/search?q=boots&page=2", "/search"),
        ("/help#returns", "/help"),
        ("PUT /gift_cards/", "PUT /gift_cards/"),
        ("/carts/qwrtzpsdfg/items", "/carts/*/items"),
        ("/shops//stock/5", "/shops//stock/*"),
        ("/@@", "/*"),
        ("?", ""),
        ("88#", "*"),
        ("/k/l/m/n/o/p/q/r/s/t/u", "/k/l/m/n/o/p/q/r/s"),
        ("https://user:secret@shop.example.com:8443/orders/17?token=x", "https://shop.example.com:8443/orders/*"),
        ("/caf\u00e9", "/*"),
    ],
)
def test_what_varies_goes(url, expected):
    assert sanitize_url(url) == expected


@given(st.text())
def test_a_sanitized_url_stays(url):
    once = sanitize_url(url)
    assert sanitize_url(once) == once


@pytest.mark.parametrize(("path", "blank"), [("/*", True), ("*/*/", True), ("/", False), ("", False), ("/a/*", False)])
def test_paths_without_a_word_are_blank(path, blank):
    assert is_blank(path) is blank
