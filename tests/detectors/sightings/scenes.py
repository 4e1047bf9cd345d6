"""Scenes of what applications say: hostile ones with what must be found, benign ones with nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from detector_scenes import SECOND, T0, Scene

from citywall import batches as b
from citywall.addresses import to_words
from citywall.portals import DRIFT_CODES, PAST_DAYS

TODAY_NOON = 4 * 3600 - T0 // SECOND % 86400  # seconds from T0 to noon of local time (UTC+8)


def inside(i: int, six: bool = False, net: int = 0) -> str:
    return f"fd10:{net:x}::{i + 1:x}" if six else f"10.{net}.{i >> 8 & 255}.{i & 255}"


def outside(i: int, six: bool = False) -> str:
    return f"2001:db8:77::{i + 1:x}" if six else f"198.51.{100 + (i >> 8)}.{i & 255}"


def digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.lower().encode(), digest_size=8).digest(), "big")


def say(
    scene: Scene, at: float, kind: int, src: str, dst: str, *pieces: str, ports=(40000, 80), **more
) -> Scene:
    """One event; `pieces` are its text: name, rest, agent."""
    (src_hi, src_lo), (dst_hi, dst_lo) = to_words(src), to_words(dst)
    text = "".join(pieces).encode()[: b.TEXT]
    sizes = dict(zip(("name_size", "rest_size", "agent_size"), map(len, pieces), strict=False))
    row = {
        "time": T0 + round(at * SECOND),
        "src_hi": src_hi, "src_lo": src_lo, "dst_hi": dst_hi, "dst_lo": dst_lo,
        "offset": 100 * scene.frame, "frame": scene.frame, "kind": kind, "proto": b.TCP,
        "src_port": ports[0], "dst_port": ports[1], "text": list(text.ljust(b.TEXT, b"\0")),
        "digest": digest(pieces[0]) if pieces else 0, **sizes, **more,
    }  # fmt: skip
    scene.resolution.append(row)
    scene.frame += 1
    return scene


def ask(
    scene: Scene, at: float, client: str, server: str, name: str, qtype: int = 1, port: int = 5353
) -> Scene:
    return say(scene, at, b.DNS_QUERY, client, server, name, ports=(port, 53), type=qtype, aux=7, proto=b.UDP)


def answer(
    scene: Scene,
    at: float,
    server: str,
    client: str,
    name: str,
    *addresses: str,
    code: int = 0,
    port: int = 5353,
) -> Scene:
    told = {}
    if addresses:
        hi, lo = to_words(addresses[0])
        told = {
            "answer_hi": hi,
            "answer_lo": lo,
            "answers": digest(" ".join(sorted(addresses))),
            "number": 60,
        }
    return say(
        scene, at, b.DNS_ANSWER, server, client, name, ports=(53, port), type=1, aux=7, proto=b.UDP,
        code=code, count=len(addresses), **told,
    )  # fmt: skip


def request(
    scene: Scene,
    at: float,
    client: str,
    server: str,
    target: str,
    flags: int = 0,
    agent: str = "",
    **more: int,
) -> Scene:
    text = ("portal.example.gov.cn", target, agent)
    more |= {"code": 1, "flags": flags, "digest": digest(target)}
    return say(scene, at, b.HTTP_REQUEST, client, server, *text, **more)


def response(scene: Scene, at: float, server: str, client: str, code: int) -> Scene:
    return say(scene, at, b.HTTP_RESPONSE, server, client, ports=(80, 40000), code=code)


def result(scene: Scene, at: float, server: str, client: str, worked: bool, service: int = 6) -> Scene:
    ports = (445, 40000)
    return say(scene, at, b.LOGIN_RESULT, server, client, ports=ports, code=int(worked), type=service)


def made(i: int) -> str:
    """A name as an algorithm makes it."""
    text = hashlib.sha256(str(i).encode()).digest()
    return "".join(chr(97 + c % 26) for c in text[:14]) + (".com", ".net", ".info")[i % 3]


def failing_names(six: bool = False, n: int = 110) -> Scene:
    """A host asks for a hundred names that are not there."""
    scene, client, server = Scene(), inside(9, six, 1), inside(1, six, 1)
    for i in range(n):
        ask(scene, i * 0.5, client, server, made(i))
        answer(scene, i * 0.5 + 0.02, server, client, made(i), code=3)
    return scene


def name_tunnel(six: bool = False) -> Scene:
    """Two hundred names of forty bytes below one domain."""
    scene, client, server = Scene(), inside(9, six, 1), inside(1, six, 1)
    for i in range(200):
        label = hashlib.sha256(b"t%d" % i).hexdigest()[:40]
        ask(scene, i * 0.7, client, server, f"{label}.t.example.org", 16)
    return scene


def raced(six: bool = False) -> Scene:
    """Asked once, answered twice."""
    scene, client, server = Scene(), inside(9, six, 1), inside(1, six, 1)
    ask(scene, 0, client, server, "bank.example.com")
    answer(scene, 0.01, server, client, "bank.example.com", outside(66, six))
    return answer(scene, 0.03, server, client, "bank.example.com", outside(7, six))


def led_away(six: bool = False) -> Scene:
    """A portal that was always at home is suddenly elsewhere."""
    scene, server = Scene(), inside(1, six, 1)
    for i in range(6):
        client = inside(20 + i, six, 1)
        where = inside(3, six, 2) if i < 5 else outside(66, six)
        ask(scene, i * 60, client, server, "portal.example.gov.cn")
        answer(scene, i * 60 + 0.01, server, client, "portal.example.gov.cn", where)
    return scene


def exploit(six: bool = False) -> Scene:
    """One request that takes a password file."""
    flags = b.TRAVERSAL | b.UNMISTAKABLE
    return request(Scene(), 0, outside(7, six), inside(3, six, 2), "/view?f=../../../etc/passwd", flags)


def web_shell(six: bool = False) -> Scene:
    """A script that runs commands is put on a server."""
    flags = b.WEB_SHELL | b.UNMISTAKABLE
    return request(Scene(), 0, outside(7, six), inside(3, six, 2), "/upload.php", flags)


def burst(six: bool = False) -> Scene:
    """Ten odd requests in a minute."""
    scene = Scene()
    for i in range(10):
        flags = b.INJECTION if i % 3 else b.SCRIPTING
        request(scene, i * 5, outside(7, six), inside(3, six, 2), f"/search?q=' or {i}", flags)
    return scene


def web_scanner(six: bool = False) -> Scene:
    """A tool that says what it is."""
    scene = Scene()
    for i in range(8):
        request(scene, i, outside(7, six), inside(3, six, 2), f"/page{i}", b.SCANNER, "nikto/2.5")
    return scene


def browsing(six: bool = False) -> Scene:
    """A hundred addresses are guessed."""
    scene, client, server = Scene(), outside(7, six), inside(3, six, 2)
    for i in range(100):
        request(scene, i * 0.5, client, server, f"/guess{i}")
        response(scene, i * 0.5 + 0.1, server, client, 404)
    return scene


def refused(six: bool = False) -> Scene:
    """Twenty log-ins are refused."""
    scene = Scene()
    for i in range(20):
        result(scene, i * 3, inside(5, six, 2), inside(9, six, 1), worked=False)
    return scene


def worked(six: bool = False) -> Scene:
    """Nine are refused, one works."""
    scene = Scene()
    for i in range(10):
        result(scene, i * 3, inside(5, six, 2), inside(9, six, 1), worked=i == 9)
    return scene


def web_forms(six: bool = False) -> Scene:
    """A log-in form is handed in forty times."""
    scene = Scene()
    for i in range(40):
        request(scene, i * 2, outside(7, six), inside(3, six, 2), "/login.do", b.LOGIN_FORM)
    return scene


def web_refused(six: bool = False) -> Scene:
    """One address, refused forty times."""
    scene, client, server = Scene(), outside(7, six), inside(3, six, 2)
    for i in range(40):
        request(scene, i * 2, client, server, "/admin", b.CLEAR_PASSWORD)
        response(scene, i * 2 + 0.1, server, client, 401)
    return scene


def people(scene: Scene, at: float, src: str, dst: str, n: int) -> Scene:
    """An answer with so many identity numbers."""
    masked = f"11010{n % 10}**********3X"
    return say(scene, at, b.PERSONAL_DATA, src, dst, masked, ports=(80, 40000), count=n, number=2 * n)


def leaving(six: bool = False) -> Scene:
    """Identity numbers are answered to somebody outside."""
    scene = Scene()
    for i in range(5):
        people(scene, i, inside(3, six, 2), outside(7, six), i + 1)
    return scene


def telephones(six: bool = False) -> Scene:
    """Telephone numbers are answered to somebody outside, page after page."""
    scene = Scene()
    for i in range(30):
        more = {"ports": (80, 40000), "number": 20}
        say(scene, i, b.PERSONAL_DATA, inside(3, six, 2), outside(7, six), **more)
    return scene


def in_clear(six: bool = False) -> Scene:
    """Many of them between hosts of ours."""
    scene = Scene()
    for i in range(12):
        people(scene, i, inside(3, six, 2), inside(9, six, 1), 5)
    return scene


def logon(scene: Scene, at: float, src: str, dst: str, account: str, worked: bool) -> Scene:
    at += TODAY_NOON
    return say(scene, at, b.ACCOUNT_LOGIN, src, dst, account, "oa", ports=(0, 0), code=int(worked), frame=-1)


def guessed(six: bool = False) -> Scene:
    """One account, twenty failures."""
    scene = Scene()
    for i in range(20):
        logon(scene, i * 20, inside(9, six, 1), inside(5, six, 2), "wangwei", worked=False)
    return scene


def account_worked(six: bool = False) -> Scene:
    """Eight failures and a log-in."""
    scene = Scene()
    for i in range(9):
        logon(scene, i * 20, inside(9, six, 1), inside(5, six, 2), "wangwei", worked=i == 8)
    return scene


def many_sources(six: bool = False) -> Scene:
    """One account from ten hosts."""
    scene = Scene()
    for i in range(10):
        logon(scene, i * 60, inside(i, six, 3), inside(5, six, 2), "wangwei", worked=True)
    return scene


def mass_export(six: bool = False) -> Scene:
    """Ten queries of ten thousand rows."""
    scene = Scene()
    for i in range(10):
        say(
            scene, i * 30, b.DATA_ACCESS, inside(9, six, 1), inside(5, six, 2), "report", "population",
            ports=(0, 0), number=10_000, frame=-1,
        )  # fmt: skip
    return scene


def at_night(six: bool = False) -> Scene:
    """A log-in at three in the morning."""
    return logon(Scene(), 15 * 3600, inside(9, six, 1), inside(5, six, 2), "wangwei", worked=True)


def old_tls(six: bool = False) -> Scene:
    """A server of ours speaks TLS 1.0."""
    text = {"code": 0x0301, "type": 0xC014, "ports": (443, 40000)}
    return say(Scene(), 0, b.TLS_SERVER, inside(3, six, 2), inside(9, six, 1), **text)


def weak_cipher(six: bool = False) -> Scene:
    """A server of ours chooses RC4."""
    text = {"code": 0x0303, "type": 0x0005, "ports": (443, 40000)}
    return say(Scene(), 0, b.TLS_SERVER, inside(3, six, 2), inside(9, six, 1), **text)


def clear_login(six: bool = False) -> Scene:
    """A log-in to a file server."""
    more = {"type": 1, "flags": b.CLEAR_PASSWORD, "ports": (40000, 21)}
    return say(Scene(), 0, b.LOGIN_NAME, inside(9, six, 1), inside(3, six, 2), "wangwei", **more)


def lease(scene: Scene, at: float, client: str, server: str, card: str, wanted: str) -> Scene:
    hi, lo = to_words(wanted)
    return say(
        scene, at, b.DHCP_MESSAGE, client, server, card, ports=(68, 67), type=3, proto=b.UDP, answer_hi=hi,
        answer_lo=lo,
    )  # fmt: skip


def leases(six: bool = False) -> Scene:
    """One card asks for a row of addresses."""
    scene = Scene()
    for i in range(20):
        lease(scene, i / 2, inside(9, six), inside(0, six), "24:4b:fe:00:00:09", inside(100 + i, six))
    return scene


def moving_in(six: bool = False) -> Scene:
    """A floor of machines asks for the addresses they had, and for those they are offered, over and over."""
    scene = Scene()
    for i in range(200):
        card, old, new = f"24:4b:fe:00:01:{i % 50:02x}", inside(i % 50, six, 3), inside(i % 50, six, 4)
        for j, wanted in enumerate((old, new, new)):
            lease(scene, i + j / 10, inside(9, six), inside(0, six), card, wanted)
    return scene


def drift(
    scene: Scene, at: float, kind: str, value: str = "", measure: int = 1, six: bool = False, *,
    before: int = 0, grave: bool = False, began: float | None = None, previous: float = 0.0,
    portal: str = "www",
) -> Scene:  # fmt: skip
    """What a probe found of a portal's page: a row as `ingest.portals.records` makes it."""
    url = f"https://{portal}.city.example.gov.cn/"
    said = T0 + round((at if began is None else began) * SECOND)
    return say(
        scene, at, b.PORTAL_DRIFT, inside(200, six, 9), inside(3, six, 2), portal, url, value, ports=(0, 443),
        type=DRIFT_CODES[kind], number=measure, size=before, flags=b.PORTAL_GRAVE if grave else 0,
        answers=said, answer_hi=T0 + round(previous * SECOND), answer_lo=digest(f"{url} {kind} {value}"),
        frame=-1, offset=-1, code=200,
    )  # fmt: skip


