"""NTLM, Kerberos' tickets and remote procedures: who logs in as whom, by what, and what is called.

NTLM (MS-NLMP) in the set-up of SMB sessions and in DCE/RPC; requests for tickets and tickets (RFC 4120) as
far as their clear part goes; binds and numbers of calls of DCE/RPC, which stand in clear even where calls
are sealed; shares of administration and pipes of services opened over SMB 2 (MS-SMB2). A message is read as
far as its first packet has it.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import (
    MIX1,
    helper,
    internal,
    load_be64,
    load_le16,
    load_le32,
    mix64,
)

U8 = np.uint64

# citywall.batches, whose values kernels must freeze
_NTLM_LOGON, _TICKET_ASKED, _TICKET_GIVEN, _CALLS_BOUND, _CALL_MADE, _SHARE_OPENED = 40, 41, 42, 43, 44, 45
_BY_BIND, _BY_MAPPER, _BY_PIPE = 1, 2, 3
_REPLICATION, _SERVICES, _TASKS, _REGISTRY, _OBJECTS = 1, 2, 3, 4, 5
_AES_OFFERED, _RC4_OFFERED = 1, 2

_NTLMSSP = U8(0x4E544C4D53535000)
_ACCOUNT, _REALM, _STATION = 64, 64, 32  # bytes of text of each
_WALK = 16  # fields of a structure that are looked at
_MAPPER = 135

# interfaces by the first eight bytes of their UUID as they travel (little-endian)
_DRSUAPI = U8(0x354251E3064BD111)
_SVCCTL = U8(0x81BB7A364498F135)
_ATSVC = U8(0x8206F71F510AE830)
_ITASK = U8(0x4959D386C9834040)
_WINREG = U8(0x01D08C334422F131)
_ACTIVATOR = U8(0xA001000000000000)
# pipes by their names in UTF-16
_PIPE_SVCCTL, _PIPE_ATSVC, _PIPE_WINREG = U8(0x73766363746C), U8(0x6174737663), U8(0x77696E726567)


@internal
def small(c):
    """A letter in lower case."""
    if 65 <= c <= 90:
        return c + 32
    return np.int64(c)


@internal
def plain_byte(c):
    """A byte as it may stand in a text."""
    if 32 <= c < 127:
        return np.uint8(c)
    return np.uint8(63)


@helper
def wide_text(buffer, at, size, raw, k, to, most):
    """Copy UTF-16 text into a row in lower case: (how many bytes, digest of the whole)."""
    h = MIX1
    n = np.int64(0)
    for j in range(size // 2):
        low, high = np.int64(buffer[at + 2 * j]), np.int64(buffer[at + 2 * j + 1])
        c = small(low) if high == 0 else low
        h = (h ^ U8(c)) * U8(0x100000001B3)
        if high != 0:
            h = (h ^ U8(high)) * U8(0x100000001B3)
        if n < most:
            raw[k, to + n] = plain_byte(c if high == 0 else np.int64(63))
            n += 1
    return n, mix64(h)


@helper
def narrow_text(buffer, at, end, raw, k, to, most):
    """The same of text of single bytes."""
    h = MIX1
    n = np.int64(0)
    for j in range(at, end):
        c = small(np.int64(buffer[j]))
        h = (h ^ U8(c)) * U8(0x100000001B3)
        if n < most:
            raw[k, to + n] = plain_byte(c)
            n += 1
    return n, mix64(h)


# --- NTLM --------------------------------------------------------------------------------------------------


@helper
def ntlm_in(buffer, at, end):
    """Where a message that proves an account begins, -1 where there is none."""
    for i in range(at, min(end - 64, at + 512)):
        if buffer[i] == 78 and load_be64(buffer, i) == _NTLMSSP and load_le32(buffer, i + 8) == 3:
            return np.int64(i)
    return np.int64(-1)


@internal
def field(buffer, message, where, end):
    """A field of an NTLM message: (its place, its size), size -1 where it reaches out."""
    size = np.int64(load_le16(buffer, message + where))
    at = message + np.int64(load_le32(buffer, message + where + 4))
    if size > 512 or at > end or at + size > end:
        return message, np.int64(-1)
    return at, size


@helper
def read_ntlm(buffer, message, end, service, raw, k, e):
    """Account, domain and workstation of an NTLM log-in; false where it is nobody's."""
    if np.int64(load_le32(buffer, message + 60)) & 1 == 0:
        return False  # not Unicode: no system of this century
    account, account_size = field(buffer, message, 36, end)
    realm, realm_size = field(buffer, message, 28, end)
    station, station_size = field(buffer, message, 44, end)
    if account_size <= 0 or realm_size < 0 or station_size < 0:
        return False
    n, digest = wide_text(buffer, account, account_size, raw, k, 0, _ACCOUNT)
    rest, _ = wide_text(buffer, realm, realm_size, raw, k, n, _REALM)
    agent, by = wide_text(buffer, station, station_size, raw, k, n + rest, _STATION)
    e["kind"] = _NTLM_LOGON
    e["type"] = service
    e["name_size"], e["rest_size"], e["agent_size"] = n, rest, agent
    e["digest"] = digest
    e["answers"] = by if station_size > 0 else U8(0)
    return True


