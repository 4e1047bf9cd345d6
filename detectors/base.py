"""What a detector is: parameters, metadata, and a judgement over what the feature kernel has seen."""

from __future__ import annotations

import math
import struct
from abc import ABC
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.cards import DetectorCard
from citywall.errors import SettingsError
from citywall.findings import Endpoint, Evidence, Finding, Severity, derived_id
from citywall.i18n import tr
from citywall.rows import take
from citywall.state import Parts, bytes_of
from detectors.baselines.tables import Noted
from detectors.features.tables import Seen
from detectors.fragments.records import Fragmented
from detectors.holding.tables import Held
from detectors.places import Places
from detectors.prefixes import Prefixes
from detectors.relations.tables import Related
from detectors.sightings.tables import Told

#: Entities a detector remembers having spoken of; the longest unmentioned is forgotten first.
MAX_SAID = 1 << 16

T = TypeVar("T", bound=msgspec.Struct)


class Parameter(msgspec.Struct, frozen=True):
    """One setting of a detector, as shown to users."""

    name: str
    kind: str
    default: Any
    unit: str
    low: float | None
    high: float | None
    description: str


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A finding before it has a session. `about` tells apart what the entity is said to do to whom."""

    kind: str
    about: str
    entity: str
    time: int
    began: int
    severity: Severity
    confidence: float
    score: float
    threshold: float
    source: Endpoint | None
    target: Endpoint | None
    facts: dict[str, int | float | str]
    evidence: tuple[Evidence, ...]

    @property
    def level(self) -> int:
        """How often the score has doubled beyond the threshold; -1 below it."""
        if self.score < self.threshold:
            return -1
        return int(math.log2(max(self.score / self.threshold, 1.0)))


class Context(msgspec.Struct, frozen=True):
    """Where findings belong, and what is known of addresses."""

    session: str
    lane: str


class Detector(ABC):
    """A predicate over entities. Subclasses declare what they are; `judge_*` say what they see.

    Whatever a detector needs of the past is in the records the kernel hands out; the base class alone
    remembers what was said, so that an episode is told once and again at each doubling or rise in severity.
    """

    id: ClassVar[str]
    version: ClassVar[int]
    kinds: ClassVar[tuple[str, ...]]
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]]
    gb_class: ClassVar[str]
    gb_subclass: ClassVar[str]
    axis: ClassVar[str]
    Parameters: ClassVar[type[msgspec.Struct]]
    #: Dotted paths of the kernels whose records the detector judges, and of their slow twins in tests/.
    kernels: ClassVar[tuple[str, ...]]
    oracle: ClassVar[str]

    def __init__(self, parameters: Any, places: Places, exempt: Prefixes | None = None) -> None:
        self.parameters = parameters
        self.places = places
        self.exempt = exempt or Prefixes(())
        self._said: dict[str, tuple[int, int, int]] = {}

    def judge_flows(self, seen: Seen, reports: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records say that flow reports changed, in their order."""
        return []

    def judge_events(self, seen: Seen, events: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002  (few judge events)
        """What the records say that events changed, in their order."""
        return []

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records of relations say that flow reports changed, in their order."""
        return []

    def judge_claims(self, related: Related, events: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records of addresses and cards say that events changed, in their order."""
        return []

    def judge_fragments(self, fragmented: Fragmented, events: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records of hosts that fragments come to say that events changed, in their order."""
        return []

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records say that applications' events changed, in their order."""
        return []

    def judge_baselines(self, noted: Noted, reports: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records of what is usual say that flow reports changed, in their order."""
        return []

    def judge_held(self, held: Held, reports: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records of what is held open say that flow reports changed, in their order."""
        return []

    def judge_identities(self, told: Told, events: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002
        """What the records say that events of log-ins, tickets, calls and addresses changed."""
        return []

    def judge_notices(self, notices: NDArray[np.void]) -> list[Draft]:  # noqa: ARG002  (one judges notices)
        """What the EVENT rows of other sensors' notices say, in their order."""
        return []

    def findings(self, drafts: list[Draft], context: Context) -> list[Finding]:
        """Drafts that say something new of hosts that are not exempt."""
        return [self._finding(d, context) for d in drafts if not self._exempted(d) and self._is_new(d)]

    def _exempted(self, draft: Draft) -> bool:
        """Whether the host that is to blame, or the other where that is not known, is declared exempt."""
        place = draft.source or draft.target
        return bool(self.exempt) and place is not None and self.exempt.holds(place.address)

    def snapshot(self) -> Parts:
        """What was said."""
        return {"said": msgspec.msgpack.encode(self._said)}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it is none."""
        try:
            self._said = msgspec.msgpack.decode(bytes_of(parts, "said"), type=dict[str, tuple[int, int, int]])
        except msgspec.DecodeError as e:
            raise ValueError(f"checkpoint of detector {self.id!r} cannot be read: {e}") from e

    def reset(self) -> None:
        """Forget everything: another session begins."""
        self._said = {}

    def _is_new(self, draft: Draft) -> bool:
        key = f"{draft.kind}|{draft.entity}|{draft.about}"
        said = self._said.pop(key, None)
        present = (draft.began, draft.level, int(draft.severity))
        new = said is None or said[0] != draft.began or present[1] > said[1] or present[2] > said[2]
        if said is not None and said[0] == draft.began:
            present = (draft.began, max(said[1], present[1]), max(said[2], present[2]))
        self._said[key] = present
        if len(self._said) > MAX_SAID:
            del self._said[next(iter(self._said))]
        return new

    def _finding(self, draft: Draft, context: Context) -> Finding:
        level, severity = draft.level, int(draft.severity)
        return Finding(
            id=derived_id(
                context.lane, context.session, self.id, self.version, draft.kind, draft.entity, draft.about,
                draft.began, level, severity,
            ),
            detector=self.id, version=self.version, kind=draft.kind,
            session=context.session, lane=context.lane,
            time=draft.time, began=draft.began,
            severity=draft.severity, confidence=draft.confidence,
            score=draft.score, threshold=draft.threshold,
            entity=draft.entity, source=draft.source, target=draft.target,
            facts=draft.facts, evidence=draft.evidence,
        )  # fmt: skip

    @classmethod
    def text(cls, name: str, language: str) -> str:
        """A text of the detector: title, reasoning, false_positives, remediation, or kind_<kind>."""
        return tr(f"detector_{cls.id}.{name}", language)

    @classmethod
    def card(cls) -> DetectorCard:
        """What every alert says of the detector."""
        return DetectorCard(
            id=cls.id, version=cls.version,
            title_en=cls.text("title", "en"), title_zh=cls.text("title", "zh"),
            attck=cls.attck, gb_class=cls.gb_class, gb_subclass=cls.gb_subclass, axis=cls.axis,
        )  # fmt: skip

    @classmethod
    def parameter_list(cls) -> list[Parameter]:
        """The detector's settings, for lists, help and manual."""
        return parameters_of(cls.Parameters)

    @classmethod
    def describe(cls, language: str) -> dict[str, Any]:
        """Everything about the detector that users may read, as plain values."""
        texts = {n: cls.text(n, language) for n in ("title", "reasoning", "false_positives", "remediation")}
        return {
            "id": cls.id,
            "version": cls.version,
            **texts,
            "kinds": {kind: cls.text(f"kind_{kind}", language) for kind in cls.kinds},
            "attck": [
                {"id": t, "name": n, "tactic": {"id": tactic, "name": called}}
                for t, n, tactic, called in cls.attck
            ],
            "gb20986": {"class": cls.gb_class, "subclass": cls.gb_subclass},
            "axis": cls.axis,
            "parameters": [msgspec.to_builtins(p) for p in cls.parameter_list()],
        }


def parameters_of(struct: type[msgspec.Struct]) -> list[Parameter]:
    """What the annotations of a parameter struct say."""
    hints = get_type_hints(struct, include_extras=True)
    found = []
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        meta = Meta()
        if get_origin(hint) is Annotated:
            hint, meta, *_ = get_args(hint)
        low, high = (a if a is not None else b for a, b in ((meta.ge, meta.gt), (meta.le, meta.lt)))
        found.append(
            Parameter(
                name=field.name,
                kind=getattr(hint, "__name__", str(hint)) if get_origin(hint) is None else str(hint),
                default=field.default,
                unit=str((meta.extra or {}).get("unit", "")),
                low=low,
                high=high,
                description=meta.description or "",
            )
        )
    return found


def read_parameters(struct: type[T], name: str, given: Mapping[str, Any]) -> T:
    """Check `[detectors.<name>]`; raises SettingsError naming the key."""
    try:
        return msgspec.convert(dict(given), struct)
    except msgspec.ValidationError as e:
        reason, _, place = str(e).partition(" - at `$")
        key = f"detectors.{name}{place.rstrip('`')}".replace("[...]", "")
        if "unknown field" in reason:
            key, reason = f"detectors.{name}.{reason.split('`')[1]}", "no such setting"
        raise SettingsError("settings", key, reason) from e


def plain(records: NDArray[Any], which: NDArray[Any]) -> list[dict[str, Any]]:
    """Some records as plain values: a finding reads some fifty of them, and each is dear on its own.

    `which`: their numbers, or a mask.
    """
    names, layout = records.dtype.names or (), _layout(records.dtype)
    return [
        dict(zip(names, values, strict=True)) for values in layout.iter_unpack(take(records, which).tobytes())
    ]


#: Kinds of fields as `struct` calls them.
_CODES = {"u1": "B", "u2": "H", "u4": "I", "u8": "Q", "i8": "q"}


@lru_cache
def _layout(dtype: np.dtype[Any]) -> struct.Struct:
    """How rows of a dtype lie in memory: `struct` reads them in a third of the time that `tolist` takes."""
    text, end = "<", 0
    fields: Mapping[str, Any] = dtype.fields or {}
    for name in dtype.names or ():
        kind, at = fields[name][:2]
        code = f"{kind.itemsize}s" if kind.kind == "V" else _CODES[kind.str[1:]]
        text, end = f"{text}{at - end}x{code}", at + kind.itemsize
    return struct.Struct(f"{text}{dtype.itemsize - end}x")


def shown(
    records: NDArray[Any], rows: NDArray[np.int64], reports: NDArray[np.void], which: NDArray[Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Some copies of records, each with the row that it is as of, as plain values."""
    chosen = np.flatnonzero(which) if which.dtype == np.bool_ else which
    if not len(chosen):  # mostly
        return iter(())
    return zip(plain(records, chosen), plain(reports, rows[chosen]), strict=True)


def milli(value: float) -> int:
    """A real number in thousandths, for kernels that count in integers."""
    return round(value * 1000)


def ratio(part: NDArray[Any] | int, whole: NDArray[Any] | int) -> NDArray[np.float64]:
    """`part / whole`, 0 where there is no whole."""
    whole = np.asarray(whole, np.float64)
    result = np.divide(np.asarray(part, np.float64), whole, out=np.zeros(whole.shape), where=whole != 0)
    return np.asarray(result, np.float64)
