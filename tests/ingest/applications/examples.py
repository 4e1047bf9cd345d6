# ruff: noqa: E501, PLC3002
"""A short conversation of each protocol: turns of (direction, bytes), ports, and how it is carried."""

from __future__ import annotations

import struct


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


SNI = extension(0, b"\0\x0e\0\0\x0b" + b"example.org")
HELLO = message(
    1,
    b"\3\3" + bytes(range(32)) + b"\0" + b"\0\x06\x0a\x0a\x13\x01\xc0\x2f" + b"\1\0"
    + (lambda e: struct.pack(">H", len(e)) + e)(
        SNI + extension(10, b"\0\4\x1a\x1a\0\x1d") + extension(11, b"\1\0") + extension(16, b"\0\3\2h2")
        + extension(13, b"\0\4\4\3\x08\4") + extension(43, b"\4\3\4\3\3")
    ),
)  # fmt: skip
SERVER_HELLO = message(2, b"\3\3" + bytes(32) + b"\0\xc0\x2f\0" + b"\0\5" + extension(65281, b"\0"))


def dns(flags, name, answers=()):
    head = struct.pack(">6H", 7, flags, 1, len(answers), 0, 0)
    return head + name + b"\0\1\0\1" + b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, len(a)) + a for a in answers
    )  # fmt: skip


NAME = b"\3www\7example\3org\0"
QUESTION, ANSWER = dns(0x0100, NAME), dns(0x8180, NAME, [b"\x0a\0\0\1"])
BIND = bytes.fromhex("05000b03100000004800000001000000b810b8100000000001000000000001") + bytes.fromhex(
    "00578834123412cdabef000123456789ab01000000045d888aeb1cc9119fe808002b10486002000000"
)  # fmt: skip
CALL = bytes.fromhex("0500000310000000200000000200000008000000000005") + b"\0" + b"abcdefgh"
NEGOTIATE = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16s", 64, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, b"") + bytes(36)
PATH = "\\\\fs\\PUBLIC".encode("utf-16-le")


def smb2(command, number, body, flags=0):
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16s", 64, 0, 0, command, 1, flags, 0, number, 0, 0, 9, b"")
    return b"\0" + (len(head) + len(body)).to_bytes(3, "big") + head + body


SMB = [
    (0, smb2(3, 1, struct.pack("<HHHH", 9, 0, 72, len(PATH)) + PATH)),
    (1, smb2(3, 1, b"\x10\0\1\0" + bytes(12), flags=1)),
]
MAIL = (
    b'From: a@example.org\r\nSubject: hello\r\nContent-Type: multipart/mixed; boundary="xx"\r\n\r\n'
    b"--xx\r\nContent-Type: text/plain\r\n\r\nsee http://example.org/x\r\n"
    b'--xx\r\nContent-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    b"aGVsbG8=\r\n--xx--\r\n"
)
KRB = bytes.fromhex("6a3c303aa103020105a20302010aa42e302ca00703050040810010a1123010a003020101a1093007") + (
    bytes.fromhex("1b05616c696365a20d1b0b4558414d504c452e4f5247")
)
DHCP = bytes((1, 1, 6, 0)) + bytes(232) + b"\x63\x82\x53\x63" + b"\x35\1\3\x0c\4host\x33\4\0\0\x0e\x10\xff"
KEX = b"\x14" + bytes(16) + b"".join(
    struct.pack(">I", len(x)) + x for x in (b"kex", b"key", b"c1", b"s1", b"m1", b"n1", b"z1", b"y1")
) + struct.pack(">II", 0, 0)  # fmt: skip
SSH_KEX = struct.pack(">IB", len(KEX) + 1, 0) + KEX


def link(user):
    """A DNP3 frame with checksums."""
    from ingest.applications.dnp3 import checksum

    head = b"\x05\x64" + bytes((5 + len(user), 0xC4)) + b"\1\0\2\0"
    out = head + checksum(head).to_bytes(2, "little")
    for at in range(0, len(user), 16):
        block = user[at : at + 16]
        out += block + checksum(block).to_bytes(2, "little")
    return out


def enip(command, body=b"", session=5, status=0):
    """A message of EtherNet/IP."""
    return struct.pack("<HHII8sI", command, len(body), session, status, b"context", 0) + body


