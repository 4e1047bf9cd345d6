"""What is seen in single packets: every protocol, every cut, noise, with the JIT and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sighted as s
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall import batches as b
from ingest.sightings import kernels
from ingest.sightings.patterns import BUILT

UDP53 = {"ports": (40000, 53), "proto": b.UDP}


def one(*payloads, **more):
    (event,) = s.events(*payloads, **more)
    return event


# --- names -------------------------------------------------------------------------------------------------


def test_a_question():
    e = one(s.question(), **UDP53)
    assert (e["kind"], e["type"], e["aux"], e["proto"]) == (b.DNS_QUERY, 1, 0x1234, b.UDP)
    assert s.texts(e)[0] == "www.example.com"
    assert (int(e["src_lo"]), int(e["dst_lo"])) == (s.CLIENT, s.SERVER)
    assert (e["src_port"], e["dst_port"], e["frame"], e["offset"]) == (40000, 53, 1, 0)
    stream = len(s.question()).to_bytes(2, "big") + s.question()
    assert one(stream, ports=(40000, 53))["digest"] == e["digest"]


def test_an_answer():
    reply = s.reply("www.example.com", b"\xc6\x33\x64\x07", b"\xc6\x33\x64\x08", ttl=30)
    e = one(reply, back=True, **UDP53)
    assert (e["kind"], e["code"], e["count"], e["number"]) == (b.DNS_ANSWER, 0, 2, 30)
    assert int(e["answer_lo"]) == 0xFFFF_C633_6407
    assert (int(e["src_lo"]), e["src_port"]) == (s.SERVER, 53)
    turned = one(s.reply("www.example.com", b"\xc6\x33\x64\x08", b"\xc6\x33\x64\x07"), back=True, **UDP53)
    assert turned["answers"] == e["answers"]  # in any order
    assert one(s.reply("www.example.com", b"\xc6\x33\x64\x08"), back=True, **UDP53)["answers"] != e["answers"]
    six = one(s.reply("www.example.com", bytes(range(16)), qtype=28), back=True, **UDP53)
    assert int(six["answer_hi"]) == 0x0001020304050607
    assert one(s.reply("nowhere.example", code=3), back=True, **UDP53)["code"] == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: m[:12] + b"\xc0\x0c" + m[14:],  # a pointer in a question
        lambda m: m[:12] + b"\x3f" + m[13:],  # a label longer than what follows
        lambda m: m[:4] + b"\0\x02" + m[6:],  # two questions
        lambda m: m[:2] + b"\x29" + m[3:],  # an update
        lambda m: m[:6] + b"\0\x05" + m[8:],  # a question with answers
        lambda m: m[:12] + b"\0" + m[13:],  # no name
        lambda m: m[:-1],
    ],
)
def test_what_is_no_question(spoil):
    assert not len(s.events(spoil(s.question()), **UDP53))


def test_long_names_keep_their_beginning_and_their_digest():
    name = ".".join(["a" * 60] * 3 + ["b" * 50])
    one_, other = (one(s.question(name + x), **UDP53) for x in ("x", "y"))
    assert s.texts(one_)[0] == (name + "x")[: b.TEXT]
    assert one_["digest"] != other["digest"]
    assert not len(s.events(s.question(".".join(["a" * 63] * 4)), **UDP53))  # longer than names may be


# --- encryption --------------------------------------------------------------------------------------------


def test_hellos():
    e = one(s.client_hello(), ports=(40000, 8443))
    assert (e["kind"], e["code"], e["count"], e["flags"]) == (b.TLS_CLIENT, 0x0304, 2, 0)
    assert s.texts(e)[:2] == ("portal.example.gov.cn", "h2")
    e = one(s.server_hello(0x0301, 0x0005), back=True)
    assert (e["kind"], e["code"], e["type"]) == (b.TLS_SERVER, 0x0301, 0x0005)
    assert one(s.server_hello(true_version=0x0304), back=True)["code"] == 0x0304
    cut = one(s.client_hello()[:80])
    assert (cut["kind"], cut["flags"]) == (b.TLS_CLIENT, b.CUT_SHORT)


# --- the web -----------------------------------------------------------------------------------------------


def test_a_request():
    e = one(s.request("/A/b.html?q=1", "User-Agent: Mozilla/5.0", method="POST", body=b"x=y"))
    assert (e["kind"], b.METHODS[e["code"]], e["flags"]) == (b.HTTP_REQUEST, "POST", 0)
    assert s.texts(e) == ("portal.example.gov.cn", "/a/b.html?q=1", "mozilla/5.0")
    assert one(s.request("/A/b.html?other"))["digest"] == e["digest"]
    assert [b.METHODS[one(s.request("/", method=m))["code"]] for m in b.METHODS[1:]] == list(b.METHODS[1:])


@pytest.mark.parametrize(
    ("target", "headers", "body", "signs"),
    [
        ("/news?id=12", (), b"", 0),
        ("/q?id=1'+oR+'1'='1", (), b"", b.INJECTION | b.UNMISTAKABLE),
        ("/q?id=1%27%20UNION%20SELECT%20null", (), b"", b.INJECTION | b.UNMISTAKABLE),
        ("/q?id=1%2527%2520union%2520select%2520null", (), b"", b.INJECTION | b.UNMISTAKABLE),
        ("/v?f=..%2f..%2fx", (), b"", b.TRAVERSAL),
        ("/v?f=../../../../etc/passwd", (), b"", b.TRAVERSAL | b.UNMISTAKABLE),
        ("/v?x=<script>alert(1)", (), b"", b.SCRIPTING),
        ("/.git/config", (), b"", b.PROBING),
        ("/", ("User-Agent: ${jndi:ldap://x/a}",), b"", b.COMMAND | b.UNMISTAKABLE),
        ("/", ("User-Agent: Nikto/2.5",), b"", b.SCANNER),
        ("/", ("Referer: http://x/.git/",), b"", 0),  # not what is asked for
        ("/up", (), b"<?php eval($_POST[1]);", b.WEB_SHELL | b.UNMISTAKABLE),
        ("/up", (), b"name=100%&x=%zz%2", 0),
    ],
)
def test_signs(target, headers, body, signs):
    assert one(s.request(target, *headers, body=body))["flags"] == signs


def test_log_in_forms():
    assert one(s.request("/oa/Login.do", method="POST"))["flags"] == b.LOGIN_FORM
    assert one(s.request("/oa/Login.do"))["flags"] == 0
    assert one(s.request("/search?next=/login", method="POST"))["flags"] == 0


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/brute/?username=admin&password=%s&Login=Login", b""),
        ("/cgi?u_name=a&pwd=%s", b""),
        ("/x", b"log=admin&user_pass=%s"),
        ("/api/v1", b'{"user": "admin", "password": "%s"}'),
    ],
)
def test_passwords_handed_in_are_told_apart_and_not_told(target, body):
    def row(password: str):
        return one(s.request(target.replace("%s", password), body=body.replace(b"%s", password.encode())))

    assert row("geheim")["flags"] == b.LOGIN_FORM
    numbers = {int(row(f"p{i}")["number"]) for i in range(100)}
    assert len(numbers) > 90
    assert 1 <= min(numbers) <= max(numbers) <= 4095
    assert row("geheim")["number"] == row("geheim")["number"]
    assert row("")["flags"] == row("")["number"] == 0


@pytest.mark.parametrize("target", ["/?username=admin", "/?compass-point=n", "/password", "/?password"])
def test_no_password_is_handed_in(target):
    assert one(s.request(target))["number"] == 0


def test_names_in_clear_and_never_passwords():
    asked, login = s.events(s.request("/", s.basic("WangWei", "geheim")))
    assert asked["flags"] == b.CLEAR_PASSWORD
    assert (login["kind"], b.SERVICES[login["type"]]) == (b.LOGIN_NAME, "http")
    assert s.texts(login)[0] == "wangwei"
    assert b"geheim" not in login.tobytes()
    assert len(s.events(s.request("/", "Authorization: Basic ####"))) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"GET nothing like it\r\n\r\n", b"GET /\r\n\r\n", b"POSTCARD from far away",
        b"HEAD\x00\x01\x02\x03\x04",
        b"HTTP is a protocol", b"HTTP/1.1 OK fine", b"GET " + b"a" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_request(payload):
    assert not len(s.events(payload))


def test_a_request_that_is_cut():
    e = one(s.request("/" + "a" * 300)[:150])
    assert (e["flags"], e["rest_size"]) == (b.CUT_SHORT, 120)
    e = one(s.request("/x", "Cookie: " + "a" * 300)[:150])
    assert e["flags"] == b.CUT_SHORT


def test_responses():
    assert [int(one(s.response(code), back=True)["code"]) for code in (200, 404, 503)] == [200, 404, 503]


# --- numbers of people -------------------------------------------------------------------------------------

WANG, LI = s.identity("11010519491231002"), s.identity("34052419800101001")


@pytest.mark.parametrize(
    ("body", "count", "phones"),
    [
        (f"id={WANG}", 1, 0),
        (f"{WANG},{LI};{WANG.lower()} 13812345678", 3, 1),
        ("13812345678 13912345678 18612345678", 0, 3),
        ("13812345678 13912345678", None, None),  # too few to speak of
        (f"x{WANG} {WANG}9 _{LI}", None, None),  # parts of something longer
        (WANG[:-1] + "1", None, None),  # a wrong check digit
        (s.identity("11010519491331002"), None, None),  # no such month
        (s.identity("91010519491231002"), None, None),  # no such province
    ],
)
def test_numbers_of_people(body, count, phones):
    found = s.events(s.response(200, body.encode()), back=True)
    assert found[0]["kind"] == b.HTTP_RESPONSE
    if count is None:
        assert len(found) == 1
        return
    e = found[1]
    assert (e["kind"], e["count"], e["number"]) == (b.PERSONAL_DATA, count, phones)
    assert s.texts(e)[0] == (f"{WANG[:6].lower()}{'*' * 10}{WANG[-2:].lower()}" if count else "")


def test_numbers_in_what_is_asked():
    found = s.events(s.request(f"/person?id={WANG}"))
    assert [int(e["kind"]) for e in found] == [b.HTTP_REQUEST, b.PERSONAL_DATA]


# --- log-ins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "port", "service", "worked"),
    [
        (b"230 User wang logged in.\r\n", 21, "ftp", 1),
        (b"530 Login incorrect.\r\n", 2121, "ftp", 0),
        (b"530 Please login with USER and PASS.\r\n", 21, "ftp", None),
        (b"+OK Logged in.\r\n", 110, "pop3", 1),
        (b"+OK 3 messages\r\n", 110, "pop3", None),
        (b"-ERR [AUTH] Authentication failed\r\n", 110, "pop3", 0),
        (b"-ERR no such message\r\n", 110, "pop3", None),
        (b"235 2.7.0 Accepted\r\n", 587, "smtp", 1),
        (b"535 5.7.8 Error\r\n", 25, "smtp", 0),
        (b"535 whatever it is\r\n", 9999, "smtp", None),
        (b"a1 OK [CAPABILITY] Logged in\r\n", 143, "imap", 1),
        (b"a1 NO [AUTHENTICATIONFAILED] x\r\n", 143, "imap", 0),
        (b"* OK ready, logged in\r\n", 143, "imap", None),
        (s.smb_set_up(0), 445, "smb", 1),
        (s.smb_set_up(0xC000006D), 445, "smb", 0),
        (s.smb_set_up(0xC0000016), 445, "smb", None),  # more processing required
        (s.bind_answer(0), 389, "ldap", 1),
        (s.bind_answer(49), 389, "ldap", 0),
        (s.bind_answer(14), 389, "ldap", None),
        (b"\x17\0\0\x02\xff\x15\x04#28000Access denied", 3306, "mysql", 0),
        (b"\x17\0\0\x02\xff\x16\x04#28000Access denied", 3306, "mysql", None),
        (b"\0\0\0\x24" + s.kerberos_error(24), 88, "kerberos", 0),
        (b"\0\0\0\x24" + s.kerberos_error(25), 88, "kerberos", None),  # asked to say more
    ],
)
def test_outcomes(payload, port, service, worked):
    found = s.events(payload, back=True, ports=(40000, port))
    if worked is None:
        assert not len(found)
    else:
        (e,) = found
        assert (e["kind"], b.SERVICES[e["type"]], e["code"]) == (b.LOGIN_RESULT, service, worked)


@pytest.mark.parametrize(
    ("payload", "port", "service", "name", "clear"),
    [
        (b"USER Wang.Wei\r\n", 21, "ftp", "wang.wei", True),
        (b"USER wang\n", 110, "pop3", "wang", True),
        (b"USER guest 0 * :Real Name\r\n", 6667, None, "", True),
        (b'a1 LOGIN "wang" "x"\r\n', 143, "imap", "wang", True),
        (b"a1 login wang x\r\n", 143, "imap", "wang", True),
        (s.EVERYTHING["rdp cookie"][0], 3389, "rdp", "wangwei", False),
    ],
)
def test_names(payload, port, service, name, clear):
    found = s.events(payload, ports=(40000, port))
    if service is None:
        assert not len(found)
        return
    (e,) = found
    assert (e["kind"], b.SERVICES[e["type"]], s.texts(e)[0]) == (b.LOGIN_NAME, service, name)
    assert bool(e["flags"] & b.CLEAR_PASSWORD) == clear


def test_a_banner():
    e = one(b"SSH-2.0-OpenSSH_9.6 Ubuntu\r\n", back=True, ports=(40000, 2222))
    assert (e["kind"], s.texts(e)[0]) == (b.SSH_BANNER, "ssh-2.0-openssh_9.6")


# --- everything, cut and spoiled ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", s.EVERYTHING)
def test_one_of_everything_is_seen_and_cuts_do_no_harm(name):
    payload, back, more = s.EVERYTHING[name]
    assert len(s.all_of(payload, back, more))
    for cut in range(len(payload)):  # the buffer ends where the packet was cut
        s.all_of(payload, back, more, cut)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(s.EVERYTHING)), at=st.integers(0, 400), byte=st.integers(0, 255),
    noise=st.binary(max_size=60),
)  # fmt: skip
def test_spoiled_messages_do_no_harm(name, at, byte, noise):
    payload, back, more = s.EVERYTHING[name]
    spoiled = bytearray(payload)
    spoiled[at % len(payload)] = byte
    for what in (bytes(spoiled), payload[: at % len(payload)] + noise):
        found = s.all_of(what, back, more)
        assert (found["name_size"].astype(int) + found["rest_size"] + found["agent_size"] <= b.TEXT).all()
        printable = (found["text"] == 0) | ((found["text"] >= 32) & (found["text"] < 127))
        assert printable.all()


def test_company_changes_nothing():
    """Each packet is read by itself: alone it gives what it gives among others."""
    payloads = [s.request(f"/{i}?id=' or 1=1", s.basic()) for i in range(3)] + [s.response(404), b"GET x\r\n"]
    together = s.events(*payloads)
    alone = np.concatenate([s.events(p) for p in payloads])
    for name in ("text", "flags", "kind", "digest", "code"):
        assert (together[name] == alone[name]).all()
    assert together["frame"].tolist() == [1, 1, 2, 2, 3, 3, 4]


def test_patterns_are_found_where_they_count():
    found = {
        int(sign): True for sign in (b.INJECTION, b.SCRIPTING, b.TRAVERSAL, b.COMMAND, b.WEB_SHELL, b.PROBING)
    }
    assert all(any(signs & sign for signs in BUILT.signs.tolist()) for sign in found)
    assert kernels.SCRATCH >= 8192


def test_without_the_compiler_the_same():
    """With the JIT off every index is checked: cut and spoiled messages reach behind nothing."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests/ingest/sightings']\n"
        "import random, sighted as s\n"
        "rng = random.Random(1)\n"
        "for payload, back, more in s.EVERYTHING.values():\n"
        "    assert len(s.all_of(payload, back, more))\n"
        "    for cut in range(0, len(payload), 5):\n"
        "        s.all_of(payload, back, more, cut)\n"
        "    for _ in range(8):\n"
        "        spoiled = bytearray(payload)\n"
        "        spoiled[rng.randrange(len(payload))] = rng.randrange(256)\n"
        "        s.all_of(bytes(spoiled), back, more)\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(root)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
