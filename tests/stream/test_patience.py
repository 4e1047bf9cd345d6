from __future__ import annotations

import threading
import time

import pytest

from citywall.errors import StoreConflict, StoreError, StoreUnavailable
from stream import patience
from stream.patience import Patience, patiently


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, failures: int, error: StoreError) -> None:
        self.left = failures
        self.error = error
        self.calls = 0

    def __call__(self, answer: int, *, more: int = 0) -> int:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return answer + more


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(patience, "DELAYS", (0.001, 0.002, 0.003))
    monkeypatch.setattr(patience, "FIRST", 0.001)
    monkeypatch.setattr(patience, "LONGEST", 0.004)


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_what_is_refused_gets_a_few_chances(quick, failures):
    call = Failing(failures, StoreError("not now"))
    assert patiently(call, 40, more=2) == 42
    assert call.calls == failures + 1


def test_what_stays_refused_is_raised(quick):
    call = Failing(99, StoreConflict("never"))
    with pytest.raises(StoreConflict, match="never"):
        patiently(call, 1)
    assert call.calls == 4


def test_a_store_that_is_away_is_waited_for_as_long_as_it_takes(quick, caplog):
    waiting = Patience()
    assert waiting(Failing(40, StoreUnavailable("nobody there")), 7) == 7
    assert waiting.waits == 40
    assert waiting.waited > 0
    assert waiting.reason == ""
    told = [r.getMessage() for r in caplog.records]
    assert told[0].startswith("waiting for the store, try 2 in 0.0 s: nobody there")
    assert told[-1].startswith("the store took it after")


def test_waits_grow_and_differ(monkeypatch):
    asked: list[float] = []
    waiting = Patience()

    def wait(delay: float) -> bool:
        asked.append(delay)
        return False

    monkeypatch.setattr(waiting._stopped, "wait", wait)
    waiting(Failing(12, StoreUnavailable("away")), 1)
    for n, delay in enumerate(asked):
        whole = min(patience.FIRST * 2**n, patience.LONGEST)
        assert whole * (1 - patience.JITTER) <= delay <= whole
    assert len({round(d / min(patience.FIRST * 2**n, patience.LONGEST), 6) for n, d in enumerate(asked)}) > 6


def test_a_stop_ends_the_wait():
    waiting = Patience()
    caught: list[BaseException] = []

    def work() -> None:
        try:
            waiting(Failing(10**9, StoreUnavailable("away")), 1)
        except StoreUnavailable as e:
            caught.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    while not waiting.reason:
        time.sleep(0.01)
    began = time.monotonic()
    waiting.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - began < 1
    assert [str(e) for e in caught] == ["away"]
    call = Failing(1, StoreUnavailable("still"))
    with pytest.raises(StoreUnavailable):
        waiting(call, 1)
    assert call.calls == 1


def test_other_errors_are_not_waited_for():
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0)
