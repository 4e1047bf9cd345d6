"""Scenes of relations: hostile ones with what must be found, benign ones with nothing."""

from __future__ import annotations

from detector_scenes import Scene

from citywall.batches import ACK, ARP_REPLY, ICMP, ICMPV6, ND_ADVERT, OTHER_SENDER, PSH, SYN, TCP, UDP

HOUR = 3600.0
RPC = b"\x05\x00\x0b\x03\x10\x00\x00\x00"
OPENED = {"first": SYN, "flags": (SYN | ACK | PSH, SYN | ACK | PSH)}


def inside(i: int, six: bool = False, net: int = 0) -> str:
    """The i-th of our hosts in a network of ours."""
    return f"fd10:{net:x}::{i + 1:x}" if six else f"10.{net}.{i >> 8 & 255}.{i & 255}"


def outside(i: int, six: bool = False) -> str:
    """The i-th host of others."""
    return f"2001:db8:77::{i + 1:x}" if six else f"198.51.{100 + (i >> 8)}.{i & 255}"


def beacon(six: bool = False) -> Scene:
    """A connection a minute to one place outside, give or take some seconds, alike each time."""
    scene = Scene()
    for i in range(45):
        scene.tcp(i * 60 + i * 7 % 5, inside(9, six, 1), outside(7, six), 8443, "talk")
    return scene


def shell(six: bool = False) -> Scene:
    """A host of ours connects outside and is told `id`."""
    return Scene().tcp(0, inside(9, six, 1), outside(7, six), 9009, "talk", greets=b"id\n", asks=b"u")


def program(six: bool = False) -> Scene:
    """A program comes over a bare connection, behind its length."""
    return Scene().tcp(
        0, inside(9, six, 1), outside(7, six), 5050, "talk", greets=b"\x00\x10\x00\x00MZ\x90\x00"
    )


def script(six: bool = False) -> Scene:
    """A script is sent to a host at a port of no service."""
    return Scene().tcp(0, outside(7, six), inside(9, six, 1), 33333, "talk", asks=b"#!/bin/bash")


def mining(six: bool = False) -> Scene:
    """A miner and its pool."""
    scene = Scene()
    return scene.tcp(
        0, inside(9, six, 1), outside(7, six), 14444, "talk", asks=b'{"id":1,', greets=b'{"id":1,'
    )


def long_connection(six: bool = False) -> Scene:
    """One connection of thirteen hours, as a flow log tells it."""
    scene = Scene().tcp(0, inside(9, six, 1), outside(7, six), 1234, "talk", lasts=1).logged()
    for row in scene.rows:
        row["last"] += 13 * 3600 * 10**9
    return scene


def dns_tunnel(six: bool = False) -> Scene:
    """Two hundred questions of 150 bytes in a minute."""
    scene = Scene()
    for i in range(200):
        scene.udp(i * 0.3, inside(9, six, 1), inside(1, six, 1), 53, size=150)
    return scene


def dns_volume(six: bool = False) -> Scene:
    """Short questions whose answers carry six megabytes."""
    scene = Scene()
    return scene.flow(
        0, inside(9, six, 1), inside(1, six, 1), UDP, None, 53, 6000, 6000, 6000 * 30, 6000 * 1000, 60.0
    )


def icmp_tunnel(six: bool = False) -> Scene:
    """Echoes of many sizes that do not mirror each other."""
    proto, kind = (ICMPV6, 128) if six else (ICMP, 8)
    return Scene().flow(
        0, inside(9, six, 1), outside(7, six), proto, 0, 0, 300, 250, 90_000, 25_000, 60.0, icmp=kind
    )


def upload(six: bool = False) -> Scene:
    """Three hundred megabytes go out in five seconds."""
    ends = inside(9, six, 1), outside(7, six)
    return Scene().flow(0, *ends, TCP, None, 443, 220_000, 90_000, 300_000_000, 0, 5.0, **OPENED)


def fan_out(six: bool = False) -> Scene:
    """Forty hosts are reached for remote management."""
    scene = Scene()
    for i in range(40):
        scene.tcp(i * 2.0, inside(9, six, 1), inside(i, six, 2), 5985, "talk", lasts=1.0)
    return scene


