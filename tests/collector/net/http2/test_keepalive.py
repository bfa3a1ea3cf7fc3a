"""When connections end, by a clock that stands still until it is moved."""

import pytest

from collector.net.http2.keepalive import ClientKeepalive, Due, Keepalive
from collector.net.server_config import KeepaliveServerConfig


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def keepalive(time, /, policy=None, **parameters):
    config = {"server_parameters": parameters or None, "enforcement_policy": policy}
    return Keepalive(KeepaliveServerConfig.model_validate(config), time)


def test_nothing_is_due_by_default(time):
    watched = Keepalive(None, time)
    time.now += 7000
    assert Due.NOTHING is watched.due(0)


def test_a_silent_client_is_asked_and_then_given_up(time):
    watched = keepalive(time, time="30s", timeout="5s")
    time.now += 29
    assert Due.NOTHING is watched.due(1)
    time.now += 1
    assert Due.PING is watched.due(1)
    time.now += 4
    assert Due.NOTHING is watched.due(1)
    time.now += 1
    assert Due.DEAD is watched.due(1)


def test_any_bytes_are_a_sign_of_life(time):
    watched = keepalive(time, time="30s", timeout="5s")
    time.now += 30
    assert Due.PING is watched.due(0)
    watched.heard()
    time.now += 5
    assert Due.NOTHING is watched.due(0)
    time.now += 29
    assert Due.NOTHING is watched.due(0)
    time.now += 1
    assert Due.PING is watched.due(0)


def test_a_connection_without_calls_is_idle(time):
    watched = keepalive(time, max_connection_idle="60s")
    time.now += 59
    assert Due.NOTHING is watched.due(1)
    time.now += 59
    watched.answered()
    assert Due.NOTHING is watched.due(0)
    time.now += 59
    assert Due.NOTHING is watched.due(0)
    time.now += 1
    assert Due.IDLE is watched.due(0)


def test_a_connection_grows_old_within_a_tenth_of_its_age(time):
    watched = keepalive(time, max_connection_age="100s", max_connection_age_grace="10s")
    time.now += 89
    assert Due.NOTHING is watched.due(1)
    time.now += 22
    assert watched.due(1) in (Due.OLD, Due.TOO_OLD)
    time.now += 10
    assert Due.TOO_OLD is watched.due(1)


def test_an_old_connection_without_a_grace_may_take_its_time(time):
    watched = keepalive(time, max_connection_age="100s")
    time.now += 10_000
    assert Due.OLD is watched.due(1)


def test_pings_too_often_are_forgiven_twice(time):
    watched = keepalive(time)
    tolerated = []
    for _ in range(4):
        tolerated.append(watched.tolerates_ping(1))
        time.now += 299
    assert [True, True, True, False] == tolerated


def test_pings_in_their_time_are_tolerated(time):
    watched = keepalive(time, policy={"min_time": "10s"})
    for _ in range(10):
        assert watched.tolerates_ping(1)
        time.now += 10


def test_pings_without_calls_need_permission(time):
    strict = keepalive(time, policy={"min_time": "10s"})
    lenient = keepalive(time, policy={"min_time": "10s", "permit_without_stream": True})
    for watched, expected in ((strict, False), (lenient, True)):
        for _ in range(4):
            tolerated = watched.tolerates_ping(0)
            time.now += 10
        assert expected is tolerated


def test_an_answer_forgives_the_next_ping(time):
    watched = keepalive(time)
    for _ in range(20):
        assert watched.tolerates_ping(1)
        assert watched.tolerates_ping(1)
        watched.answered()


def test_a_client_pings_a_silent_server_while_it_waits_for_it():
    time = [0.0]
    watched = ClientKeepalive(10.0, 5.0, lambda: time[0])
    time[0] = 100.0
    assert Due.NOTHING is watched.due(0)
    assert Due.PING is watched.due(1)
    time[0] = 104.9
    assert Due.NOTHING is watched.due(1)
    watched.heard()
    for seconds, due in ((105.0, Due.NOTHING), (114.9, Due.NOTHING), (115.0, Due.PING), (120.0, Due.DEAD)):
        time[0] = seconds
        assert due is watched.due(1)


def test_a_client_that_always_pings():
    time = [0.0]
    watched = ClientKeepalive(10.0, 5.0, lambda: time[0], always=True)
    assert Due.NOTHING is watched.due(0)
    time[0] = 10.0
    assert Due.PING is watched.due(0)