# --- Kerberos ----------------------------------------------------------------------------------------------


@internal
def inside(buffer, at, end):
    """The content of the DER element at `at`: (where it begins, where it ends), -1 where it is none."""
    if at < 0 or at + 2 > end:
        return np.int64(-1), np.int64(-1)
    size = np.int64(buffer[at + 1])
    at += 2
    if size > 127:
        count = size & 127
        if count == 0 or count > 4 or at + count > end:
            return np.int64(-1), np.int64(-1)
        size = np.int64(0)
        for j in range(count):
            size = (size << 8) | np.int64(buffer[at + j])
        at += count
    return at, at + size


@helper
def child(buffer, at, end, tag):
    """The content of the first element with a tag among those from `at`, no further than `end`."""
    for _ in range(_WALK):
        begin, stop = inside(buffer, at, end)
        if begin < 0:
            break
        if buffer[at] == tag:
            return begin, min(stop, end)
        at = stop
    return np.int64(-1), np.int64(-1)


@helper
def number_at(buffer, at, end):
    """A small INTEGER, 0 where there is none or it is negative."""
    if at < 0 or at + 3 > end or buffer[at] != 2 or buffer[at + 1] != 1 or buffer[at + 2] > 127:
        return np.int64(0)
    return np.int64(buffer[at + 2])


@helper
def strings_of(buffer, at, end):
    """Where the strings of a PrincipalName stand, as one SEQUENCE's content."""
    begin, stop = child(buffer, at, end, 0x30)
    begin, stop = child(buffer, begin, stop, 0xA1)
    return child(buffer, begin, stop, 0x30)


@helper
def principal(buffer, at, end, raw, k, to, most):
    """A PrincipalName as text, its parts behind strokes: (how many bytes, digest)."""
    begin, stop = strings_of(buffer, at, end)
    h = MIX1
    n = np.int64(0)
    if begin >= 0:
        for part in range(4):
            at, until = inside(buffer, begin, stop)
            if at < 0:
                break
            if part > 0:
                h = (h ^ U8(47)) * U8(0x100000001B3)
                if n < most:
                    raw[k, to + n] = 47
                    n += 1
            for j in range(at, min(until, stop)):
                c = small(np.int64(buffer[j]))
                h = (h ^ U8(c)) * U8(0x100000001B3)
                if n < most:
                    raw[k, to + n] = plain_byte(c)
                    n += 1
            begin = until
    return n, mix64(h)


@helper
def proof_of(buffer, at, end):
    """The cipher of the time stamp that proves an account in a request's padata, 0 for none."""
    begin, stop = child(buffer, at, end, 0x30)
    for _ in range(8):
        at, until = inside(buffer, begin, stop)
        if at < 0:
            break
        until = min(until, stop)
        which, _ = child(buffer, at, until, 0xA1)
        if number_at(buffer, which, until) == 2:  # PA-ENC-TIMESTAMP
            value, last = child(buffer, at, until, 0xA2)
            value, last = child(buffer, value, last, 0x04)
            value, last = child(buffer, value, last, 0x30)
            value, last = child(buffer, value, last, 0xA0)
            return number_at(buffer, value, last)
        begin = until
    return np.int64(0)


