"""A real server behind a door that can be held shut."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from alerts.elastic.connection import Connection
from citywall.servers import ElasticsearchSettings


class Door:
    """Passes requests on to a server; `faults` are taken one a request (for paths that hold `only`) instead.

    A number is an HTTP status, "drop" closes the connection unanswered, "hang" answers after four seconds,
    and "items" answers as the server does but says 429 of every second item of a bulk request, which then was
    not passed on.
    """

    def __init__(self, target: str) -> None:
        self.faults: list[Any] = []
        self.only = "/_bulk"
        self.requests: list[tuple[str, str, bytes]] = []
        parts = urlsplit(target)
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                door.requests.append((self.command, self.path, body))
                fault = door.faults.pop(0) if door.faults and door.only in self.path else None
                if fault == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                if fault == "hang":
                    time.sleep(4)
                if isinstance(fault, int):
                    self.answer(fault, {"error": {"type": "shut", "reason": "for now"}, "status": fault})
                    return
                if fault == "items":
                    lines = body.rstrip(b"\n").split(b"\n")
                    kept = [line for n in range(0, len(lines), 4) for line in lines[n : n + 2]]
                    body = b"\n".join(kept) + b"\n"
                connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
                headers = {
                    k: v for k, v in self.headers.items() if k.lower() not in ("content-length", "host")
                }
                connection.request(self.command, self.path, body or None, headers)
                reply = connection.getresponse()
                told = reply.read()
                connection.close()
                if fault == "items":
                    refused = {
                        "status": 429,
                        "error": {"type": "es_rejected_execution_exception", "reason": "full"},
                    }
                    items = [{"index": refused if n % 2 else {"status": 201}} for n in range(len(lines) // 2)]
                    self.answer(200, {"errors": True, "items": items})
                    return
                self.answer(reply.status, told)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def answer(self, status: int, body: Any) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def door(elasticsearch_url: str) -> Iterator[Door]:
    opened = Door(elasticsearch_url)
    yield opened
    opened.close()


@pytest.fixture
def through(
    door: Door, elastic_stores: Callable[..., Any], make_document: Callable[..., Any]
) -> Iterator[Any]:
    """A store that speaks through the door, set up before it may shut."""
    from alerts.elastic.store import ElasticStore

    direct = elastic_stores()
    direct.upsert([make_document(0)])
    direct.delete_session("5e55")
    settings = ElasticsearchSettings(
        index_prefix=direct.names.prefix, request_timeout_s=3.0, bulk_bytes=16 << 10
    )
    store = ElasticStore(door.url, settings)
    yield store
    store.close()
    direct.close()


@pytest.fixture
def connection(elasticsearch_url: str) -> Iterator[Connection]:
    opened = Connection(elasticsearch_url, ElasticsearchSettings())
    yield opened
    opened.close()
