from __future__ import annotations

import struct

from ingest.applications.ntlm import put
from ingest.applications.parser import Transaction
from ingest.applications.tables import KINDS


def token(domain, user):
    head = bytearray(b"NTLMSSP\0\3\0\0\0" + bytes(52))
    at = 64
    for place, value in ((28, domain), (36, user)):
        struct.pack_into("<HHI", head, place, len(value), len(value), at)
        at += len(value)
    head[60:64] = b"\1\0\0\0"
    return b"wrapped" + bytes(head) + domain + user


def test_who_logs_in():
    made = Transaction(7, 0, 1, 1)
    put(made, 0, 3, token("DOM".encode("utf-16-le"), "bob".encode("utf-16-le")))
    assert {KINDS[k]: v for k, *_, v in made.buffers} == {
        "smb.ntlmssp_domain": b"DOM", "smb.ntlmssp_user": b"bob",
    }  # fmt: skip
    for cut in (0, 20, 70):
        put(made, 0, 3, token(b"", b"")[:cut])
