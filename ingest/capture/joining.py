"""Captures that follow each other, put together into one: a run over it is one session again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citywall.errors import InputError, UnsupportedInput
from ingest.capture.files import CaptureFile, open_capture
from ingest.capture.headers import PCAP_HEADER

_BLOCK = 8 << 20


@dataclass
class Joined:
    """What was put together; `errors` counts what could not be read, by name."""

    files: int = 0
    packets: int = 0
    errors: dict[str, int] = field(default_factory=dict)


def join(paths: Sequence[Path], out: Path) -> Joined:
    """Write the packets of pcap files to `out`, file after file, each as it stands.

    Records that a walk leaves out are left out, as of a file whose writer was killed.
    Raises UnsupportedInput for a pcapng file and for one of another link type or unit of time than the
    first, InputError where nothing can be read or `out` cannot be written.
    """
    if not paths:
        raise InputError(str(out), "there is no capture to join")
    if any(path.resolve() == out.resolve() for path in paths):
        raise InputError(str(out), "is one of the captures that are to be joined")
    joined, section = Joined(), None
    try:
        with out.open("wb") as whole:
            for path in paths:
                with open_capture(path) as capture:
                    head = bytes(capture.buffer[:PCAP_HEADER])
                    ref = next(capture.blocks(_BLOCK), None)
                    if capture.format != "pcap":
                        raise UnsupportedInput(str(path), "only pcap files can be joined")
                    if section is None:
                        section = ref and ref.section
                        whole.write(head)
                    elif ref and section != ref.section:
                        raise UnsupportedInput(str(path), "its link type or unit of time is another")
                    for data in _blocks(capture, joined):
                        whole.write(data)
                joined.files += 1
    except OSError as e:
        raise InputError(str(out), e.strerror or str(e)) from e
    return joined


def _blocks(capture: CaptureFile, joined: Joined) -> Iterator[memoryview]:
    for ref in capture.blocks(_BLOCK):
        joined.packets += ref.packets
        for name, n in ref.errors.items():
            joined.errors[name] = joined.errors.get(name, 0) + n
        yield capture.buffer[ref.offset : ref.offset + ref.length].data
