"""The servers' programs, from Maven Central into a folder that every clone of one user shares."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import ServiceUnavailable

#: Fixed, as a newer one might change what is copied.
COPIER = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
#: Seconds. Some 150 MB over a slow line; what takes longer has hung.
FETCH_LIMIT_S = 900.0

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>citywall</groupId>
  <artifactId>services</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = """\
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{name}</artifactId>
      <version>{version}</version>
      <type>{kind}</type>
    </dependency>"""


@dataclass(frozen=True)
class Coordinate:
    """One artefact of a Maven repository; `sha256` (hex), where given, is what it must be."""

    group: str
    name: str
    version: str
    kind: str = "jar"
    sha256: str = ""

    @property
    def file(self) -> str:
        """The name that Maven copies it under."""
        return f"{self.name}-{self.version}.{self.kind}"


@dataclass(frozen=True)
class Program:
    """A server's program: what it is made of, and the folder name it is kept under."""

    folder: str
    coordinates: tuple[Coordinate, ...]

    @property
    def pom(self) -> str:
        """The project file whose dependencies are the program."""
        parts = (
            DEPENDENCY.format(group=c.group, name=c.name, version=c.version, kind=c.kind)
            for c in self.coordinates
        )
        return POM.format(dependencies="\n".join(parts))

    def obtain(self) -> Path:
        """The folder with the program, fetched if it is not there yet.

        Archives among the artefacts are unpacked. Raises ServiceUnavailable, with Maven's own words.
        """
        kept = cache_folder() / self.folder
        if not kept.is_dir():
            with alone(kept.with_name(f"{kept.name}.lock")):
                if not kept.is_dir():
                    self._fetch(kept)
        return kept

    def _fetch(self, kept: Path) -> None:
        maven = shutil.which("mvn")
        if maven is None:
            raise ServiceUnavailable(f"Maven (mvn) is needed to fetch {self.folder}: apt-get install maven")
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f".{self.folder}-") as name:
            work = Path(name)
            (work / "pom.xml").write_text(self.pom, "utf-8")
            new = work / "new"
            try:
                done = subprocess.run(
                    [maven, "-q", "-B", *self._strictly, "-f", work / "pom.xml", COPIER,
                     "-DincludeScope=runtime", f"-DoutputDirectory={new}"],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                    timeout=FETCH_LIMIT_S,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise ServiceUnavailable(
                    f"fetching {self.folder} took more than {FETCH_LIMIT_S:.0f} s"
                ) from None
            if done.returncode != 0:
                raise ServiceUnavailable(f"Maven could not fetch {self.folder}: {_complaint(done.stdout)}")
            self._verify(new)
            for archive in new.glob("*.zip"):
                unpack(archive, new)
                archive.unlink()
            new.chmod(0o755)
            new.rename(kept)

    @property
    def _strictly(self) -> tuple[str, ...]:
        """Where not every digest is ours, a checksum that does not match is an error: Maven only warns.

        It would then also refuse what a mirror serves without a checksum.
        """
        return () if all(c.sha256 for c in self.coordinates) else ("-C",)

    def _verify(self, folder: Path) -> None:
        """Compare what was fetched with the digests that are ours; raises ServiceUnavailable."""
        for coordinate in self.coordinates:
            if not coordinate.sha256:
                continue
            with (folder / coordinate.file).open("rb") as fetched:
                found = hashlib.file_digest(fetched, "sha256").hexdigest()
            if found != coordinate.sha256:
                raise ServiceUnavailable(
                    f"{coordinate.file} as fetched has the SHA-256 {found}, not {coordinate.sha256}"
                )


def cache_folder() -> Path:
    """Where programs are kept: `citywall/services` in the user's cache folder; made if absent."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "citywall" / "services"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ServiceUnavailable(f"{folder} cannot be made: {e.strerror}") from e
    return folder


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, so that clones that start together fetch once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip with the permissions kept in it, which `zipfile` drops."""
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            path = Path(packed.extract(entry, folder))
            if mode := entry.external_attr >> 16 & 0o777:
                path.chmod(mode)


def _complaint(output: str) -> str:
    lines = [line for line in output.splitlines() if "ERROR" in line and line.strip() != "[ERROR]"]
    return " ".join((lines or output.splitlines() or ["it said nothing"])[:3])[:1000]
