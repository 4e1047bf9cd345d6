"""Closed flows against nfstream's, on the captures that both can read.

nfstream counts IP bytes (accounting_mode=1) with the same timeouts. What it does otherwise is listed in
`DIFFERENCES`, by capture: the flows that only one of the two has, and why. Everything else must be equal:
who talked to whom, first and last packet (to the millisecond, which is all that nfstream keeps), packets,
bytes, packet-size statistics and the packets by TCP flag, in both directions.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citywall.addresses import to_text
from citywall.batches import END
from citywall.domains import Domains, DomainSettings
from citywall.fragmentsettings import FragmentSettings
from citywall.settings import CaptureSettings, MeterSettings
from ingest.capture import decode_block, open_capture
from ingest.fragments.assembler import Assembler
from ingest.meter import FlowMeter

HERE = Path(__file__).resolve()
FOLDER = HERE.parents[4] / "shared" / "data" / "captures" / "pcap"
CAPTURES = sorted(
    str(path.relative_to(FOLDER))
    for suffix in ("pcap", "pcapng")
    for path in FOLDER.rglob(f"*.{suffix}")
    if path.is_file()
)
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
SLOW = {"dos/pkt.TCP.synflood.spoofed.pcap"}  # nfstream needs half a minute for its flows

#: Capture: (why, flows only here, flows only there), each flow as (source, target, protocol, packets sent,
#: packets received).
DIFFERENCES: dict[str, tuple[str, set[Any], set[Any]]] = {
    "dos/amp.TCP.reflection.SYNACK.pcap": (
        "nfstream drops later fragments of a datagram; here they count to the flow of the first one",
        {("113.9.163.216", "10.10.10.10", 17, 2, 0)},
        {("113.9.163.216", "10.10.10.10", 17, 1, 0)},
    ),
    "evasion/frag-1.pcap": (
        "three later fragments of IPv6 datagrams, which nfstream drops",
        {("2001:db8:1::2", "2001:db8:1::1", 58, 6, 2)},
        {("2001:db8:1::2", "2001:db8:1::1", 58, 3, 2)},
    ),
    "benign/Teredo.pcap": (
        "what travels in a Teredo tunnel is metered as what it is; nfstream sees UDP to port 3544",
        {
            ("2001:0:4137:9e50:8000:f12a:b9c8:2815", "2001:4860:0:2001::68", 58, 1, 0),
            ("fe80::708d:fe83:4114:a512", "2001:0:4137:9e50:8000:f12a:b9c8:2815", 59, 1, 0),
            ("fe80::8000:f227:bec8:61af", "fe80::8000:ffff:ffff:fffd", 58, 1, 0),
            ("fe80::8000:ffff:ffff:fffd", "ff02::2", 58, 1, 0),
        },
        {("192.168.2.16", "65.55.158.80", 17, 2, 1), ("65.55.158.81", "192.168.2.16", 17, 1, 0)},
    ),
    "dos/denial6-5.pcap": (
        "an authentication header is an extension header of IPv6 (RFC 4302), so this is one flow of ICMPv6",
        {("2001:db8:1::1", "2001:db8:1::2", 58, 16, 35690)},
        {("2001:db8:1::1", "2001:db8:1::2", 58, 16, 0), ("2001:db8:1::2", "2001:db8:1::1", 51, 35690, 0)},
    ),
}


Flows = dict[tuple[Any, ...], list[tuple[float, ...]]]  # what must be equal: what must be nearly so


def ours(path: Path) -> Flows:
    """Every closed flow: what it is, and the means and deviations of its packet sizes."""
    settings = CaptureSettings()
    meter = FlowMeter(MeterSettings(), Domains(DomainSettings()))
    fragments = Assembler(FragmentSettings())
    found: Flows = {}

    def take(reports: Any, closed: Any) -> None:
        ends = reports[reports["kind"] == END]
        assert (ends["flow_id"] == closed["flow_id"]).all()
        for end, stats in zip(as_dicts(ends), as_dicts(closed), strict=True):
            spreads = [
                stats[f"{side}_size_{what}"] for side in ("both", "src", "dst") for what in ("mean", "std")
            ]
            found.setdefault(describe(end, stats), []).append(tuple(spreads))

    with open_capture(path) as capture:
        for block in capture.blocks(settings.block_bytes):
            frame = block.first_frame
            for rows in decode_block(block, capture.buffer, settings.batch_packets):
                made = fragments.add(rows, frame, capture.buffer)
                for batch in meter.stream(made.rows, frame, capture.buffer, frames=made.frames):
                    take(batch.reports, batch.closed)
                frame += len(rows)
    left = fragments.end(meter.watermark)
    for batch in meter.stream(left.rows, 0, np.zeros(0, np.uint8), frames=left.frames):
        take(batch.reports, batch.closed)
    for batch in meter.drain():
        take(batch.reports, batch.closed)
    return found


def as_dicts(rows: Any) -> list[dict[str, Any]]:
    return [dict(zip(rows.dtype.names, row, strict=True)) for row in rows.tolist()]


def describe(end: dict[str, Any], stats: dict[str, Any]) -> tuple[Any, ...]:
    def side(name: str) -> tuple[Any, ...]:
        times = (stats[f"{name}_first"] // 10**6, stats[f"{name}_last"] // 10**6)
        return (
            end[f"{name}_packets"], end[f"{name}_bytes"], times, sizes(stats, f"{name}_size_", ""),
            tuple(stats[f"{name}_{flag}"] for flag in FLAGS),
        )  # fmt: skip

    return (
        (to_text(end["src_hi"], end["src_lo"]), to_text(end["dst_hi"], end["dst_lo"]), end["proto"],
         end["src_packets"], end["dst_packets"]),
        end["src_port"], end["dst_port"], end["vlan"] & 0xFFF, end["first"] // 10**6, end["last"] // 10**6,
        sizes(stats, "both_size_", ""), side("src"), side("dst"),
    )  # fmt: skip


def sizes(stats: dict[str, Any], before: str, after: str) -> tuple[int, int]:
    """The smallest and the largest packet."""
    return int(stats[f"{before}min{after}"]), int(stats[f"{before}max{after}"])


def count(flows: Flows) -> Counter[tuple[Any, ...]]:
    return Counter({flow: len(spreads) for flow, spreads in flows.items()})


def theirs(path: Path, nfstream: Any) -> Flows:
    """nfstream's flows in the same form."""
    found: Flows = {}
    streamer = nfstream.NFStreamer(
        source=str(path), accounting_mode=1, statistical_analysis=True, idle_timeout=120, active_timeout=1800,
        n_dissections=0, n_meters=1,
    )  # fmt: skip
    for flow in streamer:
        f = {name: getattr(flow, name) for name in flow.keys()}  # noqa: SIM118 (not a dict)

        def side(name: str, f: dict[str, Any] = f) -> tuple[Any, ...]:
            return (
                f[f"{name}_packets"], f[f"{name}_bytes"],
                (f[f"{name}_first_seen_ms"], f[f"{name}_last_seen_ms"]), sizes(f, f"{name}_", "_ps"),
                tuple(f[f"{name}_{flag}_packets"] for flag in FLAGS),
            )  # fmt: skip

        key = (f["src_ip"], f["dst_ip"], f["protocol"], f["src2dst_packets"], f["dst2src_packets"])
        what = (
            key, f["src_port"], f["dst_port"], f["vlan_id"], f["bidirectional_first_seen_ms"],
            f["bidirectional_last_seen_ms"], sizes(f, "bidirectional_", "_ps"),
            side("src2dst"), side("dst2src"),
        )  # fmt: skip
        ways = ("bidirectional", "src2dst", "dst2src")
        spreads = tuple(f[f"{way}_{stat}_ps"] for way in ways for stat in ("mean", "stddev"))
        found.setdefault(what, []).append(spreads)
    return found


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CAPTURES or [""]]
)
def test_equal_to_nfstream(name: str, shared_data: Path) -> None:
    nfstream = pytest.importorskip("nfstream", reason="nfstream is not installed")
    if not name:
        pytest.skip(f"no captures in {shared_data}")
    here, there = ours(FOLDER / name), theirs(FOLDER / name, nfstream)
    assert here
    _, only_here, only_there = DIFFERENCES.get(name, ("", set(), set()))
    assert {flow[0] for flow in count(here) - count(there)} == only_here
    assert {flow[0] for flow in count(there) - count(here)} == only_there
    for flow in here.keys() & there.keys():
        assert np.allclose(sorted(here[flow]), sorted(there[flow]), rtol=1e-9, atol=1e-9), flow


def test_differences_name_captures(shared_data: Path) -> None:
    assert set(DIFFERENCES) <= set(CAPTURES), shared_data


def test_every_packet_is_in_a_flow(shared_data: Path) -> None:
    """Sums over the flows of all captures are the sums over their rows."""
    for name in CAPTURES[::4]:
        packets = octets = 0
        with open_capture(shared_data / "captures" / "pcap" / name) as capture:
            for block in capture.blocks(1 << 20):
                for rows in decode_block(block, capture.buffer, 4096):
                    counted = rows["status"] >= 3
                    packets += int(counted.sum())
                    octets += int(rows["ip_bytes"][counted].astype(np.int64).sum())
        flows = ours(shared_data / "captures" / "pcap" / name)
        assert sum(n * (flow[0][3] + flow[0][4]) for flow, n in count(flows).items()) == packets
        assert sum(n * (flow[-2][1] + flow[-1][1]) for flow, n in count(flows).items()) == octets
