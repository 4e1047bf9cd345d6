"""A table of our own, `inet citywall`: sets of blocked prefixes, and rules that drop what is from or to them.

There is a set for each length of prefix, `v4_32`, `v6_64`: packets are looked up by their first so many bits,
so that sets need no intervals, and prefixes may overlap. Elements end by themselves, by the kernel's clock.
Chains hook in before connection tracking, at what comes in (also to be forwarded) and what leaves from here.
"""

from __future__ import annotations

import errno
import ipaddress
import struct

from playbooks.nftables import netlink as n
from playbooks.nftables.netlink import Message, Netlink

TABLE = "citywall"
_PRIORITY = -300  # NF_IP_PRI_RAW
_HOOKS = {"arriving": 0, "leaving": 3}  # NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT
_KEY_TYPES = {4: 7, 6: 8}  # nft's numbers of ipv4_addr and ipv6_addr
_BYTES = {4: 4, 6: 16}
_OFFSETS = {4: (12, 16), 6: (8, 24)}  # of source and destination in the network header
_FAMILIES = {4: 2, 6: 10}  # NFPROTO_IPV4, NFPROTO_IPV6
_WORDS = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
_TIMEOUT_FLAG = 0x10  # NFT_SET_TIMEOUT
_REGISTER = 1

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def set_name(network: Network) -> str:
    """The set that a prefix is in."""
    return f"v{network.version}_{network.prefixlen}"


def script(network: Network, seconds: int) -> str:
    """What a block does, in nft's own language."""
    word, kind = _WORDS[network.version]
    name = set_name(network)
    mask = "" if network.prefixlen == network.max_prefixlen else f" & {network.netmask}"
    return "\n".join([
        f"add table inet {TABLE}",
        f"add set inet {TABLE} {name} {{ type {kind}; flags timeout; }}",
        f"add rule inet {TABLE} arriving {word} saddr{mask} @{name} counter drop",
        f"add rule inet {TABLE} arriving {word} daddr{mask} @{name} counter drop",
        f"add rule inet {TABLE} leaving {word} daddr{mask} @{name} counter drop",
        f"add element inet {TABLE} {name} {{ {network.network_address} timeout {seconds}s }}",
    ])  # fmt: skip


def block(network: Network, seconds: int) -> None:
    """Drop what comes from a prefix or goes to it, for so long; longer, where it is blocked already.

    Raises OSError (EPERM without the right to change the network's rules).
    """
    with Netlink() as line:
        if not _has_set(line, set_name(network)):
            line.batch(_foundation(network))
        if (left := _remaining(line, network)) is not None:
            if left >= seconds * 1000:
                return
            # An element's time-out is changed by putting it in anew; both in one batch, so it never leaves.
            line.batch([_element(n.DELETE_ELEMENT, network, None), _element(n.NEW_ELEMENT, network, seconds)])
            return
        line.batch([_element(n.NEW_ELEMENT, network, seconds)])


def unblock(network: Network) -> bool:
    """Let a prefix pass again; whether it was blocked."""
    with Netlink() as line:
        if remaining_ms(network) is None:
            return False
        try:
            line.batch([_element(n.DELETE_ELEMENT, network, None)])
        except OSError as e:
            if e.errno == errno.ENOENT:  # it has just ended by itself
                return False
            raise
        return True


def remaining_ms(network: Network) -> int | None:
    """Milliseconds for which a prefix is still blocked; None where it is not."""
    with Netlink() as line:
        return _remaining(line, network)


def _remaining(line: Netlink, network: Network) -> int | None:
    body = n.text(1, TABLE) + n.text(2, set_name(network))
    try:
        answers = line.dump(n.GET_ELEMENT, body)
    except OSError as e:
        if e.errno == errno.ENOENT:
            return None
        raise
    for answer in answers:
        for elements in n.attributes(answer).get(3, []):
            for element in n.attributes(elements).get(1, []):
                fields = n.attributes(element)
                key = n.attributes(fields.get(1, [b""])[0]).get(1, [b""])[0]
                if key == network.network_address.packed and 5 in fields:
                    return int(struct.unpack("!Q", fields[5][0])[0])
    return None


def _has_set(line: Netlink, name: str) -> bool:
    try:
        line.get(n.GET_SET, n.text(1, TABLE) + n.text(2, name))
    except OSError as e:
        if e.errno == errno.ENOENT:
            return False
        raise
    return True


def _foundation(network: Network) -> list[Message]:
    """Table, chains, the set of a length and its rules: what is there already stays as it is."""
    version, name = network.version, set_name(network)
    made = [Message(n.NEW_TABLE, n.CREATE, n.text(1, TABLE))]
    for chain, hook in _HOOKS.items():
        place = n.nested(4, n.u32(1, hook), n.u32(2, _PRIORITY))
        body = n.text(1, TABLE) + n.text(3, chain) + place + n.u32(5, 1) + n.text(7, "filter")
        made.append(Message(n.NEW_CHAIN, n.CREATE, body))
    body = (
        n.text(1, TABLE) + n.text(2, name) + n.u32(3, _TIMEOUT_FLAG) + n.u32(4, _KEY_TYPES[version])
        + n.u32(5, _BYTES[version]) + n.u32(10, 1)
    )  # fmt: skip
    made.append(Message(n.NEW_SET, n.CREATE | n.EXCL, body))
    source, destination = _OFFSETS[version]
    rules = (("arriving", source), ("arriving", destination), ("leaving", destination))
    return made + [_rule(chain, offset, network) for chain, offset in rules]


def _rule(chain: str, offset: int, network: Network) -> Message:
    """`meta nfproto … payload … [bitwise] lookup counter drop`."""
    version, length = network.version, _BYTES[network.version]
    expressions = [
        _expression("meta", n.u32(1, _REGISTER), n.u32(2, 15)),  # NFT_META_NFPROTO
        _expression(
            "cmp", n.u32(1, _REGISTER), n.u32(2, 0), n.nested(3, n.attribute(1, bytes([_FAMILIES[version]])))
        ),
        _expression("payload", n.u32(1, _REGISTER), n.u32(2, 1), n.u32(3, offset), n.u32(4, length)),
    ]
    if network.prefixlen < network.max_prefixlen:
        mask = n.nested(4, n.attribute(1, network.netmask.packed))
        nothing = n.nested(5, n.attribute(1, bytes(length)))
        parts = (n.u32(1, _REGISTER), n.u32(2, _REGISTER), n.u32(3, length), mask, nothing)
        expressions.append(_expression("bitwise", *parts))
    expressions += [
        _expression("lookup", n.text(1, set_name(network)), n.u32(2, _REGISTER), n.u32(4, 1)),
        _expression("counter"),
        _expression("immediate", n.u32(1, 0), n.nested(2, n.nested(2, n.u32(1, 0)))),  # verdict: NF_DROP
    ]
    body = n.text(1, TABLE) + n.text(2, chain) + n.nested(4, *expressions)
    return Message(n.NEW_RULE, n.CREATE | n.APPEND, body)


def _expression(name: str, *parts: bytes) -> bytes:
    return n.nested(1, n.text(1, name), n.nested(2, *parts))


def _element(kind: int, network: Network, seconds: int | None) -> Message:
    parts = [n.nested(1, n.attribute(1, network.network_address.packed))]
    if seconds is not None:
        parts.append(n.u64(4, seconds * 1000))
    body = n.text(1, TABLE) + n.text(2, set_name(network)) + n.nested(3, n.nested(1, *parts))
    flags = n.CREATE if kind == n.NEW_ELEMENT else 0
    return Message(kind, flags, body)
