"""Reads what is true of a recorded capture: the truth that `citywall synth` writes, or one written by hand.

YAML (JSON is YAML too). An attack names its frames as runs `[first, last]`; where it names none, its frames
are all those between one of its sources and one of its targets, both ways, `from` and `until` when it says.
Frames are looked up in the capture; what is counted there (packets, times) must agree where it is given.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import V4_MAPPED
from citywall.batches import NOT_IP
from citywall.errors import FaultyInput
from citywall.faults import Fault
from drills import fields
from drills.classes import detector_of
from drills.reading import text_of
from drills.truth import AttackTruth, Truth
from posture import fields as common
from posture.fields import Bad, Field
from posture.nodes import Node, Scalar, parse
from posture.tables import TableReader

MAX_BYTES = 16 << 20
_BATCH = 65_536
_BLOCK = 8 << 20
_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Frames:
    """What is known of each frame of a capture, in order: time (ns), both ends' words, whether known."""

    times: NDArray[np.int64]
    ends: NDArray[np.uint64]  # [frames, 4]: a_hi, a_lo, b_hi, b_lo
    known: NDArray[np.bool_]
    bytes: int


def read(path: Path, capture: Path) -> Truth:
    """The truth in `path` of the recording `capture`; raises FaultyInput with every fault, InputError."""
    content, fault = text_of(path, MAX_BYTES)
    if fault is not None:
        raise FaultyInput(str(path), [fault])
    root, faults = parse(content, str(path))
    reader = _Reader(str(path), faults)
    values: dict[str, Any] = {}
    if not faults:
        if root is None or (isinstance(root, Scalar) and root.absent):
            reader.note(0, "", Bad("drill_fault.nothing"))
        else:
            values = reader.table(root, fields.TRUTH, "", {})
            reader.check(values)
    if faults:
        raise FaultyInput(str(path), _in_order(faults))
    frames = frames_of(capture)
    truth = reader.truth(values, frames, capture.name)
    if truth is None:
        raise FaultyInput(str(path), _in_order(faults))
    return truth


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.line)


def frames_of(capture: Path) -> Frames:
    """Read a capture's frames: 41 bytes of memory each. Raises InputError."""
    from ingest.capture import open_capture
    from ingest.decode.reading import decode_block

    times, ends, known, size = [], [], [], 0
    with open_capture(capture) as file:
        for ref in file.blocks(_BLOCK):
            for packets in decode_block(ref, file.buffer, _BATCH):
                times.append(packets["time"].copy())
                ends.append(np.stack([packets[name] for name in ("a_hi", "a_lo", "b_hi", "b_lo")], axis=1))
                known.append(packets["status"] > NOT_IP)
                size += int(packets["captured"].sum())
    if not times:
        return Frames(np.empty(0, np.int64), np.empty((0, 4), np.uint64), np.empty(0, np.bool_), 0)
    return Frames(np.concatenate(times), np.concatenate(ends), np.concatenate(known), size)


def between(frames: Frames, sources: list[str], targets: list[str]) -> NDArray[np.bool_]:
    """Which frames go between one of `sources` and one of `targets` (prefixes), either way."""
    a, b = frames.ends[:, :2], frames.ends[:, 2:]
    there = _in_any(a, sources) & _in_any(b, targets)
    back = _in_any(b, sources) & _in_any(a, targets)
    return (there | back) & frames.known


def _in_any(words: NDArray[np.uint64], prefixes: list[str]) -> NDArray[np.bool_]:
    found = np.zeros(len(words), np.bool_)
    for text in prefixes:
        net = ipaddress.ip_network(text)
        value, mask = int(net.network_address), int(net.netmask)
        if net.version == 4:
            value |= V4_MAPPED
            mask |= ((1 << 128) - 1) ^ 0xFFFF_FFFF
        high = (words[:, 0] & np.uint64(mask >> 64)) == np.uint64(value >> 64)
        found |= high & ((words[:, 1] & np.uint64(mask & _WORD)) == np.uint64(value & _WORD))
    return found


