"""What comes over topics, the log and the service's socket."""

from __future__ import annotations

import io
from types import SimpleNamespace

from tests.fuzz.targets import Target

ROOMS = (
    "stream.codecs",
    "stream.packing",
    "stream.local.records",
    "stream.kafka.seals",
    "console.service.protocol",
)


def targets() -> dict[str, Target]:
    """Messages, rows, records, seals, calls."""
    import numpy as np

    from citywall.batches import CLOSED, FLOW
    from citywall.errors import StreamError
    from console.service.protocol import Call, Line, Login, Say
    from ingest.decode.blocks import BlockRef
    from ingest.flowlogs.files import ChunkRef
    from stream import codecs
    from stream.codecs import Header, Kind, Opening, Tally
    from stream.kafka import seals
    from stream.local import records

    def attempt(what, *arguments) -> object:
        try:
            return what(*arguments)
        except StreamError:
            return None

    def messages(data: bytes) -> None:
        """A message of a topic: its header, and its body as everything that one may be."""
        told = attempt(codecs.decode, data)
        bodies = [memoryview(data)] + ([told[1]] if isinstance(told, tuple) else [])
        for body in bodies:
            for kind in (Opening, Tally, BlockRef, ChunkRef):
                attempt(codecs.unpack, body, kind)
            for dtype in (FLOW, CLOSED):
                rows = attempt(codecs.decode_rows, body, dtype)
                # A column that does not change takes half a byte a word.
                assert rows is None or rows.nbytes <= 32 * len(body)
            attempt(codecs.decode_closed, body)

    def record(data: bytes) -> None:
        """A record of the log, and one of Kafka with its seal."""
        found = records.decode(data, 0, 5)
        assert found is None or found.size <= len(data)
        message = SimpleNamespace(headers=seals.seal(data), value=data, topic="t", partition=0, offset=1)
        seals.check(message)
        message.headers = [(seals.NAME, data[:8]), ("other", data)]
        attempt(seals.check, message)

    class Connection:
        """As much of a socket as a line needs."""

        def __init__(self, data: bytes) -> None:
            self._data = data

        def settimeout(self, _seconds: float) -> None:
            pass

        def makefile(self, _mode: str) -> io.BytesIO:
            return io.BytesIO(self._data)

    def calls(data: bytes) -> None:
        """Lines of the service's socket, as its callers and as the service hear them."""
        for name in ("request", "reply", "answer"):
            line = Line(Connection(data))
            for _ in range(3):
                attempt(getattr(line, name))

    flows = np.zeros(3, FLOW)
    flows["flow_id"] = (1, 2, 3)
    head = Header("s", "capture", 0, Kind.DATA, 0, 3, 5, codecs.schema_digest())
    packed = b"".join(bytes(piece) for piece in codecs.encode_rows(FLOW, [flows], packed=True))
    plain = codecs.encode_rows(FLOW, [flows[:1]])
    import msgspec

    lines = (
        b"\n".join(msgspec.json.encode(each) for each in (Call(("alerts",)), Login("a", "b"), Say("x")))
        + b"\n"
    )
    return {
        "messages": Target(messages, (codecs.encode(head, packed), codecs.encode(head, plain), packed)),
        "records": Target(record, (b"".join(records.encode(5, 1.5, b"key", b"value")),)),
        "calls": Target(calls, (lines, b'{"type":"answer","text":null}\n')),
    }
