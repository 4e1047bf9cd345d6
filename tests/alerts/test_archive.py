from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alerts import archive, times
from alerts.archive import FlowArchive
from alerts.query import FLOWS, parse
from citywall.batches import CLOSED, END, FLOW, OPEN
from citywall.errors import StoreError

Make = Callable[..., Any]
BASE = times.from_iso("2024-05-01T12:00")


@pytest.fixture
def flows(tmp_path: Path) -> FlowArchive:
    return FlowArchive(tmp_path)


def rows_of(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Flows whose ends are mixed over `count` seconds."""
    return [
        {
            "flow_id": start + i + 1,
            "first": BASE + i * times.SECOND,
            "last": BASE + ((i * 7919) % count + count) * times.SECOND,
            "src": f"10.0.{i % 4}.{i % 250 + 1}",
            "dst": "2001:db8::5" if i % 3 == 0 else f"192.168.0.{i % 250 + 1}",
            "src_port": 40_000 + i % 1000,
            "dst_port": (22, 53, 443)[i % 3],
            "proto": (6, 17)[i % 2],
            "src_bytes": i,
            "dst_bytes": 2 * i,
            "src_packets": 1,
            "src_head": 0x4745_5420_2F00_0000,
            "vlan": i % 2,
        }
        for i in range(count)
    ]


def all_pages(flows: FlowArchive, limit: int, **asked: Any) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = flows.query(limit=limit, after=after, **asked)
        assert len(page.flows) <= limit
        yield from page.flows
        if (after := page.after) is None:
            return


def test_written_and_read(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    assert flows.query().flows == []
    assert flows.write(*make_flows(rows_of(3)), make_session(), 0) == 3
    (path,) = flows.folder.rglob("*.parquet")
    assert str(path.relative_to(flows.folder)) == "live/2024-05-02/12/5e55-000000000000.parquet"
    page = flows.query(limit=1)
    assert page.flows == [
        {
            "flow_id": "0000000000000002",
            "first": "2024-05-01T12:00:01.000000000Z",
            "last": "2024-05-01T12:00:05.000000000Z",
            "duration": 4.0,
            "src": "10.0.1.2", "src_port": 40_001, "dst": "192.168.0.2", "dst_port": 53, "proto": "udp",
            "bytes": 3, "packets": 1, "reason": "none", "community_id": f"1:{1:027}=",
            "version": 0, "vlan": 1,
            "domain": 0, "src_packets": 1, "dst_packets": 0, "src_bytes": 1, "dst_bytes": 2,
            "src_payload": 0, "dst_payload": 0, "first_flags": 0, "src_flags": 0, "dst_flags": 0,
            "icmp_type": 0, "icmp_code": 0, "offset": 0, "frame": 0, "sampling": 0,
            "src_head": "474554202f000000", "dst_head": "0000000000000000",
            "session": "5e55", "lane": "live", "path": "/captures/scan.pcap",
        }
    ]  # fmt: skip
    assert page.after is not None
    json.dumps(page.flows)


@pytest.mark.parametrize("statistics", [False, True])
def test_files_from_before_sampling_was_kept_are_read(
    flows: FlowArchive, make_flows: Make, make_session: Make, statistics: bool
) -> None:
    flows.write(*make_flows(rows_of(4)), make_session(), 0)
    (path,) = flows.folder.rglob("*.parquet")
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns(["sampling"]), path)
    sampled = [row | {"sampling": (0, 1000)[i % 2]} for i, row in enumerate(rows_of(4, start=100))]
    flows.write(*make_flows(sampled), make_session(), 1)

    def found(where: str) -> dict[str, int]:
        page = flows.query(parse(where, FLOWS), statistics=statistics)
        return {row["flow_id"]: row["sampling"] for row in page.flows}

    new = {f"{101 + i:016x}": (0, 1000)[i % 2] for i in range(4)}
    assert found("") == {f"{1 + i:016x}": 0 for i in range(4)} | new
    assert found("sampling>1") == {flow: rate for flow, rate in new.items() if rate}
    assert len(found("sampling:0")) == 6


def test_only_flows_that_ended_are_kept(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    reports, closed, ids = make_flows(rows_of(2))
    opened = np.zeros(3, FLOW)
    opened["kind"] = OPEN
    mixed = np.concatenate([opened[:1], reports[:1], opened[1:], reports[1:]])
    assert flows.write(mixed, closed, ids, make_session(), 0) == 2
    assert {row["flow_id"] for row in flows.query().flows} == {"0000000000000001", "0000000000000002"}
    assert flows.write(opened, closed[:0], ids[:0], make_session(), 0) == 0


@pytest.mark.parametrize("fault", ["reports", "closed", "ids"])
def test_what_does_not_align_is_refused(
    flows: FlowArchive, make_flows: Make, make_session: Make, fault: str
) -> None:
    given = dict(zip(("reports", "closed", "ids"), make_flows(rows_of(2)), strict=True))
    for rest in (slice(1, None), slice(0, 0)):
        cut = given | {fault: given[fault][rest]}
        with pytest.raises(ValueError, match="flows ended"):
            flows.write(*cut.values(), make_session(), 0)


def test_statistics_on_demand(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    flows.write(*make_flows(rows_of(1)), make_session(), 0)
    (row,) = flows.query(statistics=True).flows
    assert row["both_size_mean"] == 60.5
    assert row["src_mac"] == "02:00:00:00:00:01"
    assert "both_size_mean" not in flows.query().flows[0]


def test_a_part_written_again_replaces_itself(
    flows: FlowArchive, make_flows: Make, make_session: Make
) -> None:
    for _ in range(2):
        flows.write(*make_flows(rows_of(10)), make_session(), 4)
        (path,) = flows.folder.rglob("*.*")
    before = path.read_bytes()
    flows.write(*make_flows(rows_of(10)), make_session(), 4)
    assert path.read_bytes() == before
    assert len(flows.query().flows) == 10
    assert flows.write(*make_flows([]), make_session(), 4) == 0
    assert flows.count_files() == 0


@pytest.mark.parametrize("limit", [1, 13, 200, 5000])
def test_pages_join_to_everything_newest_first(
    flows: FlowArchive, make_flows: Make, make_session: Make, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "GROUP_ROWS", 16)
    rows = rows_of(200)
    for part in range(5):
        session = make_session(f"s{part % 2}", received_at=BASE + part * times.DAY)
        flows.write(*make_flows(rows[part * 40 : part * 40 + 40]), session, part)
    found = (
        list(all_pages(flows, limit))
        if limit > 1
        else list(all_pages(flows, limit, since=BASE + 380 * times.SECOND))
    )
    wanted = sorted(rows, key=lambda r: (r["last"], r["flow_id"]), reverse=True)
    if limit == 1:
        wanted = [r for r in wanted if r["last"] >= BASE + 380 * times.SECOND]
    assert [int(f["flow_id"], 16) for f in found] == [r["flow_id"] for r in wanted]


def test_flows_alike_in_two_sessions_both_page(
    flows: FlowArchive, make_flows: Make, make_session: Make
) -> None:
    for name in ("a", "b", "c"):
        flows.write(*make_flows(rows_of(4)), make_session(name), 0)
    found = list(all_pages(flows, 2))
    assert len({(f["session"], f["flow_id"]) for f in found}) == len(found) == 12


def test_since_and_until(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    rows = rows_of(100)
    flows.write(*make_flows(rows), make_session(), 0)
    since, until = BASE + 120 * times.SECOND, BASE + 30 * times.SECOND
    found = flows.query(since=since, until=until).flows
    assert {int(f["flow_id"], 16) for f in found} == {
        r["flow_id"] for r in rows if r["last"] >= since and r["first"] < until
    }
    assert flows.query(since=1 << 80).flows == []


@pytest.mark.parametrize(
    ("text", "accepts"),
    [
        ("", lambda r: True),
        ("src:10.0.1.0/24", lambda r: r["src"].startswith("10.0.1.")),
        ("dst:2001:db8::/32", lambda r: r["dst"] == "2001:db8::5"),
        ("NOT dst:192.168.*", lambda r: r["dst"] == "2001:db8::5"),
        ("10.0.2.3", lambda r: r["src"] == "10.0.2.3"),
        ("ip:::/0", lambda r: True),
        ("dport:22 proto:tcp", lambda r: r["dst_port"] == 22 and r["proto"] == 6),
        ("proto:TCP OR dport:53", lambda r: r["proto"] == 6 or r["dst_port"] == 53),
        ("proto!=udp", lambda r: r["proto"] != 17),
        ("proto:*d*", lambda r: r["proto"] == 17),
        ("bytes>=150 bytes<300", lambda r: 150 <= 3 * r["src_bytes"] < 300),
        ("port:443", lambda r: r["dst_port"] == 443),
        ("port>65536", lambda r: False),
        ("port<65536", lambda r: True),
        ("port!=-1", lambda r: True),
        ("port:22.5", lambda r: False),
        ("duration>100", lambda r: r["last"] - r["first"] > 100 * times.SECOND),
        ("duration<=100.5", lambda r: r["last"] - r["first"] <= 100.5 * times.SECOND),
        ("flow:0000000000000007", lambda r: r["flow_id"] == 7),
        ("flow:7", lambda r: r["flow_id"] == 7),
        ("flow:*07", lambda r: r["flow_id"] == 7),
        ("flow:zebra", lambda r: False),
        ('community:"1:000000000000000000000000009="', lambda r: r["flow_id"] == 10),
        ('community:"1:comm9="', lambda r: False),
        ("community:*000009*", lambda r: r["flow_id"] == 10 or 91 <= r["flow_id"] <= 100),
        ("session:5E55 lane:live path:*.pcap", lambda r: True),
        ("session:other", lambda r: False),
        ("session:*", lambda r: True),
        ("first>=2024-05-01T12:01", lambda r: r["first"] >= BASE + times.MINUTE),
        ("first:2024-05-01T12:00", lambda r: r["first"] < BASE + times.MINUTE),
        ("last<2024-05-01T12:02 OR last>2030-01-01", lambda r: r["last"] < BASE + 2 * times.MINUTE),
        ("last<=2024-05-01T12:02 time>2024-04-30", lambda r: r["last"] < BASE + 3 * times.MINUTE),
        ("vlan:1 reason:none domain:0", lambda r: r["vlan"] == 1),
    ],
)  # fmt: skip
def test_queries(
    flows: FlowArchive,
    make_flows: Make,
    make_session: Make,
    text: str,
    accepts: Callable[[dict[str, Any]], bool],
) -> None:
    rows = rows_of(100)
    flows.write(*make_flows(rows), make_session(), 0)
    found = flows.query(parse(text, FLOWS)).flows
    assert {int(f["flow_id"], 16) for f in found} == {r["flow_id"] for r in rows if accepts(r)}


def test_lanes_are_apart(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    flows.write(*make_flows(rows_of(2)), make_session(lane="live"), 0)
    flows.write(*make_flows(rows_of(3)), make_session(lane="drill"), 0)
    assert len(flows.query(lane="drill").flows) == 3
    assert len(flows.query(parse("lane:live", FLOWS)).flows) == 2


def test_truncate_takes_back_what_a_checkpoint_does_not_know(
    flows: FlowArchive, make_flows: Make, make_session: Make
) -> None:
    for part in range(4):
        flows.write(*make_flows(rows_of(2, part * 10)), make_session("a"), part)
    flows.write(*make_flows(rows_of(2)), make_session("b"), 3)
    assert flows.truncate("a", 2) == 2
    assert flows.count_files() == 3
    assert flows.delete_session("a") == 2
    assert {f["session"] for f in flows.query().flows} == {"b"}


def test_retention_and_budget(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    for day in range(10):
        flows.write(*make_flows(rows_of(5)), make_session(received_at=(20_000 + day) * times.DAY), day)
    gone = flows.retain(7, 20_010 * times.DAY)
    assert len(gone) == 3
    assert "2024-10-04" in gone[0]
    assert not (flows.folder / "live" / "2024-10-04").exists()
    usage = flows.usage()
    assert flows.shrink(usage) == []
    (oldest,) = flows.shrink(usage - 1)
    assert "2024-10-07" in oldest
    assert len(flows.shrink(0)) == 6
    assert flows.usage() == flows.count_files() == 0


def test_a_damaged_file_is_named(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    flows.write(*make_flows(rows_of(5)), make_session(), 0)
    (path,) = flows.folder.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"5e55-000000000000\.parquet: cannot be read .*move it aside"):
        flows.query()


def test_bad_use_is_refused(flows: FlowArchive, make_flows: Make, make_session: Make, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="earlier page"):
        flows.query(after="1_2_3")
    with pytest.raises(StoreError, match="at least one"):
        flows.query(limit=0)
    with pytest.raises(StoreError, match="no name"):
        flows.write(*make_flows(rows_of(1)), make_session("../x"), 0)
    with pytest.raises(StoreError, match="reading only"):
        FlowArchive(tmp_path, read_only=True).write(*make_flows(rows_of(1)), make_session(), 0)


def test_the_window_bounds_memory(flows: FlowArchive, make_session: Make) -> None:
    count = 60_000
    for part in range(4):
        reports, closed = np.zeros(count, FLOW), np.zeros(count, CLOSED)
        reports["kind"] = END
        reports["flow_id"] = closed["flow_id"] = np.arange(count) + part * count + 1
        reports["last"] = np.arange(count) * 1000 + part
        reports["src_lo"] = np.arange(count) | 0xFFFF_0000_0000
        flows.write(reports, closed, np.full(count, b"1:x"), make_session(), part)
    pool = pa.default_memory_pool()
    tracemalloc.start()
    before = pool.bytes_allocated()
    page = flows.query(limit=10)
    assert [f["last"][-7:-1] for f in page.flows[:4]] == ["999003", "999002", "999001", "999000"]
    held = pool.bytes_allocated() - before
    tracemalloc.stop()
    assert held < 1 << 20


def test_files_are_plain_parquet(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    flows.write(*make_flows(rows_of(5)), make_session(), 0)
    (path,) = flows.folder.rglob("*.parquet")
    file = pq.ParquetFile(path)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.schema_arrow.metadata[b"path"] == b"/captures/scan.pcap"
    file.close()


WRITER = """
import sys
from pathlib import Path
import numpy as np
from alerts.archive import FlowArchive
from citywall.batches import CLOSED, END, FLOW, OPEN
from citywall.sessions import Session
flows = FlowArchive(Path(sys.argv[1]))
session = Session("5e55", "capture", "/x.pcap", 1, "live", 0)
for part in range(10_000):
    reports, closed = np.zeros(500, FLOW), np.zeros(500, CLOSED)
    reports["kind"] = END
    reports["flow_id"] = closed["flow_id"] = np.arange(500) + 500 * part
    flows.write(reports, closed, np.full(500, b"1:x"), session, part)
    print(part, flush=True)
"""


def test_a_killed_writer_leaves_whole_files(flows: FlowArchive, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(random.Random(3).random() * 0.2)
    assert flows.query(limit=5).flows  # read while it writes
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    last = 0
    for line in writer.stdout:
        last = int(line)
    writer.stdout.close()
    found = len(list(all_pages(flows, 5000)))
    assert found % 500 == 0
    assert found >= 500 * (last + 1)
    flows.clean()
    assert not list(flows.folder.rglob("*.tmp"))


def test_clean_removes_what_was_left(flows: FlowArchive, make_flows: Make, make_session: Make) -> None:
    flows.write(*make_flows(rows_of(1)), make_session(), 0)
    (path,) = flows.folder.rglob("*.parquet")
    path.with_suffix(".tmp").write_bytes(b"half")
    assert flows.clean() == 1
    assert flows.count_files() == 1
