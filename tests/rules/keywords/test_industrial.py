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


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ("dnp3_func:sing;", "dnp3"), ("dnp3_ind:none;", "dnp3"), ("dnp3_obj:1;", "dnp3"),
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
