from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drills import packets
from stream import codecs
from stream.codecs import Header, Kind
from stream.letters import LetterBox
from stream.stages import DeadLetter

NOON = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z


def add(data: Path, session: str = "5e55", path: str = "office.pcap", seqs: tuple[int, ...] = (4,)) -> None:
    letters = []
    for seq in seqs:
        header = Header(session, "capture", 0, Kind.DATA, seq, 3, 0, codecs.schema_digest())
        message = codecs.encode(header, b"body")
        letters.append(DeadLetter("flows", "detect", 0, "ValueError: no such thing", message))
    LetterBox(data).add(letters, {session: path}, NOON, "0a11")


def test_listed_and_shown(invoke: Any, tmp_path: Path):
    add(tmp_path, seqs=(4, 5))
    done = invoke("dead-letters", "list", "--data", str(tmp_path))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].split() == [
        *(LetterBox(tmp_path).letters()[0].id, "2024-05-01T12:00:00", "detect/0", "office.pcap"),
        *("ValueError:", "no", "such", "thing"),
    ]
    told = [
        json.loads(line)
        for line in invoke("dead-letters", "list", "--data", str(tmp_path), "--json").stdout.splitlines()
    ]
    assert [(t["seq"], t["noted"], t["healed"]) for t in told] == [
        (4, "2024-05-01T12:00:00.000000000Z", None), (5, "2024-05-01T12:00:00.000000000Z", None)
    ]  # fmt: skip
    shown = json.loads(
        invoke("dead-letters", "show", told[0]["id"], "--data", str(tmp_path), "--json").stdout
    )
    assert shown["message"]["body_bytes"] == 4
    plain = invoke("dead-letters", "show", told[0]["id"][:8], "--data", str(tmp_path)).stdout
    assert "ValueError: no such thing" in plain
    assert "62 6f 64 79" in plain


def test_none(invoke: Any, tmp_path: Path):
    assert "no dead letters" in invoke("dead-letters", "list", "--data", str(tmp_path)).stderr
    assert "没有死信" in invoke("dead-letters", "list", "--data", str(tmp_path), "--lang", "zh").stderr
    done = invoke("dead-letters", "replay", "--all", "--data", str(tmp_path))
    assert (done.exit_code, "no dead letters" in done.stderr) == (0, True)


@pytest.mark.parametrize("arguments", [(), ("abc", "--all")])
def test_which_letters(invoke: Any, tmp_path: Path, arguments: tuple[str, ...]):
    done = invoke("dead-letters", "replay", *arguments, "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "--all" in done.stderr


def test_replayed(invoke: Any, tmp_path: Path):
    data, path = tmp_path / "data", tmp_path / "one.pcap"
    frame = packets.udp_frame("10.0.0.5", "10.0.0.6", 5000, 53, b"question")
    packets.write_pcap(path, [(NOON, frame)])
    report = json.loads(invoke("run", str(path), "--data", str(data), "--json", "-q").stdout)
    add(data, report["sessions"][0]["id"], str(path))
    done = invoke("dead-letters", "replay", "--all", "--data", str(data), "--json", "-q")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["packets"], len(told["healed"]), told["again"]) == (1, 1, [])
    assert "healed: 1" in done.stderr
    assert invoke("dead-letters", "list", "--data", str(data), "--json").stdout == ""
