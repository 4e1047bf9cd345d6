"""What applications say in single packets.

`find` looks at ports and the first bytes of every payload, `read` at the few packets that may hold something.
A payload is `buffer[at:end]`: `end` is where the packet, its capture and the record end, so that no load
behind it is ever made. What is cut is read as far as it goes and marked.

Constants that kernels freeze stand here, because the on-disk cache is keyed by this file.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import (
    MIX1,
    bare_kernel,
    helper,
    internal,
    load_be16,
    load_be32,
    load_be64,
    load_le16,
    load_le32,
    mix64,
)
from ingest.sightings.certificates.kernels import read_certificate
from ingest.sightings.credentials.kernels import is_call, read_call, read_smb_asked, read_tickets
from ingest.sightings.leases.kernels import read_dhcp, read_dhcp6, sent_by_another

U8 = np.uint64
_TRANSPORT, _TCP, _UDP = 5, 6, 17

# what `find` takes a packet for
DNS, TLS, ASK, SAY, SSH, USER, REPLY, SMB, LDAP, KERBEROS, MYSQL, IMAP, RDP, DHCP, CALL, DHCP6 = range(1, 17)

# citywall.batches, whose values kernels must freeze
_DNS_QUERY, _DNS_ANSWER, _TLS_CLIENT, _TLS_SERVER, _HTTP_REQUEST, _HTTP_RESPONSE = 16, 17, 18, 19, 20, 21
_SSH_BANNER, _LOGIN_NAME, _LOGIN_RESULT, _PERSONAL_DATA = 22, 23, 24, 25
_CUT, _CLEAR, _FORM, _OTHER_SENDER = 1, 2, 4, 2048
_FTP, _POP3, _IMAP, _SMTP, _HTTP, _SMB, _LDAP, _KERBEROS, _MYSQL, _RDP = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
_TEXT = 242

# shares of the text in a web request: host, target, agent
_HOST, _TARGET, _AGENT = 72, 120, 48
#: Bytes of a web request that are looked through for signs, after undoing escapes.
SCRATCH = 8192
_HEADS = 8192  # bytes in which the head of a web message is looked for
_BUCKETS = 1 << 12  # of patterns
_NAME = 253  # longest domain name
_WARNING = 7  # bytes of a warning of TLS
_ANSWERS = 64  # answers looked at
_SHOWN = 64  # answers of one byte are shown in text

_REGION_TARGET, _REGION_HEADERS, _REGION_BODY, _REGION_AGENT, _REGION_PATH = 1, 2, 4, 8, 16
_SHORTEST = 11  # digits that are looked for
_PHONES = 3  # telephone numbers alone are told from this many on

_LOCATION, _SECURE, _OPEN = (
    np.frombuffer(word, np.uint8).copy() for word in (b"location:", b"https://", b"http://")
)
_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_ID_CHECKS = np.frombuffer(b"10X98765432", np.uint8).copy()


@internal
def lower(c):
    """A letter in lower case."""
    if 65 <= c <= 90:
        return c + 32
    return np.int64(c)


@internal
def shown(c):
    """A byte as it may stand in a text."""
    if 32 <= c < 127:
        return np.uint8(c)
    return np.uint8(63)


@internal
def digit(c):
    """Whether a byte is a digit."""
    return 48 <= c <= 57


@internal
def stir(h, c):
    """A hash with one more byte (FNV-1a)."""
    return (h ^ U8(c)) * U8(0x100000001B3)


@helper
def put(buffer, at, end, raw, k, to, most):
    """Copy text into a row in lower case, at most `most` bytes; how many."""
    n = min(end - at, most)
    for j in range(n):
        raw[k, to + j] = shown(lower(np.int64(buffer[at + j])))
    return max(n, 0)


@helper
def hash_text(buffer, at, end):
    """A digest of text in lower case."""
    h = MIX1
    for j in range(at, end):
        h = stir(h, lower(np.int64(buffer[j])))
    return mix64(h)


@helper
def starts(buffer, at, end, word):
    """Whether text begins with `word` (bytes in lower case), whatever its case."""
    if at + len(word) > end:
        return False
    for j in range(len(word)):
        if lower(np.int64(buffer[at + j])) != word[j]:
            return False
    return True


@helper
def has(buffer, at, end, word):
    """Whether text holds `word` (bytes in lower case)."""
    for i in range(at, end - len(word) + 1):
        if lower(np.int64(buffer[i])) == word[0] and starts(buffer, i, end, word):
            return True
    return False


@internal
def blank(c):
    """Whether a byte ends a word."""
    return c == 32 or c == 9 or c == 13 or c == 10


@helper
def line_end(buffer, at, end):
    """Where the line ends: at its line feed, or at `end`."""
    while at < end and buffer[at] != 10:
        at += 1
    return at


@helper
def word_end(buffer, at, end):
    """Where the word ends."""
    while at < end and not blank(buffer[at]):
        at += 1
    return at


# --- finding -----------------------------------------------------------------------------------------------

#: Bytes with which something may begin: upper-case letters of commands, digits of replies, frames.
_FIRST = np.zeros(256, np.uint8)
for _c in b"\x00\x03\x05\x15\x16GPHDOCTSU25+-A":
    _FIRST[_c] = 1


@internal
def kind_of_stream(buffer, q, room, low, sport):
    """What a TCP payload of at least 8 bytes may be."""
    first = buffer[q]
    if low == 389 or low == 3268:
        return LDAP if first == 0x30 else 0
    if low == 88:
        return KERBEROS if room > 20 and first == 0 else 0
    if low == 143:
        return IMAP
    if low == 53:
        return DNS if room > 14 and np.int64(load_be16(buffer, q)) == room - 2 else 0
    if sport == 3306:
        return MYSQL if buffer[q + 4] == 0xFF else 0
    if _FIRST[first] == 0:
        return 0
    word = np.int64(load_be32(buffer, q))
    if word >> 16 == 0x1603 or word >> 8 == 0x160101:  # TLS, and TLCP of GB/T 38636
        return TLS if room > 43 and (buffer[q + 5] == 1 or buffer[q + 5] == 2) else 0
    if word >> 16 == 0x1503:  # a warning, and a server's hello behind it
        behind = room > 50 and load_be16(buffer, q + 3) == 2 and buffer[q + _WARNING] == 0x16
        return TLS if behind and buffer[q + _WARNING + 5] == 2 else 0
    if word >> 24 == 0:
        return SMB if room > 68 and load_be32(buffer, q + 4) == 0xFE534D42 else 0
    if word >> 16 == 0x0500:
        return CALL if room >= 24 and buffer[q + 4] == 0x10 and is_call(buffer, q, word, low) else 0
    if word >> 16 == 0x0300:
        return RDP if room > 20 and buffer[q + 5] == 0xE0 and buffer[q + 11] == 67 else 0
    if (
        word == 0x47455420 or word == 0x504F5354 or word == 0x48454144 or word == 0x50555420
        or word == 0x44454C45 or word == 0x4F505449 or word == 0x434F4E4E or word == 0x54524143
        or word == 0x50415443 or word == 0x50524F50
    ):  # fmt: skip
        return ASK
    if word == 0x48545450:
        return SAY
    if word == 0x5353482D:
        return SSH
    if word == 0x55534552:
        return USER
    if (
        word == 0x32333020 or word == 0x3233302D or word == 0x35333020 or word == 0x3533302D
        or word == 0x2B4F4B20 or word == 0x2D455252 or word == 0x35333520 or word == 0x32333520
        or word == 0x3533352D or word == 0x35353420
    ):  # fmt: skip
        return REPLY
    return 0


@bare_kernel
def find(buffer, packets, found, what):
    """Rows of `packets` (PACKET[n]) in which an application may say something, and what it may be.

    They go into `found` (i8[n]) and `what` (u1[n]). Returns how many, and how many events there can be.
    """
    n = 0
    room_for = 0
    for i in range(len(packets)):
        p = packets[i]
        if p["status"] != _TRANSPORT or p["payload"] < 8:
            continue
        at = np.int64(p["payload_at"])
        room = min(np.int64(p["payload"]), np.int64(p["captured"]) - at)
        if room < 8:
            continue
        ports = np.int64(p["ports"])
        a, b = ports >> 16, ports & 0xFFFF
        kind = 0
        if p["proto"] == _TCP:
            sport = b if p["reversed"] == 1 else a
            kind = kind_of_stream(buffer, np.int64(p["offset"]) + at, room, min(a, b), sport)
        elif p["proto"] == _UDP:
            if a == 53 or b == 53:
                head = np.int64(p["offset"]) + at  # one question, and nothing but asking and answering
                fits = room >= 17 and load_be16(buffer, head + 4) == 1 and buffer[head + 2] & 0x78 == 0
                kind = DNS if fits else 0
            elif a == 88 or b == 88:
                kind = KERBEROS
            elif a == 67 or b == 67:
                kind = DHCP
            elif a == 547 or b == 547:
                kind = DHCP6
        if kind != 0:
            found[n] = i
            what[n] = kind
            n += 1
            room_for += 3 if kind == ASK or kind == SAY else 2 if kind == TLS else 1
    return n, room_for


# --- domain names ------------------------------------------------------------------------------------------


@helper
def question(buffer, at, end, raw, k, e):
    """Read the name asked for; where it ends, or -1. Names of questions hold no pointers."""
    h = MIX1
    n = 0
    while at < end:
        size = np.int64(buffer[at])
        at += 1
        if size == 0:
            if n == 0:
                return np.int64(-1)
            e["name_size"] = min(n, _TEXT)
            e["digest"] = mix64(h)
            return at
        if size > 63 or at + size > end or n + size + 1 > _NAME:
            return np.int64(-1)
        if n > 0:
            h = stir(h, 46)
            if n < _TEXT:
                raw[k, n] = 46
            n += 1
        for j in range(size):
            c = lower(np.int64(buffer[at + j]))
            h = stir(h, c)
            if n < _TEXT:
                raw[k, n] = shown(c)
            n += 1
        at += size
    return np.int64(-1)


@internal
def past_name(buffer, at, end):
    """Where a name in an answer ends, or -1: labels up to a nought or a pointer, which is not followed."""
    steps = 0
    while at < end and steps < 128:
        size = np.int64(buffer[at])
        if size == 0:
            return at + 1
        if size >= 0xC0:
            return at + 2
        if size > 63:
            return np.int64(-1)
        at += 1 + size
        steps += 1
    return np.int64(-1)


@helper
def answers(buffer, at, end, count, e):
    """Addresses among the answers, their lowest time to live, a digest that does not know their order."""
    digest = U8(0)
    lowest = np.int64(0xFFFFFFFF)
    first = True
    for _ in range(min(count, _ANSWERS)):
        at = past_name(buffer, at, end)
        if at < 0 or at + 10 > end:
            e["flags"] = _CUT
            break
        kind = np.int64(load_be16(buffer, at))
        size = np.int64(load_be16(buffer, at + 8))
        lives = np.int64(load_be32(buffer, at + 4))
        at += 10
        if at + size > end:
            e["flags"] = _CUT
            break
        lowest = min(lowest, lives)
        if (kind == 1 and size == 4) or (kind == 28 and size == 16):
            if kind == 1:
                hi, lo = U8(0), U8(0xFFFF00000000) | U8(load_be32(buffer, at))
            else:
                hi, lo = load_be64(buffer, at), load_be64(buffer, at + 8)
            digest += mix64(mix64(hi ^ MIX1) ^ lo)
            if first:
                e["answer_hi"] = hi
                e["answer_lo"] = lo
                first = False
        at += size
    if lowest != 0xFFFFFFFF:
        e["number"] = lowest
    e["answers"] = digest


@helper
def read_dns(buffer, at, end, stream, raw, k, e):
    """A question or an answer with one question; whether it is one."""
    e["size"] = end - at
    if stream:
        at += 2
    if at + 17 > end:
        return False
    bits = np.int64(load_be16(buffer, at + 2))
    if bits & 0x7800 != 0 or load_be16(buffer, at + 4) != 1:
        return False
    e["aux"] = load_be16(buffer, at)
    count = np.int64(load_be16(buffer, at + 6))
    told = bits & 0x8000 != 0
    if not told and count != 0:
        return False
    behind = question(buffer, at + 12, end, raw, k, e)
    if behind < 0 or behind + 4 > end:
        return False
    e["type"] = load_be16(buffer, behind)
    if load_be16(buffer, behind + 2) & 0x7FFF > 255:
        return False
    e["kind"] = _DNS_ANSWER if told else _DNS_QUERY
    if told:
        e["code"] = bits & 15
        e["count"] = count
        answers(buffer, behind + 4, end, count, e)
    return True


# --- TLS ---------------------------------------------------------------------------------------------------


@helper
def extensions(buffer, at, end, client, raw, k, e):
    """Server name, application protocol and true version of a hello."""
    if at + 2 > end:
        return
    stop = min(end, at + 2 + np.int64(load_be16(buffer, at)))
    if at + 2 + np.int64(load_be16(buffer, at)) > end:
        e["flags"] = _CUT
    at += 2
    protocol_at = protocol_size = np.int64(0)
    while at + 4 <= stop:
        kind = np.int64(load_be16(buffer, at))
        size = np.int64(load_be16(buffer, at + 2))
        at += 4
        if at + size > stop:
            e["flags"] = _CUT
            break
        if kind == 0 and client and size > 5 and buffer[at + 2] == 0:
            n = min(np.int64(load_be16(buffer, at + 3)), size - 5)
            e["name_size"] = put(buffer, at + 5, at + 5 + n, raw, k, 0, 160)
            e["digest"] = hash_text(buffer, at + 5, at + 5 + n)
        elif kind == 16 and size > 3:
            protocol_at = at + 3
            protocol_size = min(np.int64(buffer[at + 2]), size - 3)
        elif kind == 43 and client and size > 2:
            best = np.int64(0)
            for j in range(1, size - 1, 2):
                version = np.int64(load_be16(buffer, at + j))
                if version & 0x0F0F != 0x0A0A:  # a made-up one that keeps servers tolerant (RFC 8701)
                    best = max(best, version)
            e["code"] = max(best, np.int64(e["code"]))
        elif kind == 43 and not client and size == 2:
            e["code"] = load_be16(buffer, at)
        at += size
    if protocol_size > 0:
        to = np.int64(e["name_size"])
        e["rest_size"] = put(buffer, protocol_at, protocol_at + protocol_size, raw, k, to, 40)


@helper
def read_tls(buffer, at, end, raw, k, e):
    """A hello of either side; whether it is one."""
    e["size"] = end - at
    if buffer[at] == 0x15:
        at += _WARNING
    stop = min(end, at + 5 + np.int64(load_be16(buffer, at + 3)))
    if stop < at + 5 + np.int64(load_be16(buffer, at + 3)):
        e["flags"] = _CUT
    client = buffer[at + 5] == 1
    at += 9
    if at + 35 > stop:
        return False
    e["code"] = load_be16(buffer, at)
    if buffer[at] != 3 and e["code"] != 0x0101:
        return False
    at += 34
    at += 1 + np.int64(buffer[at])
    if not client:
        if at + 3 > stop:
            return False
        e["kind"] = _TLS_SERVER
        e["type"] = load_be16(buffer, at)
        extensions(buffer, at + 3, stop, client, raw, k, e)
        return True
    e["kind"] = _TLS_CLIENT
    if at + 2 > stop:
        return True
    e["count"] = np.int64(load_be16(buffer, at)) >> 1
    at += 2 + np.int64(load_be16(buffer, at))
    if at < stop:
        at += 1 + np.int64(buffer[at])
        extensions(buffer, at, stop, client, raw, k, e)
    return True


# --- the web -----------------------------------------------------------------------------------------------


@internal
def method_of(word):
    """The place of a method in citywall.batches.METHODS by its first four letters."""
    if word == 0x47455420:
        return 1
    if word == 0x504F5354:
        return 2
    if word == 0x48454144:
        return 3
    if word == 0x50555420:
        return 4
    if word == 0x44454C45:
        return 5
    if word == 0x4F505449:
        return 6
    if word == 0x434F4E4E:
        return 7
    if word == 0x54524143:
        return 8
    if word == 0x50415443:
        return 9
    return 10


@internal
def hexadecimal(c):
    """The value of a digit, -1 where it is none."""
    if 48 <= c <= 57:
        return np.int64(c) - 48
    c = lower(np.int64(c))
    if 97 <= c <= 102:
        return c - 87
    return np.int64(-1)


@helper
def unescape(buffer, at, end, scratch, to):
    """Lower case, escapes undone (twice where they were made twice), plus as space; where it ends."""
    while at < end and to < SCRATCH:
        c = np.int64(buffer[at])
        at += 1
        if c == 37:
            shift = np.int64(0)
            if at + 4 <= end and buffer[at] == 50 and buffer[at + 1] == 53:
                shift = np.int64(2)  # %25xx
            if at + shift + 2 <= end:
                high, low = hexadecimal(buffer[at + shift]), hexadecimal(buffer[at + shift + 1])
                if high >= 0 and low >= 0:
                    c = high * 16 + low
                    at += shift + 2
        elif c == 43:
            c = np.int64(32)
        scratch[to] = lower(c)
        to += 1
    return to


@helper
def signs_in(scratch, low, high, region, patterns):
    """The signs of all patterns of a region in text."""
    found = np.int64(0)
    for i in range(low, high - 1):
        b = ((np.int64(scratch[i]) << 5) ^ np.int64(scratch[i + 1])) & (_BUCKETS - 1)
        for p in range(patterns.starts[b], patterns.starts[b + 1]):
            if patterns.regions[p] & region == 0:
                continue
            n = patterns.sizes[p]
            if i + n > high:
                continue
            at = patterns.at[p]
            j = np.int64(0)
            while j < n and scratch[i + j] == patterns.text[at + j]:
                j += 1
            if j == n:
                found |= patterns.signs[p]
    return found


@helper
def ends(scratch, low, at, word):
    """Whether text in lower case that begins at `low` ends at `at` with `word`."""
    return at - low >= len(word) and starts(scratch, at - len(word), at, word)


@helper
def handed_in(scratch, low, high):
    """A number from 1 to 4095 for the names and passwords in fields of a form (also JSON), 0 for no password.

    So few that no password can be found out by it, and enough to tell one try from many.
    """
    password = False
    h = MIX1
    for i in range(low + 1, high - 1):
        c = scratch[i]
        if c == 61:
            at = i
        elif c == 58 and scratch[i - 1] == 34:
            at = i - 1
        else:
            continue
        secret = (
            ends(scratch, low, at, b"password")
            or ends(scratch, low, at, b"passwd")
            or ends(scratch, low, at, b"pass")
            or ends(scratch, low, at, b"pwd")
            or ends(scratch, low, at, b"psw")
        )
        if not secret and not (
            ends(scratch, low, at, b"user")
            or ends(scratch, low, at, b"name")
            or ends(scratch, low, at, b"login")
            or ends(scratch, low, at, b"account")
            or ends(scratch, low, at, b"mail")
        ):
            continue
        at = i + 1
        while at < high and scratch[at] == 32:
            at += 1
        if at < high and scratch[at] == 34:
            at += 1
        stop = at
        while stop < high and scratch[stop] != 38 and scratch[stop] != 34 and scratch[stop] > 32:
            stop += 1
        if stop > at:
            password = password or secret
            h = mix64(h ^ hash_text(scratch, at, stop))
    return np.int64(1) + np.int64(h % U8(4095)) if password else np.int64(0)


@internal
def base64_value(c):
    """The six bits of a letter, -1 where it is none."""
    if 65 <= c <= 90:
        return np.int64(c) - 65
    if 97 <= c <= 122:
        return np.int64(c) - 71
    if 48 <= c <= 57:
        return np.int64(c) + 4
    if c == 43:
        return np.int64(62)
    if c == 47:
        return np.int64(63)
    return np.int64(-1)


@helper
def account_of_basic(buffer, at, end, scratch):
    """Undo the base64 of `name:password` up to the colon; the name's bytes in `scratch`, -1 for none."""
    bits = held = np.int64(0)
    n = np.int64(0)
    while at < end and n < 96:
        value = base64_value(buffer[at])
        if value < 0:
            break
        bits = (bits << 6) | value
        held += 6
        if held >= 8:
            held -= 8
            c = (bits >> held) & 255
            bits &= (1 << held) - 1
            if c == 58:
                return n
            scratch[n] = c
            n += 1
        at += 1
    return np.int64(-1)


