"""Scenes of identities: hostile ones with what must be found, benign ones with nothing."""

from __future__ import annotations

from detector_scenes import Scene
from sighting_scenes import digest, inside, say

from citywall import batches as b
from citywall.addresses import to_words
from citywall.domains import NAMED

NTLM, GIVEN, ASKED = b.NTLM_LOGON, b.TICKET_GIVEN, b.TICKET_ASKED
MAC = 0x3C5282000009


def ntlm(scene: Scene, at: float, src: str, dst: str, account="root", station="pc-9", service=6) -> Scene:
    more = {"type": service, "answers": digest(station) if station else 0, "ports": (40000, 445)}
    return say(scene, at, NTLM, src, dst, account, "city", station, **more)


def share(scene: Scene, at: float, src: str, dst: str, name="admin$") -> Scene:
    return say(scene, at, b.SHARE_OPENED, src, dst, name, ports=(40000, 445))


def bound(scene: Scene, at: float, src: str, dst: str, what: int, by=1, ports=(40000, 49667)) -> Scene:
    return say(scene, at, b.CALLS_BOUND, src, dst, ports=ports, type=what, code=by)


def call(scene: Scene, at: float, src: str, dst: str, number: int, ports=(40000, 49667)) -> Scene:
    return say(scene, at, b.CALL_MADE, src, dst, ports=ports, type=number)


def ticket(scene: Scene, at: float, client: str, server: str, account: str, service: str, cipher=18) -> Scene:
    more = {"type": cipher, "answers": digest(service), "ports": (88, 40000)}
    return say(scene, at, GIVEN, server, client, account, service, **more)


def asked(scene: Scene, at: float, client: str, server: str, account: str, cipher=18, offers=3) -> Scene:
    more = {"type": cipher, "code": offers, "ports": (40000, 88)}
    return say(scene, at, ASKED, client, server, account, "city", **more)


def passed(six: bool = False) -> Scene:
    """A host with tickets for its user logs in as another, names no workstation, and opens the disk."""
    scene, client, server = Scene(), inside(9, six, 1), inside(3, six, 2)
    for i in range(3):
        ticket(scene, i, client, inside(5, six, 2), "wangwei", f"cifs/files{i}")
    ntlm(scene, 60, client, server, "administrator", "")
    return share(scene, 61, client, server, "c$")


def machines(six: bool = False) -> Scene:
    """One account from thirty-five hosts within minutes."""
    scene = Scene()
    for i in range(35):
        ntlm(scene, i * 10, inside(i, six, 1), inside(3, six, 2), "svc-install", f"pc-{i}")
    return scene


def weak_proof(six: bool = False) -> Scene:
    """An account that proved itself with AES all day does so with RC4, from elsewhere."""
    scene, server = Scene(), inside(5, six, 2)
    for i in range(6):
        asked(scene, i * 900, inside(4, six, 1), server, "lidan")
    return asked(scene, 6000, inside(9, six, 1), server, "lidan", 23, 2)


def roasting(six: bool = False) -> Scene:
    """Tickets with RC4 for a dozen services within a minute, where others come with AES."""
    scene, client, server = Scene(), inside(9, six, 1), inside(5, six, 2)
    ticket(scene, 0, client, server, "wangwei", "cifs/files")
    for i in range(12):
        ticket(scene, 5 + i, client, server, "wangwei", f"mssqlsvc/db{i}", 23)
    return scene


def copied(six: bool = False) -> Scene:
    """A host binds to replication, asks for controllers and for changes, as tools do."""
    scene, client, server = Scene(), inside(9, six, 1), inside(5, six, 2)
    ticket(scene, 0, inside(4, six, 1), server, "wangwei", "cifs/files")
    bound(scene, 5, client, server, 1)
    return call(call(scene, 6, client, server, 16), 7, client, server, 3)


def dhcp(
    scene: Scene, at: float, kind: int, card: int, *, server="10.0.0.1", address="10.0.0.77", six=False,
    name="", **more,
) -> Scene:  # fmt: skip
    """A DHCP message of a client (kinds 1, 3) or of a server to one."""
    client, ports = ("fe80::9", (546, 547)) if six else ("0.0.0.0", (68, 67))
    text = ":".join(f"{card:012x}"[j : j + 2] for j in range(0, 12, 2))
    hi, lo = to_words(address)
    to = {"src_mac": card} if kind in (1, 3) else {"dst_mac": card}
    ends = (client, "ff02::1:2" if six else "255.255.255.255") if kind in (1, 3) else (server, client)
    ports = ports if kind in (1, 3) else ports[::-1]
    given = {"answer_hi": hi, "answer_lo": lo} if kind != 1 else {}
    row = {"type": kind, "proto": b.UDP, "ports": ports, "digest": digest(text), **to, **given, **more}
    return say(scene, at, b.DHCP_MESSAGE, *ends, text, name, **row)


