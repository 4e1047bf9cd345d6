"""What the first bytes of a connection look like: `looks` of each protocol again, answered without objects.

Bytes are `data[at : at + n]`. Answers are NO, YES, and PERHAPS where more bytes may tell.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import (
    bare_kernel,
    internal,
    leading_zeros64,
    load_be16,
    load_be32,
    load_le16,
    load_le32,
    load_le64,
    shared,
)
from ingest.applications.dnp3 import _TABLE
from ingest.applications.enip import COMMANDS as ENIP_COMMANDS
from ingest.applications.enip import STATUSES
from ingest.applications.ftp import _COMMANDS
from ingest.applications.http1_looks import _METHODS
from ingest.applications.imap import GREETINGS, QUESTION, WITHIN
from ingest.applications.nfs import LEAST, MOST_CREDENTIALS, PROGRAM
from ingest.applications.pgsql import CODES, FROM_CLIENT, FROM_SERVER, MOST, MOST_FIRST
from ingest.applications.pop3 import COMMANDS as POP3_COMMANDS
from ingest.applications.quic import _LONGEST_ID
from ingest.applications.quic_keys import VERSIONS
from ingest.applications.registry import TCP, UDP
from ingest.applications.sip import _METHODS as SIP_METHODS
from ingest.applications.tables import PROTOCOL

NO, YES, PERHAPS = 0, 1, 2
#: Of each byte of a word the lowest bit, and all but the highest.
_ONES, _LOW = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F)


def _words(texts):
    """Texts as rows of bytes, with their lengths."""
    rows = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    return rows, np.array([len(text) for text in texts], np.int64)


_HTTP, _HTTP_SIZES = _words([method.encode() for method in _METHODS])
_SIP, _SIP_SIZES = _words([*(method + b" " for method in SIP_METHODS), b"SIP/2.0 "])
_FTP, _FTP_SIZES = _words(list(_COMMANDS))
_FTP_SURE = np.array([c in (b"USER", b"FEAT", b"SYST", b"PASV", b"EPSV", b"PORT") for c in _COMMANDS])
_CRC = np.array(_TABLE, np.int64)
_QUIC = np.array([(version, facts[2]) for version, facts in VERSIONS.items()], np.int64)
_PREFACE = np.frombuffer(b"PRI * HTTP/2.0\r\n", np.uint8).copy()
_SSH = np.frombuffer(b"SSH-", np.uint8).copy()
_HTTP_SLASH = np.frombuffer(b"HTTP/", np.uint8).copy()
_SMTP = np.frombuffer(b"SMTP", np.uint8).copy()
_EHLO = np.frombuffer(b"EHLO ", np.uint8).copy()
_HELO = np.frombuffer(b"HELO ", np.uint8).copy()
_MQTT = np.frombuffer(b"\0\4MQTT", np.uint8).copy()
_MQISDP = np.frombuffer(b"\0\6MQIsdp", np.uint8).copy()
_RFB = np.frombuffer(b"RFB 00", np.uint8).copy()
_SIP_SLASH = np.frombuffer(b" SIP/", np.uint8).copy()
_BIND_VERSION = np.frombuffer(b"\2\1\3", np.uint8).copy()
_COOKIE = np.frombuffer(b"\x63\x82\x53\x63", np.uint8).copy()
_ENIP, _ENIP_STATUSES = np.array(ENIP_COMMANDS, np.int64), np.array(STATUSES, np.int64)
_IMAP, _IMAP_SIZES = _words(list(GREETINGS))
_QUESTION = np.frombuffer(QUESTION, np.uint8).copy()
_POP3, _POP3_SIZES = _words(list(POP3_COMMANDS))
_GOOD, _BAD = np.frombuffer(b"+OK", np.uint8).copy(), np.frombuffer(b"-ERR", np.uint8).copy()
_FROM_CLIENT = np.frombuffer(FROM_CLIENT, np.uint8).copy()
_FROM_SERVER = np.frombuffer(FROM_SERVER, np.uint8).copy()
_CODES = np.array(CODES, np.int64)
_TLS_HELLO_TO_SERVER, _TLS_HELLO_TO_CLIENT = 1, 2
_ORDER_TCP = np.array([PROTOCOL[name] for name in TCP], np.int64)
_ORDER_UDP = np.array([PROTOCOL[name] for name in UDP], np.int64)
MOST_LABELS, MOST_NAME = 128, 1025

HTTP2 = PROTOCOL["http2"]
HTTP = PROTOCOL["http"]
TLS = PROTOCOL["tls"]
SSH = PROTOCOL["ssh"]
SMB = PROTOCOL["smb"]
DCERPC = PROTOCOL["dcerpc"]
SMTP = PROTOCOL["smtp"]
FTP = PROTOCOL["ftp"]
SIP = PROTOCOL["sip"]
MQTT = PROTOCOL["mqtt"]
RFB = PROTOCOL["rfb"]
RDP = PROTOCOL["rdp"]
MODBUS = PROTOCOL["modbus"]
DNP3 = PROTOCOL["dnp3"]
IEC104 = PROTOCOL["iec104"]
KRB5 = PROTOCOL["krb5"]
LDAP = PROTOCOL["ldap"]
QUIC = PROTOCOL["quic"]
SNMP = PROTOCOL["snmp"]
DHCP = PROTOCOL["dhcp"]
NTP = PROTOCOL["ntp"]
IKE = PROTOCOL["ike"]
DNS = PROTOCOL["dns"]
ENIP = PROTOCOL["enip"]
NFS = PROTOCOL["nfs"]
PGSQL = PROTOCOL["pgsql"]
POP3 = PROTOCOL["pop3"]
IMAP = PROTOCOL["imap"]
TFTP = PROTOCOL["tftp"]
MDNS = PROTOCOL["mdns"]
TELNET = PROTOCOL["telnet"]


@internal
def _upper(byte):
    return byte - 32 if 97 <= byte <= 122 else byte


@internal
def _letter(byte):
    return 65 <= _upper(byte) <= 90


@shared
def _begins(data, at, n, word, size):
    """Whether bytes begin with a word (YES), or are a beginning of it (PERHAPS)."""
    for i in range(min(n, size)):
        if data[at + i] != word[i]:
            return NO
    return YES if n >= size else PERHAPS


@shared
def _begins_upper(data, at, n, word, size):
    """The same, whatever the case of the bytes."""
    for i in range(min(n, size)):
        if _upper(data[at + i]) != word[i]:
            return NO
    return YES if n >= size else PERHAPS


@shared
def place_of(data, at, end, byte):
    """Where a byte stands in `data[at:end]`, `end` where it does not; looked for eight at a time."""
    eight = np.uint64(byte) * _ONES
    while at + 8 <= end:
        word = load_le64(data, at) ^ eight
        found = ~(((word & _LOW) + _LOW) | word | _LOW)  # the highest bit of each byte that is zero
        if found:
            return at + ((63 - leading_zeros64(found & (~found + np.uint64(1)))) >> 3)
        at += 8
    while at < end and data[at] != byte:
        at += 1
    return at


@shared
def holds(data, at, end, word):
    """Whether a word stands in `data[at:end]`."""
    size = len(word)
    for i in range(at, end - size + 1):
        k = 0
        while k < size and data[i + k] == word[k]:
            k += 1
        if k == size:
            return True
    return False


@shared
def _port(a, b, port):
    return a == port or b == port


@shared
def _http2(direction, data, at, n):
    if direction == 0:
        return _begins(data, at, n, _PREFACE, 16)
    if n < 9:
        return PERHAPS if (n < 1 or data[at] == 0) and (n < 4 or data[at + 3] == 4) else NO
    length = np.int64(load_be32(data, at)) >> 8
    sound = (
        length <= 16384
        and length % 6 == 0
        and data[at + 3] == 4
        and data[at + 4] & 0xFE == 0
        and load_be32(data, at + 5) == 0
    )
    return YES if sound else NO


@shared
def _http(direction, data, at, n, server):
    end = at + n
    while at < end and (data[at] == 32 or data[at] == 13 or data[at] == 10):
        at += 1
    n = min(end - at, np.int64(20))
    if direction == 1:
        return _begins_upper(data, at, n, _HTTP_SLASH, 5)
    answer = NO
    for row in range(len(_HTTP)):
        size = _HTTP_SIZES[row]
        found = _begins(data, at, n, _HTTP[row], size)
        if found == YES and n > size and (data[at + size] == 32 or data[at + size] == 9):
            return YES
        if found == PERHAPS or (found == YES and n == size):
            answer = PERHAPS
    if answer == PERHAPS or not (server == 80 or server == 8080 or server == 3128 or server == 8000):
        return answer
    return _odd_request(data, at, n)


@shared
def _odd_request(data, at, n):
    r"""`[A-Za-z][A-Za-z_-]{1,14}[ \t]+[/A-Za-z*]`, of which no part can end two ways."""
    if n < 1 or not _letter(data[at]):
        return NO
    i = 1
    while i < n and (_letter(data[at + i]) or data[at + i] == 95 or data[at + i] == 45):
        i += 1
    if not 2 <= i <= 15:
        return NO
    blank = i
    while i < n and (data[at + i] == 32 or data[at + i] == 9):
        i += 1
    if i == blank or i >= n:
        return NO
    return YES if data[at + i] == 47 or data[at + i] == 42 or _letter(data[at + i]) else NO


@shared
def old_hello(data, at):
    """Whether five bytes begin a client's hello as SSL 2 has it."""
    if data[at] < 0x80 or (np.int64(data[at] & 0x7F) << 8 | np.int64(data[at + 1])) < 9 or data[at + 2] != 1:
        return False
    version = np.int64(load_be16(data, at + 3))
    return version == 0x0002 or version == 0x0200 or 0x0300 <= version <= 0x0304


