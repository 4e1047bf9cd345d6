"""Keywords about a packet's headers."""

from __future__ import annotations

import re

from rules.countries import NO_DATABASE, PREFIX, SIDES
from rules.keywords.base import NONE, Keyword, bounds, packet_number
from rules.language.builder import Builder
from rules.language.model import Flags, Number, StreamSize

_TCP_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "2": 64, "1": 128, "0": 0}
_FRAGMENT_BITS = {"M": 1, "D": 2, "R": 4}
_IP_OPTIONS = {
    "rr": 7, "eol": 0, "nop": 1, "ts": 68, "sec": 130, "lsrr": 131, "esec": 133, "cipso": 134, "satid": 136,
    "ssrr": 137, "qs": 25, "any": -1,
}  # fmt: skip
_SUMS = ("ipv4", "tcpv4", "tcpv6", "udpv4", "udpv6", "icmpv4", "icmpv6")
_PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "ip-in-ip": 4, "tcp": 6, "egp": 8, "udp": 17, "ipv6": 41, "rsvp": 46,
    "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "eigrp": 88, "ospf": 89, "pim": 103,
    "vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
}  # fmt: skip
_CALL = ("program", "version", "procedure")


def flags(builder: Builder, value: str) -> None:
    """`flags:[+*!]SA[,ignored]`."""
    text, _, ignored = value.partition(",")
    mode, wanted = _letters(builder, text, _TCP_FLAGS, "flags")
    _, without = _letters(builder, ignored or "0", _TCP_FLAGS, "flags")
    builder.rule.flags.append(Flags("tcp.flags", wanted, mode, without))
    builder.packet_only = builder.packet_only or "flags"


def fragbits(builder: Builder, value: str) -> None:
    """`fragbits:[+*!]MDR`."""
    mode, wanted = _letters(builder, value, _FRAGMENT_BITS, "fragbits")
    builder.rule.flags.append(Flags("ip.fragbits", wanted, mode))
    builder.packet_only = builder.packet_only or "fragbits"


def _letters(builder: Builder, text: str, known: dict[str, int], keyword: str) -> tuple[str, int]:
    text = text.replace(" ", "")
    mode = "="
    found = 0
    if text[:1] in {"+", "*", "!", "="}:
        mode, text = text[0], text[1:]
    elif text[-1:] in {"+", "*", "!"}:
        mode, text = text[-1], text[:-1]
    for letter in text.upper():
        if letter not in known:
            raise builder.fault(f"{keyword} does not know {letter!r}")
        found |= known[letter]
    if not text:
        raise builder.fault(f"{keyword} names nothing")
    return mode, found


def ip_proto(builder: Builder, value: str) -> None:
    """`ip_proto:[!<>]number or name`."""
    text = value.strip()
    sign = text[:1] if text[:1] in "!<>" else ""
    name = text.removeprefix(sign).strip().lower()
    known = _PROTOCOLS.get(name)
    low, high, negated = bounds(builder, f"{sign}{known if known is not None else name}", "ip_proto", 255)
    builder.rule.numbers.append(Number("ip.proto", low, high, negated))
    builder.packet_only = builder.packet_only or "ip_proto"


def sameip(builder: Builder, _value: str) -> None:
    """Source and destination are the same."""
    builder.rule.numbers.append(Number("ip.same", 1, 1))
    builder.packet_only = builder.packet_only or "sameip"


def ipopts(builder: Builder, value: str) -> None:
    """An option of the IPv4 header."""
    name = value.strip().lower()
    if name not in _IP_OPTIONS:
        raise builder.fault(f"ipopts does not know {value.strip()!r}")
    builder.rule.numbers.append(Number("ip.option", _IP_OPTIONS[name], _IP_OPTIONS[name]))
    builder.packet_only = builder.packet_only or "ipopts"


def fragoffset(builder: Builder, value: str) -> None:
    """Offset of a fragment, in units of eight bytes."""
    low, high, negated = bounds(builder, value, "fragoffset", 8191)
    builder.rule.numbers.append(Number("ip.fragment_offset", low, high, negated))
    builder.packet_only = builder.packet_only or "fragoffset"


def dsize(builder: Builder, value: str) -> None:
    """Bytes of the packet's payload."""
    builder.once("dsize")
    low, high, negated = bounds(builder, value, "dsize", 65535)
    builder.rule.numbers.append(Number("dsize", low, high, negated))
    if negated:  # another size is one of a payload that is there (Suricata, `SIG_MASK_REQUIRE_PAYLOAD`)
        builder.rule.numbers.append(Number("dsize", 1, 65535))
    builder.packet_only = builder.packet_only or "dsize"


def stream_size(builder: Builder, value: str) -> None:
    """`stream_size:server|client|both|either,op,bytes`."""
    parts = [part.strip() for part in value.split(",")]
    if len(parts) != 3 or parts[0] not in {"server", "client", "both", "either"}:
        raise builder.fault("stream_size takes a side, a comparison and a number of bytes")
    if parts[1] not in {"<", ">", "=", "!=", "<=", ">="}:
        raise builder.fault(f"stream_size does not know the comparison {parts[1]!r}")
    number = builder.number(parts[2], "stream_size")
    builder.rule.stream_sizes.append(StreamSize(parts[0], parts[1], number))
    builder.packet_only = builder.packet_only or "stream_size"


