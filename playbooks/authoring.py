"""Playbooks as people write them: YAML that compiles to CACAO v2.0 JSON, line by line.

What an author may leave out or shorten:

- ids: `id: contain-scan` and short names of steps become UUIDs (version 5, so always the same ones);
- `type`, `spec_version`, `created_by`, `workflow_start`; the `start` step, which then leads to the first step
  listed; an `end` step that is named; the `agent` of a step (analysts for manual ones, else Citywall);
- times: `timeout: 30m` in place of milliseconds (`s`, `m`, `h`, `d`);
- texts in two languages: `name: {en: …, zh: …}`; the Chinese goes into an extension;
- `plan:`, the header that binds the playbook to a plan (预案), into another.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

from citywall.faults import Fault
from playbooks.cacao import PLAN, SPEC_VERSION, TEXTS
from playbooks.tree import SECTION
from posture.nodes import Fields, Items, Node, Scalar

_SPACE = uuid.UUID("4f0c38c5-7f3f-5d57-9d07-6a2e1c5f1a00")
_SHORT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SPAN = re.compile(r"(\d{1,6})(ms|s|m|h|d)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TYPES = ("start", "end", "action", "playbook-action", "parallel", "if-condition", "while-condition", "switch-condition")  # fmt: skip  # noqa: E501
_REFERENCES = ("on_completion", "on_success", "on_failure", "on_true", "on_false")
_AUTHOR = f"identity--{uuid.uuid5(_SPACE, 'citywall')}"
_CITYWALL = f"security-category--{uuid.uuid5(_SPACE, 'agent')}"
_ANALYSTS = f"group--{uuid.uuid5(_SPACE, 'analysts')}"


def playbook_id(short: str) -> str:
    """The id of a playbook of ours by its short name."""
    return f"playbook--{uuid.uuid5(_SPACE, short)}"


class Compiled:
    """A tree in CACAO's form; `names` has the author's words for ids of ours."""

    def __init__(self, root: Node, path: str) -> None:
        self.root = root
        self.path = path
        self.names: dict[str, str] = {}
        self.faults: list[Fault] = []

    def note(self, line: int, name: str, key: str, **values: str) -> None:
        """A fault of what CACAO does not know."""
        self.faults.append(Fault(self.path, line, name, f"{SECTION}.{key}", values))


def compile_(root: Node, path: str) -> Compiled:
    """The tree of an author's file as CACAO has it; every new node has the line it came from."""
    compiled = Compiled(root, path)
    if isinstance(root, Fields):
        _Compiler(compiled, root).compile()
    return compiled


