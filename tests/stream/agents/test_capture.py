"""The capture stage over small captures of its own making."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest

from citywall.batches import END, EVENT, FLOW
from citywall.errors import InputError, Misplaced
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.watermarks import END_OF_TIME
from ingest.decode.blocks import InlineBlock
from stream import codecs
from stream.agents.capture import CaptureStage
from stream.codecs import Kind, Opening, Tally
from stream.files import CaptureFiles


def udp(src: str, dst: str, sport: int, dport: int, size: int) -> bytes:
    body = struct.pack(">HHHH", sport, dport, 8 + size, 0) + bytes(size)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0)
    ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return bytes(12) + b"\x08\x00" + ip + ends + body


def arp(src: str, dst: str) -> bytes:
    head = bytes(12) + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1)
    return head + bytes(6) + ipaddress.ip_address(src).packed + bytes(6) + ipaddress.ip_address(dst).packed


def write(path: Path, packets: list[tuple[float, bytes]]) -> Path:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    body = b"".join(struct.pack("<IIII", int(t), round(t % 1 * 1e6), len(p), len(p)) + p for t, p in packets)
    path.write_bytes(head + body)
    return path


def traffic() -> list[tuple[float, bytes]]:
    """Late packets, ARP between them, flows that end and flows that go on."""
    made = []
    for i in range(400):
        time = 1000 + i * 0.9 - (3 if i % 17 == 5 else 0)
        made.append((time, udp(f"10.0.0.{i % 7 + 1}", "10.0.1.1", 1000 + i % 11, 53, i % 90)))
        if i % 13 == 0:
            made.append((time - 1, arp(f"10.0.0.{i % 7 + 1}", f"10.0.0.{i % 50}")))
    return made


class Run:
    """The rows that a stage gave of one capture, and its tally."""

    def __init__(
        self, path: Path, session: Session, hand, block_bytes=4096, batch_packets=4096, save_at=(),
        share=(0, 1), inline=False,
    ):  # fmt: skip
        settings = msgspec.structs.replace(
            Settings(), capture=msgspec.structs.replace(Settings().capture, batch_packets=batch_packets)
        )
        self.files = CaptureFiles()
        capture = self.files.get(str(path))
        kind = "sensor" if inline else "capture"
        session = msgspec.structs.replace(session, path=str(path), size=capture.size, kind=kind)
        partition, partitions = share
        files = CaptureFiles() if inline else self.files
        stage = CaptureStage(settings, files, partition)
        feeding = hand(stage, session)
        out = feeding.say(Kind.OPEN, codecs.pack(Opening(session, partitions)))
        for i, ref in enumerate(capture.blocks(block_bytes, session=session.id)):
            data = capture.buffer[ref.offset : ref.offset + ref.length].tobytes()
            body = InlineBlock(msgspec.structs.replace(ref, path="nowhere"), data) if inline else ref
            out += feeding.data(codecs.pack(body), count=1)
            if i % 3 == 2 or i in save_at:
                out += feeding.flush()
            if i in save_at:
                parts = {n: p.copy() if isinstance(p, np.ndarray) else p for n, p in stage.snapshot().items()}
                stage = feeding.stage = CaptureStage(settings, files, partition)
                stage.restore(parts)
        out += feeding.end()
        self.totals = stage.totals
        self.files.close_all()
        self.tally = codecs.unpack(out[-1].body, Tally)
        self.flows = self._rows(out, "flows", FLOW)
        self.events = self._rows(out, "events", EVENT)
        self.closed = [
            codecs.decode_closed(memoryview(b"".join(o.body))) for o in out if o.topic == "closed" and o.count
        ]
        self.out = out

    @staticmethod
    def _rows(out, topic: str, dtype: np.dtype) -> np.ndarray:
        pieces = [codecs.decode_rows(b"".join(o.body), dtype) for o in out if o.topic == topic and o.count]
        return np.concatenate([np.zeros(0, dtype), *pieces])


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("c") / "one.pcap", traffic())


def test_everything_is_counted_and_promises_are_kept(capture: Path, session, hand):
    run = Run(capture, session, hand)
    packets = len(traffic())
    assert run.tally.packets == run.totals["packets"] == packets
    assert run.tally.events == len(run.events) == sum(p[12:14] == b"\x08\x06" for _, p in traffic())
    assert run.tally.bytes == capture.stat().st_size - 24
    ends = run.flows[run.flows["kind"] == END]
    assert run.tally.flows == len(ends) == sum(len(e) for e, _ in run.closed)
    assert int(ends["src_packets"].sum() + ends["dst_packets"].sum()) == packets - run.tally.events
    assert run.tally.errors == {}
    assert run.tally.notes["late"] > 0
    promised = {"flows": -(1 << 63), "events": -(1 << 63)}
    for output in run.out:
        if output.topic in promised and output.count:
            rows = codecs.decode_rows(b"".join(output.body), FLOW if output.topic == "flows" else EVENT)
            assert rows["time"].min() >= promised[output.topic]
        if output.topic in promised:
            assert output.watermark >= promised[output.topic]
            promised[output.topic] = output.watermark
        if output.beside:
            assert (output.topic, output.beside) == ("flows", "events")
            promised["events"] = max(promised["events"], output.watermark)
    assert set(promised.values()) == {END_OF_TIME}
    assert all(output.count for output in run.out if output.topic == "events" and output.kind is Kind.DATA)


@pytest.mark.parametrize(
    "how",
    [
        {"batch_packets": 1}, {"batch_packets": 7}, {"block_bytes": 1 << 20},
        {"save_at": (0, 2, 5)}, {"save_at": (1, 3), "batch_packets": 7}, {"inline": True},
        {"inline": True, "save_at": (1, 3)},
    ],
    ids=str,
)  # fmt: skip
def test_rows_are_the_same_however_they_are_cut(capture: Path, session, hand, how):
    plain, other = Run(capture, session, hand), Run(capture, session, hand, **how)
    for name in FLOW.names:
        assert plain.flows[name].tolist() == other.flows[name].tolist(), name
    for name in EVENT.names:
        assert plain.events[name].tolist() == other.events[name].tolist(), name
    assert plain.tally == other.tally


@pytest.mark.parametrize("partitions", [2, 3, 7])
def test_partitions_share_the_flows_and_nothing_else_changes(capture: Path, session, hand, partitions: int):
    plain = Run(capture, session, hand)
    parts = [Run(capture, session, hand, share=(p, partitions)) for p in range(partitions)]
    flows = np.concatenate([part.flows for part in parts])
    order = ["time", "flow_id", "report"]
    assert np.array_equal(np.sort(flows, order=order), np.sort(plain.flows, order=order))
    assert sum(len(part.flows) > 0 for part in parts) > 1
    assert np.array_equal(parts[0].events, plain.events)
    assert not any(len(part.events) for part in parts[1:])
    whole = Tally()
    for part in parts:
        whole.add(part.tally)
    assert whole == plain.tally
    assert sum(part.totals["packets"] for part in parts) == plain.totals["packets"]


def test_a_file_that_cannot_be_read_here_is_no_bad_message(tmp_path: Path, session, hand):
    path = write(tmp_path / "one.pcap", traffic()[:40])
    files = CaptureFiles()
    feeding = hand(CaptureStage(Settings(), CaptureFiles()), msgspec.structs.replace(session, path=str(path)))
    feeding.open()
    ref = next(files.get(str(path)).blocks(1 << 20, session=session.id))
    files.close_all()
    path.unlink()
    with pytest.raises(Misplaced, match="every worker must be able to read"):
        feeding.data(codecs.pack(ref), count=1)


def test_a_file_that_changed_is_an_input_error(tmp_path: Path, session, hand):
    path = write(tmp_path / "one.pcap", traffic()[:40])
    files = CaptureFiles()
    stage = CaptureStage(Settings(), files)
    feeding = hand(stage, msgspec.structs.replace(session, path=str(path)))
    feeding.open()
    ref = next(files.get(str(path)).blocks(1 << 20, session=session.id))
    files.close_all()
    data = bytearray(path.read_bytes())
    data[24] ^= 1  # the first record's time
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed"):
        feeding.data(codecs.pack(ref), count=1)
    files.close_all()


def test_what_the_feeder_met_is_told(tmp_path: Path, session, hand):
    stage = CaptureStage(Settings(), CaptureFiles())
    feeding = hand(stage, session)
    feeding.open()
    out = feeding.end(tally=Tally(errors={"input_unreadable": 1}))
    assert codecs.unpack(out[-1].body, Tally).errors == {"input_unreadable": 1}
