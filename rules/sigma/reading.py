"""Files of Sigma rules: those that can be decided here, and the others with the reason why not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from citywall.errors import InputError
from citywall.findings import Severity
from citywall.rulesettings import files_of
from rules.sigma.compiling import compile_condition, fields_of
from rules.sigma.conditions import Condition, one_of
from rules.sigma.fields import Source, sources

#: Bytes of a file that is read.
LARGEST = 1 << 20
_LEVELS = {"informational": Severity.INFORMATIONAL, "low": Severity.LOW, "medium": Severity.MEDIUM,
           "high": Severity.HIGH, "critical": Severity.CRITICAL}  # fmt: skip
_SURE = {"stable": 0.9, "test": 0.7, "experimental": 0.5}


@dataclass(frozen=True)
class Ready:
    """A rule, ready. `whole`: it asks for what is known of a flow only at its end."""

    id: str
    title: str
    severity: Severity
    confidence: float
    source: Source
    whole: bool
    condition: Condition
    tags: tuple[str, ...]
    file: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Rejected:
    """A rule that is not used, and why."""

    file: str
    document: int
    id: str
    reason: str


@dataclass
class SigmaSet:
    """What files hold."""

    rules: list[Ready] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read(paths: Sequence[Path]) -> SigmaSet:
    """The rules of files, and of folders of them; raises InputError for one that cannot be read at all."""
    found = SigmaSet()
    for path in paths:
        for file in files_of(path, ".yml", ".yaml"):
            _file(file, file.relative_to(path).as_posix() if path.is_dir() else file.name, found)
    return found


def _file(path: Path, name: str, found: SigmaSet) -> None:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(str(path), f"a file of Sigma rules has at most {LARGEST >> 20} MiB")
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    try:
        # What stands for other parts of a file may stand for more than memory holds.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            found.rejected.append(Rejected(name, 0, "", "aliases (*name) are not read"))
            return
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        found.rejected.append(Rejected(name, 0, "", f"this is not YAML: {' '.join(str(e).split())[:200]}"))
        return
    for number, document in enumerate(documents, 1):
        if document is not None:
            _document(document, name, number, found)


def _document(document: Any, name: str, number: int, found: SigmaSet) -> None:
    known = str(document.get("id", "")) if isinstance(document, dict) else ""
    try:
        ready = compiled(document, name)
        if any(rule.id == ready.id for rule in found.rules):
            raise ValueError(f"the id {ready.id} was used before")
    except (SigmaError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as e:
        reason = " ".join(str(e).split())[:300] or type(e).__name__
        found.rejected.append(Rejected(name, number, known, reason))
        return
    found.rules.append(ready)


def compiled(document: Any, name: str) -> Ready:
    """A rule out of a document; raises ValueError (pySigma's are of it) and what pySigma stumbles on."""
    if not isinstance(document, dict):
        raise ValueError("this is no rule")
    if "correlation" in document or "filter" in document or document.get("action") is not None:
        raise ValueError("correlations, filters and collections are not done: single rules are")
    rule = SigmaRule.from_dict(document)
    if "timeframe" in document.get("detection", {}):
        raise ValueError("a timeframe asks for more than one event")
    logs = rule.logsource
    trees = [condition.parsed for condition in rule.detection.parsed_condition]
    asked = {name for each in trees for name in fields_of(each)}
    choices = sources(logs.category, logs.product, logs.service)
    fitting = [source for source in choices if asked <= {f for f in asked if f.lower() in source.fields}]
    source = (fitting or choices)[0]
    condition = one_of([compile_condition(each, source) for each in trees])
    digest = hashlib.sha256(repr(sorted(map(str, document.items()))).encode()).hexdigest()[:16]
    return Ready(
        str(rule.id or digest), str(rule.title), _LEVELS[rule.level.name.lower() if rule.level else "medium"],
        _SURE.get(rule.status.name.lower() if rule.status else "", 0.5), source,
        any(source.fields[name.lower()].whole for name in asked), condition,
        tuple(f"{tag.namespace}.{tag.name}" for tag in rule.tags), name, tuple(sorted(asked)),
    )  # fmt: skip