@shared
def _tls(direction, data, at, n, a, b):
    if direction == 0 and n >= 1 and data[at] >= 0x80:
        if n >= 5:
            return YES if old_hello(data, at) else NO
        return PERHAPS if _port(a, b, 443) else NO
    if n < 1 or (data[at] != 22 and data[at] != 21):
        return NO
    if n < 6:
        return PERHAPS if n < 2 or data[at + 1] == 3 or data[at + 1] == 1 else NO
    if (data[at + 1] != 3 or data[at + 2] > 4) and not (data[at + 1] == 1 and data[at + 2] == 1):
        return NO
    if data[at] == 21:
        sound = data[at + 3] == 0 and data[at + 4] == 2 and (data[at + 5] == 1 or data[at + 5] == 2)
    else:
        sound = data[at + 5] == (_TLS_HELLO_TO_SERVER if direction == 0 else _TLS_HELLO_TO_CLIENT)
    return YES if sound else NO


@shared
def _smb(data, at, n, a, b):
    if n < 8:
        begins = n < 1 or data[at] == 0 or data[at] == 0x81 or data[at] == 0x82
        return PERHAPS if begins and (_port(a, b, 139) or _port(a, b, 445)) else NO
    if data[at] == 0x81 or data[at] == 0x82:
        return YES if _port(a, b, 139) else NO
    sound = (
        data[at] == 0
        and 0xFD <= data[at + 4] <= 0xFF
        and data[at + 5] == 83
        and data[at + 6] == 77
        and data[at + 7] == 66
    )
    return YES if sound else NO


