"""When a transaction reached a state: read off what is known of it and since when."""

from __future__ import annotations

from collections.abc import Callable

from rules.language.states import place, states

#: (buffer or number, direction): the frame at which it was known, -1 where it is not there.
Known = Callable[[str, int], int]
#: What `passed` gives for a state behind which there is none.
LAST = -2
#: A body is on its way as soon as the head is over.
#: What shows that a state was reached; a state that is not here is reached when all is whole.
_SHOWN: dict[str, str] = {
    "request_line": "http.request_line", "request_headers": "http.header.raw",
    "request_body": "http.header.raw", "request_trailer": "http.trailer",
    "response_line": "http.response_line", "response_headers": "http.header.raw",
    "response_body": "http.header.raw", "response_trailer": "http.trailer",
    "client_hello_done": "tls.version", "client_cert_done": "tls.certs",
    "server_hello": "tls.version", "server_cert_done": "tls.certs",
    "request_banner_done": "ssh.proto", "response_banner_done": "ssh.proto",
    "request_banner_wait_eol": "ssh.proto", "response_banner_wait_eol": "ssh.proto",
}  # fmt: skip


def reached(protocol: str, name: str, begun: tuple[int, int], whole: tuple[int, int], known: Known) -> int:
    """The frame at which a state was reached; -1 where it was not.

    `begun`, `whole`: the frames at which each direction began and was complete, 0 for never.
    """
    at = place(protocol, name)
    if at is None:
        return -1
    direction, number = at
    if number == 0:
        return begun[direction] or -1
    names = states(protocol)[direction]
    frames = [known(_SHOWN[state], direction) for state in names[number:] if state in _SHOWN]
    frames.append(whole[direction] or -1)
    return min((frame for frame in frames if frame >= 0), default=-1)


def stands(protocol: str, demand: str, begun: tuple[int, int], whole: tuple[int, int], known: Known) -> int:
    """The frame at which `<state` or `>state` was so; -1 where it never was."""
    name = demand[1:].strip()
    at = place(protocol, name)
    if at is None:
        return -1
    direction, number = at
    if demand[0] == "<":
        frame = reached(protocol, name, begun, whole, known)
        first = begun[direction]
        return first if first and number and (frame < 0 or first < frame) else -1
    return max(passed(protocol, name, begun, whole, known), -1)


def passed(protocol: str, name: str, begun: tuple[int, int], whole: tuple[int, int], known: Known) -> int:
    """The frame at which the state after one was reached; -1 for never, LAST where there is none."""
    at = place(protocol, name)
    names = states(protocol)[at[0]] if at is not None else ()
    if at is None or at[1] + 1 >= len(names):
        return LAST
    return reached(protocol, names[at[1] + 1], begun, whole, known)
