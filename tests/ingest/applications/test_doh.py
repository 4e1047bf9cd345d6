"""DNS over HTTPS: questions in bodies and paths, answers, and what is too long."""

from __future__ import annotations

import base64
import importlib.util
import struct
import sys
from pathlib import Path

import pytest

from ingest.applications.tables import ANOMALIES, PROTOCOLS

_spec = importlib.util.spec_from_file_location("doh_examples", Path(__file__).with_name("examples.py"))
assert _spec is not None
assert _spec.loader is not None
_examples = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _examples
_spec.loader.exec_module(_examples)
http2, MAGIC = _examples.http2, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
QUESTION = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\3www\7example\0\0\1\0\1"
ANSWER = struct.pack(">6H", 7, 0x8180, 1, 0, 0, 0) + b"\3www\7example\0\0\1\0\1"


def fields(**named):
    out = b""
    for name, value in named.items():
        key = name.replace("__", ":").replace("_", "-").encode()
        out += b"\0" + bytes((len(key),)) + key + _size(len(value)) + value
    return out


def _size(n):
    if n < 127:
        return bytes((n,))
    n -= 127
    out = b"\x7f"
    while n >= 128:
        out += bytes((n % 128 + 128,))
        n //= 128
    return out + bytes((n,))


def names(found):
    return [PROTOCOLS[t.protocol] for t in found.transactions]


def test_a_question_in_a_body_and_its_answer(speak):
    kind = b"application/dns-message"
    asked = http2(1, 4, 1, fields(__method=b"POST", __path=b"/q", content_type=kind)) + http2(
        0, 1, 1, QUESTION
    )
    told = http2(1, 4, 1, fields(__status=b"200", content_type=kind)) + http2(0, 1, 1, ANSWER)
    found = speak("http2", [(0, MAGIC + asked), (1, told)], (4000, 443))
    assert found.values("dns.query") == [b"www.example"]
    assert found.values("dns.queries.rrname") == [b"www.example"] * 2
    assert found.values("http.uri") == [b"/q"]
    assert names(found) == ["doh2"]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_question_in_a_path(speak, encode):
    path = b"/dns-query?dns=" + encode(QUESTION).rstrip(b"=")
    head = fields(__method=b"GET", __path=path, accept=b"application/dns-message")
    found = speak("http2", [(0, MAGIC + http2(1, 5, 1, head))], (4000, 443))
    assert found.values("dns.query") == [b"www.example"]
    assert names(found) == ["doh2"]


@pytest.mark.parametrize("path", [b"/dns-query?dns=~", b"/dns-query?dns=AAAA", b"/other?dns=AAAA"])
def test_what_is_no_question_stays_what_it_is(speak, path):
    head = fields(__method=b"GET", __path=path, accept=b"application/dns-message")
    found = speak("http2", [(0, MAGIC + http2(1, 5, 1, head))], (4000, 443))
    assert not found.values("dns.query")
    assert names(found) == ["http2"]


def test_a_message_that_is_too_long_is_told(speak):
    head = fields(__method=b"POST", __path=b"/q", content_type=b"application/dns-message")
    frames = http2(1, 4, 1, head) + b"".join(http2(0, i == 6, 1, bytes(10_000)) for i in range(7))
    found = speak("http2", [(0, MAGIC + frames)], (4000, 443))
    assert "http2.dns_request_too_long" in {ANOMALIES[kind] for kind, *_ in found.parser.anomalies}
    assert not found.values("dns.query")
