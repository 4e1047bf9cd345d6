from __future__ import annotations


def test_the_example(said):
    found = said("ldap")
    assert found.values("ldap.request.dn") == [b"cn=a"]
    assert found.integers("ldap.responses.operation") == [1]
    assert found.transactions[0].complete == 3


def test_a_length_without_end_ends_the_reading(speak):
    assert speak("ldap", [(0, b"\x30\x84\xff\xff\xff\xff" + bytes(8))], (4000, 389)).parser.done[0]


def test_a_length_at_the_end_of_what_came_is_no_message():
    from ingest.applications.ldap import looks

    assert looks(0, b"\x30\x84\0\0\0\x10\2", (4000, 389)) is False
