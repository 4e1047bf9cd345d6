"""Tables of a YAML file read by declared fields, every fault noted: of a register, of a scenario."""

from __future__ import annotations

from typing import Any

from citywall.faults import Fault
from posture import fields
from posture.fields import Bad, Field
from posture.nodes import Node, Scalar

#: The section of the catalogue that a reason is in which names none.
SECTION = "register_fault"


class TableReader:
    """Goes through one tree and notes what is wrong with it, in `faults`.

    `lines` has the line of every field and element that was met, by its full name: `attacks[2].kind`.
    """

    def __init__(self, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = faults
        self.lines: dict[str, int] = {}

    def note(self, line: int, name: str, bad: Bad) -> None:
        """Note a fault of the field `name`."""
        key = bad.key if "." in bad.key else f"{SECTION}.{bad.key}"
        self.faults.append(Fault(self.path, line, name, key, bad.values))

    def table(self, node: Node, known: dict[str, Field], name: str, lines: dict[str, int]) -> dict[str, Any]:
        """The values of a table; fields left open are not in it. `lines` gets those of its keys."""
        values: dict[str, Any] = {}
        dot = f"{name}." if name else ""
        try:
            found = fields.table(node).fields
        except Bad as e:
            self.note(node.line, name, e)
            return values
        for key, (line, value) in found.items():
            lines[key] = self.lines[f"{dot}{key}"] = line
            if key not in known:
                self.note(line, f"{dot}{key}", Bad("unknown", names=", ".join(known)))
            elif not (isinstance(value, Scalar) and value.absent):
                self.value(known[key], value, f"{dot}{key}", values, key)
        for key, wanted in known.items():
            given = found.get(key)
            if wanted.required and (given is None or (isinstance(given[1], Scalar) and given[1].absent)):
                self.note(given[0] if given else node.line, f"{dot}{key}", Bad("missing"))
        return values

    def value(self, wanted: Field, node: Node, name: str, values: dict[str, Any], key: str) -> None:
        """Read one field into `values`."""
        try:
            if wanted.read is not None:
                values[key] = wanted.read(fields.scalar(node))
            else:
                values[key] = [
                    self.element(wanted, item, f"{name}[{at}]")
                    for at, item in enumerate(fields.items(node), start=1)
                ]
        except Bad as e:
            self.note(node.line, name, e)

    def element(self, wanted: Field, node: Node, name: str) -> Any:
        """Read one element of a list; None where it has a fault."""
        self.lines[name] = node.line
        if wanted.table is not None:
            return self.table(node, wanted.table, name, {})
        assert wanted.each is not None
        try:
            return wanted.each(fields.scalar(node))
        except Bad as e:
            self.note(node.line, name, e)
            return None
