"""The rules of a run: signatures, indicators and Sigma rules, read at first and again as they change.

Where settings name a folder of rules, others may put a new version there while we run. A session begins with
what the folder has then. Later changes are noticed between batches, read in a thread beside the run (what did
not change is not made again), and count from some batch on: who asks for what is in use before each batch
gets the old set or the new one, whole. A version that cannot be read is told in the log and changes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.errors import CitywallError, InputError
from citywall.settings import Settings
from rules import countries, reputation
from rules.cards import card, name_of
from rules.classes import CLASSES
from rules.flowlogs.matching import FlowLogRules
from rules.indicators import reading, telling
from rules.indicators.model import Indicators
from rules.indicators.tables import Table
from rules.language.addresses import ADDRESS_VARIABLES, PORT_VARIABLES
from rules.language.model import Rule
from rules.language.parser import Parser, RuleSet
from rules.match.engine import Engine
from rules.match.limits import Limits, read_limits
from rules.sets.choices import Choice, sigma_on
from rules.sets.folder import INDICATORS, SIGMA, SIGNATURES, RuleFolder
from rules.sets.loading import load
from stream import rulecache
from stream.lookouts import IndicatorLookout, Lookout

if TYPE_CHECKING:
    from rules.sigma.reading import Ready

log = logging.getLogger(__name__)
#: Rules and entries that cannot be used, told one by one in the log; `citywall rules check` tells all.
_MOST_TOLD = 20


@dataclass(frozen=True)
class Armed:
    """What counts: version 0 where no folder was named, or none of it has come yet."""

    version: int
    rules: RuleSet
    engine: Engine
    table: Table
    lookouts: tuple[Lookout, ...]
    sigma: tuple[Ready, ...]

    @property
    def beyond(self) -> bool:
        """Whether anything of it looks at packets."""
        return bool(self.rules.rules) or self.table.beyond


class Armoury:
    """What rules are in use; ask `now` before each batch. Raises InputError or UsageError when it is made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = RuleFolder(Path(settings.rules.folder)) if settings.rules.folder else None
        addresses = dict(ADDRESS_VARIABLES) | {"HOME_NET": f"[{','.join(settings.home)}]"}
        self._addresses = addresses | settings.rules.addresses
        self._ports = dict(PORT_VARIABLES) | settings.rules.ports
        self._domains = Domains(settings.domains)
        self._stamp = self._folder.stamp() if self._folder is not None else (0, 0)
        self.making: threading.Thread | None = None  # what reads another version
        self._lock = threading.Lock()
        self.cards = Cards(self)
        self._armed = self._made(None)
        self.cards.add(self._armed)

    @property
    def watches(self) -> bool:
        """Whether rules may change while we run."""
        return self._folder is not None

    @property
    def speaks(self) -> bool:
        """Whether captures are to be matched: not where flows and events say all that is asked."""
        return bool(self._settings.rules.files) or self.watches or self._armed.table.beyond

    def now(self) -> Armed:
        """What counts from here on; begins to read another version where there is one."""
        if self._folder is not None and self.making is None and self._folder.stamp() != self._stamp:
            self.making = threading.Thread(target=self._renew, name="citywall-rules", daemon=True)
            self.making.start()
        return self._armed

    def renew(self) -> Armed:
        """What counts for a session that begins: what the folder has by now, waited for."""
        if self._folder is not None:
            self._renew()
        return self._armed

    def lookouts(self, begins: bool) -> Sequence[Lookout]:
        """Those that count for the next batch of a session, or of one that begins."""
        return (self.renew() if begins else self.now()).lookouts

    def _renew(self) -> None:
        assert self._folder is not None
        with self._lock:  # who comes second finds it done
            try:
                stamp = self._folder.stamp()
                if stamp != self._stamp:
                    self._stamp = stamp
                    armed = self._made(self._armed)
                    self.cards.add(armed)
                    self._armed = armed
                    log.info("rules of version %d are in use", armed.version)
            except (CitywallError, OSError) as e:
                log.warning("the rules stay as they are, the new ones cannot be used: %s", e)
            finally:
                self.making = None

    def _made(self, before: Armed | None) -> Armed:
        settings = self._settings.rules
        files, names = [Path(file) for file in settings.files], list(settings.files)
        lists = [Path(file) for file in settings.indicators]
        sigma = [Path(file) for file in settings.sigma]
        version, choices = 0, tuple[Choice, ...]()
        if self._folder is not None and (self._folder or settings.by_version):
            current = self._folder.current()
            version, choices = current.number, current.choices
            more = self._folder.files(current, SIGNATURES)
            files, names = [*files, *more], [*names, *(path.name for path in more)]
            lists += self._folder.files(current, INDICATORS)
            sigma += [self._folder.home(current.number) / SIGMA] if self._folder.files(current, SIGMA) else []
        rules = self._rules(files, names, choices, before)
        ready = reputation.applied(rules.rules, self._reputations())
        known = self._countries(rules.rules)
        ready = countries.applied(ready, known)
        limits = self._limits()
        engine = Engine(ready, limits, before=before.engine if before is not None else None, countries=known)
        table = Table(self._read(lists).found)
        lookouts: list[Lookout] = [IndicatorLookout(table, self._domains)] if table.in_rows else []
        if logged := FlowLogRules(ready, limits, self._domains):
            lookouts.append(logged)
        told = self._sigma(sigma, choices) if sigma else ()
        if told:
            from rules.sigma.matching import SigmaLookout

            lookouts.append(SigmaLookout(told, self._domains))
        return Armed(version, rules, engine, table, tuple(lookouts), tuple(told))

    def _sigma(self, files: list[Path], choices: tuple[Choice, ...]) -> list[Ready]:
        from rules.sigma import reading as sigma  # pySigma takes a while to import

        found = sigma.read(files)
        for fault in found.rejected[:_MOST_TOLD]:
            log.warning("%s: the Sigma rule %s is not used: %s", fault.file, fault.id or "?", fault.reason)
        if self._settings.rules.sigma and not found.rules:
            told = found.rejected[0].reason if found.rejected else "there is none in it"
            raise InputError(self._settings.rules.sigma[0], f"no Sigma rule can be used: {told}")
        return [rule for rule in found.rules if sigma_on(rule.id, choices)]

    def _rules(
        self, files: list[Path], names: list[str], choices: tuple[Choice, ...], before: Armed | None
    ) -> RuleSet:
        if before is None:
            found = rulecache.read(
                files, self._addresses, self._ports, CLASSES, names=names, choices=choices
            )  # fmt: skip
        else:
            parser = Parser(self._addresses, self._ports, CLASSES)
            found = load(parser, list(zip(names, files, strict=True)), choices, before.rules.rules)
        for fault in found.rejected[:_MOST_TOLD]:
            log.warning(
                "%s:%d:%d: a rule is not used: %s", fault.file, fault.line, fault.column, fault.reason
            )
        if self._settings.rules.files and not found.rules:
            told = found.rejected[0].reason if found.rejected else "it holds none"
            raise InputError(self._settings.rules.files[0], f"no rule of it can be used: {told}")
        return found

    def _reputations(self) -> reputation.Reputations | None:
        settings = self._settings.rules
        if not settings.reputation_categories:
            return None
        lists = [Path(file) for file in settings.reputation_files]
        found = reputation.read(Path(settings.reputation_categories), lists)
        for line in found.refused:
            log.warning("a reputation is not used: %s", line)
        if found.refused_count > len(found.refused):
            log.warning("%d more reputations are not used", found.refused_count - len(found.refused))
        return found

    def _countries(self, rules: Sequence[Rule]) -> countries.Countries | None:
        """The database of countries, read where a rule asks for it."""
        file = self._settings.rules.countries
        return countries.read(Path(file)) if file and countries.asked(rules) else None

    def _limits(self) -> Limits | None:
        file = self._settings.rules.threshold_file
        return read_limits(Path(file), self._addresses) if file else None

    def _read(self, lists: list[Path]) -> Indicators:
        found = reading.read(lists)
        for entry in found.refused[:_MOST_TOLD]:
            log.warning("%s, %s: an indicator is not used: %s", entry.file, entry.place, entry.reason)
        if found.refused_count > _MOST_TOLD:
            log.warning("%d more indicators are not used", found.refused_count - _MOST_TOLD)
        if self._settings.rules.indicators and not found.found:
            told = found.refused[0].reason if found.refused else "there is none in it"
            raise InputError(str(lists[0]), f"no indicator can be used: {told}")
        return found


class Cards(Mapping[str, DetectorCard]):
    """What the alert writer needs to know of every rule there was in this run.

    A finding may come from a process that read a newer version: where its rule is not known, we read it, too.
    """

    def __init__(self, armoury: Armoury) -> None:
        self._armoury = armoury
        self._known = dict(telling.cards())
        self._rules: dict[str, Rule] = {}  # whose cards they are

    def beside(self, others: Mapping[str, DetectorCard]) -> Cards:
        """The same, with those of detectors."""
        self._known |= others
        return self

    def add(self, armed: Armed) -> None:
        """Know the rules of another version, too."""
        for rule in armed.rules.rules:
            name = name_of(rule)
            if self._rules.get(name) is not rule:
                self._rules[name], self._known[name] = rule, card(rule)
        if armed.sigma:
            from rules.sigma import matching

            self._known |= {matching.name_of(rule): matching.card(rule) for rule in armed.sigma}

    def __getitem__(self, name: str) -> DetectorCard:
        if name not in self._known and name.startswith(("signature.", "sigma.")) and self._armoury.watches:
            self._armoury.renew()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._known))

    def __len__(self) -> int:
        return len(self._known)
