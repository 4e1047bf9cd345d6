"""flow, and what is kept with flows, hosts and pairs: flowbits, flowint, xbits, hostbits."""

from __future__ import annotations

import re

from rules.keywords.base import Keyword
from rules.language.builder import Builder
from rules.language.model import TO_CLIENT, TO_SERVER, Bits, FlowInt

_DIRECTIONS = {
    "to_server": TO_SERVER,
    "from_client": TO_SERVER,
    "to_client": TO_CLIENT,
    "from_server": TO_CLIENT,
}
_NAME = re.compile(r"^[\w.:+/-]+$")
_BIT_OPS = frozenset({"set", "isset", "isnotset", "unset", "toggle", "noalert"})
_INTEGER_OPS = ("==", "!=", "<=", ">=", "<", ">", "+", "-", "=")


def flow(builder: Builder, value: str) -> None:
    """`flow:established,to_server,...`."""
    builder.once("flow")
    into = builder.rule.flow
    for word in (part.strip().lower() for part in value.split(",")):
        if word in _DIRECTIONS:
            if into.direction and into.direction != _DIRECTIONS[word]:
                raise builder.fault("flow: to_server and to_client exclude each other")
            into.direction = _DIRECTIONS[word]
        elif word in {"established", "not_established"}:
            if into.stateless or into.established is (word != "established"):
                raise builder.fault("flow: established, not_established and stateless exclude each other")
            into.established = word == "established"
        elif word == "stateless":
            if into.established is not None:
                raise builder.fault("flow: established, not_established and stateless exclude each other")
            into.stateless = True
        elif word in {"only_stream", "no_stream"}:
            if into.only_stream or into.no_stream:
                raise builder.fault("flow: only_stream and no_stream exclude each other")
            into.only_stream, into.no_stream = word == "only_stream", word == "no_stream"
            if word == "no_stream":
                builder.packet_only = builder.packet_only or "flow:no_stream"
        elif word in {"no_frag", "only_frag"}:
            into.fragment = word == "only_frag"
        else:
            raise builder.fault(f"flow does not know {word!r}")


def flowbits(builder: Builder, value: str) -> None:
    """`flowbits:set|isset|isnotset|unset|toggle,name[|name...]` or `noalert`."""
    op, _, names = (part.strip() for part in value.partition(","))
    if op not in _BIT_OPS:
        raise builder.fault(f"flowbits does not know {op!r}")
    if op == "noalert":
        if names:
            raise builder.fault("flowbits:noalert takes no name")
        builder.rule.silent = True
        return
    found = tuple(name.strip() for name in names.split("|"))
    if not all(_NAME.match(name) for name in found):
        raise builder.fault(f"flowbits: {names!r} is no name of a bit")
    if len(found) > 1 and op not in {"isset", "isnotset"}:
        raise builder.fault(f"flowbits:{op} takes one name")
    builder.rule.bits.append(Bits("flow", op, found))


def xbits(builder: Builder, value: str) -> None:
    """`xbits:set|isset|...,name,track ip_src|ip_dst|ip_pair|tx[,expire seconds]`."""
    parts = [part.strip() for part in value.split(",")]
    op = parts[0]
    if op == "noalert" and len(parts) == 1:
        builder.rule.silent = True
        return
    if op not in _BIT_OPS or len(parts) < 3:
        raise builder.fault("xbits takes an operation, a name and what is tracked")
    track = parts[2].removeprefix("track").strip()
    if track not in {"ip_src", "ip_dst", "ip_pair", "tx"}:
        raise builder.fault(f"xbits cannot track {track!r}")
    expire = 30
    for part in parts[3:]:
        if not part.startswith("expire"):
            raise builder.fault(f"xbits does not know {part!r}")
        expire = builder.number(part.removeprefix("expire"), "xbits expire", 1, (1 << 32) - 1)
    if not _NAME.match(parts[1]):
        raise builder.fault(f"xbits: {parts[1]!r} is no name of a bit")
    builder.rule.bits.append(Bits(track, op, (parts[1],), expire))


def hostbits(builder: Builder, value: str) -> None:
    """`hostbits:set|isset|...,name[,src|dst|both]`."""
    parts = [part.strip() for part in value.split(",")]
    if parts == ["noalert"]:
        builder.rule.silent = True
        return
    if parts[0] not in _BIT_OPS or len(parts) not in {2, 3} or not _NAME.match(parts[1]):
        raise builder.fault("hostbits takes an operation, a name and src, dst or both")
    side = parts[2] if len(parts) == 3 else "src"
    if side not in {"src", "dst", "both"}:
        raise builder.fault(f"hostbits does not know {side!r}")
    for each in ("src", "dst") if side == "both" else (side,):
        builder.rule.bits.append(Bits(f"ip_{each}", parts[0], (parts[1],), 0))


def flowint(builder: Builder, value: str) -> None:
    """`flowint:name,op[,number or name]`."""
    parts = [part.strip() for part in value.split(",")]
    if not _NAME.match(parts[0]) or len(parts) < 2:
        raise builder.fault("flowint takes a name and an operation")
    if parts[1] in {"isset", "isnotset", "notset"}:
        builder.rule.integers.append(FlowInt(parts[0], "isset" if parts[1] == "isset" else "isnotset"))
        return
    if parts[1] not in _INTEGER_OPS or len(parts) != 3:
        raise builder.fault(f"flowint does not know {','.join(parts[1:])!r}")
    operand: int | str = parts[2]
    if parts[2].isdigit():
        operand = builder.number(parts[2], "flowint", 0, (1 << 32) - 1)
    elif not _NAME.match(parts[2]):
        raise builder.fault(f"flowint: {parts[2]!r} is no number and no name")
    builder.rule.integers.append(FlowInt(parts[0], parts[1], operand))


KEYWORDS = {
    "flow": Keyword(flow),
    "flowbits": Keyword(flowbits),
    "xbits": Keyword(xbits),
    "hostbits": Keyword(hostbits),
    "flowint": Keyword(flowint),
}
