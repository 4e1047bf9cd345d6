"""YAML as a tree of texts with line numbers, and nothing else.

Parsed from PyYAML's events with its base loader, which builds no objects and guesses no types: `no` is the
text `no`, `010` is the text `010`, and what a text means is decided by the field it stands in. Anchors,
aliases and tags are refused, and so is a key given twice, which YAML libraries let pass. Nothing recurses, so
depth is no danger.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from citywall.faults import Fault

#: Deeper than any field of a register.
MAX_DEPTH = 8
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's where it was built in: ten times faster


@dataclass(slots=True)
class Scalar:
    """A text. `plain` where it has no quotation marks."""

    line: int
    text: str
    plain: bool

    @property
    def absent(self) -> bool:
        """Whether it says nothing: a field whose value was left out."""
        return self.plain and self.text in {"", "~", "null"}


@dataclass(slots=True)
class Items:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Fields:
    """A table: value and line of the key, by key."""

    line: int
    fields: dict[str, tuple[int, Node]] = field(default_factory=dict)
    key: Scalar | None = None  # read, its value not yet


Node = Scalar | Items | Fields


def parse(
    text: str, path: str, *, section: str = "register_fault", depth: int = MAX_DEPTH
) -> tuple[Node | None, list[Fault]]:
    """The tree of a YAML text and the faults of its form; None where it holds nothing, or is no tree of ours.

    `text` was decoded from UTF-8 and holds no half characters. `section` of the catalogue has the reasons;
    what is nested deeper than `depth` is refused.
    """
    tree = _Tree(path, section, depth)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            tree.take(event)
            if tree.hopeless:
                break
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        tree.give_up(line, "not_yaml", reason=str(e.reason))
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        if "nesting depth" in (e.problem or ""):  # libyaml reads ahead, and has a bound of its own
            tree.give_up(mark.line + 1 if mark else 0, "too_deep")
            return None, tree.faults
        reason = ", ".join(part for part in (e.context, e.problem) if part)
        tree.give_up(mark.line + 1 if mark else 0, "not_yaml", reason=reason)
    return None if tree.hopeless else tree.root, tree.faults


class _Tree:
    """Grows a tree from events."""

    def __init__(self, path: str, section: str, depth: int) -> None:
        self.path = path
        self.section = section
        self.depth = depth
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self.hopeless = False
        self._open: list[Items | Fields] = []
        self._documents = 0

    def give_up(self, line: int, key: str, **values: str) -> None:
        self.faults.append(Fault(self.path, line, "", f"{self.section}.{key}", values))
        self.hopeless = True

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self.give_up(line, "documents")
            case yaml.AliasEvent():
                self.give_up(line, "anchor")
            case yaml.NodeEvent() if event.anchor is not None or event.tag not in {None, "", "!"}:
                self.give_up(line, "anchor")
            case yaml.ScalarEvent():
                plain = event.style in {None, ""}
                self._add(Scalar(line, event.value, plain))
            case yaml.SequenceStartEvent():
                self._enter(Items(line))
            case yaml.MappingStartEvent():
                self._enter(Fields(line))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()

    def _enter(self, node: Items | Fields) -> None:
        if len(self._open) >= self.depth:
            self.give_up(node.line, "too_deep")
            return
        self._add(node)
        self._open.append(node)

    def _add(self, node: Node) -> None:
        parent = self._open[-1] if self._open else None
        if parent is None:
            self.root = node
        elif isinstance(parent, Items):
            parent.items.append(node)
        elif parent.key is None:
            if not isinstance(node, Scalar):
                self.give_up(node.line, "key_not_text")
                return
            parent.key = node
        else:
            self._put(parent, parent.key, node)
            parent.key = None

    def _put(self, parent: Fields, key: Scalar, node: Node) -> None:
        if key.text in parent.fields:
            first = str(parent.fields[key.text][0])
            self.faults.append(Fault(self.path, key.line, key.text, f"{self.section}.twice", {"line": first}))
        else:
            parent.fields[key.text] = (key.line, node)
