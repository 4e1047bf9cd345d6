from __future__ import annotations

import struct

import pytest

from rules.language.model import Number
from tests.rules.conftest import tcp
from tests.rules.keywords.reading import read, refused


def test_dnp3():
    assert read("dnp3_func:write;", "dnp3").fields == [Number("dnp3.func", 2, 2)]
    assert read("dnp3.func:!10;", "dnp3").fields == [Number("dnp3.func", 10, 10, negated=True)]
    assert read("dnp3_obj:2,3;", "dnp3").fields == [Number("dnp3.obj", 515, 515)]
    flags = read("dnp3_ind:all_stations,device_restart;", "dnp3").fields[0]
    assert (flags.agrees(0x0100), flags.agrees(0x8000), flags.agrees(0x0200)) == (True, True, False)
    assert read("dnp3_ind:0x8000;", "dnp3").fields == [Number("dnp3.ind", 0, 0, negated=True, mask=0x8000)]
    assert read("dnp3_ind:256;", "dnp3").fields == [Number("dnp3.ind", 0, 0, negated=True, mask=256)]


def test_enip():
    assert read("enip.status:invalid_cmd;", "enip").fields == [Number("enip.status", 1, 1)]
    assert read("enip_command:list_identity;", "enip").fields == [Number("enip.command", 0x63, 0x63)]
    assert read("enip.command:112;", "enip").fields == [Number("enip.command", 112, 112)]
    assert read("enip.serial:0x524D8E;", "enip").fields == [Number("enip.serial", 0x524D8E, 0x524D8E)]
    assert read("cip_service:10;", "enip").others == [("enip.cip_service", "10")]
    assert read("cip_service:14, 1, !5;", "enip").others == [("enip.cip_service", "14,1")]
    assert read("cip_service:14,1,5;", "enip").others == [("enip.cip_service", "14,1,5")]


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ("cip_service:128;", "enip"), ("cip_service:a;", "enip"), ("cip_service:1,;", "enip"),
        ("enip.vendor_id:65536;", "enip"), ("enip.status:fine;", "enip"), ("enip.status:1;", "dnp3"),
        ("dnp3_func:sing;", "dnp3"), ("dnp3_ind:none;", "dnp3"), ("dnp3_ind:65536;", "dnp3"),
        ("dnp3_obj:1;", "dnp3"),
        ("modbus:function loud;", "modbus"), ("modbus:access read doors;", "modbus"),
        ("modbus:colour 3;", "modbus"),
    ],
)  # fmt: skip
def test_refused(options, protocol):
    assert refused(options, protocol)


def request(function, address, quantity, unit=7):
    body = struct.pack(">BBHH", unit, function, address, quantity)
    return struct.pack(">HHH", 1, 0, len(body)) + body


def test_modbus_by_function_unit_access_and_address(sids):
    text = """
alert modbus any any -> any any (modbus:function 3; sid:1;)
alert modbus any any -> any any (modbus:unit 7, function assigned; sid:2;)
alert modbus any any -> any any (modbus:function !public; sid:3;)
alert modbus any any -> any any (modbus:access read holding, address 11; sid:4;)
alert modbus any any -> any any (modbus:access read holding, address >20; sid:5;)
alert modbus any any -> any any (modbus:access write; sid:6;)
alert modbus any any -> any any (modbus:unit 8; sid:7;)
"""
    answer = struct.pack(">HHHBBB", 1, 0, 5, 7, 3, 2) + b"\0\1"
    assert sorted(sids(text, tcp([(0, request(3, 10, 2)), (1, answer)], dport=502))) == [1, 2, 4]


def test_modbus_functions_by_group(sids):
    text = """
alert modbus any any -> any any (modbus:function assigned; sid:1;)
alert modbus any any -> any any (modbus:function reserved; sid:2;)
alert modbus any any -> any any (modbus:function !assigned; sid:3;)
alert modbus any any -> any any (modbus:function public; sid:4;)
alert modbus any any -> any any (modbus:function user; sid:5;)
"""

    def of(*bodies):
        turns = [(0, struct.pack(">HHH", i, 0, len(body)) + body) for i, body in enumerate(bodies)]
        return sorted(sids(text, tcp(turns, dport=502)))

    assert of(b"\7\x08\0\4\0\0") == [1, 4]
    assert of(b"\7\x08\0\6\0\0") == [2, 3]
    assert of(b"\7\x11", b"\7\x41") == [1, 3, 4, 5]


def test_events_of_modbus(sids):
    text = """
alert modbus any any -> any any (flow:to_client; app-layer-event:modbus.value_mismatch; sid:1;)
alert modbus any any -> any any (app-layer-event:modbus.unsolicited_response; sid:2;)
alert modbus any any -> any any (app-layer-event:modbus.invalid_value; sid:3;)
"""
    answer = struct.pack(">HHHBBHH", 1, 0, 6, 7, 6, 10, 3)
    assert sids(text, tcp([(0, request(6, 10, 2)), (1, answer)], dport=502)) == [1]
    assert sorted(sids(text, tcp([(0, request(3, 10, 0)), (1, answer)], dport=502))) == [2, 3]


def message(body):
    """SendRRData with an unconnected item."""
    items = bytes(6) + struct.pack("<H", 2) + bytes(4) + struct.pack("<HH", 0xB2, len(body)) + body
    return struct.pack("<HHII8sI", 0x6F, len(items), 5, 0, b"", 0) + items


def test_services_of_cip_with_class_and_attribute(sids):
    text = """
alert enip any any -> any any (cip_service:14; sid:1;)
alert enip any any -> any any (cip_service:14,1; sid:2;)
alert enip any any -> any any (cip_service:14,2; sid:3;)
alert enip any any -> any any (cip_service:14,1,5; sid:4;)
alert enip any any -> any any (cip_service:14,1,6; sid:5;)
alert enip any any -> any any (cip_service:14,1,!6; sid:6;)
alert enip any any -> any any (enip.cip_attribute:5; enip.cip_class:1; enip.cip_instance:1; sid:7;)
alert enip any any -> any any (enip.cip_status:8; sid:8;)
alert enip any any -> any any (cip_service:10; sid:9;)
"""
    read_one = b"\x0e\3\x20\1\x24\1\x30\5"
    asked = tcp([(0, message(read_one)), (1, message(b"\x8e\0\x08\0"))], dport=44818)
    assert sorted(sids(text, asked)) == [1, 1, 2, 4, 6, 7, 8]
    several = b"\x0a\2\x20\2\x24\1\2\0\6\0\x0e\0" + read_one + b"\x0e\3\x20\2\x24\1\x30\6"
    assert sorted(sids(text, tcp([(0, message(several))], dport=44818))) == [1, 2, 3, 4, 6, 7, 9]
