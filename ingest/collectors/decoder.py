"""Datagrams in, records out: keeps templates, sampling rates and sequence numbers of every exporter."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET
from citywall.batches import REASONS as PACKET_REASONS
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import REASONS, Datagrams
from ingest.collectors.records import gone
from ingest.collectors.sampling import ALL, Sampling
from ingest.collectors.sflow import kernels as sflow
from ingest.collectors.templates import NO_ROOM, Layouts, Refused, Template, Withdrawn, read_set
from ingest.flowlogs.lines import Errors

#: Exporters and domains that are kept apart; datagrams of more are refused.
MAX_SOURCES = 1 << 14
#: Templates that one exporter and domain may have.
MAX_TEMPLATES = 4096
_MAX_SEEN = 64
_PREFIX = 4


class Key(msgspec.Struct, frozen=True, array_like=True):
    """An exporter and what it calls its domain (engine, agent)."""

    hi: int
    lo: int
    domain: int
    version: int


class Source(msgspec.Struct):
    """What is known of an exporter's domain. `seen` are sets that changed nothing, or the last thing."""

    index: int
    templates: dict[int, Template] = {}
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    seen: set[bytes] = set()


@dataclass
class Decoded:
    """Flows (HALF[n]; `arrived` is their datagram) of some datagrams, and what belongs to each of these.

    `heads` is HEAD[m], `sources` (i4[m]) numbers the exporter and domain of each, -1 where it was refused.
    """

    records: NDArray[np.void]
    heads: NDArray[np.void]
    sources: NDArray[np.int32]
    errors: Errors
    notes: dict[str, int] = field(default_factory=dict)


