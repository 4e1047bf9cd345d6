"""Rules made ready for matching: what kind each is, its literal, its order among the others."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rules.countries import PREFIX
from rules.keywords.sticky import BUFFERS
from rules.language.model import Absent, BufferCheck, Content, Pcre, Rule
from rules.match.inspect import Ops
from rules.match.literals import SHORTEST
from rules.match.reach import ANYWHERE, literal_of, reach
from rules.match.required import required

#: How a rule is matched.
PACKET, STREAM, TRANSACTION, ONCE, UNIT = "packet", "stream", "transaction", "once", "unit"

_ACTIONS = {"pass": 0, "drop": 1, "reject": 2, "rejectsrc": 2, "rejectdst": 2, "rejectboth": 2}
_NETWORK = {
    "ip": 0, "ipv4": 0, "ip4": 0, "ipv6": 0, "ip6": 0, "tcp": 6, "tcp-pkt": 6, "tcp-stream": 6, "udp": 17,
    "icmp": 1, "icmpv4": 1, "icmpv6": 58, "sctp": 132, "pkthdr": 0,
}  # fmt: skip
_ALSO = {
    "http": {"http", "http2", "doh2"}, "http2": {"http2", "doh2"}, "dns": {"dns", "doh2"},
    "http1": {"http"}, "ikev2": {"ike"},
    "dcerpc": {"dcerpc", "smb"}, "ftp-data": {"ftp-data"},
}  # fmt: skip
#: Kinds of buffers that are others by another name in the tables.
SAME = {
    "file.whole": "file.data", "http.request_header_names": "http.header_names",
    "ftpdata.filename": "ftpdata.name",
}  # fmt: skip
_TRANSFORMS_KEPT = frozenset({"dotprefix", "to_lowercase", "to_uppercase"})


@dataclass(frozen=True)
class Head:
    """What a rule's header demands, shared by all that demand the same."""

    protocol: str
    source: object
    source_ports: object
    target: object
    target_ports: object
    both_ways: bool


@dataclass
class Check:
    """One buffer's demands, ready."""

    demand: BufferCheck
    ops: Ops
    absent: bool = False


def is_head(check: Check) -> bool:
    """Whether a check looks into a header of a packet."""
    known = BUFFERS.get(check.demand.kind)
    return known is not None and known.packet


@dataclass
class Compiled:
    """One rule, ready. `literal` is what the prefilter looks for, in the buffers of `literal_kind`."""

    rule: Rule
    kind: str
    order: int = 0
    head: int = 0
    applications: frozenset[str] = frozenset()
    checks: list[Check] = field(default_factory=list)
    payload: Check | None = None
    literal: bytes = b""
    literal_kind: str = ""
    alternatives: tuple[bytes, ...] = ()  # of which one is there, `literal` among them
    payload_literal: bytes = (
        b""  # looked for in payloads and streams: of a part of a rule on transactions, too
    )
    payload_reach: int = ANYWHERE  # bytes of a payload in which it ends
    literal_check: Check | None = None  # the buffer's demands that the literal is one of
    decided: bool = False  # looked at only where it becomes known what a flow speaks
    rank: tuple[int, ...] = ()  # of rules that look at the same packet the lowest comes first
    both: bool = False  # on packets as well as on their stream, since a place in the payload is demanded

    @property
    def ip_protocol(self) -> int:
        """The IP protocol demanded, 0 for any."""
        return _NETWORK.get(self.rule.protocol, 0)


def without_application(compiled: Compiled) -> Compiled:
    """A rule whose protocol is known from what it looks into: not asked of packets again."""
    if not compiled.applications:
        return compiled
    return Compiled(compiled.rule, compiled.kind, compiled.order, compiled.head)


def compiled_names(name: str) -> frozenset[str]:
    """What a protocol's name in a rule stands for."""
    return frozenset(_ALSO.get(name, {name}))


def compile_rules(rules: Sequence[Rule], known: Mapping[int, Compiled] | None = None) -> list[Compiled]:
    """All rules that can match, in the order in which they are looked at.

    `known`: what was made before of rules that are still there, by the rule's identity.
    """
    known = known or {}
    ready = [
        copy.copy(known[id(rule)]) if id(rule) in known else _compile(rule)
        for rule in rules
        if not rule.cannot
    ]
    ready.sort(key=lambda compiled: compiled.rank)
    for order, compiled in enumerate(ready):
        compiled.order = order
    return ready


def _rank(compiled: Compiled) -> tuple[int, ...]:
    rule = compiled.rule
    return (
        _ACTIONS.get(rule.action, 3),
        -_use([bits.op for bits in rule.bits if bits.scope == "flow"]),
        -_use([number.op for number in rule.integers]),
        -_use([bits.op for bits in rule.bits if bits.scope != "flow"]),
        rule.priority,
    )


def _use(ops: list[str]) -> int:
    """1 for those that only read, 2 for both, 3 for those that only set: these come first."""
    writes = any(op in {"set", "unset", "toggle", "+", "-", "="} for op in ops)
    reads = any(op not in {"set", "unset", "toggle", "+", "-", "="} for op in ops)
    return 3 if writes and not reads else 2 if writes else 1 if reads else 0


