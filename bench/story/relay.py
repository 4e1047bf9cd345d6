"""Lets a namespace reach servers on our loopback: connections go through a socket file, which both sides see.

Run as a script it passes connections from one place (`tcp:HOST:PORT` or `unix:PATH`) to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.errors import BenchError

_ROOT = Path(__file__).resolve().parent.parent.parent


class Relay:
    """`127.0.0.1:port` inside `inside` (a command that enters a namespace) is ours, until `__exit__`."""

    def __init__(self, folder: Path, port: int, inside: tuple[str, ...]) -> None:
        self._place = folder / f"relay-{port}.sock"
        here = f"tcp:127.0.0.1:{port}"
        self._ends = [
            ([], f"unix:{self._place}", here),
            ([*inside], here, f"unix:{self._place}"),
        ]
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        for before, came, goes in self._ends:
            command = [*before, sys.executable, __file__, came, goes]
            environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            self._processes.append(process)
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                self.close()
                raise BenchError(f"no way from {came} to {goes}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of both ends."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()


async def _connect(place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, rest = place.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(rest)
    host, _, port = rest.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _main(came: str, goes: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await _connect(goes)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer))
        there[1].close()
        writer.close()

    kind, _, rest = came.partition(":")
    if kind == "unix":
        server = await asyncio.start_unix_server(serve, rest)
    else:
        host, _, port = rest.rpartition(":")
        server = await asyncio.start_server(serve, host, int(port))
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