def of_portal(kind: str, value: str, measure: int = 1, *, grave: bool = False, before: int = 0):
    """A scene of one drift, and one of the same that is quiet (it was told at the probe before)."""

    def scene(six: bool = False) -> Scene:
        found = drift(Scene(), 10, kind, value, measure, six, before=before, grave=grave)
        return drift(
            found, 1900, kind, value, measure, six, before=measure, grave=grave, began=10, previous=10
        )

    scene.__name__ = f"portal_{kind}"
    return scene


PORTALS = {
    ("portal", "down"): of_portal("down", "timeout", 2, before=1),
    ("portal", "status"): of_portal("status", "403", 2, before=1),
    ("portal", "redirected"): of_portal("redirected", "evil.example.com", grave=True),
    ("portal", "rewritten"): of_portal("rewritten", "hacked", 940),
    ("portal", "script"): of_portal("script", "cdn.example.net"),
    ("portal", "frame"): of_portal("frame", "ads.example.net"),
    ("portal", "form"): of_portal("form", "collect.example.net"),
    ("portal", "refresh"): of_portal("refresh", "evil.example.com", grave=True),
    ("portal", "certificate"): of_portal("certificate", "sha256/AAAA", 2),
    ("portal", "issuer"): of_portal("issuer", "CN=Somebody else", grave=True),
    ("portal", "expiry"): of_portal("expiry", "5", PAST_DAYS + 5, before=PAST_DAYS + 9),
    ("portal", "names"): of_portal("names", "other.example.com", grave=True),
    ("darklink", "hidden"): of_portal("hidden", "a.example.com b.example.com", 2),
    ("darklink", "words"): of_portal("words", "百家乐 老虎机", 2, before=1),
    ("darklink", "cloaked"): of_portal("cloaked", "spider: 百家乐", 1000, grave=True),
    ("darklink", "diverted"): of_portal("diverted", "evil.example.com", grave=True),
}