class Decoder:
    """Decodes the datagrams of any number of exporters, in the order in which they came."""

    def __init__(self) -> None:
        self._layouts = Layouts()
        self._sources: dict[Key, Source] = {}
        self._by_index: list[Source] = []
        self._expected = np.zeros(0, np.uint32)
        self._known = np.zeros(0, np.uint8)
        self._number = 1  # of the next datagram
        self._row = np.zeros(k.COLUMNS, np.uint64)
        self._rates = np.zeros(0, np.int64)
        self._samplers = np.zeros((0, 3), np.int64)
        self._out = np.empty(0, k.HALF)

    def decode(self, datagrams: Datagrams) -> Decoded:
        """Decode; nothing in a datagram makes this raise. The records hold until the next call."""
        n = len(datagrams)
        heads = np.zeros(n, k.HEAD)
        buffer = datagrams.buffer.view()
        buffer.flags.writeable = False
        room = int((datagrams.ends - datagrams.starts).sum()) // 4 + n
        sets = np.empty(room, k.SET)
        sets = sets[: k.walk(buffer, datagrams.starts, datagrams.ends, heads, sets)]
        sflow = heads["version"] == k.SFLOW
        heads["time"][sflow] = datagrams.times[sflow]
        self._number += n
        errors = Errors()
        sources = self._place(datagrams, heads, errors)
        work = _Work(buffer, heads, sources, sets, errors, self._number - n)
        parts = list(self._sets(work))
        if sflow.any():
            parts.append(self._samples(datagrams, work))
        parts = parts or [np.zeros(0, k.HALF)]
        records = np.concatenate(parts) if len(parts) != 1 else parts[0]
        if sflow.any():
            records = records[np.argsort(records["arrived"], kind="stable")]
        _place_in_time(records, heads)
        counts = np.zeros((len(self._by_index), 3), np.int64)
        k.gaps(heads, sources.astype(np.int64), self._expected, self._known, counts)
        for code in np.unique(heads["reason"][heads["reason"] != 0]):
            errors.add(REASONS[code], work.first + np.flatnonzero(heads["reason"] == code))
        errors.add("not_ip", work.first + np.repeat(np.arange(n), heads["strange"]))
        lost, disordered, restarted = counts.sum(axis=0).tolist()
        notes = {"exports_lost": lost, "exports_out_of_order": disordered, "exporter_restarts": restarted}
        created = int(heads["created"].sum())
        notes |= {"flows_only_created": created} if created else {}
        return Decoded(records, heads, sources, errors, notes | work.notes)

    def _place(self, datagrams: Datagrams, heads: NDArray[np.void], errors: Errors) -> NDArray[np.int32]:
        """The number of the exporter and domain of each datagram; -1 where it is refused."""
        keys = np.zeros(len(datagrams), [("hi", "u8"), ("lo", "u8"), ("domain", "u8"), ("version", "u8")])
        keys["hi"], keys["lo"] = datagrams.hi, datagrams.lo
        keys["domain"], keys["version"] = heads["domain"], heads["version"]
        runs = np.flatnonzero(keys[1:] != keys[:-1]) + 1 if len(keys) else np.zeros(0, np.int64)
        out = np.full(len(keys), -1, np.int32)
        bounds = [0, *runs.tolist(), len(keys)] if len(keys) else [0]
        for first, stop in itertools.pairwise(bounds):
            if heads["version"][first] == 0:
                continue
            source = self._source(Key(*map(int, keys[first])))
            if source is None:
                errors.add("too_many_exporters", self._number - len(keys) + np.arange(first, stop))
            else:
                out[first:stop] = source.index
        return out

    def _source(self, key: Key) -> Source | None:
        source = self._sources.get(key)
        if source is None and len(self._sources) < MAX_SOURCES:
            source = self._sources[key] = Source(len(self._sources))
            self._by_index.append(source)
            self._rates = np.append(self._rates, 1)
            if len(self._by_index) > len(self._known):
                more = max(16, len(self._known))
                self._expected = np.concatenate((self._expected, np.zeros(more, np.uint32)))
                self._known = np.concatenate((self._known, np.zeros(more, np.uint8)))
        return source

    def _sets(self, work: _Work) -> list[NDArray[np.void]]:
        """Decode sets in order; whatever changes how those behind it are read comes to its right."""
        sets = work.sets
        of = work.sources[sets["datagram"]] if len(sets) else np.zeros(0, np.int32)
        sets = work.sets = sets[of >= 0]
        of = of[of >= 0]
        parts = []
        at = 0
        while at < len(sets):
            telling = self._resolve(sets[at:], of[at:])
            stop = len(sets)
            for i in (np.flatnonzero(telling) + at).tolist():
                if self._changes(work, sets[i], self._by_index[of[i]]):
                    stop = i
                    break
            # The set that changes something is decoded with those before it: options are only counted.
            parts.append(self._records(work, sets[at : stop + 1], first=at == 0))
            if stop < len(sets):
                self._learn(work, sets[stop], self._by_index[of[stop]])
            at = stop + 1
        return parts

    def _resolve(self, sets: NDArray[np.void], of: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Put each data set to its template; gives those that may change how others are read."""
        telling: NDArray[np.bool_] = sets["kind"] != k.DATA
        pairs = of.astype(np.int64) << 20 | sets["id"]
        unique, inverse = np.unique(pairs, return_inverse=True)
        layout = np.full(len(unique), -1, np.int32)
        options = np.zeros(len(unique), np.bool_)
        for i, pair in enumerate(unique.tolist()):
            number = pair & 0xFFFFF
            if number == k.V5_SET:
                layout[i] = self._layouts.v5
            elif (template := self._by_index[pair >> 20].templates.get(number)) is not None:
                layout[i], options[i] = template.layout, template.telling
        sets["template"] = np.where(telling, -1, layout[inverse])
        return telling | (options[inverse] & ~telling)

    @staticmethod
    def _changes(work: _Work, one: np.void, source: Source) -> bool:
        """Whether a set says something that has not been said since anything changed."""
        return work.said(one) not in source.seen

    def _learn(self, work: _Work, one: np.void, source: Source) -> None:
        said = work.said(one)
        raw = said[_PREFIX:]
        changed = False
        if one["kind"] == k.DATA:
            template = source.templates.get(int(one["id"]))
            changed = template is not None and source.sampling.read(raw, template)
            if changed:
                self._tell_rates()
        else:
            version = int(work.heads["version"][one["datagram"]])
            place = np.array([work.first + int(one["datagram"])], np.int64)
            for each in read_set(raw, version, bool(one["kind"] == k.OPTIONS)):
                if isinstance(each, Refused):
                    work.errors.add(each.reason, place)
                elif isinstance(each, Withdrawn):
                    changed |= self._withdraw(each, source)
                elif not self._keep(each, source):
                    work.errors.add("too_many_templates", place)
                else:
                    changed = True
        if changed or len(source.seen) >= _MAX_SEEN:
            source.seen.clear()
        source.seen.add(said)

    @staticmethod
    def _withdraw(what: Withdrawn, source: Source) -> bool:
        kept = {
            number: template
            for number, template in source.templates.items()
            if not gone(what, (0, 0, number), 0, 0, template)
        }
        changed = len(kept) != len(source.templates)
        source.templates = kept
        return changed

    def _keep(self, template: Template, source: Source) -> bool:
        """Keep a template, where there is room."""
        if template.id not in source.templates and len(source.templates) >= MAX_TEMPLATES:
            return False
        layout = self._layouts.add(template.fields, options=template.scopes > 0)
        if layout == NO_ROOM:
            source.templates.pop(template.id, None)
            return False
        source.templates[template.id] = msgspec.structs.replace(template, layout=layout)
        return True

    def _records(self, work: _Work, sets: NDArray[np.void], first: bool) -> NDArray[np.void]:
        """Decode data sets as far as they were put to templates; the `first` of a call into kept memory."""
        data = sets["kind"] == k.DATA
        missing = data & (sets["template"] < 0)
        if missing.any():
            work.errors.add("template_missing", work.first + sets["datagram"][missing].astype(np.int64))
        known = sets[data & ~missing]
        table = self._layouts.table[known["template"]]
        length = np.maximum(table["length"].astype(np.int64), 1)
        room = int(((known["end"] - known["start"]) // length)[table["useful"] == 1].sum())
        if first and len(self._out) <= room:
            self._out = np.empty(room + room // 4 + 1, k.HALF)
        out = self._out if first else np.empty(room + 1, k.HALF)
        self._clocks(work, known)
        n = k.records(
            work.buffer, sets, self._layouts.table, self._layouts.ops, work.heads, work.sources, self._rates,
            self._samplers, self._row, out,
        )  # fmt: skip
        return out[:n]

    def _clocks(self, work: _Work, sets: NDArray[np.void]) -> None:
        """The uptime of IPFIX exporters that have said when they began."""
        of = work.sources[sets["datagram"]]
        for index in np.unique(of).tolist():
            begun = self._by_index[index].sampling.begun
            if begun >= 0:
                at = sets["datagram"][of == index]
                at = at[work.heads["version"][at] == k.IPFIX]
                work.heads["uptime"][at] = np.maximum(work.heads["time"][at] // 1_000_000 - begun, -1)

    def _tell_rates(self) -> None:
        """Sampling as the kernels take it: a rate for each source, and those of samplers that differ."""
        self._rates = np.array([source.sampling.rate(ALL) for source in self._by_index], np.int64)
        rows = [
            (source.index, sampler, rate)
            for source in self._by_index
            for sampler, rate in source.sampling.rates.items()
            if rate != source.sampling.rate(ALL) and sampler < 1 << 62
        ]
        self._samplers = np.array(rows, np.int64).reshape(-1, 3)

    def _samples(self, datagrams: Datagrams, work: _Work) -> NDArray[np.void]:
        """Packets sampled by sFlow."""
        heads = work.heads
        heads["version"][work.sources < 0] = 0
        found = np.empty(int((datagrams.ends - datagrams.starts).sum()) // 24 + 1, sflow.SAMPLE)
        found = found[: sflow.samples(work.buffer, datagrams.starts, datagrams.ends, heads, found)]
        out, packets = np.empty(len(found) + 1, k.HALF), np.empty(len(found), PACKET)
        reasons = np.zeros(len(PACKET_REASONS), np.int64)
        n = sflow.sampled(
            work.buffer,
            found,
            packets,
            heads,
            work.sources,
            self._rates,
            self._samplers,
            reasons,
            self._row,
            out,
        )
        if reasons.any():
            work.notes["samples_not_ip"] = int(reasons.sum())
        return out[:n]

    def snapshot(self) -> bytes:
        """All that is kept."""
        saved = _Saved(
            list(self._sources.items()), self._expected.tolist(), self._known.tolist(), self._number
        )
        return msgspec.msgpack.encode(saved)

    def restore(self, raw: bytes) -> None:
        """Go on where `snapshot` was; raises ValueError on anything else."""
        saved = msgspec.msgpack.decode(raw, type=_Saved)
        self._layouts, self._sources, self._by_index = Layouts(), {}, []
        for key, source in saved.sources:
            self._sources[key] = source
            self._by_index.append(source)
            for number, template in source.templates.items():
                layout = self._layouts.add(template.fields, options=template.scopes > 0)
                source.templates[number] = msgspec.structs.replace(template, layout=layout)
        self._expected = np.array(saved.expected, np.uint32)
        self._known = np.array(saved.known, np.uint8)
        self._number = saved.number
        self._tell_rates()


class _Saved(msgspec.Struct):
    sources: list[tuple[Key, Source]]
    expected: list[int]
    known: list[int]
    number: int


@dataclass
class _Work:
    """What belongs to one call. `first` is the number of the first datagram."""

    buffer: NDArray[np.uint8]
    heads: NDArray[np.void]
    sources: NDArray[np.int32]
    sets: NDArray[np.void]
    errors: Errors
    first: int
    notes: dict[str, int] = field(default_factory=dict)

    def said(self, one: np.void) -> bytes:
        """A set as `Source.seen` knows it: kind, id and content."""
        raw: bytes = self.buffer[int(one["start"]) : int(one["end"])].tobytes()
        return int(one["kind"]).to_bytes(1, "big") + int(one["id"]).to_bytes(3, "big") + raw


def _place_in_time(rows: NDArray[np.void], heads: NDArray[np.void]) -> None:
    """Times of clocks nobody knows: the last record of a message is taken to have ended at export."""
    lost = rows["done"] == k.LOST
    if not lost.any():
        return
    some = rows[lost]
    newest = np.zeros(len(heads), np.int64)
    np.maximum.at(newest, some["arrived"], some["last"])
    exported = heads["time"][some["arrived"]]
    for name in ("last", "first"):
        some[name] = exported - (newest[some["arrived"]] - np.minimum(some[name], some["last"])) * 1_000_000
    some["done"] = 0
    rows[lost] = some
