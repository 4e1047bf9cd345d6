"""Benign: what keeps the extranet going — administration, monitoring, time, backup, exchange, meetings."""

from __future__ import annotations

import struct

from drills.forge import Side
from drills.stage import SECOND, Stage, Tcp, ask
from drills.traffic.offices import tls


def ssh_greeting(tcp: Tcp, stage: Stage) -> Tcp:
    """SSH up to the point where the user says who they are."""
    tcp.reply(b"SSH-2.0-OpenSSH_9.6\r\n").send(b"SSH-2.0-OpenSSH_9.3\r\n")
    tcp.send(b"\x00\x00\x05\x14\x0a\x14" + stage.junk(1050)).reply(
        b"\x00\x00\x04\x3c\x09\x14" + stage.junk(1080)
    )
    tcp.send(b"\x00\x00\x00\x2c\x06\x1e" + stage.junk(42)).reply(
        b"\x00\x00\x01\x0c\x0b\x1f" + stage.junk(460)
    )
    return tcp.send(stage.junk(60)).reply(stage.junk(44))


def ssh_session(tcp: Tcp, stage: Stage, lines: int, pause: float = 1.5) -> Tcp:
    """A login that is let in, `lines` commands with their output, and the way out."""
    tcp.send(stage.junk(148)).reply(stage.junk(36))
    for _ in range(lines):
        tcp.send(stage.junk(36)).reply(stage.junk(stage.dice.randrange(36, 900))).wait(
            stage.dice.uniform(0, pause)
        )
    return tcp.close()


def administration(stage: Stage) -> None:
    """Administrators work over SSH; one of them mistypes a password now and then."""
    admins = stage.register.group("admin-")
    names = ("bastion", "files", "exchange", "database", "backup")
    for i, time in enumerate(stage.moments(75)):
        admin, server = admins[i % 2], stage.register[stage.dice.choice(names)]
        version = 6 if i % 3 == 2 else 4
        tcp = Tcp(stage, stage.side(admin, version), stage.side(server, version), 22, time).open()
        ssh_greeting(tcp, stage)
        if i % 4 == 1:
            tcp.send(stage.junk(148)).reply(stage.junk(52)).wait(2.0)
        ssh_session(tcp, stage, stage.dice.randrange(6, 40))


def monitoring(stage: Stage) -> None:
    """The monitor asks every server each minute: ping, SNMP, and its ports; all of them answer."""
    monitor = stage.register["monitor"]
    here = stage.side(monitor)
    servers = [h for h in stage.register.hosts.values() if h.server and h is not monitor]
    for beat, time in enumerate(stage.beats(60)):
        for i, server in enumerate(servers):
            there, at = stage.side(server), time + i * SECOND // 3
            ping(stage, here, there, at, beat)
            ask(stage, here, there, 161, at + 50_000_000, stage.forge.snmp(False), stage.forge.snmp(True))
            for k, port in enumerate(server.ports[:2]):
                Tcp(stage, here, there, port, at + (k + 2) * 40_000_000).open().close()


def ping(stage: Stage, a: Side, b: Side, time: int, number: int) -> None:
    """An echo request from `a` to `b` and its reply."""
    rest, ask_type, answer = (
        struct.pack(">HH", 77, number & 0xFFFF),
        *((8, 0) if a.version == 4 else (128, 129)),
    )
    stage.put(time, stage.forge.icmp(a, b, ask_type, rest=rest, payload=b"citywall" * 7))
    stage.put(time + 900_000, stage.forge.icmp(b, a, answer, rest=rest, payload=b"citywall" * 7))


def clocks(stage: Stage) -> None:
    """Everybody asks the time."""
    ntp = stage.side(stage.register["ntp"])
    for host in (*stage.register.group("client-"), *stage.register.group("front-")):
        for time in stage.beats(128):
            ask(stage, stage.side(host), ntp, 123, time, stage.forge.ntp(3), stage.forge.ntp(4))


def backup(stage: Stage) -> None:
    """The file server copies to the backup host: one long, fast, one-sided connection."""
    time = stage.after(stage.span * 0.3)
    tcp = Tcp(stage, stage.side(stage.register["files"]), stage.side(stage.register["backup"]), 873, time)
    tcp.open().reply(b"@RSYNCD: 31.0\n").send(b"@RSYNCD: 31.0\nfiles\n").reply(b"@RSYNCD: OK\n")
    for _ in range(int(22 * min(1.0, stage.span / 600)) + 2):
        tcp.send(stage.junk(70_000)).wait(stage.dice.uniform(0.4, 1.2))
    tcp.close()


def exchange(stage: Stage) -> None:
    """Front-end machines of the units hand data to the exchange platform, some of it much."""
    server = stage.side(stage.register["exchange"])
    for host in stage.register.group("front-"):
        for time in stage.moments(70):
            tcp = Tcp(stage, stage.side(host), server, 8443, time).open()
            tls(tcp, stage, (stage.dice.randrange(500, 30_000), 240), (80, 120)).close()
    for time in stage.moments(50):
        tcp = Tcp(stage, server, stage.side(stage.register["database"]), 5432, time).open()
        for _ in range(5):
            tcp.send(b"Q\x00\x00\x00\x80" + stage.junk(124)).reply(
                stage.junk(stage.dice.randrange(200, 5000))
            )
        tcp.close()


def meeting(stage: Stage) -> None:
    """A video meeting: media in UDP both ways at a steady rate, over IPv4 and over IPv6."""
    room = stage.register["meeting"]
    for i, version in enumerate((4, 6)):
        here, there = stage.side(stage.register[f"client-{6 + i:02}"], version), stage.side(room, version)
        ports, number = (stage.port(), 40_000 + 2 * i), stage.dice.getrandbits(16)
        at, end = stage.span * 0.35, stage.span * 0.62
        while at < end:
            number += 1
            head = struct.pack(
                ">BBHII", 0x80, 96, number & 0xFFFF, int(at * 90_000) & 0xFFFF_FFFF, 0x1234 + i
            )
            time = stage.after(at)
            size = stage.dice.randrange(300, 1100)
            stage.put(time, stage.forge.udp(here, there, ports, head + stage.junk(size)))
            if number % 2:
                body = head + stage.junk(size)
                stage.put(time + 5_000_000, stage.forge.udp(there, here, ports[::-1], body))
            at += stage.dice.uniform(0.05, 0.09)


def neighbours(stage: Stage) -> None:
    """Hosts of the client segment find the gateway and each other by ARP and neighbour discovery."""
    gateway = stage.register.gateway
    gate4, gate6 = stage.side(gateway), stage.side(gateway, 6)
    for client in stage.register.group("client-"):
        here = stage.side(client)
        for time in stage.moments(90):
            stage.put(time, stage.forge.arp(1, here, gate4))
            stage.put(time + 400_000, stage.forge.arp(2, gate4, here))
        for time in stage.moments(250):
            stage.put(time, stage.forge.arp(1, gate4, here))
            stage.put(time + 300_000, stage.forge.arp(2, here, gate4))
        here = stage.side(client, 6)
        for time in stage.moments(150):
            stage.put(time, stage.forge.solicit(here, gateway.v6))
            stage.put(time + 500_000, stage.forge.advertise(gate6, here))
