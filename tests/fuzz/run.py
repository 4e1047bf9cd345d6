"""Coverage-guided fuzzing of the parsers (`make fuzz`): bounded, with the JIT off so that kernels are seen.

    python tests/fuzz/run.py TARGET [SECONDS] [CORPUS]

A finding ends the run with the input written to the folder `fuzz/`; it belongs into the parser's tests then.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import atheris

with atheris.instrument_imports(include=["ingest"]):
    import numpy as np

    from citywall.batches import PACKET, REASONS
    from citywall.fragmentsettings import FragmentSettings
    from ingest.anomalies.finding import anomalies
    from ingest.collectors.datagrams import bare, split_file
    from ingest.collectors.exports import ExportReader
    from ingest.collectors.records import Records
    from ingest.decode import kernels
    from ingest.decode.reading import link_events
    from ingest.flowlogs.lines import Errors, split
    from ingest.flowlogs.mapped import Mapped
    from ingest.flowlogs.mapping import Mapping
    from ingest.flowlogs.registry import PARSERS
    from ingest.fragments.assembler import Assembler

from citywall.domains import Domains, DomainSettings
from tests.exporters import PLAIN, content, five, flow, nine, options, sample, sflow, template, ten

#: An IPv4 header of a UDP packet, then one of a first and one of a last fragment, then an IPv6 one.
FOUR, FIRST, LAST = (
    bytes.fromhex(f"4500{size:04x}0001{word:04x}40{proto:02x}00000a0000010a000002")
    for size, word, proto in ((36, 0, 17), (28, 0x2000, 17), (28, 1, 17))
)
SIX = bytes.fromhex("60000000001011402001") + bytes(13) + b"\1\x20\1" + bytes(13) + b"\2"
ETHERNET = bytes(12) + b"\x08\0"
UDP = bytes.fromhex("04d212b500100000")
RECORD = flow("10.0.0.1", "10.0.0.2", 1, 2)
#: What fuzzing begins with, by target.
SEEDS = {
    "exports": [
        nine(template(256, PLAIN), content(256, RECORD)),
        nine(options(257, [(1, 4)], [(34, 4)]), content(257, bytes(8))),
        ten(template(256, [(8, 4), (12, 4), (82, 65535), (1, 4, 29305)], 10), content(256, RECORD)),
        five(RECORD),
        sflow(sample(bytes(12) + b"\x08\0E" + bytes(40)), sample(bytes(60), kind=3)),
    ],
    "packets": [
        FOUR + UDP + bytes(8), SIX + UDP + bytes(8), FIRST + UDP + b"\xfe\xed" + LAST + bytes(8),
        ETHERNET + FOUR + UDP + b"\x08\0\0\0\0\0\5\0" + ETHERNET + FOUR + UDP + bytes(8),
        FOUR[:9] + b"\x2f" + FOUR[10:] + b"\x30\0\x88\xbe" + bytes(20) + b"\x08\0" + FOUR + UDP + bytes(8),
        SIX[:6] + b"\x2c" + SIX[7:] + b"\x11\0\0\1\0\0\0\7" + UDP + b"\xfe\xed",
        bytes(12) + b"\x88\x47\0\1\1\x40" + FOUR + UDP,
        bytes(12) + b"\x88\x64\x11\0\0\1\0\x20\0\x21" + FOUR + UDP,
    ],
    "logs": [
        b'{"timestamp":"2024-05-01T00:00:00","event_type":"flow","src_ip":"10.0.0.1","flow":{"start":"2024"}}',
        b"2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 60 1 2 ACCEPT OK\n",
        b'<13>x src=10.0.0.1 dst="fd00::1" proto=tcp t=1.5\n',
        b"#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tproto\n1\t::1\ttcp\n",
    ],
}  # fmt: skip
_NAMES = {"event.start": "t", "source.ip": "src", "destination.ip": "dst", "network.transport": "proto"}
MAPPED = Mapped(Mapping("m", "pairs", _NAMES, "x"))


def exports(data: bytes) -> None:
    """Datagrams of up to 64 KiB each, cut where the data says; both readers."""
    reader, slow, errors = ExportReader(), Records(), Errors()
    pieces = [piece for part in data.split(b"\xfe\xed") for piece in split_file(part)]
    reader.take(bare(pieces, time=1), errors)
    reader.restore(reader.snapshot())
    reader.finish()
    for piece in pieces:
        slow.read(piece)


def logs(data: bytes) -> None:
    """Lines to every parser."""
    lines = split(data, 1)
    for parser in PARSERS.values():
        if parser.name != "mapped":
            parser.parse(lines, parser.header(data, ""))
    MAPPED.parse(lines, MAPPED.initial)


def packets(data: bytes) -> None:
    """Packets cut where the data says, as Ethernet, cooked and raw IP: decoded, put together, looked at."""
    records = [part[:65535] for part in data.split(b"\xfe\xed")]
    raw = b"".join(
        n.to_bytes(4, "little") + bytes(4) + 2 * len(part).to_bytes(4, "little") + part
        for n, part in enumerate(records)
    )
    buffer = np.frombuffer(raw, np.uint8)
    for link in (1, 101, 113):
        rows, reasons = np.empty(len(records), PACKET), np.zeros(len(REASONS), np.int64)
        n, _, _ = kernels.decode_pcap(buffer, 0, len(raw), np.uint64(0), False, 1, link, rows, reasons)
        assert n == len(records)
        link_events(buffer, rows, 1, Domains(DomainSettings()))
        assembler, other = (Assembler(FragmentSettings(memory_mib=1)) for _ in range(2))
        half = n // 2
        assembler.add(rows[:half], 1, buffer)
        other.restore(dict(assembler.snapshot()))
        made = other.add(rows[half:], half + 1, buffer)
        whole, held = made.readable(buffer)
        anomalies(whole, held, link)
        other.end(0)


TARGETS: dict[str, Callable[[bytes], None]] = {"exports": exports, "logs": logs, "packets": packets}


def main() -> None:
    """Fuzz one target for a while."""
    target = sys.argv[1]
    seconds = sys.argv[2] if len(sys.argv) > 2 else "60"
    found = Path("fuzz")
    found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(sys.argv[3] if len(sys.argv) > 3 else folder)
        for i, seed in enumerate(SEEDS[target]):
            (corpus / f"seed-{i}").write_bytes(seed)
        np.seterr(over="ignore")  # hashes wrap on purpose
        given = [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-max_len=2048",
            "-timeout=20",
            "-rss_limit_mb=2048",
        ]
        atheris.Setup([*given, f"-artifact_prefix={found}/{target}-", str(corpus)], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
