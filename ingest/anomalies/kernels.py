"""A second look at the headers of decoded packets, where somebody asks: what is odd about them.

What counts as odd is as Suricata's decoders have it (version 8), so that rules written for it mean the same,
and so is after what a packet is looked at no further. Every load is checked against the bytes that were
captured.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import ARP, ERROR, FRAGMENT, FRAGMENTED, NOT_IP, REASONS
from citywall.kernels import bare_kernel, internal, load_be16, load_be32
from ingest.anomalies.names import NUMBER

_IP_VERSION_WRONG = REASONS.index("ip_version_wrong")
_CHAIN_CUT = REASONS.index("ipv6_extension_truncated")
_CHAIN_LONG = REASONS.index("ipv6_extension_chain_too_long")
_LINK_CUT = REASONS.index("link_header_truncated")

ETHERTYPE = NUMBER["ethernet.unknown_ethertype"]
LOOPBACK = NUMBER["ltnull.unsupported_type"]
RAW_VERSION = NUMBER["ipraw.invalid_ip_version"]
VLAN_TYPE = NUMBER["vlan.unknown_type"]
VLAN_MANY = NUMBER["vlan.too_many_layers"]
V4_TRUNCATED = NUMBER["ipv4.trunc_pkt"]
V4_VERSION = NUMBER["ipv4.wrong_ip_version"]
OPTION = NUMBER["ipv4.opt_invalid"]
OPTION_LENGTH = NUMBER["ipv4.opt_invalid_len"]
OPTION_MALFORMED = NUMBER["ipv4.opt_malformed"]
OPTION_PAD = NUMBER["ipv4.opt_pad_required"]
OPTION_END = NUMBER["ipv4.opt_eol_required"]
OPTION_TWICE = NUMBER["ipv4.opt_duplicate"]
V4_ICMPV6 = NUMBER["ipv4.icmpv6"]
V4_PROTOCOL = NUMBER["ipv4.unknown_protocol"]
V6_VERSION = NUMBER["ipv6.wrong_ip_version"]
V6_TRUNCATED = NUMBER["ipv6.trunc_pkt"]
EXT_TRUNCATED = NUMBER["ipv6.trunc_exthdr"]
FH_TWICE = NUMBER["ipv6.exthdr_dupl_fh"]
FH_USELESS = NUMBER["ipv6.exthdr_useless_fh"]
RH_TWICE = NUMBER["ipv6.exthdr_dupl_rh"]
HH_TWICE = NUMBER["ipv6.exthdr_dupl_hh"]
DH_TWICE = NUMBER["ipv6.exthdr_dupl_dh"]
AH_TWICE = NUMBER["ipv6.exthdr_dupl_ah"]
EXT_OPTION = NUMBER["ipv6.exthdr_invalid_optlen"]
AH_RESERVED = NUMBER["ipv6.exthdr_ah_res_not_null"]
HH_OPTION = NUMBER["ipv6.hopopts_unknown_opt"]
HH_PADDING = NUMBER["ipv6.hopopts_only_padding"]
DH_OPTION = NUMBER["ipv6.dstopts_unknown_opt"]
DH_PADDING = NUMBER["ipv6.dstopts_only_padding"]
RH_ZERO = NUMBER["ipv6.rh_type_0"]
PAD_ZERO = NUMBER["ipv6.zero_len_padn"]
FH_RESERVED = NUMBER["ipv6.fh_non_zero_reserved_field"]
AFTER_NONE = NUMBER["ipv6.data_after_none_header"]
V6_NEXT = NUMBER["ipv6.unknown_next_header"]
V6_ICMPV4 = NUMBER["ipv6.icmpv4"]
FOUR_IN_SIX_SMALL = NUMBER["ipv6.ipv4_in_ipv6_too_small"]
FOUR_IN_SIX_VERSION = NUMBER["ipv6.ipv4_in_ipv6_wrong_version"]
SIX_IN_SIX_SMALL = NUMBER["ipv6.ipv6_in_ipv6_too_small"]
SIX_IN_SIX_VERSION = NUMBER["ipv6.ipv6_in_ipv6_wrong_version"]
ICMP_SMALL = NUMBER["icmpv4.pkt_too_small"]
ICMP_TYPE = NUMBER["icmpv4.unknown_type"]
ICMP_CODE = NUMBER["icmpv4.unknown_code"]
ICMP_TRUNCATED = NUMBER["icmpv4.ipv4_trunc_pkt"]
ICMP_VERSION = NUMBER["icmpv4.ipv4_unknown_ver"]
ICMP6_SMALL = NUMBER["icmpv6.pkt_too_small"]
ICMP6_TYPE = NUMBER["icmpv6.unknown_type"]
ICMP6_CODE = NUMBER["icmpv6.unknown_code"]
ICMP6_TRUNCATED = NUMBER["icmpv6.ipv6_trunc_pkt"]
ICMP6_VERSION = NUMBER["icmpv6.ipv6_unknown_version"]
ICMP6_HOPS = NUMBER["icmpv6.mld_message_with_invalid_hl"]
ICMP6_UNASSIGNED = NUMBER["icmpv6.unassigned_type"]
ICMP6_EXPERIMENT = NUMBER["icmpv6.experimentation_type"]
TCP_SMALL = NUMBER["tcp.pkt_too_small"]
TCP_HEADER = NUMBER["tcp.hlen_too_small"]
TCP_OPTIONS = NUMBER["tcp.invalid_optlen"]
TCP_OPTION_LENGTH = NUMBER["tcp.opt_invalid_len"]
TCP_OPTION_TWICE = NUMBER["tcp.opt_duplicate"]
UDP_SMALL = NUMBER["udp.pkt_too_small"]
UDP_HEADER = NUMBER["udp.hlen_too_small"]
UDP_LENGTH = NUMBER["udp.len_invalid"]
SCTP_SMALL = NUMBER["sctp.pkt_too_small"]
IGMP_SMALL = NUMBER["igmp.pkt_too_small"]
GRE_SMALL = NUMBER["gre.pkt_too_small"]
GRE_VERSION = NUMBER["gre.wrong_version"]
GRE0_RECURSION = NUMBER["gre.version0_recur"]
GRE0_FLAGS = NUMBER["gre.version0_flags"]
GRE0_HEADER = NUMBER["gre.version0_hdr_too_big"]
GRE0_ROUTES = NUMBER["gre.version0_malformed_sre_hdr"]
GRE1_CHECKSUM = NUMBER["gre.version1_chksum"]
GRE1_ROUTE = NUMBER["gre.version1_route"]
GRE1_STRICT = NUMBER["gre.version1_ssr"]
GRE1_RECURSION = NUMBER["gre.version1_recur"]
GRE1_FLAGS = NUMBER["gre.version1_flags"]
GRE1_KEY = NUMBER["gre.version1_no_key"]
GRE1_PROTOCOL = NUMBER["gre.version1_wrong_protocol"]
GRE1_HEADER = NUMBER["gre.version1_hdr_too_big"]
MPLS_CUT = NUMBER["mpls.header_too_small"]
MPLS_SMALL = NUMBER["mpls.pkt_too_small"]
MPLS_ALERT = NUMBER["mpls.bad_label_router_alert"]
MPLS_NULL = NUMBER["mpls.bad_label_implicit_null"]
MPLS_RESERVED = NUMBER["mpls.bad_label_reserved"]
MPLS_PAYLOAD = NUMBER["mpls.unknown_payload_type"]
PPPOE_SMALL = NUMBER["pppoe.pkt_too_small"]
PPPOE_CODE = NUMBER["pppoe.wrong_code"]
PPPOE_TAGS = NUMBER["pppoe.malformed_tags"]
NSH_SMALL = NUMBER["nsh.header_too_small"]
NSH_VERSION = NUMBER["nsh.unsupported_version"]
NSH_LENGTH = NUMBER["nsh.bad_header_length"]
NSH_RESERVED = NUMBER["nsh.reserved_type"]
NSH_TYPE = NUMBER["nsh.unsupported_type"]
NSH_PAYLOAD = NUMBER["nsh.unknown_payload"]

#: A bit for each option of IPv4 that is known, by its number.
_OPTION_BITS = np.zeros(256, np.int64)
_OPTION_BITS[[68, 7, 25, 130, 131, 133, 134, 136, 137, 148]] = 1 << np.arange(10)


@internal
def _tell(out, row, kind):
    """Put an event down, once a packet. `out`: (rows, kinds, last row by kind, how many)."""
    rows, kinds, last, count = out
    if last[kind] != row:
        last[kind] = row
        n = count[0]
        rows[n] = row
        kinds[n] = kind
        count[0] = n + 1


@internal
def _options(buffer, at, size, row, out):
    """IPv4 options at `at`, `size` bytes that are there. Whether the packet is looked at further."""
    if size & 7:
        _tell(out, row, OPTION_PAD)
    end = at + size
    seen = np.int64(0)
    while at < end:
        kind = np.int64(buffer[at])
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if end - at < 2:
            _tell(out, row, OPTION_END)
            break
        length = np.int64(buffer[at + 1])
        if length > end - at or length < 2:
            _tell(out, row, OPTION_LENGTH)
            return False
        bit = _OPTION_BITS[kind]
        route = kind == 7 or kind == 131 or kind == 137
        if bit == 0:
            _tell(out, row, OPTION)
        elif seen & bit:
            _tell(out, row, OPTION_TWICE)
        else:
            wrong = False
            if route:
                wrong = length < 3
            elif kind == 68:
                wrong = length < 5
            elif kind == 25:
                wrong = length < 8
            elif kind == 130 or kind == 133:
                wrong = length < 3
            elif kind == 134:
                wrong = length < 10
            elif kind == 136 or kind == 148:
                wrong = length != 4
            if wrong:
                _tell(out, row, OPTION_LENGTH)
            elif route:
                pointer = np.int64(buffer[at + 2])
                if pointer < 4 or pointer & 3 or pointer > length + 1:
                    _tell(out, row, OPTION_MALFORMED)
                else:
                    seen |= bit
            elif kind == 68:
                pointer = np.int64(buffer[at + 2])
                flag = np.int64(buffer[at + 3]) & 15
                record = 8 if flag == 1 or flag == 3 else 4
                if pointer < 5 or (pointer - 5) % record or pointer > length + 1:
                    _tell(out, row, OPTION_MALFORMED)
                else:
                    seen |= bit
            elif kind == 134:
                if _tags(buffer, at + 6, length - 6):
                    seen |= bit
                else:
                    _tell(out, row, OPTION_MALFORMED)
            else:
                seen |= bit
        at += length
    return True


@internal
def _tags(buffer, at, left):
    """Whether the tags of a CIPSO option are well formed."""
    while left > 0:
        if left < 2:
            return False
        kind = np.int64(buffer[at])
        length = np.int64(buffer[at + 1])
        if length > left or length < 4:
            return False
        if kind != 1 and kind != 2 and kind != 5 and kind != 6 and kind != 7:
            return False
        if kind != 7 and buffer[at + 2] != 0:
            return False
        at += length
        left -= length
    return True


@internal
def _extension_options(buffer, at, size, hops, row, out):
    """Options of a hop-by-hop or destination header: `size` bytes at `at`."""
    end = at + size
    padding = False
    other = False
    while at < end:
        kind = np.int64(buffer[at])
        if kind == 0:
            padding = True
            at += 1
            continue
        if at + 1 >= end:
            _tell(out, row, EXT_OPTION)
            break
        length = np.int64(buffer[at + 1])
        if at + 2 + length > end:
            _tell(out, row, EXT_OPTION)
            break
        if kind == 1:
            padding = True
            if length == 0:
                _tell(out, row, PAD_ZERO)
        elif (kind == 5 and length < 2) or (kind == 194 and length < 4) or (kind == 201 and length < 16):
            _tell(out, row, EXT_OPTION)
            break
        elif kind != 194:
            other = True
            if kind != 5 and kind != 201:
                _tell(out, row, HH_OPTION if hops else DH_OPTION)
        at += 2 + length
    if padding and not other:
        _tell(out, row, HH_PADDING if hops else DH_PADDING)


@internal
def _chain(buffer, at, end, row, out):
    """Extension headers from `at - 40` on: (place of the transport, its protocol), -1 to look no further."""
    kind = np.int64(buffer[at - 34])
    nothing = np.int64(-1)
    fragment = False
    routing = False
    hops = False
    authenticated = False
    destinations = 0
    first = True
    while True:
        left = end - at
        if kind == 59:
            if left > 0:
                _tell(out, row, AFTER_NONE)
            return nothing, kind
        extension = kind == 0 or kind == 43 or kind == 44 or kind == 50 or kind == 51 or kind == 60
        extension = extension or kind == 135 or kind == 139 or kind == 140
        if left < 2 and (extension or not first):
            _tell(out, row, EXT_TRUNCATED)
            return nothing, kind
        first = False
        if kind == 1:
            _tell(out, row, V6_ICMPV4)
            return nothing, kind
        if not extension:
            known = (
                kind == 6 or kind == 17 or kind == 58 or kind == 132 or kind == 4 or kind == 41 or kind == 47
            )
            if not known:
                _tell(out, row, V6_NEXT)
                return nothing, kind
            return at, kind
        if kind == 50:
            return nothing, kind
        if kind == 44:
            size = np.int64(8)
        elif kind == 51:
            size = np.int64(12) + max(np.int64(buffer[at + 1]) - 1, 0) * 4
        else:
            size = np.int64(8) + np.int64(buffer[at + 1]) * 8
        if size > left:
            _tell(out, row, EXT_TRUNCATED)
            return nothing, kind
        if kind == 43:
            if routing:
                _tell(out, row, RH_TWICE)
            elif buffer[at + 2] == 0:
                _tell(out, row, RH_ZERO)
            routing = True
        elif kind == 0:
            if hops:
                _tell(out, row, HH_TWICE)
            else:
                _extension_options(buffer, at + 2, size - 2, True, row, out)
            hops = True
        elif kind == 60:
            destinations += 1
            if destinations > 2:
                _tell(out, row, DH_TWICE)
            else:
                _extension_options(buffer, at + 2, size - 2, False, row, out)
        elif kind == 51:
            if load_be16(buffer, at + 2) != 0:
                _tell(out, row, AH_RESERVED)
            if authenticated:
                _tell(out, row, AH_TWICE)
            authenticated = True
        elif kind == 44:
            if buffer[at + 1] != 0:
                _tell(out, row, FH_RESERVED)
            if fragment:
                _tell(out, row, FH_TWICE)
            else:
                fragment = True
                if load_be16(buffer, at + 2) & 0xFFF9:
                    return nothing, kind  # the rest is read when it is put together
                _tell(out, row, FH_USELESS)
        kind = np.int64(buffer[at])
        at += size


@internal
def _embedded(buffer, at, end, version, row, out):
    """The packet that an ICMP error holds a part of."""
    if end - at < (20 if version == 4 else 40):
        _tell(out, row, ICMP_TRUNCATED if version == 4 else ICMP6_TRUNCATED)
    elif buffer[at] >> 4 != version:
        _tell(out, row, ICMP_VERSION if version == 4 else ICMP6_VERSION)


@internal
def _icmp(buffer, at, end, row, out):
    """ICMP (RFC 792, 1256)."""
    length = end - at
    if length < 8:
        _tell(out, row, ICMP_SMALL)
        return
    kind = np.int64(buffer[at])
    code = np.int64(buffer[at + 1])
    if kind == 3 or kind == 4 or kind == 5 or kind == 11 or kind == 12:
        most = 15 if kind == 3 else 3 if kind == 5 else 1 if kind == 11 else 0
        if code > most:
            _tell(out, row, ICMP_CODE)
        elif length > 8:
            _embedded(buffer, at + 8, end, 4, row, out)
    elif kind == 9:
        if length < 8 + np.int64(buffer[at + 4]) * np.int64(buffer[at + 5]) * 4:
            _tell(out, row, ICMP_TRUNCATED)
    elif kind == 0 or kind == 8 or (13 <= kind and kind <= 18):
        if code != 0:
            _tell(out, row, ICMP_CODE)
        if (kind == 13 or kind == 14) and length < 20:
            _tell(out, row, ICMP_TRUNCATED)
    else:
        _tell(out, row, ICMP_TYPE)


@internal
def _icmp6(buffer, at, end, hop_limit, row, out):
    """ICMPv6 (RFC 4443 and the registry of its types)."""
    length = end - at
    if length < 8:
        _tell(out, row, ICMP6_SMALL)
        return
    kind = np.int64(buffer[at])
    code = np.int64(buffer[at + 1])
    if 1 <= kind and kind <= 4:
        most = 6 if kind == 1 else 1 if kind == 3 else 2 if kind == 4 else 0
        if code > most:
            _tell(out, row, ICMP6_CODE)
        else:
            _embedded(buffer, at + 8, end, 6, row, out)
    elif kind == 138:
        if code > 2 and code != 255:
            _tell(out, row, ICMP6_CODE)
    elif kind == 139 or kind == 140:
        if code > 2:
            _tell(out, row, ICMP6_CODE)
    elif kind == 155:
        if (code > 3 and code < 128) or code > 132:
            _tell(out, row, ICMP6_CODE)
    elif 150 <= kind and kind <= 153:
        pass
    elif (128 <= kind and kind <= 149) or kind == 154 or (156 <= kind and kind <= 159):
        if code != 0:
            _tell(out, row, ICMP6_CODE)
        if kind >= 130 and kind <= 132 and hop_limit != 1:
            _tell(out, row, ICMP6_HOPS)
    elif kind == 100 or kind == 101 or kind == 200 or kind == 201:
        _tell(out, row, ICMP6_EXPERIMENT)
    elif kind == 0 or kind == 127:
        _tell(out, row, ICMP6_TYPE)
    else:
        _tell(out, row, ICMP6_UNASSIGNED)


@internal
def _tcp(buffer, at, end, row, out):
    """TCP and its options (RFC 9293 and those of each option)."""
    length = end - at
    if length < 20:
        _tell(out, row, TCP_SMALL)
        return
    header = (np.int64(buffer[at + 12]) >> 4) * 4
    if length < header:
        _tell(out, row, TCP_HEADER)
        return
    if header < 20:
        _tell(out, row, TCP_OPTIONS)
        return
    end = at + header
    at += 20
    seen = np.int64(0)
    while at < end:
        kind = np.int64(buffer[at])
        if kind == 0:
            return
        if kind == 1:
            at += 1
            continue
        if end - at < 2:
            return
        size = np.int64(buffer[at + 1])
        if size > end - at or size < 2:
            _tell(out, row, TCP_OPTION_LENGTH)
            return
        bit = np.int64(0)
        wrong = False
        if kind == 2:
            bit = np.int64(1)
            wrong = size != 4
        elif kind == 3:
            bit = np.int64(2)
            wrong = size != 3
        elif kind == 4:
            bit = np.int64(4)
            wrong = size != 2
        elif kind == 8:
            bit = np.int64(8)
            wrong = size != 10
        elif kind == 5 and size != 2:
            bit = np.int64(16)
            wrong = size < 10 or size > 34 or (size - 2) & 7 != 0
        elif kind == 34:
            bit = np.int64(32)
            wrong = size != 2 and (size < 6 or size > 18 or size & 1 != 0)
        elif kind == 253 or kind == 254:
            wrong = size != 4 and size != 12
            if not wrong and load_be16(buffer, at + 2) == 0xF989:
                bit = np.int64(32)
        elif kind == 19:
            wrong = size != 18
        elif kind == 29:
            wrong = size < 4
        if wrong:
            _tell(out, row, TCP_OPTION_LENGTH)
        elif seen & bit:
            _tell(out, row, TCP_OPTION_TWICE)
        else:
            seen |= bit
        at += size


@internal
def _udp(buffer, at, end, row, out):
    """UDP (RFC 768)."""
    length = end - at
    if length < 8:
        _tell(out, row, UDP_HEADER)
        return
    said = np.int64(load_be16(buffer, at + 4))
    if length < said:
        _tell(out, row, UDP_SMALL)
    elif said < 8:
        _tell(out, row, UDP_LENGTH)


@internal
def _gre(buffer, at, end, row, out):
    """GRE (RFC 1701, 2784, 2890) and that of PPTP (RFC 2637)."""
    length = end - at
    if length < 4:
        _tell(out, row, GRE_SMALL)
        return
    word = np.int64(load_be16(buffer, at))
    kind = load_be16(buffer, at + 2)
    header = np.int64(4)
    if word & 7 == 0:
        if word & 0x0700:
            _tell(out, row, GRE0_RECURSION)
            return
        if word & 0x00F8:
            _tell(out, row, GRE0_FLAGS)
            return
        header += 4 * (word >> 13 & 1) + 4 * (word >> 12 & 1)
        if word & 0xC000:
            header += 4
        if header > length:
            _tell(out, row, GRE0_HEADER)
            return
        if word & 0x4000:
            while True:
                if header + 4 > length:
                    _tell(out, row, GRE0_ROUTES)
                    return
                family = load_be16(buffer, at + header)
                size = np.int64(buffer[at + header + 3])
                header += 4
                if family == 0 and size == 0:
                    return
                header += size
                if header > length:
                    _tell(out, row, GRE0_ROUTES)
                    return
    elif word & 7 == 1:
        if word & 0x8000:
            _tell(out, row, GRE1_CHECKSUM)
        elif word & 0x4000:
            _tell(out, row, GRE1_ROUTE)
        elif word & 0x0800:
            _tell(out, row, GRE1_STRICT)
        elif word & 0x0700:
            _tell(out, row, GRE1_RECURSION)
        elif word & 0x0078:
            _tell(out, row, GRE1_FLAGS)
        elif kind != 0x880B:
            _tell(out, row, GRE1_PROTOCOL)
        elif word & 0x2000 == 0:
            _tell(out, row, GRE1_KEY)
        elif 8 + 4 * (word >> 12 & 1) + 4 * (word >> 7 & 1) > length:
            _tell(out, row, GRE1_HEADER)
    else:
        _tell(out, row, GRE_VERSION)


@internal
def _transport(buffer, at, end, kind, version, hop_limit, row, out):
    """What is behind the IP headers, all of it captured."""
    length = end - at
    if kind == 6:
        _tcp(buffer, at, end, row, out)
    elif kind == 17:
        _udp(buffer, at, end, row, out)
    elif kind == 1:
        _icmp(buffer, at, end, row, out)
    elif kind == 58:
        _icmp6(buffer, at, end, hop_limit, row, out)
    elif kind == 47:
        _gre(buffer, at, end, row, out)
    elif kind == 132:
        if length < 12:
            _tell(out, row, SCTP_SMALL)
    elif kind == 2:
        if length < 8:
            _tell(out, row, IGMP_SMALL)
    elif version == 6 and kind == 4:
        if length < 20:
            _tell(out, row, FOUR_IN_SIX_SMALL)
        elif buffer[at] >> 4 != 4:
            _tell(out, row, FOUR_IN_SIX_VERSION)
    elif version == 6 and kind == 41:
        if length < 40:
            _tell(out, row, SIX_IN_SIX_SMALL)
        elif buffer[at] >> 4 != 6:
            _tell(out, row, SIX_IN_SIX_VERSION)


@internal
def _ip(buffer, at, last, fragment, row, out):
    """An IP packet at `at`, of which what lies before `last` was captured; its first 20 or 40 bytes were."""
    if buffer[at] >> 4 == 4:
        header = (np.int64(buffer[at]) & 15) * 4
        end = at + np.int64(load_be16(buffer, at + 2))
        if end > last:
            _tell(out, row, V4_TRUNCATED)
            return
        if header < 20 or at + header > end:
            return  # as its reason says
        if header > 20 and not _options(buffer, at + 20, header - 20, row, out):
            return
        kind = np.int64(buffer[at + 9])
        if fragment:
            return
        if kind == 58:
            _tell(out, row, V4_ICMPV6)
            return
        known = kind == 0 or kind == 1 or kind == 2 or kind == 4 or kind == 6 or kind == 17 or kind == 41
        if not (known or kind == 47 or kind == 50 or kind == 132):
            _tell(out, row, V4_PROTOCOL)
            return
        _transport(buffer, at + header, end, kind, 4, np.int64(0), row, out)
        return
    end = at + 40 + np.int64(load_be16(buffer, at + 4))
    if end > last:
        _tell(out, row, V6_TRUNCATED)
        return
    behind, kind = _chain(buffer, at + 40, end, row, out)
    if behind >= 0:
        _transport(buffer, behind, end, kind, 6, np.int64(buffer[at + 7]), row, out)


@internal
def _mpls(buffer, at, end, row, out):
    """A label stack (RFC 3032) that leads to nothing."""
    while True:
        if end - at < 4:
            _tell(out, row, MPLS_CUT)
            return
        shim = np.int64(load_be32(buffer, at))
        at += 4
        if shim & 0x100:
            break
    label = shim >> 12
    if label == 0 or label == 2:
        return
    if label == 1:
        _tell(out, row, MPLS_ALERT)
    elif label == 3:
        _tell(out, row, MPLS_NULL)
    elif label < 16:
        _tell(out, row, MPLS_RESERVED)
    elif end - at < 4:
        _tell(out, row, MPLS_SMALL)
    else:
        nibble = buffer[at] >> 4
        if nibble != 4 and nibble != 6 and nibble != 0:
            _tell(out, row, MPLS_PAYLOAD)


@internal
def _service_path(buffer, at, end, row, out):
    """A network service header (RFC 8300) that leads to nothing."""
    if end - at < 8:
        _tell(out, row, NSH_SMALL)
        return
    word = np.int64(load_be16(buffer, at))
    size = (word & 0x3F) * 4
    form = np.int64(buffer[at + 2])
    following = np.int64(buffer[at + 3])
    if word >> 14:
        _tell(out, row, NSH_VERSION)
    elif size >= end - at:
        _tell(out, row, NSH_LENGTH)
    elif form == 0 or form == 15:
        _tell(out, row, NSH_RESERVED)
    elif form == 1 and size != 24:
        _tell(out, row, NSH_LENGTH)
    elif form > 2:
        _tell(out, row, NSH_TYPE)
    elif following == 0 or following == 4 or following > 5:
        _tell(out, row, NSH_PAYLOAD)


@internal
def _not_ip(buffer, at, end, kind, tagged, link, row, out):
    """A packet whose ethertype `kind` has led to no IP packet; `at` is behind it."""
    if kind == 0x8847 or kind == 0x8848:
        _mpls(buffer, at, end, row, out)
    elif kind == 0x8864:
        if end - at < 7:
            _tell(out, row, PPPOE_SMALL)
    elif kind == 0x8863:
        if end - at < 6:
            _tell(out, row, PPPOE_SMALL)
        else:
            code = np.int64(buffer[at + 1])
            if code != 0x09 and code != 0x07 and code != 0x19 and code != 0x65 and code != 0xA7:
                _tell(out, row, PPPOE_CODE)
            elif np.int64(load_be16(buffer, at + 4)) > end - at - 6:
                _tell(out, row, PPPOE_TAGS)
    elif kind == 0x894F:
        _service_path(buffer, at, end, row, out)
    elif kind == 0x8903 or kind == 0x88E7 or kind == 0x893F or kind == 0x8926:
        pass
    elif kind == 0x0806 or kind == 0x0800 or kind == 0x86DD:
        pass
    elif link == 0 or link == 108:
        _tell(out, row, LOOPBACK)
    else:
        _tell(out, row, ETHERTYPE)
        if tagged:
            _tell(out, row, VLAN_TYPE)


@internal
def _link(buffer, start, last, link, row, out):
    """The ethertype of a record, layer by layer, where it is not IP."""
    if link == 1:
        at = start + 14
    elif link == 113:
        at = start + 16
    elif link == 276:
        at = start + 20
    elif link == 0 or link == 108:
        at = start + 4
    else:
        return
    if at > last:
        return
    kind = np.int64(0)
    if link == 276:
        kind = np.int64(load_be16(buffer, start))
    elif link == 1 or link == 113:
        kind = np.int64(load_be16(buffer, at - 2))
    tags = 0
    while (kind == 0x8100 or kind == 0x88A8 or kind == 0x9100) and at + 4 <= last:
        tags += 1
        if tags > 3:
            _tell(out, row, VLAN_MANY)
            return
        kind = np.int64(load_be16(buffer, at + 2))
        at += 4
    _not_ip(buffer, at, last, kind, tags > 0, link, row, out)


@bare_kernel
def anomalies(buffer, packets, first, link, of_reason, cut_link, rows, kinds, last, count):
    """Events of PACKET rows from `first` on; the row it stopped before, for want of room.

    `of_reason` (i8) is the event of each of the decoder's reasons, 0 for none; `cut_link` that of a link
    header that is cut. `rows` and `kinds` (i8) take row and event from `count[0]` on, each event once a row;
    `last` (i8 by event, -1 at first) sees to that.
    """
    out = (rows, kinds, last, count)
    for i in range(first, len(packets)):
        if count[0] + len(last) > len(rows):
            return i
        p = packets[i]
        start = np.int64(p["offset"])
        end = start + np.int64(p["captured"])
        status = p["status"]
        reason = np.int64(p["reason"])
        if status == NOT_IP:
            _link(buffer, start, end, link, i, out)
        if status == NOT_IP or status == ARP:
            continue
        if status == ERROR:
            if reason == _LINK_CUT:
                if cut_link != 0:
                    _tell(out, i, cut_link)
                continue
            if reason == _IP_VERSION_WRONG:
                if link == 12 or link == 14 or link == 101:
                    _tell(out, i, RAW_VERSION)
                else:
                    at = start + 12
                    six = link == 229 or (link == 1 and at + 2 <= end and load_be16(buffer, at) == 0x86DD)
                    _tell(out, i, V6_VERSION if six else V4_VERSION)
                continue
            if of_reason[reason] != 0:
                _tell(out, i, of_reason[reason])
            if reason != _CHAIN_CUT and reason != _CHAIN_LONG:
                continue
        at = start + np.int64(p["network"])
        if at + 20 > end:
            continue
        version = buffer[at] >> 4
        if version == 4 or (version == 6 and at + 40 <= end):
            _ip(buffer, at, end, p["marks"] & FRAGMENTED != 0 or status == FRAGMENT, i, out)
    return np.int64(len(packets))
