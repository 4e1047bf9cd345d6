"""What hosts do in a minute, counted up row by row: one pass, exact, whatever the order of rows.

Hosts, and what each deals with, stand in open-addressed tables of row numbers: what a slot's row says is
compared in full, so that no hash, made up or not, takes one for another.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import ICMP, ICMPV6, UDP
from citywall.kernels import U8, bare_kernel, hash_address, internal, mix64

# Columns of `counted`.
FLOWS, PEERS, SERVICES, PORTS, UNANSWERED, SENT, GOT, PACKETS = 0, 1, 2, 3, 4, 5, 6, 7
LASTING, OVER_UDP, OVER_ICMP, SINGLE, LARGEST = 8, 9, 10, 11, 12
COLUMNS = 13
_ADDRESS, _SERVICE, _PORT = 0, 1, 2


@internal
def _alike(where, keys, i, j, what):
    """Whether rows `i` and `j` are of one host and deal with the same: address, service or port."""
    if where[i] != where[j]:
        return False
    if what != _PORT and (keys[i, 4] != keys[j, 4] or keys[i, 5] != keys[j, 5]):
        return False
    return what == _ADDRESS or (keys[i, 6] == keys[j, 6] and keys[i, 7] == keys[j, 7])


@internal
def _added(slots, where, keys, i, what):
    """Whether row `i` deals with what no row of its host before it did; it is noted."""
    salt = U8(where[i])
    if what != _ADDRESS:
        salt = mix64(salt ^ keys[i, 6] << U8(40) ^ keys[i, 7] << U8(32))
    if what == _PORT:
        h = mix64(salt)
    else:
        h = hash_address(keys[i, 4], keys[i, 5], salt)
    mask = slots.shape[0] - 1
    at = np.int64(h & U8(mask))
    while slots[at] >= 0:
        if _alike(where, keys, i, slots[at], what):
            return False
        at = (at + 1) & mask
    slots[at] = i
    return True


@internal
def _same_host(keys, i, j):
    return (
        keys[i, 0] == keys[j, 0] and keys[i, 1] == keys[j, 1] and keys[i, 2] == keys[j, 2]
        and keys[i, 3] == keys[j, 3]
    )  # fmt: skip


@bare_kernel
def count_up(keys, amounts, hosts, peers, services, ports, where, first, counted):
    """Fill in `first[h]`, the first row of each host's minute, and `counted[h]`; returns how many there are.

    `keys` (u8[n, 8]) are minute, source (two words), domain, target (two words), port, protocol; `amounts`
    (i8[n, 5]) packets and bytes sent, packets and bytes got, nanoseconds lasted. `hosts`, `peers`, `services`
    and `ports` (i8, a power of two above n, filled with -1) are tables, `where` (i8[n]) the host of each row.
    """
    mask = hosts.shape[0] - 1
    n = 0
    for i in range(keys.shape[0]):
        h = hash_address(keys[i, 1], keys[i, 2], mix64(keys[i, 0] ^ keys[i, 3] << U8(40)))
        at = np.int64(h & U8(mask))
        while hosts[at] >= 0 and not _same_host(keys, i, first[hosts[at]]):
            at = (at + 1) & mask
        if hosts[at] < 0:
            hosts[at] = n
            first[n] = i
            for column in range(COLUMNS):
                counted[n, column] = 0
            n += 1
        host = hosts[at]
        where[i] = host
        counted[host, FLOWS] += 1
        if _added(services, where, keys, i, _SERVICE):
            counted[host, SERVICES] += 1
            counted[host, PEERS] += 1 if _added(peers, where, keys, i, _ADDRESS) else 0
            counted[host, PORTS] += 1 if _added(ports, where, keys, i, _PORT) else 0
        sent, got = amounts[i, 1], amounts[i, 3]
        counted[host, UNANSWERED] += 1 if amounts[i, 2] == 0 else 0
        counted[host, SENT] += sent
        counted[host, GOT] += got
        counted[host, PACKETS] += amounts[i, 0] + amounts[i, 2]
        counted[host, LASTING] += amounts[i, 4]
        counted[host, OVER_UDP] += 1 if keys[i, 7] == UDP else 0
        counted[host, OVER_ICMP] += 1 if keys[i, 7] == ICMP or keys[i, 7] == ICMPV6 else 0
        counted[host, SINGLE] += 1 if amounts[i, 0] == 1 else 0
        counted[host, LARGEST] = max(counted[host, LARGEST], sent + got)
    return n


@bare_kernel
def rank(steps, allowed, before, share, ranks, first, below):
    """How far each row is below others, and whether so few were that far: then `first[i]`. Rows are counted.

    `steps` (i8[n]) say how usual each row is, from 0; `ranks` count the rows so far by step, `before` of them
    in all. `below[i]` is how many steps row `i` stands below the step that more than one in `share` of the
    rows so far are at or below; `first[i]` whether at most `allowed[i]` were at its step or below.
    """
    for i in range(steps.shape[0]):
        seen = before + i
        at_most = 0
        counted = 0
        step = 0
        while step < ranks.shape[0]:
            counted += ranks[step]
            if step <= steps[i]:
                at_most = counted
            if counted * share > seen and step >= steps[i]:
                break
            step += 1
        below[i] = step - steps[i]
        first[i] = at_most <= allowed[i]
        ranks[steps[i]] += 1
