"""Packets in tunnels, and rules that tell their layers apart."""

from __future__ import annotations

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from tests.rules.conftest import CLIENT, SERVER

#: Said, so that Scapy does not ask the network of whoever tests for them.
CARDS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
LAYERS = """
alert ip any any -> any any (msg:"every packet without a flow, else each way once"; sid:1;)
alert udp any any -> any 4789 (content:"needle"; sid:2;)
alert udp any any -> any 53 (content:"needle"; sid:3;)
alert ip any any -> any any (ip_proto:47; sid:4;)
alert ip any any -> any any (ip_proto:47; content:"needle"; sid:5;)
alert ip any any -> any any (decode-event:gre.version0_flags; sid:6;)
alert ip any any -> any any (decode-event:ipv4.opt_pad_required; sid:7;)
alert udp any any -> any 4789 (flow:to_server; flowbits:set,outside; flow.pkts:toserver,>1; sid:8;)
alert udp any any -> any 53 (flowbits:isset,outside; sid:9;)
"""


def tunnelled() -> list[Ether]:
    """Two packets in VXLAN, one in GRE, one in both."""
    inner = IP(src=CLIENT, dst=SERVER) / UDP(sport=9, dport=53) / Raw(b"a needle")
    outer = IP(src="192.0.2.1", dst="192.0.2.2", options=b"\x01\x01\x01\x01")
    vxlan = outer / UDP(sport=7, dport=4789) / VXLAN(vni=77, flags=8) / Ether(**CARDS) / inner
    gre = IP(src="192.0.2.1", dst="192.0.2.2") / GRE() / inner
    both = IP(src="192.0.2.3", dst="192.0.2.4") / GRE() / vxlan
    return [Ether(bytes(Ether(**CARDS) / packet)) for packet in (vxlan, vxlan, gre, both)]
