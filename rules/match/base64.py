"""Base64 as rules want it: what can be decoded is, up to the first thing that cannot."""

from __future__ import annotations

import base64
import binascii
import re

_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?")
_OTHERS = re.compile(rb"[^A-Za-z0-9+/=]")


def decode(data: bytes, mode: str = "rfc4648") -> bytes:
    """The decoded bytes. `rfc2045` skips what is not of the alphabet, `strict` wants nothing else there."""
    if mode == "rfc2045":
        data = _OTHERS.sub(b"", data)
    elif mode == "strict":
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            return b""
    match = _GROUPS.match(data)
    text = match[0].rstrip(b"=") if match else b""
    if len(text) % 4 == 1:
        text = text[:-1]
    return base64.b64decode(text + b"=" * (-len(text) % 4))
