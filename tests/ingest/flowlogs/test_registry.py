"""Sniffing, and one conformance suite over every format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import CLOSED, END, END_LOGGED, EVENT, FLOW
from citywall.errors import InputError
from ingest.flowlogs.files import read_chunk
from ingest.flowlogs.registry import PARSERS, chunks, parse, sniff

SAMPLES = {
    "zeek-tsv": "#separator \\x09\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n"
    "1.5\t10.0.0.1\t4000\tfd00::1\t22\ttcp\tS0\n1.5\t10.0.0.1\t4000\t10.0.0.2\t22\ttcp\tS0\n"
    "2.5\tfd00::2\t-\tfd00::1\t53\tudp\t-\n",
    "zeek-json": '{"ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":22,'
    '"proto":"tcp","conn_state":"S0"}\n'
    '{"ts":2.5,"id.orig_h":"fd00::2","id.resp_h":"fd00::1","id.resp_p":53,"proto":"udp"}\n',
    "binetflow": "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,TotPkts,TotBytes,SrcBytes\n"
    "1970/01/01 00:00:01.5,0.1,tcp,10.0.0.1,4000,->,10.0.0.2,22,S_,1,60,60\n"
    "1970/01/01 00:00:02.5,0.1,udp,fd00::2,5,<->,fd00::1,53,CON,2,160,60\n"
    "1970/01/01 00:00:02.6,0.1,arp,10.0.0.1,,who,10.0.0.2,,INT,1,60,60\n",
    "eve": '{"timestamp":"1970-01-01T00:00:03","event_type":"flow","src_ip":"10.0.0.1","src_port":4000,'
    '"dest_ip":"10.0.0.2","dest_port":22,"proto":"TCP","flow":{"pkts_toserver":1,"start":"1970-01-01T00:00:01.5"}}\n'
    '{"timestamp":"1970-01-01T00:00:03","event_type":"flow","src_ip":"fd00::2","dest_ip":"fd00::1",'
    '"dest_port":53,"proto":"UDP","flow":{"start":"1970-01-01T00:00:02.5"}}\n',
    "vpc": "2 123456789010 eni-1 10.0.0.1 10.0.0.2 4000 22 6 1 60 1 2 ACCEPT OK\n"
    "2 123456789010 eni-1 fd00::2 fd00::1 5 53 17 1 80 2 3 REJECT OK\n",
    "zeek-other": '{"ts":1.5,"operation":"request","orig_h":"10.0.0.1","resp_h":"10.0.0.2","orig_hw":"x"}\n'
    '{"ts":2.5,"uid":"C","trans_id":1,"query":"a.example"}\n',
    "portal": '{"portal":"www","url":"https://w.example/","visited":1500000000,"address":"10.0.0.2","port":443,'
    '"drifts":[{"kind":"script","value":"x.example"}]}\n'
    '{"portal":"www","url":"https://w.example/a","visited":2500000000,"address":"fd00::1"}\n',
}


def test_every_parser_has_a_sample():
    assert set(SAMPLES) == set(PARSERS) - {"mapped"}  # which knows its logs by a file: test_mapped.py


@pytest.mark.parametrize("name", SAMPLES)
def test_each_knows_its_own_and_no_other(name, tmp_path):
    path = tmp_path / "log"
    for packed in (SAMPLES[name].encode(), gzip.compress(SAMPLES[name].encode())):
        path.write_bytes(packed)
        found = sniff(path)
        assert found is not None
        assert found.name == name
    assert [p.name for p in PARSERS.values() if p.sniff(SAMPLES[name].encode())] == [name]


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {"zeek-other", "portal"}))
def test_rows_are_of_the_contract(name, tmp_path):
    path = tmp_path / "log"
    path.write_text(SAMPLES[name])
    (ref,) = chunks(path, PARSERS[name], session="s1")
    assert (ref.session, ref.index, ref.path) == ("s1", 0, str(path))
    batch, errors = parse(ref, read_chunk(ref))
    assert batch.errors is errors
    assert (batch.reports.dtype, batch.closed.dtype, batch.events.dtype) == (FLOW, CLOSED, EVENT)
    assert batch.reports["version"].tolist() == [4, 6]
    assert batch.reports["dst_port"].tolist() == [22, 53]
    assert set(batch.reports["kind"]) == {END}
    assert set(batch.reports["reason"]) == {END_LOGGED}
    assert set(batch.reports["report"]) == {0}
    assert set(batch.reports["frame"]) == set(batch.reports["offset"]) == {-1}
    assert batch.reports["time"].tolist() == batch.reports["first"].tolist()
    assert batch.closed["flow_id"].tolist() == batch.reports["flow_id"].tolist()
    again, _ = parse(ref, read_chunk(ref))
    assert again.reports.tolist() == batch.reports.tolist()


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=40)
@given(data=st.data())
def test_nothing_stops_a_parser(name, tmp_path_factory, data):
    text = SAMPLES[name].encode()
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(text)))
        junk = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"\n", b"#fields", b'"', b"{", b"\t", b","])
        )
        text = text[:at] + junk + text[at + data.draw(st.integers(0, 5)) :]
    path = tmp_path_factory.mktemp("bad") / "log"
    path.write_bytes(text)
    ends = []
    for size in (1, 64, 1 << 20):
        batches = [parse(ref, read_chunk(ref))[0] for ref in chunks(path, PARSERS[name], size)]
        rows = np.concatenate([b.reports for b in batches]) if batches else np.zeros(0, FLOW)
        counts: dict[str, int] = {}
        for batch in batches:
            for reason, n in batch.errors:
                counts[reason] = counts.get(reason, 0) + n
        ends.append((rows.tolist(), counts))
    assert ends[0] == ends[1] == ends[2]


def test_what_is_no_flow_log(tmp_path: Path):
    path = tmp_path / "x"
    for content in (b"", b"hello\n", b"\xd4\xc3\xb2\xa1" + bytes(20), b"[]", b"#", b"StartTime,\n"):
        path.write_bytes(content)
        assert sniff(path) is None
    with pytest.raises(InputError):
        sniff(tmp_path / "absent")
    assert sniff(tmp_path) is None


def test_folders_and_other_logs_of_the_samples(shared_data):
    folder = shared_data / "captures/zeek"
    found = sniff(folder / "test9-mixed-zeek-dir")
    assert found is not None
    assert found.name == "zeek-json"
    for name in ("test16-malicious-zeek-dir", "test9-mixed-zeek-dir/dns.log", "test9-mixed-zeek-dir/ssl.log"):
        other = sniff(folder / name)
        assert other is not None
        assert other.name == "zeek-other"
