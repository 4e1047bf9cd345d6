"""TLS and an API key in front of an Elasticsearch that has neither."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from bench.errors import ServiceFailed
from bench.services.certificates import Certificates
from bench.services.service import LOOPBACK

#: Bytes of a request's head; what is longer is no client of ours.
HEAD_BYTES = 64 << 10
PIECE_BYTES = 64 << 10
START_LIMIT_S = 10.0
REFUSAL = {"error": {"type": "security_exception", "reason": "missing or wrong API key"}, "status": 401}


@dataclass(frozen=True)
class Head:
    """The first lines of a request, as they came, and what they say of its body."""

    raw: bytes
    fields: dict[str, str]

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        """Field names in lower case; the last of equal names wins."""
        lines = raw.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return cls(raw, {name.strip().lower(): value.strip() for name, _, value in pairs})


class TlsProxy:
    """Listens with TLS on loopback and passes on to `target` what carries `Authorization: ApiKey <key>`.

    Everything else gets 401 and is counted in `refused`. HTTP/1.1 with lengths or chunks, kept alive, one
    request at a time on a connection, which is how the client speaks. Runs in a thread of its own, so that
    tests may block; a context manager.
    """

    def __init__(self, target: str, api_key: str, certificates: Certificates) -> None:
        parts = urlsplit(target)
        self._upstream = (parts.hostname or LOOPBACK, parts.port or 80)
        self._expected = f"ApiKey {api_key}"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates.server, certificates.key)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tls-proxy", daemon=True)
        self._end: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self.port = 0
        self.served = 0
        self.refused = 0

    @property
    def url(self) -> str:
        """Where clients find it: the certificate is for this address."""
        return f"https://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        """Listen. Raises ServiceFailed."""
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S) or self._failure is not None:
            raise ServiceFailed(f"the TLS proxy does not listen: {self._failure or 'it hangs'}")
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and end the thread."""
        if self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_LIMIT_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as e:  # noqa: BLE001  (told to the thread that waits)
            self._failure = e
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connection, LOOPBACK, 0, ssl=self._tls, limit=HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._end.wait()
        await asyncio.sleep(0)  # what was accepted just now has begun
        # Connections, and handshakes under way: nobody else would close the sockets of these.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # their sockets are closed

    async def _connection(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_close, back)
            try:
                upstream, forth = await asyncio.open_connection(*self._upstream)
            except OSError:
                back.write(_reply("502 Bad Gateway", {"status": 502}))
                return
            stack.push_async_callback(_close, forth)
            requests = asyncio.ensure_future(self._requests(client, forth, back))
            replies = asyncio.ensure_future(_pass_all(upstream, back))
            try:
                await asyncio.wait({requests, replies}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (requests, replies):
                    task.cancel()
                await asyncio.gather(requests, replies, return_exceptions=True)

    async def _requests(
        self, client: asyncio.StreamReader, forth: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while True:
            try:
                head = Head.parse(await client.readuntil(b"\r\n\r\n"))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                return
            if head.fields.get("authorization") != self._expected:
                self.refused += 1
                back.write(_reply("401 Unauthorized", REFUSAL))
                await back.drain()
                return
            self.served += 1
            forth.write(head.raw)
            if head.fields.get("transfer-encoding", "").lower() == "chunked":
                await _pass_chunks(client, forth)
            else:
                await _pass(client, forth, int(head.fields.get("content-length", "0")))
            await forth.drain()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: int) -> None:
    while count:
        piece = await source.read(min(count, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(piece)
        sink.write(piece)
        await sink.drain()


async def _pass_chunks(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    size = -1
    while size != 0:
        line = await source.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        sink.write(line)
        if size:
            await _pass(source, sink, size + 2)
    while True:  # trailers, to the empty line
        line = await source.readuntil(b"\r\n")
        sink.write(line)
        if line == b"\r\n":
            return


async def _pass_all(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE_BYTES):
        sink.write(piece)
        await sink.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Give the other side a moment to take the rest and to say goodbye as TLS wants it; then let go."""
    try:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(writer.drain(), 1)
        writer.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)
    finally:
        writer.transport.abort()  # a peer that says nothing would keep the socket beyond the loop


def _reply(status: str, body: object) -> bytes:
    payload = json.dumps(body).encode("ascii")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        "X-Elastic-Product: Elasticsearch\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + payload
