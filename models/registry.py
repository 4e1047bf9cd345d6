"""Which models there are, and which of each kind is in use.

`<folder>/<kind>/<id>.model`, and `<folder>/active.json`: for each kind the ids that were activated, the last
one in use, so that the one before can be had back. Small models ship beside the code; one is in use where
none of its kind was activated.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from citywall.errors import ModelError, ModelRefused
from models import modelfile
from models.modelfile import SUFFIX, Card, Model

SHIPPED = Path(__file__).parent / "shipped"
#: Kinds of models, and whether one ships.
KINDS = ("nsl-kdd", "dga", "flow", "host")
_KEPT = 20
ACTIVE = "active.json"


class Entry(msgspec.Struct, frozen=True):
    """A model as listed. `refusal` says why its file is not taken; then `card` is None."""

    kind: str
    id: str
    path: Path
    active: bool
    shipped: bool
    card: Card | None
    refusal: ModelRefused | None = None


class Registry:
    """The models of a data folder, and those that ship."""

    def __init__(self, data: Path, shipped: Path = SHIPPED) -> None:
        self.folder = data / "models"
        self._shipped = shipped

    def keep(self, card: Card, arrays: Mapping[str, NDArray[Any]]) -> Model:
        """Write a model under its id."""
        _known(card.kind)
        made = modelfile.unpack(modelfile.pack(card, arrays), card.kind)
        return modelfile.save(self.folder / card.kind / f"{made.id}{SUFFIX}", card, arrays)

    def entries(self) -> list[Entry]:
        """Every model, by kind, the newest first; files that are refused too, saying why."""
        active = {kind: self._active_path(kind) for kind in KINDS}
        found: list[Entry] = []
        for kind in KINDS:
            paths = [(p, False) for p in sorted((self.folder / kind).glob(f"*{SUFFIX}"))]
            if (shipped := self._shipped / f"{kind}{SUFFIX}").is_file():
                paths.append((shipped, True))
            listed = [_entry(kind, path, path == active[kind], of_ours) for path, of_ours in paths]
            found += sorted(listed, key=lambda e: e.card.created if e.card else "", reverse=True)
        return found

    def path(self, kind: str, name: str | None = None) -> Path:
        """The file of the model called `name` (an id or its beginning), or of the one in use."""
        _known(kind)
        if name is None:
            if (active := self._active_path(kind)) is None:
                raise ModelError("none_active", kind=kind)
            return active
        matching = [e.path for e in self.entries() if e.kind == kind and e.id.startswith(name)]
        if len(matching) != 1:
            raise ModelError("no_such" if not matching else "several", kind=kind, name=name)
        return matching[0]

    def find(self, name: str) -> Entry:
        """The model whose id begins with `name`, or the one in use of the kind called so."""
        entries = self.entries()
        if name in KINDS:
            matching = [e for e in entries if e.kind == name and e.active]
        else:
            matching = [e for e in entries if e.id.startswith(name)]
        if len(matching) != 1:
            raise ModelError("no_such" if not matching else "several", kind="*", name=name)
        return matching[0]

    def newest(self, kind: str) -> Entry | None:
        """The model of a kind that is in use, else the newest that is taken; None where there is none."""
        entries = [e for e in self.entries() if e.kind == kind and e.refusal is None]
        return next((e for e in entries if e.active), entries[0] if entries else None)

    def load(self, kind: str, name: str | None = None) -> tuple[Model, Path]:
        """Read a model; raises ModelError where there is none and ModelRefused where it is not taken."""
        path = self.path(kind, name)
        model = modelfile.load(path)
        modelfile.require(model, kind, model.card.features, str(path))
        return model, path

    def activate(self, name: str) -> Entry:
        """Put the model whose id begins with `name` to use; it must be one that is taken."""
        entry = self.find(name)
        if entry.refusal is not None:
            raise entry.refusal
        history = self._history()
        chosen = [*history.get(entry.kind, []), "" if entry.shipped else entry.id]
        self._write(history | {entry.kind: chosen[-_KEPT:]})
        return entry

    def rollback(self, kind: str) -> Entry | None:
        """Put the model to use that was before; None where that is none. Raises ModelError without a past."""
        _known(kind)
        history = self._history()
        past = history.get(kind, [])
        if not past:
            raise ModelError("no_past", kind=kind)
        self._write(history | {kind: past[:-1]})
        return next((e for e in self.entries() if e.kind == kind and e.active), None)

    def _active_path(self, kind: str) -> Path | None:
        past = self._history().get(kind, [])
        if past and past[-1]:
            return self.folder / kind / f"{past[-1]}{SUFFIX}"
        shipped = self._shipped / f"{kind}{SUFFIX}"
        return shipped if shipped.is_file() else None

    def _history(self) -> dict[str, list[str]]:
        path = self.folder / ACTIVE
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as e:
            raise ModelError("bad_active", place=str(path), reason=str(e)) from None

    def _write(self, history: dict[str, list[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as part:
            part.write(msgspec.json.encode(history))
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).replace(self.folder / ACTIVE)


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ModelError("no_kind", kind=kind, kinds=", ".join(KINDS))


def _entry(kind: str, path: Path, active: bool, shipped: bool) -> Entry:
    try:
        model = modelfile.load(path)
    except ModelRefused as refusal:
        return Entry(kind, path.stem, path, active, shipped, None, refusal)
    return Entry(kind, model.id, path, active, shipped, model.card)
