"""Benign: what people in offices do all day — names, web, mail, OA, files, printing."""

from __future__ import annotations

from drills.forge import Side
from drills.stage import Stage, Tcp, ask

_PAGE = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"


def tls(tcp: Tcp, stage: Stage, *sizes: tuple[int, int]) -> Tcp:
    """A TLS handshake in outline, then (asked, answered) sizes of application records."""
    tcp.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + stage.junk(506))
    tcp.reply(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + stage.junk(2400))
    tcp.send(b"\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x35" + stage.junk(53))
    for asked, answered in sizes:
        tcp.send(b"\x17\x03\x03" + asked.to_bytes(2, "big") + stage.junk(asked))
        tcp.reply(b"\x17\x03\x03" + (answered & 0xFFFF).to_bytes(2, "big") + stage.junk(answered))
    return tcp


def _some(stage: Stage) -> int:
    """A size in bytes as mail and pages have them: mostly small, sometimes large (log-normal)."""
    return min(40_000, int(stage.dice.lognormvariate(7, 1)) + 100)


def look_up(stage: Stage, client: Side, name: str, answer: str, time: int) -> None:
    """One DNS question to the name server, answered."""
    dns, number = stage.register["dns"], stage.dice.getrandbits(16)
    ask(
        stage, client, stage.side(dns, client.version), 53, time,
        stage.forge.dns(number, name), stage.forge.dns(number, name, answer),
    )  # fmt: skip


def web(stage: Stage) -> None:
    """Clients look a site up and read it, short pages and long ones, one in three over IPv6."""
    clients, sites = stage.register.group("client-"), stage.register.group("site-")
    for time in stage.moments(2.6):
        client, site = stage.dice.choice(clients), stage.dice.choice(sites)
        version = 6 if stage.dice.random() < 0.33 else 4
        here = stage.side(client, version)
        look_up(stage, here, f"www.{site.name}.example", site.address(version), time)
        tcp = Tcp(stage, here, stage.side(site, version), 443, time + 60_000_000)
        pages = [(stage.dice.randrange(200, 900), stage.dice.randrange(800, 9000)) for _ in range(2)]
        if stage.dice.random() < 0.08:
            pages.append((420, 60_000))  # a long one
        tls(tcp.open(), stage, *pages).wait(stage.dice.uniform(0.1, 4)).close(stage.dice.randrange(2))


