import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.urls import is_blank, sanitize_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("/api/users/123e4567-e89b-12d3-a456-426614174000", "/api/users/*"),
        ("/api/users/123/posts/456", "/api/users/*/posts/*"),
        ("/v1/k6-test-runs/1", "/v1/k6-test-runs/*"),
        ("/api/users?id=123&name=john", "/api/users"),
        ("/attach#section-1", "/attach"),
        ("GET /user_space/", "GET /user_space/"),
        ("/users/ljgdflgjf/job", "/users/*/job"),
        ("/products//org/3", "/products//org/*"),
        ("/**", "/*"),
        ("?", ""),
        ("12#", "*"),
        ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/i"),
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
