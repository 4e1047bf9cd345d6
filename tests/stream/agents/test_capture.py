"""The capture stage over small captures of its own making."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest

from citywall.batches import (
    ARP_REQUEST,
    DATAGRAM_ABANDONED,
    DNS_QUERY,
    END,
    END_OF_INPUT,
    EVENT,
    FLOW,
    FRAGMENT_OVERLAP,
)
from citywall.errors import InputError, Misplaced
from citywall.rulesettings import RuleSettings
from citywall.sessions import LIVE, Session
from citywall.settings import Settings
from citywall.watermarks import END_OF_TIME
from ingest.decode.blocks import BlockRef, InlineBlock, Interface, Section
from stream import codecs
from stream.agents.capture import CaptureStage
from stream.agents.emitting import Outlet
from stream.board import Sensor
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


def fragments(src: str, dst: str, ident: int, which: tuple[int, ...]) -> list[bytes]:
    """A datagram of 10,000 bytes in fragments of 1,400, those that are asked for."""
    data = struct.pack(">HHHH", 2000 + ident, 53, 10000, 0) + bytes([ident]) * 9992
    made = []
    for n in which:
        part = data[1400 * n : 1400 * n + 1400]
        word = 175 * n | (0x2000 if n < 7 else 0)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(part), ident, word, 64, 17, 0)
        ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
        made.append(bytes(12) + b"\x08\x00" + ip + ends + part)
    return made


#: In order; backwards; two missing; the first missing; a part that says otherwise; in order again; the first
#: missing where the capture ends.
FRAGMENTED = (
    fragments("10.0.0.3", "10.0.1.1", 1, (0, 1, 2, 3, 4, 5, 6, 7)),
    fragments("10.0.0.4", "10.0.1.1", 2, (7, 6, 5, 4, 3, 2, 1, 0)),
    fragments("10.0.0.5", "10.0.1.1", 3, (4, 0, 1, 2, 7, 3)),
    fragments("10.0.0.6", "10.0.1.1", 4, (1, 2, 3)),
    [
        *fragments("10.0.0.7", "10.0.1.1", 5, (2, 0)),
        fragments("10.0.0.7", "10.0.1.1", 5, (2,))[0][:-9] + bytes(9),
        *fragments("10.0.0.7", "10.0.1.1", 5, (1, 3, 4, 5, 6, 7)),
    ],
    fragments("10.0.0.8", "10.0.1.1", 6, (0, 1, 2, 3, 4, 5, 6, 7)),
    fragments("10.0.0.9", "10.0.1.1", 7, (3, 4)),
)


def write(path: Path, packets: list[tuple[float, bytes]]) -> Path:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    body = b"".join(struct.pack("<IIII", int(t), round(t % 1 * 1e6), len(p), len(p)) + p for t, p in packets)
    path.write_bytes(head + body)
    return path


def traffic() -> list[tuple[float, bytes]]:
    """Late packets, ARP and fragments between them, flows that end and flows that go on."""
    made = []
    among: dict[int, list[tuple[float, bytes]]] = {}
    for n, packets in enumerate(FRAGMENTED):
        for k, packet in enumerate(packets):
            at = 60 * n + 5 * k
            among.setdefault(at, []).append((1000 + at * 0.8613, packet))
    for i in range(400):
        time = 1000 + i * 0.9 - (3 if i % 17 == 5 else 0)
        made.append((time, udp(f"10.0.0.{i % 7 + 1}", "10.0.1.1", 1000 + i % 11, 53, i % 90)))
        if i % 13 == 0:
            made.append((time - 1, arp(f"10.0.0.{i % 7 + 1}", f"10.0.0.{i % 50}")))
    return [pair for i, each in enumerate(made) for pair in (each, *among.get(i, ()))]


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
    asked = sum(p[12:14] == b"\x08\x06" for _, p in traffic())
    assert run.tally.events == len(run.events)
    assert sum(run.events["kind"] == ARP_REQUEST) == asked
    assert sum(run.events["kind"] == FRAGMENT_OVERLAP) == 1
    assert sum(run.events["kind"] == DATAGRAM_ABANDONED) == 3
    assert run.tally.bytes == capture.stat().st_size - 24
    ends = run.flows[run.flows["kind"] == END]
    assert run.tally.flows == len(ends) == sum(len(e) for e, _ in run.closed)
    assert int(ends["src_packets"].sum() + ends["dst_packets"].sum()) == packets - asked
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


def test_fragments_count_to_their_flows(capture: Path, session, hand):
    run = Run(capture, session, hand)
    ends = run.flows[run.flows["kind"] == END]
    for n, packets in enumerate(FRAGMENTED, 1):
        own = ends[ends["src_port"] == 2000 + n]
        assert own["src_packets"].sum() == (0 if n in {4, 7} else len(packets))
    portless = ends[(ends["proto"] == 17) & (ends["dst_port"] == 0)]
    assert sorted(portless["src_packets"].tolist()) == [2, 3]
    assert run.tally.notes["fragments_rebuilt"] == 4
    assert run.tally.notes["fragments_expired"] == 3


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


def test_packets_go_to_rules_with_their_bytes_once_there_are_some(tmp_path: Path, session, hand):
    rules = RuleSettings(folder=str(tmp_path / "rules"), by_version=False)
    outlet = Outlet(archive=False, packets=True)
    stage = CaptureStage(Settings(rules=rules), CaptureFiles(), 0, outlet)
    session = msgspec.structs.replace(session, kind=LIVE, path="sensor:gate:eth0", size=0)
    feeding = hand(stage, session)
    feeding.open()
    section = Section("pcap", big_endian=False, interfaces=(Interface(1),))
    ref = BlockRef("", "sensor:gate:eth0", 0, 0, 4, 0, 1, 0, 10**18, section)
    told = []
    for _ in range(2):
        out = feeding.data(codecs.pack(InlineBlock(ref, b"\0\0\0\0")), count=1)
        told += [codecs.unpack(each.body, InlineBlock) for each in out if each.topic == "packets"]
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules" / "current").touch()
    assert [len(each.data) for each in told] == [0, 4]
    assert [each.block.newest for each in told] == [10**18] * 2


class LiveRun:
    """The packets of a capture as a live sensor would send them, its clock `ahead` (ns) of each block."""

    def __init__(self, path: Path, session, hand, *, ahead: int, save_at=(), cut: int = 4096) -> None:
        files = CaptureFiles()
        capture = files.get(str(path))
        session = msgspec.structs.replace(session, kind=LIVE, path="sensor:gate:eth0", size=0)
        stage = CaptureStage(Settings(), CaptureFiles())
        feeding = hand(stage, session)
        self.out = feeding.open()
        for i, ref in enumerate(capture.blocks(cut, session=session.id)):
            data = capture.buffer[ref.offset : ref.offset + ref.length].tobytes()
            dropped = {"packets_dropped": i} if i % 2 else {}
            ref = msgspec.structs.replace(ref, errors=dropped)  # noqa: PLW2901
            self.out += feeding.data(codecs.pack(InlineBlock(ref, data)), count=1)
            said = msgspec.structs.replace(
                ref, packets=0, offset=ref.offset + ref.length, length=0, digest=0, newest=ref.newest + ahead,
                errors={},
            )  # fmt: skip
            self.out += feeding.data(codecs.pack(InlineBlock(said, b"")), count=1)
            if i in save_at:
                self.out += feeding.flush()
                parts = {n: p.copy() if isinstance(p, np.ndarray) else p for n, p in stage.snapshot().items()}
                stage = feeding.stage = CaptureStage(Settings(), CaptureFiles())
                stage.restore(parts)
        self.out += feeding.flush()
        self.before_end = stage.sensors["sensor:gate:eth0"]
        self.out += feeding.end()
        self.sensor = stage.sensors["sensor:gate:eth0"]
        self.flows = Run._rows(self.out, "flows", FLOW)
        self.tally = codecs.unpack(self.out[-1].body, Tally)
        files.close_all()


@pytest.mark.parametrize("save_at", [(), (0, 2)])
def test_a_live_clock_tells_what_is_due_and_changes_nothing(tmp_path: Path, session, hand, save_at):
    unfinished = FRAGMENTED[-1]  # what is left counts as of the clock, which is ahead here
    packets = [(t, p) for t, p in traffic() if p[12:14] == b"\x08\x00" and p not in unfinished]
    packets.sort(key=lambda packet: packet[0])
    path = write(tmp_path / "one.pcap", packets)
    plain = Run(path, session, hand)
    live = LiveRun(path, session, hand, ahead=100_000, save_at=save_at)
    plain.flows["time"][plain.flows["reason"] == END_OF_INPUT] += 100_000  # they end when the clock stops
    for name in FLOW.names:
        assert plain.flows[name].tolist() == live.flows[name].tolist(), name
    assert live.tally.errors == {"packets_dropped": live.sensor.dropped}
    assert live.sensor.packets == len(packets) == live.tally.packets
    assert live.before_end.clock == max(round(t * 1e9) for t, _ in packets) + 100_000
    assert (live.before_end.ended, live.sensor.ended) == (False, True)


def test_a_quiet_live_link_lets_flows_end(tmp_path: Path, session, hand):
    path = write(tmp_path / "one.pcap", [(1000.0, udp("10.0.0.1", "10.0.0.2", 1, 2, 3))])
    live = LiveRun(path, session, hand, ahead=300_000_000_000)
    last = [o for o in live.out if o.topic == "flows" and o.kind is Kind.DATA][-1]
    rows = codecs.decode_rows(b"".join(last.body), FLOW)
    assert rows["kind"].tolist() == [0, END]  # before the session ended
    assert last.watermark == 1300 * 10**9


def test_a_second_session_of_a_sensor_adds_to_the_first(session, hand):
    stage = CaptureStage(Settings(), CaptureFiles())
    for id_, dropped in (("one", 3), ("two", 4)):
        live = msgspec.structs.replace(session, id=id_, kind=LIVE, path="sensor:gate:eth0", size=0)
        feeding = hand(stage, live)
        feeding.open()
        section = Section("pcap", big_endian=False, interfaces=(Interface(1),))
        drops = {"packets_dropped": dropped}
        ref = BlockRef(id_, live.path, 0, 24, 0, 0, 1, 0, 10**18, section, errors=drops)
        feeding.data(codecs.pack(InlineBlock(ref, b"")), count=1)
        feeding.end()
    assert stage.sensors == {live.path: Sensor(live.path, "two", 0, 7, 10**18, ended=True)}


def question(name: str) -> bytes:
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def speaking() -> list[tuple[float, bytes]]:
    """Questions from several hosts between other packets."""
    made = []
    for i in range(120):
        client, body = f"10.0.0.{i % 9 + 1}", question(f"n{i}.example.com")
        plain = udp(client, "10.0.1.1", 1000 + i, 53, len(body))
        made.append((1000 + i * 0.3, plain[: -len(body)] + body))
        made.append((1000 + i * 0.3, udp(client, "10.0.1.2", 1000 + i, 9, 20)))
        if i % 10 == 0:
            made.append((1000 + i * 0.3, arp(client, "10.0.0.200")))
    return made


@pytest.mark.parametrize(
    "how", [{"batch_packets": 7}, {"save_at": (0, 2)}, {"inline": True}, {"share": True}], ids=str
)
def test_what_applications_say_is_told_however_packets_come(tmp_path: Path, session, hand, how):
    path = write(tmp_path / "said.pcap", speaking())
    whole = Run(path, session, hand)
    said = whole.events[whole.events["kind"] == DNS_QUERY]
    assert [bytes(e["text"][: e["name_size"]]).decode() for e in said] == [
        f"n{i}.example.com" for i in range(120)
    ]
    assert (np.diff(whole.events["frame"]) > 0).all()
    assert whole.tally.events == len(whole.events) == 132
    if "share" in how:
        parts = [Run(path, session, hand, share=(p, 3)).events for p in range(3)]
        assert all(len(part) for part in parts)
        found = np.concatenate(parts)
        found = found[np.argsort(found["frame"], kind="stable")]
    else:
        found = Run(path, session, hand, **how).events
    assert found.tobytes() == whole.events.tobytes()