def portals_at_rest(six: bool = False) -> Scene:
    """Small changes, a page that stayed away once, an end that is far, what was told long ago."""
    scene = drift(Scene(), 0, "rewritten", "", 450, six)
    drift(scene, 60, "down", "timeout", 1, six)
    drift(scene, 120, "expiry", "60", PAST_DAYS + 60, six)
    drift(scene, 180, "words", "赌博", 1, six)
    drift(scene, 240, "links", "a.example.com", 2, six)
    drift(scene, 300, "cloaked", "spider", 420, six)
    return drift(scene, 4000, "script", "cdn.example.net", 1, six, before=1, began=100, previous=2200)


def reported(name: str, message: str = "", priority: int = 0, n: int = 0) -> Callable[..., Scene]:
    """A scene of what another sensor reports of a host, four times in ten minutes and once much later."""

    def scene(six: bool = False) -> Scene:
        made, host, other = Scene(), inside(9, six, 1), inside(3, six, 2)
        for i, at in enumerate((0, 60, 300, 600, 9000)):
            say(
                made, at, b.NOTICE_RAISED, host, other, name, message, "", frame=-1, code=priority,
                number=n << i,
            )  # fmt: skip
        return made

    return scene


def remarks(six: bool = False) -> Scene:
    """What other sensors say of anything but attacks, or think little of."""
    scene, host, other = Scene(), inside(9, six, 1), inside(3, six, 2)
    for i, (name, message, priority) in enumerate((
        ("SSL::Invalid_Server_Cert", "SSL certificate validation failed", 0),
        ("CaptureLoss::Too_Much_Loss", "The capture loss script detected an estimated loss", 0),
        ("SSH::Interesting_Hostname_Login", "Possible SSH login", 0),
        ("Software::Vulnerable_Version", "10.0.0.1 is running Java", 0),
        ("ET INFO Session Traversal Utilities for NAT", "Misc activity", 3),
        ("SURICATA STREAM excessive retransmissions", "Generic Protocol Command Decode", 3),
        ("ET SCAN something old", "Attempted Information Leak", 3),
    )):  # fmt: skip
        say(scene, i * 7, b.NOTICE_RAISED, host, other, name, message, "", frame=-1, code=priority)
    return scene


