"""The flow table's kernels: packets in, reports and closed flows out.

The event clock is the running maximum of the packets' times; a packet that comes late counts as of the
clock, so that gaps are never negative. The clock passes through *ticks*, the multiples of half a second:
what falls due between two packets is reported at its tick, not at the second packet. Ticks at which
nothing can fall due are skipped, so a jump by days costs no more than the flows it ends.

At a tick, first the flows queued for it report (open, or update), in the order in which they were queued;
then, at whole seconds, the wheel's bucket of that second is emptied: a flow whose deadline (last packet
plus idle timeout, rounded up to a second) lies later is put into its bucket, the others end.

All work is on `Table` (see `table`). Nothing depends on slots or record indices, so results do not
depend on how the table grew.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import END, END_ACTIVE, END_EVICTED, END_IDLE, END_NONE, END_OF_INPUT, IP, OPEN, UPDATE
from citywall.kernels import (
    MIX1,
    U8,
    bare_inline,
    bare_kernel,
    hash_address,
    inline,
    internal,
    load_be64,
    mix64,
    prefetch,
)

SECOND = 1_000_000_000
HALF = 500_000_000
OPEN_AFTER = HALF  # age of a flow at its first report
UPDATE_AFTER = SECOND  # least time between two reports
STALE_AFTER = 30 * SECOND  # a few packets are news after this
A_FEW_PACKETS = 16
QUIET_AFTER = 60 * SECOND  # any packet is news after this
MANY_PACKETS = 64
MANY_BYTES = 65_536
TOO_MANY_PACKETS = 1 << 31  # since the last report: told at once, before the counters overflow
FIN, SYN, RST, ACK = 1, 2, 4, 16
TURNS = SYN | RST | ACK  # flags that turn a connection; PSH and the others say nothing of its state
MAX_SIZE = 1 << 20  # an IP packet counts as at most this many bytes: no header can claim more
MAX_TIME = 1 << 62  # times are clamped to this, year 2116, so that deadlines do not overflow
GROUP = 16  # packets that records are asked for ahead; in a burst, the processor would let some go
LOW32 = U8(0xFFFFFFFF)
TWO64 = 18446744073709551616.0

# table.state
STARTED, CLOCK, TICK, LIVE, HIGH, FREE, HINT, LATE, EVICTED, BEGUN, COUNTED, IGNORED = range(12)

# why a kernel returned
DONE, FULL, GROW = 0, 1, 2


@internal
def second_after(time):
    """The first whole second not before `time`."""
    return -((-time) // SECOND)


@internal
def tick_after(time):
    """The first tick not before `time`."""
    return -((-time) // HALF)


@internal
def push_wheel(wheel, cold, k, second):
    """Put flow k last into the bucket of `second`."""
    b = second & np.int64(wheel.shape[1] - 1)
    cold[k]["wheel"] = -1
    tail = np.int64(wheel[1, b])
    if tail >= 0:
        cold[tail]["wheel"] = k
    else:
        wheel[0, b] = k
    wheel[1, b] = k


@internal
def fetch(heads, sides, cold, k):
    """Ask for all of flow k's memory."""
    prefetch(heads, k * heads.itemsize)
    prefetch(heads, k * heads.itemsize + 64)
    prefetch(cold, k * cold.itemsize)
    prefetch(cold, (k + 1) * cold.itemsize - 1)
    prefetch(sides, 2 * k * sides.itemsize)
    prefetch(sides, 2 * k * sides.itemsize + 64)
    prefetch(sides, 2 * k * sides.itemsize + 128)
    prefetch(sides, 2 * k * sides.itemsize + 192)


@internal
def pop_wheel(wheel, cold, heads, sides, b):
    """Take the first flow out of bucket b, which is not empty."""
    k = np.int64(wheel[0, b])
    after = np.int64(cold[k]["wheel"])
    wheel[0, b] = after
    if after < 0:
        wheel[1, b] = -1
    else:
        fetch(heads, sides, cold, after)
    return k


@internal
def enqueue(queue, cold, h, k, tick):
    """Let flow k report at `tick`, after those already waiting for it."""
    q = tick & 3
    c = cold[k]
    tail = np.int64(queue[1, q])
    c["next"] = -1
    c["previous"] = tail
    if tail >= 0:
        cold[tail]["next"] = k
    else:
        queue[0, q] = k
    queue[1, q] = k
    h["queued"] = 4 | q


