"""What an update would change: read before it counts, so that nobody gets a set that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.errors import FaultyInput, InputError
from rules.classes import CLASSES
from rules.indicators import reading
from rules.indicators.model import Indicators
from rules.language.model import Rule
from rules.language.parser import Parser, RuleSet
from rules.sets.choices import Choice, check, speaks
from rules.sets.folder import INDICATORS, SIGMA, SIGNATURES, RuleFolder, Version
from rules.sets.loading import load

if TYPE_CHECKING:
    from rules.sigma.reading import SigmaSet


@dataclass
class Holding:
    """What a version holds, switched off or not, and what of it cannot be used."""

    rules: RuleSet
    indicators: Indicators = field(default_factory=Indicators)
    sigma: SigmaSet | None = None

    @property
    def usable(self) -> bool:
        """Whether anything of it can be used."""
        sigma = self.sigma is not None and self.sigma.rules
        return bool(self.rules.rules or self.indicators.found or sigma)


@dataclass(frozen=True)
class Change:
    """What became of the signatures from one version to the next."""

    version: Version
    holding: Holding
    added: int
    removed: int
    changed: int
    same: int


#: Is told, before a version counts, what counted before it; gives the number of the record it made.
Witness = Callable[[Version | None, Version], int]


def nobody(_before: Version | None, _after: Version) -> int:
    """Who changes a folder that is nobody's."""
    return 0


def parsed(files: Sequence[Path], known: Sequence[Rule] = ()) -> RuleSet:
    """The rules of files, each under its own name, with the variables of the settings' defaults."""
    return load(Parser(classes=CLASSES), [(path.name, path) for path in files], known=known)


def everything(folder: RuleFolder, version: Version) -> list[Rule]:
    """All rules of a version, on or off, but for remarks that nobody switched on; raises InputError."""
    named = [(path.name, path) for path in folder.files(version, SIGNATURES)]
    return load(Parser(classes=CLASSES), named, version.choices, all_of_them=True).rules


def holding(folder: RuleFolder, version: Version, known: Sequence[Rule] = ()) -> Holding:
    """What a version holds; raises InputError."""
    return Holding(
        parsed(folder.files(version, SIGNATURES), known), reading.read(folder.files(version, INDICATORS)),
        sigma_of(folder, version),
    )  # fmt: skip


def sigma_of(folder: RuleFolder, version: Version) -> SigmaSet | None:
    """The Sigma rules of a version, None where it has no such files; raises InputError."""
    if not folder.files(version, SIGMA):
        return None
    from rules.sigma import reading as sigma  # pySigma takes a while to import

    return sigma.read([folder.home(version.number) / SIGMA])


def update(
    folder: RuleFolder, contents: dict[str, bytes], origin: str, *, replace: bool, witness: Witness = nobody
) -> Change:
    """A new version with files put in, which counts from then on; raises InputError where none can be used.

    `replace`: of each kind there is in `contents`, files that are not among them go. `witness` is told before
    it counts.
    """
    before = folder.current() if folder else None
    old = holding(folder, before).rules.rules if before is not None else []
    version = folder.put(contents, origin, keep=not replace)
    try:
        held = holding(folder, version, old)
        if not held.usable:
            told = held.rules.rejected[0].reason if held.rules.rejected else "it holds none"
            raise InputError(origin, f"nothing of it can be used: {told}")
    except (InputError, FaultyInput):
        folder.drop(version)
        raise
    _use(folder, before, version, witness)
    return _compared(version, held, old)


def _compared(version: Version, held: Holding, old: Sequence[Rule]) -> Change:
    before = {(rule.gid, rule.sid): rule.text for rule in old}
    after = {(rule.gid, rule.sid): rule.text for rule in held.rules.rules}
    both = before.keys() & after.keys()
    same = sum(before[key] == after[key] for key in both)
    return Change(
        version, held, len(after.keys() - before.keys()), len(before.keys() - after.keys()), len(both) - same,
        same,
    )  # fmt: skip


def back(folder: RuleFolder, number: int, witness: Witness = nobody) -> Version:
    """Have a version that is kept count again."""
    version = folder.version(number)
    folder.use(version, witness(folder.current(), version))
    return version


def _use(folder: RuleFolder, before: Version | None, version: Version, witness: Witness) -> None:
    """Have a new version count; one of which nobody may be told does not."""
    try:
        audited = witness(before, version)
    except BaseException:
        folder.drop(version)
        raise
    folder.use(version, audited)


def switch(
    folder: RuleFolder, what: Sequence[str], *, on: bool, witness: Witness = nobody
) -> tuple[Version, dict[str, int]]:
    """A version in which rules are switched on or off, which counts from then on; raises ValueError.

    Also how many rules each word means, those among remarks, too.
    """
    known = folder.current()
    words = [check(word) for word in what]
    everything = (*(Choice(True, word) for word in words),)
    files = [(path.name, path) for path in folder.files(known, SIGNATURES)]
    rules = load(Parser(classes=CLASSES), files, everything).rules
    meant = {word: sum(speaks(word, rule) for rule in rules) for word in words}
    if any(word.startswith("sigma:") for word in words) and (sigma := sigma_of(folder, known)) is not None:
        meant |= {f"sigma:{rule.id}": 1 for rule in sigma.rules if f"sigma:{rule.id}" in words}
    kept = tuple(choice for choice in known.choices if choice.what not in words)
    origin = f"{'enable' if on else 'disable'} {' '.join(words)}"
    version = folder.choose((*kept, *(Choice(on, word) for word in words)), origin)
    _use(folder, known, version, witness)
    return version, meant