HOSTILE = {
    **PORTALS,
    ("reported", "scan"): reported("ICMP::ICMPAddressScan", "performed ICMP address scan on 5 hosts", n=5),
    ("reported", "bruteforce"): reported("SSH::Password_Guessing", "appears to be guessing passwords"),
    ("reported", "dos"): reported("a rule", "Detection of a Denial of Service Attack", 1),
    ("reported", "c2"): reported("a rule", "A Network Trojan was detected", 1),
    ("reported", "exploit"): reported("HTTP::SQL_Injection_Attacker", "An SQL injection attacker"),
    ("leasescan", "addresses"): leases,
    ("dga", "failing_names"): failing_names,
    ("nametunnel", "names"): name_tunnel,
    ("nameanswers", "raced"): raced,
    ("nameanswers", "led_away"): led_away,
    ("webattack", "exploit"): exploit,
    ("webattack", "web_shell"): web_shell,
    ("webattack", "burst"): burst,
    ("webattack", "scanner"): web_scanner,
    ("webattack", "browsing"): browsing,
    ("loginfailures", "refused"): refused,
    ("loginfailures", "worked"): worked,
    ("loginfailures", "web_forms"): web_forms,
    ("loginfailures", "web_refused"): web_refused,
    ("personaldata", "leaving"): leaving,
    ("account", "guessed"): guessed,
    ("account", "worked"): account_worked,
    ("account", "many_sources"): many_sources,
    ("account", "mass_export"): mass_export,
}
SOFT = {
    ("personaldata", "telephones"): telephones,
    ("personaldata", "in_clear"): in_clear,
    ("account", "at_night"): at_night,
    ("exposure", "old_tls"): old_tls,
    ("exposure", "weak_cipher"): weak_cipher,
    ("exposure", "clear_login"): clear_login,
    ("portal", "title"): of_portal("title", "Another"),
    ("darklink", "links"): of_portal("links", "a.example.com b.example.com", 7),
}


