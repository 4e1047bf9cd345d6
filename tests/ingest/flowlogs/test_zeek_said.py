"""Zeek's logs of what applications say, in both their forms."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from citywall import batches as b
from citywall.addresses import to_text
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader

ENDS = {"ts": 1714564800.5, "uid": "C1", "id.orig_h": "10.1.0.9", "id.orig_p": 40000}
DNS = ENDS | {
    "id.resp_h": "10.1.0.1", "id.resp_p": 53, "proto": "udp", "trans_id": 7, "query": "www.Example.com",
    "qtype": 1, "rcode": 0, "answers": ["cdn.example.net", "198.51.100.7"],
}  # fmt: skip
HTTP = ENDS | {
    "id.resp_h": "10.2.0.3", "id.resp_p": 8080, "trans_depth": 1, "method": "POST", "host": "portal.gov.cn",
    "uri": "/Login.do?u=..%2f..%2f..%2fetc%2fpasswd", "user_agent": "sqlmap/1.7", "status_code": 401,
}  # fmt: skip
SSL = ENDS | {
    "id.resp_h": "10.2.0.3", "id.resp_p": 443, "version": "TLSv10", "cipher": "TLS_RSA_WITH_RC4_128_SHA",
    "server_name": "portal.gov.cn",
}  # fmt: skip
SSH = ENDS | {"id.resp_h": "10.2.0.3", "id.resp_p": 22, "version": 2, "auth_success": False}
SMTP = ENDS | {
    "id.resp_h": "10.2.0.3", "id.resp_p": 25, "trans_depth": 1, "helo": "x", "last_reply": "535 5.7.8 no",
}  # fmt: skip


def columns(kind: str, row: dict) -> str:
    head = ["#separator \\x09", "#unset_field\t-", "#empty_field\t(empty)", f"#path\t{kind}"]
    values = [",".join(v) if isinstance(v, list) else "F" if v is False else str(v) for v in row.values()]
    return "\n".join([*head, "#fields\t" + "\t".join(row), "\t".join(values)]) + "\n"


def read(path, text: str):
    path.write_text(text)
    parser, reader = registry.sniff(path), FlowLogReader()
    batches = [reader.add(ref) for ref in registry.chunks(path, parser)]
    return np.concatenate([batch.events for batch in (*batches, reader.finish())]), reader


def texts(event) -> list[str]:
    cuts = np.cumsum([0, event["name_size"], event["rest_size"], event["agent_size"]])
    return [bytes(event["text"])[x:y].decode() for x, y in pairwise(cuts)]


def source(event) -> str:
    return to_text(int(event["src_hi"]), int(event["src_lo"]))


@pytest.fixture(params=["json", "columns"])
def events(request, tmp_path):
    def make(kind: str, row: dict) -> list:
        text = json.dumps(row) + "\n" if request.param == "json" else columns(kind, row)
        found, reader = read(tmp_path / f"{kind}.log", text)
        assert reader.errors.counts == {}
        assert reader.notes == {f"zeek_{kind}": 1}
        assert (found["time"] == 1714564800_500000000).all()
        return list(found)

    return make


def test_names(events):
    asked, told = events("dns", DNS)
    assert (asked["kind"], asked["type"], asked["aux"], asked["proto"]) == (b.DNS_QUERY, 1, 7, b.UDP)
    assert (texts(asked)[0], source(asked)) == ("www.example.com", "10.1.0.9")
    assert (told["kind"], told["code"], source(told)) == (b.DNS_ANSWER, 0, "10.1.0.1")
    assert told["digest"] == asked["digest"]
    (only,) = events("dns", {k: v for k, v in DNS.items() if k not in ("rcode", "answers")})
    assert only["kind"] == b.DNS_QUERY
    (_, failed) = events("dns", DNS | {"rcode": 3, "answers": "-"})
    assert (failed["code"], failed["answers"]) == (3, 0)
    (_, told) = events("dns", DNS | {"answers": ["198.51.100.7"]})
    assert to_text(int(told["answer_hi"]), int(told["answer_lo"])) == "198.51.100.7"
    assert told["answers"] != 0


def test_the_web(events):
    asked, told = events("http", HTTP)
    assert (asked["kind"], b.METHODS[asked["code"]]) == (b.HTTP_REQUEST, "POST")
    assert asked["flags"] == b.TRAVERSAL | b.UNMISTAKABLE | b.SCANNER | b.LOGIN_FORM
    assert texts(asked) == ["portal.gov.cn", HTTP["uri"].lower(), "sqlmap/1.7"]
    assert (told["kind"], told["code"], told["src_port"]) == (b.HTTP_RESPONSE, 401, 8080)
    assert texts(told) == ["", "", ""]


def test_encryption(events):
    asked, told = events("ssl", SSL)
    assert (asked["kind"], texts(asked)[0]) == (b.TLS_CLIENT, "portal.gov.cn")
    assert (told["kind"], told["code"], told["type"]) == (b.TLS_SERVER, 0x0301, 0x0005)
    _, told = events("ssl", SSL | {"cipher": "TLS_AES_256_GCM_SHA384", "version": "TLSv13"})
    assert (told["code"], told["type"]) == (0x0304, 0xFFFF)


def test_log_ins(events):
    (told,) = events("ssh", SSH)
    assert (told["kind"], b.SERVICES[told["type"]], told["code"]) == (b.LOGIN_RESULT, "ssh", 0)
    assert source(told) == "10.2.0.3"
    (told,) = events("smtp", SMTP)
    assert (b.SERVICES[told["type"]], told["code"]) == ("smtp", 0)
    (told,) = events("smtp", SMTP | {"last_reply": "554 5.7.1 bad smtp-auth user"})
    assert told["code"] == 0
    assert events("smtp", SMTP | {"last_reply": "554 no such mailbox"}) == []


def test_lines_that_make_no_sense_are_told(tmp_path):
    lines = [DNS, DNS | {"id.orig_h": "nobody"}, DNS | {"trans_id": -1}, "{", DNS | {"ts": None}]
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    found, reader = read(tmp_path / "dns.log", text)
    assert found["kind"].tolist() == [b.DNS_QUERY, b.DNS_ANSWER]
    assert reader.errors.counts["not_json"] == 1
    assert reader.errors.counts["bad_address"] == 1
    assert reader.errors.counts["bad_number"] == 1


def test_answers_stay_with_their_lines(tmp_path):
    rows = [DNS | {"query": f"n{i}.example.com", "ts": 1714564800 + i, "trans_id": i} for i in range(50)]
    found, _ = read(tmp_path / "dns.log", "".join(json.dumps(row) + "\n" for row in rows))
    assert found["aux"].tolist() == [i for i in range(50) for _ in range(2)]


DHCP = {
    "ts": 1714564800.5, "uids": ["C1"], "client_addr": "10.1.0.9", "server_addr": "10.1.0.1",
    "mac": "24:4b:fe:1c:48:a4", "requested_addr": "10.1.0.105", "assigned_addr": "10.1.0.106",
    "msg_types": ["REQUEST", "ACK"],
}  # fmt: skip


def test_dhcp_asks_and_gives(events):
    asked, given = events("dhcp", DHCP)
    assert (asked["kind"], asked["type"], given["kind"], given["type"]) == (
        b.DHCP_MESSAGE,
        3,
        b.DHCP_MESSAGE,
        5,
    )
    assert (source(asked), source(given)) == ("10.1.0.9", "10.1.0.1")
    assert [to_text(int(e["answer_hi"]), int(e["answer_lo"])) for e in (asked, given)] == [
        "10.1.0.105",
        "10.1.0.106",
    ]
    assert texts(asked)[0] == "24:4b:fe:1c:48:a4"
    assert asked["digest"] == given["digest"] != 0
    assert (asked["src_mac"], given["dst_mac"]) == (0x244BFE1C48A4, 0x244BFE1C48A4)


def test_dhcp_of_who_has_no_address_yet(events):
    (asked,) = events(
        "dhcp", {name: DHCP[name] for name in ("ts", "uids", "mac", "requested_addr", "msg_types")}
    )
    assert (asked["type"], int(asked["src_lo"])) == (3, 0)


def test_fingerprints_of_hellos(events):
    ja3, ja3s, ja4 = (
        "0123456789abcdeffedcba9876543210",
        "F" * 31 + "0",
        "t13d1516h2_8daaf6152771_b186095e22b6",
    )
    prints = {"ja3": ja3, "ja3s": ja3s, "ja4": ja4}
    client, server = events("ssl", SSL | prints)
    assert (client["kind"], server["kind"]) == (b.TLS_CLIENT, b.TLS_SERVER)
    assert f"{client['answer_hi']:016x}{client['answer_lo']:016x}" == ja3
    assert f"{server['answer_hi']:016x}{server['answer_lo']:016x}" == ja3s.lower()
    assert texts(client)[:3] == ["portal.gov.cn", "", ja4]
    assert server["agent_size"] == 0
    other, _ = events("ssl", SSL | {"ja3": "x" * 32, "ja3s": "12", "ja4": ja4[:-1]})
    assert (other["answer_hi"], other["answer_lo"], other["agent_size"]) == (0, 0, 0)


MD5, SHA1, SHA256 = "0123456789abcdef" * 2, "89abcdef01" * 4, "fedcba9876543210" * 4
FILE = {
    "ts": 1714564800.5, "fuid": "F1", "tx_hosts": ["10.2.0.3", "10.2.0.4"], "rx_hosts": ["10.1.0.9"],
    "conn_uids": ["C1"], "source": "HTTP", "analyzers": ["MD5"], "mime_type": "application/x-dosexec",
    "filename": "Tool.exe", "is_orig": False, "seen_bytes": 593, "total_bytes": 600, "md5": MD5,
}  # fmt: skip
CERTIFICATE = {
    "ts": 1714564800.5, "id": "F2", "certificate.version": 3, "certificate.serial": "08BB00EE",
    "certificate.subject": "CN=c.example,O=C", "certificate.issuer": "CN=c.example,O=C",
    "certificate.not_valid_before": 1714560000.0, "certificate.not_valid_after": 1746096000.0,
}  # fmt: skip
NOTICE = {
    "ts": 1714564800.5, "note": "Scan::Port_Scan", "msg": "10.1.0.9 scanned 20 ports", "sub": "remote",
    "src": "10.1.0.9", "dst": "10.2.0.3", "p": 22, "n": 20, "proto": "tcp",
}  # fmt: skip


def target(event) -> str:
    return to_text(int(event["dst_hi"]), int(event["dst_lo"]))


def test_files(events):
    (told,) = events("files", FILE)
    assert (told["kind"], b.FILE_SOURCES[told["type"]]) == (b.FILE_SEEN, "http")
    assert (source(told), target(told), told["size"], told["number"]) == ("10.2.0.3", "10.1.0.9", 593, 600)
    assert texts(told) == ["tool.exe", "application/x-dosexec", " " * 104 + MD5]
    (told,) = events("files", FILE | {"sha1": SHA1.upper(), "sha256": SHA256, "md5": "no digits"})
    assert texts(told)[2] == SHA256 + SHA1
    (told,) = events("files", FILE | {"md5": MD5[:-1] + "x", "filename": "n" * 100, "mime_type": "m" * 60})
    assert texts(told) == ["n" * 66, "m" * 40, ""]
    (told,) = events("files", FILE | {"filename": "n" * 100, "mime_type": "m" * 60})
    assert texts(told)[2] == " " * 104 + MD5


@pytest.mark.parametrize("by_client", [True, False])
def test_files_of_newer_versions_tell_their_connection(events, by_client: bool):
    ends = {"id.orig_h": "10.1.0.9", "id.orig_p": 40000, "id.resp_h": "10.2.0.3", "id.resp_p": 80}
    row = {name: value for name, value in FILE.items() if name not in ("tx_hosts", "rx_hosts")}
    (told,) = events("files", row | ends | {"is_orig": by_client})
    expected = ("10.1.0.9", 40000, "10.2.0.3", 80) if by_client else ("10.2.0.3", 80, "10.1.0.9", 40000)
    assert (source(told), told["src_port"], target(told), told["dst_port"]) == expected


@pytest.mark.parametrize("print_", [None, SHA1, SHA256, "12"])
def test_certificates(events, print_):
    (told,) = events("x509", CERTIFICATE | ({"fingerprint": print_} if print_ else {}))
    assert (told["kind"], told["flags"]) == (b.TLS_WHOLE_CERTIFICATE, b.SELF_SIGNED)
    assert (told["answers"], told["number"]) == (1714560000, 1746096000)
    subject, issuer, rest = texts(told)
    assert (subject, issuer) == ("cn=c.example,o=c", "cn=c.example,o=c")
    assert rest[104:] == "08bb00ee"
    assert rest[:64].strip() == (SHA256 if print_ == SHA256 else "")
    assert rest[64:104].strip() == (SHA1 if print_ == SHA1 else "")


def test_certificates_as_long_as_can_be(events):
    long = {"certificate.subject": "s" * 300, "certificate.issuer": "i" * 300, "certificate.serial": "A" * 99}
    (told,) = events("x509", CERTIFICATE | long | {"fingerprint": SHA256})
    assert texts(told) == ["s" * 58, "i" * 40, SHA256 + " " * 40 + "a" * 40]
    few = {name: CERTIFICATE[name] for name in ("ts", "id", "certificate.serial", "certificate.issuer")}
    (told,) = events("x509", few)
    assert (told["number"], told["flags"], texts(told)[0]) == (0, 0, "")


def test_the_other_names_of_a_certificate_and_its_key(events):
    names = [f"{c}.Example.org" for c in "abcdefgh"]
    more = {"certificate.key_type": "ecdsa", "certificate.key_length": 256, "san.dns": names}
    (told,) = events("x509", CERTIFICATE | more)
    assert (b.KEY_KINDS[told["type"]], told["size"]) == ("ecdsa", 256)
    subject, issuer, rest = texts(told)
    assert rest[144:] == "a.example.org b.example.org c.example.org d.example.org"  # whole ones, with room
    assert len(subject + issuer + rest) <= b.TEXT
    (told,) = events("x509", CERTIFICATE | {"certificate.key_type": "odd", "san.dns": ["n" * 90]})
    assert (told["type"], texts(told)[2][104:]) == (0, "08bb00ee")


def test_notices(events):
    (told,) = events("notice", NOTICE)
    assert (told["kind"], told["number"], told["dst_port"], told["proto"]) == (b.NOTICE_RAISED, 20, 22, b.TCP)
    assert (source(told), target(told)) == ("10.1.0.9", "10.2.0.3")
    assert texts(told) == ["scan::port_scan", "10.1.0.9 scanned 20 ports", "remote"]
    few = {name: NOTICE[name] for name in ("ts", "note", "msg")}
    (told,) = events("notice", few | {"id.orig_h": "10.1.0.7", "id.resp_h": "10.1.0.8", "id.resp_p": 443})
    assert (source(told), target(told), told["dst_port"], told["proto"]) == ("10.1.0.7", "10.1.0.8", 443, 0)


def test_what_lacks_its_name_is_told(tmp_path):
    found, reader = read(
        tmp_path / "notice.log", json.dumps(NOTICE) + "\n" + json.dumps(NOTICE | {"note": None}) + "\n"
    )
    assert found["kind"].tolist() == [b.NOTICE_RAISED]
    assert reader.errors.counts == {}  # which fields there are differs from site to site
