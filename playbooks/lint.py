"""What the types cannot say of a playbook: that its steps lead somewhere, that what it names is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from citywall.faults import Fault
from playbooks import cacao, condition, variables
from playbooks.actions import registry
from playbooks.cacao import Action, Playbook, Step
from playbooks.condition import Unfit
from playbooks.tree import SECTION
from posture.nodes import Fields, Items, Node

Path = tuple[str | int, ...]


@dataclass
class Findings:
    """Faults, with which a playbook is refused, and warnings, with which it is not."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def lint(playbook: Playbook, root: Node, file: str, names: dict[str, str]) -> Findings:
    """All that is wrong with a playbook whose form is right. `root` is its tree, for the lines."""
    linter = _Linter(playbook, root, file, names)
    linter.whole()
    for id_, step in playbook.workflow.items():
        linter.step(id_, step)
    linter.graph()
    key = lambda fault: (fault.line, fault.field)  # noqa: E731
    return Findings(sorted(linter.found.faults, key=key), sorted(linter.found.warnings, key=key))


def line_of(root: Node, path: Path) -> int:
    """The line of the deepest part of a path that is there."""
    line, node = root.line, root
    for part in path:
        if isinstance(node, Fields) and part in node.fields:
            line, node = node.fields[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            line = node.line
        else:
            break
    return line


class _Linter:
    def __init__(self, playbook: Playbook, root: Node, file: str, names: dict[str, str]) -> None:
        self.book = playbook
        self.found = Findings()
        self._root = root
        self._file = file
        self._names = names
        self._declared = set(playbook.playbook_variables)
        for step in playbook.workflow.values():
            self._declared |= set(step.step_variables)

    def fault(self, path: Path, key: str, **values: str) -> None:
        self.found.faults.append(self._said(path, key, values))

    def warn(self, path: Path, key: str, **values: str) -> None:
        self.found.warnings.append(self._said(path, key, values))

    def _said(self, path: Path, key: str, values: dict[str, str]) -> Fault:
        name = ""
        for part in path:
            name += f"[{part + 1}]" if isinstance(part, int) else f".{self._names.get(part, part)}"
        shown = {n: self._names.get(v, v) for n, v in values.items()}
        return Fault(self._file, line_of(self._root, path), name.lstrip("."), f"{SECTION}.{key}", shown)

    def whole(self) -> None:
        """The playbook itself."""
        book = self.book
        kinds = {type(step) for step in book.workflow.values()}
        if cacao.End not in kinds:
            self.fault(("workflow",), "no_end")
        if not kinds & {Action, cacao.PlaybookAction}:
            self.fault(("workflow",), "no_action")
        start = book.workflow.get(book.workflow_start)
        if not isinstance(start, cacao.Start):
            self.fault(("workflow_start",), "no_start")
        if book.workflow_exception is not None and book.workflow_exception not in book.workflow:
            self.fault(("workflow_exception",), "no_step", step=book.workflow_exception)
        for name, variable in book.playbook_variables.items():
            self._variable(("playbook_variables", name), variable)
        if book.plan is None:
            self.warn((), "no_plan")
        if book.revoked:
            self.warn(("revoked",), "revoked")

    def _variable(self, path: Path, variable: cacao.Variable) -> None:
        if variable.value is not None and not variables.fits(variable.type, variable.value):
            self.fault((*path, "value"), "not_of_type", type=variable.type, text=variable.value[:80])
        if variable.constant and variable.value is None:
            self.fault(path, "constant_empty")

    def step(self, id_: str, step: Step) -> None:
        """One step."""
        path: Path = ("workflow", id_)
        if not id_.startswith(f"{_kind(step)}--"):
            self.fault(path, "id_type", type=_kind(step))
        for name, to in cacao.next_steps(step):
            if to not in self.book.workflow:
                head, _, rest = name.partition(".")
                self.fault((*path, head.partition("[")[0], *([rest] if rest else [])), "no_step", step=to)
        if step.on_completion and (step.on_success or step.on_failure):
            self.fault((*path, "on_completion"), "both_ways")
        if isinstance(step, cacao.End) and (step.on_completion or step.on_success or step.on_failure):
            self.fault(path, "end_goes_on")
        for name, variable in step.step_variables.items():
            self._variable((*path, "step_variables", name), variable)
        match step:
            case Action():
                self._action(path, step)
            case cacao.IfCondition() | cacao.WhileCondition():
                self._condition((*path, "condition"), step.condition)
            case cacao.SwitchCondition():
                self._known((*path, "switch"), variables.named(step.switch))
                if not variables.named(step.switch):
                    self.fault((*path, "switch"), "switch_constant")
            case cacao.PlaybookAction():
                self._known((*path, "in_args"), set(step.in_args))
                self._known((*path, "out_args"), set(step.out_args))

    def _condition(self, path: Path, text: str) -> None:
        try:
            self._known(path, set(condition.parse(text).variables))
        except Unfit as e:
            self.fault(path, e.key, **e.values)

    def _known(self, path: Path, names: set[str]) -> None:
        for name in sorted(names - self._declared):
            self.fault(path, "no_variable", name=name)

    def _action(self, path: Path, step: Action) -> None:
        if step.agent not in self.book.agent_definitions:
            self.fault((*path, "agent"), "no_agent", id=step.agent)
        for at, target in enumerate(step.targets):
            if target not in self.book.target_definitions:
                self.fault((*path, "targets", at), "no_target", id=target)
        self._known((*path, "in_args"), set(step.in_args))
        self._known((*path, "out_args"), set(step.out_args))
        outputs: set[str] = set()
        waits = False
        for at, command in enumerate(step.commands):
            place = (*path, "commands", at)
            action = registry.action_of(command)
            if action is None:
                self.warn(place, "foreign", type=str(msgspec.to_builtins(command)["type"]))
                continue
            outputs |= set(action.outputs)
            waits |= action.waits
            for name, value in msgspec.to_builtins(command).items():
                self._known((*place, name), variables.named(value))
        for at, name in enumerate(step.out_args):
            if not waits and name in self._declared and name.strip("_") not in outputs:
                self.fault((*path, "out_args", at), "no_output", name=name, names=", ".join(sorted(outputs)))

    def graph(self) -> None:
        """Which steps lead to which: no step leads back to itself, and all are reached."""
        firsts = [
            s for s in (self.book.workflow_start, self.book.workflow_exception) if s in self.book.workflow
        ]
        seen = _reached(self.book, firsts)
        for id_ in self.book.workflow.keys() - seen:
            self.warn(("workflow", id_), "unreached")
        for id_ in sorted(_circular(self.book)):
            self.fault(("workflow", id_), "circle")


def _kind(step: Any) -> str:
    return str(step.__struct_config__.tag)


def _following(book: Playbook, id_: str) -> Iterator[str]:
    for _, to in cacao.next_steps(book.workflow[id_]):
        if to in book.workflow:
            yield to


def _reached(book: Playbook, firsts: list[str]) -> set[str]:
    seen: set[str] = set()
    left = list(firsts)
    while left:
        id_ = left.pop()
        if id_ not in seen:
            seen.add(id_)
            left += _following(book, id_)
    return seen


def _circular(book: Playbook) -> set[str]:
    """Steps on a way that leads back to them: loops are a while-condition's to make."""
    return {id_ for id_ in book.workflow if id_ in _reached(book, list(_following(book, id_)))}
