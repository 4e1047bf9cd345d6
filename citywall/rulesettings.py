"""`[rules]`: signatures, their variables and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from citywall.sessions import file_digest

#: In a folder of rules, the file that says which version counts.
CURRENT = "current"


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which signatures a run matches, and what their variables stand for."""

    files: Annotated[
        tuple[str, ...], Meta(description="Files of rules in Suricata's language; `--rules` adds to them.")
    ] = ()
    addresses: Annotated[
        dict[str, str],
        Meta(
            description="Address variables by name, such as DNS_SERVERS; HOME_NET is `home` where not given."
        ),
    ] = {}
    ports: Annotated[dict[str, str], Meta(description="Port variables by name, such as HTTP_PORTS.")] = {}
    threshold_file: Annotated[
        str, Meta(description="A file of suppress, threshold and rate_filter lines, or nothing.")
    ] = ""
    indicators: Annotated[
        tuple[str, ...],
        Meta(description="Indicator lists (plain, CSV, STIX 2.1, MISP); `--indicators` adds to them."),
    ] = ()
    sigma: Annotated[
        tuple[str, ...], Meta(description="Sigma rules: files, or folders of them; `--sigma` adds to them.")
    ] = ()
    folder: Annotated[
        str, Meta(description="The folder of `citywall rules update`, whose rules are taken as they change.")
    ] = ""

    reputation_categories: Annotated[
        str, Meta(description="For `iprep`: a file of categories, `number,NAME,description` a line.")
    ] = ""
    reputation_files: Annotated[
        tuple[str, ...], Meta(description="For `iprep`: files of `address or prefix,category,0..127`.")
    ] = ()
    countries: Annotated[
        str, Meta(description="For `geoip`: a database of countries (MMDB); needs the package maxminddb.")
    ] = ""
    by_version: Annotated[
        bool,
        Meta(
            description="Whether the version of `folder` is part of what a session is. The service leaves it"
            " out: it takes changes as they come, and goes on after a restart."
        ),
    ] = True

    @property
    def beside(self) -> tuple[str, ...]:
        """Files that change what signatures find: limits, reputations and countries."""
        named = (
            self.threshold_file, self.reputation_categories, *self.reputation_files, self.countries,
        )  # fmt: skip
        return tuple(file for file in named if file)

    @property
    def waiting(self) -> bool:
        """Whether no rule can look at packets by now, but the folder may get some at any time."""
        return self.empty and not (self.files or self.indicators)

    @property
    def empty(self) -> bool:
        """Whether the folder is named and has nothing yet."""
        return bool(self.folder) and not (Path(self.folder) / CURRENT).is_file()

    @property
    def watched(self) -> bool:
        """Whether flows and events are looked through for indicators, or by Sigma rules."""
        return bool(self.indicators or self.sigma or self.folder)

    def lists_digest(self) -> list[str]:
        """What indicators, Sigma rules and the folder of rules hold; raises InputError."""
        files = [Path(file) for file in (*self.indicators, *self.sigma)]
        files += [Path(self.folder) / CURRENT] if self.folder and self.by_version else []
        files += [Path(file) for file in self.beside]
        return [file_digest(each) for file in files for each in files_of(file, ".yml", ".yaml")]


def files_of(path: Path, *suffixes: str) -> list[Path]:
    """A file itself; of a folder the files in it and below with one of `suffixes`, in order."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in suffixes and file.is_file())