def enip_items(*items, head=bytes(6)):
    """Items of a message: (kind, data)."""
    return (
        head + struct.pack("<H", len(items)) + b"".join(struct.pack("<HH", k, len(d)) + d for k, d in items)
    )


IDENTITY = struct.pack("<H16xHHHBBHIB", 1, 1, 12, 58, 4, 3, 0x30, 0x524D8E, 4) + b"ENBT" + b"\3"


def rpc(xid, procedure, args=b"", version=3, program=100003, udp=False):
    """A call of NFS."""
    message = struct.pack(">10I", xid, 0, 2, program, version, procedure, 0, 0, 0, 0) + args
    return message if udp else struct.pack(">I", 1 << 31 | len(message)) + message


def rpc_answer(xid, result=b"", udp=False):
    """What answers it."""
    message = struct.pack(">6I", xid, 1, 0, 0, 0, 0) + result
    return message if udp else struct.pack(">I", 1 << 31 | len(message)) + message


def opaque(data):
    """Bytes as XDR has them."""
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def pgsql(kind, body):
    """A message of PostgreSQL."""
    return kind + struct.pack(">I", 4 + len(body)) + body


PGSQL_START = struct.pack(">II", 20, 3 << 16) + b"user\0alice\0\0"


def http2(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


# Header blocks as an encoder of others made them: POST /a/b?q=1, GET of the same, and 200.
HTTP2_POST = bytes.fromhex(
    "83864487606c47fe76803f4191e082d9ffac1e474d74157d5b715c79a699668a3a672d8b97c8e9ae82ff7a851cc5a92c076083eb"
    "077f4083f2b0ff823d457e834f83ff"
)  # fmt: skip
HTTP2_GET, HTTP2_OK = bytes.fromhex("82c4c1"), bytes.fromhex("885f87497ca58ae819aa7783f7007f")
HTTP2 = [
    (0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2(4, 0, 0, b"\0\2\0\0\0\0") + http2(8, 0, 0, b"\0\0\1\0")),
    (1, http2(4, 0, 0, b"\0\3\0\0\0\x64") + http2(4, 1, 0)),
    (0, http2(1, 4, 1, HTTP2_POST) + http2(0, 9, 1, b"\2a=1&b=2\0\0")),
    (1, http2(1, 4, 1, HTTP2_OK) + http2(0, 0, 1, b"hel") + http2(0, 1, 1, b"lo")),
    (0, http2(1, 0x21, 3, bytes(4) + b"\x0f" + HTTP2_GET[:1]) + http2(9, 4, 3, HTTP2_GET[1:])),
    (1, http2(3, 0, 3, b"\0\0\0\x08")),
]


QUIC_SALTS = {
    1: ("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", b"quic"),
    0x6B3343CF: ("0dede3def700a6db819381be6e269dcbf9bd2ed9", b"quicv2"),
}


def crypto(at, piece):
    """A CRYPTO frame of QUIC."""
    return b"\6" + struct.pack(">HH", 0x4000 | at, 0x4000 | len(piece)) + piece


def initial(frames, server=False, to=bytes(range(8)), keyed=bytes(range(8)), version=1, token=b"", number=0):
    """A first packet of QUIC, protected by a library; `keyed` is the id that the client chose."""
    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    def expand(secret, label, n):
        info = struct.pack(">HB", n, 6 + len(label)) + b"tls13 " + label + b"\0"
        return HKDFExpand(hashes.SHA256(), n, info).derive(secret)

    salt, name = QUIC_SALTS[version]
    first = hmac.HMAC(bytes.fromhex(salt), hashes.SHA256())
    first.update(keyed)
    secret = expand(first.finalize(), b"server in" if server else b"client in", 32)
    key, iv, header_key = (
        expand(secret, name + b" " + what, n) for what, n in ((b"key", 16), (b"iv", 12), (b"hp", 16))
    )
    frames = frames.ljust(20, b"\0") if server else frames.ljust(1150, b"\0")
    head = (
        bytes((0xC3 if version == 1 else 0xD3,)) + struct.pack(">I", version) + bytes((len(to),)) + to + b"\0"
    )
    head += bytes((len(token),)) + token + struct.pack(">H", 0x4000 | 4 + len(frames) + 16)
    nonce = iv[:8] + bytes(a ^ b for a, b in zip(iv[8:], struct.pack(">I", number), strict=True))
    body = AESGCM(key).encrypt(nonce, frames, head + struct.pack(">I", number))
    mask = Cipher(algorithms.AES(header_key), modes.ECB()).encryptor().update(body[:16])
    number = bytes(a ^ b for a, b in zip(struct.pack(">I", number), mask[1:5], strict=True))
    return bytes((head[0] ^ mask[0] & 15,)) + head[1:] + number + body


def examples():
    """Turns, ports and carrier by protocol."""
    tcp, udp = "tcp", "udp"
    return {
        "http": (
            [
                (0, b"GET /a/../b%20c?q=%41 HTTP/1.1\r\nHost: Example.ORG:80\r\nCookie: k=v\r\n\r\n"),
                (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: x\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            ], (4000, 80), tcp,
        ),
        "http2": (HTTP2, (4000, 80), tcp),
        "websocket": (
            [(0, b"\x81\x85\1\2\3\4" + bytes(a ^ b for a, b in zip(b"hello", b"\1\2\3\4\1", strict=True))),
             (1, b"\x02\x7e\x01\x2c" + b"x" * 300 + b"\x89\0")], (4000, 80), tcp,
        ),
        "tls": (
            [(0, record(22, HELLO)), (1, record(22, SERVER_HELLO)), (0, record(20, b"\1")), (1, record(20, b"\1"))],
            (4000, 443), tcp,
        ),
        "dns": ([(0, QUESTION), (1, ANSWER)], (4000, 53), udp),
        "ssh": (
            [(1, b"SSH-2.0-OpenSSH_9.0 x\r\n"), (0, b"SSH-2.0-client\r\n"), (0, SSH_KEX), (1, SSH_KEX)],
            (4000, 22), tcp,
        ),
        "smb": (SMB, (4000, 445), tcp),
        "dcerpc": ([(0, BIND), (0, CALL)], (4000, 135), tcp),
        "smtp": (
            [
                (1, b"220 mx ESMTP\r\n"), (0, b"EHLO me\r\n"), (1, b"250 ok\r\n"), (0, b"MAIL FROM:<a@b>\r\n"),
                (1, b"250 ok\r\n"), (0, b"RCPT TO:<c@d>\r\n"), (1, b"250 ok\r\n"), (0, b"DATA\r\n"),
                (1, b"354 go\r\n"), (0, MAIL + b".\r\n"), (1, b"250 done\r\n"),
            ], (4000, 25), tcp,
        ),
        "ftp": (
            [
                (1, b"220 hi\r\n"), (0, b"USER bob\r\n"), (1, b"331 word?\r\n"), (0, b"PASV\r\n"),
                (1, b"227 (10,0,0,2,82,9)\r\n"), (0, b"RETR a.txt\r\n"), (1, b"150 wait\r\n"), (1, b"226 done\r\n"),
            ], (4000, 21), tcp,
        ),
        "sip": (
            [(0, b"INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <sip:c@d>\r\nl: 4\r\n\r\nv=0\n"),
             (1, b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")], (5060, 5060), udp,
        ),
        "mqtt": (
            [(0, b"\x10\x15\0\4MQTT\4\xc2\0\x3c\0\1c\0\1u\0\3pwd"), (1, b"\x20\2\0\0"), (0, b"\x30\7\0\3a/bhi")],
            (4000, 1883), tcp,
        ),
        "rfb": (
            [
                (1, b"RFB 003.008\n"), (0, b"RFB 003.008\n"), (1, b"\1\1"), (0, b"\1"), (1, b"\0\0\0\0"), (0, b"\1"),
                (1, bytes(23) + b"\4desk"),
            ], (4000, 5900), tcp,
        ),
        "rdp": (
            [(0, b"\3\0\0\x27\x22\xe0\0\0\0\0\0Cookie: mstshash=bob\r\n\1\0"), (1, b"\3\0\0\x0b\6\xd0\0\0\0\0\0")],
            (4000, 3389), tcp,
        ),
        "modbus": (
            [(0, b"\0\1\0\0\0\6\1\3\0\x10\0\2"), (1, b"\0\1\0\0\0\7\1\3\4\0\1\0\2")], (4000, 502), tcp,
        ),
        "dnp3": ([(0, link(b"\xc0\xc0\1\x3c\2\6"))], (4000, 20000), tcp),
        "iec104": ([(0, b"\x68\x0e\0\0\0\0\x64\1\6\0\1\0\0\0\0\x14")], (4000, 2404), tcp),
        "krb5": ([(0, KRB)], (4000, 88), udp),
        "enip": (
            [
                (0, enip(0x65, b"\1\0\0\0", session=0)), (1, enip(0x65, b"\1\0\0\0")),
                (0, enip(0x63)), (1, enip(0x63, enip_items((0x0C, IDENTITY), head=b""))),
                (0, enip(0x6F, enip_items((0, b""), (0xB2, b"\x0e\3\x20\1\x24\1\x30\5")))),
                (1, enip(0x6F, enip_items((0, b""), (0xB2, b"\x8e\0\5\2\1\2\7")))),
            ], (4000, 44818), tcp,
        ),
        "nfs": (
            [
                (0, rpc(1, 3, opaque(b"root") + opaque(b"a.txt"))),
                (1, rpc_answer(1, bytes(4) + opaque(b"file") + bytes(8))),
                (0, rpc(2, 7, opaque(b"file") + struct.pack(">QII", 0, 5, 2) + opaque(b"hello"))),
                (1, rpc_answer(2, bytes(4))),
                (0, rpc(3, 6, opaque(b"file") + struct.pack(">QI", 0, 100))),
                (1, rpc_answer(3, struct.pack(">IIII", 0, 0, 5, 1) + opaque(b"hello"))),
            ], (900, 2049), tcp,
        ),
        "pgsql": (
            [
                (0, struct.pack(">II", 8, 80877103)), (1, b"N"), (0, PGSQL_START), (1, pgsql(b"R", bytes(4))),
                (1, pgsql(b"Z", b"I")), (0, pgsql(b"Q", b"select 1\0")), (1, pgsql(b"C", b"SELECT 1\0") + pgsql(b"Z", b"I")),
                (0, pgsql(b"X", b"")),
            ], (4000, 5432), tcp,
        ),
        "pop3": (
            [
                (1, b"+OK ready\r\n"), (0, b"USER bob\r\n"), (1, b"+OK\r\n"), (0, b"PASS word\r\n"), (1, b"+OK in\r\n"),
                (0, b"RETR 1\r\n"), (1, b"+OK 10 octets\r\nSubject: x\r\n\r\n+OK no answer\r\n.\r\n"), (0, b"QUIT\r\n"), (1, b"+OK\r\n"),
            ], (4000, 110), tcp,
        ),
        "imap": (
            [
                (1, b"* OK ready\r\n"), (0, b"a1 LOGIN bob {4}\r\n"), (1, b"+ go on\r\n"), (0, b"word\r\n"),
                (1, b"a1 OK in\r\n"), (0, b"a2 LOGOUT\r\n"), (1, b"* BYE\r\na2 OK\r\n"),
            ], (4000, 143), tcp,
        ),
        "telnet": ([(1, b"\xff\xfd\x18login: "), (0, b"root\r\n")], (4000, 23), tcp),
        "tftp": ([(0, b"\0\1boot.cfg\0octet\0")], (4000, 69), udp),
        "mdns": ([(0, dns(0, b"\5_http\4_tcp\5local\0"))], (5353, 5353), udp),
        "ldap": (
            [(0, b"\x30\x10\2\1\1\x60\x0b\2\1\3\4\4cn=a\x80\0"), (1, b"\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0")],
            (4000, 389), tcp,
        ),
        "snmp": (
            [(0, b"\x30\x26\2\1\1\4\6public\xa0\x19\2\1\1\2\1\0\2\1\0\x30\x0e\x30\x0c\6\x08\x2b\6\1\2\1\1\1\0\5\0")],
            (4000, 161), udp,
        ),
        "dhcp": ([(0, DHCP)], (68, 67), udp),
        "quic": (
            [(0, initial(crypto(0, HELLO))), (1, initial(crypto(0, SERVER_HELLO), server=True, to=b"")),
             (0, b"\x40" + bytes(40))], (4000, 443), udp,
        ),
        "ike": (
            [(0, bytes.fromhex("1111111111111111 0000000000000000 0d 10 02 00 00000000 00000024 00000008 76656e64")),
             (1, bytes.fromhex("1111111111111111 2222222222222222 00 10 05 00 00000000 0000001c"))],
            (500, 500), udp,
        ),
        "ntp": ([(0, b"\x23" + bytes(47)), (1, b"\x24\2" + bytes(10) + b"LOCL" + bytes(32))], (123, 123), udp),
    }  # fmt: skip