class _Compiler:
    def __init__(self, compiled: Compiled, root: Fields) -> None:
        self.out = compiled
        self.root = root
        self.steps: dict[str, str] = {}
        self.parties: dict[str, str] = {}
        self.texts: dict[str, Node] = {}

    def compile(self) -> None:
        root = self.root
        self._default("type", "playbook")
        self._default("spec_version", SPEC_VERSION)
        self._default("created_by", _AUTHOR)
        short = self._short_id(root)
        if isinstance(workflow := self._of(root, "workflow"), Fields):
            self._workflow(workflow, short)
        if isinstance(plan := self._of(root, "plan"), Fields):
            self._extension(PLAN, root.fields.pop("plan")[0], plan)
        for name in ("name", "description"):
            self._both(root, name, name)
        if self.texts:
            line = root.line
            inner = Fields(line, {path: (node.line, node) for path, node in self.texts.items()})
            self._extension(TEXTS, line, Fields(line, {"zh": (line, inner)}))

    def _short_id(self, root: Fields) -> str:
        id_ = self._of(root, "id")
        if not isinstance(id_, Scalar) or id_.text.startswith("playbook--"):
            return id_.text if isinstance(id_, Scalar) else ""
        if not _SHORT.fullmatch(id_.text):
            self.out.note(id_.line, "id", "not_short", text=id_.text[:80])
        short = id_.text
        root.fields["id"] = (id_.line, _text(id_.line, playbook_id(short)))
        labels = self._of(root, "labels")
        if not isinstance(labels, Items):
            labels = Items(id_.line)
            root.fields["labels"] = (id_.line, labels)
        labels.items.insert(0, _text(id_.line, short))
        return short

    def _workflow(self, workflow: Fields, short: str) -> None:
        self._ends(workflow)
        for name, (line, step) in list(workflow.fields.items()):
            kind = self._of(step, "type")
            if isinstance(step, Fields) and kind is None:
                kind = _text(line, name if name in {"start", "end"} else "action")
                step.fields["type"] = (line, kind)
            said = kind.text if isinstance(kind, Scalar) else ""
            if "--" not in name:
                if not _SHORT.fullmatch(name):
                    self.out.note(line, f"workflow.{name[:80]}", "not_short", text=name[:80])
                self.steps[name] = (
                    f"{said if said in _TYPES else 'action'}--{uuid.uuid5(_SPACE, f'{short}/{name}')}"
                )
                self.out.names[self.steps[name]] = name
        self._agents()
        workflow.fields = {
            self.steps.get(name, name): (line, self._step(step, name))
            for name, (line, step) in workflow.fields.items()
        }
        for name in ("workflow_start", "workflow_exception"):
            self._resolve(self.root, name, self.steps)
        if "workflow_start" not in self.root.fields:
            first = next((id_ for id_ in workflow.fields if id_.startswith("start--")), "")
            self.root.fields["workflow_start"] = (workflow.line, _text(workflow.line, first))

    def _ends(self, workflow: Fields) -> None:
        """A start that leads to the first step, and an end that is named, where they were left out."""
        kinds = {
            n: k.text for n, (_, s) in workflow.fields.items() if isinstance(k := self._of(s, "type"), Scalar)
        }
        line = workflow.line
        if "start" not in workflow.fields and "start" not in kinds and workflow.fields:
            first = next(iter(workflow.fields))
            start = Fields(
                line, {"type": (line, _text(line, "start")), "on_completion": (line, _text(line, first))}
            )
            workflow.fields = {"start": (line, start), **workflow.fields}
        if "end" not in workflow.fields and "end" in set(self._named(workflow)):
            workflow.fields["end"] = (line, Fields(line, {"type": (line, _text(line, "end"))}))

    def _named(self, workflow: Fields) -> Iterator[str]:
        for _, step in workflow.fields.values():
            for node in self._references(step):
                yield node.text

    def _references(self, step: Node) -> Iterator[Scalar]:
        found = [self._of(step, name) for name in _REFERENCES]
        if isinstance(several := self._of(step, "next_steps"), Items):
            found += several.items
        if isinstance(cases := self._of(step, "cases"), Fields):
            found += [node for _, node in cases.fields.values()]
        yield from (node for node in found if isinstance(node, Scalar))

    def _agents(self) -> None:
        for kind in ("agent_definitions", "target_definitions"):
            parties = self._of(self.root, kind)
            if not isinstance(parties, Fields):
                continue
            renamed = {}
            for name, (line, party) in parties.fields.items():
                said = self._of(party, "type")
                if "--" not in name and isinstance(said, Scalar):
                    self.parties[name] = f"{said.text}--{uuid.uuid5(_SPACE, f'party/{name}')}"
                    self.out.names[self.parties[name]] = name
                renamed[self.parties.get(name, name)] = (line, party)
            parties.fields = renamed

    def _step(self, step: Node, name: str) -> Node:
        if not isinstance(step, Fields):
            return step
        for node in self._references(step):
            node.text = self.steps.get(node.text, node.text)
        place = f"workflow/{self.steps.get(name, name)}"
        for field in ("name", "description"):
            self._both(step, field, f"{place}/{field}")
        for field in ("timeout", "delay"):
            self._span(step, field, f"workflow.{name}.{field}")
        kind = self._of(step, "type")
        if isinstance(kind, Scalar) and kind.text == "action":
            self._action(step, place)
        if isinstance(called := self._of(step, "playbook_id"), Scalar) and "--" not in called.text:
            called.text = playbook_id(called.text)
        return step

    def _action(self, step: Fields, place: str) -> None:
        commands = self._of(step, "commands")
        manual = False
        for at, command in enumerate(commands.items if isinstance(commands, Items) else []):
            said = self._of(command, "type")
            manual |= isinstance(said, Scalar) and said.text == "manual"
            if isinstance(command, Fields):
                for field in list(command.fields):
                    self._both(command, field, f"{place}/commands/{at}/{field}")
        self._resolve(step, "agent", self.parties)
        if isinstance(targets := self._of(step, "targets"), Items):
            for target in targets.items:
                if isinstance(target, Scalar):
                    target.text = self.parties.get(target.text, target.text)
        if "agent" not in step.fields:
            step.fields["agent"] = (step.line, _text(step.line, self._usual_agent(manual, step.line)))

    def _usual_agent(self, manual: bool, line: int) -> str:
        id_, kind, name = (
            (_ANALYSTS, "group", "analysts") if manual else (_CITYWALL, "security-category", "Citywall")
        )
        agents = self._of(self.root, "agent_definitions")
        if not isinstance(agents, Fields):
            agents = Fields(line)
            self.root.fields["agent_definitions"] = (line, agents)
        if id_ not in agents.fields:
            party = Fields(line, {"type": (line, _text(line, kind)), "name": (line, _text(line, name))})
            if kind == "security-category":
                party.fields["category"] = (line, Items(line, [_text(line, "siem")]))
            agents.fields[id_] = (line, party)
        return id_

    def _both(self, node: Fields, field: str, path: str) -> None:
        """A text in two languages: the English stays, the Chinese is put aside under `path`."""
        found = self._of(node, field)
        if isinstance(found, Fields) and set(found.fields) == {"en", "zh"}:
            line, english = found.fields["en"]
            node.fields[field] = (line, english)
            self.texts[path] = found.fields["zh"][1]

    def _span(self, step: Fields, field: str, name: str) -> None:
        found = self._of(step, field)
        if not isinstance(found, Scalar) or found.text.isdigit():
            return
        if form := _SPAN.fullmatch(found.text):
            found.text = str(int(form[1]) * _UNITS[form[2]])
            found.plain = True
        else:
            self.out.note(found.line, name, "not_span", text=found.text[:80])
            found.text, found.plain = "0", True

    def _resolve(self, node: Fields, field: str, ids: dict[str, str]) -> None:
        found = self._of(node, field)
        if isinstance(found, Scalar):
            found.text = ids.get(found.text, found.text)

    def _default(self, field: str, text: str) -> None:
        if field not in self.root.fields:
            self.root.fields[field] = (self.root.line, _text(self.root.line, text))

    def _extension(self, id_: str, line: int, node: Node) -> None:
        extensions = self._of(self.root, "playbook_extensions")
        if not isinstance(extensions, Fields):
            extensions = Fields(line)
            self.root.fields["playbook_extensions"] = (line, extensions)
        extensions.fields[id_] = (line, node)
        self.out.names[id_] = "plan" if id_ == PLAN else "texts"

    @staticmethod
    def _of(node: Node, field: str) -> Node | None:
        found = node.fields.get(field) if isinstance(node, Fields) else None
        return None if found is None else found[1]


def _text(line: int, text: str) -> Scalar:
    return Scalar(line, text, plain=False)
