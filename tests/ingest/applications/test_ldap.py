from __future__ import annotations

from ingest.applications.ldap import looks


def test_the_example(said):
    found = said("ldap")
    assert found.values("ldap.request.dn") == [b"cn=a"]
    assert found.integers("ldap.responses.operation") == [1]
    assert found.transactions[0].complete == 3


def test_a_length_without_end_ends_the_reading(speak):
    assert speak("ldap", [(0, b"\x30\x84\xff\xff\xff\xff" + bytes(8))], (4000, 389)).parser.done[0]


def sequence(*parts, tag=0x30):
    body = b"".join(parts)
    return bytes((tag, len(body))) + body


def text(value):
    return sequence(value, tag=4)


def number(value, tag=2):
    return sequence(bytes((value,)), tag=tag)


def test_types_of_attributes_and_results_of_answers(speak):
    search = sequence(
        text(b"dc=x"), number(2, 10), number(0, 10), number(0), number(0), number(0, 1),
        sequence(b"objectClass", tag=0x87), sequence(text(b"cn"), text(b"sn")), tag=0x63,
    )  # fmt: skip
    entry = sequence(text(b"dc=x"), sequence(sequence(text(b"cn"), sequence(text(b"A"), tag=0x31))), tag=0x64)
    done = sequence(number(4, 10), text(b""), text(b"too many"), tag=0x65)
    turns = [
        (0, sequence(number(1), search)),
        (1, sequence(number(1), entry)),
        (1, sequence(number(1), done)),
    ]
    found = speak("ldap", turns, (4000, 389))
    assert found.values("ldap.request.attribute_type") == [b"cn", b"sn"]
    assert found.values("ldap.responses.attribute_type") == [b"cn"]
    assert found.integers("ldap.result") == [4]
    assert found.integers("ldap.responses.operation") == [4, 5]


def test_a_length_of_many_bytes_is_not_looked_behind():
    """Found by fuzzing: seven bytes of TCP to anybody ended the reading of all."""
    assert looks(0, bytes.fromhex("30840bfc4e0302"), (4000, 80)) is False
    assert looks(0, bytes.fromhex("30840000000702"), (4000, 389)) is None
    assert looks(0, b"\x30\xff" + bytes(5), (4000, 389)) is False