def names_of_people(six: bool = False) -> Scene:
    """Names that people ask for, some mistyped, some with hashes of content networks, some reversed."""
    scene, client, server = Scene(), inside(9, six, 1), inside(1, six, 1)
    for i in range(120):
        name = (
            f"www{i % 12}.example{i % 17}.com", f"img{i}.cdn.example.net", f"{i}.2.0.10.in-addr.arpa",
            f"{hashlib.md5(b'%d' % (i % 9)).hexdigest()}.avts.example.org",
        )[i % 4]  # fmt: skip
        ask(scene, i * 2, client, server, name, port=5000 + i)
        if i % 10 == 9:
            answer(scene, i * 2 + 0.01, server, client, name, code=3, port=5000 + i)
        else:
            answer(scene, i * 2 + 0.01, server, client, name, outside(i % 30, six), port=5000 + i)
    return scene


def resent(six: bool = False) -> Scene:
    """A question asked twice and answered twice, by turns; a name that moves about at home."""
    scene, client, server = Scene(), inside(9, six, 1), inside(1, six, 1)
    for i in range(4):
        ask(scene, i * 9, client, server, "www.example.com")
        ask(scene, i * 9 + 1, client, server, "www.example.com")
        answer(scene, i * 9 + 1.01, server, client, "www.example.com", outside(1, six), outside(2, six))
        answer(scene, i * 9 + 1.02, server, client, "www.example.com", outside(3, six), outside(4, six))
        ask(scene, i * 9 + 2, client, server, "portal.example.gov.cn", port=6000 + i)
        answer(scene, i * 9 + 3, server, client, "portal.example.gov.cn", inside(i, six, 2), port=6000 + i)
    return scene