@shared
def _dcerpc(data, at, n):
    if n < 1 or data[at] != 5:
        return NO
    if n < 16:
        return PERHAPS if n < 2 or data[at + 1] <= 1 else NO
    length = np.int64(load_le16(data, at + 8)) if data[at + 4] & 0x10 else np.int64(load_be16(data, at + 8))
    sound = data[at + 1] <= 1 and data[at + 2] <= 19 and data[at + 4] & 0xEF == 0 and length >= 16
    return YES if sound else NO


@internal
def _greets(data, at, n):
    return n >= 3 and data[at] == 50 and data[at + 1] == 50 and data[at + 2] == 48


@shared
def _smtp(direction, data, at, n, a, b):
    if direction == 0:
        one, other = _begins_upper(data, at, n, _EHLO, 5), _begins_upper(data, at, n, _HELO, 5)
        if one == YES or other == YES:
            return YES
        return PERHAPS if one == PERHAPS or other == PERHAPS else NO
    if not _greets(data, at, n):
        return NO
    if _port(a, b, 25) or _port(a, b, 587) or _port(a, b, 465) or _port(a, b, 2525):
        return YES
    return YES if holds(data, at, at + min(n, np.int64(256)), _SMTP) else NO


@shared
def _ftp(direction, data, at, n, a, b):
    if direction == 1:
        return YES if _greets(data, at, n) and _port(a, b, 21) else NO
    size = 0
    while size < min(n, np.int64(8)) and not (
        data[at + size] == 32 or data[at + size] == 13 or data[at + size] == 10
    ):
        size += 1
    for row in range(len(_FTP)):
        if _FTP_SIZES[row] == size and _begins_upper(data, at, size, _FTP[row], size) == YES:
            if _FTP_SURE[row]:
                return NO if _port(a, b, 110) else YES
            return YES if _port(a, b, 21) else NO
    return NO


