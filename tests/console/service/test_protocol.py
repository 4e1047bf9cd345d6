from __future__ import annotations

import socket
from pathlib import Path

import pytest

from citywall.errors import StreamError
from console.service import protocol
from console.service.protocol import Answer, Ask, Call, Done, Line, Login, Say


def test_what_is_said_is_heard():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        here, there = Line(ours), Line(theirs)
        for request in (Call(("cases", "list"), "/", interactive=True), Login("li", "密码\n")):
            here.send(request)
            assert there.request() == request
        for reply in (Say("a\nb", error=True), Ask("password: "), Done(2)):
            there.send(reply)
            assert here.reply() == reply
        here.send(Answer(None))
        assert there.answer() is None


@pytest.mark.parametrize(
    "bad",
    [b"", b"{}\n", b"nonsense\n", b'{"type":"call","argv":["x"],"more":1}\n', b'{"type":"login"}\n',
     b'{"type":"call","argv":[1]}\n', b"x" * (protocol.MAX_LINE + 10) + b"\n", b'{"type":"logout"'],
)  # fmt: skip
def test_nonsense_is_refused(bad: bytes):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        ours.send(bad)
        ours.close()
        with pytest.raises(StreamError):
            Line(theirs).request()


def test_no_service_is_none(tmp_path: Path):
    assert protocol.connect(tmp_path / "missing") is None
    deep = tmp_path.joinpath(*["a" * 60] * 3)  # deeper than the system calls take
    deep.mkdir(parents=True)
    listening = socket.socket(socket.AF_UNIX)
    with protocol.address(deep) as path:
        listening.bind(path)
    listening.listen()
    found = protocol.connect(deep)
    assert found is not None
    found.close()
    listening.close()
    assert protocol.connect(deep) is None  # one that was killed leaves its socket behind
