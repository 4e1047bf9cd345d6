from __future__ import annotations

import pytest

from ingest.applications import modbus_judging
from ingest.applications.modbus_judging import answers, judge, misfit, told

ASSIGNED, UNASSIGNED = modbus_judging.ASSIGNED, modbus_judging.UNASSIGNED
USER, RESERVED = modbus_judging.USER, modbus_judging.RESERVED
VALUE, LENGTH, PROTOCOL_ID = modbus_judging.VALUE, modbus_judging.LENGTH, modbus_judging.PROTOCOL_ID
EXCEPTION, FUNCTION = modbus_judging.EXCEPTION, modbus_judging.FUNCTION
ASKS, SAYS = 0, 1


def read(direction, text, protocol=0):
    return judge(direction, protocol, b"\7" + bytes.fromhex(text))


@pytest.mark.parametrize(
    ("text", "kind", "said", "wrong"),
    [
        ("01 0000 07d0", "read", (0, 2000), 0),
        ("01 0000 07d1", "read", (0, 2001), VALUE),
        ("03 0010 007e", "read", (16, 126), VALUE),
        ("03 0010 0000", "read", (16, 0), VALUE),
        ("03 0010 0001 00", "read", (16, 1), LENGTH),
        ("03 0010 00", "bytes", (), LENGTH),
        ("83 0010 0001", "read", (16, 1), FUNCTION),
        ("00", "bytes", (), FUNCTION),
        ("05 0001 ff00", "write", (1, 0xFF00), 0),
        ("05 0001 0001", "write", (1, 1), VALUE),
        ("06 0001 0001", "write", (1, 1), 0),
        ("06 0001 0001 00", "write", (1, 1), LENGTH),
        ("0f 0001 0009 02 ffff", "several", (1, 9), 0),
        ("0f 0001 0009 01 ff", "several", (1, 9), VALUE),
        ("10 0001 0001 02 0001", "several", (1, 1), 0),
        ("10 0001 0001 02 000102", "several", (1, 1), LENGTH),
        ("10 0001 0000 00", "several", (1, 0), LENGTH),
        ("10 0001 0001", "bytes", (), LENGTH),
        ("16 0001 0002 0003", "mask", (1, 2, 3), 0),
        ("17 0001 0002 0003 0001 02 0005", "both", (3, 1, 2), 0),
        ("17 0001 0002 0003 0001", "read", (1, 2), LENGTH),
        ("08 0000 1234", "diagnostic", (0,), 0),
        ("08 0001 ff00", "diagnostic", (1,), 0),
        ("08 0001 0100", "diagnostic", (1,), VALUE),
        ("08 0003 2c00", "diagnostic", (3,), 0),
        ("08 0003 2c01", "diagnostic", (3,), VALUE),
        ("08 000a 0001", "diagnostic", (10,), VALUE),
        ("08 0009 0001", "diagnostic", (9,), 0),
        ("08 0001", "diagnostic", (1,), LENGTH),
        ("08 00", "", (), LENGTH),
        ("2b 0e 03 01", "mei", (14,), 0),
        ("2b", "", (), LENGTH),
        ("07", "bytes", (), 0),
        ("07 00", "bytes", (), LENGTH),
        ("14", "bytes", (), LENGTH),
        ("18 0001", "bytes", (), 0),
        ("18 01", "bytes", (), LENGTH),
        ("5a 00 01", "bytes", (), 0),
    ],
)  # fmt: skip
def test_requests(text, kind, said, wrong):
    message = read(ASKS, text)
    assert (message.kind, message.said, message.wrong) == (kind, said, wrong)


