"""The real stages together, through the real application."""

from __future__ import annotations

import ipaddress
import struct
from functools import partial
from pathlib import Path

import msgspec
import pytest

from alerts.archive import FlowArchive
from alerts.cases.casebook import Casebook
from alerts.cases.facts import Case
from alerts.docfile import DocFile
from alerts.eventarchive import EventArchive
from alerts.store import open_store
from citywall.errors import SettingsError
from citywall.settings import Settings, load
from drills import packets
from stream.assembly import assemble
from stream.runner import run_paths


def syn(src: str, dst: str, sport: int, dport: int) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", sport, dport, 1, 0, 0x50, 2, 1024, 0, 0)
    ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + ends + tcp


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """Somebody tries six hundred ports of one host in a minute."""
    path = tmp_path_factory.mktemp("scan") / "scan.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    frames = [syn("203.0.113.9", "10.0.0.5", 40_000 + i, 1 + i) for i in range(600)]
    body = b"".join(
        struct.pack("<IIII", 1_700_000_000 + i // 10, i % 10 * 100_000, len(p), len(p)) + p
        for i, p in enumerate(frames)
    )
    path.write_bytes(head + body)
    return path


def alerts(data: Path) -> dict[str, dict]:
    store = open_store("sqlite://", data, read_only=True)
    found = {}
    for document in store.scan():
        document["event"].pop("ingested")
        found[document["event"]["id"]] = document
    store.close()
    return found


def cases(data: Path) -> list[Case]:
    views = Casebook(DocFile(data), Settings().cases).views(every=True)
    return sorted((view.case for view in views), key=lambda case: case.id)


def test_a_scan_becomes_an_alert_and_flows(tmp_path: Path, scan: Path):
    seen = []
    report = run_paths([scan], tmp_path, Settings(), seen.append)
    assert (report.packets, report.flows) == (600, 600)
    assert report.alerts == len(alerts(tmp_path)) >= 1
    assert report.findings >= report.alerts
    assert "203.0.113.9" in {d["source"]["ip"] for d in alerts(tmp_path).values()}
    assert len(FlowArchive(tmp_path, read_only=True).query(limit=1000).flows) == 600
    shown = {d["event"]["id"] for progress in seen for d in progress.new_alerts}
    assert shown == set(alerts(tmp_path))
    assert {"capture", "detect", "correlate", "index", "archive", "total"} <= set(report.seconds)


@pytest.mark.parametrize(
    "assignments",
    [
        ("capture.block_bytes=4096", "capture.batch_packets=1"),
        ("capture.block_bytes=5000", "capture.batch_packets=7", "checkpoint.interval_s=0.01"),
        ("capture.block_bytes=5000", "partitions=2"),
        ("capture.block_bytes=9000", "capture.batch_packets=7", "partitions=4", "checkpoint.interval_s=0.01"),
    ],
    ids=str,
)
def test_alerts_are_the_same_however_the_capture_is_cut(tmp_path: Path, scan: Path, assignments):
    run_paths([scan], tmp_path / "plain", Settings())
    run_paths([scan], tmp_path / "cut", load(None, {}, assignments))
    assert alerts(tmp_path / "plain") == alerts(tmp_path / "cut") != {}
    # Made as alerts came, and of the store when all was over: the cases are the same too.
    again = Casebook(DocFile(tmp_path / "again"), Settings().cases)
    again.take(open_store("sqlite://", tmp_path / "cut", read_only=True).scan())
    made = [cases(tmp_path / name) for name in ("plain", "cut", "again")]
    assert made[0] == made[1] == made[2] != []


def test_without_detectors_or_archive(tmp_path: Path, scan: Path):
    settings = load(
        None, {}, ["use_detectors=false", "storage.archive_flows=false", "storage.archive_events=false"]
    )
    report = run_paths([scan], tmp_path, settings)
    assert (report.packets, report.alerts) == (600, 0)
    assert not (tmp_path / "flows").exists()
    assert not (tmp_path / "events").exists()


def test_a_bad_detector_setting_is_named_before_anything_runs(tmp_path: Path, scan: Path):
    settings = msgspec.structs.replace(Settings(), detectors={"scan": {"nonsense": 1}})
    with pytest.raises(SettingsError, match=r"detectors\.scan\.nonsense"):
        run_paths([scan], tmp_path, settings)


def test_roles_and_sinks(tmp_path: Path):
    assembly = assemble(load(None, {}, ["partitions=4"]), tmp_path, now=0)
    assert {r.name: r.partitions for r in assembly.roles if r.partitions > 1} == {"capture": 4, "detect": 4}
    topics = {t for role in assembly.roles for t in role.outputs}
    assert topics <= {t for role in assembly.roles for t in role.inputs}
    assert {role.name for role in assembly.roles if role.pinned} == {"index", "archive", "record"}
    assert assembly.sinks == {"index", "archive", "record"}
    assembly.close()


def test_what_is_too_old_goes_at_the_start(tmp_path: Path, scan: Path):
    run_paths([scan], tmp_path, Settings())
    assert alerts(tmp_path)
    later = 200 * 86_400 * 1_000_000_000 + scan.stat().st_mtime_ns
    assemble(Settings(), tmp_path, now=later).close()
    assert alerts(tmp_path) == {}
    assert FlowArchive(tmp_path, read_only=True).count_files() == 0


def test_alerts_may_go_into_the_store_of_another_folder(tmp_path: Path, scan: Path):
    run_paths([scan], tmp_path / "live", Settings())
    before = alerts(tmp_path / "live")
    drill = msgspec.structs.replace(Settings(), lane="drill", drill="one")
    report = run_paths(
        [scan], tmp_path / "own", drill, assemble=partial(assemble, store_at=tmp_path / "live")
    )
    both = alerts(tmp_path / "live")
    assert len(both) == len(before) + report.alerts
    assert {id_: both[id_] for id_ in before} == before
    assert alerts(tmp_path / "own") == {}
    assert len(FlowArchive(tmp_path / "own", read_only=True).query(limit=1000).flows) == 600
    # What is too old there is its owner's to remove.
    later = 200 * 86_400 * 1_000_000_000 + scan.stat().st_mtime_ns
    assemble(drill, tmp_path / "own", now=later, store_at=tmp_path / "live").close()
    assert alerts(tmp_path / "live") == both


def talk(path: Path) -> Path:
    """Questions for names, and hellos in two packets, of a dozen clients."""
    name = b"\0\x0e\0\0\x0bportal.test"
    more = b"\0\0" + len(name).to_bytes(2, "big") + name + b"\xfd\xe8\x07\xd0" + bytes(2000)
    body = b"\x03\x03" + bytes(33) + b"\0\x02\x13\x01\x01\0" + len(more).to_bytes(2, "big") + more
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    record = b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello
    question = b"\0\x07\x01\0\0\x01" + bytes(6) + b"\x03www\x04test\0\0\x01\0\x01"
    frames: list[packets.Frame] = []
    for i in range(12):
        at, client = 1_700_000_000_000_000_000 + i * 125_000_000, f"10.0.1.{i + 2}"
        frames.append((at, packets.udp_frame(client, "10.0.0.53", 30_000 + i, 53, question)))
        for seq, piece in ((1, record[:1400]), (1401, record[1400:])):
            frame = packets.tcp_frame(client, "10.0.0.9", 40_000, 443, packets.ACK, payload=piece, seq=seq)
            frames.append((at + seq * 1000, frame))
    packets.write_pcap(path, sorted(frames))
    return path


def test_what_applications_say_is_kept_the_same_however_it_is_cut(tmp_path: Path):
    talking = talk(tmp_path / "talk.pcap")
    found = []
    for name, given in (
        ("plain", ()),
        ("cut", ("capture.block_bytes=4096", "capture.batch_packets=1", "partitions=4")),
    ):
        run_paths([talking], tmp_path / name, load(None, {}, given))
        events = EventArchive(tmp_path / name, read_only=True).query(limit=1000).events
        fields = ("time", "kind", "src", "name", "agent", "frame")
        found.append(sorted(tuple(event[field] for field in fields) for event in events))
    assert found[0] == found[1]
    kinds = [kind for _, kind, *_ in found[0]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "dns_query": 12, "tls_client": 12, "tls_whole_client": 12,
    }  # fmt: skip
    whole = {(name, agent) for _, kind, _, name, agent, _ in found[0] if kind == "tls_whole_client"}
    assert len(whole) == 1
    assert next(iter(whole))[0] == "portal.test"
    assert next(iter(whole))[1].startswith("t12d0102")
