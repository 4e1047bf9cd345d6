"""SSH over TCP: one transaction a connection, as `ingest.applications.ssh` reads it."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, load_be32, shared
from ingest.applications.compiled.hello.kernels import put_text
from ingest.applications.compiled.layout import META_AT, SSH
from ingest.applications.compiled.looks.kernels import place_of
from ingest.applications.compiled.memory.kernels import frame_upto
from ingest.applications.compiled.rows.kernels import begin, enough, finish, note, odd, put, whole
from ingest.applications.ssh import _MOST_BANNER, _MOST_PACKET
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

# Words of a flow: its transaction and one, directions whose banner came, those with a line that was none.
_TX, _NAMED, _STRANGE = 0, 1, 2
ARENA = META_AT["arena"]
_KEX_INIT, _NEW_KEYS = 20, 21
_LISTS, _COOKIE = 8, 17
_BANNER = np.frombuffer(b"SSH-", np.uint8).copy()
_LONG, _INVALID = ANOMALY_KIND["ssh.long_banner"], ANOMALY_KIND["ssh.invalid_banner"]
_ENCRYPTED = FIELD["ssh.encrypted"]
_PROTO, _SOFTWARE = KIND["ssh.proto"], KIND["ssh.software"]
_TEXTS = np.array([KIND["ssh.hassh.string"], KIND["ssh.hassh.server.string"]], np.int64)
_HASHES = np.array([KIND["ssh.hassh"], KIND["ssh.hassh.server"]], np.int64)


@shared
def _strange(mem, owner, tx, d, frame):
    """A line is no banner, or an odd one: told once a direction."""
    flow = mem.flows[owner]
    if flow["words"][_STRANGE] >> d & 1 == 0:
        flow["words"][_STRANGE] |= 1 << d
        odd(mem, owner, _INVALID, d, frame, tx)


@shared
def _banner(mem, owner, tx, d, frame, data, at, end):
    """A line; whether it is the banner."""
    while end > at and data[end - 1] == 13:
        end -= 1
    ours = end - at >= 4
    for i in range(4):
        ours = ours and data[at + i] == _BANNER[i]
    if not ours:
        _strange(mem, owner, tx, d, frame)
        return False
    stop = place_of(data, at + 4, end, 45)
    if stop == at + 4 or stop == end:
        _strange(mem, owner, tx, d, frame)
    put(mem, tx, _PROTO, d, 0, frame, data, at + 4, stop - at - 4)
    start = min(stop + 1, end)
    put(mem, tx, _SOFTWARE, d, 0, frame, data, start, place_of(data, start, end, 32) - start)
    return True


@shared
def _offer(mem, tx, d, frame, data, at, end):
    """What a side offers for keys: its names of four lists, and their MD5; nothing where it is cut."""
    begun = n = mem.meta[ARENA]
    at += _COOKIE
    for i in range(_LISTS):
        if at + 4 > end:
            return
        size = np.int64(load_be32(data, at))
        at += 4
        if at + size > end:
            return
        if i == 0 or (i >= 2 and i & 1 == d):
            if i > 0:
                mem.arena[n] = 59
                n += 1
            copy_bytes(mem.arena, n, data, at, size)
            n += size
        at += size
    put_text(mem, tx, d, frame, n - begun, _TEXTS[d], _HASHES[d])


@shared
def _named(mem, owner, tx, d, data, begun, at, end, frame):
    """Lines up to the banner: where the first begins that was not read."""
    flow = mem.flows[owner]
    while not flow["words"][_NAMED] >> d & 1:
        most = min(end, at + _MOST_BANNER + 1)
        stop = place_of(data, at, most, 10)
        if not enough(mem, 0, 2, stop - at, 0, 0):
            return at
        if stop == most:
            if end - at > _MOST_BANNER:
                odd(mem, owner, _LONG, d, frame_upto(mem, flow, d, at + 1 - begun, frame), tx)
                flow["done"][d] = 1
            return at
        if _banner(mem, owner, tx, d, frame, data, at, stop):
            flow["words"][_NAMED] |= 1 << d
        at = stop + 1
    return at


@shared
def ssh_stream(mem, owner, d, data, at, end, frame, time):
    """A banner, then packets until the keys are new; where the first begins that is not whole."""
    flow = mem.flows[owner]
    if not flow["words"][_TX]:
        if not enough(mem, 1, 0, 0, 0, 0):
            return at
        flow["words"][_TX] = begin(mem, owner, SSH, frame, time) + 1
    tx = np.int64(flow["words"][_TX]) - 1
    at = _named(mem, owner, tx, d, data, at, at, end, frame)
    if not flow["words"][_NAMED] >> d & 1:
        return at
    while end - at >= 6 and not flow["done"][d]:
        length = np.int64(load_be32(data, at))
        if not 2 <= length <= _MOST_PACKET:
            flow["done"][d] = 1
            return end
        if end - at < 4 + length:
            flow["need"][d] = 4 + length
            return at
        if not enough(mem, 0, 2, length + 64, 0, 0):
            return at
        flow["need"][d] = 6
        kind = data[at + 5]
        if kind == _KEX_INIT:
            _offer(mem, tx, d, frame, data, at + 5, at + 4 + length)
        elif kind == _NEW_KEYS:
            flow["done"][d] = 1
            whole(mem, tx, d, frame)
            if flow["done"][1 - d]:
                note(mem, tx, _ENCRYPTED, d, 0, frame, 1)
                finish(mem, tx)
        at += 4 + length
    return at
