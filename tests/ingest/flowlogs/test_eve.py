"""Suricata's EVE: flows of both kinds, what is counted, what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from citywall.batches import SYN
from ingest.flowlogs.eve import Eve
from ingest.flowlogs.lines import split

FLOW = {
    "timestamp": "2021-06-06T15:57:37.272281+0200", "event_type": "flow", "src_ip": "10.0.0.1",
    "src_port": 4000, "dest_ip": "10.0.0.2", "dest_port": 445, "proto": "TCP", "vlan": [100],
    "flow": {"pkts_toserver": 2, "pkts_toclient": 1, "bytes_toserver": 1320, "bytes_toclient": 60,
             "start": "2021-06-06T15:57:30.000000+0200", "end": "2021-06-06T15:57:31.500000+0200", "age": 1},
    "tcp": {"tcp_flags": "16", "tcp_flags_ts": "1b", "tcp_flags_tc": "14", "rst": True},
}  # fmt: skip


def parse(*events: object):
    text = "".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events)
    assert Eve().sniff(text.encode()) or not events
    return Eve().parse(split(text.encode(), 1), "")


def test_a_flow():
    parsed = parse(FLOW)
    log = parsed.logged
    assert parsed.errors.counts == {}
    assert (log.src_port[0], log.dst_port[0], log.proto[0], log.vlan[0]) == (4000, 445, 6, 100)
    assert (log.src_packets[0], log.dst_packets[0], log.src_bytes[0], log.dst_bytes[0]) == (2, 1, 1320, 60)
    assert (log.src_flags[0], log.dst_flags[0], log.first_flags[0]) == (0x1B, 0x14, SYN)
    assert (log.first[0], log.duration[0]) == (1_622_987_850_000_000_000, 1_500_000_000)
    assert log.src_payload[0] == 1320 - 2 * (20 + 32 + 14)
    assert not parsed.oneway.any()


def test_a_direction_by_itself():
    one = FLOW | {"event_type": "netflow", "flow": None, "proto": "ICMP", "icmp_type": 8, "icmp_code": 0}
    one["netflow"] = {"pkts": 3, "bytes": 300, "start": FLOW["flow"]["start"], "end": FLOW["flow"]["end"]}
    parsed = parse(one)
    assert parsed.oneway.tolist() == [True]
    assert (parsed.logged.src_packets[0], parsed.logged.icmp_type[0], parsed.logged.src_port[0]) == (3, 8, 0)


def test_other_events_are_counted_and_broken_lines_named():
    parsed = parse(
        FLOW, {"timestamp": "x", "event_type": "alert"}, {"event_type": "dns"}, {"event_type": "made-up"},
        "{", {"timestamp": "x"}, FLOW | {"src_ip": "nobody"}, FLOW | {"flow": {"start": "x"}},
        FLOW | {"flow": 3},
    )  # fmt: skip
    assert parsed.others == {"eve_alert": 1, "eve_dns": 1, "eve_other": 1}
    assert parsed.errors.counts == {
        "not_json": 2, "missing_field": 1, "bad_address": 1, "bad_time": 1,
    }  # fmt: skip
    assert len(parsed.logged.line) == 1


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_real_log_is_read_completely(shared_data, parse_file, cut):
    path = shared_data / "captures/eve/slips-test6-part-dev.json"
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    flows = [e for e in events if e["event_type"] == "flow"]
    batch = parse_file(path, cut * 50_000)
    assert batch.errors.counts == {}
    assert len(batch.reports) == len(flows)
    assert batch.reports["src_port"].tolist() == [e.get("src_port", 0) for e in flows]
    assert batch.reports["src_packets"].sum() == sum(e["flow"]["pkts_toserver"] for e in flows)
    assert np.count_nonzero(batch.reports["src_flags"]) > 0
