"""What each rule costs: how often it is a candidate, how far that goes, and the time it takes.

What is done for many rules at once (literals, streams, application layers) is no rule's own and stands
in the total alone. Of what is done by kernels for pairs of rules and buffers each pair has an equal share.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.language.model import Rule
from rules.match.compiled import Compiled
from rules.match.engine import Alert, Engine
from rules.match.inspect import Inspection, Ops

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One rule over a capture.

    `candidates`: buffers in which its literal was, headers agreeing; all that were looked at for one without.
    `refused`: those that its compiled contents ruled out. `checks`: exact checks of buffers. `hits`: alerts.
    `cost`: processor time of its own in ns.
    """

    rule: Rule
    candidates: int
    refused: int
    checks: int
    hits: int
    cost: int


class Profile:
    """Counts what an engine does, by rule. The engine must have been made for this alone."""

    def __init__(self, engine: Engine) -> None:
        self._rules = engine.rules
        count = len(engine.rules)
        self._pairs, self._runs, self._refused = (np.zeros(count, np.int64) for _ in range(3))
        self._cost = np.zeros(count, np.float64)
        self._checks: Counter[int] = Counter()
        self._hits: Counter[tuple[int, int]] = Counter()
        owner: dict[int, int] = {}
        for compiled in engine.rules:
            order = compiled.order
            programs = [int(engine.payload_programs[order]), int(engine.literal_programs[order])]
            programs += engine.programs_of(compiled)
            owner |= {program: order for program in programs if program >= 0}
            for ops in _all_ops(compiled):
                ops.watch = self._watch(order)
        self._owner = np.full(max(owner, default=0) + 1, -1, np.int64)
        self._owner[list(owner)] = list(owner.values())
        engine.gates.pass_pairs = self._passing(engine.gates.pass_pairs)  # type: ignore[method-assign]
        engine.programs.verify = self._verifying(engine.programs.verify)  # type: ignore[method-assign]

    def _watch(self, order: int) -> Callable[..., bool]:
        def watch(inspection: Inspection, ops: Ops, data: bytes, **more: Any) -> bool:
            began = time.thread_time_ns()
            held = inspection.run(ops, data, **more)
            self._cost[order] += time.thread_time_ns() - began
            self._checks[order] += 1
            return held

        return watch

    def _passing(self, pass_pairs: Callable[..., tuple[Numbers, Numbers]]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> tuple[Numbers, Numbers]:
            began = time.thread_time_ns()
            items, orders = pass_pairs(*given, **more)
            self._share(orders, time.thread_time_ns() - began)
            np.add.at(self._pairs, orders, 1)
            return items, orders

        return counted

    def _verifying(self, verify: Callable[..., NDArray[np.uint8]]) -> Callable[..., Any]:
        def counted(data: Any, begins: Any, sizes: Any, programs: Numbers, *more: Any) -> NDArray[np.uint8]:
            began = time.thread_time_ns()
            told = verify(data, begins, sizes, programs, *more)
            ours = programs >= 0
            orders = self._owner[programs[ours]]
            self._share(orders, time.thread_time_ns() - began)
            np.add.at(self._runs, orders, 1)
            np.add.at(self._refused, orders, told[ours] == 0)
            return told

        return counted

    def _share(self, orders: Numbers, cost: int) -> None:
        if len(orders):
            np.add.at(self._cost, orders, cost / len(orders))

    def add(self, alerts: Iterable[Alert]) -> None:
        """Count what was told."""
        self._hits.update((alert.rule.gid, alert.rule.sid) for alert in alerts)

    def rows(self) -> list[Row]:
        """Every rule that was a candidate, the dearest first."""
        made = []
        for compiled in self._rules:
            at, rule = compiled.order, compiled.rule
            row = Row(
                rule, int(self._pairs[at]) or max(int(self._runs[at]), self._checks[at]),
                int(self._refused[at]), self._checks[at], self._hits[rule.gid, rule.sid],
                round(self._cost[at]),
            )  # fmt: skip
            if row.candidates or row.checks or row.hits:
                made.append(row)
        return sorted(made, key=lambda row: (-row.cost, row.rule.gid, row.rule.sid))


def _all_ops(compiled: Compiled) -> list[Ops]:
    checks = [*compiled.checks, *([compiled.payload] if compiled.payload is not None else [])]
    return [check.ops for check in checks]
