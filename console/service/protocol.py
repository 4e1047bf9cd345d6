"""What is said through the service's socket: lines of JSON, each an object of one kind.

The caller begins with a `Call` (a command), a `Login`, a `Logout` or `Alive`. To a command the service
answers with `Say` and `Ask` (which the caller answers with an `Answer`) and at last `Done`; to a log-in with
`Token` or `Turned`; to anything else with `Done`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from citywall.errors import StreamError
from citywall.permissions import Identity

NAME = "citywall.sock"
#: Longest line, in bytes: what a hostile end can make the other hold.
MAX_LINE = 1 << 18
#: Seconds that one end waits for the other.
PATIENCE_S = 300.0


class Call(msgspec.Struct, tag="call", frozen=True, forbid_unknown_fields=True):
    """Run a command. `folder` is where relative paths begin; `token` that of a log-in."""

    argv: tuple[str, ...]
    folder: str = "/"
    interactive: bool = False
    token: str = ""


class Login(msgspec.Struct, tag="login", frozen=True, forbid_unknown_fields=True):
    """Begin a session."""

    name: str
    password: str


class Logout(msgspec.Struct, tag="logout", frozen=True, forbid_unknown_fields=True):
    """End a session."""

    token: str


class Alive(msgspec.Struct, tag="alive", frozen=True, forbid_unknown_fields=True):
    """Ask whether a session goes on: `Done(0)` where it does."""

    token: str


class Answer(msgspec.Struct, tag="answer", frozen=True, forbid_unknown_fields=True):
    """What was typed; None where nothing can be."""

    text: str | None


class Say(msgspec.Struct, tag="say", frozen=True):
    """Text for standard output, or for standard error."""

    text: str
    error: bool = False


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """A password is wanted."""

    prompt: str


class Token(msgspec.Struct, tag="token", frozen=True):
    """A session has begun."""

    token: str
    identity: Identity


class Turned(msgspec.Struct, tag="turned", frozen=True):
    """A log-in was refused, as `citywall.errors.Refused` has it."""

    code: str
    who: str
    action: str
    target: str
    values: dict[str, str | int] = {}


class Done(msgspec.Struct, tag="done", frozen=True):
    """A command has ended, with this exit code."""

    code: int = 0


Request = Call | Login | Logout | Alive
Reply = Say | Ask | Token | Turned | Done
_encode = msgspec.json.Encoder().encode
_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Request)
_replies: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Reply)
_answers = msgspec.json.Decoder(Answer)
T = TypeVar("T")


class Line:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self._in: BinaryIO = connection.makefile("rb")
        self._connection = connection

    def send(self, message: Request | Reply | Answer) -> None:
        """Say something; raises OSError where nobody hears it."""
        self._connection.sendall(_encode(message) + b"\n")

    def request(self) -> Request:
        """What the caller wants. Raises StreamError where that cannot be read."""
        found: Request = self._read(_requests)
        return found

    def reply(self) -> Reply:
        """What the service says. Raises StreamError where it says nothing more."""
        found: Reply = self._read(_replies)
        return found

    def answer(self) -> str | None:
        """What the caller answers."""
        return self._read(_answers).text

    def _read(self, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            line = self._in.readline(MAX_LINE + 1)
            if not line.endswith(b"\n"):
                raise StreamError("the other end of the service's socket has gone")
            return decoder.decode(line)
        except (OSError, msgspec.DecodeError) as e:
            raise StreamError(f"the service's socket: {e}") from e


@contextmanager
def address(data: Path) -> Iterator[str]:
    """The socket's path as the system calls take it: they take a hundred bytes, folders may be deeper."""
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def connect(data: Path) -> socket.socket | None:
    """A connection to the service of a data folder; None where none runs."""
    if not (data / NAME).exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with address(data) as path:
            connection.connect(path)
    except ConnectionRefusedError:  # it was killed
        connection.close()
        return None
    except OSError as e:
        connection.close()
        raise StreamError(f"{data / NAME}: {e.strerror or e}") from e
    return connection
