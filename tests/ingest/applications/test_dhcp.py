from __future__ import annotations

import pytest

from ingest.applications.tables import ANOMALIES

PORTS = (68, 67)


def message(options, file=b"", server=b"", kind=2):
    head = bytes((kind, 1, 6, 0)) + bytes(40) + server.ljust(64, b"\0") + file.ljust(128, b"\0")
    return head + b"\x63\x82\x53\x63" + options


def told(found):
    return [ANOMALIES[k] for k, *_ in found.parser.anomalies]


def test_the_example(said):
    found = said("dhcp")
    assert found.values("dhcp.hostname") == [b"host"]
    assert (found.integers("dhcp.type"), found.integers("dhcp.leasetime")) == ([3], [3600])


@pytest.mark.parametrize(
    "options", [b"\x35\1\2", b"\x35\1\2\x0c\5ab", b"\x35\1\2\x0c", b"\x35\1\2\x3d\1\1\xff", b""]
)
def test_options_that_break_off_are_told(speak, options):
    found = speak("dhcp", [(0, message(options))], PORTS, "udp")
    assert told(found) == ["dhcp.truncated_options"]
    assert found.integers("dhcp.type") == [2] * bool(options)


def test_a_datagram_belongs_to_the_way_it_went(speak):
    found = speak("dhcp", [(0, message(b"\x33\4\0\0\1\0\xff"))], (67, 68), "udp")
    assert found.integers("dhcp.leasetime") == [256]
    assert (found.transactions[0].complete, told(found)) == (1, [])
    assert {direction for _, direction, *_ in found.transactions[0].numbers} == {0}


@pytest.mark.parametrize("overload", range(4))
def test_options_in_the_names(speak, overload):
    more = {"file": b"\x0c\4file\xff", "server": b"\0\x3c\6server\xff"}
    found = speak("dhcp", [(1, message(bytes((52, 1, overload, 255)), **more))], PORTS, "udp")
    assert found.values("dhcp.hostname") == [b"file"] * (overload & 1)
    assert found.values("dhcp.vendor_class") == [b"server"] * (overload >> 1)
    assert not told(found)


def test_a_datagram_that_is_no_message_has_no_options(speak):
    assert not told(speak("dhcp", [(0, message(b"")[:239])], PORTS, "udp"))


def test_the_first_of_two_counts(speak):
    twice = b"\x33\4\0\0\1\0\x33\4\0\0\2\0\xff"
    assert speak("dhcp", [(1, message(twice))], PORTS, "udp").integers("dhcp.leasetime") == [256]
