"""Certificates and who showed them, joined by what logs call a certificate.

Both wait in rings of a power of two, by the number of their arrival, each in one of many lists (`heads` and
`tails`, -1 where empty) that go from the oldest to the newest: what leaves a full ring is at the head of one.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, internal, mix64

#: Places in `state`: names and certificates that came; then what was counted (`Chains.notes`).
NAMES, SHOWN, JOINED, ALONE, BY_FILE, AGAIN, MISSING = range(7)


@internal
def _list_of(heads, key):
    return np.int64(mix64(key) & U8(len(heads) - 1))


@internal
def _append(ring, heads, tails, number):
    """Put what came as `number` at the end of its list."""
    at = _list_of(heads, ring[number & (len(ring) - 1)]["key"])
    ring[number & (len(ring) - 1)]["next"] = -1
    if heads[at] < 0:
        heads[at] = number
    else:
        ring[tails[at] & (len(ring) - 1)]["next"] = number
    tails[at] = number


@internal
def _drop_head(ring, heads, number):
    """Take what came as `number`, the oldest of all, out of its list."""
    heads[_list_of(heads, ring[number & (len(ring) - 1)]["key"])] = ring[number & (len(ring) - 1)]["next"]


@internal
def _find(marks, heads, key):
    """The number of the certificate of that name, or -1."""
    number = heads[_list_of(heads, key)]
    while number >= 0 and marks[number & (len(marks) - 1)]["key"] != key:
        number = marks[number & (len(marks) - 1)]["next"]
    return number


@internal
def _tell(event, name, line, out, lines, n):
    """A certificate as that of a connection."""
    out[n] = event
    e = out[n]
    e["time"] = max(event["time"], name["time"])
    e["src_hi"] = name["src_hi"]
    e["src_lo"] = name["src_lo"]
    e["dst_hi"] = name["dst_hi"]
    e["dst_lo"] = name["dst_lo"]
    e["src_port"] = name["src_port"]
    e["dst_port"] = name["dst_port"]
    e["proto"] = name["proto"]
    e["code"] = name["code"]
    e["count"] = name["place"]
    lines[n] = line
    return n + 1


@internal
def _tell_alone(names, name_heads, marks, events, number, line, state, out, lines, n):
    """A certificate that no connection was named for, between the hosts that a log of files told."""
    slot = number & (len(marks) - 1)
    if marks[slot]["named"] == 1:
        return n
    key = marks[slot]["key"]
    at = name_heads[_list_of(name_heads, key)]
    while at >= 0:
        name = names[at & (len(names) - 1)]
        if name["key"] == key and name["weak"] == 1:
            state[BY_FILE] += 1
            return _tell(events[slot], name, line, out, lines, n)
        at = name["next"]
    state[ALONE] += 1
    out[n] = events[slot]
    lines[n] = line
    return n + 1


@bare_kernel
def name(
    rows, names, name_heads, name_tails, marks, mark_heads, events, state, out, lines
):  # fmt: skip
    """Who showed certificates (NAME[n], in order): those that are known go out, the rest of the names wait.

    `names` and `marks` (with `events`) are the rings. Returns EVENT rows written to `out` (n at the most).
    """
    n = 0
    room = len(names)
    for i in range(len(rows)):
        row = rows[i]
        if row["weak"] == 0:
            number = _find(marks, mark_heads, row["key"])
            if number >= 0:
                slot = number & (len(marks) - 1)
                marks[slot]["named"] = 1
                state[JOINED] += 1
                n = _tell(events[slot], row, row["line"], out, lines, n)
                continue
        number = state[NAMES]
        state[NAMES] += 1
        slot = number & (room - 1)
        if number >= room and names[slot]["done"] == 0:
            _drop_head(names, name_heads, number - room)
            state[MISSING] += 1 - np.int64(names[slot]["weak"])
        names[slot] = row
        _append(names, name_heads, name_tails, number)
    return n


@internal
def _join(names, heads, tails, event, key, line, out, lines, n):
    """Everyone who waits for a certificate: they leave their list."""
    mask = len(names) - 1
    at = _list_of(heads, key)
    before = np.int64(-1)
    number = heads[at]
    while number >= 0:
        w = names[number & mask]
        following = w["next"]
        if w["key"] == key and w["weak"] == 0:
            n = _tell(event, w, line, out, lines, n)
            w["done"] = 1
            if before < 0:
                heads[at] = following
            else:
                names[before & mask]["next"] = following
            if following < 0:
                tails[at] = before
        else:
            before = number
        number = following
    return n


@bare_kernel
def show(
    keys, told, from_lines, names, name_heads, name_tails, marks, mark_heads, mark_tails, events, state, out,
    lines,
):  # fmt: skip
    """Certificates (EVENT[n]) by their keys: they go out for each who waited for them, and stay known.

    One that leaves the full ring and was never named goes out by itself. Returns rows written to `out`: at
    the most two for each, and one for each that waits.
    """
    n = 0
    room = len(marks)
    for i in range(len(keys)):
        key = keys[i]
        if _find(marks, mark_heads, key) >= 0:
            state[AGAIN] += 1
            continue
        number = state[SHOWN]
        state[SHOWN] += 1
        slot = number & (room - 1)
        if number >= room:
            n = _tell_alone(
                names, name_heads, marks, events, number - room, from_lines[i], state, out, lines, n
            )
            _drop_head(marks, mark_heads, number - room)
        marks[slot]["key"] = key
        events[slot] = told[i]
        _append(marks, mark_heads, mark_tails, number)
        before = n
        n = _join(names, name_heads, name_tails, told[i], key, from_lines[i], out, lines, n)
        marks[slot]["named"] = 1 if n > before else 0
        state[JOINED] += n - before
    return n


@bare_kernel
def rest(names, name_heads, marks, events, state, out, lines):
    """The end: certificates that nobody was named for go out by themselves. Returns rows written."""
    n = 0
    for number in range(max(state[SHOWN] - len(marks), 0), state[SHOWN]):
        n = _tell_alone(names, name_heads, marks, events, number, 0, state, out, lines, n)
    for number in range(max(state[NAMES] - len(names), 0), state[NAMES]):
        w = names[number & (len(names) - 1)]
        state[MISSING] += 1 - max(np.int64(w["done"]), np.int64(w["weak"]))
    return n


@bare_kernel
def relist(names, name_heads, name_tails, marks, mark_heads, mark_tails, state):
    """Make the lists anew from what is in the rings."""
    name_heads[:] = -1
    name_tails[:] = -1
    mark_heads[:] = -1
    mark_tails[:] = -1
    for number in range(max(state[NAMES] - len(names), 0), state[NAMES]):
        if names[number & (len(names) - 1)]["done"] == 0:
            _append(names, name_heads, name_tails, number)
    for number in range(max(state[SHOWN] - len(marks), 0), state[SHOWN]):
        _append(marks, mark_heads, mark_tails, number)
