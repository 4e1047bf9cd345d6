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