def portal(stage: Stage) -> None:
    """Citizens use the public portal, half of them over IPv6; some only for a moment."""
    server, citizens = stage.register["portal"], stage.register.group("citizen-")
    for time in stage.moments(2.2):
        version = stage.dice.choice((4, 4, 6))
        citizen = stage.side(stage.dice.choice(citizens), version)
        here = stage.side(server, version)
        if stage.dice.random() < 0.2:
            tcp = Tcp(stage, citizen, here, 80, time).open()
            tcp.send(b"GET / HTTP/1.1\r\nHost: portal.example\r\n\r\n")
            tcp.reply(b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://portal.example/\r\n\r\n").close(1)
            continue
        sizes = [(300, stage.dice.randrange(600, 8000)) for _ in range(stage.dice.randrange(1, 5))]
        tls(Tcp(stage, citizen, here, 443, time).open(), stage, *sizes).close(stage.dice.randrange(2))


def nat_office(stage: Stage) -> None:
    """A whole office behind one address: many short connections to the same few servers."""
    office, register = stage.side(stage.register["nat-office"]), stage.register
    for time in stage.moments(3.5):
        server = stage.side(register[stage.dice.choice(("portal", "oa", "mail"))])
        tcp = Tcp(stage, office, server, 993 if server.address == register["mail"].v4 else 443, time).open()
        rounds = stage.dice.randrange(1, 7)
        tls(tcp, stage, *((stage.dice.randrange(60, 700), _some(stage)) for _ in range(rounds))).close()


def mail(stage: Stage) -> None:
    """Clients fetch mail; the mail server sends some on to the relay."""
    server, relay = stage.register["mail"], stage.register["relay"]
    for client in stage.register.group("client-"):
        for time in stage.beats(180):
            tcp = Tcp(stage, stage.side(client), stage.side(server), 993, time).open()
            tls(
                tcp, stage, (90, 200), *((60, _some(stage)) for _ in range(stage.dice.randrange(1, 5)))
            ).close()
    for time in stage.moments(40):
        tcp = Tcp(stage, stage.side(server), stage.side(relay), 25, time).open()
        tcp.reply(b"220 relay.example ESMTP\r\n").send(b"EHLO mail.example\r\n")
        tcp.reply(b"250-relay.example\r\n250 STARTTLS\r\n").send(b"MAIL FROM:<office@mail.example>\r\n")
        tcp.reply(b"250 ok\r\n").send(b"RCPT TO:<someone@relay.example>\r\n").reply(b"250 ok\r\n")
        tcp.send(b"DATA\r\n").reply(b"354 go ahead\r\n")
        tcp.send(b"Subject: notice\r\n\r\n" + b"text " * (_some(stage) // 4))
        tcp.reply(b"250 queued\r\n").send(b"QUIT\r\n").reply(b"221 bye\r\n").close(1)


def oa(stage: Stage) -> None:
    """OA sessions: one long connection each, a request now and then."""
    server = stage.register["oa"]
    for client in stage.register.group("client-")[:10]:
        tcp = Tcp(stage, stage.side(client), stage.side(server), 8080, stage.after(stage.dice.uniform(0, 20)))
        tcp.open()
        while tcp.now < stage.after(stage.span * 0.95):
            tcp.send(b"POST /oa/todo HTTP/1.1\r\nHost: oa.example\r\nContent-Length: 64\r\n\r\n" + b"x" * 64)
            size = stage.dice.randrange(200, 4000)
            tcp.reply(_PAGE % size + b"d" * size).wait(stage.dice.uniform(8, 45))
        tcp.close()


def files(stage: Stage) -> None:
    """Clients read and write on the file server over SMB."""
    server = stage.register["files"]
    for time in stage.moments(30):
        client = stage.side(stage.dice.choice(stage.register.group("client-")[:8]))
        tcp = Tcp(stage, client, stage.side(server), 445, time).open()
        for size in (120, 200, 240, 180):
            head = b"\x00\x00\x00" + bytes([size]) + b"\xfeSMB\x40\x00"
            tcp.send(head + stage.junk(size - 6)).reply(head + stage.junk(size - 6))
        for _ in range(stage.dice.randrange(2, 8)):
            tcp.send(b"\x00\x00\x00\x70\xfeSMB\x40\x00" + stage.junk(106)).reply(stage.junk(8000)).wait(0.3)
        tcp.close()


def _side_of(stage: Stage, name: str) -> Side:
    return stage.side(stage.register[name])


def mistakes(stage: Stage) -> None:
    """Ordinary failures: mistyped names, a wrong address, a service that is down, a dead printer."""
    clients = stage.register.group("client-")
    for time in stage.moments(25):
        here, number = stage.side(stage.dice.choice(clients)), stage.dice.getrandbits(16)
        name = f"ww{stage.dice.randrange(100)}.portal.exmaple"
        ask(
            stage, here, _side_of(stage, "dns"), 53, time,
            stage.forge.dns(number, name), stage.forge.no_such_name(number, name),
        )  # fmt: skip
    for i, client in enumerate(clients[:3]):
        time = stage.after(stage.span * (0.15 + 0.3 * i))
        Tcp(stage, stage.side(client), stage.stranger(f"198.51.100.{240 + i}"), 443, time).knock(3)
    for time in stage.moments(90):
        Tcp(stage, stage.side(clients[5]), _side_of(stage, "oa"), 8443, time).knock(refused=True)
    printer = stage.register["printer"]
    for client in clients[3:5]:
        for time in stage.beats(70):
            Tcp(stage, stage.side(client), stage.side(printer), 9100, time).knock(3)
