from __future__ import annotations

from rules.language.model import Bits, FlowInt
from tests.rules.keywords.reading import read, refused


def test_what_is_kept_in_mind():
    rule = read(
        "flowbits:isset,a|b; flowbits:noalert; xbits:set,c,track ip_pair,expire 9; hostbits:isnotset,d,both;"
        "flowint:n,+,1; flowint:m,notset;"
    )
    assert rule.bits == [
        Bits("flow", "isset", ("a", "b")), Bits("ip_pair", "set", ("c",), 9),
        Bits("ip_src", "isnotset", ("d",)), Bits("ip_dst", "isnotset", ("d",)),
    ]  # fmt: skip
    assert rule.integers == [FlowInt("n", "+", 1), FlowInt("m", "isnotset")]
    assert rule.silent


def test_refused():
    for options in (
        "flowbits:grow,a;", "flowbits:set,a|b;", "flowbits:noalert,a;",
        "xbits:set,a;", "xbits:set,a,track moon;",
        "hostbits:set,a,up;",
        "flowint:n,~,1;", "flow:sideways;", "flow:stateless,established;",
    ):  # fmt: skip
        assert refused(options)
