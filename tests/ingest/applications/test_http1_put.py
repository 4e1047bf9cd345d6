from __future__ import annotations

from ingest.applications.headers import Field
from ingest.applications.http1_put import response, status_of
from ingest.applications.parser import Transaction
from ingest.applications.tables import KIND


def test_a_status_line_is_read_leniently():
    assert status_of(b"HTTP/1.1 404 Not Found") == 404
    assert status_of(b"HTTP/1.1") == -1
    assert status_of(b"HTTP/1.1 abc") == -1


def test_cookies_are_not_in_the_header_buffer(speak):
    made = Transaction(2, 0, 1, 1)
    fields = [Field(b"Server", b"server", b"x"), Field(b"Set-Cookie", b"set-cookie", b"k=v")]
    response(
        speak("http", []).parser, made, b"HTTP/1.1 200 OK", b"raw", fields, {f.key: f for f in fields}, 1
    )
    found = {kind: value for kind, *_, value in made.buffers}
    assert found[KIND["http.header"]] == b"Server: x\r\n"
    assert found[KIND["http.cookie"]] == b"k=v"
    assert found[KIND["http.header_names"]] == b"\r\nServer\r\nSet-Cookie\r\n\r\n"