def pages(six: bool = False) -> Scene:
    """Pages read and forms filled in, some pictures missing, a wrong password or two."""
    scene, client, server = Scene(), inside(9, six, 1), inside(3, six, 2)
    for i in range(200):
        request(scene, i * 3, client, server, f"/page/{i % 40}")
        response(scene, i * 3 + 0.1, server, client, 404 if i % 20 == 0 else 200)
    for i in range(3):
        request(scene, 700 + i * 10, client, server, "/login.do", b.LOGIN_FORM)
        response(scene, 700 + i * 10 + 0.1, server, client, 403)
    return scene


def office(six: bool = False) -> Scene:
    """People log in to what they use, mistype now and then, and take out what they need."""
    scene, server = Scene(), inside(5, six, 2)
    for i in range(60):
        client = inside(i % 20, six, 1)
        result(scene, i * 40, server, client, worked=i % 7 != 0)
        logon(scene, i * 40, client, server, f"user{i % 20}", worked=i % 7 != 0)
        say(scene, i * 40, b.DATA_ACCESS, client, server, f"user{i % 20}", "population", number=200, frame=-1)
    people(scene, 3000, server, inside(4, six, 1), 3)
    return say(scene, 3001, b.TLS_SERVER, server, inside(4, six, 1), code=0x0304, type=0x1301, ports=(443, 9))


BENIGN = {
    "names of people": names_of_people,
    "questions resent": resent,
    "pages": pages,
    "office": office,
    "moving in": moving_in,
    "portals at rest": portals_at_rest,
    "remarks": remarks,
}
