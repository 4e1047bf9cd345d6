"""Events of decoders, as Suricata calls them (`decode-event`), and what stands for them here."""

from __future__ import annotations

from citywall.batches import (
    FRAGMENT_IGNORED,
    FRAGMENT_LENGTH,
    FRAGMENT_OVERLAP,
    FRAGMENT_REPEAT,
    FRAGMENT_TOO_LARGE,
    REASONS,
)

#: Every event that is told; kernels know them by number.
NAMES = (
    "none",
    "ethernet.pkt_too_small", "ethernet.unknown_ethertype", "sll.pkt_too_small", "sll2.pkt_too_small",
    "ltnull.pkt_too_small", "ltnull.unsupported_type", "ipraw.invalid_ip_version", "ppp.pkt_too_small",
    "vlan.header_too_small", "vlan.unknown_type", "vlan.too_many_layers",
    "arp.pkt_too_small", "arp.unsupported_hardware",
    "ipv4.pkt_too_small", "ipv4.hlen_too_small", "ipv4.iplen_smaller_than_hlen", "ipv4.trunc_pkt",
    "ipv4.wrong_ip_version", "ipv4.opt_invalid", "ipv4.opt_invalid_len", "ipv4.opt_malformed",
    "ipv4.opt_pad_required", "ipv4.opt_eol_required", "ipv4.opt_duplicate", "ipv4.icmpv6",
    "ipv4.unknown_protocol", "ipv4.frag_pkt_too_large", "ipv4.frag_overlap", "ipv4.frag_ignored",
    "ipv6.pkt_too_small", "ipv6.wrong_ip_version", "ipv6.trunc_pkt", "ipv6.trunc_exthdr",
    "ipv6.exthdr_dupl_fh", "ipv6.exthdr_useless_fh", "ipv6.exthdr_dupl_rh", "ipv6.exthdr_dupl_hh",
    "ipv6.exthdr_dupl_dh", "ipv6.exthdr_dupl_ah", "ipv6.exthdr_invalid_optlen", "ipv6.exthdr_ah_res_not_null",
    "ipv6.hopopts_unknown_opt", "ipv6.hopopts_only_padding", "ipv6.dstopts_unknown_opt",
    "ipv6.dstopts_only_padding", "ipv6.rh_type_0", "ipv6.zero_len_padn", "ipv6.fh_non_zero_reserved_field",
    "ipv6.data_after_none_header", "ipv6.unknown_next_header", "ipv6.icmpv4", "ipv6.frag_pkt_too_large",
    "ipv6.frag_overlap", "ipv6.frag_invalid_length", "ipv6.frag_ignored",
    "ipv6.ipv4_in_ipv6_too_small", "ipv6.ipv4_in_ipv6_wrong_version", "ipv6.ipv6_in_ipv6_too_small",
    "ipv6.ipv6_in_ipv6_wrong_version",
    "icmpv4.pkt_too_small", "icmpv4.unknown_type", "icmpv4.unknown_code", "icmpv4.ipv4_trunc_pkt",
    "icmpv4.ipv4_unknown_ver",
    "icmpv6.pkt_too_small", "icmpv6.unknown_type", "icmpv6.unknown_code", "icmpv6.ipv6_trunc_pkt",
    "icmpv6.ipv6_unknown_version", "icmpv6.mld_message_with_invalid_hl", "icmpv6.unassigned_type",
    "icmpv6.experimentation_type",
    "tcp.pkt_too_small", "tcp.hlen_too_small", "tcp.invalid_optlen", "tcp.opt_invalid_len",
    "tcp.opt_duplicate", "udp.pkt_too_small", "udp.hlen_too_small", "udp.len_invalid",
    "sctp.pkt_too_small", "igmp.pkt_too_small",
    "gre.pkt_too_small", "gre.wrong_version", "gre.version0_recur", "gre.version0_flags",
    "gre.version0_hdr_too_big", "gre.version0_malformed_sre_hdr", "gre.version1_chksum", "gre.version1_route",
    "gre.version1_ssr", "gre.version1_recur", "gre.version1_flags", "gre.version1_no_key",
    "gre.version1_wrong_protocol", "gre.version1_hdr_too_big",
    "mpls.header_too_small", "mpls.pkt_too_small", "mpls.bad_label_router_alert",
    "mpls.bad_label_implicit_null", "mpls.bad_label_reserved", "mpls.unknown_payload_type",
    "pppoe.pkt_too_small", "pppoe.wrong_code", "pppoe.malformed_tags",
    "nsh.header_too_small", "nsh.unsupported_version", "nsh.bad_header_length", "nsh.reserved_type",
    "nsh.unsupported_type", "nsh.unknown_payload",
)  # fmt: skip
NUMBER = {name: i for i, name in enumerate(NAMES)}

#: What a reason of the decoder is called.
OF_REASON = {
    REASONS.index(reason): NUMBER[name]
    for reason, name in (
        ("vlan_truncated", "vlan.header_too_small"),
        ("ipv4_header_truncated", "ipv4.pkt_too_small"),
        ("ipv4_header_length_wrong", "ipv4.hlen_too_small"),
        ("ipv4_total_length_wrong", "ipv4.iplen_smaller_than_hlen"),
        ("ipv6_header_truncated", "ipv6.pkt_too_small"),
        ("ipv6_extension_truncated", "ipv6.trunc_exthdr"),
        ("arp_truncated", "arp.pkt_too_small"),
        ("arp_unknown_form", "arp.unsupported_hardware"),
    )
}
#: What a link header that is cut is called, by link type.
CUT_LINK = {
    1: NUMBER["ethernet.pkt_too_small"], 113: NUMBER["sll.pkt_too_small"], 276: NUMBER["sll2.pkt_too_small"],
    0: NUMBER["ltnull.pkt_too_small"], 108: NUMBER["ltnull.pkt_too_small"], 9: NUMBER["ppp.pkt_too_small"],
    50: NUMBER["ppp.pkt_too_small"],
}  # fmt: skip
#: What fragments are told of (EVENT.kind), by IP version.
OF_FRAGMENT = {
    (kind, version): NUMBER[f"ipv{version}.{name}"]
    for version in (4, 6)
    for kind, name in (
        (FRAGMENT_OVERLAP, "frag_overlap"),
        (FRAGMENT_REPEAT, "frag_overlap"),
        (FRAGMENT_TOO_LARGE, "frag_pkt_too_large"),
        (FRAGMENT_IGNORED, "frag_ignored"),
    )
} | {(FRAGMENT_LENGTH, 6): NUMBER["ipv6.frag_invalid_length"]}