def remote_execution(six: bool = False) -> Scene:
    """A program is put on a share, and a service is made of it."""
    source, target = inside(9, six, 1), inside(7, six, 2)
    scene = Scene().flow(
        0, source, target, TCP, None, 445, 190, 70, 180_000, 7_000, 0.9, **OPENED,
        heads=(b"\x00\x00\x00\x45\xfeSMB", b"\x00\x00\x00\x45\xfeSMB"),
    )  # fmt: skip
    scene.tcp(0.1, source, target, 135, "talk", asks=RPC)
    return scene.tcp(0.2, source, target, 49688, "talk", asks=RPC, scale=3)


def call_burst(six: bool = False) -> Scene:
    """Three hundred connections for procedures within a minute."""
    scene = Scene()
    for i in range(300):
        scene.tcp(i * 0.2, inside(9, six, 1), inside(7, six, 2), 49668, "talk", asks=RPC)
    return scene


def spray(six: bool = False) -> Scene:
    """Two passwords at each of 50 SSH servers."""
    scene = Scene()
    for i in range(100):
        scene.tcp(i * 1.0, outside(9, six), inside(i % 50, six, 2), 22, "login", greets=b"SSH-2.0-")
    return scene


def crowd(six: bool = False) -> Scene:
    """Sixty sources try three passwords each at one SSH server."""
    scene = Scene()
    for i in range(180):
        scene.tcp(i * 2.0, outside(i % 60, six), inside(7, six, 2), 22, "login", greets=b"SSH-2.0-")
    return scene


def contended(six: bool = False) -> Scene:
    """The gateway's address goes from its card to another and back, again and again."""
    scene = Scene()
    kind = ND_ADVERT if six else ARP_REPLY
    for i in range(12):
        mac = 0x02BB00000001 if i % 2 else 0x02CC00000002
        scene._event(i * 3.0, inside(1, six, 1), inside(9, six, 1), kind, mac, 0x02AA00000001, 0)
    return scene


def claimed(six: bool = False) -> Scene:
    """A card that has an address of its own tells a host that it is the gateway, without being asked."""
    scene = Scene().arp(0, inside(66, net=1), inside(9, net=1), mac=0x02CC00000002)
    for i in range(4):
        scene._event(
            20 + i * 8.0, inside(1, net=1), inside(9, net=1), ARP_REPLY, 0x02CC00000002, 0x02AA00000001, 0
        )
    return scene


def other_sender(six: bool = False, net: str = "203.0.113") -> Scene:
    """A frame whose message claims another card than the one that sent it, about an address of elsewhere."""
    scene, flags = Scene(), {"flags": OTHER_SENDER, "answers": 0x02CC00000002}
    for i in range(3):
        about = f"{net}.{9 + i}"
        scene._event(i * 9.0, inside(1), about, ARP_REPLY, 0x02BB00000001, 0xFFFFFFFFFFFF, 0, **flags)
    return scene


def dhcp_flood(six: bool = False) -> Scene:
    """Three hundred requests for an address in five seconds."""
    ends = ("fe80::9", "ff02::1:2") if six else ("0.0.0.0", "255.255.255.255")
    ports = (546, 547) if six else (68, 67)
    return Scene().flow(0, *ends, UDP, *ports, 300, 0, 300 * 240, 0, 5.0)


def strange_dhcp(six: bool = False) -> Scene:
    """A segment's server answers for two hours, then another does."""
    scene = Scene()
    ports = (547, 546) if six else (67, 68)
    for i in range(30):
        client = "fe80::%x" % (i + 20) if six else inside(i, net=1)
        scene.flow(i * 250.0, inside(1, six, 1), client, UDP, *ports, 1, 0, 300, 0, 0.01)
    return scene.flow(7600, inside(66, six, 1), inside(8, six, 1), UDP, *ports, 1, 0, 300, 0, 0.01)


def routers(count: int, every: float, after: float) -> Scene:
    scene = Scene()
    if after:
        for i in range(30):
            scene.ping(i * 250.0, "fe80::1", "ff02::1", 1, 0, kind=134)
    for i in range(count):
        scene.ping(after + i * every, f"fe80::{i + 66:x}", "ff02::1", 1, 0, kind=134)
    return scene


