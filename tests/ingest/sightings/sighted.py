"""Payloads as packets, and messages of many protocols made by hand."""

from __future__ import annotations

import base64
import struct
import uuid

import numpy as np

from citywall.batches import EVENT, PACKET, TCP, TRANSPORT, UDP
from citywall.domains import Domains, DomainSettings
from ingest.capture import decode_block, open_capture
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


def seen_in(path, batch=4096, domains=DOMAINS) -> np.ndarray:
    """What is seen in a capture."""
    found = []
    with open_capture(path) as capture:
        for block in capture.blocks(1 << 20):
            frame = block.first_frame
            for rows in decode_block(block, capture.buffer, batch):
                found.append(sightings(capture.buffer, rows, frame, domains))
                frame += len(rows)
    return np.concatenate(found)


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


# --- NTLM, Kerberos, remote procedures, DHCPv6 ---


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def ntlm(account="WangWei", realm="CITY", station="PC-9") -> bytes:
    """An AUTHENTICATE message (MS-NLMP 2.2.1.3)."""
    pieces = [b"", bytes(24), wide(realm), wide(account), wide(station), b""]
    at, fields = 88, b""
    for piece in pieces:
        fields += struct.pack("<HHI", len(piece), len(piece), at)
        at += len(piece)
    return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 1) + bytes(24) + b"".join(pieces)


def smb_asks(command: int, body: bytes) -> bytes:
    head = b"\xfeSMB" + struct.pack("<2HI2H2IQ2IQ", 64, 0, 0, command, 1, 0, 0, 1, 0, 0, 0) + bytes(16)
    return struct.pack(">I", len(head) + len(body)) + head + body


def smb_session(token: bytes) -> bytes:
    return smb_asks(1, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token)


def smb_tree(path: str) -> bytes:
    return smb_asks(3, struct.pack("<HHHH", 9, 0, 72, len(wide(path))) + wide(path))


def smb_create(name: str) -> bytes:
    body = struct.pack("<HBBIQQIIIII", 57, 0, 0, 2, 0, 0, 3, 0, 3, 1, 0)
    return smb_asks(5, body + struct.pack("<HHII", 120, len(wide(name)), 0, 0) + wide(name))


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    return bytes([tag, 0x82]) + struct.pack(">H", size) + body


def integer(value: int) -> bytes:
    return der(2, bytes([value]))


def named(*parts: str) -> bytes:
    strings = der(0x30, *(der(0x1B, part.encode()) for part in parts))
    return der(0x30, der(0xA0, integer(1)), der(0xA1, strings))


def sealed(cipher: int, size=60) -> bytes:
    return der(0x30, der(0xA0, integer(cipher)), der(0xA2, der(4, bytes(size))))


def as_request(account="WangWei", proof=18, offers=(18, 17, 23)) -> bytes:
    """RFC 4120 §5.4.1, with a time stamp that proves the account."""
    pac = der(0x30, der(0xA1, der(2, b"\0\x80")), der(0xA2, der(4, b"\x30\x05\xa0\x03\x01\x01\xff")))
    stamp = der(0x30, der(0xA1, integer(2)), der(0xA2, der(4, sealed(proof)))) if proof else b""
    body = der(
        0x30, der(0xA0, der(3, bytes(5))), der(0xA1, named(account)), der(0xA2, der(0x1B, b"CITY.GOV")),
        der(0xA3, named("krbtgt", "CITY.GOV")), der(0xA7, integer(9)),
        der(0xA8, der(0x30, *map(integer, offers))),
    )  # fmt: skip
    parts = der(0xA1, integer(5)), der(0xA2, integer(10)), der(0xA3, der(0x30, stamp, pac)), der(0xA4, body)
    return der(0x6A, der(0x30, *parts))