@internal
def dequeue(queue, cold, h, k):
    """Take flow k out of the queue, if it waits there."""
    if h["queued"] != 0:
        q = np.int64(h["queued"]) & 3
        c = cold[k]
        before = np.int64(c["previous"])
        after = np.int64(c["next"])
        if before >= 0:
            cold[before]["next"] = after
        else:
            queue[0, q] = after
        if after >= 0:
            cold[after]["previous"] = before
        else:
            queue[1, q] = before
        h["queued"] = 0


@bare_inline
def multiply(a, b):
    """The 128-bit product of two u64: (high, low)."""
    a0 = a & LOW32
    a1 = a >> U8(32)
    b0 = b & LOW32
    b1 = b >> U8(32)
    low = a0 * b0
    middle = a1 * b0 + (low >> U8(32))
    other = a0 * b1 + (middle & LOW32)
    return a1 * b1 + (middle >> U8(32)) + (other >> U8(32)), (other << U8(32)) | (low & LOW32)


@bare_inline
def deviation(n, total, square_hi, square_lo):
    """Sample standard deviation from the count, the sum and the 128-bit sum of squares, all exact.

    n * squares - total**2 is formed in integers, so that nothing cancels.
    """
    if n < 2:
        return 0.0
    hi, lo = multiply(square_lo, U8(n))
    hi = hi + square_hi * U8(n)
    minus_hi, minus_lo = multiply(U8(total), U8(total))
    if minus_hi > hi or (minus_hi == hi and minus_lo >= lo):
        return 0.0
    borrow = U8(1) if minus_lo > lo else U8(0)
    spread = np.float64(hi - minus_hi - borrow) * TWO64 + np.float64(lo - minus_lo)
    return np.sqrt(spread / (np.float64(n) * np.float64(n - 1)))


@internal
def add_gap(r, gap):
    """Take a gap (ns, not negative) into the extremes and the sum of squares of a HEAD or SIDE."""
    if r["gap_max"] < 0:
        r["gap_min"] = gap
        r["gap_max"] = gap
    else:
        r["gap_min"] = min(gap, np.int64(r["gap_min"]))
        r["gap_max"] = max(gap, np.int64(r["gap_max"]))
    # Gaps of a flow sum to less than 2**47 ns, the longest active timeout, so squares to less than 2**94.
    high, low = multiply(U8(gap), U8(gap))
    total = r["gap_square_lo"] + low
    carry = U8(1) if total < low else U8(0)
    r["gap_square_lo"] = total
    r["gap_square_hi"] = np.uint32(U8(r["gap_square_hi"]) + high + carry)


@internal
def flow_id(h, frame):
    """Identity of a flow: its key and the time and frame of its first packet."""
    key = U8(h["ports"]) | (U8(h["proto"]) << U8(32))
    x = hash_address(h["a_hi"], h["a_lo"], key)
    x = hash_address(h["b_hi"], h["b_lo"], x ^ (U8(h["vlan"]) * MIX1))
    x = mix64(x ^ (U8(h["first"] & np.int64(0x7FFFFFFFFFFFFFFF)) * MIX1))
    return mix64(x + U8(frame & np.int64(0x7FFFFFFFFFFFFFFF)) * MIX1)


@internal
def domain_of(vlan, keys, domains, by_vlan):
    """`Domains.of_vlan` on its arrays."""
    low = 0
    high = keys.size
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < vlan:
            low = middle + 1
        else:
            high = middle
    if low < keys.size and keys[low] == vlan:
        return np.uint32(domains[low])
    return np.uint32(vlan) if by_vlan else np.uint32(0)