@helper
def identity_number(buffer, at):
    """Whether 18 bytes are an identity number: birth date and check digit (GB 11643)."""
    total = np.int64(0)
    for j in range(17):
        total += (np.int64(buffer[at + j]) - 48) * _ID_WEIGHTS[j]
    last = np.int64(buffer[at + 17])
    if last == 120:
        last = np.int64(88)
    if last != _ID_CHECKS[total % 11]:
        return False
    century = (np.int64(buffer[at + 6]) - 48) * 10 + np.int64(buffer[at + 7]) - 48
    month = (np.int64(buffer[at + 10]) - 48) * 10 + np.int64(buffer[at + 11]) - 48
    day = (np.int64(buffer[at + 12]) - 48) * 10 + np.int64(buffer[at + 13]) - 48
    province = np.int64(buffer[at]) - 48
    return (century == 19 or century == 20) and 1 <= month <= 12 and 1 <= day <= 31 and 1 <= province <= 8


@internal
def alphanumeric(c):
    """Whether a byte is a letter or a digit."""
    return 48 <= c <= 57 or 97 <= (c | 32) <= 122 or c == 95


@helper
def personal(buffer, at, end, raw, k, e):
    """Count identity and telephone numbers in text; whether there are enough to tell of."""
    ids = phones = np.int64(0)
    i = at
    while i + _SHORTEST <= end:
        if not digit(buffer[i + _SHORTEST - 1]):  # no run that is long enough begins before it
            i += _SHORTEST
            continue
        first = i
        i += _SHORTEST - 1
        stop = i
        while i > first and digit(buffer[i - 1]):
            i -= 1
        while stop < end and digit(buffer[stop]):
            stop += 1
        n = stop - i
        alone = i == at or not alphanumeric(buffer[i - 1])
        if n == 17 and stop < end and (buffer[stop] | 32) == 120:
            stop += 1
            n = 18
        alone = alone and (stop >= end or not alphanumeric(buffer[stop]))
        if alone and n == 18 and identity_number(buffer, i):
            if ids == 0:
                e["name_size"] = put(buffer, i, i + 18, raw, k, 0, 18)
                e["digest"] = hash_text(buffer, i, i + 18)
                for j in range(6, 16):
                    raw[k, j] = 42
            ids += 1
        elif alone and n == 11 and buffer[i] == 49 and 51 <= buffer[i + 1] <= 57:
            phones += 1
        i = stop
    e["count"] = min(ids, 0xFFFF)
    e["number"] = phones
    e["kind"] = _PERSONAL_DATA
    return ids > 0 or phones >= _PHONES


