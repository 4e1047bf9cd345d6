from __future__ import annotations

from pathlib import Path

from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Engine
from rules.match.profile import Profile
from stream.matching import matched, over_capture
from tests.rules.conftest import tcp

RULES = """
alert http any any -> any any (http.uri; content:"/admin"; sid:1;)
alert http any any -> any any (http.uri; content:"/admin"; pcre:"/never$/"; sid:2;)
alert http any any -> any any (http.uri; content:"/admin"; content:"zzz"; sid:3;)
alert tcp any any -> any any (content:"not there at all"; sid:4;)
alert tcp any any -> any any (content:"HTTP/1.1"; content:"POST"; sid:5;)
"""


def test_what_rules_cost_is_told_and_nothing_else_changes(tmp_path: Path):
    packets = tcp([(0, b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n")] * 3)
    wrpcap(str(tmp_path / "a.pcap"), packets)
    rules = Parser().text(RULES).rules
    plain = over_capture(tmp_path / "a.pcap", Engine(rules))
    engine = Engine(rules)
    profile = Profile(engine)
    found = []
    for _, alerts in matched(tmp_path / "a.pcap", engine):
        found += alerts
        profile.add(alerts)
    assert found == plain
    rows = {row.rule.sid: row for row in profile.rows()}
    assert set(rows) == {1, 2, 3, 5}  # what is nowhere costs nothing
    assert (rows[1].candidates >= 3, rows[1].hits) == (True, 3)
    assert (rows[2].hits, rows[2].checks >= 3) == (0, True)
    assert (rows[3].refused, rows[3].checks) == (rows[3].candidates, 0)
    assert rows[5].refused >= 1
    assert all(row.cost > 0 for row in rows.values())