def starved(six: bool = False) -> Scene:
    """Three hundred cards that nobody has ask for an address, all sent by one."""
    scene = Scene()
    for i in range(300):
        dhcp(scene, i * 0.1, 1, 0x02AA00000000 + i * 977, six=six, flags=b.OTHER_SENDER)
    return scene


def second_server(six: bool = False) -> Scene:
    """A server that the segment never had answers, too, and leads elsewhere."""
    scene = Scene()
    first, other = ("fe80::1", "fe80::66") if six else ("10.0.0.1", "10.0.0.66")
    for i in range(6):
        address = f"fd10::{i + 80:x}" if six else f"10.0.0.{80 + i}"
        dhcp(scene, i * 60, 5, MAC + 256 + i, server=first, address=address, six=six, answers=7)
    for i in range(2):
        address = f"fd10::{i + 180:x}" if six else f"10.0.0.{180 + i}"
        dhcp(scene, 400 + i, 2, MAC + 256 + i, server=other, address=address, six=six, answers=8)
    return scene


def two_homes(six: bool = False) -> Scene:
    """One card that has a lease in the office's network and in the police's, by turns."""
    scene = Scene()
    for i in range(8):
        address = f"fd1{i % 2}::9" if six else f"10.{i % 2}.0.9"
        dhcp(scene, i * 300, 3, MAC, address=address, six=six, domain=NAMED + i % 2, vlan=12 + i % 2)
    return scene


HOSTILE = {
    ("passhash", "odd_entry"): passed,
    ("passhash", "weak_proof"): weak_proof,
    ("passhash", "roasting"): roasting,
    ("dcsync", "replication"): copied,
    ("leasepool", "starvation"): starved,
    ("leasepool", "second_server"): second_server,
    ("twohomes", "in_both"): two_homes,
}


def carried(six: bool = False) -> Scene:
    """A machine that was in one network in the morning is in another in the afternoon."""
    scene = Scene()
    for i in range(6):
        second = i > 2
        address = f"fd1{second:d}::9" if six else f"10.{second:d}.0.9"
        dhcp(scene, i * 1000, 3, MAC, address=address, six=six, domain=NAMED + second, vlan=12 + second)
    return scene


SOFT = {("twohomes", "carried_over"): carried, ("passhash", "many_machines"): machines}


def domain_life(six: bool = False) -> Scene:
    """People log in with tickets, by NTLM as themselves, administer what is theirs; controllers replicate."""
    scene, dc, other = Scene(), inside(5, six, 2), inside(6, six, 2)
    for i in range(20):
        client = inside(i, six, 1)
        asked(scene, i * 20, client, dc, f"user{i}")
        for j in range(4):
            ticket(scene, i * 20 + 1 + j, client, dc, f"user{i}", f"cifs/files{j}", 23 if j == 3 else 18)
        ntlm(scene, i * 20 + 6, client, inside(3, six, 2), f"user{i}", f"pc-{i}")
        share(scene, i * 20 + 7, client, inside(3, six, 2), "c$")
    ticket(scene, 500, inside(1, six, 1), other, "user1", "cifs/files1")
    for i in range(3):
        bound(scene, 600 + i * 300, other, dc, 1)
        call(scene, 601 + i * 300, other, dc, 3)
    for number in (12, 16, 12):  # names are translated by tools that copy nothing
        call(scene, 900, inside(2, six, 1), dc, number)
    return scene


def morning(six: bool = False) -> Scene:
    """A floor comes to work: each card asks once and is served by either of two servers that agree."""
    scene = Scene()
    for i in range(100):
        for j, kind in enumerate((1, 2, 3, 5)):
            address = f"fd10::{i + 16:x}" if six else f"10.0.0.{i + 16}"
            server = ("fe80::1", "fe80::2")[i % 2] if six else f"10.0.0.{1 + i % 2}"
            dhcp(scene, i * 2 + j / 10, kind, 0x244BFE000100 + i, server=server, address=address, six=six,
                 answers=7 if kind in (2, 5) else 0, name=f"desk-{i:04d}")  # fmt: skip
    return scene


def moving_about(six: bool = False) -> Scene:
    """A laptop between VLANs of one house; a router with one card in many; a phone that makes up cards."""
    scene = Scene()
    for i in range(6):
        address = f"fd1{i % 2}::9" if six else f"10.{i % 2}.0.9"
        dhcp(scene, i * 900, 3, MAC, address=address, six=six, domain=12 + i % 2, vlan=12 + i % 2)
    for i in range(60):
        vlan, router = i % 3, f"fd1{i % 3}::1" if six else f"10.{i % 3}.0.1"
        asker = f"fd1{i % 3}::{i + 16:x}" if six else f"10.{i % 3}.0.{i + 16}"
        scene._event(
            i * 60.0, router, asker, b.ND_ADVERT if six else b.ARP_REPLY, 0x0011AA000001, 1, NAMED + vlan
        )
        scene.arp(i * 60.0 + 1, asker, router, mac=0x02BB00000000 + i % 2, vlan=NAMED + vlan)
    return scene


BENIGN = {"domain life": domain_life, "morning": morning, "moving about": moving_about}
