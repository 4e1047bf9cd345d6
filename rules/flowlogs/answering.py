"""Which signatures flow logs can answer, and why not the others."""

from __future__ import annotations

from dataclasses import replace

from citywall.batches import DNS_QUERY, HTTP_REQUEST, TLS_CLIENT
from rules.language.model import TO_CLIENT, BufferCheck, Content, Op, Pcre, Rule, Size
from rules.match.inspect import Ops
from rules.match.literals import SHORTEST

#: Buffers that events of logs show: their kind, and the piece of text.
SHOWN = {
    "dns.query": (DNS_QUERY, "name"), "dns.query.name": (DNS_QUERY, "name"),
    "dns.queries.rrname": (DNS_QUERY, "name"), "tls.sni": (TLS_CLIENT, "name"),
    "http.host": (HTTP_REQUEST, "name"), "http.uri": (HTTP_REQUEST, "rest"),
    "http.uri.raw": (HTTP_REQUEST, "rest"), "http.user_agent": (HTTP_REQUEST, "agent"),
    "http.method": (HTTP_REQUEST, "method"),
}  # fmt: skip
#: Pieces that events keep the beginning of alone.
_CUT = frozenset({"rest", "agent"})
_TRANSFORMS = frozenset({"dotprefix", "to_lowercase"})
_HEADERS = frozenset({"ip", "ipv4", "ip4", "ipv6", "ip6", "tcp", "udp", "sctp", "icmp", "icmpv4", "icmpv6"})
_SPEAK = {DNS_QUERY: "dns", TLS_CLIENT: "tls", HTTP_REQUEST: "http"}


def why_not(rule: Rule) -> str:
    """Why flow logs cannot answer a rule; empty where they can."""
    if rule.cannot:
        return "it can never match here"
    if rule.action == "pass":
        return "it lets packets pass"
    if rule.silent:
        return "it says nothing by itself (noalert)"
    if any(bits.op not in {"set", "unset"} for bits in rule.bits) or rule.integers:
        return "it asks for what packets before it set (flowbits, xbits, flowint)"
    if rule.filter is not None or (rule.limit is not None and rule.limit.kind != "limit"):
        return "it counts packets (threshold, detection_filter)"
    if rule.numbers or rule.flags or rule.stream_sizes or rule.happenings or rule.flow.fragment is not None:
        return "it asks for fields or events of packets"
    if rule.applications or rule.fields or rule.hook or rule.transactional or _beyond(rule):
        return "it asks for what application layers know"
    return _buffers(rule) if rule.buffers else _header(rule)


def _beyond(rule: Rule) -> bool:
    return any(name != "bypass" for name, _ in rule.others)


def _header(rule: Rule) -> str:
    return "" if rule.protocol in _HEADERS else "it asks for an application protocol alone"


def _buffers(rule: Rule) -> str:
    kinds = {check.kind for check in rule.buffers}
    if "payload" in kinds:
        return "it looks into payload"
    if unknown := sorted(kinds - SHOWN.keys()):
        return f"logs show no {unknown[0]}"
    if len({SHOWN[kind][0] for kind in kinds}) > 1 or rule.flow.direction == TO_CLIENT:
        return "it looks into more than a request"
    if rule.protocol not in {"ip", "tcp", "udp", _SPEAK[SHOWN[rule.buffers[0].kind][0]]}:
        return "it asks for another application protocol"
    for check in rule.buffers:
        if told := _check(check):
            return told
    return "" if literal_of(rule) else "no content is long enough to look for"


def _check(check: BufferCheck) -> str:
    if any(transform.name not in _TRANSFORMS for transform in check.transforms) or check.decoded:
        return "it transforms what it looks into"
    cut = SHOWN[check.kind][1] in _CUT
    for op in check.ops:
        if not isinstance(op, Content | Pcre | Size):
            return "it reads numbers or lengths"
        if cut and (isinstance(op, Size) or op.negated or (isinstance(op, Content) and op.ends)):
            return "it asks for the end of what logs keep the beginning of"
    return ""


def literal_of(rule: Rule) -> tuple[BufferCheck, bytes] | None:
    """What to look for first: the longest content that must be there, in lower case as logs are kept."""
    best: tuple[BufferCheck, bytes] | None = None
    for check in rule.buffers:
        dotted = any(transform.name == "dotprefix" for transform in check.transforms)
        for op in check.ops if SHOWN[check.kind][1] != "method" else ():
            if isinstance(op, Content) and not op.negated:
                pattern = op.pattern.lower().removeprefix(b"." if dotted else b"")
                if len(pattern) >= max(SHORTEST, len(best[1]) + 1 if best else 0):
                    best = check, pattern
    return best


def caseless(check: BufferCheck) -> Ops:
    """A buffer's demands on text that is kept in lower case."""
    return Ops([_caseless(op) for op in check.ops])


def _caseless(op: Op) -> Op:
    if isinstance(op, Content):
        return replace(op, nocase=True)
    if isinstance(op, Pcre):
        return replace(op, flags=op.flags if "i" in op.flags else f"{op.flags}i")
    return op
