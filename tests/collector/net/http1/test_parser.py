"""The protocol without a socket: bytes in, events out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.net.http1.heads import RequestHead
from collector.net.http1.parser import END, MAX_FRAMING, MAX_HEAD, MAX_TARGET, Failure, Parser

LINE = b"POST / HTTP/1.1\r\n"
HEAD = LINE + b"Host: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def summary(events):
    """Return events as text, without what depends on how the bytes were cut: parts of a body are joined."""
    lines = []
    for event in events:
        if isinstance(event, RequestHead):
            lines.append((event.method, event.target, event.version, event.length, event.keeps_alive))
        elif isinstance(event, bytes) and lines and isinstance(lines[-1], bytes):
            lines[-1] += event
        elif isinstance(event, Failure):
            lines.append(event.status)
        else:
            lines.append(event)
    return lines


def parse(*pieces):
    parser = Parser()
    return summary(event for piece in pieces for event in parser.receive(piece))


def bodies(*pieces):
    return [event for event in parse(*pieces) if isinstance(event, bytes)]


def failure(*pieces):
    """Return how it ends, which is badly."""
    parser = Parser()
    *_, last = [event for piece in pieces for event in parser.receive(piece)]
    assert isinstance(last, Failure), last
    return last


def post(body):
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def test_a_request():
    assert [("POST", b"/", "1.1", 5, True), b"hello", END] == parse(post(b"hello"))


def test_a_request_without_a_body():
    assert [("GET", b"/a?b=c", "1.1", 0, True), END] == parse(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_body_in_chunks():
    body = CHUNKED + chunk(b"hel") + chunk(b"lo", b";name=value") + b"0\r\nTrailer: value\r\n\r\n"
    assert [("POST", b"/", "1.1", None, True), b"hello", END] == parse(body)


def test_requests_one_after_another():
    assert 3 * parse(post(b"hello")) == parse(3 * post(b"hello"))


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: x, close\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_who_wants_to_go_on(head, keeps_alive):
    parser = Parser()
    [request, end] = parser.receive(head + b"\r\n")
    assert (keeps_alive, END) == (request.keeps_alive, end)
    assert ([] == parser.receive(post(b"a"))) is not keeps_alive


@pytest.mark.parametrize("cut", [0, 20])
def test_what_follows_the_last_request_is_nobody_s_matter(cut):
    data = HEAD + b"Connection: close\r\n\r\n"
    more = data + post(b"more")
    assert parse(data) == parse(more[: len(data) + cut], more[len(data) + cut :], b"noise")


def test_empty_lines_before_a_request_are_passed_over():
    assert parse(post(b"a")) == parse(b"\r\n\r\n" + post(b"a"))


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        b"Content-Length: 3\r\nContent-Length: 3",
        b"Content-Length: 3\r\nContent-Length: 4",
        *(b"Content-Length: " + value for value in (b"3, 3", b"+3", b"-3", b"3 3", b"0x3", b"1_0", b"", b"9" * 30)),
        *(b"Transfer-Encoding: " + value for value in (b"chunked, gzip", b"\x0bchunked")),
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding : chunked",
        b"A : b",
        b" A: b",
        b"A: b\r\n c",
        b"A: b\r\n\tc",
        b"A: b\nB: c",
        b"A: b\rB: c",
        b"A: b\r",
        b"A: b\0c",
        b"A\0: b",
        b"A: \x01",
        b"A: \x7f",
        b"\xc3\xa9: b",
        b": b",
        b"AAA",
        b"Host: y",
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(headers):
    """The ways in which requests are smuggled past servers in front."""
    assert 400 == failure(HEAD + headers + b"\r\n\r\nabc").status


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"x,chunked", b"xchunked", b"identity"])
def test_other_codings_of_a_transfer_are_refused(coding):
    assert 501 == failure(HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n").status


def test_an_empty_coding_is_refused():
    assert failure(HEAD + b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc").status in (400, 501)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST / HTTP/1.1\nHost: x\n\n", 400),
        (b"POST\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
        (b"POST / http/1.1\r\nHost: x\r\n\r\n", 400),
        (b"post / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.2\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 505),
        (b"POST / HTTP/0.9\r\nHost: x\r\n\r\n", 505),
        (b"POST / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\nabc", 405),
    ],
)
def test_other_requests_that_are_refused(data, status):
    assert status == failure(data).status


@pytest.mark.parametrize(
    "body",
    [
        b"3 \r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3\nabc\r\n",
        b"3\r\nabc\n",
        b"3\r\nabcd\r\n",
        b"0x3\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"-3\r\nabc\r\n",
        b"\r\nabc\r\n",
        b"FFFFFFFFFFFFFFFFF\r\nabc",
        b"3;a\nabc\r\n",
        b"3;a\rb\r\nabc\r\n",
        b"3;a\0\r\nabc\r\n",
        b'3;a="b\nc"\r\nabc\r\n',
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
    ],
)
def test_chunks_that_could_be_read_in_two_ways_are_refused(body):
    assert 400 == failure(CHUNKED + body).status


@pytest.mark.parametrize("size", [1, 8, 1000, MAX_HEAD, 10 * MAX_HEAD])
def test_a_head_has_a_limit_however_it_comes(size):
    head = HEAD + b"A: " + b"a" * (2 * MAX_HEAD) + b"\r\n\r\n"
    assert 431 == failure(*(head[at : at + size] for at in range(0, len(head), size))).status


def test_a_head_that_never_ends_is_not_kept():
    parser = Parser()
    taken = 0
    while not parser._over:
        parser.receive(b"A: b\r\n" if taken else HEAD)
        taken += 6
    assert taken < 2 * MAX_HEAD


def test_many_headers_are_refused():
    few, many = (HEAD + b"A: b\r\n" * count + b"\r\n" for count in (127, 128))
    assert END == parse(few)[-1]
    assert 431 == failure(many).status


@pytest.mark.parametrize("size", [MAX_HEAD, 100, 1])
def test_a_long_target_is_refused(size):
    head = b"GET /" + b"a" * MAX_TARGET + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert 414 == failure(*(head[at : at + size] for at in range(0, len(head), size))).status


def test_a_large_body_does_not_count_as_head():
    body = bytes(10 * MAX_HEAD)
    assert [body] == bodies(post(body))


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        (chunk(b"a"), MAX_FRAMING),
        (chunk(b"a" * 100, b";" + b"e" * 1000), 100),
        (b"0" * 1000, 100),
        (b"0\r\n" + b"A: b\r\n", 1),
    ],
    ids=["tiny chunks", "extensions", "zeros", "trailers"],
)
def test_what_comes_beside_a_body_in_chunks_has_a_limit(piece, count):
    parser = Parser()
    events = parser.receive(CHUNKED)
    for _ in range(count):
        events += parser.receive(piece)
        piece = piece.removeprefix(b"0\r\n")
    while not parser._over and piece.startswith(b"A"):
        events += parser.receive(piece)
    assert "the chunks of the body are too small" in events[-1].message


def test_chunks_of_a_useful_size_may_be_many():
    assert [b"12345678" * 10_000] == bodies(CHUNKED, *([chunk(b"12345678")] * 10_000), b"0\r\n\r\n")


def test_a_body_in_several_reads_is_not_copied():
    parser = Parser()
    parser.receive(HEAD + b"Content-Length: 100\r\n\r\nabc")
    piece = bytes(50)
    [event] = parser.receive(piece)
    assert event is piece
    assert [bytes(47), END, ("POST", b"/", "1.1", 1, True), b"a", END] == summary(
        parser.receive(bytes(47) + post(b"a"))
    )


UPGRADE = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"\r\n", []),
        (b"Content-Length: 5\r\n\r\nhello", [b"hello"]),
        (b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n", [b"hello"]),
    ],
)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_wish_for_another_protocol_is_ignored(rest, expected, size):
    """Java's client asks for HTTP/2 with each first request, and sends the body after it."""
    data = 3 * (UPGRADE + rest) + post(b"more")
    assert [*3 * expected, b"more"] == bodies(*(data[at : at + size] for at in range(0, len(data), size)))


