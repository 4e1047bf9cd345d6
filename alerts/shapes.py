"""Several values of a document, read in one go by compiled code.

Alerts of ours have one form, and some forty of their values are asked for when they are stored: walking to
each in Python costs a fifth of storing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

#: Of what no value is: a document that has such a field is of another form.
_Nothing = Annotated[int, Meta(gt=0, lt=0)]
_Tree = dict[str, Any]  # names, and what is below them; None where a value is asked for


class Shape:
    """Values at dotted paths, of which none begins another, in documents that have but objects on the way."""

    def __init__(self, paths: Sequence[str]) -> None:
        tree: _Tree = {}
        for path in paths:
            *above, last = path.split(".")
            node = tree
            for name in above:
                if (node := node.setdefault(name, {})) is None:
                    raise ValueError(f"{path} begins with another path")
            if node.setdefault(last) is not None:
                raise ValueError(f"{path} begins another path")
        self._type = _struct(tree)
        self._values = attrgetter(*(_attribute(tree, path) for path in paths))

    def __call__(self, document: Any) -> tuple[Any, ...] | None:
        """What stands at each path, None where nothing does; None where `document` has another form.

        That is one with lists of objects on the way, or with names that hold dots (see `terms.Finder`).
        """
        try:
            found: tuple[Any, ...] = self._values(msgspec.convert(document, self._type))
        except msgspec.ValidationError:
            return None
        return found


def _struct(tree: _Tree) -> type[msgspec.Struct]:
    """What an object of a form looks like."""
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    for at, (name, below) in enumerate(tree.items()):
        kind = Any if below is None else _struct(below)
        fields.append((f"f{at}", kind, None if below is None else kind()))
        names[f"f{at}"] = name
    for at, name in enumerate(_dotted(tree)):
        fields.append((f"d{at}", _Nothing, 0))
        names[f"d{at}"] = name
    return msgspec.defstruct("Shaped", fields, rename=names, frozen=True, gc=False)


def _dotted(tree: _Tree) -> Iterable[str]:
    """The paths from here on that have several names."""
    return [path for path in _paths(tree) if "." in path]


def _paths(tree: _Tree) -> Iterable[str]:
    for name, below in tree.items():
        yield from (name,) if below is None else (f"{name}.{rest}" for rest in _paths(below))


def _attribute(tree: _Tree, path: str) -> str:
    """Where the value of a path stands in what is read."""
    steps, node = [], tree
    for name in path.split("."):
        steps.append(f"f{list(node).index(name)}")
        node = node[name]
    return ".".join(steps)
