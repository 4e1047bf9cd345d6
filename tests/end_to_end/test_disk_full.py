"""A disk that fills up while a run writes: a clear error, nothing damaged, and the run goes on with room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Citywall

#: Runs in a mount namespace of its own, on a file system of 64 MiB that somebody has filled up to a rest.
SCRIPT = """
import json, os, pathlib, shutil, subprocess, sys
disk, capture, options, *cases = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(), *sys.argv[4:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=True)
data, filler, told = disk / "data", disk / "filler", []

def citywall(*arguments):
    command = [sys.executable, "-m", "console", *arguments, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout, done.stderr

for case in cases:
    rest, interval = int(case.split(":")[0]), ["--set", "checkpoint.interval_s=" + case.split(":")[1]]
    free = shutil.disk_usage(disk).free
    with filler.open("wb") as f:
        os.posix_fallocate(f.fileno(), 0, free - rest)
    full = citywall("run", capture, "--json", *options, *interval)
    left = sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.is_file())
    filler.unlink()
    again = citywall("run", capture, "--json", *options, *interval)
    alerts = citywall("alerts", "--json", "--limit", "100000")[1]
    told.append({"rest": rest, "full": full, "left": left, "again": again, "alerts": alerts})
    shutil.rmtree(data)
print(json.dumps(told))
"""
OPTIONS = ("capture.block_bytes=32768", "checkpoint.cost_factor=1")
#: Bytes left free and seconds between checkpoints. Where the disk fills up first is chance: in a checkpoint,
#: the log (most of it is held in memory between checkpoints), the archive, the status. Tests of the log
#: itself fill it for certain.
CASES = (f"{64 << 10}:0.05", f"{128 << 10}:0.05", f"{1 << 20}:0.05", f"{512 << 10}:3600")


def namespace() -> list[str]:
    """What begins a command in a mount namespace where we may mount; skips where this machine forbids it."""
    program = shutil.which("unshare")
    if program is None:
        pytest.skip("unshare (util-linux) is needed to fill a disk of our own")
    command = [program, "--mount"] if os.geteuid() == 0 else [program, "--mount", "--map-root-user"]
    probe = [*command, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system of our own cannot be mounted here: {done.stderr.strip()}")
    return command


@pytest.mark.slow
def test_a_full_disk(citywall: Citywall, busy: Path, tmp_path: Path):
    begin = namespace()
    options = [part for option in OPTIONS for part in ("--set", option)]
    citywall.run(busy, *options)
    expected = citywall.alerts()
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        [*begin, sys.executable, "-c", SCRIPT, disk, busy, " ".join(options), *CASES],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=280,
        env=os.environ | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for told in json.loads(done.stdout):
        code, _, errors = told["full"]
        assert code == 1, told
        assert "no space left" in errors.lower() or "disk is full" in errors, told
        assert "Traceback" not in errors, told
        code, report, errors = told["again"]
        assert code == 0, told
        assert json.loads(report)["alerts"] == len(expected)
        found = {}
        for line in told["alerts"].splitlines():
            document = json.loads(line)
            document["event"].pop("ingested")
            found[document["event"]["id"]] = document
        assert found == expected
