from __future__ import annotations

from rules.language.states import place, states


def test_states_have_their_order():
    assert place("http1", "request_line") == (0, 1)
    assert place("tls", "server_hello") == (1, 1)
    assert place("dns", "response_complete") == (1, 1)


def test_general_names_stand_for_own_ones():
    assert place("tls", "request_started") == (0, 0)
    assert place("tls", "response_complete") == (1, len(states("tls")[1]) - 1)
    assert place("tls", "request_line") is None
