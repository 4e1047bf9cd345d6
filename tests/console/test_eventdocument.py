"""Events as documents: every kind, from rows of the archive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alerts.eventarchive import EventArchive
from citywall import batches as b
from citywall.addresses import to_words
from citywall.sessions import Session
from console.eventdocument import event_document, in_words

START = 1_714_564_800_000_000_000
KINDS = [kind for kind in b.EVENT_NAMES if kind >= b.FIRST_SIGHTING]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict]:
    """A document of every kind, all with the same numbers and texts."""
    folder: Path = tmp_path_factory.mktemp("data")
    events = np.zeros(len(KINDS), b.EVENT)
    events["kind"], events["time"], events["proto"] = KINDS, START, b.TCP
    events["src_hi"], events["src_lo"] = to_words("10.0.0.5")
    events["dst_hi"], events["dst_lo"] = to_words("10.0.1.7")
    events["src_port"], events["dst_port"], events["vlan"] = 40_000, 443, 12
    events["code"], events["type"], events["count"], events["number"] = 1, 5, 2, 60
    events["flags"] = b.CUT_SHORT | b.INJECTION | b.SM_SUITES | b.CLEAR_PASSWORD
    text = np.frombuffer(b"namerestagent", np.uint8)
    events["text"][:, : len(text)] = text
    events["name_size"], events["rest_size"], events["agent_size"] = 4, 4, 5
    events["answer_hi"], events["answer_lo"] = to_words("192.0.2.1")
    session = Session("s1", "capture", "a.pcap", 1, "live", START)
    archive = EventArchive(folder)
    archive.write(events, np.array(["1:a"] * len(KINDS), "S3"), session, 0)
    rows = archive.query().events
    return {KINDS[row["event_id"]]: event_document(row, lambda _: "default") for row in rows}


def test_what_all_have(documents):
    for kind, document in documents.items():
        assert document["event"]["action"] == b.EVENT_NAMES[kind]
        assert (document["source"]["ip"], document["destination"]["port"]) == ("10.0.0.5", 443)
        assert document["network"]["community_id"] == "1:a"
        assert document["network"]["vlan"] == {"id": "12"}
        assert document["citywall"]["event"]["cut_short"] is True
        assert in_words(document)


def test_what_each_says(documents):
    assert documents[b.DNS_QUERY]["dns"]["question"] == {"name": "name", "type": "CNAME"}
    answer = documents[b.DNS_ANSWER]["dns"]
    assert (answer["response_code"], answer["resolved_ip"]) == ("FORMERR", ["192.0.2.1"])
    tls = documents[b.TLS_CLIENT]["tls"]
    assert tls["client"] == {"server_name": "name", "ja3": "00000000000000000000ffffc0000201", "ja4": "agent"}
    assert documents[b.TLS_CLIENT]["citywall"]["event"]["sm_suites"] is True
    shown = documents[b.TLS_WHOLE_CERTIFICATE]["tls"]["server"]
    assert (shown["subject"], shown["issuer"], shown["not_after"]) == ("name", "rest", "1970-01-01T00:01:00Z")
    assert "x509" not in shown
    assert documents[b.TLS_WHOLE_CLIENT]["tls"]["client"] == tls["client"]
    server = documents[b.TLS_SERVER]["tls"]
    assert (server["cipher"], server["server"]["ja3s"][-4:]) == ("TLS_RSA_WITH_RC4_128_SHA", "0201")
    request = documents[b.HTTP_REQUEST]
    assert request["url"] == {"original": "rest", "domain": "name"}
    assert request["citywall"]["event"]["signs"] == ["injection"]
    assert documents[b.HTTP_RESPONSE]["http"]["response"]["status_code"] == 1
    assert documents[b.SSH_BANNER]["citywall"]["event"]["banner"] == "name"
    assert documents[b.LOGIN_NAME]["user"] == {"name": "name"}
    assert documents[b.LOGIN_RESULT]["event"]["outcome"] == "success"
    assert documents[b.ACCOUNT_LOGIN]["service"] == {"name": "rest"}
    assert documents[b.DATA_ACCESS]["citywall"]["event"]["rows"] == 60
    assert documents[b.PERSONAL_DATA]["citywall"]["event"]["masked"] == "name"
    assert documents[b.DHCP_MESSAGE]["citywall"]["event"]["address"] == "192.0.2.1"
    assert "GET namerest" in in_words(request)
    file = documents[b.FILE_SEEN]
    assert file["file"] == {"hash": {"sha256": "agent"}, "name": "name", "mime_type": "rest", "size": 60}
    assert file["network"]["protocol"] == "tls"
    assert in_words(file) == "rest name agent"
    assert documents[b.NOTICE_RAISED]["citywall"]["event"]["notice"] == "name"
    assert in_words(documents[b.NOTICE_RAISED]) == "rest name"


def test_what_logs_tell_of_a_certificate():
    row = {
        "event_id": "1", "path": "x509.log", "size": 2048, "frame": -1, "flags": 0, "time": "t",
        "code": 0x0303,
        "kind": "tls_whole_certificate", "src": "10.2.0.3", "src_port": 443, "dst": "10.1.0.9", "vlan": 0,
        "dst_port": 40000, "proto": "tcp", "community_id": "1:a", "session": "s", "lane": "live", "domain": 0,
        "type": 1, "name": "cn=a", "rest": "cn=b", "answers": 0, "number": 0, "count": 1,
        "agent": " " * 104 + "0a".ljust(40) + "a.example b.example",
    }  # fmt: skip
    shown = event_document(row, lambda _: "default")["tls"]
    assert shown["version"] == "TLSv1.2"
    assert shown["server"]["x509"] == {
        "serial_number": "0a", "alternative_names": ["a.example", "b.example"],
        "public_key_algorithm": "rsa", "public_key_size": 2048,
    }  # fmt: skip
