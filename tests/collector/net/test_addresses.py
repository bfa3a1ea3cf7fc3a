"""Endpoints, parsed and resolved."""

import pytest

from collector.api import StartError
from collector.net.addresses import Endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost:4317", "localhost", 4317),
        (":4317", "", 4317),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:4317", "::1", 4317),
        ("[::]:65535", "::", 65535),
    ],
)
def test_endpoints_are_host_and_port(text, host, port):
    endpoint = Endpoint.parse(text)
    assert (host, port) == endpoint
    assert text == str(endpoint)


@pytest.mark.parametrize(
    "text", ["", "localhost", "4317", "localhost:", "localhost:http", "localhost:65536", "::1:4317", "host:-1", "h:²"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="write host:port"):
        Endpoint.parse(text)


async def test_a_name_becomes_an_address_of_ipv4_where_it_has_one():
    assert ("127.0.0.1", 4317) == await Endpoint("localhost", 4317).resolve()


@pytest.mark.parametrize("host", ["", "::1", "10.0.0.1"])
async def test_addresses_stay(host):
    assert (host, 1) == await Endpoint(host, 1).resolve()


@pytest.mark.parametrize(("transport", "host"), [("tcp", ""), ("tcp4", "0.0.0.0"), ("tcp6", "::")])
async def test_no_host_is_every_interface_of_the_transport(transport, host):
    assert (host, 1) == await Endpoint("", 1).resolve(transport)


async def test_a_transport_chooses_among_the_addresses_of_a_name():
    assert ("127.0.0.1", 1) == await Endpoint("localhost", 1).resolve("tcp4")
    with pytest.raises(StartError, match="cannot find the address"):
        await Endpoint("127.0.0.1", 1).resolve("tcp6")


async def test_an_unknown_name_is_a_start_error():
    with pytest.raises(StartError, match=r"endpoint: cannot find the address of no\.such\.host\.invalid"):
        await Endpoint("no.such.host.invalid", 1).resolve()
