"""The service's socket: commands of whoever may open it, run here, with what the service has open.

Its rights say who may come; a password says who they are. The operating system says where from.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pwd
import secrets
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from citywall.errors import Refused, StreamError
from citywall.permissions import Identity
from console.caller import Caller, Office, serving
from console.service import protocol
from console.service.protocol import Alive, Ask, Call, Done, Line, Login, Say, Token, Turned

log = logging.getLogger(__name__)

#: Callers at once; the next is turned away.
MOST = 32


class Sessions:
    """Who has logged in, by token; one that is not used for a while is over. Threads may share it."""

    def __init__(self, minutes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = minutes * 60.0
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Identity, float]] = {}

    def begin(self, identity: Identity) -> str:
        """A token for somebody who has logged in."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._known = {t: (i, at) for t, (i, at) in self._known.items() if now - at < self._seconds}
            self._known[token] = (identity, now)
        return token

    def get(self, token: str) -> Identity | None:
        """Who a token is of; None where its session is over. Using it keeps it."""
        with self._lock:
            identity, at = self._known.get(token, (None, 0.0))
            if identity is None or self._clock() - at >= self._seconds:
                self._known.pop(token, None)
                return None
            self._known[token] = (identity, self._clock())
            return identity

    def end(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._known.pop(token, None)


class Server:
    """Listens, in threads of its own, from `__enter__` to `__exit__`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._path = office.data / protocol.NAME
        self.sessions = Sessions(office.settings.service.session_minutes)
        self._room = threading.BoundedSemaphore(MOST)

    def __enter__(self) -> Self:
        server, room = self, self._room

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not room.acquire(blocking=False):
                    return
                try:
                    server.serve(self.request)
                finally:
                    room.release()

        class Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False

        self._path.unlink(missing_ok=True)  # of one that was killed: the folder is ours
        before = os.umask(0o177)
        try:
            with protocol.address(self._office.data) as path:
                self._listener = Listener(path, Handler)
        finally:
            os.umask(before)
        self._path.chmod(int(self._office.settings.service.socket_mode, 8))
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.1,), name="citywall-socket", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        self._path.unlink(missing_ok=True)
        for _left in range(MOST):  # what is being done is done to its end
            if not self._room.acquire(timeout=10.0):
                log.warning("a caller is left in the middle of what it does")
                break

    def serve(self, connection: socket.socket) -> None:
        """Answer one caller."""
        line = Line(connection)
        uid = _uid_of(connection)
        via = f"socket, {_name_of(uid)}@{socket.gethostname()}"
        with contextlib.suppress(StreamError, OSError):  # it has gone
            request = line.request()
            match request:
                case Login():
                    line.send(self._log_in(request, via))
                case Call():
                    line.send(Done(self._run(request, line, via, trusted=uid in {0, os.geteuid()})))
                case Alive():
                    line.send(Done(int(self.sessions.get(request.token) is None)))
                case _:
                    self.sessions.end(request.token)
                    line.send(Done())

    def _log_in(self, request: Login, via: str) -> Token | Turned:
        try:
            identity = self._office.accounts.login(request.name, request.password, via)
        except Refused as e:
            return Turned(e.code, e.who, e.action, e.target, e.values)  # type: ignore[arg-type]  # words and numbers
        return Token(self.sessions.begin(identity), identity)

    def _run(self, call: Call, line: Line, via: str, *, trusted: bool) -> int:
        from console.cli import cli

        def ask(prompt: str) -> str:
            line.send(Ask(prompt))
            return line.answer() or ""

        caller = Caller(
            self._office, _Out(line, error=False), _Out(line, error=True), ask, via, Path(call.folder),
            interactive=call.interactive, trusted=trusted, identity=self.sessions.get(call.token),
        )  # fmt: skip
        with serving(caller):
            code = cli.main(list(call.argv), standalone_mode=False)
        return code if isinstance(code, int) else 0


class _Out(io.StringIO):
    """Standard output or error of a command, at the caller's end; what nobody hears is dropped."""

    def __init__(self, line: Line, *, error: bool) -> None:
        super().__init__()
        self._line = line
        self._error = error

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._line.send(Say(text, self._error))
        return len(text)

    def isatty(self) -> bool:
        return False


def _uid_of(connection: socket.socket) -> int:
    """Whose process is at the other end."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", told)[1])


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
