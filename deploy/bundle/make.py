"""Make the bundle: everything to install Citywall on a machine without a network.

For each processor one folder with wheels (Citywall's, every dependency's, pip's), checksums, licences, the
service files and an installer. What has no wheel for a processor stops the bundle and is named.
"""

from __future__ import annotations

import argparse
import email.message
import email.parser
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: Oldest C libraries that wheels may ask for, newest first: 2.28 is Kylin V10, openEuler 20.03 and Debian 10.
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
MACHINES = ("x86_64", "aarch64")
#: Tied to more than a permissive licence: what they are, and why they may be in the bundle.
NOTES = {
    "scapy": (
        "Scapy is GPL-2.0-only. It is an unmodified dependency, imported only by ingest/ (rare link types) "
        "and drills/ (synthesis); its wheel is its source."
    ),
    "pysigma": (
        "pySigma is LGPL-2.1-only. It is an unmodified dependency, imported only by rules/sigma/; its wheel "
        "is its source."
    ),
}
#: Without a wheel for every processor, but whose compiled parts are optional: built without them, they serve
#: all. faust-streaming 0.15.3 has none for Linux on arm64; its setup goes on when there is no compiler.
OPTIONALLY_COMPILED = frozenset({"faust-streaming"})
LIMIT_S = 900.0


class BundleError(Exception):
    """The bundle cannot be made."""


@dataclass(frozen=True)
class Licence:
    """What a wheel says of itself."""

    name: str
    version: str
    licence: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the bundles asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machine", action="append", choices=MACHINES, help="processor (default: all)")
    parser.add_argument("--python", action="append", metavar="3.N", help="CPython to run on (default: 3.11)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle", metavar="DIR")
    options = parser.parse_args(arguments)
    pythons = options.python or ["3.11"]
    if wrong := [text for text in pythons if not re.fullmatch(r"3\.(1[1-9])", text)]:
        parser.error(f"--python {wrong[0]}: CPython 3.11 or newer")
    try:
        with tempfile.TemporaryDirectory(prefix="citywall-bundle-") as work:
            pins = resolve(Path(work))
            for machine in options.machine or MACHINES:
                folder = options.out / machine
                build(folder, machine, pythons, Path(work), pins)
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                print(f"{folder}: {len(pins)} packages, {size / 1e6:.0f} MB", file=sys.stderr)
    except BundleError as e:
        print(f"bundle: {e}", file=sys.stderr)
        return 1
    return 0


def resolve(work: Path) -> dict[str, str]:
    """Wheels for this machine in `work/here`, the pure ones also in `work/pure`; name and version of each.

    What has no wheel on the index is built here: the pure ones serve every processor.
    """
    here, pure = work / "here", work / "pure"
    _pip("wheel", "--quiet", "--wheel-dir", here, ROOT, "pip>=25.1")
    pure.mkdir()
    for wheel in here.glob("*-none-any.whl"):
        shutil.copy(wheel, pure)
    return dict(sorted(name_and_version(wheel) for wheel in here.glob("*.whl")))


def build(folder: Path, machine: str, pythons: Sequence[str], work: Path, pins: dict[str, str]) -> None:
    """Make one bundle in `folder`, which is replaced. Raises BundleError naming every wheel there is not."""
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    missing = []
    for python in pythons:
        target = [*target_options(machine, python), "--find-links", work / "pure", "--dest", wheels]
        requirements = {name: f"{name}=={version}" for name, version in pins.items()}
        try:
            _pip("download", "--quiet", "--no-deps", *target, *requirements.values())
        except BundleError:
            # One at a time, to name all that is missing and not only the first.
            for name, requirement in requirements.items():
                try:
                    _pip("download", "--quiet", "--no-deps", *target, requirement)
                except BundleError:
                    if name not in OPTIONALLY_COMPILED:
                        missing.append(f"{requirement} (CPython {python})")
                    else:
                        shutil.copy(without_compiler(name, requirement, work), wheels)
    if missing:
        raise BundleError(f"there are no wheels for {machine} of {', '.join(missing)}")
    (folder / "requirements.txt").write_text("".join(f"{n}=={v}\n" for n, v in pins.items()), "utf-8")
    (folder / "TARGET").write_text(f"machine={machine}\npythons={' '.join(pythons)}\n", "ascii")
    found = {licence_of(wheel) for wheel in wheels.glob("*.whl")}
    (folder / "LICENCES.md").write_text(licence_page(found), "utf-8")
    shutil.copy(HERE / "install.sh", folder)
    shutil.copytree(HERE.parent / "systemd", folder / "systemd")
    write_checksums(folder)


