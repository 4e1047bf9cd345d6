"""Our reading of flow exports: from datagrams in memory, and off a socket in a process of its own."""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from citywall.collectorsettings import CollectorSettings

#: Records of a datagram, and datagrams between two templates.
RECORDS, TEMPLATE_EVERY = 24, 500
#: What routers send of a flow: addresses, next hop, interfaces, counts, times, ports, flags and the rest.
_FIELDS = (
    (8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2), (6, 1),
    (4, 1), (5, 1), (16, 4), (17, 4), (9, 1), (13, 1), (61, 1),
)  # fmt: skip
#: IPFIX tells times by the epoch.
_EPOCH = {22: (152, 8), 21: (153, 8)}
_RECORD = {9: struct.Struct(">IIIIIIIIIHHBBBIIBBB"), 10: struct.Struct(">IIIIIIIQQHHBBBIIBBB")}


def datagrams(version: int, records: int) -> list[bytes]:
    """Datagrams of NetFlow v9 or IPFIX (10): conversations, each a record a direction, addresses all over."""
    told = [_EPOCH.get(field[0], field) if version == 10 else field for field in _FIELDS]
    fields = b"".join(struct.pack(">HH", *field) for field in told)
    template = struct.pack(">HHHH", 0 if version == 9 else 2, 8 + len(fields), 256, len(_FIELDS)) + fields
    made: list[bytes] = []
    flows = 0
    for number in itertools.count():
        if flows >= records:
            return made
        some = [_record(flows + i, version) for i in range(min(RECORDS, records - flows))]
        body = b"".join(some)
        body += bytes(-len(body) % 4)
        sets = template if number % TEMPLATE_EVERY == 0 else b""
        sets += struct.pack(">HH", 256, 4 + len(body)) + body
        seconds = 1_700_000_000 + flows // 20_000
        if version == 9:
            head = struct.pack(">HHIIII", 9, len(some), 500_000, seconds, number, 1)
        else:
            head = struct.pack(">HHIII", 10, 16 + len(sets), seconds, flows, 1)
        made.append(head + sets)
        flows += len(some)
    raise AssertionError


def _record(number: int, version: int) -> bytes:
    pair, back = divmod(number, 2)
    client, server = 0x0A00_0000 + pair * 2_654_435_761 % (1 << 22), 0xC0A8_0000 + pair * 40_503 % (1 << 14)
    ports = (1024 + pair % 60_000, (443, 80, 53, 22)[pair % 4])
    ends = (server, client) if back else (client, server)
    began = 490_000 if version == 9 else (1_700_000_000 + number // 20_000) * 1000 - 10_000
    return _RECORD[version].pack(
        *ends, 0, 3, 5, 7 + back, 4000 + number % 1000, began + back, began + 5000,
        *(reversed(ports) if back else ports), 27, 6, 0, 0, 0, 24, 24, 0,
    )  # fmt: skip


#: Datagrams decoded at a time: about 1 MiB.
_AT_ONCE = 700


def decode(payloads: Sequence[bytes]) -> tuple[int, float]:
    """Records decoded into rows of one schema; processor seconds."""
    from ingest.collectors.datagrams import bare
    from ingest.collectors.decoder import Decoder

    batches = [bare(payloads[at : at + _AT_ONCE]) for at in range(0, len(payloads), _AT_ONCE)]
    decoder, records = Decoder(), 0
    began = time.process_time()
    for batch in batches:
        records += len(decoder.decode(batch).records)
    return records, time.process_time() - began


def read(payloads: Sequence[bytes]) -> tuple[int, float]:
    """Records read into rows of flows, both directions together, as the stream takes them; seconds."""
    from citywall.domains import Domains, DomainSettings
    from ingest.collectors.datagrams import bare
    from ingest.collectors.exports import ExportReader
    from ingest.flowlogs.lines import Errors
    from ingest.flowlogs.rows import flow_rows

    domains = Domains(DomainSettings())
    reader, errors = ExportReader(), Errors()
    batches = [bare(payloads[at : at + _AT_ONCE]) for at in range(0, len(payloads), _AT_ONCE)]
    began = time.process_time()
    for batch in batches:
        flow_rows(reader.take(batch, errors), domains)
    flow_rows(reader.finish(), domains)
    return reader.records, time.process_time() - began


def collect(records: int) -> None:
    """Receive until `records` are there or input ends; tells the port first, then what it cost, as JSON."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, and the engine below
    from citywall.collectorsettings import CollectorSettings
    from citywall.garbage import collect_seldom
    from ingest.collectors.collector import Collector
    from ingest.collectors.exports import ExportReader, of_capture

    settings = CollectorSettings(listen=("127.0.0.1:0",), receive_mib=64)
    with tempfile.TemporaryDirectory(prefix="citywall-bench-") as folder:
        _warm(settings, Path(folder) / "warm")
        gc.freeze()
        collect_seldom()
        collector, reader = Collector(settings, Path(folder) / "run", "bench"), ExportReader()
        stop = threading.Event()
        print(json.dumps({"port": collector.ports[0]}), flush=True)

        def wait() -> None:
            sys.stdin.read()
            stop.set()

        threading.Thread(target=wait, daemon=True).start()
        began = time.process_time()
        for ref in collector.blocks(stop):
            reader.add(of_capture(ref))
            if reader.records >= records:
                break
        reader.finish()
        spent = time.process_time() - began
        told = {"records": reader.records, "cpu": spent, "dropped": collector.dropped}
        collector.close()
    print(json.dumps(told), flush=True)


def _warm(settings: CollectorSettings, folder: Path) -> None:
    """Have every kernel compiled."""
    from ingest.collectors.collector import Collector
    from ingest.collectors.exports import ExportReader, of_capture

    collector, reader, stop = Collector(settings, folder, "warm"), ExportReader(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for payload in datagrams(9, 200):
            sender.sendto(payload, ("127.0.0.1", collector.ports[0]))
    stop.set()
    for ref in collector.blocks(stop):
        reader.add(of_capture(ref))
    reader.finish()
    collector.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=int)
    collect(parser.parse_args().records)
