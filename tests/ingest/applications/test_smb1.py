from __future__ import annotations

import struct


def message(command, words, payload, response=False):
    head = b"\xffSMB" + bytes((command,)) + bytes(4) + bytes((0x80 if response else 0,)) + bytes(14)
    head += struct.pack("<HHHH", 1, 1, 1, 1)
    body = head[:32] + bytes((len(words) // 2,)) + words + struct.pack("<H", len(payload)) + payload
    return b"\0" + len(body).to_bytes(3, "big") + body


def test_trees_are_shares_or_pipes(speak):
    ask = message(0x75, struct.pack("<4H", 255, 0, 0, 1), b"\0\\\\fs\\IPC$\0IPC\0")
    answer = message(0x75, bytes(6), b"IPC\0", response=True)
    found = speak("smb", [(0, ask), (1, answer)], (4000, 445))
    assert found.values("smb.named_pipe") == [b"\\\\fs\\IPC$"]
    assert found.integers("smb.version") == [1]


def chain(*commands, response=False):
    """Commands in one message: (command, words without what chains, payload)."""
    body = message(commands[0][0], b"", b"", response)[4:36]
    for i, (_, words, payload) in enumerate(commands):
        last = i + 1 == len(commands)
        follows = 0xFF if last else commands[i + 1][0]
        after = 0 if last else len(body) + 1 + 4 + len(words) + 2 + len(payload)
        words = struct.pack("<BBH", follows, 0, after) + words  # noqa: PLW2901
        body += bytes((len(words) // 2,)) + words + struct.pack("<H", len(payload)) + payload
    return b"\0" + len(body).to_bytes(3, "big") + body


def test_commands_in_one_message_are_read_one_by_one(speak):
    lock = (0x24, bytes(12), b"")
    at = 32 + 1 + 16 + 2 + 1 + 24 + 2
    write = (0x2F, b"\7\0" + bytes(12) + struct.pack("<HHH", 0, 5, at) + bytes(0), b"hello")
    turns = [(0, chain(lock, write)), (1, chain((0x24, b"", b""), (0x2F, bytes(8), b""), response=True))]
    turns += [(0, message(4, b"\7\0" + bytes(4), b""))]
    found = speak("smb", turns, (4000, 445))
    assert found.values("file.data") == [b"hello"]
    assert found.integers("smb.command") == [0x24, 0x2F, 4]
    assert [t.complete for t in found.transactions] == [3, 3, 1]


def test_a_chain_goes_forward_and_ends(speak):
    back = bytearray(chain((0x24, bytes(12), b""), (0x2F, bytes(20), b"")))
    for after in (0, 32, 33, 5000):
        back[4 + 35 : 4 + 37] = struct.pack("<H", after)
        assert len(speak("smb", [(0, bytes(back))], (4000, 445)).transactions) == 1 + (after == 33)


def newer(command, number):
    head = struct.pack("<HHIHHIIQIIQ16s", 64, 0, 0, command, 1, 1, 0, number, 0, 0, 0, b"")
    body = b"\xfeSMB" + head + bytes(36)
    return b"\0" + len(body).to_bytes(3, "big") + body


def test_a_negotiation_may_be_answered_in_version_2(speak):
    turns = [(0, message(0x72, b"", b"\2SMB 2.002\0")), (1, newer(0, 0)), (1, newer(0, 0))]
    found = speak("smb", turns, (4000, 445))
    assert found.integers("smb.version") == [1, 2]
    assert [t.complete for t in found.transactions] == [3, 2]


def test_a_short_message_is_told(speak):
    assert speak("smb", [(0, b"\0\0\0\5\xffSMB\x75")], (4000, 445)).parser.anomalies
