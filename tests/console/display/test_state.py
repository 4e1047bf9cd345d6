from __future__ import annotations

from typing import Any

from console.display.state import RATE_WINDOW, RunState


def test_rates_are_over_the_last_seconds(snapshot: Any):
    state = RunState("en")
    assert state.rates == (0.0, 0.0)
    for second in range(10):
        state.update(snapshot(seconds=float(second), bytes_done=1_000_000 * second**2, packets=1000 * second))
    start = 9 - RATE_WINDOW
    bytes_rate, packet_rate = state.rates
    assert packet_rate == 1000
    assert bytes_rate == (81 - start**2) * 1_000_000 / RATE_WINDOW
    assert state.left == 0


def test_time_left_and_fraction(snapshot: Any):
    state = RunState("en")
    assert state.left is None
    assert state.fraction == 0
    state.update(snapshot(seconds=0.0, bytes_done=0, bytes_total=100))
    assert state.left is None
    state.update(snapshot(seconds=1.0, bytes_done=20, bytes_total=100))
    assert state.left == 4
    assert not state.read
    assert state.fraction == 0.2


def test_nothing_to_read_is_no_division_by_zero(snapshot: Any):
    state = RunState("en")
    state.update(snapshot(bytes_done=0, bytes_total=0))
    state.update(snapshot(bytes_done=0, bytes_total=0))
    assert (state.fraction, state.left, state.rates) == (0.0, 0.0, (0.0, 0.0))


def test_an_alert_is_told_once_and_again_when_it_rises(snapshot: Any, make_alert: Any):
    state = RunState("en")
    assert [a.severity for a in state.update(snapshot(new_alerts=[make_alert(1, 3), make_alert(2, 3)]))] == [
        3,
        3,
    ]
    assert state.update(snapshot(new_alerts=[make_alert(1, 3)])) == []
    assert [a.severity for a in state.update(snapshot(new_alerts=[make_alert(1, 4)]))] == [4]
    assert state.by_severity() == {4: 1, 3: 1}
    assert state.by_rule() == {"scan": 2}


def test_what_is_not_told_is_counted(snapshot: Any, make_alert: Any):
    state = RunState("en")
    assert state.update(snapshot(new_alerts=[make_alert(1, 3), make_alert(2, 4)]), tell=False) == []
    assert state.by_severity() == {3: 1, 4: 1}


def test_starting_lasts_until_something_was_read(snapshot: Any):
    for first, words in ((False, "starting"), (True, "compiling the kernels (once)")):
        state = RunState("en", first)
        assert state.starting() == words
        assert state.starting(60.0) == "compiling the kernels (once)"
        state.update(snapshot(packets=0, flows=0, bytes_done=0))
        assert state.starting() == words
        state.update(snapshot(packets=0, flows=3))
        assert state.starting() is None


def test_headers_that_nobody_counts_do_not_keep_a_run_from_finishing(snapshot: Any):
    state = RunState("en")
    assert not state.read
    state.update(snapshot(sessions=1, bytes_done=25_999_976, bytes_total=26_000_000))
    assert state.read
    assert state.left == 0
    state.update(snapshot(sessions=1, bytes_done=10, bytes_total=100))
    assert not state.read
