"""How far a transaction is: the states that rules may hook into, by protocol and direction, in order."""

from __future__ import annotations

from collections.abc import Mapping

#: State names of requests and of responses.
Sides = tuple[tuple[str, ...], tuple[str, ...]]

_ANY: Sides = (("request_started", "request_complete"), ("response_started", "response_complete"))
_STATES: Mapping[str, Sides] = {
    "http": (
        (
            *("request_started", "request_line", "request_headers", "request_body"),
            *("request_trailer", "request_complete"),
        ),
        (
            *("response_started", "response_line", "response_headers", "response_body"),
            *("response_trailer", "response_complete"),
        ),
    ),
    "tls": (
        (
            *("client_in_progress", "client_hello_done", "client_cert_done", "client_handshake_done"),
            "client_finished",
        ),
        (
            *("server_in_progress", "server_hello", "server_cert_done", "server_hello_done"),
            *("server_handshake_done", "server_finished"),
        ),
    ),
    "ssh": (
        ("request_in_progress", "request_banner_wait_eol", "request_banner_done", "request_finished"),
        ("response_in_progress", "response_banner_wait_eol", "response_banner_done", "response_finished"),
    ),
}
_SAME = {"http1": "http", "ikev2": "ike"}
#: States that every protocol has, by another name where it has names of its own.
_GENERAL = {"request_started": 0, "request_complete": -1, "response_started": 0, "response_complete": -1}


def states(protocol: str) -> Sides:
    """The states of a protocol's requests and responses, in the order in which they are reached."""
    return _STATES.get(_SAME.get(protocol, protocol), _ANY)


def place(protocol: str, name: str) -> tuple[int, int] | None:
    """(direction, number) of a state; None where the protocol has none of that name."""
    for direction, names in enumerate(states(protocol)):
        if name in names:
            return direction, names.index(name)
    if name in _GENERAL:
        direction = 0 if name.startswith("request") else 1
        return direction, _GENERAL[name] % len(states(protocol)[direction])
    return None