@inline
def tell(h, c, a, b, kind, reason, now, domain, row):
    """Write a FLOW row about flow k, and begin anew to count what changes."""
    row["time"] = now
    row["flow_id"] = c["flow_id"]
    high_port = np.uint16(h["ports"] >> np.uint32(16))
    low_port = np.uint16(h["ports"] & np.uint32(0xFFFF))
    if h["origin"] == 0:
        s = a
        d = b
        row["src_hi"] = h["a_hi"]
        row["src_lo"] = h["a_lo"]
        row["dst_hi"] = h["b_hi"]
        row["dst_lo"] = h["b_lo"]
        row["src_port"] = high_port
        row["dst_port"] = low_port
        row["src_packets_delta"] = h["a_packets"]
        row["dst_packets_delta"] = h["b_packets"]
        row["src_bytes_delta"] = h["a_bytes"]
        row["dst_bytes_delta"] = h["b_bytes"]
    else:
        s = b
        d = a
        row["src_hi"] = h["b_hi"]
        row["src_lo"] = h["b_lo"]
        row["dst_hi"] = h["a_hi"]
        row["dst_lo"] = h["a_lo"]
        row["src_port"] = low_port
        row["dst_port"] = high_port
        row["src_packets_delta"] = h["b_packets"]
        row["dst_packets_delta"] = h["a_packets"]
        row["src_bytes_delta"] = h["b_bytes"]
        row["dst_bytes_delta"] = h["a_bytes"]
    row["first"] = h["first"]
    row["last"] = h["last"]
    row["offset"] = c["offset"]
    row["frame"] = c["frame"]
    row["src_packets"] = s["packets"]
    row["dst_packets"] = d["packets"]
    row["src_bytes"] = s["bytes"]
    row["dst_bytes"] = d["bytes"]
    row["src_payload"] = s["payload"]
    row["dst_payload"] = d["payload"]
    row["src_head"] = s["head"]
    row["dst_head"] = d["head"]
    row["domain"] = domain
    row["vlan"] = h["vlan"]
    row["report"] = h["report"]
    row["sampling"] = 0
    row["proto"] = h["proto"]
    row["version"] = h["version"]
    row["kind"] = kind
    row["reason"] = reason
    row["first_flags"] = c["first_flags"]
    row["src_flags"] = s["flags"]
    row["dst_flags"] = d["flags"]
    row["icmp_type"] = c["icmp_type"]
    row["icmp_code"] = c["icmp_code"]
    h["report"] = np.uint32(np.int64(h["report"]) + 1)
    h["told"] = now
    h["a_packets"] = 0
    h["b_packets"] = 0
    h["a_bytes"] = 0
    h["b_bytes"] = 0


@internal
def gap_spread(r, n, total):
    """Minimum, maximum, mean and deviation of n gaps that sum to `total` (n 0: none)."""
    if n <= 0:
        return np.int64(0), np.int64(0), 0.0, 0.0
    spread = deviation(n, total, U8(r["gap_square_hi"]), r["gap_square_lo"])
    return np.int64(r["gap_min"]), np.int64(r["gap_max"]), np.float64(total) / np.float64(n), spread


@internal
def size_spread(n, total, square):
    """Mean and deviation of n sizes."""
    if n <= 0:
        return 0.0, 0.0
    return np.float64(total) / np.float64(n), deviation(n, total, U8(0), square)