@helper
def read_request(buffer, at, end, patterns, scratch, raw, k, e):
    """A request; where its body begins (`end` where it has none here), -1 where it is none.

    `e["aux"]` is where a name and password in clear begin, from `at`, 0 for none.
    """
    begin = at
    e["size"] = end - at
    stop = min(end, at + _HEADS)
    e["code"] = method_of(np.int64(load_be32(buffer, at)))
    target = word_end(buffer, at, stop) + 1
    line = line_end(buffer, at, stop)
    behind = word_end(buffer, target, line)
    if line < stop:
        behind = line - 1  # a target may hold blanks that nobody wrote as escapes
        while behind > target and buffer[behind] != 32:
            behind -= 1
        if not starts(buffer, behind + 1, line, b"http/1."):
            return np.int64(-1)
    elif target >= stop or target - at > 10 or buffer[target] != 47:
        return np.int64(-1)
    else:
        e["flags"] = _CUT
    path = target
    while path < behind and buffer[path] != 63:
        path += 1
    e["kind"] = _HTTP_REQUEST
    e["digest"] = hash_text(buffer, target, path)
    host = host_end = agent = agent_end = np.int64(0)
    e["aux"] = 0
    row = line + 1
    body = end
    while row < stop:
        line = line_end(buffer, row, stop)
        if line == row or (line == row + 1 and buffer[row] == 13):
            body = line + 1
            break
        if line == stop:
            e["flags"] = _CUT
        last = line - 1 if line > row and buffer[line - 1] == 13 else line
        c = lower(np.int64(buffer[row]))
        if c == 104 and starts(buffer, row, last, b"host: "):
            host, host_end = row + 6, last
        elif c == 117 and starts(buffer, row, last, b"user-agent: "):
            agent, agent_end = row + 12, last
        elif c == 97 and starts(buffer, row, last, b"authorization: basic "):
            e["aux"] = min(row + 21 - begin, 0xFFFF)
        row = line + 1
    head = min(body, stop)
    n = put(buffer, host, host_end, raw, k, 0, _HOST)
    e["name_size"] = n
    rest = put(buffer, target, behind, raw, k, n, _TARGET)
    e["rest_size"] = rest
    e["agent_size"] = put(buffer, agent, agent_end, raw, k, n + rest, _AGENT)
    signs = np.int64(e["flags"])
    upto = unescape(buffer, target, behind, scratch, 0)
    signs |= signs_in(scratch, 0, upto, _REGION_TARGET, patterns)
    tried = handed_in(scratch, 0, upto)
    upto = unescape(buffer, target, path, scratch, 0)
    form = signs_in(scratch, 0, upto, _REGION_PATH, patterns)
    if e["code"] == 2:
        signs |= form
    upto = unescape(buffer, behind, head, scratch, 0)
    signs |= signs_in(scratch, 0, upto, _REGION_HEADERS, patterns)
    upto = unescape(buffer, agent, agent_end, scratch, 0)
    signs |= signs_in(scratch, 0, upto, _REGION_AGENT, patterns)
    upto = unescape(buffer, body, end, scratch, 0)
    signs |= signs_in(scratch, 0, upto, _REGION_BODY, patterns)
    if tried == 0:
        tried = handed_in(scratch, 0, upto)
    if tried != 0:
        signs |= _FORM
    e["number"] = tried
    if e["aux"] != 0:
        signs |= _CLEAR
    e["flags"] = signs
    return body


