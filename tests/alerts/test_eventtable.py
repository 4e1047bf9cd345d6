"""Events as columns."""

from __future__ import annotations

import numpy as np

from alerts.eventtable import table
from citywall.addresses import to_words
from citywall.batches import DNS_ANSWER, EVENT, HTTP_REQUEST, TCP, TLS_CLIENT, UDP


def rows() -> np.ndarray:
    events = np.zeros(3, EVENT)
    events["time"], events["proto"] = (3, 4, 5), (UDP, TCP, TCP)
    events["kind"] = (DNS_ANSWER, TLS_CLIENT, HTTP_REQUEST)
    events["src_hi"], events["src_lo"] = to_words("10.0.0.5")
    events["dst_hi"], events["dst_lo"] = to_words("2001:db8::7")
    events["answer_hi"][0], events["answer_lo"][0] = to_words("192.0.2.1")
    events["answer_hi"][1], events["answer_lo"][1] = 0xE7D705A3286E19EA, 0x42F587B344EE6865
    for i, pieces in enumerate((("a.example",), ("sni", "h2", "t13d"), ("host", "/path", "agent"))):
        text = "".join(pieces).encode()
        events["text"][i, : len(text)] = np.frombuffer(text, np.uint8)
        for name, piece in zip(("name", "rest", "agent"), pieces, strict=False):
            events[f"{name}_size"][i] = len(piece)
    return events


def test_columns():
    found = table(rows(), 7, np.array([b"1:a", b"1:b", b"1:c"], "S3")).drop_columns(["time"]).to_pydict()
    assert found["event_id"] == [7, 8, 9]
    assert found["kind"] == ["dns_answer", "tls_client", "http_request"]
    assert found["src"] == ["10.0.0.5"] * 3
    assert found["dst"] == ["2001:db8::7"] * 3
    assert found["proto"] == ["udp", "tcp", "tcp"]
    assert found["name"] == ["a.example", "sni", "host"]
    assert found["rest"] == ["", "h2", "/path"]
    assert found["agent"] == ["", "t13d", "agent"]
    assert found["answer"] == ["192.0.2.1", "", ""]
    assert found["print"] == ["", "e7d705a3286e19ea42f587b344ee6865", ""]
    assert found["community_id"] == ["1:a", "1:b", "1:c"]


def test_nothing():
    assert len(table(rows()[:0], 0, np.zeros(0, "S3"))) == 0


def test_sizes_that_lie_stay_within_the_text():
    events = rows()
    events["name_size"], events["rest_size"], events["agent_size"] = 200, 200, 200
    found = table(events, 0, np.array([b"1:a"] * 3, "S3")).drop_columns(["time"]).to_pydict()
    assert [len(found[name][0]) for name in ("name", "rest", "agent")] == [200, 42, 0]