@helper
def offered_in(buffer, at, end):
    """Which ciphers a request offers: bits of AES and RC4."""
    begin, stop = child(buffer, at, end, 0x30)
    offered = np.int64(0)
    for _ in range(_WALK):
        cipher = number_at(buffer, begin, stop)
        if cipher == 17 or cipher == 18:
            offered |= _AES_OFFERED
        elif cipher == 23:
            offered |= _RC4_OFFERED
        at, begin = inside(buffer, begin, stop)
        if at < 0:
            break
    return offered


@helper
def read_asked(buffer, at, end, raw, k, e):
    """A request for the first ticket (AS-REQ): for whom, and proved with which cipher."""
    begin, stop = inside(buffer, at, end)
    begin, stop = child(buffer, begin, min(stop, end), 0x30)
    if begin < 0:
        return False
    body, until = child(buffer, begin, stop, 0xA4)
    body, until = child(buffer, body, until, 0x30)
    name, last = child(buffer, body, until, 0xA1)
    if name < 0:
        return False
    n, digest = principal(buffer, name, last, raw, k, 0, _ACCOUNT)
    realm, last = child(buffer, body, until, 0xA2)
    realm, last = child(buffer, realm, last, 0x1B)
    rest, _ = narrow_text(buffer, realm, last, raw, k, n, _REALM)
    e["name_size"], e["rest_size"] = n, rest
    e["digest"] = digest
    ciphers, last = child(buffer, body, until, 0xA8)
    e["code"] = offered_in(buffer, ciphers, last)
    proof, last = child(buffer, begin, stop, 0xA3)
    e["type"] = proof_of(buffer, proof, last) if proof >= 0 else 0
    e["kind"] = _TICKET_ASKED
    return n > 0


@helper
def read_given(buffer, at, end, raw, k, e):
    """A ticket for a service (TGS-REP): whose, for which, and sealed with which cipher."""
    begin, stop = inside(buffer, at, end)
    begin, stop = child(buffer, begin, min(stop, end), 0x30)
    name, last = child(buffer, begin, stop, 0xA4)
    ticket, until = child(buffer, begin, stop, 0xA5)
    ticket, until = child(buffer, ticket, until, 0x61)
    ticket, until = child(buffer, ticket, until, 0x30)
    if name < 0 or ticket < 0:
        return False
    n, e["digest"] = principal(buffer, name, last, raw, k, 0, _ACCOUNT)
    service, last = child(buffer, ticket, until, 0xA2)
    rest, e["answers"] = principal(buffer, service, last, raw, k, n, _REALM)
    e["name_size"], e["rest_size"] = n, rest
    sealed, last = child(buffer, ticket, until, 0xA3)
    sealed, last = child(buffer, sealed, last, 0x30)
    sealed, last = child(buffer, sealed, last, 0xA0)
    e["type"] = number_at(buffer, sealed, last)
    e["kind"] = _TICKET_GIVEN
    return e["type"] != 0


@helper
def read_tickets(buffer, at, end, stream, raw, k, e):
    """A request for a first ticket, or a ticket for a service."""
    if stream:
        at += 4
    if at + 16 > end:
        return False
    if buffer[at] == 0x6A:
        return read_asked(buffer, at, end, raw, k, e)
    return read_given(buffer, at, end, raw, k, e) if buffer[at] == 0x6D else False


# --- remote procedures -------------------------------------------------------------------------------------


@internal
def interface_at(buffer, at):
    """Which interface that matters here a UUID names, 0 for another."""
    first = load_be64(buffer, at)
    if first == _DRSUAPI:
        return _REPLICATION
    if first == _SVCCTL:
        return _SERVICES
    if first == _ATSVC or first == _ITASK:
        return _TASKS
    if first == _WINREG:
        return _REGISTRY
    return _OBJECTS if first == _ACTIVATOR else 0


@internal
def bound(what, by, e):
    """Somebody wants to call an interface."""
    e["kind"] = _CALLS_BOUND
    e["type"] = what
    e["code"] = by
    return True


@helper
def read_bind(buffer, at, end, e):
    """A bind, or a change of context: the first interface in it that matters here."""
    items = min(np.int64(buffer[at + 24]), 8)
    place = at + 28
    for _ in range(items):
        if place + 24 > end:
            break
        what = interface_at(buffer, place + 4)
        if what != 0:
            return bound(what, _BY_BIND, e)
        place += 24 + 20 * np.int64(buffer[place + 2])
    return False


