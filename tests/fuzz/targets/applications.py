"""Every application parser: turns of a conversation, cut where the input says."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

from tests.fuzz.targets import CUT, Target

ROOMS = ("ingest.applications",)
#: What `ingest.applications.connection` takes for bytes that nobody thought of.
BROKEN = (ValueError, LookupError, struct.error)


def examples() -> dict:
    path = Path(__file__).resolve().parents[2] / "ingest" / "applications" / "examples.py"
    spec = importlib.util.spec_from_file_location("application_examples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.examples()


def seed_of(turns) -> bytes:
    """Turns as one input: the first byte of each says its direction."""
    return CUT.join(bytes((direction,)) + data for direction, data in turns)


def targets() -> dict[str, Target]:
    """A target for each parser that there is."""
    from citywall.applicationsettings import ApplicationSettings
    from ingest.applications.parser import MOST_HELD, MOST_OPEN, StreamParser
    from ingest.applications.registry import PARSERS, looks_of, parser_of

    settings = ApplicationSettings(body_bytes=4096, inflate_bytes=8192, units=True)
    known = examples()

    def of(entry) -> Target:
        turns, ports, carrier = known.get(entry.name, ([(0, b"x")], (4000, 80), "tcp"))
        kind = parser_of(entry.name)
        looks = looks_of(entry.name) if entry.tcp or entry.udp else None

        def speak(data: bytes, cut: int) -> list[tuple[object, ...]]:
            parser, frame = kind(settings, ports, ""), 0
            for turn in data.split(CUT):
                direction, said = (turn[0] & 1 if turn else 0), turn[1:]
                if looks is not None:
                    looks(direction, said, ports)
                for at in range(0, len(said), cut or max(len(said), 1)):
                    frame += 1
                    piece = said[at : at + cut] if cut else said
                    try:
                        if not isinstance(parser, StreamParser):
                            parser.datagram(direction, said, frame, frame * 10)
                            break
                        if not parser.done[direction] and not parser.becomes:
                            parser.feed(direction, piece, ([len(piece)], [frame], [frame * 10]))
                            assert len(parser.streams[direction].data) <= MOST_HELD
                    except BROKEN:
                        parser.stop()
            try:
                parser.end(frame)
            except BROKEN:
                parser.stop()
            assert len(parser.open) <= MOST_OPEN
            assert sum(len(value) for made in parser.closed for value in made.values) <= 64 * (
                len(data) + 8192
            )
            return [(t.number, t.protocol, [row[4] for row in t.buffers]) for t in parser.closed]

        def run(data: bytes) -> None:
            speak(data, 0)
            speak(data, 3)

        seeds = [seed_of(turns)]
        if carrier == "udp" and issubclass(kind, StreamParser):
            seeds.append(seed_of([(d, len(said).to_bytes(2, "big") + said) for d, said in turns]))
        return Target(run, seeds)

    return {f"app-{entry.name}": of(entry) for entry in PARSERS}
