"""Signatures over what flow logs tell: headers of flows that are over, texts of requests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.batches import END as OVER
from citywall.batches import METHODS, PROTOCOL_NAMES, SCTP, TCP, UDP
from citywall.domains import Domains, of_host
from citywall.findings import Endpoint, Evidence, Finding, derived_id
from rules.cards import confidence_of, kind_of, name_of, severity_of
from rules.flowlogs.answering import SHOWN, caseless, literal_of, why_not
from rules.language.model import TO_CLIENT, TO_SERVER, Rule
from rules.match.compiled import ONCE, Compiled, compile_rules
from rules.match.gates.tables import Ends, Gates
from rules.match.inspect import Inspection, Ops
from rules.match.limits import Limits
from rules.match.literals import Literals
from rules.match.state import Memory, Where
from rules.match.transform import changed

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]
_PIECES = ("name", "rest", "agent")


class _Check(NamedTuple):
    piece: str
    transforms: tuple[Any, ...]
    ops: Ops


class _Text(NamedTuple):
    """A rule about texts of requests: its place among the gates, and all its checks."""

    order: int
    rule: Rule
    checks: tuple[_Check, ...]


class _Searched(NamedTuple):
    """Rules whose literal is looked for in one piece of one kind of events."""

    kind: int
    piece: str
    literals: Literals
    rules: list[list[_Text]]  # by literal


class _Ready:
    """Rules made ready."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = compile_rules([rule for rule in rules if not why_not(rule)])
        self.gates = Gates(self.rules)
        self.headers = [c for c in self.rules if not c.rule.buffers and c.kind != ONCE]
        self.headers += [c for c in self.gates.broad if not c.rule.buffers]
        self.searched = _searches(self.rules)


