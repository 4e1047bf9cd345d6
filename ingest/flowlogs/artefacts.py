"""What logs tell of files, certificates and notices, as EVENT rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    FILE_SEEN,
    FILE_SOURCES,
    ICMP,
    KEY_KINDS,
    NOTICE_RAISED,
    SELF_SIGNED,
    TCP,
    TEXT,
    TLS_WHOLE_CERTIFICATE,
    UDP,
)
from ingest.flowlogs import kernels
from ingest.flowlogs.chains.layout import NAME
from ingest.flowlogs.fields import Fields, Vocabulary
from ingest.flowlogs.said import Said, write
from ingest.sightings import kernels as sightings

#: Protocols by which files come, as logs call them.
_ALSO = {"ssl": "tls", "ftp_data": "ftp", "ftp-data": "ftp"}
SOURCE = Vocabulary({name: (FILE_SOURCES.index(_ALSO.get(name, name)),) for name in (*FILE_SOURCES, *_ALSO)})
KEY_KIND = Vocabulary(
    {name: (KEY_KINDS.index(name),) for name in KEY_KINDS} | {"ec": (KEY_KINDS.index("ecdsa"),)}
)
PROTO = Vocabulary({"tcp": (TCP,), "udp": (UDP,), "icmp": (ICMP,)})
_SHA256, _SHA1, _MD5, _SERIAL = 64, 40, 32, 40
#: Bytes for subject, issuer and other names together.
_OTHERS = TEXT - _SHA256 - _SHA1 - _SERIAL
_BLANK = ord(" ")
_MOST = 0xFFFF_FFFF
_SECOND = 1_000_000_000


class FileNames(NamedTuple):
    """What the fields of a log of files are called."""

    name: str
    mime: str
    seen: str
    whole: str
    digests: tuple[str, str, str] = ("sha256", "sha1", "md5")


def files(fields: Fields, said: Said, names: FileNames, source: str, outer: Fields | None = None) -> Said:
    """A line of a log of files, sent by who `said` has as source; `source` names the field of the protocol.

    That is one of `outer`, where it stands outside of the object that tells the rest.
    """
    rows = said.rows
    rows["kind"] = FILE_SEEN
    rows["type"] = SOURCE.look_up((outer or fields).words(source))[0][:, 0]
    rows["size"] = np.minimum(fields.counts(names.seen), np.uint64(_MOST))
    rows["number"] = np.minimum(fields.counts(names.whole), np.uint64(_MOST))
    write(fields, said, (names.name, names.mime), (66, 40))
    digits = zip(names.digests, (_SHA256, _SHA1, _MD5), strict=True)
    parts = [_digits(fields, name, size) for name, size in digits]
    _put(rows, np.concatenate(parts, axis=1))
    return said.where(fields.status == 0)


def certificates(fields: Fields, said: Said, prefix: str, fingerprint: str, alternatives: str) -> Said:
    """A line of a log of certificates: what they say, and what tells them apart.

    `alternatives` names the list of the other names that they are good for.
    """
    rows = said.rows
    rows["kind"] = TLS_WHOLE_CERTIFICATE
    subject, issuer = f"{prefix}subject", f"{prefix}issuer"
    write(fields, said, (subject, issuer, f"{prefix}serial"), (58, 40, _SERIAL))
    same = (fields.words(subject) == fields.words(issuer)) & fields.present(subject)
    rows["flags"] = np.where(same, SELF_SIGNED, 0)
    rows["answers"] = _seconds(fields, f"{prefix}not_valid_before")
    rows["number"] = np.minimum(_seconds(fields, f"{prefix}not_valid_after"), _MOST)
    rows["type"] = KEY_KIND.look_up(fields.words(f"{prefix}key_type"))[0][:, 0]
    rows["size"] = np.minimum(fields.counts(f"{prefix}key_length"), np.uint64(_MOST))
    size = rows["agent_size"].astype(np.int64)
    begins = rows["name_size"].astype(np.int64) + rows["rest_size"]
    places = np.arange(_SERIAL)
    serial = rows["text"][np.arange(len(rows))[:, None], begins[:, None] + places]
    serial[places >= size[:, None]] = _BLANK
    parts = [_digits(fields, fingerprint, digits) for digits in (_SHA256, _SHA1)]
    others = np.full((len(rows), _OTHERS), _BLANK, np.uint8)
    kernels.listed(fields.lines.buffer, fields.span_of(alternatives), _OTHERS - begins, others)
    _put(rows, np.concatenate([*parts, serial, others], axis=1))
    return said.where(fields.status == 0)


def named(fields: Fields, told: NDArray[np.void], name: str, *, weak: bool = False) -> NDArray[np.void]:
    """Who showed each certificate that a list names (NAME): the source in `told`, which has a row a line."""
    spans = fields.span_of(name)
    room = int(kernels.separators(fields.lines.buffer, spans)) + len(spans)
    found = np.zeros(room, NAME)
    of = np.zeros(room, np.int64)
    n = kernels.items(fields.lines.buffer, spans, found["key"], found["place"], of)
    found, of = found[:n], of[:n]
    for field in ("src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "proto", "code", "time"):
        found[field] = told[field][of]
    found["line"], found["weak"] = fields.lines.numbers[of], weak
    shown: NDArray[np.void] = found[found["key"] != 0]
    return shown


def notices(fields: Fields, said: Said, names: tuple[str, str, str], count: str = "") -> Said:
    """A line of a log of notices: what it is called, what it says, and what else; of how many, where told."""
    said.rows["kind"] = NOTICE_RAISED
    if count:
        said.rows["number"] = np.minimum(fields.counts(count), np.uint64(_MOST))
    write(fields, said, names, (64, 120, 58))
    return said.where(fields.status == 0)


def first_host(fields: Fields, said: Said, side: str, name: str) -> None:
    """The first address of a field that has several becomes an end of what is said, where there is one."""
    spans = fields.span_of(name)
    first = np.zeros_like(spans)
    sightings.first_items(fields.lines.buffer, spans, first)
    ok = np.zeros(len(first), np.uint8)
    high, low = np.zeros(len(first), np.uint64), np.zeros(len(first), np.uint64)
    kernels.addresses(fields.lines.buffer, first, high, low, ok)
    for word, value in (("hi", high), ("lo", low)):
        rows = said.rows[f"{side}_{word}"]
        rows[:] = np.where(ok == kernels.GOOD, value, rows)


def turn(said: Said, which: NDArray[np.bool_]) -> None:
    """Source and target of some rows change places."""
    for what in ("hi", "lo", "port"):
        src, dst = said.rows[f"src_{what}"], said.rows[f"dst_{what}"]
        src[which], dst[which] = dst[which], src[which]


def _digits(fields: Fields, name: str, size: int) -> NDArray[np.uint8]:
    """So many hexadecimal digits of a field, in lower case; blanks where it is something else."""
    spans = fields.span_of(name)
    found = np.full((len(spans), size), _BLANK, np.uint8)
    rows = np.flatnonzero(spans[:, 1] - spans[:, 0] == size)
    if len(rows):
        digits = fields.lines.buffer[spans[rows, 0][:, None] + np.arange(size)] | 0x20
        number, letter = (digits >= 0x30) & (digits <= 0x39), (digits >= 0x61) & (digits <= 0x66)
        good = (number | letter).all(axis=1)
        found[rows[good]] = digits[good]
    return found


def _put(rows: NDArray[np.void], text: NDArray[np.uint8]) -> None:
    """Text of fixed places becomes the third piece, without the blanks behind it."""
    width = text.shape[1]
    used = (width - np.argmax(text[:, ::-1] != _BLANK, axis=1)) * (text != _BLANK).any(axis=1)
    begins = rows["name_size"].astype(np.int64) + rows["rest_size"]
    places = np.arange(width)
    at, column = np.nonzero(places < used[:, None])
    rows["text"][at, begins[at] + column] = text[at, column]
    rows["agent_size"] = used


def _seconds(fields: Fields, name: str) -> NDArray[np.int64]:
    """Seconds since 1970; 0 where there is no such time."""
    spans = fields.span_of(name)
    found, ok = np.zeros(len(spans), np.int64), np.zeros(len(spans), np.uint8)
    kernels.times(fields.lines.buffer, spans, found, ok)
    return np.where((ok == kernels.GOOD) & (found > 0), found // _SECOND, 0)