@pytest.mark.parametrize(
    ("text", "kind", "said", "wrong"),
    [
        ("03 04 0001 0002", "values", (4,), 0),
        ("03 05 0001 0002", "values", (4,), VALUE),
        ("03 00", "values", (0,), VALUE),
        ("03 fb" + "00" * 251, "values", (251,), VALUE),
        ("03", "", (), LENGTH),
        ("06 0001 0002", "write", (1, 2), 0),
        ("06 0001", "bytes", (), LENGTH),
        ("0f 0001 007e", "write", (1, 126), VALUE),
        ("10 0001 0000", "write", (1, 0), VALUE),
        ("16 0001 0002 0003 00", "mask", (1, 2, 3), LENGTH),
        ("07 01", "bytes", (), 0),
        ("07", "bytes", (), LENGTH),
        ("0b 0000 0001", "bytes", (), 0),
        ("0b 0000", "bytes", (), LENGTH),
        ("83 02", "exception", (2,), 0),
        ("83 08", "exception", (8,), EXCEPTION),
        ("94 08", "exception", (8,), 0),
        ("83 09", "exception", (9,), EXCEPTION),
        ("83 02 00", "exception", (2,), LENGTH),
        ("83", "bytes", (), LENGTH),
        ("08 0001 ff00 00", "diagnostic", (1,), 0),
        ("2b 0e", "mei", (14,), 0),
    ],
)
def test_responses(text, kind, said, wrong):
    message = read(SAYS, text)
    assert (message.kind, message.said, message.wrong) == (kind, said, wrong)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("03 0000 0001", ASSIGNED), ("09", ASSIGNED), ("08 0004 0000", ASSIGNED), ("08 0005 0000", RESERVED),
        ("08 0016 0000", RESERVED), ("08", 0), ("2b 0d", ASSIGNED), ("2b 01", RESERVED), ("2b", 0), ("00", 0),
        ("19", UNASSIGNED), ("29", RESERVED), ("41", USER), ("48", USER), ("49", UNASSIGNED),
        ("5a", RESERVED), ("64", USER), ("6f", UNASSIGNED), ("7d", RESERVED), ("c1", 0),
    ],
)  # fmt: skip
def test_categories(text, category):
    assert read(ASKS, text).category == category


@pytest.mark.parametrize(
    ("asked", "said", "wrong"),
    [
        ("01 0000 0009", "01 02 ffff", 0),
        ("01 0000 0009", "01 01 ff", VALUE),
        ("03 0000 0002", "03 04 0001 0002", VALUE),  # as Suricata counts
        ("03 0000 0002", "04 04 0001 0002", None),
        ("03 0000 0002", "83 02", 0),
        ("03 0000 0002", "03", None),
        ("03 0000", "03 04 0001 0002", 0),  # a request that was cut short may have any answer
        ("17 0001 0002 0003 0001 02 0005", "17 04 0001 0002", 0),
        ("17 0001 0002 0003 0001 02 0005", "17 02 0001", VALUE),
        ("06 0001 0002", "06 0001 0002", 0),
        ("06 0001 0002", "06 0001 0003", VALUE),
        ("06 0001 0002", "06 0001", 0),
        ("10 0001 0001 02 0001", "10 0001 0001", 0),
        ("10 0001 0001 02 0001", "10 0002 0001", VALUE),
        ("16 0001 0002 0003", "16 0001 0002 0003", 0),
        ("16 0001 0002 0003", "16 0001 0002 0004", VALUE),
        ("08 0001 0000", "08 0001 0000", 0),
        ("08 0001 0000", "08 0002 0000", None),
        ("08 0006 0000", "08 0007 0000", 0),  # nothing is known of reserved ones
        ("2b 0e 0301", "2b 0e 0301", 0),
        ("2b 0e 0301", "2b 0d 0301", None),
        ("11", "11 02 0102", 0),
        ("41 01", "42 01", 0),  # of no function that is known
    ],
)
def test_answers(asked, said, wrong):
    assert answers(read(SAYS, said), read(ASKS, asked)) == wrong


def test_another_units_answer_is_none():
    assert answers(judge(SAYS, 0, b"\x08\x83\2"), read(ASKS, "03 0000 0001")) is None


def test_what_is_told():
    wrong = LENGTH | VALUE | EXCEPTION | FUNCTION | PROTOCOL_ID
    message = read(ASKS, "06 0001 0002")
    assert len(told(message, wrong, answer=False)) == 5
    assert told(message, wrong, answer=True) == ["modbus.value_mismatch"]
    assert told(read(SAYS, "87 63"), EXCEPTION, answer=True) == ["modbus.invalid_exception_code"]
    assert told(misfit(1), misfit(1).wrong, answer=True) == [
        "modbus.invalid_length", "modbus.invalid_protocol_id",
    ]  # fmt: skip


def test_any_bytes_are_judged():
    for function in range(256):
        for size in (0, 1, 2, 3, 4, 5, 7, 9, 252):
            for direction in (ASKS, SAYS):
                message = judge(direction, 0, bytes((1, function)) + b"\xff" * size)
                assert 0 <= message.wrong < 32
