"""What numbers are called."""

from __future__ import annotations

from citywall import eventnames as names
from citywall.batches import DNS_QUERY, EVENT_NAMES, FILE_SEEN, FIRST_SIGHTING, LOGIN_RESULT, TLS_SERVER


def test_known_and_unknown_numbers():
    assert [names.query_type(n) for n in (1, 28, 999)] == ["A", "AAAA", "TYPE999"]
    assert [names.response_code(n) for n in (0, 3, 15)] == ["NOERROR", "NXDOMAIN", "RCODE15"]
    assert [names.tls_version(n) for n in (0x0304, 0x0101, 5)] == ["TLSv1.3", "TLCP", "0x0005"]
    assert [names.cipher_suite(n) for n in (0xE013, 0x1301, 2)] == [
        "ECC_SM4_CBC_SM3", "TLS_AES_128_GCM_SHA256", "0x0002",
    ]  # fmt: skip
    assert [names.method(n) for n in (1, 99)] == ["GET", ""]
    assert [names.service(n) for n in (1, 99)] == ["ftp", "other"]
    assert [names.outcome(n) for n in (0, 1)] == ["failure", "success"]
    assert [names.dhcp_message(n) for n in (5, 0, 200)] == ["ack", "0", "200"]


def test_protocols():
    assert names.protocol(DNS_QUERY, 4) == "dns"
    assert names.protocol(TLS_SERVER, 0) == "tls"
    assert names.protocol(LOGIN_RESULT, 4) == "smtp"
    assert [names.protocol(FILE_SEEN, n) for n in (0, 1, 99)] == ["", "http", ""]
    assert names.PROTOCOLS.keys() <= EVENT_NAMES.keys()
    assert not any(names.protocol(kind, 1) for kind in EVENT_NAMES if kind < FIRST_SIGHTING)
