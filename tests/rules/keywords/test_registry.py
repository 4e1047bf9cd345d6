from __future__ import annotations

from rules.keywords import content, flow, packet, sticky
from rules.keywords.registry import KEYWORDS


def test_families_do_not_take_each_others_names():
    families = [module.KEYWORDS for module in (content, flow, packet, sticky)]
    names = [name for family in families for name in family]
    assert len(names) == len(set(names))
    assert set(names) <= set(KEYWORDS)


def test_the_language_is_there():
    assert {
        "content",
        "pcre",
        "byte_jump",
        "flowbits",
        "threshold",
        "tls.sni",
        "dce_iface",
        "ja3_hash",
    } <= set(KEYWORDS)
