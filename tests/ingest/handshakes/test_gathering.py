"""Events of handshakes that take several packets, as the reader of whole connections tells them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from citywall.batches import TLS_CLIENT, TLS_WHOLE_CERTIFICATE, TLS_WHOLE_CLIENT
from citywall.domains import Domains, DomainSettings
from ingest.applications.analysis import analyse
from ingest.capture import decode_block, open_capture
from ingest.handshakes.gathering import Handshakes, compile_gathering
from ingest.sightings.reading import look, sightings

DOMAINS = Domains(DomainSettings())
SAMPLES = ("benign/chrome.pcap", "benign/http_ipv6.pcap")


def told(path, batch: int) -> np.ndarray:
    found, handshakes = [], Handshakes()
    with open_capture(path) as capture:
        for block in capture.blocks(1 << 20):
            frame = block.first_frame
            for rows in decode_block(block, capture.buffer, batch):
                looked = look(capture.buffer, rows)
                found.append(sightings(capture.buffer, rows, frame, DOMAINS, looked))
                found.append(handshakes.add(capture.buffer, rows, frame, looked, DOMAINS))
                frame += len(rows)
    events = np.concatenate(found)
    return events[np.argsort(events["frame"], kind="stable")]


def third(event) -> str:
    at = int(event["name_size"]) + int(event["rest_size"])
    return bytes(event["text"])[at : at + int(event["agent_size"])].decode()


@pytest.mark.parametrize("name", SAMPLES)
def test_fingerprints_and_certificates_agree_with_the_reader_of_connections(shared_data, name):
    path = shared_data / "captures" / "pcap" / name
    events = told(path, 4096)
    assert events.tobytes() == told(path, 7).tobytes()
    ours: dict[str, list[str]] = {"ja4.hash": [], "ja3.hash": [], "certificate": []}
    for event in events:
        if event["kind"] in (TLS_CLIENT, TLS_WHOLE_CLIENT) and event["agent_size"]:
            ours["ja4.hash"].append(third(event))
            ours["ja3.hash"].append(f"{int(event['answer_hi']):016x}{int(event['answer_lo']):016x}")
        elif event["kind"] == TLS_WHOLE_CERTIFICATE:
            ours["certificate"].append(third(event))
    theirs: dict[str, list[str]] = {"ja4.hash": [], "ja3.hash": [], "certificate": []}
    for protocol, _, buffers in analyse(path, ApplicationSettings(), keep_streams=False).describe():
        if protocol == "tls":
            for kind in ("ja3.hash", "ja4.hash"):
                theirs[kind] += [value.decode() for value in buffers.get(kind, ())]
            for der in buffers.get("tls.certs", ())[:1]:
                digests = hashlib.sha256(der).hexdigest() + hashlib.sha1(der).hexdigest()
                theirs["certificate"].append(digests)
    assert {kind: sorted(values) for kind, values in ours.items()} == {
        kind: sorted(values) for kind, values in theirs.items()
    }
    assert ours["ja4.hash"]


def test_the_kernel_can_be_compiled_ahead():
    assert compile_gathering() == 0
