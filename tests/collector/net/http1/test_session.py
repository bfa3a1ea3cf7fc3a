"""Requests and answers on one connection."""

import re

import pytest

from collector.net.compressor import compressor
from collector.testing.clock import settle

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LEAVE = b"HTTP/1.1 100 Continue\r\n\r\n"


def post(body, path=b"/a", extra=b""):
    head = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (path, extra, len(body))
    return head + body


def answers(data):
    """Return the status, the body, and whether it is the last, of each answer."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        length = int((re.search(rb"Content-Length: (\d+)", head) or [0, 0])[1])
        found.append((int(head[9:12]), data[:length], b"Connection: close" in head))
        data = data[length:]
    return found


async def test_answers_come_in_the_order_of_requests(converse):
    client = converse()
    client.handler.go.clear()
    data = post(b"1") + post(b"2", b"/b") + GET % b"nowhere" + post(b"3", b"/c")
    assert b"" == await client.say(data)
    assert 1 == len(client.handler.requests)
    client.handler.go.set()
    expected = [(200, b"/a:1"), (200, b"/b:2"), (404, b"404 page not found: /nowhere"), (200, b"/c:3")]
    assert expected == [answer[:2] for answer in answers(await client.hear())]


async def test_one_task_answers_them_all(converse):
    client = converse()
    for _ in range(3):
        await client.say(post(b"1"))
        assert 1 == len(client.shared.tasks)


async def test_no_more_is_read_while_many_requests_wait(converse):
    client = converse()
    client.handler.go.clear()
    for count in range(1, 17):
        await client.say(post(b""))
        assert (count < 16) is client.transport.reading
    client.handler.go.set()
    assert 16 == len(answers(await client.hear()))
    assert client.transport.reading


async def test_a_burst_of_requests_is_taken_in_part(converse):
    """A client may repeat what was not answered on another connection."""
    client = converse()
    client.handler.go.clear()
    await client.say(500 * post(b""))
    client.handler.go.set()
    found = answers(await client.hear())
    assert (128, {False}, True) == (len(found), {last for *_, last in found[:-1]}, found[-1][2])
    assert client.transport.closed
    assert {"flood": 1} == client.reasons


async def test_a_refused_head_is_answered_after_what_came_before(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1") + b"GARBAGE\r\n\r\n" + post(b"2"))
    client.handler.go.set()
    first, second = answers(await client.hear())
    assert ((200, b"/a:1", False), 400, True) == (first, second[0], second[2])
    assert client.transport.ended
    assert {"malformed_http": 1} == client.reasons


async def test_a_body_that_breaks_off_in_bad_chunks(converse):
    client = converse()
    await client.say(CHUNKED + b"3\r\nabc\r\n")
    [(status, text, last)] = answers(await client.say(b"nonsense\r\n"))
    assert (400, True) == (status, last)
    assert text.startswith(b"the request's body is not valid HTTP: ")
    assert {"malformed_http": 1} == client.reasons


async def test_a_bad_body_that_nobody_wants(converse):
    client = converse()
    client.handler.reads = False
    client.handler.go.clear()
    await client.say(CHUNKED + b"nonsense\r\n")
    client.handler.go.set()
    assert [(200, b"/a:", True)] == answers(await client.hear())


async def test_an_http_1_0_client(converse):
    client = converse()
    answer = await client.say(b"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx")
    assert b"\r\nConnection: keep-alive\r\n" in answer
    assert [(200, b"/a:", True)] == answers(await client.say(b"POST /a HTTP/1.0\r\n\r\n"))
    assert client.transport.closed


async def test_a_client_that_wants_to_send_no_more(converse):
    client = converse()
    assert [(200, b"/a:x", True)] == answers(await client.say(post(b"x", extra=b"Connection: close\r\n") + post(b"y")))
    assert client.transport.closed
    assert {} == client.reasons


async def test_the_answer_to_head_has_no_body(converse):
    client = converse()
    answer = await client.say(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 3\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_leave_to_send_is_given_when_the_body_is_wanted(converse):
    client = converse()
    head = HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"
    assert await client.say(head) == LEAVE
    assert [(200, b"/a:abc", False)] == answers(await client.say(b"abc"))


async def test_who_does_not_wait_for_leave_gets_none(converse):
    client = converse()
    assert b"" == await client.say(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nab")
    assert [(200, b"/a:abc", False)] == answers(await client.say(b"c"))


async def test_a_refusal_instead_of_leave_ends_the_connection(converse):
    """Whether the body comes nevertheless cannot be known."""
    client = converse()
    head = b"POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert [(404, b"404 page not found: /no", True)] == answers(await client.say(head))


async def test_other_expectations_are_not_met(converse):
    client = converse()
    [(status, _, last)] = answers(await client.say(post(b"abc", extra=b"Expect: wonders\r\n")))
    assert (417, False) == (status, last)
    assert {"expectation": 1} == client.reasons


async def test_the_rest_of_a_refused_body_is_read_past(converse):
    client = converse()
    start = b"POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert [(404, b"404 page not found: /no", False)] == answers(await client.say(start))
    for _ in range(10):
        assert b"" == await client.say(bytes(100_000))
        assert client.transport.reading
    assert 0 == client.used
    assert [(200, b"/a:1", False)] == answers(await client.say(post(b"1")))


@pytest.mark.parametrize("start", [HEAD + b"Content-Length: 30000000\r\n\r\n", CHUNKED])
async def test_a_refused_body_without_a_good_end_ends_the_connection(converse, start):
    client = converse()
    client.handler.reads = False
    assert [(200, b"/a:", True)] == answers(await client.say(start))
    assert client.transport.ended
    assert b"" == await client.say(bytes(100_000))
    assert not client.transport.aborted
    await client.after(2)
    assert client.transport.aborted
    assert {} == client.reasons


async def test_a_body_that_nobody_has_asked_for_yet_is_not_all_read(converse):
    client = converse()
    client.handler.reads = False
    client.handler.go.clear()
    await client.say(HEAD + b"Content-Length: 1000000\r\n\r\n")
    await client.say(bytes(200_000))
    assert client.transport.reading
    await client.say(bytes(100_000))
    assert not client.transport.reading
    await client.after(1000)
    client.handler.go.set()
    assert [(200, b"/a:", False)] == answers(await client.hear())
    assert client.transport.reading


async def test_who_is_refused_while_nothing_is_read_may_still_send(converse):
    """Or the answer would never be read."""
    client = converse()
    client.handler.reads = False
    client.handler.go.clear()
    await client.say(CHUNKED + b"100000\r\n" + bytes(300_000))
    assert not client.transport.reading
    client.handler.go.set()
    assert [(200, b"/a:", True)] == answers(await client.hear())
    assert client.transport.reading


async def test_what_is_held_counts_inflated(converse):
    client = converse()
    for name in ("gzip", "snappy"):
        client.handler.go.clear()
        await client.say(post(compressor(name)(bytes(100_000)), extra=b"Content-Encoding: %b\r\n" % name.encode()))
        assert 100_000 == client.used
        client.handler.go.set()
        assert 200 == answers(await client.hear())[0][0]
        assert 0 == client.used


async def test_a_client_that_takes_no_answers_gets_no_more_requests_in(converse):
    client = converse(write_timeout="10s")
    client.transport.taking = False
    assert [(200, b"/a:1", False)] == answers(await client.say(post(b"1") + post(b"2")))
    assert not client.transport.reading
    client.transport.taking = True
    client.session.resume_writing()
    assert [(200, b"/a:2", False)] == answers(await client.hear())
    assert client.transport.reading
    await client.after(20)
    assert not client.transport.aborted


async def test_whatever_is_not_taken_at_once_pauses(converse):
    assert (1, 0) == converse().transport.limits


async def test_who_never_takes_an_answer_is_cut(converse):
    client = converse(write_timeout="10s")
    client.transport.taking = False
    await client.say(post(b"1", extra=b"Connection: close\r\n"))
    await client.after(9)
    assert not client.transport.aborted
    await client.after(1)
    assert client.transport.aborted
    assert {"timeout": 1} == client.reasons


async def test_a_second_request_has_its_own_time(converse):
    client = converse(read_header_timeout="10s", idle_timeout="30s")
    await client.after(9)
    await client.say(post(b"1"))
    await client.after(29)
    await client.say(post(b"2")[:10])
    await client.after(9)
    assert not client.transport.aborted
    await client.after(1)
    assert client.transport.aborted


async def test_who_is_idle_is_sent_away_without_a_fuss(converse):
    client = converse(idle_timeout="30s")
    await client.say(post(b"1"))
    await client.after(30)
    assert client.transport.closed
    assert {} == client.reasons


async def test_a_handler_has_all_the_time_it_needs(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1"))
    await client.after(100_000)
    client.handler.go.set()
    assert [(200, b"/a:1", False)] == answers(await client.hear())


async def test_a_half_closed_client_gets_its_answers(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1") + post(b"2"))
    assert client.session.eof_received()
    client.handler.go.set()
    assert [(200, b"/a:1", False), (200, b"/a:2", True)] == answers(await client.hear())
    assert client.transport.closed


async def test_tls_has_no_half_closed_clients(converse):
    client = converse()
    client.transport.encrypted = True
    client.handler.go.clear()
    await client.say(post(b"1"))
    assert not client.session.eof_received()


@pytest.mark.parametrize("data", [b"", post(b"1"), post(b"12")[:-1], HEAD])
async def test_a_client_that_ends_with_nothing_to_answer_is_let_go(converse, data):
    client = converse()
    await client.say(data)
    assert not client.session.eof_received()


async def test_the_handler_of_a_client_that_is_gone_is_cancelled(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1") + post(b"2"))
    client.session.connection_lost(ConnectionResetError())
    await settle()
    assert (1, 1) == (client.handler.cancelled, len(client.handler.requests))
    assert {"disconnected": 1} == client.reasons


async def test_what_runs_is_answered_at_the_end_and_says_so(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1"))
    client.shared.stop()
    assert not client.transport.closed
    client.handler.go.set()
    assert [(200, b"/a:1", True)] == answers(await client.hear())
    assert client.transport.closed
    client.session.connection_lost(None)
    assert client.shared.empty.is_set()


async def test_idle_clients_are_sent_away_at_the_end(converse):
    client = converse()
    await client.say(post(b"1"))
    client.shared.stop()
    assert client.transport.closed


async def test_a_handler_that_breaks_its_task_takes_the_connection_along(converse):
    client = converse()
    client.handler.go.clear()
    await client.say(post(b"1"))
    await client.shared.tasks.cancel()
    assert client.transport.aborted