@internal
def is_call(buffer, q, word, low):
    """Whether a PDU of DCE/RPC (little-endian, of 24 bytes at least) is one that `read_call` knows."""
    kind = (word >> 8) & 255
    if kind == 11 or kind == 14 or kind == 16:
        return True
    if kind != 0:
        return False
    number = np.int64(load_le16(buffer, q + 22))
    if low == _MAPPER:
        return number == 3
    # sealed or signed, of no object, at a port that the mapper gave
    sealed = load_le16(buffer, q + 10) != 0 and word & 0x80 == 0
    return sealed and low >= 1024 and (number == 3 or number == 12 or number == 16)


@helper
def read_call(buffer, at, end, low, raw, k, e):
    """A bind, a question to the mapper, an NTLM log-in, or the number of a sealed call."""
    e["size"] = end - at
    kind = buffer[at + 2]
    if kind == 16:
        message = ntlm_in(buffer, at, end)
        return read_ntlm(buffer, message, end, 0, raw, k, e) if message >= 0 else False
    if kind != 0:
        return read_bind(buffer, at, end, e) if end - at >= 52 else False
    if low == _MAPPER:
        for i in range(at + 24, min(end - 16, at + 160)):
            what = interface_at(buffer, i) if buffer[i] == 0x35 else 0
            if what == _REPLICATION:
                return bound(what, _BY_MAPPER, e)
        return False
    e["kind"] = _CALL_MADE
    e["type"] = load_le16(buffer, at + 22)
    return True


# --- SMB 2 -------------------------------------------------------------------------------------------------


@helper
def pipe_at(buffer, at, size):
    """Which interface a pipe's name in UTF-16 stands for, 0 for another."""
    if size < 10 or size > 14:
        return 0
    word = U8(0)
    for j in range(size // 2):
        if buffer[at + 2 * j + 1] != 0:
            return 0
        word = (word << U8(8)) | U8(small(np.int64(buffer[at + 2 * j])))
    if word == _PIPE_SVCCTL:
        return _SERVICES
    if word == _PIPE_ATSVC:
        return _TASKS
    return _REGISTRY if word == _PIPE_WINREG else 0


@helper
def read_share(buffer, at, size, raw, k, e):
    """A share of administration (`ADMIN$`, `C$`) at the end of a path in UTF-16; false for another."""
    last = at
    for j in range(0, size - 1, 2):
        if buffer[at + j] == 92 and buffer[at + j + 1] == 0:
            last = at + j + 2
    wide = at + size - last
    if (wide != 4 and wide != 12) or buffer[at + size - 2] != 36:
        return False
    first = small(np.int64(buffer[last]))
    if wide == 12:
        word = (first << 8) | small(np.int64(buffer[last + 2]))
        if word != 0x6164:  # ad…
            return False
    elif not 97 <= first <= 122:
        return False
    n, e["digest"] = wide_text(buffer, last, wide, raw, k, 0, _STATION)
    e["name_size"] = n
    e["kind"] = _SHARE_OPENED
    return True


@helper
def read_smb_asked(buffer, at, end, raw, k, e):
    """What a client of SMB 2 asks for, after more than 68 bytes: a session, a share, a pipe."""
    head = at + 4
    if load_le32(buffer, head + 16) & 1 != 0:
        return False
    command, body = load_le16(buffer, head + 12), head + 64
    if command == 1 and body + 24 <= end:
        begin = head + np.int64(load_le16(buffer, body + 12))
        until = min(begin + np.int64(load_le16(buffer, body + 14)), end)
        message = ntlm_in(buffer, begin, until)
        return read_ntlm(buffer, message, until, 6, raw, k, e) if message >= 0 else False
    if command == 3 and body + 8 <= end:
        begin, size = head + np.int64(load_le16(buffer, body + 4)), np.int64(load_le16(buffer, body + 6))
        if begin >= body and 4 <= size <= 512 and begin + size <= end:
            return read_share(buffer, begin, size & ~1, raw, k, e)
        return False
    if command == 5 and body + 48 <= end:
        begin, size = head + np.int64(load_le16(buffer, body + 44)), np.int64(load_le16(buffer, body + 46))
        if begin < body or begin + size > end:
            return False
        what = pipe_at(buffer, begin, size)
        return bound(what, _BY_PIPE, e) if what != 0 else False
    return False
