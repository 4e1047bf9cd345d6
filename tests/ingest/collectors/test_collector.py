"""The collector end to end on loopback: what exporters send is on disk and told of, others are counted."""

from __future__ import annotations

import socket
import threading

from citywall.batches import PACKET
from citywall.collectorsettings import CollectorSettings
from citywall.scratch import Scratch
from ingest.capture import open_capture
from ingest.collectors import collector as module
from ingest.collectors.collector import Collector, references
from ingest.collectors.datagrams import of_block
from ingest.collectors.exports import ExportReader, of_capture
from ingest.collectors.recognising import are_exports
from ingest.decode.counts import DecodeCounts
from tests.exporters import PLAIN, content, five, flow, nine, template

RECORD = flow("10.0.0.1", "10.0.0.2", 1000, 80)
LISTEN = ("127.0.0.1:0", "[::1]:0")


def collect(folder, sends, **settings):
    collector = Collector(CollectorSettings(listen=LISTEN, **settings), folder, "s")
    stop = threading.Event()
    for family, port, raws in zip((socket.AF_INET, socket.AF_INET6), collector.ports, sends, strict=True):
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for raw in raws:
                sender.sendto(raw, ("127.0.0.1" if family == socket.AF_INET else "::1", port))
    stop.set()  # what has come by now is still taken
    refs = list(collector.blocks(stop))
    collector.close()
    return collector, refs


def test_exports_of_both_families_become_flows_and_a_rerun_reads_the_same(tmp_path):
    four = [nine(template(256, PLAIN)), *(nine(content(256, RECORD), sequence=n) for n in (1, 2, 3))]
    collector, refs = collect(tmp_path, (four, [five(RECORD)]))
    assert (collector.datagrams, collector.dropped, collector.foreign) == (5, 0, 0)
    assert sum(ref.packets for ref in refs) == 5
    assert references(tmp_path) == refs
    reader = ExportReader()
    for ref in refs:
        reader.add(of_capture(ref))
    assert len(reader.finish().line) == 4
    (segment,) = tmp_path.glob("*.pcap")
    with open_capture(segment) as capture:
        assert are_exports(capture)
        (walked,) = capture.blocks(1 << 20)
    assert (walked.packets, walked.digest) == (5, sum(ref.digest for ref in refs) & (1 << 64) - 1)


def test_one_that_was_cut_off_goes_on_behind_what_it_told_of(tmp_path):
    _, before = collect(tmp_path, ([five(RECORD)], []))
    with (tmp_path / "references.jsonl").open("ab") as journal:
        journal.write(b'{"half')
    collector, after = collect(tmp_path, ([five(RECORD)], []))
    assert collector.earlier == before
    assert [ref.index for ref in after] == [len(before)]
    assert after[0].first_frame == 2
    assert after[0].path != before[0].path


def test_pieces_end_where_the_file_has_a_multiple_of_them_and_references_where_records_end(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_PIECE", 4096)
    monkeypatch.setattr(module, "BLOCK_BYTES", 20_000)
    ends, append = [], module.Segments.append

    def noted(self, records):
        append(self, records)
        ends.append(self.at)

    monkeypatch.setattr(module.Segments, "append", noted)
    sent = [nine(template(256, PLAIN), sequence=0)]
    sent += [nine(*[content(256, RECORD)] * (n % 5), sequence=n) for n in range(1, 400)]
    collector, refs = collect(tmp_path, (sent, []))
    assert collector.datagrams == len(sent)
    assert len(refs) > 1
    told = {ref.offset + ref.length for ref in refs}
    assert ends == sorted(ends)
    assert all(end % 4096 == 0 or end in told for end in ends)
    assert len([end for end in ends if end % 4096 == 0]) > len(refs)
    (segment,) = tmp_path.glob("*.pcap")
    with open_capture(segment) as capture:
        (walked,) = capture.blocks(1 << 20)
        read = [d.raw(i) for d in of_block(walked, capture.buffer, DecodeCounts(), Scratch(PACKET))
                for i in range(len(d))]  # fmt: skip
    assert read == sent
    assert walked.digest == sum(ref.digest for ref in refs) & (1 << 64) - 1
    assert sum(ref.packets for ref in refs) == len(sent)


def test_others_than_exporters_are_counted_and_not_kept(tmp_path):
    collector, (ref,) = collect(tmp_path, ([five(RECORD)], [five(RECORD)]), exporters=("::1/128",))
    assert (collector.datagrams, collector.foreign) == (1, 1)
    assert ref.errors == {"datagrams_from_others": 1}


class Looks:
    """Asked to stop at the third look; counts them."""

    def __init__(self):
        self.seen = 0

    def is_set(self):
        self.seen += 1
        return self.seen > 2

    def wait(self, _seconds):
        pass


def test_after_a_full_reference_the_next_has_its_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "BLOCK_BYTES", 100)
    monkeypatch.setattr(module, "_PIECE", 100)
    collector = Collector(CollectorSettings(listen=LISTEN[:1]), tmp_path, "s")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        to, looks = ("127.0.0.1", collector.ports[0]), Looks()
        sender.sendto(five(RECORD, RECORD), to)
        told = collector.blocks(looks)
        assert next(told).packets == 1
        now[0] = module.SEAL_S * 1.5
        sender.sendto(nine(), to)  # less than full
        assert next(told).packets == 1
    assert looks.seen == 3
    collector.close()