@helper
def led_to(buffer, at, end, raw, k, e):
    """The host that a redirect leads to, as `name`; nothing for a place on the same host."""
    while at < end and (buffer[at] == 32 or buffer[at] == 9):
        at += 1
    if starts(buffer, at, end, _SECURE):
        at += len(_SECURE)
    elif starts(buffer, at, end, _OPEN):
        at += len(_OPEN)
    elif at + 2 <= end and buffer[at] == 47 and buffer[at + 1] == 47:
        at += 2
    else:
        return
    stop = at
    while stop < end and not (
        buffer[stop] == 47
        or buffer[stop] == 63
        or buffer[stop] == 35
        or buffer[stop] == 92
        or buffer[stop] <= 32
    ):
        if buffer[stop] == 64:  # in front of it stands who logs in
            at = stop + 1
        stop += 1
    if at < end and buffer[at] == 91:  # an IPv6 address in brackets
        at += 1
        last = at
        while last < stop and buffer[last] != 93:
            last += 1
        stop = last
    else:
        for j in range(at, stop):
            if buffer[j] == 58:
                stop = j
                break
    e["name_size"] = put(buffer, at, stop, raw, k, 0, 200)
    e["digest"] = hash_text(buffer, at, stop)


@helper
def read_response(buffer, at, end, raw, k, e):
    """A status line, and where it leads to; where its body begins, -1 where it is none."""
    e["size"] = end - at
    if at + 12 > end or buffer[at + 4] != 47:
        return np.int64(-1)
    code = np.int64(0)
    for j in range(9, 12):
        if not digit(buffer[at + j]):
            return np.int64(-1)
        code = code * 10 + np.int64(buffer[at + j]) - 48
    e["kind"] = _HTTP_RESPONSE
    e["code"] = code
    row = line_end(buffer, at, end) + 1
    while row < end:
        line = line_end(buffer, row, end)
        if line == row or (line == row + 1 and buffer[row] == 13):
            return min(line + 1, end)
        if 300 <= code < 400 and starts(buffer, row, line, _LOCATION):
            led_to(buffer, row + len(_LOCATION), line, raw, k, e)
        row = line + 1
    return end


