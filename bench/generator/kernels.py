"""The writer of synthetic captures: one pass that keeps the live flows and writes pcap records.

Every draw is a hash of (seed, stream, counter), so bytes depend neither on the size of a chunk nor on
how many packets follow: a shorter capture of the same seed is a prefix of a longer one.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import inline, kernel, mix64

U = np.uint64
GOLDEN = U(0x9E3779B97F4A7C15)
FIELD = U(0xFFFF)
BYTE = U(0xFF)

# Streams of random words: by packet, by flow, by host.
PACKET_STREAM = U(0x1B873593)
FLOW_STREAM = U(0x2545F491)
PAYLOAD_STREAM = U(0x3C6EF372)
CLIENT_STREAM = U(0x510E527F)
SERVER_STREAM = U(0x6A09E667)
ALIVE_STREAM = U(0x9B05688C)

SERVERS = 20000
#: Coprime to SERVERS: popular servers, which have low numbers, are spread over the networks.
SPREAD = 7919
FIRST_PORT = 1024
PORTS = 65536 - FIRST_PORT
RECORD_HEADER = 16
MIN_FRAME, MAX_FRAME = 60, 1500
#: Bytes one packet may need in the buffer: record header, frame, and a frame grown to hold its headers.
ROOM = RECORD_HEADER + MAX_FRAME + 120


@inline
def word(seed, stream, counter):
    """A 64-bit random word."""
    return mix64(seed + stream * GOLDEN + (U(counter) + U(1)) * GOLDEN)


@inline
def put16(buffer, at, value):
    """Write 16 bits, big endian."""
    buffer[at] = (value >> 8) & 255
    buffer[at + 1] = value & 255


@inline
def put32(buffer, at, value):
    """Write 32 bits, big endian."""
    put16(buffer, at, (value >> 16) & 0xFFFF)
    put16(buffer, at + 2, value & 0xFFFF)


@inline
def put32_little(buffer, at, value):
    """Write 32 bits, little endian."""
    for k in range(4):
        buffer[at + k] = (value >> (8 * k)) & 255


@inline
def put64(buffer, at, value):
    """Write an unsigned 64-bit word, big endian."""
    for k in range(8):
        buffer[at + k] = np.int64((value >> U(56 - 8 * k)) & BYTE)


@inline
def put_mac(buffer, at, role, host):
    """Write a locally administered MAC address of one host."""
    put16(buffer, at, 0x0200 | role)
    put32(buffer, at + 2, host)


@inline
def put_ipv4(buffer, at, is_server, host):
    """Write a client's address from 10.1.0.0 on or a server's from 172.16.0.0 on."""
    base = 0xAC100000 if is_server else 0x0A010000
    put32(buffer, at, base + (host * SPREAD % SERVERS if is_server else host))


@inline
def put_ipv6(buffer, at, is_server, host, seed):
    """Write an address of 2001:db8::/32: networks of 256 clients from 1 on, of 128 servers from 65536 on."""
    network = 65536 + host * SPREAD % SERVERS // 128 if is_server else 1 + host // 256
    put32(buffer, at, 0x20010DB8)
    put32(buffer, at + 4, network)
    put64(buffer, at + 8, word(seed, SERVER_STREAM if is_server else CLIENT_STREAM, host))


@inline
def begin(slot, serial, seed, clients, lengths, servers, tcp_ports, udp_ports, fixed_length):
    """Put the flow numbered `serial` into a slot. No two flows share a key: see client and client_port."""
    w = word(seed, FLOW_STREAM, serial)
    slot["flow"] = serial
    slot["sent"] = 0
    client = serial % clients
    turn = serial // clients
    slot["client"] = client
    slot["client_port"] = FIRST_PORT + (turn * 40507 + client * 17) % PORTS
    slot["client_seq"] = np.int64(w & U(0xFFFFFFFF))
    slot["server_seq"] = np.int64(w >> U(32))
    share = np.int64(w & BYTE)
    proto = 6 if share < 179 else (17 if share < 243 else 1)  # 70 %, 25 %, 5 %
    slot["proto"] = proto
    slot["version"] = 6 if np.int64((w >> U(8)) % U(1000)) < 300 else 4
    slot["extension"] = 1 if np.int64((w >> U(20)) & U(31)) == 0 else 0
    slot["vlan"] = 1 + np.int64((w >> U(25)) % U(4094)) if np.int64((w >> U(37)) % U(5)) == 0 else 0
    length = np.int64(lengths[np.int64(w >> U(52))])
    fate = np.int64((w >> U(42)) & U(63))
    if proto == 1:
        # An ICMP flow is known by its hosts alone: walk the servers so that no pair comes twice.
        server = (turn + client * 7) % SERVERS
        port = 0
    else:
        server = np.int64(servers[np.int64((w >> U(16)) & FIELD)])
        ports = tcp_ports if proto == 6 else udp_ports
        port = np.int64(ports[server % ports.size])
    slot["server"] = server
    slot["server_port"] = port
    if fixed_length > 0:
        length = fixed_length
    elif proto == 6:
        if fate == 0:
            length = 1  # a SYN that nobody answers
        elif fate == 1:
            length = 2  # refused
        else:
            length = 2 * length
    else:
        length = max(length // 2, 1)
    slot["total"] = length


@kernel
def fill(
    buffer, first, count, seed, base_us, period_us, slots, serials, clients, weights, sweep_mask, burst,
    lengths, fixed_length, sizes, servers, tcp_ports, udp_ports, text, noise,
):  # fmt: skip
    """Write packets `first` to `first + count` as little-endian pcap records.

    `buffer` u8 must hold `count * ROOM` bytes. `slots` are the live flows, `serials` i64[3] the flows begun,
    the packets of IPv6 and the payload bytes so far. A packet whose number and `sweep_mask` have no bit in
    common goes to the next slot in turn (`burst` of them to the same, alternating sides), another to
    `slots[weights[random u16]]`. `lengths` u4[4096] are quantiles of packets a flow, `fixed_length` overrides
    them where positive; `sizes` u2[64] are quantiles of frame bytes, `servers` u4[65536] of server numbers.
    Returns the bytes written.
    """
    at = 0
    for i in range(first, first + count):
        w = word(seed, PACKET_STREAM, i)
        if i & sweep_mask == 0:
            place = i // (sweep_mask + 1) // burst % slots.size
        else:
            place = np.int64(weights[np.int64(w & FIELD)])
        slot = slots[place]
        newly_seen = slot["sent"] == slot["total"]
        if newly_seen:
            unused = slot["total"] == 0
            begin(slot, serials[0], seed, clients, lengths, servers, tcp_ports, udp_ports, fixed_length)
            serials[0] += 1
            if unused and slot["total"] >= 6:
                # A capture begins among flows that are under way: without their handshakes.
                past = word(seed, ALIVE_STREAM, place) % U(slot["total"] - 5)
                slot["sent"] = 3 + np.int64(past)
        sent = np.int64(slot["sent"])
        total = np.int64(slot["total"])
        slot["sent"] = sent + 1
        proto = np.int64(slot["proto"])
        is6 = slot["version"] == 6
        extended = is6 and slot["extension"] == 1
        vlan = np.int64(slot["vlan"])
        client = np.int64(slot["client"])
        server = np.int64(slot["server"])

        # Who speaks, what flags, how long.
        from_server = np.int64((w >> U(16)) & U(7)) < 4
        if newly_seen:
            from_server = False
        elif sent == 1 or burst > 1:
            from_server = sent == 1 or i & 1 == 1
        size = np.int64(sizes[np.int64((w >> U(20)) & U(63))])
        flags = 0x10 if size <= 90 else 0x18
        if proto == 6:
            if sent == 0:
                flags = 0x02
                size = 0
            elif sent == 1:
                flags = 0x14 if total == 2 else 0x12
                size = 0
            elif sent == 2:
                from_server = False
                flags = 0x10
                size = 0
            elif sent >= total - 2:
                from_server = sent == total - 1
                flags = 0x11
                size = 0
        link = 18 if vlan else 14
        network = (48 if extended else 40) if is6 else 20
        transport = 20 if proto == 6 else 8
        headers = link + network + transport
        payload = max(size - headers, 0)
        # A short frame is padded on the wire: the padding is no part of the IP packet.
        frame = max(headers + payload, MIN_FRAME)

        time = base_us + i * period_us + np.int64((w >> U(26)) % U(period_us))
        put32_little(buffer, at, time // 1_000_000)
        put32_little(buffer, at + 4, time % 1_000_000)
        put32_little(buffer, at + 8, frame)
        put32_little(buffer, at + 12, frame)
        at += RECORD_HEADER
        end = at + frame

        put_mac(buffer, at, 1 if from_server else 2, client if from_server else server)
        put_mac(buffer, at + 6, 2 if from_server else 1, server if from_server else client)
        at += 12
        if vlan:
            put16(buffer, at, 0x8100)
            put16(buffer, at + 2, vlan)
            at += 4
        put16(buffer, at, 0x86DD if is6 else 0x0800)
        at += 2

        if is6:
            protocol = 58 if proto == 1 else proto
            put32(buffer, at, 0x60000000)
            put16(buffer, at + 4, network - 40 + transport + payload)
            buffer[at + 6] = 0 if extended else protocol
            buffer[at + 7] = 64
            put_ipv6(buffer, at + 8, from_server, server if from_server else client, seed)
            put_ipv6(buffer, at + 24, not from_server, client if from_server else server, seed)
            at += 40
            if extended:
                # Hop-by-hop options: a router alert (RFC 2711) and padding.
                put32(buffer, at, (protocol << 24) | 0x000502)
                put32(buffer, at + 4, 0x00000100)
                at += 8
            serials[1] += 1
        else:
            put32(buffer, at, 0x45000000 | (20 + transport + payload))
            put32(buffer, at + 4, ((i & 0xFFFF) << 16) | 0x4000)
            put32(buffer, at + 8, (64 << 24) | (proto << 16))
            put_ipv4(buffer, at + 12, from_server, server if from_server else client)
            put_ipv4(buffer, at + 16, not from_server, client if from_server else server)
            total16 = 0
            for k in range(0, 20, 2):
                total16 += (np.int64(buffer[at + k]) << 8) | np.int64(buffer[at + k + 1])
            while total16 >> 16:
                total16 = (total16 & 0xFFFF) + (total16 >> 16)
            put16(buffer, at + 10, ~total16 & 0xFFFF)
            at += 20

        client_port = np.int64(slot["client_port"])
        server_port = np.int64(slot["server_port"])
        if proto == 1:
            request, reply = (128, 129) if is6 else (8, 0)
            put32(buffer, at, (reply if from_server else request) << 24)
            put32(buffer, at + 4, (client_port << 16) | (sent & 0xFFFF))
        else:
            put16(buffer, at, server_port if from_server else client_port)
            put16(buffer, at + 2, client_port if from_server else server_port)
            if proto == 17:
                put32(buffer, at + 4, (8 + payload) << 16)
            else:
                mine = np.int64(slot["server_seq"] if from_server else slot["client_seq"])
                theirs = np.int64(slot["client_seq"] if from_server else slot["server_seq"])
                put32(buffer, at + 4, mine)
                put32(buffer, at + 8, 0 if flags == 0x02 else theirs)
                put32(buffer, at + 12, (0x50 << 24) | (flags << 16) | 0xFFFF)
                put32(buffer, at + 16, 0)
                mine = (mine + payload + (1 if flags & 3 else 0)) & 0xFFFFFFFF
                if from_server:
                    slot["server_seq"] = mine
                else:
                    slot["client_seq"] = mine
        at += transport

        if payload > 0:
            p = word(seed, PAYLOAD_STREAM, i)
            # What is encrypted looks random, the rest like text.
            source = noise if server_port == 443 or server_port == 22 else text
            start = np.int64(p % U(source.size - MAX_FRAME))
            for k in range(payload):
                buffer[at + k] = source[start + k]
            at += payload
            serials[2] += payload
        while at < end:
            buffer[at] = 0
            at += 1
    return at
