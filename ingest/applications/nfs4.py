"""Operations of NFS 4 (RFC 7530, 8881) in a COMPOUND, as far as they tell of files and what is in them."""

from __future__ import annotations

from typing import NamedTuple

from ingest.applications.xdr import Short, Xdr

ACCESS, CLOSE, COMMIT, CREATE, GETATTR, GETFH, LOOKUP, OPEN, PUTFH, PUTROOTFH = (
    3,
    4,
    5,
    6,
    9,
    10,
    15,
    18,
    22,
    24,
)
READ, REMOVE, RENEW, RESTOREFH, SAVEFH, WRITE, SEQUENCE = 25, 28, 30, 31, 32, 38, 53
#: Operations whose arguments have one size, and the bytes of it.
_SIZES = {
    ACCESS: 4, CLOSE: 20, COMMIT: 12, GETFH: 0, PUTROOTFH: 0, RENEW: 8, RESTOREFH: 0, SAVEFH: 0, SEQUENCE: 32,
}  # fmt: skip
#: The same of answers that went well, behind their status.
_ANSWERS = {ACCESS: 8, LOOKUP: 0, PUTFH: 0, PUTROOTFH: 0, RESTOREFH: 0, SAVEFH: 0, SEQUENCE: 36}
_MOST_OPERATIONS = 64
#: A handle is at most this (RFC 7530 §2.1), a name no longer than file systems have them.
MOST_HANDLE, MOST_NAME = 128, 1024


class Operation(NamedTuple):
    """One that is told: its file, a name, bytes, where these stand in the file, whether they end it."""

    code: int
    handle: bytes
    name: bytes = b""
    data: bytes = b""
    offset: int = 0
    last: bool = False


def asked(args: Xdr) -> list[Operation]:
    """What a COMPOUND asks for, up to the first operation that is unknown here or cut off."""
    found: list[Operation] = []
    handle = b""
    try:
        args.opaque()  # a tag
        args.skip(4)  # minor version
        for _ in range(min(args.number(), _MOST_OPERATIONS)):
            code = args.number()
            if code == PUTFH:
                handle = args.opaque(MOST_HANDLE)
            elif code in _SIZES:
                args.skip(_SIZES[code])
                found += [Operation(code, handle)] if code in (CLOSE, COMMIT) else []
            elif (operation := _asked(code, handle, args)) is not None:
                found.append(operation)
            elif code != GETATTR:
                break
    except Short:
        pass
    return found


def _asked(code: int, handle: bytes, args: Xdr) -> Operation | None:
    if code == GETATTR:
        args.words()
    elif code in (LOOKUP, REMOVE):
        return Operation(code, handle, args.opaque(MOST_NAME))
    elif code == READ:
        args.skip(16)
        offset = args.number(8)
        args.skip(4)
        return Operation(code, handle, offset=offset)
    elif code == WRITE:
        args.skip(16)
        offset, stable = args.number(8), args.number()
        return Operation(code, handle, b"", args.opaque(), offset, last=stable == 2)
    elif code == CREATE:
        kind = args.number()
        if kind == 5:  # a link says where it leads
            args.opaque()
        elif kind in (3, 4):
            args.skip(8)
        name = args.opaque(MOST_NAME)
        _attributes(args)
        return Operation(code, handle, name)
    elif code == OPEN:
        return Operation(code, handle, _opened(args))
    return None


def _attributes(args: Xdr) -> None:
    args.words()
    args.opaque()


def _opened(args: Xdr) -> bytes:
    """The name that an OPEN gives, where it gives one."""
    args.skip(20)  # sequence, access, deny, client
    args.opaque()
    if args.number() == 1:
        how = args.number()
        if how in (2, 3):
            args.skip(8)
        if how != 2:
            _attributes(args)
    return args.opaque(MOST_NAME) if args.number() == 0 else b""


def answered(args: Xdr) -> Operation | None:
    """The bytes that a COMPOUND read, or the handle it gave for a name, where all before is known here."""
    try:
        args.skip(4)
        args.opaque()
        for _ in range(min(args.number(), _MOST_OPERATIONS)):
            code, status = args.number(), args.number()
            if status:
                return None
            if code == READ:
                last = args.number() == 1
                return Operation(code, b"", b"", args.opaque(), last=last)
            if code == GETFH:
                return Operation(code, args.opaque(MOST_HANDLE))
            if code == OPEN:
                args.skip(40)
                args.words()
                if args.number():  # a delegation
                    return None
            elif code in _ANSWERS:
                args.skip(_ANSWERS[code])
            else:
                return None
    except Short:
        pass
    return None