# --- log-ins -----------------------------------------------------------------------------------------------


@helper
def account(buffer, at, end, service, raw, k, e):
    """The name that somebody logs in with."""
    e["kind"] = _LOGIN_NAME
    e["type"] = service
    e["flags"] = _CLEAR
    e["name_size"] = put(buffer, at, end, raw, k, 0, 64)
    e["digest"] = hash_text(buffer, at, end)
    return end > at


@internal
def outcome(service, worked, e):
    """How a log-in went."""
    e["kind"] = _LOGIN_RESULT
    e["type"] = service
    e["code"] = worked
    return True


@helper
def mail_outcome(buffer, at, end):
    """What a mail server's reply says of a log-in: 1 that it worked, 0 that it did not, 2 nothing."""
    if end - at < 4:
        return np.int64(2)
    code = np.int64(load_be32(buffer, at)) >> 8
    if code == 0x323335:  # 235
        return np.int64(1)
    if code == 0x353335:  # 535
        return np.int64(0)
    if code == 0x353534 or code == 0x353334 or code == 0x343534:  # 554, 534, 454: if they speak of it
        return np.int64(0) if has(buffer, at, end, b"auth") else np.int64(2)
    return np.int64(2)


@helper
def read_reply(buffer, at, end, low, e):
    """Replies of mail and file servers that say how a log-in went."""
    word = np.int64(load_be32(buffer, at))
    line = line_end(buffer, at, min(end, at + 512))
    if word == 0x2B4F4B20:  # +OK
        if has(buffer, at, line, b"logged in") or has(buffer, at, line, b"maildrop"):
            return outcome(_POP3, 1, e)
        return False
    if word == 0x2D455252:  # -ERR
        failed = has(buffer, at, line, b"auth") or has(buffer, at, line, b"password")
        failed = failed or has(buffer, at, line, b"login")
        return outcome(_POP3, 0, e) if failed else False
    code = word >> 8
    if code == 0x323330:
        return outcome(_FTP, 1, e)
    if code == 0x353330:  # 530: also an answer to whoever has not logged in yet
        if (
            has(buffer, at, line, b"incorrect")
            or has(buffer, at, line, b"denied")
            or has(buffer, at, line, b"fail")
            or has(buffer, at, line, b"cannot log in")
        ):
            return outcome(_FTP, 0, e)
        return False
    if low != 25 and low != 587 and low != 465 and low != 2525:
        return False
    worked = mail_outcome(buffer, at, line)
    return outcome(_SMTP, worked, e) if worked < 2 else False


