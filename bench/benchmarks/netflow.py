"""Flow exports: ours beside the PyPI parser on datagrams in memory, and beside nfcapd off a socket."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from bench import machine
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result
from bench.ours import netflow as ours
from bench.peers import netflow as package
from bench.peers import nfcapd
from bench.subjects import OURS

#: Records that ours and nfcapd read, and the share of them that the package is given.
RECORDS, SHARE = 480_000, 24_000
CASES = {"v9": 9, "ipfix": 10}
#: Datagrams sent at once, and the pause after: 10,000 a second, a quarter of a million records.
_BURST, _PAUSE_S = 50, 0.005
_PACKAGE, _NFCAPD = "netflow", "nfcapd"
#: Datagrams put together, and the option that says how long each is (UDP_SEGMENT, linux/udp.h).
_TOGETHER, _SEGMENT = 40, 103


_Send = Callable[[Sequence[bytes], int], None]
#: Seconds a record by who, case, repeat.
Runs = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class _Work:
    """One reading of one case: records and processor seconds of `payloads`."""

    who: str
    case: str
    read: Callable[[Sequence[bytes]], tuple[int, float]]
    payloads: Sequence[bytes]


class Netflow(Benchmark):
    """Processor seconds a record: of datagrams in memory, and received over UDP on loopback."""

    name = "netflow"
    title = "flow exports"
    named: ClassVar[bool] = True

    def __init__(self, records: int = RECORDS, share: int = SHARE) -> None:
        self.records, self.share = records, share

    def run(self, context: Context) -> Result:
        """Measure."""
        versions = {_PACKAGE: package.version(), _NFCAPD: nfcapd.version()}
        for peer, how in ((_PACKAGE, package.OBTAIN), (_NFCAPD, nfcapd.OBTAIN)):
            if versions[peer] is None:
                context.say(f"{self.name}: {peer} is absent: {how}")
        runs: Runs = {}
        for case, version in CASES.items():
            payloads = ours.datagrams(version, self.records)
            ours.read(payloads[: self.share // ours.RECORDS])  # kernels are there
            works = self._works(case, payloads, versions)
            for repeat in range(context.repeats):
                for work in works:
                    records, seconds = work.read(work.payloads)
                    wanted = len(work.payloads) * ours.RECORDS
                    if records < wanted * 0.999:
                        raise BenchError(f"{work.who} read {records:,} of {wanted:,} records of {work.case}")
                    cost = max(seconds, 1e-6) / records
                    runs.setdefault(work.who, {}).setdefault(work.case, []).append(cost)
                    times = f"{repeat + 1}/{context.repeats}"
                    context.say(
                        f"{self.name} {work.case}: {work.who} {times}: {cost * 1e9:,.1f} ns CPU a record"
                    )
        return _result(context, runs, versions, self.records)

    def _works(self, case: str, payloads: list[bytes], versions: dict[str, str | None]) -> list[_Work]:
        """Who reads what: ours before each peer."""
        works = [
            _Work(OURS, case, ours.decode, payloads),
            _Work(OURS, f"{case}-flows", ours.read, payloads),
        ]
        if versions[_PACKAGE]:  # beside both: it parses, and joins nothing
            few = payloads[: self.share // ours.RECORDS]
            works += [_Work(_PACKAGE, name, package.read, few) for name in (case, f"{case}-flows")]
        for name, send in ((f"{case}-udp", _send), (f"{case}-together", _send_together)):
            works.append(_Work(OURS, name, partial(self._ours, send), payloads))
            if versions[_NFCAPD]:
                works.append(_Work(_NFCAPD, name, partial(self._nfcapd, send), payloads))
        return works

    def _ours(self, send: _Send, payloads: Sequence[bytes]) -> tuple[int, float]:
        argv = [sys.executable, "-m", "bench.ours.netflow", str(self.records)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            send(payloads, json.loads(process.stdout.readline())["port"])
            time.sleep(0.5)
            process.stdin.close()
            told = json.loads(process.stdout.readline())
        return told["records"], told["cpu"]

    def _nfcapd(self, send: _Send, payloads: Sequence[bytes]) -> tuple[int, float]:
        with TemporaryDirectory(prefix="citywall-bench-") as folder:
            peer = nfcapd.Nfcapd(Path(folder))
            send(payloads, peer.port)
            while not peer.idle():
                pass
            return peer.finish()


def _send(payloads: Sequence[bytes], port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        for at in range(0, len(payloads), _BURST):
            for payload in payloads[at : at + _BURST]:
                sender.send(payload)
            time.sleep(_PAUSE_S)


def _send_together(payloads: Sequence[bytes], port: int) -> None:
    """As network cards and drivers give them: those of one size that follow each other in one piece."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        sent = 0
        for size, group in itertools.groupby(payloads, len):
            left = list(group)
            for at in range(0, len(left), _TOGETHER):
                some = left[at : at + _TOGETHER]
                sender.sendmsg([b"".join(some)], [(socket.IPPROTO_UDP, _SEGMENT, struct.pack("=H", size))])
                sent += len(some)
                if sent >= _BURST:
                    time.sleep(_PAUSE_S)
                    sent = 0


def _result(context: Context, runs: Runs, versions: dict[str, str | None], records: int) -> Result:
    """The object of the benchmark; the wall clock is not measured: a socket waits for its sender."""
    obtain = {_PACKAGE: package.OBTAIN, _NFCAPD: nfcapd.OBTAIN}
    least = {who: {case: min(costs) for case, costs in cases.items()} for who, cases in runs.items()}

    def each(figure: Callable[[list[float]], Any]) -> dict[str, Any]:
        told = {who: {c: figure(costs) for c, costs in cases.items()} for who, cases in runs.items()}
        return {"ours": told.pop(OURS), "peers": told}

    ratios = {
        peer: {case: _digits(cost / least[OURS][case]) for case, cost in cases.items()}
        for peer, cases in least.items()
        if peer != OURS
    }
    costs = each(lambda costs: _digits(min(costs)))
    spread = each(lambda costs: {"relative": _digits(max(costs) / min(costs) - 1)})
    return {
        "name": Netflow.name,
        "unit": "CPU seconds per record",
        **costs,
        "ratios": ratios,
        "wall": costs,
        "startup": each(lambda _: {"wall": 0.0, "cpu": 0.0}),
        "packets": each(lambda _: records),
        "spread": {
            part: _nested(told, lambda value: {"cpu": value, "wall": value}) for part, told in spread.items()
        },
        "rate": each(lambda costs: round(1 / min(costs))),
        "repeats": context.repeats,
        "machine": machine.facts(),
        "versions": {OURS: machine.version("citywall")} | {n: v for n, v in versions.items() if v},
        "does": {
            OURS: "templates, sampling, sequence numbers; -flows: also both directions joined, rows as the "
            "stream takes them; -udp: received over loopback, datagrams kept on disk, read from there, both "
            "directions joined, columns; -together: that, sent so that the kernel keeps datagrams together",
            _PACKAGE: "every field of every record as Python objects",
            _NFCAPD: "received over loopback, every record kept on disk, not compressed; directions are not "
            "joined. It cannot read datagrams from elsewhere, so decoding alone is not compared",
        },
        "absent": {peer: obtain[peer] for peer, told in versions.items() if told is None},
        "captures": {},
        "units": {},
        "notes": ["packets are records here"],
    }


def _nested(told: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Change the figures of cases, which stand at one level or below peers."""
    return {
        name: change(value) if "relative" in value else _nested(value, change) for name, value in told.items()
    }


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
