"""Indexes of rule tests: captures, rules, arguments, and the alerts they must give.

The alerts are of a reader that ends where a capture is damaged (libpcap), so ours does here, too.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from citywall.errors import CitywallError, InputError

if TYPE_CHECKING:
    from citywall.applicationsettings import ApplicationSettings
    from rules.match.engine import Engine
    from rules.match.limits import Limits


class Case(msgspec.Struct):
    """One test. Paths are relative to the index."""

    name: str
    pcap: str
    rules: str
    expected: dict[str, int]
    args: list[str] = []


@dataclass(frozen=True)
class Outcome:
    """What a test gave."""

    name: str
    expected: dict[str, int]
    got: dict[str, int]
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether each signature told as often as it must."""
        return not self.error and self.got == self.expected


@dataclass(frozen=True)
class Options:
    """A test's arguments, understood: those that change what is matched."""

    inline: bool = False
    checksums: bool = True
    sets: dict[str, str] = field(default_factory=dict)


def read_index(path: Path) -> list[Case]:
    """The tests of an index; raises InputError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Case])
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    except msgspec.MsgspecError as e:
        raise InputError(str(path), str(e)) from e


def options_of(args: Sequence[str]) -> Options:
    """Suricata's command line, as far as it matters here."""
    found = Options()
    words = iter([word for arg in args for word in shlex.split(arg)])
    for word in words:
        if word == "-k":
            found = replace(found, checksums=next(words, "") != "none")
        elif word == "--simulate-ips":
            found = replace(found, inline=True)
        elif word == "--set" or word.startswith("--set="):
            pair = word[6:] if word.startswith("--set=") else next(words, "")
            key, _, value = pair.partition("=")
            found.sets[key.strip()] = value.strip()
            if key.strip() == "pcap-file.checksum-checks" and value.strip() == "no":
                found = replace(found, checksums=False)
    return replace(found, inline=found.inline or found.sets.get("stream.inline") in {"true", "yes"})


def size_of(text: str) -> int | None:
    """Bytes of `200kb`, `1mb` or a bare number, None of anything else."""
    found = re.fullmatch(r"(\d{1,9})\s*(kb|mb|gb)?", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    return min(int(found[1]) << {"": 0, "kb": 10, "mb": 20, "gb": 30}[(found[2] or "").lower()], 1 << 28)


def settings_of(options: Options) -> ApplicationSettings:
    """How streams and application layers are to be read."""
    from citywall.applicationsettings import ApplicationSettings, Urgent

    sets, defaults = options.sets, ApplicationSettings()
    bodies = [
        size_of(v) for k, v in sets.items() if k.endswith(("response-body-limit", "request-body-limit"))
    ]
    depth = size_of(sets.get("stream.reassembly.depth", ""))
    urgent = sets.get("stream.reassembly.urgent.policy", "")
    layers = next((v for k, v in sets.items() if k.endswith("response-body-decompress-layer-limit")), "2")
    return ApplicationSettings(
        midstream=sets.get("stream.midstream") in {"true", "yes"},
        async_oneside=sets.get("stream.async-oneside") in {"true", "yes"},
        inline=options.inline,
        checksums=options.checksums,
        urgent=next((u for u in get_args(Urgent) if u == urgent), defaults.urgent),
        depth_bytes=defaults.depth_bytes if depth is None else depth,
        body_bytes=max([defaults.body_bytes, *(size for size in bodies if size is not None)]),
        inflate_layers=int(layers) if layers.isdigit() else 2,
        lzma=any(k.endswith(".lzma-enabled") and v == "yes" for k, v in sets.items()),
    )


def run_suite(index: Path) -> Iterator[Outcome]:
    """Run every test of an index, in order."""
    for case in read_index(index):
        try:
            got = _run(case, index.parent)
        except CitywallError as e:
            yield Outcome(case.name, case.expected, {}, str(e))
        else:
            yield Outcome(case.name, case.expected, got)


def _run(case: Case, root: Path) -> dict[str, int]:
    from rules.classes import CLASSES
    from rules.language.parser import Parser
    from rules.match.engine import Engine
    from stream.matching import over_capture

    path = root / case.rules
    options = options_of(case.args)
    found = Parser(classes=CLASSES).files([path])
    engine = Engine(found.rules, _limits(options, path.parent), inline=options.inline)
    engine.checksums = options.checksums
    alerts = over_capture(root / case.pcap, engine, settings_of(options), until_damage=True)
    return dict(sorted(Counter(str(alert.rule.sid) for alert in alerts).items()))


def _limits(options: Options, folder: Path) -> Limits | None:
    from rules.match.limits import read_limits

    name = options.sets.get("threshold-file", "")
    if not name:
        return None
    return read_limits(folder / name.replace("${TEST_DIR}/", ""))


@dataclass
class Comparison:
    """Expected alerts beside those found, by capture and signature."""

    expected: int = 0
    found: int = 0
    extra: int = 0
    captures: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, path: str, expected: Counter[str], got: Counter[str]) -> None:
        """One capture."""
        missing, extra = expected - got, got - expected
        self.expected += expected.total()
        self.found += (expected & got).total()
        self.extra += extra.total()
        if missing or extra:
            self.captures[path] = {
                "missing": dict(sorted(missing.items())),
                "extra": dict(sorted(extra.items())),
            }


def compare(expected: Path, root: Path, engine: Engine) -> Iterator[tuple[str, Counter[str], Counter[str]]]:
    """(capture, expected, got) of every capture that a file of expected alerts names."""
    from citywall.applicationsettings import ApplicationSettings
    from stream.matching import over_capture

    for path, alerts in read_expected(expected).items():
        wanted = Counter(str(alert["sid"]) for alert in alerts)
        got = over_capture(
            root / path, engine.fresh(), ApplicationSettings(midstream=False), until_damage=True
        )
        yield path, wanted, Counter(str(alert.rule.sid) for alert in got)


def read_expected(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Expected alerts by capture; raises InputError."""
    try:
        told = json.loads(path.read_bytes())
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    except ValueError as e:
        raise InputError(str(path), f"no JSON: {e}") from e
    if not isinstance(told, dict) or not all(
        isinstance(alerts, list) and all(isinstance(a, dict) and "sid" in a for a in alerts)
        for alerts in told.values()
    ):
        raise InputError(str(path), "not a table of captures with their alerts")
    return told
