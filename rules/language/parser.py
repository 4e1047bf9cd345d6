"""From the text of rules to `Rule`s; what cannot be read is collected and keeps nothing else back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from citywall.errors import InputError, RuleFault
from rules.keywords.base import NONE, OPTIONAL, REQUIRED
from rules.keywords.meta import NotForUs
from rules.keywords.registry import KEYWORDS
from rules.language.addresses import ADDRESS_VARIABLES, ALL_PORTS, PORT_VARIABLES, Lists
from rules.language.builder import Builder
from rules.language.lines import Split, logical_lines, sid_of, split
from rules.language.model import TO_CLIENT, TO_SERVER, Absent, Content, Rule, Size
from rules.language.states import place

ACTIONS = frozenset({"alert", "pass", "drop", "reject", "rejectsrc", "rejectdst", "rejectboth", "config"})
#: Protocols of a header, with the IP protocols they run on; names of applications among them.
NETWORK = frozenset(
    {
        *("ip", "ipv4", "ip4", "ipv6", "ip6", "tcp", "udp", "icmp", "icmpv4", "icmpv6", "sctp"),
        *("tcp-pkt", "tcp-stream", "pkthdr", "arp", "ether"),
    }
)
APPLICATIONS = frozenset(
    {
        *("http", "http1", "http2", "dns", "mdns", "doh2", "tls", "ssh", "smb", "dcerpc", "ftp", "ftp-data"),
        *("smtp", "imap", "pop3", "snmp", "sip", "modbus", "dnp3", "enip", "nfs", "ntp", "dhcp", "krb5"),
        *("ike", "ikev2", "rfb", "rdp", "mqtt", "tftp", "telnet", "quic", "websocket", "ldap", "pgsql"),
        *("bittorrent-dht", "llmnr"),
    }
)
_SAME = {"http1": "http", "ikev2": "ike"}
_HOOKS = frozenset({"flow_start", "all", "pre_flow", "pre_stream"})


@dataclass(frozen=True)
class Rejected:
    """A rule that is not loaded, and why."""

    file: str
    line: int
    column: int
    sid: int | None
    reason: str


@dataclass
class RuleSet:
    """What files of rules hold: `total` rules of which `rules` were understood."""

    rules: list[Rule] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    left_out: int = 0  # for another version, by their own words
    total: int = 0


class Parser:
    """Reads rules with one set of variables and classes."""

    def __init__(
        self,
        addresses: Mapping[str, str] = ADDRESS_VARIABLES,
        ports: Mapping[str, str] = PORT_VARIABLES,
        classes: Mapping[str, int] | None = None,
    ) -> None:
        self._lists = Lists(addresses, ports)
        self._classes = classes or {}

    def files(self, paths: Iterable[Path]) -> RuleSet:
        """Read files in order; raises InputError for one that cannot be read."""
        found = RuleSet()
        for path in paths:
            try:
                text = path.read_bytes().decode("utf-8", "surrogateescape")
            except OSError as e:
                raise InputError(str(path), e.strerror or str(e)) from e
            self.text(text, str(path), found)
        return found

    def text(
        self, text: str, file: str = "-", found: RuleSet | None = None, *,
        read: Callable[[str, str, int], Rule] | None = None,
    ) -> RuleSet:  # fmt: skip
        """Read rules out of a text; `read` is asked for each instead of `rule`, where it is given."""
        read = read or self.rule
        found = RuleSet() if found is None else found
        known = {(rule.gid, rule.sid): at for at, rule in enumerate(found.rules)}
        for line in logical_lines(text):
            found.total += 1
            try:
                rule = read(line.text, file, line.number)
                before = known.get((rule.gid, rule.sid))
                if before is not None and found.rules[before].rev >= rule.rev:
                    raise RuleFault(f"sid {rule.sid} was used before, with the same or a later revision", 0)
            except NotForUs:
                found.left_out += 1
                continue
            except RuleFault as e:
                found.rejected.append(Rejected(file, line.number, e.column or 1, sid_of(line.text), e.reason))
                continue
            if before is not None:  # a later revision takes the earlier one's place
                old = found.rules[before]
                reason = f"sid {old.sid} has a later revision in line {rule.line} of {rule.file}"
                found.rejected.append(Rejected(old.file, old.line, 1, old.sid, reason))
                found.rules[before] = rule
                continue
            known[rule.gid, rule.sid] = len(found.rules)
            found.rules.append(rule)
        return found

    def rule(self, text: str, file: str = "-", line: int = 1) -> Rule:
        """Read one rule; raises RuleFault with a column, or NotForUs."""
        parts = split(text)
        rule = Rule("", "", text.strip(), file, line)
        builder = Builder(rule)
        for option in parts.options:
            if option.name == "requires":
                builder.column = option.column
                KEYWORDS["requires"].setup(builder, option.value or "")
        _head(rule, parts, self._lists)
        for option in parts.options:
            builder.column = option.column
            keyword = KEYWORDS.get(option.name)
            if keyword is None:
                raise builder.fault(f"the keyword {option.name!r} is not known")
            empty = option.value is None or not option.value
            if keyword.value == NONE and not empty:
                raise builder.fault(f"{option.name} takes no value")
            if keyword.value == REQUIRED and empty:
                raise builder.fault(f"{option.name} needs a value")
            assert keyword.value in {NONE, OPTIONAL, REQUIRED}
            keyword.setup(builder, option.value or "")
        self._finish(builder)
        return rule

    def _finish(self, builder: Builder) -> None:
        rule = builder.rule
        builder.column = 0
        if rule.sid == 0:
            raise builder.fault("a rule needs a sid")
        if builder.pending and builder.check is None:
            raise builder.fault(f"{builder.kind} has nothing to look for")
        if "priority" not in builder.seen and rule.classtype in self._classes:
            rule.priority = self._classes[rule.classtype]
        _protocol(builder)
        _consistent(builder)
        for check in rule.buffers:
            for op in check.ops:
                if isinstance(op, Content) and check.kind == "http.host" and op.pattern != op.pattern.lower():
                    raise RuleFault(
                        "http.host is in lower case: a content with capitals never matches", op.column
                    )


def _head(rule: Rule, parts: Split, lists: Lists) -> None:
    header, places = parts.header, parts.places
    rule.action = header[0].lower()
    if rule.action not in ACTIONS:
        raise RuleFault(f"the action {header[0]!r} is not known", places[0])
    name, _, hook = header[1].lower().partition(":")
    rule.hook = hook
    if name not in NETWORK and name not in APPLICATIONS:
        raise RuleFault(f"the protocol {name!r} is not known", places[1])
    if hook and name in NETWORK and hook not in _HOOKS:
        raise RuleFault(f"{name} has no hook {hook!r}", places[1])
    if hook and name in APPLICATIONS and place(name, hook) is None:
        raise RuleFault(f"{name} has no state {hook!r}", places[1])
    rule.protocol = name
    if len(header) == 2:
        return
    if header[4] not in {"->", "<>", "=>"}:
        raise RuleFault(f"the direction is -> or <> or =>, not {header[4]!r}", places[4])
    rule.both_ways = header[4] == "<>"
    rule.transactional = header[4] == "=>"
    for at, attribute, read in (
        (2, "source", lists.addresses), (3, "source_ports", lists.ports),
        (5, "target", lists.addresses), (6, "target_ports", lists.ports),
    ):  # fmt: skip
        try:
            setattr(rule, attribute, read(header[at]))
        except RuleFault as e:
            raise RuleFault(e.reason, places[at]) from None
    rule.negating = lists.negates(header[2]) or lists.negates(header[5])
    portless = {"icmp", "icmpv4", "icmpv6", "arp", "ether"}
    if name in portless and (rule.source_ports != ALL_PORTS or rule.target_ports != ALL_PORTS):
        raise RuleFault(f"{name} has no ports", places[3])


def _protocol(builder: Builder) -> None:
    """Buffers must belong to the header's protocol."""
    rule = builder.rule
    if not builder.restricted:
        return
    name = _SAME.get(rule.protocol, rule.protocol)
    if name in NETWORK:
        if name in {"pkthdr", "arp", "ether", "icmp", "icmpv4", "icmpv6"}:
            raise builder.fault(
                f"{name} has no application layer: {', '.join(sorted(builder.protocols))} is demanded"
            )
        return
    allowed = set(builder.protocols)
    allowed |= {"http2", "doh2"} if "http" in allowed else set()
    allowed |= {"doh2"} if "http2" in allowed else set()
    allowed |= {"doh2"} if "dns" in allowed else set()
    allowed |= {"smb"} if "dcerpc" in allowed else set()
    if name not in allowed:
        raise builder.fault(
            f"the header says {rule.protocol}, but what is demanded belongs to "
            f"{', '.join(sorted(builder.protocols))}"
        )


