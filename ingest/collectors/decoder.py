"""Datagrams in, records out: keeps templates, sampling rates and sequence numbers of every exporter."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall import rows
from citywall.batches import PACKET
from citywall.batches import REASONS as PACKET_REASONS
from citywall.scratch import Scratch
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import REASONS, Datagrams
from ingest.collectors.joined import Joined
from ingest.collectors.known import Known
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

    def has(self, template: Template) -> bool:
        """Whether a template is known as it is."""
        known = self.templates.get(template.id)
        return known is not None and (known.fields, known.scopes) == (template.fields, template.scopes)


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
        self._templates = Known(self._layouts.v5)
        self._sources: dict[Key, Source] = {}
        self._by_index: list[Source] = []
        self._expected = np.zeros(0, np.uint32)
        self._known = np.zeros(0, np.uint8)
        self._number = 1  # of the next datagram
        self._row = np.zeros(k.COLUMNS, np.uint64)
        self._rates = np.zeros(0, np.int64)
        self._samplers = np.zeros((0, 3), np.int64)
        self._begun = False  # whether any source said when its clock began
        self._out, self._found = np.empty(0, k.HALF), np.empty(0, k.SET)
        self._heads = Scratch(k.HEAD)
        self._keys = np.zeros(0, placing.KEY)
        self._slots = np.full(4 * MAX_SOURCES, -1, np.int32)

    def decode(self, datagrams: Datagrams, joined: Joined | None = None) -> Decoded:
        """Decode; nothing in a datagram makes this raise. Records and heads hold until the next call.

        Records from the first on that need nothing of each other go to `joined`, where it is given; only the
        others are told.
        """
        n = len(datagrams)
        heads = self._heads.take(n)
        buffer = datagrams.buffer.view()
        buffer.flags.writeable = False
        room = datagrams.span // 4 + n
        if len(self._found) < room:
            self._found = np.empty(room, k.SET)
        sets = self._found[: k.walk(buffer, datagrams.starts, datagrams.ends, heads, self._found)]
        clocks = np.empty(n, np.int64)
        samples = int(k.timed(heads, datagrams.times, clocks))
        self._number += n
        errors = Errors()
        sources = self._place(datagrams, heads, errors)
        quick = None if samples else joined
        work = _Work(buffer, heads, sources, sets, errors, self._number - n, clocks, quick)
        parts = list(self._sets(work))
        if samples:
            parts.append(self._samples(datagrams, work))
        records = rows.join([part for part in parts if len(part)], k.HALF)
        if samples:
            records = rows.take(records, np.argsort(records["arrived"], kind="stable"))
        if work.lost:
            _place_in_time(records, heads)
        counts = np.zeros(k.COUNTS, np.int64)
        k.tally(heads, sources, self._expected, self._known, counts)
        lost, disordered, restarted, created, refused, strange = counts.tolist()
        if refused or strange:
            self._count_wrong(heads, work)
        notes = {"exports_lost": lost, "exports_out_of_order": disordered, "exporter_restarts": restarted}
        notes |= {"flows_only_created": created} if created else {}
        return Decoded(records, heads, sources, clocks, errors, notes | work.notes)

    @staticmethod
    def _count_wrong(heads: NDArray[np.void], work: _Work) -> None:
        """What was refused of datagrams, and their records that are no flow of IP."""
        refused = np.flatnonzero(heads["reason"])
        if len(refused):
            for code in np.unique(heads["reason"][refused]):
                work.errors.add(REASONS[code], work.first + refused[heads["reason"][refused] == code])
        strange = np.flatnonzero(heads["strange"])
        if len(strange):
            work.errors.add("not_ip", work.first + np.repeat(strange, heads["strange"][strange]))

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
        if len(self._sources) >= MAX_SOURCES:
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
            sets = work.sets = rows.take(sets, of >= 0)
            of = of[of >= 0]
        parts = []
        at = 0
        while at < len(sets):
            telling = (self._templates.resolve(sets[at:], of[at:]) + at).tolist()
            changes = (i for i in telling if work.said(sets[i]) not in self._by_index[of[i]].seen)
            stop = next(changes, len(sets))
            # The set that changes something is decoded with those before it: options are only counted.
            parts.append(self._records(work, sets[at : stop + 1], first=at == 0))
            if stop < len(sets):
                self._learn(work, sets[stop], self._by_index[of[stop]])
            at = stop + 1
        return parts

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
                elif source.has(each):
                    continue  # told again, as most are
                elif not self._keep(each, source):
                    work.errors.add("too_many_templates", place)
                else:
                    changed = True
        if changed or len(source.seen) >= _MAX_SEEN:
            source.seen.clear()
        source.seen.add(said)

    def _withdraw(self, what: Withdrawn, source: Source) -> bool:
        left = [
            number
            for number, template in source.templates.items()
            if gone(what, (0, 0, number), 0, 0, template)
        ]
        for number in left:
            del source.templates[number]
            self._templates.tell(source.index, number, None)
        return bool(left)

    def _keep(self, template: Template, source: Source) -> bool:
        """Keep a template, where there is room."""
        if template.id not in source.templates and len(source.templates) >= MAX_TEMPLATES:
            return False
        layout = self._layouts.add(template.fields, options=template.scopes > 0)
        if layout == NO_ROOM:
            source.templates.pop(template.id, None)
            self._templates.tell(source.index, template.id, None)
            return False
        self._place_template(source, template, layout)
        return True

    def _place_template(self, source: Source, template: Template, layout: int) -> None:
        kept = source.templates[template.id] = msgspec.structs.replace(template, layout=layout)
        self._templates.tell(source.index, template.id, kept)

    def _records(self, work: _Work, sets: NDArray[np.void], first: bool) -> NDArray[np.void]:
        """Decode data sets as far as they were put to templates; the `first` of a call into kept memory."""
        if self._begun:
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
        told = [
            (source.index, sampler, rate)
            for source in self._by_index
            for sampler, rate in source.sampling.rates.items()
            if rate != source.sampling.rate(ALL) and sampler < 1 << 62
        ]
        self._samplers = np.array(told, np.int64).reshape(-1, 3)
        self._begun = any(source.sampling.begun >= 0 for source in self._by_index)

    def _samples(self, datagrams: Datagrams, work: _Work) -> NDArray[np.void]:
        """Packets sampled by sFlow."""
        heads = work.heads
        heads["version"][work.sources < 0] = 0
        found = np.empty(datagrams.span // 24 + 1, sflow.SAMPLE)
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
        self._templates = Known(self._layouts.v5)
        self._slots[:] = -1
        for key, source in saved.sources:
            self._sources[key] = source
            self._by_index.append(source)
            self._enter(key)
            for template in list(source.templates.values()):
                layout = self._layouts.add(template.fields, options=template.scopes > 0)
                self._place_template(source, template, layout)
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


def _place_in_time(records: NDArray[np.void], heads: NDArray[np.void]) -> None:
    """Times of clocks nobody knows: the last record of a message is taken to have ended at export."""
    lost = records["done"] == k.LOST
    some = rows.take(records, lost)
    newest = np.zeros(len(heads), np.int64)
    np.maximum.at(newest, some["arrived"], some["last"])
    exported = heads["time"][some["arrived"]]
    for name in ("last", "first"):
        some[name] = exported - (newest[some["arrived"]] - np.minimum(some[name], some["last"])) * 1_000_000
    some["done"] = 0
    records[lost] = some