@shared
def _sip(data, at, n):
    end = at + n
    while at < end and (data[at] == 13 or data[at] == 10):
        at += 1
    n = end - at
    perhaps = False
    for row in range(len(_SIP)):
        found = _begins(data, at, n, _SIP[row], _SIP_SIZES[row])
        perhaps = perhaps or found == PERHAPS
        if found == YES and row == len(_SIP) - 1:
            return YES
        if found == YES:
            line = at
            while line < end and data[line] != 10:
                line += 1
            if line < end:
                return YES if holds(data, at, line, _SIP_SLASH) else NO
            return PERHAPS if n < 2048 else NO
    return PERHAPS if perhaps and 0 < n < 10 else NO


@shared
def _mqtt(direction, data, at, n, a, b):
    if direction == 1:
        if n >= 4:
            return YES if data[at] == 0x20 and data[at + 1] == 2 and _port(a, b, 1883) else NO
        return PERHAPS if n >= 1 and data[at] == 0x20 else NO
    if n < 1 or data[at] != 0x10:
        return NO
    if n < 14:
        return PERHAPS
    sound = holds(data, at + 2, at + 12, _MQTT) or holds(data, at + 2, at + 14, _MQISDP)
    return YES if sound else NO


@shared
def _rfb(data, at, n):
    if n < 12:
        return PERHAPS if _begins(data, at, min(n, np.int64(6)), _RFB, 6) != NO else NO
    return YES if _begins(data, at, 4, _RFB, 4) == YES and data[at + 11] == 10 else NO


@shared
def _rdp(direction, data, at, n):
    if n < 1 or data[at] != 3:
        return NO
    if n < 6:
        return PERHAPS if n < 2 or data[at + 1] == 0 else NO
    return YES if data[at + 1] == 0 and data[at + 5] == (0xE0 if direction == 0 else 0xD0) else NO


@shared
def _modbus(data, at, n, a, b):
    if not _port(a, b, 502):
        return NO
    if n < 8:
        return PERHAPS
    function = data[at + 7] & 0x7F
    if load_be16(data, at + 2) != 0 or not (1 <= function <= 24 or function == 43):
        return NO
    length = load_be16(data, at + 4)
    return YES if (length == 3 if data[at + 7] >= 0x80 else 2 <= length <= 254) else NO


@shared
def _dnp3(data, at, n, a, b):
    if n < 10:
        begins = (n < 1 or data[at] == 5) and (n < 2 or data[at + 1] == 0x64)
        return PERHAPS if begins and _port(a, b, 20000) else NO
    if data[at] != 5 or data[at + 1] != 0x64 or data[at + 2] < 5:
        return NO
    value = np.int64(0)
    for i in range(8):
        value = value >> 8 ^ _CRC[(value ^ np.int64(data[at + i])) & 255]
    return YES if ~value & 0xFFFF == np.int64(load_le16(data, at + 8)) else NO


