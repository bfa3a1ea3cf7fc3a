"""What is read in a request's head."""

import pytest

from collector.net.http1.heads import BadHeadError, RequestHead


def head(*fields, method=b"POST", target=b"/", version="1.1"):
    return RequestHead(method, target, version, [(b"host", b"x"), *fields], keeps_alive=True)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/v1/traces", "/v1/traces", ""),
        (b"/v1/traces?a=b&c", "/v1/traces", "a=b&c"),
        (b"/a%20b%2Fc?d=%20", "/a b/c", "d=%20"),
        (b"/%c3%a9", "/é", ""),
        (b"/%ff", "/�", ""),
        (b"//a/b", "//a/b", ""),
        (b"http://host:80/v1/traces?a", "/v1/traces", "a"),
        (b"http://host", "/", ""),
        (b"http://host?a=/b", "/", "a=/b"),
        (b"http://[", "/", ""),
        (b"host:80", "/", ""),
        (b"*", "*", ""),
    ],
)
def test_targets(target, path, query):
    assert (path, query) == (head(target=target).path, head(target=target).query)


@pytest.mark.parametrize(
    ("value", "media_type"), [(b"Text/Plain; charset=x", "text/plain"), (b" a/b ", "a/b"), (b"", "")]
)
def test_media_types(value, media_type):
    assert media_type == head((b"content-type", value)).media_type


def test_headers_are_found_by_names_in_any_case():
    headers = head((b"x-key", b" value ")).headers()
    assert ("value", "value", None, None) == (
        headers["X-Key"],
        headers.get("x-kEY"),
        headers.get("y"),
        headers.get("é€"),
    )
    assert {"host": "x", "x-key": "value"} == dict(headers)
    assert 2 == len(headers)


def test_repeated_headers_are_joined_or_apart():
    repeated = head((b"x-key", b"one"), (b"x-key", b"two"))
    assert "one, two" == repeated.headers()["X-Key"]
    assert ("one", "two") == repeated.all_headers()["x-key"]


@pytest.mark.parametrize("name", [b"host", b"content-length"])
def test_what_must_be_one_comes_once(name):
    with pytest.raises(BadHeadError, match="has come twice"):
        head((name, b"1"), (name, b"1"))


def test_lengths():
    assert 0 == head().length
    assert 12 == head((b"content-length", b"12 ")).length
    assert head((b"transfer-encoding", b"Chunked ")).length is None


def test_only_http_1_1_has_expectations():
    assert "100-continue" == head((b"expect", b"100-Continue")).expectation
    assert "" == head((b"expect", b"100-continue"), version="1.0").expectation


def test_http_1_0_needs_no_host():
    assert "1.0" == RequestHead(b"GET", b"/", "1.0", [], keeps_alive=False).version
    with pytest.raises(BadHeadError, match="Host header is missing"):
        RequestHead(b"GET", b"/", "1.1", [], keeps_alive=False)
