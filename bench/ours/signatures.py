"""Our matching of signatures over a capture, and our prefilter alone, each in a process of its own."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Payload bytes of one item of the prefilter's input, and how many there are at most.
ITEM, ITEMS = 600, 20_000


def report(task: str, *arguments: str) -> dict[str, Any]:
    """`match CAPTURE WARM RULES [all]` (no rules: empty), or `prefilter CAPTURE RULES`."""
    return match(*arguments) if task == "match" else prefilter(*arguments)


def match(capture: str, warm: str, rules: str, reading: str = "") -> dict[str, Any]:
    """What loading and matching cost, and how often each signature spoke.

    `reading`: "all" for every protocol's messages with all that they say, else what the rules can see.
    """
    from collections import Counter

    from citywall.applicationsettings import ApplicationSettings
    from rules.match.engine import Engine
    from stream.matching import everything, for_rules, over_capture

    wanted = everything if reading == "all" else for_rules
    idle = _resident()
    began = time.process_time()
    read = _rules(rules)
    parsed = time.process_time()
    engine = Engine(read)
    loaded = time.process_time()
    rules_bytes = _resident() - idle
    settings = ApplicationSettings(midstream=False)  # as Suricata does
    over_capture(Path(warm), engine.fresh(), settings, wanted=wanted)  # kernels are there
    before = _resident()
    with collecting_as_the_program():
        wall, cpu = time.perf_counter(), time.process_time()
        alerts = over_capture(Path(capture), engine.fresh(), settings, wanted=wanted)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return {
        "packets": packets_of(capture), "cpu": cpu, "wall": wall, "rules": len(read),
        "parse": parsed - began, "compile": loaded - parsed, "rules_bytes": rules_bytes,
        "memory": max(0, peak - before),
        "alerts": {str(sid): n for sid, n in sorted(Counter(a.rule.sid for a in alerts).items())},
    }  # fmt: skip


@contextmanager
def collecting_as_the_program() -> Iterator[None]:
    """Garbage is looked for as `citywall run` does."""
    from citywall.garbage import collect_seldom

    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def prefilter(capture: str, rules: str) -> dict[str, Any]:
    """Seconds that our prefilter takes for the payloads of a capture, and what it is given."""
    import numpy as np

    from rules.match.literals import Literals

    patterns, data = literals_of(rules), payloads_of(capture)
    began = time.process_time()
    ready = Literals(patterns)
    compiled = time.process_time() - began
    starts = np.arange(0, len(data), ITEM, dtype=np.int64)
    lengths = np.full(len(starts), ITEM, np.int64)
    flat = np.frombuffer(data, np.uint8)
    cost = least(lambda: ready.scan(flat, starts, lengths))
    told = len(ready.scan(flat, starts, lengths)[0])
    return {"seconds": cost, "bytes": len(data), "literals": len(patterns), "compile": compiled, "told": told}


def least(work: Any, times: int = 3) -> float:
    """The least processor seconds of a few runs."""
    work()
    costs = []
    for _ in range(times):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs)


def literals_of(rules: str) -> list[bytes]:
    """The distinct literals that the rules' prefilters look for, in lower case."""
    from rules.match.compiled import compile_rules

    return sorted({c.literal for c in compile_rules(_rules(rules)) if c.literal})


def payloads_of(capture: str) -> bytes:
    """Payloads of a capture in pieces of ITEM bytes, repeated until there are ITEMS of them."""
    import numpy as np

    from ingest.capture import open_capture
    from ingest.decode import decode_block

    pieces: list[bytes] = []
    with open_capture(Path(capture)) as opened:
        for ref in opened.blocks(8 << 20):
            for rows in decode_block(ref, opened.buffer, 4096):
                there = np.minimum(rows["captured"].astype(np.int64) - rows["payload_at"], rows["payload"])
                for row in np.flatnonzero(there >= ITEM):
                    at = int(rows["offset"][row]) + int(rows["payload_at"][row])
                    pieces.append(opened.buffer[at : at + ITEM].tobytes())
                if len(pieces) >= ITEMS:
                    return b"".join(pieces[:ITEMS])
    if not pieces:
        return b""
    return b"".join(pieces[i % len(pieces)] for i in range(ITEMS))


def packets_of(capture: str) -> int:
    """How many packets a capture has."""
    from ingest.capture import open_capture

    with open_capture(Path(capture)) as opened:
        return sum(ref.packets for ref in opened.blocks(8 << 20))


def _rules(path: str) -> list[Any]:
    from rules.language.parser import Parser

    return list(Parser().files([Path(path)]).rules) if path else []


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()
