from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from citywall.kernels import bare_kernel
from ingest.applications.compiled.smb import kernels
from ingest.applications.tables import KIND
from ingest.applications.wanted import ALL, Wanted


@bare_kernel
def to_utf8(data, at, end, out, to):
    return kernels.to_utf8(data, at, end, out, to)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from((b"a\0", b"\xe9\0", b"\x2d\x4e", b"\0\xd8", b"\0\xdc", b"\x3d\xd8\0\xde", b"x")))
)
def test_text_is_what_python_makes_of_it(parts):
    data = b"".join(parts)
    out = np.zeros(2 * len(data) + 8, np.uint8)
    end = to_utf8(
        np.frombuffer(data + b"\1", np.uint8).copy(), np.int64(0), np.int64(len(data)), out, np.int64(0)
    )
    assert out[:end].tobytes() == data.decode("utf-16-le", "replace").encode()


def behind_length(body):
    return len(body).to_bytes(4, "big") + body


def smb1(command, mid, words, payload, answer, status, unicode):
    head = b"\xffSMB" + bytes((command,)) + struct.pack("<I", status) + bytes((0x80 if answer else 0, 0))
    head += bytes((0x80 if unicode else 0,)) + bytes(12) + b"\1\0\1\0\0\0" + struct.pack("<H", mid)
    words += bytes(len(words) % 2)
    return behind_length(head + bytes((len(words) // 2,)) + words + struct.pack("<H", len(payload)) + payload)


def chained(first, command, mid, words, payload, answer, unicode, off):
    """A message with a second command behind its first; `off` from where the first says that it stands."""
    whole = bytearray(smb1(first, mid, words, payload[:9], answer, 0, unicode))[4:]
    whole[33:37] = bytes((command, 0)) + struct.pack("<H", max(len(whole) + off, 0))
    words += bytes(len(words) % 2)
    whole += bytes((len(words) // 2,)) + words + struct.pack("<H", len(payload)) + payload
    return behind_length(bytes(whole))


def smb2(command, number, body, answer, status, more):
    after = 64 + len(body) + -len(body) % 8 if more else 0
    head = b"\xfeSMB" + struct.pack(
        "<HHIHHIIQIIQ16s", 64, 0, status, command, 1, int(answer), after, number, 0, 0, 9, b""
    )
    whole = head + body + (bytes(-len(body) % 8) if more else b"")
    if more:
        whole += (
            b"\xfeSMB"
            + struct.pack("<HHIHHIIQIIQ16s", 64, 0, 0, 6, 1, 0, 0, number, 0, 0, 9, b"")
            + body[:24]
        )
    return behind_length(whole)


TEXT = st.sampled_from(
    (
        b"a\0b\0\0\0",
        b"IPC\0",
        b"fs\\x\0",
        b"NTLMSSP\0\3\0\0\0" + bytes(16) + b"\4\0\4\0\x40\0\0\0" + bytes(24) + b"\1\0\0\0u\0v\0",
    )
)
PDU = st.sampled_from(
    (b"", b"\5\0\0\3\x10\0\0\0\x20\0\0\0\1\0\0\0" + bytes(8) + b"stubstub", b"plain bytes of a file")
)
WORDS = st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 90)).map(
    lambda w: (
        b"\7\0" * 2 + b"\7\0" + w[0][:4] + struct.pack("<HHHHHHHHHH", 2, 30, w[1], 0, 5, 5, w[1], w[1], 0, 0)
    )
)
OLDER = st.builds(
    smb1, st.sampled_from((0x04, 0x25, 0x2E, 0x2F, 0x72, 0x73, 0x75, 0xA2, 0x32)), st.integers(1, 3), WORDS,
    st.tuples(TEXT, PDU).map(b"".join), st.booleans(), st.sampled_from((0, 0xC0000016, 5)), st.booleans(),
)  # fmt: skip
COMMANDS = st.sampled_from((0x04, 0x24, 0x2E, 0x2F, 0x73, 0x75, 0xA2, 0xFF))
CHAINED = st.builds(
    chained, COMMANDS, COMMANDS, st.integers(1, 3), WORDS, st.tuples(TEXT, PDU).map(b"".join), st.booleans(),
    st.booleans(), st.sampled_from((0, 0, 0, -1, 1, 50, -200)),
)  # fmt: skip
BODY = st.tuples(st.sampled_from((64, 72, 100, 112, 0)), st.integers(0, 40), TEXT, PDU).map(
    lambda b: struct.pack("<HH", 80, b[0]) + struct.pack("<IHHHH", b[1] or 0x0011C017, b[0], b[1], b[0], b[1])
    + b"\1" * 16 + struct.pack("<IIII", b[0], b[1], b[0], b[1]) + b"\2" * 36 + b[2] + b[3]
)  # fmt: skip
NEWER = st.builds(
    smb2, st.sampled_from((0, 1, 3, 5, 6, 8, 9, 11, 16)), st.integers(1, 3), BODY, st.booleans(),
    st.sampled_from((0, 0x103, 0xC0000016, 5)), st.booleans(),
)  # fmt: skip
READ = st.sampled_from((ALL, Wanted(kinds=frozenset({"file.sha1", "smb.share"}), calls=False)))


def test_commands_in_any_order(packets, alike):
    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 1), OLDER | CHAINED | NEWER), min_size=1, max_size=25),
        READ,
        st.booleans(),
    )
    def check(turns, wanted, growing):
        turns = [(0, smb1(0x72, 9, b"", b"", answer=False, status=0, unicode=False)), *turns]
        rows, buffer = packets.decoded(packets.conversation(turns, (4000, 445)))
        alike(rows, buffer, 9 if growing else 0, growing=growing, wanted=wanted)

    check()