@shared
def _iec104(data, at, n, a, b):
    if not _port(a, b, 2404):
        return NO
    if n < 6:
        return PERHAPS
    return YES if data[at] == 0x68 and 4 <= data[at + 1] <= 253 else NO


@shared
def _krb5(data, at, n, a, b):
    if not _port(a, b, 88):
        return NO
    if n < 10:
        return PERHAPS
    for i in range(at, at + 8, 4):
        kind = data[i] & 31
        if data[i] & 0xE0 == 0x60 and (10 <= kind <= 15 or kind == 30):
            return YES
    return NO


@shared
def _ldap(data, at, n, a, b):
    if n < 1 or data[at] != 0x30:
        return NO
    known = _port(a, b, 389) or _port(a, b, 3268)
    if n < 7:
        return PERHAPS if known else NO
    size = 2 + (np.int64(data[at + 1] & 0x7F) if data[at + 1] & 0x80 else np.int64(0))
    if size + 1 >= n:  # the length takes so many bytes that the number is not there yet
        return PERHAPS if size <= 6 and known else NO
    if data[at + size] != 2 or not 1 <= data[at + size + 1] <= 4:
        return NO
    i = size + 2 + np.int64(data[at + size + 1])
    if i >= n:
        return NO
    if known:
        return YES if data[at + i] & 0xE0 == 0x60 else NO
    return YES if data[at + i] == 0x60 and holds(data, at + i, at + min(n, i + 6), _BIND_VERSION) else NO


@shared
def _quic(direction, data, at, n):
    if direction != 0 or n < 64 or data[at] & 0xC0 != 0xC0:
        return NO
    version = np.int64(load_be32(data, at + 1))
    for row in range(len(_QUIC)):
        if _QUIC[row, 0] == version:
            kind = np.int64(data[at]) >> 4 & 3
            return YES if kind == _QUIC[row, 1] and 8 <= data[at + 5] <= _LONGEST_ID else NO
    return NO


@shared
def element(data, at, end):
    """Where the contents of a DER element begin and end; -1 where it does not fit."""
    if at + 2 > end or data[at] & 31 == 31:
        return np.int64(-1), np.int64(-1)
    length = np.int64(data[at + 1])
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if count == 0 or count > 4 or start + count > end:
            return np.int64(-1), np.int64(-1)
        length = np.int64(0)
        for i in range(count):
            length = length << 8 | np.int64(data[start + i])
        start += count
    if start + length > end:
        return np.int64(-1), np.int64(-1)
    return start, start + length


@shared
def _snmp(data, at, n, a, b):
    if not (_port(a, b, 161) or _port(a, b, 162)) or n < 10 or data[at] != 0x30:
        return NO
    start, _ = element(data, at, at + n)
    if start < 0:
        return NO
    first, end = element(data, start, at + n)
    if first < 0 or data[start] != 2 or end - first != 1:
        return NO
    return YES if data[first] == 0 or data[first] == 1 or data[first] == 3 else NO


@shared
def _dhcp(data, at, n, a, b):
    if n < 240 or not (_port(a, b, 67) or _port(a, b, 68)) or not 1 <= data[at] <= 2:
        return NO
    return _begins(data, at + 236, 4, _COOKIE, 4)


@shared
def _ntp(data, at, n, a, b):
    if not _port(a, b, 123) or n < 4:
        return NO
    return YES if 1 <= data[at] >> 3 & 7 <= 4 and data[at] & 7 != 0 else NO


@shared
def _ike(data, at, n, a, b):
    if not _port(a, b, 500) or n < 28:
        return NO
    if data[at + 17] >> 4 == 1:
        return YES
    sound = data[at + 17] == 0x20 and 34 <= data[at + 18] <= 37 and np.int64(load_be32(data, at + 24)) == n
    return YES if sound else NO


