from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections import Counter

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser, analyse
from ingest.applications.tables import PROTOCOL


@pytest.fixture
def mixed(packets, examples):
    """Packets of several conversations, interleaved."""
    flows = []
    for i, name in enumerate(("http", "tls", "smtp", "modbus")):
        turns, ports, _ = examples[name]
        flows.append(packets.conversation(turns, (4000 + i, ports[1])))
    turns = examples["dns"][0]
    flows.append([
        packets.datagram(packets.client, packets.server, 5000, 53, turns[0][1]),
        packets.datagram(packets.server, packets.client, 53, 5000, turns[1][1]),
    ])  # fmt: skip
    rng, out = random.Random(3), []
    while any(flows):
        out.append(rng.choice([f for f in flows if f]).pop(0))
    return packets.decoded(out)


def test_a_capture_becomes_transactions(mixed):
    rows, buffer = mixed
    made = analyse([(rows, 1, buffer)])
    assert set(made.transactions["protocol"]) == {
        PROTOCOL[n] for n in ("http", "tls", "smtp", "modbus", "dns")
    }
    assert made.values("http.uri") == [b"/b c?q=A"]
    assert made.values("tls.sni") == [b"example.org"]
    assert made.values("dns.query") == [b"www.example.org"]
    assert len(made.flows) == 5
    assert (made.packet_flow >= 0).all()
    sent = made.chunks[made.chunks["direction"] == 0]
    assert (sent["frame"] >= sent["arrived"]).all()


def test_batches_change_nothing(mixed):
    rows, buffer = mixed
    whole = analyse([(rows, 1, buffer)])
    for size in (1, 3, 10):
        again = analyse([(rows[at : at + size], 1 + at, buffer) for at in range(0, len(rows), size)])
        assert list(again.describe()) == list(whole.describe())
        for name in ("flows", "transactions", "buffers", "numbers", "anomalies"):
            np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
        np.testing.assert_array_equal(again.packet_flow, whole.packet_flow)
        names = [n for n in whole.chunks.dtype.names if n != "at"]
        np.testing.assert_array_equal(again.chunks[names], whole.chunks[names])
        assert [again.chunk_bytes(i) for i in range(len(again.chunks))] == [
            whole.chunk_bytes(i) for i in range(len(whole.chunks))
        ]


def test_what_is_over_is_told_as_it_goes(mixed):
    rows, buffer = mixed
    analyser = Analyser(ApplicationSettings())
    found = []
    for at in range(0, len(rows), 5):
        analyser.add(rows[at : at + 5], 1 + at, buffer)
        found += list(analyser.tables().describe())
    analyser.end()
    found += list(analyser.tables().describe())
    key = repr
    assert sorted(found, key=key) == sorted(analyse([(rows, 1, buffer)]).describe(), key=key)


def test_nothing_gives_empty_tables():
    made = analyse([])
    assert (len(made.flows), len(made.transactions), len(made.chunks)) == (0, 0, 0)


def test_the_evasions_of_http_are_seen_through(shared_data):
    root = shared_data / "suricata-verify"
    cases = [c for c in json.loads((root / "index.json").read_text()) if c["bank"] == "http-evader"]
    settings = ApplicationSettings(inflate_layers=3)
    for case in cases:
        values = analyse(root / case["pcap"], settings).values("file.data")
        assert any(b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" in value for value in values), case["name"]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
@pytest.mark.parametrize(
    ("capture", "shown", "field", "kind"),
    [
        ("benign/http_espn.pcapng", "dns.flags.response==0", "dns.qry.name", "dns.query"),
        ("benign/http_espn.pcapng", "http.request", "http.request.uri", "http.uri.raw"),
        ("benign/chrome.pcap", "tls.handshake.type==1", "tls.handshake.ja3", "ja3.hash"),
        (
            "c2/test-cc-capture-1.pcap",
            "tls.handshake.type==1",
            "tls.handshake.extensions_server_name",
            "tls.sni",
        ),
    ],
)
def test_an_independent_reader_agrees(shared_data, capture, shown, field, kind):
    path = shared_data / "captures" / "pcap" / capture
    line = ["tshark", "-r", str(path), "-Y", shown, "-T", "fields", "-e", field]
    expected = subprocess.run(line, capture_output=True, check=True).stdout.splitlines()
    assert expected
    found = analyse(path, ApplicationSettings(midstream=True), keep_streams=False).values(kind)
    assert Counter(found) == Counter(line for line in expected if line)
