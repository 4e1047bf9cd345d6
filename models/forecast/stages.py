"""The next stage of an attack, from how earlier cases went on.

A case is the stages its alerts came in, each once it changed, then its end. What comes next is counted by
the last two stages, backed by the last one, backed by all; beside it the commonest next stage whatever came
before. Cases in order of time are asked for each step of theirs by what the cases before them taught.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

#: No further stage.
END = 0
#: Steps of known cases that must have been asked before anything is shown.
LEAST_STEPS = 20
_BACKED = 2.0
Stages = Sequence[int]


class Backtest(msgspec.Struct, frozen=True):
    """How often the likeliest next step was the one that came, beside always saying the commonest."""

    steps: int
    ours: float
    commonest: float
    shown: bool


class Chain:
    """Counts of what came after what."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, ...], Counter[int]] = {}

    def learn(self, stages: Stages) -> None:
        """Take a whole case."""
        for before, after in steps(stages):
            for context in (before[-2:], before[-1:], ()):
                self._counts.setdefault(context, Counter())[after] += 1

    def next(self, stages: Stages, known: Iterable[int]) -> dict[int, float]:
        """How likely each of `known` steps is after `stages`; sums to 1."""
        options = list(known)
        before = changed(stages)
        found = dict.fromkeys(options, 1.0 / len(options))
        for context in ((), before[-1:], before[-2:]):
            counts = self._counts.get(context, Counter())
            total = sum(counts[o] for o in options)
            found = {o: (counts[o] + _BACKED * found[o]) / (total + _BACKED) for o in options}
        return found

    def commonest(self, known: Iterable[int]) -> int:
        """The step that came most often, whatever came before."""
        counts = self._counts.get((), Counter())
        return max(known, key=lambda option: (counts[option], -option))


def changed(stages: Stages) -> tuple[int, ...]:
    """Stages in order of time, each once it changed; those that are unknown (0) left out."""
    found: list[int] = []
    for stage in stages:
        if stage and (not found or found[-1] != stage):
            found.append(stage)
    return tuple(found)


def steps(stages: Stages) -> list[tuple[tuple[int, ...], int]]:
    """What came after each stage of a case, and after the last one: END."""
    path = changed(stages)
    return [(path[: i + 1], path[i + 1] if i + 1 < len(path) else END) for i in range(len(path))]


def backtest(cases: Sequence[Stages], known: Iterable[int]) -> Backtest:
    """Every step of every case in order of time, asked of what the cases before it taught."""
    chain, options = Chain(), list(known)
    asked = ours = commonest = 0
    for case in cases:
        for before, after in steps(case):
            likely = chain.next(before, options)
            ours += max(options, key=lambda o: (likely[o], -o)) == after
            commonest += chain.commonest(options) == after
            asked += 1
        chain.learn(case)
    n = max(asked, 1)
    return Backtest(asked, ours / n, commonest / n, asked >= LEAST_STEPS and ours > commonest)
