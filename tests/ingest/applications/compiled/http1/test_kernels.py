"""HTTP/1 by kernels and by the parser in Python: plain messages, what is handed over, cut anywhere."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from citywall.kernels import bare_kernel
from ingest.applications import uri
from ingest.applications.compiled import reading
from ingest.applications.compiled.http1 import kernels
from ingest.applications.wanted import ALL, Wanted

GZIP = zlib.compressobj(wbits=31)
PACKED = GZIP.compress(b"packed " * 50) + GZIP.flush()
FORM = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nfile\r\n--b--\r\n'


def with_length(head, body):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_chunks(head, body, size=7):
    parts = b"".join(
        b"%x\r\n%b\r\n" % (len(body[i : i + size]), body[i : i + size]) for i in range(0, len(body), size)
    )
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n"


PLAIN_ASKED = [
    b"GET /a%20b/%41.c?x=%41&y=%zz HTTP/1.1\r\nHost: A.b:80\r\nUser-Agent: me  \r\nCookie: a=1\r\n\r\n",
    b"GET //x\\y%2f/.well/..z?a?b HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nAccept: */*\r\nAccept: b\r\nhost: under_score.x.\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD /h HTTP/1.1\r\nHost: a b\r\nAuthorization: Basic xyz\r\nReferer: http://a/\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost:\r\nAuthorization: Fancy\r\nX-A: \xff\xfe\r\n\r\n",
    with_length(b"POST /up%3fq HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n", b"k=v" * 9),
    with_length(b"PUT /up?n HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n", b"put"),
    with_length(b"PATCH /up HTTP/1.1\r\nHost: a\r\n", b"patch"),
    in_chunks(b"POST /c HTTP/1.1\r\nHost: a\r\n", b"chunked body of a request"),
    with_length(b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n", FORM),
    with_length(b"POST /z HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n", PACKED),
]
PLAIN_ANSWERS = [
    with_length(b"HTTP/1.1 200 OK\r\nServer: s\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n", b"hello" * 5),
    with_length(b"HTTP/1.1 404 Not  Found \r\nContent-Type: text/html\r\nLocation: /x\r\n", b""),
    in_chunks(b"HTTP/1.1 200 OK\r\n", b"in chunks it comes"),
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    with_length(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n", b"no such thing"),
    with_length(b'HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="f.bin"\r\n', b"named"),
    in_chunks(b"HTTP/1.1 200\r\nContent-Encoding: gzip\r\n", PACKED),
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n",
    with_length(b"HTTP/1.1 200 OK\r\n", b"long " * 900),
]
TO_THE_END = [b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall there is", b"HTTP/1.1 200 OK\r\n\r\n"]
STRANGE_ASKED = [
    b"GET /old\r\n", b"GET /x\r\nA: b\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\n\r\n",
    b"GET http://h/p HTTP/1.1\r\n\r\n",
    b"GET /a/../b#f HTTP/1.1\r\nHost: [::1]\r\n\r\n", b"GET /%u0041 HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n", b"\r\n \tGET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", b"body=nobody&announced",
    b"surplus line\r\n", b"GET /./ HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b"GET /\t HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nT: t\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /" + b"x" * 17_000,
    b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: %d\r\n" % (i, i) for i in range(120)) + b"\r\n",
]  # fmt: skip
STRANGE_ANSWERS = [
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\5hello", b"nothing of HTTP\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", b"HTTP/1.1 200 OK\nA: b\n\nx",
    b"HTTP/1.1 20x\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"http/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: \vb\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabcX\r\n0\r\nT: t\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n", b"HTTP/1.1 200 OK\r",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, xgzip\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut off", b"HTTP/1.1 200 OK\r\nContent-Len",
]  # fmt: skip
# Strange, but read by the kernel where one piece brings all of the head.
LOOSE_HEADS = [
    b"HTTP/1.1\r\nA: b\r\nContent-Length: 2\r\n\r\nxx",
    b"hTTp/1.1  404\t not  found \r\n\r\nto the end",
    b"HTTP/1.1 20x \x0b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 a\rA: b\rContent-Length: 1\r\rx",
    b"HTTP/1.1 123456 a\r\nA : b\r\nB\r\n \r\n :\r\n c\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td: e\r\n f\r\n\0g\r\n\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x \r\n chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer\0-Encoding: chun\0ked\r\nTransfer-Encoding: y\r\n\r\n0\n\r\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: (2) 3\r\nContent-Length: 2\r\n\r\nto the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2, 7\r\ncontent-length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nno colon\r\nnone here\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\nno colon\r\n\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip br,zip x y z\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-encoding:\r br\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\nto the end",
    b"HTTP/1.1 200 OK\r\n\r\rA: b\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nA\n\r\r\n\r\n: b\r\n\r\n.",
    b"HTTP/1.1 200 OK\nA: b\n\rContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\r\n\r\nto the end",
    b"HTTP/1.1 200 OK\r\nA: b\r\n\r\t\r\nB: c\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\n\nto the end",
    b"SSH-2.0-x\r\nnothing of HTTP",
    b"skipped\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\t1\x0b;x\r\na  \n0\r\nT: t\r\n\r\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n xyz\r\nto the end",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"no size " * 20,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000001\r\na\r\n1234567890\r\nto the end",
]
ASKED = st.tuples(st.just(0), st.sampled_from(PLAIN_ASKED))
ANSWERS = st.tuples(st.just(1), st.sampled_from(PLAIN_ANSWERS))
ANY = st.one_of(
    ASKED, ANSWERS, st.tuples(st.just(1), st.sampled_from(TO_THE_END)),
    st.tuples(st.just(0), st.sampled_from(STRANGE_ASKED)),
    st.tuples(st.just(1), st.sampled_from(STRANGE_ANSWERS)),
    st.tuples(st.just(1), st.sampled_from(LOOSE_HEADS)),
)  # fmt: skip
WANTED = st.sampled_from(
    (
        ALL,
        Wanted(kinds=frozenset({"http.uri", "file.sha1"}), fields=frozenset({"file.size"})),
        Wanted(frozenset({"dns"})),
    )
)
BODY_BYTES = st.sampled_from((102_400, 16, 0))


def cut(turns, sizes):
    """Turns in pieces of these sizes, over and over."""
    out, i = [], 0
    for d, data in turns:
        at = 0
        while at < len(data):
            n = sizes[i % len(sizes)]
            out.append((d, data[at : at + n]))
            at, i = at + n, i + 1
    return out


def test_plain_messages_are_read_here(packets, alike, monkeypatch):
    """Nothing of them goes to Python."""
    handed, fill = [], reading.handing.fill
    monkeypatch.setattr(
        reading.handing, "fill", lambda *given: (handed.append(given[1].flows[given[2]]), fill(*given))
    )
    asked = [(0, each) for each in PLAIN_ASKED]
    turns = [turn for pair in zip(asked, [(1, each) for each in PLAIN_ANSWERS], strict=True) for turn in pair]
    turns += [(0, PLAIN_ASKED[0]), (1, TO_THE_END[0])]
    told = alike(*packets.decoded(packets.conversation(turns, (4000, 80))))
    assert not handed
    assert len(told[0].transactions) == len(PLAIN_ASKED) + 1
    assert b"packed " * 50 in told[0].values("http.response_body")
    assert len(told[0].values("file.sha256")) >= 8


@pytest.mark.parametrize("answer", LOOSE_HEADS)
def test_strange_heads_of_one_piece_are_read_here(answer, packets, alike, monkeypatch):
    """Also cut at each place, where Python may have to read them."""
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for cut_at in range(1, len(answer)):
        turns = [(0, asked), (1, answer[:cut_at]), (1, answer[cut_at:]), (0, asked), (1, answer)]
        alike(*packets.decoded(packets.conversation(turns, (4000, 80))), cut_at % 3)
    monkeypatch.setattr(reading.handing, "fill", None)
    told = alike(*packets.decoded(packets.conversation([(0, asked), (1, answer)], (4000, 80))))
    assert len(told[0].transactions) == 1


# What ends of lines, folds, names and bodies are made of.
BITS = (
    b"\r", b"\n", b"\r\n", b"\n\r", b" ", b"\t", b"\0", b"\x0b", b":", b"a", b"A: b", b"Content-Length: 3",
    b"\r\n\r\n",
    b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"3", b"0", b";", b"abc", b"\xff",
)  # fmt: skip


def test_heads_of_whatever_bits(packets, alike):
    @settings(max_examples=250, deadline=None)
    @given(
        st.lists(st.sampled_from(BITS), max_size=24).map(b"".join),
        st.sampled_from((b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 2", b"HTTP", b"")),
        st.sampled_from((1000, 13, 1)), st.integers(0, 2), st.booleans(),
    )  # fmt: skip
    def check(rest, head, size, batch, fin):
        turns = cut([(0, PLAIN_ASKED[0]), (0, PLAIN_ASKED[5]), (1, head + rest)], [500, 500, size])
        alike(*packets.decoded(packets.conversation(turns, (4000, 80), fin=fin)), batch)

    check()


def test_messages_in_any_order(packets, alike):
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.one_of(ASKED, ANSWERS, ANY), min_size=1, max_size=12),
        st.lists(st.sampled_from((1, 5, 9, 33, 400, 5000)), min_size=1, max_size=4),
        WANTED, BODY_BYTES, st.sampled_from((0, 1, 7)), st.booleans(), st.booleans(),
    )  # fmt: skip
    def check(turns, sizes, wanted, body_bytes, batch, growing, fin):
        turns = cut([(0, PLAIN_ASKED[0]), *turns], sizes)
        if len(turns) > 600:
            turns = turns[:600]
        rows, buffer = packets.decoded(packets.conversation(turns, (4000, 80), fin=fin))
        given = ApplicationSettings(midstream=True, body_bytes=body_bytes)
        alike(rows, buffer, batch * 9, growing=growing, wanted=wanted, settings=given)

    check()


@bare_kernel
def normal(data, out):
    """The normalised target, -1 where it is left to Python."""
    if not kernels.plain_target(data, np.int64(0), np.int64(len(data))):
        return np.int64(-1)
    return kernels.normal_target(data, np.int64(0), np.int64(len(data)), out, np.int64(0))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (b"/", b".", b"\\", b"%2", b"%2e", b"%2F", b"%5c", b"%u00", b"a", b"?", b"#", b"%", b"\xff")
        )
    )
)
def test_targets_are_what_python_makes_of_them(parts):
    target = b"/" + b"".join(parts)
    out = np.zeros(len(target), np.uint8)
    end = int(normal(np.frombuffer(target, np.uint8).copy(), out))
    if end >= 0:
        assert out[:end].tobytes() == uri.split(target)[0]
    else:
        path = uri.decode(target.partition(b"?")[0]).replace(b"\\", b"/")
        assert b"#" in target or b"%u" in target or {b".", b".."} & set(path.split(b"/"))