def _compile(rule: Rule) -> Compiled:
    application = rule.protocol not in _NETWORK
    compiled = Compiled(rule, _kind(rule, application))
    if application:
        compiled.applications = compiled_names(rule.protocol)
    for check in rule.buffers:
        absent = any(isinstance(op, Absent) for op in check.ops)
        ready = Check(check, Ops(check.ops, check.decoded), absent)
        if check.kind == "payload":
            compiled.payload = ready
        else:
            compiled.checks.append(ready)
    compiled.both = compiled.payload is not None and any(
        isinstance(op, Content) and (op.depth is not None or op.offset is not None or op.starts)
        for op in compiled.payload.ops.ops
    )
    compiled.decided = _protocol_only(rule)
    compiled.rank = _rank(compiled)
    _choose_literal(compiled)
    return compiled


def _protocol_only(rule: Rule) -> bool:
    """Rules about the protocol alone are looked at when it becomes known, not at every packet."""
    direction = type(rule.flow)(direction=rule.flow.direction)
    return bool(rule.applications) and rule.protocol in _NETWORK and not (
        rule.hook or rule.numbers or rule.flags or rule.buffers or rule.happenings or rule.stream_sizes
        or rule.integers or rule.fields or rule.flow != direction
        or any(bits.op != "set" for bits in rule.bits) or any(name != "bypass" for name, _ in rule.others)
    )  # fmt: skip


def _kind(rule: Rule, application: bool) -> str:
    kinds = {check.kind for check in rule.buffers}
    if any(kind.startswith("frame:") for kind in kinds):
        return UNIT
    packets = {kind for kind in kinds if kind in BUFFERS and BUFFERS[kind].packet}
    if (
        kinds - packets - {"payload"}
        or rule.fields
        or any(h.kind == "application" for h in rule.happenings)
        or any(name != "bypass" for name, _ in rule.others)
        or (application and rule.hook)
    ):
        return TRANSACTION
    if "payload" in kinds:
        packet_bound = (
            any(not number.name.startswith(PREFIX) for number in rule.numbers)
            or rule.flags or packets or rule.flow.no_stream or rule.happenings or rule.stream_sizes
            or rule.protocol in {"tcp-pkt", "udp", "icmp"}
        )  # fmt: skip
        return PACKET if packet_bound else STREAM
    return ONCE if _addresses_only(rule, application) else PACKET


def _addresses_only(rule: Rule, application: bool) -> bool:
    """Rules about addresses and ports alone are looked at once for each direction of a flow.

    Not so where an address is negated (Suricata 8, `SignatureIsIPOnly`).
    """
    return not (
        application
        or rule.negating
        or rule.numbers
        or rule.flags
        or rule.buffers
        or rule.happenings
        or rule.stream_sizes
        or rule.applications
        or rule.integers
        or any(bits.op in {"isset", "isnotset"} for bits in rule.bits)
        or rule.hook
        or rule.flow != type(rule.flow)()
        or rule.protocol == "pkthdr"
    )


def _choose_literal(compiled: Compiled) -> None:
    """The content for the prefilter: the author's choice, else the longest that must be there."""
    best: tuple[int, bytes, str] = (0, b"", "")
    payload: tuple[int, bytes] = (0, b"")
    everything = [*compiled.checks, *([compiled.payload] if compiled.payload else [])]
    for check in everything:
        if not _searched(check):
            continue
        prefix = b"." if _dotted(check) else b""
        for op in check.ops.ops:
            if not isinstance(op, Content) or op.negated:
                continue
            pattern = literal_of(op, prefix)
            if len(pattern) < SHORTEST:
                continue
            score = len(pattern) + 1000 * op.fast
            if check is compiled.payload:
                payload = max(payload, (score, pattern), key=lambda known: known[0])
                score -= 500 if compiled.checks else 0
            if score > best[0]:
                best = (score, pattern, check.demand.kind)
                compiled.literal_check = check
    if (interface := _interface(compiled.rule)) and len(interface) > best[0]:
        best, compiled.literal_check = (len(interface), interface, "dcerpc.iface"), None
    compiled.literal, compiled.literal_kind = best[1], best[2]
    compiled.alternatives = (best[1],) if best[1] else ()
    if compiled.kind == TRANSACTION:
        _choose_alternatives(compiled, best[0])
    if compiled.kind in {PACKET, STREAM, TRANSACTION}:
        compiled.payload_literal = payload[1]
        if compiled.payload is not None and not compiled.payload.demand.transforms:
            compiled.payload_reach = reach(compiled.payload.ops.ops, payload[1])


def _choose_alternatives(compiled: Compiled, score: int) -> None:
    """Texts that an expression demands one of, where all are longer than the literal that was found."""
    for check in compiled.checks:
        if not _searched(check) or _dotted(check):
            continue
        for op in check.ops.ops:
            texts = required(op.pattern, op.flags) if isinstance(op, Pcre) and not op.negated else ()
            if texts and (shortest := min(map(len, texts))) >= SHORTEST and shortest > score:
                score, compiled.alternatives, compiled.literal_check = shortest, texts, check
                compiled.literal, compiled.literal_kind = texts[0], check.demand.kind


def _searched(check: Check) -> bool:
    """Whether the prefilter looks into a buffer, and sees there what the check sees."""
    names = {transform.name for transform in check.demand.transforms}
    return not (names - _TRANSFORMS_KEPT or check.absent or is_head(check))


def _dotted(check: Check) -> bool:
    return any(transform.name == "dotprefix" for transform in check.demand.transforms)


def _interface(rule: Rule) -> bytes:
    """The interface that a rule about calls demands, of which few calls are; empty for none."""
    named = [argument.split(",")[0] for name, argument in rule.others if name == "dcerpc.iface"]
    return named[0].encode() if named else b""
