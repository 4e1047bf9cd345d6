# ruff: noqa: E501
"""Packets of every link type: decoded, put together, looked at."""

from __future__ import annotations

from tests.fuzz.targets import CUT, Target

ROOMS = ("ingest",)
#: An IPv4 header of a UDP packet, then one of a first and one of a last fragment, then an IPv6 one.
FOUR, FIRST, LAST = (
    bytes.fromhex(f"4500{size:04x}0001{word:04x}40{proto:02x}00000a0000010a000002")
    for size, word, proto in ((36, 0, 17), (28, 0x2000, 17), (28, 1, 17))
)
SIX = bytes.fromhex("60000000001011402001") + bytes(13) + b"\1\x20\1" + bytes(13) + b"\2"
ETHERNET = bytes(12) + b"\x08\0"
UDP = bytes.fromhex("04d212b500100000")
PACKETS = (
    FOUR + UDP + bytes(8),
    SIX + UDP + bytes(8),
    FIRST + UDP + CUT + LAST + bytes(8),
    ETHERNET + FOUR + UDP + b"\x08\0\0\0\0\0\5\0" + ETHERNET + FOUR + UDP + bytes(8),
    FOUR[:9] + b"\x2f" + FOUR[10:] + b"\x30\0\x88\xbe" + bytes(20) + b"\x08\0" + FOUR + UDP + bytes(8),
    SIX[:6] + b"\x2c" + SIX[7:] + b"\x11\0\0\1\0\0\0\7" + UDP + CUT,
    bytes(12) + b"\x88\x47\0\1\1\x40" + FOUR + UDP,
    bytes(12) + b"\x88\x64\x11\0\0\1\0\x20\0\x21" + FOUR + UDP,
    b"\x18\x41\3\0\x80\0\x80\xc2\0\7" + ETHERNET + FOUR + UDP,
    bytes(12) + b"\x08\x06\0\1\x08\0\6\4\0\2" + bytes(20),
    ETHERNET + FOUR + bytes.fromhex("0044004300fc0000") + b"\2\1\6\0" + bytes(236) + b"\x63\x82\x53\x63\x35\1\5",
)  # fmt: skip
#: Link types: Ethernet, raw IP, cooked (two forms), PPP, null.
LINKS = (1, 101, 113, 276, 9, 0)


def targets() -> dict[str, Target]:
    """Packets, and fragments of them."""
    import numpy as np

    from citywall.batches import NOT_IP, PACKET, REASONS
    from citywall.domains import Domains, DomainSettings
    from citywall.fragmentsettings import FragmentSettings
    from ingest.anomalies.finding import anomalies
    from ingest.decode import kernels, relay
    from ingest.decode.reading import link_events
    from ingest.fragments.assembler import Assembler

    def decoded(records: list[bytes], link: int):
        raw = b"".join(
            n.to_bytes(4, "little") + bytes(4) + 2 * len(part).to_bytes(4, "little") + part
            for n, part in enumerate(records)
        )
        buffer = np.frombuffer(raw, np.uint8)
        rows, reasons = np.empty(len(records), PACKET), np.zeros(len(REASONS), np.int64)
        n, _, _ = kernels.decode_pcap(buffer, 0, len(raw), np.uint64(0), False, 1, link, rows, reasons)
        assert n == len(records)
        return rows, buffer

    def packets(data: bytes) -> None:
        """By each link type; fragments go over a snapshot."""
        records = [part[:65535] for part in data.split(CUT)]
        assert all(relay.locate(record)[0] <= len(record) for record in records)
        for link in LINKS:
            rows, buffer = decoded(records, link)
            link_events(buffer, rows, 1, Domains(DomainSettings()))
            assembler, other = (Assembler(FragmentSettings(memory_mib=1)) for _ in range(2))
            half = len(rows) // 2
            assembler.add(rows[:half], 1, buffer)
            other.restore(dict(assembler.snapshot()))
            whole, held = other.add(rows[half:], half + 1, buffer).readable(buffer)
            anomalies(whole, held, link)
            other.end(0)

    def fragments(data: bytes) -> None:
        """Fragments of four datagrams: where each begins, whether more come, and what they hold is drawn."""
        records = []
        for part in data.split(CUT):
            if len(part) < 4:
                continue
            number, word, size, fill = part[0] & 3, part[1] & 31 | (part[1] & 32) << 8, part[2], part[3]
            head = bytes.fromhex("4500") + (20 + size).to_bytes(2, "big") + bytes((0, number))
            head += word.to_bytes(2, "big") + bytes.fromhex("401100000a0000010a000002")
            records.append(head + bytes((fill,)) * size)
        if not records:
            return
        rows, buffer = decoded(records, 101)
        for policy in ("bsd", "last"):
            assembler = Assembler(FragmentSettings(memory_mib=1, policy=policy))
            made = assembler.add(rows, 1, buffer)
            assert len(made.whole) == len(rows)
            over = assembler.end(0)
            if not len(made.frames):  # no fragment among them: they simply count on
                continue
            counted = [made.frames[made.rows["status"] > NOT_IP], over.frames[over.rows["status"] > NOT_IP]]
            assert sorted(np.concatenate(counted).tolist()) == list(range(1, len(rows) + 1))  # each once
            assert assembler.held == 0

    few = CUT.join((b"\0\x20\x08a", b"\0\1\x08b", b"\1\x21\x10c", b"\1\x20\x18d", b"\1\3\5e"))
    return {"packets": Target(packets, PACKETS), "fragments": Target(fragments, (few,))}