@shared
def name_end(data, base, at, end, most):
    """Follow a DNS name at an offset: (where it ends, its size written out), or -1 and what is wrong.

    Offsets count from `base`, where the message begins. The size is that of labels joined by dots.
    """
    size = np.int64(0)
    labels = np.int64(0)
    hops = np.int64(0)
    after = np.int64(-1)
    while True:
        if base + at >= end:
            return np.int64(-1), np.int64(0)
        length = np.int64(data[base + at])
        if length == 0:
            at += 1
            break
        if length >= 0xC0:
            if base + at + 2 > end:
                return np.int64(-1), np.int64(0)
            if after < 0:
                after = at + 2
            to = (length & 0x3F) << 8 | np.int64(data[base + at + 1])
            hops += 1
            if to >= at or hops > MOST_LABELS:
                return np.int64(-1), np.int64(1)
            at = to
            continue
        if length > 63 or base + at + 1 + length > end:
            return np.int64(-1), np.int64(0)
        labels += 1
        size += length + 1
        if size > most:
            return np.int64(-1), np.int64(2)
        if labels > MOST_LABELS:
            return np.int64(-1), np.int64(3)
        at += 1 + length
    return at if after < 0 else after, max(size - 1, np.int64(0))


@shared
def _printable(data, base, at):
    """Whether all bytes of a sound name, dots between labels aside, are printed ones."""
    while True:
        length = np.int64(data[base + at])
        if length == 0:
            return True
        if length >= 0xC0:
            at = (length & 0x3F) << 8 | np.int64(data[base + at + 1])
            continue
        for i in range(length):
            if not 32 < data[base + at + 1 + i] < 127:
                return False
        at += 1 + length


@shared
def _plausible(data, at, n, known):
    if n < 12:
        return False
    flags = np.int64(load_be16(data, at + 2))
    questions = np.int64(load_be16(data, at + 4))
    answers = np.int64(load_be16(data, at + 6))
    authorities = np.int64(load_be16(data, at + 8))
    more = np.int64(load_be16(data, at + 10))
    if known:
        records = questions + answers + authorities + more
        if records == 0:  # a server that did not understand
            return flags & 0x8000 != 0 and n == 12
        return 2 * records <= n and (flags & 0x8000 != 0 or questions > 0)
    if flags >> 11 & 15 > 6 or flags & 0x40:
        return False
    if questions != 1 or answers > 64 or authorities > 64 or more > 64 or (not flags & 0x8000 and answers):
        return False
    end, _ = name_end(data, at, np.int64(12), at + n, MOST_NAME)
    if end < 0 or end + 4 > n:
        return False
    kind = np.int64(load_be16(data, at + end + 2))
    return (kind == 1 or kind == 255) and _printable(data, at, np.int64(12))


@shared
def _dns(data, at, n, a, b):
    if _port(a, b, 137):
        return NO
    known = _port(a, b, 53) or _port(a, b, 5353) or _port(a, b, 5355)
    if _plausible(data, at, n, known):
        return YES
    if n >= 2 and 17 <= load_be16(data, at) <= 4096 and _plausible(data, at + 2, n - 2, known):
        return YES
    return PERHAPS if known and n < 14 else NO


@internal
def _among(numbers, value):
    for number in numbers:
        if number == value:
            return True
    return False


@shared
def _enip(data, at, n, a, b):
    if not _port(a, b, 44818):
        return NO
    if n < 24:
        return PERHAPS
    command, length = np.int64(load_le16(data, at)), np.int64(load_le16(data, at + 2))
    if not _among(_ENIP, command) or not _among(_ENIP_STATUSES, np.int64(load_le32(data, at + 8))):
        return NO
    if command == 0:
        return YES if load_le32(data, at + 20) == 0 else NO
    sound = (command != 0x65 or length == 4) and (command != 0x66 or length == 0 or length == 4)
    return YES if sound else NO