def runs_of(chosen: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Runs [first, last] of frame numbers, from 1, where `chosen` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return tuple((int(first) + 1, int(last)) for first, last in edges.reshape(-1, 2))


class _Reader(TableReader):
    """Reads frames beside what the table says, and counts in the capture."""

    def value(self, wanted: Field, node: Node, name: str, values: dict[str, Any], key: str) -> None:
        """As of any table; `frames` are runs."""
        if key != "frames":
            super().value(wanted, node, name, values, key)
            return
        runs: list[tuple[int, int]] = []
        try:
            for at, item in enumerate(common.items(node), 1):
                numbers = [fields.whole(common.scalar(n)) for n in common.items(item)]
                follows = not runs or runs[-1][1] < numbers[0] if len(numbers) == 2 else False
                if not follows or not 1 <= numbers[0] <= numbers[1]:
                    self.note(item.line, f"{name}[{at}]", Bad("drill_fault.not_run"))
                    return
                runs.append((numbers[0], numbers[1]))
        except Bad as e:
            self.note(node.line, name, e)
            return
        values[key] = tuple(runs)

    def check(self, values: dict[str, Any]) -> None:
        """Note what is wrong between attacks."""
        seen: dict[str, int] = {}
        attacks = values.get("attacks", ())
        if not attacks and "attacks" in values:
            self.note(self.lines["attacks"], "attacks", Bad("empty"))
        for at, attack in enumerate(attacks, 1):
            name, line = f"attacks[{at}]", self.lines[f"attacks[{at}]"]
            if (id_ := attack.get("id")) is not None and seen.setdefault(id_, line) != line:
                self.note(line, f"{name}.id", Bad("same_id", id=id_, place=str(seen[id_])))
            if not attack.get("frames") and not (attack.get("sources") and attack.get("targets")):
                self.note(line, f"{name}.frames", Bad("drill_fault.no_frames_named"))
            if attack.get("from", 0) > attack.get("until", 1 << 63):
                self.note(self.lines[f"{name}.until"], f"{name}.until", Bad("drill_fault.before_from"))

    def truth(self, values: dict[str, Any], frames: Frames, name: str) -> Truth | None:
        """What the values say, counted in the capture; None where it does not agree with it."""
        count = len(frames.times)
        if not count:
            self.note(0, "", Bad("drill_fault.no_packets", name=name))
            return None
        attacks = [self._attack(a, frames, f"attacks[{at}]") for at, a in enumerate(values["attacks"], 1)]
        first, last = int(frames.times.min()), int(frames.times.max())
        counted = {"packets": count, "bytes": frames.bytes, "start": first, "end": last}
        self._agree(values, counted, "")
        if self.faults:
            return None
        benign = tuple(bare(p) for p in values.get("benign_hosts", ()))
        return Truth(
            name, values.get("seed", 0), values.get("minutes", 0), count, frames.bytes, first, last,
            tuple(a for a in attacks if a is not None), benign,
        )  # fmt: skip

    def _attack(self, values: dict[str, Any], frames: Frames, name: str) -> AttackTruth | None:
        count, line = len(frames.times), self.lines[name]
        runs = values.get("frames") or ()
        if not runs:
            chosen = between(frames, values["sources"], values["targets"])
            chosen &= frames.times >= values.get("from", -(1 << 62))
            chosen &= frames.times <= values.get("until", 1 << 62)
            runs = runs_of(chosen)
        if not runs or runs[-1][1] > count:
            key = "drill_fault.beyond_capture" if runs else "drill_fault.no_frames"
            self.note(self.lines.get(f"{name}.frames", line), f"{name}.frames", Bad(key, count=str(count)))
            return None
        times = np.concatenate([frames.times[first - 1 : last] for first, last in runs])
        counted = {
            "packets": len(times), "first_frame": runs[0][0], "last_frame": runs[-1][1],
            "start": int(times.min()), "end": int(times.max()),
        }  # fmt: skip
        self._agree(values, counted, f"{name}.")
        return AttackTruth(
            values["id"], values["kind"], tuple(values.get("attck", ())),
            values.get("detector", detector_of(values["kind"])),
            tuple(map(bare, values["sources"])), tuple(map(bare, values["targets"])),
            values.get("spoofed", False), runs, counted["first_frame"], counted["last_frame"],
            counted["packets"], counted["start"], counted["end"],
        )  # fmt: skip

    def _agree(self, values: dict[str, Any], counted: dict[str, int], dot: str) -> None:
        for key, number in counted.items():
            if key in values and values[key] != number:
                bad = Bad("drill_fault.disagrees", said=str(values[key]), counted=str(number))
                self.note(self.lines[f"{dot}{key}"], f"{dot}{key}", bad)


def bare(prefix: str) -> str:
    """A prefix of one address as that address."""
    return prefix.removesuffix("/32") if "." in prefix else prefix.removesuffix("/128")