@inline
def close(h, c, a, b, flow, row):
    """Write the CLOSED row of flow k; `flow` is its END row."""
    s, d = (a, b) if h["origin"] == 0 else (b, a)
    row["flow_id"] = flow["flow_id"]
    sent = np.int64(s["packets"])
    received = np.int64(d["packets"])
    size_min = np.int64(s["size_min"])
    size_max = np.int64(s["size_max"])
    if received > 0:
        size_min = min(size_min, np.int64(d["size_min"]))
        size_max = max(size_max, np.int64(d["size_max"]))
    mean, spread = size_spread(
        sent + received, np.int64(s["bytes"]) + np.int64(d["bytes"]), s["square"] + d["square"]
    )
    row["both_size_min"] = size_min
    row["both_size_max"] = size_max
    row["both_size_mean"] = mean
    row["both_size_std"] = spread
    least, most, mean, spread = gap_spread(h, sent + received - 1, np.int64(h["last"]) - np.int64(h["first"]))
    row["both_gap_min"] = least
    row["both_gap_max"] = most
    row["both_gap_mean"] = mean
    row["both_gap_std"] = spread
    mean, spread = size_spread(sent, np.int64(s["bytes"]), s["square"])
    row["src_size_min"] = s["size_min"]
    row["src_size_max"] = s["size_max"]
    row["src_size_mean"] = mean
    row["src_size_std"] = spread
    least, most, mean, spread = gap_spread(s, sent - 1, np.int64(s["last"]) - np.int64(s["first"]))
    row["src_gap_min"] = least
    row["src_gap_max"] = most
    row["src_gap_mean"] = mean
    row["src_gap_std"] = spread
    mean, spread = size_spread(received, np.int64(d["bytes"]), d["square"])
    row["dst_size_min"] = d["size_min"]
    row["dst_size_max"] = d["size_max"]
    row["dst_size_mean"] = mean
    row["dst_size_std"] = spread
    least, most, mean, spread = gap_spread(d, received - 1, np.int64(d["last"]) - np.int64(d["first"]))
    row["dst_gap_min"] = least
    row["dst_gap_max"] = most
    row["dst_gap_mean"] = mean
    row["dst_gap_std"] = spread
    row["src_first"] = s["first"]
    row["src_last"] = s["last"]
    row["dst_first"] = d["first"]
    row["dst_last"] = d["last"]
    row["src_fin"] = s["fin"]
    row["src_syn"] = s["syn"]
    row["src_rst"] = s["rst"]
    row["src_psh"] = s["psh"]
    row["src_ack"] = s["ack"]
    row["src_urg"] = s["urg"]
    row["src_ece"] = s["ece"]
    row["src_cwr"] = s["cwr"]
    row["dst_fin"] = d["fin"]
    row["dst_syn"] = d["syn"]
    row["dst_rst"] = d["rst"]
    row["dst_psh"] = d["psh"]
    row["dst_ack"] = d["ack"]
    row["dst_urg"] = d["urg"]
    row["dst_ece"] = d["ece"]
    row["dst_cwr"] = d["cwr"]
    row["src_mac"] = c["src_mac"]
    row["dst_mac"] = c["dst_mac"]


@internal
def delete_slot(slots, k, tag):
    """Take flow k out of the hash index, closing the gap by backward shifts."""
    mask = U8(slots.size - 1)
    i = np.int64(tag & mask)
    while np.int64(slots[i] & LOW32) - 1 != k:
        i = np.int64(U8(i + 1) & mask)
    j = i
    while True:
        j = np.int64(U8(j + 1) & mask)
        s = slots[j]
        if s == U8(0):
            break
        home = np.int64((s >> U8(32)) & mask)
        if (U8(j - home + slots.size) & mask) >= (U8(j - i + slots.size) & mask):
            slots[i] = s
            i = j
    slots[i] = U8(0)


@internal
def end(k, reason, now, domain, heads, sides, cold, slots, queue, state, flow, row):
    """End flow k, which is in no bucket of the wheel: report it, close it, free its record."""
    h = heads[k]
    c = cold[k]
    tell(h, c, sides[2 * k], sides[2 * k + 1], END, reason, now, domain, flow)
    close(h, c, sides[2 * k], sides[2 * k + 1], flow, row)
    dequeue(queue, cold, h, k)
    delete_slot(slots, k, U8(h["tag"]))
    c["wheel"] = state[FREE] - 1
    state[FREE] = k + 1
    state[LIVE] -= 1


@internal
def advance(
    until,
    idle,
    heads,
    sides,
    cold,
    slots,
    wheel,
    queue,
    state,
    keys,
    domains,
    by_vlan,
    reports,
    closed,
    told,
    ended,
):
    """Let the clock pass through the ticks up to `until`.

    Returns (told, ended, whether it is through); when it is not, the rows are full and the call can be
    repeated with empty ones.
    """
    target = until // HALF
    width = np.int64(wheel.shape[1])
    while state[TICK] <= target:
        tick = state[TICK]
        now = tick * HALF
        q = tick & 3
        while queue[0, q] >= 0:
            if told >= reports.size:
                return told, ended, False
            k = np.int64(queue[0, q])
            h = heads[k]
            dequeue(queue, cold, h, k)
            if queue[0, q] >= 0:
                fetch(heads, sides, cold, np.int64(queue[0, q]))
            kind = OPEN if h["report"] == 0 else UPDATE
            domain = domain_of(h["vlan"], keys, domains, by_vlan)
            tell(h, cold[k], sides[2 * k], sides[2 * k + 1], kind, END_NONE, now, domain, reports[told])
            told += 1
        second = tick >> 1
        if (tick & 1) == 0:
            b = second & (width - 1)
            while wheel[0, b] >= 0:
                if told >= reports.size or ended >= closed.size:
                    return told, ended, False
                k = pop_wheel(wheel, cold, heads, sides, b)
                h = heads[k]
                due = second_after(np.int64(h["last"]) + idle)
                if due > second:
                    push_wheel(wheel, cold, k, due)
                else:
                    domain = domain_of(h["vlan"], keys, domains, by_vlan)
                    end(
                        k, END_IDLE, now, domain, heads, sides, cold, slots, queue, state,
                        reports[told], closed[ended],
                    )  # fmt: skip
                    told += 1
                    ended += 1
        state[TICK] = tick + 1
        if queue[0, 0] < 0 and queue[0, 1] < 0 and queue[0, 2] < 0 and queue[0, 3] < 0:
            # Nothing reports before a packet comes: on to the next second at which a flow may end.
            ahead = second + 1
            limit = min(target >> 1, second + width)
            while ahead <= limit and wheel[0, ahead & (width - 1)] < 0:
                ahead += 1
            state[TICK] = max(tick + 1, target + 1 if ahead > limit else min(2 * ahead, target + 1))
    return told, ended, True