def strange_router(six: bool = False) -> Scene:
    """A segment's router speaks for two hours, then another does."""
    return routers(1, 0, 7600)


def router_flood(six: bool = False) -> Scene:
    """Sixty routers within three seconds."""
    return routers(60, 0.05, 0)


def modbus(code: int, refused: bool = False) -> dict[str, bytes]:
    answer = code | 0x80 if refused else code
    return {"asks": bytes((0, 1, 0, 0, 0, 6, 1, code)), "greets": bytes((0, 1, 0, 0, 0, 3, 1, answer))}


def recon(six: bool = False) -> Scene:
    """A master asks with one function code after the other and is refused."""
    scene = Scene()
    for i in range(8):
        scene.tcp(i * 2.0, inside(9, six, 1), inside(7, six, 5), 502, "talk", **modbus(1 + i, refused=True))
    return scene


def strange_master(six: bool = False) -> Scene:
    """A controller's master polls it for two hours, then another does."""
    scene = Scene()
    for i in range(30):
        scene.tcp(i * 250.0, inside(2, six, 5), inside(7, six, 5), 502, "talk", **modbus(3))
    return scene.tcp(7600, inside(9, six, 1), inside(7, six, 5), 502, "talk", **modbus(3))


#: What must be told as medium or worse, and nothing else.
HOSTILE = {
    ("beacon", "beacon"): beacon,
    ("channel", "raw_shell"): shell,
    ("channel", "raw_program"): program,
    ("channel", "raw_script"): script,
    ("channel", "mining"): mining,
    ("longconn", "long_connection"): long_connection,
    ("dnstunnel", "large_questions"): dns_tunnel,
    ("dnstunnel", "volume"): dns_volume,
    ("covert", "icmp_tunnel"): icmp_tunnel,
    ("exfiltration", "upload"): upload,
    ("lateral", "fan_out"): fan_out,
    ("lateral", "remote_execution"): remote_execution,
    ("lateral", "call_burst"): call_burst,
    ("spray", "spray"): spray,
    ("spray", "distributed"): crowd,
    ("segment", "address_contended"): contended,
    ("segment", "address_claimed"): claimed,
    ("segment", "dhcp_flood"): dhcp_flood,
    ("segment", "strange_dhcp"): strange_dhcp,
    ("segment", "strange_router"): strange_router,
    ("segment", "router_flood"): router_flood,
    ("ics", "recon"): recon,
    ("ics", "strange_master"): strange_master,
}


def odd_web_port(six: bool = False) -> Scene:
    """A web request at a port of no web server."""
    return Scene().tcp(
        0, inside(9, six, 1), outside(7, six), 7080, "talk", asks=b"POST /OK", greets=b"HTTP/1.1"
    )


def tool_port(six: bool = False) -> Scene:
    """Much is carried at the port that attack tools listen on."""
    return Scene().tcp(0, inside(9, six, 1), inside(7, six, 2), 4444, "talk", scale=20)


def remote_calls(six: bool = False) -> Scene:
    """Procedures are called on a host that nobody else calls."""
    source, target = inside(9, six, 1), inside(7, six, 2)
    scene = Scene().tcp(0, source, target, 135, "talk", asks=RPC)
    return scene.tcp(0.1, source, target, 49670, "talk", asks=RPC, scale=16)


def telnet(six: bool = False) -> Scene:
    """Somebody logs in by telnet, and by FTP."""
    scene = Scene().tcp(0, inside(9, six, 1), inside(7, six, 2), 23, "talk", lasts=20.0)
    return scene.tcp(30, inside(9, six, 1), inside(7, six, 2), 21, "talk", greets=b"220 ready")


def remote_control(six: bool = False) -> Scene:
    """A tool of remote control, and a resolver outside that speaks HTTPS."""
    scene = Scene().tcp(0, inside(9, six, 1), outside(7, six), 5938, "talk", lasts=5.0)
    return scene.tcp(3, inside(9, six, 1), "2606:4700:4700::1111" if six else "1.1.1.1", 443, "talk")


