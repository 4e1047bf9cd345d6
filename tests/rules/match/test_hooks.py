from __future__ import annotations

from rules.match.hooks import LAST, passed, reached, stands
from tests.rules.conftest import tcp
from tests.rules.keywords.reading import read

KNOWN = {("http.request_line", 0): 5, ("http.header.raw", 0): 6}


def known(name, direction):
    return KNOWN.get((name, direction), -1)


def test_a_state_is_reached_with_what_shows_it_or_a_later_one():
    given = (5, 0), (9, 0), known
    assert reached("http", "request_started", *given) == 5
    assert reached("http", "request_headers", *given) == 6
    assert reached("http", "request_trailer", *given) == 9
    assert reached("http", "response_line", *given) == -1
    assert passed("http", "request_body", *given) == 9
    assert passed("http", "request_complete", *given) == LAST


def test_before_and_after_a_state():
    assert stands("http", "<request_headers", (5, 0), (9, 0), known) == 5
    assert stands("http", "<request_line", (5, 0), (9, 0), known) == -1
    assert stands("http", ">request_line", (5, 0), (9, 0), known) == 6


TURNS = [
    (0, b"GET /download HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    (1, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), (1, b"def"), (1, b"ghi"),
]  # fmt: skip


def test_rules_hook_into_a_state_and_tell_while_it_lasts(sids):
    text = """
alert http1:request_line any any -> any any (sid:1;)
alert http1:response_body any any -> any any (sid:2;)
alert http:response_complete any any -> any any (sid:3;)
alert http1:request_headers any any -> any any (http.uri; content:"/download"; sid:4;)
alert http any any -> any any (app-layer-state:>response_line; sid:5;)
"""
    assert sorted(sids(text, tcp(TURNS))) == [1, 2, 2, 2, 3, 4, 5]


def test_a_pass_that_tells_keeps_the_others_silent(sids):
    text = """
pass http1:request_headers any any -> any any (http.host; content:"a.example"; alert; sid:1;)
drop http1:request_headers any any -> any any (sid:2;)
"""
    assert sids(text, tcp(TURNS), inline=True) == [1]


def test_states_that_are_not_there():
    from rules.language.parser import Parser

    assert "state" in Parser().text("alert dns:request_line any any -> any any (sid:1;)").rejected[0].reason
    assert read("app-layer-state:request_line;", "http").hook == "request_line"