def vlan_id(builder: Builder, value: str) -> None:
    """`vlan.id:number[,any|all|layer]`: of any tag, of all, or of one, from 0 or back from -1."""
    text, _, where = (part.strip() for part in value.partition(","))
    if where not in {"", "any", "all"} and not re.fullmatch(r"-[123]|[012]", where):
        raise builder.fault(f"vlan.id has no layer {where!r}")
    low, high, negated = bounds(builder, text, "vlan.id", 4095)
    builder.rule.numbers.append(Number(f"vlan.id,{where or 'any'}", low, high, negated))
    builder.packet_only = builder.packet_only or "vlan.id"


def l3_proto(builder: Builder, value: str) -> None:
    """`l3_proto:ipv4`."""
    version = {"ipv4": 4, "ip4": 4, "ipv6": 6, "ip6": 6}.get(value.strip().lower())
    if version is None:
        raise builder.fault(f"l3_proto does not know {value.strip()!r}")
    builder.rule.numbers.append(Number("ip.version", version, version))
    builder.packet_only = builder.packet_only or "l3_proto"


def geoip(builder: Builder, value: str) -> None:
    """`geoip:[src|dst|both|any,][!]CC,...`: the country of one side, of both, or of any."""
    parts = [part.strip() for part in value.strip().strip('"').split(",")]
    side = parts.pop(0) if parts[0] in SIDES and len(parts) > 1 else "any"
    codes = ",".join(parts).upper()
    if not re.fullmatch(r"!?[A-Z0-9]{2}(,[A-Z0-9]{2})*", codes):
        raise builder.fault("geoip takes a side (src, dst, both, any) and countries of two letters")
    builder.rule.numbers.append(Number(f"{PREFIX}{side},{codes}", 1, 1))
    if NO_DATABASE not in builder.rule.cannot:
        builder.rule.cannot.append(NO_DATABASE)


def rpc(builder: Builder, value: str) -> None:
    """`rpc:program[,version|*[,procedure|*]]` of a call that a packet begins with (RFC 5531)."""
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > len(_CALL):
        raise builder.fault("rpc takes a program, a version and a procedure")
    for i, (name, part) in enumerate(zip(_CALL, parts, strict=False)):
        if i == 0 or part != "*":
            number = builder.number(part, "rpc", 0, (1 << 32) - 1)
            builder.rule.numbers.append(Number(f"rpc.{name}", number, number))
    builder.packet_only = builder.packet_only or "rpc"


def bypass(builder: Builder, _value: str) -> None:
    """The rest of the flow need not be looked at."""
    builder.rule.others.append(("bypass", ""))


def tcp_option(field: str, top: int) -> Keyword:
    """A number among the TCP options."""
    return packet_number(field, top, field)


def csum(keyword: str) -> Keyword:
    """`tcpv4-csum:valid|invalid` and its kin; checksums are looked at whatever is said of the streams."""

    def setup(builder: Builder, value: str) -> None:
        word = value.strip().strip('"').lower()
        if word not in {"valid", "invalid"}:
            raise builder.fault("a checksum is valid or invalid")
        right = int(word == "valid")
        builder.rule.numbers.append(Number(f"sum.{keyword.removesuffix('-csum')}", right, right))
        builder.packet_only = builder.packet_only or keyword

    return Keyword(setup)


KEYWORDS = {
    "flags": Keyword(flags),
    "tcp.flags": Keyword(flags),
    "fragbits": Keyword(fragbits),
    "fragoffset": Keyword(fragoffset),
    "ip_proto": Keyword(ip_proto),
    "sameip": Keyword(sameip, NONE),
    "ipopts": Keyword(ipopts),
    "dsize": Keyword(dsize),
    "ttl": packet_number("ip.ttl", 255, "ttl"),
    "tos": packet_number("ip.tos", 255, "tos"),
    "id": packet_number("ip.id", 65535, "id"),
    "itype": packet_number("icmp.type", 255, "itype"),
    "icode": packet_number("icmp.code", 255, "icode"),
    "icmp_id": packet_number("icmp.id", 65535, "icmp_id"),
    "icmp_seq": packet_number("icmp.seq", 65535, "icmp_seq"),
    "icmpv6.mtu": packet_number("icmpv6.mtu", (1 << 32) - 1, "icmpv6.mtu"),
    "seq": packet_number("tcp.seq", (1 << 32) - 1, "seq"),
    "tcp.seq": packet_number("tcp.seq", (1 << 32) - 1, "tcp.seq"),
    "ack": packet_number("tcp.ack", (1 << 32) - 1, "ack"),
    "tcp.ack": packet_number("tcp.ack", (1 << 32) - 1, "tcp.ack"),
    "window": packet_number("tcp.window", 65535, "window"),
    "tcp.window": packet_number("tcp.window", 65535, "tcp.window"),
    "tcp.mss": tcp_option("tcp.mss", 65535),
    "tcp.wscale": tcp_option("tcp.wscale", 255),
    "vlan.id": Keyword(vlan_id),
    "vlan.layers": packet_number("vlan.layers", 3, "vlan.layers"),
    "vxlan_vni": packet_number("vxlan.vni", (1 << 24) - 1, "vxlan_vni"),
    "stream_size": Keyword(stream_size),
    "geoip": Keyword(geoip),
    "bypass": Keyword(bypass, NONE),
    **{f"{name}-csum": csum(f"{name}-csum") for name in _SUMS},
    "rpc": Keyword(rpc),
    "l3_proto": Keyword(l3_proto),
}