def _both_sides(builder: Builder, sides: int) -> None:
    """Demands on the sides of `sides`, and whether `=>` says that a rule is about both."""
    rule, both = builder.rule, sides == TO_SERVER | TO_CLIENT
    if both and not rule.transactional:
        raise builder.fault("one rule looks into request and response: that takes => for its direction")
    if rule.transactional and not both and not rule.fields:
        raise builder.fault("=> takes demands on the request and on the response")
    if rule.transactional and rule.flow.direction:
        raise builder.fault("=> takes no direction of flow")


def _consistent(builder: Builder) -> None:
    """Demands that exclude each other."""
    from rules.keywords.sticky import BUFFERS

    rule = builder.rule
    sides = 0
    for check in rule.buffers:
        buffer = BUFFERS.get(check.kind)
        side = check.side or (buffer.side if buffer is not None and not buffer.packet else 0)
        if side in {TO_SERVER, TO_CLIENT}:
            sides |= side
            if rule.flow.direction and not rule.transactional and side != rule.flow.direction:
                raise builder.fault(f"{check.kind} never goes the way that flow demands")
        elif rule.transactional and buffer is not None and not buffer.packet:
            raise builder.fault(f"=> does not tell which way {check.kind} is meant")
        if any(isinstance(op, Absent) for op in check.ops) and len(check.ops) > 1:
            first = check.ops[0]
            if not isinstance(first, Absent) or not first.or_else:
                raise builder.fault("absent goes with no other demand on the same buffer")
        for op in check.ops:
            if isinstance(op, Size) and op.low > op.high:
                raise builder.fault("no length is within the demanded bounds")
    _both_sides(builder, sides)
    if rule.flow.only_stream and builder.packet_only:
        raise builder.fault(f"flow:only_stream does not go with {builder.packet_only}")
    if rule.tag is not None and rule.action == "pass":
        raise builder.fault("a pass rule does not tag")
