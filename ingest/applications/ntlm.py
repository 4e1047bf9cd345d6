"""NTLM's third message (MS-NLMP §2.2.1.3): who logs in, from which domain."""

from __future__ import annotations

from ingest.applications.parser import Transaction

_SIGNATURE = b"NTLMSSP\0\3\0\0\0"


def put(transaction: Transaction, direction: int, frame: int, token: bytes) -> None:
    """Where a security token holds the message, its domain and user become buffers."""
    start = token.find(_SIGNATURE)
    if start < 0 or start + 64 > len(token):
        return
    message = token[start:]
    unicode = int.from_bytes(message[60:64], "little") & 1
    for at, kind in ((28, "smb.ntlmssp_domain"), (36, "smb.ntlmssp_user")):
        length = int.from_bytes(message[at : at + 2], "little")
        offset = int.from_bytes(message[at + 4 : at + 8], "little")
        value = message[offset : offset + length]
        if len(value) == length:
            transaction.put(
                kind, direction, frame, value.decode("utf-16-le", "replace").encode() if unicode else value
            )
