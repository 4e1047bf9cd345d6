from __future__ import annotations

from rules.language.model import Happening
from tests.rules.keywords.reading import read, refused


def test_events():
    rule = read(
        "decode-event:ipv4.trunc_pkt; stream-event:3whs_ack_in_wrong_dir; app-layer-protocol:!http,final;"
    )
    assert rule.happenings == [
        Happening("decode", "ipv4.trunc_pkt"),
        Happening("stream", "3whs_ack_in_wrong_dir"),
    ]
    assert rule.applications == [("http", True, "final")]
    assert read("app-layer-event:http.missing_host_header;", "http").happenings[0].kind == "application"


def test_refused():
    assert "belongs to" in refused("app-layer-event:smtp.invalid_reply;", "http")
    assert "name" in refused("decode-event:a b;")
    assert "mode" in refused("app-layer-protocol:http,later;")
    assert "state" in refused("app-layer-state:a b c;", "http")
