from __future__ import annotations

from rules.language.parser import Parser
from rules.telling import bytes_text, demands


def test_every_demand_is_told():
    text = (
        "alert tcp $HOME_NET any -> any [80,443] (flow:established,to_server; dsize:>10; flags:PA; "
        'content:"a|00|b"; offset:0; nocase; pcre:"/x/i"; flowbits:isset,y; sid:1; '
        "threshold:type limit, track by_src, count 1, seconds 60;)"
    )
    told = "\n".join(demands(Parser().text(text).rules[0]))
    for part in (
        "protocol tcp", "10.0.0.0-10.255.255.255", "80, 443", "to the server", "established", "dsize 11..",
        'payload: "a|00|b", nocase, offset 0', "/x/i", "flow bit isset y", "limit 1 in 60 s",
    ):  # fmt: skip
        assert part in told


def test_bytes_read_as_a_content_is_written():
    assert bytes_text(b"a\0\x01b|") == '"a|00 01|b|7c|"'
