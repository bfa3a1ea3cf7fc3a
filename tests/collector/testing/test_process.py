"""Collectors as processes, and the ports that they are given."""

import socket
import sys

import pytest

from collector.testing.process import CollectorProcess, free_port


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be reserved")
def test_a_free_port_is_kept_for_who_asks_for_it():
    """As a port that somebody holds it is given to nobody who asks for any."""
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("localhost", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port))
    for _ in range(2):
        socket.create_server(("localhost", port)).close()


async def test_a_collector_that_cannot_start_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match="the collector ended with 1:"):
        async with CollectorProcess("receivers: 1"):
            pass
    assert [] == list(tmp_path.iterdir())
