import gc
import http.client
import http.server
import json
import socket
import ssl
import threading

import pytest

from bench.services import certificates
from bench.services.service import free_port
from bench.services.tls_proxy import TlsProxy

KEY = "c2VjcmV0"


class Echo(http.server.BaseHTTPRequestHandler):
    """Gives back the body's length and first bytes, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"bytes": len(body), "start": body[:5].decode()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def echo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def connect(proxy, made):
    context = ssl.create_default_context(cafile=made.authority)
    return http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=10)


def post(connection, body, key=KEY, **options):
    headers = {} if key is None else {"Authorization": f"ApiKey {key}"}
    connection.request("POST", "/_bulk", body, headers, **options)
    reply = connection.getresponse()
    return reply.status, json.load(reply)


def test_requests_with_the_key_pass_on_one_connection(echo, made):
    with TlsProxy(echo, KEY, made) as proxy:
        connection = connect(proxy, made)
        big = b"x" * 3_000_000
        assert post(connection, b"hello") == (200, {"bytes": 5, "start": "hello"})
        assert post(connection, big) == (200, {"bytes": len(big), "start": "xxxxx"})
        chunks = iter([b"in ", b"chunks" * 50_000])
        assert post(connection, chunks, encode_chunked=True)[1] == {"bytes": 300_003, "start": "in ch"}
        assert post(connection, b"") == (200, {"bytes": 0, "start": ""})
        connection.close()
    assert (proxy.served, proxy.refused) == (4, 0)


@pytest.mark.parametrize("key", ["wrong", None, KEY + "x"])
def test_requests_without_the_key_are_refused(echo, made, key):
    with TlsProxy(echo, KEY, made) as proxy:
        connection = connect(proxy, made)
        assert post(connection, b"hello")[0] == 200
        status, answer = post(connection, b"hello", key)
        connection.close()
    assert (status, answer["error"]["type"]) == (401, "security_exception")
    assert (proxy.served, proxy.refused) == (1, 1)


def test_a_server_that_is_gone_is_said_so(made):
    with TlsProxy(f"http://127.0.0.1:{free_port()}", KEY, made) as proxy:
        connection = connect(proxy, made)
        assert post(connection, b"hello")[0] == 502
        connection.close()


def test_a_client_that_does_not_know_the_authority_says_nothing(echo, made):
    with TlsProxy(echo, KEY, made) as proxy:
        connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=10)
        with pytest.raises(ssl.SSLCertVerificationError):
            post(connection, b"hello")
        connection.close()
    assert (proxy.served, proxy.refused) == (0, 0)


def test_a_handshake_under_way_is_let_go_of(echo, made):
    """It would be an unclosed socket in whatever test comes next."""
    with TlsProxy(echo, KEY, made) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        client.sendall(b"\x16\x03\x01")
        post(good := connect(proxy, made), b"hello")  # the other was accepted before
        good.close()
    with client:
        assert client.recv(1) == b""
    gc.collect()


def test_a_client_that_does_not_say_goodbye_is_let_go_of(echo, made):
    """An idle connection of a pool does not read: it never answers the end of TLS."""
    with TlsProxy(echo, KEY, made) as proxy:
        connection = connect(proxy, made)
        assert post(connection, b"hello")[0] == 200
    gc.collect()
    connection.close()


def test_plain_text_is_not_spoken(echo, made):
    with TlsProxy(echo, KEY, made) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        with pytest.raises((http.client.HTTPException, OSError)):
            post(connection, b"hello")
        connection.close()
    assert proxy.served == 0
