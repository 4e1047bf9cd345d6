"""An alert's packets cut out of captures and segments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts import times
from citywall.errors import InputError
from console.cli import main
from console.commands.pcap import cut
from console.sources import Sources
from drills import packets
from ingest.capture import open_capture
from playbooks.slicing import Span

SECOND = 1_000_000_000


def capture(path: Path, hosts: tuple[str, ...], start: int = 100) -> Path:
    """Ten packets a second apart of each host to 10.0.0.2."""
    frames = [
        ((start + i) * SECOND, packets.tcp_frame(host, "10.0.0.2", 1000 + i, 80, 2))
        for i in range(10)
        for host in hosts
    ]
    packets.write_pcap(path, frames)
    return path


def count(path: Path) -> int:
    with open_capture(path) as opened:
        return sum(ref.packets for ref in opened.blocks(1 << 20))


def test_each_capture_gives_a_file_of_its_own(tmp_path):
    one = capture(tmp_path / "one.pcap", ("10.0.0.1", "10.0.0.9"))
    other = capture(tmp_path / "other.pcap", ("10.0.0.9",))
    two = capture(tmp_path / "two.pcap", ("10.0.0.1",))
    gone = tmp_path / "gone.pcap"
    span = Span(102 * SECOND, 105 * SECOND, frozenset({"10.0.0.1"}), frozenset(), ())
    written, missing = cut([one, other, gone, two], span, tmp_path / "out.pcap")
    assert [(Path(w["file"]).name, w["packets"]) for w in written] == [("out.pcap", 3), ("out-2.pcap", 3)]
    assert [count(Path(w["file"])) for w in written] == [3, 3]
    assert [m["from"] for m in missing] == [str(gone)]
    with pytest.raises(InputError):
        cut([one], span, tmp_path / "no folder" / "out.pcap")


def test_the_command(invoke: Any, tmp_path, monkeypatch):
    segments = tmp_path / "segments"
    segments.mkdir()
    capture(segments / "edge-000001.pcap", ("10.0.0.1",))
    event = {"id": "a1", "start": times.to_iso(103 * SECOND), "end": times.to_iso(104 * SECOND)}
    document = {"event": event, "source": {"ip": "10.0.0.1"}, "citywall": {"evidence": []}}
    monkeypatch.setattr(Sources, "__init__", lambda *_: None)
    monkeypatch.setattr(Sources, "close", lambda _: None)
    monkeypatch.setattr(Sources, "alert", lambda _, id_: document if id_ == "a1" else None)
    monkeypatch.setattr("console.options.need_data", lambda *_: None)
    out = tmp_path / "out.pcap"
    given = ("--out", str(out), "--margin", "0", "--segments", str(segments), "--data", str(tmp_path))
    done = invoke("pcap", "slice", "--alert", "a1", *given, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["files"][0]["packets"], count(out)) == (2, 2)
    assert invoke("pcap", "slice", "--alert", "a1", *given).exit_code == 0
    assert invoke("pcap", "slice", "--alert", "other", *given).exit_code == 1
    event["start"] = event["end"] = times.to_iso(0)
    assert invoke("pcap", "slice", "--alert", "a1", *given).exit_code == 1


def test_rolling_captures_are_put_together(tmp_path, capsys):
    (tmp_path / "kept").mkdir()
    for name in ("a", "b"):
        capture(tmp_path / "kept" / f"{name}.pcap", ("10.0.0.1",))
    out = tmp_path / "whole.pcap"
    with pytest.raises(SystemExit) as ended:
        main(["pcap", "join", str(tmp_path / "kept"), "--out", str(out), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(out), "files": 2, "packets": 20, "errors": {}}
    assert count(out) == 20
    out.write_bytes(out.read_bytes()[:-3])
    with pytest.raises(SystemExit) as ended:
        main(["pcap", "join", str(out), "--out", str(tmp_path / "again.pcap"), "--lang", "en"])
    assert ended.value.code == 1
    assert "1" in capsys.readouterr().err