@shared
def _nfs(direction, data, at, n, a, b):
    if not _port(a, b, 2049):
        return NO
    if n < LEAST:
        return PERHAPS
    for step in range(2):
        i = at + 4 * (1 - step)
        kind, first = np.int64(load_be32(data, i + 4)), np.int64(load_be32(data, i + 8))
        second, third = np.int64(load_be32(data, i + 12)), np.int64(load_be32(data, i + 16))
        if step == 0 and np.int64(load_be32(data, at)) & 0x7FFFFFFF < LEAST:
            continue
        if direction == 0 and kind == 0 and first == 2 and second == PROGRAM and 2 <= third <= 4:
            return YES
        if direction == 1 and kind == 1 and first == 0 and second < 8 and third <= MOST_CREDENTIALS:
            return YES
    return NO


@shared
def _pgsql(direction, data, at, n, a, b):
    if not _port(a, b, 5432):
        return NO
    if n < 1:
        return PERHAPS
    if direction == 0 and data[at] == 0:
        if n < 8:
            return PERHAPS
        length, code = np.int64(load_be32(data, at)), np.int64(load_be32(data, at + 4))
        sound = 8 <= length <= MOST_FIRST and (_among(_CODES, code) or code >> 16 == 3)
        return YES if sound else NO
    if direction == 1 and n == 1 and (data[at] == 83 or data[at] == 78):
        return YES
    if not _among(_FROM_CLIENT if direction == 0 else _FROM_SERVER, data[at]):
        return NO
    if n < 5:
        return PERHAPS
    return YES if 4 <= np.int64(load_be32(data, at + 1)) < MOST else NO


@shared
def _pop3(direction, data, at, n, a, b):
    if not _port(a, b, 110):
        return NO
    if direction == 1:
        good, bad = _begins_upper(data, at, n, _GOOD, 3), _begins_upper(data, at, n, _BAD, 4)
        return YES if good == YES or bad == YES else PERHAPS if good == PERHAPS or bad == PERHAPS else NO
    size = 0
    while size < min(n, np.int64(5)) and not (
        data[at + size] == 32 or data[at + size] == 13 or data[at + size] == 10
    ):
        size += 1
    whole = size < min(n, np.int64(5))
    perhaps = not whole and n < 5
    for row in range(len(_POP3)):
        if (_POP3_SIZES[row] == size) if whole else (perhaps and _POP3_SIZES[row] >= size):
            if _begins_upper(data, at, size, _POP3[row], size) == YES:
                return YES if whole else PERHAPS
    return NO


@shared
def _imap(direction, data, at, n, a, b):
    answer = NO
    if direction == 1:
        for row in range(len(_IMAP)):
            found = _begins_upper(data, at, n, _IMAP[row], _IMAP_SIZES[row])
            if found == YES:
                return YES
            if found == PERHAPS and n > 0:
                answer = PERHAPS
        return answer
    size = np.int64(len(_QUESTION))
    for i in range(at, at + min(n, np.int64(WITHIN)) - size + 1):
        if _begins_upper(data, i, size, _QUESTION, size) == YES:
            return YES
    return PERHAPS if n < WITHIN and _port(a, b, 143) else NO


@shared
def _tftp(data, at, n, a, b):
    if not _port(a, b, 69) or n < 4:
        return NO
    return YES if data[at] == 0 and 1 <= data[at + 1] <= 5 else NO


@shared
def _telnet(n, a, b):
    if not _port(a, b, 23):
        return NO
    return YES if n > 1 else PERHAPS


@shared
def looks_early(protocol, direction, data, at, n, client, server):
    """Whether bytes look like one of the first protocols of the registry."""
    if protocol == HTTP2:
        return _http2(direction, data, at, n)
    if protocol == HTTP:
        return _http(direction, data, at, n, server)
    if protocol == TLS:
        return _tls(direction, data, at, n, client, server)
    if protocol == SSH:
        return _begins(data, at, n, _SSH, 4)
    if protocol == SMB:
        return _smb(data, at, n, client, server)
    if protocol == DCERPC:
        return _dcerpc(data, at, n)
    if protocol == SMTP:
        return _smtp(direction, data, at, n, client, server)
    if protocol == FTP:
        return _ftp(direction, data, at, n, client, server)
    if protocol == SIP:
        return _sip(data, at, n)
    if protocol == MQTT:
        return _mqtt(direction, data, at, n, client, server)
    return _rfb(data, at, n)


