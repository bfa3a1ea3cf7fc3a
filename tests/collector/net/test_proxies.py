"""What the environment says about proxies."""

import pytest

from collector.api import StartError
from collector.net.proxies import Proxy, proxy_for

PROXY = Proxy("proxy.example.com", 3128, "")
HTTPS = {"HTTPS_PROXY": "http://proxy.example.com:3128"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (HTTPS, PROXY),
        ({"https_proxy": "http://proxy.example.com:3128"}, PROXY),
        ({"http_proxy": "http://proxy.example.com:3128"}, PROXY),
        ({"HTTP_PROXY": "http://other:1"} | HTTPS, PROXY),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, PROXY),
        ({"HTTPS_PROXY": "http://proxy.example.com"}, PROXY._replace(port=80)),
        (
            {"HTTPS_PROXY": "http://me:p%40ss@proxy.example.com:3128"},
            PROXY._replace(authorization="Basic bWU6cEBzcw=="),
        ),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, Proxy("::1", 3128, "")),
        ({"HTTPS_PROXY": ""}, None),
        (HTTPS | {"NO_PROXY": "other.com, backend.example.com"}, None),
        (HTTPS | {"no_proxy": "EXAMPLE.com"}, None),
        (HTTPS | {"no_proxy": ".example.com"}, None),
        (HTTPS | {"no_proxy": "*.example.com"}, None),
        (HTTPS | {"no_proxy": "*"}, None),
        (HTTPS | {"no_proxy": "backend.example.com:4317"}, None),
        (HTTPS | {"no_proxy": "backend.example.com:4318"}, PROXY),
        (HTTPS | {"no_proxy": ".backend.example.com"}, PROXY),
        (HTTPS | {"no_proxy": "xample.com, 10.0.0.0/8, ,"}, PROXY),
    ],
)
def test_names(environment, expected):
    assert expected == proxy_for("backend.example.com", 4317, environment)


@pytest.mark.parametrize(
    ("host", "exceptions", "direct"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:4317", True),
        ("10.1.2.3", "10.1.2.3:1", False),
        ("10.1.2.3", "1.2.3", False),
        ("fd00::1", "fd00::/16", True),
        ("fd00::1", "[fd00::1]", True),
        ("fd00::1", "[fd00::1]:4317", True),
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("localhost", "", True),
    ],
)
def test_addresses(host, exceptions, direct):
    assert direct == (proxy_for(host, 4317, HTTPS | {"no_proxy": exceptions}) is None)


@pytest.mark.parametrize("value", ["socks5://u:secret@host:1", "https://host:1", "http://", "http://host:port"])
def test_proxies_that_cannot_be_used(value):
    """The message does not show what may be a password, and the proxy may be left out."""
    with pytest.raises(StartError, match="HTTPS_PROXY: only proxies at http://host:port") as caught:
        proxy_for("backend", 1, {"https_proxy": value})
    assert "secret" not in str(caught.value)
    assert proxy_for("backend", 1, {"https_proxy": value, "no_proxy": "backend"}) is None


def test_the_request_for_a_tunnel():
    assert b"CONNECT backend:4317 HTTP/1.1\r\nHost: backend:4317\r\n\r\n" == PROXY.request("backend", 4317)
    signed = PROXY._replace(authorization="Basic x").request("fd00::1", 4317)
    assert b"CONNECT [fd00::1]:4317 HTTP/1.1\r\nHost: [fd00::1]:4317\r\nProxy-Authorization: Basic x\r\n\r\n" == signed