@internal
def idle_longest(idle, heads, sides, cold, wheel, state):
    """Take out of the wheel the flow whose deadline is the earliest second, the first in its bucket.

    There is a flow. Flows that have had packets since they were put into their bucket move on.
    """
    mask = np.int64(wheel.shape[1] - 1)
    second = max(state[HINT], state[CLOCK] // SECOND + 1)
    while True:
        b = second & mask
        if wheel[0, b] < 0:
            second += 1
            continue
        k = pop_wheel(wheel, cold, heads, sides, b)
        due = second_after(np.int64(heads[k]["last"]) + idle)
        if due <= second:
            break
        push_wheel(wheel, cold, k, due)
    state[HINT] = second
    return k


@internal
def same_key(h, p):
    """Whether a packet belongs to a flow by its full key."""
    return (
        h["a_lo"] == p["a_lo"]
        and h["b_lo"] == p["b_lo"]
        and h["ports"] == p["ports"]
        and h["a_hi"] == p["a_hi"]
        and h["b_hi"] == p["b_hi"]
        and h["proto"] == p["proto"]
        and h["vlan"] == p["vlan"]
    )


@internal
def clear_side(r):
    """Forget everything of one direction."""
    r["packets"] = 0
    r["bytes"] = 0
    r["payload"] = 0
    r["square"] = 0
    r["last"] = 0
    r["gap_min"] = 0
    r["gap_max"] = -1
    r["gap_square_lo"] = 0
    r["gap_square_hi"] = 0
    r["size_min"] = 0
    r["size_max"] = 0
    r["flags"] = 0
    r["fin"] = 0
    r["syn"] = 0
    r["rst"] = 0
    r["psh"] = 0
    r["ack"] = 0
    r["urg"] = 0
    r["ece"] = 0
    r["cwr"] = 0
    r["first"] = 0
    r["head"] = 0


@internal
def load_mac(buffer, at):
    """48 bits at `at`; the caller checks bounds."""
    mac = U8(0)
    for i in range(6):
        mac = (mac << U8(8)) | U8(buffer[at + i])
    return mac


@internal
def begin(h, c, a, b, p, now, frame, buffer, ethernet):
    """Make a record a flow that begins with packet p; the key is there, and the queue is left."""
    h["origin"] = p["reversed"] & np.uint8(1)
    h["version"] = p["version"]
    h["first"] = now
    h["last"] = now
    h["told"] = now
    h["gap_min"] = 0
    h["gap_max"] = -1
    h["gap_square_lo"] = 0
    h["gap_square_hi"] = 0
    h["report"] = 0
    h["a_packets"] = 0
    h["b_packets"] = 0
    h["a_bytes"] = 0
    h["b_bytes"] = 0
    clear_side(a)
    clear_side(b)
    c["first_flags"] = p["flags"]
    c["icmp_type"] = p["icmp_type"]
    c["icmp_code"] = p["icmp_code"]
    at = np.int64(p["offset"])
    c["offset"] = at
    c["frame"] = frame
    c["flow_id"] = flow_id(h, frame)
    c["src_mac"] = 0
    c["dst_mac"] = 0
    if ethernet and np.int64(p["captured"]) >= 14 and at >= 0 and at <= buffer.size - 14:
        c["dst_mac"] = load_mac(buffer, at)
        c["src_mac"] = load_mac(buffer, at + 6)


@internal
def payload_head(p, buffer):
    """The first eight payload bytes of a packet as far as they were captured, zero padded."""
    skip = np.int64(p["payload_at"])
    at = np.int64(p["offset"])
    if at < 0 or at > buffer.size - skip:
        return U8(0)
    at += skip
    n = min(np.int64(8), np.int64(p["payload"]), np.int64(p["captured"]) - skip, buffer.size - at)
    if n <= 0:
        return U8(0)
    if n == 8:
        return load_be64(buffer, at)
    value = U8(0)
    for i in range(n):
        value = value | (U8(buffer[at + i]) << U8(56 - 8 * i))
    return value


@internal
def first_free(cold, state):
    """A record for a new flow."""
    if state[FREE] > 0:
        k = state[FREE] - 1
        state[FREE] = np.int64(cold[k]["wheel"]) + 1
    else:
        k = state[HIGH]
        state[HIGH] = k + 1
    state[LIVE] += 1
    return k


@internal
def find(slots, heads, p):
    """Where packet p's flow is: (its index or -1, its slot or the empty slot for it)."""
    mask = U8(slots.size - 1)
    tag = p["hash"] >> U8(32)
    j = np.int64(tag & mask)
    while True:
        s = slots[j]
        if s == U8(0):
            return np.int64(-1), j
        if (s >> U8(32)) == tag:
            k = np.int64(s & LOW32) - 1
            if same_key(heads[k], p):
                return k, j
        j = np.int64(U8(j + 1) & mask)


@internal
def fetch_slot(slots, p, mask):
    """Ask for the slot where probing for packet p's flow begins."""
    prefetch(slots, np.int64((p["hash"] >> U8(32)) & mask) * 8)


@internal
def fetch_flow(slots, heads, sides, p, mask):
    """Ask for what packet p is going to change of the flow in its first slot, most likely its own."""
    s = slots[np.int64((p["hash"] >> U8(32)) & mask)]
    if s != U8(0):
        k = np.int64(s & LOW32) - 1
        prefetch(heads, k * heads.itemsize)
        prefetch(heads, k * heads.itemsize + 64)
        k = 2 * k + np.int64(p["reversed"] & np.uint8(1))
        prefetch(sides, k * sides.itemsize)
        prefetch(sides, k * sides.itemsize + 64)


@internal
def frame_of(frames, first_frame, i):
    """The frame number of row `i`."""
    if frames.size != 0:
        return frames[i]
    return np.int64(first_frame + i)


@bare_kernel
def meter(
    packets, start, first_frame, frames, buffer, ethernet, table, idle, active, max_flows, names, reports,
    closed,
):  # fmt: skip
    """Meter packets[start:]; returns (next packet, FLOW rows, CLOSED rows, why it returned).

    packets: PACKET[n]; first_frame: frame number of packets[0]; frames: i8[n], the frame of each where they
    do not count on, else i8[0]; buffer: u8[...] that offsets point into; idle, active: ns; names: (vlan keys,
    their domains, whether other VLANs are domains).
    FULL: empty the rows and call again from the packet returned. GROW: double the slots and call again.
    """
    heads, sides, cold, slots, wheel, queue, state = table
    keys, domains, by_vlan = names
    mask = U8(slots.size - 1)
    n = np.int64(packets.size)
    told = np.int64(0)
    ended = np.int64(0)
    for i in range(start, min(start + 2 * GROUP, n)):
        fetch_slot(slots, packets[i], mask)
    for i in range(start, min(start + GROUP, n)):
        fetch_flow(slots, heads, sides, packets[i], mask)
    for i in range(start, n):
        if i + 2 * GROUP < n:
            fetch_slot(slots, packets[i + 2 * GROUP], mask)
        if i + GROUP < n:
            fetch_flow(slots, heads, sides, packets[i + GROUP], mask)
        p = packets[i]
        now = max(min(np.int64(p["time"]), MAX_TIME), -MAX_TIME)
        late = 0
        if state[STARTED] == 0:
            state[STARTED] = 1
            state[CLOCK] = now
            state[TICK] = now // HALF + 1
            state[HINT] = now // SECOND + 1
        elif now > state[CLOCK]:
            if now >= state[TICK] * HALF:
                told, ended, through = advance(
                    now, idle, heads, sides, cold, slots, wheel, queue, state,
                    keys, domains, by_vlan, reports, closed, told, ended,
                )  # fmt: skip
                if not through:
                    return i, told, ended, FULL
            state[CLOCK] = now
        elif now < state[CLOCK]:
            late = 1
            now = state[CLOCK]
        if p["status"] < IP:
            state[LATE] += late
            state[IGNORED] += 1
            continue
        # A packet can end two flows (its own and one evicted), and tell of one.
        if told + 2 > reports.size or ended + 2 > closed.size:
            return i, told, ended, FULL
        k, j = find(slots, heads, p)
        side = np.int64(p["reversed"] & np.uint8(1))
        if k < 0:
            if state[LIVE] >= max_flows:
                k = idle_longest(idle, heads, sides, cold, wheel, state)
                domain = domain_of(heads[k]["vlan"], keys, domains, by_vlan)
                end(
                    k, END_EVICTED, now, domain, heads, sides, cold, slots, queue, state,
                    reports[told], closed[ended],
                )  # fmt: skip
                told += 1
                ended += 1
                state[EVICTED] += 1
                k, j = find(slots, heads, p)
            elif 2 * (state[LIVE] + 1) > slots.size:
                return i, told, ended, GROW
            k = first_free(cold, state)
            slots[j] = ((p["hash"] >> U8(32)) << U8(32)) | U8(k + 1)
            h = heads[k]
            h["a_hi"] = p["a_hi"]
            h["a_lo"] = p["a_lo"]
            h["b_hi"] = p["b_hi"]
            h["b_lo"] = p["b_lo"]
            h["ports"] = p["ports"]
            h["vlan"] = p["vlan"]
            h["proto"] = p["proto"]
            h["tag"] = np.uint32(p["hash"] >> U8(32))
            begin(
                h,
                cold[k],
                sides[2 * k],
                sides[2 * k + 1],
                p,
                now,
                frame_of(frames, first_frame, i),
                buffer,
                ethernet,
            )
            state[BEGUN] += 1
            push_wheel(wheel, cold, k, second_after(now + idle))
            enqueue(queue, cold, h, k, tick_after(now + OPEN_AFTER))
        else:
            h = heads[k]
            gap = now - np.int64(h["last"])
            if gap >= idle or now - np.int64(h["first"]) >= active:
                # It begins anew where it is, and stays in its bucket of the wheel.
                reason = END_IDLE if gap >= idle else END_ACTIVE
                domain = domain_of(h["vlan"], keys, domains, by_vlan)
                tell(h, cold[k], sides[2 * k], sides[2 * k + 1], END, reason, now, domain, reports[told])
                close(h, cold[k], sides[2 * k], sides[2 * k + 1], reports[told], closed[ended])
                told += 1
                ended += 1
                dequeue(queue, cold, h, k)
                begin(
                    h,
                    cold[k],
                    sides[2 * k],
                    sides[2 * k + 1],
                    p,
                    now,
                    frame_of(frames, first_frame, i),
                    buffer,
                    ethernet,
                )
                state[BEGUN] += 1
                enqueue(queue, cold, h, k, tick_after(now + OPEN_AFTER))
            else:
                add_gap(h, gap)
                h["last"] = now
        state[LATE] += late
        state[COUNTED] += 1
        r = sides[2 * k + side]
        size = min(np.int64(p["ip_bytes"]), MAX_SIZE)
        payload = min(np.int64(p["payload"]), MAX_SIZE)
        sent = np.int64(r["packets"])
        news = False
        if sent == 0:
            news = side != np.int64(h["origin"])
            r["first"] = now
            r["size_min"] = np.uint32(size)
            r["size_max"] = np.uint32(size)
        else:
            add_gap(r, now - np.int64(r["last"]))
            r["size_min"] = np.uint32(min(size, np.int64(r["size_min"])))
            r["size_max"] = np.uint32(max(size, np.int64(r["size_max"])))
        r["packets"] = sent + 1
        r["bytes"] = np.int64(r["bytes"]) + size
        r["square"] = r["square"] + U8(size) * U8(size)
        r["last"] = now
        if payload > 0:
            if r["payload"] == 0:
                news = True
                r["head"] = payload_head(p, buffer)
            r["payload"] = np.int64(r["payload"]) + payload
        flags = np.int64(p["flags"])
        if flags != 0:
            seen = np.int64(r["flags"])
            fresh = flags & ~seen
            if fresh:
                if fresh & TURNS:
                    news = True
                elif fresh & FIN:  # that the other side closes too says nothing new
                    news = news or np.int64(sides[2 * k + 1 - side]["flags"]) & (FIN | RST) == 0
                r["flags"] = np.uint8(seen | flags)
            r["fin"] = np.uint32(np.int64(r["fin"]) + (flags & 1))
            r["syn"] = np.uint32(np.int64(r["syn"]) + ((flags >> 1) & 1))
            r["rst"] = np.uint32(np.int64(r["rst"]) + ((flags >> 2) & 1))
            r["psh"] = np.uint32(np.int64(r["psh"]) + ((flags >> 3) & 1))
            r["ack"] = np.uint32(np.int64(r["ack"]) + ((flags >> 4) & 1))
            r["urg"] = np.uint32(np.int64(r["urg"]) + ((flags >> 5) & 1))
            r["ece"] = np.uint32(np.int64(r["ece"]) + ((flags >> 6) & 1))
            r["cwr"] = np.uint32(np.int64(r["cwr"]) + ((flags >> 7) & 1))
        h["a_packets"] = np.uint32(np.int64(h["a_packets"]) + 1 - side)
        h["b_packets"] = np.uint32(np.int64(h["b_packets"]) + side)
        h["a_bytes"] = np.int64(h["a_bytes"]) + size * (1 - side)
        h["b_bytes"] = np.int64(h["b_bytes"]) + size * side
        if h["report"] == 0:
            continue
        since = now - np.int64(h["told"])
        packets_since = np.int64(h["a_packets"]) + np.int64(h["b_packets"])
        news = (
            news
            or h["queued"] != 0
            or packets_since >= MANY_PACKETS
            or np.int64(h["a_bytes"]) + np.int64(h["b_bytes"]) >= MANY_BYTES
        )
        stale = (since >= STALE_AFTER and packets_since >= A_FEW_PACKETS) or since >= QUIET_AFTER
        if (news and since >= UPDATE_AFTER) or stale or packets_since >= TOO_MANY_PACKETS:
            dequeue(queue, cold, h, k)
            domain = domain_of(h["vlan"], keys, domains, by_vlan)
            tell(h, cold[k], sides[2 * k], sides[2 * k + 1], UPDATE, END_NONE, now, domain, reports[told])
            told += 1
        elif news and h["queued"] == 0:
            enqueue(queue, cold, h, k, tick_after(np.int64(h["told"]) + UPDATE_AFTER))
    return n, told, ended, DONE


@bare_kernel
def identify(table, ids, which):
    """Write the id and the index of every live flow: u64[n], i32[n]; returns n."""
    _, _, cold, slots, _, _, _ = table
    n = 0
    for i in range(slots.size):
        s = slots[i]
        if s != U8(0):
            k = np.int64(s & LOW32) - 1
            ids[n] = cold[k]["flow_id"]
            which[n] = k
            n += 1
    return n


@bare_kernel
def finish(table, which, start, names, reports, closed):
    """End flows which[start:] at the clock until the rows are full; returns how many ended.

    Their records stay as they are: the table is to be emptied afterwards.
    """
    heads, sides, cold, _, _, _, state = table
    keys, domains, by_vlan = names
    n = min(which.size - start, reports.size, closed.size)
    for i in range(n):
        if start + i + GROUP < which.size:
            k = np.int64(which[start + i + GROUP])
            fetch(heads, sides, cold, k)
        k = np.int64(which[start + i])
        h = heads[k]
        a = sides[2 * k]
        b = sides[2 * k + 1]
        domain = domain_of(h["vlan"], keys, domains, by_vlan)
        tell(h, cold[k], a, b, END, END_OF_INPUT, state[CLOCK], domain, reports[i])
        close(h, cold[k], a, b, reports[i], closed[i])
    return n


@bare_kernel
def rehash(old, new):
    """Put the entries of `old` slots into `new` ones."""
    mask = U8(new.size - 1)
    for i in range(old.size):
        s = old[i]
        if s != U8(0):
            j = np.int64((s >> U8(32)) & mask)
            while new[j] != U8(0):
                j = np.int64(U8(j + 1) & mask)
            new[j] = s
