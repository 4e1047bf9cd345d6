"""Reads a scenario from YAML, whole or not at all: every fault is told, with file, line, field and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from citywall.errors import FaultyInput
from citywall.faults import Fault
from drills import fields, library
from drills.register import ASSET_PARTS, CAST, PREFIX_PARTS, Miscast, Register, of
from drills.scenario import Attack, Detection, Response, Scenario, Words
from drills.traffic import BENIGN
from drills.traffic.kinds import KINDS, bad_option
from posture import reading as registers
from posture import records as posture
from posture.fields import Bad, Field, identifier, prefix
from posture.nodes import Node, Scalar, parse
from posture.tables import TableReader

MAX_BYTES = 1 << 20
#: When a scene is played that does not say when: 2026-03-02 09:00:00 in China, a Monday.
START = 1_772_413_200 * 1_000_000_000


def read(place: Path | str) -> Scenario:
    """The scenario in a file, or the shipped one of that name; raises FaultyInput with every fault."""
    scenario, faults = examine(place)
    if scenario is None:
        raise FaultyInput(str(place), faults)
    return scenario


def examine(place: Path | str) -> tuple[Scenario | None, list[Fault]]:
    """The scenario, None where it has faults; and these, in order of lines. Paths in it are made absolute."""
    path = library.find(str(place)) or Path(place)
    content, fault = text_of(path, MAX_BYTES)
    if fault is not None:
        return None, [fault]
    return read_text(content, path)


def text_of(path: Path, most: int) -> tuple[str, Fault | None]:
    """The text of a file of at most so many bytes, or why it cannot be had."""
    try:
        with path.open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as e:
        return "", Fault(str(path), 0, "", "register_fault.unreadable", {"reason": e.strerror or str(e)})
    if len(data) > most:
        return "", Fault(str(path), 0, "", "drill_fault.too_large", {"most": str(most >> 20)})
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        return "", Fault(str(path), line, "", "register_fault.not_utf8")


def read_text(content: str, path: Path) -> tuple[Scenario | None, list[Fault]]:
    """As `examine`, of the text of the file `path`."""
    root, faults = parse(content, str(path))
    if faults:
        return None, faults
    reader = _Reader(str(path), faults)
    if root is None or (isinstance(root, Scalar) and root.absent):
        reader.note(0, "", Bad("drill_fault.nothing"))
        return None, faults
    values = reader.table(root, fields.SCENARIO, "", {})
    reader.check(values)
    if faults:
        return None, sorted(faults, key=lambda f: (f.path != str(path), f.line))
    return _scenario(values, path.parent), []


class _Reader(TableReader):
    """Reads the fields whose form depends on others, and holds them against each other."""

    def value(self, wanted: Field, node: Node, name: str, values: dict[str, Any], key: str) -> None:
        """As of any table; of `cast` and `options` as they are, for `check` knows what they may hold."""
        if key == "background" and isinstance(node, Scalar) and node.text == "all":
            values[key] = list(fields.BACKGROUND)
        elif key == "cast":
            assets = dict.fromkeys(ASSET_PARTS, Field(identifier))
            prefixes = dict.fromkeys(PREFIX_PARTS, Field(each=prefix))
            values[key] = self.table(node, assets | prefixes, name, {})
        elif key == "options":
            values[key] = node
        else:
            super().value(wanted, node, name, values, key)

    def check(self, values: dict[str, Any]) -> None:
        """Note what is wrong between fields; options are read into `values`."""
        register = self._register(values)
        hosts = self._hosts(values, register) if register else None
        if "capture" in values or "truth" in values:
            for key in fields.SYNTHESISED:
                if key in values:
                    self.fault(key, "drill_fault.recorded")
            for key in ("capture", "truth"):
                if key not in values:
                    self.fault("", "drill_fault.capture_and_truth")
        else:
            self._attacks(values, hosts)
        if register:
            known = {unit.id for unit in register.units}
            for at, unit in enumerate(values.get("participants", ()), 1):
                if unit is not None and unit not in known:
                    self.fault(f"participants[{at}]", "no_such_unit", id=unit)
        self._expected(values)

    def fault(self, where: str, reason: str, /, **values: str) -> None:
        """Note a fault of the field `where`, which is between it and others."""
        self.note(self.lines.get(where, 0), where, Bad(reason, **values))

    def _register(self, values: dict[str, Any]) -> posture.Register | None:
        named = values.get("register", registers.EXAMPLE)
        place = Path(named) if named == registers.EXAMPLE else Path(self.path).parent / named
        register, faults = registers.examine([place])
        self.faults += faults
        return register

    def _hosts(self, values: dict[str, Any], register: posture.Register) -> Register | None:
        try:
            return of(register, cast_of(values.get("cast", {})))
        except Miscast as e:
            for part, key, name in e.faults:
                where = f"cast.{part}" if f"cast.{part}" in self.lines else "cast" if "cast" in values else ""
                self.fault(where, f"drill_fault.{key}", part=part, name=name)
            return None

    def _attacks(self, values: dict[str, Any], hosts: Register | None) -> None:
        for key in ("seconds", "attacks"):
            if key not in values and key not in self.lines:
                self.note(0, key, Bad("missing"))
        seen: dict[str, int] = {}
        for at, attack in enumerate(values.get("attacks", ()), 1):
            name, line = f"attacks[{at}]", self.lines[f"attacks[{at}]"]
            if (id_ := attack.get("id")) is not None and seen.setdefault(id_, line) != line:
                self.fault(f"{name}.id", "same_id", id=id_, place=str(seen[id_]))
            if attack.get("at", 0) >= values.get("seconds", 1 << 30):
                self.fault(f"{name}.at", "drill_fault.after_end", seconds=str(values["seconds"]))
            node = attack.pop("options", None)
            kind = KINDS.get(attack.get("kind", ""))
            if kind is None:
                if "kind" in attack:
                    self.fault(f"{name}.kind", "not_choice", names=", ".join(KINDS), text=attack["kind"])
                continue
            if node is None:
                continue
            options = self.table(node, kind.options, f"{name}.options", {})
            for option, value in options.items():
                known = hosts.hosts.__contains__ if hosts else lambda _: True
                elements = value if isinstance(value, list) else [value]
                bad = None if None in elements else bad_option(kind.id, option, value, known=known)
                if bad is not None:
                    self.note(self.lines[f"{name}.options.{option}"], f"{name}.options.{option}", bad)
            attack["options"] = options

    def _expected(self, values: dict[str, Any]) -> None:
        """What is expected must be of an attack there is; those of a recording stand in its truth."""
        ids = {a["id"] for a in values.get("attacks", ()) if "id" in a}
        for section in ("detections", "responses"):
            for at, entry in enumerate(values.get(section, ()), 1):
                wanted = entry.get("attack")
                if wanted is not None and wanted not in ids and "capture" not in values:
                    self.fault(f"{section}[{at}].attack", "drill_fault.no_such_attack", id=wanted)
                if section == "responses" and "start_playbook" in entry and "playbook" not in entry:
                    self.fault(f"{section}[{at}].start_playbook", "drill_fault.which_playbook")
        answered: dict[str, int] = {}
        for at, entry in enumerate(values.get("responses", ()), 1):
            if (id_ := entry.get("attack")) is not None and answered.setdefault(id_, at) != at:
                place = str(self.lines[f"responses[{answered[id_]}]"])
                self.fault(f"responses[{at}].attack", "same_id", id=id_, place=place)


def cast_of(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """A cast as it is handed on: names by part."""
    return {part: tuple(v) if isinstance(v, list) else (v,) for part, v in given.items() if part in CAST}


def plays(names: tuple[str, ...]) -> list[Any]:
    """The pieces of background traffic of these names, in the order in which they are played."""
    return [play for play in BENIGN if play.__name__ in names]


def _words(values: dict[str, Any], key: str) -> Words:
    return Words(values.get(key, ""), values.get(f"{key}_en", ""))


def _scenario(values: dict[str, Any], folder: Path) -> Scenario:
    def place(key: str, default: str = "") -> str:
        named = values.get(key, default)
        return named if named in ("", registers.EXAMPLE) else str(folder / named)

    def tuples(entry: dict[str, Any]) -> dict[str, Any]:
        renamed = {("class_" if key == "class" else key): value for key, value in entry.items()}
        return {k: tuple(v) if isinstance(v, list) else v for k, v in renamed.items()}

    recorded = "capture" in values
    return Scenario(
        id=values["id"],
        title=_words(values, "title"), purpose=_words(values, "purpose"),
        briefing=_words(values, "briefing"), storyline=_words(values, "storyline"),
        form=values.get("form", "hands-on"), scope=values.get("scope", "special"),
        participants=tuple(values.get("participants", ())),
        register=place("register", registers.EXAMPLE), cast=cast_of(values.get("cast", {})),
        seed=0 if recorded else values.get("seed", 1),
        start=0 if recorded else values.get("start", START),
        seconds=values.get("seconds", 0),
        background=tuple(values.get("background", () if recorded else fields.BACKGROUND)),
        attacks=tuple(Attack(**attack) for attack in values.get("attacks", ())),
        capture=place("capture"), truth=place("truth"),
        detections=tuple(Detection(**tuples(d)) for d in values.get("detections", ())),
        responses=tuple(Response(**r) for r in values.get("responses", ())),
    )  # fmt: skip