@shared
def looks_late(protocol, direction, data, at, n, client, server):
    """Whether bytes look like one of the last ones."""
    if protocol == RDP:
        return _rdp(direction, data, at, n)
    if protocol == MODBUS:
        return _modbus(data, at, n, client, server)
    if protocol == DNP3:
        return _dnp3(data, at, n, client, server)
    if protocol == IEC104:
        return _iec104(data, at, n, client, server)
    if protocol == KRB5:
        return _krb5(data, at, n, client, server)
    if protocol == LDAP:
        return _ldap(data, at, n, client, server)
    if protocol == QUIC:
        return _quic(direction, data, at, n)
    if protocol == SNMP:
        return _snmp(data, at, n, client, server)
    if protocol == DHCP:
        return _dhcp(data, at, n, client, server)
    if protocol == NTP:
        return _ntp(data, at, n, client, server)
    if protocol == IKE:
        return _ike(data, at, n, client, server)
    if protocol == DNS:
        return _dns(data, at, n, client, server)
    if protocol == MDNS:
        return _dns(data, at, n, client, server) if _port(client, server, 5353) else NO
    return looks_last(protocol, direction, data, at, n, client, server)


@shared
def looks_last(protocol, direction, data, at, n, client, server):
    """Whether bytes look like one of those that go by their port, or nearly so."""
    if protocol == ENIP:
        return _enip(data, at, n, client, server)
    if protocol == NFS:
        return _nfs(direction, data, at, n, client, server)
    if protocol == PGSQL:
        return _pgsql(direction, data, at, n, client, server)
    if protocol == POP3:
        return _pop3(direction, data, at, n, client, server)
    if protocol == IMAP:
        return _imap(direction, data, at, n, client, server)
    if protocol == TFTP:
        return _tftp(data, at, n, client, server)
    if protocol == TELNET:
        return _telnet(n, client, server)
    return NO


@shared
def looks(protocol, direction, data, at, n, client, server):
    """Whether bytes look like a protocol."""
    early = (
        protocol == HTTP2 or protocol == HTTP or protocol == TLS or protocol == SSH or protocol == SMB
        or protocol == DCERPC or protocol == SMTP or protocol == FTP or protocol == SIP or protocol == MQTT
        or protocol == RFB
    )  # fmt: skip
    if early:
        return looks_early(protocol, direction, data, at, n, client, server)
    return looks_late(protocol, direction, data, at, n, client, server)


@shared
def recognise(order, allowed, direction, data, at, n, client, server):
    """The protocol that bytes are of: its number, 0 where none is, -1 where more bytes may tell.

    `allowed` has a bit for each protocol that is looked for.
    """
    perhaps = False
    for i in range(len(order)):
        protocol = order[i]
        if not allowed >> protocol & 1:
            continue
        answer = looks(protocol, direction, data, at, n, client, server)
        if answer == YES:
            return protocol
        perhaps = perhaps or answer == PERHAPS
    return np.int64(-1) if perhaps else np.int64(0)


@shared
def recognise_tcp(allowed, direction, data, at, n, client, server):
    """What bytes of a TCP connection are of."""
    return recognise(_ORDER_TCP, allowed, direction, data, at, n, client, server)


@shared
def recognise_udp(allowed, direction, data, at, n, client, server):
    """What a datagram is of."""
    return recognise(_ORDER_UDP, allowed, direction, data, at, n, client, server)


@bare_kernel
def recognised(udp, allowed, direction, data, client, server):
    """What bytes are of, for parsers in Python: its number, 0 where none is, -1 where more may tell."""
    if udp:
        return recognise_udp(allowed, direction, data, np.int64(0), len(data), client, server)
    return recognise_tcp(allowed, direction, data, np.int64(0), len(data), client, server)
