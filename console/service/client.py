"""The caller's end of the service's socket."""

from __future__ import annotations

import getpass
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citywall.errors import Refused, StreamError, UsageError
from console import caller, language
from console.service import protocol
from console.service.acts import is_act
from console.service.protocol import Alive, Answer, Ask, Call, Done, Line, Login, Logout, Say, Token, Turned

if TYPE_CHECKING:
    from citywall.permissions import Identity


def forward(context: click.Context, key: str) -> int | None:
    """Have the service run a command, where one runs; None where it is to be run here.

    Raises UsageError in the service for a command that it does not run for others.
    """
    acts = is_act(context.command, key, context.params)
    if caller.current() is not None:
        if not acts:
            raise UsageError(f"{context.command_path}: the service does not run this")
        return None
    if not acts or not isinstance(context.find_root().obj, tuple):
        return None
    connection = protocol.connect(context.params["data"])
    if connection is None:
        return None
    argv = ("--lang", language.of(context), *context.find_root().obj)
    with connection:
        line = Line(connection)
        line.send(Call(argv, str(Path.cwd()), sys.stdin.isatty()))
        while not isinstance(reply := line.reply(), Done):
            _take(line, reply)
        return reply.code


def _take(line: Line, reply: protocol.Reply) -> None:
    if isinstance(reply, Say):
        stream = sys.stderr if reply.error else sys.stdout
        stream.write(reply.text)
        stream.flush()
    elif isinstance(reply, Ask):
        if sys.stdin.isatty():
            line.send(Answer(getpass.getpass(reply.prompt, stream=sys.stderr)))
        else:
            line.send(Answer(sys.stdin.readline().rstrip("\r\n")))


class Session:
    """Somebody logged in at the service of a data folder, who runs commands there. Raises StreamError."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._token = ""
        self.identity: Identity | None = None

    def log_in(self, name: str, password: str) -> Identity:
        """Log in; raises Refused."""
        with self._connected() as connection:
            line = Line(connection)
            line.send(Login(name, password))
            reply = line.reply()
        if isinstance(reply, Turned):
            raise Refused(reply.code, reply.who, reply.action, reply.target, **reply.values)
        if not isinstance(reply, Token):
            raise StreamError("the service answers something else than was asked")
        self._token, self.identity = reply.token, reply.identity
        return reply.identity

    def alive(self) -> bool:
        """Whether the session goes on."""
        with self._connected() as connection:
            line = Line(connection)
            line.send(Alive(self._token))
            return line.reply() == Done(0)

    def log_out(self) -> None:
        """End the session."""
        token, self._token, self.identity = self._token, "", None
        if token and (connection := protocol.connect(self._data)) is not None:
            with connection:
                line = Line(connection)
                line.send(Logout(token))
                line.reply()

    def run(self, *argv: str) -> tuple[int, str, str]:
        """Run a command; its exit code, and what it says and complains of."""
        said: tuple[list[str], list[str]] = ([], [])
        with self._connected() as connection:
            line = Line(connection)
            line.send(Call(argv, "/", token=self._token))
            while not isinstance(reply := line.reply(), Done):
                if isinstance(reply, Say):
                    said[reply.error].append(reply.text)
                else:  # the session is over: nobody is there to give a password
                    line.send(Answer(None))
        return reply.code, "".join(said[0]), "".join(said[1])

    def _connected(self) -> socket.socket:
        connection = protocol.connect(self._data)
        if connection is None:
            raise StreamError("the service does not run any more")
        return connection
