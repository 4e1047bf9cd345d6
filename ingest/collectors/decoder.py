"""Datagrams in, records out: keeps templates, sampling rates and sequence numbers of every exporter."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET
from citywall.batches import REASONS as PACKET_REASONS
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import REASONS, Datagrams
from ingest.collectors.joined import Joined
from ingest.collectors.placing import kernels as placing
from ingest.collectors.reading import kernels as reading
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

    `heads` is HEAD[m], `sources` (i4[m]) numbers the exporter and domain of each, -1 where it was refused,
    `clocks` (i8[m]) are the times when they came.
    """

    records: NDArray[np.void]
    heads: NDArray[np.void]
    sources: NDArray[np.int32]
    clocks: NDArray[np.int64]
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
        self._out, self._found = np.empty(0, k.HALF), np.empty(0, k.SET)
        self._keys = np.zeros(0, placing.KEY)
        self._slots = np.full(4 * MAX_SOURCES, -1, np.int32)

    def decode(self, datagrams: Datagrams, joined: Joined | None = None) -> Decoded:
        """Decode; nothing in a datagram makes this raise. The records hold until the next call.

        Records from the first on that need nothing of each other go to `joined`, where it is given; only the
        others are told.
        """
        n = len(datagrams)
        heads = np.zeros(n, k.HEAD)
        buffer = datagrams.buffer.view()
        buffer.flags.writeable = False
        room = int((datagrams.ends - datagrams.starts).sum()) // 4 + n
        if len(self._found) < room:
            self._found = np.empty(room, k.SET)
        sets = self._found[: k.walk(buffer, datagrams.starts, datagrams.ends, heads, self._found)]
        sflow = np.flatnonzero(heads["version"] == k.SFLOW)
        heads["time"][sflow] = datagrams.times[sflow]
        self._number += n
        errors = Errors()
        sources = self._place(datagrams, heads, errors)
        clocks = np.where(datagrams.times > 0, datagrams.times, heads["time"])
        quick = None if len(sflow) else joined
        work = _Work(buffer, heads, sources, sets, errors, self._number - n, clocks, quick)
        parts = list(self._sets(work))
        if len(sflow):
            parts.append(self._samples(datagrams, work))
        parts = parts or [np.zeros(0, k.HALF)]
        records = np.concatenate(parts) if len(parts) != 1 else parts[0]
        if len(sflow):
            records = records[np.argsort(records["arrived"], kind="stable")]
        if work.lost:
            _place_in_time(records, heads)
        counts = np.zeros((len(self._by_index), 3), np.int64)
        k.gaps(heads, sources, self._expected, self._known, counts)
        refused = np.flatnonzero(heads["reason"])
        for code in np.unique(heads["reason"][refused]):
            errors.add(REASONS[code], work.first + refused[heads["reason"][refused] == code])
        strange = np.flatnonzero(heads["strange"])
        errors.add("not_ip", work.first + np.repeat(strange, heads["strange"][strange]))
        lost, disordered, restarted = counts.sum(axis=0).tolist()
        notes = {"exports_lost": lost, "exports_out_of_order": disordered, "exporter_restarts": restarted}
        created = int(heads["created"].sum())
        notes |= {"flows_only_created": created} if created else {}
        return Decoded(records, heads, sources, clocks, errors, notes | work.notes)

    def _place(self, datagrams: Datagrams, heads: NDArray[np.void], errors: Errors) -> NDArray[np.int32]:
        """The number of the exporter and domain of each datagram; -1 where it is refused."""
        hi, lo = datagrams.hi, datagrams.lo
        n, at = len(heads), 0
        out = np.empty(n, np.int32)
        while at < n:
            full = len(self._sources) >= MAX_SOURCES
            at = placing.place(hi, lo, heads, self._keys, self._slots, at, full, out)
            if at < n:
                self._begin(
                    Key(int(hi[at]), int(lo[at]), int(heads["domain"][at]), int(heads["version"][at]))
                )
        refused = np.flatnonzero(out == placing.REFUSED)
        out[refused] = -1
        errors.add("too_many_exporters", self._number - n + refused)
        return out

    def _begin(self, key: Key) -> None:
        """Know an exporter's domain from now on."""
        self._sources[key] = Source(len(self._sources))
        self._by_index.append(self._sources[key])
        self._rates = np.append(self._rates, 1)
        self._enter(key)
        if len(self._by_index) > len(self._known):
            more = max(16, len(self._known))
            self._expected = np.concatenate((self._expected, np.zeros(more, np.uint32)))
            self._known = np.concatenate((self._known, np.zeros(more, np.uint8)))

    def _enter(self, key: Key) -> None:
        """Have the newest of the sources found by its key."""
        index = len(self._by_index) - 1
        if index >= len(self._keys):
            self._keys = np.concatenate((self._keys, np.zeros(max(16, len(self._keys)), placing.KEY)))
        self._keys[index] = (key.hi, key.lo, key.domain, key.version)
        placing.enter(self._keys, self._slots, index)

    def _sets(self, work: _Work) -> list[NDArray[np.void]]:
        """Decode sets in order; whatever changes how those behind it are read comes to its right."""
        sets = work.sets
        of = work.sources[sets["datagram"]] if len(sets) else np.zeros(0, np.int32)
        if (of < 0).any():
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
        begins = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1])))
        unique, inverse = np.unique(pairs[begins], return_inverse=True)
        inverse = np.repeat(inverse, np.diff(begins, append=len(pairs)))
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
        if any(source.sampling.begun >= 0 for source in self._by_index):
            self._clocks(work, sets[(sets["kind"] == k.DATA) & (sets["template"] >= 0)])
        room, missing, strange = placing.measure(sets, self._layouts.table, work.heads)
        if missing:
            at = sets["datagram"][(sets["kind"] == k.DATA) & (sets["template"] < 0)]
            work.errors.add("template_missing", work.first + at.astype(np.int64))
        given = (
            work.buffer, sets, self._layouts.table, self._layouts.ops, self._layouts.places, work.heads,
            work.sources, self._rates, self._samplers, self._row,
        )  # fmt: skip
        if strange:
            work.joined = None  # all of a datagram's records are asked what its clock shows
        if work.joined is not None:
            work.joined.take(room, *given, work.clocks)
            return self._out[:0]
        if first and len(self._out) <= room:
            self._out = np.empty(room + room // 4 + 1, k.HALF)
        out = self._out if first else np.empty(room + 1, k.HALF)
        n, lost = reading.records(*given, out)
        work.lost += int(lost)
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
        self._slots[:] = -1
        for key, source in saved.sources:
            self._sources[key] = source
            self._by_index.append(source)
            self._enter(key)
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
    clocks: NDArray[np.int64]
    joined: Joined | None
    lost: int = 0  # records with times of an unknown clock
    notes: dict[str, int] = field(default_factory=dict)

    def said(self, one: np.void) -> bytes:
        """A set as `Source.seen` knows it: kind, id and content."""
        raw: bytes = self.buffer[int(one["start"]) : int(one["end"])].tobytes()
        return int(one["kind"]).to_bytes(1, "big") + int(one["id"]).to_bytes(3, "big") + raw


def _place_in_time(rows: NDArray[np.void], heads: NDArray[np.void]) -> None:
    """Times of clocks nobody knows: the last record of a message is taken to have ended at export."""
    lost = rows["done"] == k.LOST
    some = rows[lost]
    newest = np.zeros(len(heads), np.int64)
    np.maximum.at(newest, some["arrived"], some["last"])
    exported = heads["time"][some["arrived"]]
    for name in ("last", "first"):
        some[name] = exported - (newest[some["arrived"]] - np.minimum(some[name], some["last"])) * 1_000_000
    some["done"] = 0
    rows[lost] = some