def test_a_length_that_is_none_says_when_it_came(packets, alike):
    good = smb1(0x72, 9, b"", b"", answer=False, status=0, unicode=False)
    turns = [(0, good), (0, b"\7\0"), (0, b"\0\4"), (0, b"\xffSMB")]
    told = alike(*packets.decoded(packets.conversation(turns, (4000, 445))))
    assert len(told[0].anomalies) == 1


def test_what_is_behind_the_first_mebibyte_of_a_message_is_passed_over(packets, alike):
    """A write of more than that, a read's answer, something encrypted, each followed by another command."""
    much = bytes(range(251)) * 4_600
    write = b"\x31\0" + struct.pack("<HIQ", 64 + 48, len(much), 0) + b"f" * 16 + bytes(16) + much
    turns = [
        (0, smb2(9, 1, write, answer=False, status=0, more=False)),
        (0, behind_length(b"\xfdSMB" + much) + smb2(16, 2, b"", answer=False, status=0, more=False)),
        (1, smb2(16, 2, b"", answer=True, status=5, more=False)),
        (0, smb2(6, 3, bytes(8) + b"f" * 16, answer=False, status=0, more=False)),
    ]
    assert len(turns[0][1]) > kernels._MOST_MESSAGE
    rows, buffer = packets.decoded(packets.conversation(turns, (4000, 445)))
    for size in (0, 700):
        told = alike(rows, buffer, size)[-1]
        assert told.transactions["complete"].tolist() == [1, 3, 1]
        assert len(told.anomalies) == 0
        data = told.buffers[told.buffers["kind"] == KIND["file.data"]]
        start, length = int(data["at"][0]), int(data["length"][0])
        assert length > 1_000_000
        assert told.arena[start : start + length].tobytes() == much[:length]
    units = ApplicationSettings(midstream=True, units=True)
    assert len(alike(rows, buffer, settings=units)[-1].transactions) == 3


def test_what_is_no_message_is_not_passed_over(packets, alike):
    good = smb1(0x72, 9, b"", b"", answer=False, status=0, unicode=False)
    turns = [(0, good), (0, b"\0\x7f\xff\xff" + b"\xffSMX" + bytes(3_000)), (0, good)]
    told = alike(*packets.decoded(packets.conversation(turns, (4000, 445))))
    assert len(told[0].transactions) == 1
    assert len(told[0].anomalies) == 1


def test_units_are_kept_by_the_parser_in_python(packets, examples, alike):
    turns, ports, _ = examples["smb"]
    rows, buffer = packets.decoded(packets.conversation(turns, ports))
    told = alike(rows, buffer, settings=ApplicationSettings(midstream=True, units=True))
    assert len(told[0].units)