def writes(six: bool = False) -> Scene:
    """A master sets a register."""
    return Scene().tcp(0, inside(9, six, 1), inside(7, six, 5), 502, "talk", **modbus(6))


#: What is told more softly than medium.
SOFT = {
    ("segment", "other_sender"): other_sender,
    ("channel", "odd_web_port"): odd_web_port,
    ("channel", "tool_port"): tool_port,
    ("lateral", "remote_calls"): remote_calls,
    ("policy", "clear_text"): telnet,
    ("policy", "remote_control"): remote_control,
    ("ics", "writes"): writes,
}


def common_telemetry(six: bool = False) -> Scene:
    """Thirty hosts report to the same place every minute."""
    scene = Scene()
    for i in range(25):
        for host in range(30):
            scene.tcp(i * 60 + host * 0.7, inside(host, six, 1), outside(7, six), 443, "talk")
    return scene


def people(six: bool = False) -> Scene:
    """People open pages of a few places at their own pace, and large ones now and then."""
    scene = Scene()
    at = 0.0
    for i in range(120):
        at += (i * 7919 % 97) ** 1.5 / 10
        scene.tcp(at, inside(9, six, 1), outside(i % 6, six), 443, "talk", scale=1 + i * 31 % 50)
    return scene


def office(six: bool = False) -> Scene:
    """A domain's client: directory, file share, procedures on the controller, a printer."""
    scene = Scene()
    client, server = inside(9, six, 1), inside(7, six, 2)
    for i in range(6):
        scene.tcp(i * 40, client, server, 389, "talk")
        scene.tcp(i * 40 + 1, client, server, 135, "talk", asks=RPC)
        scene.tcp(i * 40 + 1.2, client, server, 49668, "talk", asks=RPC, scale=8)
        scene.tcp(i * 40 + 2, client, server, 445, "talk", lasts=20.0, scale=30)
    return scene


def changing_hands(six: bool = False) -> Scene:
    """A cluster moves its address once; hosts ask and are answered."""
    scene = Scene()
    for i in range(20):
        scene.arp(i * 5.0, inside(9, six, 1), inside(1, six, 1), answered=True)
    kind = ND_ADVERT if six else ARP_REPLY
    scene._event(101.0, inside(1, six, 1), inside(1, six, 1), kind, 0x02DD00000001, 0xFFFFFFFFFFFF, 0)
    return scene


def leases(six: bool = False) -> Scene:
    """Forty clients ask for an address within a minute and one server answers."""
    scene = Scene()
    ports = (546, 547) if six else (68, 67)
    for i in range(40):
        client = f"fe80::{i + 20:x}" if six else inside(i, net=1)
        scene.flow(i * 1.5, client, inside(1, six, 1), UDP, *ports, 2, 2, 500, 600, 0.5)
    return scene


def path_test(six: bool = False) -> Scene:
    """Two hundred large pings, each mirrored; one host pinged each second for long."""
    proto, kind = (ICMPV6, 128) if six else (ICMP, 8)
    ends = inside(9, six, 1), inside(7, six, 2)
    scene = Scene().flow(0, *ends, proto, 0, 0, 200, 200, 280_000, 280_000, 20.0, icmp=kind)
    return scene.ping(0, inside(8, six, 1), inside(7, six, 2), 100, 97, lasts=100)


def polling(six: bool = False) -> Scene:
    """A master that polls its controllers, and a host that is monitored."""
    scene = Scene()
    for i in range(60):
        for plant in range(4):
            scene.tcp(i * 10 + plant, inside(2, six, 5), inside(plant + 10, six, 5), 502, "talk", **modbus(3))
        scene.tcp(i * 10 + 5, inside(3, six, 5), inside(20, six, 5), 443, "talk")
    return scene


def names(six: bool = False) -> Scene:
    """A resolver that asks much, with questions of ordinary size."""
    scene = Scene()
    for i in range(600):
        scene.udp(i * 0.2, inside(1, six, 1), outside(i % 5, six), 53, size=35 + i % 12)
    return scene


BENIGN = {
    f.__name__: f
    for f in (common_telemetry, people, office, changing_hands, leases, path_test, polling, names)
}
