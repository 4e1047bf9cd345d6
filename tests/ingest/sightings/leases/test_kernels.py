"""DHCP messages: who asks for which address, and what is none."""

from __future__ import annotations

import numpy as np
import sighted as s

from citywall.addresses import to_text
from citywall.batches import DHCP_MESSAGE, UDP
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
