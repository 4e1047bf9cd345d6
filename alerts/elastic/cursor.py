"""Where a page ended: a point in time on the server, and the last alert's place in the order."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

from citywall.errors import StoreError

#: How long a page may be read before the next is asked for.
KEEP = "5m"
_MARK = "p"
_FORM = re.compile(r"p[A-Za-z0-9_-]+")


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The server's point in time, and time (ns) and id of the last alert told."""

    pit: str
    time: int
    id: str

    def written(self) -> str:
        """The cursor as text, for `after`."""
        return _MARK + base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def read(text: str) -> Cursor:
    """The cursor of a text; raises StoreError for one that no page gave."""
    try:
        if _FORM.fullmatch(text) is None:
            raise ValueError
        packed = text[1:] + "=" * (-len(text[1:]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(packed), type=Cursor)
    except (ValueError, binascii.Error, msgspec.DecodeError) as e:
        raise made_up(text) from e


def made_up(text: str) -> StoreError:
    """The error for a cursor that no page gave."""
    return StoreError(f"{text[:80]!r} does not come from an earlier page")


def expired() -> StoreError:
    """The error for a cursor whose point in time is gone."""
    return StoreError(f"this page is older than {KEEP.removesuffix('m')} minutes: search again")
