from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

INNER = IP(src="10.1.0.1", dst="10.1.0.2") / UDP(sport=1, dport=2) / Raw(b"needle")
THREE = Ether() / Dot1AD(vlan=200) / Dot1Q(vlan=300) / Dot1Q(vlan=400) / INNER


@pytest.mark.parametrize(("demand", "three", "none"), [
    ("vlan.id:300", True, False), ("vlan.id:200,0", True, False), ("vlan.id:200,1", False, False),
    ("vlan.id:400,-1", True, False), ("vlan.id:!200,1", True, False), ("vlan.id:!500,all", True, False),
    ("vlan.id:!300,all", False, False), ("vlan.id:>350", True, False), ("vlan.layers:3", True, False),
    ("vlan.layers:0", False, True), ("vlan.layers:!1", True, True),
])  # fmt: skip
def test_tags(sids, demand, three, none):
    text = f"alert udp any any -> any any ({demand}; sid:1;)"
    assert sids(text, [THREE]) == [1] * three
    assert sids(text, [Ether() / INNER]) == [1] * none
