"""Whole batches in kernels against one record after another in Python; state across datagrams."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from ingest.collectors import decoder as module
from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.records import Record, Records
from tests.exporters import PLAIN, content, five, flow, nine, options, template, ten

ROOT = Path(__file__).parents[4] / "shared/data/captures/netflow"
FILES = sorted(ROOT.glob("*/*.dat"))
RECORD = flow("10.0.0.1", "10.0.0.2", 1000, 80)


def decode(*raw: bytes, decoder: Decoder | None = None):
    return (decoder or Decoder()).decode(bare(raw))


def flows_of(raws: list[bytes]) -> list[Record]:
    slow = Records()
    return [r for raw in raws for r in slow.read(raw) if not r.option]


def words(record: Record) -> tuple[int, ...] | None:
    """The key of a flow record as the columns have it, None where it is none."""
    fields = record.fields
    src = fields.get("sourceIPv4Address") or fields.get("sourceIPv6Address")
    dst = fields.get("destinationIPv4Address") or fields.get("destinationIPv6Address")
    if src is None or dst is None:
        return None
    for name in ("source", "destination"):
        six = fields.get(f"{name}IPv6Address")
        if six and int(ipaddress.ip_address(six)) and f"{name}IPv4Address" in fields:
            src, dst = (six, dst) if name == "source" else (src, six)
    ports = [fields.get(f"{side}TransportPort", 0) for side in ("source", "destination")]
    return (*to_words(src), *to_words(dst), *ports, fields.get("protocolIdentifier", 0))


@pytest.mark.skipif(not FILES, reason="the shared captures are not here")
def test_real_exports_give_the_same_flows_either_way():
    raws = [path.read_bytes() for path in FILES]
    # Each folder is an exporter of its own to the slow reader, and so a decoder of its own here.
    for folder in sorted({path.parent for path in FILES}):
        ours = [raw for path, raw in zip(FILES, raws, strict=True) if path.parent == folder]
        ours = ours + ours  # templates that come after their data have come by now
        wanted = [words(r) for r in flows_of(ours)]
        got = decode(*ours).records
        whole = [w for w in wanted if w and family(w[:2]) == family(w[2:4])]
        assert got[KEY].tolist() == [quiet(w) for w in whole], folder.name


COUNTS = ["src_lo", "dst_lo", "src_port", "dst_port", "src_packets", "src_bytes", "first", "last", "source"]
KEY = ["src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "proto"]


def family(pair: tuple[int, ...]) -> bool:
    return pair[0] == 0 and pair[1] >> 32 == 0xFFFF


def quiet(key: tuple[int, ...]) -> tuple[int, ...]:
    """ICMP has no ports."""
    return (*key[:4], 0, 0, key[6]) if key[6] in {1, 58} else key


FIELDS = st.lists(
    st.sampled_from([(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 8), (82, 65535), (56, 6)]),
    min_size=1, max_size=12, unique_by=lambda field: field[0],
)  # fmt: skip


@settings(max_examples=40)
@given(FIELDS, st.binary(max_size=200), st.booleans(), st.integers(0, 3))
def test_any_layout_over_any_bytes_reads_alike(fields, body, ipfix, cut):
    version = 10 if ipfix else 9
    if not ipfix:
        fields = [(number, 4 if length == 65535 else length) for number, length in fields]
    make = ten if ipfix else nine
    raws = [make(template(256, fields, version)), make(content(256, body))]
    raws[1] = raws[1][: len(raws[1]) - cut] if not ipfix else raws[1]
    out = decode(*raws)
    slow = Records()
    records = [r for raw in raws for r in slow.read(raw)]
    assert out.heads["records"].sum() == len(records)
    got = out.records
    if {8, 12} <= {number for number, _ in fields}:
        assert len(got) == len(records)
        for row, record in zip(got, records, strict=True):
            size, packets = (record.fields.get(name, 0) for name in ("octetDeltaCount", "packetDeltaCount"))
            assert row["proto"] == record.fields.get("protocolIdentifier", 0)
            assert row["src_bytes"] == size
            assert row["src_packets"] == (packets or min(size, 1))
    else:
        assert len(got) == 0
        slow.errors |= {"not_ip": len(records)} if records else {}
    assert out.errors.counts == slow.errors


VARIABLE = [(8, 4), (12, 4), (82, 65535)]
TOLD = options(258, [(1, 4)], [(34, 4)])


@settings(max_examples=40)
@given(st.data())
def test_mutated_exports_never_fail(data):
    good = [
        ten(template(256, VARIABLE, 10), content(256, RECORD[:8] + b"\3abc" + RECORD[:8] + b"\0")),
        nine(template(257, PLAIN), content(257, RECORD * 3), TOLD, content(258, bytes(8))),
        five(RECORD, RECORD),
    ]  # fmt: skip
    raws = []
    for raw in good:
        spoiled = bytearray(raw)
        for _ in range(data.draw(st.integers(0, 4))):
            spoiled[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        raws.append(bytes(spoiled[: data.draw(st.integers(0, len(raw)))]))
    out = decode(*raws)
    assert len(out.heads) == 3
    assert (out.records["arrived"] < 3).all()


def test_templates_are_of_one_exporter_and_domain():
    learned = nine(template(256, PLAIN), domain=1)
    data = nine(content(256, RECORD), domain=1)
    other = nine(content(256, RECORD), domain=2)
    out = decode(learned, data, other)
    assert len(out.records) == 1
    assert out.errors.counts == {"template_missing": 1}
    assert out.errors.places == {"template_missing": [3]}


def test_templates_may_change_late_and_within_a_batch():
    half = [(8, 4), (12, 4)]
    raws = [
        nine(content(256, RECORD)), nine(template(256, PLAIN)), nine(content(256, RECORD)),
        nine(template(256, half)), nine(content(256, RECORD[:8] * 2)),
        nine(template(256, PLAIN), content(256, RECORD)),
    ]  # fmt: skip
    whole = decode(*raws)
    assert whole.heads["records"].tolist() == [0, 0, 1, 0, 2, 1]
    decoder = Decoder()
    parts = [decode(raw, decoder=decoder) for raw in raws]
    assert np.concatenate([p.records for p in parts])[COUNTS].tolist() == whole.records[COUNTS].tolist()


def test_a_withdrawn_template_is_gone():
    gone = content(2, struct.pack(">HH", 256, 0))
    out = decode(ten(template(256, PLAIN, 10)), ten(gone), ten(content(256, RECORD)))
    assert len(out.records) == 0
    assert out.errors.counts == {"template_missing": 1}


def test_sampling_told_in_options_is_undone_from_there_on():
    said = options(300, [(1, 4)], [(48, 1), (50, 4)])
    rate = content(300, struct.pack(">IBI", 0, 1, 100) + bytes(3))
    raws = [
        nine(template(256, PLAIN), said),
        nine(content(256, RECORD)),
        nine(rate),
        nine(content(256, RECORD)),
    ]
    rows = decode(*raws).records
    assert rows["src_packets"].tolist() == [3, 300]
    assert rows["src_bytes"].tolist() == [300, 30_000]
    rows = decode(five(RECORD, sampling=1 << 14 | 50)).records
    assert rows["src_packets"][0] == 150


def test_times_by_uptime_also_across_its_wrap():
    row = decode(five(flow("10.0.0.1", "10.0.0.2", 1, 2, first=2000, last=3000))).records[0]
    assert row["first"] == 1_700_000_000_000_000_000 - 3_000_000_000
    assert row["last"] == 1_700_000_000_000_000_000 - 2_000_000_000
    before = flow("10.0.0.1", "10.0.0.2", 1, 2, first=(1 << 32) - 1000, last=1000)
    row = decode(five(before)).records[0]
    assert row["first"] == 1_700_000_000_000_000_000 - 6_000_000_000


def test_what_is_missing_is_counted_by_sequence():
    learn = nine(template(256, PLAIN), sequence=10)
    out = decode(learn, nine(sequence=11), nine(sequence=15), nine(sequence=16))
    assert out.notes["exports_lost"] == 3
    records = [five(RECORD, RECORD, sequence=n) for n in (100, 102, 109)]
    assert decode(*records).notes["exports_lost"] == 5
    begun_again = [ten(sequence=n) for n in (50_000_000, 0)]
    assert decode(*begun_again).notes == {
        "exports_lost": 0,
        "exports_out_of_order": 0,
        "exporter_restarts": 1,
    }
    swapped = [nine(sequence=n) for n in (5000, 5002, 5001, 5003)]
    assert decode(*swapped).notes["exports_out_of_order"] == 1


def test_state_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_SOURCES", 3)
    out = decode(*(nine(template(256, PLAIN), content(256, RECORD), domain=n) for n in range(5)))
    assert out.errors.counts == {"too_many_exporters": 2}
    assert len(out.records) == 3
    monkeypatch.setattr(module, "MAX_TEMPLATES", 2)
    out = decode(*(nine(template(256 + n, PLAIN)) for n in range(4)))
    assert out.errors.counts == {"too_many_templates": 2}


@pytest.mark.parametrize("at", [1, 3])
def test_a_snapshot_changes_nothing(at):
    raws = [
        nine(template(256, PLAIN), options(300, [(1, 4)], [(34, 4)]), sequence=1),
        nine(content(300, struct.pack(">II", 0, 10)), sequence=2),
        ten(template(256, PLAIN, 10), sequence=5), nine(content(256, RECORD), sequence=4),
        ten(content(256, RECORD), sequence=9),
    ]  # fmt: skip
    whole = decode(*raws)
    first, second = Decoder(), Decoder()
    parts = [decode(*raws[:at], decoder=first)]
    second.restore(first.snapshot())
    parts.append(decode(*raws[at:], decoder=second))
    rows = np.concatenate([part.records for part in parts])
    assert rows[COUNTS].tolist() == whole.records[COUNTS].tolist()
    assert sum(part.notes["exports_lost"] for part in parts) == whole.notes["exports_lost"] == 5


def test_templates_told_again_change_nothing_however_many_there_are(monkeypatch):
    learned = []
    learn = Decoder._learn
    monkeypatch.setattr(
        Decoder, "_learn", lambda self, work, one, source: learned.append(1) or learn(self, work, one, source)
    )
    several = [nine(template(256 + i, PLAIN), template(300 + i, PLAIN)) for i in range(3)]
    decoder = Decoder()
    for _ in range(4):
        out = decoder.decode(bare([*several, nine(content(301, RECORD))]))
        assert len(out.records) == 1
    assert len(learned) < 2 * 6 + 1  # each set is new once, and once more where the next changed something
    before = len(learned)
    decoder.decode(bare(several * 3))
    assert len(learned) == before


def test_samplers_of_many_exporters_are_each_others_not():
    sampled = [*PLAIN, (48, 1)]
    told, asked = [], []
    for domain in range(20):
        samplers = [(1, domain + 2), (2, 100 + domain), (3, 1000 + domain)][: 1 + domain % 3]
        raw = b"".join(struct.pack(">IBI", 0, *one) for one in samplers)
        said = options(300, [(1, 4)], [(48, 1), (34, 4)])
        told.append(nine(template(256, sampled), said, content(300, raw), domain=domain))
        asked += [nine(content(256, RECORD + bytes([one])), domain=domain) for one, _ in samplers]
    decoder = Decoder()
    decoder.decode(bare(told))
    rows = decoder.decode(bare(asked)).records
    wanted = [rate for n in range(20) for rate in [n + 2, 100 + n, 1000 + n][: 1 + n % 3]]
    assert (rows["src_packets"] // 3).tolist() == wanted
