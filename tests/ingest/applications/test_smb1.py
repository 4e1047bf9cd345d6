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


def test_a_short_message_is_told(speak):
    assert speak("smb", [(0, b"\0\0\0\5\xffSMB\x75")], (4000, 445)).parser.anomalies
