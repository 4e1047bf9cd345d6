"""Flow exports, and what a socket gives beside them."""

from __future__ import annotations

from tests.exporters import PLAIN, content, five, flow, nine, options, sample, sflow, template, ten
from tests.fuzz.targets import CUT, Target

ROOMS = ("ingest",)
RECORD = flow("10.0.0.1", "10.0.0.2", 1, 2)
EXPORTS = (
    nine(template(256, PLAIN), content(256, RECORD)),
    CUT.join((nine(template(256, PLAIN)), nine(content(256, RECORD)), nine(content(256, RECORD)))),
    nine(options(257, [(1, 4)], [(34, 4)]), content(257, bytes(8))),
    ten(template(256, [(8, 4), (12, 4), (82, 65535), (1, 4, 29305)], 10), content(256, RECORD)),
    ten(template(256, [(27, 16), (28, 16), (4, 1), (22, 4), (21, 4)], 10), content(256, bytes(41))),
    ten(template(256, [(8, 4), (12, 4), (4, 1), (48, 1), (32, 2)], 10), content(256, bytes(12))),
    five(RECORD),
    sflow(sample(bytes(12) + b"\x08\0E" + bytes(40)), sample(bytes(60), kind=3)),
)


def targets() -> dict[str, Target]:
    """Datagrams by every reader, and messages of a socket."""
    import numpy as np

    from ingest.collectors.datagrams import bare, split_file
    from ingest.collectors.decoder import Decoder
    from ingest.collectors.exports import ExportReader
    from ingest.collectors.framing import kernels
    from ingest.collectors.records import Records
    from ingest.flowlogs.lines import Errors

    def exports(data: bytes) -> None:
        """Datagrams of up to 64 KiB each: read at once, read slowly, and read on from a snapshot."""
        pieces = [piece for part in data.split(CUT) for piece in split_file(part)]
        reader, slow, errors = ExportReader(), Records(), Errors()
        told = len(reader.take(bare(pieces, time=1), errors).line)
        reader.restore(reader.snapshot())
        told += len(reader.finish().line)
        assert told <= reader.records <= len(data) + 1
        plain, n = Decoder(), 0
        for piece in pieces:
            n += len(plain.decode(bare([piece], time=1)).records)
            slow.read(piece)
        assert n == reader.records

    def messages(data: bytes) -> None:
        """A message with its control messages and its sender, as the system may have filled them."""
        n = 2
        heads = np.zeros(n, kernels.MESSAGE)
        names, controls = np.zeros((n, kernels.NAME), np.uint8), np.zeros((n, kernels.CONTROL), np.uint8)
        raw = data.ljust(1024, b"\0")[:1024]
        buffer = np.frombuffer(raw, np.uint8)
        for i in range(n):
            part = buffer[i * 128 :][:128]
            names[i], controls[i] = part[: kernels.NAME], part[32 : 32 + kernels.CONTROL]
            heads[i]["length"], heads[i]["control_length"] = 2 * int(part[127]), part[126]
        out, state = np.zeros(n * (512 + kernels.TOGETHER * kernels.AROUND), np.uint8), np.zeros(5, np.int64)
        networks = np.zeros((1, 4), np.uint64)
        kernels.frame(
            buffer, 512, heads, n, names, controls, networks, 1, 2, out, 24, np.uint64(0), state
        )  # fmt: skip
        assert state[kernels.FILLED] >= state[kernels.SIZE]

    return {"exports": Target(exports, EXPORTS), "socket-messages": Target(messages, (bytes(1024),))}
