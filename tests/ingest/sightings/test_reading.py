"""Whole captures: what is seen agrees with an independent reading."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import sighted as s

from citywall import batches as b
from citywall.domains import Domains, DomainSettings
from ingest.sightings.reading import compile_reading, sightings

#: What tshark calls each kind when it, too, reads packet by packet.
FILTERS = {
    b.DNS_QUERY: "dns.flags.response==0 && !mdns && !llmnr && !nbns && !icmp",
    b.DNS_ANSWER: "dns.flags.response==1 && !mdns && !llmnr && !nbns && !icmp",
    b.HTTP_REQUEST: "http.request",
    b.HTTP_RESPONSE: "http.response",
    b.TLS_CLIENT: "tls.handshake.type==1",
    b.TLS_SERVER: "tls.handshake.type==2",
}
#: A difference that was looked into: a request sent twice.
MORE = {("http_espn.pcapng", b.HTTP_REQUEST): 1}
SAMPLES = (
    "benign/http_espn.pcapng", "benign/http_ipv6.pcap", "dns-tunnel/dns-tunnel-iodine.pcap",
    "web-attack/http_dvwa_sqlinjection.pcapng",
)  # fmt: skip


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_packets_as_tshark(shared_data, name):
    path = shared_data / "captures" / "pcap" / name
    ours = s.seen_in(path)
    either = " || ".join(f"({text})" for text in FILTERS.values())
    fields = ("frame.number", "dns.flags.response", "http.request", "http.response", "tls.handshake.type")
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.desegment_tcp_streams:FALSE", "-Y", either]
    command += ["-T", "fields", *(part for field in fields for part in ("-e", field))]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs: dict[int, set[int]] = {kind: set() for kind in FILTERS}
    for line in told.splitlines():
        frame, response, ask, say, hellos = line.split("\t")
        for kind, is_it in (
            (b.DNS_QUERY, response in ("0", "False")), (b.DNS_ANSWER, response in ("1", "True")),
            (b.HTTP_REQUEST, ask), (b.HTTP_RESPONSE, say),
            (b.TLS_CLIENT, "1" in hellos.split(",")), (b.TLS_SERVER, "2" in hellos.split(",")),
        ):  # fmt: skip
            if is_it:
                theirs[kind].add(int(frame))
    for kind, frames in theirs.items():
        seen = set(ours["frame"][ours["kind"] == kind].tolist())
        key = (path.name, kind)
        assert len(seen - frames) == MORE.get(key, 0)
        assert len(frames - seen) == 0


def test_batches_change_nothing(shared_data):
    path = shared_data / "captures" / "pcap" / SAMPLES[3]
    assert s.seen_in(path, 3).tobytes() == s.seen_in(path).tobytes()


def test_events_stand_in_the_domain_of_their_vlan():
    buffer, rows = s.packets(s.question(), ports=(40000, 53), proto=b.UDP)
    rows["vlan"] = 12
    (event,) = sightings(buffer, rows, 5, Domains(DomainSettings(by_vlan=True)))
    assert (event["domain"], event["vlan"], event["frame"]) == (12, 12, 5)


def test_nothing_gives_nothing():
    buffer, rows = s.packets(b"nothing of the kind")
    assert len(sightings(buffer, rows, 1, s.DOMAINS)) == 0
    assert len(sightings(buffer, rows[:0], 1, s.DOMAINS)) == 0
    rows["status"] = b.NOT_IP  # another partition's
    assert len(sightings(*s.packets(s.request()), 1, s.DOMAINS)) == 1
    buffer, rows = s.packets(s.request())
    rows["status"] = b.NOT_IP
    assert len(sightings(buffer, rows, 1, s.DOMAINS)) == 0


def test_the_kernels_can_be_compiled_ahead():
    assert compile_reading() == 2
