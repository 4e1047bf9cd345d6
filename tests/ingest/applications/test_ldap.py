from __future__ import annotations

from ingest.applications.ldap import looks


def test_the_example(said):
    found = said("ldap")
    assert found.values("ldap.request.dn") == [b"cn=a"]
    assert found.integers("ldap.responses.operation") == [1]
    assert found.transactions[0].complete == 3


def test_a_length_without_end_ends_the_reading(speak):
    assert speak("ldap", [(0, b"\x30\x84\xff\xff\xff\xff" + bytes(8))], (4000, 389)).parser.done[0]


def test_a_length_of_many_bytes_is_not_looked_behind():
    """Found by fuzzing: seven bytes of TCP to anybody ended the reading of all."""
    assert looks(0, bytes.fromhex("30840bfc4e0302"), (4000, 80)) is False
    assert looks(0, bytes.fromhex("30840000000702"), (4000, 389)) is None
    assert looks(0, b"\x30\xff" + bytes(5), (4000, 389)) is False
