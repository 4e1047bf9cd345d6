"""DHCP messages: who asks for which address, and what is none."""

from __future__ import annotations

import numpy as np
import sighted as s

from citywall.addresses import to_text
from citywall.batches import DHCP_MESSAGE, OTHER_SENDER, UDP
from ingest.sightings.leases import kernels

PORTS = {"ports": (68, 67), "proto": UDP}


def address(event) -> str:
    return to_text(int(event["answer_hi"]), int(event["answer_lo"]))


def test_what_clients_ask_for_and_servers_give():
    (asked,) = s.events(s.lease(), **PORTS)
    (given,) = s.events(s.lease(5, (10, 1, 0, 9), back=True), back=True, **PORTS)
    assert (asked["kind"], asked["type"], address(asked)) == (DHCP_MESSAGE, 3, "10.1.0.105")
    assert (given["kind"], given["type"], address(given)) == (DHCP_MESSAGE, 5, "10.1.0.9")
    assert s.texts(asked)[0] == s.texts(given)[0] == "24:4b:fe:1c:48:a4"
    assert asked["src_mac"] == given["dst_mac"] == int.from_bytes(s.CARD, "big")
    assert asked["digest"] == given["digest"]
    digests = np.zeros(1, np.uint64)
    kernels.client_digests(np.array([asked["src_mac"]], np.uint64), digests)
    assert digests[0] == asked["digest"]  # as logs have it


def test_without_an_option_the_address_is_the_one_that_it_has():
    renewing = bytearray(s.lease().replace(b"\x32\x04\x0a\x01\x00\x69", b"\0" * 6))
    renewing[12:16] = bytes((10, 1, 0, 7))
    (event,) = s.events(bytes(renewing), **PORTS)
    assert address(event) == "10.1.0.7"


def test_other_cards_other_networks_and_bare_bootp_are_nothing():
    other = bytearray(s.lease())
    other[1] = 6
    assert len(s.events(bytes(other), **PORTS)) == 0
    assert len(s.events(s.lease().replace(b"\x63\x82\x53\x63", bytes(4)), **PORTS)) == 0
    assert len(s.events(s.lease()[:240] + b"\xff" * 8, **PORTS)) == 0


def test_an_option_that_reaches_out_is_the_last():
    (event,) = s.events(s.lease(more=b"\x0c\xff"), **PORTS)
    assert event["flags"] == 1
    assert event["type"] == 3


def test_who_leads_where_is_told_by_two_digests():
    router, names, turned, other = (
        int(s.events(s.lease(5, back=True, more=more), back=True, **PORTS)[0]["answers"])
        for more in (
            b"\x03\x04\x0a\x00\x00\x01",
            b"\x06\x08\x0a\x00\x00\x01\x0a\x00\x00\x02",
            b"\x06\x08\x0a\x00\x00\x02\x0a\x00\x00\x01\x03\x04\x0a\x00\x00\x01",
            b"\x03\x04\x0a\x00\x00\x42",
        )
    )
    assert (router & 0xFFFFFFFF, names >> 32) == (0, 0)
    assert turned == router | names  # in whatever order servers stand
    assert 0 != other != router != 0
    assert s.events(s.lease(5, back=True), back=True, **PORTS)[0]["answers"] == 0


def test_a_host_name_and_a_relay_are_told():
    (event,) = s.events(s.lease(more=b"\x0c\x07PC-0042"), **PORTS)
    assert s.texts(event)[:2] == ("24:4b:fe:1c:48:a4", "pc-0042")
    relayed = bytearray(s.lease())
    relayed[24:28] = bytes((10, 1, 0, 1))
    assert s.events(bytes(relayed), **PORTS)[0]["number"] == 0x0A010001


def test_frames_of_another_card_are_told():
    for sender, kind, other in (
        (s.CARD, b"\x08\0", False),
        (b"\x02" * 6, b"\x08\0", True),
        (b"\x02" * 6, b"\0\0", False),
    ):
        buffer, rows = s.packets(bytes(6) + sender + kind + bytes(28) + s.lease(), **PORTS)
        rows["network"], rows["payload_at"], rows["a_lo"] = 14, 42, 0xFFFF_0000_0000
        rows["payload"] -= 42
        (event,) = s.sightings(buffer, rows, 1, s.DOMAINS)
        assert bool(event["flags"] & OTHER_SENDER) == other


def test_messages_of_ipv6_are_told_as_those_they_correspond_to():
    (asked,) = s.events(s.lease6(), **s.SIX)
    (given,) = s.events(s.lease6(7, servers=bytes(16)), back=True, **s.SIX)
    (found,) = s.events(s.lease6(1), **s.SIX)
    assert [int(e["type"]) for e in (asked, given, found)] == [3, 5, 1]
    assert address(asked) == address(given) == "fd00::69"
    assert s.texts(asked)[:2] == ("24:4b:fe:1c:48:a4", "pc-0042")
    assert asked["digest"] == given["digest"]
    assert asked["src_mac"] == given["dst_mac"] == int.from_bytes(s.CARD, "big")
    assert (asked["answers"], given["answers"] != 0) == (0, True)


def test_a_duid_without_a_card_is_told_as_it_is_and_relays_are_not_read():
    (event,) = s.events(s.lease6(duid=b"\0\4" + bytes(range(16))), **s.SIX)
    assert (event["src_mac"], s.texts(event)[0]) == (0, "0004" + bytes(range(14)).hex())
    assert len(s.events(s.lease6(12), **s.SIX)) == 0
    assert len(s.events(s.lease6()[:8], **s.SIX)) == 0