def ticket(account="WangWei", service=("cifs", "Files"), cipher=18) -> bytes:
    """RFC 4120 §5.4.2: an answer with a ticket for a service."""
    inner = der(0x30, der(0xA0, integer(5)), der(0xA1, der(0x1B, b"CITY")), der(0xA2, named(*service)),
                der(0xA3, sealed(cipher, 300)))  # fmt: skip
    parts = (der(0xA0, integer(5)), der(0xA1, integer(13)), der(0xA3, der(0x1B, b"CITY")),
             der(0xA4, named(account)), der(0xA5, der(0x61, inner)), der(0xA6, sealed(18)))  # fmt: skip
    return der(0x6D, der(0x30, *parts))


def pdu(kind: int, body: bytes, *, sealed_by=16, flags=3) -> bytes:
    """A PDU of DCE/RPC, little-endian."""
    size = 16 + len(body) + sealed_by
    head = struct.pack("<BBBB4sHHI", 5, 0, kind, flags, b"\x10\0\0\0", size, sealed_by, 7)
    return head + body + bytes(sealed_by)


DRSUAPI, SVCCTL = "e3514235-4b06-11d1-ab04-00c04fc2dcd2", "367abb81-9844-35f1-ad32-98f038001003"
NDR = "8a885d04-1ceb-11c9-9fe8-08002b104860"


def rpc_bind(*interfaces: str, kind=11) -> bytes:
    body = struct.pack("<HHIBBH", 5840, 5840, 0, len(interfaces), 0, 0)
    for i, interface in enumerate(interfaces):
        body += struct.pack("<HBB", i, 1, 0) + uuid.UUID(interface).bytes_le + struct.pack("<I", 4)
        body += uuid.UUID(NDR).bytes_le + struct.pack("<I", 2)
    return pdu(kind, body)


def rpc_call(number: int, stub=b"\0" * 40, **more) -> bytes:
    return pdu(0, struct.pack("<IHH", len(stub), 0, number) + stub, **more)


def rpc_map(interface=DRSUAPI) -> bytes:
    tower = b"\x05\0\x13\0\x0d" + uuid.UUID(interface).bytes_le + b"\x04\0\x02\0\0\0"
    return rpc_call(3, bytes(36) + tower + bytes(40), sealed_by=0)


DUID = bytes.fromhex("000100012b0cd5e0244bfe1c48a4")


def lease6(kind=3, *, duid=DUID, address=b"\xfd" + bytes(14) + b"\x69", servers=b"", host="PC-0042") -> bytes:
    """A DHCPv6 message (RFC 8415)."""

    def option(code: int, body: bytes) -> bytes:
        return struct.pack(">HH", code, len(body)) + body

    parts = bytes([kind, 1, 2, 3]) + option(8, b"\0\0") + option(1, duid)
    parts += option(3, bytes(12) + option(5, address + bytes(8)))
    parts += option(23, servers) if servers else b""
    return parts + option(39, b"\0" + bytes([len(host)]) + host.encode() + b"\4city\0")


RPC, FILES, TICKETS = {"ports": (40000, 49667)}, {"ports": (40000, 445)}, {"ports": (40000, 88)}
SIX = {"ports": (546, 547), "proto": UDP}


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
    "smb log-in": (smb_session(b"\x60\x10" + ntlm()), False, FILES),
    "share": (smb_tree("\\\\files\\ADMIN$"), False, FILES),
    "pipe": (smb_create("svcctl"), False, FILES),
    "ticket asked for": (as_request(), False, {**TICKETS, "proto": UDP}),
    "ticket": (len(ticket()).to_bytes(4, "big") + ticket(), True, TICKETS),
    "bind": (rpc_bind(NDR, DRSUAPI), False, RPC),
    "call": (rpc_call(3), False, RPC),
    "mapper": (rpc_map(), False, {"ports": (40000, 135)}),
    "rpc log-in": (pdu(16, bytes(4) + bytes(8) + ntlm()), False, RPC),
    "lease of IPv6": (lease6(), False, SIX),
    "lease of IPv6 given": (lease6(7, servers=bytes(16)), True, SIX),
}  # fmt: skip


def all_of(payload: bytes, back: bool, more: dict, cut=None) -> np.ndarray:
    found = events(payload, back=back, cut=cut, **more)
    assert found.dtype == EVENT
    return found
