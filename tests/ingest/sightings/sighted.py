"""Payloads as packets, and messages of many protocols made by hand."""

from __future__ import annotations

import base64
import struct

import numpy as np

from citywall.batches import EVENT, PACKET, TCP, TRANSPORT, UDP
from citywall.domains import Domains, DomainSettings
from ingest.sightings.reading import sightings

DOMAINS = Domains(DomainSettings())
CLIENT, SERVER = 0xFFFF_0A01_0009, 0xFFFF_0A02_0003


def packets(*payloads, ports=(40000, 80), proto=TCP, cut=None):
    """A buffer that ends with the last payload's last captured byte, and its rows."""
    rows = np.zeros(len(payloads), PACKET)
    buffer = b""
    for i, payload in enumerate(payloads):
        kept = payload if cut is None else payload[:cut]
        rows[i]["offset"], rows[i]["captured"], rows[i]["payload"] = len(buffer), len(kept), len(payload)
        buffer += kept
    rows["time"] = np.arange(len(rows)) * 1000
    rows["a_lo"], rows["b_lo"] = CLIENT, SERVER
    rows["ports"] = ports[0] << 16 | ports[1]
    rows["proto"], rows["status"], rows["version"] = proto, TRANSPORT, 4
    return np.frombuffer(buffer, np.uint8), rows


def events(*payloads, back=False, **more) -> np.ndarray:
    """What is seen in payloads that the client sends; `back`: the server."""
    buffer, rows = packets(*payloads, **more)
    rows["reversed"] = back
    return sightings(buffer, rows, 1, DOMAINS)


def texts(event) -> tuple[str, str, str]:
    raw, out, at = bytes(event["text"]), [], 0
    for name in ("name_size", "rest_size", "agent_size"):
        out.append(raw[at : at + int(event[name])].decode())
        at += int(event[name])
    return tuple(out)


def dns_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(name="www.Example.com", qtype=1, ident=0x1234) -> bytes:
    return struct.pack(">6H", ident, 0x0100, 1, 0, 0, 0) + dns_name(name) + struct.pack(">2H", qtype, 1)


def reply(name="www.Example.com", *addresses: bytes, code=0, qtype=1, ttl=60) -> bytes:
    body = struct.pack(">6H", 0x1234, 0x8180 | code, 1, len(addresses), 0, 0)
    body += dns_name(name) + struct.pack(">2H", qtype, 1)
    for i, address in enumerate(addresses):
        kind = 1 if len(address) == 4 else 28 if len(address) == 16 else 5
        body += b"\xc0\x0c" + struct.pack(">2HIH", kind, 1, ttl + i, len(address)) + address
    return body


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">2H", kind, len(body)) + body


def client_hello(name="portal.Example.gov.cn", alpn=b"h2", versions=(0x5A5A, 0x0304, 0x0303)) -> bytes:
    host = name.encode()
    server_name = struct.pack(">HBH", len(host) + 3, 0, len(host)) + host
    protocols = struct.pack(">HB", len(alpn) + 1, len(alpn)) + alpn
    offered = bytes([2 * len(versions)]) + b"".join(struct.pack(">H", v) for v in versions)
    more = extension(0, server_name) + extension(16, protocols) + extension(43, offered)
    body = b"\x03\x03" + bytes(32) + b"\x04" + bytes(4) + struct.pack(">3H", 4, 0x1301, 0xC02F) + b"\x01\0"
    body += struct.pack(">H", len(more)) + more
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello


def server_hello(version=0x0303, cipher=0xC02F, true_version=None) -> bytes:
    more = b"" if true_version is None else extension(43, struct.pack(">H", true_version))
    body = struct.pack(">H", version) + bytes(32) + b"\0" + struct.pack(">HB", cipher, 0)
    body += struct.pack(">H", len(more)) + more
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack(">H", len(hello)) + hello