@helper
def read_imap(buffer, at, end, from_server, raw, k, e):
    """A log-in by name and password, or its answer: `tag LOGIN name …`, `tag OK …`, `tag NO …`."""
    line = line_end(buffer, at, min(end, at + 512))
    word = word_end(buffer, at, line)
    if word == at or word - at > 32 or buffer[at] == 42 or buffer[at] == 43:
        return False
    word += 1
    if not from_server:
        if not starts(buffer, word, line, b"login "):
            return False
        name = word + 6
        until = word_end(buffer, name, line)
        if until - name > 2 and buffer[name] == 34:
            name, until = name + 1, until - 1
        return account(buffer, name, until, _IMAP, raw, k, e)
    if starts(buffer, word, line, b"ok ") and has(buffer, word, line, b"logged in"):
        return outcome(_IMAP, 1, e)
    if starts(buffer, word, line, b"no ") and (
        has(buffer, word, line, b"auth") or has(buffer, word, line, b"login")
    ):
        return outcome(_IMAP, 0, e)
    return False


@helper
def read_smb(buffer, at, e):
    """The answer to a session set-up of SMB 2 and 3; more than 68 bytes are there."""
    head = at + 4
    if load_le16(buffer, head + 12) != 1 or load_le32(buffer, head + 16) & 1 == 0:
        return False
    status = np.int64(load_le32(buffer, head + 8))
    if status == 0:
        return outcome(_SMB, 1, e)
    # wrong password, no such user, locked out, disabled, expired, logon failure and the like
    if status == 0xC000006D or status == 0xC000006A or status == 0xC0000064 or status == 0xC0000234:
        return outcome(_SMB, 0, e)
    return False


