"""Other rules for traffic that goes on: what is known of flows, hosts and transactions stays.

A rule is the same where its number and its text are; what it has said of a transaction that goes on is then
not said again. Bits, numbers and counts go by the names and numbers that rules give them, and stay whatever
rules there are.
"""

from __future__ import annotations

import copy

from rules.match.engine import Engine
from rules.match.limits import Limits


def renewed(going: Engine, fresh: Engine) -> Engine:
    """An engine with the rules of `fresh` and all that `going` keeps in mind, which is not to go on itself.

    `fresh` is left as it is: it may be asked for many flows of traffic.
    """
    engine = copy.copy(fresh)
    engine.memory, engine.carry = going.memory, going.carry
    engine.limits = _counted(going.limits, fresh.limits)
    place = {
        (c.rule.gid, c.rule.sid, c.rule.text): c.order for c in fresh.rules
    }  # fmt: skip
    moved = {
        c.order: place[key] for c in going.rules if (key := (c.rule.gid, c.rule.sid, c.rule.text)) in place
    }
    carry = engine.carry
    carry.told = {
        flow: {(t, moved[order], d) for t, order, d in told if order in moved}
        for flow, told in carry.told.items()
    }
    carry.facts = {
        flow: {(d, moved[order]): frame for (d, order), frame in facts.items() if order in moved}
        for flow, facts in carry.facts.items()
    }
    return engine


def _counted(before: Limits, after: Limits) -> Limits:
    """Limits of a file, with the rates that run on."""
    limits = after.fresh()
    for key, rate in limits.rates.items():
        if (known := before.rates.get(key)) is not None and known.action == rate.action:
            rate.until = known.until
    return limits