def without_compiler(name: str, requirement: str, work: Path) -> Path:
    """A wheel for every processor of a package whose compiled parts are optional."""
    folder = work / "uncompiled" / name
    if not folder.is_dir():
        environment = {"CC": "/bin/false", "CXX": "/bin/false"}
        _pip("wheel", "--quiet", "--no-deps", "--no-binary", name, "--no-cache-dir", "--wheel-dir", folder,
             requirement, environment=environment)  # fmt: skip
    found = list(folder.glob("*-none-any.whl"))
    if len(found) != 1:
        raise BundleError(f"{requirement} cannot be built without a compiler any more")
    return found[0]


def target_options(machine: str, python: str) -> list[str]:
    """What pip is told to get wheels of another machine and interpreter."""
    options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    for abi in (f"cp{python.replace('.', '')}", "abi3", "none"):
        options += ["--abi", abi]
    for glibc in GLIBC:
        options += ["--platform", f"manylinux_{glibc}_{machine}"]
    # The names of old, for wheels that carry nothing else.
    for name in ("manylinux2014", "manylinux2010", "manylinux1"):
        options += ["--platform", f"{name}_{machine}"]
    return options


def name_and_version(wheel: Path) -> tuple[str, str]:
    """Of a wheel's file name, the name as the index spells it."""
    name, version = wheel.name.split("-")[:2]
    return re.sub(r"[-_.]+", "-", name).lower(), version


def licence_of(wheel: Path) -> Licence:
    """What a wheel's metadata says; the classifiers where the fields say nothing or too much."""
    with zipfile.ZipFile(wheel) as archive:
        entry = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(entry).decode("utf-8", "replace")
    metadata = email.parser.HeaderParser().parsestr(text)
    return Licence(*name_and_version(wheel), _licence(metadata))


def _licence(metadata: email.message.Message) -> str:
    if expression := metadata.get("License-Expression"):
        return str(expression).strip()
    classifiers = [
        str(line).rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier", [])
        if str(line).startswith("License ::") and not str(line).endswith("OSI Approved")
    ]
    stated = str(metadata.get("License", "")).strip()
    if stated and "\n" not in stated and len(stated) < 60 and stated.upper() != "UNKNOWN":
        return stated
    return ", ".join(classifiers) or "see the wheel"


def licence_page(licences: Iterable[Licence]) -> str:
    """The page of licences: a table, with a note where one asks for more than its text."""
    ordered = sorted(licences, key=lambda each: each.name)
    lines = ["# Licences of what is in this bundle", "", "The texts are in the wheels.", ""]
    lines += [NOTES[each.name] for each in ordered if each.name in NOTES]
    lines += ["", "| package | version | licence |", "|---|---|---|"]
    lines += [f"| {each.name} | {each.version} | {each.licence} |" for each in ordered]
    return "\n".join(lines) + "\n"


def write_checksums(folder: Path) -> None:
    """SHA256SUMS of every file in `folder`, in the form of sha256sum."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = (f"{digest(path)}  {path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """Run pip; raises BundleError with the end of what it said."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False,
        timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        raise BundleError(f"pip {arguments[0]}: {done.stderr.strip()[-1000:]}")


if __name__ == "__main__":
    sys.exit(main())