@helper
def read_ldap(buffer, at, end, e):
    """The answer to a bind: `30 len 02 len id 61 len 0a 01 code`."""
    at += 1
    size = np.int64(buffer[at])
    at += 1 + (size & 127 if size > 127 else 0)
    if at + 3 > end or buffer[at] != 2:
        return False
    at += 2 + np.int64(buffer[at + 1])
    if at + 2 > end or buffer[at] != 0x61:
        return False
    size = np.int64(buffer[at + 1])
    at += 2 + (size & 127 if size > 127 else 0)
    if at + 3 > end or buffer[at] != 10 or buffer[at + 1] != 1:
        return False
    code = buffer[at + 2]
    if code == 0:
        return outcome(_LDAP, 1, e)
    return outcome(_LDAP, 0, e) if code == 49 else False


@helper
def read_kerberos(buffer, at, end, stream, e):
    """An error that says a password or name is wrong, or a ticket that was given."""
    if stream:
        at += 4
    if at + 16 > end:
        return False
    if buffer[at] == 0x6B:
        return outcome(_KERBEROS, 1, e)
    if buffer[at] != 0x7E:
        return False
    for i in range(at + 2, min(end, at + 120) - 5):
        # error-code [6] INTEGER
        if buffer[i] == 0xA6 and buffer[i + 1] == 3 and buffer[i + 2] == 2 and buffer[i + 3] == 1:
            code = buffer[i + 4]
            return outcome(_KERBEROS, 0, e) if code == 24 or code == 6 or code == 18 else False
    return False


@internal
def read_rdp(buffer, at, end, raw, k, e):
    """The name in a routing cookie: `Cookie: mstshash=NAME`."""
    if not starts(buffer, at + 11, end, b"cookie: mstshash="):
        return False
    name = at + 28
    found = account(buffer, name, word_end(buffer, name, end), _RDP, raw, k, e)
    e["flags"] = 0
    return found


@internal
def read_line(buffer, at, end, low, raw, k, e):
    """`USER name`, alone on its line (others mean something else by more words)."""
    name = at + 5
    until = word_end(buffer, name, end)
    if buffer[at + 4] != 32 or until >= end or (buffer[until] != 13 and buffer[until] != 10):
        return False
    return account(buffer, name, until, _POP3 if low == 110 else _FTP, raw, k, e)


# --- reading -----------------------------------------------------------------------------------------------


@helper
def stamp(p, frame, e):
    """Who says it, when and where."""
    ports = np.int64(p["ports"])
    e["time"] = p["time"]
    if p["reversed"] == 1:
        e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"] = p["b_hi"], p["b_lo"], p["a_hi"], p["a_lo"]
        e["src_port"], e["dst_port"] = ports & 0xFFFF, ports >> 16
    else:
        e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"] = p["a_hi"], p["a_lo"], p["b_hi"], p["b_lo"]
        e["src_port"], e["dst_port"] = ports >> 16, ports & 0xFFFF
    e["offset"] = p["offset"]
    e["frame"] = frame
    e["vlan"] = p["vlan"]
    e["proto"] = p["proto"]


@bare_kernel
def read(buffer, packets, found, what, first_frame, patterns, scratch, out, raw):
    """Fill EVENT rows `out` (their text is `raw`, u1[n, TEXT]) from rows `found` of `packets`; how many.

    `out` must be blank and have the room that `find` asked for, and one row more, which stays blank.
    """
    n = 0
    blank_row = len(out) - 1
    for f in range(len(found)):
        i = found[f]
        kind = what[f]
        p = packets[i]
        at = np.int64(p["offset"]) + np.int64(p["payload_at"])
        room = min(np.int64(p["payload"]), np.int64(p["captured"]) - np.int64(p["payload_at"]))
        end = at + room
        stream = p["proto"] == _TCP
        ports = np.int64(p["ports"])
        low = min(ports >> 16, ports & 0xFFFF)
        e = out[n]
        stamp(p, first_frame + i, e)
        good = False
        if kind == DNS:
            good = read_dns(buffer, at, end, stream, raw, n, e)
        elif kind == TLS:
            good = read_tls(buffer, at, end, raw, n, e)
            if good and buffer[at + 5] == 2:
                n += 1
                e = out[n]
                stamp(p, first_frame + i, e)
                good = read_certificate(buffer, at, end, raw, n, e)
        elif kind == ASK or kind == SAY:
            if kind == ASK:
                body = read_request(buffer, at, end, patterns, scratch, raw, n, e)
            else:
                body = read_response(buffer, at, end, raw, n, e)
            if body >= 0:
                basic = at + np.int64(e["aux"])
                e["aux"] = 0
                n += 1
                if kind == ASK and basic > at:
                    size = account_of_basic(buffer, basic, end, scratch)
                    if size > 0:
                        e = out[n]
                        stamp(p, first_frame + i, e)
                        account(scratch, 0, size, _HTTP, raw, n, e)
                        n += 1
                e = out[n]
                stamp(p, first_frame + i, e)
                good = personal(buffer, body if kind == SAY else at, end, raw, n, e)
        elif kind == SSH:
            e["kind"] = _SSH_BANNER
            last = word_end(buffer, at, min(end, at + 255))
            e["name_size"] = put(buffer, at, last, raw, n, 0, 120)
            good = True
        elif kind == USER:
            good = read_line(buffer, at, end, low, raw, n, e)
        elif kind == REPLY:
            good = read_reply(buffer, at, end, low, e)
        elif kind == SMB:
            good = read_smb(buffer, at, e) or read_smb_asked(buffer, at, end, raw, n, e)
        elif kind == LDAP:
            good = read_ldap(buffer, at, end, e)
        elif kind == KERBEROS:
            good = read_kerberos(buffer, at, end, stream, e) or read_tickets(
                buffer, at, end, stream, raw, n, e
            )
        elif kind == MYSQL:
            good = outcome(_MYSQL, 0, e) if load_le16(buffer, at + 5) == 1045 else False
        elif kind == IMAP:
            from_server = (ports & 0xFFFF if p["reversed"] == 1 else ports >> 16) == 143
            good = read_imap(buffer, at, end, from_server, raw, n, e)
        elif kind == RDP:
            good = read_rdp(buffer, at, end, raw, n, e)
        elif kind == DHCP:
            good = read_dhcp(buffer, at, end, raw, n, e)
            if good and sent_by_another(buffer, p, e):
                e["flags"] |= _OTHER_SENDER
        elif kind == DHCP6:
            good = read_dhcp6(buffer, at, end, raw, n, e)
        elif kind == CALL:
            good = read_call(buffer, at, end, low, raw, n, e)
        if good:
            n += 1
        else:
            out[n] = out[blank_row]
    return n


