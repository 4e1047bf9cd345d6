"""The captures benchmarks read, generated once, held in the page cache, deleted at the end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import process
from bench.errors import BenchError
from citywall.kernelcache import base_folder

GENERATOR = Path(__file__).parent / "generator"
#: Bytes a packet takes on disk at most, by profile: see generator.capture.
BYTES_A_PACKET = {"extranet": 470, "million": 110}
#: Two packets for each of a million flows, and some more that find them all alive.
MILLION_PACKETS = 2_100_000
#: Left free on the disk for everything else.
SPARE = 2 << 30


@dataclass(frozen=True)
class Capture:
    """One generated file."""

    path: Path
    packets: int
    facts: dict[str, Any] = field(default_factory=dict)

    def warm(self) -> None:
        """Read the file once, so that it comes from the page cache."""
        with self.path.open("rb", buffering=0) as file:
            piece = bytearray(1 << 22)
            while file.readinto(piece):
                pass


class Captures:
    """Generated captures by profile and size; `close` deletes what this run made unless told to keep it."""

    def __init__(self, keep: bool = False, seed: int = 1, folder: Path | None = None) -> None:
        self.folder = folder or base_folder() / "bench"
        self.keep = keep
        self.seed = seed
        self._used: dict[tuple[str, int], Capture] = {}

    def get(self, packets: int, profile: str = "extranet") -> Capture:
        """A capture of that many packets; a smaller one is a prefix of a larger. Raises BenchError."""
        key = (profile, packets)
        if key not in self._used:
            self._used[key] = self._find_or_make(packets, profile)
        return self._used[key]

    def close(self) -> None:
        """Delete the captures used, unless they are to be kept."""
        if not self.keep:
            for capture in self._used.values():
                capture.path.unlink(missing_ok=True)
                _facts_path(capture.path).unlink(missing_ok=True)
        self._used.clear()

    def _find_or_make(self, packets: int, profile: str) -> Capture:
        path = self.folder / f"{profile}-{_generator_digest()}-{self.seed}-{packets}.pcap"
        if not (path.exists() and _facts_path(path).exists()):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._drop_stale()
            _check_space(self.folder, packets * BYTES_A_PACKET[profile])
            arguments = [str(path), str(packets), profile, str(self.seed)]
            made = process.run([sys.executable, "-m", "bench.worker", "generate", *arguments])
            _facts_path(path).write_text(made.output, "utf-8")
        return Capture(path, packets, json.loads(_facts_path(path).read_text("utf-8")))

    def _drop_stale(self) -> None:
        """Delete what an older generator wrote: nobody will read it again."""
        for path in self.folder.glob("*-*-*-*.*"):
            if path.name.split("-")[1] != _generator_digest():
                path.unlink(missing_ok=True)


def _facts_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _generator_digest() -> str:
    """Changes when the generator does, so that no capture of an older one is read."""
    digest = hashlib.sha256()
    for source in sorted(GENERATOR.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _check_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise BenchError(
            f"{folder} has {free >> 20:,} MiB free, {(wanted + SPARE) >> 20:,} MiB are needed: "
            "set CITYWALL_CACHE_DIR to a larger disk or ask for fewer packets"
        )


def page_cache_holds(capture: Capture) -> bool:
    """Whether the machine has memory enough to keep the file in its page cache beside the programs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return capture.path.stat().st_size < memory // 2
