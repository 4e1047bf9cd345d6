"""Units of SMB: messages of NetBIOS sessions, and the heads and bodies of the SMB messages in them."""

from __future__ import annotations

from ingest.applications.parser import StreamParser

#: Bytes of heads: of version 1 (MS-CIFS §2.2.3.1), 2 (MS-SMB2 §2.2.1), and of what is encrypted (§2.2.41).
_HEAD1, _HEAD2, _HEAD3 = 32, 64, 52


def tell(parser: StreamParser, d: int, frame: int, message: bytes) -> None:
    """The units of one message with its NetBIOS head, in the direction that it went."""
    parser.unit("smb.nbss.pdu", d, frame, message)
    parser.unit("smb.nbss.hdr", d, frame, message[:4])
    data = message[4:]
    if data:
        parser.unit("smb.nbss.data", d, frame, data)
    if message[0]:
        return
    if data[:4] == b"\xffSMB" and len(data) >= _HEAD1:
        _message(parser, "smb.smb1", d, frame, data, _HEAD1)
        return
    at, kind = 0, data[:4]
    while len(data) - at >= _HEAD3 and data[at : at + 4] == kind:
        if kind == b"\xfeSMB" and len(data) - at >= _HEAD2:
            head = int.from_bytes(data[at + 4 : at + 6], "little")
            after = int.from_bytes(data[at + 20 : at + 24], "little")
            end = at + _HEAD2 + after - head if after > head else len(data)
            name = "smb.smb2"
        elif kind == b"\xfdSMB":
            head, end = _HEAD3, at + _HEAD3 + int.from_bytes(data[at + 36 : at + 40], "little")
            name = "smb.smb3"
        else:
            return
        if end > len(data):
            return
        _message(parser, name, d, frame, data[at:end], head)
        at = end


def _message(parser: StreamParser, name: str, d: int, frame: int, data: bytes, head: int) -> None:
    parser.unit(f"{name}.pdu", d, frame, data)
    if head:
        parser.unit(f"{name}.hdr", d, frame, data[:head])
    if len(data) > head:
        parser.unit(f"{name}.data", d, frame, data[head:])