def request(target="/", *headers: str, method="GET", body=b"", host="portal.example.gov.cn") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(code=200, body=b"", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {code} Well", *headers]).encode() + b"\r\n\r\n" + body


def basic(account="WangWei", password="secret") -> str:
    return "Authorization: Basic " + base64.b64encode(f"{account}:{password}".encode()).decode()


def smb_set_up(status: int) -> bytes:
    head = b"\xfeSMB" + struct.pack("<2HI2H2IQ2IQ", 64, 0, status, 1, 1, 1, 0, 1, 0, 0, 0) + bytes(16)
    return struct.pack(">I", len(head) + 9) + head + bytes(9)


def bind_answer(code: int) -> bytes:
    return bytes([0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, code, 4, 0, 4, 0])


def kerberos_error(code: int) -> bytes:
    body = bytes([0xA0, 3, 2, 1, 5, 0xA1, 3, 2, 1, 30, 0xA4, 3, 2, 1, 1, 0xA6, 3, 2, 1, code]) + bytes(12)
    return bytes([0x7E, len(body) + 2, 0x30, len(body)]) + body


def identity(first17: str) -> str:
    """A number with the check digit that belongs to it (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first17 + "10X98765432"[sum(int(c) * w for c, w in zip(first17, weights, strict=True)) % 11]


CARD = bytes.fromhex("244bfe1c48a4")


def lease(kind=3, wanted=(10, 1, 0, 105), *, back=False, card=CARD, more=b"") -> bytes:
    """A DHCP message of a client, or, `back`, of its server."""
    given = bytes(wanted) if back else bytes(4)
    head = struct.pack(">4BIHH", 2 if back else 1, 1, 6, 0, 0x1234, 0, 0) + bytes(4) + given + bytes(8)
    options = b"\x63\x82\x53\x63\x35\x01" + bytes([kind])
    options += b"" if back else b"\x32\x04" + bytes(wanted)
    return head + card.ljust(16, b"\0") + bytes(192) + options + more + b"\xff"


#: (payload, server says it, more of `packets`): one of everything that is read.
EVERYTHING = {
    "question": (question(), False, {"ports": (40000, 53), "proto": UDP}),
    "reply": (
        reply("a.b", b"\x01\x02\x03\x04", bytes(16), b"\0"), True, {"ports": (40000, 53), "proto": UDP}
    ),
    "stream question": (len(question()).to_bytes(2, "big") + question(), False, {"ports": (40000, 53)}),
    "client hello": (client_hello(), False, {"ports": (40000, 443)}),
    "server hello": (server_hello(true_version=0x0304), True, {"ports": (40000, 443)}),
    "request": (request("/a?b=%27%20or%201=1", "User-Agent: sqlmap", basic(), body=b"x"), False, {}),
    "response": (response(404, identity("11010519491231002").encode()), True, {}),
    "banner": (b"SSH-2.0-OpenSSH_9.6\r\n", True, {"ports": (40000, 22)}),
    "user": (b"USER Anonymous\r\n", False, {"ports": (40000, 21)}),
    "ftp refused": (b"530 Login incorrect.\r\n", True, {"ports": (40000, 21)}),
    "pop refused": (b"-ERR authentication failed\r\n", True, {"ports": (40000, 110)}),
    "smtp refused": (b"535 5.7.8 Error\r\n", True, {"ports": (40000, 25)}),
    "imap log-in": (b'a1 LOGIN "wang" "x"\r\n', False, {"ports": (40000, 143)}),
    "imap refused": (b"a1 NO [AUTHENTICATIONFAILED] no\r\n", True, {"ports": (40000, 143)}),
    "lease asked for": (lease(), False, {"ports": (68, 67), "proto": UDP}),
    "lease given": (lease(5, back=True), True, {"ports": (68, 67), "proto": UDP}),
    "smb refused": (smb_set_up(0xC000006D), True, {"ports": (40000, 445)}),
    "bind refused": (bind_answer(49), True, {"ports": (40000, 389)}),
    "kerberos refused": (kerberos_error(24), True, {"ports": (40000, 88), "proto": UDP}),
    "mysql refused": (
        b"\x17\0\0\x02\xff\x15\x04#28000Access denied", True, {"ports": (40000, 3306)}
    ),
    "rdp cookie": (
        b"\x03\0\0\x2c\x27\xe0\0\0\0\0\0Cookie: mstshash=wangwei\r\n\x01\0\x08\0\0\0\0\0", False,
        {"ports": (40000, 3389)},
    ),
}  # fmt: skip


def all_of(payload: bytes, back: bool, more: dict, cut=None) -> np.ndarray:
    found = events(payload, back=back, cut=cut, **more)
    assert found.dtype == EVENT
    return found
