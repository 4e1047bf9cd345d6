from __future__ import annotations

from rules.language.model import Absent, Number
from tests.rules.keywords.reading import read, refused


def test_numbers_by_name():
    assert read("dns.rrtype:TXT;", "dns").fields == [Number("dns.rrtype", 16, 16)]
    assert read("ntp.mode:!server;", "ntp").fields == [Number("ntp.mode", 4, 4, True)]
    assert read("tls.version:1.2;", "tls").fields == [Number("tls.version", 0x303, 0x303)]


def test_versions_of_tls_may_be_several_or_none_of_them():
    assert read("ssl_version:tls1.0,tls1.1;", "tls").others == [("ssl_version", "769/770,0")]
    assert read("ssl_version:!sslv3;", "tls").others == [("ssl_version", "768,1")]
    assert refused("ssl_version:tls1.0,tls1.0;", "tls")
    assert refused("ssl_version:tls9;", "tls")


def test_a_fingerprint_is_told_in_small_letters():
    (check,) = read('tls.fingerprint:!"AB:0c";', "tls").buffers
    assert (check.kind, check.ops[0].pattern, check.ops[0].negated) == (
        "tls.cert_fingerprint",
        b"ab:0c",
        True,
    )


def test_others_are_carried_as_written():
    rule = read("dcerpc.iface:367abb81-9844-35f1-ad32-98f038001003; dcerpc.opnum:1,5-9;", "dcerpc")
    assert rule.others == [
        ("dcerpc.iface", "367abb81-9844-35f1-ad32-98f038001003"),
        ("dcerpc.opnum", "1-1,5-9"),
    ]
    assert read("http.cookie; absent;", "http").buffers[0].ops == [Absent()]


def test_what_is_not_done_is_said():
    assert read("lua:x.lua;").cannot == ["scripts are not run"]
    assert read('filemagic:"PDF";', "http").cannot


def test_refused():
    assert "UUID" in refused("dcerpc.iface:1234;", "dcerpc")
    assert "tls.version" in refused("tls.version:9;", "tls")
    assert "sticky" in refused("absent;", "http")
    assert "stor or retr" in refused("ftpdata_command:move;", "ftp-data")
    assert "modbus" in refused("modbus:sing;", "modbus")


def test_what_is_done_beside_telling_keeps_no_rule_from_matching(sids):
    from tests.rules.conftest import tcp, udp

    turns = [
        (0, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ]
    text = """
alert http any any -> any any (flow:to_client; filestore; sid:1;)
alert http any any -> any any (flow:to_server; filestore; sid:2;)
alert udp any any -> any any (l3_proto:ipv4; content:"x"; replace:"y"; sid:3;)
alert udp any any -> any any (l3_proto:ipv6; sid:4;)
"""
    assert sids(text, [*tcp(turns), udp(b"x")]) == [1, 3]


def test_numbers_of_answers():
    rule = read("ldap.responses.result_code:size_limit_exceeded,0;", "ldap")
    assert rule.others == [("ldap.result", "4,4,0,0")]
    assert read("ldap.responses.operation:!search_result_done,all;", "ldap").others[0][1] == "5,5,1,all"
    assert refused("ldap.responses.result_code:4,some;", "ldap")


def test_ends_of_a_range_belong_to_it_where_they_do():
    assert read("nfs_version:2-3;", "nfs").fields == [Number("nfs.version", 2, 3)]
    assert read("nfs.version:2<>4;", "nfs").fields == [Number("nfs.version", 2, 4)]
    assert read("nfs_procedure:>6;", "nfs").fields == [Number("nfs.procedure", 7, (1 << 32) - 1)]
    assert refused("nfs_version:4-2;", "nfs")
