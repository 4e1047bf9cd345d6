"""One Citywall on given servers."""

from __future__ import annotations

from bench.chaos.side import Side
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka


def test_both_programs_meet_on_the_same_topics_and_indices(tmp_path):
    kafka, store = Kafka(tmp_path / "kafka"), Elasticsearch(tmp_path / "elasticsearch")
    with Side(tmp_path / "side", tmp_path / "c.pcap", kafka, store, ["meter.max_flows=99"]) as side:
        for program in (side.owner, side.worker):
            given = program.arguments
            assert {f"transport={kafka.url}", f"kafka.prefix={side.prefix}"} <= set(given)
            assert {f"store={store.url}", f"elasticsearch.index_prefix={side.prefix}"} <= set(given)
            assert "meter.max_flows=99" in given
        assert side.owner.arguments[:2] == ("run", str(tmp_path / "c.pcap"))
        assert side.worker.arguments[0] == "worker"
        assert side.progress() is None
        side.worker.start()
        side.owner.start()
        with Side(tmp_path / "other", tmp_path / "c.pcap", kafka, store) as other:
            assert other.prefix != side.prefix
    assert not side.owner.running
    assert not side.worker.running


def test_counts_are_those_of_the_report(tmp_path):
    kafka, store = Kafka(tmp_path / "kafka"), Elasticsearch(tmp_path / "elasticsearch")
    with Side(tmp_path / "side", tmp_path / "c.pcap", kafka, store) as side:
        side.owner.folder.mkdir(parents=True)
        side.owner.log.write_text('words\n{"packets": 7, "alerts": 1, "seconds": {}}\nmore words\n')
        counts = side.counts()
        assert (counts["packets"], counts["alerts"], counts["flows"]) == (7, 1, None)
        assert "seconds" not in counts