@pytest.mark.parametrize("rest", [b"\r\n", b"Content-Length: 1\r\n\r\na"])
def test_many_wishes_in_one_read(rest):
    assert 5000 == parse(5000 * (UPGRADE + rest)).count(END)


def test_it_tells_when_it_is_within_a_head():
    parser = Parser()
    assert not parser.within_head
    for data, within in ((b"\r\n", False), (b"P", True), (post(b"abc")[1:-1], False), (b"cPO", True)):
        parser.receive(data)
        assert within is parser.within_head


@pytest.mark.parametrize("hello", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_other_protocols_are_told_apart(hello):
    assert (400, True) == (failure(hello).status, "this port takes HTTP/1.1" in failure(hello).message)


tokens = st.text("ABCxyz09-_", min_size=1, max_size=12).map(str.encode)
values = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte > 32 and byte != 127))


@st.composite
def requests(draw):
    """Draw a request that is taken."""
    body = draw(st.binary(max_size=300))
    head = draw(st.sampled_from([b"GET", b"POST", b"PUT"])) + b" /" + draw(tokens) + b" HTTP/1.1\r\nHost: x\r\n"
    head += b"".join(b"x-%s: %s\r\n" % field for field in draw(st.lists(st.tuples(tokens, values), max_size=5)))
    if draw(st.booleans()):
        head += b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    if draw(st.booleans()):
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    size = draw(st.integers(1, 300))
    pieces = (chunk(body[at : at + size]) for at in range(0, len(body), size))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(pieces) + b"0\r\n\r\n"


def split(data, cuts):
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


cuts = st.lists(st.integers(0, 5000), max_size=20)


@given(st.lists(requests(), min_size=1, max_size=4).map(b"".join), cuts)
def test_how_the_bytes_are_cut_does_not_matter(data, places):
    assert parse(data) == parse(*split(data, places))


@given(st.lists(requests(), min_size=1, max_size=3).map(b"".join), st.data(), cuts)
def test_how_broken_bytes_are_cut_does_not_matter(data, drawn, places):
    at = drawn.draw(st.integers(0, len(data) - 1))
    broken = data[:at] + drawn.draw(st.binary(max_size=3)) + data[at + drawn.draw(st.integers(0, 3)) :]
    assert parse(broken) == parse(*split(broken, places))


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_any_bytes_are_borne(pieces):
    parse(*pieces)
