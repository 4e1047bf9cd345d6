"""The rules of a version, ready to be matched: those that did not change are those that were there before."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from citywall.errors import InputError, RuleFault
from rules.keywords.meta import NotForUs
from rules.language.lines import sid_of
from rules.language.model import Rule
from rules.language.parser import Parser, Rejected, RuleSet
from rules.sets.choices import Choice, is_on, wanted_remarks


def load(
    parser: Parser, files: Sequence[tuple[str, Path]], choices: Sequence[Choice] = (),
    known: Iterable[Rule] = (), *, all_of_them: bool = False,
) -> RuleSet:  # fmt: skip
    """The rules of files (each with the name that it is told under) that are switched on, or `all_of_them`.

    `known` are rules read before by a parser with the same variables: a rule whose text is among them is
    not read again, and is the same object where it stands at the same place. Raises InputError.
    """
    found = RuleSet()
    reader = _Known(parser, {rule.text: rule for rule in known})
    for name, path in files:
        try:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as e:
            raise InputError(str(path), e.strerror or str(e)) from e
        reader.text(text, name, found)
        for remark in wanted_remarks(text, choices):
            _also(reader, remark, name, found, choices)
    if choices and not all_of_them:
        found.rules = [rule for rule in found.rules if is_on(rule, choices)]
    return found


class _Known:
    """A parser that remembers."""

    def __init__(self, parser: Parser, known: Mapping[str, Rule]) -> None:
        self._parser, self._known = parser, known

    def text(self, text: str, file: str, found: RuleSet) -> None:
        """Read rules out of a text."""
        self._parser.text(text, file, found, read=self.rule)

    def rule(self, text: str, file: str, line: int) -> Rule:
        """Read one rule."""
        known = self._known.get(text.strip())
        if known is None:
            return self._parser.rule(text, file, line)
        if (known.file, known.line) == (file, line):
            return known
        moved = copy.copy(known)
        moved.file, moved.line = file, line
        return moved


def _also(
    reader: _Known, remark: tuple[int, str], file: str, found: RuleSet, choices: Sequence[Choice]
) -> None:
    """A rule that its file has as a remark, where it is switched on."""
    line, text = remark
    try:
        rule = reader.rule(text, file, line)
    except NotForUs:
        return
    except RuleFault as e:
        found.rejected.append(Rejected(file, line, e.column or 1, sid_of(text), e.reason))
        return
    if is_on(rule, choices, written=False) and not any(
        (other.gid, other.sid) == (rule.gid, rule.sid) for other in found.rules
    ):
        found.total += 1
        found.rules.append(rule)
