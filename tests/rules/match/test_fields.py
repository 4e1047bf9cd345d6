from __future__ import annotations

from scapy.layers.dns import DNS, DNSQR

from tests.rules.conftest import udp


def test_numbers_of_transactions(sids):
    query = bytes(DNS(id=9, qd=DNSQR(qname="evil.example", qtype="TXT")))
    text = """
alert dns any any -> any any (dns.query; content:"evil.example"; nocase; sid:1;)
alert dns any any -> any any (dns.opcode:0; sid:2;)
alert dns any any -> any any (dns.opcode:>0; sid:3;)
"""
    assert sorted(sids(text, [udp(query)])) == [1, 2]