# --- the same, told by logs --------------------------------------------------------------------------------


@helper
def plain(buffer, at, end, scratch):
    """Text of a log without the backslashes that JSON puts before quotes and strokes; how many bytes."""
    n = np.int64(0)
    while at < end and n < SCRATCH:
        if (
            buffer[at] == 92
            and at + 1 < end
            and (buffer[at + 1] == 92 or buffer[at + 1] == 34 or buffer[at + 1] == 47)
        ):
            at += 1
        scratch[n] = buffer[at]
        n += 1
        at += 1
    return n


@bare_kernel
def write_texts(buffer, spans, most, named, scratch, out, raw):
    """Texts of a log's lines into EVENT rows `out` (their text is `raw`): spans are i8[n, 3, 2].

    Of each at most `most[j]` bytes; the digest is that of piece `named`, up to a question mark.
    """
    for i in range(spans.shape[0]):
        e = out[i]
        to = np.int64(0)
        for j in range(3):
            n = plain(buffer, spans[i, j, 0], spans[i, j, 1], scratch)
            written = put(scratch, 0, n, raw, i, to, min(most[j], _TEXT - to))
            to += written
            if j == 0:
                e["name_size"] = written
            elif j == 1:
                e["rest_size"] = written
            else:
                e["agent_size"] = written
            if j == named:
                upto = np.int64(0)
                while upto < n and scratch[upto] != 63:
                    upto += 1
                e["digest"] = hash_text(scratch, 0, upto)


@bare_kernel
def read_signs(buffer, targets, agents, posts, patterns, text, scratch, flags, tried):
    """Signs of attack in web requests that a log tells: spans (i8[n, 2]) of targets and of agents' names.

    `posts` (u1[n]): requests that hand something in. `text` and `scratch` hold SCRATCH bytes each. What a
    target hands in goes to `tried` (i8[n]), as `handed_in` numbers it.
    """
    for i in range(targets.shape[0]):
        n = plain(buffer, targets[i, 0], targets[i, 1], text)
        upto = unescape(text, 0, n, scratch, 0)
        signs = signs_in(scratch, 0, upto, _REGION_TARGET, patterns)
        tried[i] = handed_in(scratch, 0, upto)
        if tried[i] != 0:
            signs |= _FORM
        if posts[i] != 0:
            path = np.int64(0)
            while path < n and text[path] != 63:
                path += 1
            upto = unescape(text, 0, path, scratch, 0)
            signs |= signs_in(scratch, 0, upto, _REGION_PATH, patterns)
        n = plain(buffer, agents[i, 0], agents[i, 1], text)
        upto = unescape(text, 0, n, scratch, 0)
        flags[i] = signs | signs_in(scratch, 0, upto, _REGION_AGENT | _REGION_HEADERS, patterns)


@bare_kernel
def mail_outcomes(buffer, spans, out):
    """`mail_outcome` of each span (i8[n, 2]) into i8[n]."""
    for i in range(spans.shape[0]):
        out[i] = mail_outcome(buffer, spans[i, 0], spans[i, 1])


@bare_kernel
def weak_names(buffer, spans, out):
    """Whether each span (i8[n, 2]) names a cipher that does not protect, into u1[n]."""
    for i in range(spans.shape[0]):
        at, end = spans[i, 0], spans[i, 1]
        weak = (
            has(buffer, at, end, b"rc4") or has(buffer, at, end, b"null") or has(buffer, at, end, b"export")
        )
        weak = weak or has(buffer, at, end, b"_des_") or has(buffer, at, end, b"des40")
        out[i] = 1 if weak or has(buffer, at, end, b"anon") else 0


@bare_kernel
def first_items(buffer, spans, out):
    """The first text of a list: `["a","b"]` or `a,b`; spans i8[n, 2], empty where there is none."""
    for i in range(spans.shape[0]):
        at, end = spans[i, 0], spans[i, 1]
        while at < end and (buffer[at] == 91 or buffer[at] == 34 or buffer[at] == 32):
            at += 1
        stop = at
        while stop < end and buffer[stop] != 44 and buffer[stop] != 34 and buffer[stop] != 93:
            stop += 1
        out[i, 0] = at
        out[i, 1] = stop