class FlowLogRules:
    """Signatures at work on rows that no packets are behind. Nothing is remembered from row to row.

    They are made ready when the first such row comes: runs over captures have none.
    """

    def __init__(self, rules: Sequence[Rule], limits: Limits | None, domains: Domains) -> None:
        self._given = rules
        self._limits = Limits(suppressed=limits.suppressed if limits is not None else {})
        self._memory = Memory()
        self._domains = domains

    def __bool__(self) -> bool:
        return any(not why_not(rule) for rule in self._given)

    @cached_property
    def _ready(self) -> _Ready:
        return _Ready(self._given)

    def flows(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Findings in FLOW rows of logs: of flows that are over, each way that anything went."""
        over = np.flatnonzero((rows["frame"] < 0) & (rows["kind"] == OVER))
        if not len(over):
            return []
        back = over[rows["dst_packets"][over] > 0]
        which = np.concatenate([over, back])
        turned = np.arange(len(which)) >= len(over)
        ends = self._ends(rows, which, turned)
        ready = self._ready
        found, orders = ready.gates.once(np.arange(len(which)), ends)
        hits = set(zip(found.tolist(), orders.tolist(), strict=True))
        for compiled in ready.headers:
            agreed = ready.gates.agree(compiled.head, ends)
            hits |= {(at, compiled.order) for at in np.flatnonzero(agreed).tolist()}
        told: dict[tuple[int, int], Finding] = {}
        for at, order in sorted(hits):
            rule, row = ready.rules[order].rule, int(which[at])
            flow = rule.flow
            if flow.direction == (TO_SERVER if turned[at] else TO_CLIENT) or (row, order) in told:
                continue
            if flow.established is not None and flow.established != bool(rows["dst_packets"][row] > 0):
                continue
            if (finding := self._finding(rule, rows, row, (session, lane), bool(turned[at]))) is not None:
                told[row, order] = finding
        return list(told.values())

    def events(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Findings in EVENT rows of logs."""
        logged = rows["frame"] < 0
        told: list[Finding] = []
        for searched in self._ready.searched if logged.any() else ():
            which = np.flatnonzero(logged & (rows["kind"] == searched.kind))
            if len(which):
                told += self._texts(searched, rows, which, (session, lane))
        return told

    def _texts(self, searched: _Searched, rows: Rows, which: Numbers, run: tuple[str, str]) -> list[Finding]:
        ready, texts = self._ready, _Texts(rows, which)
        items, literals = searched.literals.scan(*texts.of(searched.piece))
        ends = self._ends(rows, which, np.zeros(len(which), np.bool_))
        told = []
        for at, literal in sorted(zip(items.tolist(), literals.tolist(), strict=True)):
            for text in searched.rules[literal]:
                if not ready.gates.agrees(ready.rules[text.order].head, at, ends):
                    continue
                if all(_holds(check, texts.text(at, check.piece)) for check in text.checks):
                    finding = self._finding(text.rule, rows, int(which[at]), run)
                    told += [finding] if finding is not None else []
        return told

    def _ends(self, rows: Rows, which: Numbers, turned: NDArray[np.bool_]) -> Ends:
        """Endpoints of rows as gates compare them; `turned`: seen from the other side."""

        def side(field: str) -> tuple[NDArray[Any], NDArray[Any]]:
            ours, theirs = (rows[f"{name}_{field}"][which] for name in ("src", "dst"))
            return np.where(turned, theirs, ours), np.where(turned, ours, theirs)

        (s_hi, t_hi), (s_lo, t_lo), (s_port, t_port) = side("hi"), side("lo"), side("port")
        four = (s_hi == 0) & (s_lo >> np.uint64(32) == 0xFFFF)
        numbers = np.stack([
            s_port.astype(np.int64), t_port.astype(np.int64), rows["proto"][which].astype(np.int64),
            np.where(four, 4, 6), np.ones(len(which), np.int64),
        ])  # fmt: skip
        return Ends(
            len(self._ready.gates), np.stack([s_hi, s_lo, t_hi, t_lo]), numbers, np.arange(len(which))
        )

    def _finding(
        self, rule: Rule, rows: Rows, at: int, run: tuple[str, str], turned: bool = False
    ) -> Finding | None:
        row = dict(zip(rows.dtype.names or (), rows[at].tolist(), strict=True))
        ours, theirs = (row[f"{side}_hi"] << 64 | row[f"{side}_lo"] for side in ("src", "dst"))
        source, target = (_end(row, side) for side in ("src", "dst"))
        if turned:
            ours, theirs, source, target = theirs, ours, target, source
        if self._limits.judge(rule, Where(-1, ours, theirs, row["time"]), self._memory)[0]:
            return None
        flow = row.get("flow_id")
        proto = PROTOCOL_NAMES.get(row["proto"], str(row["proto"]))
        began = row["time"] if flow is None else row["first"]
        evidence = Evidence("packet" if flow is None else "flow", source, target, proto, began, flow_id=flow)
        key = flow if flow is not None else (row["digest"], row["src_port"], row["dst_port"], row["aux"])
        return Finding(
            id=derived_id(run[0], name_of(rule), source.address, target.address, key, row["time"]),
            detector=name_of(rule), version=rule.rev, kind=kind_of(rule), session=run[0], lane=run[1],
            time=row["time"], began=evidence.time, severity=severity_of(rule), confidence=confidence_of(rule),
            score=1.0, threshold=1.0, entity=f"{source.address}>{target.address}", source=source,
            target=target,
            facts={"sid": rule.sid, "rev": rule.rev, "action": rule.action, "class": rule.classtype,
                   "log": "flow" if flow is not None else "event"},
            evidence=(evidence,),
        )  # fmt: skip


class _Texts:
    """The texts of some events, one after another."""

    def __init__(self, rows: Rows, which: Numbers) -> None:
        raw = rows["text"]
        self._wide = raw.shape[1]
        self._data = np.ascontiguousarray(raw[which]).reshape(-1)
        self._codes = rows["code"][which]
        self._starts: dict[str, Numbers] = {}
        self._sizes = {piece: rows[f"{piece}_size"][which].astype(np.int64) for piece in _PIECES}

    def of(self, piece: str) -> tuple[NDArray[np.uint8], Numbers, Numbers]:
        """The bytes of all, where a piece begins in each, and how long it is."""
        if piece not in self._starts:
            before = np.arange(len(self._codes)) * self._wide
            for earlier in _PIECES[: _PIECES.index(piece)]:
                before = before + self._sizes[earlier]
            self._starts[piece] = before
        return self._data, self._starts[piece], self._sizes[piece]

    def text(self, at: int, piece: str) -> bytes:
        """A piece of one; its method is a number."""
        if piece == "method":
            return METHODS[min(int(self._codes[at]), len(METHODS) - 1)].encode()
        data, starts, sizes = self.of(piece)
        return data[starts[at] : starts[at] + sizes[at]].tobytes()


def _holds(check: _Check, text: bytes) -> bool:
    return Inspection().holds(check.ops, changed(text, check.transforms))


def _searches(rules: Sequence[Compiled]) -> list[_Searched]:
    by_piece: dict[tuple[int, str], dict[bytes, list[_Text]]] = {}
    for compiled in rules:
        if compiled.rule.buffers and (found := literal_of(compiled.rule)) is not None:
            check, literal = found
            checks = tuple(_Check(SHOWN[c.kind][1], c.transforms, caseless(c)) for c in compiled.rule.buffers)
            text = _Text(compiled.order, compiled.rule, checks)
            by_piece.setdefault(SHOWN[check.kind], {}).setdefault(literal, []).append(text)
    return [
        _Searched(kind, piece, Literals(list(literals)), list(literals.values()))
        for (kind, piece), literals in sorted(by_piece.items())
    ]


def _end(row: dict[str, Any], side: str) -> Endpoint:
    high, low = row[f"{side}_hi"], row[f"{side}_lo"]
    port = row[f"{side}_port"] if row["proto"] in {TCP, UDP, SCTP} else None
    return Endpoint(to_text(high, low), of_host(row["domain"], high, low), port)
