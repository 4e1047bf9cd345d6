"""What can be trained and judged, by name. Heavy modules are imported when they are used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from citywall.errors import ModelError
from models import modelfile
from models.making import Arrays
from models.modelfile import Card, Model
from models.registry import Registry

if TYPE_CHECKING:
    from models.tables.kdd import Table

DEFAULT_SEED = 7


class Request(msgspec.Struct, frozen=True):
    """What a command was given. `now` is UTC, ISO 8601; `say` hears of progress."""

    now: str
    say: Callable[[str], None]
    seed: int = DEFAULT_SEED
    train: tuple[Path, ...] = ()
    benign: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    model: str | None = None


class Kind(Protocol):
    """One kind of model."""

    def train(self, request: Request) -> tuple[Card, Arrays]:
        """Train from files, or from what Citywall synthesises; raises ModelError and InputError."""

    def evaluate(self, request: Request, registry: Registry) -> dict[str, Any]:
        """Judge a model on files, or on what Citywall synthesises anew; raises ModelError and InputError."""


class Tables:
    """NSL-KDD."""

    #: What the training set is called where it lies beside the test set.
    BESIDE = ("KDDTrain+_20Percent.txt", "KDDTrain+.txt")

    def train(self, request: Request) -> tuple[Card, Arrays]:
        """From one file."""
        from models.tables import kdd, model

        if len(request.train) != 1:
            raise ModelError("needs_table")
        return model.train(kdd.read(request.train[0]), request.seed, request.say, request.now)

    def evaluate(self, request: Request, registry: Registry) -> dict[str, Any]:
        """With the training set given, else a model named, in use or newest, else a set beside the test."""
        from models.tables import evaluation, kdd, model

        if len(request.test) != 1 or len(request.train) > 1:
            raise ModelError("needs_test")
        test = kdd.read(request.test[0])
        made, source, table = self._found(request, registry)
        told = evaluation.evaluate(model.of(made, source), test, table, made.card.seed, request.say)
        return told | _named(made, source)

    def _found(self, request: Request, registry: Registry) -> tuple[Model, str, Table | None]:
        """A model, where it is from, and the table that it learned from where that is still to be had."""
        from models.tables import kdd, model

        entry = None
        if request.model or not request.train:
            entry = registry.find(request.model) if request.model else registry.newest("nsl-kdd")
        beside = next((p for n in self.BESIDE if (p := request.test[0].with_name(n)).is_file()), None)
        if entry is not None:
            made = modelfile.load(entry.path)
            path = request.train[0] if request.train else _same(made, beside)
            table = kdd.read(path) if path else None
            if table is not None and table.sha256 != made.card.data.get("sha256"):
                table = None
            return made, str(entry.path), table
        if not request.train and beside is None:
            raise ModelError("needs_training", kind="nsl-kdd")
        table = kdd.read(request.train[0] if request.train else beside or Path())
        card, arrays = model.train(table, request.seed, request.say, request.now)
        return modelfile.unpack(modelfile.pack(card, arrays), table.path), table.path, table


class Names:
    """Domain names that an algorithm made."""

    def train(self, request: Request) -> tuple[Card, Arrays]:
        """From what is synthesised, and from lists given: a file is a family."""
        from models.names import model

        families, benign = _lists(request.train), _lists(request.benign)
        return model.train(families, [n for b in benign.values() for n in b], request.seed, request.now)

    def evaluate(self, request: Request, registry: Registry) -> dict[str, Any]:
        """On the families given, by the model in use or named; or each of several left out in turn."""
        from models.names import evaluation, model

        benign = [n for names in _lists(request.benign).values() for n in names]
        if request.train and not request.test:
            families = _lists(request.train)
            if len(families) < 2 or len(benign) < 2:
                raise ModelError("needs_families")
            return evaluation.left_out(families, benign, request.seed, request.now, request.say)
        families = _lists(request.test)
        if not families:
            raise ModelError("needs_families")
        if request.train:
            packed = modelfile.pack(*self.train(request))
            made, source, asked = modelfile.unpack(packed, "dga"), "dga", []
        else:
            entry = registry.find(request.model) if request.model else registry.newest("dga")
            if entry is None:
                raise ModelError("none_active", kind="dga")
            made, source, asked = modelfile.load(entry.path), str(entry.path), benign
        found = model.of(made, source)
        told = evaluation.evaluate(found, families, asked)
        ours = told["recall_at_false_rate"]["recall"]
        return told | evaluation.honest(found, families, asked, request.seed, ours) | _named(made, source)


def _lists(paths: tuple[Path, ...]) -> dict[str, list[str]]:
    """Names by family, which is what the file is called."""
    from models.names import evaluation

    return {path.stem: evaluation.read(path) for path in paths}


def _same(made: Model, beside: Path | None) -> Path | None:
    """Where the table that a model learned from may still be."""
    known = Path(str(made.card.data.get("path", "")))
    return known if known.is_file() else beside


def _named(made: Model, source: str) -> dict[str, Any]:
    """Which model was judged."""
    card = made.card
    return {
        "model": {"kind": card.kind, "id": made.id, "from": source, "created": card.created,
                  "seed": card.seed, "data": {k: v for k, v in card.data.items() if k != "types"},
                  "versions": card.versions, "metrics": card.metrics},
    }  # fmt: skip


#: One line a kind.
KINDS: dict[str, Callable[[], Kind]] = {"nsl-kdd": Tables, "dga": Names}


def kind_of(name: str) -> Kind:
    """The kind called `name`; raises ModelError."""
    if name not in KINDS:
        raise ModelError("no_kind", kind=name, kinds=", ".join(KINDS))
    return KINDS[name]()
