"""Servers on loopback that actions are tried on, and units to try."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from citywall.settings import load
from playbooks.actions.base import Unit, World

NOW = 1_700_000_000 * 10**9


class Web:
    """An HTTP server that keeps what it gets; `status` is what it answers, 0 for hanging up."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.got.append((self.command, self.path, dict(self.headers), body))
                if outer.status == 0:
                    self.close_connection = True
                    return
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(b"said")

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Post:
    """An SMTP server (RFC 5321) that keeps the mails it takes; `refuse` is a reply to MAIL or to the data."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.to: list[str] = []
        self.refuse_mail = self.refuse_data = self.cut = False
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

            def handle(self) -> None:
                self.say("220 post")
                while line := self.rfile.readline().decode().strip():
                    verb = line.upper()
                    if verb.startswith("EHLO"):
                        self.say("250 post")
                    elif verb.startswith("MAIL") and outer.refuse_mail:
                        self.say("550 not from you")
                    elif verb.startswith("RCPT"):
                        outer.to.append(line[8:])
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        self._data()
                        if outer.cut:
                            return
                        self.say("554 no" if outer.refuse_data else "250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

            def _data(self) -> None:
                lines = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line)
                outer.mails.append(b"".join(lines).decode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture
def post() -> Iterator[Post]:
    made = Post()
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """`world("playbooks.syslog=…", alert=…)`."""

    def make(*assignments: str, **more: Any) -> World:
        return World(tmp_path, load(environment={}, assignments=assignments), **more)

    return make


@pytest.fixture
def unit() -> Callable[..., Unit]:
    """`unit(command, …)`."""

    def make(command: Any, **more: Any) -> Unit:
        return Unit("k" * 32, "run-1", "step", NOW, command=command, **more)

    return make


@pytest.fixture
def mailing(post: Post) -> tuple[str, ...]:
    """Settings of the mail server."""
    return (
        "playbooks.mail.host=127.0.0.1", f"playbooks.mail.port={post.port}", "playbooks.mail.security=none",
        "playbooks.mail.sender=citywall@example.gov.cn",
    )  # fmt: skip
