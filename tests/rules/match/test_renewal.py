from __future__ import annotations

from rules.language.model import Limit
from rules.language.parser import Parser
from rules.match.engine import Engine
from rules.match.limits import Limits, Rate
from rules.match.renewal import renewed

ONE = 'alert http any any -> any any (http.uri; content:"/abc"; sid:%d; rev:%d;)\n'


def engine(text: str, limits: Limits | None = None, before: Engine | None = None) -> Engine:
    return Engine(Parser().text(text).rules, limits, before=before)


def order(made: Engine, sid: int) -> int:
    return next(c.order for c in made.rules if c.rule.sid == sid)


def test_what_was_said_of_a_transaction_goes_with_its_rule():
    going = engine(ONE % (1, 1) + ONE % (2, 1) + ONE % (3, 1))
    going.carry.told[7] = {(0, order(going, sid), 1) for sid in (1, 2, 3)}
    going.carry.facts[7] = {(1, order(going, 3)): 5}
    going.memory.bits["flow", 7, "x"] = 0
    fresh = engine("alert ip any any -> any any (sid:9;)\n" + ONE % (3, 1) + ONE % (1, 2))
    after = renewed(going, fresh)
    assert after.carry.told[7] == {(0, order(fresh, 3), 1)}  # rule 1 is another one now, and may speak
    assert after.carry.facts[7] == {(1, order(fresh, 3)): 5}
    assert after.memory.bits == {("flow", 7, "x"): 0}
    assert [c.rule.sid for c in after.rules] == [c.rule.sid for c in fresh.rules]
    assert not fresh.carry.told


def test_rates_run_on():
    def limits(action: str) -> Limits:
        return Limits(rates={(1, 1): Rate(Limit("rate", "by_src", 2, 10), action, 60)})

    going = engine(ONE % (1, 1), limits("drop"))
    going.limits.rates[1, 1].until["x",] = 9
    assert renewed(going, engine(ONE % (1, 1), limits("drop"))).limits.rates[1, 1].until == {("x",): 9}
    assert not renewed(going, engine(ONE % (1, 1), limits("pass"))).limits.rates[1, 1].until
