"""Odd headers, each made by hand after the RFC it breaks, and what is said of each."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from citywall.batches import EVENT, FRAGMENT_LENGTH, FRAGMENT_OVERLAP, FRAGMENT_TINY, PACKET, REASONS
from ingest.anomalies.finding import anomalies, compile_anomalies, of_fragments
from ingest.anomalies.names import NAMES
from ingest.decode import kernels

SIX = b"\x20\1" + bytes(13) + b"\1" + b"\x20\1" + bytes(13) + b"\2"


def v4(proto, body, *, options=b"", total=None, version=4, word=0):
    header = 5 + len(options) // 4
    total = header * 4 + len(body) if total is None else total
    return struct.pack(
        ">BBHHHBBH8s", version << 4 | header, 0, total, 1, word, 64, proto, 0, b"\x0a\0\0\1\x0a\0\0\2"
    ) + options + body  # fmt: skip


def v6(kind, body, *, length=None, hops=64):
    return struct.pack(">IHBB", 6 << 28, len(body) if length is None else length, kind, hops) + SIX + body


def tcp(options=b"", header=None, data=b""):
    words = 5 + len(options) // 4 if header is None else header
    return struct.pack(">HHIIBBHHH", 1, 2, 3, 4, words << 4, 2, 5, 0, 0) + options + data


def udp(length, data=b""):
    return struct.pack(">HHHH", 1, 2, length, 0) + data


def said(*packets, link=1):
    """The events of each packet, by name."""
    records = b"".join(struct.pack("<IIII", 1, 0, len(p), len(p)) + p for p in packets)
    buffer = np.frombuffer(records, np.uint8)
    rows = np.empty(len(packets), PACKET)
    kernels.decode_pcap(
        buffer, 0, len(records), np.uint64(0), False, 1, link, rows, np.zeros(len(REASONS), np.int64)
    )
    at, kinds = anomalies(rows, buffer, link)
    assert at.tolist() == sorted(at.tolist())
    return [{NAMES[k] for k in kinds[at == i]} for i in range(len(packets))]


def raw(packet):
    return said(packet, link=101)[0]


def ethernet(kind, body):
    return bytes(12) + struct.pack(">H", kind) + body


SOUND = [
    v4(6, tcp()), v4(6, tcp(b"\2\4\5\xb4\1\1\4\2")), v4(17, udp(12, b"data")), v4(1, b"\x08\0" + bytes(6)),
    v4(1, b"\x03\1" + bytes(6) + v4(17, udp(8))), v4(17, udp(8), options=b"\x94\4\0\0\1\1\1\1"),
    v4(47, b"\x20\0\x08\0" + bytes(30)), v4(132, bytes(12)), v4(50, bytes(20)), v4(2, bytes(8)),
    v6(6, tcp()), v6(58, b"\x80\0" + bytes(6)), v6(58, b"\x87\0" + bytes(22), hops=255),
    v6(0, b"\x3a\0\5\2\0\0\0\0" + b"\x83\0" + bytes(22), hops=1), v6(51, b"\x06\1\0\0" + bytes(8) + tcp()),
    v6(44, b"\x11\0\0\1\0\0\0\7" + bytes(16)), v6(59, b""), v6(4, v4(17, udp(8))), v6(41, v6(59, b"")),
]  # fmt: skip


@pytest.mark.parametrize("packet", SOUND, ids=lambda p: p[:44].hex())
def test_nothing_is_said_of_what_is_sound(packet):
    assert raw(packet) == set()


ODD = {
    "ipv4.pkt_too_small": v4(17, b"")[:12],
    "ipv4.hlen_too_small": b"\x44" + v4(17, bytes(8))[1:],
    "ipv4.iplen_smaller_than_hlen": v4(17, bytes(8), total=19),
    "ipv4.trunc_pkt": v4(17, udp(8), total=60),
    "ipraw.invalid_ip_version": b"\x50" + bytes(40),
    "ipv4.opt_invalid": v4(17, udp(8), options=b"\x1e\4\0\0\1\1\1\0"),
    "ipv4.opt_invalid_len": v4(17, udp(8), options=b"\x94\x09\0\0\1\1\1\1"),
    "ipv4.opt_malformed": v4(17, udp(8), options=b"\x07\7\3\0\0\0\0\0"),
    "ipv4.opt_pad_required": v4(17, udp(8), options=b"\1\1\1\1"),
    "ipv4.opt_eol_required": v4(17, udp(8), options=b"\1\1\1\1\1\1\1\x94"),
    "ipv4.opt_duplicate": v4(17, udp(8), options=b"\x94\4\0\0\x94\4\0\0"),
    "ipv4.icmpv6": v4(58, bytes(8)),
    "ipv4.unknown_protocol": v4(253, bytes(8)),
    "ipv6.pkt_too_small": v6(59, b"")[:30],
    "ipv6.trunc_pkt": v6(17, udp(8), length=30),
    "ipv6.trunc_exthdr": v6(60, b"\x11\5\1\4\0\0\0\0"),
    "ipv6.exthdr_dupl_fh": v6(44, b"\x2c\0\0\0\0\0\0\1" + b"\x11\0\0\0\0\0\0\2" + udp(8)),
    "ipv6.exthdr_useless_fh": v6(44, b"\x11\0\0\0\0\0\0\1" + udp(8)),
    "ipv6.exthdr_dupl_rh": v6(43, b"\x2b\0\2\0\0\0\0\0" + b"\x11\0\2\0\0\0\0\0" + udp(8)),
    "ipv6.rh_type_0": v6(43, b"\x11\0\0\0\0\0\0\0" + udp(8)),
    "ipv6.exthdr_dupl_hh": v6(0, b"\0\0\5\2\0\0\0\0" + b"\x11\0\5\2\0\0\0\0" + udp(8)),
    "ipv6.exthdr_dupl_dh": v6(60, b"\x3c\0\x1e\4abcd" * 2 + b"\x11\0\x1e\4abcd" + udp(8)),
    "ipv6.exthdr_dupl_ah": v6(51, b"\x33\1\0\0" + bytes(8) + b"\x11\1\0\0" + bytes(8) + udp(8)),
    "ipv6.exthdr_ah_res_not_null": v6(51, b"\x11\1\0\1" + bytes(8) + udp(8)),
    "ipv6.exthdr_invalid_optlen": v6(60, b"\x11\0\x1e\x09abcd" + udp(8)),
    "ipv6.hopopts_unknown_opt": v6(0, b"\x11\0\x1e\4abcd" + udp(8)),
    "ipv6.hopopts_only_padding": v6(0, b"\x11\0\1\4\0\0\0\0" + udp(8)),
    "ipv6.dstopts_unknown_opt": v6(60, b"\x11\0\x1e\4abcd" + udp(8)),
    "ipv6.dstopts_only_padding": v6(60, b"\x11\0\1\4\0\0\0\0" + udp(8)),
    "ipv6.zero_len_padn": v6(60, b"\x11\0\1\0\x1e\2ab" + udp(8)),
    "ipv6.fh_non_zero_reserved_field": v6(44, b"\x11\1\0\1\0\0\0\1" + bytes(16)),
    "ipv6.data_after_none_header": v6(59, b"data"),
    "ipv6.unknown_next_header": v6(253, bytes(8)),
    "ipv6.icmpv4": v6(1, b"\x08\0" + bytes(6)),
    "ipv6.ipv4_in_ipv6_too_small": v6(4, bytes(10)),
    "ipv6.ipv4_in_ipv6_wrong_version": v6(4, b"\x60" + bytes(30)),
    "ipv6.ipv6_in_ipv6_too_small": v6(41, bytes(30)),
    "ipv6.ipv6_in_ipv6_wrong_version": v6(41, b"\x45" + bytes(60)),
    "icmpv4.pkt_too_small": v4(1, b"\x08\0\0\0"),
    "icmpv4.unknown_type": v4(1, b"\x2a\0" + bytes(6)),
    "icmpv4.unknown_code": v4(1, b"\x08\1" + bytes(6)),
    "icmpv4.ipv4_trunc_pkt": v4(1, b"\x03\1" + bytes(6) + b"\x45" + bytes(9)),
    "icmpv4.ipv4_unknown_ver": v4(1, b"\x03\1" + bytes(6) + b"\x65" + bytes(19)),
    "icmpv6.pkt_too_small": v6(58, b"\x80\0\0\0"),
    "icmpv6.unknown_type": v6(58, b"\x7f\0" + bytes(6)),
    "icmpv6.unknown_code": v6(58, b"\x80\1" + bytes(6)),
    "icmpv6.ipv6_trunc_pkt": v6(58, b"\1\0" + bytes(6) + b"\x60" + bytes(9)),
    "icmpv6.ipv6_unknown_version": v6(58, b"\1\0" + bytes(6) + b"\x40" + bytes(39)),
    "icmpv6.mld_message_with_invalid_hl": v6(58, b"\x82\0" + bytes(22)),
    "icmpv6.unassigned_type": v6(58, b"\x05\0" + bytes(6)),
    "icmpv6.experimentation_type": v6(58, b"\xc8\0" + bytes(6)),
    "tcp.pkt_too_small": v4(6, bytes(12)),
    "tcp.hlen_too_small": v4(6, tcp(header=8)),
    "tcp.invalid_optlen": v4(6, tcp(header=4)),
    "tcp.opt_invalid_len": v4(6, tcp(b"\2\3\5\0")),
    "tcp.opt_duplicate": v4(6, tcp(b"\2\4\5\xb4\2\4\5\xb4")),
    "udp.hlen_too_small": v4(17, bytes(5)),
    "udp.pkt_too_small": v4(17, udp(30, b"data")),
    "udp.len_invalid": v4(17, udp(4, b"data")),
    "sctp.pkt_too_small": v4(132, bytes(8)),
    "igmp.pkt_too_small": v4(2, bytes(4)),
    "gre.pkt_too_small": v4(47, bytes(3)),
    "gre.wrong_version": v4(47, b"\0\3\x08\0" + bytes(8)),
    "gre.version0_recur": v4(47, b"\1\0\x08\0" + bytes(8)),
    "gre.version0_flags": v4(47, b"\0\x10\x08\0" + bytes(8)),
    "gre.version0_hdr_too_big": v4(47, b"\xb0\0\x08\0" + bytes(8)),
    "gre.version0_malformed_sre_hdr": v4(47, b"\x40\0\x08\0" + bytes(4) + b"\x08\0\0\x40" + bytes(8)),
    "gre.version1_chksum": v4(47, b"\xa0\1\x88\x0b" + bytes(8)),
    "gre.version1_route": v4(47, b"\x60\1\x88\x0b" + bytes(8)),
    "gre.version1_ssr": v4(47, b"\x28\1\x88\x0b" + bytes(8)),
    "gre.version1_recur": v4(47, b"\x21\1\x88\x0b" + bytes(8)),
    "gre.version1_flags": v4(47, b"\x20\x09\x88\x0b" + bytes(8)),
    "gre.version1_no_key": v4(47, b"\0\1\x88\x0b" + bytes(8)),
    "gre.version1_wrong_protocol": v4(47, b"\x20\1\x08\0" + bytes(8)),
    "gre.version1_hdr_too_big": v4(47, b"\x30\x81\x88\x0b" + bytes(8)),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_has_its_name(name):
    also = {"ipv6.exthdr_dupl_fh": {"ipv6.exthdr_useless_fh"}}
    also["ipv6.exthdr_dupl_dh"] = also["ipv6.zero_len_padn"] = {"ipv6.dstopts_unknown_opt"}
    assert raw(ODD[name]) == {name} | also.get(name, set())


FRAMES = {
    "ethernet.pkt_too_small": bytes(9),
    "ethernet.unknown_ethertype": ethernet(0x1234, bytes(20)),
    "vlan.header_too_small": ethernet(0x8100, b"\0\1"),
    "vlan.too_many_layers": ethernet(0x8100, b"\0\1\x81\0" * 4 + bytes(8)),
    "ipv4.wrong_ip_version": ethernet(0x0800, v4(17, udp(8), version=7)),
    "ipv6.wrong_ip_version": ethernet(0x86DD, b"\x70" + v6(59, b"")[1:]),
    "arp.pkt_too_small": ethernet(0x0806, b"\0\1\x08\0\6\4\0\1" + bytes(8)),
    "arp.unsupported_hardware": ethernet(0x0806, b"\0\7\x08\0\6\4\0\1" + bytes(20)),
    "mpls.header_too_small": ethernet(0x8847, b"\0\1"),
    "mpls.pkt_too_small": ethernet(0x8847, b"\0\1\1\x40\0"),
    "mpls.bad_label_router_alert": ethernet(0x8847, b"\0\0\x11\x40" + bytes(20)),
    "mpls.bad_label_implicit_null": ethernet(0x8847, b"\0\0\x31\x40" + bytes(20)),
    "mpls.bad_label_reserved": ethernet(0x8847, b"\0\0\x51\x40" + bytes(20)),
    "mpls.unknown_payload_type": ethernet(0x8847, b"\0\1\1\x40" + b"\xf0" + bytes(19)),
    "pppoe.pkt_too_small": ethernet(0x8864, b"\x11\0\0\1\0"),
    "pppoe.wrong_code": ethernet(0x8863, b"\x11\1\0\1\0\0"),
    "pppoe.malformed_tags": ethernet(0x8863, b"\x11\x09\0\1\0\x20"),
    "nsh.header_too_small": ethernet(0x894F, bytes.fromhex("0fc60101")),
    "nsh.unsupported_version": ethernet(0x894F, bytes.fromhex("4fc60101000000ff") + bytes(20)),
    "nsh.bad_header_length": ethernet(0x894F, bytes.fromhex("0fff0201000000ff") + bytes(20)),
    "nsh.reserved_type": ethernet(0x894F, bytes.fromhex("0fc20f01000000ff") + bytes(20)),
    "nsh.unsupported_type": ethernet(0x894F, bytes.fromhex("0fc20301000000ff") + bytes(20)),
    "nsh.unknown_payload": ethernet(0x894F, bytes.fromhex("0fc20204000000ff") + bytes(20)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_odd_about_frames_has_its_name(name):
    assert said(FRAMES[name])[0] == {name}


def test_other_links_have_their_own_names():
    assert said(bytes(9), link=113)[0] == {"sll.pkt_too_small"}
    assert said(bytes(9), link=276)[0] == {"sll2.pkt_too_small"}
    assert said(b"\x07\0\0\0" + bytes(20), link=0)[0] == {"ltnull.unsupported_type"}
    assert said(ethernet(0x8100, b"\0\1\x12\x34" + bytes(20)))[0] == {
        "ethernet.unknown_ethertype", "vlan.unknown_type",
    }  # fmt: skip


def test_every_event_that_is_told_is_tried():
    tried = {*ODD, *FRAMES, "none", "sll.pkt_too_small", "sll2.pkt_too_small", "ltnull.unsupported_type"}
    assert {n for n in NAMES if "frag" not in n} - tried == {
        "ltnull.pkt_too_small", "ppp.pkt_too_small", "vlan.unknown_type",
    }  # fmt: skip


def test_events_are_of_their_packets_whatever_stands_beside():
    packets = [ODD[name] for name in ODD] + SOUND
    order = list(range(len(packets)))
    random.Random(1).shuffle(order)
    shuffled = [packets[i] for i in order]
    assert said(*shuffled, link=101) == [raw(p) for p in shuffled]


def test_hostile_bytes_end():
    rng = random.Random(2)
    for packets in (list(ODD.values()), SOUND):
        broken = []
        for packet in packets:
            changed = bytearray(packet)
            for _ in range(3):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            broken.append(bytes(changed[: rng.randrange(1, len(changed) + 1)]))
        assert len(said(*broken, link=101)) == len(broken)


def test_what_fragments_were_told_of():
    rows, events = np.zeros(3, PACKET), np.zeros(4, EVENT)
    rows["version"] = 4, 6, 6
    events["kind"] = FRAGMENT_OVERLAP, FRAGMENT_OVERLAP, FRAGMENT_LENGTH, FRAGMENT_TINY
    events["frame"] = 10, 11, 12, 12
    at, kinds = of_fragments(events, rows, 10)
    assert [(i, NAMES[k]) for i, k in zip(at, kinds, strict=True)] == [
        (0, "ipv4.frag_overlap"), (1, "ipv6.frag_overlap"), (2, "ipv6.frag_invalid_length"),
    ]  # fmt: skip
    assert [a.tolist() for a in of_fragments(events[:0], rows, 10)] == [[], []]


@pytest.mark.parametrize("card", [b"\x45", b"\x68"])
def test_a_card_that_begins_like_ip_is_no_ip_packet(card):
    assert said(card + bytes(11) + b"\x08\x06\0\1\x08\0\6\4\0\2" + bytes(20)) == [set()]


def test_a_service_header_that_leads_to_a_packet_is_nothing_odd():
    assert said(ethernet(0x894F, bytes.fromhex("0fc20201000000ff") + v4(17, udp(8)))) == [set()]


def test_the_kernel_is_compiled_ahead():
    compile_anomalies()
    from ingest.anomalies import kernels

    assert getattr(kernels.anomalies, "signatures", True)
