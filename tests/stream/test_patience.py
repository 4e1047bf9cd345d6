from __future__ import annotations

import pytest

from citywall.errors import StoreError
from stream import patience


@pytest.mark.parametrize(("failures", "succeeds"), [(0, True), (3, True), (4, False)])
def test_a_store_gets_a_few_chances(monkeypatch, failures, succeeds):
    slept: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    left = [failures]

    def call(answer: int, *, more: int) -> int:
        if left[0]:
            left[0] -= 1
            raise StoreError("not now")
        return answer + more

    if succeeds:
        assert patience.patiently(call, 40, more=2) == 42
    else:
        with pytest.raises(StoreError, match="not now"):
            patience.patiently(call, 40, more=2)
    assert slept == list(patience.DELAYS[:failures])


def test_other_errors_are_not_waited_for():
    with pytest.raises(ZeroDivisionError):
        patience.patiently(lambda: 1 // 0)
